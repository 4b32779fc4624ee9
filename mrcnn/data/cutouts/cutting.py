"""The three ways to a cut-out: a box, a mask, a picture with transparency."""

import numpy as np
from scipy.ndimage import distance_transform_edt

from mrcnn.cutout import MARGIN, RING_COLORS, Cutout
from mrcnn.data.cutouts.checks import (
    BACKGROUND,
    check_box,
    check_contrast,
    check_count,
    check_name,
    check_size,
    told,
)
from mrcnn.data.cutouts.grabcut import segment_box
from mrcnn.masks import extract_bboxes
from mrcnn.rgb import as_rgb

RING = 0.15  # width of the ring around a thing whose colours are kept, of its longer side
GAP = 2  # pixels between the thing and the ring, where both are blended


def from_box(image, box, name="thing"):
    """Cut out what a box holds, its outline found by GrabCut (Rother, Kolmogorov and Blake 2004).

    Args:
        image: a picture, as `mrcnn.rgb.as_rgb` takes it.
        box: (y1, x1, y2, x2) in pixels, drawn around one thing. What reaches over the photograph's border
            by up to `BEYOND` pixels is cut.
        name: of its class: any text with a letter.

    Returns:
        Cutout.

    Raises:
        ValueError: the box is no box, is beyond the photograph, is too small, shows no contrast, or holds
            nothing that stands out from what is around it; the thing is cut off by the photograph's border;
            the name is none.
    """
    image = as_rgb(image)
    box = check_box(box, image.shape[:2])
    y1, x1, y2, x2 = box
    check_contrast(image[y1:y2, x1:x2].reshape(-1, 3), told(box))
    mask = segment_box(image, box)
    if mask is None:
        raise ValueError(
            f"{told(box)} holds nothing that stands out from what is around it: "
            "draw it closer around one thing, or give a mask."
        )
    return _cut(image, mask, name, told(box))


def from_mask(image, mask, name="thing"):
    """Cut out what a mask covers, as it is.

    Args:
        image: a picture, as `mrcnn.rgb.as_rgb` takes it.
        mask: (H, W) of the photograph's size: bool, or numbers of which all but 0 belong to the thing.
        name: of its class: any text with a letter.

    Returns:
        Cutout.

    Raises:
        ValueError: the mask is of another size or kind, is empty, too small or touches the photograph's
            border, or shows no contrast; the name is none.
    """
    image, mask = as_rgb(image), np.asarray(mask)
    if mask.dtype.kind not in "biuf":
        raise ValueError(
            f"The mask has dtype {mask.dtype}: give bool, or numbers that are 0 outside the thing."
        )
    if mask.shape != image.shape[:2]:
        raise ValueError(
            f"The mask has shape {mask.shape}, its photograph {image.shape[:2]}: they must agree, "
            "so make the mask on the photograph in its full size."
        )
    if not mask.any():
        raise ValueError("The mask is empty: mark the pixels of the thing by anything but 0.")
    return _cut(image, mask != 0, name, "The mask")


def from_rgba(pixels, name="thing"):
    """Take a picture whose transparent part is not the thing.

    Args:
        pixels: (H, W, 4) uint8, red, green, blue and how opaque.
        name: of its class: any text with a letter.

    Returns:
        Cutout, with no colours `around`.

    Raises:
        ValueError: no such array; nothing or everything in it is opaque; the thing is too small; the name
            is none.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 4 or pixels.dtype != np.uint8:
        raise ValueError(
            f"A picture with transparency is an (H, W, 4) uint8 array; got {pixels.shape} {pixels.dtype}."
        )
    visible = pixels[:, :, 3] >= 128
    if not visible.any():
        raise ValueError("The picture is transparent all over: nothing is left to cut out.")
    if visible.all():
        raise ValueError(
            "The picture is opaque all over, so nothing tells the thing from what is around it: "
            "make that transparent, or give a box or a mask."
        )
    y1, x1, y2, x2 = _check_extent(visible, "The opaque part")
    thing = pixels[y1:y2, x1:x2]
    return Cutout(_framed(thing[:, :, :3], thing[:, :, 3]), check_name(name))


def from_ground(image, box):
    """What was taken for a thing and is none, as a cut-out named BACKGROUND.

    Args:
        image: a picture, as `mrcnn.rgb.as_rgb` takes it.
        box: (y1, x1, y2, x2) in pixels; a little of what is around it is taken too.

    Raises:
        ValueError: the box is no box, is beyond the photograph or too small.
    """
    image = as_rgb(image)
    y1, x1, y2, x2 = check_box(box, image.shape[:2])
    more = max(y2 - y1, x2 - x1) // 6
    part = image[max(0, y1 - more) : y2 + more, max(0, x1 - more) : x2 + more]
    opaque = np.full((*part.shape[:2], 1), 255, np.uint8)
    return Cutout(np.concatenate([part, opaque], axis=2), BACKGROUND)


def names_among(cutouts):
    """The names of the things among cut-outs, each once, in their order; not BACKGROUND."""
    return list(dict.fromkeys(cutout.name for cutout in cutouts if cutout.name != BACKGROUND))


def cut_out(image, boxes=None, masks=None, name="thing"):
    """Cut out several examples; what is wrong with one is told with its number.

    Args:
        image: a picture, as `mrcnn.rgb.as_rgb` takes it.
        boxes: (N, 4), see `from_box`, or None.
        masks: (H, W, M), see `from_mask`, or None.
        name: of the class of all, or a list of names, first those of the boxes.

    Returns:
        list of N + M Cutouts.

    Raises:
        ValueError: there is no example, or more than `MOST_EXAMPLES`, or one is unfit.
    """
    image = as_rgb(image)
    boxes = [] if boxes is None else list(boxes)
    masks = [] if masks is None else list(_check_masks(masks))
    ways = [(from_box, box) for box in boxes] + [(from_mask, mask) for mask in masks]
    check_count(len(ways))
    names = [name] * len(ways) if isinstance(name, str) else list(name)
    if len(names) != len(ways):
        raise ValueError(f"There are {len(ways)} examples and {len(names)} names: give one, or one for each.")
    cutouts = []
    for number, ((way, where), called) in enumerate(zip(ways, names, strict=True), start=1):
        try:
            cutouts.append(way(image, where, called))
        except ValueError as error:
            raise ValueError(f"Example {number} of {len(ways)}: {error}") from error
    return cutouts


def _check_masks(masks):
    masks = np.asarray(masks)
    if masks.ndim != 3:
        raise ValueError(f"masks have shape {masks.shape}: give (H, W, N), one plane a thing.")
    return np.moveaxis(masks, 2, 0)


def _check_extent(mask, what):
    """The box of a mask, if that is large enough."""
    box = extract_bboxes(mask[:, :, None])[0]
    check_size(box, what)
    return box


def _cut(image, mask, name, what):
    """The cut-out of a mask (H, W) bool that is not empty."""
    name = check_name(name)
    y1, x1, y2, x2 = _check_extent(mask, what)
    if 0 in (y1, x1) or y2 == mask.shape[0] or x2 == mask.shape[1]:
        raise ValueError(
            f"{what} shows a thing that the photograph's border cuts off: take one that is seen as a whole."
        )
    thing, around = image[y1:y2, x1:x2], _around(image, mask, (y1, x1, y2, x2))
    check_contrast(np.concatenate([thing[mask[y1:y2, x1:x2]], around]), what)
    alpha = mask[y1:y2, x1:x2] * np.uint8(255)
    return Cutout(_framed(thing, alpha), name, around)


def _around(image, mask, box):
    """(n, 3) uint8: some pixels of a ring around a mask (H, W), evenly chosen."""
    y1, x1, y2, x2 = box
    width = max(3, round(RING * max(y2 - y1, x2 - x1)))
    reach = width + GAP
    part = slice(max(0, y1 - reach), y2 + reach), slice(max(0, x1 - reach), x2 + reach)
    outside = distance_transform_edt(~mask[part])
    ring = image[part][(outside > GAP) & (outside <= reach)]
    return ring[:: max(1, -(-len(ring) // RING_COLORS))].copy()


def _framed(colors, alpha):
    """(h, w, 4) uint8 of colours and opacity, with the transparent margin and the colours spread into it."""
    alpha = np.pad(alpha, MARGIN)
    colors = np.pad(colors, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)))
    nearest = distance_transform_edt(alpha == 0, return_distances=False, return_indices=True)
    return np.dstack([colors[tuple(nearest)], alpha])

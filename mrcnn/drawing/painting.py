"""Instances painted on photographs, at the photograph's own resolution and without a figure.

Boxes are `(y1, x1, y2, x2)` in pixels, half-open: row `y2` and column `x2` lie outside. Masks are
`(H, W, N)` boolean, or `MaskCrops`. Colours are `(red, green, blue)` in 0..1, or any name that matplotlib
knows.
"""

import math
from collections import Counter

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from mrcnn.crops import MaskCrops, as_crops, within
from mrcnn.drawing.colors import random_colors, text_color, to_bytes, to_rgb
from mrcnn.drawing.figures import inside_picture, letters, place_labels, with_area
from mrcnn.rgb import as_rgb

ROWS = 1024  # of a mask whose border is drawn at once: in a large picture it may be tall


def apply_mask(image, mask, color, alpha=0.5):
    """Tint the pixels of a mask, in place.

    Args:
        image: (H, W, 3) array with values in 0..255, changed; of more channels the first three.
        mask: (H, W), true where to paint.
        color: The tint.
        alpha: 0 leaves the picture as it is, 1 hides it.

    Returns:
        `image`.
    """
    if image.ndim != 3 or np.shape(mask) != image.shape[:2]:
        raise ValueError(
            f"image must have the shape (H, W, 3) and mask (H, W); got {image.shape} and {np.shape(mask)}."
        )
    mask = np.asarray(mask, dtype=bool)
    colors = image[..., :3]
    colors[mask] = colors[mask] * (1 - alpha) + np.multiply(to_rgb(color), 255 * alpha)
    return image


def draw_box(image, box, color):
    """Draw the border of a box, two pixels wide and inside the box, in place.

    Args:
        image: (H, W, 3) array, changed.
        box: y1, x1, y2, x2 in pixels; what lies outside the picture is cut.
        color: Three numbers in the picture's own range, 0..255 for uint8.

    Returns:
        `image`.
    """
    return _draw_border(image, box, color, thickness=2)


def _draw_border(image, box, color, thickness):
    y1, x1, y2, x2 = inside_picture(check_boxes([box], "box"), image.shape[:2])[0]
    inside = image[y1:y2, x1:x2]
    for edge in (inside[:thickness], inside[-thickness:]):
        edge[:] = color
    for edge in (inside[:, :thickness], inside[:, -thickness:]):
        edge[:] = color
    return image


def tint(canvas, boxes, masks, colors):
    """Tint each mask inside its box, the first instance on top.

    Work is done box by box: a hundred small objects cost no more than one that fills the picture.
    """
    parts = zip(as_crops(masks, boxes).parts(), colors, strict=True)
    for (place, crop), color in reversed(list(parts)):
        apply_mask(canvas[place], np.ascontiguousarray(crop), color, alpha=0.45)


def _draw_outline(canvas, box, crop, color, thickness):
    """Draw the soft border of a mask (h, w) that lies in its box: where the mask, blurred, is near one half.

    A straight edge, blurred by a Gaussian, gives the normal distribution of the distance from it: its
    inverse tells how far from the border each pixel is.
    """
    spread = max(0.8, thickness / 3)  # less would leave corners, more would round off what is small
    reach = math.ceil(4 * spread)
    y1, x1, y2, x2 = box
    bottom = min(y2 + reach, len(canvas))
    columns = slice(max(x1 - reach, 0), min(x2 + reach, canvas.shape[1]))
    for top in range(max(y1 - reach, 0), bottom, ROWS):
        rows = slice(top, min(top + ROWS, bottom))
        # What lies around a strip takes part in its blur.
        around = rows.start - reach, columns.start - reach, rows.stop + reach, columns.stop + reach
        mask = within(crop, box, around).astype(np.float32)
        blurred = gaussian_filter(mask, spread)[reach:-reach, reach:-reach].clip(0, 1)
        opacity = np.clip(thickness / 2 + 0.5 - np.abs(spread * ndtri(blurred)), 0, 1)[..., None]
        part = canvas[rows, columns]
        part[:] = np.rint(part + opacity * (np.array(to_bytes(color)) - part))


def _render_label(caption, font, color):
    """A caption on a filled rectangle: (h, w, 3) uint8."""
    ascent, descent = font.getmetrics()
    margin = max(1, round(font.size / 6))
    size = round(font.getlength(caption)) + 2 * margin, ascent + descent + margin
    label = Image.new("RGB", size, to_bytes(color))
    ImageDraw.Draw(label).text((margin, margin / 2), caption, font=font, fill=text_color(color))
    return np.asarray(label)


def draw_instances(
    image, boxes, masks, class_ids, class_names, scores=None, colors=None, captions=None, size=None
):
    """Paint detected objects on a picture, at the picture's own resolution.

    Each object gets a tint and an outline of its mask, its box, and a caption such as "dog 0.98".
    Of a mask what lies inside its box counts. Lines and letters grow with the picture; in
    a tiny one, a caption that would hide more than a quarter of it is left out.

    Args:
        image: Picture, as `mrcnn.rgb.as_rgb` takes it; it is not changed.
        boxes: (N, 4) in pixels; what lies outside the picture is cut.
        masks: (H, W, N) boolean or `MaskCrops`, or None for boxes alone.
        class_ids: (N,) integers.
        class_names: The name of each class id, a list or a dictionary.
        scores: (N,) in 0..1, or None for captions without numbers.
        colors: N colours; None gives those of `random_colors`.
        captions: N texts in place of names and scores; an empty one is left out.
        size: Side of a square picture whose lines and letters these are to have, in pixels; by default one
            of as many pixels as the picture, or what is less. A large picture of small objects wants less.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ValueError: The arguments disagree on the number of objects or the size of the picture.
    """
    canvas, boxes, masks, colors = check_instances(image, boxes, masks, class_ids, colors)
    if captions is None:
        captions = captions_of(class_ids, class_names, scores)
    check_count(captions, len(boxes), "captions")

    shape = canvas.shape[:2]
    size = min(size or math.inf, math.sqrt(math.prod(shape)))
    line = max(1, round(size / 600))
    outline = line + 2 if size > 200 else 1
    if masks is not None:
        masks = as_crops(masks, boxes)
        tint(canvas, boxes, masks, colors)
    for i in reversed(range(len(boxes))):
        _draw_border(canvas, boxes[i], to_bytes(colors[i]), line)
        if masks is not None:
            _draw_outline(canvas, boxes[i], masks.crops[i], colors[i], outline)

    font = letters(max(11, round(size / 45)))
    visible = [i for i in with_area(boxes) if captions[i]]
    labels = [_render_label(captions[i], font, colors[i]) for i in visible]
    corners = place_labels(boxes[visible], [label.shape[:2] for label in labels], shape)
    for label, (y, x) in reversed(list(zip(labels, corners.astype(int), strict=True))):
        h, w = label.shape[:2]
        if h <= shape[0] and w <= shape[1] and 4 * h * w <= shape[0] * shape[1]:
            canvas[y : y + h, x : x + w] = label
    return canvas


def draw_numbered(image, result, class_names, size=None):
    """Paint what `detect` gave for a picture, numbered, for counting: "7", or "key 7" among several classes.

    Args:
        image: Picture, as `mrcnn.rgb.as_rgb` takes it; it is not changed.
        result: dict `rois`, `class_ids`, `masks`.
        class_names: The name of each class id.
        size: As for `draw_instances`.

    Returns:
        (H, W, 3) uint8.
    """
    boxes, masks, class_ids = result["rois"], result["masks"], result["class_ids"]
    single, totals, captions = len(class_names) == 2, Counter(), []
    for class_id in class_ids:
        totals[class_id] += 1
        name = "" if single else f"{class_names[class_id]} "
        captions.append(f"{name}{totals[class_id]}")
    return draw_instances(image, boxes, masks, class_ids, class_names, captions=captions, size=size)


# What is given


def check_instances(image, boxes, masks, class_ids, colors):
    """What is to be drawn of N objects, which must agree in number and size.

    Returns:
        a copy of the picture, (H, W, 3) uint8; (N, 4) boxes, cut at its border, in whole pixels; the masks;
        N colours.
    """
    canvas = np.array(as_rgb(image), order="C")
    boxes = check_boxes(boxes)
    masks = check_masks(masks, len(boxes), canvas.shape[:2])
    check_count(class_ids, len(boxes), "class_ids")
    return canvas, inside_picture(boxes, canvas.shape[:2]), masks, _check_colors(colors, len(boxes))


def check_boxes(boxes, name="boxes"):
    """Boxes as a float array [N, 4]; an empty list is no boxes."""
    boxes = np.asarray(boxes, dtype=float)
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"{name} must have the shape (N, 4), one row (y1, x1, y2, x2) a box; got {boxes.shape}."
        )
    if not np.isfinite(boxes).all():
        raise ValueError(f"{name} must be finite numbers; got NaN or infinity.")
    return boxes


def check_masks(masks, count, shape, name="masks"):
    """Masks as an array [H, W, count] or as `MaskCrops`; None stays None."""
    if masks is None:
        return None
    if not isinstance(masks, MaskCrops):
        masks = np.asarray(masks)
    if count == 0 and 0 in masks.shape:
        return np.zeros((*shape, 0), dtype=bool)
    if masks.shape != (*shape, count):
        raise ValueError(
            f"{name} must have the shape {(*shape, count)}: height and width of the "
            f"picture, one mask for each of the {count} boxes; got {masks.shape}."
        )
    return masks


def check_count(values, count, name):
    """One value a box, or None."""
    if values is not None and len(values) != count:
        raise ValueError(f"{name} must hold one entry for each of the {count} boxes; got {len(values)}.")
    return values


def first_of(values, count, name):
    """The first `count` values, one a box; None where there are none at all, as the original has it."""
    if values is None or not len(values):
        return None
    return check_count(values[:count], count, name)


def _check_colors(colors, count):
    """`count` colours; without any, those of the palette."""
    colors = first_of(colors, count, "colors")
    return random_colors(count) if colors is None else [to_rgb(color) for color in colors]


def class_labels(class_ids, class_names):
    """The name of each class id, "dog (crowd)" of a negative one; `class_names` is a list or a dictionary."""
    known = class_names if isinstance(class_names, dict) else dict(enumerate(class_names))
    for class_id in class_ids:
        if abs(int(class_id)) not in known:
            raise ValueError(f"class_ids holds {class_id}, for which class_names has no name.")
    return [str(known[abs(int(i))]) + (" (crowd)" if i < 0 else "") for i in class_ids]


def captions_of(class_ids, class_names, scores):
    """Captions such as "dog 0.98", on one line each whatever the class is called."""
    names = [" ".join(name.split()) for name in class_labels(class_ids, class_names)]
    scores = first_of(scores, len(names), "scores")
    if scores is None:
        return names
    return [f"{name} {score:.2f}" for name, score in zip(names, scores, strict=True)]

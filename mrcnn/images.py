"""Pictures on their way into the network and masks on their way out.

    file, Pillow image, array  → as_rgb       → (H, W, 3) uint8
                               → resize_image → the network's size, padded with zeros
                               → mold_image   → minus the mean colour, float32
    28 × 28 mask, its box      → unmold_masks → (H, W, N) bool, at the picture's own size

Boxes are `(y1, x1, y2, x2)` in pixels, half-open: row y2 and column x2 lie outside.
"""

import os
import random
import threading
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps
from scipy import ndimage

# Python keeps one list of warning filters for all threads, so only one may change it at a time.
_WARNINGS = threading.Lock()

STRIP = 1024  # rows of pixels that are taken from Pillow at once
SLACK = 1e-3  # of grey levels in floats
MOST_PIXELS = 8192**2  # of a picture in the network's size; beyond, no memory would hold its features


# Any picture → RGB


def as_rgb(picture, upright=True):
    """Give any picture as an (H, W, 3) uint8 array of red, green and blue.

    Args:
        picture: a path, a Pillow image or an array.
            Files and Pillow images may have any mode; the camera's rotation (EXIF) is applied, and
            of an animation the first frame (of an open image: the current one) is taken.
            Arrays are (H, W), (H, W, 1), (H, W, 3) or (H, W, 4):
            uint8 as it is; bool as black and white; uint16 scaled from 0…65535; other integers
            as 8 bits when no value is over 255, else as 16 bits; floats from 0…1 when no value is
            over 1, else from 0…255.
            An alpha channel is dropped: the colours beneath it count.
        upright: False leaves files and Pillow images as they are stored, not turned as the camera says.

    Returns:
        (H, W, 3) uint8, C-contiguous. An array that is this already is not copied.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no picture, is damaged or is larger than Pillow's safety limit; the
            array has no pixels, another shape, or values that are no grey levels.
    """
    if isinstance(picture, (str, os.PathLike)):
        return _from_array(*_read(Path(picture), upright))
    if isinstance(picture, Image.Image):
        return _from_array(*_decode(picture, "the Pillow image", upright))
    return _from_array(np.asarray(picture), "the picture")


def as_pixels(picture, channels):
    """What a network for pictures of `channels` channels sees of one.

    Args:
        picture: for three channels as `as_rgb` takes it; else an array (H, W, channels) of any numbers.
            Floats of three channels that are no grey levels, under 0 or over 255, are taken as they are,
            as the original took them, with a warning: most often they are molded already.

    Returns:
        (H, W, channels).

    Raises:
        FileNotFoundError, ValueError: as of `as_rgb`; an array of another shape, without pixels, or with
            NaN or infinite values.
    """
    if channels == 3 and not _beyond_grey(picture):
        return as_rgb(picture)
    if np.ndim(picture) != 3 or np.shape(picture)[2] != channels:
        raise ValueError(
            f"The picture has shape {np.shape(picture)}; expected (height, width, {channels}), as "
            "config.IMAGE_CHANNEL_COUNT says."
        )
    picture = np.asarray(picture)
    if not (picture.size and np.isfinite(picture).all()):
        raise ValueError("The picture has no pixels, or NaN or infinite values; replace them, say by 0.")
    if channels == 3:
        warnings.warn(
            f"The picture has {picture.dtype} values from {picture.min():g} to {picture.max():g}, no grey "
            "levels, and is taken as it is. Hand pictures over as they are read: their mean colour is taken "
            "off later.",
            stacklevel=2,
        )
    return picture


def _beyond_grey(picture):
    """Whether this is a picture of floats, three channels, and values under 0 or over 255."""
    if not isinstance(picture, np.ndarray) or picture.dtype.kind != "f" or picture.shape[2:] != (3,):
        return False
    low, high = picture.min(initial=0), picture.max(initial=0)
    return bool(np.isfinite([low, high]).all() and not _in_range(low, high, "f"))


def _in_range(low, high, kind):
    """Whether these may be grey levels of a kind of dtype; floats overshoot by a hair when interpolated."""
    top, slack = (255, SLACK) if kind == "f" else (65535, 0)
    return low >= -slack and high <= top + slack


def _read(path, upright):
    """Open a picture file; gives its pixels as an array, and the file's name for errors."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; check its name and folder.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name the pictures in it one by one.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes); copy or download it again.")
    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path} has more than the {Image.MAX_IMAGE_PIXELS:,} pixels that Pillow takes for safe; "
            "make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except PermissionError as error:
        raise ValueError(f"{path} may not be read; change its permissions.") from error
    except Exception as error:  # damaged headers make Pillow raise errors of many kinds
        raise ValueError(f"{path} is not a picture that Pillow can read; save it as PNG or JPEG.") from error
    with image:
        return _decode(image, str(path), upright)


def _decode(image, name, upright):
    """Decode a Pillow image; gives its pixels as an array, and its name for errors."""
    try:
        image.load()  # some formats tell of the camera's rotation only at their end
        if upright and image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            image = ImageOps.exif_transpose(image)
        # Pillow would cut 16-bit, 32-bit and float pixels at 255: these are scaled as arrays.
        if image.mode.startswith(("I", "F")):
            return np.asarray(image), name
        return _rgb_pixels(image if image.mode == "RGB" else image.convert("RGB")), name
    except Exception as error:  # damaged pixel data makes Pillow raise errors of many kinds
        raise ValueError(
            f"{name} cannot be decoded ({error}); it may be cut short or damaged, "
            "so copy it again or save it anew as PNG."
        ) from error


def _rgb_pixels(image):
    """The pixels of an RGB image. All at once, `np.asarray` would take thrice their room on the way."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        pixels[top:bottom] = image.crop((0, top, image.width, bottom))
    return pixels


def _from_array(array, name):
    """Bring an array of any accepted shape and dtype to (H, W, 3) uint8."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        hint = "channels come last" if array.ndim == 3 else "pass pictures one by one"
        raise ValueError(
            f"{name} has shape {array.shape}; expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): {hint}."
        )
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, so no pixels; check how it was cut.")
    levels = _grey_levels(array, name)
    if channels == 1:
        levels = np.broadcast_to(levels.reshape(*levels.shape[:2], 1), (*levels.shape[:2], 3))
    return np.ascontiguousarray(levels[:, :, :3])


def _grey_levels(array, name):
    """Scale pixels of any dtype to uint8, as told in `as_rgb`; the shape stays."""
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return array
    if kind == "b":
        return array * np.uint8(255)
    if kind not in "uif":
        raise ValueError(f"{name} has dtype {array.dtype}; pixels are integers, floats or bool.")

    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} contains NaN or infinite values; replace them, say by 0.")
    if not _in_range(low, high, kind):
        raise ValueError(
            f"{name} has {array.dtype} values from {low:g} to {high:g}; "
            f"scale them to 0…255{' or 0…1' if kind == 'f' else ''} first."
        )
    if kind == "f":
        scale = 255.0 if high <= 1 + SLACK else 1.0
    else:
        scale = 1 / 257 if array.dtype == np.uint16 or high > 255 else 1.0
    return np.clip(np.rint(array * np.float32(scale)), 0, 255).astype(np.uint8)


# Size


def resize(
    image,
    output_shape,
    order=1,
    mode="constant",
    cval=0,
    clip=True,
    preserve_range=False,
    anti_aliasing=False,
    anti_aliasing_sigma=None,
):
    """Resize a picture, with the arguments and the results of `skimage.transform.resize`.

    What the network uses is bilinear with zeros outside of the picture. Floats, such as the network's
    masks, get it by two products of matrices, some twenty times faster. Integers and bool get it from
    SciPy, bit for bit as scikit-image does: cut to whole grey levels again, or at one half, a rounding error
    would be a grey level or a pixel, and that is enough to change what a network sees. Every other option is
    left to scikit-image itself.

    Args:
        image: (H, W) or (H, W, C), any dtype; bool counts as 0 and 1.
        output_shape: (height, width) in pixels, of which only these two are read here.
        preserve_range: keep 0…255 as it is. Otherwise integers are brought to 0…1.
        order, mode, cval, clip, anti_aliasing, anti_aliasing_sigma: see scikit-image.

    Returns:
        (height, width) or (height, width, C) float, in the range of the values of `image`.
    """
    image = np.asarray(image)
    bilinear = order == 1 and mode == "constant" and cval == 0 and clip and not anti_aliasing
    if bilinear and image.ndim in (2, 3) and (preserve_range or image.dtype.kind in "bf"):
        scale = _bilinear_exactly if image.dtype.kind in "uib" else _bilinear
        resized = scale(image, *output_shape[:2])
        return np.clip(resized, image.min(), image.max(), out=resized)

    from skimage import transform

    return transform.resize(
        image,
        output_shape,
        order=order,
        mode=mode,
        cval=cval,
        clip=clip,
        preserve_range=preserve_range,
        anti_aliasing=anti_aliasing,
        anti_aliasing_sigma=anti_aliasing_sigma,
    )


def _bilinear(image, height, width):
    """Sample (H, W) or (H, W, C) bilinearly at (height, width) pixel centres, zeros around it."""
    rows, columns = _weights(image.shape[0], height), _weights(image.shape[1], width)
    dtype = np.result_type(image.dtype, np.float32)
    planes = np.moveaxis(np.atleast_3d(image), 2, 0).astype(dtype)
    sampled = rows.astype(dtype) @ planes @ columns.T.astype(dtype)
    return np.moveaxis(sampled, 0, 2).reshape(height, width, *image.shape[2:])


def _weights(length, samples):
    """Weights (samples, length) of an axis's pixels: 1 for a sample on the pixel, 0 for one a pixel away."""
    centres = (np.arange(samples) + 0.5) * (length / samples) - 0.5
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(length)))


def _bilinear_exactly(image, height, width):
    """As `_bilinear`, in float64 with the sums in scikit-image's order."""
    if image.ndim == 3:
        channels = [_bilinear_exactly(image[:, :, c], height, width) for c in range(image.shape[2])]
        return np.stack(channels, axis=2)
    factors = height / image.shape[0], width / image.shape[1]
    return ndimage.zoom(image.astype(np.float64), factors, order=1, mode="grid-constant", grid_mode=True)


def _scaled(height, width, scale):
    """Size in whole pixels after scaling, at least one pixel each way."""
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_image(image, min_dim=None, max_dim=None, min_scale=None, mode="square", rng=random):
    """Bring a picture to the network's size, keeping its proportions.

    The short side is enlarged to `min_dim` where it is less, at least by `min_scale`.

    Args:
        image: (H, W, C).
        min_dim: wanted length of the short side in pixels.
        max_dim: in "square", the longest allowed side, which wins over `min_dim`.
        min_scale: least factor of enlargement, even where `min_dim` is reached by less.
        mode: "none" leaves the picture alone;
            "square" fits it in max_dim × max_dim, centred, zeros around it;
            "pad64" makes both sides multiples of 64 by zeros around it, for the six halvings of
            the pyramid, and wants `min_dim` to be one;
            "crop" cuts min_dim × min_dim out of it at a random place, for training.
        rng: source of `randint`, used by "crop".

    Returns:
        image: (h, w, C) of the dtype given.
        window: (y1, x1, y2, x2), where the picture lies in it.
        scale: factor of enlargement.
        padding: [(top, bottom), (left, right), (0, 0)] in pixels.
        crop: (y, x, h, w) in the enlarged picture, or None.

    Raises:
        ValueError: unknown mode, or a length that the mode needs is missing or unfit, or a picture so
            narrow that to enlarge it would fill the memory.
    """
    height, width = image.shape[:2]
    no_padding = [(0, 0), (0, 0), (0, 0)]
    if mode == "none":
        return image, (0, 0, height, width), 1, no_padding, None
    _check_resize(mode, min_dim, max_dim)

    scale = max(1, min_dim / min(height, width)) if min_dim else 1
    scale = max(scale, min_scale or 0)
    if max_dim and mode == "square" and round(max(height, width) * scale) > max_dim:
        scale = max_dim / max(height, width)
    if scale != 1:
        height, width = _scaled(height, width, scale)
        if height * width > MOST_PIXELS:
            raise ValueError(
                f"A picture of shape {image.shape} would be enlarged to {height} by {width} pixels, its "
                "short side to min_dim; cut it into pieces, or use resize mode 'square'."
            )
        image = resize(image, (height, width), preserve_range=True).astype(image.dtype)

    if mode == "crop":
        top, left = rng.randint(0, height - min_dim), rng.randint(0, width - min_dim)
        image = image[top : top + min_dim, left : left + min_dim]
        window = (0, 0, min_dim, min_dim)
        return image, window, scale, no_padding, (top, left, min_dim, min_dim)

    if mode == "square":
        rows, columns = max_dim - height, max_dim - width
    else:
        rows, columns = -height % 64, -width % 64
    top, left = rows // 2, columns // 2
    padding = [(top, rows - top), (left, columns - left), (0, 0)]
    window = (top, left, top + height, left + width)
    return np.pad(image, padding), window, scale, padding, None


def _check_resize(mode, min_dim, max_dim):
    if mode not in ("square", "pad64", "crop"):
        raise ValueError(f"Resize mode {mode!r} is unknown; choose none, square, pad64 or crop.")
    if mode == "square" and not max_dim:
        raise ValueError("Resize mode 'square' needs max_dim, the side of the square in pixels.")
    if mode == "crop" and not min_dim:
        raise ValueError("Resize mode 'crop' needs min_dim, the side of the crop in pixels.")
    if mode == "pad64" and (min_dim or 0) % 64:
        raise ValueError(f"Resize mode 'pad64' needs min_dim a multiple of 64, not {min_dim}.")


def resize_mask(mask, scale, padding, crop=None):
    """Bring masks to the size that `resize_image` gave their picture, by nearest neighbour.

    Args:
        mask: (H, W, N), any dtype.
        scale, padding, crop: as `resize_image` returned them.

    Returns:
        (h, w, N) of the dtype given.
    """
    height, width = _scaled(*mask.shape[:2], scale)
    rows, rows_inside = _nearest(mask.shape[0], height)
    columns, columns_inside = _nearest(mask.shape[1], width)
    mask = mask[rows][:, columns]
    mask[~rows_inside] = 0
    mask[:, ~columns_inside] = 0
    if crop is not None:
        y, x, h, w = crop
        return mask[y : y + h, x : x + w]
    return np.pad(mask, padding)


def _nearest(length, samples):
    """Index of the pixel nearest to each sample, end pixels on end pixels; is the sample inside?

    SciPy's zoom, which the original called, gives 0 where rounding puts the last sample a hair past
    the last pixel. Masks are to be the same to the pixel, so this does too.
    """
    places = np.arange(samples) * ((length - 1) / (samples - 1) if samples > 1 else 0)
    inside = places <= length - 1
    return np.floor(places + 0.5).astype(int), inside


# Masks


def extract_bboxes(mask):
    """Find the tightest box around each mask.

    Args:
        mask: (H, W, N), bool or numbers, of which all but 0 belong to the object.

    Returns:
        (N, 4) int32 boxes; zeros for an empty mask.
    """
    mask = np.asarray(mask)
    boxes = np.zeros((mask.shape[2], 4), np.int32)
    for corner, across in ((0, 1), (1, 0)):
        used = mask.any(axis=across)  # (H, N) rows, then (W, N) columns
        boxes[:, corner] = used.argmax(axis=0)
        boxes[:, corner + 2] = (len(used) - used[::-1].argmax(axis=0)) * used.any(axis=0)
    return boxes


def minimize_mask(bbox, mask, mini_shape):
    """Cut masks to their boxes and shrink them, so that many fit in memory for training.

    Args:
        bbox: (N, 4) boxes in pixels.
        mask: (H, W, N).
        mini_shape: (h, w) of a mini mask.

    Returns:
        (h, w, N) bool.

    Raises:
        ValueError: a box has no pixels of the picture in it.
    """
    mini_masks = np.zeros((*mini_shape[:2], mask.shape[-1]), bool)
    for i, (y1, x1, y2, x2) in enumerate(np.asarray(bbox)[:, :4]):
        cut = mask[y1:y2, x1:x2, i].astype(bool)
        if cut.size == 0:
            raise ValueError(
                f"Box {i}, ({y1}, {x1}, {y2}, {x2}), holds no pixel of the {mask.shape[:2]} mask; "
                "leave out objects without area."
            )
        mini_masks[:, :, i] = resize(cut, mini_shape) > 0.5
    return mini_masks


def expand_mask(bbox, mini_mask, image_shape):
    """Undo `minimize_mask`, as far as it can be undone.

    Args:
        bbox: (N, 4) boxes in pixels.
        mini_mask: (h, w, N).
        image_shape: (H, W, …) of the picture.

    Returns:
        (H, W, N) bool.
    """
    return paste_crops(*_crop(np.moveaxis(mini_mask, -1, 0), bbox, image_shape, np.greater), image_shape)


def unmold_mask(mask, bbox, image_shape):
    """Put one mask of the network into its box of the picture: see `unmold_masks`.

    Args:
        mask: (h, w) float, the probability that a pixel belongs to the object.
        bbox: (4,) box in pixels.
        image_shape: (H, W, …) of the picture.

    Returns:
        (H, W) bool.
    """
    return unmold_masks(np.asarray(mask)[None], np.asarray(bbox)[None], image_shape)[:, :, 0]


def unmold_masks(masks, boxes, image_shape):
    """Put masks of the network into their boxes of the picture (Mask R-CNN, section 3.1).

    Each mask is resized to its box and cut at 0.5. What lies outside of the picture is left out; a
    box without area gives an empty mask.

    Args:
        masks: (N, h, w) float, the probability that a pixel belongs to the object.
        boxes: (N, 4) boxes in whole pixels, which may reach outside of the picture.
        image_shape: (H, W, …) of the picture.

    Returns:
        (H, W, N) bool. It lies in memory mask by mask, so `result[:, :, i]` is contiguous.
    """
    return paste_crops(*unmold_crops(masks, boxes, image_shape), image_shape)


def unmold_crops(masks, boxes, image_shape):
    """As `unmold_masks`, but each mask inside its box alone, which in a large picture is far less.

    Returns:
        list of N arrays (h, w) bool, and (N, 4) the boxes that they have, cut at the picture's border.
    """
    return _crop(masks, boxes, image_shape, np.greater_equal)


def _crop(masks, boxes, image_shape, inside):
    """Resize (N, h, w) masks to boxes of a picture, and see where `inside(value, 0.5)`."""
    edges = np.tile(image_shape[:2], 2)
    seen_boxes = np.clip(np.reshape(boxes, (-1, 4)), 0, edges)
    crops = []
    for mask, (y1, x1, y2, x2), (top, left, bottom, right) in zip(masks, boxes, seen_boxes, strict=True):
        if top < bottom and left < right:
            resized = resize(mask, (y2 - y1, x2 - x1), preserve_range=True)
            crops.append(inside(resized[top - y1 : bottom - y1, left - x1 : right - x1], 0.5))
        else:
            crops.append(np.zeros((max(bottom - top, 0), max(right - left, 0)), bool))
    return crops, seen_boxes


def paste_crops(crops, boxes, image_shape):
    """Masks that are kept inside their boxes, (h, w) bool each, as masks of the whole picture, (H, W, N)."""
    full = np.zeros((len(crops), *image_shape[:2]), bool)
    for canvas, crop, (y1, x1, y2, x2) in zip(full, crops, boxes, strict=True):
        canvas[y1:y2, x1:x2] = crop
    return full.transpose(1, 2, 0)


# Colours and what is known of a picture


def mold_image(images, config):
    """Subtract the mean colour `config.MEAN_PIXEL`: (…, H, W, C) of any dtype → float32."""
    return np.subtract(images, np.float32(config.MEAN_PIXEL), dtype=np.float32)


def unmold_image(normalized_images, config):
    """Add the mean colour again: what `mold_image` gave, (…, H, W, C) → uint8, rounded."""
    levels = np.asarray(normalized_images) + config.MEAN_PIXEL
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def compose_image_meta(image_id, original_image_shape, image_shape, window, scale, active_class_ids):
    """Pack what is known of a picture in one row of numbers, so that it can be fed to the network.

    Args:
        image_id: integer.
        original_image_shape: (H, W, C) before resizing.
        image_shape: (H, W, C) after resizing and padding.
        window: (y1, x1, y2, x2) in pixels, where the picture lies in the padded one.
        scale: factor from the original to the resized picture.
        active_class_ids: (K,) 1 for each class that the picture's data set labels, else 0.

    Returns:
        (12 + K,) float64.
    """
    parts = [image_id, *original_image_shape, *image_shape, *window, scale, *active_class_ids]
    return np.array(parts, np.float64)


def parse_image_meta(meta):
    """Unpack rows made by `compose_image_meta`.

    Args:
        meta: (B, 12 + K).

    Returns:
        dict of arrays with B rows: `image_id` (B,), `original_image_shape` (B, 3), `image_shape`
        (B, 3), `window` (B, 4), `active_class_ids` (B, K), all int32, and `scale` (B,) float32.
    """
    parts = split_image_meta(np.asarray(meta))
    return {name: part.astype(np.float32 if name == "scale" else np.int32) for name, part in parts.items()}


def split_image_meta(meta):
    """`parse_image_meta` of an array or a tensor, whose dtype stays."""
    return {
        "image_id": meta[:, 0],
        "original_image_shape": meta[:, 1:4],
        "image_shape": meta[:, 4:7],
        "window": meta[:, 7:11],
        "scale": meta[:, 11],
        "active_class_ids": meta[:, 12:],
    }

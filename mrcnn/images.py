"""Pictures on their way into the network, and their colours on the way out.

    (H, W, 3) uint8 → resize_image → the network's size, padded with zeros
                    → mold_image   → minus the mean colour, float32

Boxes are `(y1, x1, y2, x2)` in pixels, half-open: row y2 and column x2 lie outside.
"""

import random

import numpy as np
from scipy import ndimage

MOST_PIXELS = 8192**2  # of a picture in the network's size; beyond, no memory would hold its features


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
            the pyramid, and needs such a `min_dim`;
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
        image = image[top : top + min_dim, left : left + min_dim].copy()
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

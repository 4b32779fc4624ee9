"""The sampling of RoIAlign: TensorFlow's own kernel, or the same in `keras.ops`."""

import itertools

from keras import ops

from mrcnn.network.kernels import platform
from mrcnn.network.kernels.platform import BACKEND
from mrcnn.network.rounding import divide, opaque

if BACKEND == "tensorflow":
    import tensorflow as tf


def crop_and_resize(images, boxes, box_indices, size):
    """Cut boxes out of pictures and sample each on a grid, bilinearly (the sampling of RoIAlign).

    The grid's corner samples lie on the box's corners. Samples outside the picture are 0.

    Args:
        images: [N, H, W, C] floats.
        boxes: [M, 4] normalised.
        box_indices: [M] int32, the picture of each box.
        size: samples a side, at least 2.

    Returns:
        [M, size, size, C].
    """
    if platform.native:
        crops = tf.image.crop_and_resize(
            tf.cast(images, "float32"), _finite(boxes), box_indices, (size, size)
        )
        return tf.cast(crops, images.dtype)
    return pyramid_crop_and_resize([images], boxes, box_indices, ops.zeros_like(box_indices), size)


def pyramid_crop_and_resize(pyramid, boxes, box_indices, levels, size):
    """`crop_and_resize` in which each box is cut out of a level of its own.

    Args:
        pyramid: list of L feature maps [B, H_l, W_l, C].
        boxes: [M, 4] normalised.
        box_indices: [M] int32 in 0..B-1.
        levels: [M] int32 in 0..L-1.
        size: samples a side, at least 2.

    Returns:
        [M, size, size, C].
    """
    if platform.native:
        return _native_pyramid_crop(pyramid, boxes, box_indices, levels, size)
    if boxes.shape[0] == 0:  # OpenVINO compiles nothing that is empty all through
        return ops.zeros((0, size, size, pyramid[0].shape[-1]), pyramid[0].dtype)
    pixels, *numbers = _in_one_table(pyramid)
    start, height, width = (ops.take(number, levels) for number in numbers)
    boxes, first = _finite(boxes), start + ops.cast(box_indices, "int32") * height * width
    rows, row_weights = _neighbours(boxes[:, 0], boxes[:, 2], height, size)
    columns, column_weights = _neighbours(boxes[:, 1], boxes[:, 3], width, size)
    rows = first[:, None, None] + rows * width[:, None, None]
    places = rows[:, :, None, :, None] + columns[:, None, :, None, :]
    weights = row_weights[:, :, None, :, None] * column_weights[:, None, :, None, :]
    samples = _weighted_sums(pixels, ops.reshape(places, (-1, 4)), ops.reshape(weights, (-1, 4)))
    return ops.reshape(samples, (-1, size, size, pixels.shape[-1]))


def _native_pyramid_crop(pyramid, boxes, box_indices, levels, size):
    members = [tf.cast(tf.where(levels == level)[:, 0], "int32") for level in range(len(pyramid))]
    crops = [
        crop_and_resize(features, tf.gather(boxes, mine), tf.gather(box_indices, mine), size)
        for features, mine in zip(pyramid, members, strict=True)
    ]
    return tf.dynamic_stitch(members, crops)  # puts them in place without a second copy


def _in_one_table(pyramid):
    """The pixels of all levels and pictures, row by row, so that one reading serves boxes of every level.

    Returns:
        pixels [P, C], and int32 [L] each: the number of a level's first pixel, its height, its width.
    """
    shapes = [ops.shape(features) for features in pyramid]
    counts = [batch * height * width for batch, height, width, _ in shapes]
    starts = [0, *itertools.accumulate(counts[:-1])]
    _, heights, widths, _ = zip(*shapes, strict=True)
    pixels = ops.concatenate(
        [ops.reshape(features, (-1, features.shape[-1])) for features in pyramid], axis=0
    )
    return pixels, *(ops.convert_to_tensor(n, "int32") for n in (starts, heights, widths))


def _finite(boxes):
    """Boxes that can be read from: NaN is no place."""
    return ops.stop_gradient(ops.where(ops.isfinite(boxes), boxes, 0))


def _neighbours(start, end, length, size):
    """Along one axis of `length` [M] pixels, `size` samples from `start` to `end` [M], normalised.

    Returns:
        the pixels before and after each sample, [M, size, 2] int32, and their weights, [M, size, 2]
        float32: both 0 for a sample outside.
    """
    start, end, last = start[:, None], end[:, None], ops.cast(length, "float32")[:, None] - 1
    extent = (end - start) * last
    step = divide(extent, opaque(size - 1.0, extent))
    first, advance = start * last, ops.arange(size, dtype="float32") * step
    position = opaque(first, first) + opaque(advance, advance)
    inside = ops.cast(ops.logical_and(position >= 0, position <= last), "float32")
    position = ops.clip(position, 0, last)
    before, after = ops.floor(position), ops.ceil(position)
    pixels = ops.cast(ops.stack([before, after], axis=-1), "int32")
    fraction = position - before
    return pixels, ops.stack([(1 - fraction) * inside, fraction * inside], axis=-1)


def _weighted_sums(pixels, places, weights):
    """Four of all `pixels` [P, C] for each of S samples, weighted and added up, [S, C].

    Args:
        places: [S, 4] int32 in 0..P-1.
        weights: [S, 4] floats.
    """
    weights = ops.cast(weights, pixels.dtype)
    if BACKEND == "torch":
        from torch.nn.functional import embedding_bag

        return embedding_bag(places, pixels, per_sample_weights=weights, mode="sum")
    return sum(weights[:, i, None] * ops.take(pixels, places[:, i], axis=0) for i in range(4))

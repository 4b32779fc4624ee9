"""The sampling of RoIAlign: TensorFlow's own kernel, or the same in `keras.ops`."""

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
    boxes = ops.stop_gradient(ops.where(ops.isfinite(boxes), boxes, 0))  # NaN is no place to read from
    if platform.native:
        crops = tf.image.crop_and_resize(tf.cast(images, "float32"), boxes, box_indices, (size, size))
        return tf.cast(crops, images.dtype)
    height, width = ops.shape(images)[1:3]
    rows, row_weights = _neighbours(boxes[:, 0], boxes[:, 2], height, size)
    columns, column_weights = _neighbours(boxes[:, 1], boxes[:, 3], width, size)
    rows = rows + box_indices[:, None, None] * height
    places = rows[:, :, None, :, None] * width + columns[:, None, :, None, :]
    weights = row_weights[:, :, None, :, None] * column_weights[:, None, :, None, :]
    samples = _weighted_sums(images, ops.reshape(places, (-1, 4)), ops.reshape(weights, (-1, 4)))
    return ops.reshape(samples, (-1, size, size, images.shape[-1]))


def _neighbours(start, end, length, size):
    """Along one axis of `length` pixels, `size` samples from `start` [M] to `end` [M], normalised.

    Returns:
        the pixels before and after each sample, [M, size, 2] int32, and their weights, [M, size, 2]
        float32: both 0 for a sample outside.
    """
    last = ops.cast(length, "float32") - 1
    start, end = start[:, None], end[:, None]
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


def _weighted_sums(images, places, weights):
    """Four pixels of `images` [N, H, W, C] for each of S samples, weighted and added up, [S, C].

    Args:
        places: [S, 4] int32, pixels counted row by row through all pictures.
        weights: [S, 4] floats.
    """
    channels = images.shape[-1]
    weights = ops.cast(weights, images.dtype)
    if BACKEND == "torch":
        from torch.nn.functional import embedding_bag

        table = images.contiguous().reshape(-1, channels)
        return embedding_bag(places, table, per_sample_weights=weights, mode="sum")
    table = ops.reshape(images, (-1, channels))
    return sum(weights[:, i, None] * ops.take(table, places[:, i], axis=0) for i in range(4))


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
    if BACKEND == "jax" or (BACKEND == "tensorflow" and not platform.native):
        return _masked_pyramid_crop(pyramid, boxes, box_indices, levels, size)
    members = [ops.nonzero(levels == level)[0] for level in range(len(pyramid))]
    crops = [
        crop_and_resize(features, ops.take(boxes, mine, 0), ops.take(box_indices, mine, 0), size)
        for features, mine in zip(pyramid, members, strict=True)
    ]
    if BACKEND == "tensorflow":  # puts them in place without a second copy
        return tf.dynamic_stitch([ops.cast(mine, "int32") for mine in members], crops)
    back = ops.argsort(ops.concatenate(members, axis=0))
    return ops.take(ops.concatenate(crops, axis=0), back, axis=0)


def _masked_pyramid_crop(pyramid, boxes, box_indices, levels, size):
    """The same, with no shape that depends on the levels, as JAX wants it: all boxes are cut from all levels.

    Where a box is of another level, JAX cuts it from a picture past the last: nothing is read there, and
    no gradient written. Others may read no such picture.
    """
    crops = 0
    for level, features in enumerate(pyramid):
        mine = levels == level
        index = ops.where(mine, box_indices, features.shape[0]) if BACKEND == "jax" else box_indices
        crop = crop_and_resize(features, boxes, index, size)
        crops = crops + ops.where(mine[:, None, None, None], crop, 0)
    return crops

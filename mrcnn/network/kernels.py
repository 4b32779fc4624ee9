"""The operations for which Keras has no layer, each with the fastest form that the backend offers.

This is the one module that names a backend. TensorFlow brings kernels of its own for suppression and
cropping; JAX and PyTorch compute the same results from plain `keras.ops`.
"""

import os

import keras
from keras import ops

from mrcnn.network.boxes import iou

BACKEND = keras.backend.backend()

# PyTorch convolves channels first on a CPU; given channels last, it spends half its time on copies.
DATA_FORMAT = "channels_first" if BACKEND == "torch" else "channels_last"
CHANNEL_AXIS = 1 if DATA_FORMAT == "channels_first" else -1

# Whether Keras is to compile a training step by XLA: on a CPU, XLA slows TensorFlow's convolutions down.
JIT_COMPILE = BACKEND == "jax"

NMS_BLOCK = 256  # boxes that `_blocked_nms` settles at once

if BACKEND == "tensorflow":
    import tensorflow as tf


def set_threads(count):
    """Use `count` processor threads in this process; call it before the first model is made."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    if BACKEND == "tensorflow":
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    elif BACKEND == "torch":
        import torch

        torch.set_num_threads(count)


def to_layout(features):
    """[B, H, W, C] to the layout in which this backend convolves."""
    return ops.transpose(features, (0, 3, 1, 2)) if CHANNEL_AXIS == 1 else features


def from_layout(features):
    """Features in the layout in which this backend convolves to [B, H, W, C]."""
    return ops.transpose(features, (0, 2, 3, 1)) if CHANNEL_AXIS == 1 else features


def top_k(values, k):
    """The `k` largest of the last axis of `values` [..., N], largest first; of equals the earlier first.

    Returns:
        values [..., min(k, N)] and int32 indices [..., min(k, N)].
    """
    count = ops.shape(values)[-1]
    k = min(k, count) if isinstance(count, int) else tf.minimum(k, count)
    if BACKEND != "torch":
        return ops.top_k(values, k)
    import torch  # torch.topk leaves the order of equals open

    values, indices = torch.sort(values, dim=-1, descending=True, stable=True)
    return values[..., :k], indices[..., :k].to(torch.int32)


def non_max_suppression(boxes, threshold, limit):
    """Greedy non-maximum suppression of boxes sorted by score.

    Args:
        boxes: [B, N, 4], best score first, pixels or normalised.
        threshold: IoU above which the lower-scored of two boxes is dropped.
        limit: how many boxes to keep at most.

    Returns:
        [B, limit, 4] the boxes kept, best first, padded with zeros.
    """
    boxes = ops.stop_gradient(boxes)
    select = _native_nms if BACKEND == "tensorflow" else _blocked_nms
    return select(boxes, threshold, limit)


def _native_nms(boxes, threshold, limit):
    count = tf.shape(boxes)[1]
    falling = -tf.range(tf.cast(count, tf.float32))

    def one(picture):
        kept = tf.raw_ops.NonMaxSuppressionV4(
            boxes=picture,
            scores=falling,
            max_output_size=limit,
            iou_threshold=threshold,
            score_threshold=float("-inf"),
            pad_to_max_output_size=True,
        )
        return tuple(kept)

    indices, found = tf.map_fn(one, boxes, fn_output_signature=(tf.int32, tf.int32))
    kept = tf.gather(boxes, tf.ensure_shape(indices, (None, limit)), batch_dims=1)
    return kept * tf.sequence_mask(found, limit, kept.dtype)[..., None]


def _blocked_nms(boxes, threshold, limit):
    """The same in `keras.ops`: block by block, so that most overlaps need not be computed.

    A block's boxes are first held against what earlier blocks kept, then against each other.
    """
    batch, count = ops.shape(boxes)[:2]
    boxes = ops.pad(boxes, [[0, 0], [0, -count % NMS_BLOCK], [0, 0]])

    def room_and_boxes_left(start, kept, found):
        return ops.logical_and(start < count, ops.logical_not(ops.all(found)))

    def suppress_block(start, kept, found):
        block = ops.slice(boxes, (0, start, 0), (batch, NMS_BLOCK, 4))
        covered = ops.any(ops.logical_and(iou(block, kept) > threshold, found[:, None]), axis=-1)
        alive = ops.logical_and(ops.logical_not(covered), start + ops.arange(NMS_BLOCK) < count)
        flags = ops.concatenate([found, survivors(iou(block, block) > threshold, alive)], axis=1)
        found, index = top_k(ops.cast(flags, "int32"), limit)  # equal values stay in order
        kept = ops.take_along_axis(ops.concatenate([kept, block], axis=1), index[..., None], axis=1)
        return start + NMS_BLOCK, kept, found > 0

    nothing = (0, ops.zeros((batch, limit, 4)), ops.zeros((batch, limit), "bool"))
    _, kept, found = ops.while_loop(room_and_boxes_left, suppress_block, nothing)
    return kept * ops.cast(found, kept.dtype)[..., None]


def survivors(overlaps, alive):
    """Which boxes greedy suppression keeps, found without going through them one by one.

    A box is kept if no better box that is kept overlaps it. Starting from "all are kept" and applying
    that sentence again and again settles the best box first, then the next, and most others along with
    them: it ends, after as many rounds as the longest chain of suppressions, in the one solution, which is
    the greedy one.

    Args:
        overlaps: [..., N, N] booleans, True where two boxes overlap too much; N in falling score.
        alive: [..., N] booleans, False for boxes that are out already: not kept, and suppressing none.

    Returns:
        [..., N] booleans.
    """
    rank = ops.arange(ops.shape(overlaps)[-1])
    suppresses = ops.logical_and(overlaps, rank[:, None] < rank[None, :])

    def apply(keep, _):
        suppressed = ops.any(ops.logical_and(suppresses, keep[..., :, None]), axis=-2)
        after = ops.logical_and(alive, ops.logical_not(suppressed))
        return after, ops.any(ops.not_equal(after, keep))

    keep, _ = ops.while_loop(lambda _, changed: changed, apply, (alive, ops.array(True)))
    return keep


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
    boxes = ops.stop_gradient(boxes)
    if BACKEND == "tensorflow":
        return _native_crop(images, boxes, box_indices, size)
    count, height, width, channels = images.shape
    table = ops.reshape(images, (count * height * width, channels))
    offset = box_indices * (height * width)
    return _sample(table, offset, height, width, boxes, size)


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
    boxes = ops.stop_gradient(boxes)
    if BACKEND == "tensorflow":
        rows = [tf.reshape(tf.where(levels == level), (-1,)) for level in range(len(pyramid))]
        crops = [
            _native_crop(features, tf.gather(boxes, row), tf.gather(box_indices, row), size)
            for features, row in zip(pyramid, rows, strict=True)
        ]
        back = tf.math.invert_permutation(tf.cast(tf.concat(rows, 0), tf.int32))
        return tf.gather(tf.concat(crops, 0), back)
    sizes = [features.shape[1:3] for features in pyramid]
    channels = pyramid[0].shape[-1]
    table = ops.concatenate([ops.reshape(f, (-1, channels)) for f in pyramid], axis=0)
    heights = ops.take(ops.array([h for h, _ in sizes], "int32"), levels)
    widths = ops.take(ops.array([w for _, w in sizes], "int32"), levels)
    batch = pyramid[0].shape[0]
    starts = [batch * sum(h * w for h, w in sizes[:level]) for level in range(len(sizes))]
    offset = ops.take(ops.array(starts, "int32"), levels) + box_indices * heights * widths
    return _sample(table, offset, heights, widths, boxes, size)


def _native_crop(images, boxes, box_indices, size):
    crops = tf.image.crop_and_resize(tf.cast(images, "float32"), boxes, box_indices, (size, size))
    return tf.cast(crops, images.dtype)


def _sample(table, offset, height, width, boxes, size):
    """Bilinear samples [M, size, size, C] of maps that lie row by row in `table` [T, C] from `offset` on."""
    top, bottom, y_fraction, y_inside = _grid(boxes[:, 0], boxes[:, 2], height, size)
    left, right, x_fraction, x_inside = _grid(boxes[:, 1], boxes[:, 3], width, size)
    stride = ops.reshape(width, (-1, 1)) if hasattr(width, "shape") else width
    rows = [ops.reshape(offset, (-1, 1)) + y * stride for y in (top, bottom)]
    y_fraction = ops.cast(y_fraction, table.dtype)[:, :, None, None]
    x_fraction = ops.cast(x_fraction, table.dtype)[:, None, :, None]

    def between(row):
        first = ops.take(table, row[:, :, None] + left[:, None, :], axis=0)
        second = ops.take(table, row[:, :, None] + right[:, None, :], axis=0)
        return first + (second - first) * x_fraction

    upper, lower = between(rows[0]), between(rows[1])
    inside = ops.logical_and(y_inside[:, :, None], x_inside[:, None, :])[..., None]
    return (upper + (lower - upper) * y_fraction) * ops.cast(inside, table.dtype)


def _grid(start, end, length, size):
    """Along one axis: pixel before and after each sample, how far between them, and whether inside."""
    last = ops.reshape(ops.cast(length, "float32") - 1, (-1, 1))
    start, end = start[:, None], end[:, None]
    step = (end - start) * last / (size - 1)
    position = start * last + ops.arange(size, dtype="float32")[None] * step
    inside = ops.logical_and(position >= 0, position <= last)
    position = ops.clip(position, 0, last)
    before, after = ops.floor(position), ops.ceil(position)
    return ops.cast(before, "int32"), ops.cast(after, "int32"), position - before, inside


def padded_count(count, most):
    """How many rows to hand to a compiled call when there are `count` and at most `most`.

    JAX compiles anew for every number, so there it is the next power of two.
    """
    if BACKEND != "jax":
        return int(count)
    return min(most, 2 ** int(count - 1).bit_length())


def compiled(model):
    """A function of the model's inputs that runs `model` in inference mode as one compiled call.

    Inputs are NumPy arrays or tensors; outputs stay tensors on the device. A size seen before is not
    traced again. May be called from several threads.
    """
    if BACKEND == "tensorflow":
        signature = [tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in model.inputs]
        return tf.function(
            lambda *inputs: model(list(inputs), training=False),
            input_signature=signature,
            jit_compile=False,  # XLA on a CPU makes the ResNet trunk several times slower
        )
    if BACKEND == "jax":
        return _compiled_jax(model)
    return _inference_torch(model)


def _compiled_jax(model):
    import jax

    @jax.jit
    def forward(trainable, fixed, inputs):
        return model.stateless_call(trainable, fixed, inputs, training=False)[0]

    def run(*inputs):
        trainable = [variable.value for variable in model.trainable_variables]
        fixed = [variable.value for variable in model.non_trainable_variables]
        return forward(trainable, fixed, [ops.convert_to_tensor(i) for i in inputs])

    return run


def _inference_torch(model):
    import torch

    def run(*inputs):
        with torch.inference_mode():
            return model([ops.convert_to_tensor(i) for i in inputs], training=False)

    return run

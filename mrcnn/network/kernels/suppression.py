"""Greedy non-maximum suppression: TensorFlow's own kernel, or the same in `keras.ops`."""

from keras import ops

from mrcnn.network.boxes import iou
from mrcnn.network.kernels import platform
from mrcnn.network.kernels.fused import rows_of
from mrcnn.network.kernels.ranking import top_k

NMS_BLOCK = 256  # boxes that `blocked_nms` settles at once

if platform.BACKEND == "tensorflow":
    import tensorflow as tf


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
    select = native_nms if platform.native else blocked_nms
    return select(boxes, threshold, limit)


def native_nms(boxes, threshold, limit):
    """`non_max_suppression` by TensorFlow's kernel, picture by picture."""
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
    return tf.where(tf.sequence_mask(found, limit)[..., None], kept, 0)


def blocked_nms(boxes, threshold, limit):
    """`non_max_suppression` in `keras.ops`: block by block, so that most overlaps need not be computed.

    A block's boxes are first held against what earlier blocks kept, then against each other. Padding is
    boxes of zeros, which overlap nothing.
    """
    batch, count = ops.shape(boxes)[:2]
    boxes = ops.pad(boxes, [[0, 0], [0, -count % NMS_BLOCK], [0, 0]])

    def room_and_boxes_left(start, kept, found, _):
        return ops.logical_and(start < count, ops.logical_not(ops.all(found)))

    def suppress_block(start, kept, found, boxes):
        block = ops.slice(boxes, (0, start, 0), (batch, NMS_BLOCK, 4))
        covered = ops.any(iou(block, kept) > threshold, axis=-1)
        keep = survivors(iou(block, block) > threshold, ops.logical_not(covered))
        flags = ops.concatenate([found, keep], axis=1)
        found, index = top_k(ops.cast(flags, "int32"), limit)  # equal values stay in order
        kept = rows_of(ops.concatenate([kept, block], axis=1), index)
        return start + NMS_BLOCK, kept, found > 0, boxes

    # The boxes go along unchanged, because OpenVINO's loops see their variables alone.
    begin = (0, ops.zeros((batch, limit, 4)), ops.zeros((batch, limit), "bool"), boxes)
    return ops.while_loop(room_and_boxes_left, suppress_block, begin)[1]


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

    def apply(keep, _, alive, suppresses):
        suppressed = ops.any(ops.logical_and(suppresses, keep[..., :, None]), axis=-2)
        after = ops.logical_and(alive, ops.logical_not(suppressed))
        return after, ops.any(ops.not_equal(after, keep)), alive, suppresses

    # What does not change goes along, because OpenVINO's loops see their variables alone.
    begin = (alive, ops.array(True), alive, suppresses)
    return ops.while_loop(lambda _, changed, *__: changed, apply, begin)[0]

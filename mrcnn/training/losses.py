"""The five losses whose weighted sum is trained (Mask R-CNN, 1703.06870, section 3).

Each is one float32 number for the batch, a mean over the examples that count, and 0 when none does.
Which examples count is a matter of weights, 1 or 0, so that all shapes stay fixed.
"""

from keras import ops

from mrcnn.network import kernels

# Keeps the logarithm of a saturated mask pixel finite; the original's Keras both cuts at it and adds it.
EPSILON = 1e-7


def smooth_l1_loss(y_true, y_pred):
    """Smooth L1 (Fast R-CNN, 1504.08083, section 2.3), element by element: squared below 1, linear above.

    Args:
        y_true, y_pred: [...] float.

    Returns:
        [...] float32.
    """
    difference = ops.abs(ops.cast(y_true, "float32") - ops.cast(y_pred, "float32"))
    return ops.where(difference < 1, 0.5 * difference**2, difference - 0.5)


def rpn_class_loss(rpn_match, rpn_class_logits):
    """Cross-entropy of the proposal network's "object or background", over all but neutral anchors.

    Args:
        rpn_match: [B, N] or [B, N, 1] int: 1 positive, -1 negative, 0 neutral.
        rpn_class_logits: [B, N, (background, object)].
    """
    match = _flat_match(rpn_match)
    losses = _cross_entropy(ops.cast(match == 1, "int32"), rpn_class_logits)
    return _mean(losses, match != 0)


def rpn_bbox_loss(config, target_bbox, rpn_match, rpn_bbox):
    """Smooth L1 of the proposal network's box deltas, over the positive anchors.

    Args:
        config: not used; part of the original's signature.
        target_bbox: [B, T, 4]: the targets of the positive anchors alone, in the order of the anchors.
        rpn_match: [B, N] or [B, N, 1] int: 1 positive, -1 negative, 0 neutral.
        rpn_bbox: [B, N, 4] deltas predicted for each anchor.
    """
    positive = _flat_match(rpn_match) == 1
    # The k-th positive anchor of a picture finds its target in row k.
    row = ops.cumsum(ops.cast(positive, "int32"), axis=1) - 1
    row = ops.clip(row, 0, target_bbox.shape[1] - 1)
    target = kernels.rows_of(target_bbox, row)
    return _mean(ops.mean(smooth_l1_loss(target, rpn_bbox), axis=-1), positive)


def mrcnn_class_loss(target_class_ids, pred_class_logits, active_class_ids):
    """Cross-entropy of the classifier, over the RoIs whose predicted class is active.

    A class is active when the picture's data set has it: one trained on several sets must not be told
    that there is no cat where nobody looked for cats.

    Args:
        target_class_ids: [B, R] int or float; padding counts as background.
        pred_class_logits: [B, R, classes].
        active_class_ids: [B, classes], 1 for the classes of the picture's data set.
    """
    losses = _cross_entropy(ops.cast(target_class_ids, "int32"), pred_class_logits)
    # As in the original, the first picture's classes hold for the whole batch, and the flag asked is
    # that of the class predicted, not of the true one.
    active = ops.take(active_class_ids[0], ops.argmax(pred_class_logits, axis=-1), axis=0)
    return _mean(losses, active)


def mrcnn_bbox_loss(target_bbox, target_class_ids, pred_bbox):
    """Smooth L1 of the box deltas of each RoI's true class, over the positive RoIs.

    Args:
        target_bbox: [B, R, 4].
        target_class_ids: [B, R] int or float, 0 for background and padding.
        pred_bbox: [B, R, classes, 4].
    """
    class_ids = ops.cast(target_class_ids, "int32")
    predicted = kernels.rows_of(pred_bbox, class_ids[..., None])[..., 0, :]
    return _mean(ops.mean(smooth_l1_loss(target_bbox, predicted), axis=-1), class_ids > 0)


def mrcnn_mask_loss(target_masks, target_class_ids, pred_masks):
    """Binary cross-entropy of the mask of each RoI's true class, over the positive RoIs.

    Classes do not compete: what the masks of the other classes look like is no matter here.

    Args:
        target_masks: [B, R, height, width] of zeros and ones.
        target_class_ids: [B, R] int or float, 0 for background and padding.
        pred_masks: [B, R, height, width, classes], probabilities.
    """
    class_ids = ops.cast(target_class_ids, "int32")
    predicted = ops.take_along_axis(pred_masks, class_ids[..., None, None, None], axis=-1)[..., 0]
    predicted = ops.clip(ops.cast(predicted, "float32"), EPSILON, 1 - EPSILON)
    target = ops.cast(target_masks, "float32")
    inside, outside = ops.log(predicted + EPSILON), ops.log(1 - predicted + EPSILON)
    losses = -(target * inside + (1 - target) * outside)
    return _mean(ops.mean(losses, axis=(-2, -1)), class_ids > 0)


def _flat_match(rpn_match):
    """`rpn_match` as [B, N]: the original carries a last dimension of one."""
    return rpn_match[..., 0] if len(rpn_match.shape) == 3 else rpn_match


def _cross_entropy(labels, logits):
    """Of `labels` [...] int under the softmax of `logits` [..., classes]: [...] float32."""
    return ops.sparse_categorical_crossentropy(labels, ops.cast(logits, "float32"), from_logits=True)


def _mean(values, weights):
    """Mean of `values` [...] where `weights` [...] (flags, or ones and zeros) say so; 0 if nowhere.

    On one of several replicas, its share in the mean of the whole batch: the mean of the shares is that.
    """
    weights = ops.cast(weights, "float32")
    count = kernels.mean_of_replicas(ops.sum(weights))
    return ops.sum(values * weights) / ops.maximum(count, 1 / kernels.replicas())

"""What the network should have answered: targets of the proposal network and of the heads.

Two questions, asked of every picture of a batch while it is trained:

* which anchors should the region proposal network have called objects, and how far is each from its
  object's box? (`rpn_targets`; Faster R-CNN, 1506.01497, section 3.1.2)
* which proposals are good enough to teach the heads, and what are their class, box and mask?
  (`detection_targets`; Mask R-CNN, 1703.06870, section 3.1)

Everything has a fixed shape and is computed for the whole batch at once, so that it can be part of one
compiled training step. A "some of them, however many" is a mask of booleans or a zero-padded list.
"""

import keras
import numpy as np
from keras import ops

from mrcnn.network import boxes, kernels
from mrcnn.network.configured import Configured
from mrcnn.training.batches import new_seed

ANCHOR_POSITIVE, ANCHOR_NEGATIVE = 0.7, 0.3
ROI_POSITIVE = 0.5
# A box that touches a crowd by more than this may well show an object: it is no example of background.
CROWD_TOUCHED = 0.001
# Relative difference under which two IoUs in float32 are the same number, rounded differently.
ROUNDING = 1e-5


def rpn_targets(anchors, gt_class_ids, gt_boxes, config, seed=None):
    """Choose the anchors that train the region proposal network, and say what they should answer.

    An anchor is positive when its IoU with some object is at least 0.7, or when no other anchor fits
    that object better; negative when its IoU with every object is under 0.3 and it touches no crowd;
    neutral otherwise. Of each kind a random choice is kept: at most half of
    `RPN_TRAIN_ANCHORS_PER_IMAGE` positive, the rest filled with negatives.

    Args:
        anchors: [N, 4] float, pixels.
        gt_class_ids: [B, G] int, 0 for padding, negative for a crowd.
        gt_boxes: [B, G, 4], pixels.
        config: a `Config`; its `RPN_TRAIN_ANCHORS_PER_IMAGE` (called T below) and `RPN_BBOX_STD_DEV`.
        seed: what `keras.random` takes, a `SeedGenerator` inside a compiled step.

    Returns:
        match: [B, N] int32, 1 positive, -1 negative, 0 neutral.
        deltas: [B, T, 4] float32: of the positive anchors, in their order, the deltas to the object
            that they fit best, divided by the standard deviations; zeros after them.
    """
    anchors = ops.convert_to_tensor(anchors, "float32")
    gt_boxes = ops.cast(gt_boxes, "float32")
    matched = _match_anchors(anchors, gt_class_ids, gt_boxes)
    return _choose_anchors(matched, anchors, gt_boxes, config, seed)


def build_rpn_targets(image_shape, anchors, gt_class_ids, gt_boxes, config):
    """`rpn_targets` of one picture, in NumPy: the name and arguments of the original.

    Args:
        image_shape: not used; part of the original's signature.
        anchors: [N, 4], pixels.
        gt_class_ids: [G] int.
        gt_boxes: [G, 4], pixels.
        config: a `Config`.

    Returns:
        match [N] int32 and deltas [RPN_TRAIN_ANCHORS_PER_IMAGE, 4] float64, as in `rpn_targets`.
    """
    anchors = np.asarray(anchors, np.float64)
    gt_class_ids = np.asarray(gt_class_ids, np.int32)[None]
    gt_boxes = np.asarray(gt_boxes, np.float64).reshape(1, -1, 4)
    matched = _match_anchors(anchors, gt_class_ids, gt_boxes)
    anchors, gt_boxes = (ops.convert_to_tensor(array, "float32") for array in (anchors, gt_boxes))
    matched = [ops.convert_to_tensor(array) for array in matched]
    match, deltas = _choose_anchors(matched, anchors, gt_boxes, config, new_seed())
    return ops.convert_to_numpy(match)[0], ops.convert_to_numpy(deltas)[0].astype(np.float64)


def _match_anchors(anchors, gt_class_ids, gt_boxes):
    """Compare all anchors with one object after the other, remembering what matters of each.

    One object at a time, because 261,888 anchors by 100 objects by a batch of pictures do not fit.
    Takes tensors, or NumPy arrays in double precision.

    Returns:
        best_iou: [B, N] float, with the object that fits best; 0 when there is none.
        best_box: [B, N] int32, which object that is.
        is_best: [B, N] bool, no other anchor has a larger IoU with some object.
        in_crowd: [B, N] bool, touches a crowd.
    """
    xp = boxes.namespace(anchors, gt_class_ids, gt_boxes)
    # All anchors that contain an object share one IoU, so several may be the best; rounding decides.
    # Double precision shows the equals that the original finds, single precision needs some slack.
    slack = 0 if xp is np else ROUNDING

    def visit(i, found):
        best_iou, best_box, is_best, in_crowd = found
        class_id = xp.take(gt_class_ids, i, axis=1)[:, None]  # [B, 1]
        box = xp.take(gt_boxes, i, axis=1)[:, None]  # [B, 1, 4]
        overlap = boxes.iou(anchors, box)[..., 0]  # [B, N]
        in_crowd = in_crowd | ((class_id < 0) & (overlap >= CROWD_TOUCHED))
        overlap = xp.where(class_id > 0, overlap, xp.zeros_like(overlap))
        most = xp.max(overlap, axis=1, keepdims=True)
        # An object that no anchor touches (one without area) has no best.
        is_best = is_best | ((overlap >= most * (1 - slack)) & (most > 0))
        best_box = xp.where(overlap > best_iou, i, best_box)
        return xp.maximum(best_iou, overlap), best_box, is_best, in_crowd

    shape = (xp.shape(gt_boxes)[0], anchors.shape[0])
    nothing = xp.zeros(shape, "bool")
    found = (xp.zeros(shape, anchors.dtype), xp.zeros(shape, "int32"), nothing, nothing)
    count = gt_boxes.shape[1]
    if xp is np:
        for i in range(count):
            found = visit(i, found)
        return found
    return ops.fori_loop(0, count, visit, found)


def _choose_anchors(matched, anchors, gt_boxes, config, seed=None):
    """From what `_match_anchors` found to what `rpn_targets` returns."""
    best_iou, best_box, is_best, in_crowd = matched
    total = config.RPN_TRAIN_ANCHORS_PER_IMAGE
    positive = is_best | (best_iou >= ANCHOR_POSITIVE)
    negative = (best_iou < ANCHOR_NEGATIVE) & ~in_crowd & ~positive
    positive = _choose(positive, total // 2, total // 2, seed)
    negative = _choose(negative, total - _count(positive), total, seed)
    match = ops.cast(positive, "int32") - ops.cast(negative, "int32")

    index, taken = _first(positive, total)
    if not gt_boxes.shape[1]:  # nothing to take an object from
        return match, ops.zeros((*ops.shape(index), 4))
    objects = kernels.rows_of(gt_boxes, kernels.rows_of(best_box, index))
    return match, _deltas(ops.take(anchors, index, axis=0), objects, taken, config.RPN_BBOX_STD_DEV)


def detection_targets(proposals, gt_class_ids, gt_boxes, gt_masks, config, seed=None):
    """Choose the proposals that train the heads, and say what the heads should answer.

    A proposal is positive when its IoU with some object is at least 0.5; negative when its IoU with
    every object is less and it touches no crowd. A random choice of T = `TRAIN_ROIS_PER_IMAGE` is kept,
    at most the part `ROI_POSITIVE_RATIO` of it positive.

    Args:
        proposals: [B, P, 4] float, normalised, rows of zeros for padding.
        gt_class_ids: [B, G] int, 0 for padding, negative for a crowd.
        gt_boxes: [B, G, 4] float, normalised.
        gt_masks: [B, h, w, G], of the whole picture, or of each box when `config.USE_MINI_MASK`.
        config: a `Config`.
        seed: what `keras.random` takes, a `SeedGenerator` inside a compiled step.

    Returns:
        rois: [B, T, 4] float32, normalised: positive, then negative, then zeros.
        class_ids: [B, T] int32, 0 for the negative.
        deltas: [B, T, 4] float32, from each positive RoI to its object, divided by `BBOX_STD_DEV`.
        masks: [B, T, height, width] float32 of zeros and ones: the object inside each positive RoI.

        As the positive come first, only the first `most_positive(config)` rows can have a mask.
    """
    total = config.TRAIN_ROIS_PER_IMAGE
    most = most_positive(config)
    # Proposals move with the network's weights, but a target is a target: no gradient through it.
    proposals = ops.stop_gradient(ops.cast(proposals, "float32"))
    gt_boxes = ops.cast(gt_boxes, "float32")
    best_iou, best_box, in_crowd = _match_proposals(proposals, gt_class_ids, gt_boxes)

    real = ops.any(proposals != 0, axis=-1)
    positive = _choose(real & (best_iou >= ROI_POSITIVE), most, most, seed)
    # In proportion to the positive there are, not filling up to T: few positive, few negative, and a
    # picture without any gives none. The original computes it so, in float32.
    found = _count(positive)
    ratio = np.float32(1 / config.ROI_POSITIVE_RATIO)
    wanted = ops.cast(ratio * ops.cast(found, "float32"), "int32") - found
    negative = _choose(real & (best_iou < ROI_POSITIVE) & ~in_crowd, wanted, total, seed)

    positive_index, is_positive = _first(positive, most)
    negative_index, is_negative = _first(negative, total)
    # Where the list of positive has unused places the negative move up.
    keep, used = _first(ops.concatenate([is_positive, is_negative], axis=1), total)
    index = kernels.rows_of(ops.concatenate([positive_index, negative_index], axis=1), keep)
    rois = ops.where(used[..., None], kernels.rows_of(proposals, index), 0.0)
    is_positive = ops.arange(total) < found[:, None]

    assigned = kernels.rows_of(best_box, index)
    objects = kernels.rows_of(gt_boxes, assigned)
    class_ids = ops.where(is_positive, ops.cast(kernels.rows_of(gt_class_ids, assigned), "int32"), 0)
    deltas = _deltas(rois, objects, is_positive, config.BBOX_STD_DEV)
    first = slice(None), slice(most)
    masks = _mask_targets(rois[first], objects[first], assigned[first], is_positive[first], gt_masks, config)
    masks = ops.pad(masks, [(0, 0), (0, total - most), (0, 0), (0, 0)])
    return rois, class_ids, deltas, masks


def most_positive(config):
    """How many of the RoIs that train the heads may be positive: they come first among them."""
    return int(config.TRAIN_ROIS_PER_IMAGE * config.ROI_POSITIVE_RATIO)


def _match_proposals(proposals, gt_class_ids, gt_boxes):
    """IoU with, and index of, the object that fits each proposal best; whether it touches a crowd.

    Returns:
        best_iou [B, P] float32 (negative when there is no object), best_box [B, P] int32 and
        in_crowd [B, P] bool.
    """
    overlaps = boxes.iou(proposals, gt_boxes)  # [B, P, G]
    class_ids = gt_class_ids[:, None]
    in_crowd = ops.any((class_ids < 0) & (overlaps >= CROWD_TOUCHED), axis=-1)
    overlaps = ops.where(class_ids > 0, overlaps, -1.0)
    return ops.max(overlaps, axis=-1), ops.cast(ops.argmax(overlaps, axis=-1), "int32"), in_crowd


def _mask_targets(rois, objects, assigned, valid, gt_masks, config):
    """Cut each RoI out of its object's mask: [B, R, height, width] float32 zeros and ones.

    Args:
        rois, objects: [B, R, 4] float32, normalised.
        assigned: [B, R] int32, which mask of `gt_masks` [B, h, w, G] belongs to the RoI.
        valid: [B, R] bool; the others get zeros.
        config: a `Config`; its `USE_MINI_MASK` and `MASK_SHAPE`.
    """
    size = config.MASK_SHAPE[0]
    rows, columns, count = gt_masks.shape[1:]
    if config.USE_MINI_MASK:  # the mask covers the object's box, which thus is its unit square
        origin = ops.concatenate([objects[..., :2], objects[..., :2]], axis=-1)
        side = objects[..., 2:] - objects[..., :2]
        side = ops.where(side > 0, side, 1.0)
        rois = (rois - origin) / ops.concatenate([side, side], axis=-1)
    masks = ops.reshape(ops.transpose(gt_masks, (0, 3, 1, 2)), (-1, rows, columns, 1))
    picture = ops.arange(ops.shape(gt_masks)[0], dtype="int32")[:, None]
    crops = kernels.crop_and_resize(
        ops.cast(masks, "float32"),
        ops.reshape(rois, (-1, 4)),
        ops.reshape(picture * count + assigned, (-1,)),
        size,
    )
    crops = ops.reshape(ops.round(crops), (-1, rois.shape[1], size, size))
    return ops.where(valid[..., None, None], crops, 0.0)


def _choose(candidates, count, most, seed):
    """Keep `count` (an int, or int32 [B]; never over `most`) random ones of `candidates` [B, N] bool.

    All stay when there are fewer. The winners of a lottery: everyone draws a number, the highest win.
    """
    numbers = kernels.random_rows(ops.shape(candidates), seed)
    numbers = ops.where(candidates, numbers, -1.0)
    highest, _ = kernels.top_k(numbers, most)
    count = ops.broadcast_to(ops.cast(count, "int32"), ops.shape(candidates)[:1])[:, None]
    last = ops.clip(count - 1, 0, highest.shape[1] - 1)
    winners = candidates & (numbers >= kernels.rows_of(highest, last))
    # Equal numbers at the border would let one too many in.
    return winners & (ops.cumsum(ops.cast(winners, "int32"), axis=1) <= count)


def _first(flags, count):
    """Where `flags` [B, N] are true: the first `count` indices [B, count] in order, and which are real."""
    found, index = kernels.top_k(ops.cast(flags, "float32"), count)  # equal values stay in order
    padding = [(0, 0), (0, count - found.shape[1])]
    return ops.pad(index, padding), ops.pad(found, padding) > 0


def _count(flags):
    """How many of `flags` [B, N] are true: [B] int32."""
    return ops.sum(ops.cast(flags, "int32"), axis=1)


def _deltas(rois, objects, valid, std):
    """Deltas from `rois` to `objects` [B, K, 4] over `std` [4], zeros where not `valid` [B, K]."""
    unit = ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0])  # no division by, or logarithm of, zero
    rois = ops.where(valid[..., None], rois, unit)
    objects = ops.where(valid[..., None], objects, unit)
    return boxes.find_deltas(rois, objects) / ops.convert_to_tensor(std, "float32")


class TargetLayer(keras.layers.Layer):
    """A layer that owns its source of chance, and stays in float32 when the network does not."""

    def __init__(self, config, seed=None, **kwargs):
        super().__init__(**{"dtype": "float32", "trainable": False} | kwargs)
        self.config = config
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True  # there are no weights to wait for


class RPNTargetLayer(TargetLayer):
    """`rpn_targets` as a layer: call it with `[anchors, gt_class_ids, gt_boxes]`.

    Args:
        config: a `Config`.
        seed: int, makes the random choices repeatable.
    """

    def call(self, inputs):
        return rpn_targets(*inputs, self.config, seed=self.seed_generator)


class DetectionTargetLayer(Configured, TargetLayer):
    """`detection_targets` as a layer: call it with `[proposals, gt_class_ids, gt_boxes, gt_masks]`.

    Args:
        config: a `Config`.
        seed: int, makes the random choices repeatable.
    """

    def call(self, inputs):
        return detection_targets(*inputs, self.config, seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        rois = (input_shape[0][0], self.config.TRAIN_ROIS_PER_IMAGE)
        return (*rois, 4), rois, (*rois, 4), (*rois, *self.config.MASK_SHAPE)

    def compute_output_spec(self, inputs):
        shapes = self.compute_output_shape([tensor.shape for tensor in inputs])
        dtypes = "float32", "int32", "float32", "float32"
        return tuple(map(keras.KerasTensor, shapes, dtypes))

    def compute_mask(self, inputs, mask=None):
        return [None] * 4

"""Region proposals: P2…P6 → boxes that may hold an object (Faster R-CNN, section 3.1; FPN, section 4.1)."""

import keras
from keras import layers, ops

from mrcnn.config import Config
from mrcnn.network import boxes, kernels
from mrcnn.network.blocks import conv2d, relu
from mrcnn.network.configured import Configured


def rpn_head(config):
    """The head that slides over every level: per anchor, is there an object, and how does its box differ?

    Returns:
        Model from one level [B, h, w, C], in the backend's layout, to logits [B, h * w * A, 2] of
        (nothing, object), their softmax [B, h * w * A, 2], and deltas [B, h * w * A, 4], for A anchors
        a place (h and w counted in anchor strides).
    """
    channels, count = config.TOP_DOWN_PYRAMID_SIZE, len(config.RPN_ANCHOR_RATIOS)
    shape = (channels, None, None) if kernels.CHANNEL_AXIS == 1 else (None, None, channels)
    level = keras.Input(shape, name="input_rpn_feature_map")
    answers = rpn_answers(level, count, config.RPN_ANCHOR_STRIDE, config.RPN_FILTERS)
    return keras.Model(level, answers, name="rpn_model")


def rpn_answers(level, count, stride, filters):
    """What `rpn_head` says of a level, of `count` anchors at every `stride`th place."""
    x = relu(conv2d(filters, 3, "rpn_conv_shared", stride, padding="same")(level))
    logits = _per_anchor(conv2d(2 * count, 1, "rpn_class_raw")(x), 2)
    probs = layers.Softmax(name="rpn_class_xxx", dtype="float32")(logits)
    deltas = _per_anchor(conv2d(4 * count, 1, "rpn_bbox_pred")(x), 4)
    return [logits, probs, deltas]


def _per_anchor(x, numbers):
    return layers.Reshape((-1, numbers), dtype="float32")(kernels.from_layout(x))


class ProposalLayer(Configured, layers.Layer):
    """Turns the RPN's answers about anchors into the most promising boxes, few of which overlap much.

    Args:
        proposal_count: boxes a picture; missing ones are zeros.
        nms_threshold: IoU above which the lower-scored of two boxes is dropped.
        config: `PRE_NMS_LIMIT`, `RPN_BBOX_STD_DEV`; a plain `Config` if not given.

    Call with [probs [B, N, 2], deltas [B, N, 4], anchors [B, N, 4] normalised]; gives [B, proposal_count, 4]
    normalised boxes, most promising first.
    """

    settings = ("proposal_count", "nms_threshold")

    def __init__(self, proposal_count, nms_threshold, config=None, **kwargs):
        super().__init__(**kwargs)
        self.proposal_count = proposal_count
        self.nms_threshold = nms_threshold
        self.config = config or Config()

    def call(self, inputs):
        return self.suppress(self.refine(inputs)[-1])

    def refine(self, inputs):
        """The best `PRE_NMS_LIMIT` anchors, best first: as they are, refined, and clipped; each [B, L, 4]."""
        probs, deltas, anchors = (ops.cast(tensor, "float32") for tensor in inputs)
        _, best = kernels.top_k(probs[..., 1], self.config.PRE_NMS_LIMIT)
        deltas, anchors = (kernels.rows_of(of_all, best) for of_all in (deltas, anchors))
        refined = boxes.apply_deltas(anchors, deltas * ops.array(self.config.RPN_BBOX_STD_DEV, "float32"))
        return anchors, refined, boxes.clip(refined, ops.array([0, 0, 1, 1], "float32"))

    def suppress(self, clipped):
        """Those of the refined boxes [B, L, 4] that are kept: [B, proposal_count, 4]."""
        return kernels.non_max_suppression(clipped, self.nms_threshold, self.proposal_count)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], self.proposal_count, 4)

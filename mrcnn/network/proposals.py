"""Region proposals: P2…P6 → boxes that may hold an object (Faster R-CNN, section 3.1; FPN, section 4.1)."""

import keras
from keras import layers, ops

from mrcnn.network import boxes, kernels
from mrcnn.network.backbone import conv2d, relu


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
    shared = conv2d(config.RPN_FILTERS, 3, "rpn_conv_shared", config.RPN_ANCHOR_STRIDE, padding="same")
    x = relu(shared(level))
    logits = _per_anchor(conv2d(2 * count, 1, "rpn_class_raw")(x), 2)
    probs = layers.Softmax(name="rpn_class_xxx", dtype="float32")(logits)
    deltas = _per_anchor(conv2d(4 * count, 1, "rpn_bbox_pred")(x), 4)
    return keras.Model(level, [logits, probs, deltas], name="rpn_model")


def _per_anchor(x, numbers):
    return layers.Reshape((-1, numbers), dtype="float32")(kernels.from_layout(x))


class ProposalLayer(layers.Layer):
    """Turns the RPN's answers about anchors into the most promising boxes, few of which overlap much.

    Args:
        proposal_count: boxes a picture; missing ones are zeros.
        nms_threshold: IoU above which the lower-scored of two boxes is dropped.
        config: `PRE_NMS_LIMIT`, `RPN_BBOX_STD_DEV`.

    Call with [probs [B, N, 2], deltas [B, N, 4], anchors [B, N, 4] normalised]; gives [B, proposal_count, 4]
    normalised boxes, most promising first.
    """

    def __init__(self, proposal_count, nms_threshold, config, **kwargs):
        super().__init__(**kwargs)
        self.proposal_count = proposal_count
        self.nms_threshold = nms_threshold
        self.limit = config.PRE_NMS_LIMIT
        self.std_dev = config.RPN_BBOX_STD_DEV

    def call(self, inputs):
        probs, deltas, anchors = (ops.cast(tensor, "float32") for tensor in inputs)
        _, best = kernels.top_k(probs[..., 1], self.limit)
        deltas, anchors = (ops.take_along_axis(t, best[..., None], axis=1) for t in (deltas, anchors))
        refined = boxes.apply_deltas(anchors, deltas * ops.array(self.std_dev, "float32"))
        clipped = boxes.clip(refined, ops.array([0, 0, 1, 1], "float32"))
        return kernels.non_max_suppression(clipped, self.nms_threshold, self.proposal_count)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], self.proposal_count, 4)

"""The boxes of the paper's figure, assembled (Mask R-CNN, He et al., 2017, 1703.06870).

    picture → backbone → pyramid → proposals → RoIAlign → box head → detections → RoIAlign → mask head

`propose`, `classify` and `segment` are its three parts: where may objects be, what are they, which
pixels are theirs. Detecting and learning put them together, each in its own way.
"""

import keras
from keras import layers

from mrcnn.network import kernels
from mrcnn.network.backbone import backbone
from mrcnn.network.detections import DetectionLayer
from mrcnn.network.heads import box_head, mask_head
from mrcnn.network.keras_model import Network
from mrcnn.network.proposals import ProposalLayer, rpn_head
from mrcnn.network.pyramid import pyramid
from mrcnn.network.roi_align import PyramidROIAlign


def propose(image, anchors, config, count):
    """The first stage: where may objects be?

    Args:
        image: [B, H, W, channels], molded.
        anchors: [B, N, 4], normalised.
        count: proposals a picture.

    Returns:
        dict of the stages so far: C2…C5, P2…P6 [B, h, w, channels], `rpn_logits` [B, N, 2], `rpn_probs`
        [B, N, 2], `rpn_deltas` [B, N, 4], `proposals` [B, count, 4] normalised.
    """
    features = backbone(image, config)
    levels = pyramid(features, config.TOP_DOWN_PYRAMID_SIZE)
    head = rpn_head(config)
    with_anchors = levels[: len(config.RPN_ANCHOR_SCALES)]
    answers = zip(*[head(level) for level in with_anchors], strict=True)
    names = ("rpn_class_logits", "rpn_class", "rpn_bbox")
    logits, probs, deltas = (
        layers.Concatenate(axis=1, name=name, dtype="float32")(list(parts))
        for name, parts in zip(names, answers, strict=True)
    )
    layer = ProposalLayer(count, config.RPN_NMS_THRESHOLD, config, name="ROI", dtype="float32")
    stages = {f"C{i}": kernels.from_layout(c) for i, c in enumerate(features, 2)}
    stages |= {f"P{i}": kernels.from_layout(p) for i, p in enumerate(levels, 2)}
    return stages | {
        "rpn_logits": logits,
        "rpn_probs": probs,
        "rpn_deltas": deltas,
        "proposals": layer([probs, deltas, anchors]),
    }


def roi_levels(stages):
    """The levels that RoIs are cut from. P6 is for proposals alone."""
    return [stages[f"P{i}"] for i in (2, 3, 4, 5)]


def classify(rois, meta, stages, config):
    """The second stage for classes and boxes: crops [B, R, 7, 7, C], logits, probabilities, deltas."""
    align = PyramidROIAlign([config.POOL_SIZE] * 2, name="roi_align_classifier")
    crops = align([rois, meta, *roi_levels(stages)])
    return crops, *box_head(crops, config)


def segment(rois, meta, stages, config):
    """The second stage for masks: [B, R, 28, 28, K] probabilities."""
    align = PyramidROIAlign([config.MASK_POOL_SIZE] * 2, name="roi_align_mask")
    return mask_head(align([rois, meta, *roi_levels(stages)]), config)


def inference_network(config):
    """The network that detects, as four Keras models over the same layers.

    Returns:
        whole: from [image, meta, anchors] to what the original's model gives: detections, class
            probabilities and deltas, masks, proposals, objectness and its deltas.
        tracer: from the same to a dict of every stage up to `detections` [B, D, 6].
        finder: from the same to the part of it that `masker` needs.
        masker: from [boxes [B, R, 4] normalised, meta, P2, P3, P4, P5] to masks [B, R, 28, 28, K], for
            any R.
    """
    image = keras.Input((None, None, config.IMAGE_CHANNEL_COUNT), name="input_image")
    meta = keras.Input((config.IMAGE_META_SIZE,), name="input_image_meta")
    anchors = keras.Input((None, 4), name="input_anchors")

    stages = propose(image, anchors, config, config.POST_NMS_ROIS_INFERENCE)
    proposals = stages["proposals"]
    crops, logits, probs, deltas = classify(proposals, meta, stages, config)
    detect = DetectionLayer(config, name="mrcnn_detection", dtype="float32")
    detections = detect([proposals, probs, deltas, meta])
    found = detections[..., :4]
    # A model that begins at `meta` itself, as the masker, would keep this one from being saved.
    own_meta = keras.layers.Identity(dtype="float32")(meta)
    masks = segment(found, own_meta, stages, config)

    inputs = [image, meta, anchors]
    outputs = [detections, probs, deltas, masks, proposals, stages["rpn_probs"], stages["rpn_deltas"]]
    whole = Network(inputs, outputs, name="mask_rcnn")
    stages |= {
        "crops": crops,
        "class_logits": logits,
        "class_probs": probs,
        "class_deltas": deltas,
        "detections": detections,
    }
    needed = {name: stages[name] for name in ("P2", "P3", "P4", "P5", "detections")}
    masker = keras.Model([found, own_meta, *roi_levels(stages)], masks)
    return whole, keras.Model(inputs, stages), keras.Model(inputs, needed), masker

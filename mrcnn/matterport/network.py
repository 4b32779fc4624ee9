"""The boxes of the figure, and the arithmetic between them, under the original's names and arguments.

Feature maps are channels last, whatever the backend convolves in. "graph" in a name once meant
TensorFlow's graph; these compute on Keras's symbolic tensors and on arrays alike.
"""

import keras
from keras import ops

from mrcnn.config import Config
from mrcnn.network.assembly import classify, segment
from mrcnn.network.backbone import BLOCKS, bottleneck, resnet
from mrcnn.network.detections import detect_objects
from mrcnn.network.kernels import from_layout, to_layout
from mrcnn.network.proposals import rpn_answers
from mrcnn.training import targets

# Backbone


def identity_block(input_tensor, kernel_size, filters, stage, block, use_bias=True, train_bn=True):
    """A bottleneck block whose input is added as it is; see `mrcnn.network.backbone.bottleneck`.

    Args:
        input_tensor: [B, H, W, filters[2]].
        kernel_size: of the second convolution.
        filters: of the three convolutions.
        stage, block: number and letter, for the layers' names.

    Returns:
        [B, H, W, filters[2]].
    """
    return _block(input_tensor, kernel_size, filters, stage, block, 1, False, use_bias, train_bn)


def conv_block(
    input_tensor, kernel_size, filters, stage, block, strides=(2, 2), use_bias=True, train_bn=True
):
    """As `identity_block`, of an input of any channels, which a convolution projects; halves by default."""
    return _block(input_tensor, kernel_size, filters, stage, block, strides, True, use_bias, train_bn)


def _block(x, size, filters, stage, block, strides, project, use_bias, train_bn):
    name = f"{stage}{block}"
    return from_layout(bottleneck(to_layout(x), filters, name, strides, project, train_bn, size, use_bias))


def resnet_graph(input_image, architecture, stage5=False, train_bn=True):
    """ResNet, from a molded picture [B, H, W, C] to its features [C1, C2, C3, C4, C5].

    Args:
        architecture: "resnet50" or "resnet101".
        stage5: whether C5 is wanted; it is None if not.
        train_bn: see `mrcnn.network.blocks.BatchNorm`.
    """
    if architecture not in BLOCKS:
        raise ValueError(f"architecture is {architecture!r}; choose one of {', '.join(BLOCKS)}.")
    blocks = BLOCKS[architecture] if stage5 else BLOCKS[architecture][:-1]
    features = [from_layout(c) for c in resnet(input_image, blocks, train_bn)]
    return features if stage5 else [*features, None]


# Proposals


def rpn_graph(feature_map, anchors_per_location, anchor_stride):
    """The proposal network's answers for one level [B, H, W, C] and N anchors.

    Returns:
        [logits [B, N, 2], probabilities [B, N, 2], deltas [B, N, 4]].
    """
    return rpn_answers(to_layout(feature_map), anchors_per_location, anchor_stride, Config.RPN_FILTERS)


def build_rpn_model(anchor_stride, anchors_per_location, depth):
    """A Keras model of `rpn_graph`, for levels of `depth` channels."""
    level = keras.Input((None, None, depth), name="input_rpn_feature_map")
    return keras.Model(level, rpn_graph(level, anchors_per_location, anchor_stride), name="rpn_model")


# Heads


def fpn_classifier_graph(
    rois, feature_maps, image_meta, pool_size, num_classes, train_bn=True, fc_layers_size=1024
):
    """Classes and box deltas of RoIs; see `mrcnn.network.assembly.classify`.

    Args:
        rois: [B, R, 4] normalised.
        feature_maps: [P2, P3, P4, P5], each [B, h, w, C].
        image_meta: [B, 12 + K].

    Returns:
        logits [B, R, K], probabilities [B, R, K], deltas [B, R, K, 4].
    """
    config = Config(
        POOL_SIZE=pool_size,
        NUM_CLASSES=num_classes,
        TRAIN_BN=train_bn,
        FPN_CLASSIF_FC_LAYERS_SIZE=fc_layers_size,
    )
    return classify(rois, image_meta, _stages(feature_maps), config)[1:]


def build_fpn_mask_graph(rois, feature_maps, image_meta, pool_size, num_classes, train_bn=True):
    """Masks of RoIs, [B, R, 2 * pool_size, 2 * pool_size, K]; arguments as in `fpn_classifier_graph`."""
    config = Config(
        MASK_POOL_SIZE=pool_size,
        MASK_SHAPE=[2 * pool_size] * 2,
        NUM_CLASSES=num_classes,
        TRAIN_BN=train_bn,
    )
    return segment(rois, image_meta, _stages(feature_maps), config)


def _stages(feature_maps):
    return {f"P{level}": features for level, features in enumerate(feature_maps, 2)}


# One picture, where the network's own functions take a batch


def detection_targets_graph(proposals, gt_class_ids, gt_boxes, gt_masks, config):
    """`mrcnn.training.targets.detection_targets` of one picture; nothing has a batch dimension."""
    batch = (ops.convert_to_tensor(x)[None] for x in (proposals, gt_class_ids, gt_boxes, gt_masks))
    return tuple(target[0] for target in targets.detection_targets(*batch, config))


def refine_detections_graph(rois, probs, deltas, window, config):
    """`mrcnn.network.detections.detect_objects` in one picture; nothing has a batch dimension."""
    batch = (ops.convert_to_tensor(x)[None] for x in (rois, probs, deltas, window))
    return detect_objects(*batch, config)[0]


def trim_zeros_graph(boxes, name="trim_zeros"):
    """The rows of `boxes` [N, 4] that are not all zero, and which those are, [N] bool.

    `name` has no effect.
    """
    real = ops.any(ops.not_equal(boxes, 0), axis=1)
    return ops.take(boxes, ops.nonzero(real)[0], axis=0), real


def batch_pack_graph(x, counts, num_rows):
    """The first `counts[i]` entries of each row `i` of `x` [num_rows, N, …], in one list [M, …]."""
    return ops.concatenate([x[i, : counts[i]] for i in range(num_rows)], axis=0)

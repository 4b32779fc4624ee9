"""Names of Matterport's Mask R-CNN that its users' programs call, over the one implementation.

Programs import them from where the original had them, `mrcnn.model`; here is what only they need:

    network       the parts of the network as functions: `resnet_graph`, `rpn_graph`, …
    batches       `data_generator` and `DataGenerator`, with targets made in NumPy
    inspection    the methods of a model that look inside: `run_graph`, `ancestor`, `mold_inputs`, …
"""

from mrcnn.images import compose_image_meta, mold_image, parse_image_meta, unmold_image
from mrcnn.images import split_image_meta as parse_image_meta_graph
from mrcnn.matterport.batches import (
    DataGenerator,
    build_detection_targets,
    data_generator,
    generate_random_rois,
)
from mrcnn.matterport.inspection import log
from mrcnn.matterport.network import (
    batch_pack_graph,
    build_fpn_mask_graph,
    build_rpn_model,
    conv_block,
    detection_targets_graph,
    fpn_classifier_graph,
    identity_block,
    refine_detections_graph,
    resnet_graph,
    rpn_graph,
    trim_zeros_graph,
)
from mrcnn.network.anchors import level_shapes as compute_backbone_shapes
from mrcnn.network.blocks import BatchNorm
from mrcnn.network.boxes import apply_deltas as apply_box_deltas_graph
from mrcnn.network.boxes import clip as clip_boxes_graph
from mrcnn.network.boxes import denormalise as denorm_boxes_graph
from mrcnn.network.boxes import iou as overlaps_graph
from mrcnn.network.boxes import normalise as norm_boxes_graph
from mrcnn.network.detections import DetectionLayer
from mrcnn.network.proposals import ProposalLayer
from mrcnn.network.roi_align import PyramidROIAlign
from mrcnn.network.roi_align import log2 as log2_graph
from mrcnn.training.batches import load_image_gt
from mrcnn.training.losses import mrcnn_bbox_loss as mrcnn_bbox_loss_graph
from mrcnn.training.losses import mrcnn_class_loss as mrcnn_class_loss_graph
from mrcnn.training.losses import mrcnn_mask_loss as mrcnn_mask_loss_graph
from mrcnn.training.losses import rpn_bbox_loss as rpn_bbox_loss_graph
from mrcnn.training.losses import rpn_class_loss as rpn_class_loss_graph
from mrcnn.training.losses import smooth_l1_loss
from mrcnn.training.targets import DetectionTargetLayer, build_rpn_targets

__all__ = [
    "BatchNorm",
    "DataGenerator",
    "DetectionLayer",
    "DetectionTargetLayer",
    "PyramidROIAlign",
    "ProposalLayer",
    "apply_box_deltas_graph",
    "batch_pack_graph",
    "build_detection_targets",
    "build_fpn_mask_graph",
    "build_rpn_model",
    "build_rpn_targets",
    "clip_boxes_graph",
    "compose_image_meta",
    "compute_backbone_shapes",
    "conv_block",
    "data_generator",
    "denorm_boxes_graph",
    "detection_targets_graph",
    "fpn_classifier_graph",
    "generate_random_rois",
    "identity_block",
    "load_image_gt",
    "log",
    "log2_graph",
    "mold_image",
    "mrcnn_bbox_loss_graph",
    "mrcnn_class_loss_graph",
    "mrcnn_mask_loss_graph",
    "norm_boxes_graph",
    "overlaps_graph",
    "parse_image_meta",
    "parse_image_meta_graph",
    "refine_detections_graph",
    "resnet_graph",
    "rpn_bbox_loss_graph",
    "rpn_class_loss_graph",
    "rpn_graph",
    "smooth_l1_loss",
    "trim_zeros_graph",
    "unmold_image",
]

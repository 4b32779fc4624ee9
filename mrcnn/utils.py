"""The names that users of the original import from here, each pointing to its home."""

import numpy as np

from mrcnn import weights
from mrcnn.data.dataset import Dataset
from mrcnn.download import URL as COCO_MODEL_URL  # noqa: F401
from mrcnn.images import resize, resize_image, resize_mask
from mrcnn.lent import lend
from mrcnn.masks import expand_mask, extract_bboxes, minimize_mask, unmold_mask
from mrcnn.metrics import (
    compute_ap,
    compute_ap_range,
    compute_matches,
    compute_overlaps_masks,
    compute_recall,
    trim_zeros,
)
from mrcnn.network.anchors import level_anchors as generate_anchors
from mrcnn.network.anchors import pyramid_anchors as generate_pyramid_anchors
from mrcnn.network.boxes import apply_deltas, find_deltas, iou, non_max_suppression
from mrcnn.network.boxes import denormalise as denorm_boxes
from mrcnn.network.boxes import normalise as norm_boxes

LENT = ("logging", "math", "np", "os", "random", "scipy", "shutil", "skimage", "sys", "urllib", "warnings")
__getattr__ = lend(__name__, LENT)

__all__ = [
    *LENT,
    "Dataset",
    "apply_box_deltas",
    "batch_slice",
    "box_refinement",
    "box_refinement_graph",
    "compute_ap",
    "compute_ap_range",
    "compute_iou",
    "compute_matches",
    "compute_overlaps",
    "compute_overlaps_masks",
    "compute_recall",
    "denorm_boxes",
    "download_trained_weights",
    "expand_mask",
    "extract_bboxes",
    "generate_anchors",
    "generate_pyramid_anchors",
    "minimize_mask",
    "mold_mask",
    "non_max_suppression",
    "norm_boxes",
    "resize",
    "resize_image",
    "resize_mask",
    "trim_zeros",
    "unmold_mask",
]


def apply_box_deltas(boxes, deltas):
    """Boxes [N, 4] float32 moved and scaled by deltas [N, 4]; see `mrcnn.network.boxes.apply_deltas`."""
    return apply_deltas(np.asarray(boxes, np.float32), np.asarray(deltas, np.float32))


def compute_overlaps(boxes1, boxes2):
    """IoU [N, M] float64 of every one of boxes [N, 4] with every one of boxes [M, 4]."""
    return iou(np.asarray(boxes1), np.asarray(boxes2)).astype(np.float64)


def compute_iou(box, boxes, box_area, boxes_area):
    """IoU [N] of one box [4] with `boxes` [N, 4]; the areas have no effect, they follow from the boxes."""
    return iou(np.asarray(box)[None], np.asarray(boxes))[0]


def box_refinement_graph(box, gt_box):
    """Deltas [N, 4] from boxes [N, 4] to ground-truth boxes [N, 4], arrays or tensors of floats."""
    return find_deltas(box, gt_box)


def box_refinement(box, gt_box):
    """Deltas [N, 4] float32 from boxes [N, 4] to ground-truth boxes [N, 4], pixels."""
    return box_refinement_graph(np.asarray(box, np.float32), np.asarray(gt_box, np.float32))


def mold_mask(mask, config):
    """Does nothing, as in the original, which never wrote it: `minimize_mask` makes masks small."""


def batch_slice(inputs, graph_fn, batch_size, names=None):
    """Call `graph_fn` on each picture's slice of the tensors `inputs`, and stack what it returns."""
    from keras import ops

    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    outputs = [graph_fn(*(tensor[i] for tensor in inputs)) for i in range(batch_size)]
    outputs = [output if isinstance(output, (list, tuple)) else (output,) for output in outputs]
    stacked = [ops.stack(parts) for parts in zip(*outputs, strict=True)]
    return stacked[0] if len(stacked) == 1 else stacked


def download_trained_weights(coco_model_path, verbose=1):
    """Fetch `mask_rcnn_coco.h5` to the path given; see `mrcnn.weights.download`."""
    weights.download(coco_model_path, progress=bool(verbose))

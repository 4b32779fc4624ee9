"""The lesson's pictures, as `Picture`s, a module for each part of a chapter; and what the cells choose by."""

from mrcnn.lesson.show.anchors import anchor, anchor_at, anchors_of, fits, objects
from mrcnn.lesson.show.basics import detections, example, you_are_here
from mrcnn.lesson.show.breaking import staged, sweeps
from mrcnn.lesson.show.features import changes, channels, levels, molding
from mrcnn.lesson.show.heads import one_roi, same_object
from mrcnn.lesson.show.masks import class_masks, cut_mask, mask_pixel
from mrcnn.lesson.show.own import beyond
from mrcnn.lesson.show.proposals import heat_maps, move, moving
from mrcnn.lesson.show.quality import coco_numbers, overlaps, precision_recall
from mrcnn.lesson.show.roi_align import roi_sample, rounding_cost
from mrcnn.lesson.show.suppression import candidates, pair, suppress, thresholds
from mrcnn.lesson.show.teaching import taught
from mrcnn.lesson.show.training import (
    before_and_after,
    classical_beside,
    data_set,
    learning,
    side_by_side,
    watershed,
)

__all__ = [
    "anchor",
    "anchor_at",
    "anchors_of",
    "before_and_after",
    "beyond",
    "candidates",
    "changes",
    "channels",
    "class_masks",
    "classical_beside",
    "coco_numbers",
    "cut_mask",
    "data_set",
    "detections",
    "example",
    "fits",
    "heat_maps",
    "learning",
    "levels",
    "mask_pixel",
    "molding",
    "move",
    "moving",
    "objects",
    "one_roi",
    "overlaps",
    "pair",
    "precision_recall",
    "roi_sample",
    "rounding_cost",
    "same_object",
    "side_by_side",
    "staged",
    "suppress",
    "sweeps",
    "taught",
    "thresholds",
    "watershed",
    "you_are_here",
]

"""The lesson's pictures, a module for a few chapters each. Every function gives a `Picture`."""

from mrcnn.lesson.show.anchors import anchor, anchor_at, anchors_of, fits, objects
from mrcnn.lesson.show.basics import detections, example, you_are_here
from mrcnn.lesson.show.breaking import staged, sweeps
from mrcnn.lesson.show.features import cell, changes, channels, levels, molding
from mrcnn.lesson.show.proposals import heat_maps, move, moving
from mrcnn.lesson.show.quality import coco_numbers, overlaps, precision_recall
from mrcnn.lesson.show.suppression import candidates, pair, suppress, thresholds

__all__ = [
    "anchor",
    "anchor_at",
    "anchors_of",
    "candidates",
    "cell",
    "changes",
    "channels",
    "coco_numbers",
    "detections",
    "example",
    "fits",
    "heat_maps",
    "levels",
    "molding",
    "move",
    "moving",
    "objects",
    "overlaps",
    "pair",
    "precision_recall",
    "staged",
    "suppress",
    "sweeps",
    "thresholds",
    "you_are_here",
]

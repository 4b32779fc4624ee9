"""One picture as the network takes it, and the way back from the network's units to the picture's."""

from dataclasses import dataclass

import numpy as np

from mrcnn.crops import MaskCrops
from mrcnn.masks import unmold_crops
from mrcnn.network import boxes as box_ops


@dataclass(frozen=True)
class Molded:
    """A picture on its way into the network.

    Attributes:
        image: (H, W, channels), the picture itself.
        molded: (h, w, channels) float32, the network's input.
        meta: (12 + K,) float32, see `mrcnn.images.compose_image_meta`.
        window: (y1, x1, y2, x2), pixels of `molded` that the picture covers.
    """

    image: np.ndarray
    molded: np.ndarray
    meta: np.ndarray
    window: tuple


def unmold(detections, masks, window, molded_shape, image_shape):
    """What `MaskRCNN.detect_crops` gives for one picture, from what the network found in it.

    Args:
        detections: [D, 6] (box, class, score), normalised.
        masks: [D, h, w] float, of the class detected.
        window: (y1, x1, y2, x2), pixels of the molded picture that the picture covers.
        molded_shape, image_shape: (height, width, …) of the molded picture and of the picture.
    """
    boxes = to_picture(detections[:, :4], window, molded_shape, image_shape)
    there = box_ops.area(boxes) > 0  # rounded to pixels, the smallest may vanish
    boxes, detections = boxes[there], detections[there]
    crops, seen = unmold_crops(masks[there], boxes, image_shape)
    return {
        "rois": boxes,
        "class_ids": detections[:, 4].astype(np.int32),
        "scores": detections[:, 5],
        "masks": MaskCrops(seen, crops, image_shape[:2]),
    }


def with_full_masks(result):
    """A result of `unmold` with masks (H, W, N) in place of those that are kept inside their boxes."""
    return result | {"masks": result["masks"].full()}


def to_picture(boxes, window, molded_shape, image_shape):
    """Boxes [N, 4] from normalised in the molded picture to int32 pixels of the picture in its `window`."""
    y1, x1, y2, x2 = box_ops.normalise(window, molded_shape)
    shift, scale = np.array([y1, x1, y1, x1]), np.array([y2 - y1, x2 - x1, y2 - y1, x2 - x1])
    # In a window one pixel wide, all that was found covers its width.
    boxes = np.where(scale > 0, (boxes - shift) / np.where(scale > 0, scale, 1), [0, 0, 1, 1])
    return box_ops.denormalise(boxes, image_shape)

"""What a Mask R-CNN computed on its way from one picture to its masks, stage by stage."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trace:
    """The stages of one detection as NumPy arrays, without a batch dimension.

    N anchors, R proposals, K classes with the background, D detections. Boxes are (y1, x1, y2, x2);
    normalised ones are on a scale where the first pixel's centre is 0 and the last one's is 1.

    Attributes:
        image: (H, W, channels), the picture as `mrcnn.rgb.as_pixels` gives it.
        molded: (h, w, channels) float32, resized, padded, minus the mean colour: the network's input.
        window: (4,) int, pixels of `molded` that the picture covers; the rest is padding.
        features: dict of C2…C5 (the backbone's) and P2…P6 (the pyramid's), each (h / stride, w / stride,
            channels) float32, strides 4 to 32 and 4 to 64.
        anchors: (N, 4) float32, pixels of `molded`, level by level.
        rpn_logits: (N, 2) float32, for each anchor, of "nothing" and "object".
        objectness: (N,) float32, the probability of "object".
        rpn_deltas: (N, 4) float32, (dy, dx, log(dh), log(dw)) over `RPN_BBOX_STD_DEV`.
        proposals: (R, 4) float32, normalised, most promising first, zeros where there were fewer.
        roi_levels: (R,) int32 in 2…5, the pyramid's level that each proposal is cut from.
        crops: (R, 7, 7, channels) float32, what RoIAlign cut out for the classifier.
        class_logits, class_probs: (R, K) float32.
        class_deltas: (R, K, 4) float32, as `rpn_deltas`, over `BBOX_STD_DEV`.
        detections: (D, 6) float32, (box, class, score), normalised, surest first.
        mask_probs: (D, 28, 28) float32, of the class detected.
        rois, class_ids, scores, masks: what `detect` returns. They are fewer than D where a box, rounded
            to the picture's pixels, has no area.
    """

    image: np.ndarray
    molded: np.ndarray
    window: np.ndarray
    features: dict
    anchors: np.ndarray
    rpn_logits: np.ndarray
    objectness: np.ndarray
    rpn_deltas: np.ndarray
    proposals: np.ndarray
    roi_levels: np.ndarray
    crops: np.ndarray
    class_logits: np.ndarray
    class_probs: np.ndarray
    class_deltas: np.ndarray
    detections: np.ndarray
    mask_probs: np.ndarray
    rois: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray
    masks: np.ndarray

    @property
    def result(self):
        """dict of `rois`, `class_ids`, `scores` and `masks`: what `detect` returns for the picture."""
        return {name: getattr(self, name) for name in ("rois", "class_ids", "scores", "masks")}

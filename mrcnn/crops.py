"""Masks kept inside their boxes.

A thousand masks of 20,000 × 20,000 pixels would fill 400 GB; inside their boxes they fill what the objects
cover. Whatever is written or drawn of a result takes both forms: it asks `as_crops` for this one, or
`as_full` for the other.
"""

from dataclasses import dataclass

import numpy as np

from mrcnn.masks import extract_bboxes, paste_crops


@dataclass(frozen=True)
class MaskCrops:
    """The N masks of a picture, each kept inside its box alone; outside of it there is none of the object.

    Attributes:
        boxes: (N, 4) whole pixels, inside the picture.
        crops: N arrays (h, w) bool of the boxes' sizes.
        picture_shape: (H, W) of the picture.
    """

    boxes: np.ndarray
    crops: list
    picture_shape: tuple

    @property
    def shape(self):
        """That of `full()`: (H, W, N)."""
        return (*self.picture_shape, len(self.crops))

    def full(self):
        """(H, W, N) bool, in memory mask by mask."""
        return paste_crops(self.crops, self.boxes, self.picture_shape)

    def areas(self):
        """(N,) int, the pixels of each mask."""
        return np.array([np.count_nonzero(crop) for crop in self.crops], int)

    def inside(self, i, box):
        """Mask i inside any box of the picture: (h, w) bool."""
        return within(self.crops[i], self.boxes[i], box)

    def parts(self):
        """Of each mask, where it lies, as slices of rows and columns, and its crop."""
        for (y1, x1, y2, x2), crop in zip(self.boxes, self.crops, strict=True):
            yield np.s_[y1:y2, x1:x2], crop


def as_crops(masks, boxes=None):
    """Masks in their boxes.

    Args:
        masks: (H, W, N), or a `MaskCrops`.
        boxes: (N, 4) whole pixels inside the picture, to which the masks are cut. By default the boxes that
            they have, or the tightest ones.

    Returns:
        a `MaskCrops`. What was an array shares its memory.
    """
    if isinstance(masks, MaskCrops):
        if boxes is None:
            return masks
        crops = [masks.inside(i, box) for i, box in enumerate(boxes)]
        return MaskCrops(np.asarray(boxes), crops, masks.picture_shape)
    boxes = extract_bboxes(masks) if boxes is None else np.asarray(boxes)
    crops = [masks[y1:y2, x1:x2, i].astype(bool, copy=False) for i, (y1, x1, y2, x2) in enumerate(boxes)]
    return MaskCrops(boxes, crops, masks.shape[:2])


def as_full(masks):
    """Masks (H, W, N) of an array, which is given as it is, or of a `MaskCrops`."""
    return masks.full() if isinstance(masks, MaskCrops) else masks


def within(crop, place, box):
    """A mask (h, w) that lies at `place`, seen inside another box: (y2 - y1, x2 - x1) bool."""
    if np.array_equal(box, place):
        return crop
    (y1, x1, y2, x2), (y, x, _, _) = box, place
    seen = np.zeros((max(y2 - y1, 0), max(x2 - x1, 0)), bool)
    top, left, bottom, right = overlap(box, place)
    if top < bottom and left < right:
        shared = crop[top - y : bottom - y, left - x : right - x]
        seen[top - y1 : bottom - y1, left - x1 : right - x1] = shared
    return seen


def overlap(box, other):
    """The box (y1, x1, y2, x2) that two boxes share; with y1 >= y2 or x1 >= x2 if they share none."""
    return max(box[0], other[0]), max(box[1], other[1]), min(box[2], other[2]), min(box[3], other[3])


def run_lengths(crop, box, picture_shape):
    """A mask as COCO writes it, uncompressed: the lengths of its runs of 0, 1, 0, … down the columns.

    Args:
        crop: (h, w) bool.
        box: (4,) where it lies, in pixels.
        picture_shape: (H, W).

    Returns:
        list of int, which add up to H · W.
    """
    height, width = picture_shape
    y1, x1 = int(box[0]), int(box[1])
    columns = np.pad(crop.T, [(0, 0), (1, 1)])  # a run ends where its column ends, at the latest
    changes = np.diff(columns.astype(np.int8), axis=1)
    x, y = np.nonzero(changes)  # first pixels of runs, and first ones after them, in turn
    ends = (x1 + x) * height + y1 + y
    # Two runs are one where the first ends at the foot of a column and the next begins at the head.
    meet = np.flatnonzero(ends[1::2][:-1] == ends[2::2])
    ends = np.delete(ends, np.concatenate([2 * meet + 1, 2 * meet + 2]))
    lengths = np.diff(ends, prepend=0, append=height * width)
    return (lengths[:-1] if lengths[-1] == 0 else lengths).tolist()

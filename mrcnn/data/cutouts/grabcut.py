"""What stands out in a box: GrabCut (Rother, Kolmogorov and Blake 2004), from a box drawn by hand.

GrabCut learns the colours of the thing and of what is around it, five Gaussians each, and cuts where the
two part at least cost; then it learns the colours again from what was cut. All depends on where it begins:

    around the box     surely not the thing
    corners of the box probably not
    an ellipse in it   probably the thing

Hands are not exact, so the thing may reach over the box by a little slack. Where what was found does not fit
the box, another beginning is tried: from no slack, then from a core that surely is the thing.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import binary_fill_holes, label

from mrcnn.masks import extract_bboxes
from mrcnn.network.boxes import iou

SIDE = 96  # pixels that the longer side of the box is brought to: small things need it, large ones save time
THIN = 24  # pixels that the shorter side has at least
AROUND = 0.35  # of the box's sides, on each side: what is looked at to learn what the thing is not
SLACK = 0.2  # by how much longer than drawn the box's sides may be
ROUNDS = 5
# Ellipse, slack and core of each try (see `_View.cut`); the first that fits is taken.
STARTS = (1.0, SLACK, 0.0), (1.3, 0.0, 0.0), (1.0, 0.0, 0.3)
# Share of the box with its slack; with less or more, nothing was told apart.
LEAST_SHARE, MOST_SHARE = 0.07, 0.97
FITS = 0.6  # IoU of the box drawn and the box of what was found, below which another try is made


def segment_box(image, box):
    """Find the thing that a box was drawn around.

    The same picture and box give the same mask: OpenCV's random numbers of this thread are seeded.

    Args:
        image: (H, W, 3) uint8.
        box: (4,) int, y1, x1, y2, x2, inside the picture.

    Returns:
        (H, W) bool in one piece without holes, or None where nothing stands out. It may reach over the box by
        half of `SLACK`.
    """
    view = _View.of(image, box)
    best = np.zeros(view.pixels.shape[:2], bool)
    for start in STARTS:
        best = max(best, view.cut(*start), key=view.fit)
        if view.fit(best) >= FITS:
            break
    y1, x1, y2, x2 = view.grown(SLACK)
    share = best[y1:y2, x1:x2].mean()
    return view.back(best) if LEAST_SHARE <= share <= MOST_SHARE else None


@dataclass(frozen=True)
class _View:
    """The part of a picture that is looked at, brought to a size that suits GrabCut.

    Attributes:
        pixels: (h, w, 3) uint8.
        box: (4,) float, the box that was drawn, in its pixels.
        part: its slices of the picture.
        shape: height and width of the picture.
    """

    pixels: np.ndarray
    box: np.ndarray
    part: tuple
    shape: tuple

    @classmethod
    def of(cls, image, box):
        shape = np.array(image.shape[:2])
        corners = np.reshape(box, (2, 2))
        size = corners[1] - corners[0]
        around = np.ceil(AROUND * size).astype(int)
        low, high = np.maximum(corners[0] - around, 0), np.minimum(corners[1] + around, shape)
        part = tuple(slice(*ends) for ends in zip(low, high, strict=True))
        scale = max(SIDE / size.max(), THIN / size.min())
        height, width = np.rint((high - low) * scale).astype(int)
        way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        pixels = cv2.resize(image[part], (int(width), int(height)), interpolation=way)
        box = (corners - low) * [height, width] / (high - low)
        return cls(pixels, box.ravel(), part, tuple(shape))

    def grown(self, slack):
        """The box, its sides longer by `slack` (a share of them), in whole pixels: slices' ends (4,) int."""
        y1, x1, y2, x2 = self.box
        longer = slack / 2 * np.array([y1 - y2, x1 - x2, y2 - y1, x2 - x1])
        return np.clip(np.rint(self.box + longer), 0, self.pixels.shape[:2] * 2).astype(int)

    def inside(self, ellipse):
        """(h, w) bool: an ellipse `ellipse` times as large as the one that touches the box's sides."""
        y1, x1, y2, x2 = self.box
        rows, columns = np.ogrid[: self.pixels.shape[0], : self.pixels.shape[1]]
        y, x = (2 * rows + 1 - y1 - y2) / (y2 - y1), (2 * columns + 1 - x1 - x2) / (x2 - x1)
        return y**2 + x**2 < ellipse**2

    def cut(self, ellipse, slack, core):
        """(h, w) bool by GrabCut: one piece, that began as `ellipse`, whose `core` surely is the thing."""
        y1, x1, y2, x2 = self.grown(slack)
        labels = np.full(self.pixels.shape[:2], cv2.GC_BGD, np.uint8)
        inside = labels[y1:y2, x1:x2]
        inside[:] = np.where(self.inside(ellipse)[y1:y2, x1:x2], cv2.GC_PR_FGD, cv2.GC_PR_BGD)
        if inside.shape == labels.shape:  # a box as large as the photograph: something must be ground
            labels[[0, -1]] = labels[:, [0, -1]] = cv2.GC_BGD
        labels[self.inside(core)] = cv2.GC_FGD
        colors = np.zeros((2, 1, 65))  # five Gaussians of the ground, five of the thing
        cv2.setRNGSeed(0)
        cv2.grabCut(self.pixels, labels, None, *colors, ROUNDS, cv2.GC_INIT_WITH_MASK)
        return self._piece((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))

    def _piece(self, mask):
        """Of a mask, the piece that fills most of the box's middle, its edge smooth and its holes filled."""
        pieces, _ = label(mask)
        sizes = np.bincount(pieces[self.inside(0.8)], minlength=1)
        sizes[0] = 0
        if not sizes.any():
            return np.zeros(mask.shape, bool)
        piece = binary_fill_holes(pieces == sizes.argmax()).astype(np.uint8)
        return cv2.medianBlur(piece, 7).astype(bool)

    def fit(self, mask):
        """IoU of the box that was drawn and the box of a mask (h, w)."""
        return float(iou(self.box[None], extract_bboxes(mask[:, :, None]))[0, 0])

    def back(self, mask):
        """A mask of this view as one of the picture."""
        rows, columns = self.part
        size = columns.stop - columns.start, rows.stop - rows.start
        way = cv2.INTER_AREA if size[0] < mask.shape[1] else cv2.INTER_LINEAR
        full = np.zeros(self.shape, bool)
        full[self.part] = cv2.resize(mask.astype(np.float32), size, interpolation=way) >= 0.5
        return full

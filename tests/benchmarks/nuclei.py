"""A hard case: the blue nuclei of `skimage.data.immunohistochemistry()`, 512 × 512 pixels.

Scikit-image has no truth for this photograph. This one was made by eye, once, by one observer who is no
pathologist, in two windows enlarged six to thirteen times, before any result was seen. Another would place a
few nuclei otherwise, so differences of one or two mean nothing.

    what counts  nuclei of the pale tissue, blue by haematoxylin, whose outline can be followed
    left out     nuclei that a window's border cuts, pale ones out of focus, streaks that may be none, and a
                 nucleus of a brown gland: they are neither to be found nor wrong to find
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage import color, feature, filters, measure, segmentation

from mrcnn.crops import MaskCrops
from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.drawing.figures import draw_outlines, show_picture

# (y1, x1, y2, x2) around a dark, a long and a pale one. All lie outside of the windows.
EXAMPLES = (484, 235, 496, 246), (284, 347, 301, 365), (131, 487, 154, 498)


@dataclass(frozen=True)
class Window:
    """A part of the photograph, all in its pixels.

    Attributes:
        box: (y1, x1, y2, x2).
        centres: (y, x) of each nucleus that counts.
        left_out: (y, x) of each that counts neither way.
    """

    box: tuple
    centres: tuple
    left_out: tuple


# fmt: off
WINDOWS = {
    "easy": Window(
        (315, 162, 479, 248),
        ((325, 193), (335, 206), (321, 241), (357, 189), (381, 194), (355, 223), (379, 226), (392, 228),
         (397, 220), (387, 237), (403, 239), (393, 181), (406, 179), (417, 187), (425, 173), (427, 217),
         (427, 210), (445, 204), (452, 197), (464, 181), (467, 217), (475, 208), (450, 241)),
        ((446, 181), (326, 166), (331, 175), (453, 169), (407, 199), (432, 190), (380, 209), (433, 244),
         (422, 222), (462, 196), (475, 245), (417, 235)),
    ),
    "crowded": Window(
        (235, 210, 316, 346),
        ((258, 221), (250, 242), (240, 274), (254, 268), (257, 275), (265, 260), (271, 270), (273, 241),
         (271, 247), (277, 229), (286, 230), (299, 227), (309, 229), (287, 238), (252, 298), (260, 298),
         (241, 306), (270, 290), (280, 296), (294, 286), (290, 317), (302, 323), (271, 334), (295, 337)),
        ((292, 244), (290, 255), (283, 247), (278, 258), (275, 300), (286, 293), (278, 325), (268, 313),
         (263, 337), (259, 262), (243, 322), (248, 340), (297, 212), (316, 240), (313, 326)),
    ),
}
# fmt: on


def by_colour(image, level=1.0, smoothing=1.0, parting=4, least=26):
    """Nuclei without learning: colour deconvolution, then a watershed of the distance to the border.

    What stands as default was chosen before its result in the windows was seen.

    Args:
        image: (H, W, 3) uint8, the photograph.
        level: threshold of the stain, 1 for Otsu's of the whole photograph.
        smoothing: pixels, of the stain before that.
        parting: pixels that two nuclei's middles are apart at least; half a nucleus's width.
        least: pixels of a nucleus; half those of the smallest example.

    Returns:
        `MaskCrops`.
    """
    stain = filters.gaussian(color.rgb2hed(image)[..., 0], smoothing)
    blue = stain > level * filters.threshold_otsu(stain)
    depth = filters.gaussian(distance_transform_edt(blue), 1)
    tops = feature.peak_local_max(depth, min_distance=parting, labels=measure.label(blue))
    seeds = np.zeros(blue.shape, int)
    seeds[tuple(tops.T)] = np.arange(1, len(tops) + 1)
    nuclei = measure.regionprops(segmentation.watershed(-depth, seeds, mask=blue))
    nuclei = [nucleus for nucleus in nuclei if nucleus.area >= least]
    boxes = np.array([nucleus.bbox for nucleus in nuclei], int).reshape(-1, 4)
    return MaskCrops(boxes, [nucleus.image for nucleus in nuclei], image.shape[:2])


def best_by_colour(image):
    """The best that `by_colour` does with the truth before its eyes, which nobody has: `MaskCrops`."""
    choices = itertools.product((1.0, 1.2, 1.4, 1.6, 1.8), (0, 1), (2, 3, 4), (13, 26))
    return max((by_colour(image, *choice) for choice in choices), key=_balance)


def _balance(masks):
    """How many more are right than wrong."""
    judged = [judge(masks, window) for window in WINDOWS.values()]
    return sum(len(one.right) - len(one.wrong) for one in judged)


@dataclass(frozen=True)
class Judged:
    """What is right and wrong in a window.

    Attributes:
        right, wrong, neither: lists of indices of masks.
        missed: list of centres (y, x).
    """

    right: list
    wrong: list
    neither: list
    missed: list


def judge(masks, window):
    """Judge the masks whose centroid lies in a window, the surest first.

    One is right if it holds exactly one centre, and none before it took that. If it holds no centre but
    something that was left out, it does not count. All others are wrong: two nuclei taken for one, too.

    Args:
        masks: `MaskCrops`.
        window: `Window`.

    Returns:
        Judged.
    """
    judged, free = Judged([], [], [], []), set(window.centres)
    for i, (place, crop) in enumerate(masks.parts()):
        if not crop.any() or not _inside(_centroid(place, crop), window.box):
            continue
        held = [centre for centre in window.centres if _holds(place, crop, centre)]
        if len(held) == 1 and held[0] in free:
            free.remove(held[0])
            judged.right.append(i)
        elif not held and any(_holds(place, crop, point) for point in window.left_out):
            judged.neither.append(i)
        else:
            judged.wrong.append(i)
    judged.missed.extend(sorted(free))
    return judged


def _centroid(place, crop):
    return np.argwhere(crop).mean(axis=0) + [part.start for part in place]


def _inside(point, box):
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]


def _holds(place, crop, point):
    """Whether a mask, kept as `crop` at the slices `place`, is at a point (y, x)."""
    y, x = (value - part.start for value, part in zip(point, place, strict=True))
    return _inside((y, x), (0, 0, *crop.shape)) and bool(crop[y, x])


def draw(path, image, found):
    """Write a picture of both windows for each way to find nuclei.

    Args:
        path: of the picture, whose kind follows its ending.
        image: (H, W, 3) uint8, the photograph.
        found: dict from a title to the `MaskCrops` that were found.
    """
    from matplotlib.figure import Figure

    figure = Figure((4.2 * len(found), 11), layout="constrained")
    axes = figure.subplots(2, len(found), squeeze=False, height_ratios=(1.9, 0.6))
    for column, (title, masks) in zip(axes.T, found.items(), strict=True):
        for ax, (name, window) in zip(column, WINDOWS.items(), strict=True):
            _draw_window(ax, image, masks, window, f"{title}: {name}")
    figure.suptitle("green: right   orange, dashed: wrong   grey: not counted   cross: missed", fontsize=14)
    figure.savefig(path, dpi=100)


def _draw_window(ax, image, masks, window, title):
    judged = judge(masks, window)
    show_picture(ax, image)
    styles = {"right": OKABE_ITO["green"], "wrong": OKABE_ITO["vermillion"], "neither": "grey"}
    for what, outline in styles.items():
        which = getattr(judged, what)
        boxes = masks.boxes[which].reshape(-1, 4)
        before = len(ax.patches)
        crops = MaskCrops(boxes, [masks.crops[i] for i in which], masks.picture_shape)
        draw_outlines(ax, boxes, crops, [outline] * len(which))
        for patch in ax.patches[before:]:
            patch.set_linestyle("--" if what == "wrong" else "-")
    ys, xs = np.array(judged.missed).reshape(-1, 2).T + 0.5
    ax.plot(xs, ys, "X", color="white", markeredgecolor="black", markersize=11)
    y1, x1, y2, x2 = window.box
    ax.set(xlim=(x1, x2), ylim=(y2, y1))
    ax.set_title(f"{title}, {len(judged.right)} of {len(window.centres)}, {len(judged.wrong)} wrong")

"""Pictures of every chapter: the map, and a picture with its objects."""

import numpy as np

from mrcnn.drawing.colors import random_colors
from mrcnn.drawing.figures import draw_rectangle
from mrcnn.drawing.overview import SIZE, overview
from mrcnn.drawing.painting import draw_instances
from mrcnn.lesson.picture import GREY, WIDTH, Picture, panels, place

LEVELS = "P2", "P3", "P4", "P5", "P6"
PADDING = 16  # pixels of context around a thing that is shown large
NEUTRAL = GREY  # what belongs to no object: colours are those of objects


def you_are_here(*stages):
    """The map of the network, some of its boxes lit: see `mrcnn.drawing.overview.overview`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, WIDTH * SIZE[1] / SIZE[0]))
    overview(stages, figure.add_axes((0, 0, 1, 1)))
    lit = f"you are here: {', '.join(stages)}" if stages else "from a picture to masks"
    return Picture(figure, f"Map of Mask R-CNN; {lit.replace('_', ' ')}.")


def detections(image, result, class_names):
    """A picture with what was found on it: masks, boxes, names and scores.

    Args:
        image: (H, W, 3) uint8.
        result: dict as `detect` gives it.
        class_names: the name of each class id.
    """
    boxes, class_ids, scores, masks = (result[key] for key in ("rois", "class_ids", "scores", "masks"))
    drawn = draw_instances(image, boxes, masks, class_ids, class_names, scores)
    count = len(boxes)
    names = ", ".join(f"{class_names[i]} {s:.2f}" for i, s in zip(class_ids, scores, strict=True))
    caption = f"{count} objects found: {names}." if count else "Nothing was found on this picture."
    height, width = image.shape[:2]
    figure, (ax,) = panels(f"{count} objects found", height=WIDTH * height / width + 0.4)
    place(ax, drawn)
    return Picture(figure, caption)


def boxes_on(ax, boxes, colors, **style):
    """Draw boxes (N, 4), pixels, on axes that show a picture."""
    style = {"linewidth": 2.5, **style}
    for box, color in zip(boxes, colors, strict=True):
        draw_rectangle(ax, box, color, **style)


def unmolded(trace, config):
    """The network's input (h, w, 3) uint8 with the mean colour added again: what it looks at, to be seen."""
    from mrcnn.images import unmold_image

    return unmold_image(trace.molded, config)


def color_of(index):
    """The colour that a detection has in every picture of the lesson, by its row."""
    return random_colors(index + 1)[index]


def zoom(ax, box, shape, padding=PADDING):
    """Show only the surroundings of a box, pixels, of a picture of `shape`."""
    y1, x1, y2, x2 = np.asarray(box, float)
    ax.set(
        xlim=(max(x1 - padding, 0), min(x2 + padding, shape[1])),
        ylim=(min(y2 + padding, shape[0]), max(y1 - padding, 0)),
    )


def example(class_names):
    """The lesson's picture, (H, W, 3) uint8: a drawn street; a photograph for those who know no drawings."""
    from mrcnn.data import toybox

    if list(class_names) == toybox.CLASS_NAMES:
        return toybox.street().image
    from skimage import data

    return data.astronaut()

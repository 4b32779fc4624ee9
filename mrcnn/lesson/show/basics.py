"""Pictures of every chapter: the map, and a picture with its objects."""

import numpy as np

from mrcnn.colors import OKABE_ITO, random_colors
from mrcnn.figures import draw_labels, draw_rectangle, inside_picture
from mrcnn.lesson.picture import WIDTH, Picture, panels, place
from mrcnn.overview import SIZE, overview
from mrcnn.visualize import draw_instances

PADDING = 16  # pixels of context around a thing that is shown large


def you_are_here(stage):
    """The map of the network with one of its boxes lit, see `mrcnn.overview.overview`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, WIDTH * SIZE[1] / SIZE[0]))
    overview(stage, figure.add_axes((0, 0, 1, 1)))
    return Picture(figure, f"Map of Mask R-CNN; you are here: {stage.replace('_', ' ')}.")


def detections(image, result, class_names, title=None):
    """A picture with what was found on it: masks, boxes, names and scores.

    Args:
        image: (H, W, 3) uint8.
        result: dict as `detect` gives it, or a `Trace`.
        class_names: the name of each class id.
        title: above the picture; None tells how many objects there are.
    """
    found = _as_dict(result)
    drawn = draw_instances(
        image, found["rois"], found["masks"], found["class_ids"], class_names, found["scores"]
    )
    count = len(found["rois"])
    names = ", ".join(
        f"{class_names[i]} {s:.2f}" for i, s in zip(found["class_ids"], found["scores"], strict=True)
    )
    caption = f"{count} objects found: {names}." if count else "Nothing was found on this picture."
    height, width = image.shape[:2]
    figure, (ax,) = panels(title or f"{count} objects found", height=WIDTH * height / width + 0.4)
    place(ax, drawn)
    return Picture(figure, caption)


def boxes_on(ax, boxes, colors, captions=None, **style):
    """Draw boxes (N, 4), pixels, on axes that show a picture, with captions where there are any."""
    style = {"linewidth": 2.5, **style}
    for box, color in zip(boxes, colors, strict=True):
        draw_rectangle(ax, box, color, **style)
    if captions is not None:
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        draw_labels(ax, inside_picture(boxes, (bottom - top, right - left)), captions, colors)


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


def _as_dict(result):
    if isinstance(result, dict):
        return result
    return {name: getattr(result, name) for name in ("rois", "masks", "class_ids", "scores")}


NEUTRAL = OKABE_ITO["blue"]  # what belongs to no object


def example(class_names):
    """The lesson's picture, (H, W, 3) uint8: a drawn street; a photograph for those who know no drawings."""
    from mrcnn.data import toybox

    if list(class_names) == toybox.CLASS_NAMES:
        return toybox.street().image
    from skimage import data

    return data.astronaut()

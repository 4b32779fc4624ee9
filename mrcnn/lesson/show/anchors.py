"""Chapter 4: where anchors stand, how large they are, and which of them fits an object."""

import numpy as np

from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.lesson import sums
from mrcnn.lesson.picture import FONT, GREY, Picture, panels, place
from mrcnn.lesson.show.basics import boxes_on, color_of, unmolded
from mrcnn.network import boxes as box_ops
from mrcnn.network.anchors import anchor_places
from mrcnn.network.roi_align import FINEST

MARGIN = 0.15  # of the input's side: how much is seen around it, since anchors reach over the border
MOST_BARS = 12  # objects, the surest, whose best anchors are shown
DOT = 180  # points of all dots of a row together, so that the picture is seen between them
DENSE = 100  # dots of a row from which on they are paler, since they touch
ONE = OKABE_ITO["vermillion"]  # the one anchor that a picture is about


def anchors_of(trace, config, level):
    """Which rows of `trace.anchors` belong to a level, "P2" and so on: [rows, columns, ratios] of indices."""
    places = anchor_places(config, trace.molded.shape)
    counts = places.prod(axis=1) * len(config.RPN_ANCHOR_RATIOS)
    which = int(level[1:]) - FINEST
    return counts[:which].sum() + np.arange(counts[which]).reshape(*places[which], -1)


def anchor_at(trace, config, level, y, x, ratio):
    """Index of that anchor of a level and ratio whose centre is nearest to a place, pixels of `molded`."""
    indices = anchors_of(trace, config, level)[..., config.RPN_ANCHOR_RATIOS.index(ratio)]
    distances = np.abs(_centres(trace.anchors[indices]) - [y, x]).sum(axis=-1)
    return int(indices.flat[distances.argmin()])


def anchor(trace, config, index):
    """One anchor on the network's input, thick; the others of its place, thin; its level's centres, dots."""
    it = sums.anchor(trace, config, index)
    level, (y, x) = f"P{it.parts['level']}", it.points[0]
    indices = anchors_of(trace, config, level)
    siblings = trace.anchors[indices[it.parts["row"], it.parts["column"]]]
    rows, columns, ratios = indices.shape

    figure, (ax,) = panels(
        f"{level}: {rows} × {columns} places, {ratios} anchors each", width=6.4, height=5.6
    )
    place(ax, faded(trace, config))
    height, width = trace.molded.shape[:2]
    ax.set(xlim=(-MARGIN * width, (1 + MARGIN) * width), ylim=((1 + MARGIN) * height, -MARGIN * height))
    centres = _centres(trace.anchors[indices[..., 0]]).reshape(-1, 2)
    most = max(rows, columns)
    dots = {"markersize": np.clip(DOT / most, 1, 10), "alpha": min(1, DENSE / most)}
    ax.plot(*centres[:, ::-1].T, ".", color=OKABE_ITO["blue"], zorder=0.5, **dots)
    boxes_on(ax, siblings, [ONE] * len(siblings), linewidth=1.2, linestyle="--")
    boxes_on(ax, [it.value], [ONE], linewidth=3)
    ax.plot(x, y, "o", color=ONE, markersize=5)
    tall, wide = it.value[2:] - it.value[:2]
    return Picture(
        figure,
        f"Anchor {index} of {len(trace.anchors)}, on {level}: centre ({y:.0f}, {x:.0f}), {tall:.0f} pixels "
        f"high and {wide:.0f} wide; dots are the {rows * columns} places of {level}.",
    )


def objects(trace):
    """Boxes [D, 4] of the detections, pixels of the network's input, in the order of `trace.rois`."""
    return box_ops.in_pixels(trace.detections[sums.rows_of_rois(trace), :4], trace.molded.shape)


def fits(trace, config, chosen, class_names):
    """Detected objects and an anchor for each, dashed, with how well the two agree.

    Args:
        chosen: index of an anchor for every row of `objects(trace)`.
    """
    found = objects(trace)
    if not len(found):
        figure, (ax,) = panels("Nothing was found: no object to fit", width=6.4, height=5.6)
        place(ax, unmolded(trace, config))
        return Picture(figure, "Nothing was found on this picture, so that there is no object to fit.")
    if len(chosen) != len(found):
        raise ValueError(f"There are {len(found)} objects, but {len(chosen)} anchors were chosen.")
    found, anchors = found[:MOST_BARS], trace.anchors[list(chosen[:MOST_BARS])]
    agreement = box_ops.iou(found, anchors).diagonal()
    levels = [f"P{sums.anchor(trace, config, int(i)).parts['level']}" for i in chosen[:MOST_BARS]]
    names = [class_names[i] for i in trace.class_ids[:MOST_BARS]]
    colors = [color_of(i) for i in range(len(found))]

    figure, (left, right) = panels(
        "objects; their anchors dashed",
        "IoU of object and anchor",
        height=4.8,
        width_ratios=(1.25, 1),
    )
    place(left, faded(trace, config))
    boxes_on(left, found, colors)
    boxes_on(left, anchors, colors, linestyle=(0, (3, 2)))
    rows = np.arange(len(found))
    right.barh(rows, agreement, color=colors)
    for row, value, level in zip(rows, agreement, levels, strict=True):
        right.text(value + 0.02, row, f"{value:.2f}  {level}", va="center", fontsize=FONT - 2)
    right.set(xlim=(0, 1.3), xticks=(0, 0.5, 1), yticks=rows, yticklabels=names)
    right.set_ylim(len(found) - 0.5, -0.5)
    right.tick_params(labelsize=FONT - 2, colors=GREY)
    right.spines[["top", "right"]].set_visible(False)
    told = ", ".join(
        f"{name} {level} {value:.2f}" for name, level, value in zip(names, levels, agreement, strict=True)
    )
    return Picture(figure, f"Each object with an anchor, its level and their IoU: {told}.")


def faded(trace, config):
    """The network's input, paler, so that what is drawn on it stands out: (h, w, 3) uint8."""
    return 255 - (255 - unmolded(trace, config)) // 5 * 2


def _centres(boxes):
    return (boxes[..., :2] + boxes[..., 2:]) / 2

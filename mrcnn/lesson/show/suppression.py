"""Chapter 6: overlap of boxes, and greedy suppression a step at a time."""

import numpy as np

from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.drawing.figures import draw_rectangle
from mrcnn.lesson.picture import FONT, GREY, Picture, panels, place
from mrcnn.lesson.show.anchors import ONE, faded
from mrcnn.lesson.show.basics import NEUTRAL
from mrcnn.lesson.show.proposals import close_up, on_window, refined
from mrcnn.network import boxes as box_ops

CANDIDATES = 60  # boxes that a picture can show
KEPT = {"color": OKABE_ITO["green"], "linewidth": 4}
DROPPED = {"color": ONE, "linewidth": 2.5, "linestyle": "--"}
PENDING = {"color": NEUTRAL, "linewidth": 1.5}
SHARED = {"color": OKABE_ITO["yellow"], "linewidth": 9}
THRESHOLDS = np.arange(0, 101, 5) / 100


def candidates(trace, config, count=CANDIDATES):
    """The boxes of the surest anchors, of which suppression makes proposals.

    Returns:
        boxes [count, 4], and scores [count], surest first. The boxes are measured as the network does, from
        the centre of their first pixel to that of their last, so that overlaps are exactly the network's.
    """
    best = np.argsort(-trace.objectness, kind="stable")[:count]
    return refined(trace, config, best) - box_ops.LAST_PIXEL, trace.objectness[best]


def suppression_steps(boxes, scores, threshold):
    """In which step of greedy suppression each box's fate is settled.

    Returns:
        steps [N] int, from 1: step k keeps one box, and drops those that it overlaps too much; and the
        indices of the boxes kept, one a step.
    """
    kept = box_ops.non_max_suppression(boxes, scores, threshold)
    steps = 1 + (box_ops.iou(boxes[kept], boxes) > threshold).argmax(axis=0)
    steps[kept] = 1 + np.arange(len(kept))  # a box without area does not even overlap itself
    return steps, kept


def pair(trace, config, boxes, first, second):
    """Two boxes, and what they share, filled; enlarged."""
    one, other = boxes[first], boxes[second]
    value = box_ops.iou(one[None], other[None])[0, 0]
    figure, (ax,) = panels(f"boxes {first} and {second}: IoU {value:.2f}", width=6.4, height=5.6)
    place(ax, faded(trace, config))
    close_up(ax, trace, one, other)
    shared = np.concatenate([np.maximum(one, other)[:2], np.minimum(one, other)[2:]])
    if (shared[2:] > shared[:2]).all():
        _fill(ax, shared, SHARED["color"], alpha=0.7)
    _draw(ax, one, **KEPT)
    _draw(ax, other, **PENDING | {"linewidth": 3})
    _legend(figure, {f"box {first}": KEPT, f"box {second}": PENDING | {"linewidth": 3}, "shared": SHARED})
    return Picture(
        figure, f"Boxes {first} and {second} have an IoU of {value:.2f}; what they share is filled."
    )


def suppress(trace, config, boxes, scores, threshold, step):
    """Greedy suppression after some steps: what is kept, what the last step dropped, what is pending.

    Args:
        step: 0 before anything has been done; steps after the last change nothing.
    """
    steps, kept = suppression_steps(boxes, scores, threshold)
    done = min(step, len(kept))
    stays = np.isin(np.arange(len(boxes)), kept)
    looks = {"kept": KEPT, "dropped now": DROPPED, "pending": PENDING}
    groups = {
        "kept": stays & (steps <= done),
        "dropped now": ~stays & (steps == done),
        "pending": steps > done,
    }
    dropped = (~stays & (steps <= done)).sum()
    counts = f"{groups['kept'].sum()} kept, {dropped} dropped, {groups['pending'].sum()} pending"

    figure, (ax,) = panels(f"step {done}: {counts}", width=6.4, height=5.6)
    on_window(ax, trace, faded(trace, config))
    for name in "pending", "kept", "dropped now":  # the last one on top
        for box in boxes[groups[name]]:
            _draw(ax, box, **looks[name])
    _legend(figure, looks)
    if not done:
        return Picture(figure, f"Before the first step: {counts}.")
    now = kept[done - 1]
    _fill(ax, boxes[now], KEPT["color"], alpha=0.35)
    return Picture(
        figure,
        f"Step {done}: box {now}, score {scores[now]:.3f}, filled, is kept and drops "
        f"{groups['dropped now'].sum()}; in all {counts}.",
    )


def thresholds(trace, config, boxes, scores, threshold):
    """The boxes that a threshold leaves, and how many any other would."""
    counts = [len(box_ops.non_max_suppression(boxes, scores, each)) for each in THRESHOLDS]
    kept = box_ops.non_max_suppression(boxes, scores, threshold)
    figure, (above, below) = panels(
        f"threshold {threshold:.2f}: {len(kept)} of {len(boxes)} left",
        "",
        width=6.4,
        height=6.6,
        columns=1,
        height_ratios=(3, 1),
    )
    on_window(above, trace, faded(trace, config))
    for box in boxes[kept]:
        _draw(above, box, **KEPT | {"linewidth": 2.5})
    below.plot(THRESHOLDS, counts, color=GREY, linewidth=2.5)
    below.plot(threshold, len(kept), "o", color=ONE, markersize=13, clip_on=False)
    below.set(xlim=(0, 1), ylim=(0, 1.05 * len(boxes)))
    below.set_xlabel("threshold", fontsize=FONT)
    below.set_ylabel("boxes left", fontsize=FONT)
    below.tick_params(labelsize=FONT - 2, colors=GREY)
    below.spines[["top", "right"]].set_visible(False)
    return Picture(
        figure,
        f"With a threshold of {threshold:.2f} suppression leaves {len(kept)} of {len(boxes)} boxes; without "
        f"any overlap allowed it would be {counts[0]}.",
    )


def _draw(ax, box, color, **style):
    draw_rectangle(ax, box + box_ops.LAST_PIXEL, color, **style)


def _fill(ax, box, color, alpha):
    y1, x1, y2, x2 = box + box_ops.LAST_PIXEL
    ax.fill([x1, x2, x2, x1], [y1, y1, y2, y2], color=color, alpha=alpha, linewidth=0)


def _legend(figure, looks):
    """What the lines mean, below the picture; `looks` is a dict from a name to a line's options."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], label=name, **look) for name, look in looks.items()]
    figure.legend(handles=lines, loc="outside lower center", ncols=3, fontsize=FONT, frameon=False)

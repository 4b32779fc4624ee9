"""Chapter 8: what the heads say of a proposal, and the many proposals of one object."""

import numpy as np

from mrcnn.lesson import sums
from mrcnn.lesson.picture import FONT, GREY, Picture, panels, place
from mrcnn.lesson.show.basics import boxes_on, color_of, unmolded, zoom
from mrcnn.network import boxes as box_ops
from mrcnn.network.boxes import in_pixels

BARS = 6  # classes whose probability is shown


def refined(trace, config):
    """What the heads make of every proposal, before any is dropped.

    Returns:
        classes (R,), the most probable ones; scores (R,), how probable; boxes (R, 4), moved by the deltas of
        that class and cut at the window, pixels of `molded`.
    """
    rows, classes = np.arange(len(trace.proposals)), trace.class_probs.argmax(axis=1)
    shape = trace.molded.shape
    deltas = trace.class_deltas[rows, classes] * config.BBOX_STD_DEV
    moved = box_ops.apply_deltas(trace.proposals, deltas)
    inside = box_ops.clip(moved, box_ops.normalise(trace.window, shape))
    return classes, trace.class_probs[rows, classes], in_pixels(inside, shape)


def one_roi(trace, config, class_names, roi):
    """A proposal with the box that it becomes, and the probabilities of its most probable classes."""
    found = sums.final_box(trace, config, roi)
    row = found.parts["detection"]
    color = GREY if row is None else _color_of_row(trace, row)
    probs = trace.class_probs[roi]
    largest = np.argsort(-probs, kind="stable")[:BARS]

    figure, (picture, bars) = panels(found.title, "probability of each class", height=4.6)
    place(picture, unmolded(trace, config))
    whole = np.concatenate([found.boxes[:, :2].min(axis=0), found.boxes[:, 2:].max(axis=0)])
    zoom(picture, whole, trace.molded.shape, padding=8 + (whole[2:] - whole[:2]).max() / 2)
    start, end = found.boxes
    boxes_on(picture, start[None], ["black"], linewidth=4)  # so that the dashes stand out from any picture
    boxes_on(picture, start[None], ["white"], linestyle="--")
    boxes_on(picture, end[None], [color], linewidth=3.5)

    names = [class_names[i] for i in largest]
    bars.barh(range(len(names)), probs[largest], color=[color] + [GREY] * (len(names) - 1))
    bars.axvline(config.DETECTION_MIN_CONFIDENCE, color="black", linestyle="--")
    bars.set_yticks(range(len(names)), names, fontsize=FONT)
    bars.set(xlim=(0, 1.3), ylim=(len(names) - 0.4, -0.6), xticks=[0, 0.5, 1])
    bars.tick_params(axis="x", labelsize=12)
    bars.spines[["top", "right"]].set_visible(False)
    for y, p in enumerate(probs[largest]):
        bars.text(1.04, y, f"{p:.3f}", fontsize=FONT, va="center")
    return Picture(
        figure,
        f"{found.title}. Most probable: "
        + ", ".join(f"{name} {p:.3f}" for name, p in zip(names[:3], probs[largest], strict=False))
        + f". The proposal is dashed, the moved box solid; sure enough is from "
        f"{config.DETECTION_MIN_CONFIDENCE:g} on.",
    )


def rois_of(trace, config, detection):
    """The proposals (n,) that come to one detection's object: of its class, sure enough, moved onto it.

    Args:
        detection: row of `trace.rois`.
    """
    row = trace.detections[sums.rows_of_rois(trace)[detection]]
    classes, scores, boxes = refined(trace, config)
    overlaps = box_ops.iou(boxes, in_pixels(row[None, :4], trace.molded.shape))[:, 0]
    sure = (classes == int(row[4])) & (scores >= config.DETECTION_MIN_CONFIDENCE)
    return np.flatnonzero(sure & (overlaps > config.DETECTION_NMS_THRESHOLD))


def same_object(trace, config, class_names, detection):
    """The proposals of one object, the boxes that they become, and the one that suppression leaves."""
    rois = rois_of(trace, config, detection)
    row = trace.detections[sums.rows_of_rois(trace)[detection]]
    shape = trace.molded.shape
    proposals, moved = in_pixels(trace.proposals[rois], shape), refined(trace, config)[2][rois]
    left = in_pixels(row[None, :4], shape)
    name, color = class_names[int(row[4])], color_of(detection)

    count = len(rois)
    figure, axes = panels(
        f"{count} {'proposal' if count == 1 else 'proposals'}",
        "moved by the deltas",
        "one is left",
        height=4,
    )
    every = np.concatenate([proposals, moved, left])
    whole = np.concatenate([every[:, :2].min(axis=0), every[:, 2:].max(axis=0)])
    for ax, boxes, width in zip(axes, (proposals, moved, left), (1.5, 1.5, 4), strict=True):
        place(ax, unmolded(trace, config))
        zoom(ax, whole, shape)
        boxes_on(ax, boxes, [color] * len(boxes), linewidth=width)
    axes[2].set_xlabel(f"{name} {row[5]:.2f}", fontsize=FONT)
    return Picture(
        figure,
        f"{count} proposals are called {name} and moved onto detection {detection}; suppression leaves the "
        f"surest, with a score of {row[5]:.3f}.",
    )


def _color_of_row(trace, row):
    """The colour of a row of `trace.detections`; grey if its box vanished when it was rounded."""
    shown = np.flatnonzero(sums.rows_of_rois(trace) == row)
    return color_of(int(shown[0])) if shown.size else GREY

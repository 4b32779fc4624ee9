"""Chapter 5: how sure the region proposal network is of each place, and how it moves the anchors."""

import numpy as np

from mrcnn.lesson.picture import FONT, GREY, Picture, panels, place
from mrcnn.lesson.show.anchors import ONE, anchors_of, faded, objects
from mrcnn.lesson.show.basics import LEVELS, NEUTRAL, boxes_on, color_of, unmolded, zoom
from mrcnn.network import boxes as box_ops

SURE = 0.5  # objectness from which an anchor counts as one that sees something
BRIGHT = 450  # grey level that would be white under a heat map: pictures end at 255, and so stay darker
SAME_OBJECT = 0.5  # IoU from which a box is drawn in an object's colour
WAY = {"arrowstyle": "-|>", "color": ONE, "linewidth": 3, "mutation_scale": 18, "shrinkA": 0, "shrinkB": 0}


def heat_maps(trace, config):
    """Objectness of every place of each level, that of its surest anchor, over the network's input."""
    maps = [trace.objectness[anchors_of(trace, config, name)].max(axis=-1) for name in LEVELS]
    titles = [f"{name}: highest {heat.max():.2f}" for name, heat in zip(LEVELS, maps, strict=True)]
    figure, (picture, *axes) = panels("the input", *titles, columns=3, width=8.4, height=5.6)
    height, width = trace.molded.shape[:2]
    place(picture, unmolded(trace, config), grid=False)
    for ax, heat in zip(axes, maps, strict=True):
        place(ax, unmolded(trace, config).mean(axis=-1), grid=False, cmap="gray", vmin=0, vmax=BRIGHT)
        down, across = height / heat.shape[0], width / heat.shape[1]
        # An anchor's centre is its feature's corner in pixels, hence the half step up and to the left.
        extent = (-across / 2, width - across / 2, height - down / 2, -down / 2)
        shown = ax.imshow(
            heat,
            extent=extent,
            cmap="inferno",
            vmin=0,
            vmax=1,
            alpha=0.9 * np.sqrt(heat),  # the picture is seen where nothing is
            interpolation="nearest",
        )
        ax.set(xlim=(0, width), ylim=(height, 0))
    bar = figure.colorbar(shown, ax=[picture, *axes], shrink=0.6)
    bar.ax.tick_params(labelsize=FONT - 2, colors=GREY)
    bar.set_label("objectness", fontsize=FONT)
    told = ", ".join(
        f"{name} {heat.max():.2f} and {(heat >= SURE).mean():.1%}"
        for name, heat in zip(LEVELS, maps, strict=True)
    )
    return Picture(figure, f"Highest objectness, and share of places with {SURE} or more: {told}.")


def refined(trace, config, anchors, share=1.0):
    """What the network's deltas make of some anchors.

    Args:
        anchors: [K], indices.
        share: of the way that each box goes, 0 (the anchor) to 1; before the end no border cuts it.

    Returns:
        [K, 4] boxes, pixels of `molded`.
    """
    deltas = share * trace.rpn_deltas[anchors] * np.asarray(config.RPN_BBOX_STD_DEV, np.float32)
    start = box_ops.normalise(trace.anchors[anchors], trace.molded.shape)
    boxes = box_ops.apply_deltas(start, deltas)
    if share == 1:
        boxes = box_ops.clip(boxes, np.array([0, 0, 1, 1], np.float32))
    return box_ops.in_pixels(boxes, trace.molded.shape)


def move(trace, config, index):
    """One anchor, dashed, and the box that its deltas make of it, with the way of its centre; enlarged."""
    before, after = trace.anchors[index], refined(trace, config, [index])[0]
    sure = trace.objectness[index]
    figure, (ax,) = panels(f"objectness {sure:.2f}: anchor (dashed) and its box", width=6.4, height=5.2)
    place(ax, faded(trace, config))
    close_up(ax, trace, before, after)
    boxes_on(ax, [before], [NEUTRAL], linewidth=3, linestyle="--")
    boxes_on(ax, [after], [ONE], linewidth=4)
    (y1, x1), (y2, x2) = ((box[:2] + box[2:]) / 2 for box in (before, after))
    ax.annotate("", (x2, y2), (x1, y1), arrowprops=WAY)
    return Picture(
        figure,
        f"Anchor {index}, objectness {sure:.2f}: from ({_whole(before)}), dashed, to ({_whole(after)}).",
    )


def moving(trace, config, anchors, share):
    """Some anchors on their way to their boxes, in the colour of the object on which each of them ends."""
    boxes, found = refined(trace, config, anchors, share), objects(trace)
    overlaps = box_ops.iou(refined(trace, config, anchors), found)
    ends_on = [int(row.argmax()) if len(found) and row.max() >= SAME_OBJECT else None for row in overlaps]
    colors = [NEUTRAL if end is None else color_of(end) for end in ends_on]
    figure, (ax,) = panels(f"{len(anchors)} surest anchors, {share:.0%} of the way", width=6.4, height=5.2)
    on_window(ax, trace, faded(trace, config))
    boxes_on(ax, boxes, colors, linewidth=2)
    on_one = sum(end is not None for end in ends_on)
    return Picture(
        figure,
        f"The {len(anchors)} surest anchors {share:.0%} of the way to their boxes; {on_one} end on one of "
        f"{len({end for end in ends_on if end is not None})} detected objects.",
    )


def on_window(ax, trace, picture):
    """Show the network's input without its padding."""
    place(ax, picture)
    y1, x1, y2, x2 = trace.window
    ax.set(xlim=(x1, x2), ylim=(y2, y1))


def close_up(ax, trace, one, other):
    """Show only the surroundings of two boxes, three times as large as both together at most."""
    both = np.concatenate([np.minimum(one, other)[:2], np.maximum(one, other)[2:]])
    zoom(ax, both, trace.molded.shape, padding=(both[2:] - both[:2]).max())


def _whole(box):
    return ", ".join(f"{side:.0f}" for side in box)

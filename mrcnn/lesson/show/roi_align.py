"""Chapter 7: a proposal on the features of its level, sampled by RoIAlign and rounded by RoIPool.

Places among the features are as in `sums.roi_sample`: the first feature is at 0, the next at 1, and a box
goes from its first corner to its last, in parts of a feature.
"""

import numpy as np

from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.drawing.figures import draw_rectangle
from mrcnn.lesson import sums
from mrcnn.lesson.picture import FONT, Picture, panels, place, with_ticks
from mrcnn.lesson.show.basics import boxes_on, unmolded
from mrcnn.network.boxes import in_pixels, iou
from mrcnn.network.roi_align import COARSEST, FINEST

EXACT, ROUNDED, CHOSEN = OKABE_ITO["orange"], OKABE_ITO["sky blue"], OKABE_ITO["vermillion"]
LEVELS = {  # what the proposals of a level are drawn with
    2: ("o", OKABE_ITO["blue"]),
    3: ("s", OKABE_ITO["orange"]),
    4: ("^", OKABE_ITO["green"]),
    5: ("D", OKABE_ITO["purple"]),
}


def on_features(trace):
    """The proposals (R, 4) in features of the level that each is cut from."""
    return trace.proposals * _ends(trace)


def _ends(trace):
    """The last row and column, twice, of the level that each proposal is cut from: (R, 4)."""
    ends = [np.tile(trace.features[f"P{level}"].shape[:2], 2) - 1 for level in trace.roi_levels]
    return np.array(ends).reshape(-1, 4)


def pooled_bins(trace, roi):
    """The borders of RoIPool's bins, whole features: the box is rounded, then every bin.

    Returns:
        rows (8,), columns (8,) int. Bin i has the features from border i to border i + 1, both included.
    """
    y1, x1, y2, x2 = np.rint(on_features(trace)[roi])
    borders = np.linspace((y1, x1), (y2, x2), trace.crops.shape[1] + 1)
    return tuple(np.rint(borders).astype(int).T)


def roi_sample(trace, config, roi, row, column, channel):
    """A proposal on the input, and on one channel of its level as RoIAlign and as RoIPool take it.

    Of the bin in `row` and `column` the left shows the sample and the four features that it is mixed from,
    the right the features that RoIPool takes the largest of.
    """
    found = sums.roi_sample(trace, config, roi, row, column, channel)
    level, sample = found.parts["level"], found.parts["place"]
    grid = trace.features[f"P{level}"][:, :, channel]
    exact = on_features(trace)[roi]
    rows, columns = pooled_bins(trace, roi)
    of_bin = grid[rows[row] : rows[row + 1] + 1, columns[column] : columns[column + 1] + 1]
    largest = of_bin.max()

    figure, (whole, align, pool) = panels(
        f"proposal {roi}, from P{level}",
        f"RoIAlign: {found.value:.3f}",
        f"RoIPool: {largest:.3f}",
        height=3.7,
    )
    box = found.boxes[0]
    place(whole, unmolded(trace, config))
    _look_at(whole, box, (0, 0), trace.molded.shape[:2], margin=8 + (box[2:] - box[:2]).max() / 2)
    boxes_on(whole, found.boxes, [EXACT])
    _dots(whole, found.points[:1] + 0.5, CHOSEN, 80)

    for ax in align, pool:
        _features_on(ax, grid, exact)
    samples = np.stack(np.meshgrid(*np.linspace(exact[:2], exact[2:], trace.crops.shape[1]).T), -1)
    _bins_on(align, *np.linspace(exact[:2], exact[2:], trace.crops.shape[1] + 1).T, EXACT)
    _dots(align, samples.reshape(-1, 2), EXACT, 18)
    if "rows" in found.parts:  # else the sample lies outside of the features
        _around(align, found.parts["rows"], found.parts["columns"])
    _dots(align, sample[None], CHOSEN, 90)

    draw_rectangle(pool, exact, EXACT, linewidth=2, linestyle="--")
    _bins_on(pool, rows, columns, ROUNDED)
    _around(pool, rows[row : row + 2], columns[column : column + 2])
    where = np.argwhere(of_bin == largest)[:1] + (rows[row], columns[column])
    _dots(pool, where, CHOSEN, 90)
    height, width = box[2:] - box[:2]
    return Picture(
        figure,
        f"Proposal {roi}, {height:.0f} by {width:.0f} pixels, on P{level}, channel {channel}: RoIAlign's "
        f"sample of bin ({row}, {column}) lies at ({sample[0]:.2f}, {sample[1]:.2f}) and is "
        f"{found.value:.3f}; RoIPool rounds the box to rows {rows[0]} to {rows[-1]} and columns "
        f"{columns[0]} to {columns[-1]}, and takes the largest of {of_bin.size} features, {largest:.3f}.",
    )


def _features_on(ax, grid, box):
    """One channel (h, w) around a box, both in features: a square of grey for each, its centre its place."""
    height, width = grid.shape
    top, left = np.maximum(np.floor(box[:2]).astype(int) - 1, 0)
    bottom, right = np.ceil(box[2:]).astype(int) + 2
    seen = grid[top:bottom, left:right]
    title = ax.get_title()
    ax.imshow(grid, "gray", extent=(-0.5, width - 0.5, height - 0.5, -0.5), vmin=seen.min(), vmax=seen.max())
    _look_at(ax, box, (-0.5, -0.5), (height - 0.5, width - 0.5), margin=1.5)
    ax.set_title(title, fontsize=FONT)
    with_ticks(ax)


def _look_at(ax, box, start, end, margin):
    """Show a square around a box, as far as there is something from `start` to `end`, (y, x) each."""
    start, end = np.array(start), np.array(end)
    side = np.minimum((box[2:] - box[:2]).max() + 2 * margin, end - start)
    top, left = np.clip((box[:2] + box[2:] - side) / 2, start, end - side)
    ax.set(xlim=(left, left + side[1]), ylim=(top + side[0], top))


def _around(ax, rows, columns):
    """A frame around the features from the first to the last of two rows and of two columns."""
    box = rows[0] - 0.5, columns[0] - 0.5, rows[1] + 0.5, columns[1] + 0.5
    draw_rectangle(ax, box, CHOSEN, linewidth=2.5)


def _bins_on(ax, rows, columns, color):
    """The borders of bins, and the box around them."""
    ax.hlines(rows, columns[0], columns[-1], color, linewidth=1)
    ax.vlines(columns, rows[0], rows[-1], color, linewidth=1)
    draw_rectangle(ax, (rows[0], columns[0], rows[-1], columns[-1]), color, linewidth=2.5)


def _dots(ax, points, color, size):
    """Points (N, 2), (y, x), over everything else."""
    ax.scatter(points[:, 1], points[:, 0], size, color, edgecolors="black", linewidths=0.8, zorder=5)


def rounding(trace):
    """What rounding to whole features does to every proposal that is none of padding.

    Returns:
        overlaps (n,), the IoU of the rounded box with the true one; shifts (n,), how far the edge that moves
        most moves, in pixels of `molded`; sides (n,), roots of the areas, likewise; levels (n,).
    """
    real = trace.proposals.any(axis=1)
    exact, boxes, levels = on_features(trace)[real], trace.proposals[real], trace.roi_levels[real]
    rounded = np.rint(exact)
    overlaps = np.array([iou(a[None], b[None])[0, 0] for a, b in zip(exact, rounded, strict=True)])
    pixels = in_pixels(boxes, trace.molded.shape)
    sides = np.sqrt((pixels[:, 2] - pixels[:, 0]) * (pixels[:, 3] - pixels[:, 1]))
    step = (np.tile(trace.molded.shape[:2], 2) - 1) / _ends(trace)[real]
    return overlaps, np.abs((rounded - exact) * step).max(axis=1), sides, levels


def rounding_cost(trace):
    """How much of each proposal is left by rounding it to whole features, and how far its edges move."""
    overlaps, shifts, sides, levels = rounding(trace)
    figure, (left, right) = panels("rounded box against true box", "the edge that moves most", height=4.4)
    there = [level for level in range(FINEST, COARSEST + 1) if (levels == level).any()]
    for level in there:
        marker, color = LEVELS[level]
        of_level = levels == level
        left.scatter(
            sides[of_level], overlaps[of_level], 30, color, marker=marker, alpha=0.7, label=f"P{level}"
        )
    left.set(xscale="log", ylim=(-0.03, 1.03), xlabel="side of the box, pixels", ylabel="IoU")
    ticks = [t for t in (8, 16, 32, 64, 128, 256, 512, 1024) if sides.min() / 2 <= t <= sides.max() * 2]
    left.set_xticks(ticks, map(str, ticks))
    left.set_xticks([], minor=True)
    right.hist(
        [shifts[levels == level] for level in there],
        bins=12,
        stacked=True,
        color=[LEVELS[level][1] for level in there],
    )
    right.set(xlabel="pixels of the input", ylabel="proposals")
    for ax in left, right:
        ax.tick_params(labelsize=12)
        ax.xaxis.label.set_size(FONT)
        ax.yaxis.label.set_size(FONT)
        ax.spines[["top", "right"]].set_visible(False)
    left.legend(fontsize=FONT - 1, loc="lower right")
    small = sides <= np.median(sides)
    return Picture(
        figure,
        f"{len(sides)} proposals rounded to whole features: the smaller half keeps a mean IoU of "
        f"{overlaps[small].mean():.2f} with the true boxes, the larger half {_mean(overlaps[~small]):.2f}; "
        f"edges move by up to {shifts.max():.1f} pixels.",
    )


def _mean(values):
    return values.mean() if values.size else np.nan

"""Chapters 2 and 3: the picture as the network gets it, and what backbone and pyramid make of it."""

import numpy as np
from matplotlib.patches import Circle

from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.drawing.figures import draw_rectangle
from mrcnn.lesson.picture import FONT, Picture, panels, place
from mrcnn.lesson.show.basics import LEVELS, unmolded
from mrcnn.masks import extract_bboxes

SHOWN = 8  # channels of a level
NOTABLE = 0.01  # of the largest change of a level's features


def molding(trace, config):
    """The picture, and the network's input with the window that the picture takes up in it."""
    figure, (before, after) = panels(
        "image: {} × {} × {}".format(*trace.image.shape),
        "molded: {} × {} × {}, the window outlined".format(*trace.molded.shape),
        height=4.4,
    )
    place(before, trace.image)
    place(after, unmolded(trace, config))
    draw_rectangle(after, trace.window, OKABE_ITO["vermillion"], linewidth=4)
    y1, x1, y2, x2 = trace.window
    return Picture(
        figure,
        f"Left the picture; right the network's input: the picture covers rows {y1} to {y2} and columns {x1} "
        f"to {x2}, the rest is padding.",
    )


def levels(trace, config):
    """What each level answers to most: the strength of its features at every place, beside the input."""
    titles = [f"{name}: {' × '.join(map(str, trace.features[name].shape))}" for name in LEVELS]
    figure, (picture, *axes) = panels("the input", *titles, columns=3, height=6.6)
    place(picture, unmolded(trace, config), grid=False)
    for ax, name in zip(axes, LEVELS, strict=True):
        place(ax, strength(trace.features[name]), grid=False, cmap="cividis", interpolation="nearest")
        ax.set_title(ax.get_title(), fontsize=FONT - 1)
    return Picture(figure, f"Strength of the features of {', '.join(LEVELS)}: coarser from level to level.")


def strength(features):
    """How much each place of a level (h, w, channels) differs from the level's mean: (h, w) in 0..1."""
    differences = np.linalg.norm(features - features.mean(axis=(0, 1)), axis=-1)
    return differences / max(differences.max(), np.finfo(np.float32).tiny)


def channels(trace, level, first=0):
    """Some channels of one level, where each sees something; the last ones of a level that has no more."""
    features = trace.features[level]
    first = max(0, min(first, features.shape[-1] - SHOWN))
    last = min(first + SHOWN, features.shape[-1])
    figure, axes = panels(*(f"{level}, channel {c}" for c in range(first, last)), columns=4, height=5.2)
    for ax, channel in zip(axes, range(first, last), strict=True):
        place(ax, features[..., channel], grid=False, cmap="cividis", interpolation="nearest")
    return Picture(figure, f"Channels {first} to {last - 1} of {level}; bright is a high value.")


def changes(trace, other):
    """Which features of each level differ between two pictures: bright where they differ most."""
    figure, axes = panels("the changed picture (ringed)", *LEVELS, columns=3, height=6.4)
    place(axes[0], other.image)
    ((y1, x1, y2, x2),) = extract_bboxes((trace.image != other.image).any(axis=-1)[..., None])
    ring = {"facecolor": "none", "edgecolor": OKABE_ITO["vermillion"], "linewidth": 4}
    axes[0].add_patch(Circle(((x1 + x2) / 2, (y1 + y2) / 2), y2 - y1, **ring))
    told = []
    for ax, name in zip(axes[1:], LEVELS, strict=True):
        difference = np.linalg.norm(trace.features[name] - other.features[name], axis=-1)
        place(ax, np.sqrt(difference), grid=False, cmap="magma", interpolation="nearest")
        told.append(f"{name} {(difference >= NOTABLE * difference.max()).mean():.0%}")
    return Picture(
        figure,
        f"A small change of the picture reaches features far around it. Places that change by {NOTABLE:.0%} "
        f"or more of what changes most: {', '.join(told)}.",
    )

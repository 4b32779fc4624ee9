"""Chapter 12: what detectors find that were taught by one box."""

import numpy as np

from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.drawing.painting import draw_numbered
from mrcnn.lesson.picture import FONT, WIDTH, Picture, panels, place
from mrcnn.lesson.show.basics import boxes_on
from mrcnn.outputs import counts_of, in_words


def taught(taught):
    """What each of some trainings finds on its photograph, with the box that it learnt from.

    Args:
        taught: dict from a title to a `mrcnn.lesson.boxing.Boxing`.
    """
    height, width = next(iter(taught.values())).image.shape[:2]
    rows = -(-len(taught) // 2)
    figure, axes = panels(*taught, columns=2, height=rows * (WIDTH / 2 * height / width + 0.4))
    told = []
    for ax, (title, one) in zip(axes, taught.items(), strict=True):
        found = (
            in_words(counts_of(one.result, one.model.class_names)) if one.model else "nothing to learn from"
        )
        drawn = draw_numbered(one.image, one.result, one.model.class_names) if one.model else one.image
        told.append(f"{title}: {found}")
        ax.set_title(told[-1], fontsize=FONT, parse_math=False)
        place(ax, drawn)
        boxes_on(ax, np.array([one.box]), [OKABE_ITO["orange"]], linestyle="--")
    return Picture(figure, f"{'; '.join(told)}.")

"""Chapter 11: one thing, what the network makes of it, and how that changes as the picture gets worse."""

import numpy as np

from mrcnn.drawing.colors import OKABE_ITO, random_colors
from mrcnn.drawing.figures import draw_labels, draw_outlines
from mrcnn.drawing.painting import captions_of, draw_instances
from mrcnn.lesson.picture import FONT, GREY, Picture, panels, place
from mrcnn.lesson.scenes import judge

FOUND, LOST = OKABE_ITO["blue"], OKABE_ITO["vermillion"]
UNITS = {
    "hidden": "hidden, % of its pixels",
    "darkness": "darkness, % of the light",
    "blur": "blur, pixels",
    "noise": "noise, of 255",
}


def staged(model, scene):
    """A stage, what was found on it, and large beside it the score of the thing that stands there.

    Args:
        model: a `MaskRCNN`; it runs once.
        scene: a `mrcnn.lesson.scenes.Stage`.
    """
    verdict = judge(model, scene)
    result, thing = verdict.result, scene.class_name
    figure, (left, right) = panels("", "", height=4.8, width_ratios=(1.25, 1))
    boxes, masks, class_ids, scores = (result[key] for key in ("rois", "masks", "class_ids", "scores"))
    names, colors = model.class_names, random_colors(len(boxes))
    place(left, draw_instances(scene.image, boxes, masks, class_ids, names, captions=[""] * len(boxes)))
    draw_outlines(left, scene.box[None], scene.visible[..., None], ["white"])
    draw_labels(left, boxes, captions_of(class_ids, names, scores), colors)  # over the outline
    right.set_axis_off()
    found = verdict.found is not None
    color, state = (FOUND, "found") if found else (LOST, "lost")
    lines = (
        (0.9, thing, 26, "black"),
        (0.58, f"{verdict.score:.2f}", 80, color),
        (0.36, state, 26, color),
        (0.16, f"minimum score: {model.config.DETECTION_MIN_CONFIDENCE:.2f}", FONT, GREY),
        (0.06, f"IoU of the mask: {verdict.overlap:.2f}", FONT, "black"),
    )
    for y, words, size, ink in lines:
        right.text(
            0.5, y, words, fontsize=size, color=ink, ha="center", va="center", transform=right.transAxes
        )
    others = len(result["rois"]) - found
    return Picture(
        figure,
        f"The {thing} is {state}, score {verdict.score:.2f}, IoU of its mask {verdict.overlap:.2f}; "
        f"{others} other detections.",
    )


def sweeps(sweeps, config):
    """Score and overlap against how much a picture was spoilt: a panel for each way to spoil it.

    Args:
        sweeps: dict of "hidden", "darkness", "blur" or "noise" → (values (V,), list of V `Verdict`s).
        config: of the model; it has the minimum score of a detection.
    """
    least = config.DETECTION_MIN_CONFIDENCE
    rows = -(-len(sweeps) // 2)
    figure, axes = panels(*sweeps, columns=min(len(sweeps), 2), height=0.6 + 3.1 * rows)
    told = []
    for ax, (name, (values, verdicts)) in zip(axes, sweeps.items(), strict=True):
        scores = [verdict.score for verdict in verdicts]
        ax.axhline(least, color=GREY, linestyle=":", linewidth=2)
        ax.plot(values, scores, color=FOUND, marker="o", linewidth=2.5, label="score")
        overlap = [verdict.overlap for verdict in verdicts]
        ax.plot(
            values, overlap, color=OKABE_ITO["orange"], marker="s", linewidth=2.5, label="IoU of the mask"
        )
        first = lost(values, verdicts)
        if first is not None:
            ax.axvline(first, color=LOST, linewidth=2)
            side = "right" if first > 0.6 * values[-1] else "left"
            ax.text(first, 1.16, f" lost: {first:.3g} ", color=LOST, fontsize=FONT, ha=side, va="top")
        told.append(f"{name}: {'never lost' if first is None else f'lost at {first:.3g}'}")
        ax.set(ylim=(-0.03, 1.18))
        ax.set_xlabel(UNITS[name], fontsize=FONT)
        ax.tick_params(labelsize=12)
        ax.set_title("")
        ax.grid(alpha=0.3)
    axes[0].legend(fontsize=12, loc="lower left")
    return Picture(figure, f"Score and IoU, the minimum score {least:.2f} dotted. {'; '.join(told)}.")


def lost(values, verdicts):
    """The first value at which the thing was not found; None if it always was."""
    missed = np.flatnonzero([verdict.found is None for verdict in verdicts])
    return values[missed[0]] if missed.size else None

"""Chapter 12: what is learnt from, how the losses fall, and what is found before and after."""

from collections import Counter

import numpy as np

from mrcnn.data import coins
from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.drawing.figures import draw_outlines
from mrcnn.drawing.painting import apply_mask
from mrcnn.lesson.picture import FONT, GREY, WIDTH, Picture, panels, place
from mrcnn.lesson.show.basics import color_of
from mrcnn.metrics import compute_overlaps_masks

PARTS = {  # the five losses: what they are called, and their colours
    "rpn_class_loss": ("proposals: something?", "sky blue"),
    "rpn_bbox_loss": ("proposals: box", "blue"),
    "mrcnn_class_loss": ("class", "orange"),
    "mrcnn_bbox_loss": ("box", "vermillion"),
    "mrcnn_mask_loss": ("mask", "green"),
}
RIGHT, WRONG = OKABE_ITO["sky blue"], OKABE_ITO["vermillion"]
FITS = 0.5  # IoU from which on a mask counts as found
SMOOTH = 5  # steps that a curve is averaged over
LINES = ((OKABE_ITO["blue"], "-"), (OKABE_ITO["vermillion"], "--"))  # of two runs


def data_set(*datasets, count=1):
    """The first pictures of each data set, with their objects.

    Args:
        datasets: prepared `Dataset`s, of pictures of one size.
        count: pictures of each.
    """
    shown = [(data, image_id) for data in datasets for image_id in data.image_ids[:count]]
    images = [data.load_image(image_id) for data, image_id in shown]
    objects = [data.load_mask(image_id) for data, image_id in shown]
    titles = [
        ", ".join(f"{n} × {data.class_names[i]}" for i, n in sorted(Counter(class_ids.tolist()).items()))
        for (data, _), (_, class_ids) in zip(shown, objects, strict=True)
    ]
    height, width = images[0].shape[:2]
    figure, axes = panels(*titles, height=WIDTH / len(shown) * height / width + 0.6)
    for ax, image, (masks, _) in zip(axes, images, objects, strict=True):
        masks_on(ax, image, masks, [color_of(i) for i in range(masks.shape[2])])
    return Picture(figure, f"Pictures to learn from, with their masks: {'; '.join(titles)}.")


def masks_on(ax, image, masks, colors):
    """A picture on axes with masks (H, W, N) tinted and outlined."""
    from mrcnn.masks import extract_bboxes

    tinted = image.copy()
    for i in range(masks.shape[2]):
        apply_mask(tinted, masks[..., i], colors[i], 0.35)
    place(ax, tinted)
    draw_outlines(ax, extract_bboxes(masks), masks, colors)


def judged(masks):
    """Which masks (H, W, N) fit a coin of the photograph, (N,) bool, and a verdict in words."""
    truth = coins.photograph()[1]
    fits = compute_overlaps_masks(masks, truth) >= FITS
    right, found = fits.any(axis=1), np.count_nonzero(fits.any(axis=0))
    return right, f"{found} of {truth.shape[2]} coins, {np.count_nonzero(~right)} wrong"


def photograph_on(ax, masks):
    """The photograph on axes with the masks found on it; gives a verdict for titles and captions."""
    right, verdict = judged(masks)
    masks_on(ax, coins.photograph()[0], masks, [RIGHT if fits else WRONG for fits in right])
    return verdict


def learning(run):
    """How a training gets on: its five losses so far, and the photograph as it is seen now."""
    steps = len(run.times)
    figure, (curve, photo) = panels("", "", height=4.4)
    verdict = photograph_on(photo, run.results[-1]["masks"])
    photo.set_title(f"after {steps} steps: {verdict}" if steps else f"before: {verdict}", fontsize=FONT)
    if steps:
        parts = [smoothed(run.losses[name]) for name in PARTS]
        names, colors = zip(*PARTS.values(), strict=True)
        curve.stackplot(run.times, parts, labels=names, colors=[OKABE_ITO[color] for color in colors])
        handles, labels = curve.get_legend_handles_labels()
        curve.legend(handles[::-1], labels[::-1], fontsize=12)
    _axes_of_loss(curve, "the five losses, added up")
    return Picture(figure, f"Loss {_loss(run)}. Photograph after {steps} steps: {verdict}.")


def before_and_after(run):
    """The photograph before a training and after it."""
    figure, axes = panels("", "", height=4.4)
    verdicts = [photograph_on(ax, run.results[i]["masks"]) for ax, i in zip(axes, (0, -1), strict=True)]
    for ax, when, verdict in zip(axes, ("before", "after"), verdicts, strict=True):
        ax.set_title(f"{when}: {verdict}", fontsize=FONT)
    return Picture(
        figure, f"Before the training {verdicts[0]}; after its {len(run.times)} steps {verdicts[1]}."
    )


def side_by_side(*runs):
    """Two trainings: their losses on one pair of axes, and what each finds on the photograph."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6.8), layout="constrained")
    axes = figure.subplot_mosaic([["loss", "loss"], [0, 1]], height_ratios=[1, 1.25])
    verdicts = []
    for i, (run, (color, style)) in enumerate(zip(runs, LINES, strict=True)):
        total = smoothed(np.sum(list(run.losses.values()), axis=0))
        axes["loss"].plot(run.times, total, style, color=color, linewidth=3, label=run.title)
        verdicts.append(photograph_on(axes[i], run.results[-1]["masks"]))
        axes[i].set_title(f"{run.title}:\n{verdicts[-1]}", fontsize=FONT)
    _axes_of_loss(axes["loss"], "loss")
    axes["loss"].legend(fontsize=FONT, frameon=False)
    told = "; ".join(
        f"{run.title}: loss {_loss(run)}, {verdict}" for run, verdict in zip(runs, verdicts, strict=True)
    )
    return Picture(figure, f"{told}.")


def smoothed(values):
    """The mean of each value and the few before it, as many as there are."""
    sums = np.cumsum([0.0, *values])
    ends = np.arange(1, len(sums))
    starts = np.maximum(ends - SMOOTH, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _loss(run):
    totals = smoothed(np.sum(list(run.losses.values()), axis=0))
    return f"{totals[0]:.2f}, in the end {totals[-1]:.2f}" if len(totals) else "not known yet"


def _axes_of_loss(ax, title):
    ax.set_title(title, fontsize=FONT)
    ax.set_xlabel("seconds", fontsize=FONT, color=GREY)
    ax.tick_params(labelsize=12, colors=GREY)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)


def watershed(image, ground, coin):
    """What the classical watershed finds on the photograph with two thresholds; see `coins.segment`.

    Tinted is what the thresholds take for sure ground and sure coin, outlined what comes of it.
    """
    from mrcnn.masks import extract_bboxes

    grey = image[..., 0]
    masks = _watershed_masks(grey, ground, coin)
    right, verdict = judged(masks)
    figure, (ax,) = panels(f"ground below {ground}, coin above {coin}:\n{verdict}", width=5.8, height=5.1)
    sure = image.copy()
    apply_mask(sure, grey < ground, OKABE_ITO["blue"], 0.6)
    apply_mask(sure, grey > coin, OKABE_ITO["orange"], 0.6)
    place(ax, sure)
    draw_outlines(ax, extract_bboxes(masks), masks, ["white" if fits else WRONG for fits in right])
    return Picture(figure, f"Ground below {ground}, coin above {coin}: {verdict}.")


def classical_beside(model, *images):
    """The classical watershed, its numbers as they suit the photograph, above what a detector finds."""
    rows = [
        ("watershed: {}", [_watershed_masks(image[..., 0]) for image in images]),
        ("network: {}", [result["masks"] for result in model.detect(list(images))]),
    ]
    figure, axes = panels(*[""] * 2 * len(images), columns=len(images), width=7.4, height=6.6)
    told = []
    for row, (title, found) in enumerate(rows):
        for column, (image, masks) in enumerate(zip(images, found, strict=True)):
            ax = axes[row * len(images) + column]
            masks_on(ax, image, masks, [color_of(i) for i in range(masks.shape[2])])
            ax.set_title(title.format(f"{masks.shape[2]} things"), fontsize=FONT)
            told.append(title.format(f"{masks.shape[2]} on picture {column + 1}"))
    return Picture(figure, f"{'; '.join(told)}.")


def _watershed_masks(grey, *thresholds):
    labels = coins.segment(grey, *thresholds)
    return labels[..., None] == np.arange(1, labels.max() + 1)

"""Chapter 9: the soft masks of all classes, put back into the picture, and cut at a threshold."""

import numpy as np

from mrcnn.drawing.figures import draw_outlines, draw_rectangle, find_outlines
from mrcnn.drawing.painting import apply_mask
from mrcnn.images import resize
from mrcnn.lesson import sums
from mrcnn.lesson.picture import Picture, panels, place
from mrcnn.lesson.show.basics import boxes_on, color_of, zoom

TILES = 20  # pictures of `class_masks`: the object, and masks of 19 classes
SOFT = {"cmap": "cividis", "vmin": 0, "vmax": 1}  # how probabilities are coloured


def class_masks(trace, masks, class_names, detection, first=0):
    """The masks of all classes for one object, its own class first, then those that see most of it.

    Args:
        masks: (D, 28, 28, K), see `MaskRCNN.class_masks`.
        detection: row of `trace.rois`.
        first: how many classes to leave out before the first shown, to leaf through many.
    """
    row = sums.rows_of_rois(trace)[detection]
    own = int(trace.detections[row, 4])
    means = masks[row].mean(axis=(0, 1))
    order = [own, *(int(k) for k in np.argsort(-means, kind="stable") if k not in (0, own))]
    shown = order[first : first + TILES - 1]

    # Ticks, though hidden, and finding a layout for so many take longer than to draw them.
    titles, no_ticks = [class_names[k] for k in shown], {"xticks": [], "yticks": []}
    figure, axes = panels("the picture", *titles, columns=5, height=7, subplot_kw=no_ticks)
    figure.set_layout_engine(None)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.96, wspace=0.05, hspace=0.22)
    y1, x1, y2, x2 = trace.rois[detection]
    sides = masks.shape[1:3]
    place(axes[0], trace.image[y1:y2, x1:x2], grid=False, aspect="auto")
    for ax, k in zip(axes[1:], shown, strict=True):
        place(ax, masks[row, :, :, k], grid=False, interpolation="nearest", **SOFT)
        if k == own:
            ax.title.set_weight("bold")
            draw_rectangle(ax, (0, 0, *sides), color_of(detection), linewidth=8)
    axes[0].set_box_aspect(1)
    most = max((means[k], class_names[k]) for k in order[1:]) if len(order) > 1 else None
    return Picture(
        figure,
        f"Masks of {len(shown)} of {len(order)} classes for detection {detection}, {class_names[own]}: its "
        f"own class sees {means[own]:.0%} of its box" + (f", {most[1]} {most[0]:.0%}." if most else "."),
    )


def pasted(trace, detection):
    """The soft mask of a row of `trace.rois`, resized to its box: (H, W) probabilities, 0 outside of it."""
    y1, x1, y2, x2 = trace.rois[detection]
    full = np.zeros(trace.image.shape[:2], np.float32)
    full[y1:y2, x1:x2] = resize(_mask(trace, detection), (y2 - y1, x2 - x1))
    return full


def cut_mask(trace, class_names, detection, threshold=sums.MASK_THRESHOLD):
    """One object's mask from 28 × 28 cells to pixels, cut at a threshold."""
    box, color = trace.rois[detection], color_of(detection)
    y1, x1, y2, x2 = box
    soft = pasted(trace, detection)
    mask = np.zeros(soft.shape, bool)
    mask[y1:y2, x1:x2] = soft[y1:y2, x1:x2] >= threshold
    small = _mask(trace, detection)
    figure, (cells, probability, cut) = panels(
        "{} × {} cells".format(*small.shape),
        f"{y2 - y1} × {x2 - x1} pixels",
        f"≥ {threshold:g}: {mask.sum()} pixels",
        height=4.2,
    )
    place(cells, small, interpolation="nearest", **SOFT)
    place(probability, soft, **SOFT)
    place(cut, apply_mask(trace.image.copy(), mask, color))
    for ax in probability, cut:
        zoom(ax, box, trace.image.shape)
        boxes_on(ax, box[None], [color])
        draw_outlines(ax, box[None], mask[..., None], ["white"])
        ax.xaxis.get_major_locator().set_params(nbins=3)  # boxes may be narrow
    name = class_names[trace.class_ids[detection]]
    share = mask[y1:y2, x1:x2].mean()
    return Picture(
        figure,
        f"The mask of detection {detection}, {name}: with a threshold of {threshold:g} it has {mask.sum()} "
        f"pixels, {share:.0%} of its box; its outlines: {len(find_outlines(mask, box))}.",
    )


def mask_pixel(trace, config, detection, y, x):
    """One pixel of a box: where it lies in the mask's cells, and where on the picture."""
    found = sums.mask_pixel(trace, config, detection, y, x)
    color = color_of(detection)
    inside = "object" if found.value else "not the object"
    probability = found.parts.get("probability", 0)
    figure, (cells, picture) = panels(
        f"mask: probability {probability:.2f}", f"pixel ({y}, {x}): {inside}", height=4.6
    )
    small = _mask(trace, detection)
    place(cells, small, interpolation="nearest", **SOFT)
    place(picture, trace.image)
    zoom(picture, trace.rois[detection], trace.image.shape)
    boxes_on(picture, found.boxes, [color])
    _cross(picture, found.points[0] + 0.5, color)
    if "place" in found.parts:
        rows, columns = found.parts["rows"], found.parts["columns"]
        draw_rectangle(cells, (rows[0], columns[0], rows[1] + 1, columns[1] + 1), color, linewidth=3)
        _cross(cells, found.parts["place"] + 0.5, color)
    return Picture(
        figure,
        f"Pixel ({y}, {x}) belongs to detection {detection} with probability {probability:.3f}: {inside}.",
    )


def _mask(trace, detection):
    """The 28 × 28 mask of a row of `trace.rois`."""
    return trace.mask_probs[sums.rows_of_rois(trace)[detection]]


def _cross(ax, point, color):
    y, x = point
    ax.scatter([x], [y], 160, [color], marker="X", edgecolors="black", linewidths=1.2, zorder=5)

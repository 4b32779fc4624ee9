"""Instances on photographs, and plots of how good they are (the paper's figure: `mrcnn.drawing.overview`).

Boxes are `(y1, x1, y2, x2)` in pixels, half-open: row `y2` and column `x2` lie outside. Masks are
`(H, W, N)` boolean. Colours are `(red, green, blue)` in 0..1, or any name that matplotlib knows.

The functions take `ax`, a matplotlib Axes to draw on; without it they make a figure. They return
the Axes, so a figure is kept by `ax.figure.savefig(path, bbox_inches="tight")`. In a script,
`matplotlib.pyplot.close(ax.figure)` frees it. What paints on arrays, without a figure, is in
`mrcnn.drawing.painting`, and has its names here too.
"""

import html
import itertools

import numpy as np

from mrcnn.columns import in_columns
from mrcnn.crops import as_crops, as_full
from mrcnn.drawing.colors import OKABE_ITO, random_colors
from mrcnn.drawing.figures import (
    draw_labels,
    draw_outlines,
    draw_rectangle,
    enlarge,
    inside_picture,
    show_picture,
    with_area,
)
from mrcnn.drawing.painting import (
    apply_mask,
    captions_of,
    check_boxes,
    check_count,
    check_instances,
    check_masks,
    class_labels,
    draw_box,
    draw_instances,
    first_of,
    tint,
)
from mrcnn.lent import lend
from mrcnn.masks import unmold_mask
from mrcnn.rgb import as_rgb

LENT = (
    "Polygon",
    "colorsys",
    "find_contours",
    "itertools",
    "lines",
    "np",
    "os",
    "patches",
    "plt",
    "random",
    "sys",
    "utils",
)
__getattr__ = lend(__name__, LENT)

__all__ = [
    *LENT,
    "apply_mask",
    "display_differences",
    "display_images",
    "display_instances",
    "display_table",
    "display_top_masks",
    "display_weight_stats",
    "draw_box",
    "draw_boxes",
    "draw_instances",
    "draw_rois",
    "plot_overlaps",
    "plot_precision_recall",
    "random_colors",
]

# pyplot is imported where a figure is made: with it comes matplotlib's font cache, whose first
# building takes seconds that somebody who only wants a painted array should not wait for.


# Figures


def _new_axes(figsize, rows=1, cols=1):
    """A figure with a grid of axes, as a flat list."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(rows, cols, figsize=figsize, squeeze=False, layout="constrained")
    return list(axes.flat)


def _show():
    """Show the open figures where there is somebody to look at them."""
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() != "agg":
        plt.show()


def display_images(images, titles=None, cols=4, cmap=None, norm=None, interpolation=None):
    """Show pictures side by side, row by row.

    Args:
        images: Pictures: (H, W) arrays are coloured by `cmap` and `norm`, all others are shown as
            they are.
        titles: One title a picture; where there is none, it stays empty.
        cols: Pictures in a row.
        cmap, norm, interpolation: As in `matplotlib.pyplot.imshow`.

    Returns:
        List of Axes, one a picture.
    """
    titles = dict(enumerate([] if titles is None else titles))
    cols = max(1, min(cols, len(images)))
    rows = max(1, -(-len(images) // cols))
    axes = _new_axes((14, 14 * rows / max(cols, 2)), rows, cols)
    for ax in axes[len(images) :]:
        ax.axis("off")
    for i, image in enumerate(images):
        if np.ndim(image) != 2:
            image = as_rgb(image)
        show_picture(
            axes[i],
            np.asarray(image),
            str(titles.get(i, "")),
            cmap=cmap,
            norm=norm,
            interpolation=interpolation,
        )
    if len(images) == 0:
        axes[0].set_title("No pictures")
    _show()
    return axes[: len(images)]


def display_instances(
    image,
    boxes,
    masks,
    class_ids,
    class_names,
    scores=None,
    title="",
    figsize=(16, 16),
    ax=None,
    show_mask=True,
    show_bbox=True,
    colors=None,
    captions=None,
):
    """Show a picture with its objects: masks, outlines, boxes, captions.

    Args:
        image: Picture, as `mrcnn.rgb.as_rgb` takes it.
        boxes: (N, 4) in pixels. Rows without area, such as padding, are not drawn.
        masks: (H, W, N) boolean, or None for boxes alone.
        class_ids: (N,) integers.
        class_names: The name of each class id, a list or a dictionary.
        scores: (N,) in 0..1, or None for captions without numbers.
        title: Above the picture. Where there are no objects it says so.
        figsize: Inches, of the figure made when `ax` is not given.
        ax: Axes to draw on. The figure is then left to the caller to show.
        show_mask: False leaves out the tints; the outlines stay.
        show_bbox: False leaves out the boxes.
        colors: N colours; None gives those of `random_colors`.
        captions: N texts in place of names and scores; an empty one or None is left out.

    Returns:
        The Axes; keep the figure by `display_instances(…).figure.savefig(path)`.

    Raises:
        ValueError: The arguments disagree on the number of objects or the size of the picture.
    """
    canvas, boxes, masks, colors = check_instances(image, boxes, masks, class_ids, colors)
    captions = first_of(captions, len(boxes), "captions")
    if captions is None:
        captions = captions_of(class_ids, class_names, scores)

    if len(boxes) == 0:
        title = f"{title}: no objects found" if title else "No objects found"
    reach = boxes if masks is None else _reach(masks, boxes)
    if masks is not None and show_mask:
        tint(canvas, reach, masks, colors)
    axes = ax or _new_axes(figsize)[0]
    show_picture(axes, canvas, title)
    if masks is not None:
        draw_outlines(axes, reach, masks, colors)
    if show_bbox:
        for box, color in zip(boxes, colors, strict=True):
            draw_rectangle(axes, box, color, linewidth=1.5, linestyle="--")
    draw_labels(axes, boxes, captions, colors)
    if ax is None:
        _show()
    return axes


def _reach(masks, boxes):
    """Boxes (N, 4) that hold all of each mask; where the box is padding, that box."""
    tight, reach = as_crops(masks).boxes, boxes.copy()
    visible = with_area(boxes)
    reach[visible] = tight[visible]
    return reach


def display_differences(
    image,
    gt_box,
    gt_class_id,
    gt_mask,
    pred_box,
    pred_class_id,
    pred_score,
    pred_mask,
    class_names,
    title="",
    ax=None,
    show_mask=True,
    show_box=True,
    iou_threshold=0.5,
    score_threshold=0.5,
):
    """Show ground truth in green and detections in red, with each detection's score and IoU.

    Args:
        image: Picture, as `mrcnn.rgb.as_rgb` takes it.
        gt_box, gt_class_id, gt_mask: (N, 4) pixels, (N,), (H, W, N) boolean.
        pred_box, pred_class_id, pred_score, pred_mask: The same of M detections, with their scores.
        class_names: The name of each class id.
        title, ax, show_mask, show_box: As in `display_instances`.
        iou_threshold: Mask IoU from which a detection of the right class counts as found.
        score_threshold: Detections below it are not counted; they are shown all the same.

    Returns:
        The Axes.
    """
    from mrcnn.metrics import compute_matches, compute_overlaps_masks

    shape = as_rgb(image).shape[:2]
    gt_box, pred_box = check_boxes(gt_box, "gt_box"), check_boxes(pred_box, "pred_box")
    gt_mask = as_full(check_masks(gt_mask, len(gt_box), shape, "gt_mask"))
    pred_mask = as_full(check_masks(pred_mask, len(pred_box), shape, "pred_mask"))
    gt_class_id = check_count(gt_class_id, len(gt_box), "gt_class_id")
    pred_class_id = check_count(pred_class_id, len(pred_box), "pred_class_id")
    pred_score = check_count(pred_score, len(pred_box), "pred_score")

    real = with_area(gt_box)
    gt_box, gt_class_id, gt_mask = gt_box[real], np.asarray(gt_class_id)[real], gt_mask[..., real]
    real = with_area(pred_box)
    pred_box, pred_class_id = pred_box[real], np.asarray(pred_class_id)[real]
    pred_score, pred_mask = np.asarray(pred_score)[real], pred_mask[..., real]

    matches, _, _ = compute_matches(
        gt_box,
        gt_class_id,
        gt_mask,
        pred_box,
        pred_class_id,
        pred_score,
        pred_mask,
        iou_threshold=iou_threshold,
        score_threshold=score_threshold,
    )
    found = np.count_nonzero(np.asarray(matches) > -1)
    best = compute_overlaps_masks(pred_mask, gt_mask).max(axis=1, initial=0)
    captions = captions_of(pred_class_id, class_names, pred_score)
    captions = [f"{caption} / {iou:.2f}" for caption, iou in zip(captions, best, strict=True)]
    green, red = OKABE_ITO["green"], OKABE_ITO["vermillion"]
    return display_instances(
        image,
        np.concatenate([gt_box, pred_box]),
        np.concatenate([gt_mask, pred_mask], axis=-1),
        np.concatenate([gt_class_id, pred_class_id]),
        class_names,
        ax=ax,
        show_mask=show_mask,
        show_bbox=show_box,
        colors=[green] * len(gt_box) + [red] * len(pred_box),
        captions=[""] * len(gt_box) + captions,
        title=title
        or f"Ground truth (green), detections (red: class score / IoU)\n{found} of {len(gt_box)} found",
    )


def draw_boxes(
    image,
    boxes=None,
    refined_boxes=None,
    masks=None,
    captions=None,
    visibilities=None,
    title="",
    ax=None,
):
    """Show boxes before and after refinement, joined by a line from corner to corner.

    Args:
        image: Picture, as `mrcnn.rgb.as_rgb` takes it.
        boxes: (N, 4) in pixels, or None; dashed where a refined box belongs to them.
        refined_boxes: (N, 4) in pixels, or None; solid.
        masks: (H, W, N) boolean, or None. A mask is shown as far as its two boxes reach.
        captions: N texts, or None.
        visibilities: N of 0 (grey and dotted, its refined box left out), 1 (dotted) and
            2 (the default).
        title: Above the picture.
        ax: Axes to draw on; None makes a figure of 12 × 12 inches.

    Returns:
        The Axes.

    Raises:
        ValueError: The arguments disagree on the number of boxes or the size of the picture.
    """
    canvas = np.array(as_rgb(image), order="C")
    boxes = None if boxes is None else check_boxes(boxes)
    if refined_boxes is not None:
        refined_boxes = check_boxes(refined_boxes, "refined_boxes")
        boxes = refined_boxes if boxes is None else boxes
        check_count(refined_boxes, len(boxes), "refined_boxes")
    boxes = check_boxes([]) if boxes is None else boxes
    final = boxes if refined_boxes is None else refined_boxes
    masks = check_masks(masks, len(boxes), canvas.shape[:2])
    captions = first_of(captions, len(boxes), "captions")
    visibilities = first_of(visibilities, len(boxes), "visibilities")
    visibilities = [2] * len(boxes) if visibilities is None else visibilities
    colors = [
        color if visibility else (0.7, 0.7, 0.7)
        for color, visibility in zip(random_colors(len(boxes)), visibilities, strict=True)
    ]

    both = np.minimum(boxes, final)[:, :2], np.maximum(boxes, final)[:, 2:]
    reach = inside_picture(np.hstack(both), canvas.shape[:2])
    if masks is not None:
        tint(canvas, reach, masks, colors)
    ax = _new_axes((12, 12))[0] if ax is None else ax
    show_picture(ax, canvas, title)
    if masks is not None:
        draw_outlines(ax, reach, masks, colors)
    for box, refined, color, visibility in zip(boxes, final, colors, visibilities, strict=True):
        moved = visibility > 0 and not np.array_equal(refined, box)
        style = ":" if visibility < 2 else "--" if moved else "-"
        draw_rectangle(ax, box, color, linewidth=2, linestyle=style)
        if moved:
            draw_rectangle(ax, refined, color, linewidth=2)
            ax.plot([box[1], refined[1]], [box[0], refined[0]], color=color)
    if captions is not None:
        draw_labels(ax, inside_picture(final, canvas.shape[:2]), captions, colors)
    return ax


def draw_rois(image, rois, refined_rois, mask, class_ids, class_names, limit=10):
    """Show regions of interest as the second stage is trained on them.

    Args:
        image: Picture, as `mrcnn.rgb.as_rgb` takes it.
        rois: (N, 4) in pixels. Rows without area are padding.
        refined_rois: (N, 4) in pixels, where the deltas take them.
        mask: (N, h, w) in 0..1, the mask of each region, stretched over it.
        class_ids: (N,); 0 marks a negative region, which is drawn grey.
        class_names: The name of each class id.
        limit: Show at most so many, spread evenly over all.

    Returns:
        The Axes; the title counts positive and negative regions.
    """
    image, rois = as_rgb(image), check_boxes(rois, "rois")
    for values, name in (refined_rois, "refined_rois"), (mask, "mask"), (class_ids, "class_ids"):
        check_count(values, len(rois), name)
    class_ids = np.asarray(class_ids, dtype=int)
    real = with_area(rois)
    positive = np.count_nonzero(class_ids[real] > 0)
    spread = np.linspace(0, len(real) - 1, min(limit, len(real))).astype(int)
    shown = [real[i] for i in spread]

    masks = np.zeros((*image.shape[:2], len(shown)), dtype=bool)
    captions = class_labels(class_ids[shown], class_names)
    for i, roi in enumerate(shown):
        if class_ids[roi] > 0:
            masks[..., i] = unmold_mask(mask[roi], rois[roi].astype(int), image.shape)
        else:
            captions[i] = ""
    return draw_boxes(
        image,
        rois[shown],
        check_boxes(refined_rois, "refined_rois")[shown],
        masks,
        captions,
        visibilities=np.where(class_ids[shown] > 0, 2, 0),
        title=f"{len(shown)} of {len(real)} regions: {positive} positive, {len(real) - positive} negative",
    )


def display_top_masks(image, mask, class_ids, class_names, limit=4):
    """Show a picture, and beside it the masks of the classes that cover most of it.

    Args:
        image: Picture, as `mrcnn.rgb.as_rgb` takes it.
        mask: (H, W, N) boolean.
        class_ids: (N,) integers.
        class_names: The name of each class id.
        limit: Show at most so many classes.

    Returns:
        List of Axes: the picture, then one a class.
    """
    image, class_ids = as_rgb(image), np.asarray(class_ids, dtype=int)
    mask = as_full(check_masks(mask, len(class_ids), image.shape[:2]))
    areas = np.count_nonzero(mask, axis=(0, 1))
    total = {int(i): areas[class_ids == i].sum() for i in np.unique(class_ids)}
    top = [i for i in sorted(total, key=total.get, reverse=True) if total[i]][:limit]

    panels, titles = [image], [f"{image.shape[0]} × {image.shape[1]}"]
    colors = random_colors(len(class_ids))
    for class_id, name in zip(top, class_labels(top, class_names), strict=True):
        members = np.flatnonzero(class_ids == class_id)
        panels.append(np.zeros_like(image))
        for i in members:
            apply_mask(panels[-1], mask[..., i], colors[i], alpha=1)
        titles.append(f"{name} ({len(members)})")
    return display_images(panels, titles, cols=len(panels))


# Plots and tables


def plot_precision_recall(AP, precisions, recalls):
    """Plot precision against recall, as `mrcnn.metrics.compute_ap` gives them.

    Returns:
        The Axes.
    """
    ax = _new_axes((7, 6))[0]
    ax.step(recalls, precisions, where="pre", linewidth=3, color=OKABE_ITO["blue"])
    ax.fill_between(recalls, precisions, step="pre", alpha=0.2, color=OKABE_ITO["blue"])
    ax.set(xlim=(0, 1.02), ylim=(0, 1.05), title=f"Precision and recall: AP = {AP:.3f}")
    ax.set(xlabel="recall: share of the objects found", ylabel="precision: share of the detections right")
    enlarge(ax)
    return ax


def plot_overlaps(gt_class_ids, pred_class_ids, pred_scores, overlaps, class_names, threshold=0.5):
    """Plot a grid of the IoU of every detection with every ground-truth object.

    Args:
        gt_class_ids: (M,) classes of the objects; zeros, as padding, are left out.
        pred_class_ids, pred_scores: (N,) classes and scores of the detections, likewise.
        overlaps: (N, M) IoU in 0..1.
        class_names: The name of each class id.
        threshold: A cell at or above it says "match", or "wrong" where the classes differ.

    Returns:
        The Axes.
    """
    gt_class_ids, pred_class_ids = (np.trim_zeros(ids, "b") for ids in (gt_class_ids, pred_class_ids))
    shape = len(pred_class_ids), len(gt_class_ids)
    overlaps = np.asarray(overlaps, dtype=float)
    if overlaps.shape != shape:
        raise ValueError(
            f"overlaps must have the shape {shape}, one row a detection and one "
            f"column an object; got {overlaps.shape}."
        )
    ax = _new_axes(np.clip(np.multiply(shape[::-1], 1.1) + 3, 5, 20))[0]
    if 0 in shape:
        ax.axis("off")
        ax.set_title(f"{shape[0]} detections, {shape[1]} objects: nothing to compare")
        return ax
    ax.imshow(overlaps, cmap="Blues", vmin=0, vmax=1)
    for (row, column), iou in np.ndenumerate(overlaps):
        same = pred_class_ids[row] == gt_class_ids[column]
        verdict = ("match" if same else "wrong") if iou >= threshold else ""
        style = {"ha": "center", "va": "center", "color": "white" if iou > 0.6 else "black"}
        ax.text(column, row, f"{iou:.2f}\n{verdict}".strip(), fontsize=13, **style)
    ax.set_xticks(range(shape[1]), class_labels(gt_class_ids, class_names), rotation=90, parse_math=False)
    ax.set_yticks(range(shape[0]), captions_of(pred_class_ids, class_names, pred_scores), parse_math=False)
    ax.set(xlabel="ground truth", ylabel="detections", title="IoU")
    enlarge(ax)
    return ax


class _Table:
    """Rows of cells, as text in a terminal and as HTML in a notebook."""

    def __init__(self, rows):
        self.rows = [[str(cell) for cell in row] for row in rows]

    def __repr__(self):
        return in_columns(self.rows)

    def _repr_html_(self):
        rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in self.rows)
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def display_table(table):
    """Show a list of rows: a table in a notebook, aligned columns of text elsewhere."""
    try:
        from IPython.display import display
    except ImportError:
        display = print
    display(_Table(table))


def display_weight_stats(model):
    """Show shape, minimum, maximum and standard deviation of every weight of a model.

    Marked are weights whose values are all equal ("untrained?": biases still at zero, say), not
    finite, or larger than 1,000 ("overflow?").

    Args:
        model: A `MaskRCNN` or a Keras model.
    """
    from keras import ops  # late, because pictures are drawn without Keras too

    from mrcnn.weights import model_layers

    table = [["weight", "shape", "min", "max", "std", ""]]
    layers = [named for _, named in model_layers(getattr(model, "keras_model", model))]
    for name, variable in itertools.chain.from_iterable(named.items() for named in layers):
        values = ops.convert_to_numpy(variable)
        low, high = values.min(), values.max()
        if not max(abs(low), abs(high)) <= 1000:
            mark = "overflow?"
        else:
            mark = "untrained?" if low == high and values.size > 1 else ""
        statistics = (f"{value:+.4f}" for value in (low, high, values.std()))
        table.append([name, values.shape, *statistics, mark])
    display_table(table)

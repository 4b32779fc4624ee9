"""Chapter 10: how well what was found fits the truth, on one picture and on many."""

import numpy as np

from mrcnn.drawing.colors import OKABE_ITO, random_colors, text_color
from mrcnn.drawing.figures import draw_outlines, inside_picture
from mrcnn.drawing.painting import tint
from mrcnn.lesson.picture import FONT, GREY, Picture, panels, place
from mrcnn.lesson.show.basics import color_of
from mrcnn.metrics import average_precision

MOST_ROWS = 12  # detections, and objects, that a table of overlaps has room for
RIGHT, WRONG = OKABE_ITO["green"], OKABE_ITO["vermillion"]


def overlaps(truth, found, ious, class_names):
    """The true outlines over the masks found, and the IoU of every detection with every object.

    Args:
        truth: a `mrcnn.lesson.scenes.Truth`.
        found: dict as `detect` gives it.
        ious: (M, N), of the M detections' masks with the N true ones.
        class_names: the name of each class id.
    """
    rows, columns = min(len(ious), MOST_ROWS), min(len(truth.class_ids), MOST_ROWS)
    names = [class_names[i] if i > 0 else "unknown" for i in truth.class_ids[:columns]]
    figure, (left, right) = panels(
        "found, and the truth in white", "IoU of masks", height=4.9, width_ratios=(1.15, 1)
    )
    tinted = truth.image.copy()
    tint(tinted, found["rois"], found["masks"], random_colors(len(ious)))
    place(left, tinted)
    boxes = inside_picture(truth.boxes, truth.image.shape[:2])
    draw_outlines(left, boxes, truth.masks, ["white"] * len(boxes))
    if not rows:
        right.axis("off")
        right.text(0.5, 0.5, "nothing was found", ha="center", fontsize=FONT)
        return Picture(figure, f"Nothing was found of {len(boxes)} objects: there is no overlap.")

    right.imshow(ious[:rows, :columns], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    right.set_xticks(range(columns), names, rotation=90, fontsize=12)
    found_names = [f"{class_names[found['class_ids'][i]]} {found['scores'][i]:.2f}" for i in range(rows)]
    right.set_yticks(range(rows), found_names, fontsize=12)
    for i, label in enumerate(right.get_yticklabels()):
        label.set(backgroundcolor=color_of(i), color=text_color(color_of(i)))
    for (i, j), iou in np.ndenumerate(ious[:rows, :columns]):
        if iou >= 0.005:
            ink = "white" if iou > 0.5 else "black"
            right.text(j, i, f"{iou:.3f}".lstrip("0"), ha="center", va="center", color=ink, fontsize=10)
    best = ious.max(axis=1)
    return Picture(
        figure,
        f"{len(ious)} detections and {len(boxes)} true objects. The best IoU of each detection: "
        f"{best.min():.2f} to {best.max():.2f}.",
    )


def precision_recall(correct, truth, threshold):
    """Precision over recall after the 1, 2, 3, … surest detections, and the area below it.

    Args:
        correct: (M,) bool, surest first: which detections found an object.
        truth: a `mrcnn.lesson.scenes.Truth`: what there was to find.
        threshold: least IoU of an object found; it is only written.
    """
    count, objects = len(correct), len(truth.class_ids)
    figure, (ax,) = panels("", height=4.6)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.08))
    ax.set_xlabel("recall: share of the objects found", fontsize=FONT)
    ax.set_ylabel("precision: share correct", fontsize=FONT)
    ax.tick_params(labelsize=12)
    ax.grid(alpha=0.3)
    if not count:
        ax.set_title(f"IoU ≥ {threshold:.2f}: AP 0.00", fontsize=FONT)
        ax.text(0.5, 0.5, "no detections, no curve", ha="center", fontsize=FONT, color=GREY)
        return Picture(figure, f"Nothing was found of {objects} objects: recall is 0, and AP too.")

    hits = np.cumsum(correct)
    precision, recall = hits / np.arange(1, count + 1), hits / objects
    area, raised, _ = average_precision(correct, objects)
    raised = raised[1:-1]
    ax.set_title(f"IoU ≥ {threshold:.2f}: AP {area:.2f}, the shaded area", fontsize=FONT)
    ax.fill_between([0, *recall], [raised[0], *raised], step="pre", color=OKABE_ITO["sky blue"], alpha=0.45)
    ax.plot(recall, precision, color=GREY, linewidth=1.5)
    for marker, color, kind, label in (("o", RIGHT, correct, "correct"), ("X", WRONG, ~correct, "wrong")):
        ax.scatter(recall[kind], precision[kind], s=150, marker=marker, color=color, label=label, zorder=3)
    ax.legend(fontsize=FONT, loc="lower right")
    return Picture(
        figure,
        f"At IoU {threshold:.2f}, {hits[-1]} of {count} detections are correct, and {hits[-1]} of {objects} "
        f"objects are found: precision {precision[-1]:.2f}, recall {recall[-1]:.2f}, AP {area:.2f}.",
    )


def coco_numbers(numbers):
    """COCO's numbers of many pictures: all classes together, and the mask AP of each class.

    Args:
        numbers: dict as `mrcnn.metrics.evaluate` gives it.
    """
    masks, boxes = numbers["segm"], numbers["bbox"]
    wanted = ["AP", "AP50", "AP75", "APs", "APm", "APl"]
    classes = sorted(
        (own["AP"], name) for name, own in masks["per_class"].items() if own["AP"] >= 0
    )  # those that occur
    figure, (left, right) = panels("all classes", "mask AP of each class", height=5.6)
    places = np.arange(len(wanted))
    for shift, part, color, label in (
        (-0.2, boxes, "orange", "boxes"),
        (0.2, masks, "sky blue", "masks"),
    ):
        values = np.array([part[name] for name in wanted])
        left.bar(places + shift, values.clip(0), 0.4, color=OKABE_ITO[color], label=label)
        for x, value in zip(places + shift, values, strict=True):
            text = f"{value:.2f}" if value >= 0 else "none"
            left.text(x, max(value, 0) + 0.01, text, ha="center", va="bottom", fontsize=12, rotation=90)
    left.set_xticks(places, wanted, fontsize=FONT)
    left.set_ylim(0, 1.2)
    left.set_yticks(np.linspace(0, 1, 6))
    left.legend(fontsize=FONT, ncols=2, loc="upper center")
    right.barh([name for _, name in classes], [ap for ap, _ in classes], color=OKABE_ITO["sky blue"])
    right.set_xlim(0, 1)
    for ax in left, right:
        ax.tick_params(labelsize=12)
    return Picture(
        figure,
        f"Masks: AP {masks['AP']:.3f}, AP50 {masks['AP50']:.3f}, AP75 {masks['AP75']:.3f}; boxes: "
        f"AP {boxes['AP']:.3f}, AP50 {boxes['AP50']:.3f}, AP75 {boxes['AP75']:.3f}.",
    )

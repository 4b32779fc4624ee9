"""One number at a time: what the network computed for one anchor, RoI, sample or pixel, worked out by hand.

Every function but `overlap` takes a `Trace`, its model's `Config` and an index, and works one number out
again from the stage of the trace before it, in plain NumPy. The `Sum` that it gives holds the formula with
this picture's numbers, the result, and what the network itself had.

    chapter 4  anchor              index → level, row, column, scale, ratio → box
            5  objectness          two logits → probability
               proposal            anchor and deltas → box
            6  overlap             two boxes → intersection over union
            7  roi_level           box → level of the pyramid
               roi_sample          box and bin → place among the features → sample
            8  class_score         logits → probabilities
               final_box           RoI and the deltas of its class → box
            9  mask_pixel          pixel → place in the 28 × 28 mask → object or not

A box in pixels is half open. The network measures from the centre of a box's first pixel to that of its
last, hence the ones that are taken off and added (see `mrcnn.network.boxes`).
"""

import numpy as np

from mrcnn.lesson.formula import Sum, number, pixels, probability, term, text, vector
from mrcnn.lesson.steps import checked, corners, first, interpolate, refine
from mrcnn.molded import to_picture
from mrcnn.network import boxes as box_ops
from mrcnn.network.anchors import anchor_places
from mrcnn.network.boxes import in_pixels
from mrcnn.network.roi_align import COARSEST, FINEST

SAME = 0.01  # pixels by which two boxes may differ that rounding alone has moved apart
MOST_TERMS = 3  # classes whose part in a softmax is written out
MASK_THRESHOLD = 0.5


def anchor(trace, config, index):
    """Where an anchor lies, from its index (Faster R-CNN, section 3.1.1; FPN, section 4.1).

    Returns:
        Sum of `value` (4,), pixels of `molded`; its point is the anchor's centre. `parts`: `level` (2…6),
        `row` and `column` among the level's anchors, `scale`, `ratio`.
    """
    index = checked("anchor", index, len(trace.anchors))
    ratios = config.RPN_ANCHOR_RATIOS
    places = anchor_places(config, trace.molded.shape)
    starts = np.cumsum([0, *places.prod(axis=1) * len(ratios)])
    level = int(np.searchsorted(starts, index, side="right")) - 1
    place, which = divmod(index - int(starts[level]), len(ratios))
    columns = int(places[level][1])
    row, column = divmod(place, columns)
    scale, ratio = config.RPN_ANCHOR_SCALES[level], ratios[which]
    step = config.BACKBONE_STRIDES[level] * config.RPN_ANCHOR_STRIDE

    height, width = scale / np.sqrt(ratio), scale * np.sqrt(ratio)
    y, x = step * row, step * column
    box = np.array([y - height / 2, x - width / 2, y + height / 2, x + width / 2])
    s, r = number(scale), number(ratio)
    return Sum(
        title=f"Anchor {index}: P{level + FINEST}, row {row}, column {column}, scale {scale:g}, "
        f"ratio {ratio:g}",
        lines=[
            rf"{text('index')} = {starts[level]} + ({row} \cdot {columns} + {column}) \cdot {len(ratios)} "
            rf"+ {which} = {index}",
            rf"h = s / \sqrt{{r}} = {s} / \sqrt{{{r}}} = {pixels(height)}, \quad "
            rf"w = s \, \sqrt{{r}} = {s} \, \sqrt{{{r}}} = {pixels(width)}",
            rf"(y, x) = {text('stride')} \cdot ({text('row')}, {text('column')}) "
            rf"= {step:g} \cdot ({row}, {column}) = ({y:g}, {x:g})",
            rf"(y - h/2,\, x - w/2,\, y + h/2,\, x + w/2) = {vector(box, pixels)}",
        ],
        value=box,
        shown=trace.anchors[index],
        boxes=box[None],
        points=np.array([[y, x]], float),
        parts={"level": level + FINEST, "row": row, "column": column, "scale": scale, "ratio": ratio},
    )


def objectness(trace, config, index):
    """How sure the region proposal network is of an anchor, by softmax (Faster R-CNN, section 3.1).

    Returns:
        Sum of `value`, a probability; its box is the anchor.
    """
    index = checked("anchor", index, len(trace.anchors))
    nothing, something = trace.rpn_logits[index].astype(float)
    probability = 1 / (1 + np.exp(nothing - something))
    return Sum(
        title=f"Objectness of anchor {index}",
        lines=[
            rf"(z_0, z_1) = ({text('nothing')}, {text('object')}) = {vector([nothing, something])}",
            r"p = \frac{e^{z_1}}{e^{z_0} + e^{z_1}} = \frac{1}{1 + e^{z_0 - z_1}}",
            rf"p = \frac{{1}}{{1 + e^{{{number(nothing)} - {term(something)}}}}} = {number(probability)}",
        ],
        value=np.float64(probability),
        shown=trace.objectness[index],
        boxes=trace.anchors[index][None].astype(float),
    )


def proposal(trace, config, index):
    """The box that an anchor's deltas make of it (Faster R-CNN, section 3.1.2).

    Args:
        index: of the anchor.

    Returns:
        Sum of `value` (4,), pixels of `molded`; its boxes are the anchor and what it becomes. `shown` is the
        proposal in that place, None if the anchor's box was not sure enough or was suppressed. `parts`:
        `deltas` (4,) and `proposal`, the row of `trace.proposals` or None.
    """
    index = checked("anchor", index, len(trace.anchors))
    whole = np.array([0, 0, *trace.molded.shape[:2]])
    start = trace.anchors[index].astype(float)
    lines, box, deltas = refine(start, trace.rpn_deltas[index], config.RPN_BBOX_STD_DEV, whole)
    proposals = in_pixels(trace.proposals, trace.molded.shape)
    row = first(np.abs(proposals - box).max(axis=1) < SAME)
    fate = "moved; no proposal" if row is None else f"becomes proposal {row}"
    return Sum(
        title=f"Anchor {index} {fate}",
        lines=lines,
        value=box,
        shown=None if row is None else proposals[row],
        boxes=np.stack([start, box]),
        parts={"deltas": deltas, "proposal": row},
    )


def overlap(box1, box2, threshold=None):
    """Intersection over union of two boxes, by which suppression decides (Faster R-CNN, section 3.3).

    Args:
        box1, box2: (4,), pixels or normalised.
        threshold: IoU above which suppression drops the box of less score; None leaves the decision out.

    Returns:
        Sum of `value`, the IoU. Its boxes, in the unit given, are the two and, if they meet, what they share.
    """
    box1, box2 = (np.asarray(box, float) for box in (box1, box2))
    if box1.shape != (4,) or box2.shape != (4,):
        raise ValueError(
            f"Boxes are four numbers (y1, x1, y2, x2); these have {box1.shape} and {box2.shape}."
        )
    write = pixels if max(box1.max(), box2.max()) > 2 else number  # normalised ones end at about 1
    shared = np.concatenate([np.maximum(box1, box2)[:2], np.minimum(box1, box2)[2:]])
    height, width = shared[2:] - shared[:2]
    intersection = max(height, 0) * max(width, 0)
    area1, area2 = box_ops.area(box1), box_ops.area(box2)
    union = area1 + area2 - intersection
    value = intersection / union if union > 0 else 0.0

    def side(name, axis, length):
        (a1, a2), (b1, b2) = ([write(box[axis]), write(box[axis + 2])] for box in (box1, box2))
        c = "yx"[axis]
        return (
            rf"{name} = \min({c}_2, {c}_2') - \max({c}_1, {c}_1') "
            rf"= \min({a2}, {b2}) - \max({a1}, {b1}) = {write(length)}"
        )

    lines = [
        side("h", 0, height),
        side("w", 1, width),
        rf"I = \max(h, 0) \cdot \max(w, 0) = {write(max(height, 0))} \cdot {write(max(width, 0))} "
        rf"= {write(intersection)}",
        rf"U = A + A' - I = {write(area1)} + {write(area2)} - {write(intersection)} = {write(union)}",
        rf"{text('IoU')} = I / U = {number(value)}",
    ]
    if threshold is not None:
        verdict = r"> {}: \quad {}" if value > threshold else r"\leq {}: \quad {}"
        fate = "the box of less score is dropped" if value > threshold else "both stay"
        lines.append(f"{number(value)} {verdict.format(number(threshold), text(fate))}")
    return Sum(
        title="Overlap of two boxes",
        lines=lines,
        value=np.float64(value),
        shown=box_ops.iou(box1[None], box2[None])[0, 0],
        boxes=np.stack([box1, box2, *([shared] if intersection else [])]),
        parts={"intersection": intersection, "union": union},
    )


def roi_level(trace, config, roi):
    """The level of the pyramid that a RoI is cut from (FPN, equation 1; rounded, not cut off as there).

    Returns:
        Sum of `value`, an integer in 2…5; its box is the RoI. `parts`: `size`, the root of the RoI's area.
    """
    roi = checked("RoI", roi, len(trace.proposals))
    box = trace.proposals[roi]
    height, width = box[2:] - box[:2]
    whole = np.sqrt(np.float32(np.prod(trace.molded.shape[:2])))
    # In the network's precision and order, so that a size near the middle of two levels is rounded alike.
    share = np.sqrt(np.maximum(height * width, np.float32(0)))
    with np.errstate(divide="ignore"):
        octaves = np.log(share / (np.float32(224) / whole)) / np.float32(np.log(2))
    unclipped = 4 + np.round(octaves)
    level = int(np.clip(np.nan_to_num(unclipped), FINEST, COARSEST))
    size = float(share * whole)
    return Sum(
        title=f"RoI {roi} is cut from P{level}",
        lines=[
            rf"s = \sqrt{{h \, w}} \cdot \sqrt{{H \, W}} = \sqrt{{{number(height)} \cdot {number(width)}}} "
            rf"\cdot {pixels(whole)} = {pixels(size)}",
            rf"k = 4 + {text('round')}(\log_2(s / 224)) = 4 + {text('round')}({number(octaves)}) "
            rf"= {number(unclipped)}",
            rf"\min(\max(k, {FINEST}), {COARSEST}) = {level}",
        ],
        value=np.int32(level),
        shown=trace.roi_levels[roi],
        boxes=in_pixels(box, trace.molded.shape)[None],
        parts={"size": size},
    )


def roi_sample(trace, config, roi, row, column, channel):
    """The one sample that RoIAlign takes for a bin of a RoI's crop (Mask R-CNN, section 3).

    The paper averages four samples a bin; this network, as the original, takes one, and lays the corner bins'
    samples on the RoI's corners.

    Returns:
        Sum of `value`, the sample. Its box is the RoI; its points are where the sample lies on the picture,
        and the four features around it. `parts`: `level`, `place` (2,) on the level's grid, and unless that
        is outside of the grid `rows` (2,), `columns` (2,), `weights` (2, 2) and `values` (2, 2) of the four.
    """
    roi = checked("RoI", roi, len(trace.crops))
    _, pool, _, channels = trace.crops.shape
    row, column = checked("row", row, pool), checked("column", column, pool)
    channel = checked("channel", channel, channels)
    level, box = int(trace.roi_levels[roi]), trace.proposals[roi]
    grid = trace.features[f"P{level}"][:, :, channel]
    ends = np.float32(grid.shape) - 1

    # In the network's precision and order: a sample on the border may fall outside by rounding alone.
    start, extent = box[:2] * ends, (box[2:] - box[:2]) * ends
    bins = np.float32([row, column])
    place = start + bins * (extent / np.float32(pool - 1))
    lines = [
        rf"{text(f'on the {grid.shape[0]} by {grid.shape[1]} features of P{level}')}: \quad "
        rf"(y_1, x_1, y_2, x_2) = {vector([*start, *(start + extent)])}"
    ]
    lines += [
        rf"{c} = {c}_1 + {text(name)} \cdot ({c}_2 - {c}_1) / {pool - 1} = {number(start[axis])} "
        rf"+ {number(int(bins[axis]))} \cdot {number(extent[axis])} / {pool - 1} = {number(place[axis])}"
        for axis, (c, name) in enumerate([("y", "row"), ("x", "column")])
    ]
    parts = {"level": level, "place": place}
    on_picture = (np.array(trace.molded.shape[:2]) - 1) / ends
    points = place[None]
    if np.all((place >= 0) & (place <= ends)):
        value, blend_lines, blend = interpolate(grid, place, "f")
        lines += blend_lines
        parts |= blend
        points = np.concatenate([points, corners(blend)])
    else:
        value = 0.0
        lines.append(rf"{text(f'outside of the features of P{level}')}: \quad f = 0")
    return Sum(
        title=f"RoI {roi}, bin ({row}, {column}), channel {channel} of P{level}",
        lines=lines,
        value=np.float64(value),
        shown=trace.crops[roi, row, column, channel],
        boxes=in_pixels(box, trace.molded.shape)[None],
        points=points * on_picture,
        parts=parts,
    )


def class_score(trace, config, roi, class_names=None):
    """What is in a RoI: the softmax over all classes (Fast R-CNN, section 2.1; Mask R-CNN, section 3).

    Args:
        class_names: list of str by class id, to name the class by.

    Returns:
        Sum of `value` (K,), the probabilities; its box is the RoI. `parts`: `class_id` and `score` of the
        most probable class.
    """
    roi = checked("RoI", roi, len(trace.class_logits))
    logits = trace.class_logits[roi].astype(float)
    order = np.argsort(-logits, kind="stable")
    chosen, largest, others = int(order[0]), order[:MOST_TERMS], order[MOST_TERMS:]
    shares = np.exp(logits - logits[chosen])
    probs = shares / shares.sum()
    score = probs[chosen]
    powers = [rf"e^{{{number(logits[k])}}}" for k in largest]
    numbers = [number(share) for share in shares[largest]]
    lines = [
        r"p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}, \quad "
        + r", \; ".join(rf"z_{{{k}}} = {number(logits[k])}" for k in largest)
    ]
    if others.size:
        lines.append(
            rf"{text(f'the other {others.size} classes together')}: \quad "
            rf"R = {number(shares[others].sum())} \cdot {powers[0]}"
        )
        powers.append("R")
        numbers.append(number(shares[others].sum()))
    lines.append(
        rf"p_{{{chosen}}} = \frac{{{powers[0]}}}{{{' + '.join(powers)}}} "
        rf"= \frac{{1}}{{{' + '.join(numbers)}}} = {probability(score)}"
    )
    lines.append(_verdict(chosen, score, config.DETECTION_MIN_CONFIDENCE))
    name = f"class {chosen}" if class_names is None else f"{class_names[chosen]} (class {chosen})"
    return Sum(
        title=f"RoI {roi} is {name}",
        lines=lines,
        value=probs,
        shown=trace.class_probs[roi],
        boxes=in_pixels(trace.proposals[roi], trace.molded.shape)[None],
        parts={"class_id": chosen, "score": float(score)},
    )


def _verdict(class_id, score, least):
    if class_id == 0:
        return text("class 0 is the background: no detection")
    if score < least:
        return rf"{probability(score)} < {number(least)}: \quad {text('not sure enough')}"
    return rf"{probability(score)} \geq {number(least)}: \quad {text('sure enough')}"


def final_box(trace, config, roi):
    """The box that the deltas of a RoI's most probable class make of it (Fast R-CNN, section 2.3).

    Returns:
        Sum of `value` (4,), pixels of `molded`, inside of the picture's window; its boxes are the RoI and
        what it becomes. `shown` is the detection in that place, None if the RoI is background, not sure
        enough or suppressed. `parts`: `class_id`, `deltas` (4,), `detection`, the row of `trace.detections`
        or None, and `on_image` (4,) int32, the same box in pixels of the picture itself.
    """
    roi = checked("RoI", roi, len(trace.proposals))
    shape = trace.molded.shape
    class_id = int(trace.class_probs[roi].argmax())
    start = in_pixels(trace.proposals[roi], shape)
    lines, box, deltas = refine(start, trace.class_deltas[roi, class_id], config.BBOX_STD_DEV, trace.window)
    normalised = box_ops.normalise(box, shape)[None]
    on_image = to_picture(normalised, trace.window, shape, trace.image.shape)[0]
    lines.append(rf"{text('in the picture itself')}: \quad {vector(on_image)}")

    found = in_pixels(trace.detections[:, :4], shape)
    alike = (trace.detections[:, 4] == class_id) & np.isclose(
        trace.detections[:, 5], trace.class_probs[roi, class_id], rtol=1e-5
    )
    row = first(alike & (np.abs(found - box) < SAME).all(axis=1))
    fate = "moved; no detection" if row is None else f"becomes detection {row}"
    return Sum(
        title=f"RoI {roi} {fate}",
        lines=lines,
        value=box,
        shown=None if row is None else found[row],
        boxes=np.stack([start, box]),
        parts={"class_id": class_id, "deltas": deltas, "detection": row, "on_image": on_image},
    )


def mask_pixel(trace, config, detection, y, x):
    """Whether a pixel of the picture belongs to a detected object (Mask R-CNN, section 3.1).

    Args:
        detection: of `trace.masks`.
        y, x: pixel of the picture itself.

    Returns:
        Sum of `value`, a bool. It lies on `image`: its box is the detection's; its points are the pixel and
        the centres of the four cells of the mask around it. `parts`: unless the pixel is outside of the box,
        `place` (2,) in the mask's 28 × 28 cells, `rows`, `columns`, `weights` and `values` of the four, as
        in `roi_sample`, and `probability`.
    """
    height, width, count = trace.masks.shape
    detection = checked("detection", detection, count)
    pixel = np.array([checked("row", y, height), checked("column", x, width)])
    box = trace.rois[detection].astype(float)
    title = f"Detection {detection} at pixel ({y}, {x})"
    common = {"shown": trace.masks[y, x, detection], "boxes": box[None]}
    if np.any(pixel < box[:2]) or np.any(pixel >= box[2:]):
        line = rf"({y},\, {x}) \; {text('lies outside of the box')} \; {vector(trace.rois[detection])}"
        return Sum(title, [line], np.bool_(False), points=pixel[None].astype(float), **common)

    mask = trace.mask_probs[rows_of_rois(trace)[detection]]
    sides = box[2:] - box[:2]
    cells = np.array(mask.shape) / sides  # a pixel's side in cells of the mask
    place = (pixel - box[:2] + 0.5) * cells - 0.5
    lines = [
        rf"{name} = ({c} - {c}_1 + 0.5) \cdot {mask.shape[axis]} / {side} - 0.5 "
        rf"= ({pixel[axis]} - {box[axis]:g} + 0.5) \cdot {mask.shape[axis]} / {sides[axis]:g} - 0.5 "
        rf"= {number(place[axis])}"
        for axis, (name, c, side) in enumerate([("u", "y", "h"), ("v", "x", "w")])
    ]
    blended, blend_lines, blend = interpolate(mask, place, "m", "uv")
    probability = np.clip(blended, mask.min(), mask.max())
    lines += blend_lines
    if probability != blended:
        lines.append(rf"{text('no less than the least of the mask')}: \quad m = {number(probability)}")
    inside = probability >= MASK_THRESHOLD
    verdict = rf"\geq {MASK_THRESHOLD}: \quad {text('object')}"
    if not inside:
        verdict = rf"< {MASK_THRESHOLD}: \quad {text('not the object')}"
    centres = (corners(blend) + 0.5) / cells - 0.5 + box[:2]
    return Sum(
        title,
        [*lines, f"{number(probability)} {verdict}"],
        np.bool_(inside),
        points=np.concatenate([pixel[None], centres]),
        parts={"place": place, "probability": float(probability), **blend},
        **common,
    )


def rows_of_rois(trace):
    """For each row of `trace.rois` its row of `trace.detections`: some vanish when boxes are rounded."""
    boxes = to_picture(trace.detections[:, :4], trace.window, trace.molded.shape, trace.image.shape)
    return np.flatnonzero(box_ops.area(boxes) > 0)

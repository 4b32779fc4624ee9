"""Chapter 6: overlap, and suppression by it."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise
from mrcnn.network import boxes as network

# Intersection over union


def _iou(box1, box2):
    return network.iou(box1[None], box2[None])[0, 0]


def _draw_boxes(rng, count, spread=60):
    corners, sizes = rng.uniform(0, spread, (count, 2)), rng.uniform(10, 40, (count, 2))
    return np.concatenate([corners, corners + sizes], axis=1)


def _parts(box1, box2, extra=0.0, least=0.0):
    """Intersection and the two areas, sides longer by `extra` and shared ones not below `least`."""
    shared = np.minimum(box1[2:], box2[2:]) - np.maximum(box1[:2], box2[:2]) + extra
    area1, area2 = (np.prod(box[2:] - box[:2] + extra) for box in (box1, box2))
    return np.prod(np.maximum(shared, least)), area1, area2


def _over(intersection, union):
    return intersection / union if union > 0 else 0.0


def _sides_plus_one(box1, box2):
    shared, area1, area2 = _parts(box1, box2, extra=1)
    return shared / (area1 + area2 - shared)


def _areas_plus_one(box1, box2):
    shared = _parts(box1, box2)[0]
    area1, area2 = _parts(box1, box2, extra=1)[1:]
    return shared / (area1 + area2 - shared)


def _not_clipped(box1, box2):
    shared, area1, area2 = _parts(box1, box2, least=-np.inf)
    return shared / (area1 + area2 - shared)


def _not_clipped_but_guarded(box1, box2):
    shared, area1, area2 = _parts(box1, box2, least=-np.inf)
    return _over(shared, area1 + area2 - shared)


def _zero_by_zero(box1, box2):
    shared, area1, area2 = _parts(box1, box2)
    return shared / (area1 + area2 - shared)


def _zero_by_zero_raised(box1, box2):
    shared, area1, area2 = map(float, _parts(box1, box2))
    return shared / (area1 + area2 - shared)


def _union_of_both_areas(box1, box2):
    shared, area1, area2 = _parts(box1, box2)
    return _over(shared, area1 + area2)


def _dice(box1, box2):
    return 2 * _union_of_both_areas(box1, box2)


def _over_smaller(box1, box2):
    shared, *areas = _parts(box1, box2)
    return _over(shared, min(areas))


def _over_first(box1, box2):
    shared, area1, _ = _parts(box1, box2)
    return _over(shared, area1)


def _intersection(box1, box2):
    return _parts(box1, box2)[0]


def _hull(box1, box2):
    """Area of the smallest box that holds both."""
    return np.prod(np.maximum(box1[2:], box2[2:]) - np.minimum(box1[:2], box2[:2]))


def _over_hull(box1, box2):
    return _over(_parts(box1, box2)[0], _hull(box1, box2))


def _hull_as_intersection(box1, box2):
    _, area1, area2 = _parts(box1, box2)
    return _over(_hull(box1, box2), area1 + area2 - _hull(box1, box2))


def _ends_as_sizes(box1, box2):
    return _iou(*(np.concatenate([box[:2], box[:2] + box[2:]]) for box in (box1, box2)))


def _ends_paired_wrongly(box1, box2):
    return _iou(box1[[0, 2, 1, 3]], box2[[0, 2, 1, 3]])


iou = FunctionExercise(
    name="iou",
    chapter=6,
    minutes=6,
    trains="the measure by which boxes are compared everywhere",
    task=(
        "Intersection over union: the area that two boxes share, divided by the area that they cover "
        "together. It is 1 for the same box and 0 for boxes that share nothing. Two boxes without area have "
        "0."
    ),
    stub='''
def iou(box1, box2):
    """Intersection over union of two boxes (y1, x1, y2, x2), pixels: a number from 0 to 1."""
    return 0.0
''',
    hints=(
        "What they share is a box too: it begins at the larger of the two y1 and ends at the smaller of the "
        "two y2; the same with x.",
        "If it ends before it begins, they share nothing: `height = max(0, min(y2, y2_other) - max(y1, "
        "y1_other))`.",
        "union = area1 + area2 - intersection, since the sum counts what is shared twice. Return "
        "`intersection / union if union > 0 else 0.0`.",
    ),
    solution='''
def iou(box1, box2):
    """Intersection over union of two boxes (y1, x1, y2, x2), pixels: a number from 0 to 1."""
    height = max(0, min(box1[2], box2[2]) - max(box1[0], box2[0]))
    width = max(0, min(box1[3], box2[3]) - max(box1[1], box2[1]))
    intersection = height * width
    area1, area2 = ((y2 - y1) * (x2 - x1) for y1, x1, y2, x2 in (box1, box2))
    union = area1 + area2 - intersection
    return intersection / union if union > 0 else 0.0
''',
    arguments=("box1", "box2"),
    wanted="one number from 0 to 1",
    answer=_iou,
    edges={
        "half of each is shared": (np.array([0.0, 0.0, 10.0, 10.0]), np.array([0.0, 5.0, 10.0, 15.0])),
        "the same box": (np.array([10.0, 20.0, 30.0, 60.0]), np.array([10.0, 20.0, 30.0, 60.0])),
        "one inside the other": (np.array([0.0, 0.0, 40.0, 40.0]), np.array([10.0, 10.0, 20.0, 30.0])),
        "side by side, touching": (np.array([0.0, 0.0, 10.0, 10.0]), np.array([0.0, 10.0, 10.0, 20.0])),
        "far apart in y and in x": (np.array([0.0, 0.0, 10.0, 10.0]), np.array([15.0, 18.0, 30.0, 30.0])),
        "apart in x alone": (np.array([0.0, 0.0, 10.0, 10.0]), np.array([0.0, 15.0, 10.0, 30.0])),
        "no area": (np.array([5.0, 5.0, 5.0, 5.0]), np.array([5.0, 5.0, 5.0, 5.0])),
    },
    draw=lambda rng: tuple(_draw_boxes(rng, 2, spread=30)),
    mistakes=(
        (
            _sides_plus_one,
            "You add 1 to sides; our boxes are half open, so that a side is y2 - y1 without + 1.",
        ),
        (_areas_plus_one, "You add 1 to the sides of the areas; a side is y2 - y1 without + 1."),
        (
            _not_clipped,
            "Boxes apart get an overlap from two negative sides: cut height and width at zero by `max(0, "
            "…)`.",
        ),
        (
            _not_clipped_but_guarded,
            "Boxes apart get an overlap from two negative sides: cut height and width at zero by `max(0, "
            "…)`.",
        ),
        (_zero_by_zero, "Two boxes without area give 0 / 0: return 0 where the union is 0."),
        (_zero_by_zero_raised, "Two boxes without area give 0 / 0: return 0 where the union is 0."),
        (_union_of_both_areas, "The union counts the shared part twice: it is area1 + area2 - intersection."),
        (
            _dice,
            "That is the Dice coefficient, 2 × intersection / (area1 + area2); divide by the union instead.",
        ),
        (_over_smaller, "You divide by the smaller area; divide by the union of both."),
        (_over_first, "You divide by the first box's area; divide by the union of both."),
        (_intersection, "That is the intersection alone; divide it by the union."),
        (
            _over_hull,
            "You divide by the box around both; the union is area1 + area2 - intersection, and that is less.",
        ),
        (
            _hull_as_intersection,
            "min and max are exchanged: what is shared begins at the larger y1, ends at the smaller y2.",
        ),
        (
            _ends_as_sizes,
            "You read a box as (y, x, height, width); the last two are where it ends, y2 and x2.",
        ),
        (
            _ends_paired_wrongly,
            "x and y are mixed up: the order is (y1, x1, y2, x2), so that y2 is box[2] and x1 box[1].",
        ),
    ),
)


# Greedy non-maximum suppression


def _draw_detections(rng):
    """Three objects, each found several times, and scores in no order."""
    objects = _draw_boxes(rng, 3, spread=80)
    found = objects[np.arange(12) % 3] + rng.normal(0, 3, (12, 4))
    return found, rng.permutation(12) / 12 + 0.05, float(rng.choice([0.3, 0.5, 0.7]))


def _greedy(boxes, threshold, order, too_much=np.greater):
    """Boxes kept of `order`, in which a box drops those after it that overlap `too_much`."""
    kept, order = [], np.asarray(order)
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[~too_much(network.iou(boxes[[best]], boxes[rest])[0], threshold)]
    return np.array(kept, int)


def _falling(scores):
    return np.argsort(-scores, kind="stable")


def _at_threshold_too(boxes, scores, threshold):
    return _greedy(boxes, threshold, _falling(scores), np.greater_equal)


def _not_sorted(boxes, scores, threshold):
    return _greedy(boxes, threshold, np.arange(len(scores)))


def _worst_first(boxes, scores, threshold):
    return _greedy(boxes, threshold, np.argsort(scores, kind="stable"))


def _the_others_dropped(boxes, scores, threshold):
    return _greedy(boxes, threshold, _falling(scores), np.less_equal)


def _dropped_ones_drop(boxes, scores, threshold):
    order = _falling(scores)
    overlaps = network.iou(boxes, boxes) > threshold
    return np.array([i for n, i in enumerate(order) if not overlaps[i, order[:n]].any()], int)


def _after_the_first_only(boxes, scores, threshold):
    best = _falling(scores)[:1]
    rest = _falling(scores)[1:]
    return np.concatenate(
        [best, [i for i in rest if network.iou(boxes[best], boxes[[i]])[0, 0] <= threshold]]
    )


def _only_the_best(boxes, scores, threshold):
    return _falling(scores)[:1]


def _places_in_order(boxes, scores, threshold):
    order = _falling(scores)
    return np.argsort(order)[network.non_max_suppression(boxes, scores, threshold)]


def _smallest_index_first(boxes, scores, threshold):
    return np.sort(network.non_max_suppression(boxes, scores, threshold))


def _boxes_themselves(boxes, scores, threshold):
    return boxes[network.non_max_suppression(boxes, scores, threshold)]


def _flags(boxes, scores, threshold):
    return np.isin(np.arange(len(scores)), network.non_max_suppression(boxes, scores, threshold))


nms = FunctionExercise(
    name="nms",
    chapter=6,
    minutes=10,
    trains="one box for each object, out of many",
    task=(
        "Greedy non-maximum suppression: keep the box with the best score, drop every box that overlaps it "
        "with an IoU of more than `threshold`, and go on with the best of those that are left."
    ),
    stub='''
def nms(boxes, scores, threshold):
    """Greedy non-maximum suppression.

    boxes: [N, 4] (y1, x1, y2, x2), pixels; scores: [N]; threshold: IoU above which a box is dropped.
    Returns the indices of the boxes kept, best score first.
    """
    return np.arange(len(boxes))
''',
    hints=(
        "`order = np.argsort(-scores)` has the indices of the boxes, best first. `from mrcnn.utils import "
        "compute_overlaps` gives `compute_overlaps(boxes1, boxes2)`, the IoU of each of the first with each "
        "of the second: [N1, N2].",
        "While `order` is not empty: its first is kept, and of the others stay those with IoU <= threshold.",
        "`order = rest[compute_overlaps(boxes[[best]], boxes[rest])[0] <= threshold]`, where `best, rest = "
        "order[0], order[1:]`; `while len(order):` is the loop.",
    ),
    solution='''
def nms(boxes, scores, threshold):
    """Greedy non-maximum suppression: the indices of the boxes kept, best score first."""
    from mrcnn.utils import compute_overlaps

    order = np.argsort(-scores)
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[compute_overlaps(boxes[[best]], boxes[rest])[0] <= threshold]
    return np.array(kept)
''',
    arguments=("boxes", "scores", "threshold"),
    wanted="a list of indices of boxes, best score first",
    answer=network.non_max_suppression,
    edges={
        "twice the same object": (
            np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 1.0, 10.0, 11.0], [50.0, 50.0, 60.0, 60.0]]),
            np.array([0.6, 0.9, 0.7]),
            0.5,
        ),
        "a chain: each overlaps the next": (
            np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 3.0, 10.0, 13.0], [0.0, 6.0, 10.0, 16.0]]),
            np.array([0.9, 0.8, 0.7]),
            0.5,
        ),
        "an IoU of just the threshold": (
            np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]]),
            np.array([0.9, 0.8]),
            0.5,
        ),
        "a single box": (np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([0.9]), 0.5),
        "no box at all": (np.zeros((0, 4)), np.zeros(0), 0.5),
    },
    draw=_draw_detections,
    mistakes=(
        (
            _at_threshold_too,
            "A box whose IoU equals the threshold is kept: only more than `threshold` is dropped (>, not "
            ">=).",
        ),
        (_not_sorted, "You take the boxes in the order given; sort them first: `np.argsort(-scores)`."),
        (_worst_first, "You begin with the worst: `np.argsort` sorts upwards, so sort `-scores`."),
        (_the_others_dropped, "The comparison is turned round: you drop the boxes that do not overlap."),
        (
            _dropped_ones_drop,
            "Boxes that are dropped already still drop others; only a box that is kept may do so.",
        ),
        (
            _after_the_first_only,
            "It stops after the best box: the best of the rest drops its neighbours too, and so on.",
        ),
        (_only_the_best, "It keeps a single box: the loop ends after its first round."),
        (
            _places_in_order,
            "These are places in the sorted order; wanted are indices into `boxes`: look them up in `order`.",
        ),
        (_smallest_index_first, "The boxes are right, their order is not: the best score comes first."),
        (_boxes_themselves, "These are the boxes themselves; wanted are their indices."),
        (_flags, "This is a flag for each box; wanted are the indices of those kept, best score first."),
    ),
)

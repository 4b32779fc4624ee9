"""Chapters 10 and 11: how good it is, and what breaks it."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise, Question
from mrcnn.lesson.reading import choice, number
from mrcnn.network.boxes import iou


def _judged(correct, objects):
    """What `compute_ap` says of detections, surest first: every object and every miss is a pixel."""
    from mrcnn.metrics import compute_ap

    count = len(correct)
    pixels = np.eye(objects + count, dtype=bool)[None]  # objects, then places where there is nothing
    takes = np.where(correct, np.cumsum(correct) - 1, objects + np.arange(count))
    return compute_ap(
        np.ones((objects, 4)),
        np.ones(objects, int),
        pixels[:, :, :objects],
        np.ones((count, 4)),
        np.ones(count, int),
        -np.arange(count, dtype=float),
        pixels[:, :, takes.astype(int)],
    )


def _draw_flags(rng):
    correct = rng.random(rng.integers(4, 12)) < 0.6
    return correct, int(correct.sum() + rng.integers(1, 5))


def _hits(correct):
    return np.cumsum(correct)


def _mean(values):
    return np.sum(values) / len(values)


def _counted(correct):
    return np.arange(1, len(correct) + 1)


_FLAG_EDGES = {
    "right, wrong, right; one object not found": (np.array([True, False, True]), 3),
    "all correct, all found": (np.array([True, True]), 2),
    "none correct": (np.array([False, False]), 2),
    "one correct, after a wrong one": (np.array([False, True]), 1),
}

# Precision and recall


def _curve(correct, objects):
    recall = _judged(correct, objects)[2][1:-1]
    precision = recall * objects / _counted(correct)  # the package gives raised ones only
    return np.stack([precision, recall])


def _precision(correct):
    return _hits(correct) / _counted(correct)


precision_recall = FunctionExercise(
    name="precision_recall",
    chapter=10,
    minutes=5,
    trains="the two sides of every detector",
    task=(
        "A detector's answers, surest first, were compared with the truth: `correct` says which found an "
        "object (each object counts once). After the 1, 2, 3, … surest: which share of them is correct "
        "(precision), and which share of the `objects` that there are is found (recall)?"
    ),
    stub='''
def precision_recall(correct, objects):
    """Precision and recall, two arrays [M], after the 1, 2, … M surest detections.

    correct: [M] True or False, surest first; objects: how many there are to find, at least 1.
    """
    return np.zeros(len(correct)), np.zeros(len(correct))
''',
    hints=(
        "`np.cumsum(correct)` counts the correct ones among the first 1, 2, 3, …: True counts as 1.",
        "Precision divides that by how many detections were taken, `np.arange(1, len(correct) + 1)`.",
        "Recall divides it by `objects`, which never changes.",
    ),
    solution='''
def precision_recall(correct, objects):
    """Precision and recall, two arrays [M], after the 1, 2, … M surest detections."""
    hits = np.cumsum(correct)
    return hits / np.arange(1, len(correct) + 1), hits / objects
''',
    arguments=("correct", "objects"),
    wanted="two arrays [M], precision and recall",
    answer=_curve,
    edges=_FLAG_EDGES,
    draw=_draw_flags,
    mistakes=(
        (lambda c, n: (_hits(c) / n, _precision(c)), "The two are swapped: first precision, then recall."),
        (
            lambda c, n: (_hits(c) / n, _hits(c) / n),
            "Precision is divided by how many detections were taken, not by the objects.",
        ),
        (
            lambda c, n: (_precision(c), _precision(c)),
            "Recall is divided by the number of objects, which stays the same.",
        ),
        (
            lambda c, n: (_precision(c), _hits(c) / len(c)),
            "Recall is divided by the number of objects, not of detections.",
        ),
        (
            lambda c, n: (_precision(c), _hits(c) / c.sum()),
            "Recall is divided by all objects; you leave out those never found.",
        ),
        (
            lambda c, n: (_hits(c) / len(c), _hits(c) / n),
            "Precision is divided by the 1, 2, 3, … detections so far, not by all.",
        ),
        (
            lambda c, n: (_hits(c) / np.arange(len(c)), _hits(c) / n),
            "You count detections from 0, and divide by it: begin at 1, `np.arange(1, …)`.",
        ),
        (
            lambda c, n: (c / _counted(c), c / n),
            "Each detection is counted alone; add up the correct ones so far: `np.cumsum`.",
        ),
        (
            lambda c, n: (_hits(~c) / _counted(c), _hits(~c) / n),
            "You count the wrong ones; precision and recall count the correct ones.",
        ),
        (
            lambda c, n: (_mean(c), c.sum() / n),
            "That is precision and recall of all detections; wanted are they after each of them, two arrays.",
        ),
        (
            lambda c, n: np.stack([_precision(c), _hits(c) / n], axis=1),
            "The pairs are right; wanted are two arrays, all precisions and all recalls.",
        ),
    ),
)


# Average precision


def _steps(correct, objects):
    return np.diff(_hits(correct) / objects, prepend=0)


def _raised(correct):
    return np.maximum.accumulate(_precision(correct)[::-1])[::-1]


def _interpolated(correct, objects, points):
    """Mean, over so many recalls from 0 to 1, of the best precision from there on."""
    recall = _hits(correct) / objects
    best = [max(_precision(correct)[recall >= r - 1e-9], default=0.0) for r in np.linspace(0, 1, points)]
    return np.mean(best)


average_precision = FunctionExercise(
    name="average_precision",
    chapter=10,
    minutes=10,
    trains="one number for a whole curve: AP",
    task=(
        "Average precision is the area under the curve of precision over recall, after each precision was "
        "raised to the highest that follows it. Recall starts at 0 and grows in steps; each step counts "
        "with its precision. Beyond the recall reached, precision is 0."
    ),
    stub='''
def average_precision(correct, objects):
    """Average precision, 0 to 1.

    correct: [M] True or False, surest first; objects: how many there are to find, at least 1.
    """
    return 0.0
''',
    hints=(
        "Begin with your precision_recall. To raise each precision to the highest that follows, go from the "
        "end to the start and keep the maximum so far.",
        "`np.maximum.accumulate(precision[::-1])[::-1]` does that. The steps of recall are "
        "`np.diff(recall, prepend=0)`.",
        "The area is the sum of steps × raised precisions.",
    ),
    solution='''
def average_precision(correct, objects):
    """Average precision, 0 to 1: the area under the curve of raised precision over recall."""
    hits = np.cumsum(correct)
    precision, recall = hits / np.arange(1, len(correct) + 1), hits / objects
    raised = np.maximum.accumulate(precision[::-1])[::-1]
    return np.sum(np.diff(recall, prepend=0) * raised)
''',
    arguments=("correct", "objects"),
    wanted="one number from 0 to 1",
    answer=lambda correct, objects: _judged(correct, objects)[0],
    edges={**_FLAG_EDGES, "no detection at all": (np.zeros(0, bool), 2)},
    draw=_draw_flags,
    mistakes=(
        (
            lambda c, n: np.sum(_steps(c, n) * _precision(c)),
            "The precisions are not raised: each is to become the highest that follows it.",
        ),
        (
            lambda c, n: np.sum(_steps(c, n) * np.maximum.accumulate(_precision(c))),
            "You raise to the highest before it; what counts is the highest after it: go from the end.",
        ),
        (
            lambda c, n: np.sum(np.diff(_hits(c) / n) * _raised(c)[1:]),
            "The first step is missing: recall starts at 0, `np.diff(recall, prepend=0)`.",
        ),
        (
            lambda c, n: _mean(_precision(c)),
            "That is the mean of the precisions; weigh each with the step of recall that it brings.",
        ),
        (
            lambda c, n: _mean(_raised(c)),
            "That is the mean of the raised precisions; weigh each with the step of recall that it brings.",
        ),
        (
            lambda c, n: _mean(_raised(c)[c]),
            "You divide by the objects found; those never found count too, with 0.",
        ),
        (
            lambda c, n: _mean(c),
            "That is the precision of all detections together; AP is the area under the whole curve.",
        ),
        (
            lambda c, n: c.sum() / n,
            "That is the recall of all detections together; AP is the area under the whole curve.",
        ),
        (
            lambda c, n: _interpolated(c, n, 11),
            "That is the older rule of 11 points (Pascal VOC); here it is the exact area.",
        ),
        (
            lambda c, n: _interpolated(c, n, 101),
            "That is COCO's rule of 101 points, as pycocotools has it; here it is the exact area.",
        ),
    ),
)


# A stricter detector


stricter = Question(
    name="stricter",
    chapter=10,
    minutes=3,
    trains="predicting: what happens if only surer detections count?",
    task=(
        "You raise the minimum score of a detection from 0.7 to 0.9, so that fewer are left. What is "
        'certain, whatever the picture? "a": recall does not rise. "b": precision does not fall. "c": both.'
    ),
    stub="""
stricter = None  # "a", "b" or "c"
""",
    hints=(
        "Recall is the number of objects found, divided by all objects. Can fewer detections find more?",
        "Precision is the share of the detections that are correct. What if the surest one is wrong?",
        "Two detections: one wrong with score 0.95, one correct with 0.8. Work out precision before and "
        "after.",
    ),
    solution="""
stricter = "a"  # fewer detections find no more objects; but a surest one that is wrong spoils precision
""",
    read=choice("abc"),
    fault=lambda letter: None,
    praise="right: fewer detections cannot find more objects. Precision mostly rises, but it need not.",
    mistakes=(
        ("b", "precision can fall: where the detections dropped were correct and a sure one was wrong."),
        ("c", "half of it: recall cannot rise, but precision falls where a surest one is wrong."),
    ),
)


# A dog behind a board


def _visible_overlap(hidden):
    """IoU of a dog's box with the box of what is left of it when a share of its width is hidden."""
    dog = np.array([[0.0, 0.0, 60.0, 100.0]])
    visible = np.array([[0.0, 100.0 * hidden, 60.0, 100.0]])
    return iou(dog, visible)[0, 0]


def _hidden_fault(share):
    if not 0 <= share <= 1:
        return "a share is a number from 0, nothing hidden, to 1, all hidden."
    overlap = _visible_overlap(share)
    if overlap < 0.75 - 0.005:
        return f"with {share:.0%} hidden the IoU is {overlap:.2f}: too low, the dog counts as lost."
    if overlap > 0.75 + 0.005:
        return f"with {share:.0%} hidden the IoU is {overlap:.2f}: it still counts, and more could be hidden."
    return None


hidden_share = Question(
    name="hidden_share",
    chapter=11,
    minutes=3,
    trains="predicting: how much may be hidden before an object counts as lost?",
    task=(
        "A board covers a dog from the left. The detector finds exactly the box of what is visible; the "
        "truth is the box of the whole dog. Which share of its width may be hidden at most, so that it "
        "still counts as found at an IoU of 0.75 (as AP75 does)?"
    ),
    stub="""
hidden_share = None  # a number from 0 to 1
""",
    hints=(
        "The visible box lies inside the whole one. What are their intersection and union then?",
        "The intersection is the visible box, the union the whole one: the IoU is the visible share.",
        "The visible share is to be 0.75, so hidden may be the rest.",
    ),
    solution="""
hidden_share = 0.25  # the IoU is the visible share
""",
    read=number("a number from 0 to 1, such as 0.4"),
    fault=_hidden_fault,
    praise="right: the IoU of a part with the whole is the visible share.",
    mistakes=((0.75, "0.75 is the share that must stay visible; asked is the share hidden."),),
)

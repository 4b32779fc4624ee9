"""Every stub is wrong, every solution right, and every usual mistake is told by its own sentence."""

import numpy as np
import pytest

from mrcnn.lesson.exercise import NOT_STARTED, FunctionExercise, Question
from mrcnn.lesson.exercises import EXERCISES
from mrcnn.lesson.exercises.anchors import _best_anchors
from mrcnn.network import boxes

CHECKS = 3  # of everything: students get cases drawn anew each time, the tests always the same

FUNCTIONS = [e for e in EXERCISES.values() if isinstance(e, FunctionExercise)]
MISTAKES = [
    pytest.param(exercise, answer, sentence, id=f"{exercise.name}-{i}")
    for exercise in EXERCISES.values()
    for i, (answer, sentence) in enumerate(exercise.mistakes)
]


def judged(exercise, answer):
    drawn = isinstance(exercise, FunctionExercise)
    return [
        exercise.judge(answer, *([np.random.default_rng(seed)] if drawn else [])) for seed in range(CHECKS)
    ]


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_stub_runs_and_is_left_open(exercise):
    stub = exercise.defined_by(exercise.stub)
    assert judged(exercise, stub) == [("open", NOT_STARTED)] * CHECKS


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_solution_is_right(exercise):
    for state, sentence in judged(exercise, exercise.defined_by(exercise.solution)):
        assert state == "passed", sentence


@pytest.mark.parametrize("exercise, answer, sentence", MISTAKES)
def test_every_mistake_is_told(exercise, answer, sentence):
    for state, text in judged(exercise, answer):
        assert state == "wrong" and text.endswith(sentence)


@pytest.mark.parametrize("exercise", FUNCTIONS, ids=lambda e: e.name)
def test_functions_have_mistakes_and_edges_and_take_their_arguments(exercise):
    assert len(exercise.mistakes) >= 5 and len(exercise.edges) >= 3
    for source in (exercise.stub, exercise.solution):
        code = exercise.defined_by(source).__code__
        assert code.co_varnames[: code.co_argcount] == exercise.arguments
    rng = np.random.default_rng(0)
    first, second = (repr(exercise.cases(rng)[-1]) for _ in range(2))
    assert first != second


def test_the_list_is_in_the_order_of_chapters():
    exercises = list(EXERCISES.values())
    assert len(exercises) >= 12 and list(EXERCISES) == [e.name for e in exercises]
    chapters = [e.chapter for e in exercises]
    assert chapters == sorted(chapters) and set(chapters) <= set(range(14))
    assert sum(isinstance(e, Question) for e in exercises) >= 2
    assert all(len(e.hints) >= 2 and e.minutes > 0 and e.trains and e.task for e in exercises)


# Two mistakes at once


def test_a_mistake_is_found_beside_an_unguarded_edge():
    def plus_one_and_crash(box1, box2):
        if np.array_equal(box1[:2], box1[2:]):
            raise ZeroDivisionError
        shared = np.maximum(np.minimum(box1[2:], box2[2:]) - np.maximum(box1[:2], box2[:2]) + 1, 0)
        areas = [np.prod(box[2:] - box[:2] + 1) for box in (box1, box2)]
        return shared.prod() / (sum(areas) - shared.prod())

    state, text = EXERCISES["iou"].judge(plus_one_and_crash)
    assert state == "wrong" and "half open" in text


def test_a_stranger_to_every_mistake_hears_what_was_expected():
    state, text = EXERCISES["iou"].judge(lambda box1, box2: 0.123)
    assert state == "wrong"
    assert text == (
        "For box1 = [0, 0, 10, 10], box2 = [0, 5, 10, 15] (half of each is shared), it returned 0.123; "
        "right is 0.3333."
    )


def test_nan_is_explained_where_nothing_else_is():
    text = EXERCISES["softmax"].judge(lambda logits: logits * np.nan)[1]
    assert "0 / 0" in text


def test_of_a_large_array_the_first_wrong_number_is_shown():
    right = EXERCISES["paste_mask"].answer

    def one_pixel_off(mask, box, shape):
        full = right(mask, box, shape).copy()
        full[2, 3] ^= True
        return full

    text = EXERCISES["paste_mask"].judge(one_pixel_off)[1]
    assert "at [2, 3], 1; right is 0 (1 of 2000 numbers differ)" in text


# Questions


@pytest.mark.parametrize(
    "design, sentence",
    [
        (((20, 40, 80, 200, 400), (1 / 0.15, 2, 1 / 1.5)), "turned round"),
        (((32, 64, 128, 256, 512), (0.15, 0.5, 1.5)), "the far sign, 20 pixels high and 20 wide"),
        (((20, 40, 80, 200, 400), (0.5, 1, 2)), "the lamp post, 220 pixels high and 30 wide"),
        (((20, 40, 80, 200, 400), 1), "A single ratio cannot serve"),
        (((20, 40, 80), (0.15, 0.5, 1.5)), "you gave 3 scales"),
        (((20, 40, 80, 200, 400), (0.15, 0.3, 0.5, 1, 2)), "you gave 5 ratios"),
        (((400, 1600, 6400, 40000, 160000), (0.15, 0.5, 1.5)), "not its area"),
        (((0, 40, 80, 200, 400), (0.15, 0.5, 1.5)), "above 0"),
        ((("large",) * 5, (0.15, 0.5, 1.5)), "are to be numbers"),
    ],
)
def test_designs_that_do_not_fit(design, sentence):
    state, text = EXERCISES["design_anchors"].judge(dict(zip(("scales", "ratios"), design, strict=True)))
    assert state == "wrong" and sentence in text


def test_a_design_that_is_none():
    for answer in ((20, 40, 80, 200, 400), {"scales": (1, 2, 3, 4, 5)}, len, np.ones(3)):
        state, text = EXERCISES["design_anchors"].judge(answer)
        assert state == "wrong" and "a dict of two" in text


def test_the_papers_anchors_miss_two_things_of_the_street():
    overlaps, _ = _best_anchors(np.array([32.0, 64, 128, 256, 512]), np.array([0.5, 1, 2]))
    assert (overlaps < 0.5).sum() == 2


@pytest.mark.parametrize("name", ["new_score", "hidden_share"])
@pytest.mark.parametrize("answer", ["a half", [0.1, 0.2], len, np.inf, {}, 1 + 1j])
def test_what_is_no_number(name, answer):
    state, text = EXERCISES[name].judge(answer)
    assert state == "wrong" and text.startswith("wanted is a number")


@pytest.mark.parametrize("answer", [0.9, "d", "ab", "", ["a"], len])
def test_what_is_no_choice(answer):
    state, text = EXERCISES["stricter"].judge(answer)
    assert state == "wrong" and text.startswith('choose "a", "b" or "c"')


def test_numbers_of_every_kind_are_read():
    for answer in (np.float32(0.25), np.array([0.25]), "0.25"):
        assert (EXERCISES["hidden_share"].judge(answer)[0] == "passed") == (not isinstance(answer, str))
    assert EXERCISES["stricter"].judge(" A ")[0] == "passed"


def test_wrong_numbers_hear_why():
    assert "IoU is 0.50: too low" in EXERCISES["hidden_share"].judge(0.5)[1]
    assert "IoU is 0.90: it still counts" in EXERCISES["hidden_share"].judge(0.1)[1]
    assert "from 0, nothing hidden" in EXERCISES["hidden_share"].judge(25)[1]
    assert "from 0 to 1" in EXERCISES["new_score"].judge(1.5)[1]
    assert "not 0.9" in EXERCISES["new_score"].judge(0.9)[1]


def test_what_the_question_of_the_stricter_detector_says_is_so():
    rng = np.random.default_rng(0)
    precision_fell = False
    for _ in range(200):
        scores, correct, objects = rng.random(8), rng.random(8) < 0.6, 9
        loose, strict = (correct[scores >= least] for least in (0.2, 0.6))
        assert strict.sum() / objects <= loose.sum() / objects
        precision_fell |= len(strict) > 0 and strict.mean() < loose.mean()
    assert precision_fell


# What the checks hold answers against is the package's own


def test_applying_deltas_is_the_inverse_of_finding_them():
    find, apply = (
        EXERCISES[name].defined_by(EXERCISES[name].solution) for name in ("find_deltas", "apply_deltas")
    )
    box, target = EXERCISES["find_deltas"].draw(np.random.default_rng(0))
    np.testing.assert_allclose(apply(box, find(box, target)), target)
    np.testing.assert_allclose(boxes.apply_deltas(box, boxes.find_deltas(box, target)), target)


def test_a_receptive_field_is_what_changes_a_feature():
    """Of convolutions themselves: how far apart are the pixels by which one feature changes?"""
    from keras import ops

    sizes, strides = [7, 3, 5, 3], [2, 2, 1, 3]
    pixels = np.eye(200, dtype=np.float32)[..., None]  # 200 pictures of one row, another pixel lit in each
    features = ops.convert_to_tensor(pixels)
    for size, stride in zip(sizes, strides, strict=True):
        features = ops.conv(features, np.ones((size, 1, 1), np.float32), strides=stride)
    changes = np.flatnonzero(ops.convert_to_numpy(features)[:, 3, 0])
    assert EXERCISES["receptive_field"].answer(sizes, strides) == np.ptp(changes) + 1


def test_the_papers_picture_has_the_papers_number_of_anchors():
    assert EXERCISES["count_anchors"].answer(1024, 1024) == 261888


def test_average_precision_by_hand():
    # Precision 1 up to recall 1/3, and 2/3 from there to 2/3; the third object is never found.
    answer = EXERCISES["average_precision"].answer(np.array([True, False, True]), 3)
    assert answer == pytest.approx(1 / 3 + 2 / 9)

"""Whatever a student's function does, the check ends in a sentence, and Ctrl-C gets through."""

import _thread
import contextlib
import gc
import threading
import time

import numpy as np
import pytest

from mrcnn.lesson import exercise as exercise_module
from mrcnn.lesson import running
from mrcnn.lesson.exercises import EXERCISES
from mrcnn.lesson.running import TookTooLong, within

IOU = EXERCISES["iou"]


def told(function):
    state, text = IOU.judge(function)
    assert state == "wrong"
    return text


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(exercise_module, "SECONDS", 0.3)


# Loops


def forever(box1, box2):
    while True:
        pass


def forever_in_spite(box1, box2):
    while True:
        try:
            np.sum(box1)
        except:  # noqa: E722
            box1 = box2


def asleep(box1, box2):
    time.sleep(3)


def forever_in_a_comprehension(box1, box2):
    return [1 for _ in iter(int, 1)]


@pytest.mark.parametrize("function", [forever, forever_in_spite, forever_in_a_comprehension])
def test_a_loop_without_end_is_ended(impatient, function):
    before = set(threading.enumerate())
    assert "was stopped" in (text := told(function)) and "loop" in text
    for thread in set(threading.enumerate()) - before:
        thread.join(1)
        assert not thread.is_alive()


@pytest.mark.parametrize("function", [forever, forever_in_spite])
def test_ended_time_after_time(function):
    """An exception that comes a moment too late neither escapes from the thread nor leaves it waiting."""
    alive = threading.active_count()
    for _ in range(25):
        with pytest.raises(TookTooLong):
            within(0.01, lambda: function(np.zeros(4), np.ones(4)))
    assert threading.active_count() <= alive + 1  # the last one may be about to go


def test_nothing_is_collected_while_a_loop_is_ended(monkeypatch):
    """What Python's collector calls from that thread would be broken off."""

    def gather():
        while True:
            with contextlib.suppress(BaseException):
                [[] for _ in range(5000)]

    def collections():
        return sum(generation["collections"] for generation in gc.get_stats())

    def counted(*arguments):
        before = collections()
        end(*arguments)
        counts.append(collections() - before)

    counts, end = [], running._end
    monkeypatch.setattr(running, "_end", counted)
    for _ in range(5):
        with pytest.raises(TookTooLong):
            within(0.01, gather)
    assert len(counts) == 5 and max(counts) <= 3  # one may be under way, and another tells that it is over
    assert gc.isenabled()


def test_what_cannot_be_ended_is_left_behind(impatient):
    started = time.monotonic()
    assert "was stopped" in told(asleep)
    assert time.monotonic() - started < 2.9


def test_the_case_that_never_ends_is_named(impatient):
    def loops_at_nothing(box1, box2):
        while box1[0] == box1[2]:
            pass
        return IOU.answer(box1, box2)

    assert told(loops_at_nothing).startswith("For box1 = [5, 5, 5, 5], box2 = [5, 5, 5, 5] (no area),")


def test_ctrl_c_gets_through_and_ends_the_work():
    turns = []

    def works(box1, box2):
        while True:
            turns.append(1)
            time.sleep(0.001)

    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        IOU.judge(works)
    before = len(turns)
    time.sleep(0.1)
    assert len(turns) == before


def test_ctrl_c_within_the_function_gets_through():
    def interrupted(box1, box2):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        IOU.judge(interrupted)


def test_within_gives_what_the_work_gives_or_raises():
    assert within(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)
    with pytest.raises(TookTooLong):
        within(0.1, lambda: time.sleep(2))


# Errors


def test_an_exception_is_told_with_its_line():
    def typo(box1, box2):
        return box1[7]

    text = told(typo)
    assert text.startswith("For box1 = [0, 0, 10, 10]")
    assert "it stops with IndexError: index 7 is out of bounds" in text and "(in `return box1[7]`)" in text


def test_an_exception_of_a_call_within_names_the_students_line():
    def wrong_reshape(box1, box2):
        sides = np.reshape(box1, (3, 3))
        return sides.sum()

    assert "(in `sides = np.reshape(box1, (3, 3))`)" in told(wrong_reshape)


def test_exit_and_endless_recursion():
    def again(box1, box2):
        return again(box1, box2)

    def leave(box1, box2):
        raise SystemExit

    assert "SystemExit" in told(leave) and "RecursionError" in told(again)


# What is returned


class NoArray:
    def __array__(self, *_, **__):
        raise RuntimeError("this tensor keeps its gradient; detach it first")


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (
            None,
            "returned None, that is nothing; wanted is one number from 0 to 1. Does it end in `return …`?",
        ),
        ("0.5", "a value of type `str`"),
        ({"iou": 0.5}, "a value of type `dict`"),
        ([[1], [1, 2]], "a value of type `list`"),
        (1j, "a value of type `complex`"),
        (10**400, "a value of type `int`"),
        (NoArray(), "a value of type `NoArray`"),
        (len, "a value of type `builtin_function_or_method`"),
        ([0.5], "its shape is (1,), but wanted is (): one number from 0 to 1"),
        (np.zeros((5, 5)), "an array of shape (5, 5); its shape is (5, 5)"),
        (np.zeros(0), "its shape is (0,)"),
    ],
)
def test_what_is_no_number(answer, sentence):
    assert sentence in told(lambda box1, box2: answer)


def test_a_generator():
    def yields(box1, box2):
        yield 0.0

    assert "a value of type `generator`" in told(yields)


def test_lists_and_tensors_are_read_as_arrays():
    from keras import ops

    right = EXERCISES["apply_deltas"].answer
    for kind in (list, tuple, ops.convert_to_tensor, lambda a: a.astype(np.float32)):
        state, text = EXERCISES["apply_deltas"].judge(lambda box, deltas, kind=kind: kind(right(box, deltas)))
        assert state == "passed", text


# How it is called


@pytest.mark.parametrize(
    "function, sentence",
    [
        (lambda: 0, "Your function takes nothing; it is called as `iou(box1, box2)`, with 2 arguments."),
        (lambda a: 0, "takes a;"),
        (lambda a, b, c: 0, "takes a, b, c;"),
        (lambda *, a, b: 0, "takes a, b;"),
    ],
)
def test_other_arguments(function, sentence):
    assert sentence in told(function)


def test_more_arguments_are_welcome_where_they_have_defaults():
    assert IOU.judge(lambda a, b, tiny=1e-9: IOU.answer(a, b))[0] == "passed"
    assert IOU.judge(lambda *boxes: IOU.answer(*boxes))[0] == "passed"


@pytest.mark.parametrize("answer", [0.5, None, "iou", np.zeros(3), NoArray()])
def test_what_is_no_function(answer):
    assert "the function itself, without brackets: `check.iou(iou)`" in told(answer)


def test_writing_into_arguments_is_told_and_harms_no_later_case():
    def shifts(box1, box2):
        overlap = IOU.answer(box1, box2)
        box2 -= 1
        return overlap

    text = told(shifts)
    assert text.startswith("the answers are right, but the function writes into box2,")


def test_warnings_of_numpy_are_not_shown(recwarn):
    told(lambda box1, box2: np.zeros(()) / np.zeros(()))
    assert not recwarn.list

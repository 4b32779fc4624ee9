"""The truth of the nuclei agrees with itself, and judging gives what can be counted by hand."""

import numpy as np
import pytest

from mrcnn.crops import as_crops
from tests.benchmarks.nuclei import EXAMPLES, WINDOWS, Window, judge

SMALL = Window((10, 10, 50, 50), ((20, 20), (20, 30), (40, 20)), ((40, 40),))


def squares(*boxes):
    """Masks of 60 × 60 pixels, each filled in a box."""
    masks = np.zeros((60, 60, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return as_crops(masks)


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_truth_lies_in_its_window(window):
    points = np.array(window.centres + window.left_out)
    assert len(np.unique(points, axis=0)) == len(points)
    y1, x1, y2, x2 = window.box
    centres = np.array(window.centres)
    assert (centres >= (y1, x1)).all() and (centres < (y2, x2)).all()


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_lie_outside_of_the_windows(example):
    for window in WINDOWS.values():
        y1, x1, y2, x2 = window.box
        assert example[2] <= y1 or y2 <= example[0] or example[3] <= x1 or x2 <= example[1]


@pytest.mark.parametrize(
    ("boxes", "right", "wrong", "neither", "missed"),
    [
        ([], [], [], [], 3),
        ([(15, 15, 25, 25)], [0], [], [], 2),
        ([(15, 15, 25, 25), (16, 16, 26, 26)], [0], [1], [], 2),  # taken by the first
        ([(15, 15, 25, 35)], [], [0], [], 3),  # two for one
        ([(35, 35, 45, 45)], [], [], [0], 3),  # left out
        ([(35, 15, 45, 45)], [0], [], [], 2),  # a nucleus, beside what was left out
        ([(30, 30, 35, 35)], [], [0], [], 3),  # nothing there
        ([(1, 1, 8, 8), (3, 3, 14, 14)], [], [], [], 3),  # outside, though the second reaches in
    ],
)
def test_judge(boxes, right, wrong, neither, missed):
    judged = judge(squares(*boxes), SMALL)
    assert (judged.right, judged.wrong, judged.neither) == (right, wrong, neither)
    assert len(judged.missed) == missed

"""Chapter 12: training."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise


def _smooth_l1(difference):
    from keras import ops

    from mrcnn.training.losses import smooth_l1_loss

    return ops.convert_to_numpy(smooth_l1_loss(np.zeros_like(difference), difference))


def _pieces(d, inner, outer):
    return np.where(np.abs(d) < 1, inner, outer)


smooth_l1 = FunctionExercise(
    name="smooth_l1",
    chapter=12,
    minutes=4,
    trains="the loss of the box deltas: gentle near zero, calm far away",
    task=(
        "The loss of a box delta that is wrong by d is d² / 2 where |d| is below 1, and |d| - 1/2 beyond "
        "(Fast R-CNN, section 2.3): far away its slope is 1, whatever the distance, so that no outlier "
        "rules the training."
    ),
    stub='''
def smooth_l1(difference):
    """Smooth L1 loss, element by element, of an array of differences of any shape."""
    return np.zeros(np.shape(difference))
''',
    hints=(
        "`np.abs(difference)` serves both pieces, and makes them the same for positive and negative ones.",
        "`np.where(condition, a, b)` takes a where the condition holds, else b, element by element.",
        "`np.where(d < 1, 0.5 * d**2, d - 0.5)`, with `d = np.abs(difference)`.",
    ),
    solution='''
def smooth_l1(difference):
    """Smooth L1 loss, element by element, of an array of differences of any shape."""
    d = np.abs(difference)
    return np.where(d < 1, 0.5 * d**2, d - 0.5)
''',
    arguments=("difference",),
    wanted="an array of the shape of `difference`",
    answer=_smooth_l1,
    edges={
        "small ones": (np.array([0.0, 0.5, -0.5]),),
        "large ones": (np.array([2.0, -3.0]),),
        "where the pieces meet": (np.array([1.0, -1.0]),),
        "four deltas of two boxes": (np.array([[0.1, -0.2, 1.5, 0.0], [-2.5, 0.9, 0.3, -0.4]]),),
    },
    draw=lambda rng: (rng.normal(0, 1.5, (int(rng.integers(1, 4)), 4)),),
    mistakes=(
        (lambda d: np.abs(d), "That is L1; below 1 take d² / 2, and beyond |d| - 1/2, where the two meet."),
        (lambda d: d**2 / 2, "That is half the square everywhere; from 1 on it is |d| - 1/2."),
        (lambda d: d**2, "That is the square everywhere; it is d² / 2 below 1, and |d| - 1/2 beyond."),
        (
            lambda d: _pieces(d, d**2, np.abs(d) - 0.5),
            "The factor 1/2 of the square is missing; without it the pieces do not meet at 1.",
        ),
        (
            lambda d: _pieces(d, d**2 / 2, np.abs(d)),
            "The - 1/2 is missing beyond 1; without it the pieces do not meet at 1.",
        ),
        (
            lambda d: np.where(d < 1, d**2 / 2, d - 0.5),
            "Large negative differences are squared: compare |d| with 1, `np.abs`.",
        ),
        (
            lambda d: _pieces(d, d**2 / 2, d - 0.5),
            "Large negative differences give a negative loss: take |d| - 1/2, `np.abs`.",
        ),
        (
            lambda d: _pieces(d, np.abs(d) - 0.5, d**2 / 2),
            "The pieces are exchanged: the square is for |d| below 1.",
        ),
        (lambda d: np.mean(_smooth_l1(d)), "That is the mean; wanted is the loss of each element."),
        (lambda d: np.sum(_smooth_l1(d)), "That is the sum; wanted is the loss of each element."),
    ),
)

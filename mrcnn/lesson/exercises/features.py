"""Chapter 3: backbone and pyramid."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise


def _seen(sizes, strides):
    """Walks down from one feature: a feature at place p of a layer sees `size` places from p × stride on."""
    first = last = 0
    for size, stride in zip(reversed(sizes), reversed(strides), strict=True):
        first, last = first * stride, last * stride + size - 1
    return last - first + 1


def _draw(rng):
    count = int(rng.integers(3, 7))
    sizes = rng.choice([3, 5, 7], count)
    return sizes.tolist(), rng.integers(1, 4, count).tolist()


def _jumps(strides):
    """Pixels from one place to the next, below the first layer, below the second, …, above the last."""
    return np.cumprod([1, *strides])


def _without_strides(sizes, strides):
    return 1 + sum(size - 1 for size in sizes)


def _own_stride_too(sizes, strides):
    return 1 + np.dot(np.subtract(sizes, 1), _jumps(strides)[1:])


def _only_the_last_stride(sizes, strides):
    return 1 + np.dot(np.subtract(sizes, 1), [1, *strides[:-1]])


def _whole_sizes(sizes, strides):
    return 1 + np.dot(sizes, _jumps(strides)[:-1])


def _from_zero(sizes, strides):
    return _seen(sizes, strides) - 1


def _stride(sizes, strides):
    return _jumps(strides)[-1]


def _from_the_top(sizes, strides):
    return _seen(sizes[::-1], strides[::-1])


receptive_field = FunctionExercise(
    name="receptive_field",
    chapter=3,
    minutes=6,
    trains="why a feature knows more of the picture than its stride",
    task=(
        "Convolutions follow each other, the first one on the picture; `sizes` are the sides of their "
        "filters, `strides` their strides. How many pixels wide is the part of the picture that one feature "
        "after the last of them sees, from its first pixel to its last?"
    ),
    stub='''
def receptive_field(sizes, strides):
    """Pixels across which one feature sees; sizes and strides are lists, a number for each convolution."""
    return 1
''',
    hints=(
        "Before any convolution a place sees 1 pixel. A filter of 3 sees 2 places more, one on each side; "
        "how many pixels these are apart is what all strides before it make, multiplied.",
        "Keep two numbers in a loop: how wide a place sees, at first 1, and how many pixels lie from one "
        "place to the next, at first 1 too.",
        "`field = field + (size - 1) * step`, and after that `step = step * stride`.",
    ),
    solution='''
def receptive_field(sizes, strides):
    """Pixels across which one feature sees; sizes and strides are lists, a number for each convolution."""
    field, step = 1, 1  # of the picture itself: a pixel sees itself, and the next is one away
    for size, stride in zip(sizes, strides):
        field = field + (size - 1) * step
        step = step * stride
    return field
''',
    arguments=("sizes", "strides"),
    wanted="a whole number, pixels",
    answer=_seen,
    edges={
        "one filter": ([3], [1]),
        "two filters of 3 see as much as one of 5": ([3, 3], [1, 1]),
        "a stride before the last filter": ([3, 3], [2, 1]),
        "how ResNet begins": ([7, 3], [2, 2]),
        "no filter at all": ([], []),
    },
    draw=_draw,
    mistakes=(
        (
            _without_strides,
            "The strides are missing: after a stride of 2, neighbours are two pixels apart.",
        ),
        (
            _own_stride_too,
            "A convolution's own stride says how far apart its results are, not what it reads: it counts "
            "from the next one on.",
        ),
        (
            _only_the_last_stride,
            "Strides multiply: after two strides of 2, neighbours are four pixels apart.",
        ),
        (_whole_sizes, "A filter of 3 adds 2 places to the one in its middle: take `size - 1`."),
        (_from_zero, "The pixel in the middle counts too: begin with 1."),
        (_stride, "That is the stride of the result; each filter sees farther than that."),
        (_from_the_top, "The order is turned round: the first convolution is the one on the picture."),
    ),
)

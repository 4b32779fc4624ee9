"""Chapter 2: the picture, resized and padded."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise


def _window(height, width, side):
    from mrcnn.images import resize_image

    picture = np.zeros((height, width, 1), np.uint8)
    return resize_image(picture, min_dim=side, max_dim=side, mode="square")[1]


def _draw(rng):
    while True:
        side = 64 * int(rng.integers(1, 5))
        height, width = (int(n) for n in rng.integers(20, 400, 2))
        halves = np.array([height, width]) * side / max(height, width) % 1
        if np.abs(halves - 0.5).min() > 0.02:  # which way a half is rounded is nobody's lesson
            return height, width, side


def _placed(height, width, side, scale, share=0.5):
    height, width = round(height * scale), round(width * scale)
    top, left = int((side - height) * share), int((side - width) * share)
    return top, left, top + height, left + width


def _in_the_corner(height, width, side):
    return _placed(height, width, side, side / max(height, width), share=0)


def _by_the_short_side(height, width, side):
    return _placed(height, width, side, side / min(height, width))


def _not_resized(height, width, side):
    return _placed(height, width, side, 1)


def _stretched(height, width, side):
    return 0, 0, side, side


def _x_first(height, width, side):
    y1, x1, y2, x2 = _window(height, width, side)
    return x1, y1, x2, y2


def _size_for_end(height, width, side):
    y1, x1, y2, x2 = _window(height, width, side)
    return y1, x1, y2 - y1, x2 - x1


fit_window = FunctionExercise(
    name="fit_window",
    chapter=2,
    minutes=5,
    trains="resizing without distortion; boxes as (y1, x1, y2, x2)",
    task=(
        "A picture of `height` × `width` pixels is scaled so that its long side is `side` pixels, and laid "
        "in the middle of a square of `side` × `side`. Where in the square does it lie?"
    ),
    stub='''
def fit_window(height, width, side):
    """Where a picture lies in its square: (y1, x1, y2, x2), whole pixels, y2 and x2 excluded."""
    return 0, 0, 0, 0
''',
    hints=(
        "One scale serves both sides, or the picture would be distorted: `side / max(height, width)`.",
        "The new size is `round(height * scale)` by `round(width * scale)`. What is left of the square, "
        "`side - new_height` rows, is shared by top and bottom.",
        "`top = (side - new_height) // 2`, `left` likewise, and the window ends at `top + new_height` and "
        "`left + new_width`.",
    ),
    solution='''
def fit_window(height, width, side):
    """Where a picture lies in its square: (y1, x1, y2, x2), whole pixels, y2 and x2 excluded."""
    scale = side / max(height, width)
    new_height, new_width = round(height * scale), round(width * scale)
    top, left = (side - new_height) // 2, (side - new_width) // 2
    return top, left, top + new_height, left + new_width
''',
    arguments=("height", "width", "side"),
    wanted="four whole numbers (y1, x1, y2, x2), pixels",
    answer=_window,
    edges={
        "twice as wide as high": (50, 100, 64),
        "higher than wide": (100, 50, 64),
        "square already": (64, 64, 64),
        "smaller than its square": (16, 32, 128),
        "an odd number of rows is left": (61, 128, 128),
    },
    draw=_draw,
    mistakes=(
        (
            _in_the_corner,
            "The picture lies in the corner; it is to lie in the middle, half the rest on each side.",
        ),
        (
            _by_the_short_side,
            "You bring the short side to `side`; then the long one does not fit the square.",
        ),
        (
            _not_resized,
            "The padding is right, but the picture is not scaled: multiply its sides by the scale first.",
        ),
        (_stretched, "You fill the whole square; that distorts every picture that is not square itself."),
        (_x_first, "x and y are swapped: a window is (y1, x1, y2, x2), rows before columns."),
        (
            _size_for_end,
            "The last two numbers are its size; wanted is where it ends, top + height and left + width.",
        ),
    ),
)

"""Chapter 5: deltas, which move an anchor to its box."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise
from mrcnn.network import boxes


def _draw_box(rng):
    y, x, height, width = rng.uniform(10, 90, 4)
    return np.array([y, x, y + height, x + width])


def _centre_and_size(box):
    """(y, x), (height, width) of a box."""
    return (box[:2] + box[2:]) / 2, box[2:] - box[:2]


def _corners(centre, size):
    return np.concatenate([centre - size / 2, centre + size / 2])


# Applying them


def _apply(box, deltas, shift=None, grow=np.exp):
    """A box moved by `shift(deltas[:2], size)` and grown by `grow(deltas[2:])`."""
    centre, size = _centre_and_size(box)
    moved = deltas[:2] * size if shift is None else shift(deltas[:2], size)
    return _corners(centre + moved, size * grow(deltas[2:]))


def _shift_in_pixels(box, deltas):
    return _apply(box, deltas, shift=lambda delta, size: delta)


def _shift_by_new_size(box, deltas):
    return _apply(box, deltas, shift=lambda delta, size: delta * size * np.exp(deltas[2:]))


def _shift_by_other_side(box, deltas):
    return _apply(box, deltas, shift=lambda delta, size: delta * size[::-1])


def _shift_backwards(box, deltas):
    return _apply(box, deltas, shift=lambda delta, size: -delta * size)


def _no_exp(box, deltas):
    return _apply(box, deltas, grow=lambda delta: delta)


def _one_plus(box, deltas):
    return _apply(box, deltas, grow=lambda delta: 1 + delta)


def _power_of_two(box, deltas):
    return _apply(box, deltas, grow=np.exp2)


def _grown_from_corner(box, deltas):
    size = box[2:] - box[:2]
    corner = box[:2] + deltas[:2] * size
    return np.concatenate([corner, corner + size * np.exp(deltas[2:])])


def _x_deltas_first(box, deltas):
    return _apply(box, deltas[[1, 0, 3, 2]])


def _left_as_centre(box, deltas):
    y1, x1, y2, x2 = boxes.apply_deltas(box, deltas)
    return np.array([(y1 + y2) / 2, (x1 + x2) / 2, y2 - y1, x2 - x1])


def _whole_size_about_centre(box, deltas):
    centre, size = _centre_and_size(boxes.apply_deltas(box, deltas))
    return np.concatenate([centre - size, centre + size])


apply_deltas = FunctionExercise(
    name="apply_deltas",
    chapter=5,
    minutes=6,
    trains="what the four numbers say that the network gives for each anchor",
    task=(
        "The network gives for an anchor the four deltas (dy, dx, log(dh), log(dw)): by how many of its own "
        "heights and widths the centre moves, and the logarithms of the factors by which it grows (Faster "
        "R-CNN, section 3.1.2). Apply them to a box."
    ),
    stub='''
def apply_deltas(box, deltas):
    """The box [4] that deltas (dy, dx, log(dh), log(dw)) make of a box (y1, x1, y2, x2), pixels."""
    y1, x1, y2, x2 = box
    dy, dx, log_dh, log_dw = deltas
    return np.array([y1, x1, y2, x2])
''',
    hints=(
        "Work with the centre and the size: height = y2 - y1, centre_y = y1 + height / 2. At the end go "
        "back to the corners.",
        "The centre moves by `dy * height`, in terms of the old height. The new height is "
        "`height * np.exp(log_dh)`.",
        "y1 = centre_y - new_height / 2 and y2 = centre_y + new_height / 2; the same for x with dx and "
        "width.",
    ),
    solution='''
def apply_deltas(box, deltas):
    """The box [4] that deltas (dy, dx, log(dh), log(dw)) make of a box (y1, x1, y2, x2), pixels."""
    y1, x1, y2, x2 = box
    dy, dx, log_dh, log_dw = deltas
    height, width = y2 - y1, x2 - x1
    y, x = y1 + height / 2 + dy * height, x1 + width / 2 + dx * width
    height, width = height * np.exp(log_dh), width * np.exp(log_dw)
    return np.array([y - height / 2, x - width / 2, y + height / 2, x + width / 2])
''',
    arguments=("box", "deltas"),
    wanted="an array [4], a box (y1, x1, y2, x2) in pixels",
    answer=boxes.apply_deltas,
    edges={
        "half a height down": (np.array([0.0, 0.0, 20.0, 10.0]), np.array([0.5, 0.0, 0.0, 0.0])),
        "a tenth of its width to the right": (
            np.array([0.0, 0.0, 20.0, 10.0]),
            np.array([0.0, 0.1, 0.0, 0.0]),
        ),
        "twice as high": (np.array([10.0, 10.0, 30.0, 20.0]), np.array([0.0, 0.0, np.log(2), 0.0])),
        "all deltas zero": (np.array([10.0, 20.0, 30.0, 60.0]), np.zeros(4)),
    },
    draw=lambda rng: (_draw_box(rng), rng.uniform(-0.8, 0.8, 4)),
    mistakes=(
        (_shift_in_pixels, "You add dy and dx as pixels; they are shares of the box's height and width."),
        (
            _shift_by_new_size,
            "You move by shares of the new size; dy and dx count in the old height and width.",
        ),
        (_shift_by_other_side, "Height and width are swapped: dy counts in heights, dx in widths."),
        (_shift_backwards, "It moves the wrong way: a positive dy goes down, a positive dx to the right."),
        (_no_exp, "The deltas of the size are logarithms: multiply by `np.exp` of them."),
        (_one_plus, "1 + delta is only near exp(delta), for small ones: multiply by `np.exp(delta)`."),
        (_power_of_two, "The logarithms are natural ones: their inverse is `np.exp`, not a power of two."),
        (
            _grown_from_corner,
            "It grows from its upper left corner; the centre is what moves, and growing leaves it.",
        ),
        (_x_deltas_first, "The deltas are swapped: their order is (dy, dx, log(dh), log(dw)), y before x."),
        (
            _left_as_centre,
            "These are centre and size; go back to corners: centre minus and plus half the size.",
        ),
        (
            _whole_size_about_centre,
            "The corners lie half a height and width from the centre; yours are a whole one away.",
        ),
    ),
)


# Finding them


def _find(box, target, shift=None, growth=np.log):
    """Deltas by `shift(distance of centres, size, target_size)` and `growth(target_size / size)`."""
    (centre, size), (target_centre, target_size) = _centre_and_size(box), _centre_and_size(target)
    distance = target_centre - centre
    moved = distance / size if shift is None else shift(distance, size, target_size)
    return np.concatenate([moved, growth(target_size / size)])


def _not_divided(box, target):
    return _find(box, target, shift=lambda distance, size, target_size: distance)


def _over_target_size(box, target):
    return _find(box, target, shift=lambda distance, size, target_size: distance / target_size)


def _over_other_side(box, target):
    return _find(box, target, shift=lambda distance, size, target_size: distance / size[::-1])


def _from_corners(box, target):
    size = box[2:] - box[:2]
    return np.concatenate([(target[:2] - box[:2]) / size, _find(box, target)[2:]])


def _no_log(box, target):
    return _find(box, target, growth=lambda ratio: ratio)


def _difference_of_sizes(box, target):
    return _find(box, target, growth=lambda ratio: ratio - 1)


find_deltas = FunctionExercise(
    name="find_deltas",
    chapter=5,
    minutes=6,
    trains="what the network is taught to say: the inverse of applying deltas",
    task=(
        "Training needs the way back: which deltas (dy, dx, log(dh), log(dw)) turn `box` into `target`? "
        "Applying them to `box` must give `target`."
    ),
    stub='''
def find_deltas(box, target):
    """The deltas [4] (dy, dx, log(dh), log(dw)) that turn a box (y1, x1, y2, x2), pixels, into another."""
    return np.zeros(4)
''',
    hints=(
        "Solve what `apply_deltas` does for the deltas: target centre = centre + dy × height, and target "
        "height = height × exp(log(dh)).",
        "So dy is the distance of the two centres divided by the height of `box`, not of `target`.",
        "`dy = (target_y - y) / height` and `log_dh = np.log(target_height / height)`; the same with x and "
        "width.",
    ),
    solution='''
def find_deltas(box, target):
    """The deltas [4] (dy, dx, log(dh), log(dw)) that turn a box (y1, x1, y2, x2), pixels, into another."""
    box, target = np.asarray(box), np.asarray(target)
    size, target_size = box[2:] - box[:2], target[2:] - target[:2]
    centre, target_centre = box[:2] + size / 2, target[:2] + target_size / 2
    return np.concatenate([(target_centre - centre) / size, np.log(target_size / size)])
''',
    arguments=("box", "target"),
    wanted="an array [4], (dy, dx, log(dh), log(dw))",
    answer=boxes.find_deltas,
    edges={
        "half a height lower": (np.array([0.0, 0.0, 20.0, 10.0]), np.array([10.0, 0.0, 30.0, 10.0])),
        "the same box": (np.array([10.0, 20.0, 30.0, 60.0]), np.array([10.0, 20.0, 30.0, 60.0])),
        "twice as high, about the same centre": (
            np.array([10.0, 10.0, 30.0, 20.0]),
            np.array([0.0, 10.0, 40.0, 20.0]),
        ),
    },
    draw=lambda rng: (_draw_box(rng), _draw_box(rng)),
    mistakes=(
        (_not_divided, "dy and dx are still pixels; divide them by the box's own height and width."),
        (_over_target_size, "You divide by the target's size; dy and dx count in the size of `box`."),
        (_over_other_side, "Height and width are swapped: dy is divided by the height, dx by the width."),
        (_from_corners, "You measure from corner to corner; it is the centres whose distance counts."),
        (_no_log, "The logarithm is missing: the last two are `np.log` of target size over size."),
        (
            _difference_of_sizes,
            "The last two are logarithms, `np.log` of target size over size, not relative differences.",
        ),
        (
            lambda box, target: _find(box, target, growth=np.log2),
            "The logarithm is the natural one, `np.log`, not `np.log2`.",
        ),
        (
            lambda box, target: _find(box, target, growth=np.log10),
            "The logarithm is the natural one, `np.log`, not `np.log10`.",
        ),
        (
            lambda box, target: boxes.find_deltas(target, box),
            "The two boxes are swapped: these deltas turn `target` into `box`.",
        ),
        (
            lambda box, target: boxes.find_deltas(box, target)[[1, 0, 3, 2]],
            "The order is (dy, dx, log(dh), log(dw)), y before x.",
        ),
        (
            lambda box, target: _find(box, target, growth=lambda ratio: -np.log(ratio)),
            "The ratio of the sizes is upside down: it is target size over size.",
        ),
    ),
)

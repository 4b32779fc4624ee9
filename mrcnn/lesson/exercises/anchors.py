"""Chapter 4: anchors."""

import numpy as np

from mrcnn.config import Config
from mrcnn.lesson.exercise import FunctionExercise, Question
from mrcnn.network import anchors as network
from mrcnn.network.boxes import iou

# The anchors of one level


def _level_anchors(scale, ratios, shape, stride):
    return network.level_anchors(scale, ratios, shape, stride, anchor_stride=1)


def _draw_level(rng):
    scale = 2.0 ** rng.integers(4, 8)
    ratios = np.array(((0.5, 1.0, 2.0), (0.25, 1.0), (0.5, 2.0, 3.0))[rng.integers(3)])
    shape = tuple(int(n) for n in rng.choice([2, 3, 4, 5], 2, replace=False))
    return scale, ratios, shape, int(2 ** rng.integers(2, 6))


def _centred(scale, heights, widths, shape, stride, first=0.0):
    """Anchors [rows, columns, A, 4] of these sizes [A]."""
    y = (np.arange(shape[0]) + first)[:, None, None] * stride
    x = (np.arange(shape[1]) + first)[None, :, None] * stride
    return np.stack(np.broadcast_arrays(y - heights / 2, x - widths / 2, y + heights / 2, x + widths / 2), -1)


def _sizes(scale, ratios):
    return scale / np.sqrt(ratios), scale * np.sqrt(ratios)


def _ratio_turned(scale, ratios, shape, stride):
    return _level_anchors(scale, 1 / ratios, shape, stride)


def _area_lost(scale, ratios, shape, stride):
    return _centred(scale, scale + 0 * ratios, scale * ratios, shape, stride).reshape(-1, 4)


def _no_root(scale, ratios, shape, stride):
    return _centred(scale, scale / ratios, scale * ratios, shape, stride).reshape(-1, 4)


def _between_features(scale, ratios, shape, stride):
    return _centred(scale, *_sizes(scale, ratios), shape, stride, first=0.5).reshape(-1, 4)


def _no_stride(scale, ratios, shape, stride):
    return _level_anchors(scale, ratios, shape, 1)


def _twice_the_size(scale, ratios, shape, stride):
    return _level_anchors(2 * scale, ratios, shape, stride)


def _x_first(scale, ratios, shape, stride):
    return _level_anchors(scale, ratios, shape, stride)[:, [1, 0, 3, 2]]


def _column_by_column(scale, ratios, shape, stride):
    grid = _centred(scale, *_sizes(scale, ratios), shape, stride)
    return grid.transpose(1, 0, 2, 3).reshape(-1, 4)


def _ratio_by_ratio(scale, ratios, shape, stride):
    grid = _centred(scale, *_sizes(scale, ratios), shape, stride)
    return grid.transpose(2, 0, 1, 3).reshape(-1, 4)


def _as_a_grid(scale, ratios, shape, stride):
    return _centred(scale, *_sizes(scale, ratios), shape, stride)


def _centres_and_sizes(scale, ratios, shape, stride):
    y1, x1, y2, x2 = _level_anchors(scale, ratios, shape, stride).T
    return np.stack([(y1 + y2) / 2, (x1 + x2) / 2, y2 - y1, x2 - x1], axis=1)


level_anchors = FunctionExercise(
    name="level_anchors",
    chapter=4,
    minutes=8,
    trains="where anchors stand, and how large they are",
    task=(
        "Lay one anchor of each ratio on every feature of one pyramid level. The feature in row r and "
        "column c has its anchors' centre at (r, c) × `stride` pixels. A ratio is width / height, and "
        "whatever the ratio, the area is `scale`²."
    ),
    stub='''
def level_anchors(scale, ratios, shape, stride):
    """The anchors of one level, pixels.

    scale: side of a square anchor, pixels; ratios: array of width / height; shape: rows and columns of the
    level's features; stride: pixels from one feature to the next.
    Returns [rows * columns * ratios, 4]: row by row, in a row column by column, there ratio by ratio.
    """
    rows, columns = shape
    return np.zeros((rows * columns * len(ratios), 4))
''',
    hints=(
        "Width / height = ratio and width × height = scale² together give height = scale / √ratio and "
        "width = scale × √ratio.",
        "Three loops in each other, rows outermost and ratios innermost, append one box at a time: "
        "`[y - height / 2, x - width / 2, y + height / 2, x + width / 2]`.",
        "The loops are `for row in range(rows)`, `for column in range(columns)`, `for ratio in ratios`; the "
        "centre is `y, x = row * stride, column * stride`.",
    ),
    solution='''
def level_anchors(scale, ratios, shape, stride):
    """The anchors of one level, [rows * columns * ratios, 4], pixels."""
    anchors = []
    for row in range(shape[0]):
        for column in range(shape[1]):
            for ratio in ratios:
                y, x = row * stride, column * stride
                height, width = scale / np.sqrt(ratio), scale * np.sqrt(ratio)
                anchors.append([y - height / 2, x - width / 2, y + height / 2, x + width / 2])
    return np.array(anchors)
''',
    arguments=("scale", "ratios", "shape", "stride"),
    wanted="an array [rows * columns * ratios, 4] of boxes (y1, x1, y2, x2), pixels",
    answer=_level_anchors,
    edges={
        "a single square anchor": (32.0, np.array([1.0]), (1, 1), 16),
        "one row of square anchors": (32.0, np.array([1.0]), (1, 3), 16),
        "one place, two ratios": (32.0, np.array([0.25, 4.0]), (1, 1), 16),
    },
    draw=_draw_level,
    mistakes=(
        (
            _ratio_turned,
            "The ratios are turned round: a ratio is width / height, so ratio 2 is a wide anchor.",
        ),
        (
            _area_lost,
            "The area changes with the ratio; scale the height by 1 / √ratio and the width by √ratio.",
        ),
        (
            _no_root,
            "A root is missing: with height = scale / ratio and width = scale × ratio, width / height is "
            "ratio².",
        ),
        (
            _between_features,
            "The centres are half a stride off: the first feature's anchors are centred on (0, 0).",
        ),
        (_no_stride, "The centres are counted in features; times `stride` they are pixels."),
        (_twice_the_size, "The anchors are twice as large: the corners lie half a side from the centre."),
        (_x_first, "x and y are swapped: a box is (y1, x1, y2, x2)."),
        (_column_by_column, "The order is wrong: go row by row, and within a row column by column."),
        (_ratio_by_ratio, "The order is wrong: all ratios of one place come before the next place."),
        (_as_a_grid, "The boxes are right, but still in a grid: `.reshape(-1, 4)` makes them one list."),
        (
            _centres_and_sizes,
            "These are centres and sizes; wanted are corners: centre minus and plus half the size.",
        ),
    ),
)


# How many there are


STRIDES = np.array(Config.BACKBONE_STRIDES)
RATIOS = len(Config.RPN_ANCHOR_RATIOS)


def _count(height, width):
    return RATIOS * int(np.prod(network.level_shapes(Config(), (height, width)), axis=1).sum())


def _places(height, width, strides=STRIDES):
    return int(sum(np.ceil(height / s) * np.ceil(width / s) for s in strides))


count_anchors = FunctionExercise(
    name="count_anchors",
    chapter=4,
    minutes=4,
    trains="strides; how much the network looks at",
    task=(
        "The levels P2 to P6 have strides of 4, 8, 16, 32 and 64 pixels, and 3 anchors (one a ratio) on "
        "every feature. How many anchors has a picture of `height` × `width` pixels? Where a side is no "
        "multiple of the stride, the level has one feature more: it is rounded up."
    ),
    stub='''
def count_anchors(height, width):
    """How many anchors a picture of height × width pixels has, on all levels together."""
    return 0
''',
    hints=(
        "A level of stride s has height / s rows of width / s features. What does doubling the stride do to "
        "the number of features?",
        "`np.ceil(height / stride) * np.ceil(width / stride)` features; a loop over the five strides adds "
        "them up.",
        "Each feature has 3 anchors, so `3 * sum(… for stride in (4, 8, 16, 32, 64))`. For 1024 × 1024 "
        "pixels it is 261,888.",
    ),
    solution='''
def count_anchors(height, width):
    """How many anchors a picture of height × width pixels has, on all levels together."""
    return 3 * sum(np.ceil(height / stride) * np.ceil(width / stride) for stride in (4, 8, 16, 32, 64))
''',
    arguments=("height", "width"),
    wanted="one whole number",
    answer=_count,
    edges={
        "one feature on P6": (64, 64),
        "the paper's size": (1024, 1024),
        "no multiples of 64": (100, 150),
    },
    draw=lambda rng: tuple(int(n) for n in 64 * rng.integers(1, 17, 2)),
    tolerance=1e-6,
    mistakes=(
        (_places, "You count places; on each of them stand 3 anchors, one a ratio."),
        (
            lambda h, w: 3 * _places(h, w, STRIDES[:4]),
            "A level is missing: P6, of stride 64, has anchors too.",
        ),
        (lambda h, w: 3 * _places(h, w, STRIDES[1:]), "A level is missing: the finest, P2, of stride 4."),
        (
            lambda h, w: 3 * int(sum((h // s) * (w // s) for s in STRIDES)),
            "You round down; a side that is no multiple of the stride has one more feature: `np.ceil`.",
        ),
        (
            lambda h, w: 3 * sum(h * w / s for s in STRIDES),
            "The stride divides both sides: height / stride rows and width / stride columns.",
        ),
        (
            lambda h, w: 3 * int(sum(np.ceil(h * w / s**2) for s in STRIDES)),
            "Round rows and columns up one by one, not their product.",
        ),
        (
            lambda h, w: 3 * 5 * _places(h, w),
            "Each level has a single scale, so 3 anchors a place, not 3 × 5.",
        ),
        (
            lambda h, w: 9 * _places(h, w),
            "Nine anchors a place are Faster R-CNN without a pyramid; here a level has one scale, so 3.",
        ),
    ),
)


# A design of one's own


STREET = {  # in a picture of 512 × 512 pixels
    "the pedestrian": (190, 60, 300, 102),
    "the lamp post": (100, 150, 320, 180),
    "the bus": (150, 170, 290, 470),
    "the traffic light": (60, 90, 124, 114),
    "the far sign": (70, 300, 90, 320),
    "the dog": (330, 250, 380, 330),
}
SIDE = 512
MOST_RATIOS = 3


def _read_design(answer):
    if not isinstance(answer, dict) or set(answer) != {"scales", "ratios"}:
        raise ValueError("a design is a dict of two: {'scales': (five numbers), 'ratios': (one to three)}.")
    try:
        scales, ratios = (np.asarray(answer[key], np.float64).ravel() for key in ("scales", "ratios"))
    except (TypeError, ValueError):
        raise ValueError(
            "`scales` and `ratios` are to be numbers: (32, 64, …) pixels, and width / height."
        ) from None
    if not all((v > 0).all() and np.isfinite(v).all() for v in (scales, ratios)):
        raise ValueError("scales, in pixels, and ratios, width / height, are all above 0.")
    if len(scales) != len(STRIDES):
        raise ValueError(
            f"there are five levels, P2 to P6, with one scale each; you gave {len(scales)} scales."
        )
    if not 1 <= len(ratios) <= MOST_RATIOS:
        raise ValueError(
            f"you gave {len(ratios)} ratios; one to {MOST_RATIOS} are allowed, since every ratio is another "
            "anchor at each of thousands of places."
        )
    if scales.max() > 4 * SIDE:
        raise ValueError(
            f"a scale of {scales.max():g} is far larger than the picture of {SIDE} pixels: a scale is the "
            "side of a square anchor in pixels, not its area."
        )
    return scales, ratios


def _best_anchors(scales, ratios):
    """For each thing of the street the IoU of its best anchor, and that anchor's size in pixels."""
    shapes = network.level_shapes(Config(), (SIDE, SIDE))
    anchors = network.pyramid_anchors(scales, ratios, shapes, STRIDES, 1)
    overlaps = iou(np.array(list(STREET.values()), np.float64), anchors)
    best = anchors[overlaps.argmax(axis=1)]
    return overlaps.max(axis=1), best[:, 2:] - best[:, :2]


def _design_fault(design):
    scales, ratios = design
    overlaps, sizes = _best_anchors(scales, ratios)
    worst = int(overlaps.argmin())
    if overlaps[worst] >= 0.5:
        return None
    name, (y1, x1, y2, x2) = list(STREET.items())[worst]
    height, width = sizes[worst]
    sentence = (
        f"{name}, {y2 - y1} pixels high and {x2 - x1} wide, fits no anchor better than with IoU "
        f"{overlaps[worst]:.2f}; that one is {height:.0f} high and {width:.0f} wide."
    )
    if _best_anchors(scales, 1 / ratios)[0].min() >= 0.5:
        return f"{sentence} Your ratios would fit turned round: a ratio is width / height, below 1 if tall."
    if len(ratios) == 1:
        return f"{sentence} A single ratio cannot serve tall things and wide ones; you may have three."
    return sentence


design_anchors = Question(
    name="design_anchors",
    chapter=4,
    minutes=8,
    trains="choosing anchors for one's own objects",
    task=(
        "In a street scene of 512 × 512 pixels stand (height × width) a pedestrian of 110 × 42, a lamp post "
        "of 220 × 30, a bus of 140 × 300, a traffic light of 64 × 24, a far sign of 20 × 20 and a dog of "
        "50 × 80 pixels. The paper's anchors miss two of them. Choose five scales, one a level from P2 to "
        "P6, and at most three ratios, so that each fits some anchor with an IoU (shared area over the area "
        "that both cover together) of at least 0.5."
    ),
    stub="""
design_anchors = {
    "scales": (32, 64, 128, 256, 512),  # sides of a square anchor on P2, P3, P4, P5, P6, pixels
    "ratios": (0.5, 1, 2),  # width / height, at most three
}
""",
    hints=(
        "For each thing compute √(height × width), the scale that it would like best, and width / height, "
        "its ratio.",
        "An anchor of the right area has an IoU of 0.5 or more while its ratio is within a factor of about "
        "2 of the thing's. One of the right shape has it while its scale is within a factor of 1.4.",
        "The sign wants a scale near 20 on P2. The lamp post, 30 / 220 = 0.14, wants a ratio near 0.15; then "
        "0.5 and 1.5 serve all the others.",
    ),
    solution="""
design_anchors = {
    "scales": (20, 40, 80, 200, 400),  # the sign; the light; post, pedestrian and dog; the bus
    "ratios": (0.15, 0.5, 1.5),  # the post; what is tall; what is wide
}
""",
    read=_read_design,
    fault=_design_fault,
    praise="right: every one of the six has an anchor with an IoU of at least 0.5.",
)

"""Chapter 7: RoIAlign: which level a box is cut from, and how it is sampled."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise


def _tensor(values, dtype="float32"):
    from keras import ops

    return ops.convert_to_tensor(values, dtype)


def _numpy(tensor):
    from keras import ops

    return ops.convert_to_numpy(tensor)


# The level of a box


def _level(box):
    from mrcnn.network.roi_align import pyramid_level

    side = 1024  # of any picture: the box in shares of it, and its area, say the same
    return _numpy(pyramid_level(_tensor(box / side), side**2))


def _draw_box(rng):
    while True:
        y, x, height, width = rng.uniform([0, 0, 8, 8], [100, 100, 900, 900])
        if abs(np.log2(np.sqrt(height * width) / 224) % 1 - 0.5) > 0.02:  # not on the edge of two levels
            return (np.array([y, x, y + height, x + width]),)


def _leveled(box, size=None, log=np.log2, to_whole=np.round, low=2, high=5, start=4):
    height, width = box[2] - box[0], box[3] - box[1]
    side = np.sqrt(height * width) if size is None else size(height, width)
    return np.clip(start + to_whole(log(side / 224)), low, high)


pyramid_level = FunctionExercise(
    name="pyramid_level",
    chapter=7,
    minutes=4,
    trains="why small boxes are cut from fine features",
    task=(
        "A box of 224 × 224 pixels is cut from P4; one of half the side from P3, of twice the side from P5 "
        "(FPN, equation 1). The level is 4 + log2(√(height × width) / 224), rounded to the nearest whole "
        "number, at least 2 and at most 5."
    ),
    stub='''
def pyramid_level(box):
    """The level, 2 to 5, from which a box (y1, x1, y2, x2), pixels, is cut."""
    return 4
''',
    hints=(
        "What matters is the side of the square that has the box's area: `np.sqrt(height * width)`.",
        "`np.log2(side / 224)` is 0 for 224 pixels, 1 for 448 and -1 for 112. `np.round` takes it to the "
        "nearest whole number.",
        "`np.clip(4 + np.round(np.log2(side / 224)), 2, 5)`.",
    ),
    solution='''
def pyramid_level(box):
    """The level, 2 to 5, from which a box (y1, x1, y2, x2), pixels, is cut."""
    y1, x1, y2, x2 = box
    side = np.sqrt((y2 - y1) * (x2 - x1))
    return int(np.clip(4 + np.round(np.log2(side / 224)), 2, 5))
''',
    arguments=("box",),
    wanted="one whole number from 2 to 5",
    answer=_level,
    edges={
        "half the side": (np.array([0.0, 0.0, 112.0, 112.0]),),
        "224 pixels a side": (np.array([100.0, 50.0, 324.0, 274.0]),),
        "half as long again": (np.array([0.0, 0.0, 336.0, 336.0]),),
        "tiny": (np.array([10.0, 10.0, 18.0, 18.0]),),
        "larger than most pictures": (np.array([0.0, 0.0, 1600.0, 1600.0]),),
        "flat and wide": (np.array([0.0, 0.0, 50.0, 400.0]),),
    },
    draw=_draw_box,
    tolerance=1e-6,
    mistakes=(
        (
            lambda b: _leveled(b, to_whole=np.floor),
            "You round down (so does the paper); here it is the nearest whole number: `np.round`.",
        ),
        (
            lambda b: _leveled(b, to_whole=np.ceil),
            "You round up; here it is the nearest whole number: `np.round`.",
        ),
        (
            lambda b: _leveled(b, to_whole=lambda x: x),
            "The level is not rounded: it is a whole number, `np.round`.",
        ),
        (
            lambda b: _leveled(b, log=np.log),
            "That is the natural logarithm; doubling the side is one level, so take `np.log2`.",
        ),
        (
            lambda b: _leveled(b, log=np.log10),
            "That is the logarithm to base 10; doubling the side is one level, so take `np.log2`.",
        ),
        (lambda b: _leveled(b, low=-99, high=99), "The level leaves 2 to 5: `np.clip(level, 2, 5)`."),
        (lambda b: _leveled(b, low=-99), "Small boxes get a level below 2: `np.clip(level, 2, 5)`."),
        (lambda b: _leveled(b, high=99), "Large boxes get a level above 5: `np.clip(level, 2, 5)`."),
        (lambda b: _leveled(b, high=6), "P6 is for proposals alone; boxes are cut from P2 to P5."),
        (
            lambda b: _leveled(b, size=lambda h, w: h * w),
            "The root is missing: compare √(height × width) with 224, not the area.",
        ),
        (lambda b: _leveled(b, size=max), "You take the longer side; it is √(height × width) that counts."),
        (
            lambda b: _leveled(b, size=lambda h, w: (h + w) / 2),
            "You take the mean of the sides; it is √(height × width) that counts.",
        ),
        (
            lambda b: _leveled(b, size=lambda h, w: 224**2 / np.sqrt(h * w)),
            "The ratio is upside down: side / 224, so that larger boxes get coarser levels.",
        ),
        (lambda b: _leveled(b, start=5), "One level too coarse: 224 pixels are level 4."),
    ),
)


# Sampling between features


def _bilinear(features, y, x):
    """The crop of a box that is a single point."""
    from mrcnn.network.kernels import crop_and_resize

    height, width = features.shape
    point = [y / (height - 1), x / (width - 1)] * 2
    crop = crop_and_resize(_tensor(features[None, :, :, None]), _tensor([point]), _tensor([0], "int32"), 2)
    return _numpy(crop)[0, 0, 0, 0]


def _draw_sample(rng):
    height, width = (int(n) for n in rng.integers(4, 8, 2))
    y, x = rng.uniform(0.02, 0.98, 2) * (height - 1, width - 1)
    return rng.uniform(-5, 5, (height, width)), float(y), float(x)


def _mixed(
    features, y, x, beside=lambda before, last: min(before + 1, last), weigh=lambda fraction: fraction
):
    """Bilinear, with the neighbour after and the weight of it as given."""
    top, left = int(np.floor(y)), int(np.floor(x))
    bottom, right = (beside(n, side - 1) for n, side in zip((top, left), features.shape, strict=True))
    down, along = weigh(y - top), weigh(x - left)
    upper = (1 - along) * features[top, left] + along * features[top, right]
    lower = (1 - along) * features[bottom, left] + along * features[bottom, right]
    return (1 - down) * upper + down * lower


def _nearest(features, y, x):
    return features[round(y), round(x)]


def _pixel_before(features, y, x):
    return features[int(y), int(x)]


def _past_the_end(features, y, x):
    return _mixed(features, y, x, beside=lambda before, last: before + 1)


def _ceil_weights(features, y, x):
    """Weights from both neighbours' distances, which vanish together on a feature."""
    top, left, bottom, right = int(np.floor(y)), int(np.floor(x)), int(np.ceil(y)), int(np.ceil(x))
    upper = (right - x) * features[top, left] + (x - left) * features[top, right]
    lower = (right - x) * features[bottom, left] + (x - left) * features[bottom, right]
    return (bottom - y) * upper + (y - top) * lower


bilinear = FunctionExercise(
    name="bilinear",
    chapter=7,
    minutes=8,
    trains="the heart of RoIAlign: reading between features without rounding",
    task=(
        "Features lie on whole numbers. Read them at (y, x) in between: mix the four around it, each the "
        "more, the nearer it is (Mask R-CNN, section 3, on RoIAlign)."
    ),
    stub='''
def bilinear(features, y, x):
    """The value of features [H, W] at row y and column x, floats from 0 to H - 1 and W - 1."""
    return features[0, 0]
''',
    hints=(
        "`top, left = int(y), int(x)` is the feature before the point, and `y - top` how far it is on the "
        "way to the next: 0 at the first, 1 at the next.",
        "Between two values a and b, at a fraction t, lies (1 - t) × a + t × b. Do it along x in the upper "
        "row and in the lower row, then along y between the two results.",
        "On the last row there is no next one, and its weight would be 0: `bottom = min(top + 1, H - 1)`, "
        "and `right` likewise.",
    ),
    solution='''
def bilinear(features, y, x):
    """The value of features [H, W] at row y and column x, floats from 0 to H - 1 and W - 1."""
    height, width = features.shape
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, along = y - top, x - left
    upper = (1 - along) * features[top, left] + along * features[top, right]
    lower = (1 - along) * features[bottom, left] + along * features[bottom, right]
    return (1 - down) * upper + down * lower
''',
    arguments=("features", "y", "x"),
    wanted="one number",
    answer=_bilinear,
    edges={
        "in the middle of four": (np.array([[1.0, 2.0], [4.0, 8.0]]), 0.5, 0.5),
        "between two of a row": (np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]), 0.0, 1.25),
        "just on a feature": (np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0], [3.0, 5.0, 7.0]]), 1.0, 1.0),
        "on the last feature": (np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0], [3.0, 5.0, 7.0]]), 2.0, 2.0),
    },
    draw=_draw_sample,
    tolerance=1e-3,
    mistakes=(
        (
            lambda f, y, x: _mixed(f.T, y, x),
            "x and y are swapped: y counts rows, x columns, `features[row, column]`.",
        ),
        (_nearest, "You round to the nearest feature, as RoIPool does; mix all four around the point."),
        (_pixel_before, "You round down to a feature; mix all four around the point."),
        (_past_the_end, "There is nothing past the last row or column: `min(top + 1, height - 1)`."),
        (
            _ceil_weights,
            "On a feature, floor and ceil are the same, and all your weights 0: weigh by t and 1 - t, t = y "
            "- floor(y).",
        ),
        (
            lambda f, y, x: _mixed(f, y, x, weigh=lambda t: 1 - t),
            "The weights are exchanged: the nearer feature counts more, so the one before has 1 - t.",
        ),
        (
            lambda f, y, x: _mixed(f, y, x, weigh=lambda t: 0.5),
            "You take the mean of the four; each is to count the more, the nearer it is.",
        ),
        (lambda f, y, x: _mixed(f, float(int(y)), x), "You mix along x only; do the same along y."),
        (lambda f, y, x: _mixed(f, y, float(int(x))), "You mix along y only; do the same along x."),
    ),
)

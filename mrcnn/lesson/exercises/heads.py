"""Chapters 8 and 9: scores and masks."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise, Question
from mrcnn.lesson.reading import number

# Softmax


def _softmax(logits):
    from scipy.special import softmax

    return softmax(logits)


def _divided(powers):
    return powers / powers.sum()


def _two_by_two(logits):
    return 1 / (1 + np.exp(-logits))


softmax = FunctionExercise(
    name="softmax",
    chapter=8,
    minutes=4,
    trains="from logits to scores that add up to 1",
    task=(
        "Turn one RoI's logits, any numbers, into probabilities: exp of each, divided by the sum of all "
        "exps. It must also work for logits of 1000, whose exp is too large for a float."
    ),
    stub='''
def softmax(logits):
    """Probabilities [K] from the logits [K] of K classes."""
    return np.zeros(len(logits))
''',
    hints=(
        "`np.exp(logits)` works on the whole array, and `.sum()` adds it up.",
        "Adding the same number to all logits changes nothing in the result. Which number would keep exp "
        "from growing too large?",
        "`powers = np.exp(logits - logits.max())`, then `powers / powers.sum()`.",
    ),
    solution='''
def softmax(logits):
    """Probabilities [K] from the logits [K] of K classes."""
    powers = np.exp(logits - np.max(logits))
    return powers / powers.sum()
''',
    arguments=("logits",),
    wanted="an array [K] of probabilities that add up to 1",
    answer=_softmax,
    edges={
        "three equal ones": (np.zeros(3),),
        "one leads by log(2)": (np.array([0.0, np.log(2), 0.0]),),
        "very large ones": (np.array([1000.0, 1001.0, 999.0]),),
        "very negative ones": (np.array([-1000.0, -1001.0]),),
        "a single class": (np.array([3.0]),),
    },
    draw=lambda rng: (rng.normal(0, 3, rng.integers(2, 9)),),
    mistakes=(
        (
            lambda x: _divided(np.exp(x)),
            "exp of 1000 is too large for a float, and inf / inf is nan: take off the largest logit first.",
        ),
        (lambda x: np.exp(x), "The division is missing: divide by the sum, so that all add up to 1."),
        (
            lambda x: np.exp(x - x.max()),
            "The division is missing: divide by the sum, so that all add up to 1.",
        ),
        (lambda x: _divided(x), "exp is missing: you divide the logits themselves by their sum."),
        (
            lambda x: _divided(x - x.max()),
            "exp is missing: take `np.exp(logits - logits.max())`, then divide by the sum.",
        ),
        (lambda x: np.exp(x) / np.exp(x).max(), "You divide by the largest; divide by the sum."),
        (lambda x: _divided(np.exp2(x)), "You take powers of two; take `np.exp`."),
        (lambda x: _divided(np.exp2(x - x.max())), "You take powers of two; take `np.exp`."),
        (
            lambda x: _divided(np.exp(-(x - x.min()))),
            "The sign is turned round: the largest logit has the largest probability.",
        ),
        (
            _two_by_two,
            "That is the sigmoid, each class by itself (as the mask head does); here the classes compete.",
        ),
        (
            lambda x: (x - x.max()) - np.log(np.exp(x - x.max()).sum()),
            "These are the logarithms of the probabilities; leave out the log.",
        ),
        (
            lambda x: (x == x.max()).astype(float),
            "You give all to the best class; softmax gives every class a share.",
        ),
    ),
)


# What happens to a score


def _score_fault(score):
    before = np.array([0.0, 0.0])  # background and dog: 0.5 each
    right = _softmax(before + [0, np.log(2)])[1]
    if abs(score - right) <= 0.01:
        return None
    if not 0 <= score <= 1:
        return "a score is a probability, from 0 to 1."
    return (
        f"not {score:.4g}. With all logits but the dog's as they were, exp(logit) of the dog counts twice as "
        "much as before; the others' sum stays."
    )


new_score = Question(
    name="new_score",
    chapter=8,
    minutes=3,
    trains="predicting: what happens to the score if a logit grows?",
    task=(
        "The classifier gives a RoI the score 0.5 for dog. You put a collar on the dog, and its logit grows "
        "by log(2) ≈ 0.69; all other logits stay. What is its score now? Answer first, then try it with "
        "your softmax."
    ),
    stub="""
new_score = None  # a number from 0 to 1
""",
    hints=(
        "A score of 0.5 means that exp(dog's logit) is as large as the sum of the exps of all the others.",
        "exp(logit + log(2)) = 2 × exp(logit). So 1 against 1 becomes 2 against 1.",
        "2 parts of 3.",
    ),
    solution="""
new_score = 2 / 3  # exp(logit) doubles: 1 against 1 becomes 2 against 1
""",
    read=number("a number from 0 to 1, such as 0.9"),
    fault=_score_fault,
    praise="right: 1 against 1 becomes 2 against 1, and 2 / 3 is the score.",
    mistakes=(
        (1.0, "the score does not double: the sum by which it is divided grows too."),
        (1.193, "a logit is not added to a score; it goes through exp and the division first."),
        (0.5, "it does change: the dog's logit grew, and those of its rivals did not."),
        (0.75, "for 0.75 the dog's odds would have to grow to 3 to 1; they double, to 2 to 1."),
        (0.693, "that is log(2), by how much the logit grew; the score is what softmax makes of it."),
        (1 / 3, "that is what is left for the rivals; the dog's score is the rest."),
    ),
)


# Pasting a mask


def _resize(mask, height, width):
    from mrcnn.images import resize

    return resize(mask, (height, width))


def _paste(mask, box, shape):
    from mrcnn.masks import unmold_mask

    return unmold_mask(mask, box, shape)


def _draw_mask(rng):
    height, width = (int(n) for n in rng.integers(40, 70, 2))
    y1, y2 = np.sort(rng.choice(height + 1, 2, replace=False))
    x1, x2 = np.sort(rng.choice(width + 1, 2, replace=False))
    return rng.random((28, 28)), np.array([y1, x1, y2, x2]), (height, width)


def _filled(shape, box, inside):
    y1, x1, y2, x2 = box
    canvas = np.zeros(shape, np.float64)
    canvas[y1:y2, x1:x2] = inside
    return canvas


def _not_cut(mask, box, shape):
    y1, x1, y2, x2 = box
    return _filled(shape, box, _resize(mask, y2 - y1, x2 - x1))


def _cut_too_early(mask, box, shape):
    y1, x1, y2, x2 = box
    return _filled(shape, box, _resize((mask >= 0.5).astype(float), y2 - y1, x2 - x1) >= 0.5)


def _inside_out(mask, box, shape):
    y1, x1, y2, x2 = box
    return _filled(shape, box, _resize(mask, y2 - y1, x2 - x1) < 0.5)


def _everywhere(mask, box, shape):
    return _resize(mask, *shape) >= 0.5


def _whole_box(mask, box, shape):
    return _filled(shape, box, 1.0)


def _too_long(mask, box, shape):
    y1, x1, y2, x2 = box
    height, width = y2 + 1 - y1, x2 + 1 - x1
    inside = _resize(mask, height, width) >= 0.5
    return _filled(shape, (y1, x1, y2 + 1, x2 + 1), inside[: shape[0] - y1, : shape[1] - x1])


def _too_long_raised(mask, box, shape):
    y1, x1, y2, x2 = box
    return _filled(shape, (y1, x1, y2 + 1, x2 + 1), _resize(mask, y2 + 1 - y1, x2 + 1 - x1) >= 0.5)


def _columns_first(mask, box, shape):
    y1, x1, y2, x2 = box
    return _filled(shape, (x1, y1, x2, y2), _resize(mask, y2 - y1, x2 - x1) >= 0.5)


def _all_columns_first(mask, box, shape):
    y1, x1, y2, x2 = box
    return _filled(shape, (x1, y1, x2, y2), _resize(mask, x2 - x1, y2 - y1) >= 0.5)


def _width_first(mask, box, shape):
    y1, x1, y2, x2 = box
    return _filled(shape, box, _resize(mask, x2 - x1, y2 - y1) >= 0.5)


def _only_the_box(mask, box, shape):
    y1, x1, y2, x2 = box
    return _resize(mask, y2 - y1, x2 - x1) >= 0.5


_MASK = np.add.outer(np.linspace(0, 1, 28), np.linspace(0, 1, 28)) / 2  # grows from one corner to the other

paste_mask = FunctionExercise(
    name="paste_mask",
    chapter=9,
    minutes=6,
    trains="from 28 × 28 probabilities to the pixels of the picture",
    task=(
        "Put a soft mask of 28 × 28 probabilities into its box of the picture: resize it to the size of the "
        "box, and only then cut at 0.5 (from 0.5 on a pixel is inside). Everything outside of the box is "
        "False. `resize(mask, (height, width))` interpolates."
    ),
    stub='''
def paste_mask(mask, box, shape):
    """Mask [H, W], True or False, of a picture of `shape` (H, W).

    mask: [28, 28] probabilities; box: (y1, x1, y2, x2), whole pixels inside the picture, y2 and x2 excluded.
    """
    from mrcnn.utils import resize

    return np.zeros(shape, bool)
''',
    hints=(
        "The box is y2 - y1 pixels high and x2 - x1 wide: `resize(mask, (y2 - y1, x2 - x1))`.",
        "An empty picture `full = np.zeros(shape, bool)`, and a slice of it, `full[y1:y2, x1:x2]`, gets the "
        "mask.",
        "`full[y1:y2, x1:x2] = resize(mask, (y2 - y1, x2 - x1)) >= 0.5`.",
    ),
    solution='''
def paste_mask(mask, box, shape):
    """Mask [H, W], True or False, of a picture of `shape` (H, W)."""
    from mrcnn.utils import resize

    y1, x1, y2, x2 = box
    full = np.zeros(shape, bool)
    full[y1:y2, x1:x2] = resize(mask, (y2 - y1, x2 - x1)) >= 0.5
    return full
''',
    arguments=("mask", "box", "shape"),
    wanted="an array [H, W] of True and False",
    answer=_paste,
    edges={
        "a square box": (_MASK, np.array([5, 10, 25, 30]), (40, 50)),
        "a wide box in the lower right corner": (_MASK, np.array([30, 10, 40, 50]), (40, 50)),
        "the whole picture": (_MASK, np.array([0, 0, 40, 50]), (40, 50)),
        "a single pixel": (np.full((28, 28), 0.9), np.array([7, 3, 8, 4]), (20, 20)),
    },
    draw=_draw_mask,
    mistakes=(
        (_not_cut, "The mask is still soft: cut it at 0.5 to get True and False."),
        (
            _cut_too_early,
            "You cut before resizing, which makes steps: resize the probabilities first, cut then.",
        ),
        (_inside_out, "Inside and outside are exchanged: a pixel belongs to the object from 0.5 on."),
        (_everywhere, "You stretch the mask over the whole picture; it belongs into its box."),
        (_whole_box, "You fill the whole box; inside it the resized mask decides, from 0.5 on."),
        (_too_long, "It is one row and column too long: y2 and x2 lie outside, so the box is y2 - y1 high."),
        (
            _too_long_raised,
            "It is one row and column too long: y2 and x2 lie outside, so the box is y2 - y1 high.",
        ),
        (_all_columns_first, "x and y are swapped: an array is indexed `full[y1:y2, x1:x2]`, rows first."),
        (_columns_first, "The slice has x first: an array is indexed `full[y1:y2, x1:x2]`, rows first."),
        (_width_first, "Height and width are swapped in the size: `resize(mask, (height, width))`."),
        (
            _only_the_box,
            "This is the box alone; put it into an empty mask of the whole picture: `np.zeros(shape, bool)`.",
        ),
    ),
)

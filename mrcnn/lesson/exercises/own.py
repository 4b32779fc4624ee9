"""Chapter 13: what can be said of a picture once its things are found."""

import numpy as np

from mrcnn.lesson.exercise import FunctionExercise


def _share(masks, class_ids, class_id):
    """Pixel by pixel: does a thing of the class lie there?"""
    covered = np.zeros(masks.shape[:2], bool)
    for mask, found in zip(np.moveaxis(masks, -1, 0), class_ids, strict=True):
        if found == class_id:
            covered |= mask
    return covered.mean()


def _things(boxes, class_ids, shape=(20, 30)):
    """Masks (H, W, N) of things that fill their boxes, and their classes."""
    masks = np.zeros((*shape, len(boxes)), bool)
    for n, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, n] = True
    return masks, np.array(class_ids, np.int32)


def _draw(rng):
    boxes = [(y, x, y + h, x + w) for y, x, h, w in rng.integers(1, 12, (6, 4))]
    return *_things(boxes, rng.permutation([1, 1, 1, 2, 2, 4])), int(rng.integers(1, 3))


def _twice(masks, class_ids, class_id):
    return masks[..., class_ids == class_id].sum() / masks[..., 0].size


def _every_class(masks, class_ids, class_id):
    return masks.any(axis=-1).mean()


def _of_what_is_covered(masks, class_ids, class_id):
    return _share(masks, class_ids, class_id) / masks.any(axis=-1).mean()


def _pixels(masks, class_ids, class_id):
    return masks[..., class_ids == class_id].any(axis=-1).sum()


def _percent(masks, class_ids, class_id):
    return 100 * _share(masks, class_ids, class_id)


def _in_all(masks, class_ids, class_id):
    return masks[..., class_ids == class_id].all(axis=-1).mean()


def _class_for_number(masks, class_ids, class_id):
    return masks[..., class_id].mean()


def _share_of_things(masks, class_ids, class_id):
    return np.count_nonzero(class_ids == class_id) / max(len(class_ids), 1)


covered_share = FunctionExercise(
    name="covered_share",
    chapter=13,
    minutes=5,
    trains="to work with a result: arrays of masks and of classes",
    task=(
        "From the `masks` and `class_ids` of a result: which share of the picture's pixels do things of the "
        "class `class_id` cover? Where two of them overlap, a pixel counts once."
    ),
    stub='''
def covered_share(masks, class_ids, class_id):
    """Share of the picture, 0 to 1, covered by things of one class.

    masks: [H, W, N] True or False; class_ids: [N]; class_id: the class asked for.
    """
    return 0.0
''',
    hints=(
        "`class_ids == class_id` is an array [N] of True and False; used as an index, it chooses.",
        "`masks[:, :, chosen]` are the masks of these things alone. A pixel is covered if any of them has "
        "it: `.any(axis=2)`.",
        "The mean of an array of True and False is the share of True.",
    ),
    solution='''
def covered_share(masks, class_ids, class_id):
    """Share of the picture, 0 to 1, covered by things of one class.

    masks: [H, W, N] True or False; class_ids: [N]; class_id: the class asked for.
    """
    return masks[:, :, class_ids == class_id].any(axis=2).mean()
''',
    arguments=("masks", "class_ids", "class_id"),
    wanted="a number from 0 to 1",
    answer=_share,
    edges={
        "one thing on half of the picture": (*_things([(0, 0, 20, 15)], [1]), 1),
        "two that overlap": (*_things([(0, 0, 10, 20), (5, 10, 15, 30)], [1, 1]), 1),
        "two classes": (*_things([(0, 0, 10, 10), (0, 20, 10, 30)], [1, 2]), 1),
        "none of the class": (*_things([(0, 0, 10, 10)], [2]), 1),
        "nothing was found": (*_things([], []), 1),
    },
    draw=_draw,
    mistakes=(
        (_twice, "Where two of the things overlap, you count a pixel twice: first join their masks by any."),
        (_every_class, "You count things of all classes; choose those of `class_id` first."),
        (
            _of_what_is_covered,
            "That is the share of what is covered by anything; wanted is the share of the whole picture.",
        ),
        (_pixels, "That is a number of pixels; divide it by how many the picture has."),
        (_percent, "That is in percent; wanted is a share from 0 to 1."),
        (_in_all, "You count the pixels that all of the things have; any of them is enough."),
        (
            _class_for_number,
            "`class_id` is a class, not the number of a thing: compare it with `class_ids`.",
        ),
        (_share_of_things, "That is the share of the things found; wanted is that of the pixels."),
    ),
)

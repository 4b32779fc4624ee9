"""Drawn scenes whose truth is known to the pixel: to judge a network by, and to break it with."""

from dataclasses import dataclass

import cv2
import numpy as np

from mrcnn.data import toybox
from mrcnn.data.seeds import HELD_OUT_SEED
from mrcnn.masks import extract_bboxes
from mrcnn.metrics import compute_overlaps_masks, same_classes
from mrcnn.model import load

SIDE = 320  # pixels of a picture's side, as in most that the toybox weights have learnt from
ENOUGH = 512  # pixels of a network's input, for such pictures
THINGS = toybox.CLASS_NAMES[1:]
LOOK = 11  # of the thing on the stage: the same dog in every picture
BACKGROUNDS = {"room": 19, "grass": 20, "sea": 9, "sky": 6, "checks": 8}  # seeds of the toybox's backgrounds
BOARD = (128, 116, 104)  # RGB, grey as no thing of the toybox is
REACH = 10  # pixels that the board reaches over the thing's box

# To judge by


@dataclass(frozen=True)
class Truth:
    """A picture with what is on it.

    Attributes:
        image: (H, W, 3) uint8.
        masks: (H, W, N) bool, what is visible of each object.
        class_ids: (N,) int, as the model numbers its classes.
        boxes: (N, 4) int32, pixels, around the masks.
    """

    image: np.ndarray
    masks: np.ndarray
    class_ids: np.ndarray
    boxes: np.ndarray


def street(class_names):
    """The lesson's drawn street, a `Truth`, for a model with these classes.

    Objects of a class that the model does not have get the id -1, which nothing can be found as.
    """
    scene = toybox.street()
    known = list(class_names)
    names = [toybox.CLASS_NAMES[i] for i in scene.class_ids]
    class_ids = np.array([known.index(name) if name in known else -1 for name in names])
    return Truth(scene.image, scene.masks, class_ids, extract_bboxes(scene.masks))


def faster(config):
    """What a config is to have otherwise to look at many drawn scenes, as arguments of `mrcnn.load`.

    A large network takes seconds a picture. For scenes of `SIDE` pixels half of its usual size is enough, and
    takes a quarter of the time.

    Returns:
        dict, empty for a network that is quick as it is.
    """
    if config.IMAGE_MAX_DIM <= ENOUGH:
        return {}
    return {"IMAGE_MIN_DIM": ENOUGH, "IMAGE_MAX_DIM": ENOUGH}


def quick(model, weights):
    """A model that looks at many drawn scenes: this one, or where it takes seconds a picture a faster one.

    Args:
        model: a `MaskRCNN`.
        weights: its, as `mrcnn.load` takes them.
    """
    changes = faster(model.config)
    return load(weights, **changes) if changes else model


def drawings(count, class_names):
    """Scenes of the toybox that no training has seen, for a model with these classes.

    Returns:
        a `ToyboxDataset` of `count` scenes, and a dict from the model's class ids to those of the data set.
    """
    dataset = toybox.ToyboxDataset(count, seed=HELD_OUT_SEED)
    return dataset, same_classes(class_names, dataset.class_names)


# To break it with


@dataclass(frozen=True)
class Stage:
    """A picture of one thing.

    Attributes:
        image: (SIDE, SIDE, 3) uint8.
        class_name: of the thing.
        whole: (SIDE, SIDE) bool, its mask without the board in front of it.
        visible: (SIDE, SIDE) bool, what the board leaves of it.
    """

    image: np.ndarray
    class_name: str
    whole: np.ndarray
    visible: np.ndarray

    @property
    def box(self):
        """(4,) int32, pixels, around what is visible; zeros if nothing is."""
        return extract_bboxes(self.visible[..., None])[0]


def stage(
    thing="dog", x=50, y=60, size=150, turn=0, background="room", hidden=0, darkness=0, blur=0, noise=0
):
    """Puts one thing on a background, a board in front of it, and takes a bad photograph: a `Stage`.

    Args:
        thing: one of THINGS.
        x, y: where its centre lies, percent of the picture's side.
        size: pixels of its longer side.
        turn: degrees, clockwise.
        background: one of BACKGROUNDS.
        hidden: percent of its pixels that a board covers, from the left.
        darkness: percent of the light that is missing.
        blur: standard deviation of the blur, pixels.
        noise: standard deviation of the noise, 0 to 255.
    """
    placed = toybox.Thing(thing, x / 100 * SIDE, y / 100 * SIDE, size, turn, look=LOOK)
    drawn = toybox.scene(
        BACKGROUNDS[background], SIDE, [placed], noise=0, blur=0, light=0, shadow=0.3, jpeg=0
    )
    whole = drawn.masks.any(axis=-1)  # of one thing, or of none if it is hardly in the picture
    board = _board(whole, hidden)
    image = np.where(board[..., None], np.uint8(BOARD), drawn.image) * (1 - darkness / 100)
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    image = image + noise * np.random.default_rng(0).standard_normal(image.shape)
    return Stage(np.clip(image, 0, 255).round().astype(np.uint8), thing, whole, whole & ~board)


def _board(whole, hidden):
    """The board's pixels (H, W) bool: the first columns that together hold `hidden` percent of a mask."""
    board = np.zeros_like(whole)
    if hidden and whole.any():
        y1, x1, y2, _ = extract_bboxes(whole[..., None])[0]
        covered = np.cumsum(whole.sum(axis=0)) / whole.sum()
        edge = np.searchsorted(covered, hidden / 100) + 1
        board[max(y1 - REACH, 0) : y2 + REACH, max(x1 - REACH, 0) : edge] = True
    return board


@dataclass(frozen=True)
class Verdict:
    """What a model makes of a `Stage`.

    Attributes:
        result: dict as `detect` gives it: all that was found.
        found: row in it of the surest detection of the thing's class; None if it was not found.
        score: of the thing's class in the proposal that is surest of it, also where that is too little to be
            found.
        overlap: IoU of the mask found and what is visible of the thing; 0 if it was not found.
    """

    result: dict
    found: int | None
    score: float
    overlap: float


def judge(model, staged):
    """What a model makes of a `Stage`: a `Verdict`."""
    trace = model.trace(staged.image)
    result = trace.result
    names = list(model.class_names)
    if staged.class_name not in names:
        return Verdict(result, None, 0.0, 0.0)
    class_id = names.index(staged.class_name)
    proposed = trace.proposals.any(axis=1)  # rows of zeros are padding
    score = float(trace.class_probs[proposed, class_id].max(initial=0))
    rows = np.flatnonzero(result["class_ids"] == class_id)  # the surest first
    if not rows.size:
        return Verdict(result, None, score, 0.0)
    overlap = compute_overlaps_masks(result["masks"][..., rows[:1]], staged.visible[..., None])
    return Verdict(result, int(rows[0]), score, float(overlap[0, 0]))

"""One example, one minute: a detector for a thing of your own.

    examples → cut-outs → scenes composed of them → a short training → a detector

An example is a box, a mask or a cut-out (`mrcnn.data.cutouts`); scenes are composed by copy and paste
(`mrcnn.data.pasted`); the network is the toybox's, and knows before it begins what edges, textures and
shapes are.
"""

import math

import numpy as np

from mrcnn import weights
from mrcnn.data import cutouts as cutting
from mrcnn.data.pasted import MOST_THINGS, PastedDataset
from mrcnn.interrupt import KEEPING, one_interrupt
from mrcnn.masks import extract_bboxes
from mrcnn.model import MaskRCNN, load
from mrcnn.recipes import RECIPES, CoinsConfig
from mrcnn.rgb import as_rgb
from mrcnn.teaching.learning import begin_as, begin_with, learn
from mrcnn.teaching.looking import Looking
from mrcnn.teaching.timed import MOST_STEPS

LENGTH = 56  # pixels that the middle one of the examples is long in the scenes
ALIKE = 1.25  # a photograph is not rescaled by less than this factor
MOST_TILES = 4  # a larger photograph is not looked at before the end


class TaughtConfig(CoinsConfig):
    """That of coins, for any things of about `LENGTH` pixels."""

    NAME = "taught"
    IMAGES_PER_GPU = 4
    MAX_GT_INSTANCES = MOST_THINGS
    STEPS_PER_EPOCH = MOST_STEPS


# A tile shows more than a scene does, at the same scale: fewer seams, fewer calls.
DETECTING = {
    "IMAGE_MIN_DIM": 512,
    "IMAGE_MAX_DIM": 512,
    "PRE_NMS_LIMIT": 2000,
    "POST_NMS_ROIS_INFERENCE": 400,
    "DETECTION_MAX_INSTANCES": 150,
    "IMAGES_PER_GPU": 1,
}


def teach(
    image,
    boxes=None,
    masks=None,
    name="thing",
    seconds=60,
    *,
    cutouts=(),
    start="toybox",
    wrong=(),
    backgrounds=(),
    changes=None,
    scenes=None,
    watch=None,
):
    """Teach a detector a thing by examples.

    Ctrl-C, or a notebook's stop button, ends the training after the step in progress, and what was learnt is
    kept.

    Args:
        image: the photograph that the examples are on, as `mrcnn.rgb.as_rgb` takes it.
        boxes: (N, 4) boxes (y1, x1, y2, x2) in pixels, each around one thing.
        masks: (H, W) or (H, W, M), non-zero on one thing each.
        name: of the class of all examples, or a list of names, first those of the boxes.
        seconds: how long to train, after the first step, which includes compiling.
        cutouts: more examples, a list of `mrcnn.data.cutouts.Cutout`.
        start: weights to start from: "toybox" or a file of its network; or a model that was taught before,
            which keeps its examples and learns the new ones with them.
        wrong: (W, 4) boxes of what was taken for a thing and is none: pasted too, without a label.
        backgrounds: list of pictures without any of the things, to paste on beside those that are made.
        changes: `mrcnn.data.pasted.Changes`, how much cut-outs are changed.
        scenes: how many are composed for each step; by default four. Two need 0.1 GB less.
        watch: function that is called with the `Teaching` at its beginning, after each step and at its end;
            None shows a line in a terminal and a picture in a notebook.

    Returns:
        a `MaskRCNN` in inference mode. Its `examples` are the list of cut-outs; `save_weights` keeps them.

    Raises:
        ValueError: there is no example or one is unfit, `seconds` is not above 0, a box of `wrong` is none.
    """
    if not (isinstance(seconds, (int, float)) and 0 < seconds < math.inf):
        raise ValueError(f"seconds is {seconds!r}: give how long to train, such as 60.")
    image = as_rgb(image)
    before = taught_before(start)
    examples = (before.examples if before else []) + examples_of(image, boxes, masks, name, cutouts, wrong)
    names = cutting.names_among(examples)
    if not names:
        raise ValueError("There is no example: give a box or a mask of at least one thing.")
    class_names = [cutting.BACKGROUND, *names]
    scale = before.config.TILE_SCALE if before else fitting_scale(examples)
    scenes = scenes or TaughtConfig.IMAGES_PER_GPU
    known = {"NUM_CLASSES": len(class_names), "TILE_SCALE": scale}
    model = MaskRCNN("inference", TaughtConfig(**DETECTING, **known), class_names=class_names)
    model.examples = examples
    world = PastedDataset(
        examples,
        class_names,
        MOST_STEPS * scenes,
        scale=scale,
        backgrounds=[as_rgb(picture) for picture in backgrounds],
        changes=changes,
    )
    if watch is None:
        from mrcnn.teaching.watching import watcher

        watch = watcher()
    begin = begin_as(before) if before else begin_with(start)
    with one_interrupt(KEEPING) as interrupted:
        teaching = Teaching(model, image, seconds, interrupted, watch)
        config = TaughtConfig(NUM_CLASSES=len(class_names), IMAGES_PER_GPU=scenes)
        learn(config, class_names, world, begin, teaching)
    return model


def taught_before(start):
    """The model that goes on from what it was taught, or None where `start` is mere weights."""
    if isinstance(start, MaskRCNN):
        model = start
    elif weights.saved_examples(path := weights.find(start)):
        model = load(path)
    else:
        return None
    if not model.examples:
        raise ValueError(
            "start is a model that was not taught by examples: give its file of weights instead."
        )
    return model


def examples_of(image, boxes, masks, name, cutouts, wrong):
    """All cut-outs that a call of `teach` brings."""
    cut = [*cutouts]
    if boxes is not None or masks is not None:
        masks = None if masks is None else np.atleast_3d(masks)
        cut += cutting.cut_out(image, boxes, masks, name)
    return cut + [cutting.from_ground(image, box) for box in wrong]


def fitting_scale(examples):
    """The factor by which photographs are looked at, so that things are as large as in the scenes."""
    things = [cutout for cutout in examples if cutout.name != cutting.BACKGROUND]
    boxes = np.concatenate([extract_bboxes(thing.mask[..., None]) for thing in things])
    scale = LENGTH / float(np.median((boxes[:, 2:] - boxes[:, :2]).max(axis=1)))
    return 1.0 if 1 / ALIKE < scale < ALIKE else scale


class Teaching(Looking):
    """A training while it is watched.

    Attributes:
        taught: the `MaskRCNN` that detects with what was learnt when it last looked.
        image: (H, W, 3) uint8, the photograph.
        result: what `detect` gave for the photograph when it was last looked at, or None.
        over: whether the training has ended.
        interrupted: `threading.Event`, set when it is stopped by hand.

    Those of `Timed`, too: `times`, `losses`, `loss`, `left`, `seconds`.
    """

    def __init__(self, model, image, seconds, interrupted, watch):
        super().__init__(seconds, RECIPES["coins"].learning_rate, interrupted)
        self.taught, self.image, self.watch = model, image, watch
        self.result, self.over = None, False

    def on_train_begin(self, logs=None):
        if self._small():
            self.look_first()
            self.result = None  # its last layers have not learnt anything yet
        self.watch(self)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self._small() and self.is_time_to_look():
            self.look()
        self.watch(self)

    def on_train_end(self, logs=None):
        self.over = True
        if self._small():
            self.look()
        else:
            weights.copy_weights(self.model, self.taught.keras_model)
        self.watch(self)

    def see(self):
        weights.copy_weights(self.model, self.taught.keras_model)
        (self.result,) = self.taught.detect_crops([self.image])

    def _small(self):
        config = self.taught.config
        scaled = np.prod(self.image.shape[:2]) * config.TILE_SCALE**2
        return scaled <= MOST_TILES * config.IMAGE_MAX_DIM**2

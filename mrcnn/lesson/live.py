"""Chapter 12: a training that is watched while it learns.

The network is always the small one, whichever weights the lesson runs with: it learns in a minute.
"""

import keras

from mrcnn.config import LOSSES
from mrcnn.data import coins
from mrcnn.interrupt import KEEPING, one_interrupt
from mrcnn.lesson import show
from mrcnn.lesson.messages import Message
from mrcnn.model import MaskRCNN
from mrcnn.recipes import RECIPES
from mrcnn.teaching.learning import begin_with, learn
from mrcnn.teaching.looking import Looking
from mrcnn.teaching.timed import MOST_STEPS
from mrcnn.teaching.watching import Place
from mrcnn.weights import copy_weights

SCENES = 2  # in a step: a quarter of the recipe's, for the sake of small machines' memory
SEED = 1  # of the drawn scenes, as of the random numbers that a network starts from
FORGETFUL = 0.9  # momentum of the statistics of normalisation: in a minute they must follow


class Run:
    """A training, while it goes on and after.

    Attributes:
        title: what it started from.
        model: a `MaskRCNN` that detects with what was learnt when it last looked.
        losses: dict from the name of a loss to its values, one a step.
        times: seconds at the end of each step; the first is 0, since it is mostly spent on compiling.
        results: what `detect` gave for the photograph: first before the training, last when it last looked.
        interrupted: whether it was stopped by hand.
    """

    def __init__(self, title, model):
        self.title, self.model = title, model
        self.losses = {name: [] for name in LOSSES}
        self.times, self.results, self.interrupted = [], [], False

    def look(self, learner):
        """Detect on the photograph with the weights of a network that learns."""
        copy_weights(learner, self.model.keras_model)
        self.results[1:] = self.model.detect([coins.photograph()[0]])

    def __repr__(self):
        found = len(self.results[-1]["scores"])
        seconds = self.times[-1] if self.times else 0
        return f"{self.title}: {len(self.times)} steps in {seconds:.0f} s; {found} things found."


def train(start="toybox", seconds=60):
    """Train the small network on drawn coins, and show how it gets on.

    A stop by hand (Ctrl-C, the notebook's stop button) ends it after the step in progress, and what was
    learnt is kept.

    Args:
        start: weights to start from, as `mrcnn.load` takes them; None starts from random numbers.
        seconds: how long it learns, after the first step, which includes compiling.

    Returns:
        Run.
    """
    recipe = RECIPES["coins"]
    # Statistics that were learnt before stay as they are; those of a new network have to be learnt.
    normalisation = {"TRAIN_BN": False if start else None}
    screen = Screen(f"From {start} weights" if start else "From random numbers")
    screen.say("the network is put together.")
    with one_interrupt(KEEPING) as interrupted:
        keras.utils.set_random_seed(SEED)
        one = {"GPU_COUNT": 1, "IMAGES_PER_GPU": 1}
        model = MaskRCNN("inference", recipe.config(**normalisation, **one), class_names=recipe.class_names)
        run = Run(screen.title, model)
        config = recipe.config(STEPS_PER_EPOCH=MOST_STEPS, IMAGES_PER_GPU=SCENES, **normalisation)
        learn(
            config,
            recipe.class_names,
            recipe.training_set(MOST_STEPS * config.BATCH_SIZE, SEED),
            begin_with(start) if start else lambda learner: forget_faster(learner.keras_model),
            Watch(run, screen, seconds, recipe.learning_rate, interrupted),
        )
    run.interrupted = interrupted.is_set()
    return run


class Watch(Looking):
    """Shows the losses and the photograph while the training goes on.

    Args:
        run: the `Run` to be filled.
        screen: a `Screen`.
        seconds, rate, interrupted: see `Timed`.
    """

    def __init__(self, run, screen, seconds, rate, interrupted):
        super().__init__(seconds, rate, interrupted)
        self.run, self.screen = run, screen
        run.losses, run.times = self.losses, self.times

    def on_train_begin(self, logs=None):
        self.look_first()
        self.screen.say("the first step takes longer than the others, since the computation is compiled.")

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        self.screen.say(f"step {batch + 1}, loss {self.loss:.2f}; {self.left:.0f} s left.")
        if not self.model.stop_training and self.is_time_to_look():
            self.look()

    def on_train_end(self, logs=None):
        self.look()
        stopped = " Stopped by hand." if self.interrupted.is_set() else ""
        self.screen.say(f"{repr(self.run).partition(': ')[2]}{stopped}", "passed")

    def see(self):
        self.run.look(self.model)
        self.screen.draw(show.learning(self.run))


def forget_faster(model):
    """Have the statistics of normalisation follow a training of some tens of steps."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            forget_faster(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = FORGETFUL


class Screen:
    """A line and a picture below it, which are shown again and again in the same place of a notebook."""

    def __init__(self, title):
        self.title = title
        self.line, self.picture = Place(), Place()

    def say(self, text, state="open"):
        self.line.show(Message(self.title, text, state))

    def draw(self, picture):
        self.picture.show(picture)

"""Chapter 12: a training that is watched while it learns.

The network is always the small one, whichever weights the lesson runs with: it learns in a minute.
"""

import math
import tempfile
import time

import keras
import numpy as np
from keras import ops

from mrcnn.config import LOSSES
from mrcnn.data import coins
from mrcnn.lesson import show
from mrcnn.lesson.messages import Message
from mrcnn.model import MaskRCNN
from mrcnn.recipes import RECIPES
from mrcnn.training.interrupt import one_interrupt
from mrcnn.weights import HEADS, find, model_layers

EVERY = 4  # seconds from one picture to the next
MOST_STEPS = 10_000  # more than any machine does; the clock ends a training
SCENES = 4  # in a step: half of the recipe's, for the sake of small machines' memory
SEED = 1  # of the drawn scenes, as of the random numbers that a network starts from
FORGETFUL = 0.9  # momentum of the statistics of normalisation: in a minute they must follow
STOPPING = "Stopping after this step, and keeping what was learnt; interrupt again to stop at once."


class Run:
    """A training, while it goes on and after.

    Attributes:
        title: what it started from.
        model: a `MaskRCNN` that detects with what was learnt when it last looked.
        losses: dict from the name of a loss to its values, one a step.
        times: seconds at the end of each step; the first is 0, since it is mostly spent on compiling.
        results: what `detect` gave for the photograph: first before the training, last after it.
        interrupted: whether it was stopped by hand.
    """

    def __init__(self, title, model):
        self.title, self.model = title, model
        self.losses = {name: [] for name in LOSSES}
        self.times, self.results, self.interrupted = [], [], False

    def look(self, learner):
        """Detect on the photograph with the weights of a network that learns."""
        copy_weights(learner, self.model.keras_model)
        self.results += self.model.detect([coins.photograph()[0]])

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
    with one_interrupt(STOPPING) as interrupted, tempfile.TemporaryDirectory(**CLEANING) as folder:
        keras.utils.set_random_seed(SEED)
        one = {"GPU_COUNT": 1, "IMAGES_PER_GPU": 1}
        run = Run(
            screen.title,
            MaskRCNN("inference", recipe.config(**normalisation, **one), folder, recipe.class_names),
        )
        config = recipe.config(STEPS_PER_EPOCH=MOST_STEPS, IMAGES_PER_GPU=SCENES, **normalisation)
        model = MaskRCNN("training", config, folder, recipe.class_names)
        if start:
            model.load_weights(find(start), exclude=list(HEADS))
        else:
            forget_faster(model.keras_model)
        model.train(
            recipe.training_set(MOST_STEPS * config.BATCH_SIZE, SEED),
            None,
            recipe.learning_rate,
            1,
            "all",
            custom_callbacks=[Watch(run, screen, seconds, recipe.learning_rate, interrupted)],
            optimizer=recipe.optimizer(),
            verbose=0,
        )
    run.interrupted = bool(interrupted)
    return run


CLEANING = {"ignore_cleanup_errors": True}  # Windows removes no file that a log still holds open


class Watch(keras.callbacks.Callback):
    """Moves the rate by the clock, notes the losses, shows them and the photograph, and ends in time.

    Args:
        run: the `Run` to be filled.
        screen: a `Screen`.
        seconds: how long to train after the first step.
        rate: the highest learning rate.
        interrupted: list, no longer empty once the training is to stop.
    """

    def __init__(self, run, screen, seconds, rate, interrupted):
        super().__init__()
        self.run, self.screen, self.seconds, self.rate = run, screen, seconds, rate
        self.interrupted = interrupted
        self.first = None  # when the first step was done
        self.means = dict.fromkeys(LOSSES, 0.0)

    def on_train_begin(self, logs=None):
        self._look()
        self.screen.say("the first step takes longer than the others, since the computation is compiled.")

    def on_train_batch_begin(self, batch, logs=None):
        share = 0 if self.first is None else (time.monotonic() - self.first) / self.seconds
        self.model.optimizer.learning_rate = self.rate * pace(share)

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if self.first is None:
            self.first = now
        self.run.times.append(now - self.first)
        for name, mean in self.means.items():  # Keras tells the mean of all steps so far
            self.means[name] = float(logs[name])
            self.run.losses[name].append((batch + 1) * self.means[name] - batch * mean)
        left = self.seconds - self.run.times[-1]
        loss = sum(values[-1] for values in self.run.losses.values())
        self.screen.say(f"step {batch + 1}, loss {loss:.2f}; {max(left, 0):.0f} s left.")
        if left <= 0 or self.interrupted:
            self.model.stop_training = True
        elif now - self.looked >= EVERY:
            self._look()

    def on_train_end(self, logs=None):
        self._look()
        stopped = " Stopped by hand." if self.interrupted else ""
        self.screen.say(f"{repr(self.run).partition(': ')[2]}{stopped}", "passed")

    def _look(self):
        self.run.look(self.model)
        self.screen.draw(show.learning(self.run))
        self.looked = time.monotonic()


def pace(share):
    """The learning rate as a part of the highest, after a share, 0 to 1, of the time.

    It rises for a tenth of it, then falls along half a cosine, so that the last steps are small on slow
    machines too.
    """
    warm = 0.1
    if share < warm:
        return 0.05 + 0.95 * share / warm
    return 0.02 + 0.49 * (1 + math.cos(math.pi * min(1, (share - warm) / (1 - warm))))


def copy_weights(source, target):
    """Set all variables of a Keras model from those of the same names in another."""
    known = {key: variable for _, named in model_layers(source) for key, variable in named.items()}
    for _, named in model_layers(target):
        for key, variable in named.items():
            # A copy: a training step of JAX takes the memory of its own variables away.
            variable.assign(np.array(ops.convert_to_numpy(known[key])))


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
        self.title, self.handles = title, {}

    def say(self, text, state="open"):
        self._show("line", Message(self.title, text, state))

    def draw(self, picture):
        self._show("picture", picture)

    def _show(self, place, content):
        from IPython.display import display

        if self.handles.get(place):
            self.handles[place].update(content)
        else:
            self.handles[place] = display(content, display_id=True)  # None where there is no notebook

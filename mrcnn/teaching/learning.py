"""Trainings of a minute, one after another: what the last one compiled serves the next.

A first step takes some ten seconds, nearly all of it to compile. So the network that learnt last is kept
(0.1 GB), until one of another kind is to learn.
"""

import contextlib
import ctypes
import gc
import json
from dataclasses import dataclass

import keras
from keras import ops

from mrcnn import weights
from mrcnn.model import MaskRCNN
from mrcnn.network import kernels
from mrcnn.recipes import RECIPES


@dataclass
class Beginner:
    """A network that has learnt nothing, or is made to forget all.

    Attributes:
        model: a `MaskRCNN` in training mode.
        optimizer: its Keras optimizer.
    """

    model: MaskRCNN
    optimizer: keras.optimizers.Optimizer

    @classmethod
    def new(cls, config):
        return cls(MaskRCNN("training", config, model_dir=None), RECIPES["coins"].optimizer())

    def forget(self):
        """Be as a new one, its random weights included."""
        new = MaskRCNN("training", self.model.config, model_dir=None)
        self.model.epoch = new.epoch
        self.model.keras_model.set_weights(new.keras_model.get_weights())
        for variable in self.optimizer.variables:
            variable.assign(ops.zeros(variable.shape, variable.dtype))


_idle = {}  # at most one `Beginner`, by what its network depends on; a thread that uses it takes it out


def learn(config, class_names, dataset, begin, timed):
    """Train a network until the time is over, as coins are learnt; whoever watches keeps what it learns.

    Args:
        config: of the training, `MOST_STEPS` in its epoch.
        class_names: names by class id.
        dataset: a prepared `Dataset`.
        begin: function that gives a `MaskRCNN` in training mode the weights to begin with.
        timed: the `Timed` that ends it.
    """
    kind = json.dumps(config.changes() | {"NAME": None}), kernels.distribution()
    beginner = _idle.pop(kind, None)
    _idle.clear()
    _give_back()
    if beginner:
        beginner.forget()
    else:
        beginner = Beginner.new(config)
    beginner.model.class_names = class_names
    begin(beginner.model)
    beginner.model.train(
        *(dataset, None, timed.rate, 1, "all"),
        custom_callbacks=[timed],
        optimizer=beginner.optimizer,
        verbose=0,
    )
    _idle.clear()
    _idle[kind] = beginner


def _give_back():
    """Hand the memory of networks that nobody has any more to the system.

    Their parts refer to each other, so that they stay until Python looks for such rings; and GNU's C library
    keeps what was freed amid what is in use, a third of a training's memory, until it is told not to.
    """
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other libraries have no such function
        ctypes.CDLL(None).malloc_trim(0)


def begin_with(start):
    """The `begin` of `learn` that takes all weights but those that depend on the classes.

    Args:
        start: as `mrcnn.weights.find` takes it.
    """
    return lambda model: model.load_weights(weights.find(start), exclude=list(weights.CLASS_LAYERS))


def begin_as(taught):
    """The `begin` of `learn` that takes the weights of a taught `MaskRCNN`."""

    def begin(model):
        same = taught.class_names == model.class_names
        weights.copy_weights(taught.keras_model, model.keras_model, () if same else weights.CLASS_LAYERS)

    return begin

"""The layers that backbone, pyramid and heads are built of, in the layout that suits the backend."""

import math

import keras
import numpy as np
from keras import layers, ops

from mrcnn.network import kernels
from mrcnn.network.kernels import CHANNEL_AXIS, DATA_FORMAT


def conv2d(filters, size, name, strides=1, padding="valid", **kwargs):
    """A convolution with bias, in the layout that suits the backend."""
    return layers.Conv2D(
        filters, size, strides=strides, padding=padding, data_format=DATA_FORMAT, name=name, **kwargs
    )


class GlorotUniform(keras.initializers.GlorotUniform):
    """Keras's random weights, drawn by NumPy: the same on all backends, and of any shape at once.

    JAX compiles a generator of its own for each shape, which takes ten seconds for a small network.
    """

    def __call__(self, shape, dtype=None):
        limit = math.sqrt(6 / (math.prod(shape[:-2]) * sum(shape[-2:])))
        numbers = np.random.default_rng(self.seed).uniform(-limit, limit, shape)
        return ops.convert_to_tensor(numbers.astype("float32"), dtype)


class BatchNorm(layers.BatchNormalization):
    """Batch normalisation over the channels that need not follow the model's mode.

    Args:
        train: as `Config.TRAIN_BN`: False uses the moving statistics always, True the batch's always,
            None the batch's while training, or what the layer is told by `training` while a model is built.
        kwargs: as for `keras.layers.BatchNormalization`.
    """

    def __init__(self, train=None, **kwargs):
        # The batch's statistics are those of the whole batch, also where replicas have parts of it.
        super().__init__(**{"synchronized": kernels.replicas() > 1} | kwargs)
        self.train = train

    def __call__(self, inputs, training=None, **kwargs):
        # A model passes its own mode on, and that wins over what a layer was told when the model was built.
        if self.train is None and keras.utils.is_keras_tensor(inputs):
            self.train = training
        return super().__call__(inputs, training=training, **kwargs)

    def call(self, inputs, training=None):
        return super().call(inputs, training=training if self.train is None else self.train)

    def get_config(self):
        return super().get_config() | {"train": self.train}


def batch_norm(x, name, train):
    """`x` after a `BatchNorm`."""
    return BatchNorm(train, axis=CHANNEL_AXIS, name=name)(x)


def relu(x, name=None):
    """Rectified linear unit."""
    return layers.Activation("relu", name=name)(x)

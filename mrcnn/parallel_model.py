"""A Keras model whose batches are divided among several devices, under the name that the original gave it."""

from contextlib import nullcontext

import keras
from keras import layers, ops

from mrcnn.network import kernels


class Part(layers.Layer):
    """One of `count` equal parts of a batch: call with [B, …]; gives [B / count, …]."""

    def __init__(self, number, count, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.number, self.count = number, count

    def call(self, batch):
        size = ops.shape(batch)[0] // self.count
        return batch[self.number * size : (self.number + 1) * size]

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[1:])


class OnDevice(layers.Wrapper):
    """A layer or model that is computed on the device of this name, or anywhere if that is None."""

    def __init__(self, layer, device, **kwargs):
        super().__init__(layer, **kwargs)
        self.device = device

    def call(self, inputs):
        with keras.device(self.device) if self.device else nullcontext():
            return self.layer(inputs)


class ParallelModel(keras.Model):
    """`keras_model` on batches that are cut in `gpu_count` equal parts, whose results are joined again.

    On TensorFlow each part has a GPU of its own, if there are as many; otherwise the backend decides. The
    weights are those of `keras_model`; whatever loads or saves is its own too.

    Args:
        keras_model: a functional `keras.Model` whose outputs all have the batch as their first dimension.
        gpu_count: number of parts; batches must be multiples of it.
    """

    def __init__(self, keras_model, gpu_count):
        super().__init__(inputs=keras_model.inputs, outputs=_joined(keras_model, gpu_count))
        self.inner_model = keras_model
        self.gpu_count = gpu_count

    def __getattribute__(self, attrname):
        complete = "gpu_count" in super().__getattribute__("__dict__")
        if complete and ("load" in attrname or "save" in attrname):
            return getattr(self.inner_model, attrname)
        return super().__getattribute__(attrname)

    def summary(self, *args, **kwargs):
        """Print the layers of this model, then those of the one inside."""
        super().summary(*args, **kwargs)
        self.inner_model.summary(*args, **kwargs)

    def make_parallel(self):
        """Symbolic outputs of the model on the joined parts, as a list."""
        return _joined(self.inner_model, self.gpu_count)


def _joined(model, count):
    gpus = (
        [device for device in kernels.devices() if "gpu" in device] if kernels.BACKEND == "tensorflow" else []
    )
    devices = gpus if len(gpus) >= count else [None] * count
    parts = []
    for number in range(count):
        inputs = [Part(number, count)(tensor) for tensor in model.inputs]
        outputs = OnDevice(model, devices[number])(inputs if len(inputs) > 1 else inputs[0])
        parts.append(keras.tree.flatten(outputs))
    return [ops.concatenate(pieces, axis=0) for pieces in zip(*parts, strict=True)]

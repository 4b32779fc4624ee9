"""What Keras composes of many operations and TensorFlow computes by one, traced and compiled the sooner."""

from keras import layers, ops

from mrcnn.network.kernels.platform import BACKEND

if BACKEND == "tensorflow":
    import tensorflow as tf


class UpSampling2D(layers.UpSampling2D):
    """Keras's layer, of nearest neighbours."""

    def call(self, inputs):
        if BACKEND != "tensorflow":
            return super().call(inputs)
        rows, columns = ops.shape(inputs)[1:3]
        return tf.image.resize(inputs, (rows * self.size[0], columns * self.size[1]), "nearest")


def rows_of(values, index):
    """Rows `index` [..., K] of `values` [..., N, *rest], for each place of the leading axes its own.

    Returns:
        [..., K, *rest].
    """
    axis = len(index.shape) - 1
    if BACKEND == "tensorflow":
        return tf.gather(values, index, axis=axis, batch_dims=axis)
    index = ops.reshape(index, (*ops.shape(index), *[1] * (len(values.shape) - axis - 1)))
    return ops.take_along_axis(values, index, axis=axis)


def sum_of_squares(values):
    """Of all numbers of a tensor, of any shape."""
    return 2 * tf.nn.l2_loss(values) if BACKEND == "tensorflow" else ops.sum(ops.square(values))

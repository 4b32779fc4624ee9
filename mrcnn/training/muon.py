"""Muon: steps of equal size in every direction (Jordan et al., 2024; scale of Liu et al., 2502.16982)."""

import math

import keras
from keras import ops

from mrcnn.network import kernels

# The quintic a x + b x³ + c x⁵, five times over, takes any singular value in (0.01, 1] to about 1.
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
SCALE = 0.2  # the size of AdamW's usual steps, so that one learning rate serves both


def orthogonalise(matrix):
    """The nearest matrix whose singular values are all about 1 (0.7 to 1.2), by Newton and Schulz.

    Args:
        matrix: [m, n].

    Returns:
        [m, n].
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else ops.transpose(matrix)
    x = x / (ops.norm(x) + 1e-7)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return x if wide else ops.transpose(x)


class Muon(keras.optimizers.AdamW):
    """Muon for the kernels inside a network, AdamW at half the rate for its ends, biases and norms.

    A kernel's momentum is a matrix from inputs to outputs. Its few strong directions would drown the
    others; made orthogonal, it moves the kernel equally along all of them.

    Args:
        learning_rate: float or schedule.
        ends: parts of the paths of kernels that belong to AdamW: the first layer and the answers.
        momentum: of the kernels.
        kwargs: as for `keras.optimizers.AdamW`.
    """

    def __init__(self, learning_rate, ends=(), momentum=0.95, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.ends, self.momentum = tuple(ends), momentum

    def build(self, variables):
        super().build(variables)
        self._is_inside = [
            len(v.shape) > 1 and not any(end in v.path for end in self.ends) for v in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        if not self._is_inside[index]:
            super().update_step(gradient, variable, learning_rate / 2)
            return
        momentum = self._momentums[index]
        gradient = ops.cast(gradient, variable.dtype)
        self.assign(momentum, self.momentum * momentum + gradient)
        ahead = gradient + self.momentum * momentum  # Nesterov's
        inputs, outputs = math.prod(variable.shape[:-1]), variable.shape[-1]
        step = orthogonalise(ops.reshape(ahead, (inputs, outputs)))
        size = ops.cast(learning_rate, variable.dtype) * SCALE * math.sqrt(max(inputs, outputs))
        self.assign_sub(variable, size * ops.reshape(step, variable.shape))

    def get_config(self):
        return super().get_config() | {"ends": self.ends, "momentum": self.momentum}

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """Leave the gradients of a single network as they are; Keras calls this on TensorFlow.

        To add up what is one would leave a custom gradient in TensorFlow's register for good, and with it
        everything that was traced: 0.1 GB a training.
        """
        return (
            grads_and_vars if kernels.replicas() == 1 else super()._all_reduce_sum_gradients(grads_and_vars)
        )

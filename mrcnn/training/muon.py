"""Muon: steps of equal size in every direction (Jordan et al., 2024; scale of Liu et al., 2502.16982)."""

import math

import keras
import numpy as np
from keras import ops

from mrcnn.network import kernels

# The quintic a x + b x³ + c x⁵, five times over, takes any singular value in (0.01, 1] to about 1.
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
SCALE = 0.2  # the size of Adam's usual steps, so that one learning rate serves both
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # of Adam


def orthogonalise(matrices):
    """The nearest matrices whose singular values are all about 1 (0.7 to 1.2), by Newton and Schulz.

    Args:
        matrices: [..., m, n]; with m ≤ n it takes less time.

    Returns:
        [..., m, n].
    """
    a, b, c = QUINTIC

    def nearer(_, x):
        gram = ops.matmul(x, ops.swapaxes(x, -2, -1))
        return a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)

    length = ops.norm(matrices, axis=(-2, -1), keepdims=True)
    return ops.fori_loop(0, ITERATIONS, nearer, matrices / (length + 1e-7))


class Muon(keras.optimizers.Optimizer):
    """Muon for the kernels inside a network, AdamW at half the rate for its ends, biases and norms.

    A kernel's momentum is a matrix from inputs to outputs. Its few strong directions would drown the
    others; made orthogonal, it moves the kernel equally along all of them.

    Gradients and momenta of kernels of one shape are one array, and all that is Adam's is another: taken one
    by one, the variables of a small network make a step of many times as many operations, and most of what a
    short training waits for is that these are put together. Keras takes them one by one to clip and to let
    them decay, so this is done here.

    Args:
        learning_rate: float or schedule.
        ends: parts of the paths of kernels that belong to AdamW: the first layer and the answers.
        momentum: of the kernels.
        weight_decay: share of each variable that is taken off it in a step, as a multiple of the rate.
        global_clipnorm: length that the gradient of all variables is cut to where it is longer.
        kwargs: as for `keras.optimizers.Optimizer`.
    """

    def __init__(
        self, learning_rate, ends=(), momentum=0.95, weight_decay=0.0, global_clipnorm=math.inf, **kwargs
    ):
        super().__init__(learning_rate, **kwargs)
        self.ends, self.momentum = tuple(ends), momentum
        self.decay, self.longest = weight_decay, global_clipnorm

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        alike, self._rest = {}, []  # numbers of variables
        for i, variable in enumerate(variables):
            if len(variable.shape) > 1 and not any(end in variable.path for end in self.ends):
                alike.setdefault(tuple(sorted(sides(variable.shape))), []).append(i)
            else:
                self._rest.append(i)
        self._kernels = [
            (numbers, self.add_variable((len(numbers), *shape), name=f"momentum_{shape[0]}x{shape[1]}"))
            for shape, numbers in alike.items()
        ]
        sizes = [math.prod(variables[i].shape) for i in self._rest]
        self._bounds = np.cumsum([0, *sizes]).tolist()  # of each among what is Adam's
        self._mean, self._square = (self.add_variable((sum(sizes),), name=n) for n in ("mean", "square"))

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        """A step of all variables together; Keras would take them one by one.

        Gradients of replicas are added up before, by `mrcnn.training.devices`. Keras would add up those of a
        single network too, which leaves all that was traced in TensorFlow's register of gradients: 0.1 GB a
        training.
        """
        numbers = [self._get_variable_index(variable) for variable in trainable_variables]

        def step(gradients, rate):
            *alike, rest = self._clip(self._gather(dict(zip(numbers, gradients, strict=True))))
            kept = 1 - self.decay * rate
            for (of, momentum), gradient in zip(self._kernels, alike, strict=True):
                self._move_kernels(of, gradient, momentum, rate, kept)
            self._move_rest(rest, rate / 2, kept)

        kernels.on_each_replica(trainable_variables[0], step, grads, learning_rate)

    def _gather(self, gradients):
        """Gradients by number of variable, as arrays: of each shape [kernels, m, n], of the rest [size]."""
        alike = [ops.stack([as_matrix(gradients[i]) for i in of]) for of, _ in self._kernels]
        rest = [shaped(gradients[i], (-1,)) for i in self._rest]
        return [*alike, ops.concatenate([ops.zeros((0,)), *rest])]

    def _clip(self, gradients):
        """Arrays that are, all together, no longer than `global_clipnorm`."""
        length = ops.sqrt(sum(map(kernels.sum_of_squares, gradients)))
        shorter = ops.minimum(1.0, self.longest / length)
        return [shorter * gradient for gradient in gradients]

    def _move_kernels(self, numbers, gradient, momentum, rate, kept):
        """Muon, of kernels of one shape; `gradient` and `momentum` are [kernels, m, n]."""
        self.assign(momentum, self.momentum * momentum + gradient)
        steps = orthogonalise(gradient + self.momentum * momentum)  # Nesterov's
        steps *= rate * SCALE * math.sqrt(steps.shape[2])
        for i, step in zip(numbers, ops.unstack(steps, len(numbers)), strict=True):
            self._move(i, from_matrix(step, self._trainable_variables[i].shape), kept)

    def _move_rest(self, gradient, rate, kept):
        """AdamW, of the other variables one after another; `gradient` is [size]."""
        self.assign_add(self._mean, (1 - BETA_1) * (gradient - self._mean))
        self.assign_add(self._square, (1 - BETA_2) * (ops.square(gradient) - self._square))
        count = ops.cast(self.iterations + 1, gradient.dtype)
        rate *= ops.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
        steps = rate * self._mean / (ops.sqrt(self._square) + EPSILON)
        _, *steps, _ = ops.split(steps, self._bounds)  # nothing lies before the first or after the last
        for i, step in zip(self._rest, steps, strict=True):
            self._move(i, shaped(step, self._trainable_variables[i].shape), kept)

    def _move(self, number, step, kept):
        """Let a variable decay to the share `kept` of it, and go its step."""
        variable = self._trainable_variables[number]
        self.assign(variable, kept * variable - step)

    def get_config(self):
        ours = {"ends": self.ends, "momentum": self.momentum}
        return super().get_config() | ours | {"weight_decay": self.decay, "global_clipnorm": self.longest}


def sides(shape):
    """Numbers of inputs and outputs of a kernel (..., outputs)."""
    return math.prod(shape[:-1]), shape[-1]


def as_matrix(kernel):
    """[m, n], m ≤ n: inputs by outputs or outputs by inputs."""
    inputs, outputs = sides(kernel.shape)
    matrix = ops.reshape(kernel, (inputs, outputs))
    return matrix if inputs <= outputs else ops.transpose(matrix)


def from_matrix(matrix, shape):
    """The kernel of that shape that `as_matrix` made a matrix of."""
    inputs, outputs = sides(shape)
    return ops.reshape(matrix if inputs <= outputs else ops.transpose(matrix), shape)


def shaped(array, shape):
    """`array` in that shape; TensorFlow makes two operations of a reshaping even where it is so already."""
    return array if len(array.shape) == len(shape) else ops.reshape(array, shape)

"""Muon: steps of equal size in every direction (Jordan et al., 2024; scale of Liu et al., 2502.16982)."""

import math

import keras
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

    Momenta of kernels of one shape are one array, and all that is Adam's is another: taken one by one, the
    variables of a small network make a step of three times as many operations, and most of what a short
    training waits for is that these are put together.

    Args:
        learning_rate: float or schedule.
        ends: parts of the paths of kernels that belong to AdamW: the first layer and the answers.
        momentum: of the kernels.
        kwargs: as for `keras.optimizers.Optimizer`.
    """

    def __init__(self, learning_rate, ends=(), momentum=0.95, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.ends, self.momentum = tuple(ends), momentum

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
        size = sum(math.prod(variables[i].shape) for i in self._rest)
        self._mean, self._square = (self.add_variable((size,), name=name) for name in ("mean", "square"))

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        """A step of all variables together; Keras would take them one by one.

        Gradients of replicas are added up before, by `mrcnn.training.devices`. Keras would add up those of a
        single network too, which leaves all that was traced in TensorFlow's register of gradients: 0.1 GB a
        training.
        """
        numbers = [self._get_variable_index(variable) for variable in trainable_variables]

        def step(gradients, rate):
            gradients = dict(zip(numbers, gradients, strict=True))
            for alike, momentum in self._kernels:
                self._move_kernels(alike, [gradients[i] for i in alike], momentum, rate)
            if self._rest:
                self._move_rest([gradients[i] for i in self._rest], rate / 2)

        kernels.on_each_replica(trainable_variables[0], step, grads, learning_rate)

    def _move_kernels(self, numbers, gradients, momentum, rate):
        """Muon, of kernels of one shape; `momentum` is [kernels, m, n]."""
        gradient = ops.stack([as_matrix(each) for each in gradients])
        self.assign(momentum, self.momentum * momentum + gradient)
        steps = orthogonalise(gradient + self.momentum * momentum)  # Nesterov's
        steps *= rate * SCALE * math.sqrt(steps.shape[2])
        for i, step in zip(numbers, ops.unstack(steps, len(numbers)), strict=True):
            variable = self._trainable_variables[i]
            self.assign_sub(variable, from_matrix(step, variable.shape))

    def _move_rest(self, gradients, rate):
        """Adam; `weight_decay` makes it AdamW."""
        gradient = ops.concatenate([ops.reshape(each, (-1,)) for each in gradients])
        self.assign_add(self._mean, (1 - BETA_1) * (gradient - self._mean))
        self.assign_add(self._square, (1 - BETA_2) * (ops.square(gradient) - self._square))
        count = ops.cast(self.iterations + 1, gradient.dtype)
        rate *= ops.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
        steps = rate * self._mean / (ops.sqrt(self._square) + EPSILON)
        start = 0
        for variable in (self._trainable_variables[i] for i in self._rest):
            end = start + math.prod(variable.shape)
            self.assign_sub(variable, ops.reshape(steps[start:end], variable.shape))
            start = end

    def get_config(self):
        return super().get_config() | {"ends": self.ends, "momentum": self.momentum}


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

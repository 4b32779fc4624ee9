"""Muon: orthogonal steps for kernels, AdamW's for the rest."""

import gc

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.training.muon import SCALE, Muon, orthogonalise


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (9, 9), (1, 5)])
def test_singular_values_become_about_one(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    result = ops.convert_to_numpy(orthogonalise(ops.convert_to_tensor(matrix)))
    values = np.diag(u.T @ result @ v.T)
    assert values.min() > 0.6 and values.max() < 1.3
    np.testing.assert_allclose(u @ np.diag(values) @ v, result, atol=1e-4)


def stepped(optimizer, variable, gradients):
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
    return ops.convert_to_numpy(variable)


def test_a_kernel_moves_along_the_orthogonal_momentum():
    first, second = np.random.default_rng(1).normal(size=(2, 3, 3, 2, 4)).astype(np.float32)
    kernel = keras.Variable(np.zeros((3, 3, 2, 4), np.float32), name="kernel")
    after_one = stepped(Muon(0.01), kernel, [first])
    expected = first.reshape(18, 4)  # with itself ahead of itself: the same direction
    u, _, v = np.linalg.svd(expected, full_matrices=False)
    step = -after_one.reshape(18, 4) / (0.01 * SCALE * np.sqrt(18))
    assert np.all(np.abs(np.diag(u.T @ step @ v.T) - 1) < 0.35)

    kernel = keras.Variable(np.zeros((3, 3, 2, 4), np.float32), name="kernel")
    after_two = stepped(Muon(0.01), kernel, [first, second])
    momentum = 0.95 * first + second
    u, _, v = np.linalg.svd((second + 0.95 * momentum).reshape(18, 4), full_matrices=False)
    step = (after_one - after_two).reshape(18, 4) / (0.01 * SCALE * np.sqrt(18))
    assert np.all(np.abs(np.diag(u.T @ step @ v.T) - 1) < 0.35)


def test_biases_and_ends_are_adamw_s_at_half_the_rate():
    gradients = np.random.default_rng(2).normal(size=(3, 5, 4)).astype(np.float32)
    end = keras.Variable(np.ones((5, 4), np.float32), name="answers")
    bias = keras.Variable(np.ones((20,), np.float32), name="bias")
    plain = keras.Variable(np.ones((5, 4), np.float32), name="plain")
    expected = stepped(keras.optimizers.AdamW(0.005, weight_decay=0.0), plain, gradients)
    muon = stepped(Muon(0.01, ["answers"], weight_decay=0.0), end, gradients)
    np.testing.assert_allclose(muon, expected, rtol=1e-5)
    flat = stepped(Muon(0.01, weight_decay=0.0), bias, gradients.reshape(3, 20))
    np.testing.assert_allclose(flat.reshape(5, 4), expected, rtol=1e-5)


def test_variables_move_together_as_each_would_alone():
    """Kernels of one shape, wide, tall and square, ends and biases, handed over in any order."""
    shapes = {"a": (3, 3, 2, 4), "b": (1, 18, 4), "c": (4, 18), "d": (5, 5), "answers": (5, 2), "bias": (7,)}
    generator = np.random.default_rng(3)
    gradients = {
        name: generator.normal(size=(2, *shape)).astype(np.float32) for name, shape in shapes.items()
    }

    def variables():
        return [keras.Variable(np.ones(shape, np.float32), name=name) for name, shape in shapes.items()]

    together, muon = variables(), Muon(0.01, ["answers"])
    muon.build(together)
    for i in range(2):
        values = [ops.convert_to_tensor(gradients[variable.name][i]) for variable in together]
        muon.apply(values[::-1], together[::-1])
    for one, other in zip(variables(), together, strict=True):
        expected = stepped(Muon(0.01, ["answers"]), one, gradients[one.name])
        np.testing.assert_allclose(ops.convert_to_numpy(other), expected, atol=1e-6)
        assert np.abs(expected - 1).max() > 1e-3


def test_variables_decay_as_adamw_s():
    gradients = np.random.default_rng(4).normal(size=(3, 20)).astype(np.float32)
    plain, bias = (keras.Variable(np.ones((20,), np.float32)) for _ in range(2))
    expected = stepped(keras.optimizers.AdamW(0.005, weight_decay=2.0), plain, gradients)
    np.testing.assert_allclose(stepped(Muon(0.01, weight_decay=1.0), bias, gradients), expected, rtol=1e-5)

    step, both = (keras.Variable(np.full((5, 4), value, np.float32)) for value in (0, 1))
    gradients = gradients[:1].reshape(1, 5, 4)
    step = stepped(Muon(0.01), step, gradients)
    np.testing.assert_allclose(stepped(Muon(0.01, weight_decay=1.0), both, gradients), 0.99 + step, rtol=1e-5)


@pytest.mark.parametrize("length", [0.5, 100])
def test_the_gradient_of_all_variables_is_cut(length):
    generator = np.random.default_rng(5)
    gradients = [generator.normal(size=(2, *shape)).astype(np.float32) for shape in ((5, 4), (7,))]
    whole = np.sqrt(sum(np.square(gradient[0]).sum() for gradient in gradients))

    def moved(factor, **options):
        variables = [keras.Variable(np.zeros(gradient[0].shape, np.float32)) for gradient in gradients]
        muon = Muon(0.01, **options)
        muon.build(variables)
        muon.apply([ops.convert_to_tensor(factor * gradient[0]) for gradient in gradients], variables)
        muon.apply([ops.convert_to_tensor(gradient[1] / 20) for gradient in gradients], variables)
        return [ops.convert_to_numpy(variable) for variable in variables]

    expected = moved(min(1, length / whole))
    for one, other in zip(moved(1, global_clipnorm=length), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert (np.abs(expected[1] - moved(1)[1]).max() > 1e-4) == (length < whole)


def test_it_can_be_made_again_from_its_configuration():
    settings = {"ends": ("answers",), "momentum": 0.9, "weight_decay": 0.1, "global_clipnorm": 5.0}
    again = Muon.from_config(Muon(0.01, **settings).get_config())
    assert settings.items() <= again.get_config().items()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's graphs")
def test_a_training_leaves_no_graph_behind():
    def graphs():
        gc.collect()
        return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())

    before = graphs()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(Muon(1e-3, ()), "mse", jit_compile=False)
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    assert graphs() > before
    del model
    assert graphs() == before

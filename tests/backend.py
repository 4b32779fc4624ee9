"""Run a function as a network would on the chosen Keras backend, and take its derivative there."""

from functools import cache

import keras
import numpy as np
import pytest
from keras import ops, tree

BACKEND = keras.backend.backend()

trains = pytest.mark.skipif(BACKEND == "openvino", reason="OpenVINO only detects.")
"""Marks a test that needs a backend that can train."""


def to_numpy(result):
    """Arrays for the tensors in any nest of lists, tuples and dicts."""
    return tree.map_structure(ops.convert_to_numpy, result)


def compiled(function):
    """`function` of arrays as this backend compiles it; gives arrays.

    On TensorFlow, of every input only the last axis has a length that is known beforehand, as in a
    network that takes any number of pictures of any size.
    """
    if BACKEND == "tensorflow":
        import tensorflow as tf

        def specification(array):
            known = array.shape[-1:] if array.ndim > 1 else [None] * array.ndim
            return tf.TensorSpec((*[None] * (array.ndim - len(known)), *known), array.dtype)

        @cache
        def traced(*signature):
            return tf.function(function, input_signature=signature)

        return lambda *arrays: to_numpy(traced(*map(specification, arrays))(*arrays))
    if BACKEND == "jax":
        import jax

        jitted = jax.jit(function)
        return lambda *arrays: to_numpy(jitted(*arrays))
    if BACKEND == "openvino":
        from mrcnn.network.kernels import openvino_graph

        @cache
        def graph(*signature):
            structure = []

            def remembered(*tensors):
                structure[:] = [result := function(*tensors)]
                return tree.map_structure(ops.convert_to_tensor, result)

            likes = [np.empty(shape, dtype) for shape, dtype in signature]
            return openvino_graph(remembered, likes), structure[0]

        def run(*arrays):
            compiled_graph, structure = graph(*((array.shape, array.dtype) for array in arrays))
            return tree.pack_sequence_as(structure, compiled_graph(arrays).to_tuple())

        return run
    return lambda *arrays: to_numpy(function(*[ops.convert_to_tensor(array) for array in arrays]))


def gradient(function, *arrays):
    """The derivative of a scalar `function` by each of `arrays`; zeros where it does not depend on one."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        inputs = [tf.constant(array) for array in arrays]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = function(*inputs)
        slopes = tape.gradient(value, inputs, unconnected_gradients="zero")
        return [np.asarray(tf.convert_to_tensor(slope)) for slope in slopes]
    if BACKEND == "jax":
        import jax

        return to_numpy(list(jax.jit(jax.grad(function, argnums=range(len(arrays))))(*arrays)))
    if BACKEND == "openvino":
        pytest.skip("OpenVINO only detects.")  # it has no derivatives
    import torch

    device = ops.convert_to_tensor(0.0).device  # where Keras puts its tensors
    inputs = [torch.tensor(array, requires_grad=True, device=device) for array in arrays]
    value = function(*inputs)
    if value.requires_grad:
        value.backward()
    return [np.zeros(i.shape, np.float32) if i.grad is None else to_numpy(i.grad) for i in inputs]

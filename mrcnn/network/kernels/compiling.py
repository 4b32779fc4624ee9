"""A network as one compiled call."""

import itertools
import threading
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from mrcnn.interrupt import one_interrupt
from mrcnn.network.kernels.platform import BACKEND, OPENVINO

TRACING = "Stopping when the network is ready to run; interrupt again to stop at once."
MOST_GRAPHS = 4  # sizes for which OpenVINO keeps a graph, each with a copy of the weights

if BACKEND == "tensorflow":
    import tensorflow as tf


@contextmanager
def tracing_expected():
    """TensorFlow does not warn inside that functions are traced anew: each stage of a training has one."""
    if BACKEND != "tensorflow":
        yield
        return

    def other(record):
        return "tf.function retracing" not in record.getMessage()

    tf.get_logger().addFilter(other)
    try:
        yield
    finally:
        tf.get_logger().removeFilter(other)


def padded_count(count, most):
    """How many rows to hand to a compiled call when there are `count` and at most `most`.

    JAX and OpenVINO compile anew for every number, so there it is the next power of two.
    """
    if BACKEND in ("tensorflow", "torch"):
        return int(count)
    return min(most, 2 ** int(count - 1).bit_length())


def compiled(model, half=False):
    """A function of the model's inputs that runs `model` in inference mode as one compiled call.

    Inputs are NumPy arrays or tensors; outputs stay tensors on the device. A size seen before is not
    traced again. May be called from several threads.

    Args:
        model: a `keras.Model`.
        half: whether OpenVINO is to compute in half precision; elsewhere the model's layers say so.
    """
    if BACKEND == "tensorflow":
        return _compiled_tensorflow(model)
    if BACKEND == "jax":
        return _compiled_jax(model)
    if BACKEND == "openvino":
        return _compiled_openvino(model, half)
    return _inference_torch(model)


def _compiled_tensorflow(model):
    function = tf.function(
        lambda *inputs: model(list(inputs), training=False),
        input_signature=[tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in model.inputs],
        autograph=False,
        jit_compile=False,  # XLA on a CPU makes the ResNet trunk several times slower
    )

    def run(*inputs):
        if not function.experimental_get_tracing_count():
            with one_interrupt(TRACING) as interrupted:  # TensorFlow may make another error of one
                function.get_concrete_function()
            if interrupted.is_set():
                raise KeyboardInterrupt
        return function(*inputs)

    return run


def _compiled_jax(model):
    import jax

    @jax.jit
    def forward(trainable, fixed, inputs):
        return model.stateless_call(trainable, fixed, inputs, training=False)[0]

    def run(*inputs):
        trainable = [variable.value for variable in model.trainable_variables]
        fixed = [variable.value for variable in model.non_trainable_variables]
        return forward(trainable, fixed, [ops.convert_to_tensor(i) for i in inputs])

    return run


def _compiled_openvino(model, half):
    graphs, lock = {}, threading.Lock()  # a graph for each size, run by one thread at a time
    weights = []  # those that the graphs hold

    def run(*inputs):
        arrays = [np.ascontiguousarray(x, i.dtype) for i, x in zip(model.inputs, inputs, strict=True)]
        size = tuple(array.shape for array in arrays)
        with lock:
            now = [variable.value for variable in model.variables]
            if any(new is not old for new, old in itertools.zip_longest(now, weights)):
                graphs.clear()
                weights[:] = now
            if size not in graphs:
                if len(graphs) == MOST_GRAPHS:
                    graphs.pop(next(iter(graphs)))
                graphs[size] = openvino_graph(lambda *x: model(list(x), training=False), arrays, half)
            outputs = graphs[size](arrays).to_tuple()
        return keras.tree.pack_sequence_as(model.output, outputs)

    return run


def openvino_graph(function, arrays, half=False):
    """A function of tensors as OpenVINO compiles it, for arrays of just these shapes and dtypes."""
    import openvino
    from openvino import opset13

    inputs = [opset13.parameter(array.shape, array.dtype) for array in arrays]
    outputs = function(*[ops.convert_to_tensor(i.output(0)) for i in inputs])
    graph = openvino.Model([opset13.result(x.output) for x in keras.tree.flatten(outputs)], inputs)
    _divide_exactly(graph)
    _turn_once(graph)
    # Left to itself, it computes in half precision wherever the processor can.
    settings = OPENVINO | {"INFERENCE_PRECISION_HINT": "bf16" if half else "f32"}
    return openvino.Core().compile_model(graph, "CPU", settings)


def _divide_exactly(graph):
    """Keep OpenVINO from multiplying by the reciprocal, whose last bit may differ, where it is to divide."""
    for node in graph.get_ops():
        if node.get_type_name() == "Divide":
            node.get_rt_info()["nonconvertable_divide_0"] = True  # its own name for it
        elif node.get_type_name() == "Loop":
            _divide_exactly(node.get_function())


def _turn_once(graph):
    """Hand features out through the table that RoIAlign reads them from.

    OpenVINO turns a tensor to channels last without a copy if one operation reads it, and else with three.
    """
    from openvino import opset13

    for node in graph.get_ops():
        readers = {i.get_node().get_type_name(): i for o in node.outputs() for i in o.get_target_inputs()}
        if node.get_type_name() == "Transpose" and {"Reshape", "Result"} <= readers.keys():
            table = readers["Reshape"].get_node()
            shaped = opset13.reshape(table, list(node.output(0).shape), False)
            readers["Result"].replace_source_output(shaped.output(0))


def _inference_torch(model):
    import torch

    steps = _steps(model)

    def run(*inputs):
        with torch.inference_mode():
            values = {id(x): ops.convert_to_tensor(y) for x, y in zip(model.inputs, inputs, strict=True)}
            for node, spent in steps:
                args, kwargs = node.arguments.fill_in(values)
                outputs = keras.tree.flatten(node.operation(*args, **kwargs))
                values.update((id(x), y) for x, y in zip(node.outputs, outputs, strict=True))
                for key in spent:
                    del values[key]
            return keras.tree.map_structure(lambda x: values[id(x)], model.output)

    return run


def _steps(model):
    """The operations of a functional model in order, each with the tensors that nothing needs after it.

    Keras itself keeps every tensor of a call to its end, which is 6 GB for ResNet-101 at 1024². (The list of
    nodes is none of Keras's public names.)
    """
    depths = sorted(model._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in model._nodes_by_depth[depth] if not node.is_input]
    needed = {id(x) for x in keras.tree.flatten(model.output)}
    steps = []
    for node in reversed(nodes):
        unseen = {id(x) for x in [*node.input_tensors, *node.outputs]} - needed
        needed |= unseen
        steps.append((node, unseen))
    return steps[::-1]

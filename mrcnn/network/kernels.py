"""The operations for which Keras has no layer, each with the fastest form that the backend offers.

This is the one module that names a backend. TensorFlow brings kernels of its own for suppression and
cropping; JAX, PyTorch and OpenVINO compute the same results from plain `keras.ops`. OpenVINO only detects.
"""

import itertools
import os
import threading
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from mrcnn.network.boxes import iou
from mrcnn.network.rounding import divide, opaque

BACKEND = keras.backend.backend()

CAN_TRAIN = BACKEND != "openvino"

# These two convolve channels first on a CPU; given channels last, they spend up to half the time on copies.
DATA_FORMAT = "channels_first" if BACKEND in ("torch", "openvino") else "channels_last"
CHANNEL_AXIS = 1 if DATA_FORMAT == "channels_first" else -1

# The policy of layers in half precision. OpenVINO is told for the network as a whole, when it is compiled.
HALF = "float32" if BACKEND == "openvino" else "mixed_bfloat16"  # bfloat16 has float32's range

# Whether Keras is to compile a training step by XLA: on a CPU, XLA slows TensorFlow's convolutions down.
JIT_COMPILE = BACKEND == "jax"

_native = BACKEND == "tensorflow"  # whether kernels that TensorFlow alone has are used

NMS_BLOCK = 256  # boxes that `_blocked_nms` settles at once

MOST_RANKED = 8192  # values that OpenVINO ranks in order at once
MOST_GRAPHS = 4  # sizes for which OpenVINO keeps a graph, each with a copy of the weights
_OPENVINO = {}  # settings of its processor

if BACKEND == "tensorflow":
    import tensorflow as tf


def _use_full_precision():
    """Have graphics cards multiply float32 numbers as they are.

    Newer ones round them to 10 of their 23 bits first if they may (TF32), which moves features by more than
    a hundredth of their spread and loses detections that the reference makes. The setting is the whole
    process's; for speed there is `MIXED_PRECISION`.
    """
    if BACKEND == "tensorflow":
        tf.config.experimental.enable_tensor_float_32_execution(False)
    elif BACKEND == "jax":
        import jax

        if jax.config.jax_default_matmul_precision is None:  # else somebody has chosen
            jax.config.update("jax_default_matmul_precision", "highest")
    elif BACKEND == "torch":
        import torch

        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


_use_full_precision()


@contextmanager
def plain():
    """What is traced inside has none of TensorFlow's own kernels, which LiteRT has not."""
    global _native
    before, _native = _native, False
    try:
        yield
    finally:
        _native = before


def set_threads(count):
    """Use `count` processor threads in this process; call it before the first model is made."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    os.environ["NPROC"] = str(count)  # XLA's name for it
    if BACKEND == "tensorflow":
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    elif BACKEND == "torch":
        import torch

        torch.set_num_threads(count)
    elif BACKEND == "openvino":
        _OPENVINO["INFERENCE_NUM_THREADS"] = count


def devices():
    """Names of the devices that the backend can compute on."""
    if BACKEND in ("tensorflow", "jax"):
        return keras.distribution.list_devices()
    if BACKEND == "openvino":
        return ["cpu"]  # it finds graphics cards too, but these are not used here
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def distribution(names=None):
    """How Keras divides the batches of a training among devices.

    Args:
        names: of the devices to divide them among; None asks for what is in force already.

    Returns:
        a `tf.distribute.Strategy` on TensorFlow, a `keras.distribution.Distribution` on JAX: both are in
        force inside their `scope()`. None if there is none, as always on the other backends.
    """
    if BACKEND == "tensorflow":
        if names:
            return tf.distribute.MirroredStrategy(names)
        return tf.distribute.get_strategy() if tf.distribute.has_strategy() else None
    if BACKEND == "jax":
        return keras.distribution.DataParallel(devices=names) if names else keras.distribution.distribution()
    return None


def parts(distribution):
    """Into how many parts a `distribution` divides a batch."""
    if distribution is None:
        return 1
    return distribution.num_replicas_in_sync if BACKEND == "tensorflow" else distribution.num_model_replicas


# JAX runs one program over all devices, which sees whole batches. A strategy of TensorFlow runs a copy of the
# program on each, a replica, which sees its part of the batch; what follows makes wholes of these parts.


def replicas():
    """Copies of a network that a training step runs side by side: one, or a TensorFlow strategy's number."""
    return tf.distribute.get_strategy().num_replicas_in_sync if BACKEND == "tensorflow" else 1


def _replica():
    """The context of the replica that is being computed; None on a single device, or outside of a step."""
    return tf.distribute.get_replica_context() if replicas() > 1 else None


def mean_of_replicas(value):
    """The mean of a tensor over all replicas; `value` itself where there is but one."""
    replica = _replica()
    return replica.all_reduce("MEAN", value) if replica else value


def random_rows(shape, seed):
    """Random numbers in [0, 1) for the rows of a batch, each row the same whichever replica it is on.

    Args:
        shape: (B, N) of this replica's part of the batch.
        seed: as for `keras.random`.

    Returns:
        [B, N] float32.
    """
    rows, *rest = shape
    numbers = keras.random.uniform((rows * replicas(), *rest), dtype="float32", seed=seed)
    replica = _replica()
    first = rows * replica.replica_id_in_sync_group if replica else 0
    return numbers if replicas() == 1 else numbers[first : first + rows]


def to_layout(features):
    """[B, H, W, C] to the layout in which this backend convolves."""
    return ops.transpose(features, (0, 3, 1, 2)) if CHANNEL_AXIS == 1 else features


def from_layout(features):
    """Features in the layout in which this backend convolves to [B, H, W, C]."""
    return ops.transpose(features, (0, 2, 3, 1)) if CHANNEL_AXIS == 1 else features


def top_k(values, k):
    """The `k` largest of the last axis of `values` [..., N], largest first; of equals the earlier first.

    Returns:
        values [..., min(k, N)] and int32 indices [..., min(k, N)].
    """
    count = ops.shape(values)[-1]
    k = min(k, count) if isinstance(count, int) else tf.minimum(k, count)
    if BACKEND in ("tensorflow", "jax"):
        return ops.top_k(values, k)
    # The other two leave the order of equals open.
    if BACKEND == "openvino":
        return _openvino_top_k(values, k)
    import torch

    values, indices = torch.sort(values, dim=-1, descending=True, stable=True)
    return values[..., :k], indices[..., :k].to(torch.int32)


def _openvino_top_k(values, k):
    """What ranks in order is slow on many values, so these are first reduced to the best `k` in any order."""
    if values.shape[-1] <= MOST_RANKED:
        return _openvino_ranked(values, k, stable=True)
    if "float" in values.dtype:
        values = ops.where(values == values, values, -np.inf)  # NaN is less than all
    least = _openvino_ranked(values, k, stable=False)[0][..., -1:]
    above, equal = values > least, ops.cast(values == least, "int32")
    room = k - ops.sum(ops.cast(above, "int32"), axis=-1, keepdims=True)
    chosen = ops.logical_or(above, ops.logical_and(equal > 0, ops.cumsum(equal, axis=-1) <= room))
    indices = ops.reshape(ops.nonzero(chosen)[-1], (*values.shape[:-1], k))
    values, order = _openvino_ranked(ops.take_along_axis(values, indices, axis=-1), k, stable=True)
    return values, ops.cast(ops.take_along_axis(indices, order, axis=-1), "int32")


def _openvino_ranked(values, k, stable):
    from openvino import opset13

    ranked = opset13.topk(values.output, k, -1, "max", "value", index_element_type="i32", stable=stable)
    return tuple(ops.convert_to_tensor(ranked.output(i)) for i in (0, 1))


def non_max_suppression(boxes, threshold, limit):
    """Greedy non-maximum suppression of boxes sorted by score.

    Args:
        boxes: [B, N, 4], best score first, pixels or normalised.
        threshold: IoU above which the lower-scored of two boxes is dropped.
        limit: how many boxes to keep at most.

    Returns:
        [B, limit, 4] the boxes kept, best first, padded with zeros.
    """
    boxes = ops.stop_gradient(boxes)
    select = _native_nms if _native else _blocked_nms
    return select(boxes, threshold, limit)


def _native_nms(boxes, threshold, limit):
    count = tf.shape(boxes)[1]
    falling = -tf.range(tf.cast(count, tf.float32))

    def one(picture):
        kept = tf.raw_ops.NonMaxSuppressionV4(
            boxes=picture,
            scores=falling,
            max_output_size=limit,
            iou_threshold=threshold,
            score_threshold=float("-inf"),
            pad_to_max_output_size=True,
        )
        return tuple(kept)

    indices, found = tf.map_fn(one, boxes, fn_output_signature=(tf.int32, tf.int32))
    kept = tf.gather(boxes, tf.ensure_shape(indices, (None, limit)), batch_dims=1)
    return tf.where(tf.sequence_mask(found, limit)[..., None], kept, 0)


def _blocked_nms(boxes, threshold, limit):
    """The same in `keras.ops`: block by block, so that most overlaps need not be computed.

    A block's boxes are first held against what earlier blocks kept, then against each other. Padding is
    boxes of zeros, which overlap nothing.
    """
    batch, count = ops.shape(boxes)[:2]
    boxes = ops.pad(boxes, [[0, 0], [0, -count % NMS_BLOCK], [0, 0]])

    def room_and_boxes_left(start, kept, found, _):
        return ops.logical_and(start < count, ops.logical_not(ops.all(found)))

    def suppress_block(start, kept, found, boxes):
        block = ops.slice(boxes, (0, start, 0), (batch, NMS_BLOCK, 4))
        covered = ops.any(iou(block, kept) > threshold, axis=-1)
        keep = survivors(iou(block, block) > threshold, ops.logical_not(covered))
        flags = ops.concatenate([found, keep], axis=1)
        found, index = top_k(ops.cast(flags, "int32"), limit)  # equal values stay in order
        kept = ops.take_along_axis(ops.concatenate([kept, block], axis=1), index[..., None], axis=1)
        return start + NMS_BLOCK, kept, found > 0, boxes

    # The boxes go along unchanged, because OpenVINO's loops see their variables alone.
    begin = (0, ops.zeros((batch, limit, 4)), ops.zeros((batch, limit), "bool"), boxes)
    return ops.while_loop(room_and_boxes_left, suppress_block, begin)[1]


def survivors(overlaps, alive):
    """Which boxes greedy suppression keeps, found without going through them one by one.

    A box is kept if no better box that is kept overlaps it. Starting from "all are kept" and applying
    that sentence again and again settles the best box first, then the next, and most others along with
    them: it ends, after as many rounds as the longest chain of suppressions, in the one solution, which is
    the greedy one.

    Args:
        overlaps: [..., N, N] booleans, True where two boxes overlap too much; N in falling score.
        alive: [..., N] booleans, False for boxes that are out already: not kept, and suppressing none.

    Returns:
        [..., N] booleans.
    """
    rank = ops.arange(ops.shape(overlaps)[-1])
    suppresses = ops.logical_and(overlaps, rank[:, None] < rank[None, :])

    def apply(keep, _, alive, suppresses):
        suppressed = ops.any(ops.logical_and(suppresses, keep[..., :, None]), axis=-2)
        after = ops.logical_and(alive, ops.logical_not(suppressed))
        return after, ops.any(ops.not_equal(after, keep)), alive, suppresses

    # What does not change goes along, because OpenVINO's loops see their variables alone.
    begin = (alive, ops.array(True), alive, suppresses)
    return ops.while_loop(lambda _, changed, *__: changed, apply, begin)[0]


def crop_and_resize(images, boxes, box_indices, size):
    """Cut boxes out of pictures and sample each on a grid, bilinearly (the sampling of RoIAlign).

    The grid's corner samples lie on the box's corners. Samples outside the picture are 0.

    Args:
        images: [N, H, W, C] floats.
        boxes: [M, 4] normalised.
        box_indices: [M] int32, the picture of each box.
        size: samples a side, at least 2.

    Returns:
        [M, size, size, C].
    """
    boxes = ops.stop_gradient(ops.where(ops.isfinite(boxes), boxes, 0))  # NaN is no place to read from
    if _native:
        crops = tf.image.crop_and_resize(tf.cast(images, "float32"), boxes, box_indices, (size, size))
        return tf.cast(crops, images.dtype)
    height, width = ops.shape(images)[1:3]
    rows, row_weights = _neighbours(boxes[:, 0], boxes[:, 2], height, size)
    columns, column_weights = _neighbours(boxes[:, 1], boxes[:, 3], width, size)
    rows = rows + box_indices[:, None, None] * height
    places = rows[:, :, None, :, None] * width + columns[:, None, :, None, :]
    weights = row_weights[:, :, None, :, None] * column_weights[:, None, :, None, :]
    samples = _weighted_sums(images, ops.reshape(places, (-1, 4)), ops.reshape(weights, (-1, 4)))
    return ops.reshape(samples, (-1, size, size, images.shape[-1]))


def _neighbours(start, end, length, size):
    """Along one axis of `length` pixels, `size` samples from `start` [M] to `end` [M], normalised.

    Returns:
        the pixels before and after each sample, [M, size, 2] int32, and their weights, [M, size, 2]
        float32: both 0 for a sample outside.
    """
    last = ops.cast(length, "float32") - 1
    start, end = start[:, None], end[:, None]
    extent = (end - start) * last
    step = divide(extent, opaque(size - 1.0, extent))
    first, advance = start * last, ops.arange(size, dtype="float32") * step
    position = opaque(first, first) + opaque(advance, advance)
    inside = ops.cast(ops.logical_and(position >= 0, position <= last), "float32")
    position = ops.clip(position, 0, last)
    before, after = ops.floor(position), ops.ceil(position)
    pixels = ops.cast(ops.stack([before, after], axis=-1), "int32")
    fraction = position - before
    return pixels, ops.stack([(1 - fraction) * inside, fraction * inside], axis=-1)


def _weighted_sums(images, places, weights):
    """Four pixels of `images` [N, H, W, C] for each of S samples, weighted and added up, [S, C].

    Args:
        places: [S, 4] int32, pixels counted row by row through all pictures.
        weights: [S, 4] floats.
    """
    channels = images.shape[-1]
    weights = ops.cast(weights, images.dtype)
    if BACKEND == "torch":
        from torch.nn.functional import embedding_bag

        table = images.contiguous().reshape(-1, channels)
        return embedding_bag(places, table, per_sample_weights=weights, mode="sum")
    table = ops.reshape(images, (-1, channels))
    return sum(weights[:, i, None] * ops.take(table, places[:, i], axis=0) for i in range(4))


def pyramid_crop_and_resize(pyramid, boxes, box_indices, levels, size):
    """`crop_and_resize` in which each box is cut out of a level of its own.

    Args:
        pyramid: list of L feature maps [B, H_l, W_l, C].
        boxes: [M, 4] normalised.
        box_indices: [M] int32 in 0..B-1.
        levels: [M] int32 in 0..L-1.
        size: samples a side, at least 2.

    Returns:
        [M, size, size, C].
    """
    if BACKEND == "jax" or (BACKEND == "tensorflow" and not _native):
        return _masked_pyramid_crop(pyramid, boxes, box_indices, levels, size)
    members = [ops.nonzero(levels == level)[0] for level in range(len(pyramid))]
    crops = [
        crop_and_resize(features, ops.take(boxes, mine, 0), ops.take(box_indices, mine, 0), size)
        for features, mine in zip(pyramid, members, strict=True)
    ]
    if BACKEND == "tensorflow":  # puts them in place without a second copy
        return tf.dynamic_stitch([ops.cast(mine, "int32") for mine in members], crops)
    back = ops.argsort(ops.concatenate(members, axis=0))
    return ops.take(ops.concatenate(crops, axis=0), back, axis=0)


def _masked_pyramid_crop(pyramid, boxes, box_indices, levels, size):
    """The same, with no shape that depends on the levels, as JAX wants it: all boxes are cut from all levels.

    Where a box is of another level, JAX cuts it from a picture past the last: nothing is read there, and
    no gradient written. Others may read no such picture.
    """
    crops = 0
    for level, features in enumerate(pyramid):
        mine = levels == level
        index = ops.where(mine, box_indices, features.shape[0]) if BACKEND == "jax" else box_indices
        crop = crop_and_resize(features, boxes, index, size)
        crops = crops + ops.where(mine[:, None, None, None], crop, 0)
    return crops


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
        signature = [tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in model.inputs]
        return tf.function(
            lambda *inputs: model(list(inputs), training=False),
            input_signature=signature,
            autograph=False,
            jit_compile=False,  # XLA on a CPU makes the ResNet trunk several times slower
        )
    if BACKEND == "jax":
        return _compiled_jax(model)
    if BACKEND == "openvino":
        return _compiled_openvino(model, half)
    return _inference_torch(model)


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
    # Left to itself, it computes in half precision wherever the processor can.
    settings = _OPENVINO | {"INFERENCE_PRECISION_HINT": "bf16" if half else "f32"}
    return openvino.Core().compile_model(graph, "CPU", settings)


def _divide_exactly(graph):
    """Keep OpenVINO from multiplying by the reciprocal, whose last bit may differ, where it is to divide."""
    for node in graph.get_ops():
        if node.get_type_name() == "Divide":
            node.get_rt_info()["nonconvertable_divide_0"] = True  # its own name for it
        elif node.get_type_name() == "Loop":
            _divide_exactly(node.get_function())


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

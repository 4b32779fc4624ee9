"""The largest of many values, in order."""

import numpy as np
from keras import ops

from mrcnn.network.kernels.fused import rows_of
from mrcnn.network.kernels.platform import BACKEND

MOST_RANKED = 8192  # values that OpenVINO ranks in order at once

if BACKEND == "tensorflow":
    import tensorflow as tf


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
    values, order = _openvino_ranked(rows_of(values, indices), k, stable=True)
    return values, ops.cast(rows_of(indices, order), "int32")


def _openvino_ranked(values, k, stable):
    from openvino import opset13

    ranked = opset13.topk(values.output, k, -1, "max", "value", index_element_type="i32", stable=stable)
    return tuple(ops.convert_to_tensor(ranked.output(i)) for i in (0, 1))

"""The operations that Keras has no layer for, or composes of many, each as fast as the backend offers it.

In the network, only this package and `mrcnn.network.rounding` name a backend. TensorFlow brings kernels of
its own for suppression and cropping; JAX, PyTorch and OpenVINO compute the same results from plain
`keras.ops`. OpenVINO only detects.
"""

from mrcnn.network.kernels.compiling import compiled, openvino_graph, padded_count, tracing_expected
from mrcnn.network.kernels.cropping import crop_and_resize, pyramid_crop_and_resize
from mrcnn.network.kernels.feeding import data_of
from mrcnn.network.kernels.fused import UpSampling2D, rows_of, sum_of_squares
from mrcnn.network.kernels.platform import (
    BACKEND,
    CAN_TRAIN,
    CHANNEL_AXIS,
    DATA_FORMAT,
    HALF,
    JIT_COMPILE,
    devices,
    from_layout,
    plain,
    set_threads,
    to_layout,
)
from mrcnn.network.kernels.ranking import top_k
from mrcnn.network.kernels.replicas import (
    distribution,
    mean_of_replicas,
    on_each_replica,
    parts,
    random_rows,
    replicas,
)
from mrcnn.network.kernels.suppression import non_max_suppression, survivors

__all__ = [
    "BACKEND",
    "CAN_TRAIN",
    "CHANNEL_AXIS",
    "DATA_FORMAT",
    "HALF",
    "JIT_COMPILE",
    "UpSampling2D",
    "compiled",
    "crop_and_resize",
    "data_of",
    "devices",
    "distribution",
    "from_layout",
    "mean_of_replicas",
    "non_max_suppression",
    "on_each_replica",
    "openvino_graph",
    "padded_count",
    "parts",
    "plain",
    "pyramid_crop_and_resize",
    "random_rows",
    "replicas",
    "rows_of",
    "set_threads",
    "sum_of_squares",
    "survivors",
    "to_layout",
    "tracing_expected",
    "top_k",
]

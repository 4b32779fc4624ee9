"""The backend that Keras runs on: what it can do, how it lays out and rounds numbers, and on what."""

import os
from contextlib import contextmanager

import keras
from keras import ops

BACKEND = keras.backend.backend()

CAN_TRAIN = BACKEND != "openvino"

# These two convolve channels first on a CPU; given channels last, they spend up to half the time on copies.
DATA_FORMAT = "channels_first" if BACKEND in ("torch", "openvino") else "channels_last"
CHANNEL_AXIS = 1 if DATA_FORMAT == "channels_first" else -1

# The policy of layers in half precision. OpenVINO is told for the network as a whole, when it is compiled.
HALF = "float32" if BACKEND == "openvino" else "mixed_bfloat16"  # bfloat16 has float32's range

# Whether Keras is to compile a training step by XLA: on a CPU, XLA slows TensorFlow's convolutions down.
JIT_COMPILE = BACKEND == "jax"

native = BACKEND == "tensorflow"  # whether kernels that TensorFlow alone has are used

OPENVINO = {}  # settings of its processor

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
    global native
    before, native = native, False
    try:
        yield
    finally:
        native = before


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
        OPENVINO["INFERENCE_NUM_THREADS"] = count


def devices():
    """Names of the devices that the backend can compute on."""
    if BACKEND in ("tensorflow", "jax"):
        return keras.distribution.list_devices()
    if BACKEND == "openvino":
        return ["cpu"]  # it finds graphics cards too, but these are not used here
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def to_layout(features):
    """[B, H, W, C] to the layout in which this backend convolves."""
    return ops.transpose(features, (0, 3, 1, 2)) if CHANNEL_AXIS == 1 else features


def from_layout(features):
    """Features in the layout in which this backend convolves to [B, H, W, C]."""
    return ops.transpose(features, (0, 2, 3, 1)) if CHANNEL_AXIS == 1 else features

"""A network of the smallest size that has all the boxes of the figure, made to find something."""

import functools

import keras
import numpy as np
from keras import ops

from mrcnn.data.toybox import CLASS_NAMES
from mrcnn.model import MaskRCNN
from mrcnn.network.blocks import BatchNorm, relu
from mrcnn.recipes import ToyboxConfig
from mrcnn.teaching.timed import MOST_STEPS
from mrcnn.weights import model_layers


class TinyConfig(ToyboxConfig):
    """The toybox's network with few channels and proposals, for pictures of 64 pixels."""

    NAME = "tiny"
    NUM_CLASSES = 4
    IMAGES_PER_GPU = 2
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    TRAIN_BN = False

    TOP_DOWN_PYRAMID_SIZE = 8
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    RPN_FILTERS = 8
    MASK_FILTERS = 8
    MASK_CONVS = 1

    RPN_ANCHOR_SCALES = (8, 16, 24, 32, 48)
    PRE_NMS_LIMIT = 60
    POST_NMS_ROIS_INFERENCE = 20
    DETECTION_MIN_CONFIDENCE = 0.0
    DETECTION_MAX_INSTANCES = 10


class TinyTraining(TinyConfig):
    """The same for a training of a few steps on toybox scenes."""

    NUM_CLASSES = len(CLASS_NAMES)
    STEPS_PER_EPOCH = 3
    PRE_NMS_LIMIT = 1100  # nearly all anchors become proposals, so some fit an object from the first step on
    POST_NMS_ROIS_TRAINING = 1100
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    TRAIN_ROIS_PER_IMAGE = 12
    MAX_GT_INSTANCES = 8
    MINI_MASK_SHAPE = (28, 28)


class TinyTaught(TinyTraining):
    """The same for being taught."""

    NAME = "taught"
    MAX_GT_INSTANCES = 24
    STEPS_PER_EPOCH = MOST_STEPS
    IMAGES_PER_GPU = 2


def five_convolutions(image, stage5, train_bn, normalized=False):
    """A backbone that is put together in no time, for trainings that do not ask which it is."""
    features = []
    for name in ("conv1", "res2a", "res3a", "res4a", "res5a"):
        image = keras.layers.Conv2D(8, 3, strides=2, padding="same", name=name)(image)
        if normalized:
            image = BatchNorm(train_bn, name=f"bn{name.removeprefix('res')}")(image)
        image = relu(image)
        features.append(image)
    return features


five_normalized = functools.partial(five_convolutions, normalized=True)


def shapes_of_five(shape):
    """Rows and columns of the pyramid's levels on that backbone."""
    return [[-(-side // stride) for side in shape[:2]] for stride in TinyConfig.BACKBONE_STRIDES]


class Soon:
    """For configs: that backbone. Files of weights do not tell which it was."""

    BACKBONE = staticmethod(five_convolutions)
    COMPUTE_BACKBONE_SHAPE = staticmethod(shapes_of_five)


class SoonTrained(Soon, TinyTraining):
    """As `TinyTraining`."""


class SoonTaught(Soon, TinyTaught):
    """As `TinyTaught`."""


def enliven(model, seed=0):
    """Give all weights of a `MaskRCNN` random values under which its answers vary; gives the model."""
    rng = np.random.default_rng(seed)
    for variable in model.keras_model.weights:
        kernel = len(variable.shape) > 1
        spread = 1.5 / np.sqrt(np.prod(variable.shape[:-1])) if kernel else 0.1
        centre = 1.0 if variable.name in ("gamma", "moving_variance") else 0.0
        variable.assign(centre + spread * rng.uniform(-1, 1, variable.shape))
    return model


def tiny(seed=0, **changes):
    """A `MaskRCNN` that detects, of a `TinyConfig` with `changes`."""
    keras.utils.set_random_seed(seed)
    return enliven(MaskRCNN("inference", TinyConfig(**changes)), seed)


def beginner(folder, **changes):
    """A `MaskRCNN` to train, of a `TinyTraining` with `changes`; always with the same weights.

    Its backbone is `five_convolutions` where none is asked for by name, and it begins by proposing the
    anchors as they are.
    """
    keras.utils.set_random_seed(0)
    config = TinyTraining if isinstance(changes.get("BACKBONE"), str) else SoonTrained
    model = MaskRCNN("training", config(**changes), folder, CLASS_NAMES)
    deltas = model.keras_model.get_layer("rpn_model").get_layer("rpn_bbox_pred")
    deltas.kernel.assign(np.zeros(deltas.kernel.shape))
    return model


def values(keras_model):
    """Copies of all weights of a Keras model, by `layer/weight`."""
    layers = model_layers(keras_model)
    return {key: np.array(ops.convert_to_numpy(v)) for _, named in layers for key, v in named.items()}

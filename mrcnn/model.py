"""Mask R-CNN (He et al., 2017, 1703.06870), to use.

`MaskRCNN` holds the network that `network.assembly` puts together: it loads weights, detects, shows every
stage of a detection (`trace`) and trains. `load` gives one that is ready to detect.
"""

import logging
from contextlib import contextmanager
from pathlib import Path

import keras

from mrcnn import weights
from mrcnn.config import Config
from mrcnn.data.coco_names import CLASS_NAMES
from mrcnn.detector import Detector
from mrcnn.lent import lend
from mrcnn.matterport import *  # noqa: F403  what programs written for the original import from here
from mrcnn.matterport.inspection import Inspection
from mrcnn.network import kernels
from mrcnn.network.assembly import inference_network
from mrcnn.network.blocks import GlorotUniform
from mrcnn.training import devices
from mrcnn.training.learner import training_network
from mrcnn.training.trainer import Trainer

logger = logging.getLogger(__name__)  # `log` is the original's function

LENT = (
    "K",
    "KL",
    "KM",
    "OrderedDict",
    "datetime",
    "math",
    "multiprocessing",
    "np",
    "os",
    "random",
    "re",
    "tf",
    "utils",
)
__getattr__ = lend(__name__, LENT)


class MaskRCNN(Detector, Trainer, Inspection):
    """A Mask R-CNN: to detect with (`mode` "inference") or to train ("training").

    Several threads may detect with one model: a result depends on its picture alone.

    Args:
        mode: "inference" or "training".
        config: a `Config`.
        model_dir: folder in which a training keeps its logs and checkpoints; made when it starts. None keeps
            none.
        class_names: list of str by class id, the background first; kept in the files that are saved.

    Attributes:
        keras_model: the `keras.Model`; its layers have the original's names.
        epoch: epochs trained so far, as told by the name of the checkpoint loaded.
        distribution: how a training divides its batches among devices, see `mrcnn.training.devices`; None
            on one device.
        examples: list of `mrcnn.cutout.Cutout` that it was taught by (`mrcnn.teach`); they are kept in
            the files that are saved.

    Raises:
        ValueError: an unknown mode; "training" on OpenVINO, or with batches that the devices cannot share.
    """

    class_names, examples = None, ()  # for an `__init__` copied from the original's, which knows of neither

    def __init__(self, mode, config, model_dir="logs", class_names=None):
        if mode not in ("inference", "training"):
            raise ValueError(f"mode is {mode!r}; choose 'inference' or 'training'.")
        self.mode, self.config = mode, config
        self.class_names, self.examples = class_names and list(class_names), []
        Trainer.__init__(self, model_dir)
        self.keras_model = self.build(mode, config)

    def build(self, mode, config):
        """Assemble the network of a mode; gives its Keras model.

        To train, its variables are made for the devices that share the batches; to detect, the parts that
        `detect` runs are kept, compiled.
        """
        if mode == "training" and not kernels.CAN_TRAIN:
            raise ValueError(
                "Keras runs on OpenVINO here, which only detects. To train, `pip install tensorflow`, and "
                "start again with KERAS_BACKEND=tensorflow."
            )
        Detector.__init__(self)  # here: an `__init__` copied from the original's calls nothing else of ours
        with precision(config):
            if mode == "training":
                self.distribution = devices.distribution_for(config)
                with devices.scope(self.distribution), random_weights_by(GlorotUniform):
                    return training_network(config)
            # A network that detects gets all its weights from a file. Without one it finds nothing, instead
            # of random boxes, and a second that drawing 64 million numbers takes is saved.
            with random_weights_by(keras.initializers.Zeros):
                whole, *parts = inference_network(config)
        self._trace, self._find, self._segment = (
            kernels.compiled(part, config.MIXED_PRECISION) for part in parts
        )
        return whole

    # Weights

    def load_weights(self, filepath, by_name=False, exclude=None):
        """Load weights in the original's HDF5 layout; see `mrcnn.weights.load`.

        Args:
            filepath: the file.
            by_name: has no effect: weights are always found by their names.
            exclude: names of layers that stay as they are, for another number of classes
                `["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"]`.

        Returns:
            a `weights.Report` of what was loaded.

        Raises:
            FileNotFoundError: there is no such file.
            WeightsError: the file is none, or its weights do not fit. The model is then as it was.
        """
        report = weights.load(self.keras_model, filepath, exclude or ())
        logger.info("%s", report)
        self.set_log_dir(filepath)
        self._checkpoint = None if exclude else Path(filepath)
        return report

    def save_weights(self, filepath, dtype="float32", optimizer=None, detecting=None):
        """Write all weights, with the config and the class names; see `mrcnn.weights.save`.

        Args:
            detecting: attributes of the config that detecting by these weights is to have otherwise.
        """
        weights.save(self.keras_model, filepath, self.metadata(detecting), dtype, optimizer, self.examples)

    def metadata(self, detecting=None):
        """What a file of weights tells of its model beside the weights, as a dict for JSON."""
        return {"config": self.config.changes() | (detecting or {}), "class_names": self.class_names}

    def _check_mode(self, mode, what):
        if self.mode != mode:
            raise ValueError(f"{what} needs a model made with mode={mode!r}; this one is for {self.mode}.")


@contextmanager
def precision(config):
    """Layers that are made inside compute in half precision if `config.MIXED_PRECISION` says so."""
    before = keras.config.dtype_policy()
    if config.MIXED_PRECISION:
        keras.config.set_dtype_policy(kernels.HALF)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def random_weights_by(initializer):
    """A context in which layers begin with what a Keras initializer gives where Keras draws random ones."""
    return keras.saving.custom_object_scope({"glorot_uniform": initializer})


def load(name="coco", **overrides):
    """A model with its weights, ready to detect.

    Args:
        name: "toybox" or "coins", the weights in this package; "coco", the original's file, once it has
            been downloaded; or the path of any file of weights in the original's layout.
        overrides: attributes of the config to set, such as `DETECTION_MIN_CONFIDENCE=0.5`.

    Returns:
        a `MaskRCNN` in inference mode, with `class_names`.

    Raises:
        FileNotFoundError: there is no such file, or "coco" was not downloaded yet.
        WeightsError: the file's weights fit no network, or are those of a backbone alone.
    """
    path = weights.find(name)
    described = weights.describe(path)
    one_at_a_time = {"GPU_COUNT": 1, "IMAGES_PER_GPU": 1}
    config = Config(**described.attributes | one_at_a_time | overrides)
    class_names = (described.metadata or {}).get("class_names")
    if class_names is None:
        numbered = ["BG", *(f"class {i}" for i in range(1, config.NUM_CLASSES))]
        class_names = CLASS_NAMES if len(CLASS_NAMES) == config.NUM_CLASSES else numbered
    model = MaskRCNN("inference", config, class_names=class_names)
    if model.load_weights(path).backbone_only:
        raise weights.WeightsError(
            f"{path} holds the weights of a backbone alone, which detects nothing; a training may begin with "
            "them: MaskRCNN(mode='training', …).load_weights(…)."
        )
    model.examples = weights.saved_examples(path)
    return model

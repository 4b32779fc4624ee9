"""Mask R-CNN (He et al., 2017, 1703.06870), to use.

`MaskRCNN` holds the network that `network.assembly` puts together: it loads weights, detects, shows every
stage of a detection (`trace`) and trains. `load` gives one that is ready to detect.
"""

import datetime
import logging
import math
import os
import re
import threading
from contextlib import contextmanager, nullcontext
from numbers import Real
from pathlib import Path

import keras
import numpy as np
from keras import ops
from PIL import Image

from mrcnn import images as pictures
from mrcnn import weights
from mrcnn.config import Config
from mrcnn.data.coco_names import CLASS_NAMES
from mrcnn.matterport import *  # noqa: F403  what programs written for the original import from here
from mrcnn.matterport.inspection import Inspection
from mrcnn.molded import Molded, unmold, with_full_masks
from mrcnn.network import kernels
from mrcnn.network.anchors import anchors_for
from mrcnn.network.assembly import inference_network, roi_levels
from mrcnn.network.roi_align import pyramid_level
from mrcnn.rgb import as_pixels
from mrcnn.tiles import cut_tile, find_in_tiles, regions_of, size_in_tile
from mrcnn.trace import Trace
from mrcnn.training import devices
from mrcnn.training.batches import Batches
from mrcnn.training.feed import FollowEpoch, reading
from mrcnn.training.learner import (
    Checkpoints,
    RepeatableChoices,
    StopAtNaN,
    tensorboard,
    training_network,
)
from mrcnn.training.targets import TargetLayer

logger = logging.getLogger(__name__)

MOST_SIZES = 16  # sizes of pictures whose anchors are kept
STAGES = ("3+", "4+", "5+")
HEADS = r"(mrcnn_.*)|(rpn_.*)|(fpn_.*)"


def layer_pattern(choice):
    """The regular expression that a choice of layers to train stands for.

    Args:
        choice: "heads" (all but the backbone), "3+", "4+" or "5+" (the heads and the backbone from that
            stage on), "all", or itself a regular expression for names of layers.
    """
    if choice in STAGES:
        stages = "".join(str(stage) for stage in range(int(choice[0]), 6))
        return rf"(res[{stages}].*)|(bn[{stages}].*)|{HEADS}"
    return {"heads": HEADS, "all": ".*"}.get(choice, choice)


class MaskRCNN(Inspection):
    """A Mask R-CNN: to detect with (`mode` "inference") or to train ("training").

    Detecting changes nothing in it: several threads may call one model.

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
        examples: list of `mrcnn.data.cutouts.Cutout` that it was taught by (`mrcnn.teach`); they are kept in
            the files that are saved.

    Raises:
        ValueError: an unknown mode; "training" on OpenVINO, or with batches that the devices cannot share.
    """

    def __init__(self, mode, config, model_dir="logs", class_names=None):
        if mode not in ("inference", "training"):
            raise ValueError(f"mode is {mode!r}; choose 'inference' or 'training'.")
        self.mode, self.config = mode, config
        self.model_dir = None if model_dir is None else str(model_dir)
        self.class_names = class_names and list(class_names)
        self.examples, self.distribution = [], None
        self.keras_model = self.build(mode, config)
        self._anchors, self._lock = {}, threading.Lock()
        self._last_size, self._pixel_anchors = None, (None, None)
        self._checkpoint = self._compiled_step = None
        self.set_log_dir()

    def build(self, mode, config):
        """Assemble the network of a mode; gives its Keras model.

        For a training it sees to the devices; for inference it keeps the parts that `detect` runs, compiled.
        """
        if mode == "training" and not kernels.CAN_TRAIN:
            raise ValueError(
                "Keras runs on OpenVINO here, which only detects. To train, `pip install tensorflow`, and "
                "start again with KERAS_BACKEND=tensorflow."
            )
        with precision(config):
            if mode == "training":
                self.distribution = devices.distribution_for(config)
                with devices.scope(self.distribution):
                    return training_network(config)
            with no_chance():
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

    def find_last(self):
        """The newest checkpoint of this config's NAME in `model_dir`, a path.

        Raises:
            FileNotFoundError: there is none, or no `model_dir`.
        """
        if self.model_dir is None:
            raise FileNotFoundError("The model was made without a `model_dir`, so it has no checkpoints.")
        for folder in sorted(Path(self.model_dir).glob(self._folders()), reverse=True):
            checkpoints = sorted(folder.glob("mask_rcnn_*.h5"))
            if checkpoints:
                return str(checkpoints[-1])
        raise FileNotFoundError(
            f"{self.model_dir} holds no checkpoint of a model named {self._prefix()!r}; train one first, or "
            "load its weights by their path."
        )

    def set_log_dir(self, model_path=None):
        """Choose where a training writes: on in the folder that a checkpoint of ours has, or in a new one.

        Sets `epoch`, by a checkpoint's name, `log_dir`, in `model_dir`, and `checkpoint_path` (with a place
        for the epoch's number).
        """
        self.epoch, self.log_dir, self.checkpoint_path = 0, None, None
        if self.model_dir is None:
            return
        name = self._prefix()
        now = datetime.datetime.now()
        folder = Path(self.model_dir) / f"{name}{now:%Y%m%dT%H%M}"
        number = re.fullmatch(rf"mask_rcnn_{re.escape(name)}_(\d{{4}})\.h5", Path(model_path or "").name)
        if number:
            self.epoch = int(number[1])
            before = Path(model_path).parent
            folder = folder.with_name(before.name) if before.match(self._folders()) else folder
        self.log_dir = str(folder)
        self.checkpoint_path = str(folder / f"mask_rcnn_{name}_{{epoch:04d}}.h5")

    def _prefix(self):
        return (self.config.NAME or "mask_rcnn").lower()

    def _folders(self):
        """A pattern for the names of the folders that trainings of this NAME write to."""
        return f"{self._prefix()}{'[0-9]' * 8}T{'[0-9]' * 4}"

    # Detection

    def detect(self, images, verbose=0):
        """Find the objects of pictures.

        With `TILE_SCALE` in the config, pictures are looked at in tiles, see `mrcnn.tiles`.

        Args:
            images: list of pictures of any sizes: arrays, Pillow images or paths; see
                `mrcnn.rgb.as_pixels`. One picture is taken for a list of one.
            verbose: 1 prints what goes into the network.

        Returns:
            list of dicts, one a picture, of its N detections, surest first: `rois` (N, 4) int32, pixels of
            the picture; `class_ids` (N,) int32; `scores` (N,) float32; `masks` (H, W, N) bool.
        """
        return [with_full_masks(result) for result in self.detect_crops(images, verbose)]

    def detect_crops(self, images, verbose=0, progress=iter):
        """As `detect`, but with masks inside their boxes alone, which large pictures need.

        Args:
            progress: called with the list of a picture's tiles, if it is looked at in tiles, gives an
                iterator over them: `tqdm.tqdm`, say.

        Yields:
            for each picture, what `detect` gives, its `masks` as `mrcnn.crops.MaskCrops`.
        """
        self._check_mode("inference", "detect")
        images = _as_list(images)
        if not self.config.TILE_SCALE:
            return self._detect_whole(images, verbose)
        return (
            self._in_tiles(self._pixels(image), lambda tiles: self._detect_whole(tiles, verbose), progress)
            for image in images
        )

    def _detect_whole(self, images, verbose=0):
        """Results, masks inside their boxes, of pictures that are fitted into the network."""
        return self._detect_items(map(self.mold, images), verbose)

    def _detect_items(self, items, verbose):
        """Results, masks inside their boxes, of molded pictures."""
        for batch in self._batches(items):
            if verbose:
                for item in batch:
                    print(f"Processing a picture of shape {item.image.shape}, molded {item.molded.shape}")
            _, detections, masks = self._run(self._find, batch)
            for parts in zip(batch, detections, masks, strict=True):
                yield self._result(*parts)

    def _in_tiles(self, image, find, progress=iter):
        """What `find` finds in the tiles of a picture; see `mrcnn.tiles.find_in_tiles`."""
        config = self.config
        return find_in_tiles(
            image, find, config.IMAGE_MAX_DIM, config.TILE_SCALE, config.BATCH_SIZE, progress
        )

    @property
    def tile_side(self):
        """Pixels of a picture along the side of a tile, or None where whole pictures are looked at."""
        scale = self.config.TILE_SCALE
        return self.config.IMAGE_MAX_DIM / scale if scale else None

    def trace(self, image):
        """Detect on one picture, and keep what the network computed on the way; see `Trace`.

        It is the same computation as that of `detect`, and gives the same detections.

        Raises:
            ValueError: the picture is looked at in more than one tile.
        """
        self._check_mode("inference", "trace")
        image = self._pixels(image)
        item = self.mold(self._only_tile(image) if self.config.TILE_SCALE else image)
        stages, detections, masks = self._run(self._trace, [item])
        stages = {name: ops.convert_to_numpy(value)[0] for name, value in stages.items()}
        levels = pyramid_level(ops.convert_to_tensor(stages["proposals"]), np.prod(item.molded.shape[:2]))
        result, window = self._result(item, detections[0], masks[0]), item.window
        if self.config.TILE_SCALE:
            in_tile = result
            result = self._in_tiles(image, lambda _: [in_tile])
            window = (0, 0, *size_in_tile((0, 0, *image.shape[:2]), self.config.TILE_SCALE))
        return Trace(
            image=image,
            molded=item.molded,
            window=np.array(window),
            features={name: stages[name] for name in ("C2", "C3", "C4", "C5", "P2", "P3", "P4", "P5", "P6")},
            anchors=self.anchors_of(item.molded.shape)[0],
            rpn_logits=stages["rpn_logits"],
            objectness=stages["rpn_probs"][:, 1],
            rpn_deltas=stages["rpn_deltas"],
            proposals=stages["proposals"],
            roi_levels=ops.convert_to_numpy(levels),
            crops=stages["crops"],
            class_logits=stages["class_logits"],
            class_probs=stages["class_probs"],
            class_deltas=stages["class_deltas"],
            detections=detections[0],
            mask_probs=masks[0],
            **with_full_masks(result),
        )

    def _only_tile(self, image):
        side, scale = self.config.IMAGE_MAX_DIM, self.config.TILE_SCALE
        regions = regions_of(image.shape, side, scale)
        if len(regions) > 1:
            y1, x1, y2, x2 = regions[0]
            raise ValueError(
                f"The picture of shape {image.shape} is looked at in {len(regions)} tiles, but a trace shows "
                f"one; cut a piece of at most {y2 - y1} by {x2 - x1} pixels out of it."
            )
        return cut_tile(image, regions[0], side, scale)

    def class_masks(self, trace):
        """The masks of every class for the detections of a trace, which keeps those of their own class alone.

        Returns:
            (D, 28, 28, K) float32: the mask head once more, on the same boxes and features.
        """
        self._check_mode("inference", "class_masks")
        count = len(trace.detections)
        if not count:
            return np.zeros((0, *self.config.MASK_SHAPE, self.config.NUM_CLASSES), np.float32)
        most = kernels.padded_count(count, self.config.DETECTION_MAX_INSTANCES)
        boxes = np.pad(trace.detections[:, :4], [(0, most - count), (0, 0)])[None]
        shapes = trace.image.shape, trace.molded.shape
        meta = pictures.compose_image_meta(0, *shapes, trace.window, 1, np.zeros(self.config.NUM_CLASSES))
        features = [level[None] for level in roi_levels(trace.features)]
        masks = self._segment(boxes, meta[None].astype(np.float32), *features)
        return ops.convert_to_numpy(masks)[0, :count]

    def mold(self, image):
        """Bring one picture, in whatever form, to the network's size and colours: a `Molded`."""
        config, image = self.config, self._pixels(image)
        # A random crop is for training; to detect, the whole picture is looked at.
        mode = "pad64" if config.IMAGE_RESIZE_MODE == "crop" else config.IMAGE_RESIZE_MODE
        resized, window, scale, _, _ = pictures.resize_image(
            image, config.IMAGE_MIN_DIM, config.IMAGE_MAX_DIM, config.IMAGE_MIN_SCALE, mode
        )
        if resized.shape[0] % 64 or resized.shape[1] % 64:
            raise ValueError(
                f"The picture has {resized.shape[0]} by {resized.shape[1]} pixels, but with "
                "IMAGE_RESIZE_MODE 'none' both must be multiples of 64: pad it, or use 'pad64'."
            )
        meta = pictures.compose_image_meta(
            0, image.shape, resized.shape, window, scale, np.zeros(config.NUM_CLASSES)
        )
        return Molded(image, pictures.mold_image(resized, config), meta.astype(np.float32), window)

    def anchors_of(self, image_shape):
        """Anchors of a molded picture's shape: [N, 4] float32 pixels, and the same normalised."""
        key = tuple(map(int, image_shape[:2]))
        with self._lock:
            if key not in self._anchors:
                if len(self._anchors) == MOST_SIZES:
                    self._anchors.pop(next(iter(self._anchors)))
                self._anchors[key] = anchors_for(self.config, image_shape)
            self._last_size = key
            return self._anchors[key]

    def _check_mode(self, mode, what):
        if self.mode != mode:
            raise ValueError(f"{what} needs a model made with mode={mode!r}; this one is for {self.mode}.")

    def _pixels(self, image):
        """One picture, in whatever form, as the array that the network is to see."""
        return as_pixels(image, self.config.IMAGE_CHANNEL_COUNT)

    def _batches(self, items):
        """Molded pictures, as many at a time as `BATCH_SIZE` says and have one size."""
        batch = []
        for item in items:
            if batch and (len(batch) == self.config.BATCH_SIZE or item.molded.shape != batch[0].molded.shape):
                yield batch
                batch = []
            batch.append(item)
        if batch:
            yield batch

    def _run(self, find, batch):
        """Run the network on molded pictures of one size, `find` its first part.

        Returns:
            dict of the tensors that `find` gives; and for each picture, of its D detections, lists of
            [D, 6] float32 and of masks [D, 28, 28] float32, each of the class detected.
        """
        molded, meta = (np.stack([getattr(item, name) for item in batch]) for name in ("molded", "meta"))
        anchors = self.anchors_of(molded.shape[1:])[1]
        stages = find(molded, meta, np.broadcast_to(anchors, (len(batch), *anchors.shape)))
        padded = ops.convert_to_numpy(stages["detections"])
        counts = np.count_nonzero(padded[..., 4], axis=1)
        detections = [rows[:count] for rows, count in zip(padded, counts, strict=True)]
        if not counts.any():
            return stages, detections, [np.zeros((0, *self.config.MASK_SHAPE), np.float32)] * len(batch)
        # The mask head sees what was detected, and nothing else.
        most = kernels.padded_count(counts.max(), self.config.DETECTION_MAX_INSTANCES)
        boxes = np.ascontiguousarray(padded[:, :most, :4])
        masks = ops.convert_to_numpy(self._segment(boxes, meta, *roi_levels(stages)))
        return (
            stages,
            detections,
            [
                every[np.arange(len(rows)), :, :, rows[:, 4].astype(int)]
                for every, rows in zip(masks, detections, strict=True)
            ],
        )

    def _result(self, item, detections, masks):
        """From the network's units to the picture's: what `detect_crops` gives for one picture."""
        return unmold(detections, masks, item.window, item.molded.shape, item.image.shape)

    # Training

    def train(
        self,
        train_dataset,
        val_dataset,
        learning_rate,
        epochs,
        layers,
        augmentation=None,
        custom_callbacks=None,
        no_augmentation_sources=None,
        optimizer=None,
        workers=1,
        use_multiprocessing=False,
        verbose="auto",
    ):
        """Train, and keep a checkpoint of each epoch in `log_dir`.

        After `load_weights` of a checkpoint of ours, training goes on where it ended: with the next
        epoch, its batches, its random choices, and the optimizer's state.

        Args:
            train_dataset: a prepared `Dataset`.
            val_dataset: likewise, for the losses at the end of each epoch, of the same pictures each time,
                chosen at random; None leaves these out.
            learning_rate: float, or a `keras.optimizers.schedules.LearningRateSchedule`.
            epochs: the number of the last epoch, those of earlier trainings counted in.
            layers: which are trained, see `layer_pattern`; the others stay as they are.
            augmentation: an imgaug augmenter, or a function (image, masks) -> (image, masks).
            custom_callbacks: list of `keras.callbacks.Callback`.
            no_augmentation_sources: names of sources whose pictures are not augmented.
            optimizer: a Keras optimizer in place of the original's SGD; it has its own learning rate.
            workers: threads that prepare batches, or processes; the batches are the same.
            use_multiprocessing: whether they are processes; see `mrcnn.training.workers` for when.
            verbose: as in `keras.Model.fit`.

        Returns:
            a `keras.callbacks.History`.

        Raises:
            FloatingPointError: the loss is no number any more; it names the pictures.
            ValueError: `layers` names no layer, or the data set cannot be trained on or sent to processes.
        """
        self._check_mode("training", "train")
        self._choose_layers(layers)
        config = self.config
        batches = Batches(
            train_dataset,
            config,
            augmentation=augmentation,
            no_augmentation_sources=no_augmentation_sources,
            epoch=self.epoch,
            steps=math.ceil(config.STEPS_PER_EPOCH),
        )
        validation = nullcontext()
        if val_dataset is not None and config.VALIDATION_STEPS:
            validation = reading(Batches(val_dataset, config, steps=math.ceil(config.VALIDATION_STEPS)))
        self.compile(learning_rate, config.LEARNING_MOMENTUM, optimizer)
        logger.info("Training from epoch %d on; checkpoints: %s", self.epoch + 1, self.log_dir or "none")
        if self.epoch >= epochs:
            logger.warning(
                "Nothing is trained: the weights are of epoch %d, and the last is to be %d; ask for more.",
                *(self.epoch, epochs),
            )
        with (
            devices.scope(self.distribution),
            reading(batches, workers, use_multiprocessing) as data,
            validation as validation_data,
        ):
            history = self.keras_model.fit(
                data,
                initial_epoch=self.epoch,
                epochs=epochs,
                validation_data=validation_data,
                shuffle=False,  # Batches has shuffled the pictures
                verbose=verbose,
                callbacks=[
                    FollowEpoch(batches),
                    RepeatableChoices(),
                    StopAtNaN(batches),
                    *self._records(),
                    *(custom_callbacks or []),
                ],
            )
        if history.epoch:  # empty when all epochs were trained before
            self.epoch = history.epoch[-1] + 1
            self._checkpoint = self.log_dir and self.checkpoint_path.format(epoch=self.epoch)
        return history

    def _choose_layers(self, layers):
        """Let those layers learn that `layers` of `train` names; raises ValueError if there is none."""
        try:
            self.set_trainable(layer_pattern(layers), verbose=0)
            problem = None if self.keras_model.trainable_variables else "no layer has such a name"
        except (re.error, TypeError) as error:
            problem = error
        if problem:
            raise ValueError(
                f"layers is {layers!r}: {problem}; give heads, 3+, 4+, 5+, all or a regular expression for "
                "the whole names of layers."
            )

    def _records(self):
        """The callbacks that write to `log_dir`, if there is one."""
        if not self.log_dir:
            return []
        Path(self.log_dir).mkdir(parents=True, exist_ok=True)
        return [Checkpoints(self.checkpoint_path, self.metadata()), *tensorboard(self.log_dir)]

    def compile(self, learning_rate, momentum, optimizer=None):
        """Prepare the training step, with the optimizer's state of the last checkpoint.

        Where other layers or another optimizer go on, it starts anew, and a warning says so. Where the very
        same go on, what was compiled before is used.
        """
        if isinstance(learning_rate, Real):
            learning_rate = float(learning_rate)  # Keras takes no other number
        optimizer = optimizer or keras.optimizers.SGD(
            learning_rate, float(momentum), global_clipnorm=self.config.GRADIENT_CLIP_NORM
        )
        learning = self.keras_model.trainable_variables
        with devices.scope(self.distribution):
            if self.distribution or devices.moves_others(optimizer, learning):
                optimizer = devices.optimizer_like(optimizer)
            optimizer.build(learning)
            if self.epoch and self._checkpoint:
                try:
                    weights.load_optimizer(optimizer, self._checkpoint)
                except weights.WeightsError as error:
                    logger.warning("The optimizer starts anew: %s", error)
            step = optimizer, [id(variable) for variable in learning]
            if self._compiled_step != step:
                self.keras_model.compile(optimizer=optimizer, jit_compile=kernels.JIT_COMPILE)
                self._compiled_step = step

    def set_trainable(self, layer_regex, keras_model=None, indent=0, verbose=1):
        """Let those layers learn whose whole name matches `layer_regex`, and no other.

        Args:
            layer_regex: a regular expression.
            keras_model: the model whose layers are meant, if not this one's.
            indent: columns to indent the log by.
            verbose: above 0 logs the layers chosen.
        """
        for layer in (keras_model or self.keras_model).layers:
            if isinstance(layer, keras.Model):
                layer.trainable = True
                self.set_trainable(layer_regex, layer, indent + 4, verbose)
            elif layer.weights and not isinstance(layer, TargetLayer):
                layer.trainable = bool(re.fullmatch(layer_regex, layer.name))
                if layer.trainable and verbose:
                    logger.info("%s%s (%s)", " " * indent, layer.name, type(layer).__name__)


def _as_list(images):
    """What `detect` was given as a list of pictures; raises ValueError if it is none."""
    if isinstance(images, (str, os.PathLike, Image.Image)) or getattr(images, "ndim", 4) in (2, 3):
        return [images]
    if not np.iterable(images) or getattr(images, "ndim", 4) != 4:
        raise ValueError("detect takes a picture or a list of pictures: arrays, Pillow images or paths.")
    return images


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


def no_chance():
    """A context in which layers begin with zeros where Keras would draw random weights.

    A network that detects gets all its weights from a file. Without one it finds nothing, instead of
    random boxes, and a second that drawing 64 million numbers takes is saved.
    """
    return keras.saving.custom_object_scope({"glorot_uniform": keras.initializers.Zeros})


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
    one = {"GPU_COUNT": 1, "IMAGES_PER_GPU": 1}
    config = Config(**described.attributes | one | overrides)
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

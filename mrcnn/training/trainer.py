"""The half of `MaskRCNN` that trains, and keeps what it learns in a folder of logs."""

import datetime
import logging
import math
import re
from contextlib import nullcontext
from numbers import Real
from pathlib import Path

import keras

from mrcnn import weights
from mrcnn.network import kernels
from mrcnn.training import devices
from mrcnn.training.batches import Batches
from mrcnn.training.feed import FollowEpoch, reading
from mrcnn.training.learner import Checkpoints, RepeatableChoices, StopAtNaN, tensorboard
from mrcnn.training.targets import TargetLayer

log = logging.getLogger(__name__)

CHECKPOINTS = "mask_rcnn_*.h5"  # of a folder of logs
BEGUN = ".begun"  # in a folder of logs, made by the training that it belongs to
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


class Trainer:
    """What `MaskRCNN` trains by, which gives it `config`, `keras_model`, `metadata` and `_check_mode`."""

    distribution = _checkpoint = _compiled_step = _begun_in = None

    def __init__(self, model_dir):
        self.model_dir = None if model_dir is None else str(model_dir)
        self.set_log_dir()

    # Where it is kept

    def find_last(self):
        """The newest checkpoint of this config's NAME in `model_dir`, a path.

        Raises:
            FileNotFoundError: there is none, or no `model_dir`.
        """
        if self.model_dir is None:
            raise FileNotFoundError(
                "The model was made without a `model_dir`, so it has no checkpoints; load weights by path."
            )
        for folder in sorted(Path(self.model_dir).glob(self._folders()), reverse=True):
            checkpoints = sorted(folder.glob(CHECKPOINTS))
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
        name, folder = self._prefix(), self._new_folder()
        number = re.fullmatch(rf"mask_rcnn_{re.escape(name)}_(\d{{4}})\.h5", Path(model_path or "").name)
        if number:
            self.epoch = int(number[1])
            before = Path(model_path).parent
            folder = folder.with_name(before.name) if before.match(self._folders()) else folder
        self.log_dir = str(folder)
        self.checkpoint_path = str(folder / f"mask_rcnn_{name}_{{epoch:04d}}.h5")

    def _new_folder(self):
        """A folder for this minute, or for the next in which no training has begun yet."""
        minute = datetime.datetime.now()
        while True:
            folder = Path(self.model_dir) / f"{self._prefix()}{minute:%Y%m%dT%H%M}"
            if not (folder / BEGUN).exists() and not any(folder.glob(CHECKPOINTS)):
                return folder
            minute += datetime.timedelta(minutes=1)

    def _make_folder(self):
        """Make `log_dir`; where another process was quicker to begin in it, another folder is chosen."""
        while True:
            Path(self.log_dir).mkdir(parents=True, exist_ok=True)
            if self.epoch or self.log_dir == self._begun_in:
                return
            try:
                (Path(self.log_dir) / BEGUN).touch(exist_ok=False)
                self._begun_in = self.log_dir
            except FileExistsError:
                self.set_log_dir()

    def _prefix(self):
        return (self.config.NAME or "mask_rcnn").lower()

    def _folders(self):
        """A pattern for the names of the folders that trainings of this NAME write to."""
        return f"{self._prefix()}{'[0-9]' * 8}T{'[0-9]' * 4}"

    # Steps

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
        chosen = {"optimizer": optimizer} if optimizer else {}  # a subclass's `compile` may know of none
        self.compile(learning_rate, config.LEARNING_MOMENTUM, **chosen)
        records = self._records()
        log.info("Training from epoch %d on; checkpoints: %s", self.epoch + 1, self.log_dir or "none")
        if self.epoch >= epochs:
            log.warning(
                "Nothing is trained: the weights are of epoch %d, and the last is to be %d; ask for more.",
                *(self.epoch, epochs),
            )
        with (
            devices.scope(self.distribution),
            kernels.tracing_expected(),
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
                    *records,
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
        self._make_folder()
        return [Checkpoints(self.checkpoint_path, self.metadata()), *tensorboard(self.log_dir)]

    def compile(self, learning_rate, momentum, optimizer=None):
        """Prepare the training step, with the optimizer's state of the last checkpoint.

        Where other layers or another optimizer go on, it starts anew: a warning says so in a model's first
        training, the log in its later stages. Where the very same go on, what was compiled before is used.
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
                    level = logging.INFO if self._compiled_step else logging.WARNING
                    log.log(level, "The optimizer starts anew: %s", error)
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
                    log.info("%s%s (%s)", " " * indent, layer.name, type(layer).__name__)

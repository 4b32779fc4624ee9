"""Trainings from end to end: they learn, keep checkpoints and logs, and go on after an interruption."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from mrcnn import model as models
from mrcnn.data.toybox import CLASS_NAMES, ToyboxDataset
from mrcnn.training.augmentation import flip
from tests.tiny import TinyTraining, beginner, five_normalized, shapes_of_five

RATE, EPOCHS = 0.02, 2
ROOT = Path(__file__).parents[1]


def scenes():
    return ToyboxDataset(3, seed=1, size=64)


def mirror(image, masks):
    """An augmentation as a user writes it."""
    return flip(image, masks, np.random.default_rng(int(image.sum())))


def train(folder, epochs, last=None, **options):
    """Train to `epochs`, after the checkpoint `last` if there is one; gives the model and the history."""
    model = beginner(folder, BACKBONE=five_normalized, TRAIN_BN=None, VALIDATION_STEPS=1)
    if last:
        model.load_weights(last)
    options = {"augmentation": mirror, "workers": 2, "verbose": 0} | options
    return model, model.train(scenes(), scenes(), RATE, epochs, "all", **options)


def train_and_die(folder):
    """What a process does whose power is cut in the middle of the second epoch."""

    class Die(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (1, 1):
                os.kill(os.getpid(), signal.SIGKILL)

    train(folder, EPOCHS, custom_callbacks=[Die()])


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A training of two epochs without a break: its model, history and the names of what it called back."""
    called = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: called.append((epoch, sorted(logs)))
    )
    model, history = train(tmp_path_factory.mktemp("straight"), EPOCHS, custom_callbacks=[callback])
    return model, history, called


def content(path):
    """All arrays of a file of weights, the optimizer's state included."""
    arrays = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: arrays.update({name: item[()]}) if hasattr(item, "dtype") else None
        )
    return arrays


def assert_same_training(path, expected):
    ours, theirs = content(path), content(expected)
    assert ours.keys() == theirs.keys()
    assert any(name.startswith("optimizer_weights") for name in ours)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=2e-5, err_msg=name)


def test_a_checkpoint_of_each_epoch_and_logs(straight):
    model, history, called = straight
    folder = Path(model.log_dir)
    assert folder.name.startswith("tiny20") and folder.parent == Path(model.model_dir)
    checkpoints = sorted(path.name for path in folder.glob("*.h5"))
    assert checkpoints == ["mask_rcnn_tiny_0001.h5", "mask_rcnn_tiny_0002.h5"]
    assert model.find_last() == str(folder / checkpoints[-1])
    assert list(folder.rglob("events.out.tfevents.*"))
    assert not list(folder.rglob("*.part"))
    assert [epoch for epoch, _ in called] == history.epoch == [0, 1]
    assert {"loss", "val_loss", "mrcnn_mask_loss", "val_rpn_class_loss"} <= set(called[0][1])
    assert model.epoch == 2


def test_what_was_trained_detects(straight):
    model, _, _ = straight
    functions = {"BACKBONE": five_normalized, "COMPUTE_BACKBONE_SHAPE": shapes_of_five}  # which no file tells
    ready = models.load(model.find_last(), DETECTION_MIN_CONFIDENCE=0.0, **functions)
    assert ready.class_names == CLASS_NAMES and ready.config.NAME == "tiny"
    result = ready.detect([scenes().load_image(0)])[0]
    assert len(result["scores"]) and np.isfinite(result["scores"]).all()


def test_killed_in_the_middle_it_goes_on_as_if_nothing_had_happened(straight, tmp_path):
    code = f"from tests.test_training import train_and_die; train_and_die({str(tmp_path)!r})"
    died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr

    last = beginner(tmp_path).find_last()
    assert Path(last).name == "mask_rcnn_tiny_0001.h5"
    first = sorted(Path(straight[0].log_dir).glob("*.h5"))[0]
    assert_same_training(last, first)
    model, history = train(tmp_path, EPOCHS, last)
    assert history.epoch == [1] and model.find_last().endswith("0002.h5")
    assert Path(model.log_dir) == Path(last).parent
    assert_same_training(model.find_last(), straight[0].find_last())


def test_epochs_that_are_done_are_not_done_again(straight, tmp_path, caplog):
    model = beginner(tmp_path, BACKBONE=five_normalized, TRAIN_BN=None)
    model.load_weights(straight[0].find_last())
    assert model.epoch == 2
    assert model.train(scenes(), None, RATE, 2, "all", verbose=0).epoch == []
    assert model.epoch == 2
    assert "Nothing is trained: the weights are of epoch 2, and the last is to be 2" in caplog.text


def test_other_layers_and_another_rate_go_on_with_a_new_optimizer(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    model = beginner(tmp_path, STEPS_PER_EPOCH=1)
    model.train(scenes(), None, RATE, 1, "heads", verbose=0)
    steps = int(model.keras_model.optimizer.iterations)
    model.train(scenes(), None, RATE / 10, 2, "heads", verbose=0)
    assert (steps, int(model.keras_model.optimizer.iterations)) == (1, 2)
    assert float(model.keras_model.optimizer.learning_rate) == pytest.approx(RATE / 10)
    assert "starts anew" not in caplog.text
    model.train(scenes(), None, RATE, 3, "5+", verbose=0)
    assert "starts anew" in caplog.text
    assert int(model.keras_model.optimizer.iterations) == 1
    assert model.epoch == 3 and model.find_last().endswith("0003.h5")


def test_an_optimizer_of_ones_own_goes_on_with_other_layers(tmp_path, caplog):
    model = beginner(tmp_path, STEPS_PER_EPOCH=1, LEARNING_MOMENTUM=0)
    optimizer = keras.optimizers.SGD(RATE, clipnorm=1.0)
    for epoch, layers in enumerate(("heads", "all", "all"), 1):
        model.train(scenes(), None, None, epoch, layers, optimizer=optimizer, verbose=0)
    assert "it has trained other layers" in caplog.text
    model.train(scenes(), None, np.float32(RATE), 4, "heads", verbose=0)
    assert model.epoch == 4


def test_stages_of_a_subclass_and_the_best_weights_by_keras_s_own_callback(tmp_path, caplog):
    """As programs for the original fine-tune: heads, then all, with an optimizer of their own."""

    class WithMomentum(models.MaskRCNN):
        def compile(self, learning_rate, momentum):
            super().compile(learning_rate, momentum / 2)

    first = beginner(tmp_path, BACKBONE="compact", STEPS_PER_EPOCH=1)
    model = WithMomentum("training", first.config, str(tmp_path))
    best = tmp_path / "best.weights.h5"
    keep = keras.callbacks.ModelCheckpoint(best, monitor="loss", save_weights_only=True)
    with caplog.at_level(logging.WARNING):
        for epoch, layers in enumerate(("heads", "all"), 1):
            model.train(scenes(), None, RATE, epoch, layers, custom_callbacks=[keep], verbose=0)
    assert not caplog.records and model.keras_model.optimizer.momentum == first.config.LEARNING_MOMENTUM / 2
    config = first.config.__class__(**first.config.changes())
    detecting = models.MaskRCNN("inference", config, None)
    detecting.load_weights(best, by_name=True)
    names = "conv1", "mrcnn_mask"
    for ours, theirs in ((detecting.keras_model.get_layer(n), model.keras_model.get_layer(n)) for n in names):
        np.testing.assert_array_equal(ours.get_weights()[0], theirs.get_weights()[0])
    with pytest.raises(ValueError, match="skip_mismatch.*exclude="):
        detecting.keras_model.load_weights(best, by_name=True, skip_mismatch=True)
    with pytest.raises(FileExistsError, match="best.weights.h5 exists"):
        model.keras_model.save_weights(best, overwrite=False)


def test_a_method_that_detect_does_not_call_is_told_of():
    with pytest.warns(UserWarning, match="Inverted.mold_inputs .*`mold`"):

        class Inverted(models.MaskRCNN):
            def mold_inputs(self, images):
                return super().mold_inputs([255 - image for image in images])


def test_stopped_early_the_next_training_follows_on(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    model = beginner(tmp_path, STEPS_PER_EPOCH=1)
    model.train(scenes(), None, RATE, 5, "heads", custom_callbacks=[Stop()], verbose=0)
    assert model.epoch == 1


def test_a_checkpoint_of_another_place_is_gone_on_from_in_our_own(tmp_path):
    model = beginner(tmp_path / "logs")
    model.set_log_dir("/drive/tiny20250102T0900/mask_rcnn_tiny_0002.h5")
    assert (model.epoch, model.log_dir) == (2, str(tmp_path / "logs" / "tiny20250102T0900"))
    model.set_log_dir("/drive/mask_rcnn_tiny_0003.h5")
    assert model.epoch == 3 and Path(model.log_dir).parent == tmp_path / "logs"


def test_a_training_in_the_same_minute_has_a_folder_of_its_own(tmp_path):
    folders = set()
    for _ in range(3):
        model = beginner(tmp_path)
        folders.add(model.log_dir)
        Path(model.log_dir).mkdir()
        model.save_weights(model.checkpoint_path.format(epoch=1))
        assert model.find_last() == model.checkpoint_path.format(epoch=1)  # the newest
    assert len(folders) == 3


def test_of_two_trainings_that_begin_at_once_each_has_a_folder(tmp_path):
    """Both were made before either made a folder, as by two commands of one line."""
    one, two = beginner(tmp_path), beginner(tmp_path)
    assert one.log_dir == two.log_dir
    began = []
    for model in (one, two, one):
        model.train(scenes(), None, 0.001, 0, "heads")  # no epoch
        began.append(model.log_dir)
    assert began[0] == began[2] != began[1] and all(Path(folder).is_dir() for folder in began)
    assert two.checkpoint_path.startswith(two.log_dir)
    assert beginner(tmp_path).log_dir not in began


def test_find_last_without_a_folder():
    with pytest.raises(FileNotFoundError, match="without a `model_dir`"):
        beginner(None).find_last()


def test_find_last_is_not_misled_by_longer_names(tmp_path):
    model = beginner(tmp_path)
    with pytest.raises(FileNotFoundError, match="train one first"):
        model.find_last()
    for folder in ("tiny20250101T0900", "tiny20250102T0900", "tiny_big20260101T0900", "tiny20260101T0900"):
        (tmp_path / folder).mkdir()
    for name in (
        "tiny20250101T0900/mask_rcnn_tiny_0009.h5",
        "tiny20250102T0900/mask_rcnn_tiny_0001.h5",
        "tiny20250102T0900/mask_rcnn_tiny_0002.h5",
        "tiny_big20260101T0900/mask_rcnn_tiny_big_0001.h5",
    ):
        (tmp_path / name).touch()
    assert model.find_last() == str(tmp_path / "tiny20250102T0900/mask_rcnn_tiny_0002.h5")


def test_another_number_of_classes_starts_from_trained_weights(tmp_path):
    class Two(TinyTraining):
        NAME = "two"
        NUM_CLASSES = 3
        STEPS_PER_EPOCH = 1

    class Halves(ToyboxDataset):
        """The toybox with two classes: the first half of its things, and the rest."""

        def __init__(self):
            super().__init__(3, seed=1, size=64)
            self.class_info = self.class_info[:1]
            self.add_class("toybox", 1, "one half")
            self.add_class("toybox", 2, "other half")
            self.prepare()

        def load_mask(self, image_id):
            masks, ids = super().load_mask(image_id)
            return masks, np.where(ids < 10, 1, 2).astype(np.int32)

    first = beginner(tmp_path / "first", BACKBONE="compact")
    trained = first.checkpoint_path.format(epoch=2)
    Path(first.log_dir).mkdir(parents=True)
    first.save_weights(trained)
    model = models.MaskRCNN("training", Two(), tmp_path, ["BG", "one half", "other half"])
    with pytest.raises(ValueError, match="exclude="):
        model.load_weights(trained)
    heads = ["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"]
    model.load_weights(trained, by_name=True, exclude=heads)
    assert model.epoch == 0 and Path(model.log_dir).parent == tmp_path
    history = model.train(Halves(), None, RATE, 1, "heads", verbose=0).history
    assert np.isfinite(history["loss"]).all()
    ready = models.load(model.find_last(), DETECTION_MIN_CONFIDENCE=0.0)
    assert ready.class_names == ["BG", "one half", "other half"]
    (result,) = ready.detect([scenes().load_image(0)])
    assert np.isfinite(result["scores"]).all()


def test_losses_fall_on_a_few_scenes(tmp_path):
    model = beginner(tmp_path, TRAIN_BN=None, STEPS_PER_EPOCH=15, IMAGES_PER_GPU=3)
    optimizer = keras.optimizers.Adam(3e-3)
    history = model.train(scenes(), None, None, 3, "all", optimizer=optimizer, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    # Early on few proposals have a mask to learn; in the end masks are better than the toss of a coin.
    assert 0 < history["mrcnn_mask_loss"][-1] < np.log(2)

"""A training on two devices is that on one: the same losses, weights and state of the optimizer.

The tolerances leave room for rounding, which grows from step to step.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from mrcnn.data.toybox import ToyboxDataset
from mrcnn.network import kernels
from mrcnn.recipes import RECIPES
from tests.backend import BACKEND, to_numpy, trains
from tests.tiny import beginner, five_normalized, tiny, values

ROOT = Path(__file__).parents[2]
SCENES = ToyboxDataset(8, seed=1, size=64)


def scope():
    """What a program opens that divides its batches itself."""
    return kernels.distribution(kernels.devices()[:2]).scope()


def trained(model, epochs, optimizer=None):
    """Train to an epoch; gives the losses of each step, and those of the validation."""
    steps = []

    def note(batch, logs):
        steps.append([float(logs[name]) for name in sorted(logs)])

    history = model.train(
        SCENES,
        SCENES,
        *(0.002, epochs, "all"),
        optimizer=optimizer,
        custom_callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)],
        verbose=0,
    ).history
    return steps, np.transpose(
        [history[name] for name in sorted(history) if name.startswith("val_")]
    ).tolist()


def content(model):
    """The arrays of the last checkpoint of a model, those of its optimizer included."""
    arrays = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(model.checkpoint_path.format(epoch=model.epoch)) as file:
        file.visititems(note)
    return arrays


def compare(one, two, begin, unsure=None):
    """Both learnt the same: rounding apart, their weights and the optimizer's state moved equally far.

    Args:
        one, two: `MaskRCNN`s.
        begin: dict of the weights from which both began.
        unsure: pattern for names of weights that rounding alone moves.
    """
    ours, theirs = content(one), content(two)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        start = begin.get(name.removesuffix(":0").partition("/")[2], 0)
        if not re.match(unsure or "$", name):
            most = 1e-2 * np.abs(array - start).max() + 1e-6
            assert np.abs(array - theirs[name]).max() <= most, name


def by_config(folder):
    """GPU_COUNT alone, with the original's optimizer, whose gradients are clipped.

    The two go on from where the one was after half of its steps.
    """
    config = {"STEPS_PER_EPOCH": 2, "VALIDATION_STEPS": 1}
    one = beginner(f"{folder}/one", IMAGES_PER_GPU=4, **config)
    begin = values(one.keras_model)
    losses = trained(one, 2)
    config |= {"GPU_COUNT": 2, "IMAGES_PER_GPU": 2}
    two = beginner(f"{folder}/two", **config)
    two.load_weights(one.checkpoint_path.format(epoch=1))
    assert (two.epoch, *(kernels.parts(model.distribution) for model in (one, two))) == (1, 1, 2)
    for ours, theirs in zip(losses, trained(two, 2), strict=True):
        np.testing.assert_allclose(theirs, ours[len(ours) // 2 :], rtol=1e-3)
    compare(one, two, begin)
    again = beginner(f"{folder}/two", **config)
    again.load_weights(two.find_last())
    again.train(SCENES, None, 0.002, 2, "all", verbose=0)  # no step, but the optimizer's state is there
    states = (model.keras_model.optimizer.variables for model in (again, two))
    for ours, theirs in zip(*states, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))


def by_program(folder):
    """A scope of the program's own, with Muon and the statistics of batches."""
    config = {"BACKBONE": five_normalized, "STEPS_PER_EPOCH": 2, "IMAGES_PER_GPU": 4, "TRAIN_BN": None}
    one = beginner(f"{folder}/one", **config)
    begin = values(one.keras_model)
    with scope():
        two = beginner(f"{folder}/two", **config)
        with pytest.raises(ValueError, match="3 pictures cannot be divided among the 2 .*GPU_COUNT to 2"):
            beginner(folder, IMAGES_PER_GPU=3)
    assert kernels.parts(two.distribution) == 2
    ours, theirs = (trained(model, 1, RECIPES["toybox"].optimizer(4)) for model in (one, two))
    np.testing.assert_allclose(theirs[0], ours[0], rtol=1e-3)
    # A normalisation takes away what a bias before it adds: its gradient is nothing but rounding.
    compare(one, two, begin, r"(conv\d|res\w+|mrcnn_\w+_conv\d)/.*bias")


def on_two_devices(what, folder):
    """What a process does whose processor counts as two devices."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        processor, *_ = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
        # Threads add up in any order, and rounding can swap two proposals: other RoIs would be chosen.
        tf.config.experimental.enable_op_determinism()
    assert len(kernels.devices()) == 2
    what(folder)
    assert kernels.distribution() is None  # what comes after is on one device again
    assert tiny().detect([SCENES.load_image(0)])[0]["scores"].size


@pytest.mark.skipif(BACKEND not in ("tensorflow", "jax"), reason="Keras divides batches on these two alone.")
@pytest.mark.parametrize("what", [by_config, by_program])
def test_two_devices_learn_what_one_does(tmp_path, what):
    text = f"from tests.training.test_devices import *; on_two_devices({what.__name__}, {str(tmp_path)!r})"
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=ROOT,
        env=os.environ | {"XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@trains
def test_with_fewer_devices_than_asked_for_one_takes_the_whole_batch(tmp_path, caplog):
    if len(kernels.devices()) > 1:
        pytest.skip("There is more than one device.")
    model = beginner(tmp_path, GPU_COUNT=2, IMAGES_PER_GPU=1)
    steps, _ = trained(model, 1)
    assert model.distribution is None and len(steps) == model.config.STEPS_PER_EPOCH
    (line,) = [record.getMessage() for record in caplog.records if "GPU_COUNT" in record.getMessage()]
    assert line.startswith("GPU_COUNT is 2, but Keras trains on one device here")
    assert "all 2 pictures" in line and "TensorFlow or JAX" in line

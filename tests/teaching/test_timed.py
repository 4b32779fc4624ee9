"""A training by the clock."""

import threading

import numpy as np
import pytest

from mrcnn.config import LOSSES
from mrcnn.model import MaskRCNN
from mrcnn.teaching.timed import Timed, pace
from mrcnn.weights import copy_weights
from tests.backend import to_numpy
from tests.tiny import TinyTraining


def test_losses_are_those_of_each_step():
    timed = Timed(1e9, 1.0, threading.Event())
    values = [5.0, 1.0, 3.0, 7.0]
    for batch in range(len(values)):
        timed.on_train_batch_end(batch, dict.fromkeys(LOSSES, np.mean(values[: batch + 1])))
    for of_loss in timed.losses.values():
        np.testing.assert_allclose(of_loss, values)
    assert timed.loss == pytest.approx(35) and timed.times[0] == 0 and len(timed.times) == 4


def test_pace_rises_for_a_tenth_then_falls():
    shares = np.linspace(0, 1.2, 121)
    paces = np.array([pace(share) for share in shares])
    assert paces[0] == pytest.approx(0.05) and paces[10] == pytest.approx(1) and paces.max() <= 1
    assert (np.diff(paces[:11]) > 0).all() and (np.diff(paces[10:101]) < 0).all()
    np.testing.assert_allclose(paces[100:], 0.02)


def test_copied_weights_are_copies():
    source = MaskRCNN("training", TinyTraining()).keras_model
    target = MaskRCNN("inference", TinyTraining()).keras_model
    copy_weights(source, target)
    kernel = target.get_layer("conv1").kernel
    before = to_numpy(kernel).copy()
    np.testing.assert_array_equal(before, to_numpy(source.get_layer("conv1").kernel))
    source.get_layer("conv1").kernel.assign(before + 1)
    np.testing.assert_array_equal(before, to_numpy(kernel))

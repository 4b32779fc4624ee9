"""Detections against the reference and against suppression class by class in plain NumPy."""

import json
from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mrcnn.config import Config
from mrcnn.network import boxes as box_ops
from mrcnn.network import kernels
from mrcnn.network.detections import DetectionLayer
from tests.backend import BACKEND, compiled, to_numpy


def detect(config, *inputs):
    layer = DetectionLayer(config)
    return compiled(lambda *tensors: layer(list(tensors)))(*inputs)


@pytest.mark.parametrize("case", range(4))
def test_detections_as_the_reference(golden, case):
    known = golden("detections")
    config = Config(**json.loads(str(known[f"in_args{case}"])))
    found = detect(config, *[known[f"in_{name}{case}"] for name in ("rois", "probs", "deltas", "meta")])
    np.testing.assert_allclose(found, known[f"out{case}"], rtol=1e-5, atol=1e-5)


CONFIG = Config(NUM_CLASSES=4, DETECTION_MAX_INSTANCES=6, DETECTION_MIN_CONFIDENCE=0.4)
HEIGHT, WIDTH = 101, 201  # pixels: a hundredth of the height is one, and two of the width
DETECT = cache(lambda: compiled(lambda *inputs: DetectionLayer(CONFIG)(list(inputs))))


def make_meta(batch, windows=None):
    """Image meta as far as detections read it: the molded picture's shape and the window."""
    meta = np.zeros((batch, 16), np.float32)
    meta[:, 4:7] = HEIGHT, WIDTH, 3
    meta[:, 7:11] = [0, 0, HEIGHT, WIDTH] if windows is None else windows
    return meta


def plain_detections(rois, probs, deltas, window, config):
    """What one picture's detections are, class by class: [D, 6]; None where rounding decides which."""
    classes = probs.argmax(axis=1)
    scores = probs.max(axis=1)
    chosen = deltas[np.arange(len(rois)), classes] * config.BBOX_STD_DEV
    refined = box_ops.clip(box_ops.apply_deltas(rois, chosen), window)
    kept = []
    for class_id in range(1, config.NUM_CLASSES):
        mine = np.flatnonzero((classes == class_id) & (scores >= config.DETECTION_MIN_CONFIDENCE))
        overlaps = box_ops.iou(refined[mine], refined[mine])
        if (np.abs(overlaps - config.DETECTION_NMS_THRESHOLD) < 1e-6).any():
            return None
        mine = mine[::-1]  # of equals the network keeps the first, NumPy the last, as the original
        best = box_ops.non_max_suppression(refined[mine], scores[mine], config.DETECTION_NMS_THRESHOLD)
        kept.extend(mine[best])
    kept = sorted(kept, key=lambda i: (-scores[i], i))[: config.DETECTION_MAX_INSTANCES]
    return np.concatenate([refined[kept], classes[kept, None], scores[kept, None]], axis=1)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_detections_are_those_of_each_class_by_itself(seed):
    rng = np.random.default_rng(seed)
    rois = rng.integers(0, 9, (2, 12, 4)).reshape(2, 12, 2, 2) / 10
    rois = np.sort(rois, axis=2).reshape(2, 12, 4).astype(np.float32)
    # A few levels of confidence, so that some are equal, and some equal to the least.
    probs = rng.choice([0.1, 0.2, 0.4, 0.8], (2, 12, 4)).astype(np.float32)
    deltas = rng.choice([0, 0, 1, -2], (2, 12, 4, 4)).astype(np.float32)
    windows = np.array([[0, 0, HEIGHT, WIDTH], [11, 21, 71, 181]])
    found = DETECT()(rois, probs, deltas, make_meta(2, windows))
    assert found.shape == (2, 6, 6)
    for picture, window in enumerate(box_ops.normalise(windows, (HEIGHT, WIDTH))):
        expected = plain_detections(rois[picture], probs[picture], deltas[picture], window, CONFIG)
        assume(expected is not None)
        np.testing.assert_allclose(found[picture, : len(expected)], expected, atol=1e-6)
        assert not found[picture, len(expected) :].any()


def certain(class_ids, classes=4):
    """Probabilities [1, R, classes] of RoIs whose classes are beyond doubt, falling slightly."""
    probs = np.eye(classes, dtype=np.float32)[class_ids]
    return (probs * np.linspace(1, 0.9, len(class_ids), dtype=np.float32)[:, None])[None]


def test_background_is_never_found():
    rois = np.tile(np.array([0, 0, 1, 1], np.float32), (1, 3, 1))
    found = detect(CONFIG, rois, certain([0, 0, 0]), np.zeros((1, 3, 4, 4), np.float32), make_meta(1))
    assert not found.any()


def test_suppression_is_among_one_class():
    rois = np.tile(np.array([0.1, 0.1, 0.5, 0.5], np.float32), (1, 4, 1))
    deltas = np.zeros((1, 4, 4, 4), np.float32)
    found = detect(CONFIG, rois, certain([1, 2, 1, 2]), deltas, make_meta(1))
    np.testing.assert_array_equal(found[0, :3, 4], [1, 2, 0])


def test_a_box_is_refined_by_the_deltas_of_its_class_and_cut_at_the_window():
    rois = np.array([[[0.2, 0.2, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]]], np.float32)
    deltas = np.zeros((1, 2, 4, 4), np.float32)
    deltas[0, 0, 2] = [5, 0, 0, 0]  # half a side down
    deltas[0, :, 1] = 7  # of another class
    found = detect(CONFIG, rois, certain([2, 3]), deltas, make_meta(1, [0, 0, HEIGHT, 141]))
    np.testing.assert_allclose(found[0, 0], [0.3, 0.2, 0.5, 0.4, 2, 1], atol=1e-6)
    np.testing.assert_allclose(found[0, 1], [0.5, 0.5, 0.9, 0.7, 3, 0.9], atol=1e-6)


def test_no_confidence_is_asked_for_when_the_least_is_zero():
    config = Config(NUM_CLASSES=2, DETECTION_MIN_CONFIDENCE=0, DETECTION_MAX_INSTANCES=3)
    rois = np.array([[[0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9]]], np.float32)
    probs = np.array([[[0, 1e-6], [0, 0]]], np.float32)  # of equals, the background comes first
    found = detect(config, rois, probs, np.zeros((1, 2, 2, 4), np.float32), make_meta(1)[:, :14])
    np.testing.assert_array_equal(found[0, :, 4], [1, 0, 0])


def test_a_network_of_nan_finds_nothing():
    probs, deltas = np.full((1, 5, 4), np.nan, np.float32), np.full((1, 5, 4, 4), np.nan, np.float32)
    rois = np.tile(np.array([0, 0, 1, 1], np.float32), (1, 5, 1))
    assert not detect(CONFIG, rois, probs, deltas, make_meta(1)).any()


@pytest.mark.parametrize("count", [0, 1, 6, 9])
def test_any_number_of_rois_in_a_model(count):
    if count == 0 and BACKEND == "openvino":
        pytest.skip("OpenVINO's graphs are made for the sizes they get, and none comes without RoIs.")
    inputs = [keras.Input((None, 4)), keras.Input((None, 4)), keras.Input((None, 4, 4)), keras.Input((16,))]
    detections = DetectionLayer(CONFIG)(inputs)
    assert detections.shape[2] == 6
    start = np.linspace(0, 0.9, count, dtype=np.float32)[:, None]
    rois = np.concatenate([start, start, start + 0.05, start + 0.05], axis=1)[None]
    deltas = np.zeros((1, count, 4, 4), np.float32)
    run = kernels.compiled(keras.Model(inputs, detections))
    found = to_numpy(run(rois, certain([1] * count).reshape(1, count, 4), deltas, make_meta(1)))
    expected = min(count, 6)
    np.testing.assert_allclose(found[0, :expected, :4], rois[0, :expected], atol=1e-6)
    assert not found[0, expected:].any()

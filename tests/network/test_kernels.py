"""Kernels against their definitions in plain NumPy: suppression, cropping, the best few, compiled calls."""

import signal
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import ops

from mrcnn.network import kernels
from mrcnn.network.kernels.suppression import NMS_BLOCK, blocked_nms
from tests.backend import BACKEND, compiled, gradient, to_numpy

ROOT = Path(__file__).parents[2]


def in_order(corners):
    """Boxes [..., 4] from any four numbers each."""
    return np.sort(corners.reshape(*corners.shape[:-1], 2, 2), axis=-2).reshape(corners.shape)


# Suppression


def greedy(boxes, threshold, limit):
    """Non-maximum suppression as it is told: boxes [N, 4], best first, to at most `limit` of them, [M, 4]."""
    kept = []
    for y1, x1, y2, x2 in boxes.tolist():
        for a1, b1, a2, b2 in kept:
            shared = max(min(y2, a2) - max(y1, a1), 0) * max(min(x2, b2) - max(x1, b1), 0)
            union = (y2 - y1) * (x2 - x1) + (a2 - a1) * (b2 - b1) - shared
            if union > 0 and shared / union > threshold:
                break
        else:
            kept.append((y1, x1, y2, x2))
    return np.array(kept[:limit]).reshape(-1, 4)


@cache
def suppression(threshold, limit):
    return compiled(lambda boxes: kernels.non_max_suppression(boxes, threshold, limit))


def blocked(boxes, threshold, limit):
    """The suppression of JAX and PyTorch, on TensorFlow as well; outside of a graph, where N is known."""
    return to_numpy(blocked_nms(ops.convert_to_tensor(boxes), threshold, limit))


def assert_greedy(boxes, threshold, limit):
    results = [suppression(threshold, limit)(boxes)]
    if BACKEND == "tensorflow":
        results.append(blocked(boxes, threshold, limit))
    for result in results:
        assert result.shape == (len(boxes), limit, 4)
        for picture, kept in zip(boxes, result, strict=True):
            expected = greedy(picture, threshold, limit)
            np.testing.assert_array_equal(kept[: len(expected)], expected)
            assert not kept[len(expected) :].any()


@pytest.mark.parametrize("limit", [3, 20])
@pytest.mark.parametrize("threshold", [0.3, 0.5])
@given(boxes=arrays.arrays(np.float32, (2, 9, 4), elements=st.integers(0, 6)).map(in_order))
@settings(max_examples=60, deadline=None)
def test_suppression_is_greedy(threshold, limit, boxes):
    """Whole numbers make many boxes equal or without area, and many overlaps equal to the threshold."""
    assert_greedy(boxes, threshold, limit)


@pytest.mark.parametrize(
    ("count", "side", "limit"),
    [
        (1, 6, 5),
        (NMS_BLOCK, 40, 60),  # one block, filled
        (2 * NMS_BLOCK + 1, 25, 20),  # the limit is reached in the first block
        (2 * NMS_BLOCK + 1, 12, 700),  # the limit is beyond the number of boxes
    ],
)
@pytest.mark.parametrize("threshold", [0.2, 0.7])
def test_suppression_of_many_boxes_is_greedy(count, side, limit, threshold):
    rng = np.random.default_rng(count)
    for _ in range(2):
        boxes = in_order(rng.integers(0, side, (2, count, 4)).astype(np.float32))
        assert_greedy(boxes, threshold, limit)


def test_suppression_goes_on_until_every_picture_has_enough():
    """The first picture has enough after one block, the second nothing but copies of one box until then."""
    start = np.arange(3 * NMS_BLOCK, dtype=np.float32)[:, None]
    apart = np.concatenate([start, start, start + 1, start + 1], axis=1)
    alike = np.where(start < NMS_BLOCK, apart[:1], apart)
    assert_greedy(np.stack([apart, alike]), 0.3, 40)


def test_suppression_of_a_chain():
    """Each box overlaps the next: every second one is kept, though it takes as many rounds as boxes."""
    start = np.arange(40, dtype=np.float32)[:, None]
    boxes = np.concatenate([start, np.zeros_like(start), start + 2, np.ones_like(start)], axis=1)
    kept = suppression(0.3, 40)(boxes[None])[0]
    np.testing.assert_array_equal(kept[:20], boxes[::2])
    survivors = compiled(kernels.survivors)(np.eye(40, k=1, dtype=bool)[None], np.ones((1, 40), bool))
    np.testing.assert_array_equal(survivors[0], np.arange(40) % 2 == 0)


SURVIVORS = cache(lambda: compiled(kernels.survivors))


@given(arrays.arrays(bool, (2, 8, 8)), arrays.arrays(bool, (2, 8)))
@settings(max_examples=60, deadline=None)
def test_survivors_are_those_of_going_through_the_boxes(overlaps, alive):
    result = SURVIVORS()(overlaps, alive)
    for picture, overlap in enumerate(overlaps):
        kept = []
        for i in np.flatnonzero(alive[picture]):
            if not any(overlap[j, i] for j in kept):
                kept.append(i)
        np.testing.assert_array_equal(np.flatnonzero(result[picture]), kept)


def test_no_gradient_flows_through_suppression():
    boxes = in_order(np.random.default_rng(0).random((1, 12, 4), np.float32))
    (slope,) = gradient(lambda b: ops.sum(kernels.non_max_suppression(b, 0.5, 5)), boxes)
    assert not slope.any()


# The best few

TOP = cache(lambda k: compiled(lambda values: kernels.top_k(values, k)))


@pytest.mark.parametrize("k", [0, 1, 5, 9])
@given(values=arrays.arrays(np.float32, (2, 7), elements=st.sampled_from([-np.inf, -1, 0, 0.5, 2])))
@settings(max_examples=30, deadline=None)
def test_top_k_keeps_equals_in_order(k, values):
    if k == 0 and BACKEND == "openvino":
        pytest.skip("OpenVINO does not rank nothing, and nothing asks it to.")
    best, indices = TOP(k)(values)
    order = np.argsort(-values, axis=-1, kind="stable")[:, :k]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(best, np.take_along_axis(values, order, axis=-1))
    assert indices.dtype == np.int32


def test_top_k_of_very_many_equals():
    flags = (np.random.default_rng(0).random((1, 100_000)) < 0.01).astype(np.int32)
    _, indices = TOP(500)(flags)
    np.testing.assert_array_equal(indices[0], np.flatnonzero(flags)[:500])


# Cropping


def plain_crop(images, boxes, indices, size):
    """TensorFlow's `crop_and_resize` by its definition, in float32 like its own."""

    def axis(start, end, length):
        last = np.float32(length - 1)
        place = start * last + np.arange(size, dtype=np.float32) * (
            (end - start) * last / np.float32(size - 1)
        )
        inside, place = (place >= 0) & (place <= last), np.clip(place, 0, last)
        low, high = np.floor(place).astype(int), np.ceil(place).astype(int)
        return low, high, (place - low)[:, None], inside

    crops = []
    for (y1, x1, y2, x2), index in zip(boxes, indices, strict=True):
        top, bottom, down, y_inside = axis(y1, y2, images.shape[1])
        left, right, across, x_inside = axis(x1, x2, images.shape[2])
        rows = images[index][top] * (1 - down[:, None]) + images[index][bottom] * down[:, None]
        crop = rows[:, left] * (1 - across) + rows[:, right] * across
        crops.append(crop * (y_inside[:, None] & x_inside)[..., None])
    return np.array(crops, np.float32).reshape(-1, size, size, images.shape[-1])


def varied_boxes(rng, count):
    """Boxes with half of their sides on the border, some beyond it; some are points, some turned over."""
    boxes = in_order(rng.random((count, 4), np.float32))
    border = np.array([0, 0, 1, 1], np.float32)
    boxes = np.where(rng.random((count, 4)) < 0.5, border, boxes)
    kind = rng.integers(0, 8, count)
    boxes[kind == 0] += rng.normal(0, 0.5, (count, 4)).astype(np.float32)[kind == 0]
    boxes[kind == 1, 2:] = boxes[kind == 1, :2]
    boxes[kind == 2] = boxes[kind == 2][:, [2, 1, 0, 3]]
    return boxes


@pytest.mark.parametrize(("height", "width", "channels"), [(37, 23, 2), (64, 64, 3), (1, 1, 1), (1, 9, 2)])
@pytest.mark.parametrize("size", [2, 7, 14])
def test_crop_and_resize_as_defined(height, width, channels, size):
    """To the last bit where it matters: a sample that rounding puts beyond the border is 0."""
    rng = np.random.default_rng(size)
    images = 1 + rng.random((2, height, width, channels), np.float32)
    boxes = varied_boxes(rng, 800)
    indices = rng.integers(0, 2, 800).astype(np.int32)
    crops = compiled(lambda *inputs: kernels.crop_and_resize(*inputs, size))(images, boxes, indices)
    expected = plain_crop(images, boxes, indices, size)
    assert crops.shape == expected.shape
    np.testing.assert_array_equal(crops == 0, expected == 0)
    np.testing.assert_allclose(crops, expected, rtol=1e-5, atol=1e-5)


def test_crop_of_the_whole_picture_at_its_own_size_is_the_picture():
    images = np.random.default_rng(0).random((1, 5, 5, 3), np.float32)
    whole, index = np.array([[0, 0, 1, 1]], np.float32), np.zeros(1, np.int32)
    crops = compiled(lambda *inputs: kernels.crop_and_resize(*inputs, 5))(images, whole, index)
    np.testing.assert_allclose(crops, images, rtol=1e-6)


def test_a_box_of_nan_reads_nothing_that_it_may_not():
    images = np.ones((1, 4, 4, 1), np.float32)
    boxes = np.array([[np.nan] * 4, [0, 0, np.inf, 1], [0, 0, 1, 1]], np.float32)
    crops = compiled(lambda *inputs: kernels.crop_and_resize(*inputs, 2))(
        images, boxes, np.zeros(3, np.int32)
    )
    np.testing.assert_array_equal(crops, np.ones((3, 2, 2, 1)))


def make_pyramid(rng, batch=2, channels=3):
    return [rng.random((batch, side, side + 1, channels), np.float32) for side in (16, 8, 4, 2)]


def pyramid_crop(size):
    return lambda boxes, indices, levels, *pyramid: kernels.pyramid_crop_and_resize(
        list(pyramid), boxes, indices, levels, size
    )


@pytest.mark.parametrize("used", [[0, 1, 2, 3], [1, 3], [2]])
def test_each_box_is_cut_from_its_own_level(used):
    rng = np.random.default_rng(0)
    pyramid, boxes = make_pyramid(rng), varied_boxes(rng, 60)
    levels = rng.choice(used, 60).astype(np.int32)
    indices = rng.integers(0, 2, 60).astype(np.int32)
    crops = compiled(pyramid_crop(7))(boxes, indices, levels, *pyramid)
    for level, features in enumerate(pyramid):
        mine = levels == level
        expected = plain_crop(features, boxes[mine], indices[mine], 7)
        np.testing.assert_allclose(crops[mine], expected, rtol=1e-5, atol=1e-5)


def test_no_boxes_give_no_crops():
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int32), np.zeros(0, np.int32)
    crops = compiled(pyramid_crop(7))(*nothing, *make_pyramid(np.random.default_rng(0)))
    assert crops.shape == (0, 7, 7, 3)


def test_half_precision_features_give_half_precision_crops():
    rng = np.random.default_rng(0)
    pyramid, boxes = make_pyramid(rng), varied_boxes(rng, 20)
    levels, indices = rng.integers(0, 4, 20).astype(np.int32), rng.integers(0, 2, 20).astype(np.int32)

    def both(boxes, indices, levels, *pyramid):
        half = pyramid_crop(7)(boxes, indices, levels, *[ops.cast(p, "bfloat16") for p in pyramid])
        assert keras.backend.standardize_dtype(half.dtype) == "bfloat16"
        return ops.cast(half, "float32"), pyramid_crop(7)(boxes, indices, levels, *pyramid)

    half, full = compiled(both)(boxes, indices, levels, *pyramid)
    np.testing.assert_allclose(half, full, atol=0.02)


def test_gradients_flow_into_the_features_and_not_into_the_boxes():
    """Crops are linear in the features: their gradient spreads a crop's weights as the crop collects them."""
    rng = np.random.default_rng(0)
    pyramid, boxes = make_pyramid(rng), varied_boxes(rng, 30)
    levels, indices = rng.integers(0, 4, 30).astype(np.int32), rng.integers(0, 2, 30).astype(np.int32)
    weights = rng.normal(size=(30, 7, 7, 3)).astype(np.float32)

    def weighted(boxes, *pyramid):
        return ops.sum(ops.multiply(weights, pyramid_crop(7)(boxes, indices, levels, *pyramid)))

    boxes_slope, *slopes = gradient(weighted, boxes, *pyramid)
    assert not boxes_slope.any()
    for level, (features, slope) in enumerate(zip(pyramid, slopes, strict=True)):
        mine = levels == level
        total = (weights[mine] * plain_crop(features, boxes[mine], indices[mine], 7)).sum()
        assert (slope * features).sum() == pytest.approx(total, rel=1e-4)
        moved = features + rng.normal(size=features.shape).astype(np.float32)
        change = (weights[mine] * plain_crop(moved, boxes[mine], indices[mine], 7)).sum() - total
        assert (slope * (moved - features)).sum() == pytest.approx(change, rel=1e-3)


# Compiled calls


class Traced(keras.layers.Layer):
    """Counts how often Python runs it: once a call on PyTorch, else once a trace."""

    count = 0

    def call(self, x):
        self.count += 1
        return x * ops.cast(ops.shape(x)[1], x.dtype)


@pytest.fixture
def traced_model():
    image = keras.Input((None, None, 3))
    traced = Traced()
    return keras.Model([image], keras.layers.Conv2D(4, 3)(traced(image))), traced


SHAPES = [(1, 8, 8, 3), (1, 9, 7, 3), (2, 8, 8, 3)]


def test_a_size_seen_before_is_not_traced_again(traced_model):
    model, traced = traced_model
    run = kernels.compiled(model)
    images = [np.random.default_rng(0).random(shape, np.float32) for shape in SHAPES]
    for image in images:
        np.testing.assert_allclose(to_numpy(run(image)), to_numpy(model([image])), rtol=1e-4, atol=1e-4)
    before = traced.count
    for image in images:
        run(image)
    assert traced.count - before == (len(images) if BACKEND == "torch" else 0)


def test_compiled_uses_the_weights_as_they_are_now(traced_model):
    model, _ = traced_model
    run = kernels.compiled(model)
    image = np.ones(SHAPES[0], np.float32)
    assert to_numpy(run(image)).any()
    model.set_weights([np.zeros_like(value) for value in model.get_weights()])
    assert not to_numpy(run(image)).any()


def test_compiled_may_be_called_from_threads(traced_model):
    run = kernels.compiled(traced_model[0])
    images = [np.full(SHAPES[i % 3], i, np.float32) for i in range(12)]
    expected = [to_numpy(run(image)) for image in images]
    results = [None] * len(images)

    def work(i):
        results[i] = to_numpy(run(images[i]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result, right in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, right)


class Interrupted(keras.layers.Layer):
    """Counts how often it is called, and presses the stop button then."""

    calls, pressing = 0, False

    def call(self, x):
        self.calls += 1
        if self.pressing:
            signal.raise_signal(signal.SIGINT)
        return x + 1


@pytest.mark.skipif(BACKEND != "tensorflow", reason="Only TensorFlow makes another error of an interrupt.")
def test_an_interrupt_waits_until_the_network_is_traced():
    layer, image = Interrupted(), keras.Input((2,))
    run, before = kernels.compiled(keras.Model([image], layer(image))), layer.calls
    layer.pressing = True
    with pytest.raises(KeyboardInterrupt):
        run(np.ones((1, 2), np.float32))
    layer.pressing = False
    np.testing.assert_array_equal(run(np.ones((1, 2), np.float32)), 2)
    assert layer.calls == before + 1


@pytest.mark.parametrize("count", [1, 2, 5, 64, 65, 100])
def test_a_padded_count_holds_all_and_takes_few_values(count):
    padded = kernels.padded_count(np.int64(count), 100)
    assert count <= padded <= 100
    assert padded == {1: 1, 2: 2, 5: 8, 64: 64, 65: 100, 100: 100}[count] if BACKEND == "jax" else count


def test_threads_are_as_many_as_asked_for():
    code = """
import time
from mrcnn.network import kernels
kernels.set_threads(1)
from keras import ops
x = ops.ones((1500, 1500))
ops.convert_to_numpy(x @ x)
start, used = time.perf_counter(), time.process_time()
for _ in range(4):
    ops.convert_to_numpy(x @ x)
print((time.process_time() - used) / (time.perf_counter() - start))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.3

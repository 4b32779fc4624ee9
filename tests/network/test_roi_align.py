"""RoIAlign against the reference, and the levels of the pyramid that boxes are cut from."""

import keras
import numpy as np
import pytest

from mrcnn.network import kernels
from mrcnn.network.roi_align import PyramidROIAlign, pyramid_level
from tests.backend import compiled, to_numpy


def make_meta(batch, height, width):
    """Image meta as far as RoIAlign reads it: the molded picture's shape."""
    meta = np.zeros((batch, 15), np.float32)
    meta[:, 4:7] = height, width, 3
    return meta


def align(size, *inputs):
    layer = PyramidROIAlign((size, size))
    return compiled(lambda *tensors: layer(list(tensors)))(*inputs)


@pytest.mark.parametrize("case", range(2))
def test_crops_as_the_reference(golden, case):
    known = golden("roi_align")
    height, width, _ = known[f"in_image_shape{case}"]
    pyramid = [known[f"in_P{level}_{case}"] for level in (2, 3, 4, 5)]
    found = align(
        int(known[f"in_pool{case}"]), known[f"in_boxes{case}"], make_meta(2, height, width), *pyramid
    )
    np.testing.assert_allclose(found, known[f"out{case}"], rtol=1e-4, atol=1e-4)


def square(side, image=1024):
    return [0, 0, side / image, side / image]


@pytest.mark.parametrize(
    ("box", "level"),
    [
        (square(224), 4),
        (square(112), 3),
        (square(448), 5),
        (square(56), 2),
        (square(1), 2),
        (square(1024), 5),
        (square(224 * 2**-0.49), 4),  # halfway between two levels lies at √2
        (square(224 * 2**-0.51), 3),
        ([0, 0, 448 / 1024, 112 / 1024], 4),  # the area counts, not the shape
        ([0.5, 0.5, 0.5, 0.9], 2),
        ([0, 0, 0, 0], 2),
        ([np.nan] * 4, 2),
    ],
)
def test_the_level_follows_from_the_size(box, level):
    find = compiled(lambda b: pyramid_level(b, 1024.0 * 1024.0))
    levels = find(np.array([[box]], np.float32))
    assert levels.shape == (1, 1) and levels.dtype == np.int32
    assert levels[0, 0] == level


def test_the_level_is_found_in_pixels_of_the_molded_picture():
    """The same normalised box covers less of a smaller picture."""
    pyramid = [np.full((1, 4, 4, 1), level, np.float32) for level in (2, 3, 4, 5)]
    box = np.array([[[0.1, 0.1, 0.6, 0.6]]], np.float32)
    for (height, width), level in {(448, 448): 4, (224, 224): 3, (448, 112): 3, (1024, 2048): 5}.items():
        crops = align(2, box, make_meta(1, height, width), *pyramid)
        np.testing.assert_allclose(crops, np.full((1, 1, 2, 2, 1), level), rtol=1e-6)


def test_each_picture_of_a_batch_is_cut_from_its_own_features():
    pyramid = [np.stack([np.full((s, s, 2), value, np.float32) for value in (1, 2)]) for s in (16, 8, 4, 2)]
    boxes = np.tile(np.array([[0.2, 0.2, 0.4, 0.9], [0, 0, 1, 1], [0, 0, 0, 0]], np.float32), (2, 1, 1))
    crops = align(7, boxes, make_meta(2, 512, 512), *pyramid)
    np.testing.assert_allclose(crops[0], np.ones((3, 7, 7, 2)), rtol=1e-6)
    np.testing.assert_allclose(crops[1], np.full((3, 7, 7, 2), 2), rtol=1e-6)


def make_model(size=7):
    boxes, meta = keras.Input((None, 4)), keras.Input((15,))
    pyramid = [keras.Input((None, None, 3)) for _ in range(4)]
    inputs = [boxes, meta, *pyramid]
    crops = PyramidROIAlign([size, size])(inputs)
    assert crops.shape == (None, None, size, size, 3)
    return keras.Model(inputs, crops)


def test_any_number_of_pictures_sizes_and_boxes_in_a_model():
    rng = np.random.default_rng(0)
    run = kernels.compiled(make_model())
    for batch, count, height, width in [(1, 5, 64, 128), (2, 1, 128, 64), (1, 0, 64, 64)]:
        pyramid = [rng.random((batch, height // s, width // s, 3), np.float32) for s in (4, 8, 16, 32)]
        boxes = np.tile(np.array([0, 0, 0.3, 0.3], np.float32), (batch, count, 1))  # of level 2
        crops = to_numpy(run(boxes, make_meta(batch, height, width), *pyramid))
        assert crops.shape == (batch, count, 7, 7, 3)
        np.testing.assert_allclose(
            crops[:, :, 0, 0], np.repeat(pyramid[0][:, None, 0, 0], count, 1), rtol=1e-5
        )


def test_mixed_precision_does_not_move_the_boxes():
    """Half precision has three digits: as coordinates or as an area of pixels they would be far off."""
    ramp = np.tile(np.arange(256, dtype=np.float32)[:, None, None], (1, 1, 256, 1))
    pyramid = [ramp[:, :: 2**i, :: 2**i] for i in range(4)]
    box = np.array([[[100.3, 40, 111.9, 50]]], np.float32) / 255
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = PyramidROIAlign((2, 2))
    finally:
        keras.config.set_dtype_policy(before)
    assert layer.compute_dtype == "bfloat16"
    crops = compiled(lambda *inputs: layer(list(inputs)))(box, make_meta(1, 1024, 1024), *pyramid)
    np.testing.assert_allclose(crops[0, 0, :, 0, 0], [100.3, 111.9], rtol=1e-4)

"""The pyramid: every level carries what the coarser ones found."""

import keras
import numpy as np
import pytest

from mrcnn.network import kernels
from mrcnn.network.pyramid import pyramid
from tests.backend import to_numpy

WIDTHS = (3, 4, 5, 6)


@pytest.fixture
def model():
    inputs = [keras.Input((None, None, width)) for width in WIDTHS]
    model = keras.Model(inputs, pyramid([kernels.to_layout(c) for c in inputs], 2))
    for i in (2, 3, 4, 5):  # laterals sum the channels, and the last convolutions leave things as they are
        kernel, bias = model.get_layer(f"fpn_c{i}p{i}").get_weights()
        model.get_layer(f"fpn_c{i}p{i}").set_weights([np.ones_like(kernel), bias])
        kernel, bias = (np.zeros_like(value) for value in model.get_layer(f"fpn_p{i}").get_weights())
        kernel[1, 1] = np.eye(2)
        model.get_layer(f"fpn_p{i}").set_weights([kernel, bias])
    return model


def test_each_level_is_its_own_features_and_the_enlarged_level_above(model):
    rng = np.random.default_rng(0)
    sides = (16, 8, 4, 2)
    features = [rng.random((2, s, 3 * s, w), np.float32) for s, w in zip(sides, WIDTHS, strict=True)]
    levels = [to_numpy(kernels.from_layout(level)) for level in model(features)]
    expected = 0
    for c, found in zip(features[::-1], levels[3::-1], strict=True):
        if np.ndim(expected):
            expected = expected.repeat(2, axis=1).repeat(2, axis=2)
        expected = expected + c.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(found, np.repeat(expected, 2, axis=-1), rtol=1e-4)
    np.testing.assert_array_equal(levels[4], levels[3][:, ::2, ::2])


def test_layers_have_the_originals_names_and_sizes(model):
    laterals = {f"fpn_c{i}p{i}": (1, 1, width, 2) for i, width in enumerate(WIDTHS, 2)}
    smoothing = {f"fpn_p{i}": (3, 3, 2, 2) for i in (2, 3, 4, 5)}
    assert {layer.name: layer.kernel.shape for layer in model.layers if layer.weights} == laterals | smoothing
    names = {layer.name for layer in model.layers}
    assert {"fpn_p5upsampled", "fpn_p4upsampled", "fpn_p3upsampled", "fpn_p2add", "fpn_p6"} <= names

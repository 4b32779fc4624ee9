"""Backbones: the original's layers, strides and names, and normalisation that learns when it is told to."""

from string import ascii_lowercase

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.network import kernels
from mrcnn.network.backbone import backbone, bottleneck
from tests.backend import to_numpy

COMPACT = {"BACKBONE": "compact", "IMAGE_MIN_DIM": 64, "IMAGE_MAX_DIM": 64}


def make_model(**values):
    image = keras.Input((None, None, 3))
    return keras.Model([image], backbone(image, Config(**values)))


def features(model, image):
    """C2 to C5, channels last."""
    return [to_numpy(kernels.from_layout(c)) for c in kernels.compiled(model)(image)]


@pytest.fixture(scope="module")
def resnet50():
    return make_model(BACKBONE="resnet50")


def test_features_have_the_strides_and_widths_of_the_paper(resnet50):
    image = np.random.default_rng(0).normal(0, 50, (1, 64, 128, 3)).astype(np.float32)
    shapes = [c.shape for c in features(resnet50, image)]
    assert shapes == [(1, 16, 32, 256), (1, 8, 16, 512), (1, 4, 8, 1024), (1, 2, 4, 2048)]


@pytest.mark.parametrize(("name", "last"), [("resnet50", "f"), ("resnet101", "w")])
def test_layers_have_the_originals_names(name, last):
    expected = {"conv1", "bn_conv1"}
    for stage, end in {2: "c", 3: "d", 4: last, 5: "c"}.items():
        letters = ascii_lowercase[: ascii_lowercase.index(end) + 1]
        for letter in letters:
            branches = ["2a", "2b", "2c"] + ["1"] * (letter == "a")
            expected |= {f"{kind}{stage}{letter}_branch{b}" for kind in ("res", "bn") for b in branches}
    model = make_model(BACKBONE=name)
    assert {layer.name for layer in model.layers if layer.weights} == expected
    ends = {"res2c_out", "res3d_out", f"res4{last}_out", "res5c_out"}
    assert ends <= {layer.name for layer in model.layers}


def test_a_stage_halves_in_its_first_1x1_convolution(resnet50):
    strided = {
        layer.name
        for layer in resnet50.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.strides != (1, 1)
    }
    firsts = {f"res{stage}a_branch{branch}" for stage in (3, 4, 5) for branch in ("2a", "1")}
    assert strided == {"conv1", *firsts}
    assert all(layer.use_bias for layer in resnet50.layers if isinstance(layer, keras.layers.Conv2D))


@pytest.mark.parametrize("strides", [1, 2])
def test_a_bottleneck_adds_what_it_learns_to_its_input(strides):
    image = keras.Input((None, None, 8))
    block = bottleneck(kernels.to_layout(image), (2, 2, 8), "9z", strides, strides == 2, train_bn=False)
    model = keras.Model([image], block)
    x = np.random.default_rng(0).normal(size=(1, 4, 6, 8)).astype(np.float32)
    model.get_layer("bn9z_branch2c").set_weights([np.full(8, v, np.float32) for v in (0, 0.5, 3, 4)])
    shortcut = x
    if strides == 2:
        kernel = np.random.default_rng(1).normal(size=(1, 1, 8, 8)).astype(np.float32)
        model.get_layer("res9z_branch1").set_weights([kernel, np.ones(8, np.float32)])
        shortcut = (x[:, ::2, ::2] @ kernel[0, 0] + 1) / np.sqrt(1 + 1e-3)
    found = to_numpy(kernels.from_layout(model([x])))
    np.testing.assert_allclose(found, np.maximum(shortcut + 0.5, 0), rtol=1e-4, atol=1e-4)


def test_the_compact_network_is_small():
    model = make_model(**COMPACT)
    assert model.count_params() < 2_000_000
    image = np.random.default_rng(0).normal(0, 50, (2, 64, 128, 3)).astype(np.float32)
    shapes = [c.shape for c in features(model, image)]
    assert shapes == [(2, 16, 32, 32), (2, 8, 16, 64), (2, 4, 8, 128), (2, 2, 4, 256)]


@pytest.mark.parametrize(
    ("train_bn", "training", "by_batch"),
    [
        (False, False, False),
        (False, True, False),  # the original's: batches are too small for statistics of their own
        (None, False, False),
        (None, True, True),
        (True, False, True),
        (True, True, True),
    ],
)
def test_statistics_are_the_batchs_only_where_the_config_says_so(train_bn, training, by_batch):
    model = make_model(**COMPACT, TRAIN_BN=train_bn)
    x = np.random.default_rng(0).normal(5, 50, (2, 64, 64, 3)).astype(np.float32)
    norm = model.get_layer("bn_conv1")
    normalised = keras.Model(model.inputs, norm.output)
    values = to_numpy(kernels.from_layout(normalised([x], training=training)))
    convolved = to_numpy(kernels.from_layout(keras.Model(model.inputs, norm.input)([x])))
    mean, variance = (convolved.mean((0, 1, 2)), convolved.var((0, 1, 2))) if by_batch else (0, 1)
    np.testing.assert_allclose(values, (convolved - mean) / np.sqrt(variance + 1e-3), rtol=1e-2, atol=1e-2)


def test_a_backbone_of_ones_own_speaks_channels_last():
    def own(image):
        pool = keras.layers.AveragePooling2D
        return [pool(stride, data_format="channels_last")(image) for stride in (4, 8, 16, 32)]

    model = make_model(BACKBONE=own, COMPUTE_BACKBONE_SHAPE=len)
    image = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    found = features(model, image)
    for c, stride in zip(found, (4, 8, 16, 32), strict=True):
        expected = image.reshape(1, 64 // stride, stride, 96 // stride, stride, 3).mean(axis=(2, 4))
        np.testing.assert_allclose(c, expected, rtol=1e-4)


def test_other_channels_than_three():
    image = keras.Input((None, None, 5))
    config = Config(**COMPACT, IMAGE_CHANNEL_COUNT=5, MEAN_PIXEL=[0] * 5)
    model = keras.Model([image], backbone(image, config))
    assert [c.shape[3] for c in features(model, np.ones((1, 64, 64, 5), np.float32))] == [32, 64, 128, 256]

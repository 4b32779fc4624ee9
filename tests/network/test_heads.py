"""Heads: the layers of the original, every RoI by itself, whatever their number."""

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.network import kernels
from mrcnn.network.heads import box_head, mask_head
from tests.backend import to_numpy

CLASSES, CHANNELS = 5, 6


def make_config(**values):
    small = {
        "NUM_CLASSES": CLASSES,
        "FPN_CLASSIF_FC_LAYERS_SIZE": 8,
        "MASK_FILTERS": 7,
        "POOL_SIZE": 3,
        "MASK_POOL_SIZE": 4,
        "MASK_SHAPE": [8, 8],
    }
    return Config(**small | values)


def make_model(head, size, pictures=None, rois=None, **values):
    crops = keras.Input((rois, size, size, CHANNELS), batch_size=pictures)
    return keras.Model([crops], head(crops, make_config(**values)))


def randomise(model, seed=0):
    """Give every weight a value of its own, variances among them."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        values = [rng.normal(0, 0.5, value.shape).astype(np.float32) for value in layer.get_weights()]
        layer.set_weights([abs(v) + 0.5 for v in values] if "_bn" in layer.name else values)


def random_crops(pictures, rois, size, seed=1):
    return np.random.default_rng(seed).normal(size=(pictures, rois, size, size, CHANNELS)).astype(np.float32)


def norm(x, layer):
    gamma, beta, mean, variance = layer.get_weights()
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def dense(x, layer):
    """What a dense layer, or a convolution as large as its input, does with [B, R, n] features."""
    kernel, bias = layer.get_weights()
    return x @ kernel.reshape(-1, kernel.shape[-1]) + bias


def test_the_box_head_as_the_paper_draws_it():
    """The 7 × 7 convolution sees a whole crop, so that all of the head is dense layers."""
    model = make_model(box_head, 3)
    randomise(model)
    crops = random_crops(2, 4, 3)
    logits, probs, deltas = to_numpy(kernels.compiled(model)(crops))

    layer = model.get_layer
    x = crops.reshape(2, 4, -1)
    for i in (1, 2):
        x = norm(dense(x, layer(f"mrcnn_class_conv{i}")), layer(f"mrcnn_class_bn{i}"))
        x = np.maximum(x, 0)
    expected = dense(x, layer("mrcnn_class_logits"))
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-3)
    exponents = np.exp(expected - expected.max(axis=-1, keepdims=True))
    np.testing.assert_allclose(probs, exponents / exponents.sum(axis=-1, keepdims=True), atol=1e-3)
    expected = dense(x, layer("mrcnn_bbox_fc")).reshape(2, 4, CLASSES, 4)
    np.testing.assert_allclose(deltas, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("count", [1, 4])
def test_the_mask_head_as_the_paper_draws_it(count):
    model = make_model(mask_head, 4, MASK_CONVS=count)
    randomise(model)
    crops = random_crops(2, 3, 4)
    masks = to_numpy(kernels.compiled(model)(crops))

    def convolve(x, layer):
        kernel, bias = layer.get_weights()
        padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        shifted = [padded[:, i : i + 4, j : j + 4] @ kernel[i, j] for i in range(3) for j in range(3)]
        return sum(shifted) + bias

    x = crops.reshape(6, 4, 4, CHANNELS)
    for i in range(1, count + 1):
        x = convolve(x, model.get_layer(f"mrcnn_mask_conv{i}"))
        x = np.maximum(norm(x, model.get_layer(f"mrcnn_mask_bn{i}")), 0)
    kernel, bias = model.get_layer("mrcnn_mask_deconv").get_weights()  # [2, 2, out, in]
    x = np.einsum("nyxc,ijoc->nyixjo", x, kernel).reshape(6, 8, 8, -1) + bias
    x = dense(np.maximum(x, 0), model.get_layer("mrcnn_mask"))
    expected = (1 / (1 + np.exp(-x))).reshape(2, 3, 8, 8, CLASSES)
    np.testing.assert_allclose(masks, expected, atol=1e-3)


@pytest.mark.parametrize(("head", "size"), [(box_head, 3), (mask_head, 4)])
def test_each_roi_is_judged_by_itself(head, size):
    model = make_model(head, size)
    randomise(model)
    crops = random_crops(2, 4, size)
    run = kernels.compiled(model)
    together = keras.tree.flatten(to_numpy(run(crops)))
    alone = keras.tree.flatten(to_numpy(run(crops[1:, 2:3])))
    for all_of_them, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(all_of_them[1, 2], one[0, 0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("head", "size"), [(box_head, 3), (mask_head, 4)])
def test_any_number_of_pictures_and_rois(head, size):
    model = make_model(head, size)
    shapes = [output.shape for output in model.outputs]
    assert all(shape[:2] == (None, None) and None not in shape[2:] for shape in shapes)
    run = kernels.compiled(model)
    for pictures, rois in [(1, 5), (2, 1), (1, 1)]:
        outputs = keras.tree.flatten(to_numpy(run(random_crops(pictures, rois, size))))
        for output, shape in zip(outputs, shapes, strict=True):
            assert output.shape == (pictures, rois, *shape[2:])


@pytest.mark.parametrize(("head", "size"), [(box_head, 3), (mask_head, 4)])
def test_numbers_of_pictures_and_rois_that_are_known_stay_known(head, size):
    model = make_model(head, size, pictures=2, rois=9)
    assert all(output.shape[:2] == (2, 9) for output in model.outputs)


def test_layers_and_widths_are_the_originals():
    crops = keras.Input((None, 7, 7, 256)), keras.Input((None, 14, 14, 256))
    config = Config(NUM_CLASSES=81)
    logits, probs, deltas = box_head(crops[0], config)
    masks = mask_head(crops[1], config)
    assert logits.shape == probs.shape == (None, None, 81)
    assert deltas.shape == (None, None, 81, 4) and masks.shape == (None, None, 28, 28, 81)
    model = keras.Model(list(crops), [probs, deltas, masks])
    kernels_of = {layer.name: layer.kernel.shape for layer in model.layers if hasattr(layer, "kernel")}
    assert kernels_of == {
        "mrcnn_class_conv1": (7, 7, 256, 1024),
        "mrcnn_class_conv2": (1, 1, 1024, 1024),
        "mrcnn_class_logits": (1024, 81),
        "mrcnn_bbox_fc": (1024, 324),
        "mrcnn_mask_conv1": (3, 3, 256, 256),
        "mrcnn_mask_conv2": (3, 3, 256, 256),
        "mrcnn_mask_conv3": (3, 3, 256, 256),
        "mrcnn_mask_conv4": (3, 3, 256, 256),
        "mrcnn_mask_deconv": (2, 2, 256, 256),
        "mrcnn_mask": (1, 1, 256, 81),
    }
    assert {"mrcnn_class", "mrcnn_bbox"} <= {layer.name for layer in model.layers}


def test_answers_are_in_full_precision_whatever_the_layers():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        models = make_model(box_head, 3), make_model(mask_head, 4)
    finally:
        keras.config.set_dtype_policy(before)
    for model, size in zip(models, (3, 4), strict=True):
        assert "bfloat16" in {layer.compute_dtype for layer in model.layers}
        assert {output.dtype for output in model.outputs} == {"float32"}
        outputs = keras.tree.flatten(to_numpy(kernels.compiled(model)(random_crops(1, 2, size))))
        assert {output.dtype for output in outputs} == {np.dtype("float32")}

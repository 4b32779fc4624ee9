"""Losses against the reference's, against sums written out in NumPy, and their gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.training import losses


@pytest.fixture
def recorded(golden):
    """Arguments and results of the reference, masks unpacked."""
    values = dict(golden("losses"))
    values["in_target_mask"] = np.unpackbits(values["in_target_mask"], axis=-1)[..., :28]
    values["in_mask"] = values["in_mask"].astype(np.float32)
    return values


def all_losses(values):
    """The five, by the name of the reference's result."""
    v = {name: ops.convert_to_tensor(value) for name, value in values.items() if "in_" in name}
    ids = v["in_target_class_ids"]
    return {
        "rpn_class_loss": losses.rpn_class_loss(v["in_rpn_match"], v["in_rpn_class_logits"]),
        "rpn_bbox_loss": losses.rpn_bbox_loss(
            None, v["in_rpn_target_bbox"], v["in_rpn_match"], v["in_rpn_bbox"]
        ),
        "class_loss": losses.mrcnn_class_loss(ids, v["in_class_logits"], v["in_active_class_ids"]),
        "bbox_loss": losses.mrcnn_bbox_loss(v["in_target_bbox"], ids, v["in_bbox"]),
        "mask_loss": losses.mrcnn_mask_loss(v["in_target_mask"], ids, v["in_mask"]),
    }


def test_losses_equal_the_reference(recorded):
    for name, loss in all_losses(recorded).items():
        assert float(loss) == pytest.approx(float(recorded[f"out_{name}"]), rel=1e-4), name


def test_smooth_l1_equals_the_reference(recorded):
    predicted = recorded["in_bbox"][:, :, 0]
    found = losses.smooth_l1_loss(recorded["in_target_bbox"], predicted)
    np.testing.assert_allclose(ops.convert_to_numpy(found), recorded["out_smooth_l1"], rtol=1e-4)


def test_without_positive_examples_the_loss_is_zero(recorded):
    nothing = recorded | {
        "in_rpn_match": np.minimum(recorded["in_rpn_match"], 0),
        "in_target_class_ids": np.zeros_like(recorded["in_target_class_ids"]),
    }
    found = all_losses(nothing)
    for name in ("rpn_bbox_loss", "bbox_loss", "mask_loss"):
        assert float(found[name]) == float(recorded[f"out_{name}_no_positive"]) == 0
    assert float(found["class_loss"]) > 0 and float(found["rpn_class_loss"]) > 0


def test_nothing_at_all_is_finite(recorded):
    """Neutral anchors only, and no active class: 0, not 0 / 0."""
    nothing = recorded | {
        "in_rpn_match": np.zeros_like(recorded["in_rpn_match"]),
        "in_active_class_ids": np.zeros_like(recorded["in_active_class_ids"]),
    }
    found = all_losses(nothing)
    assert float(found["rpn_class_loss"]) == float(found["class_loss"]) == 0


def test_rpn_targets_go_to_their_anchors():
    match = np.array([[0, 1, -1, 1], [1, 0, 0, 0]], np.int32)
    target = np.array([[[1] * 4, [2] * 4, [9] * 4], [[3] * 4, [9] * 4, [9] * 4]], np.float32)
    right = np.array([[[7] * 4, [1] * 4, [7] * 4, [2] * 4], [[3] * 4, [7] * 4, [7] * 4, [7] * 4]])
    arguments = [ops.convert_to_tensor(value) for value in (target, match, right.astype(np.float32))]
    assert float(losses.rpn_bbox_loss(None, *arguments)) == 0
    arguments[2] = arguments[2] + 3  # linear part: 3 - 0.5
    assert float(losses.rpn_bbox_loss(None, *arguments)) == pytest.approx(2.5)
    arguments[1] = arguments[1][..., None]
    assert float(losses.rpn_bbox_loss(None, *arguments)) == pytest.approx(2.5)


def test_class_loss_counts_rois_whose_predicted_class_is_active():
    logits = np.log(np.array([[[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]], np.float32))
    target = np.array([[1, 2]], np.int32)
    active = np.array([[1, 1, 0]], np.float32)
    found = losses.mrcnn_class_loss(*(ops.convert_to_tensor(v) for v in (target, logits, active)))
    assert float(found) == pytest.approx(-np.log(0.3), rel=1e-5)


def test_masks_that_are_all_wrong_cost_much_but_not_infinity():
    target = np.ones((1, 1, 2, 2), np.float32)
    predicted = np.zeros((1, 1, 2, 2, 2), np.float32)
    ids = np.array([[1]], np.int32)
    found = losses.mrcnn_mask_loss(*(ops.convert_to_tensor(v) for v in (target, ids, predicted)))
    assert 10 < float(found) < 20


def total_loss(values, weights):
    """Sum of the five, with predictions replaced by `weights`; differentiable in them."""
    return sum(all_losses(values | weights).values())


def gradients(values, names):
    """Gradients of the sum of the losses in the predictions `names`, compiled where that exists."""
    start = {name: ops.convert_to_tensor(values[name]) for name in names}
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.jit(jax.grad(lambda weights: total_loss(values, weights)))(start)
    if backend == "torch":
        start = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
        total_loss(values, start).backward()
        return {name: tensor.grad for name, tensor in start.items()}
    import tensorflow as tf

    @tf.function
    def slope(weights):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = total_loss(values, weights)
        return tape.gradient(loss, weights)

    return slope(start)


PREDICTIONS = ["in_rpn_class_logits", "in_rpn_bbox", "in_class_logits", "in_bbox", "in_mask"]


def test_gradients_reach_what_counts_and_nothing_else(recorded):
    found = {name: ops.convert_to_numpy(slope) for name, slope in gradients(recorded, PREDICTIONS).items()}
    assert all(np.isfinite(slope).all() for slope in found.values())
    match = recorded["in_rpn_match"][..., 0]
    np.testing.assert_array_equal(found["in_rpn_class_logits"].any(axis=-1), match != 0)
    np.testing.assert_array_equal(found["in_rpn_bbox"].any(axis=-1), match == 1)
    ids = recorded["in_target_class_ids"].astype(int)
    own_class = (np.arange(6) == ids[..., None]) & (ids > 0)[..., None]
    np.testing.assert_array_equal(found["in_bbox"].any(axis=-1), own_class)
    np.testing.assert_array_equal(found["in_mask"].any(axis=(2, 3)), own_class)


def test_losses_are_float32_under_mixed_precision(recorded):
    halves = recorded | {name: recorded[name].astype(np.float16) for name in PREDICTIONS}
    for name, loss in all_losses(halves).items():
        assert keras.backend.standardize_dtype(loss.dtype) == "float32"
        assert float(loss) == pytest.approx(float(recorded[f"out_{name}"]), rel=1e-2), name

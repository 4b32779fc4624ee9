"""Targets against the reference's and against the definition, spelled out in NumPy."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.network import boxes
from mrcnn.network.anchors import pyramid_anchors
from mrcnn.training import targets


def config(**values):
    """The attributes that targets read."""
    defaults = {
        "RPN_TRAIN_ANCHORS_PER_IMAGE": 32,
        "RPN_BBOX_STD_DEV": np.array([0.1, 0.1, 0.2, 0.2]),
        "TRAIN_ROIS_PER_IMAGE": 24,
        "ROI_POSITIVE_RATIO": 0.33,
        "BBOX_STD_DEV": np.array([0.1, 0.1, 0.2, 0.2]),
        "MASK_SHAPE": [28, 28],
        "USE_MINI_MASK": True,
    }
    return SimpleNamespace(**defaults | values)


def compiled(function, open_batch=()):
    """`function` as the backend compiles it; on PyTorch as it is.

    Inputs numbered in `open_batch` have a first dimension of unknown length on TensorFlow, as in `fit`.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        def specification(i, value):
            return tf.TensorSpec((None, *value.shape[1:]) if i in open_batch else value.shape, value.dtype)

        def call(*inputs):
            signature = [specification(i, value) for i, value in enumerate(inputs)]
            return tf.function(function, input_signature=signature)(*inputs)

        return call if open_batch else tf.function(function)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def arrays(results):
    return [ops.convert_to_numpy(result) for result in results]


def tensors(*inputs):
    return [ops.convert_to_tensor(value) for value in inputs]


def make_anchors(size=128):
    strides = [4, 8, 16, 32]
    return pyramid_anchors(
        [16, 32, 64, 96], [0.5, 1, 2], [(size // s, size // s) for s in strides], strides, 1
    ).astype(np.float32)


def random_objects(rng, count, padding=3, size=128, crowds=True):
    """Class ids [count + padding] and boxes in pixels; about one in four a crowd."""
    corner = rng.integers(0, size - 20, (count, 2))
    corners = np.minimum(corner + rng.integers(8, 90, (count, 2)), size)
    gt_boxes = np.concatenate([corner, corners], axis=1).astype(np.float32)
    class_ids = rng.integers(1, 5, count)
    if crowds:
        class_ids *= np.where(rng.random(count) < 0.25, -1, 1)
    return (
        np.pad(class_ids, (0, padding)).astype(np.int32),
        np.pad(gt_boxes, ((0, padding), (0, 0))),
    )


def random_proposals(rng, gt_boxes, count=60, padding=5):
    """Normalised proposals, many near objects, some zero rows at the end."""
    near = gt_boxes[rng.integers(0, max(len(gt_boxes) - 3, 1), count)] / 128
    near = near + rng.normal(0, 0.05, near.shape)
    near = np.clip(np.sort(near.reshape(-1, 2, 2), axis=1).reshape(-1, 4), 0, 1)
    return np.pad(near, ((0, padding), (0, 0))).astype(np.float32)


# ---- the proposal network


@pytest.mark.parametrize("case", range(3))
def test_rpn_targets_equal_the_reference(golden, case):
    recorded = golden("rpn_targets")
    args = json.loads(str(recorded["in_args"]))
    strides = args["strides"]
    shapes = [np.ceil(np.array(args["image"][:2]) / stride).astype(int) for stride in strides]
    anchors = pyramid_anchors(args["scales"], args["ratios"], shapes, strides, 1)
    match, deltas = targets.build_rpn_targets(
        args["image"],
        anchors,
        recorded[f"in_gt_class_ids{case}"],
        recorded[f"in_gt_boxes{case}"],
        config(
            RPN_TRAIN_ANCHORS_PER_IMAGE=args["RPN_TRAIN_ANCHORS_PER_IMAGE"],
            RPN_BBOX_STD_DEV=np.array(args["std"]),
        ),
    )
    expected = recorded[f"out_bbox_positive{case}"]
    np.testing.assert_array_equal(match, recorded[f"out_match{case}"])
    np.testing.assert_allclose(deltas[: len(expected)], expected, rtol=1e-4, atol=1e-5)
    assert not deltas[len(expected) :].any()


def plain_rpn_match(anchors, class_ids, gt_boxes):
    """Match and best object of every anchor, by definition, without any choice."""
    overlap = boxes.iou(anchors.astype(np.float64), gt_boxes.astype(np.float64))
    objects, crowds = overlap[:, class_ids > 0], overlap[:, class_ids < 0]
    match = np.zeros(len(anchors), int)
    if not objects.size:
        objects = np.zeros((len(anchors), 1))
    match[(objects.max(axis=1) < 0.3) & (crowds < 0.001).all(axis=1)] = -1
    best = objects.max(axis=0)
    match[((objects >= best * (1 - 1e-5)) & (best > 0)).any(axis=1)] = 1
    match[objects.max(axis=1) >= 0.7] = 1
    return match, np.flatnonzero(class_ids > 0)[objects.argmax(axis=1)] if best.any() else None


def test_rpn_match_of_a_batch_is_that_of_the_definition():
    rng = np.random.default_rng(1)
    anchors = make_anchors()
    objects = [random_objects(rng, 6) for _ in range(8)]
    class_ids, gt_boxes = (np.stack(column) for column in zip(*objects, strict=True))
    settings = config(RPN_TRAIN_ANCHORS_PER_IMAGE=2 * len(anchors))
    match, deltas = arrays(targets.rpn_targets(anchors, *tensors(class_ids, gt_boxes), settings))
    for i in range(len(objects)):
        expected, best = plain_rpn_match(anchors, class_ids[i], gt_boxes[i])
        np.testing.assert_array_equal(match[i], expected)
        positive = np.flatnonzero(expected == 1)
        found = boxes.apply_deltas(anchors[positive], deltas[i, : len(positive)] * [0.1, 0.1, 0.2, 0.2])
        np.testing.assert_allclose(found, gt_boxes[i][best[positive]], atol=1e-2)


def test_rpn_targets_are_a_random_choice_of_the_right_size():
    rng = np.random.default_rng(2)
    anchors = make_anchors()
    class_ids, gt_boxes = random_objects(rng, 8, crowds=False)
    everything, _ = plain_rpn_match(anchors, class_ids, gt_boxes)
    settings = config(RPN_TRAIN_ANCHORS_PER_IMAGE=14)
    assert (everything == 1).sum() > 7
    layer = targets.RPNTargetLayer(settings, seed=3)
    inputs = [anchors, *tensors(class_ids[None], gt_boxes[None])]
    draws = [arrays(layer(inputs)) for _ in range(4)]
    for match, deltas in draws:
        assert (match == 1).sum() == 7 and (match == -1).sum() == 7
        assert (everything[match[0] != 0] == match[0][match[0] != 0]).all()
        assert deltas[0, :7].any(axis=1).all() and not deltas[0, 7:].any()
    assert any((match != draws[0][0]).any() for match, _ in draws[1:])
    again = arrays(targets.RPNTargetLayer(settings, seed=3)(inputs))
    np.testing.assert_array_equal(again[0], draws[0][0])


def test_every_candidate_may_be_chosen():
    candidates = np.arange(400) % 2 == 0
    seed = keras.random.SeedGenerator(0)
    draws = targets._choose(ops.tile(candidates[None], (300, 1)), 20, 20, seed)
    draws = ops.convert_to_numpy(draws)
    assert (draws.sum(axis=1) == 20).all()
    times = draws.sum(axis=0)
    assert not times[~candidates].any()
    assert times[candidates].min() > 8 and times[candidates].max() < 60  # 30 on average, sigma 5.2


def test_equal_lottery_numbers_do_not_let_too_many_in(monkeypatch):
    monkeypatch.setattr(keras.random, "uniform", lambda shape, **_: ops.full(shape, 0.5))
    chosen = targets._choose(ops.ones((2, 50), "bool"), ops.array([4, 0]), 10, None)
    np.testing.assert_array_equal(ops.convert_to_numpy(chosen).sum(axis=1), [4, 0])


@pytest.mark.parametrize("class_ids", [[0, 0], [-1, 0]])
def test_a_picture_without_objects_gives_negative_anchors_only(class_ids):
    anchors = make_anchors()
    gt_boxes = np.array([[[30, 30, 90, 90], [0, 0, 0, 0]]], np.float32)
    if class_ids[0] == 0:
        gt_boxes[:] = 0
    match, deltas = arrays(
        targets.rpn_targets(anchors, *tensors(np.array([class_ids], np.int32), gt_boxes), config())
    )
    assert (match == -1).sum() == 32 and not (match == 1).any()
    assert not deltas.any()
    touched = boxes.iou(anchors, gt_boxes[0])[:, 0] >= 0.001
    assert not (match[0][touched] == -1).any()


def test_a_box_without_area_leaves_the_targets_finite():
    anchors = make_anchors()
    class_ids, gt_boxes = np.array([[1, 2]], np.int32), np.array([[[5, 5, 5, 40], [9, 9, 60, 60]]])
    match, deltas = arrays(
        targets.rpn_targets(anchors, *tensors(class_ids, gt_boxes.astype(np.float32)), config())
    )
    assert np.isfinite(deltas).all()
    assert 0 < (match == 1).sum() < 20


def test_fewer_anchors_than_places():
    anchors = np.array([[0, 0, 10, 10], [20, 20, 40, 40], [60, 60, 90, 90]], np.float32)
    class_ids, gt_boxes = np.array([[1]], np.int32), np.array([[[21, 20, 40, 40]]], np.float32)
    match, deltas = arrays(targets.rpn_targets(anchors, *tensors(class_ids, gt_boxes), config()))
    np.testing.assert_array_equal(match, [[-1, 1, -1]])
    assert deltas.shape == (1, 32, 4) and deltas[0, 0].any() and not deltas[0, 1:].any()


# ---- the heads


def rows(*columns):
    """Rows of several arrays side by side, sorted, so that two sets can be compared."""
    flat = [column.reshape(len(column), int(np.prod(column.shape[1:]))) for column in columns]
    table = np.concatenate(flat, axis=1)
    return table[np.lexsort(np.round(table[:, :5], 4).T[::-1])]


@pytest.mark.parametrize("case", range(3))
def test_detection_targets_equal_the_reference(golden, case):
    recorded = golden("detection_targets")

    def unpacked(name):
        count = recorded[f"{name}_shape{case}"][0]
        return np.unpackbits(recorded[f"{name}{case}"], axis=0)[:count]

    names = ("in_proposals", "in_gt_class_ids", "in_gt_boxes")
    inputs = [recorded[f"{name}{case}"] for name in names] + [unpacked("in_gt_masks").astype(bool)]
    settings = config(**json.loads(str(recorded[f"in_args{case}"])))
    found = targets.detection_targets(*tensors(*(value[None] for value in inputs)), settings)
    found = [result[0] for result in arrays(found)]
    expected = [recorded[f"out_{name}{case}"] for name in ("rois", "class_ids", "deltas")]
    expected.append(unpacked("out_masks"))
    assert [result.shape for result in found] == [result.shape for result in expected]
    assert found[1].dtype == np.int32
    positive = expected[1] > 0
    np.testing.assert_array_equal(found[1] > 0, positive)  # positive first
    np.testing.assert_array_equal(found[0].any(axis=1), expected[0].any(axis=1))  # zeros last
    found_objects, expected_objects = (
        rows(*(result[positive] for result in results)) for results in (found, expected)
    )
    np.testing.assert_allclose(found_objects, expected_objects, rtol=1e-5, atol=1e-5)
    # Which of the negative are taken is chance; the reference's choice must be among our candidates.
    _, negative = plain_roi_kinds(*inputs[:3])
    chosen = expected[0][~positive & expected[0].any(axis=1)]
    assert {tuple(roi) for roi in chosen} <= {tuple(roi) for roi in inputs[0][negative]}


def plain_roi_kinds(proposals, class_ids, gt_boxes):
    """Indices of the positive and of the negative proposals, by definition."""
    overlap = boxes.iou(proposals, gt_boxes)
    real = proposals.any(axis=1)
    best = overlap[:, class_ids > 0].max(axis=1, initial=-1)
    free = (overlap[:, class_ids < 0] < 0.001).all(axis=1)
    return np.flatnonzero(real & (best >= 0.5)), np.flatnonzero(real & (best < 0.5) & free)


def batch_for_heads(seed, size=4):
    rng = np.random.default_rng(seed)
    batch = []
    for _ in range(size):
        class_ids, gt_boxes = random_objects(rng, 5)
        masks = rng.random((56, 56, len(class_ids))) < 0.5
        batch.append((random_proposals(rng, gt_boxes), class_ids, gt_boxes / 128, masks))
    return [np.stack(column) for column in zip(*batch, strict=True)]


@pytest.mark.parametrize(("total", "ratio"), [(24, 0.33), (10, 0.5), (200, 0.33)])
def test_detection_targets_of_a_batch_are_those_of_the_definition(total, ratio):
    inputs = batch_for_heads(4)
    settings = config(TRAIN_ROIS_PER_IMAGE=total, ROI_POSITIVE_RATIO=ratio)
    layer = targets.DetectionTargetLayer(settings, seed=1)
    rois, class_ids, deltas, masks = arrays(layer(tensors(*inputs)))
    for i, (proposals, gt_class_ids, gt_boxes, _) in enumerate(zip(*inputs, strict=True)):
        positive, negative = plain_roi_kinds(proposals, gt_class_ids, gt_boxes)
        positive_count = min(len(positive), int(total * ratio))
        wanted = int(np.float32(1 / ratio) * np.float32(positive_count)) - positive_count
        negative_count = min(len(negative), wanted, total - positive_count)
        first, then = positive_count, positive_count + negative_count
        as_set = lambda table: {tuple(row) for row in table}  # noqa: E731
        assert (class_ids[i, :first] > 0).all() and not class_ids[i, first:].any()
        assert as_set(rois[i, :first]) <= as_set(proposals[positive])
        assert as_set(rois[i, first:then]) <= as_set(proposals[negative])
        assert rois[i, :then].any(axis=1).all() and not rois[i, then:].any()
        assert not deltas[i, first:].any() and not masks[i, first:].any()
        best = boxes.iou(rois[i, :first], gt_boxes)
        best[:, gt_class_ids <= 0] = -1
        best = best.argmax(axis=1)
        np.testing.assert_array_equal(class_ids[i, :first], gt_class_ids[best])
        moved = boxes.apply_deltas(rois[i, :first], deltas[i, :first] * [0.1, 0.1, 0.2, 0.2])
        np.testing.assert_allclose(moved, gt_boxes[best], atol=1e-4)
        assert masks[i, :first].any(axis=(1, 2)).all() and set(np.unique(masks)) <= {0, 1}


def test_a_mask_target_is_what_the_roi_shows():
    """A mini mask and the picture's mask of one object give the same target, the object's left half."""
    whole = np.zeros((1, 113, 113, 1), bool)
    whole[:, 28:84, 28:56] = True  # the left half of the object's box (28, 28, 84, 84)
    mini = whole[:, 28:84, 28:84]
    gt_boxes = np.array([[[28, 28, 84, 84]]]) - [0, 0, 1, 1]
    gt_boxes = (gt_boxes / 112).astype(np.float32)
    just_inside = gt_boxes + np.array([1e-5, 1e-5, -1e-5, -1e-5], np.float32)
    inputs = tensors(just_inside, np.array([[1]], np.int32), gt_boxes)
    for masks, use_mini in ((whole, False), (mini, True)):
        settings = config(USE_MINI_MASK=use_mini)
        found = arrays(targets.detection_targets(*inputs, ops.convert_to_tensor(masks), settings))[3]
        assert found[0, 0, :, :14].all() and not found[0, 0, :, 14:].any()


@pytest.mark.parametrize("class_id", [0, -1])
def test_without_objects_there_are_no_rois(class_id):
    proposals, class_ids, gt_boxes, masks = batch_for_heads(5)
    found = targets.detection_targets(
        *tensors(proposals, np.full_like(class_ids, class_id), gt_boxes, masks), config()
    )
    assert not any(result.any() for result in arrays(found))


def test_fewer_proposals_than_places():
    box = np.array([[[0.1, 0.1, 0.6, 0.6]]], np.float32)
    masks = np.ones((1, 56, 56, 1), bool)
    found = targets.detection_targets(*tensors(box, np.array([[3]], np.int32), box, masks), config())
    rois, class_ids, deltas, masks = arrays(found)
    np.testing.assert_array_equal(rois, np.pad(box, ((0, 0), (0, 23), (0, 0))))
    assert class_ids.tolist() == [[3] + 23 * [0]] and not deltas.any()
    assert masks.shape == (1, 24, 28, 28) and masks[0, 0, :-1, :-1].all() and not masks[0, 1:].any()


# ---- inside a training step


@pytest.mark.parametrize("open_batch", [(), (0, 1, 2, 3)])
def test_layers_give_the_same_inside_a_compiled_step(open_batch):
    settings = config(TRAIN_ROIS_PER_IMAGE=400, RPN_TRAIN_ANCHORS_PER_IMAGE=20000)  # nothing random
    anchors = ops.convert_to_tensor(make_anchors())
    inputs = tensors(*batch_for_heads(6))

    def step(proposals, class_ids, gt_boxes, masks):
        match, deltas = targets.rpn_targets(anchors, class_ids, gt_boxes * 128, settings, seed=1)
        heads = targets.detection_targets(proposals, class_ids, gt_boxes, masks, settings, seed=1)
        return match, deltas, *heads

    *plain, plain_masks = arrays(step(*inputs))
    *fast, fast_masks = arrays(compiled(step, open_batch)(*inputs))
    for expected, found in zip(plain, fast, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    # Samples exactly on a mask's border fall in or out by the rounding of the compiler.
    assert np.mean(plain_masks != fast_masks) < 1e-3 and plain_masks.any()


def test_a_compiled_layer_draws_anew_each_step():
    layer = targets.RPNTargetLayer(config(), seed=0)
    anchors = ops.convert_to_tensor(make_anchors())
    class_ids, gt_boxes = tensors(*(value[None] for value in random_objects(np.random.default_rng(7), 4)))
    if keras.backend.backend() == "jax":
        pure = compiled(lambda state, *inputs: layer.stateless_call([], state, list(inputs)))
        state = [variable.value for variable in layer.non_trainable_variables]
        draws = []
        for _ in range(3):
            (match, _), state = pure(state, anchors, class_ids, gt_boxes)
            draws.append(match)
    else:
        step = compiled(lambda *inputs: layer(list(inputs))[0])
        draws = [step(anchors, class_ids, gt_boxes) for _ in range(3)]
    first, *others = (ops.convert_to_numpy(draw) for draw in draws)
    assert any((draw != first).any() for draw in others)


def test_layers_stay_in_float32_under_mixed_precision():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        layer = targets.RPNTargetLayer(config())
        heads = targets.DetectionTargetLayer(config())
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    class_ids, gt_boxes = random_objects(np.random.default_rng(8), 4)
    match, deltas = layer([make_anchors(), *tensors(class_ids[None], gt_boxes[None])])
    assert keras.backend.standardize_dtype(deltas.dtype) == "float32"
    assert keras.backend.standardize_dtype(match.dtype) == "int32"
    rois, _, deltas, masks = heads(tensors(*batch_for_heads(9)))
    assert {keras.backend.standardize_dtype(t.dtype) for t in (rois, deltas, masks)} == {"float32"}

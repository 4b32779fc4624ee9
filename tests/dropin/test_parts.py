"""The parts of the network that the original had as functions and layers give what it gave."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import mrcnn.model as modellib
from mrcnn.config import Config
from mrcnn.network.boxes import iou
from mrcnn.parallel_model import ParallelModel
from tests.backend import to_numpy
from tests.tiny import TinyConfig, TinyTraining, tiny


def tensor(array):
    return ops.convert_to_tensor(array)


# Arithmetic


def test_boxes_as_recorded(golden):
    record = golden("box_deltas")
    boxes, deltas, window = (tensor(record[f"in_{name}"]) for name in ("boxes", "deltas", "window"))
    moved = to_numpy(modellib.apply_box_deltas_graph(boxes, deltas))
    np.testing.assert_allclose(moved, record["out_apply_graph"], rtol=1e-5, atol=1e-5)
    clipped = to_numpy(modellib.clip_boxes_graph(boxes, window))
    np.testing.assert_allclose(clipped, record["out_clip"], rtol=1e-5, atol=1e-5)


def test_units_as_recorded_with_a_shape_known_only_when_the_network_runs(golden):
    record = golden("norm_boxes")
    shape = tensor(record["in_shape"].astype(np.int32))
    boxes = tensor(record["in_boxes"].astype(np.float32))
    normalised = to_numpy(modellib.norm_boxes_graph(boxes, shape))
    np.testing.assert_allclose(normalised, record["out_norm_graph"], rtol=1e-6)
    pixels = to_numpy(modellib.denorm_boxes_graph(tensor(record["in_normalised"]), shape))
    np.testing.assert_array_equal(pixels, record["out_denorm_graph"])


def test_overlaps_as_recorded(golden):
    record = golden("overlaps")
    boxes1, boxes2 = (tensor(record[f"in_boxes{i}"].astype(np.float32)) for i in (1, 2))
    found = to_numpy(modellib.overlaps_graph(boxes1, boxes2))
    np.testing.assert_allclose(found, record["out_graph"], rtol=1e-5, atol=1e-6)


def test_small_helpers():
    x = np.float32([[1, 2], [0, 0], [0, 3]])
    rows, real = modellib.trim_zeros_graph(tensor(x), name="anything")
    np.testing.assert_array_equal(to_numpy(rows), x[[0, 2]])
    np.testing.assert_array_equal(to_numpy(real), [True, False, True])
    packed = modellib.batch_pack_graph(tensor(np.arange(12).reshape(3, 4)), [2, 0, 1], 3)
    np.testing.assert_array_equal(to_numpy(packed), [0, 1, 8])
    np.testing.assert_allclose(to_numpy(modellib.log2_graph(tensor(np.float32([1, 8])))), [0, 3], atol=1e-6)


def test_a_meta_comes_back_from_its_row():
    meta = modellib.compose_image_meta(7, (60, 80, 3), (64, 64, 3), (8, 0, 56, 64), 0.8, [1, 0, 1])
    parts = to_numpy(modellib.parse_image_meta_graph(tensor(np.float32([meta]))))
    for name, part in modellib.parse_image_meta(meta[None]).items():
        np.testing.assert_array_equal(parts[name], part)


# Layers


def test_targets_of_one_picture_are_those_of_a_batch_of_one(golden):
    record = golden("detection_targets")
    config = Config(**json.loads(str(record["in_args0"])))
    shape = record["in_gt_masks_shape0"]
    masks = np.unpackbits(record["in_gt_masks0"], axis=0)[: shape[0]].astype(bool)
    names = "proposals", "gt_class_ids", "gt_boxes"
    inputs = [tensor(record[f"in_{name}0"]) for name in names] + [tensor(masks)]
    rois, class_ids, deltas, target_masks = to_numpy(modellib.detection_targets_graph(*inputs, config))
    assert rois.shape == (40, 4) and target_masks.shape == (40, 28, 28)
    layer = modellib.DetectionTargetLayer(config)
    batch = to_numpy(layer([x[None] for x in inputs]))
    assert [x.shape for x in batch] == list(layer.compute_output_shape([(1, 30, 4)]))
    np.testing.assert_array_equal(np.sort(class_ids), np.sort(batch[1][0]))
    positive = class_ids > 0  # all of them are taken, of the negative a random choice
    for one, other in zip((rois, deltas, target_masks), (batch[0], *batch[2:]), strict=True):
        one, other = one[positive], other[0][batch[1][0] > 0]
        np.testing.assert_array_equal(np.sort(one.sum(axis=-1), axis=0), np.sort(other.sum(axis=-1), axis=0))


def test_detections_of_one_picture_are_those_of_a_batch_of_one():
    rng = np.random.default_rng(0)
    config = Config(NUM_CLASSES=3, DETECTION_MIN_CONFIDENCE=0.0, DETECTION_MAX_INSTANCES=5)
    corners = rng.random((20, 2)) * 0.7
    rois = np.hstack([corners, corners + 0.2]).astype(np.float32)
    probs, deltas = rng.random((20, 3), np.float32), rng.normal(size=(20, 3, 4)).astype(np.float32)
    meta = modellib.compose_image_meta(0, (64, 64, 3), (64, 64, 3), (0, 0, 64, 64), 1, np.zeros(3))
    window = np.float32([0, 0, 1, 1])
    one = modellib.refine_detections_graph(*map(tensor, (rois, probs, deltas, window)), config)
    layer = modellib.DetectionLayer(config)
    batch = layer([tensor(x[None]) for x in (rois, probs, deltas, meta.astype(np.float32))])
    np.testing.assert_allclose(to_numpy(one), to_numpy(batch)[0], atol=1e-6)
    assert to_numpy(one).shape == (5, 6)


LAYERS = [
    lambda config: modellib.ProposalLayer(20, 0.7, config, name="ROI"),
    lambda config: modellib.DetectionLayer(config, name="found"),
    lambda config: modellib.DetectionTargetLayer(config, name="proposal_targets"),
    lambda config: modellib.PyramidROIAlign([7, 7], name="align"),
    lambda config: modellib.BatchNorm(name="bn"),
]


@pytest.mark.parametrize("make", LAYERS)
def test_a_layer_is_made_again_from_its_config(make):
    layer = make(TinyConfig())
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert again.name == layer.name and again.get_config() == layer.get_config()


def test_layers_without_a_config_take_the_defaults():
    assert modellib.ProposalLayer(20, 0.7).config.PRE_NMS_LIMIT == Config.PRE_NMS_LIMIT
    assert modellib.DetectionLayer().config.DETECTION_MAX_INSTANCES == Config.DETECTION_MAX_INSTANCES


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_keeps_what_it_was_told_when_the_model_was_built(training):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, modellib.BatchNorm(name="bn")(image, training=training))
    x = np.random.default_rng(0).normal(5, 2, (4, 8, 8, 3)).astype(np.float32)
    for mode in (True, False):
        found = to_numpy(model(x, training=mode))
        assert (abs(found.mean()) < 0.01) == training


# The network in parts


def test_a_network_put_together_from_parts():
    image, meta = keras.Input((64, 64, 3)), keras.Input((15,))
    rois = keras.Input((6, 4))
    features = modellib.resnet_graph(image, "resnet50", stage5=True, train_bn=False)
    assert [c.shape for c in features] == [
        (None, 16, 16, 64),
        (None, 16, 16, 256),
        (None, 8, 8, 512),
        (None, 4, 4, 1024),
        (None, 2, 2, 2048),
    ]
    maps = [keras.layers.Dense(8)(c) for c in features[1:]]
    logits, probs, deltas = modellib.fpn_classifier_graph(
        rois, maps, meta, pool_size=7, num_classes=3, train_bn=False, fc_layers_size=16
    )
    masks = modellib.build_fpn_mask_graph(rois, maps, meta, pool_size=14, num_classes=3, train_bn=False)
    answers = modellib.build_rpn_model(1, 3, 8)(maps[0])
    outputs = [logits, probs, deltas, masks, *answers]
    model = keras.Model([image, meta, rois], outputs)
    rng = np.random.default_rng(0)
    metas = np.stack([modellib.compose_image_meta(0, *[(64, 64, 3)] * 2, (0, 0, 64, 64), 1, [0] * 3)] * 2)
    corners = rng.random((2, 6, 2), np.float32) * 0.5
    boxes = np.concatenate([corners, corners + 0.3], axis=-1)
    found = model([rng.random((2, 64, 64, 3), np.float32), metas.astype(np.float32), boxes])
    shapes = [(2, 6, 3), (2, 6, 3), (2, 6, 3, 4), (2, 6, 28, 28, 3), (2, 768, 2), (2, 768, 2), (2, 768, 4)]
    assert [to_numpy(x).shape for x in found] == shapes
    names = {layer.name for layer in model.layers}
    assert {"conv1", "bn_conv1", "res5c_out", "mrcnn_class_conv1", "mrcnn_mask", "rpn_model"} <= names
    assert all(np.isfinite(to_numpy(x)).all() for x in found)


def test_resnet_without_its_last_stage_and_unknown_networks():
    image = keras.Input((64, 64, 3))
    *features, last = modellib.resnet_graph(image, "resnet50")
    assert last is None and features[-1].shape == (None, 4, 4, 1024)
    with pytest.raises(ValueError, match="resnet50, resnet101"):
        modellib.resnet_graph(image, "resnet18")


def test_blocks():
    image = keras.Input((8, 8, 12))
    same = modellib.identity_block(image, 3, [4, 4, 12], stage=9, block="a", use_bias=False, train_bn=False)
    half = modellib.conv_block(image, 5, [4, 6, 20], stage=9, block="b", train_bn=False)
    assert same.shape == (None, 8, 8, 12) and half.shape == (None, 4, 4, 20)
    model = keras.Model(image, [same, half])
    assert not model.get_layer("res9a_branch2a").use_bias
    assert model.get_layer("res9b_branch2b").kernel_size == (5, 5)


def own_backbone(input_image, stage5, train_bn):
    """As users wrote them for the original: C1 to C5, batch normalisation of this module."""
    assert stage5 and train_bn is False
    features, x = [], input_image
    for i, strides in enumerate((4, 1, 2, 2, 2)):
        x = keras.layers.Conv2D(4, 3, strides=strides, padding="same", name=f"own{i}")(x)
        x = modellib.BatchNorm(name=f"own_bn{i}")(x, training=train_bn)
        features.append(x)
    return features


def own_shapes(image_shape):
    return [[int(np.ceil(side / stride)) for side in image_shape[:2]] for stride in (4, 8, 16, 32, 64)]


def test_a_backbone_of_the_users_own():
    model = tiny(BACKBONE=own_backbone, COMPUTE_BACKBONE_SHAPE=own_shapes)
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    found = model.run_graph([image], [("C2", model.keras_model.get_layer("own_bn1").output)])
    assert found["C2"].shape == (1, 16, 16, 4)
    assert set(model.detect([image])[0]) == {"rois", "class_ids", "scores", "masks"}


# Targets in NumPy


@settings(max_examples=50, deadline=None)
@given(
    st.integers(2, 200),
    st.integers(2, 200),
    st.integers(1, 60),
    st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=4),
)
def test_random_rois_lie_inside_and_nine_of_ten_near_objects(height, width, count, corners):
    scale = np.array([height, width, height, width])
    boxes = np.sort(np.reshape(corners, (-1, 2, 2)), axis=1).reshape(-1, 4) * (scale - 1)
    boxes = boxes.astype(np.int32) + np.int32([0, 0, 1, 1])
    rois = modellib.generate_random_rois((height, width, 3), count, np.ones(len(boxes)), boxes)
    assert rois.shape == (count, 4) and rois.dtype == np.int32
    assert (rois >= 0).all() and (rois <= scale).all() and (rois[:, :2] < rois[:, 2:]).all()
    each = int(0.9 * count / max(len(boxes), 1))
    for box, near in zip(boxes, rois[: each * len(boxes)].reshape(len(boxes), each, 4), strict=True):
        size = np.tile(box[2:] - box[:2], 2)
        assert (np.abs(near - box) <= 2 * size).all()


def test_detection_targets_of_one_picture():
    config = TinyTraining(TRAIN_ROIS_PER_IMAGE=20)
    gt_boxes, gt_class_ids = np.int32([[4, 4, 24, 24], [30, 30, 60, 50]]), np.int32([2, 1])
    gt_masks = np.ones((*config.MINI_MASK_SHAPE, 2), bool)
    near = gt_boxes.repeat(5, axis=0) + np.random.default_rng(0).integers(-2, 3, (10, 4))
    far = np.int32([[0, 40, 10, 60], [50, 0, 60, 10], [0, 0, 0, 0]])
    rpn_rois = np.concatenate([near, far]).astype(np.int32)
    rois, class_ids, deltas, masks = modellib.build_detection_targets(
        rpn_rois, gt_class_ids, gt_boxes, gt_masks, config
    )
    assert rois.shape == (20, 4) and masks.shape == (20, 28, 28, config.NUM_CLASSES)
    given = {tuple(row) for row in rpn_rois[:-1].tolist()}
    assert {tuple(row) for row in rois.tolist()} <= given  # and none of them padding
    positive = np.flatnonzero(class_ids)
    assert len(positive) == 6
    overlaps = iou(rois, gt_boxes)
    np.testing.assert_array_equal(class_ids[positive], gt_class_ids[overlaps[positive].argmax(axis=1)])
    for row, class_id in enumerate(class_ids):
        others = np.arange(config.NUM_CLASSES) != class_id
        assert not deltas[row, others].any() and not masks[row, :, :, others].any()
        assert masks[row, :, :, class_id].any() == (class_id > 0)


def test_detection_targets_are_measured_in_pixels():
    config = TinyTraining(TRAIN_ROIS_PER_IMAGE=6, USE_MINI_MASK=False)
    gt_boxes, gt_class_ids = np.int32([[10, 10, 24, 20], [40, 40, 60, 60]]), np.int32([2, -1])
    gt_masks = np.zeros((*config.IMAGE_SHAPE[:2], 2), bool)
    gt_masks[10:16, 10:20, 0] = gt_masks[40:60, 40:60, 1] = True
    rpn_rois = np.int32([[10, 10, 20, 20], [41, 41, 59, 59], [10, 10, 17, 20]])
    rois, class_ids, deltas, masks = modellib.build_detection_targets(
        rpn_rois, gt_class_ids, gt_boxes, gt_masks, config
    )
    # The second touches but a crowd, the third is exactly half of the object: neither object nor background.
    assert rois.tolist() == [[10, 10, 20, 20]] + [[41, 41, 59, 59]] * 5
    assert class_ids.tolist() == [2, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(deltas[0, 2], [2, 0, np.log(1.4) / 0.2, 0], atol=1e-5)
    np.testing.assert_array_equal(masks[0, 2:15, 2:26, 2], 1)  # six of ten rows
    assert 0 < masks[0, 17, 14, 2] < 1 and not masks[0, 19:, :, 2].any()
    with pytest.raises(ValueError, match="no objects"):
        modellib.build_detection_targets(rpn_rois, np.int32([-1, 0]), gt_boxes, gt_masks, config)


def test_detection_targets_of_rois_between_pixels():
    config = TinyTraining(TRAIN_ROIS_PER_IMAGE=6, USE_MINI_MASK=False)
    gt_masks = np.zeros((*config.IMAGE_SHAPE[:2], 1), bool)
    gt_masks[10:40, 10:40] = True
    rpn_rois = np.array([[10.6, 10.4, 40.6, 40.4]])
    rois, _, deltas, _ = modellib.build_detection_targets(
        rpn_rois, np.int32([1]), np.int32([[10, 10, 40, 40]]), gt_masks, config
    )
    np.testing.assert_array_equal(rois[0], rpn_rois[0])
    np.testing.assert_allclose(deltas[0, 1], [-0.2, -0.4 / 30 / 0.1, 0, 0], atol=1e-4)


def test_a_seed_repeats_which_anchors_are_trained():
    config = TinyTraining(RPN_TRAIN_ANCHORS_PER_IMAGE=8)
    anchors = np.tile(np.float32([[0, 0, 20, 20], [30, 30, 60, 60]]), (50, 1))

    def chosen(seed):
        np.random.seed(seed)  # noqa: NPY002
        objects = np.int32([1]), np.int32([[0, 0, 20, 20]])
        return modellib.build_rpn_targets(config.IMAGE_SHAPE, anchors, *objects, config)[0].tolist()

    assert chosen(3) == chosen(3) != chosen(4)


def test_a_network_that_detects_is_saved_as_keras_does(tmp_path):
    model = tiny()
    model.keras_model.save(tmp_path / "whole.keras")
    assert "mrcnn_detection" in model.keras_model.to_json()


# Pictures and names


@pytest.fixture(scope="module")
def small():
    return tiny()


def test_a_molded_picture_is_detected_on(small):
    """A much-read tutorial calls `mold_image` before `detect`, which calls it again."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    with pytest.warns(UserWarning, match="no grey levels"):
        found = small.detect(modellib.mold_image(picture, small.config)[None], verbose=0)
    assert len(found) == 1 and set(found[0]) == {"rois", "class_ids", "scores", "masks"}


def test_features_of_a_roi_have_the_original_s_name(small):
    pooled = small.keras_model.get_layer("pool_squeeze").output
    assert pooled.shape[2:] == (small.config.FPN_CLASSIF_FC_LAYERS_SIZE,)


# Weights and devices


FETCH = """
import sys
from mrcnn.matterport import inspection

inspection.IMAGENET_URL, *sums = sys.argv[1:]
for inspection.IMAGENET_MD5 in sums:
    try:
        print(inspection.Inspection().get_imagenet_weights())
    except ValueError as error:
        print(error)
"""


def test_weights_of_imagenet_are_fetched_and_checked(tmp_path):
    source, home = tmp_path / "resnet50.h5", tmp_path / "home"
    source.write_bytes(b"weights")
    sums = [hashlib.md5(content).hexdigest() for content in (b"other", b"weights")]
    process = subprocess.run(
        [sys.executable, "-c", FETCH, source.as_uri(), *sums],
        env=os.environ | {"KERAS_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    *refused, path = process.stdout.splitlines()
    assert "hash" in " ".join(refused)
    assert Path(path) == home / "models" / "resnet50.h5" and Path(path).read_bytes() == b"weights"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_divided_batch_gives_the_same(count, tmp_path):
    image, number = keras.Input((4, 4, 3)), keras.Input((2,))
    both = keras.layers.Dense(5, name="dense")(number)
    inner = keras.Model([image, number], [keras.layers.Conv2D(2, 3, name="conv")(image), both])
    parallel = ParallelModel(inner, count)
    rng = np.random.default_rng(0)
    x = [rng.random((6, 4, 4, 3), np.float32), rng.random((6, 2), np.float32)]
    for one, other in zip(parallel(x), inner(x), strict=True):
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=1e-5, atol=1e-6)
    parallel.save_weights(tmp_path / "inner.weights.h5")
    inner.load_weights(tmp_path / "inner.weights.h5")
    assert len(parallel.make_parallel()) == 2

"""The three notebooks that look at data, at every step of a detection, and at weights."""

import random

import keras
import matplotlib.patches as patches
import matplotlib.pyplot as plt
import numpy as np
import pytest

import mrcnn.model as modellib
from mrcnn import utils, visualize
from mrcnn.model import log
from mrcnn.visualize import display_images
from tests.dropin.test_shapes import InferenceConfig, prepared
from tests.tiny import enliven

BOX_KEYS = ("pre_nms_anchors", "refined_anchors", "refined_anchors_clipped")


class LivelyConfig(InferenceConfig):
    NAME = "lively"
    DETECTION_MIN_CONFIDENCE = 0.0
    DETECTION_MAX_INSTANCES = 12
    PRE_NMS_LIMIT = 60
    POST_NMS_ROIS_INFERENCE = 20


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model whose weights were loaded from a file, and whose answers vary."""
    folder = tmp_path_factory.mktemp("inspected")
    enliven(modellib.MaskRCNN("inference", LivelyConfig(), str(folder))).save_weights(folder / "lively.h5")
    model = modellib.MaskRCNN(mode="inference", model_dir=str(folder), config=LivelyConfig())
    model.load_weights(str(folder / "lively.h5"), by_name=True)
    return model


@pytest.fixture
def dataset(model):
    return prepared(4, model.config)


def get_ax(rows=1, cols=1, size=4):
    return plt.subplots(rows, cols, figsize=(size * cols, size * rows))[1]


def test_inspect_data(dataset):
    config = LivelyConfig()
    for i, info in enumerate(dataset.class_info):
        assert dataset.get_source_class_id(i, info["source"]) == info["id"]
    image_id = random.choice(dataset.image_ids)
    image = dataset.load_image(image_id)
    mask, class_ids = dataset.load_mask(image_id)
    bbox = utils.extract_bboxes(mask)
    log("bbox", bbox)
    visualize.display_instances(image, bbox, mask, class_ids, dataset.class_names)

    image, window, scale, padding, _ = utils.resize_image(
        image,
        min_dim=config.IMAGE_MIN_DIM,
        max_dim=config.IMAGE_MAX_DIM,
        min_scale=config.IMAGE_MIN_SCALE,
        mode=config.IMAGE_RESIZE_MODE,
    )
    mask = utils.resize_mask(mask, scale, padding)
    small = utils.minimize_mask(bbox, mask, config.MINI_MASK_SHAPE)
    restored = utils.expand_mask(bbox, small, image.shape)
    assert np.mean(restored == mask) > 0.98
    visualize.display_images([image] + [small[:, :, i] for i in range(small.shape[-1])])
    image, image_meta, class_ids, bbox, mask = modellib.load_image_gt(
        dataset, config, image_id, augment=True, use_mini_mask=True
    )
    assert mask.shape == (*config.MINI_MASK_SHAPE, len(class_ids))

    backbone_shapes = modellib.compute_backbone_shapes(config, config.IMAGE_SHAPE)
    anchors = utils.generate_pyramid_anchors(
        config.RPN_ANCHOR_SCALES,
        config.RPN_ANCHOR_RATIOS,
        backbone_shapes,
        config.BACKBONE_STRIDES,
        config.RPN_ANCHOR_STRIDE,
    )
    per_cell = len(config.RPN_ANCHOR_RATIOS)
    counts = [per_cell * h * w // config.RPN_ANCHOR_STRIDE**2 for h, w in backbone_shapes]
    assert sum(counts) == len(anchors)
    ax = get_ax()
    ax.imshow(image)
    for level, color in enumerate(visualize.random_colors(len(counts))):
        y1, x1, y2, x2 = anchors[sum(counts[:level])]
        edge = 0.5 * np.array(color)
        ax.add_patch(patches.Rectangle((x1, y1), x2 - x1, y2 - y1, edgecolor=edge, facecolor="none"))


def test_inspect_the_data_generator(dataset):
    config = LivelyConfig()
    random_rois, count = 500, config.TRAIN_ROIS_PER_IMAGE
    g = modellib.data_generator(
        dataset, config, shuffle=True, random_rois=random_rois, batch_size=3, detection_targets=True
    )
    inputs, outputs = next(g)
    images, image_meta, rpn_match, rpn_bbox, gt_class_ids, gt_boxes, gt_masks, rpn_rois, rois = inputs
    mrcnn_class_ids, mrcnn_bbox, mrcnn_mask = outputs
    anchors = modellib.MaskRCNN("inference", config, "logs").anchors
    expected = {
        (3, 64, 64, 3): images,
        (3, config.IMAGE_META_SIZE): image_meta,
        (3, len(anchors), 1): rpn_match,
        (3, config.RPN_TRAIN_ANCHORS_PER_IMAGE, 4): rpn_bbox,
        (3, config.MAX_GT_INSTANCES): gt_class_ids,
        (3, config.MAX_GT_INSTANCES, 4): gt_boxes,
        (3, *config.MINI_MASK_SHAPE, config.MAX_GT_INSTANCES): gt_masks,
        (3, random_rois, 4): rpn_rois,
        (3, count, 4): rois,
        (3, count, 1): mrcnn_class_ids,
        (3, count, config.NUM_CLASSES, 4): mrcnn_bbox,
        (3, count, *config.MASK_SHAPE, config.NUM_CLASSES): mrcnn_mask,
    }
    assert all(array.shape == shape for shape, array in expected.items())
    image_id = modellib.parse_image_meta(image_meta)["image_id"][0]
    mrcnn_class_ids = mrcnn_class_ids[:, :, 0]
    b = 0
    sample_image = modellib.unmold_image(images[b], config)
    np.testing.assert_array_equal(sample_image, dataset.load_image(image_id))

    indices = np.where(rpn_match[b] == 1)[0]
    shifted = utils.apply_box_deltas(anchors[indices], rpn_bbox[b, : len(indices)] * config.RPN_BBOX_STD_DEV)
    boxes = gt_boxes[b][gt_class_ids[b] > 0]
    assert utils.compute_overlaps(shifted, boxes).max(axis=1).min() > 0.999
    visualize.draw_boxes(sample_image, boxes=anchors[indices], refined_boxes=shifted, ax=get_ax())

    positive = np.flatnonzero(mrcnn_class_ids[b])
    assert 0 < len(positive) <= count * config.ROI_POSITIVE_RATIO
    bbox_specific = mrcnn_bbox[b, np.arange(count), mrcnn_class_ids[b], :]
    refined_rois = utils.apply_box_deltas(
        rois[b].astype(np.float32), bbox_specific[:, :4] * config.BBOX_STD_DEV
    )
    assert utils.compute_overlaps(refined_rois[positive], boxes).max(axis=1).min() > 0.9
    mask_specific = mrcnn_mask[b, np.arange(count), :, :, mrcnn_class_ids[b]]
    assert mask_specific[positive].any(axis=(1, 2)).all()
    visualize.draw_rois(
        sample_image, rois[b], refined_rois, mask_specific, mrcnn_class_ids[b], dataset.class_names
    )
    image = visualize.draw_box(sample_image.copy(), rois[b, 0, :4].astype(np.int32), [255, 0, 0])
    display_images([image, mask_specific[0] * 255], ["ROI", "mask"], cols=2, cmap="Blues")


def test_the_generator_as_a_sequence(dataset):
    generator = modellib.DataGenerator(dataset, LivelyConfig(), shuffle=False)
    assert len(generator) == len(dataset.image_ids)
    inputs, outputs = generator[1]
    assert outputs == [] and inputs[1][0, 0] == 1
    dtypes = ["float32", "float64", "int32", "float64", "int32", "int32", "bool"]
    assert [str(array.dtype) for array in inputs] == dtypes


def test_inspect_model(model, dataset):
    config = model.config
    image, image_meta, gt_class_id, gt_bbox, gt_mask = modellib.load_image_gt(
        dataset, config, 2, use_mini_mask=False
    )
    results = model.detect([image], verbose=1)
    r = results[0]
    ax = get_ax()
    visualize.display_instances(
        image, r["rois"], r["masks"], r["class_ids"], dataset.class_names, r["scores"], ax=ax
    )
    ap, precisions, recalls, overlaps = utils.compute_ap(
        gt_bbox, gt_class_id, gt_mask, r["rois"], r["class_ids"], r["scores"], r["masks"]
    )
    visualize.plot_precision_recall(ap, precisions, recalls)
    visualize.plot_overlaps(gt_class_id, r["class_ids"], r["scores"], overlaps, dataset.class_names)

    # Proposals: targets, then every step of the network
    target_rpn_match, target_rpn_bbox = modellib.build_rpn_targets(
        image.shape, model.anchors, gt_class_id, gt_bbox, config
    )
    positive = np.where(target_rpn_match == 1)[0]
    refined = utils.apply_box_deltas(
        model.anchors[positive], target_rpn_bbox[: len(positive)] * config.RPN_BBOX_STD_DEV
    )
    assert utils.compute_overlaps(refined, gt_bbox).max(axis=1).min() > 0.999

    pillar = model.keras_model.get_layer("ROI").output
    nms_node = model.ancestor(pillar, "ROI/rpn_non_max_suppression:0")
    if nms_node is None:
        nms_node = model.ancestor(pillar, "ROI/rpn_non_max_suppression/NonMaxSuppressionV3:0")
    rpn = model.run_graph(
        [image],
        [
            ("rpn_class", model.keras_model.get_layer("rpn_class").output),
            ("pre_nms_anchors", model.ancestor(pillar, "ROI/pre_nms_anchors:0")),
            ("refined_anchors", model.ancestor(pillar, "ROI/refined_anchors:0")),
            ("refined_anchors_clipped", model.ancestor(pillar, "ROI/refined_anchors_clipped:0")),
            ("post_nms_anchor_ix", nms_node),
            ("proposals", model.keras_model.get_layer("ROI").output),
        ],
    )
    sorted_anchor_ids = np.argsort(-rpn["rpn_class"][0, :, 1], kind="stable")
    before, after, clipped = (utils.denorm_boxes(rpn[key][0], image.shape[:2]) for key in BOX_KEYS)
    limit = 40
    np.testing.assert_allclose(before[:limit], model.anchors[sorted_anchor_ids[:limit]], atol=0.51)
    visualize.draw_boxes(image, boxes=before[:limit], refined_boxes=after[:limit], ax=get_ax())
    ixs = rpn["post_nms_anchor_ix"][:limit]
    visualize.draw_boxes(image, refined_boxes=clipped[ixs], ax=get_ax())
    kept = rpn["proposals"][0, : len(rpn["post_nms_anchor_ix"])]
    np.testing.assert_allclose(rpn["refined_anchors_clipped"][0][rpn["post_nms_anchor_ix"]], kept, atol=1e-6)
    assert not rpn["proposals"][0, len(kept) :].any()
    recall, _ = utils.compute_recall(clipped, gt_bbox, 0.3)
    assert 0 <= recall <= 1


def test_inspect_the_heads(model, dataset):
    config = model.config
    image = dataset.load_image(1)
    (r,) = model.detect([image])
    names = ("ROI", "mrcnn_class", "mrcnn_bbox", "mrcnn_mask", "mrcnn_detection", "mrcnn_class_logits")
    names += ("roi_align_classifier", "roi_align_mask", "mrcnn_class_conv1")
    mrcnn = model.run_graph([image], [(name, model.keras_model.get_layer(name).output) for name in names])
    rois, most, classes = config.POST_NMS_ROIS_INFERENCE, config.DETECTION_MAX_INSTANCES, config.NUM_CLASSES
    channels = config.TOP_DOWN_PYRAMID_SIZE
    assert {name: array.shape for name, array in mrcnn.items()} == {
        "ROI": (1, rois, 4),
        "mrcnn_class": (1, rois, classes),
        "mrcnn_bbox": (1, rois, classes, 4),
        "mrcnn_mask": (1, most, 28, 28, classes),
        "mrcnn_detection": (1, most, 6),
        "mrcnn_class_logits": (1, rois, classes),
        "roi_align_classifier": (1, rois, 7, 7, channels),
        "roi_align_mask": (1, most, 14, 14, channels),
        "mrcnn_class_conv1": (1, rois, 1, 1, config.FPN_CLASSIF_FC_LAYERS_SIZE),
    }
    det_class_ids = mrcnn["mrcnn_detection"][0, :, 4].astype(np.int32)
    det_count = np.count_nonzero(det_class_ids)
    detections = mrcnn["mrcnn_detection"][0, :det_count]
    np.testing.assert_array_equal(detections[:, 4], r["class_ids"])
    boxes = utils.denorm_boxes(detections[:, :4], image.shape[:2])
    np.testing.assert_array_equal(boxes, r["rois"])
    det_mask_specific = np.array(
        [mrcnn["mrcnn_mask"][0, i, :, :, c] for i, c in enumerate(det_class_ids[:det_count])]
    )
    det_masks = np.array(
        [utils.unmold_mask(m, boxes[i], image.shape) for i, m in enumerate(det_mask_specific)]
    )
    np.testing.assert_array_equal(np.moveaxis(det_masks, 0, -1), r["masks"])
    display_images(det_mask_specific[:4] * 255, cmap="Blues", interpolation="none")

    molded, metas, windows = model.mold_inputs([image])
    assert (molded.dtype, metas.shape, windows.tolist()) == ("float32", (1, 12 + classes), [[0, 0, 64, 64]])
    unmolded = model.unmold_detections(
        mrcnn["mrcnn_detection"][0], mrcnn["mrcnn_mask"][0], image.shape, molded[0].shape, windows[0]
    )
    for ours, theirs in zip(unmolded, r.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    again = model.run_graph(molded, [("again", model.keras_model.get_layer("ROI").output)], metas)
    np.testing.assert_allclose(again["again"], mrcnn["ROI"], atol=1e-6)


def test_inspect_activations(model, dataset):
    image = dataset.load_image(0)
    layers = ("input_image", "res2a_out", "res4b_out", "fpn_p2", "fpn_p5", "fpn_p6", "rpn_bbox")
    activations = model.run_graph(
        [image, image], [(name, model.keras_model.get_layer(name).output) for name in layers]
    )
    np.testing.assert_array_equal(modellib.unmold_image(activations["input_image"][1], model.config), image)
    shapes = [(16, 16, 32), (4, 4, 128), (16, 16, 8), (2, 2, 8), (1, 1, 8)]
    assert [activations[name].shape for name in layers[1:-1]] == [(2, *shape) for shape in shapes]
    features = model.trace(image).features["P2"]
    np.testing.assert_allclose(activations["fpn_p2"][0], features, rtol=1e-4, atol=1e-5)
    display_images(np.transpose(activations["res2a_out"][0, :, :, :4], [2, 0, 1]), cols=4)
    plt.hist(activations["rpn_bbox"][0, :, 0], 50)


def test_ancestors_are_found_by_name_or_not_at_all(model):
    pillar = model.keras_model.get_layer("mrcnn_detection").output
    for name in ("rpn_class", "ROI", "mrcnn_class", "res2a_out", "roi_align_classifier", "input_anchors"):
        assert model.ancestor(pillar, name) is model.keras_model.get_layer(name).output
        assert model.ancestor(pillar, f"{name}:0") is not None
    assert model.ancestor(pillar, "ROI/NonMaxSuppression") is model.ancestor(
        pillar, "ROI/non_max_suppression"
    )
    assert model.ancestor(pillar, "mrcnn_mask") is None  # it comes after
    assert model.ancestor(pillar, "ROI/no_such_step") is None
    assert model.ancestor(pillar, "nothing") is None
    with pytest.raises(ValueError, match="nothing"):
        model.run_graph([np.zeros((64, 64, 3), np.uint8)], [("nothing", None)])


def test_inspect_weights(model, capsys):
    visualize.display_weight_stats(model)
    assert "mrcnn_mask" in capsys.readouterr().out
    layers = model.get_trainable_layers()
    assert {"rpn_model", "conv1", "mrcnn_mask"} <= {layer.name for layer in layers}
    for layer in layers:
        assert all(np.isfinite(weight).all() for weight in layer.get_weights())
        assert model.find_trainable_layer(layer) is layer
    wrapped = keras.layers.TimeDistributed(layers[0])
    assert model.find_trainable_layer(wrapped) is layers[0]


def test_pictures_of_several_sizes_cannot_be_molded_as_one_batch():
    model = modellib.MaskRCNN("inference", LivelyConfig(IMAGE_RESIZE_MODE="pad64"), "logs")
    pictures = [np.zeros((64, 64, 3), np.uint8), np.zeros((64, 128, 3), np.uint8)]
    with pytest.raises(ValueError, match="2 molded sizes"):
        model.mold_inputs(pictures)

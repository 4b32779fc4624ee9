"""A notebook that draws its own shapes, looks at them, learns them in two stages and measures itself."""

import os
import re

import cv2
import numpy as np

import mrcnn.model as modellib
from mrcnn import utils, visualize
from mrcnn.model import log
from tests.dropin import drawings
from tests.tiny import TinyTraining


class ShapesConfig(TinyTraining):
    NAME = "shapes"
    GPU_COUNT = 1
    IMAGES_PER_GPU = 2
    NUM_CLASSES = 1 + 3
    STEPS_PER_EPOCH = 2
    VALIDATION_STEPS = 1


class ShapesDataset(utils.Dataset):
    def load_shapes(self, count, height, width):
        for i, name in enumerate(drawings.SHAPES):
            self.add_class("shapes", i + 1, name)
        for i in range(count):
            shapes = drawings.drawing(i)[1]
            self.add_image("shapes", image_id=i, path=None, width=width, height=height, shapes=shapes)

    def load_image(self, image_id):
        return drawings.drawing(self.image_info[image_id]["id"])[0]

    def image_reference(self, image_id):
        info = self.image_info[image_id]
        if info["source"] == "shapes":
            return info["shapes"]
        return super().image_reference(image_id)

    def load_mask(self, image_id):
        shapes = self.image_info[image_id]["shapes"]
        mask = np.stack([drawings.mask_of(*shape) for shape in shapes], axis=-1)
        class_ids = np.array([self.class_names.index(shape[0]) for shape in shapes])
        return mask.astype(bool), class_ids.astype(np.int32)


class InferenceConfig(ShapesConfig):
    GPU_COUNT = 1
    IMAGES_PER_GPU = 1


def prepared(count, config):
    dataset = ShapesDataset()
    dataset.load_shapes(count, config.IMAGE_SHAPE[0], config.IMAGE_SHAPE[1])
    dataset.prepare()
    return dataset


def test_notebook(tmp_path, weights_file, capsys):
    config = ShapesConfig()
    config.display()
    dataset_train, dataset_val = prepared(5, config), prepared(3, config)
    for image_id in np.random.choice(dataset_train.image_ids, 2):  # noqa: NPY002, as its users write
        image = dataset_train.load_image(image_id)
        mask, class_ids = dataset_train.load_mask(image_id)
        visualize.display_top_masks(image, mask, class_ids, dataset_train.class_names)

    model = modellib.MaskRCNN(mode="training", config=config, model_dir=str(tmp_path))
    model.load_weights(
        weights_file,
        by_name=True,
        exclude=["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"],
    )
    assert re.fullmatch(r"shapes\d{8}T\d{4}", os.path.basename(model.log_dir))
    before = model.keras_model.get_layer("res2a_branch2a").get_weights()[0]
    model.train(dataset_train, dataset_val, learning_rate=config.LEARNING_RATE, epochs=1, layers="heads")
    np.testing.assert_array_equal(before, model.keras_model.get_layer("res2a_branch2a").get_weights()[0])
    model.train(dataset_train, dataset_val, learning_rate=config.LEARNING_RATE / 10, epochs=2, layers="all")
    assert not np.array_equal(before, model.keras_model.get_layer("res2a_branch2a").get_weights()[0])
    model_path = os.path.join(tmp_path, "mask_rcnn_shapes.h5")
    model.keras_model.save_weights(model_path)

    inference_config = InferenceConfig()
    model = modellib.MaskRCNN(mode="inference", config=inference_config, model_dir=str(tmp_path))
    model.keras_model.load_weights(model_path, by_name=True)
    written = model.keras_model.get_weights()
    model_path = model.find_last()
    assert os.path.basename(model_path) == "mask_rcnn_shapes_0002.h5"
    model.load_weights(model_path, by_name=True)
    for one, other in zip(written, model.keras_model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)

    original_image, image_meta, gt_class_id, gt_bbox, gt_mask = modellib.load_image_gt(
        dataset_val, inference_config, 1, use_mini_mask=False
    )
    capsys.readouterr()
    log("original_image", original_image)
    log("image_meta", image_meta)
    log("gt_class_id", gt_class_id)
    log("gt_bbox", gt_bbox)
    log("gt_mask", gt_mask)
    assert "(64, 64, 3)" in capsys.readouterr().out
    visualize.display_instances(
        original_image, gt_bbox, gt_mask, gt_class_id, dataset_train.class_names, figsize=(8, 8)
    )
    r = model.detect([original_image], verbose=1)[0]
    visualize.display_instances(
        original_image, r["rois"], r["masks"], r["class_ids"], dataset_val.class_names, r["scores"]
    )

    aps = []
    for image_id in dataset_val.image_ids:
        image, image_meta, gt_class_id, gt_bbox, gt_mask = modellib.load_image_gt(
            dataset_val, inference_config, image_id, use_mini_mask=False
        )
        molded_images = np.expand_dims(modellib.mold_image(image, inference_config), 0)
        (r,) = model.detect([image], verbose=0)
        (molded,) = model.detect_molded(molded_images, image_meta[None])
        np.testing.assert_array_equal(r["rois"], molded["rois"])
        ap, precisions, recalls, overlaps = utils.compute_ap(
            gt_bbox, gt_class_id, gt_mask, r["rois"], r["class_ids"], r["scores"], r["masks"]
        )
        assert overlaps.shape == (len(r["rois"]), len(gt_bbox)) and len(precisions) == len(recalls)
        aps.append(ap)
    assert 0 <= np.mean(aps) <= 1


def test_images_drawn_by_opencv_are_taken_as_they_are():
    image = np.ones([64, 64, 3], dtype=np.uint8) * 200
    image = cv2.circle(image, (30, 30), 12, (255, 0, 0), -1)
    resized, window, scale, padding, crop = utils.resize_image(image, min_dim=64, max_dim=64)
    np.testing.assert_array_equal(resized, image)
    assert (tuple(window), scale, crop) == ((0, 0, 64, 64), 1, None)

"""A program that learns one class from VIA annotations and leaves colour to that class alone."""

import json
import os

import numpy as np
import skimage.color
import skimage.draw
import skimage.io

from mrcnn import model as modellib
from mrcnn import utils
from tests.dropin import drawings
from tests.tiny import TinyTraining

NEW_HEADS = ["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"]


class BalloonConfig(TinyTraining):
    NAME = "Balloon"
    IMAGES_PER_GPU = 2
    NUM_CLASSES = 1 + 1
    STEPS_PER_EPOCH = 2
    VALIDATION_STEPS = 1
    ANNOTATION_FILE = "via_region_data.json"
    colour = "red"  # an attribute of the program's own


class BalloonDataset(utils.Dataset):
    def load_balloon(self, dataset_dir, subset):
        self.add_class("balloon", 1, "balloon")
        assert subset in ["train", "val"]
        dataset_dir = os.path.join(dataset_dir, subset)
        with open(os.path.join(dataset_dir, BalloonConfig.ANNOTATION_FILE)) as file:
            annotations = [a for a in json.load(file).values() if a["regions"]]
        for a in annotations:
            regions = a["regions"].values() if isinstance(a["regions"], dict) else a["regions"]
            image_path = os.path.join(dataset_dir, a["filename"])
            height, width = skimage.io.imread(image_path).shape[:2]
            self.add_image(
                "balloon",
                image_id=a["filename"],
                path=image_path,
                width=width,
                height=height,
                polygons=[region["shape_attributes"] for region in regions],
            )

    def load_mask(self, image_id):
        info = self.image_info[image_id]
        if info["source"] != "balloon":
            return super(self.__class__, self).load_mask(image_id)
        mask = np.zeros([info["height"], info["width"], len(info["polygons"])], dtype=np.uint8)
        for i, p in enumerate(info["polygons"]):
            rr, cc = skimage.draw.polygon(p["all_points_y"], p["all_points_x"], mask.shape[:2])
            mask[rr, cc, i] = 1
        return mask.astype(bool), np.ones([mask.shape[-1]], dtype=np.int32)

    def image_reference(self, image_id):
        info = self.image_info[image_id]
        if info["source"] == "balloon":
            return info["path"]
        return super(self.__class__, self).image_reference(image_id)


def write_annotations(folder, seeds):
    """Pictures and a VIA file; its regions are a dict, as in VIA 1, or a list, as in VIA 2."""
    folder.mkdir()
    annotations = {}
    for seed in seeds:
        image, shapes = drawings.drawing(seed)
        skimage.io.imsave(folder / f"{seed}.png", image)
        outlines = [drawings.corners_of(*shape) for shape in shapes]
        regions = [
            {
                "shape_attributes": {"name": "polygon", "all_points_x": x, "all_points_y": y},
                "region_attributes": {},
            }
            for x, y in outlines
        ]
        if seed % 2:
            regions = {str(i): region for i, region in enumerate(regions)}
        annotations[f"{seed}.png1"] = {"filename": f"{seed}.png", "regions": regions}
    annotations["empty.png1"] = {"filename": "empty.png", "regions": []}
    (folder / BalloonConfig.ANNOTATION_FILE).write_text(json.dumps(annotations))


def color_splash(image, mask):
    gray = skimage.color.gray2rgb(skimage.color.rgb2gray(image)) * 255
    if mask.shape[-1] > 0:
        mask = np.sum(mask, -1, keepdims=True) >= 1
        return np.where(mask, image, gray).astype(np.uint8)
    return gray.astype(np.uint8)


def test_train_then_splash(tmp_path, weights_file):
    write_annotations(tmp_path / "train", range(4))
    write_annotations(tmp_path / "val", range(4, 6))
    config = BalloonConfig()
    config.display()
    assert config.to_dict()["colour"] == "red"

    model = modellib.MaskRCNN(mode="training", config=config, model_dir=str(tmp_path / "logs"))
    model.load_weights(weights_file, by_name=True, exclude=NEW_HEADS)
    datasets = []
    for subset in ("train", "val"):
        datasets.append(BalloonDataset())
        datasets[-1].load_balloon(str(tmp_path), subset)
        datasets[-1].prepare()
    train, val = datasets
    assert len(train.image_ids) == 4 and train.class_names == ["BG", "balloon"]
    model.train(train, val, learning_rate=config.LEARNING_RATE, epochs=1, layers="heads")
    checkpoint = os.path.join(model.log_dir, "mask_rcnn_balloon_0001.h5")
    assert os.path.exists(checkpoint) and model.find_last() == checkpoint

    class InferenceConfig(BalloonConfig):
        GPU_COUNT = 1
        IMAGES_PER_GPU = 1

    model = modellib.MaskRCNN(mode="inference", config=InferenceConfig(), model_dir=str(tmp_path / "logs"))
    model.load_weights(model.find_last(), by_name=True)
    assert model.epoch == 1 and os.path.dirname(checkpoint) == model.log_dir
    image = skimage.io.imread(val.image_info[0]["path"])
    r = model.detect([image], verbose=1)[0]
    assert r["rois"].dtype == np.int32 and r["class_ids"].dtype == np.int32
    assert r["scores"].dtype == np.float32 and r["masks"].dtype == bool
    assert len(r["rois"]) and set(r["class_ids"]) == {1}
    splash = color_splash(image, r["masks"])
    inside = r["masks"].any(axis=-1)
    np.testing.assert_array_equal(splash[inside], image[inside])
    assert (splash[~inside] == splash[~inside][:, :1]).all()

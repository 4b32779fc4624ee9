"""A program that trains on a COCO JSON through pycocotools and evaluates with its COCOeval."""

import json
import os

import numpy as np
import skimage.io
from pycocotools import mask as maskUtils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn import model as modellib
from mrcnn import utils
from tests.dropin import drawings
from tests.tiny import TinyTraining

CATEGORY_IDS = {name: 10 * (i + 1) for i, name in enumerate(drawings.SHAPES)}


class CocoConfig(TinyTraining):
    NAME = "coco"
    IMAGES_PER_GPU = 2
    NUM_CLASSES = 1 + 3
    STEPS_PER_EPOCH = 2
    VALIDATION_STEPS = 1


class CocoDataset(utils.Dataset):
    def load_coco(self, annotation_file, image_dir, return_coco=False):
        coco = COCO(annotation_file)
        class_ids = sorted(coco.getCatIds())
        for i in class_ids:
            self.add_class("coco", i, coco.loadCats(i)[0]["name"])
        for i in coco.imgs:
            self.add_image(
                "coco",
                image_id=i,
                path=os.path.join(image_dir, coco.imgs[i]["file_name"]),
                width=coco.imgs[i]["width"],
                height=coco.imgs[i]["height"],
                annotations=coco.loadAnns(coco.getAnnIds(imgIds=[i], catIds=class_ids, iscrowd=None)),
            )
        return coco if return_coco else None

    def load_mask(self, image_id):
        image_info = self.image_info[image_id]
        instance_masks, class_ids = [], []
        for annotation in image_info["annotations"]:
            class_id = self.map_source_class_id("coco.{}".format(annotation["category_id"]))
            mask = self.ann_to_mask(annotation, image_info["height"], image_info["width"])
            if mask.max() < 1:
                continue
            instance_masks.append(mask)
            class_ids.append(-class_id if annotation["iscrowd"] else class_id)
        if class_ids:
            return np.stack(instance_masks, axis=2).astype(bool), np.array(class_ids, dtype=np.int32)
        return super().load_mask(image_id)

    def ann_to_mask(self, ann, height, width):
        rle = maskUtils.merge(maskUtils.frPyObjects(ann["segmentation"], height, width))
        return maskUtils.decode(rle)


def write_coco(folder, count):
    os.makedirs(folder)
    images, annotations = [], []
    for i in range(count):
        image, shapes = drawings.drawing(i)
        skimage.io.imsave(os.path.join(folder, f"{i}.png"), image)
        images.append({"id": 100 + i, "file_name": f"{i}.png", "width": 64, "height": 64})
        for shape in shapes:
            polygon = np.stack(drawings.corners_of(*shape), axis=1)
            (x1, y1), (x2, y2) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": 100 + i,
                    "category_id": CATEGORY_IDS[shape[0]],
                    "iscrowd": 0,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "segmentation": [polygon.ravel().tolist()],
                }
            )
    categories = [{"id": i, "name": name} for name, i in CATEGORY_IDS.items()]
    path = os.path.join(folder, "instances.json")
    with open(path, "w") as file:
        json.dump({"images": images, "annotations": annotations, "categories": categories, "info": {}}, file)
    return path


def build_coco_results(dataset, image_ids, rois, class_ids, scores, masks):
    results = []
    for image_id in image_ids:
        for i in range(rois.shape[0]):
            bbox = np.around(rois[i], 1)
            results.append(
                {
                    "image_id": image_id,
                    "category_id": dataset.get_source_class_id(class_ids[i], "coco"),
                    "bbox": [bbox[1], bbox[0], bbox[3] - bbox[1], bbox[2] - bbox[0]],
                    "score": scores[i],
                    "segmentation": maskUtils.encode(np.asfortranarray(masks[:, :, i])),
                }
            )
    return results


def evaluate_coco(model, dataset, coco, eval_type):
    results = []
    coco_image_ids = [dataset.image_info[i]["id"] for i in dataset.image_ids]
    for i, image_id in enumerate(dataset.image_ids):
        r = model.detect([dataset.load_image(image_id)], verbose=0)[0]
        results.extend(
            build_coco_results(
                dataset,
                coco_image_ids[i : i + 1],
                r["rois"],
                r["class_ids"],
                r["scores"],
                r["masks"].astype(np.uint8),
            )
        )
    coco_eval = COCOeval(coco, coco.loadRes(results), eval_type)
    coco_eval.params.imgIds = coco_image_ids
    coco_eval.evaluate()
    coco_eval.accumulate()
    coco_eval.summarize()
    return coco_eval.stats, results


def test_train_and_evaluate(tmp_path, weights_file):
    folder = str(tmp_path / "pictures")
    annotations = write_coco(folder, 4)
    dataset = CocoDataset()
    coco = dataset.load_coco(annotations, folder, return_coco=True)
    dataset.prepare()
    assert dataset.class_names == ["BG", *drawings.SHAPES]

    config = CocoConfig()
    model = modellib.MaskRCNN(mode="training", config=config, model_dir=str(tmp_path))
    model.load_weights(
        weights_file,
        by_name=True,
        exclude=["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"],
    )

    def mirror(image, masks):
        return image[:, ::-1], masks[:, ::-1]

    model.train(
        dataset,
        dataset,
        learning_rate=config.LEARNING_RATE,
        epochs=1,
        layers="4+",
        augmentation=mirror,
        no_augmentation_sources=["other"],
    )

    class InferenceConfig(CocoConfig):
        GPU_COUNT = 1
        IMAGES_PER_GPU = 1
        DETECTION_MIN_CONFIDENCE = 0

    model = modellib.MaskRCNN(mode="inference", config=InferenceConfig(), model_dir=str(tmp_path))
    model.load_weights(model.find_last(), by_name=True)
    stats, results = evaluate_coco(model, dataset, coco, "segm")
    assert stats.shape == (12,) and results
    assert {r["category_id"] for r in results} <= set(CATEGORY_IDS.values())

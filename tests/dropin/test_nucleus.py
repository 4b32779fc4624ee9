"""A program whose masks are files in folders, that trains on crops, augmented, and submits runs of pixels."""

import os

import numpy as np
import pytest
import skimage.io

from mrcnn import model as modellib
from mrcnn import utils, visualize
from tests.dropin import drawings
from tests.tiny import TinyTraining


class NucleusConfig(TinyTraining):
    NAME = "nucleus"
    IMAGES_PER_GPU = 2
    NUM_CLASSES = 1 + 1
    STEPS_PER_EPOCH = 2
    VALIDATION_STEPS = 1
    IMAGE_RESIZE_MODE = "crop"
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    IMAGE_MIN_SCALE = 2.0
    MEAN_PIXEL = np.array([43.53, 39.56, 48.22])
    USE_MINI_MASK = True


class NucleusInferenceConfig(NucleusConfig):
    GPU_COUNT = 1
    IMAGES_PER_GPU = 1
    IMAGE_RESIZE_MODE = "pad64"
    RPN_NMS_THRESHOLD = 0.7


class NucleusDataset(utils.Dataset):
    def load_nucleus(self, dataset_dir, subset):
        self.add_class("nucleus", 1, "nucleus")
        dataset_dir = os.path.join(dataset_dir, subset)
        for image_id in sorted(next(os.walk(dataset_dir))[1]):
            path = os.path.join(dataset_dir, image_id, f"images/{image_id}.png")
            self.add_image("nucleus", image_id=image_id, path=path)

    def load_mask(self, image_id):
        info = self.image_info[image_id]
        mask_dir = os.path.join(os.path.dirname(os.path.dirname(info["path"])), "masks")
        names = [f for f in next(os.walk(mask_dir))[2] if f.endswith(".png")]
        mask = [skimage.io.imread(os.path.join(mask_dir, f)).astype(bool) for f in names]
        mask = np.stack(mask, axis=-1)
        return mask, np.ones([mask.shape[-1]], dtype=np.int32)

    def image_reference(self, image_id):
        info = self.image_info[image_id]
        return info["id"] if info["source"] == "nucleus" else super().image_reference(image_id)


def write_folders(folder, seeds):
    for seed in seeds:
        image, shapes = drawings.drawing(seed)
        for part in ("images", "masks"):
            os.makedirs(folder / f"n{seed}" / part)
        skimage.io.imsave(folder / f"n{seed}" / "images" / f"n{seed}.png", image)
        for i, shape in enumerate(shapes):
            mask = drawings.mask_of(*shape).astype(np.uint8) * 255
            skimage.io.imsave(folder / f"n{seed}" / "masks" / f"{i}.png", mask, check_contrast=False)


def rle_encode(mask):
    """Runs of ones, column by column: "start length start length …", starts counted from one."""
    flat = np.concatenate([[0], mask.T.flatten(), [0]]).astype(np.int8)
    changes = np.flatnonzero(np.diff(flat)) + 1
    changes[1::2] -= changes[::2]
    return " ".join(map(str, changes))


def rle_decode(rle, shape):
    flat = np.zeros(shape[0] * shape[1], bool)
    runs = list(map(int, rle.split()))
    for start, length in zip(runs[::2], runs[1::2], strict=True):
        flat[start - 1 : start - 1 + length] = True
    return flat.reshape(shape[::-1]).T


def mask_to_rle(image_id, mask, scores):
    """Lines of a submission, in which no pixel belongs to two objects."""
    if mask.shape[-1] == 0:
        return [f"{image_id},"]
    order = np.argsort(scores)[::-1] + 1
    ranks = np.max(mask * np.reshape(order, [1, 1, -1]), -1)
    runs = [rle_encode(np.where(ranks == o, 1, 0)) for o in order]
    return [f"{image_id},{rle}" for rle in runs if rle]


def test_train_then_submit(tmp_path, weights_file):
    iaa = pytest.importorskip("imgaug.augmenters")
    write_folders(tmp_path / "data" / "train", range(4))
    write_folders(tmp_path / "data" / "test", range(4, 6))
    train = NucleusDataset()
    train.load_nucleus(str(tmp_path / "data"), "train")
    train.prepare()
    augmentation = iaa.SomeOf((0, 2), [iaa.Fliplr(0.5), iaa.Affine(rotate=90), iaa.Multiply((0.8, 1.5))])
    config = NucleusConfig()
    model = modellib.MaskRCNN(mode="training", config=config, model_dir=str(tmp_path / "logs"))
    model.load_weights(
        weights_file,
        by_name=True,
        exclude=["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"],
    )
    model.train(train, train, learning_rate=0.001, epochs=1, augmentation=augmentation, layers="heads")

    model = modellib.MaskRCNN("inference", NucleusInferenceConfig(), str(tmp_path / "logs"))
    model.load_weights(model.find_last(), by_name=True)
    test = NucleusDataset()
    test.load_nucleus(str(tmp_path / "data"), "test")
    test.prepare()
    submission = []
    for image_id in test.image_ids:
        image = test.load_image(image_id)
        r = model.detect([image], verbose=0)[0]
        source_id = test.image_info[image_id]["id"]
        lines = mask_to_rle(source_id, r["masks"], r["scores"])
        found = [rle_decode(line.split(",")[1], image.shape[:2]) for line in lines if line[-1] != ","]
        covered = sum(mask.astype(int) for mask in found)
        assert np.max(covered) <= 1
        np.testing.assert_array_equal(covered > 0, r["masks"].any(axis=-1))
        submission += lines
        visualize.display_instances(
            image,
            r["rois"],
            r["masks"],
            r["class_ids"],
            test.class_names,
            r["scores"],
            show_bbox=False,
            show_mask=False,
            title="Predictions",
        )
    file_path = tmp_path / "submit.csv"
    file_path.write_text("ImageId,EncodedPixels\n" + "\n".join(submission))
    assert len(file_path.read_text().splitlines()) >= 3

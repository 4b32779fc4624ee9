"""What programs of the original's users do that its own samples do not."""

import numpy as np
import pytest

import mrcnn.model as modellib
from mrcnn import utils, visualize
from tests.backend import trains
from tests.tiny import TinyConfig, TinyTraining

BLACK = np.zeros((64, 64, 3), np.uint8)


class Squares(utils.Dataset):
    """Pictures with one small square each, at the top left."""

    def __init__(self, count=1):
        super().__init__()
        self.add_class("squares", 1, "square")
        for i in range(count):
            self.add_image("squares", i, None)
        self.prepare()

    def load_image(self, image_id):
        return np.full((64, 80, 3), 90, np.uint8)

    def load_mask(self, image_id):
        masks = np.zeros((64, 80, 1), bool)
        masks[2:18, 2:18] = True
        return masks, np.ones(1, np.int32)


class Referring(Squares):
    def image_reference(self, image_id):
        super(self.__class__).image_reference(self, image_id)  # as the shapes' notebook has it


class TwoClasses(TinyTraining):
    NUM_CLASSES, IMAGES_PER_GPU, STEPS_PER_EPOCH = 2, 1, 1


class Copied(modellib.MaskRCNN):
    """Its `__init__` is the original's, which calls no other."""

    def __init__(self, mode, config, model_dir):
        self.mode, self.config, self.model_dir = mode, config, model_dir
        self.set_log_dir()
        self.keras_model = self.build(mode=mode, config=config)


def test_image_reference_may_fail():
    image, *_ = modellib.load_image_gt(Referring(), TwoClasses(), 0)
    assert image.shape == (64, 64, 3)
    with pytest.raises(ValueError, match=r"Picture 0 \(no reference\) has shape"):
        modellib.load_image_gt(Referring(), TwoClasses(IMAGE_CHANNEL_COUNT=1, MEAN_PIXEL=0), 0)


@trains
def test_four_scales_leave_p6_without_anchors(tmp_path):
    config = TwoClasses(RPN_ANCHOR_SCALES=(8, 16, 32, 64))
    model = modellib.MaskRCNN("training", config, tmp_path)
    model.train(Squares(), None, 0.001, 1, "heads", verbose=0)
    detector = modellib.MaskRCNN("inference", config, tmp_path)
    detector.load_weights(model.find_last(), by_name=True)
    trace = detector.trace(BLACK)
    assert len(trace.anchors) == len(trace.rpn_logits) == 3 * (16**2 + 8**2 + 4**2 + 2**2)


@pytest.mark.parametrize("way", ["crop", "augmentation"])
def test_pictures_are_tried_until_chance_leaves_an_object(way):
    config = TwoClasses(IMAGE_RESIZE_MODE=way, IMAGE_MIN_SCALE=4.0) if way == "crop" else TwoClasses()
    rng = np.random.default_rng(0)

    def rarely(image, masks):
        return image, masks & (rng.random() < 0.1)

    augmentation = rarely if way == "augmentation" else None
    batches = modellib.data_generator(Squares(), config, augmentation=augmentation, batch_size=1)
    for _ in range(30):
        (_, _, _, _, class_ids, _, _), _ = next(batches)
        assert (class_ids > 0).any()


def test_a_subclass_with_the_original_s_init_copied(tmp_path):
    model = Copied("inference", TinyConfig(), str(tmp_path))
    assert model.detect([BLACK])[0]["masks"].shape[:2] == (64, 64)
    model.save_weights(tmp_path / "own.h5")
    assert model.class_names is None and not model.examples


@trains
def test_such_a_subclass_trains(tmp_path):
    model = Copied("training", TwoClasses(), str(tmp_path))
    model.train(Squares(), None, 0.001, 1, "heads", verbose=0)
    assert model.epoch == 1


def test_a_longest_side_that_is_not_used():
    config = TinyConfig(IMAGE_RESIZE_MODE="pad64", IMAGE_MAX_DIM=False)
    (result,) = modellib.MaskRCNN("inference", config).detect([np.zeros((64, 100, 3), np.uint8)])
    assert result["masks"].shape[:2] == (64, 100)
    with pytest.raises(ValueError, match="IMAGE_MAX_DIM is False, but .*'square'"):
        TinyConfig(IMAGE_MAX_DIM=False)


def test_stars_bring_libraries_along():
    names = {}
    exec("from mrcnn.utils import *\nfrom mrcnn.visualize import *", names)
    assert {"np", "os", "sys", "skimage", "plt", "patches", "Polygon", "find_contours"} <= names.keys()
    assert names["utils"] is utils is modellib.utils and names["np"] is np is modellib.np
    with pytest.raises(AttributeError, match="'mrcnn.utils' has no attribute 'nothing'"):
        utils.nothing  # noqa: B018


def test_colours_may_be_bytes():
    painted = visualize.apply_mask(np.zeros((4, 5, 3), np.uint8), np.ones((4, 5)), (0, 255, 0), alpha=1)
    np.testing.assert_array_equal(painted, np.full((4, 5, 3), (0, 255, 0)))


def test_a_mask_that_a_subclass_leaves_to_dataset_is_empty_in_silence(caplog):
    class Asking(Squares):
        def load_mask(self, image_id):
            return super(Squares, self).load_mask(image_id)

    masks, class_ids = Asking().load_mask(0)
    assert masks.shape == (64, 80, 0) and not len(class_ids) and not caplog.records

"""Config: the original's attributes and defaults, and a clear refusal of what cannot work."""

import json

import numpy as np
import pytest

from mrcnn.config import Config
from tests.conftest import GOLDEN

API = json.loads((GOLDEN / "api_surface.json").read_text())["modules"]["config"]["Config"]


class Shapes(Config):
    NAME = "shapes"
    NUM_CLASSES = 1 + 3
    IMAGES_PER_GPU = 8
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = 128


@pytest.mark.parametrize("name", API["class_attributes"])
def test_attributes_have_the_defaults_of_the_original(name):
    expected = eval(API["class_attributes"][name], {"np": np})  # recorded as Python writes it
    for owner in (Config, Config()):
        value = getattr(owner, name)
        assert type(value) is type(expected)
        np.testing.assert_array_equal(value, expected)


def test_attributes_are_set_in_a_subclass_or_in_the_call():
    config = Shapes(NUM_CLASSES=7, LEARNING_RATE=0.01)
    assert config.NAME == "shapes" and config.NUM_CLASSES == 7 and config.LEARNING_RATE == 0.01
    assert Shapes.NUM_CLASSES == 4 and Config().NUM_CLASSES == 1


def test_derived_attributes_follow_from_the_others():
    config = Shapes(GPU_COUNT=2)
    assert config.BATCH_SIZE == 16
    assert config.IMAGE_META_SIZE == 16
    np.testing.assert_array_equal(config.IMAGE_SHAPE, [128, 128, 3])
    crop = Config(IMAGE_RESIZE_MODE="crop", IMAGE_MIN_DIM=256, IMAGE_CHANNEL_COUNT=1, MEAN_PIXEL=[9])
    np.testing.assert_array_equal(crop.IMAGE_SHAPE, [256, 256, 1])


def test_to_dict_and_display_tell_every_attribute(capsys):
    config = Shapes(IMAGE_MIN_DIM=64)
    values = config.to_dict()
    derived = {"BATCH_SIZE", "IMAGE_SHAPE", "IMAGE_META_SIZE"}
    assert set(API["class_attributes"]) | derived <= set(values)
    assert values["IMAGE_MIN_DIM"] == 64 and values["BATCH_SIZE"] == 8
    config.display()
    lines = capsys.readouterr().out.splitlines()
    for name, value in values.items():
        assert any(line.startswith(f"{name} ") and line.endswith(f" {value}") for line in lines)


def test_an_unknown_attribute_is_refused_by_name():
    with pytest.raises(TypeError, match="NUM_CLASES"):
        Config(NUM_CLASES=4)


@pytest.mark.parametrize("name", ["BATCH_SIZE", "IMAGE_SHAPE", "IMAGE_META_SIZE"])
def test_a_derived_attribute_cannot_be_set(name):
    with pytest.raises(TypeError, match=name):
        Config(**{name: 3})


def own_backbone(image):
    return [image] * 4


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"NUM_CLASSES": 0}, "NUM_CLASSES is 0, but must be a whole number"),
        ({"NUM_CLASSES": 2.0}, "NUM_CLASSES"),
        ({"NUM_CLASSES": True}, "NUM_CLASSES"),
        ({"IMAGES_PER_GPU": "2"}, "IMAGES_PER_GPU is '2'"),
        (
            {"DETECTION_MIN_CONFIDENCE": 70},
            "DETECTION_MIN_CONFIDENCE is 70, but must be a number from 0 to 1",
        ),
        ({"RPN_NMS_THRESHOLD": float("nan")}, "RPN_NMS_THRESHOLD"),
        ({"LEARNING_RATE": float("inf")}, "LEARNING_RATE is inf"),
        ({"MEAN_PIXEL": float("nan")}, "MEAN_PIXEL is nan"),
        ({"MEAN_PIXEL": "116"}, "MEAN_PIXEL is '116'"),
        ({"NAME": 7}, "NAME is 7"),
        ({"COMPUTE_BACKBONE_SHAPE": 4}, "COMPUTE_BACKBONE_SHAPE is 4"),
        ({"LEARNING_RATE": -1}, "LEARNING_RATE"),
        ({"GRADIENT_CLIP_NORM": 0}, "GRADIENT_CLIP_NORM"),
        ({"VALIDATION_STEPS": -1}, "VALIDATION_STEPS"),
        ({"POOL_SIZE": 1}, "POOL_SIZE"),
        ({"BBOX_STD_DEV": [0.1, 0.1, 0.2]}, "BBOX_STD_DEV.*four numbers"),
        ({"RPN_BBOX_STD_DEV": [0.1, 0.1, 0.2, 0]}, "RPN_BBOX_STD_DEV"),
        ({"RPN_ANCHOR_RATIOS": []}, "RPN_ANCHOR_RATIOS"),
        ({"RPN_ANCHOR_SCALES": "32"}, "RPN_ANCHOR_SCALES"),
        ({"RPN_ANCHOR_SCALES": (32, 64, 128)}, "RPN_ANCHOR_SCALES .*BACKBONE_STRIDES.*one scale"),
        ({"MINI_MASK_SHAPE": (56.5, 56)}, "MINI_MASK_SHAPE"),
        ({"BACKBONE": "resnet18"}, "BACKBONE is 'resnet18'.*resnet50"),
        ({"BACKBONE": own_backbone}, "COMPUTE_BACKBONE_SHAPE"),
        ({"BACKBONE_STRIDES": [4, 8, 16, 32, 48]}, "BACKBONE_STRIDES.*of your own"),
        ({"IMAGE_RESIZE_MODE": "Square"}, "IMAGE_RESIZE_MODE is 'Square'.*pad64"),
        ({"IMAGE_MAX_DIM": 1000}, "IMAGE_MAX_DIM is 1000.*multiple of 64"),
        ({"IMAGE_RESIZE_MODE": "pad64"}, "IMAGE_MIN_DIM is 800.*multiple of 64.*'pad64'"),
        ({"IMAGE_MIN_DIM": -64}, "IMAGE_MIN_DIM is -64"),
        ({"IMAGE_MIN_DIM": 0, "IMAGE_RESIZE_MODE": "crop"}, "IMAGE_MIN_DIM is 0.*'crop' needs"),
        ({"MEAN_PIXEL": [1, 2]}, "MEAN_PIXEL.*one number, or IMAGE_CHANNEL_COUNT = 3"),
        ({"IMAGE_CHANNEL_COUNT": 4}, "MEAN_PIXEL.*IMAGE_CHANNEL_COUNT = 4"),
        ({"MASK_SHAPE": [56, 56]}, r"MASK_SHAPE \[56, 56\] must be twice MASK_POOL_SIZE = 14"),
        ({"TRAIN_BN": 2}, "TRAIN_BN"),
        ({"USE_MINI_MASK": "no"}, "USE_MINI_MASK"),
        ({"ROI_POSITIVE_RATIO": 0}, "ROI_POSITIVE_RATIO"),
        ({"TRAIN_ROIS_PER_IMAGE": 2}, "TRAIN_ROIS_PER_IMAGE 2 × ROI_POSITIVE_RATIO 0.33"),
        ({"STEPS_PER_EPOCH": 0}, "STEPS_PER_EPOCH"),
        ({"TILE_SCALE": 0}, "TILE_SCALE is 0, but must be a number above 0, or None"),
        ({"TILE_SCALE": True}, "TILE_SCALE"),
        ({"TILE_SCALE": float("inf")}, "TILE_SCALE is inf"),
        ({"TILE_SCALE": 100}, "TILE_SCALE is 100, but a tile of IMAGE_MAX_DIM = 1024 must show at least 16"),
        (
            {"TILE_SCALE": 1, "IMAGE_RESIZE_MODE": "pad64", "IMAGE_MIN_DIM": 768},
            "TILE_SCALE is 1, but IMAGE_RESIZE_MODE is 'pad64'; tiles need 'square'",
        ),
        ({"LOSS_WEIGHTS": {"mask_loss": 1}}, "LOSS_WEIGHTS.*mrcnn_mask_loss"),
        ({"LOSS_WEIGHTS": {"mrcnn_mask_loss": -1}}, "LOSS_WEIGHTS"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name_and_reason(values, words):
    with pytest.raises(ValueError, match=words) as caught:
        Config(**values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"NUM_CLASSES": np.int64(81), "DETECTION_MIN_CONFIDENCE": np.float32(0.5)},
        {"RPN_ANCHOR_RATIOS": np.array([0.5, 2])},
        {"BACKBONE": "compact", "TRAIN_BN": None, "GRADIENT_CLIP_NORM": None},
        {
            "BACKBONE": own_backbone,
            "COMPUTE_BACKBONE_SHAPE": own_backbone,
            "BACKBONE_STRIDES": [2, 4, 8, 16, 32],
        },
        {"IMAGE_RESIZE_MODE": "none", "IMAGE_MIN_DIM": 799, "IMAGE_MAX_DIM": 1000},
        {"IMAGE_RESIZE_MODE": "pad64", "IMAGE_MIN_DIM": 768, "IMAGE_MAX_DIM": 1000},
        {"MASK_POOL_SIZE": 28, "MASK_SHAPE": (56, 56)},
        {"LOSS_WEIGHTS": {"mrcnn_mask_loss": 2.0}},
        {"TILE_SCALE": 0.25},
        # As programs of the original have it.
        {"IMAGE_MIN_DIM": 800, "IMAGE_MAX_DIM": 512},
        {"IMAGE_MIN_DIM": None},
        {"IMAGE_MIN_DIM": 0, "IMAGE_MIN_SCALE": False, "IMAGE_RESIZE_MODE": "pad64"},
        {"IMAGE_CHANNEL_COUNT": 1, "MEAN_PIXEL": 127.5},
        {"STEPS_PER_EPOCH": 131 / 2, "VALIDATION_STEPS": 5.0},
        {"TRAIN_BN": 0, "USE_MINI_MASK": np.bool_(False), "USE_RPN_ROIS": 1},
    ],
)
def test_other_values_that_work_are_kept(values):
    config = Config(**values)
    for name, value in values.items():
        assert getattr(config, name) is value
    told = json.loads(json.dumps(config.changes()))
    if not callable(config.BACKBONE):  # which no file can hold
        again = Config(**told)
        assert all(np.array_equal(getattr(again, name), getattr(config, name)) for name in values)

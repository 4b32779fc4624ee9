"""Augmentation moves a picture and its masks together."""

import subprocess
import sys

import numpy as np
import pytest

from mrcnn.training.augmentation import augment, flip


def picture(count=3, size=64):
    """A black picture of bright discs, and their masks: where a mask is, the picture is bright."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    centers = rng.uniform(16, size - 16, (count, 2))
    masks = np.stack([(y - cy) ** 2 + (x - cx) ** 2 < 64 for cy, cx in centers], axis=-1)
    image = np.repeat(masks.any(axis=-1)[..., None] * np.uint8(255), 3, axis=-1)
    return image, masks


def agreement(image, masks):
    """IoU of the bright pixels and the masks."""
    bright, covered = image[..., 0] > 127, masks.any(axis=-1)
    return (bright & covered).sum() / (bright | covered).sum()


@pytest.fixture
def augmenters():
    return pytest.importorskip("imgaug.augmenters")


@pytest.mark.parametrize("seed", range(4))
def test_masks_follow_the_picture_through_imgaug(augmenters, seed):
    moves = augmenters.Sequential(
        [
            augmenters.Fliplr(0.5),
            augmenters.Affine(rotate=(-40, 40), scale=(0.8, 1.2), cval=0),
            augmenters.Sometimes(0.5, augmenters.Flipud(1.0)),
        ]
    )
    image, masks = picture(count=30)
    new_image, new_masks = augment(moves, image, masks, np.random.default_rng(seed))
    assert new_masks.dtype == bool and (new_masks != masks).any()
    assert agreement(new_image, new_masks) > 0.9


def test_colours_and_filled_borders_leave_masks_alone(augmenters):
    image, masks = picture()
    rng = np.random.default_rng(0)
    new_image, new_masks = augment(augmenters.Multiply(0.3), image, masks, rng)
    assert new_image.max() < 100
    np.testing.assert_array_equal(new_masks, masks)
    shifted, new_masks = augment(augmenters.Affine(translate_px={"x": 20}, cval=255), image, masks, rng)
    assert shifted[:, :20].all() and not new_masks[:, :20].any()


def test_one_seed_one_augmentation(augmenters):
    image, masks = picture()
    turn = augmenters.Affine(rotate=(-90, 90))
    draws = [augment(turn, image, masks, np.random.default_rng(seed))[1] for seed in (5, 5, 6)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


def test_imgaug_without_objects(augmenters):
    image, masks = picture()
    new_image, none = augment(augmenters.Fliplr(1.0), image, masks[..., :0], np.random.default_rng(0))
    np.testing.assert_array_equal(new_image, image[:, ::-1])
    assert none.shape == (64, 64, 0)


def test_any_function_will_do():
    image, masks = picture()
    found = augment(lambda i, m: (i[::-1], m[::-1].astype(np.uint8)), image, masks, None)
    np.testing.assert_array_equal(found[0], image[::-1])
    np.testing.assert_array_equal(found[1], masks[::-1])
    assert found[1].dtype == bool


@pytest.mark.parametrize(
    "broken", [lambda i, m: (i[:10], m[:10]), lambda i, m: (i, m[:, :, :1]), lambda i, m: (i[..., 0], m)]
)
def test_an_augmentation_that_changes_shapes_is_refused(broken):
    with pytest.raises(ValueError, match="keep their shape"):
        augment(broken, *picture(), None)


def test_what_is_no_augmentation_is_refused():
    with pytest.raises(TypeError, match="imgaug augmenter or a function"):
        augment("flip", *picture(), None)


def test_flip_mirrors_every_other_picture():
    image, masks = picture()
    rng = np.random.default_rng(0)
    flipped = 0
    for _ in range(100):
        new_image, new_masks = flip(image, masks, rng)
        mirrored = (new_image != image).any()
        np.testing.assert_array_equal(new_image, image[:, ::-1] if mirrored else image)
        np.testing.assert_array_equal(new_masks, masks[:, ::-1] if mirrored else masks)
        flipped += mirrored
    assert 30 < flipped < 70


def test_imgaug_is_imported_only_when_its_augmenter_is_given():
    code = (
        "import sys, numpy as np; from mrcnn.training.augmentation import augment; "
        "augment(lambda i, m: (i, m), np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 0)), None); "
        "sys.exit('imgaug' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

"""Drawn coins are what they say, and the photograph has its 24."""

import numpy as np
import pytest
from skimage.measure import label, regionprops

from mrcnn.data import coins


def test_same_seed_same_scene_and_another_seed_another():
    one, again, other = coins.scene(3), coins.scene(3), coins.scene(4)
    assert np.array_equal(one.image, again.image) and np.array_equal(one.masks, again.masks)
    assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize("size", [320, (303, 384), (64, 100)])
def test_record_has_the_promised_types(size):
    s = coins.scene(1, size)
    shape = (size, size) if np.isscalar(size) else size
    assert s.image.shape == (*shape, 3) and s.image.dtype == np.uint8
    assert (s.image == s.image[..., :1]).all()  # grey
    assert s.masks.shape == (*shape, len(s.class_ids)) and s.masks.dtype == bool
    assert s.class_ids.dtype == np.int32 and (s.class_ids == 1).all()


def test_masks_are_disjoint_round_and_of_many_sizes():
    diameters = []
    for i in range(30):
        s = coins.scene([5, i], 384)
        assert 1 <= s.masks.shape[2] <= coins.MOST_COINS
        assert s.masks.sum(axis=2).max() == 1
        for k in range(s.masks.shape[2]):
            (region,) = regionprops(s.masks[..., k].astype(np.uint8))
            y1, x1, y2, x2 = region.bbox
            if min(y1, x1) > 0 and max(y2, x2) < 384:  # whole
                assert region.solidity > 0.75 and region.area > 100
                diameters.append(region.equivalent_diameter_area)
    assert min(diameters) < 32 and max(diameters) > 75
    assert min(diameters) > 20 and max(diameters) < 100


def test_coins_are_brighter_than_the_ground_around_them():
    brighter = []
    for i in range(10):
        s = coins.scene([6, i])
        grey, ground = s.image[..., 0].astype(float), ~s.masks.any(axis=2)
        brighter += [grey[mask].mean() > grey[ground].mean() for mask in np.moveaxis(s.masks, 2, 0)]
    assert np.mean(brighter) > 0.85


def test_photograph_has_24_whole_coins():
    image, masks = coins.photograph()
    assert image.shape == (303, 384, 3) and image.dtype == np.uint8
    assert masks.shape == (303, 384, 24) and masks.dtype == bool
    assert masks.sum(axis=2).max() == 1
    for mask in np.moveaxis(masks, 2, 0):
        assert label(mask).max() == 1
        (region,) = regionprops(mask.astype(np.uint8))
        assert 35 < region.equivalent_diameter_area < 70
        assert region.solidity > 0.93 and region.eccentricity < 0.6


def test_a_picture_too_small_for_coins_is_refused():
    with pytest.raises(ValueError, match="at least 16"):
        coins.scene(0, 8)


def test_dataset_draws_the_scenes_of_its_seed():
    data = coins.CoinsDataset(2, seed=7, size=(96, 128))
    expected = coins.scene([7, 1], (96, 128))
    masks, class_ids = data.load_mask(1)
    assert data.class_names == coins.CLASS_NAMES
    assert np.array_equal(data.load_image(1), expected.image)
    assert np.array_equal(masks, expected.masks) and np.array_equal(class_ids, expected.class_ids)
    assert data.image_reference(1) == "coins.scene([7, 1], size=(96, 128))"

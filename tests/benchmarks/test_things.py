"""The twenty things are drawn, placed and labelled as the benchmark says."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from mrcnn.data import toybox
from mrcnn.data.composing import MIN_AREA, MIN_VISIBLE, visible
from mrcnn.data.toybox.drawing import over
from tests.benchmarks import things
from tests.benchmarks.things import NAMES, Drawn, alone, photograph, scene

SOFT_EDGE = 3  # pixels to either side of a border, where colours mix and thin tips fade


@pytest.fixture(scope="module")
def scenes():
    return {name: scene(name, 3) for name in NAMES}


def seen_at_a_slant(name, seed=0, size=160):
    """One thing on an even ground of a colour that no thing has: picture, mask, perspective."""
    rng = np.random.default_rng(seed)
    view = things._view(rng, size)
    layer = Drawn.seen(rng, name, 83.5, 76.25, 90, 37, view)
    ground = np.full((size, size, 3), (0, 255, 255), np.uint8)
    ((layer, mask),) = visible([layer], size, size)
    image = ground.copy()
    here, part = layer.clipped(size, size)
    over(image[here], layer.pixels[part])
    return (image != ground).any(axis=2), mask, view


def test_twenty_names_of_which_the_toybox_has_none():
    assert len(set(NAMES)) == 20
    assert not set(NAMES) & set(toybox.CLASS_NAMES)


def test_same_seed_same_scene_and_another_seed_or_thing_another():
    one, again = scene("key", 5), scene("key", 5)
    assert np.array_equal(one.image, again.image) and np.array_equal(one.masks, again.masks)
    for other in (scene("key", 6), scene("key", [5, 1]), scene("gear", 5), photograph("key", 5)[0]):
        assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize("size", [384, 200])
def test_record_has_the_promised_types(size):
    s = scene("leaf", 1, size, count=(3, 5))
    n = len(s.class_ids)
    assert s.image.shape == (size, size, 3) and s.image.dtype == np.uint8
    assert s.masks.shape == (size, size, n) and s.masks.dtype == bool
    assert s.class_ids.dtype == np.int32 and (s.class_ids == 1).all()
    assert 1 <= n <= 5 and len(s.things) == n


@pytest.mark.parametrize("name", NAMES)
def test_masks_are_exclusive_and_the_visible_part_of_each_thing(name, scenes):
    s = scenes[name]
    assert 3 <= len(s.things) <= 14
    assert s.masks.sum(axis=2).max() == 1
    for thing, mask in zip(s.things, np.moveaxis(s.masks, 2, 0), strict=True):
        assert thing.name == name
        assert mask.sum() >= max(MIN_AREA, MIN_VISIBLE * thing.area)
        here, part = thing.clipped(*mask.shape)
        assert not (mask[here] & (thing.pixels[part][..., 3] < 128)).any()
        assert mask[here].sum() == mask.sum()


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_changes_just_where_the_mask_is(name):
    changed, mask, _ = seen_at_a_slant(name)
    assert changed[mask].all()
    assert distance_transform_edt(~mask)[changed].max() <= SOFT_EDGE


@pytest.mark.parametrize("name", ["padlock", "envelope", "butterfly"])
def test_a_slant_moves_the_mask_with_the_thing(name):
    """The mask of the slanted thing is the mask of the flat one, slanted."""
    _, mask, view = seen_at_a_slant(name)
    rng = np.random.default_rng(0)
    things._view(rng, 160)  # the numbers that the perspective took
    ((_, flat),) = visible([Drawn.seen(rng, name, 83.5, 76.25, 90, 37, np.eye(3))], 160, 160)
    expected = cv2.warpPerspective(flat.astype(np.uint8) * 255, view, (160, 160)) >= 128
    assert (mask & expected).sum() / (mask | expected).sum() > 0.95
    assert (mask & flat).sum() / (mask | flat).sum() < 0.95


def test_the_mask_lies_on_the_thing_in_the_finished_picture():
    """Buttons are violet: under a light, noise and compression too, and their holes are dark."""
    for seed in range(5):
        s = scene("button", seed)
        for mask in np.moveaxis(s.masks, 2, 0):
            red, green, blue = s.image[distance_transform_edt(mask) > SOFT_EDGE].astype(int).T
            violet = (green < red) & (green < blue)
            assert ((violet | (red + green + blue < 150)).mean() > 0.9) or len(violet) < 20


def test_others_are_never_the_thing_itself():
    for seed in range(10):
        layers = things._compose(np.random.default_rng(seed), "fish", 384, (6, 14), toys=6, offers=2)
        names = [layer.name for layer in layers]
        others = [name for name in names if name in NAMES and name != "fish"]
        toys = [name for name in names if name in toybox.CLASS_NAMES]
        assert 6 <= names.count("fish") <= 14
        assert 2 <= len(set(others)) == len(others) <= 3
        assert 2 <= len(toys) <= 6
        assert len(names) == names.count("fish") + len(others) + len(toys)


def test_things_turn_and_differ_in_size_and_some_are_cut_or_covered(scenes):
    lengths, fractions = [], []
    for s in scenes.values():
        for k in things._well_visible(s):
            points = np.argwhere(s.masks[..., k]).astype(np.float32)
            lengths.append(max(cv2.minAreaRect(points)[1]))
        areas = [thing.area for thing in s.things]
        fractions += (s.masks.sum(axis=(0, 1)) / areas).tolist()
    assert 18 < min(lengths) < 32 and 90 < max(lengths) < 140
    assert 0.1 < np.mean(np.array(fractions) < 0.9) < 0.6


def test_of_two_kinds_none_look_alike():
    """Whatever is most like a thing is another one of its kind."""
    looks = np.array([[alone(name, seed, 48)[0] for seed in range(3)] for name in NAMES], float)
    apart = np.abs(looks[:, :, None, None] - looks).mean(axis=(-3, -2, -1))  # (20, 3, 20, 3)
    assert (apart[:, 0, :, 1][np.eye(20, dtype=bool)] > 0).all()
    apart[np.arange(20)[:, None], np.arange(3), np.arange(20)[:, None], np.arange(3)] = np.inf
    nearest = apart.min(axis=3).argmin(axis=2)
    assert np.array_equal(nearest, np.repeat(np.arange(20)[:, None], 3, axis=1))


@pytest.mark.parametrize("name", ["screw", "envelope", "butterfly"])
def test_a_photograph_offers_ten_whole_things_the_best_visible_first(name):
    taken, best = photograph(name, 2)
    assert len(set(best)) == len(best) >= 10
    fractions = [taken.masks[..., k].sum() / taken.things[k].area for k in best]
    assert fractions == sorted(fractions, reverse=True) and fractions[-1] >= 0.9
    for mask in np.moveaxis(taken.masks[..., best], 2, 0):
        assert not (mask[[0, -1]].any() or mask[:, [0, -1]].any())
    again, same = photograph(name, 2)
    assert np.array_equal(taken.image, again.image) and np.array_equal(best, same)


def test_the_sheet_of_all_things_is_written(tmp_path):
    things.main(tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[1] == 5 * (384 + 4) and len(np.unique(sheet)) > 200

"""The toybox draws what it is told, the same every time, with masks that are exact."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from mrcnn.data import toybox
from mrcnn.data.toybox import MIN_AREA, Thing, scene

CLEAN = {"noise": 0, "blur": 0, "light": 0, "shadow": 0, "jpeg": 0}
SMALL = 160
SOFT_EDGE = 2  # pixels to either side of a mask's border, where colours mix


def same(a, b):
    return (
        np.array_equal(a.image, b.image)
        and np.array_equal(a.masks, b.masks)
        and np.array_equal(a.class_ids, b.class_ids)
        and a.things == b.things
    )


def extent(mask):
    """(y1, x1, y2, x2) of a mask."""
    ys, xs = np.nonzero(mask)
    return ys.min(), xs.min(), ys.max() + 1, xs.max() + 1


@pytest.fixture(scope="module")
def scenes():
    return [scene([3, i]) for i in range(60)]


def test_same_seed_same_scene_and_another_seed_another():
    assert same(scene(11), scene(11))
    assert not np.array_equal(scene(11).image, scene(12).image)


def test_record_has_the_promised_types(scenes):
    for s in scenes:
        n = len(s.class_ids)
        assert s.image.shape == (320, 320, 3) and s.image.dtype == np.uint8
        assert s.masks.shape == (320, 320, n) and s.masks.dtype == bool
        assert s.class_ids.dtype == np.int32 and len(s.things) == n
        assert [toybox.CLASS_NAMES[i] for i in s.class_ids] == [t.class_name for t in s.things]


def test_one_to_eight_things_whose_masks_are_disjoint_and_large_enough(scenes):
    for s in scenes:
        assert 1 <= len(s.class_ids) <= 8
        assert s.masks.sum(axis=2).max() == 1
        assert s.masks.sum(axis=(0, 1)).min() >= MIN_AREA


def test_every_class_appears_in_random_scenes(scenes):
    seen = set(np.concatenate([s.class_ids for s in scenes]).tolist())
    assert seen == set(range(1, len(toybox.CLASS_NAMES)))


def test_scenes_are_hard(scenes):
    """Small things, things cut by the border and things that overlap all occur."""
    areas = np.concatenate([s.masks.sum(axis=(0, 1)) for s in scenes])
    assert (areas < 32**2).mean() > 0.2
    rims = [s.masks[[0, -1]].any((0, 1)) | s.masks[:, [0, -1]].any((0, 1)) for s in scenes]
    assert np.concatenate(rims).mean() > 0.05
    whole = [scene(0, objects=[t], **CLEAN).masks.sum() for s in scenes[:20] for t in s.things]
    parts = np.concatenate([s.masks.sum(axis=(0, 1)) for s in scenes[:20]])
    assert (parts < whole).mean() > 0.1


def test_the_things_of_a_scene_draw_it_again():
    first = scene(5)
    assert same(scene(5, objects=first.things), first)


def test_size_may_be_a_rectangle():
    s = scene(1, size=(120, 200))
    assert s.image.shape == (120, 200, 3) and s.masks.shape[:2] == (120, 200)


@pytest.mark.parametrize("name", toybox.CLASS_NAMES[1:])
def test_a_thing_lands_where_it_is_told(name):
    for look in range(4):
        s = scene(0, SMALL, [Thing(name, 70.25, 90.5, 80, look=look)], **CLEAN)
        y1, x1, y2, x2 = extent(s.masks[..., 0])
        assert max(y2 - y1, x2 - x1) == pytest.approx(80, abs=4)
        assert (y1 + y2) / 2 == pytest.approx(90.5, abs=2.5)
        assert (x1 + x2) / 2 == pytest.approx(70.25, abs=2.5)


@pytest.mark.parametrize("name", ["dog", "donut", "clock"])  # of one piece: no seams to see through
def test_the_same_look_is_the_same_thing_elsewhere(name):
    here, there = (
        scene(seed, SMALL, [Thing(name, x, 80, 60, look=9)], **CLEAN) for seed, x in ((1, 50), (2, 97))
    )
    assert np.array_equal(np.roll(here.masks, 47, axis=1), there.masks)
    inside = distance_transform_edt(here.masks[..., 0]) > SOFT_EDGE
    assert inside.sum() > 100
    assert np.array_equal(here.image[inside], np.roll(there.image, -47, axis=1)[inside])


def test_another_look_is_another_thing():
    one, two = (scene(1, SMALL, [Thing("cat", 80, 80, 90, look=k)], **CLEAN) for k in (1, 2))
    assert not np.array_equal(one.masks, two.masks)


def test_a_turn_swaps_height_and_width():
    for angle in (0, 90):
        s = scene(0, SMALL, [Thing("bus", 80, 80, 100, angle, look=1)], **CLEAN)
        y1, x1, y2, x2 = extent(s.masks[..., 0])
        assert ((x2 - x1) > 1.4 * (y2 - y1)) == (angle == 0)
        assert ((y2 - y1) > 1.4 * (x2 - x1)) == (angle == 90)


def test_an_angle_turns_clockwise():
    """An umbrella's dome, its upper part, is on the right after a quarter turn clockwise."""
    tilted = scene(0, SMALL, [Thing("umbrella", 80, 80, 100, 90, look=1)], **CLEAN).masks[..., 0]
    _, x1, _, x2 = extent(tilted)
    middle = (x1 + x2) // 2
    assert tilted[:, middle:].sum() > 2 * tilted[:, :middle].sum()


def test_objects_leave_the_background_alone():
    empty = scene(4, SMALL, [], **CLEAN)
    full = scene(4, SMALL, [Thing("boat", 60, 60, 70)], **CLEAN)
    away = np.ones((SMALL, SMALL), bool)
    away[20:100, 20:100] = False
    assert empty.masks.shape == (SMALL, SMALL, 0) and len(empty.class_ids) == 0
    assert np.array_equal(empty.image[away], full.image[away])
    assert not np.array_equal(empty.image, full.image)


def test_the_picture_changes_only_under_the_masks_and_their_soft_edge():
    empty = scene(4, SMALL, [], **CLEAN).image
    full = scene(4, SMALL, [Thing("person", 60, 80, 110, look=2)], **CLEAN)
    changed = (empty != full.image).any(axis=2)
    mask = full.masks[..., 0]
    assert distance_transform_edt(~mask)[changed].max() <= SOFT_EDGE
    assert changed[mask].mean() > 0.98


def test_the_border_cuts_a_thing():
    whole = scene(0, SMALL, [Thing("clock", 80, 80, 60, look=1)], **CLEAN).masks
    half = scene(0, SMALL, [Thing("clock", 0, 80, 60, look=1)], **CLEAN).masks
    assert np.array_equal(half[:, :80], whole[:, 80:])
    assert not half[:, 80:].any()


def test_later_things_cover_earlier_ones():
    back, front = Thing("book", 80, 80, 100, look=1), Thing("apple", 90, 90, 40, look=1)
    alone = [scene(0, SMALL, [t], **CLEAN).masks[..., 0] for t in (back, front)]
    both = scene(0, SMALL, [back, front], **CLEAN)
    assert np.array_equal(both.masks[..., 1], alone[1])
    assert np.array_equal(both.masks[..., 0], alone[0] & ~alone[1])


def test_a_hidden_thing_is_not_drawn():
    front = Thing("book", 80, 80, 120, look=1)
    behind = Thing("apple", 80, 80, 30, look=1)
    outside = Thing("dog", -100, 80, 60, look=1)
    speck = Thing("kite", 10, 10, 5, look=1)
    assert same(scene(0, SMALL, [behind, outside, speck, front], **CLEAN), scene(0, SMALL, [front], **CLEAN))


def test_what_is_not_drawn_hides_nothing():
    """A clock just beyond the border would cover most of a ball that lies there too."""
    ball = Thing("sports ball", 3, 80, 30, look=1)
    clock = Thing("clock", -44, 80, 110, look=2)
    both = scene(0, SMALL, [ball, clock], **CLEAN)
    assert [t.class_name for t in both.things] == ["sports ball"]
    assert same(both, scene(0, SMALL, [ball], **CLEAN))


def test_camouflage_brings_the_colour_closer_to_the_background_and_keeps_the_mask():
    empty = scene(8, SMALL, [], **CLEAN).image.astype(float)
    thing = Thing("apple", 80, 80, 90, look=3)
    plain, hidden = (scene(8, SMALL, [replace(thing, camouflage=c)], **CLEAN) for c in (0, 0.8))
    mask = plain.masks[..., 0]
    assert np.array_equal(plain.masks, hidden.masks)
    contrast = [np.abs(s.image[mask] - empty[mask].mean(axis=0)).mean() for s in (plain, hidden)]
    assert contrast[1] < 0.5 * contrast[0]


def test_noise_blur_light_and_shadow_do_what_they_say():
    thing = [Thing("bottle", 80, 80, 90, look=3)]
    clean = scene(2, SMALL, thing, **CLEAN).image.astype(float)

    def with_(**settings):
        return scene(2, SMALL, thing, **{**CLEAN, **settings}).image.astype(float)

    middle = (clean > 40) & (clean < 215)
    assert (with_(noise=8) - clean)[middle].std() == pytest.approx(8, rel=0.1)
    assert np.abs(np.diff(with_(blur=2), axis=1)).mean() < np.abs(np.diff(clean, axis=1)).mean()
    assert with_(light=0.8).mean() < 0.75 * clean.mean()
    dark = with_(shadow=0.6) - clean
    assert dark.max() <= 1 and dark.min() < -10


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (Thing("unicorn", 5, 5, 9), "no 'unicorn'; it has: person, bicycle"),
        (Thing("BG", 5, 5, 9), "no 'BG'"),
        (Thing("dog", 5, 5, 0), "scale 0"),
        (Thing("dog", 5, 5, float("nan")), "scale nan"),
    ],
)
def test_a_thing_that_cannot_be_is_refused(thing, message):
    with pytest.raises(ValueError, match=message):
        scene(0, SMALL, [thing])


def test_a_scene_without_pixels_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        scene(0, size=(0, 20))


def test_dataset_draws_the_scenes_of_its_seed():
    data = toybox.ToyboxDataset(3, seed=7, size=SMALL)
    assert data.num_images == 3 and data.class_names == toybox.CLASS_NAMES
    for image_id in (2, 0, 2):
        expected = scene([7, image_id], SMALL)
        masks, class_ids = data.load_mask(image_id)
        assert np.array_equal(data.load_image(image_id), expected.image)
        assert np.array_equal(masks, expected.masks)
        assert np.array_equal(class_ids, expected.class_ids)
    assert data.image_reference(2) == f"toybox.scene([7, 2], size={SMALL}, most=8)"


def test_datasets_of_two_seeds_share_no_scene():
    one, two = (toybox.ToyboxDataset(4, seed, SMALL) for seed in (0, 1))
    pictures = {d.load_image(i).tobytes() for d in (one, two) for i in range(4)}
    assert len(pictures) == 8


def test_contact_sheet_shows_every_scene():
    shown = [scene(i, 40) for i in range(5)]
    sheet = toybox.contact_sheet(shown, columns=3, gap=2)
    assert sheet.shape == (84, 126, 3)
    assert np.array_equal(sheet[42:82, 42:82], shown[4].image)
    assert (sheet[42:, 84:] == 255).all()

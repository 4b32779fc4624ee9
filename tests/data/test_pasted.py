"""Scenes composed from cut-outs."""

import cv2
import numpy as np
import pytest

from mrcnn.data.cutouts import BACKGROUND, Cutout, from_ground
from mrcnn.data.pasted import Changes, PastedDataset, Paster

NAMES = ["BG", "disc", "bar"]
GREY_AROUND = np.tile(np.arange(40, 80, dtype=np.uint8)[:, None], 3)


def cutout(name="disc", colour=(200, 60, 40), size=40, around=None):
    """A disc, or a bar three times as long as wide, with a darker left half."""
    pixels = np.zeros((size + 4, size + 4, 4), np.uint8)
    pixels[..., :3] = colour
    pixels[:, : size // 2, :3] //= 2
    middle = size // 2 + 2
    if name == "bar":
        pixels[middle - size // 6 : middle + size // 6, 2:-2, 3] = 255
    else:
        y, x = np.indices(pixels.shape[:2]) - middle
        pixels[..., 3] = 255 * (np.hypot(y, x) <= size // 2)
    return Cutout(pixels, name, around)


def scenes(count=40, cutouts=None, seed=0, size=192, **options):
    cutouts = cutouts or [cutout(), cutout("bar")]
    dataset = PastedDataset(cutouts, NAMES, count, seed, size, **options)
    return [dataset.scene(i) for i in range(count)]


def test_a_scene_is_its_seed():
    paster = Paster([cutout(), cutout("bar", around=GREY_AROUND)], NAMES)
    first, again, other = paster([3, 1]), paster([3, 1]), paster([3, 2])
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert first.image.shape != other.image.shape or (first.image != other.image).any()


def test_scenes_have_things_of_every_name_apart_and_seen():
    made = scenes()
    for scene in made:
        assert scene.image.dtype == np.uint8 and max(scene.image.shape[:2]) == 192
        assert scene.masks.shape == (*scene.image.shape[:2], len(scene.class_ids))
        assert scene.masks.sum(axis=2).max() <= 1, "visible masks do not overlap"
    counts = [len(scene.class_ids) for scene in made]
    assert max(counts) > 8 and np.mean(counts) > 3
    assert set(np.concatenate([scene.class_ids for scene in made])) == {1, 2}
    assert len({scene.image.shape for scene in made}) > 3


def test_masks_lie_on_what_is_pasted():
    """On a picture without any colour, what is red is the thing."""
    red = cutout(colour=(255, 0, 0))
    red.pixels[..., :3] = (255, 0, 0)
    white = [np.full((192, 192, 3), 255, np.uint8)]
    agreements = []
    for scene in scenes(60, [red], backgrounds=white, changes=Changes(soft=False)):
        _, green, blue = cv2.split(scene.image.astype(int))
        if np.percentile(blue, 95) < 250 or np.std(scene.image[..., 0]) > 12:
            continue  # another ground, or much noise
        coloured = np.minimum(green, blue) < 128
        mask = scene.masks.any(axis=2)
        agreements.append((coloured & mask).sum() / (coloured | mask).sum())
    assert len(agreements) >= 5 and np.mean(agreements) > 0.85


def test_things_are_turned_and_scaled_as_asked():
    still = Changes(turn=0, smallest=1, largest=1, flip=False)
    lengths, directions = [], []
    for changes in still, Changes(smallest=0.5, largest=2):
        angles, areas = [], []
        for scene in scenes(30, [cutout("bar", size=48)], changes=changes):
            for mask in np.moveaxis(scene.masks, 2, 0).astype(np.uint8):
                (contour, *_), _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
                y, x = np.nonzero(mask)
                if min(y.min(), x.min()) > 1 and y.max() < mask.shape[0] - 2 and x.max() < mask.shape[1] - 2:
                    _, (w, h), angle = cv2.minAreaRect(contour)
                    angles.append((angle if w > h else angle + 90) % 180)
                    areas.append(mask.sum())
        directions.append(np.std(np.cos(2 * np.deg2rad(angles))))
        lengths.append(np.percentile(areas, 90) / np.percentile(areas, 10))
    assert directions[0] < 0.4 < directions[1]
    assert lengths[0] < 3 < lengths[1]


def test_scale_is_from_the_photograph_to_the_scenes():
    still = Changes(turn=0, smallest=1, largest=1)
    area = {}
    for scale in 1.0, 0.5:
        made = scenes(30, [cutout(size=60)], scale=scale, changes=still)
        area[scale] = np.median(np.concatenate([scene.masks.sum(axis=(0, 1)) for scene in made]))
    assert area[1.0] / area[0.5] == pytest.approx(4, rel=0.3)


def test_grey_cutouts_are_on_grey_scenes():
    grey = cutout(colour=(150, 150, 150), around=GREY_AROUND)
    for scene in scenes(10, [grey]):
        assert (np.ptp(scene.image.astype(int), axis=2) == 0).all()
    assert any((np.ptp(scene.image.astype(int), axis=2) > 20).any() for scene in scenes(10))


def test_what_is_wrong_is_pasted_without_a_label():
    photo = np.full((80, 80, 3), 255, np.uint8)
    photo[20:60, 20:60] = (0, 255, 0)
    wrong = from_ground(photo, (18, 18, 62, 62))
    assert wrong.name == BACKGROUND and wrong.pixels.shape[2] == 4
    black = [np.zeros((192, 192, 3), np.uint8)]
    with_it = scenes(40, [cutout(), wrong], backgrounds=black)
    assert {int(i) for scene in with_it for i in scene.class_ids} == {1}

    def greenest(made):
        red, green, blue = np.concatenate([scene.image.reshape(-1, 3) for scene in made]).astype(int).T
        return np.mean(green - np.maximum(red, blue) > 100)

    assert greenest(with_it) > 2 * greenest(scenes(40, [cutout()], backgrounds=black))


def test_backgrounds_of_any_size_are_used():
    small = [np.full((30, 50, 3), (10, 200, 10), np.uint8)]
    assert len(scenes(5, backgrounds=small)) == 5


@pytest.mark.parametrize("box", [(10, 10, 5, 30), (0, 0, 500, 20), (10, 10, 12, 40)])
def test_wrong_boxes_that_are_none(box):
    with pytest.raises(ValueError, match="box"):
        from_ground(np.zeros((100, 100, 3), np.uint8), box)

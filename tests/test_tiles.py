"""A picture cut into tiles gives what the whole gives: nothing twice, nothing lost.

The pictures of these tests hold the truth: the first channel says which object a pixel belongs to, the
second its class. So `find` sees of each object what a tile shows of it, as a perfect network would.
"""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mrcnn import load
from mrcnn.crops import as_crops
from mrcnn.data.toybox import CLASS_NAMES, scene
from mrcnn.data.toybox.scenes import DRAWERS, Thing
from mrcnn.masks import extract_bboxes
from mrcnn.metrics import compute_overlaps_masks
from mrcnn.tiles import cut_tile, find_in_tiles, regions_of

SIDE = 48


def result_of(masks, class_ids, scores=None):
    """Masks (H, W, N) in the form of `detect`, those without a pixel left out."""
    there = masks.any(axis=(0, 1))
    masks, class_ids = masks[:, :, there], np.asarray(class_ids, np.int32)[there]
    scores = np.linspace(0.9, 0.8, len(there)) if scores is None else np.asarray(scores)
    scores = scores[there].astype(np.float32)
    return {"rois": extract_bboxes(masks), "class_ids": class_ids, "scores": scores, "masks": masks}


def read(picture, change=lambda masks: masks):
    """What is to be seen on a picture that holds the truth; `change` is done to the masks (H, W, N)."""
    numbers = [n for n in np.unique(picture[:, :, 0]) if n]
    masks = picture[:, :, :1] == np.array(numbers, np.uint8)
    class_ids = [picture[:, :, 1][masks[:, :, i]][0] for i in range(len(numbers))]
    return result_of(change(masks), class_ids)


def perfect(tiles):
    return [read(tile) for tile in tiles]


def assert_same_objects(found, truth):
    """The same objects of the same classes, pixel for pixel, in any order."""

    def described(result):
        crops = as_crops(result["masks"])  # in the tightest boxes, whatever the detection's was
        parts = zip(result["class_ids"], crops.boxes, crops.crops, strict=True)
        return sorted((int(c), tuple(box.tolist()), crop.tobytes()) for c, box, crop in parts)

    assert described(found | {"masks": found["masks"].full()}) == described(truth)


lengths = st.integers(2, 70)
places = st.floats(-0.1, 1.1)
shapes = st.tuples(
    st.sampled_from(["ellipse", "box", "bar"]), places, places, lengths, lengths, st.integers(0, 179)
)


def draw(shape, kind, y, x, h, w, angle):
    """The pixels (H, W) bool of one shape."""
    canvas = np.zeros(shape, np.uint8)
    centre = (x * shape[1], y * shape[0])
    if kind == "ellipse":
        cv2.ellipse(canvas, (centre, (w, h), angle), 1, -1)
    else:
        corners = cv2.boxPoints((centre, (w, h if kind == "box" else 4), 0 if kind == "box" else angle))
        cv2.fillPoly(canvas, [np.rint(corners).astype(np.int32)], 1)
    return canvas > 0


@st.composite
def pictures(draw_value, thick=1, hide=True):
    """A picture that holds the truth: shapes of two classes that touch and, if `hide`, hide each other.

    What is to be seen of an object is in one piece, and that the largest: nobody can know that two pieces
    far apart belong together. It is `thick` pixels thick somewhere.
    """
    height, width = draw_value(st.tuples(st.integers(20, 170), st.integers(20, 170)))
    picture = np.zeros((height, width, 2), np.uint8)
    for number, values in enumerate(draw_value(st.lists(shapes, max_size=12)), 1):
        whole = draw((height, width), *values)
        seen = whole & (picture[:, :, 0] == 0)
        if not hide and not np.array_equal(seen, whole):
            continue
        labels, _ = ndimage.label(seen)
        sizes = np.bincount(labels[labels > 0], minlength=1)
        largest = sizes.max() > 0 and labels == sizes.argmax()
        if np.any(largest) and cv2.erode(largest.astype(np.uint8), np.ones((thick, thick))).any():
            picture[largest] = number, 1 + number % 2
    return picture


@settings(max_examples=60, deadline=None)
@given(pictures())
def test_tiles_give_what_the_whole_gives(picture):
    assert_same_objects(find_in_tiles(picture, perfect, SIDE), read(picture))


@settings(max_examples=60, deadline=None)
@given(pictures(thick=11, hide=False), st.integers(0, 2**32 - 1))
def test_also_if_masks_are_not_exact_and_slivers_are_not_seen(picture, seed):
    rng = np.random.default_rng(seed)

    def blurred(masks):
        """Masks a pixel larger or smaller, without those of few pixels."""
        change = [cv2.dilate, cv2.erode]
        planes = [
            change[rng.integers(2)](m, np.ones((3, 3))) for m in np.moveaxis(masks, 2, 0).astype(np.uint8)
        ]
        planes = [plane * (np.count_nonzero(plane) >= 12) for plane in planes]
        return np.stack(planes, axis=2) > 0 if planes else masks

    found = find_in_tiles(picture, lambda tiles: [read(tile, blurred) for tile in tiles], SIDE)
    truth = read(picture)
    overlaps = compute_overlaps_masks(found["masks"].full(), truth["masks"])
    assert overlaps.shape == (len(truth["scores"]),) * 2
    if overlaps.size:
        matches = overlaps.argmax(axis=1)
        assert sorted(matches) == list(range(len(matches)))
        np.testing.assert_array_equal(found["class_ids"], truth["class_ids"][matches])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(16, 100), st.floats(0.1, 4))
def test_regions_cover_the_picture_and_share_a_third(height, width, side, scale):
    regions = np.array(regions_of((height, width, 3), side, scale))
    seen = np.zeros((height, width), int)
    for y1, x1, y2, x2 in regions:
        assert 0 <= y1 < y2 <= height and 0 <= x1 < x2 <= width
        seen[y1:y2, x1:x2] += 1
    assert seen.all()
    length = int(side / scale)
    for axis, whole in enumerate((height, width)):
        starts, ends = np.unique(regions[:, axis]), np.unique(regions[:, axis + 2])
        np.testing.assert_array_equal(ends - starts, min(whole, length))
        assert (ends[:-1] - starts[1:] >= length // 3 - 1).all()


def test_a_small_picture_is_one_tile_in_the_upper_left_corner():
    picture = np.arange(1, 61, dtype=np.uint8).reshape(4, 5, 3)
    (region,) = regions_of(picture.shape, 8)
    tile = cut_tile(picture, region, 8)
    assert region == (0, 0, 4, 5) and tile.shape == (8, 8, 3) and tile.dtype == np.uint8
    np.testing.assert_array_equal(tile[:4, :5], picture)
    assert not tile[4:].any() and not tile[:, 5:].any()


def test_tiles_come_in_batches_of_one_size_and_progress_sees_them_all():
    sizes, seen = [], []

    def find(tiles):
        sizes.append(len(tiles))
        assert {tile.shape for tile in tiles} == {(SIDE, SIDE, 2)}
        return perfect(tiles)

    def progress(regions):
        seen.extend(regions)
        return iter(regions)

    result = find_in_tiles(np.zeros((100, 150, 2), np.uint8), find, SIDE, batch=5, progress=progress)
    assert sum(sizes) == len(seen) == len(regions_of((100, 150), SIDE))
    assert set(sizes[:-1]) == {5} and sizes[-1] <= 5
    assert result["rois"].shape == (0, 4) and result["masks"].full().shape == (100, 150, 0)


@pytest.mark.parametrize("scale", [0.4, 0.5, 1.7, 3.0])
def test_scaled_pictures_give_the_same_objects(scale):
    """Discs on black, told apart by being apart."""
    rng = np.random.default_rng(3)
    truth = np.zeros((400, 500), np.uint8)
    for y in range(30, 400, 60):
        for x in range(30, 500, 60):
            cv2.circle(truth, (x + int(rng.integers(-8, 9)), y), int(rng.integers(8, 18)), 255, -1)

    def find(tiles):
        labels = [ndimage.label(tile[:, :, 0] > 127) for tile in tiles]
        return [result_of(label[..., None] == np.arange(1, n + 1), np.ones(n)) for label, n in labels]

    found = find_in_tiles(truth[:, :, None], find, 128, scale)
    labels, count = ndimage.label(truth)
    overlaps = compute_overlaps_masks(found["masks"].full(), labels[..., None] == np.arange(1, count + 1))
    assert overlaps.shape == (count, count)
    assert (np.sort(overlaps.max(axis=0)) > 0.85).all() and (overlaps.max(axis=1) > 0.85).all()


def test_the_surest_of_two_detections_stays_and_comes_first():
    picture = np.zeros((48, 80, 2), np.uint8)
    picture[10:20, 36:44] = 1, 1  # whole in both tiles
    picture[30:40, 5:15] = 2, 1  # in the first one alone
    scores = iter([[0.6, 0.7], [0.8]])

    def find(tiles):
        return [read(tile) | {"scores": np.array(next(scores), np.float32)} for tile in tiles]

    found = find_in_tiles(picture, find, SIDE)
    np.testing.assert_allclose(found["scores"], [0.8, 0.7])
    np.testing.assert_array_equal(found["rois"], [[10, 36, 20, 44], [30, 5, 40, 15]])


def test_what_a_tile_tells_apart_stays_apart():
    """Two objects of one class that share most of their pixels, in a tile's middle and where two look."""
    for x in (4, 34):
        picture = np.zeros((48, 80, 1), np.uint8)
        picture[10:20, x : x + 12] = 1

        def find(tiles):
            return [
                result_of(np.stack([tile[..., 0] > 0, np.roll(tile[..., 0] > 0, 3, 0)], axis=2), [1, 1])
                for tile in tiles
            ]

        found = find_in_tiles(picture, find, SIDE)
        assert sorted(found["rois"][:, 0]) == [10, 13]


def test_masks_without_a_pixel_are_told_by_their_boxes():
    picture = np.zeros((48, 80, 2), np.uint8)
    picture[10:20, 36:44] = 1, 1

    def find(tiles):
        results = perfect(tiles)
        return [result | {"masks": np.zeros_like(result["masks"])} for result in results]

    found = find_in_tiles(picture, find, SIDE)
    np.testing.assert_array_equal(found["rois"], [[10, 36, 20, 44]])
    assert not found["masks"].full().any()


# The bundled network


def large_scene(seed, size=(900, 1300), count=35):
    """A scene of things of 24 to 120 pixels, the sizes that the toybox knows on pictures of 384."""
    rng = np.random.default_rng(seed)
    things = []
    for _ in range(count):
        name = CLASS_NAMES[rng.integers(1, len(CLASS_NAMES))]
        y, x = rng.uniform(0, size)
        turn = rng.uniform(-0.5, 0.5) * DRAWERS[name][1]
        things.append(Thing(name, x, y, rng.uniform(24, 120), turn, int(rng.integers(2**31))))
    return scene(seed, size, things, noise=0, blur=0, jpeg=0)


def test_the_toybox_network_counts_a_large_scene_in_tiles():
    model = load("toybox", TILE_SCALE=1.0)
    drawn = large_scene(7)
    (found,) = model.detect(drawn.image)
    overlaps = compute_overlaps_masks(found["masks"], drawn.masks)
    times = np.bincount(overlaps.argmax(axis=1)[overlaps.max(axis=1) > 0.5], minlength=len(drawn.class_ids))
    assert times.max() == 1  # none twice
    # None lost that the network sees when the thing is in the middle of a tile of its own.
    side = model.config.IMAGE_MAX_DIM
    for i, (y1, x1, y2, x2) in enumerate(extract_bboxes(drawn.masks)):
        top, left = (y1 + y2 - side) // 2, (x1 + x2 - side) // 2
        top, left = np.clip((top, left), 0, np.subtract(drawn.image.shape[:2], side))
        here = np.s_[top : top + side, left : left + side]
        (alone,) = model.detect(drawn.image[here])
        if compute_overlaps_masks(alone["masks"], drawn.masks[here][..., i : i + 1]).max(initial=0) > 0.7:
            assert times[i] == 1, (i, (y1, x1, y2, x2))
    assert times.sum() > 0.9 * len(times)

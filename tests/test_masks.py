"""Masks against the reference and scikit-image, and at the border."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage import transform

from mrcnn.masks import expand_mask, extract_bboxes, minimize_mask, unmold_mask, unmold_masks
from tests.pixels import unpack

SIDES = st.integers(1, 40)


def test_mini_masks_as_the_reference(golden):
    known = golden("mini_masks")
    height = known["in_shape"][0]
    masks, boxes = unpack(known["in_masks"], height), known["in_boxes"]
    mini = minimize_mask(boxes, masks, (56, 56))
    assert mini.dtype == bool
    np.testing.assert_array_equal(mini, known["out_mini"])
    expanded = expand_mask(boxes, known["out_mini"], known["in_shape"])
    np.testing.assert_array_equal(expanded, unpack(known["out_expanded"], height))


def test_unmold_masks_as_the_reference(golden):
    known = golden("unmold_mask")
    masks, boxes, shape = known["in_masks"], known["in_boxes"], tuple(known["in_shape"])
    full = unmold_masks(masks, boxes, shape)
    assert full.dtype == bool
    assert full.shape == (*shape, len(masks))
    wrong = (full != unpack(known["out"], shape[0])).sum(axis=(0, 1))
    assert wrong.max() <= 4
    one = unmold_mask(masks[2], boxes[2], (*shape, 3))
    np.testing.assert_array_equal(one, full[:, :, 2])


def test_extract_bboxes_as_the_reference(golden):
    known = golden("extract_bboxes")
    boxes = extract_bboxes(known["in_masks"])
    assert boxes.dtype == np.int32
    np.testing.assert_array_equal(boxes, known["out"])


@given(arrays.arrays(bool, st.tuples(SIDES, SIDES, st.integers(0, 4))))
@settings(max_examples=60, deadline=None)
def test_extract_bboxes_are_tight(masks):
    boxes = extract_bboxes(masks)
    assert boxes.shape == (masks.shape[2], 4)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        rows, columns = np.nonzero(masks[:, :, i])
        if rows.size:
            tight = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
            assert (y1, x1, y2, x2) == tight
        else:
            assert (y1, x1, y2, x2) == (0, 0, 0, 0)


def test_unmold_masks_at_and_over_the_border():
    masks = np.ones((6, 28, 28), np.float32)
    boxes = np.array(
        [
            [-5, -5, 10, 10],  # over a corner
            [30, 40, 60, 80],  # over the opposite corner
            [-9, -9, 60, 80],  # all of the picture
            [50, 60, 70, 80],  # beside it
            [5, 5, 5, 20],  # without height
            [20, 20, 10, 30],  # upside down
        ]
    )
    full = unmold_masks(masks, boxes, (40, 50, 3))
    expected = np.zeros((40, 50, 6), bool)
    expected[:10, :10, 0] = True
    expected[30:, 40:, 1] = True
    expected[:, :, 2] = True
    np.testing.assert_array_equal(full, expected)


def test_a_mask_over_the_border_is_cut_not_squeezed():
    mask = np.zeros((28, 28), np.float32)
    mask[:, 14:] = 1
    full = unmold_mask(mask, (0, -20, 40, 20), (40, 50))
    assert full[:, :20].all() and not full[:, 20:].any()


def test_no_masks():
    assert unmold_masks(np.zeros((0, 28, 28)), np.zeros((0, 4), int), (9, 8)).shape == (9, 8, 0)
    assert extract_bboxes(np.zeros((9, 8, 0), bool)).shape == (0, 4)


def test_unmold_masks_lie_mask_by_mask():
    full = unmold_masks(np.ones((3, 4, 4)), np.tile([0, 0, 5, 5], (3, 1)), (9, 8))
    assert full[:, :, 1].flags.c_contiguous


def test_mini_masks_there_and_back():
    y, x = np.mgrid[:120, :160]
    disc = (y - 60) ** 2 + (x - 90) ** 2 < 40**2
    masks = np.stack([disc, ~disc], axis=2)
    boxes = extract_bboxes(masks)
    back = expand_mask(boxes, minimize_mask(boxes, masks, (56, 56)), (120, 160, 3))
    assert np.mean(back != masks) < 0.01


def test_minimize_mask_refuses_a_box_without_area():
    with pytest.raises(ValueError, match=r"Box 1, \(3, 3, 3, 9\)"):
        minimize_mask(np.array([[0, 0, 5, 5], [3, 3, 3, 9]]), np.ones((20, 20, 2), bool), (56, 56))


@pytest.mark.parametrize("mini_shape", [(56, 56), (28, 28), (20, 33)])
def test_mini_masks_are_scikit_image_s_to_the_pixel(mini_shape):
    """Also where a value is one half, but for rounding: there, pixels and whole rows hang on its last bit."""
    halves = np.zeros((55, 55), bool)
    halves[:28] = halves[:, :18] = True
    rows, columns = np.mgrid[:90, :70]
    rng = np.random.default_rng(0)
    masks = [halves]
    for _ in range(40):
        y, x, a, b, turn = rng.uniform([30, 25, 8, 8, 0], [60, 45, 25, 20, np.pi])
        along = (rows - y) * np.sin(turn) + (columns - x) * np.cos(turn)
        across = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
        masks.append((along / a) ** 2 + (across / b) ** 2 <= 1)
    options = {"order": 1, "mode": "constant", "anti_aliasing": False}
    for mask in masks:
        mask = mask[..., None]
        box = extract_bboxes(mask)
        y1, x1, y2, x2 = box[0]
        small = transform.resize(mask[y1:y2, x1:x2, 0].astype(float), mini_shape, **options)
        mini = minimize_mask(box, mask, mini_shape)
        np.testing.assert_array_equal(mini[..., 0], small > 0.5)
        large = transform.resize(mini[..., 0].astype(float), (y2 - y1, x2 - x1), **options)
        expanded = expand_mask(np.insert(box, 4, 1, axis=1), mini, mask.shape)  # with a class after the box
        np.testing.assert_array_equal(expanded[y1:y2, x1:x2, 0], large > 0.5)

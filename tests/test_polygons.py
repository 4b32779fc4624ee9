"""Polygons of a mask give the mask again, in whatever fills them."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis.extra import numpy as arrays
from pycocotools import mask as mask_utils
from scipy import ndimage

from mrcnn.polygons import regions, single

MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))
RING = np.pad(np.zeros((1, 2), bool), 1, constant_values=True)
DIAGONAL = np.eye(5, dtype=bool)


def filled(polygons, shape):
    """The mask of COCO's polygons."""
    flat = [polygon.ravel().tolist() for polygon in polygons]
    return mask_utils.decode(mask_utils.merge(mask_utils.frPyObjects(flat, *shape))).astype(bool)


@given(MASKS)
@example(RING)
@example(DIAGONAL)
@example(~DIAGONAL)
def test_coco_fills_them_to_the_same_mask(mask):
    found = regions(mask)
    assert len(found) == ndimage.label(mask)[1]
    if found:
        np.testing.assert_array_equal(filled([single([rings]) for rings in found], mask.shape), mask)
        np.testing.assert_array_equal(filled([single(found)], mask.shape), mask)


def area(ring):
    x, y = ring.T
    return 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))


@given(MASKS)
@example(RING)
def test_areas_add_up_and_holes_are_below_zero(mask):
    areas = [[area(ring) for ring in rings] for rings in regions(mask)]
    for outer, *holes in areas:
        assert outer > 0 and all(hole < 0 for hole in holes)
    assert sum(map(sum, areas)) == np.count_nonzero(mask)


def test_corners_alone_are_kept_in_the_place_of_the_crop():
    ((outer, hole),) = regions(RING, corner=(10, 20))
    assert sorted(map(tuple, outer.tolist())) == [(20, 10), (20, 13), (24, 10), (24, 13)]
    assert sorted(map(tuple, hole.tolist())) == [(21, 11), (21, 12), (23, 11), (23, 12)]


def test_the_largest_region_comes_first():
    mask = np.zeros((9, 9), bool)
    mask[0, 0] = mask[2:7, 2:7] = True
    assert [len(rings) for rings in regions(mask)] == [1, 1]
    assert regions(mask)[0][0].min() == 2


def test_nothing_has_no_regions():
    assert regions(np.zeros((3, 4), bool)) == []
    with pytest.raises(ValueError):
        single([])

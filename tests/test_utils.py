"""The original's names: there, and of its results."""

import json

import numpy as np
from keras import ops

from mrcnn import utils
from tests.backend import to_numpy
from tests.conftest import GOLDEN


def test_every_name_of_the_original_is_there():
    names = json.loads((GOLDEN / "api_surface.json").read_text())["modules"]["utils"]
    assert set(names) == set(utils.__all__) - set(utils.LENT)
    assert all(callable(getattr(utils, name)) for name in names)


def test_iou_of_one_box_as_recorded(golden):
    record = golden("overlaps")
    boxes1, boxes2 = record["in_boxes1"], record["in_boxes2"]
    ours = utils.compute_iou(boxes1[0], boxes2, None, None)
    np.testing.assert_allclose(ours, record["out_iou_first_of_1_with_2"], rtol=1e-5, atol=1e-5)


def test_batch_slice_gives_what_the_whole_batch_gives():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    total, double = utils.batch_slice([ops.convert_to_tensor(x)], lambda row: (ops.sum(row), 2 * row), 3)
    np.testing.assert_array_equal(to_numpy(total), x.sum(axis=1))
    np.testing.assert_array_equal(to_numpy(double), 2 * x)
    single = utils.batch_slice(ops.convert_to_tensor(x), lambda row: row + 1, 2)
    np.testing.assert_array_equal(to_numpy(single), x[:2] + 1)


def test_deltas_of_whole_pixels_are_floats():
    deltas = utils.box_refinement(np.array([[0, 0, 10, 10]]), np.array([[0, 5, 10, 15]]))
    np.testing.assert_array_equal(deltas, np.float32([[0, 0.5, 0, 0]]))
    assert deltas.dtype == np.float32

"""Geometry of boxes against the reference and the definitions, with NumPy and on the backend alike."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import ops

from mrcnn.network import boxes
from tests.backend import compiled

ROOT = Path(__file__).parents[2]
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
CORNERS = arrays.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(4)), elements=st.integers(0, 9))


def as_boxes(corners):
    """Boxes whose corners are in order, from any four numbers each; many are equal, some without area."""
    return np.concatenate([np.minimum(corners[:, :2], corners[:, 2:]),
                           np.maximum(corners[:, :2], corners[:, 2:])], axis=1)  # fmt: skip


BOXES = CORNERS.map(as_boxes)


@pytest.fixture(params=["numpy", "backend"])
def on(request):
    """Run a function of boxes as plain NumPy, or on the backend."""
    return (lambda function: function) if request.param == "numpy" else compiled


# Against the reference


def test_iou_as_the_reference(golden, on):
    known = golden("overlaps")
    first, second = (known[name].astype(np.float32) for name in ("in_boxes1", "in_boxes2"))
    overlaps = on(boxes.iou)(first, second)
    np.testing.assert_allclose(overlaps, known["out"], **CLOSE)
    np.testing.assert_allclose(overlaps, known["out_graph"], **CLOSE)
    np.testing.assert_allclose(overlaps[0], known["out_iou_first_of_1_with_2"], **CLOSE)


def test_iou_of_whole_pixels_is_computed_in_full_precision(golden):
    known = golden("overlaps")
    np.testing.assert_allclose(boxes.iou(known["in_boxes1"], known["in_boxes2"]), known["out"], rtol=1e-12)


def test_deltas_and_clipping_as_the_reference(golden, on):
    known = golden("box_deltas")
    moved = on(boxes.apply_deltas)(known["in_boxes"], known["in_deltas"])
    np.testing.assert_allclose(moved, known["out_apply"], **CLOSE)
    np.testing.assert_allclose(moved, known["out_apply_graph"], **CLOSE)
    clipped = on(boxes.clip)(known["in_boxes"], known["in_window"])
    np.testing.assert_allclose(clipped, known["out_clip"], **CLOSE)
    longer = np.array([0, 0, 0.01, 0.01], np.float32)
    deltas = on(boxes.find_deltas)(known["in_boxes"] + longer, known["in_gt"] + longer)
    np.testing.assert_allclose(deltas, known["out_refinement"], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(deltas, known["out_refinement_graph"], rtol=1e-3, atol=1e-3)


def test_units_as_the_reference(golden, on):
    known = golden("norm_boxes")
    shape = tuple(known["in_shape"])
    pixels = known["in_boxes"].astype(np.float32)
    normalised = on(lambda values: boxes.normalise(values, shape))(pixels)
    np.testing.assert_allclose(normalised, known["out_norm"], **CLOSE)
    np.testing.assert_allclose(normalised, known["out_norm_graph"], **CLOSE)
    assert normalised.dtype == np.float32
    pixels = on(lambda values: boxes.denormalise(values, shape))(known["in_normalised"])
    np.testing.assert_array_equal(pixels, known["out_denorm"])
    np.testing.assert_array_equal(pixels, known["out_denorm_graph"])
    assert pixels.dtype == np.int32


def test_units_of_whole_pixels_are_exact(golden):
    known = golden("norm_boxes")
    normalised = boxes.normalise(known["in_boxes"], known["in_shape"])
    np.testing.assert_array_equal(normalised, known["out_norm"])


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_non_max_suppression_as_the_reference(golden, threshold):
    known = golden("non_max_suppression")
    kept = boxes.non_max_suppression(known["in_boxes"], known["in_scores"], threshold)
    np.testing.assert_array_equal(kept, known[f"out_{threshold}"])
    assert kept.dtype == np.int32


# Against the definitions


@given(BOXES, BOXES)
@settings(deadline=None)
def test_iou_counts_the_cells_of_a_grid(first, second):
    def cells(box):
        y1, x1, y2, x2 = box.astype(int)
        grid = np.zeros((9, 9), bool)
        grid[y1:y2, x1:x2] = True
        return grid

    overlaps = boxes.iou(first, second)
    assert overlaps.shape == (len(first), len(second))
    for i, a in enumerate(map(cells, first)):
        for j, b in enumerate(map(cells, second)):
            union = (a | b).sum()
            assert overlaps[i, j] == pytest.approx((a & b).sum() / union if union else 0)


def test_iou_and_the_others_take_batches(on):
    rng = np.random.default_rng(0)
    first, second = (as_boxes(rng.random((12, 4), np.float32)).reshape(3, 4, 4) for _ in range(2))
    overlaps = on(boxes.iou)(first, second[:, :2])
    assert overlaps.shape == (3, 4, 2)
    np.testing.assert_allclose(overlaps[1], boxes.iou(first[1], second[1, :2]), rtol=1e-6)
    windows = np.array([[0, 0, 1, 1], [0.2, 0.3, 0.4, 0.5], [0, 0, 0, 0]], np.float32)
    clipped = on(boxes.clip)(first, windows[:, None])
    for box, window in zip(clipped, windows, strict=True):
        assert (box >= np.tile(window[:2], 2)).all() and (box <= np.tile(window[2:], 2)).all()
    assert not clipped[2].any()


def test_find_deltas_undoes_apply_deltas(on):
    rng = np.random.default_rng(1)
    corner, size = rng.random((2, 50, 2), np.float32)
    start = np.concatenate([corner, corner + size + 0.1], axis=1)
    deltas = rng.normal(0, 0.5, (50, 4)).astype(np.float32)
    found = on(lambda b, d: boxes.find_deltas(b, boxes.apply_deltas(b, d)))(start, deltas)
    np.testing.assert_allclose(found, deltas, atol=1e-5)


def test_deltas_shift_by_the_box_and_scale_its_sides(on):
    start = np.array([[10, 20, 20, 60]], np.float32)
    moved = on(boxes.apply_deltas)(start, np.array([[0.5, -0.25, np.log(2), 0]], np.float32))
    np.testing.assert_allclose(moved, [[10, 10, 30, 50]], rtol=1e-6)  # center (15, 40) goes to (20, 30)


@given(BOXES, st.integers(10, 2000), st.integers(10, 2000))
@settings(deadline=None)
def test_pixels_come_back_from_normalised(pixels, height, width):
    normalised = boxes.normalise(pixels, (height, width, 3))
    np.testing.assert_array_equal(boxes.denormalise(normalised, (height, width, 3)), pixels)


def test_a_box_of_the_whole_picture_is_the_unit_square(on):
    whole = np.array([[0, 0, 48, 64]], np.float32)
    unit = on(lambda b: boxes.normalise(b, (48, 64)))(whole)
    np.testing.assert_allclose(unit, [[0, 0, 1, 1]], rtol=1e-6)


@given(BOXES, st.sampled_from([0, 0.3, 0.5, 1]), st.data())
@settings(deadline=None)
def test_non_max_suppression_is_what_it_says(some, threshold, data):
    levels = st.sampled_from([0.25, 0.5, 0.75])  # many scores are equal
    scores = np.array(data.draw(st.lists(levels, min_size=len(some), max_size=len(some))), np.float32)
    kept = boxes.non_max_suppression(some, scores, threshold)
    overlaps = boxes.iou(some, some)
    assert list(kept) == sorted(kept, key=lambda i: (-scores[i], -i))
    for place, i in enumerate(kept):
        assert all(overlaps[i, j] <= threshold for j in kept[:place])
    for i in set(range(len(some))) - set(kept):
        better = [j for j in kept if (-scores[j], -j) < (-scores[i], -i)]
        assert any(overlaps[i, j] > threshold for j in better)


# One implementation


def test_arrays_stay_arrays_and_tensors_tensors():
    box = np.array([[0, 0, 2, 2]], np.float32)
    for function in (boxes.iou, boxes.apply_deltas, boxes.find_deltas, boxes.clip):
        assert isinstance(function(box, box), np.ndarray)
        assert ops.is_tensor(function(ops.convert_to_tensor(box), ops.convert_to_tensor(box)))


def test_numpy_needs_no_framework():
    code = """
import sys
import numpy as np
from mrcnn.network import boxes
unit = np.array([[0, 0, 1, 1]])
boxes.denormalise(boxes.clip(boxes.apply_deltas(unit, 0 * unit), unit), (4, 4))
print(*{"keras", "tensorflow", "jax", "torch"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

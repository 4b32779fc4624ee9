"""Masks inside their boxes are the same masks, and are written the same."""

import cv2
import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as mask_utils

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from mrcnn import metrics, outputs, visualize
from mrcnn.crops import MaskCrops, as_crops, run_lengths

pictures = array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=9)
masks = pictures.flatmap(lambda shape: arrays(bool, shape))


@settings(deadline=None)
@given(masks)
def test_there_and_back(full):
    crops = as_crops(full)
    assert crops.shape == full.shape
    np.testing.assert_array_equal(crops.full(), full)
    np.testing.assert_array_equal(crops.areas(), full.sum(axis=(0, 1)))
    assert as_crops(crops) is crops
    for crop, (y1, x1, y2, x2) in zip(crops.crops, crops.boxes, strict=True):
        assert crop.shape == (y2 - y1, x2 - x1)


@settings(deadline=None)
@given(masks, st.data())
def test_cut_to_any_box_from_either_form(full, data):
    height, width, count = full.shape
    rows = [sorted(data.draw(st.tuples(*[st.integers(0, height)] * 2))) for _ in range(count)]
    columns = [sorted(data.draw(st.tuples(*[st.integers(0, width)] * 2))) for _ in range(count)]
    boxes = np.array([(y1, x1, y2, x2) for (y1, y2), (x1, x2) in zip(rows, columns, strict=True)])
    for form in (full, as_crops(full)):
        cut = as_crops(form, boxes)
        for i, (y1, x1, y2, x2) in enumerate(boxes):
            np.testing.assert_array_equal(cut.crops[i], full[y1:y2, x1:x2, i])


@settings(deadline=None)
@given(masks)
def test_runs_are_those_of_pycocotools(full):
    height, width, count = full.shape
    crops = as_crops(full)
    for i in range(count):
        expected = mask_utils.encode(np.asfortranarray(full[:, :, i], np.uint8))
        for crop, box in ((crops.crops[i], crops.boxes[i]), (full[:, :, i], (0, 0, height, width))):
            counts = run_lengths(crop, box, (height, width))
            assert sum(counts) == height * width and min(counts[1:], default=1) > 0
            ours = mask_utils.frPyObjects({"size": [height, width], "counts": counts}, height, width)
            assert ours == expected


@pytest.fixture
def result():
    """Three objects that overlap, one of them without a pixel, each in a box larger than its mask."""
    full = np.zeros((60, 80, 3), np.uint8)
    boxes = np.array([[5, 5, 45, 50], [15, 20, 60, 80], [0, 0, 9, 9]], np.int32)
    for i, (y1, x1, y2, x2) in enumerate(boxes[:2]):
        plane = np.ascontiguousarray(full[:, :, i])
        cv2.ellipse(
            plane, ((float(x1 + x2) / 2, float(y1 + y2) / 2), (int(x2 - x1 - 8), int(y2 - y1 - 6)), 0), 1, -1
        )
        full[:, :, i] = plane
    found = {"rois": boxes, "class_ids": np.array([1, 2, 1], np.int32), "scores": np.array([0.9, 0.8, 0.7])}
    return found | {"masks": full.astype(bool)}


NAMES = ["BG", "key", "cup"]


def test_all_that_is_written_is_the_same_from_either_form(result, tmp_path):
    crops = as_crops(result["masks"], result["rois"])
    assert isinstance(crops, MaskCrops)
    in_boxes = result | {"masks": crops}
    assert metrics.coco_results(1, in_boxes) == metrics.coco_results(1, result)
    np.testing.assert_array_equal(outputs.label_map(crops), outputs.label_map(result["masks"]))
    for form, name in ((result, "full"), (in_boxes, "crops")):
        outputs.write_masks(tmp_path / name, form, NAMES)
    files = sorted(path.name for path in (tmp_path / "full").iterdir())
    assert files == ["cup_1.png", "key_1.png", "key_2.png"]
    for name in files:
        assert (tmp_path / "full" / name).read_bytes() == (tmp_path / "crops" / name).read_bytes()


def test_all_that_is_drawn_is_the_same_from_either_form(result):
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    forms = (result["masks"], as_crops(result["masks"]), as_crops(result["masks"], result["rois"]))
    drawn, shown = [], []
    for masks in forms:
        arguments = image, result["rois"], masks, result["class_ids"], NAMES
        drawn.append(visualize.draw_instances(*arguments))
        canvas = visualize.display_instances(*arguments, figsize=(3, 3)).figure.canvas
        canvas.draw()
        shown.append(np.array(canvas.buffer_rgba()))
        plt.close(canvas.figure)
    for pictures in drawn, shown:
        np.testing.assert_array_equal(pictures[0], pictures[1])
        np.testing.assert_array_equal(pictures[0], pictures[2])


def test_lines_and_letters_of_a_smaller_picture():
    image = np.zeros((900, 1200, 3), np.uint8)
    box = [[400, 500, 440, 560]]
    usual, small, same = (
        visualize.draw_instances(image, box, None, [1], NAMES, size=size) for size in (None, 300, 5000)
    )
    np.testing.assert_array_equal(usual, same)
    assert 0 < small.any(axis=2).sum() < usual.any(axis=2).sum() / 2

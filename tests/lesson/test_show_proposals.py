"""Pictures of anchors, region proposals and suppression, against the trace and the network's own numbers."""

import re
from dataclasses import replace

import numpy as np
import pytest

from mrcnn.lesson import show, sums
from mrcnn.lesson.picture import Picture
from mrcnn.lesson.show.proposals import refined
from mrcnn.lesson.show.suppression import THRESHOLDS, suppression_steps
from mrcnn.network import boxes as box_ops

LEVELS = ("P2", "P3", "P4", "P5", "P6")


@pytest.fixture(scope="module")
def candidates(trace, config):
    return show.candidates(trace, config)


def drawn(picture):
    """The picture's caption, after it has been drawn."""
    assert isinstance(picture, Picture)
    assert picture.array().std() > 5
    return picture.caption


def numbers(caption):
    return [float(n) for n in re.findall(r"\d+(?:\.\d+)?", caption)]


def test_levels_share_all_anchors(trace, config):
    grids = [show.anchors_of(trace, config, level) for level in LEVELS]
    assert np.array_equal(np.concatenate([g.ravel() for g in grids]), np.arange(len(trace.anchors)))
    for grid, level in zip(grids, range(2, 7), strict=True):
        for place in (0, 0, 0), (-1, -1, -1), (1, 2, 0):
            parts = sums.anchor(trace, config, grid[place]).parts
            rows, columns, _ = grid.shape
            assert (parts["level"], parts["row"], parts["column"]) == (
                level,
                place[0] % rows,
                place[1] % columns,
            )


@pytest.mark.parametrize("level", LEVELS)
def test_the_anchor_nearest_to_a_place(trace, config, level):
    stride = 2 ** int(level[1:])
    for ratio in config.RPN_ANCHOR_RATIOS:
        parts = sums.anchor(
            trace, config, show.anchor_at(trace, config, level, 2 * stride + 1, stride - 1, ratio)
        ).parts
        assert (parts["row"], parts["column"], parts["ratio"]) == (2, 1, ratio)
    beyond = sums.anchor(
        trace, config, show.anchor_at(trace, config, level, 0, len(trace.molded) - 1, 1)
    ).parts
    assert (beyond["row"], beyond["column"]) == (0, len(trace.molded) // stride - 1)


@pytest.mark.parametrize("level", LEVELS)
def test_one_anchor(trace, config, level):
    index = show.anchor_at(trace, config, level, 160, 160, 2)
    caption = drawn(show.anchor(trace, config, index))
    y1, x1, y2, x2 = trace.anchors[index]
    assert level in caption
    assert f"{y2 - y1:.0f} pixels high and {x2 - x1:.0f} wide" in caption


def test_objects_are_the_rois(trace):
    height, width = trace.image.shape[:2]
    y1, x1, y2, x2 = trace.window
    scale = [(y2 - y1) / height, (x2 - x1) / width] * 2
    np.testing.assert_allclose(show.objects(trace), trace.rois * scale + [y1, x1, y1, x1], atol=1)


def test_objects_leave_out_what_vanished_in_rounding(trace):
    vanished = trace.detections.copy()
    vanished[0, 2] = vanished[0, 0] - 1 / 319  # half open, it ends where it begins
    shown = show.objects(replace(trace, detections=vanished))
    np.testing.assert_array_equal(shown, show.objects(trace)[1:])


def test_fits_names_overlaps_and_levels(model, trace, config):
    best = [int(box_ops.iou(box[None], trace.anchors).argmax()) for box in show.objects(trace)]
    caption = drawn(show.fits(trace, config, best, model.class_names))
    for i, box in enumerate(show.objects(trace)):
        level = sums.anchor(trace, config, best[i]).parts["level"]
        overlap = box_ops.iou(box[None], trace.anchors).max()
        assert f"{model.class_names[trace.class_ids[i]]} P{level} {overlap:.2f}" in caption


def test_fits_wants_an_anchor_for_each_object(model, trace, config):
    with pytest.raises(ValueError, match="objects, but 1 anchors"):
        show.fits(trace, config, [0], model.class_names)


def test_heat_maps_tell_the_highest_of_each_level(trace, config):
    caption = drawn(show.heat_maps(trace, config))
    for level in LEVELS:
        assert f"{level} {trace.objectness[show.anchors_of(trace, config, level)].max():.2f} and" in caption


def test_refined_boxes_are_those_of_the_sums(trace, config):
    surest = np.argsort(-trace.objectness)[:40]
    by_hand = [sums.proposal(trace, config, int(index)).value for index in surest]
    np.testing.assert_allclose(refined(trace, config, surest), by_hand, atol=0.01)
    np.testing.assert_allclose(refined(trace, config, surest, 0), trace.anchors[surest], atol=0.01)
    assert not np.allclose(refined(trace, config, surest, 0.5), by_hand, atol=1)


@pytest.mark.parametrize("rank", [0, 7, 199, -1])
def test_one_anchor_moves(trace, config, rank):
    index = np.argsort(-trace.objectness)[rank]
    caption = drawn(show.move(trace, config, index))
    assert numbers(caption)[0] == index
    np.testing.assert_allclose(numbers(caption)[2:6], trace.anchors[index].clip(0), atol=0.51)


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_many_anchors_move(trace, config, share):
    surest = np.argsort(-trace.objectness)[:30]
    count, percent, on_object, objects = numbers(drawn(show.moving(trace, config, surest, share)))
    assert (count, percent) == (30, 100 * share)
    overlaps = box_ops.iou(refined(trace, config, surest), show.objects(trace))
    assert on_object == (overlaps.max(axis=1) >= 0.5).sum() > 10
    assert objects == len(set(overlaps.argmax(axis=1)[overlaps.max(axis=1) >= 0.5]))


def test_suppression_of_all_candidates_is_the_networks(trace, config):
    boxes, scores = show.candidates(trace, config, config.PRE_NMS_LIMIT)
    kept = box_ops.non_max_suppression(boxes, scores, config.RPN_NMS_THRESHOLD)
    proposals = box_ops.in_pixels(trace.proposals, trace.molded.shape) - box_ops.LAST_PIXEL
    same = np.isclose(boxes[kept[: len(proposals)]], proposals, atol=0.01).all(axis=1)
    assert same.mean() > 0.9  # but for one pair whose IoU is the threshold, up to rounding


@pytest.mark.parametrize("threshold", [0, 0.5, 0.7, 1])
def test_each_step_keeps_one_box_and_drops_what_overlaps_it(candidates, threshold):
    boxes, scores = candidates
    steps, kept = suppression_steps(boxes, scores, threshold)
    pending = np.arange(len(boxes))
    for step, best in enumerate(kept, start=1):
        assert best == pending[0]
        gone = pending[(box_ops.iou(boxes[[best]], boxes[pending])[0] > threshold) | (pending == best)]
        assert np.array_equal(np.flatnonzero(steps == step), gone)
        pending = np.setdiff1d(pending, gone)
    assert not len(pending)


def test_boxes_without_area_are_kept():
    steps, kept = suppression_steps(np.zeros((3, 4)), np.array([0.9, 0.8, 0.7]), 0.5)
    assert kept.tolist() == [0, 1, 2]
    assert steps.tolist() == [1, 2, 3]


def test_steps_of_suppression(trace, config, candidates):
    boxes, scores = candidates
    kept = box_ops.non_max_suppression(boxes, scores, 0.7)
    for step in (0, 1, len(kept), 60):
        caption = drawn(show.suppress(trace, config, boxes, scores, 0.7, step))
        done = min(step, len(kept))
        stay, dropped, pending = numbers(caption)[-3:]
        assert stay == done
        assert stay + dropped + pending == len(boxes)
        assert (pending == 0) == (done == len(kept))
        assert not done or numbers(caption)[1] == kept[done - 1]


def test_two_boxes(trace, config, candidates):
    boxes, _ = candidates
    for first, second in (0, 0), (0, 1), (3, 59):
        caption = drawn(show.pair(trace, config, boxes, first, second))
        assert f"IoU of {sums.overlap(boxes[first], boxes[second]).value:.2f}" in caption


def test_thresholds_leave_more_and_more(trace, config, candidates):
    counts = [
        numbers(drawn(show.thresholds(trace, config, *candidates, each)))[1] for each in THRESHOLDS[::5]
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] == len(candidates[0])


def test_a_picture_on_which_nothing_is_found(model, empty, config):
    assert show.objects(empty).shape == (0, 4)
    assert drawn(show.fits(empty, config, [], model.class_names)).startswith("Nothing was found")
    drawn(show.anchor(empty, config, 0))
    drawn(show.heat_maps(empty, config))
    surest = np.argsort(-empty.objectness)[:20]
    drawn(show.move(empty, config, surest[0]))
    assert numbers(drawn(show.moving(empty, config, surest, 0.5)))[2:] == [0, 0]
    boxes, scores = show.candidates(empty, config, 20)
    drawn(show.suppress(empty, config, boxes, scores, 0.7, 3))
    drawn(show.thresholds(empty, config, boxes, scores, 0.7))

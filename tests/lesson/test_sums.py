"""Sums worked out by hand from a trace, against what the network computed."""

import re
from dataclasses import replace

import numpy as np
import pytest
from keras import ops
from matplotlib.mathtext import MathTextParser

from mrcnn.config import Config
from mrcnn.data import toybox
from mrcnn.images import resize
from mrcnn.lesson import sums
from mrcnn.lesson.formula import Sum, number, pixels, term
from mrcnn.network import boxes as box_ops
from mrcnn.network import kernels
from mrcnn.network.anchors import anchors_for
from mrcnn.network.roi_align import pyramid_level
from tests.backend import to_numpy

rng = np.random.default_rng(5)


@pytest.fixture(scope="module", params=["wide", "tall"])
def trace(request, model):
    """Of the street, padded above and below; and of a part of it, padded left and right, that cuts things."""
    image = toybox.street().image
    return model.trace(image if request.param == "wide" else np.ascontiguousarray(image[:, 250:480]))


def close(result, rtol=1e-4, atol=2e-3):
    np.testing.assert_allclose(result.value, result.shown, rtol=rtol, atol=atol)


def test_anchors(trace, config):
    starts = np.cumsum([0, *(3 * (config.IMAGE_MAX_DIM // s) ** 2 for s in config.BACKBONE_STRIDES)])
    indices = [*starts[:-1], *(starts[1:] - 1), *rng.integers(len(trace.anchors), size=60)]
    results = [sums.anchor(trace, config, index) for index in indices]
    for result in results:
        close(result)
        np.testing.assert_allclose(result.points[0], (result.value[:2] + result.value[2:]) / 2)
    assert [result.parts["level"] for result in results[:10]] == [2, 3, 4, 5, 6] * 2
    assert results[0].value.min() < 0  # reaches over the picture's border


def test_anchors_of_every_second_place(model, trace):
    config = Config(**model.config.changes() | {"RPN_ANCHOR_STRIDE": 2})
    sparse = replace(trace, anchors=anchors_for(config, trace.molded.shape)[0])
    for index in [0, 4799, 4800, *rng.integers(len(sparse.anchors), size=20)]:
        close(sums.anchor(sparse, config, index))


def test_objectness(trace, config):
    sure = np.argsort(-trace.objectness)[:20]
    for index in [*sure, *rng.integers(len(trace.anchors), size=40)]:
        close(sums.objectness(trace, config, index), rtol=1e-4, atol=1e-7)


def refined_anchors(trace, config):
    """Every anchor's box as the network refines it, normalised."""
    anchors = box_ops.normalise(trace.anchors, trace.molded.shape)
    moved = box_ops.apply_deltas(anchors, trace.rpn_deltas * np.float32(config.RPN_BBOX_STD_DEV))
    return box_ops.clip(moved, np.float32([0, 0, 1, 1]))


def test_every_proposal_is_the_box_of_an_anchor(trace, config):
    refined = refined_anchors(trace, config)
    on_border = np.flatnonzero((trace.proposals[:, :2] == 0).any(1) | (trace.proposals[:, 2:] == 1).any(1))
    for row in [*on_border, *rng.integers(len(trace.proposals), size=40)]:
        index = np.abs(refined - trace.proposals[row]).max(axis=1).argmin()
        result = sums.proposal(trace, config, index)
        assert result.parts["proposal"] == row
        close(result)
        np.testing.assert_array_equal(result.boxes[0], trace.anchors[index])


def test_any_anchor_is_moved_as_the_network_moves_it(trace, config):
    refined = refined_anchors(trace, config)
    over_border = np.flatnonzero((trace.anchors < 0).any(axis=1))
    fates = []
    for index in [*over_border[:10], *rng.integers(len(trace.anchors), size=40)]:
        result = sums.proposal(trace, config, index)
        fates.append(result.parts["proposal"])
        np.testing.assert_allclose(
            box_ops.normalise(result.value, trace.molded.shape), refined[index], atol=1e-5
        )
        assert (result.shown is None) == (fates[-1] is None)
    assert None in fates


def test_overlaps(trace):
    best = np.argsort(-trace.objectness)[:40]
    for boxes in (trace.anchors[best], trace.proposals[:40]):
        for one, two in rng.integers(40, size=(40, 2)):
            close(sums.overlap(boxes[one], boxes[two]), atol=1e-6)


@pytest.mark.parametrize(
    ("box1", "box2", "iou", "count"),
    [
        ([0, 0, 10, 10], [0, 0, 10, 10], 1, 3),
        ([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3, 3),
        ([0, 0, 10, 10], [20, 20, 30, 30], 0, 2),  # apart both ways: no product of two negatives
        ([0, 0, 10, 10], [10, 0, 20, 10], 0, 2),
        ([5, 5, 5, 5], [5, 5, 5, 5], 0, 2),
    ],
)
def test_overlaps_known_by_heart(box1, box2, iou, count):
    result = sums.overlap(box1, box2)
    assert result.value == pytest.approx(iou)
    assert result.shown == pytest.approx(iou)
    assert len(result.boxes) == count


def test_overlap_decides_as_suppression_does():
    box1, box2 = np.float32([[0, 0, 10, 10], [5, 0, 15, 10]])
    for threshold in (0.3, 0.35):
        last = sums.overlap(box1, box2, threshold).lines[-1]
        kept = box_ops.non_max_suppression(np.stack([box1, box2]), [0.9, 0.8], threshold)
        assert ("both" in last) == (len(kept) == 2)
        assert ("dropped" in last) == (len(kept) == 1)
    with pytest.raises(ValueError, match="four numbers"):
        sums.overlap([0, 0, 1], box2)


def test_levels(trace, config):
    results = [sums.roi_level(trace, config, roi) for roi in range(len(trace.proposals))]
    assert len({int(result.value) for result in results}) > 1
    for result in results:
        assert result.value == result.shown


def test_levels_at_their_ends(trace, config):
    # Not exactly between two levels: there the last bit decides, which differs among backends.
    sides = np.float32([0, 1e-6, *(224 * 2.0**k / 320 for k in np.arange(-4.01, 4, 0.25))])
    proposals = np.stack([0 * sides, 0 * sides, sides, sides], axis=1)
    proposals = np.concatenate([proposals, np.full((1, 4), np.nan, np.float32)])
    levels = to_numpy(pyramid_level(proposals, np.prod(trace.molded.shape[:2])))
    changed = replace(trace, proposals=proposals, roi_levels=levels)
    found = [sums.roi_level(changed, config, roi).value for roi in range(len(proposals))]
    np.testing.assert_array_equal(found, levels)
    assert set(found) == {2, 3, 4, 5}


def on_line(result):
    """The four places around a sample, weighed as their values are, make up its own place."""
    np.testing.assert_allclose(
        result.parts["weights"].ravel() @ result.points[1:], result.points[0], atol=1e-3
    )


def test_samples(trace, config):
    pool, channels = trace.crops.shape[2:]
    largest = np.abs(trace.crops).max()
    coarse = np.flatnonzero(trace.roi_levels > 2)
    for roi in [*rng.integers(len(trace.crops), size=60), *rng.choice(coarse, 20)]:
        row, column = rng.integers(pool, size=2)
        result = sums.roi_sample(trace, config, roi, row, column, rng.integers(channels))
        close(result, atol=1e-5 * largest)
        on_line(result)


def test_corner_samples_lie_on_the_corners_of_the_roi(trace, config):
    y1, x1, y2, x2 = sums.roi_sample(trace, config, 0, 0, 0, 0).boxes[0]
    for row, y in ((0, y1), (6, y2 - 1)):
        for column, x in ((0, x1), (6, x2 - 1)):
            result = sums.roi_sample(trace, config, 0, row, column, 1)
            np.testing.assert_allclose(result.points[0], [y, x], atol=1e-3)


def test_samples_on_the_border_and_beyond_it(trace, config):
    """By rounding alone, some of the last samples of RoIs that end on the border lie outside."""
    start = rng.uniform(0, 0.9, (200, 2)).astype(np.float32)
    proposals = np.concatenate([start, np.ones_like(start)], axis=1)
    proposals[0] = [-0.5, 0.2, 0.5, 0.6]
    levels = rng.integers(2, 6, len(proposals)).astype(np.int32)
    pyramid = [ops.convert_to_tensor(trace.features[f"P{level}"][None]) for level in (2, 3, 4, 5)]
    boxes, pictures, fineness = map(ops.convert_to_tensor, (proposals, 0 * levels, levels - 2))
    crops = to_numpy(kernels.pyramid_crop_and_resize(pyramid, boxes, pictures, fineness, 7))
    changed = replace(trace, proposals=proposals, roi_levels=levels, crops=crops)
    results = [sums.roi_sample(changed, config, roi, row, 6, 3) for roi in range(200) for row in (0, 6)]
    for result in results:
        close(result, atol=1e-4)
    outside = [result for result in results if "weights" not in result.parts]
    assert 2 <= len(outside) < 200
    assert all("outside" in result.lines[-1] and result.value == 0 for result in outside)


def test_classes(trace, config):
    for roi in [*range(10), *rng.integers(len(trace.proposals), size=40)]:
        result = sums.class_score(trace, config, roi, toybox.CLASS_NAMES)
        close(result, atol=1e-6)
        chosen = trace.class_probs[roi].argmax()
        assert result.parts["class_id"] == chosen
        assert toybox.CLASS_NAMES[chosen] in result.title
        sure = chosen > 0 and trace.class_probs[roi, chosen] >= config.DETECTION_MIN_CONFIDENCE
        assert result.lines[-1].endswith(r"\mathrm{sure\ enough}") == sure


def test_two_classes_and_logits_beyond_the_exponential(trace, config):
    few = replace(
        trace,
        class_logits=np.float32([[-800, 900], [0.5, -0.5]]),
        class_probs=np.float32([[0, 1], [0.7310586, 0.2689414]]),
    )
    for roi in range(2):
        close(sums.class_score(few, config, roi), atol=1e-6)


def test_every_detection_is_the_box_of_one_roi(trace, config):
    results = [sums.final_box(trace, config, roi) for roi in range(len(trace.proposals))]
    found = [result for result in results if result.shown is not None]
    assert sorted(result.parts["detection"] for result in found) == list(range(len(trace.detections)))
    for result in found:
        close(result)
        assert np.abs(result.parts["on_image"] - trace.rois[result.parts["detection"]]).max() <= 1
        assert trace.class_ids[result.parts["detection"]] == result.parts["class_id"]


def test_final_boxes_stay_in_the_window(trace, config):
    y1, x1, y2, x2 = trace.window
    touching = 0
    for roi in range(len(trace.proposals)):
        value = sums.final_box(trace, config, roi).value
        assert (value >= [y1, x1, y1 + 1, x1 + 1]).all() and (value <= [y2 - 1, x2 - 1, y2, x2]).all()
        touching += bool((value == trace.window).any())
    assert touching


def pixels_of(trace, detection, count):
    """Corners of a detection's box, and pixels in it and about it."""
    y1, x1, y2, x2 = trace.rois[detection]
    height, width = trace.image.shape[:2]
    corners = [(y1, x1), (y1, x2 - 1), (y2 - 1, x1), (y2 - 1, x2 - 1)]
    inside = zip(rng.integers(y1, y2, count), rng.integers(x1, x2, count), strict=True)
    anywhere = zip(rng.integers(height, size=5), rng.integers(width, size=5), strict=True)
    return [*corners, *inside, *anywhere]


def test_masks(trace, config):
    for detection, (y1, x1, y2, x2) in enumerate(trace.rois):
        resized = resize(trace.mask_probs[detection], (y2 - y1, x2 - x1), preserve_range=True)
        for y, x in pixels_of(trace, detection, 30):
            result = sums.mask_pixel(trace, config, detection, y, x)
            assert result.value == result.shown == trace.masks[y, x, detection]
            if y1 <= y < y2 and x1 <= x < x2:
                assert result.parts["probability"] == pytest.approx(resized[y - y1, x - x1], abs=1e-5)
                on_line(result)
            else:
                assert "outside" in result.lines[0]


def test_a_mask_does_not_fade_below_its_least(trace, config):
    y1, x1, _, _ = trace.rois[0]
    full = replace(trace, mask_probs=np.full_like(trace.mask_probs, 0.9))
    result = sums.mask_pixel(full, config, 0, y1, x1)
    assert result.parts["probability"] == pytest.approx(0.9)
    assert "least" in result.lines[-2] and result.value


def test_masks_where_a_detection_has_vanished(trace, config):
    gone = np.float32([[0.5, 0.5, 0.5, 0.5, 1, 0.99]])
    changed = replace(
        trace,
        detections=np.concatenate([gone, trace.detections]),
        mask_probs=np.concatenate([np.zeros((1, 28, 28), np.float32), trace.mask_probs]),
    )
    for y, x in pixels_of(trace, 1, 10):
        before, after = (sums.mask_pixel(t, config, 1, y, x) for t in (trace, changed))
        assert before.lines == after.lines


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda t, c: sums.anchor(t, c, len(t.anchors)), "There is no anchor {anchors}: {any_anchor}."),
        (lambda t, c: sums.anchor(t, c, np.int64(-1)), "There is no anchor -1: {any_anchor}."),
        (lambda t, c: sums.objectness(t, c, 1.5), "There is no anchor 1.5: {any_anchor}."),
        (lambda t, c: sums.proposal(t, c, None), "There is no anchor None: {any_anchor}."),
        (lambda t, c: sums.roi_level(t, c, len(t.proposals)), "There is no RoI {rois}: {any_roi}."),
        (lambda t, c: sums.class_score(t, c, len(t.proposals)), "There is no RoI {rois}: {any_roi}."),
        (lambda t, c: sums.final_box(t, c, True), "There is no RoI True: {any_roi}."),
        (lambda t, c: sums.roi_sample(t, c, 0, 7, 0, 0), "There is no row 7: choose one from 0 to 6."),
        (lambda t, c: sums.roi_sample(t, c, 0, 0, 7, 0), "There is no column 7: choose one from 0 to 6."),
        (lambda t, c: sums.roi_sample(t, c, 0, 0, 0, 64), "There is no channel 64: choose one from 0 to 63."),
        (lambda t, c: sums.mask_pixel(t, c, 0, 480, 0), "There is no row 480: choose one from 0 to 479."),
        (
            lambda t, c: sums.mask_pixel(replace(t, masks=t.masks[:, :, :0]), c, 0, 0, 0),
            "There is no detection 0: this picture has none.",
        ),
    ],
)
def test_what_is_not_there_is_told(trace, config, ask, sentence):
    anchors, rois = len(trace.anchors), len(trace.proposals)
    numbers = {"anchors": anchors, "any_anchor": f"choose one from 0 to {anchors - 1}"}
    numbers |= {"rois": rois, "any_roi": f"choose one from 0 to {rois - 1}"}
    with pytest.raises(ValueError) as error:
        ask(trace, config)
    assert str(error.value) == sentence.format(**numbers)


@pytest.fixture(scope="module")
def one_of_each(trace, config):
    sure = trace.objectness.argmax()
    y1, x1, y2, x2 = trace.rois[0]
    return [
        sums.anchor(trace, config, 0),
        sums.objectness(trace, config, 0),
        sums.proposal(trace, config, sure),
        sums.proposal(trace, config, 0),
        sums.overlap(trace.anchors[0], trace.anchors[1], 0.7),
        sums.overlap(trace.proposals[0], trace.proposals[1]),
        sums.roi_level(trace, config, 0),
        *(sums.roi_sample(trace, config, 0, 3, 3, channel) for channel in range(10)),
        *(sums.class_score(trace, config, roi) for roi in range(0, 100, 10)),
        *(sums.final_box(trace, config, roi) for roi in range(0, 100, 10)),
        sums.mask_pixel(trace, config, 0, y1, x1),
        sums.mask_pixel(trace, config, 0, (y1 + y2) // 2, (x1 + x2) // 2),
        sums.mask_pixel(trace, config, 0, 0, 0),
    ]


def test_every_line_is_read_by_mathtext(one_of_each):
    parser = MathTextParser("path")
    lines = [line for result in one_of_each for line in result.lines]
    for line in {re.sub(r"\d+(\.\d+)?", "1", line): line for line in lines}.values():
        parser.parse(f"${line}$")  # raises on what it cannot read


def test_numbers_are_short_and_signs_single(one_of_each):
    lines = [line for result in one_of_each for line in result.lines]
    assert any("+ (-" in line or r"\cdot (-" in line for line in lines)
    for line in lines:
        assert not re.search(r"([-+]|\\cdot) -\d", line), line
        for digits in re.findall(r"\d+\.\d+", line):
            nearly_one = digits.startswith("0.999")
            assert len(digits.replace(".", "").lstrip("0")) <= (5 if nearly_one else 4), line


def test_a_notebook_gets_title_and_lines(one_of_each):
    for result in one_of_each:
        markdown, latex = result._repr_markdown_(), result._repr_latex_()
        assert markdown == f"**{result.title}**\n\n{latex}"
        assert latex.startswith("$$\\begin{aligned}") and latex.endswith("\\end{aligned}$$")
        assert latex.count("\n& ") == len(result.lines) == latex.count(r" \\") + 1
        assert "\\" not in str(result) and str(result).startswith(result.title)
        assert np.isfinite(result.boxes).all() and result.boxes.shape[1:] == (4,)
        assert np.isfinite(result.points).all() and result.points.shape[1:] == (2,)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (25574, "25574"),
        (np.int64(-3), "-3"),
        (0.123456, "0.1235"),
        (-0.0, "0"),
        (1234.56, "1235"),
        (2.0, "2"),
        (9.4196e-7, r"9.42 \cdot 10^{-7}"),
        (123456.0, r"1.235 \cdot 10^{5}"),
        (-np.inf, r"-\infty"),
        (np.nan, r"\mathrm{NaN}"),
    ],
)
def test_numbers(value, written):
    assert number(value) == written


def test_pixels_and_signs():
    assert [pixels(v) for v in (12.34, -0.04, np.float32(7))] == ["12.3", "0.0", "7.0"]
    assert [term(v) for v in (-1.5, 1.5)] == ["(-1.5)", "1.5"]
    assert term(-1.5, pixels) == "(-1.5)"


def test_a_sum_says_when_the_network_has_no_number():
    assert str(Sum("Sum", ["1 + 1"], np.float64(2), None)) == "Sum: 2; the network keeps no such number"
    assert str(Sum("Sum", ["1 + 1"], np.bool_(True), np.bool_(True))) == "Sum: True; the network has True"

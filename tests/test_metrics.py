"""Metrics: the original's own, against its records, and COCO's, against pycocotools by hand."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn import metrics
from mrcnn.data.coco import CocoDataset
from mrcnn.data.dataset import Dataset

THRESHOLDS = [0.3, 0.5, 0.75]


@pytest.fixture(params=[0, 1, 2])
def case(request, golden):
    """A recorded case: the seven arguments, and its outputs by name without the case's number."""
    record, number = golden("metrics"), request.param

    def argument(name):
        value = record[f"in_{name}{number}"]
        return np.unpackbits(value, axis=0)[:80].astype(bool) if "masks" in name else value

    arguments = [f"gt_{part}" for part in ("boxes", "class_ids", "masks")]
    arguments += [f"pred_{part}" for part in ("boxes", "class_ids", "scores", "masks")]
    return [argument(name) for name in arguments], lambda name, tail="": record[f"out_{name}{number}{tail}"]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_matches_as_recorded(case, threshold):
    arguments, out = case
    gt_match, pred_match, overlaps = metrics.compute_matches(*arguments, iou_threshold=threshold)
    np.testing.assert_array_equal(gt_match, out("gt_match", f"_{threshold}"))
    np.testing.assert_array_equal(pred_match, out("pred_match", f"_{threshold}"))
    np.testing.assert_allclose(overlaps, out("overlaps"), atol=1e-5, rtol=1e-5)
    assert (gt_match.dtype, pred_match.dtype, overlaps.dtype) == (float, float, np.float32)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_average_precision_as_recorded(case, threshold):
    arguments, out = case
    found = metrics.compute_ap(*arguments, iou_threshold=threshold)
    for value, name in zip(found, ["ap", "precisions", "recalls"], strict=False):
        wanted = out(name, f"_{threshold}")
        np.testing.assert_allclose(value, wanted, atol=1e-5, rtol=1e-5)
        assert value.dtype == wanted.dtype
    np.testing.assert_allclose(found[3], out("overlaps"), atol=1e-5, rtol=1e-5)


def test_average_precision_over_thresholds_as_recorded(case, capsys):
    arguments, out = case
    np.testing.assert_allclose(
        metrics.compute_ap_range(*arguments, verbose=0), out("ap_range"), atol=1e-5, rtol=1e-5
    )
    assert capsys.readouterr().out == ""
    metrics.compute_ap_range(*arguments)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("AP @0.50:") and lines[-1].startswith("AP @0.50-0.95:")
    assert lines[-1].endswith(f"{out('ap_range'):.3f}")


def test_average_precision_over_chosen_thresholds(case):
    arguments, out = case
    found = metrics.compute_ap_range(*arguments, iou_thresholds=np.array(THRESHOLDS), verbose=0)
    np.testing.assert_allclose(found, np.mean([out("ap", f"_{t}") for t in THRESHOLDS]), atol=1e-5)


def test_recall_as_recorded(case):
    arguments, out = case
    recall, positive_ids = metrics.compute_recall(arguments[3], arguments[0], 0.5)
    np.testing.assert_allclose(recall, out("recall"), atol=1e-5)
    np.testing.assert_array_equal(positive_ids, out("recall_ids"))


def test_overlaps_of_masks_as_recorded(golden):
    record = golden("overlaps_masks")
    found = metrics.compute_overlaps_masks(record["in_masks1"], record["in_masks2"])
    np.testing.assert_allclose(found, record["out"], atol=1e-5, rtol=1e-5)
    assert found.dtype == record["out"].dtype


@given(arrays(bool, (6, 5, 3)), arrays(bool, (6, 5, 2)))
def test_overlaps_of_masks_are_intersection_over_union(masks1, masks2):
    found = metrics.compute_overlaps_masks(masks1, masks2)
    for i in range(3):
        for j in range(2):
            a, b = masks1[:, :, i], masks2[:, :, j]
            assert found[i, j] == pytest.approx((a & b).sum() / max((a | b).sum(), 1))


def squares(*boxes, size=20):
    """Boxes [N, 4] and masks [size, size, N] that fill them."""
    boxes = np.array(boxes, np.int32).reshape(-1, 4)
    masks = np.zeros((size, size, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return boxes, masks


def ids(*values):
    return np.array(values, np.int32)


NOTHING = squares()
ONE = squares((2, 2, 8, 8))


@pytest.mark.parametrize(("truth", "predicted"), [(NOTHING, NOTHING), (ONE, NOTHING), (NOTHING, ONE)])
def test_nothing_to_find_or_nothing_found(truth, predicted):
    n, m = len(truth[0]), len(predicted[0])
    arguments = (truth[0], np.ones(n, int), truth[1], predicted[0], np.ones(m, int), np.ones(m), predicted[1])
    gt_match, pred_match, overlaps = metrics.compute_matches(*arguments)
    assert gt_match.tolist() == [-1] * n and pred_match.tolist() == [-1] * m
    assert overlaps.shape == (m, n)
    assert metrics.compute_ap(*arguments)[0] == 0
    assert metrics.compute_ap_range(*arguments, verbose=0) == 0
    recall, positive_ids = metrics.compute_recall(predicted[0], truth[0], 0.5)
    assert recall == 0 and positive_ids.size == 0 and positive_ids.dtype.kind == "i"


def test_padding_is_left_out():
    """Rows of zeros end the ground truth and the predictions, and what belongs to them is dropped."""
    boxes, masks = squares((2, 2, 8, 8), (10, 10, 18, 18), (0, 0, 0, 0), (0, 0, 0, 0))
    scores = np.array([0.6, 0.9, 0, 0], np.float32)
    arguments = (boxes, ids(1, 2, 0, 0), masks, boxes, ids(1, 2, 0, 0), scores, masks)
    gt_match, pred_match, overlaps = metrics.compute_matches(*arguments)
    assert gt_match.tolist() == [1, 0] and pred_match.tolist() == [1, 0]
    np.testing.assert_array_equal(overlaps, [[0, 1], [1, 0]])
    assert metrics.compute_ap(*arguments)[0] == 1


def test_the_surer_prediction_takes_the_object_even_if_it_fits_less():
    truth, truth_masks = squares((0, 0, 10, 10))
    boxes, masks = squares((0, 0, 10, 10), (0, 0, 10, 8))
    gt_match, pred_match, _ = metrics.compute_matches(
        truth, ids(1), truth_masks, boxes, ids(1, 1), np.array([0.5, 0.8]), masks
    )
    assert gt_match.tolist() == [0] and pred_match.tolist() == [0, -1]


def test_an_object_taken_or_of_another_class_gives_way_to_the_next():
    truth, truth_masks = squares((0, 0, 10, 10), (0, 0, 10, 9), (0, 0, 10, 8))
    boxes, masks = squares((0, 0, 10, 10), (0, 0, 10, 10))
    gt_match, pred_match, _ = metrics.compute_matches(
        truth, ids(1, 2, 1), truth_masks, boxes, ids(1, 1), np.array([0.9, 0.8]), masks
    )
    assert gt_match.tolist() == [0, -1, 1] and pred_match.tolist() == [0, 2]


def test_the_score_threshold_is_one_on_overlaps():
    truth, truth_masks = squares((0, 0, 10, 10))
    boxes, masks = squares((0, 0, 10, 6))
    arguments = (truth, ids(1), truth_masks, boxes, ids(1), np.array([0.1]), masks)
    for score_threshold, match in [(0.0, 0), (0.6, 0), (0.7, -1)]:
        _, pred_match, _ = metrics.compute_matches(*arguments, 0.5, score_threshold)
        assert pred_match.tolist() == [match]


def test_recall_counts_an_object_once():
    truth, _ = squares((0, 0, 10, 10), (10, 10, 20, 20))
    predicted, _ = squares((0, 0, 10, 9), (0, 0, 9, 10), (12, 12, 14, 14))
    recall, positive_ids = metrics.compute_recall(predicted, truth, 0.5)
    assert recall == 0.5 and positive_ids.tolist() == [0, 1]


# COCO


class Shapes(Dataset):
    """Pictures of squares, given as a list of (boxes, class ids) each; a negative id is a crowd."""

    def __init__(self, *pictures, size=128):
        super().__init__()
        for i, name in enumerate(["red", "green", "blue"], start=1):
            self.add_class("shapes", i, name)
        for i, (boxes, class_ids) in enumerate(pictures):
            self.add_image("shapes", i, None, boxes=boxes, class_ids=class_ids)
        self.size = size
        self.prepare()

    def load_image(self, image_id):
        return np.full((self.size, self.size, 3), image_id, np.uint8)

    def load_mask(self, image_id):
        info = self.image_info[image_id]
        return squares(*info["boxes"], size=self.size)[1], ids(*info["class_ids"])


def detections(boxes, class_ids, scores, size=128):
    boxes, masks = squares(*boxes, size=size)
    return {
        "rois": boxes,
        "class_ids": ids(*class_ids),
        "scores": np.array(scores, np.float32),
        "masks": masks,
    }


class Oracle:
    """A detector that is told the answers: picture by picture, known by the picture's grey level."""

    def __init__(self, *answers):
        self.answers = answers

    def detect(self, images):
        return [self.answers[image[0, 0, 0]] for image in images]


SMALL, MEDIUM, LARGE = (0, 0, 20, 20), (30, 30, 80, 80), (20, 10, 127, 120)
TRUTH = [([SMALL, MEDIUM], [1, 2]), ([LARGE], [2]), ([], [])]


@pytest.fixture
def shapes():
    return Shapes(*TRUTH)


def answers():
    return [detections(boxes, class_ids, [0.9] * len(boxes)) for boxes, class_ids in TRUTH]


def test_perfect_detections(shapes, capsys):
    found = metrics.evaluate(Oracle(*answers()), shapes)
    assert capsys.readouterr().out == ""
    assert set(found) == {"bbox", "segm"}
    for numbers in found.values():
        assert list(numbers) == [*metrics.COCO_NUMBERS, "per_class"]
        assert [numbers[name] for name in metrics.COCO_NUMBERS] == pytest.approx([1] * 12)
        assert list(numbers["per_class"]) == ["red", "green", "blue"]
        for name, ap in [("red", 1), ("green", 1), ("blue", -1)]:
            assert numbers["per_class"][name] == pytest.approx({"AP": ap, "AP50": ap})
    json.dumps(found)


def test_no_detections(shapes, capsys):
    nothing = detections([], [], [])
    found = metrics.evaluate(Oracle(nothing, nothing, nothing), shapes)
    for numbers in found.values():
        assert {numbers[name] for name in metrics.COCO_NUMBERS} == {0.0}
        assert numbers["per_class"]["green"] == {"AP": 0.0, "AP50": 0.0}
    assert capsys.readouterr().out == ""


def test_no_ground_truth():
    found = metrics.evaluate(Oracle(detections([SMALL], [1], [0.9])), Shapes(([], [])))
    assert {found["segm"][name] for name in metrics.COCO_NUMBERS} == {-1.0}
    assert metrics.evaluate(Oracle(), Shapes())["bbox"]["AP"] == -1.0


def test_box_and_mask_are_judged_apart(shapes):
    """The box is right and half of the mask is missing."""
    wrong = answers()
    wrong[1]["masks"][64:] = False
    found = metrics.evaluate(Oracle(*wrong), shapes)
    assert found["bbox"]["AP"] == pytest.approx(1)
    assert found["segm"]["per_class"]["green"]["AP50"] == pytest.approx(0.5, abs=0.01)
    assert found["segm"]["per_class"]["red"]["AP50"] == pytest.approx(1)


def test_size_is_the_masks_not_the_boxs():
    """A thin diagonal has a large box and a small mask, in ground truth and among detections."""
    diagonal = np.eye(128, dtype=bool)[:, :, None]

    class Line(Shapes):
        def load_mask(self, image_id):
            return diagonal, ids(1)

    false = detections([LARGE], [1], [0.95])
    false["masks"] = np.roll(diagonal, 40, axis=1)
    right = {**detections([(0, 0, 128, 128)], [1], [0.9]), "masks": diagonal}
    both = {key: np.concatenate([false[key], right[key]], axis=-1 if key == "masks" else 0) for key in false}
    found = metrics.evaluate(Oracle(both), Line(([], [])))["segm"]
    # The false one is small too, so it costs: the mean over small objects is half.
    assert found["APs"] == pytest.approx(0.5, abs=0.01)
    assert found["APm"] == found["APl"] == -1.0


def test_a_detection_in_a_crowd_is_no_mistake():
    crowd = Shapes(([LARGE, SMALL], [-1, 1]))
    inside = (40, 40, 60, 60)
    found = metrics.evaluate(Oracle(detections([inside, SMALL], [1, 1], [0.9, 0.8])), crowd)
    assert found["segm"]["AP"] == pytest.approx(1)
    assert found["bbox"]["AP"] == pytest.approx(1)
    apart = metrics.evaluate(Oracle(detections([inside, SMALL], [1, 1], [0.9, 0.8])), Shapes(([SMALL], [1])))
    assert apart["segm"]["AP"] == pytest.approx(0.5, abs=0.01)


def test_some_pictures_other_ids_and_progress(shapes):
    seen = []

    def progress(image_ids):
        for image_id in image_ids:
            seen.append(image_id)
            yield image_id

    _, answer, _ = answers()
    answer["class_ids"] = ids(7)
    model = Oracle(None, answer)
    numbers = metrics.evaluate(model, shapes, np.array([1]), {7: 2}, progress)["segm"]
    assert seen == [1]
    assert numbers["AP"] == pytest.approx(1) and numbers["APs"] == -1
    assert metrics.evaluate(model, shapes, [1], {8: 2})["segm"]["AP"] == 0.0


def test_results_are_coco_results():
    result = detections([SMALL, (3, 5, 10, 31)], [2, 1], [0.5, 0.75])
    entries = metrics.coco_results(12, result, {1: 90, 2: 3})
    assert json.loads(json.dumps(entries)) == entries
    assert [entry["category_id"] for entry in entries] == [3, 90]
    assert [entry["score"] for entry in entries] == [0.5, 0.75]
    assert {entry["image_id"] for entry in entries} == {12}
    assert entries[1]["bbox"] == [5.0, 3.0, 26.0, 7.0]
    for i, entry in enumerate(entries):
        assert isinstance(entry["segmentation"]["counts"], str)
        np.testing.assert_array_equal(mask_utils.decode(entry["segmentation"]), result["masks"][:, :, i])
    assert metrics.coco_results(12, result, {2: 3}) == entries[:1]
    assert metrics.coco_results(0, detections([], [], [])) == []


def test_results_are_left_as_they_are(shapes):
    entries = metrics.coco_results(0, answers()[0])
    before = json.dumps(entries)
    for kind in ("bbox", "segm"):
        metrics.evaluate_coco(metrics.coco_ground_truth(shapes), entries, kind)
    assert json.dumps(entries) == before


def test_misuse_is_told(shapes):
    truth = metrics.coco_ground_truth(shapes)
    with pytest.raises(ValueError, match='\'keypoints\'.*"segm" or "bbox"'):
        metrics.evaluate_coco(truth, [], "keypoints")
    with pytest.raises(ValueError, match="1 pictures that are not in the ground truth.*77"):
        metrics.evaluate_coco(truth, metrics.coco_results(77, answers()[0]))


def test_equal_to_pycocotools_on_a_file(tmp_path):
    """Random scenes in a COCO JSON, wobbly detections: the numbers that the official tool prints."""
    rng = np.random.default_rng(3)
    size, images, annotations, wobbly = 160, [], [], []
    for image_id in range(10, 18):
        images.append({"id": image_id, "file_name": f"{image_id}.png", "width": size, "height": size})
        Image.new("RGB", (size, size), (image_id - 10,) * 3).save(tmp_path / f"{image_id}.png")
        sides = rng.integers(20, 120, (5, 2))
        corners = rng.integers(0, size - sides)
        boxes = np.concatenate([corners, corners + sides], axis=1)
        category_ids = rng.choice([4, 21, 50], 5)
        for (y1, x1, y2, x2), category_id in zip(boxes.tolist(), category_ids.tolist(), strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": category_id,
                    "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]],
                    # Neither is quite that of the outline, as in COCO's own files.
                    "bbox": [x1 + 0.4, y1, x2 - x1 - 1.3, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1) / 2,
                    "iscrowd": 0,
                }
            )
        moved = np.clip(boxes + rng.integers(-9, 10, boxes.shape), 0, size)
        class_ids = 1 + np.searchsorted([4, 21, 50], category_ids)
        class_ids[rng.random(5) < 0.2] = 1
        wobbly.append(detections(moved, class_ids, rng.random(5), size))
    categories = [{"id": i, "name": str(i)} for i in (50, 4, 21)]
    path = tmp_path / "instances.json"
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))

    dataset = CocoDataset(path, tmp_path)
    found = metrics.evaluate(Oracle(*wobbly), dataset)
    assert 0.1 < found["segm"]["AP"] < 0.9

    category_ids = {i: dataset.get_source_class_id(i, "coco") for i in dataset.class_ids[1:]}
    results = []
    for info, result in zip(dataset.image_info, wobbly, strict=True):
        results += metrics.coco_results(info["id"], result, category_ids)
    for kind, unwanted in [("bbox", "segmentation"), ("segm", "bbox")]:
        entries = [{k: v for k, v in entry.items() if k != unwanted} for entry in results]
        with contextlib.redirect_stdout(io.StringIO()):
            official = COCO(path)
            judge = COCOeval(official, official.loadRes(entries), kind)
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        assert [found[kind][name] for name in metrics.COCO_NUMBERS] == pytest.approx(judge.stats)
        by_file = metrics.evaluate_coco(official, results, kind)
        assert by_file["per_class"] == found[kind]["per_class"]
        assert np.mean([c["AP"] for c in found[kind]["per_class"].values()]) == pytest.approx(judge.stats[0])
        assert np.mean([c["AP50"] for c in found[kind]["per_class"].values()]) == pytest.approx(
            judge.stats[1]
        )


def test_ground_truth_leaves_out_nothing_but_masks_of_no_pixel():
    truth = metrics.coco_ground_truth(Shapes(([SMALL, (5, 5, 5, 9)], [1, 2])))
    assert [entry["category_id"] for entry in truth.dataset["annotations"]] == [1]


@given(st.data())
def test_average_precision_is_one_only_for_all_found(data):
    """One when each object is found and each prediction that is surer than the last hit is right."""
    count = data.draw(st.integers(1, 4))
    found = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    boxes, masks = squares(*[(4 * i, 0, 4 * i + 4, 10) for i in range(count)])
    class_ids = np.where(found, 1, 2)
    scores = np.linspace(0.9, 0.5, count)
    ap = metrics.compute_ap(boxes, np.ones(count, int), masks, boxes, class_ids, scores, masks)[0]
    assert (ap == pytest.approx(1)) == all(found)
    assert ap <= np.mean(found) + 1e-6


def test_classes_are_matched_by_name():
    same = metrics.same_classes(["BG", "kite", "ant", "dog"], ["BG", "dog", "kite"])
    assert same == {1: 2, 3: 1}
    with pytest.raises(ValueError, match="cup"):
        metrics.same_classes(["BG", "kite"], ["BG", "cup"])

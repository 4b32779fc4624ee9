"""Pictures of overlaps, of precision over recall and of COCO's numbers, against `mrcnn.metrics`."""

import re

import numpy as np
import pytest

from mrcnn import metrics
from mrcnn.lesson import scenes, show
from mrcnn.model import load


@pytest.fixture(scope="module")
def model():
    return load("toybox", DETECTION_MIN_CONFIDENCE=0.05)


@pytest.fixture(scope="module")
def truth(model):
    return scenes.street(model.class_names)


@pytest.fixture(scope="module", params=["street", "nothing"])
def found(request, model, truth):
    """What is found on the street, and on a grey picture of its size."""
    image = truth.image if request.param == "street" else np.full_like(truth.image, 128)
    return model.detect([image])[0]


def test_street_has_the_classes_of_the_model(truth, model):
    assert len(truth.class_ids) == len(truth.boxes) == truth.masks.shape[-1] == 11
    assert model.class_names[truth.class_ids[0]] == "bus"
    assert scenes.street(["BG", "dog"]).class_ids.tolist().count(1) == 1
    assert set(scenes.street(["BG", "dog"]).class_ids) == {-1, 1}


def test_overlaps(model, truth, found):
    ious = metrics.compute_overlaps_masks(found["masks"], truth.masks)
    picture = show.overlaps(truth, found, ious, model.class_names)
    picture.array()
    if not len(ious):
        assert "Nothing was found of 11 objects" in picture.caption
        return
    best = ious.max(axis=1)
    assert f"{best.min():.2f} to {best.max():.2f}" in picture.caption
    written = [float(text.get_text()) for text in picture.figure.axes[1].texts]
    np.testing.assert_allclose(sorted(written), np.sort(ious[ious >= 0.005]), atol=0.0051)


def test_overlaps_with_classes_that_the_model_does_not_know(model, found):
    truth = scenes.street(["BG", "dog"])
    ious = metrics.compute_overlaps_masks(found["masks"], truth.masks)
    show.overlaps(truth, found, ious, model.class_names).array()


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_the_area_is_the_average_precision(truth, found, threshold):
    given = truth.boxes, truth.class_ids, truth.masks
    answers = [found[key] for key in ("rois", "class_ids", "scores", "masks")]
    area, *_ = metrics.compute_ap(*given, *answers, iou_threshold=threshold)
    _, matches, _ = metrics.compute_matches(*given, *answers, iou_threshold=threshold)
    picture = show.precision_recall(matches > -1, truth, threshold)
    picture.array()
    if len(matches):
        assert float(re.search(r"AP (\d\.\d+)", picture.caption)[1]) == pytest.approx(area, abs=0.006)
    else:
        assert "recall is 0" in picture.caption


def test_coco_numbers(model):
    dataset, same = scenes.drawings(2, model.class_names)
    assert same == {i: i for i in range(1, len(model.class_names))}
    numbers = metrics.evaluate(model, dataset, category_ids=same)
    picture = show.coco_numbers(numbers)
    picture.array()
    assert f"AP50 {numbers['segm']['AP50']:.3f}" in picture.caption
    bars, classes = picture.figure.axes
    assert len(bars.patches) == 12
    present = [name for name, own in numbers["segm"]["per_class"].items() if own["AP"] >= 0]
    assert {label.get_text() for label in classes.get_yticklabels()} == set(present)


def test_coco_numbers_of_nothing():
    dataset, _ = scenes.drawings(1, ["BG", "dog"])
    truth = metrics.coco_ground_truth(dataset)
    numbers = {kind: metrics.evaluate_coco(truth, [], kind) for kind in ("bbox", "segm")}
    assert "Masks: AP 0.000" in show.coco_numbers(numbers).caption

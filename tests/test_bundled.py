"""The weights in the package: how well they detect, and what they weigh."""

from pathlib import Path

import numpy as np
import pytest

from mrcnn import metrics, weights
from mrcnn.data import coins, toybox
from mrcnn.model import load
from mrcnn.recipes import RECIPES
from mrcnn.rgb import as_rgb

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", RECIPES)
def test_weights_are_small_and_say_what_they_are(name):
    path = weights.find(name)
    described = weights.read_metadata(path)
    recipe = RECIPES[name]
    assert described["class_names"] == recipe.class_names
    assert described["config"]["NUM_CLASSES"] == recipe.config.NUM_CLASSES
    assert sum(weights.find(other).stat().st_size for other in RECIPES) <= 10e6


def test_scenes_never_seen():
    numbers = metrics.evaluate(
        load("toybox", DETECTION_MIN_CONFIDENCE=0.05), toybox.ToyboxDataset(40, seed=3)
    )["segm"]
    # Over 500 scenes 0.924 and 0.676; see README.
    assert numbers["AP50"] > 0.88
    assert numbers["AP"] > 0.63


def test_the_street_of_the_readme():
    image = as_rgb(ROOT / "images" / "input.png")
    drawn = toybox.street()
    np.testing.assert_array_equal(image, drawn.image)
    (result,) = load("toybox").detect([image])
    found = [toybox.CLASS_NAMES[i] for i in result["class_ids"]]
    assert sorted(found) == sorted(toybox.CLASS_NAMES[i] for i in drawn.class_ids)
    overlaps = metrics.compute_overlaps_masks(drawn.masks, result["masks"])
    for class_id, row in zip(drawn.class_ids, overlaps, strict=True):
        assert row[result["class_ids"] == class_id].max() > 0.5


def test_all_coins_of_the_photograph():
    image, masks = coins.photograph()
    (result,) = load("coins").detect([image])
    overlaps = metrics.compute_overlaps_masks(masks, result["masks"])
    assert overlaps.shape == (24, 24)
    best = overlaps.max(axis=1)
    assert best.min() >= 0.5
    assert best.mean() >= 0.9
    assert len(set(overlaps.argmax(axis=1))) == 24

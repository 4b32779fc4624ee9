"""The stage on which a thing is moved, hidden and spoilt; what a network makes of it; pictures of both."""

import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.lesson import scenes, show
from mrcnn.lesson.show.breaking import lost
from mrcnn.recipes import RECIPES


@pytest.mark.parametrize("hidden", [0, 10, 50, 95, 100])
def test_the_board_hides_the_share_asked_for(hidden):
    scene = scenes.stage(hidden=hidden)
    column = scene.whole.sum(axis=0).max() / scene.whole.sum()  # the board covers whole columns
    assert hidden / 100 <= 1 - scene.visible.sum() / scene.whole.sum() + 1e-9 <= hidden / 100 + column
    assert not np.any(scene.visible & ~scene.whole)


def test_what_is_hidden_is_not_on_the_picture():
    """All of the thing that is left of the board's edge is board."""
    scene = scenes.stage(hidden=50)
    assert np.all(scene.image[scene.whole & ~scene.visible] == scenes.BOARD)
    assert not np.any(np.all(scene.image[scene.visible] == scenes.BOARD, axis=-1))


def test_the_stage_is_spoilt_as_asked():
    plain = scenes.stage().image.astype(float)
    np.testing.assert_allclose(scenes.stage(darkness=50).image, plain / 2, atol=0.5)
    assert (
        np.abs(np.diff(scenes.stage(blur=4).image.astype(float), axis=1)).sum()
        < 0.6 * np.abs(np.diff(plain, axis=1)).sum()
    )
    middle = (plain > 60) & (plain < 195)  # where nothing is cut off
    assert np.std((scenes.stage(noise=20).image - plain)[middle]) == pytest.approx(20, rel=0.03)


def test_place_and_size_follow_the_controls():
    here, there = scenes.stage(x=30, size=80), scenes.stage(x=60, size=80)
    np.testing.assert_allclose(there.box - here.box, [0, 96, 0, 96], atol=1)
    assert np.ptp(scenes.stage(size=160).box[1::2]) == pytest.approx(2 * np.ptp(here.box[1::2]), rel=0.05)


def test_verdict(model):
    verdict = scenes.judge(model, scenes.stage())
    assert verdict.score == pytest.approx(verdict.result["scores"][verdict.found], abs=0.02)
    assert verdict.overlap > 0.7
    assert scenes.judge(model, scenes.stage(hidden=40)).overlap > 0.5  # of what is visible alone


def test_verdict_where_the_thing_is_not_found(model):
    verdict = scenes.judge(model, scenes.stage(hidden=100))
    assert verdict.found is None and verdict.overlap == 0
    assert verdict.score < model.config.DETECTION_MIN_CONFIDENCE


def test_a_class_that_the_model_does_not_have(model):
    class Knowing:
        class_names = ["BG", "unicorn"]
        trace = staticmethod(model.trace)

    assert scenes.judge(Knowing(), scenes.stage()).found is None


@pytest.mark.parametrize("background", scenes.BACKGROUNDS)
def test_the_network_finds_the_untouched_dog(model, background):
    scene = scenes.stage(background=background)
    picture = show.staged(model, scene)
    assert picture.caption.startswith("The dog is found")


@pytest.mark.parametrize("worst", [{"x": 0, "y": 0, "size": 20}, {"size": 300, "turn": 180}, {"hidden": 95}])
def test_the_controls_ends_are_drawn(model, worst):
    show.staged(model, scenes.stage(**worst)).array()


@pytest.mark.parametrize("thing", scenes.THINGS)
def test_every_thing_stands_on_the_stage(thing):
    assert scenes.stage(thing).whole.sum() > 300


def test_sweeps(model):
    values = np.array([0, 30, 95])
    verdicts = [scenes.judge(model, scenes.stage(hidden=value)) for value in values]
    assert lost(values, verdicts) == 95
    assert lost(values[:2], verdicts[:2]) is None
    picture = show.sweeps({"hidden": (values, verdicts), "noise": (values[:2], verdicts[:2])}, model.config)
    picture.array()
    assert "hidden: lost at 95; noise: never lost" in picture.caption
    scores = picture.figure.axes[0].lines[1].get_ydata()
    np.testing.assert_allclose(scores, [verdict.score for verdict in verdicts])


def test_a_large_network_looks_at_drawn_scenes_in_half_its_size():
    large = Config(NUM_CLASSES=81)
    assert Config(NUM_CLASSES=81, **scenes.faster(large)).IMAGE_MAX_DIM * 2 == large.IMAGE_MAX_DIM
    recipe = RECIPES["toybox"]
    assert scenes.faster(recipe.config(**recipe.detecting)) == {}

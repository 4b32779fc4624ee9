"""Chapter 12: a training that is watched, stopped and compared; and its pictures."""

import _thread
import dataclasses
import signal

import numpy as np
import pytest

from mrcnn.data import coins
from mrcnn.data.coco import CocoDataset
from mrcnn.data.folder import FolderDataset
from mrcnn.lesson import beach, live, show
from mrcnn.lesson.show import training
from mrcnn.recipes import RECIPES
from tests.tiny import SoonTrained


class TinyCoins(SoonTrained):
    NAME, NUM_CLASSES = "coins", 2


@pytest.fixture
def recipe(monkeypatch):
    """The recipe of coins, of a network that takes no time."""
    tiny = dataclasses.replace(RECIPES["coins"], config=TinyCoins)
    monkeypatch.setitem(RECIPES, "coins", tiny)
    return tiny


@pytest.fixture(scope="module")
def run():
    """A training as far as pictures need it: the watershed's masks were found at last."""
    run = live.Run("From toybox weights", None)
    run.times = [0.0, 1.0, 2.0]
    run.losses = {name: [3.0, 2.0, 1.0] for name in run.losses}
    masks = coins.photograph()[1]
    wrong = np.zeros((*masks.shape[:2], 1), bool)
    run.results = [
        {"masks": masks[..., :0], "scores": np.zeros(0)},
        {"masks": np.concatenate([masks[..., 1:], wrong], axis=2), "scores": np.ones(24)},
    ]
    return run


def test_a_training_ends_in_time_and_what_is_shown_is_what_was_learnt(recipe, capsys):
    run = live.train(None, seconds=0.5)
    assert not run.interrupted and run.times[0] == 0 and run.times[-1] >= 0.5 > run.times[-2]
    assert {len(values) for values in run.losses.values()} == {len(run.times)}
    assert np.isfinite(list(run.losses.values())).all()
    assert len(run.results) == 2 and run.model.mode == "inference"
    assert (
        run.model.detect([coins.photograph()[0]])[0]["scores"].tolist() == run.results[-1]["scores"].tolist()
    )
    assert f"{len(run.times)} steps in" in capsys.readouterr().out


def test_stopped_by_hand_it_keeps_what_was_learnt_and_can_go_on(recipe, monkeypatch, capsys, tmp_path):
    look = live.Run.look

    def press_stop(run, learner):
        look(run, learner)
        if len(run.results) == 1:
            _thread.interrupt_main()

    monkeypatch.setattr(live.Run, "look", press_stop)
    stopped = live.train(None, seconds=600)
    assert stopped.interrupted and len(stopped.times) == 1
    assert "keeping what was learnt" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    monkeypatch.setattr(live.Run, "look", look)
    path = tmp_path / "kept.h5"
    stopped.model.save_weights(path)
    assert len(live.train(path, seconds=0.01).times) > 1


def test_a_network_from_nothing_forgets_faster(recipe):
    from mrcnn.model import MaskRCNN

    model = MaskRCNN("training", recipe.config(TRAIN_BN=None, BACKBONE="compact"))
    live.forget_faster(model.keras_model)
    momenta = [layer.momentum for layer in model.keras_model.layers if hasattr(layer, "momentum")]
    assert len(momenta) > 5 and set(momenta) == {live.FORGETFUL}


def test_verdicts_count_the_coins(run):
    assert training.judged(coins.photograph()[1])[1] == "24 of 24 coins, 0 wrong"
    right, verdict = training.judged(run.results[-1]["masks"])
    assert verdict == "23 of 24 coins, 1 wrong" and right.tolist() == [True] * 23 + [False]
    assert "0 of 24 coins, 0 wrong" in training.judged(run.results[0]["masks"])[1]


def test_pictures_of_a_training_tell_its_numbers(run):
    for picture in show.learning(run), show.before_and_after(run), show.side_by_side(run, run):
        assert "23 of 24 coins, 1 wrong" in picture.caption
        assert picture.array().shape[2] == 3
    assert "Loss 15.00, in the end 10.00" in show.learning(run).caption  # five of 3, five of the mean 2


def test_a_training_that_has_not_begun_has_a_picture(run):
    begun = live.Run("From random numbers", None)
    begun.results = run.results[:1]
    assert "not known yet" in show.learning(begun).caption
    assert show.learning(begun).array().any()


def test_smoothed_means_over_the_last_steps():
    values = np.arange(8.0)
    expected = [values[max(0, i - training.SMOOTH + 1) : i + 1].mean() for i in range(8)]
    np.testing.assert_allclose(training.smoothed(values), expected)


def test_watershed_by_its_thresholds():
    image = coins.photograph()[0]
    assert "24 of 24 coins, 0 wrong" in show.watershed(image, 30, 150).caption
    for ground in 10, 100:
        for coin in 90, 210:
            assert f"coin above {coin}" in show.watershed(image, ground, coin).caption
    assert coins.segment(np.zeros((40, 40), np.uint8)).max() == 0


def test_the_smallest_data_set_is_the_same_in_both_ways(tmp_path):
    place = beach.write(tmp_path)
    painted = FolderDataset(place / "images", place / "masks", ["kite"])
    annotated = CocoDataset(place / "beach.json", place / "images")
    (masks, class_ids), (same, same_ids) = painted.load_mask(0), annotated.load_mask(0)
    assert masks.shape[2] == len(beach.KITES) and masks.any(axis=(0, 1)).all()
    np.testing.assert_array_equal(masks, same)
    np.testing.assert_array_equal(class_ids, same_ids)
    assert show.data_set(painted, annotated).caption.count("2 × kite") == 2

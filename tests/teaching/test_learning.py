"""Trainings one after another: the next uses what the last compiled, and learns as if it were the first."""

import gc
import threading

import keras
import numpy as np
import pytest

import mrcnn
from mrcnn.data import coins
from mrcnn.model import MaskRCNN
from tests.backend import trains
from tests.steady import steps_for_seconds

PHOTO, COINS = coins.photograph()

pytestmark = trains


@pytest.fixture
def teach(tiny_teaching):
    """Teach coins for three steps; gives the network that learnt, and the sum of its losses after each."""

    def one(number=3, watch=lambda teaching: None, seed=0, **options):
        keras.utils.set_random_seed(seed)
        seen = {}

        def note(teaching):
            watch(teaching)
            seen.setdefault("network", teaching.model)
            seen["losses"] = np.sum(list(teaching.losses.values()), axis=0)

        calls = {"seconds": 1, "name": "coin", "start": tiny_teaching, "watch": note}
        mrcnn.teach(PHOTO, masks=COINS[..., number], **calls | options)
        return seen["network"], seen["losses"]

    with steps_for_seconds(2):
        yield one


def test_the_next_learns_as_if_it_were_the_first(teach):
    first, expected = teach()
    other, others = teach(seed=1)
    again, losses = teach()
    assert first is other is again
    assert len(expected) == 3 and expected[-1] < expected[0]
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    assert abs(others[0] - expected[0]) > 1e-2 * expected[0]  # its last layers begin at random


def test_one_of_another_kind_takes_its_place(teach):
    """However many were taught, one network that learns is left, and none that detects but those in hand."""

    def count():
        gc.collect()
        return sum(isinstance(thing, MaskRCNN) for thing in gc.get_objects())

    coin, _ = teach()
    before = count()
    two, _ = teach(slice(3, 5), name=["coin", "other"])
    assert two is not coin
    same, _ = teach(slice(5, 7), name=["some", "more"])
    assert same is two
    coin_again, _ = teach()
    assert coin_again is not coin
    assert count() == before


def test_what_failed_is_not_used_again(teach):
    before, _ = teach()

    def fail(teaching):
        if teaching.times:
            raise OSError("No more paper.")

    with pytest.raises(OSError, match="paper"):
        teach(watch=fail)
    after, _ = teach()
    assert after is not before


def test_two_at_once_share_nothing(teach):
    both, networks = threading.Barrier(2, timeout=300), []

    def wait(teaching):
        if not teaching.times:
            both.wait()

    def learn(number):
        networks.append(teach(number, watch=wait)[0])

    teach()
    threads = [threading.Thread(target=learn, args=[number]) for number in (3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(networks) == 2 and networks[0] is not networks[1]
    assert teach()[0] in networks

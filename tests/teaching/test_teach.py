"""A detector from one example: what it keeps, what it refuses, and that it finds what it was taught."""

import _thread
import shutil
import threading

import keras
import numpy as np
import pytest

import mrcnn
from mrcnn.data import coins
from mrcnn.data.cutouts import BACKGROUND, from_mask
from mrcnn.metrics import compute_overlaps_masks
from mrcnn.model import MaskRCNN
from mrcnn.teaching import teach as teaching
from tests.backend import BACKEND
from tests.benchmarks import things
from tests.steady import steps_for_seconds
from tests.tiny import TinyTaught, enliven

PHOTO, COINS = coins.photograph()
LOADED = pytest.mark.parametrize("taught_config", [TinyTaught])  # by its file alone


@pytest.fixture
def quick(tiny_teaching):
    """`mrcnn.teach` on the coins with that network, for two steps or so."""

    def teach(**options):
        calls = {"seconds": 0.01, "name": "coin", "start": tiny_teaching, "watch": quiet}
        return mrcnn.teach(PHOTO, **calls | options)

    return teach


def quiet(_):
    """Watches nothing."""


def found(result):
    """How many coins of the photograph, how many other things, and the mean IoU of the former."""
    overlaps = compute_overlaps_masks(result["masks"], COINS)
    best = overlaps.max(axis=0, initial=0)
    return np.sum(best >= 0.5), np.sum(overlaps.max(axis=1, initial=0) < 0.5), best[best >= 0.5].mean()


@pytest.fixture
def steady(request):
    """A machine that makes so many steps a second, however busy this one is, with the same random weights."""
    keras.utils.set_random_seed(1)
    with steps_for_seconds(request.param):
        yield


@pytest.mark.parametrize("steady", [0.5], indirect=True)  # a fifth of what two quiet cores make
def test_one_coin_teaches_all_coins(steady, tmp_path):
    y, x = np.nonzero(COINS[..., 3])
    told = []
    model = mrcnn.teach(
        PHOTO,
        boxes=[(y.min() - 1, x.min() - 2, y.max() + 2, x.max() + 3)],
        name="coin",
        watch=lambda teaching: told.append(len(teaching.times)),
    )
    assert told[0] == 0 and told[-1] == max(told) == 31
    (result,) = model.detect([PHOTO])
    right, wrong, overlap = found(result)
    assert right == 24 and wrong <= 1 and overlap >= 0.85
    assert model.class_names == ["BG", "coin"]

    path = tmp_path / "coin.h5"
    model.save_weights(path, "float16")
    assert path.stat().st_size < 10e6
    loaded = mrcnn.load(path)
    assert loaded.class_names == model.class_names and loaded.config.TILE_SCALE == model.config.TILE_SCALE
    (again,) = loaded.detect(PHOTO)
    assert found(again)[:2] == (right, wrong)
    (example,) = loaded.examples
    np.testing.assert_array_equal(example.pixels, model.examples[0].pixels)
    np.testing.assert_array_equal(example.around, model.examples[0].around)
    assert example.name == "coin" and len(example.around)


@LOADED
def test_missed_ones_become_examples_and_false_ones_background(quick, tmp_path):
    first = quick(masks=COINS[..., 3])
    second = quick(start=first, masks=COINS[..., 5:7], wrong=[(5, 5, 40, 40)])
    assert [cutout.name for cutout in second.examples] == ["coin", "coin", "coin", BACKGROUND]
    assert second.class_names == ["BG", "coin"]
    path = tmp_path / "second.h5"
    second.save_weights(path)
    third = quick(start=path, wrong=[(100, 5, 130, 40)])  # no new example
    assert [cutout.name for cutout in third.examples].count(BACKGROUND) == 2 and len(third.examples) == 5
    assert third.config.TILE_SCALE == first.config.TILE_SCALE


@pytest.mark.skipif(BACKEND != "tensorflow", reason="What computes makes no difference here.")
@pytest.mark.parametrize("steady", [1.5], indirect=True)  # with fewer, chance decides
def test_two_rounds_of_corrections_improve(steady):
    """Of screws among other things, on the photograph that is corrected and on others."""
    (photo, whole), *others = (things.photograph("screw", seed) for seed in (1, 2, 3))
    others = [other for other, _ in others]

    def mistakes(scene):
        (result,) = model.detect([scene.image])
        overlaps = compute_overlaps_masks(result["masks"], scene.masks)
        missed = np.flatnonzero(overlaps.max(axis=0, initial=0) < 0.5)
        return missed, result["rois"][overlaps.max(axis=1, initial=0) < 0.5]

    def count(*scenes):
        return sum(len(part) for scene in scenes for part in mistakes(scene))

    options = {"name": "screw", "seconds": 10, "watch": quiet}
    model = mrcnn.teach(photo.image, masks=photo.masks[..., whole[:1]], **options)
    there, elsewhere = count(photo), count(*others)
    for _ in range(2):
        missed, wrong = mistakes(photo)
        masks = photo.masks[..., np.intersect1d(missed, whole)[:4]]
        model = mrcnn.teach(
            photo.image, masks=masks if masks.size else None, wrong=wrong[:6], start=model, **options
        )
    assert count(photo) <= there / 2 and count(*others) <= 0.8 * elsewhere


def test_going_on_begins_with_what_was_learnt(quick, monkeypatch):
    first = quick(masks=COINS[..., 3])
    kernels = []

    def keep(teaching):
        if not teaching.times:
            layer = teaching.model.get_layer("mrcnn_mask")
            kernels.append(np.array(layer.get_weights()[0]))

    quick(start=first, masks=COINS[..., 5], watch=keep)
    quick(start=first, masks=COINS[..., 5], name="other", watch=keep)  # another class: new last layers
    expected = first.keras_model.get_layer("mrcnn_mask").get_weights()[0]
    np.testing.assert_array_equal(kernels[0], expected)
    assert kernels[1].shape[-2:] != expected.shape[-2:]


def test_five_things_at_once(quick):
    names = ["coin", "pièce d'or", "third", "the fourth", "5th"]
    model = quick(masks=COINS[..., :5], name=names)
    assert model.class_names == ["BG", *names]
    assert model.config.NUM_CLASSES == 6


def test_things_are_looked_at_in_the_size_of_the_scenes():
    def scale_of(*sizes):
        image = np.random.default_rng(0).integers(0, 255, (900, 900, 3), np.uint8)
        cutouts = []
        for size in sizes:
            mask = np.zeros((900, 900), bool)
            mask[10 : 10 + size, 10 : 14 + size // 2] = True
            cutouts.append(from_mask(image, mask, "thing"))
        return teaching.fitting_scale(cutouts)

    assert scale_of(56, 60) == 1  # near enough
    assert scale_of(560) == pytest.approx(0.1, rel=0.02)
    assert scale_of(14) == pytest.approx(4, rel=0.02)
    assert scale_of(28, 280, 280) == pytest.approx(0.2, rel=0.02)


def test_stopped_by_hand_it_keeps_what_was_learnt(quick, capsys):
    def stop(teaching):
        if len(teaching.times) == 2:
            _thread.interrupt_main()

    model = quick(masks=COINS[..., 3], seconds=600, watch=stop)
    assert "keeping what was learnt" in capsys.readouterr().err
    assert isinstance(model.detect([PHOTO]), list)


def test_as_many_scenes_a_step_as_asked_for(quick):
    sizes = set()
    quick(masks=COINS[..., 3], scenes=3, watch=lambda teaching: sizes.add(teaching.model.inputs[0].shape[0]))
    assert sizes == {3}


def test_two_at_once(quick):
    models = {}

    def teach(i):
        models[i] = quick(masks=COINS[..., i], name=f"coin {i}")

    threads = [threading.Thread(target=teach, args=[i]) for i in (3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, model in models.items():
        assert model.class_names == ["BG", f"coin {i}"]
        model.detect([PHOTO])
    assert len(models) == 2


def test_photographs_of_all_kinds(tiny_teaching):
    grey = PHOTO[..., 0]
    kinds = {
        "grey": grey,
        "16 bit": grey.astype(np.uint16) * 257,
        "RGBA": np.dstack([PHOTO, np.full(grey.shape, 255, np.uint8)]),
        "float": grey / 255,
    }
    for name, image in kinds.items():
        model = mrcnn.teach(image, masks=COINS[..., 3], seconds=0.01, start=tiny_teaching, watch=quiet)
        assert model.examples[0].pixels.shape[2] == 4, name


@pytest.mark.parametrize(
    "options, told",
    [
        ({}, "no example"),
        ({"masks": COINS[..., 3], "seconds": 0}, "seconds"),
        ({"masks": COINS[..., 3], "seconds": float("nan")}, "seconds"),
        ({"masks": COINS[:50, :50, 3]}, "shape"),
        ({"boxes": [(10, 10, 5, 50)]}, "reversed"),
        ({"boxes": [(10, 10, 50, 5000)]}, "beyond"),
        ({"boxes": [(10, 10, 14, 14)]}, "too small"),
        ({"boxes": [(60, 60, 100, 100)] * 201}, "201"),
        ({"masks": COINS[..., 3], "wrong": [(10, 10, 5, 50)]}, "box"),
        ({"wrong": [(10, 10, 50, 50)]}, "no example"),
        ({"masks": COINS[..., 3], "name": ""}, "name"),
        ({"masks": COINS[..., 3], "name": "BG"}, "BG"),
        ({"masks": COINS[..., 3], "start": "nothing.h5"}, "nothing.h5"),
    ],
)
def test_what_cannot_be_taught(options, told):
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        mrcnn.teach(PHOTO, **options, watch=quiet)


def test_a_model_that_was_not_taught_is_no_start(quick):
    with pytest.raises(ValueError, match="file of weights"):
        quick(masks=COINS[..., 3], start=enliven(MaskRCNN("inference", TinyTaught(IMAGES_PER_GPU=1))))


@LOADED
def test_a_failed_save_leaves_the_file_that_was_there(quick, tmp_path, monkeypatch):
    model = quick(masks=COINS[..., 3])
    path = tmp_path / "coin.h5"
    model.save_weights(path)
    before = path.read_bytes()
    model.keras_model.get_layer("mrcnn_mask").kernel.assign(
        np.full(model.keras_model.get_layer("mrcnn_mask").kernel.shape, np.nan)
    )
    with pytest.raises(ValueError, match="NaN"):
        model.save_weights(path)
    assert path.read_bytes() == before
    shutil.copy(path, tmp_path / "copy.h5")
    assert mrcnn.load(tmp_path / "copy.h5").examples[0].name == "coin"

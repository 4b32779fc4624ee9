"""A small network detects, is looked into and is loaded: any pictures, sizes, threads and configurations."""

import threading

import h5py
import keras
import numpy as np
import psutil
import pytest
from keras import layers, ops
from PIL import Image

from mrcnn import detector, images, model, weights
from mrcnn.data.toybox import scene
from mrcnn.model import MaskRCNN
from mrcnn.network import boxes, kernels
from tests.backend import trains
from tests.tiny import TinyConfig, tiny, values


@pytest.fixture(scope="module")
def net():
    """The tiny network; tests do not change it."""
    return tiny()


@pytest.fixture(scope="module")
def wide():
    """The same weights for pictures of any size, one at a time."""
    return tiny(IMAGE_RESIZE_MODE="pad64", IMAGES_PER_GPU=1)


def picture(height=40, width=60, seed=0, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def check(result, height, width):
    """A result has the documented shapes and dtypes, and lies in its picture."""
    count = len(result["rois"])
    dtypes = {name: value.dtype for name, value in result.items()}
    assert dtypes == {"rois": np.int32, "class_ids": np.int32, "scores": np.float32, "masks": bool}
    assert result["rois"].shape == (count, 4)
    assert result["class_ids"].shape == result["scores"].shape == (count,)
    assert result["masks"].shape == (height, width, count)
    y1, x1, y2, x2 = result["rois"].T
    assert ((y1 >= 0) & (y1 < y2) & (y2 <= height) & (x1 >= 0) & (x1 < x2) & (x2 <= width)).all()
    assert (np.diff(result["scores"]) <= 0).all()
    for box, mask in zip(result["rois"], np.moveaxis(result["masks"], -1, 0), strict=True):
        y1, x1, y2, x2 = box
        assert mask.sum() == mask[y1:y2, x1:x2].sum()


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def assert_close(ours, theirs):
    """The same objects: a batch of another size may add up its sums in another order."""
    for name in ("rois", "class_ids"):
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    np.testing.assert_allclose(ours["scores"], theirs["scores"], rtol=0, atol=1e-4)
    assert (ours["masks"] == theirs["masks"]).mean() > 0.999


# ---- how many pictures, and of what kind


def test_a_mode_that_is_none_is_refused():
    with pytest.raises(ValueError, match="choose 'inference' or 'training'"):
        MaskRCNN("predict", TinyConfig())


@pytest.mark.parametrize("count", [0, 1, 3])
def test_any_number_of_pictures_of_any_sizes(net, count):
    sizes = [(40, 60), (64, 64), (100, 30)][:count]
    pictures = [picture(*size, seed=i) for i, size in enumerate(sizes)]
    results = net.detect(pictures)
    assert len(results) == count
    for size, one, result in zip(sizes, pictures, results, strict=True):
        check(result, *size)
        assert len(result["rois"]) > 3
        assert_close(result, net.detect([one])[0])
    assert len(net.detect(one for one in pictures)) == count  # a generator is as good as a list


def test_pictures_of_different_sizes_after_molding(wide):
    pictures = [picture(64, 64), picture(50, 130, 1), picture(64, 64, 2)]
    several = tiny(IMAGE_RESIZE_MODE="pad64")
    for one, result in zip(pictures, several.detect(pictures), strict=True):
        check(result, *one.shape[:2])
        assert_close(result, wide.detect([one])[0])


def forms(folder):
    """The same pixels as everything that a picture may be."""
    grey = np.repeat(picture(channels=1), 3, axis=2)
    path = folder / "grey.png"
    Image.fromarray(grey).save(path)
    read_only = grey.copy()
    read_only.flags.writeable = False
    spread = np.zeros((80, 120, 4), np.uint8)
    spread[::2, ::-2, :3] = grey
    alpha = picture(channels=1, seed=1)
    return {
        "RGB": grey,
        "grey": grey[:, :, 0],
        "grey, one channel": grey[:, :, :1],
        "RGBA": np.concatenate([grey, alpha], axis=2),
        "16 bits": grey.astype(np.uint16) * 257,
        "floats to 1": grey / 255,
        "floats to 255": grey.astype(np.float32),
        "integers": grey.astype(np.int64),
        "read-only": read_only,
        "non-contiguous": spread[::2, ::-2, :3],
        "Fortran order": np.asfortranarray(grey),
        "Pillow": Image.fromarray(grey),
        "Pillow, grey": Image.fromarray(grey[:, :, 0]),
        "Pillow, 16 bits": Image.fromarray(grey[:, :, 0].astype(np.uint16) * 257),
        "path": path,
        "name": str(path),
        "list": grey.tolist(),
    }


def test_the_same_pixels_give_the_same_whatever_their_form(net, tmp_path):
    pictures = forms(tmp_path)
    expected = net.detect([pictures["RGB"]])[0]
    for name, form in pictures.items():
        result = net.detect([form])[0]
        check(result, 40, 60)
        for key in result:
            np.testing.assert_array_equal(result[key], expected[key], err_msg=name)


def test_detecting_leaves_the_picture_as_it_was(net):
    one = picture()
    before = one.copy()
    net.detect([one])
    np.testing.assert_array_equal(one, before)


def test_one_picture_is_a_list_of_one(net, tmp_path):
    one = np.repeat(picture(channels=1), 3, axis=2)
    path = tmp_path / "one.png"
    Image.fromarray(one).save(path)
    (expected,) = net.detect([one])
    for single in (one, one[:, :, 0], one[:, :, :1], Image.fromarray(one), path, str(path)):
        (result,) = net.detect(single)
        assert_same(result, expected)
    results = net.detect(np.stack([one, one]))  # two pictures
    assert len(results) == 2


@pytest.mark.parametrize("wrong", [3, None, np.zeros(4), np.zeros((1, 1, 8, 8, 3))])
def test_what_is_no_picture_and_no_list_is_refused(net, wrong):
    with pytest.raises(ValueError, match="a picture or a list of pictures"):
        net.detect(wrong)


def test_masks_inside_their_boxes_are_the_same_masks(net):
    pictures = [picture(), picture(100, 30, 1)]
    for crops, result in zip(net.detect_crops(pictures), net.detect(pictures), strict=True):
        np.testing.assert_array_equal(crops["masks"].boxes, crops["rois"])
        assert_same(crops | {"masks": crops["masks"].full()}, result)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (20000, 20), (20, 20000)])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_narrow_pictures(net, size):
    """Long ones shrink to a window one pixel wide."""
    result = net.detect([picture(*size)])[0]
    check(result, *size)


def test_a_picture_too_narrow_to_enlarge_is_refused(wide):
    with pytest.raises(ValueError, match="square"):
        wide.detect([picture(1, 20000)] * 2)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (np.full((8, 8, 3), np.nan), "NaN"),
        (np.zeros((0, 8, 3), np.uint8), "no pixels"),
        (np.zeros((8, 8, 2), np.uint8), "shape"),
        (np.full((8, 8), 70_000), "scale them"),
        ("nowhere.png", "no such file"),
    ],
)
def test_bad_pictures_are_refused_with_a_sentence(net, bad, sentence):
    with pytest.raises((ValueError, FileNotFoundError), match=sentence):
        net.detect([bad])


def test_nothing_found_is_empty_arrays():
    sure = tiny(DETECTION_MIN_CONFIDENCE=1.0)
    for result in sure.detect([picture(), picture(30, 50)]):
        check(result, *result["masks"].shape[:2])
        assert not len(result["rois"])
    trace = sure.trace(picture())
    assert trace.detections.shape == (0, 6) and trace.mask_probs.shape == (0, 28, 28)
    assert trace.masks.shape == (40, 60, 0)


def test_without_weights_nothing_is_found_by_chance():
    model = MaskRCNN("inference", TinyConfig())
    assert not any(np.any(value) for key, value in values(model.keras_model).items() if "kernel" in key)
    assert len(model.detect([picture()])[0]["rois"]) == 0


@trains
def test_a_training_begins_with_chance():
    trained = values(MaskRCNN("training", TinyConfig()).keras_model)
    assert all(np.any(value) for key, value in trained.items() if "kernel" in key)


def test_some_pictures_of_a_batch_show_nothing(net):
    scores = [net.detect([picture(seed=i)])[0]["scores"].max() for i in range(2)]
    between = tiny(DETECTION_MIN_CONFIDENCE=float(np.mean(scores)))
    counts = [len(r["rois"]) for r in between.detect([picture(seed=i) for i in range(2)])]
    assert min(counts) == 0 < max(counts)


def test_verbose_tells_what_goes_in(net, capsys):
    net.detect([picture()], verbose=1)
    told = capsys.readouterr().out
    assert "(40, 60, 3)" in told and "(64, 64, 3)" in told
    net.detect([picture()])
    assert capsys.readouterr().out == ""


# ---- configurations


def test_resize_mode_none_wants_multiples_of_64():
    plain = tiny(IMAGE_RESIZE_MODE="none", IMAGES_PER_GPU=1)
    check(plain.detect([picture(64, 128)])[0], 64, 128)
    with pytest.raises(ValueError, match="multiples of 64"):
        plain.detect([picture(64, 100)])


@pytest.mark.parametrize("mode", ["square", "pad64", "crop"])
def test_resize_modes_give_boxes_of_the_picture(mode):
    sized = tiny(IMAGE_RESIZE_MODE=mode, IMAGE_MAX_DIM=128, IMAGES_PER_GPU=1)
    for size in ((100, 150), (30, 90)):
        result = sized.detect([picture(*size)])[0]
        check(result, *size)
        assert len(result["rois"])
        assert_same(result, sized.detect([picture(*size)])[0])  # nothing in it is random


def test_many_channels():
    five = tiny(IMAGE_CHANNEL_COUNT=5, MEAN_PIXEL=[100.0] * 5, IMAGES_PER_GPU=1)
    trace = five.trace(picture(channels=5))
    assert trace.image.shape == (40, 60, 5) and trace.molded.shape == (64, 64, 5)
    check(five.detect([picture(channels=5)])[0], 40, 60)
    with pytest.raises(ValueError, match="IMAGE_CHANNEL_COUNT"):
        five.detect([picture()])
    for bad in (np.full((8, 8, 5), np.nan), np.zeros((0, 8, 5))):
        with pytest.raises(ValueError, match="NaN"):
            five.detect([bad])


def coarse_backbone(image):
    """C2 to C5 at strides 8 to 64, as one who brings a backbone might write it."""
    x = layers.AveragePooling2D(4)(image)
    features = []
    for stage in range(2, 6):
        x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name=f"own_c{stage}")(x)
        features.append(x)
    return features


def test_a_backbone_of_one_s_own_with_its_strides():
    strides = [8, 16, 32, 64, 128]
    own = tiny(
        BACKBONE=coarse_backbone,
        BACKBONE_STRIDES=strides,
        COMPUTE_BACKBONE_SHAPE=lambda shape: [[-(-side // s) for side in shape[:2]] for s in strides],
        IMAGE_MAX_DIM=128,
        IMAGES_PER_GPU=1,
    )
    trace = own.trace(picture(90, 128))
    assert [len(trace.features[f"P{i}"]) for i in range(2, 7)] == [16, 8, 4, 2, 1]
    assert len(trace.anchors) == len(trace.rpn_logits) == 3 * (16**2 + 8**2 + 4**2 + 2**2 + 1)
    check(own.detect([picture(90, 128)])[0], 90, 128)


@pytest.mark.parametrize(
    ("changes", "anchors"),
    [
        ({"NUM_CLASSES": 2}, 1023),
        ({"RPN_ANCHOR_RATIOS": [1], "RPN_ANCHOR_SCALES": (5, 10, 20, 40, 60)}, 341),
        ({"RPN_ANCHOR_STRIDE": 2}, 3 * (64 + 16 + 4 + 1 + 1)),
        ({"POOL_SIZE": 5, "MASK_POOL_SIZE": 7, "MASK_SHAPE": [14, 14]}, 1023),
    ],
)
def test_classes_anchors_and_sizes_of_crops(changes, anchors):
    changed = tiny(IMAGES_PER_GPU=1, **changes)
    trace = changed.trace(picture())
    config = changed.config
    assert len(trace.anchors) == len(trace.rpn_logits) == anchors
    assert trace.class_logits.shape == (20, config.NUM_CLASSES)
    assert trace.crops.shape == (20, config.POOL_SIZE, config.POOL_SIZE, 8)
    assert trace.mask_probs.shape[1:] == tuple(config.MASK_SHAPE)
    check(changed.detect([picture()])[0], 40, 60)


def test_half_precision_gives_about_the_same(net):
    half = tiny(MIXED_PRECISION=True)
    assert all(w.dtype == "float32" for w in half.keras_model.weights)
    exact, rounded = net.trace(picture()), half.trace(picture())
    assert rounded.class_logits.dtype == np.float32
    np.testing.assert_allclose(rounded.rpn_logits, exact.rpn_logits, atol=0.1 * exact.rpn_logits.std())
    check(half.detect([picture()])[0], 40, 60)
    assert keras.config.dtype_policy().name == "float32"  # other models are none the wiser


# ---- trace


def test_trace_documents_every_stage(net):
    trace = net.trace(picture())
    n, r, k, d = 1023, 20, 4, len(trace.detections)
    shapes = {
        "image": ((40, 60, 3), np.uint8),
        "molded": ((64, 64, 3), np.float32),
        "anchors": ((n, 4), np.float32),
        "rpn_logits": ((n, 2), np.float32),
        "objectness": ((n,), np.float32),
        "rpn_deltas": ((n, 4), np.float32),
        "proposals": ((r, 4), np.float32),
        "roi_levels": ((r,), np.int32),
        "crops": ((r, 7, 7, 8), np.float32),
        "class_logits": ((r, k), np.float32),
        "class_probs": ((r, k), np.float32),
        "class_deltas": ((r, k, 4), np.float32),
        "detections": ((d, 6), np.float32),
        "mask_probs": ((d, 28, 28), np.float32),
    }
    for name, (shape, dtype) in shapes.items():
        array = getattr(trace, name)
        assert type(array) is np.ndarray and array.shape == shape and array.dtype == dtype, name
    sides = {"C2": 16, "C3": 8, "C4": 4, "C5": 2, "P2": 16, "P3": 8, "P4": 4, "P5": 2, "P6": 1}
    channels = {"C2": 32, "C3": 64, "C4": 128, "C5": 256}
    assert {name: f.shape for name, f in trace.features.items()} == {
        name: (side, side, channels.get(name, 8)) for name, side in sides.items()
    }
    assert d > 3


def test_the_stages_of_a_trace_follow_from_each_other(net):
    trace = net.trace(picture())
    y1, x1, y2, x2 = trace.window
    assert (y2 - y1, x2 - x1) == (43, 64)
    inside = images.unmold_image(trace.molded, net.config)[y1:y2, x1:x2]
    resized = images.resize(trace.image, (43, 64), preserve_range=True)
    np.testing.assert_array_equal(inside, resized.astype(np.uint8))
    softmax = ops.convert_to_numpy(ops.softmax(trace.rpn_logits))
    np.testing.assert_allclose(trace.objectness, softmax[:, 1], atol=1e-5)
    np.testing.assert_allclose(trace.class_probs.sum(axis=1), 1, atol=1e-5)
    # Each proposal is some anchor, moved by its deltas.
    anchors = boxes.normalise(trace.anchors, trace.molded.shape)
    moved = boxes.apply_deltas(anchors, trace.rpn_deltas * net.config.RPN_BBOX_STD_DEV)
    moved = boxes.clip(moved, np.array([0, 0, 1, 1]))
    real = trace.proposals[trace.proposals.any(axis=1)]
    assert len(real) > 3
    assert np.abs(real[:, None] - moved).max(axis=-1).min(axis=1).max() < 1e-4
    # Each detection is some proposal's best class.
    classes, scores = trace.class_probs.argmax(axis=1), trace.class_probs.max(axis=1)
    pairs = set(zip(classes, scores, strict=True))
    assert {(int(c), s) for c, s in trace.detections[:, 4:]} <= {(int(c), s) for c, s in pairs}
    assert set(trace.roi_levels) <= {2, 3, 4, 5}


def test_trace_and_detect_agree_exactly(net):
    for seed in range(3):
        trace, result = net.trace(picture(seed=seed)), net.detect([picture(seed=seed)])[0]
        assert_same({name: getattr(trace, name) for name in result}, result)


# ---- tiles


@pytest.fixture(scope="module")
def tiled():
    """The same weights, to look at pictures in tiles of 64 pixels."""
    return tiny(TILE_SCALE=1.0)


def test_a_picture_that_fits_one_tile_is_not_enlarged(net, tiled):
    full = tiled.detect(picture(64, 64))[0]
    assert_same(full, net.detect(picture(64, 64))[0])
    small = picture(40, 50)
    padded = np.pad(small, [(0, 24), (0, 14), (0, 0)])
    result, expected = tiled.detect(small)[0], net.detect(padded)[0]
    check(result, 40, 50)
    there = (np.minimum(expected["rois"], [40, 50, 40, 50])[:, :2] < [40, 50]).all(axis=1)
    np.testing.assert_array_equal(result["scores"], expected["scores"][there])
    np.testing.assert_array_equal(result["masks"], expected["masks"][:40, :50, there])


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.6])
def test_trace_of_one_tile_and_detect_agree_exactly(scale):
    model = tiny(TILE_SCALE=scale)
    small = picture(int(40 / scale), int(64 / scale))
    trace, result = model.trace(small), model.detect(small)[0]
    check(result, *small.shape[:2])
    assert len(result["scores"])
    assert_same(trace.result, result)
    assert trace.image.shape == small.shape and trace.molded.shape == (64, 64, 3)
    assert trace.window.tolist() == [0, 0, 40, 64]
    assert model.class_masks(trace).shape == (len(trace.detections), 28, 28, 4)


def test_a_trace_of_several_tiles_is_refused(tiled):
    with pytest.raises(ValueError, match="in 6 tiles.*at most 64 by 64 pixels"):
        tiled.trace(picture(70, 110))


@pytest.mark.parametrize("batch", [1, 4])
def test_large_pictures_in_tiles(batch):
    model = tiny(TILE_SCALE=1.0, IMAGES_PER_GPU=batch)
    results = model.detect([picture(150, 200), picture(30, 300, 1)])
    check(results[0], 150, 200)
    check(results[1], 30, 300)
    assert all(len(result["scores"]) for result in results)


def test_tiles_are_told_to_progress(tiled):
    seen = []
    (result,) = tiled.detect_crops(picture(70, 110), progress=lambda tiles: seen.extend(tiles) or iter(tiles))
    assert len(seen) == 6 and result["masks"].shape[:2] == (70, 110)


def test_a_file_of_weights_says_that_it_looks_in_tiles(tiled, tmp_path):
    tiled.save_weights(tmp_path / "tiled.h5")
    loaded = model.load(tmp_path / "tiled.h5")
    assert loaded.config.TILE_SCALE == 1.0
    # PyTorch rounds otherwise where the same weights lie elsewhere in memory.
    assert_close(loaded.detect(picture(70, 110))[0], tiled.detect(picture(70, 110))[0])


def test_many_channels_in_tiles():
    for scale in (1.0, 0.5):
        five = tiny(IMAGE_CHANNEL_COUNT=5, MEAN_PIXEL=[100.0] * 5, IMAGES_PER_GPU=1, TILE_SCALE=scale)
        check(five.detect(picture(200, 90, channels=5).astype(np.int64))[0], 200, 90)


def test_modes_are_kept_apart(net):
    with pytest.raises(ValueError, match="mode='training'"):
        net.train(None, None, 0.1, 1, "all")


# ---- side by side, in threads, again and again


def test_two_models_side_by_side(net):
    other = tiny(seed=1, NUM_CLASSES=6, TOP_DOWN_PYRAMID_SIZE=12, IMAGE_MAX_DIM=128)
    before = net.detect([picture()])[0], other.detect([picture()])[0]
    for _ in range(2):
        assert_same(net.detect([picture()])[0], before[0])
        assert_same(other.detect([picture()])[0], before[1])
    assert not np.array_equal(before[0]["scores"], before[1]["scores"])


def test_eight_threads_get_what_one_gets():
    shared = tiny(IMAGE_RESIZE_MODE="pad64", IMAGES_PER_GPU=1)  # and all of them are its first
    pictures = [picture(64 + 64 * (i % 2), 64, i) for i in range(8)]
    results = [[] for _ in pictures]

    def detect(i):
        for _ in range(3):
            results[i].append(shared.detect([pictures[i]])[0])

    threads = [threading.Thread(target=detect, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, found in zip(pictures, results, strict=True):
        alone = shared.detect([one])[0]
        assert len(found) == 3
        for result in found:
            assert_same(result, alone)


@pytest.mark.skipif(kernels.BACKEND == "torch", reason="PyTorch runs as it is written, and traces nothing")
def test_a_size_seen_before_is_not_traced_again():
    model = tiny(IMAGE_RESIZE_MODE="pad64", IMAGES_PER_GPU=1)
    traced = []
    for name in ("conv1", "mrcnn_mask_conv1"):
        layer = model.keras_model.get_layer(name)
        layer.call = lambda *args, name=name, call=layer.call: traced.append(name) or call(*args)
    sizes = [(64, 64), (64, 128), (100, 64), (128, 128)]
    model.detect([picture(*size) for size in sizes])
    assert {"conv1", "mrcnn_mask_conv1"} == set(traced)
    first = len(traced)
    model.detect([picture(*size) for size in sizes * 3])
    assert len(traced) == first
    if kernels.BACKEND == "tensorflow":  # one trace serves all sizes
        assert first == 2


def test_memory_stays_flat(wide):
    process = psutil.Process()
    pictures = [picture(64 + 64 * (i % 2), 64, i) for i in range(4)]

    def used_after(count):
        for i in range(count):
            wide.detect([pictures[i % 4]])
        return process.memory_info().rss

    before = used_after(100)
    # The features of one picture alone are 100 kB.
    assert used_after(300) - before < 20e6


def test_anchors_of_many_sizes_do_not_pile_up(net):
    for side in range(64, 64 * 40, 64):
        net.anchors_of((side, 64, 3))
    assert len(net._anchors) == detector.MOST_SIZES
    np.testing.assert_array_equal(net.anchors_of((64, 64, 3))[0], tiny().anchors_of((64, 64, 3))[0])


# ---- load


@pytest.fixture(scope="module")
def saved(net, tmp_path_factory):
    """A file of the tiny network's weights, and what it detects."""
    path = tmp_path_factory.mktemp("weights") / "tiny.h5"
    net.class_names = ["BG", "red", "green", "blue"]
    net.save_weights(path)
    return path


def test_load_knows_config_and_names(net, saved):
    loaded = model.load(saved)
    assert loaded.class_names == ["BG", "red", "green", "blue"]
    assert loaded.config.BATCH_SIZE == 1 and loaded.config.NUM_CLASSES == 4
    assert_close(loaded.detect([picture()])[0], net.detect([picture()])[0])


def test_load_with_a_changed_config(net, saved):
    loaded = model.load(str(saved), DETECTION_MAX_INSTANCES=2)
    assert len(loaded.detect([picture()])[0]["rois"]) <= 2
    with pytest.raises(TypeError, match="DETECTION_MAXIMUM"):
        model.load(saved, DETECTION_MAXIMUM=2)


def test_load_of_a_file_without_metadata(saved, tmp_path):
    path = tmp_path / "foreign.h5"
    path.write_bytes(saved.read_bytes())
    with h5py.File(path, "r+") as file:
        del file.attrs["mrcnn"]
    loaded = model.load(path, IMAGE_MIN_DIM=64, IMAGE_MAX_DIM=64, DETECTION_MIN_CONFIDENCE=0.0)
    assert loaded.class_names == ["BG", "class 1", "class 2", "class 3"]
    check(loaded.detect([picture()])[0], 40, 60)


def test_load_of_nothing_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.load(tmp_path / "nowhere.h5")


def test_a_failed_load_leaves_the_model_as_it_was(saved):
    other = tiny(seed=3, NUM_CLASSES=5)
    before = [ops.convert_to_numpy(variable).copy() for variable in other.keras_model.weights]
    result = other.detect([picture()])[0]
    with pytest.raises(weights.WeightsError, match="mrcnn_class_logits"):
        other.load_weights(saved)
    for variable, value in zip(other.keras_model.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value)
    assert_same(other.detect([picture()])[0], result)


def test_fine_tuning_starts_from_all_but_the_last_layers(net, saved):
    other = tiny(seed=3, NUM_CLASSES=6)
    heads = ["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"]
    report = other.load_weights(saved, by_name=True, exclude=heads)
    assert {name.split("/")[0] for name in report.kept} == set(heads) - {"mrcnn_bbox"}
    ours, theirs = other.trace(picture()), net.trace(picture())
    np.testing.assert_allclose(ours.crops, theirs.crops, atol=1e-5)
    assert ours.class_logits.shape == (20, 6)


def test_new_weights_are_what_the_next_detection_uses(net, saved):
    other = tiny(seed=3)
    before = other.detect([scene(1, 64).image])[0]
    other.load_weights(saved)
    after = other.detect([scene(1, 64).image])[0]
    assert_same(after, net.detect([scene(1, 64).image])[0])
    assert not np.array_equal(before["scores"], after["scores"])

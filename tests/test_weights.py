"""Weights: the original's layout read in every variant and written, all or nothing."""

import io
import os
import pickle
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers, ops

from mrcnn import weights
from mrcnn.config import Config
from mrcnn.describe import network_of
from mrcnn.layout import weight_key
from mrcnn.network.backbone import backbone
from mrcnn.network.heads import box_head, mask_head
from mrcnn.network.proposals import rpn_head
from mrcnn.network.pyramid import pyramid
from tests.golden import weights_recipe
from tests.tiny import values

GOLDEN = Path(__file__).parent / "golden"
HEADS = ["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask"]


def small(classes=4, seed=0):
    """A model with a few layers of every kind, named as the original's, and random values."""
    image = keras.Input((8, 8, 3), name="input_image")
    x = layers.Conv2D(8, 3, padding="same", name="conv1")(image)
    x = layers.BatchNormalization(name="bn_conv1")(x)

    level = keras.Input((None, None, 8))
    shared = layers.Conv2D(5, 3, name="rpn_conv_shared")(level)
    answers = [
        layers.Conv2D(n, 1, name=name)(shared) for n, name in ((6, "rpn_class_raw"), (12, "rpn_bbox_pred"))
    ]
    rpn = keras.Model(level, answers, name="rpn_model")

    pooled = layers.GlobalAveragePooling2D(name="pool")(x)
    probs = layers.Softmax(name="mrcnn_class")(layers.Dense(classes, name="mrcnn_class_logits")(pooled))
    deltas = layers.Dense(4 * classes, name="mrcnn_bbox_fc")(pooled)
    deltas = layers.Reshape((classes, 4), name="mrcnn_bbox")(deltas)
    masks = layers.Conv2D(classes, 1, name="mrcnn_mask")(x)
    return randomise(keras.Model(image, [*rpn(x), probs, deltas, masks]), seed)


def network(config):
    """The real network's layers with weights, on crops of its own."""
    image = keras.Input((64, 64, config.IMAGE_CHANNEL_COUNT), name="input_image")
    levels = pyramid(backbone(image, config), config.TOP_DOWN_PYRAMID_SIZE)
    head = rpn_head(config)
    channels = config.TOP_DOWN_PYRAMID_SIZE
    crops, mask_crops = (
        keras.Input((2, side, side, channels)) for side in (config.POOL_SIZE, config.MASK_POOL_SIZE)
    )
    outputs = [*(head(level) for level in levels), *box_head(crops, config), mask_head(mask_crops, config)]
    return keras.Model([image, crops, mask_crops], outputs)


COMPACT = {
    "BACKBONE": "compact",
    "NUM_CLASSES": 3,
    "IMAGE_CHANNEL_COUNT": 3,
    "TOP_DOWN_PYRAMID_SIZE": 16,
    "RPN_FILTERS": 12,
    "POOL_SIZE": 5,
    "FPN_CLASSIF_FC_LAYERS_SIZE": 20,
    "MASK_FILTERS": 9,
    "MASK_CONVS": 2,
}


def variables(model):
    return {key: v for _, named in weights.model_layers(model) for key, v in named.items()}


def to_numpy(variable):
    return np.array(ops.convert_to_numpy(variable))


def randomise(model, seed):
    rng = np.random.default_rng(seed)
    for variable in variables(model).values():
        variable.assign(rng.random(variable.shape, np.float32))
    return model


def same(arrays, others):
    return arrays.keys() == others.keys() and all(np.array_equal(arrays[key], others[key]) for key in arrays)


def groups_of(model):
    """Groups of the file that `save` writes, with arrays by weight name."""
    return {
        name: {f"{key}:0": to_numpy(v) for key, v in named.items()}
        for name, named in weights.model_layers(model)
    }


def write(path, groups, write_names=None, root="/"):
    """Write groups of arrays as some version of Keras would."""

    def as_bytes(group, attribute, names):
        group.attrs[attribute] = np.array([name.encode() for name in names])

    write_names = write_names or as_bytes
    with h5py.File(path, "w") as file:
        top = file.require_group(root)
        write_names(top, "layer_names", list(groups))
        for group, arrays in groups.items():
            write_names(top.create_group(group), "weight_names", list(arrays))
            for name, array in arrays.items():
                top[group][name] = array
    return path


@pytest.fixture
def saved(tmp_path):
    """A file of `small(seed=1)`, and its values."""
    model = small(seed=1)
    weights.save(model, tmp_path / "small.h5")
    return tmp_path / "small.h5", values(model)


# There and back


@pytest.fixture(scope="module")
def compact():
    return network(Config(**COMPACT))


def test_a_network_is_saved_and_loaded_bit_for_bit(compact, tmp_path):
    expected = values(randomise(compact, seed=1))
    weights.save(compact, tmp_path / "a.h5")
    report = weights.load(randomise(compact, seed=2), tmp_path / "a.h5")
    assert same(values(compact), expected)
    assert set(report.loaded) == set(expected) and not report.kept and not report.excluded
    assert report.parameters == compact.count_params()
    assert str(report) == (
        f"Loaded {len(expected)} weights ({report.parameters:,} parameters) from {tmp_path / 'a.h5'}."
    )


def test_half_precision_is_smaller_and_near(compact, tmp_path):
    expected = values(randomise(compact, seed=1))
    for dtype in ("float32", "float16"):
        weights.save(compact, tmp_path / dtype, dtype=dtype)
    weights.load(randomise(compact, seed=2), tmp_path / "float16")
    for key, value in values(compact).items():
        np.testing.assert_allclose(value, expected[key], rtol=1 / 200, atol=1e-6)
    assert (tmp_path / "float16").stat().st_size < 0.47 * (tmp_path / "float32").stat().st_size


def test_half_precision_keeps_what_is_too_large_for_it(tmp_path):
    model = small()
    large = np.linspace(0.1, 83614.7, 8, dtype=np.float32)  # the original's bn_conv1 has variances so large
    variables(model)["bn_conv1/moving_variance"].assign(large)
    weights.save(model, tmp_path / "a.h5", dtype="float16")
    weights.load(randomise(model, 1), tmp_path / "a.h5")
    assert np.array_equal(values(model)["bn_conv1/moving_variance"], large)
    large[-1] = 65450  # is finite in half precision, and infinite when rounded to eight bits
    variables(model)["bn_conv1/moving_variance"].assign(large)
    weights.save(model, tmp_path / "a.h5", dtype="float16")
    weights.load(randomise(model, 1), tmp_path / "a.h5")
    assert np.array_equal(values(model)["bn_conv1/moving_variance"], large)


def test_the_reference_weights_load_bit_for_bit(tmp_path):
    entries = weights_recipe.load_layout(GOLDEN / "layout_r50_shapes128.json")
    arrays = weights_recipe.full_weights(entries, GOLDEN / "calibration_r50_shapes128_seed0.npz", 0)
    weights_recipe.write_h5(tmp_path / "r50.h5", entries, arrays)
    config = Config(**weights.infer_config(tmp_path / "r50.h5"))
    assert (config.BACKBONE, config.NUM_CLASSES) == ("resnet50", 4)
    model = network(config)
    weights.load(model, tmp_path / "r50.h5")

    # Groups, and the order of the weights in each, are those of the file.
    ours = {name: [f"{key}:0" for key in named] for name, named in weights.model_layers(model) if named}
    theirs = {entry["name"]: [w["name"] for w in entry["weights"]] for entry in entries if entry["weights"]}
    assert ours == theirs
    loaded = values(model)
    for group, names in theirs.items():
        for name in names:
            assert np.array_equal(loaded[name.removesuffix(":0")], arrays[f"{group}/{name}"]), name


class Plain(layers.Layer):
    """A layer that has weights of the shapes given and does nothing."""

    def __init__(self, entry, **kwargs):
        super().__init__(name=entry["name"].split("/")[-1], **kwargs)
        for weight in entry["weights"]:
            kind = weight["name"].split("/")[-1].removesuffix(":0")
            self.add_weight(shape=weight["shape"], initializer="zeros", name=kind)
        self.built = True

    def call(self, x):
        return x


def chain(entries):
    """A model of `Plain` layers, one after the other; one entry with several layers is a model in it."""
    x = start = keras.Input((1,), name=entries[0]["name"])
    for entry in entries[1:]:
        inner = {}
        for weight in entry["weights"]:
            inner.setdefault(weight["name"].split("/")[0], []).append(weight)
        if set(inner) <= {entry["name"]}:
            x = Plain(entry)(x)
            continue
        y = begin = keras.Input((1,))
        for name, parts in inner.items():
            y = Plain({"name": name, "weights": parts})(y)
        x = keras.Model(begin, y, name=entry["name"])(x)
    return keras.Model(start, x)


def everything(path):
    """All groups, arrays and attributes of an HDF5 file, by path."""
    found = {}

    def note(name, item):
        found[name] = {key: (np.asarray(v).dtype, np.asarray(v).tolist()) for key, v in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            found[name]["array"] = (item.dtype, item[()].tolist())

    with h5py.File(path) as file:
        note("/", file)
        file.visititems(note)
    return found


def test_the_files_are_those_of_the_original(tmp_path):
    entries = weights_recipe.load_layout(GOLDEN / "coco_h5_layout.json")
    assert len(entries) == 394
    for entry in entries:  # the shapes are checked with the network; here small ones will do
        for weight in entry["weights"]:
            weight["shape"] = [min(side, 2) for side in weight["shape"]]
    arrays = weights_recipe.make_weights(entries)
    weights_recipe.write_h5(tmp_path / "theirs.h5", entries, arrays)
    model = chain(entries)
    weights.load(model, tmp_path / "theirs.h5")
    weights.save(model, tmp_path / "ours.h5")
    assert everything(tmp_path / "ours.h5") == everything(tmp_path / "theirs.h5")


def test_kerass_own_reader_of_the_layout_reads_our_files(saved):
    path, expected = saved
    model = small(seed=2)
    model.load_weights(path, by_name=True)
    assert same(values(model), expected)


def test_a_training_and_an_inference_model_share_files(saved):
    """Layers that only learning has, and a frozen half, change neither names nor order."""
    path, expected = saved
    model = small(seed=2)
    for layer in model.layers[:4]:
        layer.trainable = False
    noise = layers.Dropout(0.5, seed=3, name="only_learning")(model.outputs[0])
    learner = keras.Model(model.inputs, [noise, *model.outputs])
    weights.load(learner, path)
    assert same(values(learner), expected)


# Variants of the layout


def as_text(group, attribute, names):
    group.attrs[attribute] = names


def in_chunks(group, attribute, names):
    for i in range(0, len(names), 2):
        group.attrs[f"{attribute}{i // 2}"] = np.array([name.encode() for name in names[i : i + 2]])


def rename(change):
    """A variant in which every weight has another name: `change(group, name)`."""
    return lambda groups: {
        group: {change(group, name): array for name, array in arrays.items()}
        for group, arrays in groups.items()
    }


def keras_1(_, name):
    layer, kind = name.removesuffix(":0").split("/")
    short = {"kernel": "W", "bias": "b", "moving_mean": "running_mean", "moving_variance": "running_std"}
    return f"{layer}_{short.get(kind, kind)}_1:0"


def cast(dtype):
    return lambda groups: {
        group: {name: array.astype(dtype) for name, array in arrays.items()}
        for group, arrays in groups.items()
    }


def in_one_group(groups):
    return {"mask_rcnn": {name: array for arrays in groups.values() for name, array in arrays.items()}}


def without_empty_groups(groups):
    return {group: arrays for group, arrays in groups.items() if arrays}


def with_anchors(groups):
    return groups | {"anchors": {"anchors/Variable:0": np.zeros((1, 5, 4), np.float32)}}


def unchanged(groups):
    return groups


VARIANTS = {
    "bytes": (unchanged, {}),
    "text": (without_empty_groups, {"write_names": as_text}),
    "chunks": (without_empty_groups, {"write_names": in_chunks}),
    "whole saved model": (unchanged, {"root": "model_weights"}),
    "model of several GPUs": (in_one_group, {}),
    "wrapper": (rename(lambda group, name: f"tower_0/model_1/{name}"), {}),
    "names without :0": (rename(lambda group, name: name.removesuffix(":0")), {}),
    "names with their group": (rename(lambda group, name: f"{group}/{name}"), {}),
    "second model of a session": (rename(lambda group, name: name.replace("/", "_1/")), {}),
    "Keras 1": (rename(keras_1), {}),
    "anchors as a variable": (with_anchors, {}),
    "float64": (cast(np.float64), {}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_read(variant, tmp_path):
    change, options = VARIANTS[variant]
    model = small(seed=1)
    path = write(tmp_path / "a.h5", change(groups_of(model)), **options)
    other = small(seed=2)
    report = weights.load(other, path)
    assert same(values(other), values(model))
    assert set(report.loaded) == set(values(model))


def test_half_precision_files_of_others_are_read(tmp_path):
    model = small(seed=1)
    path = write(tmp_path / "a.h5", cast(np.float16)(groups_of(model)))
    other = small(seed=2)
    weights.load(other, path)
    assert all(v.dtype == np.float32 for v in values(other).values())
    assert same(values(other), {key: v.astype(np.float16) for key, v in values(model).items()})


def test_a_model_that_keras_saved_whole_is_read(tmp_path):
    model = small(seed=1)
    model.save(tmp_path / "whole.h5")
    other = small(seed=2)
    weights.load(other, tmp_path / "whole.h5")
    assert same(values(other), values(model))


def test_more_names_than_an_attribute_holds(tmp_path):
    entries = [{"name": f"{'a_long_name_' * 9}{i}", "weights": []} for i in range(700)]
    entries.append({"name": "conv1", "weights": [{"name": "conv1/bias:0", "shape": [3]}]})
    model = chain(entries)
    weights.save(model, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert "layer_names" not in file.attrs and "layer_names1" in file.attrs
    assert weights.load(model, tmp_path / "a.h5").loaded == ("conv1/bias",)


@pytest.mark.parametrize(
    "group, name, key",
    [
        ("conv1", "conv1/kernel:0", "conv1/kernel"),
        ("conv1", "kernel", "conv1/kernel"),
        ("model_1", "model_1/conv1_2/kernel:0", "conv1/kernel"),
        ("rpn_model", "rpn_model/rpn_class_raw_1/bias:0", "rpn_class_raw/bias"),
        ("mrcnn_mask_conv2", "mrcnn_mask_conv2/kernel:0", "mrcnn_mask_conv2/kernel"),
        ("bn2a_branch2a", "bn2a_branch2a_running_std_1:0", "bn2a_branch2a/moving_variance"),
        ("dense_1", "dense_1/kernel:0", "dense_1/kernel"),
    ],
)
def test_names_are_reduced_to_layer_and_weight(group, name, key):
    assert weight_key(group, name) == key


def test_a_layer_of_layers_keeps_its_names(tmp_path):
    def model(seed):
        sequence = keras.Input((4, 6))
        first = layers.MultiHeadAttention(2, 3, name="attention")(sequence, sequence)
        return randomise(keras.Model(sequence, first), seed)

    weights.save(model(1), tmp_path / "a.h5")
    other = model(2)
    weights.load(other, tmp_path / "a.h5")
    assert same(values(other), values(model(1)))
    assert "attention/query/kernel" in values(other)


# Backbone alone, and exclude


def test_a_file_of_a_backbone_loads_the_backbone_alone(tmp_path):
    model, other = small(seed=1), small(seed=2)
    groups = {name: arrays for name, arrays in groups_of(model).items() if name in ("conv1", "bn_conv1")}
    path = write(tmp_path / "notop.h5", groups)
    before = values(other)
    report = weights.load(other, path)
    assert report.backbone_only and len(report.loaded) == 6 and len(report.kept) == 12
    expected = values(model)
    assert same(values(other), before | {key: expected[key] for key in report.loaded})
    assert "Loaded 6 weights of the backbone alone" in str(report) and "other 12 stay" in str(report)
    assert weights.describe(path).backbone_only


@pytest.mark.parametrize(("theirs", "ours"), [(50, 101), (101, 50)])
def test_a_resnet_of_another_depth_loads_what_both_have(theirs, ours, tmp_path):
    def resnet(depth, seed):
        image = keras.Input((None, None, 3))
        return randomise(keras.Model(image, backbone(image, Config(BACKBONE=f"resnet{depth}"))), seed)

    path = tmp_path / "notop.h5"
    weights.save(resnet(theirs, 1), path)
    model = resnet(ours, 2)
    expected, before = values(resnet(theirs, 1)), values(model)
    with pytest.warns(UserWarning, match=f"holds resnet{theirs}, the model has resnet{ours}"):
        report = weights.load(model, path)
    shared = before.keys() & expected.keys()
    assert report.backbone_only and set(report.loaded) == shared
    assert len(shared) == min(len(before), len(expected))
    assert same(values(model), before | {key: expected[key] for key in shared})


def test_half_a_backbone_is_not_enough(tmp_path):
    path = write(tmp_path / "half.h5", {"conv1": groups_of(small())["conv1"]})
    with pytest.raises(weights.WeightsError, match="4 missing in the file .*bn_conv1/gamma"):
        weights.load(small(), path)


def test_another_number_of_classes_by_exclude(saved):
    path, stored = saved
    model = small(classes=7, seed=2)
    before = values(model)
    report = weights.load(model, path, exclude=HEADS)
    kept = [key for key in before if key.split("/")[0] in HEADS]
    assert same(values(model), stored | {key: before[key] for key in kept})
    assert set(report.kept) == set(kept) and report.excluded == tuple(sorted(HEADS))


@pytest.mark.parametrize("name", ["rpn_model", "rpn_class_raw", "conv1", "mrcnn_class", "rpn_class", "pool"])
def test_exclude_names_layers_of_every_kind(saved, name):
    path, stored = saved
    model = small(seed=2)
    before = values(model)
    weights.load(model, path, exclude=[name])
    kept = [key for key in before if key.startswith(f"{name}/") or (name, key[:4]) == ("rpn_model", "rpn_")]
    assert same(values(model), stored | {key: before[key] for key in kept})


def test_exclude_takes_one_name_too(saved):
    report = weights.load(small(), saved[0], exclude="rpn_class_raw")
    assert report.kept == ("rpn_class_raw/kernel", "rpn_class_raw/bias")


def test_exclude_leaves_out_layers_that_only_the_file_has(saved, tmp_path):
    groups = groups_of(small(seed=1)) | {"fc1000": {"fc1000/kernel:0": np.zeros((2, 2), np.float32)}}
    path = write(tmp_path / "more.h5", groups)
    with pytest.raises(weights.WeightsError, match=r"1 unexpected in the file \(fc1000/kernel\)"):
        weights.load(small(), path)
    weights.load(small(), path, exclude=["fc1000"])


# What does not fit


@pytest.fixture
def untouched():
    """A model that must be as it was when the test is over."""
    model = small(seed=2)
    before = values(model)
    yield model
    assert same(values(model), before)


def test_all_that_does_not_fit_is_one_error(untouched, tmp_path):
    groups = groups_of(small(classes=7, seed=1))
    del groups["bn_conv1"]["bn_conv1/beta:0"]
    groups["fpn_p2"] = {"fpn_p2/kernel:0": np.zeros((3, 3, 2, 2), np.float32)}
    path = write(tmp_path / "a.h5", groups)
    with pytest.raises(weights.WeightsError) as caught:
        weights.load(untouched, path)
    error, message = caught.value, str(caught.value)
    assert error.missing == ["bn_conv1/beta"]
    assert error.unexpected == ["fpn_p2/kernel"]
    assert error.wrong_shape["mrcnn_mask/kernel"] == ((1, 1, 8, 7), (1, 1, 8, 4))
    assert len(error.wrong_shape) == 6
    assert "nothing was loaded: 1 missing in the file (bn_conv1/beta)" in message
    assert "6 of another shape (mrcnn_class_logits/kernel: file (8, 7), model (8, 4)" in message
    assert "and 2 more" in message and "\n" not in message
    assert "NUM_CLASSES 7 against 4" in message


def test_other_classes_are_told_with_what_to_exclude(untouched, tmp_path):
    weights.save(small(classes=7), tmp_path / "a.h5")
    with pytest.raises(weights.WeightsError) as caught:
        weights.load(untouched, tmp_path / "a.h5")
    assert f"To keep what the model has there, pass exclude={HEADS}" in str(caught.value)


def test_the_known_fine_tune_is_named(untouched, tmp_path):
    path = tmp_path / "mask_rcnn_coco.h5"
    weights.save(small(classes=7), path)
    os.truncate(path, 255_944_160)  # takes no room on the disk
    with pytest.raises(weights.WeightsError, match="255,944,160 bytes, is that of a known fine-tune"):
        weights.load(untouched, path)


def test_another_network_is_told_by_its_numbers(compact, tmp_path):
    weights.save(randomise(compact, 0), tmp_path / "a.h5")
    with pytest.raises(weights.WeightsError) as caught:
        weights.load(small(), tmp_path / "a.h5")
    assert len(caught.value.unexpected) > 100
    assert "and 2 more" not in str(caught.value) and len(str(caught.value)) < 1500
    assert "BACKBONE compact against None" in str(caught.value)
    assert "infer_config" in str(caught.value)


def test_an_unknown_name_in_exclude(saved):
    """As in the original it does no harm; if it was meant for weights that do not fit, they tell."""
    with pytest.warns(UserWarning, match="exclude names mrcnn_maks: there is no such layer"):
        weights.load(small(), saved[0], exclude=["mrcnn_maks", "mrcnn_mask"])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(untouched, tmp_path, bad):
    groups = groups_of(small(seed=1))
    groups["mrcnn_mask"]["mrcnn_mask/bias:0"] = np.array([1, 2, bad, 4], np.float32)
    path = write(tmp_path / "a.h5", groups)
    with pytest.raises(weights.WeightsError, match="NaN or infinite values in mrcnn_mask/bias") as caught:
        weights.load(untouched, path)
    assert caught.value.not_finite == ["mrcnn_mask/bias"]


def test_integers_are_no_weights(untouched, tmp_path):
    groups = groups_of(small(seed=1))
    groups["conv1"]["conv1/bias:0"] = np.arange(8)
    path = write(tmp_path / "a.h5", groups)
    with pytest.raises(weights.WeightsError, match="conv1/bias has dtype int64; weights are floats"):
        weights.load(untouched, path)


def test_two_weights_of_one_name(untouched, tmp_path):
    groups = groups_of(small(seed=1))
    groups["model_2"] = dict(groups["conv1"])
    with pytest.raises(weights.WeightsError, match="holds conv1/kernel twice"):
        weights.load(untouched, write(tmp_path / "a.h5", groups))


def test_two_layers_of_one_name_cannot_be_saved(tmp_path):
    vector = keras.Input((3,))
    inner = keras.Model(vector, layers.Dense(3, name="twin")(vector), name="inner")
    model = keras.Model(vector, inner(layers.Dense(3, name="twin")(vector)))
    with pytest.raises(weights.WeightsError, match="two weights named twin/kernel"):
        weights.save(model, tmp_path / "a.h5")
    assert not list(tmp_path.iterdir())


# Files that are no weights


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return buffer.getvalue()


BAD_FILES = {
    "empty": (b"", "is empty"),
    "html": (b"\n<!DOCTYPE html>\n<html>404</html>", "is a web page, not HDF5"),
    "xml": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "is a web page, not HDF5"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git-lfs pointer.*git lfs pull"),
    "pickle": (pickle.dumps({"conv1": [1.0]}), "is a Python pickle .*not opened"),
    "torch": (zipped("archive/data.pkl", "archive/data/0"), "is a PyTorch file"),
    "npz": (zipped("conv1.npy"), "is a NumPy .npz archive"),
    "keras": (zipped("config.json", "metadata.json", "model.weights.h5"), "is a Keras 3 `.keras` archive"),
    "zip": (zipped("mask_rcnn_coco.h5"), "is a zip archive, not HDF5; unpack"),
    "cut zip": (zipped("conv1.npy")[:20], "is a damaged zip archive"),
    "gzip": (b"\x1f\x8b\x08\x00", "is compressed; unpack"),
    "text": (b"conv1 1.0 2.0", r"is not HDF5 \(it begins with b'conv1 1.'\)"),
    "signature alone": (b"\x89HDF\r\n\x1a\n", "is damaged HDF5"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize(
    "read", [weights.describe, weights.read_metadata, lambda p: weights.load(small(), p)]
)
def test_each_bad_file_has_its_own_sentence(tmp_path, kind, read):
    content, match = BAD_FILES[kind]
    path = tmp_path / "mask_rcnn_coco.h5"
    path.write_bytes(content)
    with pytest.raises(weights.WeightsError, match=match) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file.*download_weights.py"):
        weights.load(small(), tmp_path / "none.h5")
    with pytest.raises(weights.WeightsError, match="is a folder"):
        weights.load(small(), tmp_path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_truncated_file(untouched, saved, share):
    path, _ = saved
    size = path.stat().st_size
    os.truncate(path, int(share * size))
    with pytest.raises(weights.WeightsError, match=f"is cut short: it has [0-9,]+ of {size:,} bytes"):
        weights.load(untouched, path)


def test_damage_inside_of_a_file(untouched, tmp_path):
    """A compressed array whose bytes have been overwritten."""
    path = tmp_path / "a.h5"
    weights.save(small(seed=1), path, dtype="float16")
    with h5py.File(path) as file:
        chunk = file["conv1/conv1/kernel:0"].id.get_chunk_info(0)
    with open(path, "rb+") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)
    with pytest.raises(weights.WeightsError, match="is damaged"):
        weights.load(untouched, path)


def test_an_array_that_is_announced_but_not_there(untouched, saved):
    with h5py.File(saved[0], "r+") as file:
        del file["conv1/conv1/bias:0"]
    with pytest.raises(weights.WeightsError, match="is damaged HDF5 .*bias:0"):
        weights.load(untouched, saved[0])


def test_kerass_own_new_layout(untouched, tmp_path):
    small().save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(weights.WeightsError, match=r"Keras 3's own `\.weights\.h5` layout"):
        weights.load(untouched, tmp_path / "a.weights.h5")


def test_hdf5_of_something_else(untouched, tmp_path):
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["images"] = np.zeros((2, 4, 4, 3))
    with pytest.raises(weights.WeightsError, match="holds no weights: it lacks the attribute layer_names"):
        weights.load(untouched, tmp_path / "images.h5")


def test_the_layout_without_a_weight(untouched, tmp_path):
    with pytest.raises(weights.WeightsError, match="no weights in it"):
        weights.load(untouched, write(tmp_path / "a.h5", {"input_image": {}}))


# Metadata and description


def test_metadata_of_any_length_comes_back(tmp_path):
    metadata = {"config": {"NUM_CLASSES": 2}, "class_names": ["BG", "château " * 20_000]}
    weights.save(small(), tmp_path / "a.h5", metadata)
    assert (
        weights.read_metadata(tmp_path / "a.h5") == metadata == weights.describe(tmp_path / "a.h5").metadata
    )
    weights.save(small(), tmp_path / "b.h5")
    assert weights.read_metadata(tmp_path / "b.h5") is None


@pytest.mark.parametrize("text", ["{", "[1]", '{"config": 1}', 7])
def test_damaged_metadata(tmp_path, text):
    weights.save(small(), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.attrs["mrcnn"] = text
    with pytest.raises(weights.WeightsError, match=r"a.h5: its attribute 'mrcnn'.*is damaged; copy"):
        weights.read_metadata(tmp_path / "a.h5")


def test_a_file_tells_its_network(compact, tmp_path):
    weights.save(randomise(compact, 0), tmp_path / "a.h5", dtype="float16")
    info = weights.describe(tmp_path / "a.h5")
    assert info.config == weights.infer_config(tmp_path / "a.h5") == COMPACT
    assert (info.backbone, info.anchors, info.backbone_only) == ("compact", 3, False)
    assert info.parameters == compact.count_params()
    assert info.layers == sum(bool(layer.weights) for layer in compact.layers) + 2  # the RPN's three in one
    assert info.size == (tmp_path / "a.h5").stat().st_size and info.metadata is None
    (tmp_path / "abc.h5").write_bytes(b"abc")
    named = weights.FileInfo(**{**vars(info), "path": tmp_path / "abc.h5"})
    assert named.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "layout, name, classes", [("coco_h5_layout", "resnet101", 81), ("layout_r50_pad64", "resnet50", 7)]
)
def test_the_originals_networks_are_told_by_their_shapes(layout, name, classes):
    entries = weights_recipe.load_layout(GOLDEN / f"{layout}.json")
    shapes = {w["name"].removesuffix(":0"): w["shape"] for entry in entries for w in entry["weights"]}
    told = network_of(shapes)
    assert told.pop("anchors") == 3
    assert Config(**told).changes() == Config(BACKBONE=name, NUM_CLASSES=classes).changes()


def test_other_backbones_are_told_to_be_others(saved):
    info = weights.describe(saved[0])
    assert info.backbone == "other" and "BACKBONE" not in info.config
    assert info.config["NUM_CLASSES"] == 4


def test_pictures_of_other_channels_are_told(tmp_path):
    kernel = {"conv1/kernel:0": np.zeros((7, 7, 5, 64), np.float32)}
    assert weights.infer_config(write(tmp_path / "a.h5", {"conv1": kernel})) == {"IMAGE_CHANNEL_COUNT": 5}


# The optimizer's state


def optimizer_for(model, seed=None):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(model.trainable_variables)
    if seed is not None:
        rng = np.random.default_rng(seed)
        for variable in optimizer.variables:
            variable.assign(rng.integers(0, 100, variable.shape))
    return optimizer


def test_the_optimizers_state_comes_back(tmp_path):
    model = small()
    optimizer = optimizer_for(model, seed=1)
    expected = {v.name: to_numpy(v) for v in optimizer.variables}
    weights.save(model, tmp_path / "a.h5", dtype="float16", optimizer=optimizer)
    other = optimizer_for(model, seed=2)
    rate = to_numpy(other.learning_rate)
    assert weights.load_optimizer(other, tmp_path / "a.h5")
    # All but the learning rate, which the caller has chosen.
    assert same({v.name: to_numpy(v) for v in other.variables}, expected | {"learning_rate": rate})
    assert rate != expected["learning_rate"]
    assert len(weights.load(model, tmp_path / "a.h5").loaded) == len(values(model))
    model.load_weights(tmp_path / "a.h5", by_name=True)  # nor does it disturb Keras


def test_a_file_without_a_state(saved):
    assert weights.load_optimizer(optimizer_for(small()), saved[0]) is False


def test_the_state_of_another_kind_of_the_same_shapes(tmp_path):
    model = small()
    weights.save(model, tmp_path / "a.h5", optimizer=optimizer_for(model))
    other = keras.optimizers.RMSprop()
    other.build(model.trainable_variables)
    assert [v.shape for v in other.variables] == [v.shape for v in optimizer_for(model).variables]
    with pytest.raises(weights.WeightsError, match=r"another optimizer \(SGD .* not RMSprop"):
        weights.load_optimizer(other, tmp_path / "a.h5")


def test_the_state_of_another_optimizer(tmp_path):
    model = small()
    weights.save(model, tmp_path / "a.h5", optimizer=optimizer_for(model))
    model.get_layer("conv1").trainable = False
    other = optimizer_for(model, seed=2)
    before = [to_numpy(v) for v in other.variables]
    with pytest.raises(weights.WeightsError, match="state of another optimizer"):
        weights.load_optimizer(other, tmp_path / "a.h5")
    assert all(np.array_equal(to_numpy(v), b) for v, b in zip(other.variables, before, strict=True))


# Saving is all or nothing


@pytest.fixture
def kept(saved):
    """A file that must be as it was, alone in its folder, when the test is over."""
    path, _ = saved
    before = path.read_bytes()
    yield path
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_full_disk_costs_nothing(kept, share):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * kept.stat().st_size), before[1]))
    try:
        with pytest.raises(
            weights.WeightsError, match=r"cannot be written \(File too large\); free space.*untouched"
        ):
            weights.save(small(seed=3), kept)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_nan_is_not_saved(kept):
    model = small()
    variables(model)["conv1/bias"].assign(np.full(8, np.nan, np.float32))
    with pytest.raises(weights.WeightsError, match="conv1/bias:0 has NaN .*nothing was saved"):
        weights.save(model, kept)


def test_metadata_that_is_not_for_json(kept):
    with pytest.raises(TypeError):
        weights.save(small(), kept, metadata={"config": object()})


def test_an_unknown_dtype(kept):
    with pytest.raises(weights.WeightsError, match="dtype is 'int8'"):
        weights.save(small(), kept, dtype="int8")


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(weights.WeightsError, match="cannot be written .No such file or directory"):
        weights.save(small(), tmp_path / "none" / "a.h5")
    with pytest.raises(weights.WeightsError, match="it is a folder"):
        weights.save(small(), tmp_path)
    with pytest.raises(
        weights.WeightsError, match=r"/proc/a.h5 cannot be written \([^,\n]+\); .*another folder"
    ):
        weights.save(small(), "/proc/a.h5")  # no one may write there
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_and_a_link_stays_one(saved, tmp_path):
    link = tmp_path / "last.h5"
    link.symlink_to(saved[0].name)
    model = small(seed=3)
    weights.save(model, link)
    assert link.is_symlink()
    other = small(seed=4)
    weights.load(other, saved[0])
    assert same(values(other), values(model))
    assert sorted(tmp_path.iterdir()) == sorted([link, saved[0]])


def large():
    """A model that takes a while to write."""
    entry = {"name": "conv1", "weights": [{"name": "conv1/kernel:0", "shape": [4_000_000]}]}
    return chain([{"name": "input_image", "weights": []}, entry])


KILLED = """
import sys
from mrcnn import weights
from tests.test_weights import large
model = large()
while True:
    weights.save(model, sys.argv[1])
"""


def test_a_kill_while_saving_leaves_a_whole_file(tmp_path):
    path = tmp_path / "a.h5"
    command = [sys.executable, "-c", KILLED, str(path)]
    process = subprocess.Popen(command, cwd=GOLDEN.parents[1])
    try:
        halves = []
        end = time.monotonic() + 120
        while not (path.exists() and halves) and time.monotonic() < end and process.poll() is None:
            halves = list(tmp_path.glob(".a.*.part.h5"))
    finally:
        process.kill()
        process.wait()
    assert halves  # it was at work
    assert weights.load(large(), path).loaded == ("conv1/kernel",)

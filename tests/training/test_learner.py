"""What a training step is made of: layers that learn, decay, losses, the optimizer; one step at a time."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.config import LOSSES
from mrcnn.data.dataset import Dataset
from mrcnn.data.toybox import ToyboxDataset
from mrcnn.network import kernels
from mrcnn.training.trainer import layer_pattern
from tests.tiny import beginner, five_normalized, values

SCENES = ToyboxDataset(3, seed=1, size=64)


def step(model, layers="all", rate=0.01, dataset=SCENES, **options):
    """Train one step; gives the weights before and after, and the losses by name."""
    before = values(model.keras_model)
    model.config.STEPS_PER_EPOCH = 1
    history = model.train(dataset, None, rate, model.epoch + 1, layers, verbose=0, **options).history
    return before, values(model.keras_model), {name: value[-1] for name, value in history.items()}


def decay_of(model):
    return float(ops.convert_to_numpy(model.keras_model.weight_decay()))


def moved(before, after):
    return {name for name in before if not np.array_equal(before[name], after[name])}


# ---- which layers learn


@pytest.mark.parametrize(
    ("choice", "learn", "rest"),
    [
        ("heads", "fpn_c5p5 rpn_conv_shared mrcnn_mask mrcnn_class_bn1", "conv1 res5b_branch2b bn2a_branch1"),
        ("3+", "res3b_branch2a bn3a_branch1 res5a_branch1 fpn_p2", "conv1 bn_conv1 res2c_branch2a"),
        ("4+", "res4a_branch2a bn5a_branch2a rpn_bbox_pred", "res3a_branch2b bn3a_branch2b"),
        ("5+", "res5a_branch2a bn5a_branch1 mrcnn_bbox_fc", "res4a_branch2b bn4b_branch2a"),
        ("all", "conv1 bn_conv1 res2a_branch1 mrcnn_mask", ""),
        ("mrcnn_mask.*", "mrcnn_mask mrcnn_mask_deconv", "mrcnn_class_conv1 rpn_conv_shared conv1"),
        ("mask", "", "mrcnn_mask mrcnn_mask_deconv"),  # the whole name must match
    ],
)
def test_choice_of_layers(tmp_path, choice, learn, rest):
    model = beginner(tmp_path, BACKBONE="resnet50" if choice == "3+" else "compact")
    model.set_trainable(layer_pattern(choice), verbose=0)
    inner = model.keras_model.get_layer("rpn_model").layers
    trainable = {layer.name: layer.trainable for layer in [*model.keras_model.layers, *inner]}
    names = [name for name in learn.split() if name in trainable]
    assert all(trainable[name] for name in names) and len(names) == len(learn.split())
    others = [name for name in rest.split() if name in trainable]
    assert not any(trainable[name] for name in others)
    assert bool(others) == bool(rest)
    count = len(model.keras_model.trainable_variables)
    assert (count > 0) == bool(learn)


@pytest.mark.parametrize("choice", ["heds", "(", None, ["heads"]])
def test_no_layers_to_train(tmp_path, choice):
    with pytest.raises(ValueError, match="layers is .*give heads, 3"):
        beginner(tmp_path).train(None, None, 0.001, 1, choice)


@pytest.mark.parametrize("choice", ["heads", "5+", "fpn_.*"])
def test_only_chosen_layers_change(tmp_path, choice):
    model = beginner(tmp_path, BACKBONE=five_normalized)
    before, after, _ = step(model, choice)
    changed = {name.split("/")[-2] for name in moved(before, after)}
    parts = {
        "heads": ("fpn", "rpn", "mrcnn"),
        "5+": ("fpn", "rpn", "mrcnn", "res5", "bn5"),
        "fpn_.*": ("fpn",),
    }
    assert changed and all(name.startswith(parts[choice]) for name in changed)
    for part in parts[choice]:
        assert any(name.startswith(part) for name in changed), part


@pytest.mark.parametrize("train_bn", [None, True, False])
def test_statistics_follow_train_bn(tmp_path, train_bn):
    model = beginner(tmp_path, TRAIN_BN=train_bn)
    before, after, losses = step(model)
    statistics = [name for name in before if "moving" in name]
    changed = moved(before, after) & set(statistics)
    assert np.isfinite(losses["loss"])
    assert changed == (set(statistics) if train_bn is not False else set())


# ---- the loss and the optimizer


def test_weight_decay_is_l2_over_size_but_not_of_normalisation(tmp_path):
    model = beginner(tmp_path, WEIGHT_DECAY=0.5)
    model.set_trainable(layer_pattern("heads"), verbose=0)
    expected = 0.5 * sum(
        np.mean(np.square(ops.convert_to_numpy(w)))
        for w in model.keras_model.trainable_weights
        if "/gamma" not in w.path and "/beta" not in w.path
    )
    assert decay_of(model) == pytest.approx(expected, rel=1e-5)
    model.set_trainable(".*bn.*", verbose=0)
    assert decay_of(model) == 0


def test_the_loss_is_the_weighted_sum_and_the_decay(tmp_path):
    plain = beginner(tmp_path, WEIGHT_DECAY=0.5)
    decay = decay_of(plain)
    before, _, losses = step(plain)
    assert set(losses) == {"loss", *LOSSES}
    assert losses["loss"] == pytest.approx(sum(losses[name] for name in LOSSES) + decay, rel=1e-5)
    assert all(losses[name] > 0 for name in LOSSES)

    weighted = beginner(tmp_path, LOSS_WEIGHTS={"rpn_class_loss": 3.0, "mrcnn_mask_loss": 0.0})
    start, after, heavier = step(weighted)
    assert not moved(before, start)
    assert heavier["rpn_class_loss"] == pytest.approx(3 * losses["rpn_class_loss"], rel=1e-4)
    assert heavier["mrcnn_class_loss"] == pytest.approx(losses["mrcnn_class_loss"], rel=1e-4)
    assert heavier["mrcnn_mask_loss"] == 0
    assert not {name for name in moved(start, after) if "mrcnn_mask" in name and "kernel" in name}


def test_the_original_s_optimizer_with_the_norm_of_all_gradients_clipped(tmp_path):
    model = beginner(tmp_path, LOSS_WEIGHTS=dict.fromkeys(LOSSES, 1000.0), GRADIENT_CLIP_NORM=5.0)
    before, after, _ = step(model, rate=0.01)
    optimizer = model.keras_model.optimizer
    assert isinstance(optimizer, keras.optimizers.SGD) and optimizer.momentum == 0.9
    distance = np.sqrt(sum(np.sum(np.square(after[name] - before[name])) for name in before))
    assert distance == pytest.approx(0.01 * 5, rel=1e-2)


# ---- ways to train


@pytest.mark.parametrize(
    "changes",
    [
        {"USE_MINI_MASK": False},
        {"IMAGE_RESIZE_MODE": "crop", "IMAGE_MIN_SCALE": 1.5},
        {"IMAGES_PER_GPU": 3, "RPN_ANCHOR_STRIDE": 2},
        {"MIXED_PRECISION": True, "TRAIN_BN": None},
    ],
    ids=["whole masks", "crop", "every second place", "mixed precision"],
)
def test_a_step_of_each_kind(tmp_path, changes):
    model = beginner(tmp_path, **changes)
    before, after, losses = step(model)
    assert all(np.isfinite(list(losses.values()))) and losses["mrcnn_mask_loss"] > 0
    assert {name.split("/")[-2] for name in moved(before, after)} >= {"conv1", "fpn_p2", "mrcnn_mask"}
    assert all(value.dtype == np.float32 for value in after.values())


def test_losses_are_float32_in_mixed_precision(tmp_path):
    model = beginner(tmp_path, MIXED_PRECISION=True)
    assert model.keras_model.get_layer("conv1").compute_dtype == "bfloat16"
    for name, answer in model.keras_model.output.items():
        assert answer.dtype in ("float32", "int32"), name


@pytest.mark.skipif(kernels.BACKEND == "torch", reason="PyTorch runs as it is written")
def test_the_step_is_compiled_once(tmp_path):
    model = beginner(tmp_path, STEPS_PER_EPOCH=2)
    layer, traced, per_epoch = model.keras_model.get_layer("conv1"), [], []
    call = layer.call
    layer.call = lambda *args: traced.append(1) or call(*args)
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: per_epoch.append(len(traced)))
    model.train(SCENES, None, 0.01, 3, "heads", custom_callbacks=[count], verbose=0)
    assert 1 <= per_epoch[0] == per_epoch[2]
    assert model.keras_model.jit_compile == (kernels.BACKEND == "jax")  # XLA is slow for TensorFlow


# ---- data that cannot be trained on


class Squares(Dataset):
    """Pictures of one colour with one square each, of class `class_id`."""

    def __init__(self, colour=90.0, class_id=3, classes=20, pictures=2):
        super().__init__()
        for i in range(1, classes):
            self.add_class("made", i, f"thing {i}")
        for i in range(pictures):
            self.add_image("made", i, f"made/{i}")
        self.colour, self.class_id = colour, class_id
        self.prepare()

    def load_image(self, image_id):
        return np.full((64, 64, 3), self.colour, np.float32)

    def load_mask(self, image_id):
        mask = np.zeros((64, 64, 1), bool)
        mask[10:40, 10:40] = True
        return mask, np.array([self.class_id], np.int32)


@pytest.mark.parametrize(
    ("unfit", "sentence"),
    [
        ({"classes": 5}, "has 5 classes.*NUM_CLASSES is 20"),
        ({"pictures": 0}, "no pictures"),
        ({"class_id": -3}, "no objects"),
        ({"class_id": 53}, "class 53"),
    ],
    ids=["classes", "no pictures", "crowds only", "unknown class"],
)
def test_data_that_teach_nothing_are_refused(tmp_path, unfit, sentence):
    model = beginner(tmp_path)
    before = values(model.keras_model)
    with pytest.raises(ValueError, match=sentence):
        model.train(Squares(**unfit), None, 0.01, 1, "heads", verbose=0)
    assert not moved(before, values(model.keras_model))


def test_no_number_for_a_loss_names_the_pictures(tmp_path):
    model = beginner(tmp_path, IMAGES_PER_GPU=1)
    with pytest.raises(FloatingPointError, match=r"step \d of epoch 1.*image ids \[\d\] \(.*made/\d"):
        model.train(Squares(colour=1e38), None, 0.01, 1, "heads", verbose=0)


def test_too_fast_a_learning_rate_is_stopped_too(tmp_path):
    model = beginner(tmp_path, GRADIENT_CLIP_NORM=None, STEPS_PER_EPOCH=20)
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        model.train(SCENES, None, 1e6, 1, "all", verbose=0)
    assert not list(tmp_path.rglob("*.h5"))


def test_a_model_to_train_does_not_detect(tmp_path):
    with pytest.raises(ValueError, match="mode='inference'"):
        beginner(tmp_path).detect([])

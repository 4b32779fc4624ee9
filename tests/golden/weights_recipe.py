"""Weights that anyone can make again: every array follows from its name, its shape and a seed.

The goldens of whole networks were recorded with these weights. They mean nothing as a detector; they are
scaled so that every stage is alive: scores spread out, boxes move, several classes are found, masks have
edges.
"""

import json
import zlib
from pathlib import Path

import h5py
import numpy as np

# Gains of the output layers. Found by trial, so that detections are many, of several classes and not on a
# knife's edge.
GAINS = {
    "rpn_class_raw": 1.0,
    "rpn_bbox_pred": 1.0,
    "mrcnn_class_logits": 1.0,
    "mrcnn_bbox_fc": 1.0,
    "mrcnn_mask": 1.0,
}


def load_layout(path):
    """Layers of a layout file: a list of {"name", "weights": [{"name", "shape"}, ...]}."""
    return json.loads(Path(path).read_text())["layers"]


def make_weights(layers, seed=0, gains=GAINS):
    """Return {"layer/weight_name": float32 array} for every weight of `layers`."""
    return {
        f"{layer['name']}/{weight['name']}": _array(weight["name"], weight["shape"], seed, gains)
        for layer in layers
        for weight in layer["weights"]
    }


def _array(name, shape, seed, gains):
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    layer, kind = name.rsplit(":", 1)[0].split("/")[-2:]
    noise = rng.standard_normal(shape)
    if kind == "kernel":
        fan_in = int(np.prod(shape[:-1]))
        if layer == "mrcnn_mask_deconv":
            # A transposed kernel is (height, width, out, in), and a pixel sees one tap.
            fan_in = shape[-1]
        value = noise * np.sqrt(2 / fan_in) * gains.get(layer, 1.0)
    elif kind == "bias":
        value = 0.02 * noise
    elif kind == "gamma":
        last_of_block = layer.endswith("_branch2c")
        value = (0.25 if last_of_block else 1.0) * (1 + 0.1 * noise)
    elif kind in ("beta", "moving_mean"):
        value = 0.05 * noise
    elif kind == "moving_variance":
        value = np.exp(rng.uniform(np.log(0.5), np.log(2), shape))
    else:
        raise ValueError(f"no rule for {name}")
    return value.astype(np.float32)


def write_h5(path, layers, weights):
    """Write `weights` in the Keras 2 "weights only" layout, as the original's files have it."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([layer["name"].encode() for layer in layers])
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.0.8"
        for layer in layers:
            group = file.create_group(layer["name"])
            names = [weight["name"] for weight in layer["weights"]]
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for name in names:
                group.create_dataset(name, data=weights[f"{layer['name']}/{name}"])


def full_weights(layers, calibration_path, seed):
    """The weights of a recorded whole network: the recipe with its case's gains, its calibration over it.

    Calibration holds batch-norm statistics and output biases; its keys have "|" where a weight's name has
    "/".
    """
    with np.load(calibration_path) as calibration:
        weights = make_weights(layers, seed, json.loads(str(calibration["gains"])))
        arrays = [key for key in calibration.files if key != "gains"]
        weights.update({key.replace("|", "/"): calibration[key] for key in arrays})
    return weights

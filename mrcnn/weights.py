"""Weights are arrays with names: read and write the original's HDF5 layout, which `layout` describes.

    load(model, "mask_rcnn_coco.h5")                 the model's variables, each by its name
    save(model, "mine.h5")                           a file that the original and its forks read too
    describe("mine.h5"), infer_config("mine.h5")     the network that a file is for
    download(), find("coco")                         the file with the COCO weights

Nothing here unpickles, and nothing is loaded in part: what does not fit is one error that lists all of it.
"""

import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from mrcnn.cutout import Cutout
from mrcnn.describe import (
    BACKBONE_LAYER,
    FileInfo,
    backbone_of,
    describe,
    infer_config,
    network_of,
    read_metadata,
)
from mrcnn.download import FINE_TUNE_SIZE, download, find, find_coco
from mrcnn.files import CannotWrite, replacing
from mrcnn.layout import WeightsError, open_layout, read_names, reading, stored_weights, write_names

__all__ = [
    "FileInfo",
    "Report",
    "WeightsError",
    "describe",
    "download",
    "find",
    "find_coco",
    "infer_config",
    "load",
    "load_optimizer",
    "read_metadata",
    "save",
]

EXAMPLES = "examples"  # the group of a file in which they are, a name that no layer has
CLASS_LAYERS = ("mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask")  # one output a class
OUTPUTS = {"rpn_class_logits", "rpn_class", "rpn_bbox", "mrcnn_class", "mrcnn_bbox"}  # have no weights
SHOWN = 4  # names in an error


@dataclass(frozen=True)
class Report:
    """What `load` did.

    Attributes:
        path: the file.
        loaded: names of the weights that were set, `layer/weight`.
        excluded: names of the layers that were to be left out.
        kept: names of the model's weights that stay as they were.
        parameters: how many numbers were loaded.
        backbone_only: whether the file holds nothing but a backbone.
    """

    path: Path
    loaded: tuple
    excluded: tuple
    kept: tuple
    parameters: int
    backbone_only: bool

    def __str__(self):
        what = "weights of the backbone alone" if self.backbone_only else "weights"
        rest = f"; the model's other {len(self.kept)} stay as they were" if self.kept else ""
        return f"Loaded {len(self.loaded)} {what} ({self.parameters:,} parameters) from {self.path}{rest}."


# A model's variables


def model_layers(model):
    """All layers of a Keras model with their variables, in the order of the original's files.

    Returns:
        list of (layer's name, dict from `layer/weight` to variable). A model in the model is one entry.

    Raises:
        WeightsError: two variables have one name, so a file could not tell them apart.
    """
    layers, seen = [], {}
    for layer in model.layers:
        named = list(_named(layer))
        for key, variable in named:
            if seen.setdefault(key, variable) is not variable:
                raise WeightsError(
                    f"The model has two weights named {key}; give its layers names of their own."
                )
        layers.append((layer.name, dict(named)))
    return layers


def _named(layer):
    for inner in getattr(layer, "layers", ()):
        yield from _named(inner)
    if hasattr(layer, "layers"):
        return
    for variable in layer.weights:
        path = variable.path.split("/")
        start = path.index(layer.name) + 1 if layer.name in path else -1
        yield "/".join([layer.name, *path[start:]]), variable


# Load


def load(model, path, exclude=()):
    """Set a model's variables from a file, each by its name.

    Everything is checked first: if anything does not fit, no variable is touched.

    Args:
        model: a `keras.Model`; float32 variables.
        path: a file in the original's layout. If it holds a backbone alone, the rest stays as it is.
        exclude: names of layers, in the model or the file, that are to be left as they are.

    Returns:
        a `Report`.

    Raises:
        FileNotFoundError: there is no such file.
        WeightsError: the file is none of weights, or its weights do not fit, or contain NaN.
    """
    path, excluded = Path(path), {exclude} if isinstance(exclude, str) else set(exclude)
    owners = {key: (name, v) for name, named in model_layers(model) for key, v in named.items()}
    with open_layout(path) as root:
        stored = stored_weights(root, path, owners)
        _warn_of_unknown(excluded, model, root, stored, path)
        # Forks for TensorFlow 2 keep the anchors as a variable; they follow from the config.
        found = {
            key: item.array
            for key, item in stored.items()
            if not _layers_of(key, item.group) & (excluded | {"anchors"})
        }
        wanted = {key: v for key, (name, v) in owners.items() if not _layers_of(key, name) & excluded}
        backbone_only = all(map(BACKBONE_LAYER.match, stored))
        if backbone_only:
            wanted = {key: v for key, v in wanted.items() if BACKBONE_LAYER.match(key)}
            found, wanted = _what_both_have(path, found, wanted)
        _check_fit(path, found, wanted)
        _check_values(path, found)
        # Each array is read twice, once to check, so that there is never more than one in memory.
        with reading(path):
            for key, variable in wanted.items():
                variable.assign(_read(found[key]))
    return Report(
        path,
        tuple(wanted),
        tuple(sorted(excluded)),
        tuple(key for key in owners if key not in wanted),
        sum(int(np.prod(v.shape)) for v in wanted.values()),
        backbone_only,
    )


def _what_both_have(path, found, wanted):
    """Of two whole ResNets of different depth, the weights of the blocks that both have, with a warning.

    Programs of the original begin ResNet-101 with ImageNet's weights for ResNet-50, and are not told.
    """
    theirs, ours = (backbone_of({key.split("/")[0] for key in part}) for part in (found, wanted))
    if theirs == ours or not {theirs, ours} <= {"resnet50", "resnet101"}:
        return found, wanted
    both = {key: v for key, v in wanted.items() if key in found}
    layers = {key.split("/")[0] for key in wanted if key not in found}
    rest = f"{len(layers)} layers of the model stay as they were." if layers else "The others are left out."
    warnings.warn(
        f"{path} holds {theirs}, the model has {ours}: {len(both)} weights are of what both have. {rest}",
        stacklevel=4,
    )
    return {key: found[key] for key in both}, both


def _layers_of(key, group):
    return {key.split("/")[0], group}


def _read(array):
    return array[()].astype(np.float32, copy=False)


def _warn_of_unknown(excluded, model, root, stored, path):
    """Programs of the original may exclude what is nowhere; a slip of the pen shows in what does not fit."""
    known = OUTPUTS | set(read_names(root, "layer_names")) | {key.split("/")[0] for key in stored}
    for name, named in model_layers(model):
        known |= {name, *(key.split("/")[0] for key in named)}
    unknown = sorted(excluded - known)
    if unknown:
        warnings.warn(
            f"exclude names {_some(unknown)}: there is no such layer in {path} or the model.", stacklevel=3
        )


def _check_fit(path, found, wanted):
    """Raise one error with all that is missing, unexpected or of another shape."""
    missing = [key for key in wanted if key not in found]
    unexpected = [key for key in found if key not in wanted]
    shapes = {key: (found[key].shape, tuple(v.shape)) for key, v in wanted.items() if key in found}
    wrong = {key: pair for key, pair in shapes.items() if pair[0] != pair[1]}
    if not (missing or unexpected or wrong):
        return
    shown = [f"{key}: file {theirs}, model {ours}" for key, (theirs, ours) in wrong.items()]
    parts = [
        missing and f"{len(missing)} missing in the file ({_some(missing)})",
        unexpected and f"{len(unexpected)} unexpected in the file ({_some(unexpected)})",
        wrong and f"{len(wrong)} of another shape ({_some(shown)})",
    ]
    in_file = network_of({key: array.shape for key, array in found.items()})
    in_model = network_of({key: tuple(v.shape) for key, v in wanted.items()})
    differences = [f"{n} {v} against {in_model[n]}" for n, v in in_file.items() if v and v != in_model[n]]
    sentences = [f"{path} does not fit the model, and nothing was loaded: {'; '.join(filter(None, parts))}."]
    if differences:
        sentences.append(f"File against model: {', '.join(differences)}.")
    if path.stat().st_size == FINE_TUNE_SIZE:
        sentences.append(
            f"Its size, {FINE_TUNE_SIZE:,} bytes, is that of a known fine-tune, not of the original."
        )
    layers = list(dict.fromkeys(key.split("/")[0] for key in [*missing, *unexpected, *wrong]))
    if set(layers) <= set(CLASS_LAYERS):
        layers = list(CLASS_LAYERS)
    if len(layers) <= 8:
        sentences.append(f"To keep what the model has there, pass exclude={layers}.")
    else:
        sentences.append("Make the model for the file: Config(**mrcnn.weights.infer_config(path)).")
    raise WeightsError(" ".join(sentences), missing, unexpected, wrong)


def _check_values(path, found):
    not_finite = []
    for key, array in found.items():
        if array.dtype.kind != "f":
            raise WeightsError(f"{path}: {key} has dtype {array.dtype}; weights are floats; save it anew.")
        with reading(path):
            if not np.isfinite(_read(array)).all():
                not_finite.append(key)
    if not_finite:
        raise WeightsError(
            f"{path} has NaN or infinite values in {_some(not_finite)}: its training failed; take an earlier "
            "file. Nothing was loaded.",
            not_finite=not_finite,
        )


def _some(names):
    """The first few names, and how many more there are."""
    names = list(names)
    more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join([*map(str, names[:SHOWN]), *more])


def copy_weights(source, target, exclude=()):
    """Set all variables of a Keras model from those of the same names in another.

    Args:
        exclude: names of layers that stay as they are.
    """
    from keras import ops  # late, because files can be looked at without Keras

    known = {key: variable for _, named in model_layers(source) for key, variable in named.items()}
    for layer, named in model_layers(target):
        for key, variable in named.items() if layer not in exclude else ():
            # A copy: a training step of JAX takes the memory of its own variables away.
            variable.assign(np.array(ops.convert_to_numpy(known[key])))


def load_optimizer(optimizer, path):
    """Restore the state of an optimizer that `save` stored beside the weights, but not its learning rate.

    Args:
        optimizer: a Keras optimizer that is built already, for the same variables.

    Returns:
        bool, whether the file has such a state.

    Raises:
        WeightsError: the state is that of another optimizer, or of other variables. Nothing was restored.
    """
    with open_layout(path) as root:
        if "optimizer_weights" not in root:
            return False
        group = root["optimizer_weights"]
        with reading(path):
            arrays = [group[name][()] for name in read_names(group, "weight_names")]
            kind = group.attrs.get("kind", type(optimizer).__name__)  # older files do not tell
    theirs, ours = [a.shape for a in arrays], [tuple(v.shape) for v in optimizer.variables]
    if theirs != ours or kind != type(optimizer).__name__:
        raise WeightsError(
            f"{path} holds the state of another optimizer ({kind} with {len(theirs)} arrays, not "
            f"{type(optimizer).__name__} with {len(ours)}), or of one that trained other layers; choose the "
            "same layers and optimizer, or start anew."
        )
    for variable, array in zip(optimizer.variables, arrays, strict=True):
        if variable.name != "learning_rate":  # how fast to go on is for the caller to say
            variable.assign(array)
    return True


# Save


def save(model, path, metadata=None, dtype="float32", optimizer=None, examples=()):
    """Write a model's variables in the original's layout, all or nothing.

    Args:
        model: a `keras.Model`.
        path: where to; a file that is there is replaced when the new one is complete, and not before.
        metadata: dict for JSON, kept beside the weights; `read_metadata` reads it.
        dtype: "float32", or "float16" for a compressed file of less than half the size, good to two digits;
            values too large for half precision stay float32.
        optimizer: a Keras optimizer whose state is kept too; `load_optimizer` restores it.
        examples: list of `mrcnn.cutout.Cutout` that it was taught by; `saved_examples` reads them.

    Raises:
        WeightsError: the weights contain NaN, or the file cannot be written. A file that was there is as
            it was.
    """
    if dtype not in ("float32", "float16"):
        raise WeightsError(f"dtype is {dtype!r}; choose float32 or float16.")
    text = None if metadata is None else json.dumps(metadata)
    # HDF5 itself must not meet a full disk: it cannot close a file then, and may crash.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        layers = model_layers(model)
        write_names(file, "layer_names", [name for name, _ in layers])
        file.attrs["backend"] = b"tensorflow"  # the order of kernels' axes, whatever computed them
        file.attrs["keras_version"] = b"2.0.8"
        if text is not None:
            file.attrs["mrcnn"] = text
        for name, named in layers:
            _write_group(file, name, {f"{key}:0": v for key, v in named.items()}, dtype)
        if optimizer is not None:
            _write_group(file, "optimizer_weights", {f"{i}:0": v for i, v in enumerate(optimizer.variables)})
            file["optimizer_weights"].attrs["kind"] = type(optimizer).__name__
        for i, cutout in enumerate(examples):
            dataset = file.create_dataset(f"{EXAMPLES}/{i}", data=cutout.pixels, compression="gzip")
            dataset.attrs.update(name=cutout.name, around=cutout.around)
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(content.getbuffer())
    except CannotWrite as error:
        raise WeightsError(str(error)) from error


def saved_examples(path):
    """The examples that the weights of a file were taught by: list of `mrcnn.cutout.Cutout`.

    Raises:
        FileNotFoundError, WeightsError: the file is none of weights.
    """
    with open_layout(path) as root:
        if EXAMPLES not in root:
            return []
        group = root[EXAMPLES]
        datasets = [group[key] for key in sorted(group, key=int)]
        return [Cutout(data[()], str(data.attrs["name"]), data.attrs["around"]) for data in datasets]


def _write_group(file, name, variables, dtype=None):
    """Write one group; `dtype` None leaves that of each variable."""
    from keras import ops  # late, because files can be looked at without Keras

    group = file.create_group(name)
    write_names(group, "weight_names", list(variables))
    for key, variable in variables.items():
        array = ops.convert_to_numpy(variable)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise WeightsError(f"{key} has NaN or infinite values; nothing was saved.")
        short = _short(array) if dtype == "float16" else None
        if short is not None and np.isfinite(short).all():
            group.create_dataset(key, data=short, compression="gzip", compression_opts=9, shuffle=True)
        else:
            group.create_dataset(key, data=array, dtype=dtype and "float32")


def _short(array):
    """As float16, rounded to eight significant bits: what is zero at the end of each number packs well.

    What is too large is infinite.
    """
    with np.errstate(over="ignore"):
        bits = array.astype(np.float16).view(np.uint16)
    return ((bits + 4) & 0xFFF8).astype(np.uint16).view(np.float16)

"""The original's HDF5 layout: open a file, list its weights by name, and say what a file is that has none.

    /                   attribute layer_names: the layers, in order
    /conv1              attribute weight_names: conv1/kernel:0, conv1/bias:0
    /conv1/conv1/kernel:0                  an array
    /rpn_model/rpn_conv_shared/kernel:0    an array of a layer in a model in the model

The versions of Keras differ in details, so names are reduced to `layer/weight`, such as `conv1/kernel`.
"""

import re
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNOPENED = "which is not opened, since pickles can run code; give weights in the original's .h5 layout."
MOST_BYTES = 64_000  # HDF5 holds attributes of up to 64 KiB, so longer lists of names are cut in chunks

_ORIGINAL = re.compile(r"(bn_)?conv\d|(res|bn)\d|fpn_|rpn_|mrcnn_")
_KERAS_1 = {"W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance"}


class WeightsError(ValueError):
    """A file of weights is none, is damaged, does not fit the model, or cannot be written.

    Attributes:
        missing: names of weights that the model has and the file has not.
        unexpected: names of weights that the file has and the model has not.
        wrong_shape: dict from names of weights to their shapes (in the file, in the model).
        not_finite: names of weights that contain NaN or infinite values.
    """

    def __init__(self, message, missing=(), unexpected=(), wrong_shape=None, not_finite=()):
        super().__init__(message)
        self.missing, self.unexpected = list(missing), list(unexpected)
        self.wrong_shape, self.not_finite = dict(wrong_shape or {}), list(not_finite)


class Stored(NamedTuple):
    """One weight of a file: the top-level group (layer) it lies in, and its array."""

    group: str
    array: h5py.Dataset


@contextmanager
def open_layout(path):
    """Open a file of weights for reading; gives the group that has the attribute `layer_names`.

    Raises:
        FileNotFoundError: there is no such file.
        WeightsError: the file is none of weights in the original's layout; the sentence says what it is.
    """
    path = Path(path)
    check_start(path)
    try:
        # Writing replaces files whole, so none changes while it is read, and some disks cannot lock.
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise WeightsError(_cut_short(path, error)) from error
    with file:
        yield _root(file, path)


def check_start(path):
    """Raise an error that says what a file is, unless it is there and begins as HDF5 does."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: no such file; check its name and folder. The COCO weights are fetched by "
            "`python download_weights.py`."
        )
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; name the .h5 file in it.")
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if not start:
        raise WeightsError(f"{path} is empty (0 bytes); copy or download it again.")
    if start.startswith(b"PK\x03\x04"):
        raise WeightsError(f"{path} {_zipped(path)}")
    kind = not_hdf5(start)
    if kind and not h5py.is_hdf5(path):
        raise WeightsError(f"{path} {kind}")


def not_hdf5(start):
    """What data is that begins with these bytes: a sentence without subject, or None for HDF5."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(SIGNATURE):
        return None
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<error")):
        return "is a web page, not HDF5: the download gave an error or login page; download it again."
    if text.startswith(b"version https://git-lfs"):
        return "is a git-lfs pointer, not the weights themselves; run `git lfs pull` to fetch them."
    if re.match(rb"\x80[\x02-\x05]", start):
        return f"is a Python pickle (PyTorch saves so), {UNOPENED}"
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        return "is compressed; unpack it first."
    return f"is not HDF5 (it begins with {start[:8]!r}); give weights in the original's .h5 layout."


def _zipped(path):
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return "is a damaged zip archive, not HDF5; copy or download it again."
    if "model.weights.h5" in names:
        return "is a Keras 3 `.keras` archive, not the original's layout; save the weights with mrcnn's save."
    if any(name.endswith("data.pkl") for name in names):
        return f"is a PyTorch file with a pickle in it, {UNOPENED}"
    if any(name.endswith(".npy") for name in names):
        return "is a NumPy .npz archive, not HDF5; give weights in the original's .h5 layout."
    return "is a zip archive, not HDF5; unpack it first."


def _cut_short(path, error):
    expected = re.search(r"stored_eof = (\d+)", str(error))
    if expected and int(expected[1]) > path.stat().st_size:
        return (
            f"{path} is cut short: it has {path.stat().st_size:,} of {int(expected[1]):,} bytes; "
            "copy or download it again."
        )
    return _damaged(path, error)


def _damaged(path, error):
    return f"{path} is damaged HDF5 ({' '.join(str(error).split())}); copy or download it again."


def is_keras_own(path):
    """Whether a file has Keras 3's own layout; a file that is none has not."""
    try:
        with h5py.File(path) as file:
            return _is_keras_own(file)
    except OSError:
        return False


def _is_keras_own(file):
    found = []
    file.visit(found.append)
    return any(re.search(r"(^|/)vars(/\d+)?$", name) for name in found)


def _root(file, path):
    for group in (file, file.get("model_weights")):
        if group is not None and ("layer_names" in group.attrs or "layer_names0" in group.attrs):
            return group
    with reading(path):
        own = _is_keras_own(file)
    if own:
        raise WeightsError(
            f"{path} has Keras 3's own `.weights.h5` layout, which does not keep the names of layers; "
            "load it into a model by Keras, then save that with mrcnn.weights.save."
        )
    raise WeightsError(
        f"{path} is HDF5 but holds no weights: it lacks the attribute layer_names; give a file in the "
        "original's layout."
    )


@contextmanager
def reading(path):
    """Say in one sentence that a file is damaged, when HDF5 finds it so on the way."""
    try:
        yield
    except (KeyError, OSError, RuntimeError) as error:
        raise WeightsError(_damaged(path, error)) from error


# Names


def read_names(group, attribute):
    """The list of str in an attribute, whether bytes or str, whole or in numbered chunks."""
    chunks = []
    if attribute in group.attrs:
        chunks.append(group.attrs[attribute])
    while f"{attribute}{len(chunks)}" in group.attrs:
        chunks.append(group.attrs[f"{attribute}{len(chunks)}"])
    names = [name for chunk in chunks for name in np.ravel(chunk)]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def write_names(group, attribute, names):
    """Write a list of str as an attribute the way Keras 2 does; `read_names` reads it."""
    array = np.array([name.encode() for name in names])
    if array.nbytes <= MOST_BYTES:
        group.attrs[attribute] = array
        return
    count = -(-array.nbytes // MOST_BYTES)
    for index, chunk in enumerate(np.array_split(array, count)):
        group.attrs[f"{attribute}{index}"] = chunk


def stored_weights(root, path, known=()):
    """All weights of an open file.

    Args:
        root: what `open_layout` gives.
        path: the file's name, for errors.
        known: names of weights that a model has; where a file's name can be read in several ways, the one
            in `known` is meant.

    Returns:
        dict from `layer/weight` to `Stored`, in the file's order.

    Raises:
        WeightsError: an array is missing, or there are two of one name.
    """
    weights = {}
    with reading(path):
        for group in read_names(root, "layer_names"):
            for name in read_names(root[group], "weight_names"):
                key = weight_key(group, name, known)
                if key in weights:
                    raise WeightsError(f"{path} holds {key} twice, so which one is meant is unknown.")
                weights[key] = Stored(group, root[group][name])
    if not weights:
        raise WeightsError(f"{path} has the original's layout but no weights in it; get it again.")
    return weights


def weight_key(group, name, known=()):
    """`layer/weight` for a weight's name in a group.

    A model in the model, or the wrapper of a training on several GPUs, puts other names before it;
    TensorFlow 1 puts numbers behind the layer's name when a second model is made; Keras 1 writes
    `conv1_W` for `conv1/kernel`.

        >>> weight_key("model_1", "model_1/conv1_2/kernel:0")
        'conv1/kernel'
    """
    parts = f"{group}/{name.split(':')[0]}".split("/")
    for start in range(len(parts) - 1):
        if "/".join(parts[start:]) in known:
            return "/".join(parts[start:])
    layer, kind = parts[-2:]
    old = re.fullmatch(r"(\w+)_(W|b|gamma|beta|running_mean|running_std)(_\d+)?", kind)
    if old:
        layer, kind = old[1], _KERAS_1.get(old[2], old[2])
    if _ORIGINAL.match(layer):
        layer = re.sub(r"_\d+$", "", layer)
    return f"{layer}/{kind}"

"""The network as a file for other programs, from molded pictures to detections and masks.

    export(mrcnn.load("toybox"), "toybox.onnx", "onnx")

It takes, and gives, float32, for any number B of pictures (LiteRT: one); all other sizes are the config's:

    image       [B, H, W, channels]  molded: resized, padded, the mean colour taken off
    window      [B, 4]               the pixels (y1, x1, y2, x2) of it that the picture covers
    detections  [B, D, 6]            box (normalised), class, score; surest first, then rows of zeros
    masks       [B, D, 28, 28]       each of the class detected, 0 to 1, inside its box

`MaskRCNN.mold` makes the first two of a picture, and `mrcnn.molded.unmold` what `detect` gives of the others.
"""

import contextlib
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from mrcnn.files import CannotWrite

# Our names, Keras's, and the endings of the files; a SavedModel is a folder.
FORMATS = {
    "onnx": ("onnx", ".onnx"),
    "openvino": ("openvino", ".xml"),
    "litert": ("litert", ".tflite"),
    "savedmodel": ("tf_saved_model", ""),
}
SAVED_MODEL = {"saved_model.pb", "fingerprint.pb", "variables", "assets"}  # what is in that folder
# Packages beside those of requirements.txt; `pip install "mrcnn[export]"` brings all.
NEEDS = {"onnx": ("tf2onnx", "onnx"), "openvino": ("openvino",)}


def export(model, path, kind):
    """Write a network for other programs, by Keras's own exporter; all or nothing.

    Args:
        model: a `MaskRCNN` in inference mode.
        path: where to; what is there is replaced. "openvino" writes a file `.bin` beside it.
        kind: one of `FORMATS`.

    Raises:
        ValueError: the model is in training mode; Keras does not run on TensorFlow; the path has another
            ending than the format, or is a folder with other things.
        ImportError: a package that the format needs is missing.
        CannotWrite: the disk is full, or the folder read-only.
    """
    if model.mode != "inference":
        raise ValueError("The model is in training mode; export one that mrcnn.load has made of its weights.")
    path, (name, ending) = Path(path), FORMATS[kind]
    if path.suffix != ending:
        raise ValueError(f"{path}: the name of a file in the format {kind} ends in {ending or 'no suffix'}.")
    if path.is_dir() and not {"saved_model.pb"} <= {entry.name for entry in path.iterdir()} <= SAVED_MODEL:
        raise ValueError(
            f"{path} is a folder with other things in it, and no SavedModel; choose another name."
        )
    import keras

    from mrcnn.network import kernels
    from mrcnn.network.exported import exported_network

    if kernels.BACKEND != "tensorflow":
        raise ValueError(
            f"Keras runs on {kernels.BACKEND} here, and exports from TensorFlow: start again with "
            "KERAS_BACKEND=tensorflow."
        )
    missing = [package for package in NEEDS.get(kind, ()) if not find_spec(package)]
    if missing:
        raise ImportError(f"to write {kind}, install {' and '.join(missing)}")
    phone = kind == "litert"  # it knows neither TensorFlow's own kernels nor batches of any number
    network = exported_network(model.keras_model, model.config, batch=1 if phone else None)
    signature = [[keras.InputSpec(i.dtype, i.shape, name=i.name) for i in network.inputs]]
    arguments = {} if kind == "savedmodel" else {"input_signature": signature}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=f".{path.stem}.", dir=path.parent) as folder,
            kernels.plain() if phone else contextlib.nullcontext(),
        ):
            network.export(str(Path(folder) / path.name), format=name, verbose=False, **arguments)
            for written in sorted(Path(folder).iterdir()):  # weights first: `.bin` comes before `.xml`
                _put(written, path.parent / written.name)
    except OSError as error:
        raise CannotWrite.because(error, path) from error


def _put(written, target):
    if target.is_dir():  # a SavedModel, which goes with the temporary folder when the new one is there
        os.replace(target, written.with_name(f"{written.name}.old"))
    os.replace(written, target)

"""A written network gives other programs what `detect` gives."""

import numpy as np
import pytest

from mrcnn.cli import main
from mrcnn.export import NEEDS, export
from mrcnn.files import CannotWrite
from mrcnn.model import load
from mrcnn.molded import unmold
from tests.backend import BACKEND

PICTURES = ["images/input.png", np.full((50, 90, 3), 128, np.uint8)]  # eleven objects, and none

only_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="Keras exports from TensorFlow.")


def run_onnx(path, inputs):
    onnxruntime = pytest.importorskip("onnxruntime")
    return onnxruntime.InferenceSession(path).run(["detections", "masks"], inputs)


def run_openvino(path, inputs):
    openvino = pytest.importorskip("openvino")
    network = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    outputs = network(inputs)
    return [outputs[name] for name in ("detections", "masks")]


def run_litert(path, inputs):
    import tensorflow as tf

    network = tf.lite.Interpreter(model_path=str(path))  # has no kernels of TensorFlow's
    run = network.get_signature_runner()
    pairs = zip(inputs["image"][:, None], inputs["window"][:, None], strict=True)
    outputs = [run(image=image, window=window) for image, window in pairs]
    return [np.concatenate([each[name] for each in outputs]) for name in ("detections", "masks")]


def run_savedmodel(path, inputs):
    import tensorflow as tf

    network = tf.saved_model.load(path)
    outputs = network.serve([inputs["image"], inputs["window"]])
    return [outputs[name].numpy() for name in ("detections", "masks")]


RUN = {
    "onnx": (run_onnx, "net.onnx"),
    "openvino": (run_openvino, "net.xml"),
    "litert": (run_litert, "net.tflite"),
    "savedmodel": (run_savedmodel, "net"),
}


@pytest.fixture(scope="module")
def toybox():
    return load("toybox")


@only_tensorflow
@pytest.mark.parametrize("kind", RUN)
def test_what_is_written_finds_what_detect_finds(kind, toybox, tmp_path):
    run, name = RUN[kind]
    export(toybox, tmp_path / name, kind)
    items = [toybox.mold(picture) for picture in PICTURES]
    inputs = {
        "image": np.stack([item.molded for item in items]),
        "window": np.array([item.window for item in items], np.float32),
    }
    for item, detections, masks in zip(items, *run(tmp_path / name, inputs), strict=True):
        count = np.count_nonzero(detections[:, 4])
        got = unmold(detections[:count], masks[:count], item.window, item.molded.shape, item.image.shape)
        (expected,) = toybox.detect([item.image])
        np.testing.assert_array_equal(got["class_ids"], expected["class_ids"])
        np.testing.assert_allclose(got["scores"], expected["scores"], atol=1e-5)
        assert np.abs(got["rois"] - expected["rois"]).max(initial=0) <= 1
        differ = np.count_nonzero(got["masks"].full() != expected["masks"])
        assert differ <= 1e-3 * max(np.count_nonzero(expected["masks"]), 1)
    assert count == 0 and len(toybox.detect([PICTURES[0]])[0]["scores"]) == 11


# Through the command line, and what may go wrong


@only_tensorflow
def test_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--weights", "toybox", "--format", "savedmodel", "--size", "256"]) == 0
    assert "[B, 256, 256, 3]" in capsys.readouterr().out
    image, window = np.zeros((3, 256, 256, 3), np.float32), np.zeros((3, 4), np.float32)
    detections, masks = run_savedmodel(tmp_path / "toybox", {"image": image, "window": window})
    assert detections.shape == (3, 50, 6) and masks.shape == (3, 50, 28, 28)

    before = (tmp_path / "toybox/saved_model.pb").stat()
    assert main(["export", "--weights", "toybox", "--format", "savedmodel"]) == 2
    assert "toybox exists" in capsys.readouterr().err
    assert (tmp_path / "toybox/saved_model.pb").stat() == before
    assert main(["export", "--weights", "toybox", "--format", "savedmodel", "--force"]) == 0
    assert (tmp_path / "toybox/saved_model.pb").stat().st_ino != before.st_ino
    assert [path.name for path in tmp_path.iterdir()] == ["toybox"]


def test_a_folder_of_other_things_is_never_replaced(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toybox").mkdir()
    (tmp_path / "toybox/mine.txt").write_text("keep me")
    assert main(["export", "--weights", "toybox", "--format", "savedmodel", "--force"]) == 2
    assert "no SavedModel" in capsys.readouterr().err
    (tmp_path / "toybox/saved_model.pb").touch()
    assert main(["export", "--weights", "toybox", "--format", "savedmodel", "--force"]) == 2
    assert (tmp_path / "toybox/mine.txt").read_text() == "keep me"


def test_a_file_of_another_ending(toybox, tmp_path):
    with pytest.raises(ValueError, match=r"net\.tflite.*ends in \.onnx"):
        export(toybox, tmp_path / "net.tflite", "onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(BACKEND == "tensorflow", reason="Keras exports from TensorFlow.")
def test_another_backend(toybox, tmp_path):
    with pytest.raises(ValueError, match=f"{BACKEND} here.*KERAS_BACKEND=tensorflow"):
        export(toybox, tmp_path / "net.onnx", "onnx")
    assert not list(tmp_path.iterdir())


@only_tensorflow
def test_a_missing_package(toybox, tmp_path, monkeypatch):
    monkeypatch.setitem(NEEDS, "onnx", ("onnx", "no_such_package"))
    with pytest.raises(ImportError, match="install no_such_package"):
        export(toybox, tmp_path / "net.onnx", "onnx")
    assert not list(tmp_path.iterdir())


@only_tensorflow
def test_a_place_where_nothing_can_be_written(toybox, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CannotWrite, match="file/net.onnx cannot be written"):
        export(toybox, tmp_path / "file/net.onnx", "onnx")

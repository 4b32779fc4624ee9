"""The command line: what it writes, what it refuses, and what is kept when it is interrupted."""

import csv
import dataclasses
import itertools
import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import h5py
import keras
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

import mrcnn
from mrcnn import weights
from mrcnn.cli import finding, main
from mrcnn.columns import in_columns
from mrcnn.data.toybox import scene
from mrcnn.describe import BACKBONE_LAYER
from mrcnn.interrupt import one_interrupt
from mrcnn.outputs import label_map
from mrcnn.recipes import RECIPES
from tests.backend import trains
from tests.tiny import TinyConfig, tiny

ROOT = Path(__file__).parents[1]
NAMES = ["BG", "dog", "kite", "sports ball"]


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """Weights of a tiny network, random but such that it finds something."""
    model = tiny()
    model.class_names = NAMES
    path = tmp_path_factory.mktemp("weights") / "tiny.h5"
    model.save_weights(path)
    return str(path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(path, seed=0, size=(60, 80)):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(path)


def python(code):
    """Run code in a fresh Python; gives its standard output."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


# Parsing


def test_help_and_import_do_without_keras():
    code = """
import sys, mrcnn
from mrcnn.cli import main
for command in [], ["detect"], ["train"], ["evaluate"], ["weights"], ["info"]:
    try:
        main([*command, "-h"])
    except SystemExit as end:
        assert end.code == 0
print(*{"keras", "tensorflow", "jax", "torch", "numpy"} & set(sys.modules), "imported")
"""
    out = python(code)
    assert out.count("examples:") == 6
    assert out.splitlines()[-1] == "imported"


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "COMMAND"),
        (["draw"], "draw"),
        (["detect"], "INPUT"),
        (["detect", "a.png", "--size", "100"], "multiple of 64"),
        (["detect", "a.png", "--min-confidence", "1.5"], "0 to 1"),
        (["detect", "a.png", "--min-confidence", "nan"], "0 to 1"),
        (["detect", "a.png", "--tile", "0"], "'0' is no number above 0"),
        (["detect", "--tile", "a.png"], "'a.png' is no number above 0; name pictures before --tile"),
        (["detect", "a.png", "--threads", "0"], "at least 1"),
        (["detect", "a.png", "--backend", "theano"], "theano"),
        (["train", "--dataset", "toybox", "--epochs", "many"], "many"),
        (["train", "--dataset", "toybox", "--learning-rate", "inf"], "above 0"),
        (["train"], "--dataset"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, reason, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    error = capsys.readouterr().err
    assert end.value.code == 2
    assert error.count("\n") == 1 and reason in error


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["detect", "no.png"], "no.png: no such file"),
        (["detect", ""], "empty text"),
        (["detect", "*.png"], "*.png: no file matches"),
        (["detect", "."], "no pictures"),
        (["detect", "a.txt", "--weights", "a.txt"], "is not HDF5"),
        (["detect", "a.txt", "--weights", "no.h5"], "no.h5: no such file"),
        (["detect", "a.txt", "--weights", ""], "is a folder"),
        (["detect", "a.txt", "--weights", "TINY", "--out", "a.txt"], "a.txt"),
        (["train", "--dataset", "no.json"], "no.json: no such file"),
        (["train", "--dataset", "."], "no folder images"),
        (["train", "--dataset", "toybox", "--images", "."], "--images"),
        (["train", "--dataset", "toybox", "--float16"], "--out"),
        (["train", "--dataset", "toybox", "--out", "no/a.h5"], "no folder no"),
        (["train", "--dataset", "toybox", "--out", "a.txt"], "--force"),
        (["train", "--dataset", "a.txt", "--out", "a.txt", "--force"], "is an input"),
        (["train", "--dataset", "a.txt", "--weights", "TINY"], "a.txt is no JSON"),
        (["evaluate", "--dataset", "a.txt", "--weights", "TINY"], "a.txt is no JSON"),
        (["evaluate", "--dataset", "toybox", "--json", "a.txt"], "--force"),
        (
            ["evaluate", "--dataset", "coins", "--count", "1", "--weights", "TINY"],
            "none of the data set's classes",
        ),
        (["weights", "no.h5"], "no.h5: no such file"),
        (["weights", "a.txt"], "is not HDF5"),
        (["weights", "--out", "b"], "--download"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(arguments, reason, here, model_file, capsys):
    (here / "a.txt").write_text("not what was meant")
    assert main([model_file if a == "TINY" else a for a in arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and reason in error
    assert [path.name for path in here.iterdir()] == ["a.txt"]
    assert (here / "a.txt").read_text() == "not what was meant"


def test_backend_is_not_changed_under_a_running_keras(here, model_file, capsys, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())
    picture("a.png")
    other = "jax" if keras.backend.backend() != "jax" else "torch"
    assert main(["detect", "a.png", "--weights", model_file, "--backend", other]) == 2
    assert "must come before" in capsys.readouterr().err


# Detect


def test_folder_with_a_bad_picture(here, model_file, capsys):
    for name in ("a.png", "b.jpg", "c.png"):
        picture(f"in/{name}")
    (here / "in/b2.png").write_text("no picture")
    (here / "in/empty.gif").touch()
    (here / "in/notes.txt").write_text("not looked at")
    assert main(["detect", "in", "--weights", model_file, "--out", "out"]) == 2
    out, error = capsys.readouterr()
    assert sorted(path.name for path in (here / "out").iterdir()) == ["a.png", "b.png", "c.png"]
    assert len(error.splitlines()) == 3
    assert error.splitlines()[-1] == "Not done, 2: in/b2.png, in/empty.gif"
    assert out.splitlines()[-1] == "Written to out."
    assert "in/b.jpg: " in out and "-> out/b.png" in out


def test_same_stems_and_pictures_named_twice(here, model_file):
    picture("a.png", 0)
    picture("a.jpg", 1)
    picture("more/A.png", 2)
    picture("a-2.png", 3)
    names = ["a.png", "a.jpg", "more", "*.png", str(here / "a.png")]
    assert main(["detect", *names, "--weights", model_file, "--json"]) == 0
    written = sorted(path.name for path in (here / "results").glob("*.png"))
    assert written == ["A-3.png", "a-2-2.png", "a-2.png", "a.png"]
    entries = json.loads((here / "results/detections.json").read_text())
    assert {entry["file_name"] for entry in entries} <= {"a.png", "a.jpg", "A.png", "a-2.png"}


@pytest.mark.parametrize(
    "tile, changes", [([], {}), (["--tile"], {"TILE_SCALE": 1.0}), (["--tile", "0.7"], {"TILE_SCALE": 0.7})]
)
def test_all_outputs_tell_the_same(tile, changes, here, model_file, capsys):
    picture("a.png", size=(50, 90))
    picture("b.png", 1)
    every = ["--json", "--csv", "--masks", "--label-map"]
    assert main(["detect", "a.png", "b.png", "--weights", model_file, *every, *tile]) == 0
    model = mrcnn.load(model_file, **changes)
    entries = json.loads((here / "results/detections.json").read_text())
    rows = list(csv.DictReader((here / "results/detections.csv").open()))
    assert len(entries) == len(rows) > 0
    for image_id, name in enumerate("ab", 1):
        (found,) = model.detect([f"{name}.png"])
        mine = [entry for entry in entries if entry["file_name"] == f"{name}.png"]
        assert len(mine) == len(found["scores"]) > 0
        assert {entry["image_id"] for entry in mine} == {image_id}
        np.testing.assert_array_equal([entry["category_id"] for entry in mine], found["class_ids"])
        decoded = mask_utils.decode([entry["segmentation"] for entry in mine]).astype(bool)
        np.testing.assert_array_equal(decoded, found["masks"])
        labels = np.asarray(Image.open(here / f"results/labels/{name}.png"))
        np.testing.assert_array_equal(labels, label_map(found["masks"]))
        files = list((here / f"results/masks/{name}").iterdir())
        areas = sorted(np.count_nonzero(np.asarray(Image.open(file))) for file in files)
        mine = [row for row in rows if row["file_name"] == f"{name}.png"]
        assert areas == sorted(int(row["area"]) for row in mine)
        assert {file.stem.rpartition("_")[0] for file in files} == {row["class_name"] for row in mine}
        overlay = np.asarray(Image.open(here / f"results/{name}.png"))
        assert overlay.shape == found["masks"].shape[:2] + (3,)
        assert (overlay != np.asarray(Image.open(f"{name}.png"))).any()
    assert not list((here / "results").rglob("*.part*"))


def test_label_map_shows_the_surest_on_top_and_counts_beyond_255():
    masks = np.zeros((2, 300, 300), bool)
    masks[0, np.arange(300), np.arange(300)] = True
    masks[1] = True
    labels = label_map(masks)
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels[0], np.arange(1, 301))
    assert (labels[1] == 1).all()
    assert label_map(masks[:, :, :255]).dtype == np.uint8


def test_nothing_found(here, model_file, capsys):
    picture("a.png")
    options = ["--min-confidence", "1", "--json", "--csv", "--masks", "--label-map"]
    assert main(["detect", "a.png", "--weights", model_file, *options]) == 0
    assert "nothing found" in capsys.readouterr().out
    np.testing.assert_array_equal(Image.open("results/a.png"), Image.open("a.png"))
    assert json.loads((here / "results/detections.json").read_text()) == []
    assert len((here / "results/detections.csv").read_text().splitlines()) == 1
    assert not np.asarray(Image.open("results/labels/a.png")).any()


def test_what_exists_is_replaced_only_by_force(here, model_file, capsys):
    picture("a.png")
    (here / "results/masks/a").mkdir(parents=True)
    (here / "results/a.png").write_text("old")
    (here / "results/masks/a/dog_99.png").write_text("old")
    command = ["detect", "a.png", "--masks", "--weights"]
    assert main([*command, "no.h5"]) == 2  # told before the weights are looked at
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "results/a.png" in error and "--force" in error
    assert (here / "results/a.png").read_text() == "old"
    assert main([*command, model_file, "--force"]) == 0
    assert Image.open("results/a.png").size == (80, 60)
    assert not (here / "results/masks/a/dog_99.png").exists()


def test_an_input_is_never_overwritten(here, model_file, capsys):
    picture("a.png")
    before = (here / "a.png").read_bytes()
    assert main(["detect", "a.png", "--weights", model_file, "--out", ".", "--force"]) == 2
    assert "is an input" in capsys.readouterr().err
    assert (here / "a.png").read_bytes() == before
    (here / "masks/b").mkdir(parents=True)
    picture("masks/b/b.png")
    detect = ["detect", "masks/b/b.png", "--weights", model_file, "--out", ".", "--masks", "--force"]
    assert main(detect) == 2  # the folder's masks would be swept away before new ones are written
    assert "holds one" in capsys.readouterr().err and (here / "masks/b/b.png").exists()


def test_size_is_that_of_the_network_not_of_the_picture(here, model_file):
    picture("a.png", size=(100, 140))
    assert main(["detect", "a.png", "--weights", model_file, "--size", "128"]) == 0
    assert Image.open("results/a.png").size == (140, 100)


def test_tiles_are_for_pictures_that_pillow_takes_for_unsafe(here, model_file, capsys, monkeypatch):
    picture("a.png", size=(90, 200))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    command = ["detect", "a.png", "--weights", model_file, "--force"]
    assert main(command) == 2
    assert "1,000 pixels" in capsys.readouterr().err
    assert main([*command, "--tile"]) == 0
    assert Image.MAX_IMAGE_PIXELS == 1000  # for that run only
    assert cv2.imread("results/a.png").shape == (90, 200, 3)


def test_weights_that_look_in_tiles_do_so_unasked(here, model_file):
    model = mrcnn.load(model_file, TILE_SCALE=0.5)
    model.save_weights("tiled.h5")
    picture("a.png", size=(90, 200))
    assert main(["detect", "a.png", "--weights", "tiled.h5", "--json"]) == 0
    entries = json.loads((here / "results/detections.json").read_text())
    (found,) = model.detect("a.png")
    np.testing.assert_allclose([entry["score"] for entry in entries], found["scores"])


def test_tiles_of_weights_in_another_resize_mode(here, capsys):
    model = tiny(IMAGE_RESIZE_MODE="pad64")
    model.class_names = NAMES
    model.save_weights("pad64.h5")
    picture("a.png", size=(90, 200))
    assert main(["detect", "a.png", "--weights", "pad64.h5", "--tile"]) == 0
    assert Image.open("results/a.png").size == (200, 90)


def test_video(here, model_file, capsys):
    film("clip.mp4")
    (here / "bad.mp4").write_bytes(b"no video" * 100)
    options = ["--weights", model_file, "--label-map", "--csv"]
    assert main(["detect", "clip.mp4", "bad.mp4", *options]) == 2
    out, error = capsys.readouterr()
    assert "clip.mp4: 3 frames" in out and "bad.mp4 is no video" in error
    written = cv2.VideoCapture("results/clip.mp4")
    facts = [written.get(prop) for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
    assert facts == [96, 64] and written.get(cv2.CAP_PROP_FPS) == 12.5
    assert written.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert len(list((here / "results/labels/clip").iterdir())) == 3
    assert not (here / "results/bad.mp4").exists()
    rows = csv.DictReader((here / "results/detections.csv").open())
    assert {row["file_name"] for row in rows} <= {f"clip.mp4#{i}" for i in range(3)}


def test_a_video_cut_short_says_so(here, model_file, capsys):
    film("clip.avi", frames=6, codec="MJPG")
    whole = (here / "clip.avi").read_bytes()
    (here / "clip.avi").write_bytes(whole[: len(whole) // 2])
    assert main(["detect", "clip.avi", "--weights", model_file]) == 0
    assert re.search(r"clip.avi: [1-5] frames of 6 \(it may be cut short\), most", capsys.readouterr().out)


def film(path, frames=3, size=(96, 64), codec="mp4v"):
    video = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*codec), 12.5, size)
    for seed in range(frames):
        video.write(cv2.resize(scene(seed, size=64).image, size))
    video.release()


def test_a_video_on_a_full_disk(here, model_file, capsys):
    """OpenCV tells nobody that it could not write."""
    film("clip.mp4", frames=20, size=(640, 480))
    (here / "results").mkdir()
    (here / "results/clip.mp4").write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        status = main(["detect", "clip.mp4", "--weights", model_file, "--force"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    error = capsys.readouterr().err
    assert status == 2 and "results/clip.mp4 cannot be written (it ends before its last frame" in error
    assert (here / "results/clip.mp4").read_bytes() == b"old"


def test_a_video_that_fails_is_in_no_table(here, model_file, monkeypatch):
    film("clip.mp4")
    frames = itertools.count()

    def torn(frame, *_):
        if next(frames) == 2:
            raise ValueError("the film is torn")
        return frame

    monkeypatch.setattr(finding, "painted", torn)
    assert main(["detect", "clip.mp4", "--weights", model_file, "--csv", "--min-confidence", "0"]) == 2
    assert not (here / "results/clip.mp4").exists()
    assert len((here / "results/detections.csv").read_text().splitlines()) == 1  # the header


def test_coco_weights_are_taken_where_they_lie(here, model_file, capsys):
    picture("a.png")
    (here / "mask_rcnn_coco.h5").write_bytes(Path(model_file).read_bytes())
    assert main(["detect", "a.png"]) == 0
    assert capsys.readouterr().out.startswith("Weights: coco (")


def test_a_backend_that_there_is_none_of(here):
    picture("a.png")
    environment = os.environ | {"KERAS_BACKEND": "tensorflou", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mrcnn", "detect", "a.png", "--weights", "toybox"]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "Keras does not start on tensorflou" in done.stderr and "--backend" in done.stderr


def test_a_process_of_its_own_is_quiet(here, model_file):
    picture("a.png")
    command = [sys.executable, "-m", "mrcnn", "detect", "a.png", "--weights", model_file]
    command += ["--threads", "1", "--backend", keras.backend.backend()]
    environment = {
        name: v for name, v in os.environ.items() if name not in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
    }
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert Image.open("results/a.png").size == (80, 60)


def test_output_that_nobody_reads(here):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "mrcnn", "lesson", "--exercises"]
    done = subprocess.run(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


# Train

# XLA takes a minute to compile a training step; these two ask nothing that the others do not ask on JAX.
not_on_jax = pytest.mark.skipif(keras.backend.backend() == "jax", reason="compiling takes too long")


@pytest.fixture
def discs(here):
    """A folder data set of four discs of one class, and the same as a COCO JSON."""
    images, annotations = [], []
    for i in range(4):
        mask = np.zeros((64, 64), np.uint8)
        cv2.circle(mask, (20 + 6 * i, 30), 14, 255, -1)
        picture(f"discs/images/{i}.png", i, (64, 64))
        (here / "discs/masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(here / f"discs/masks/{i}.png")
        rle = mask_utils.encode(np.asfortranarray(mask > 0, np.uint8))
        segmentation = {"size": rle["size"], "counts": rle["counts"].decode()}
        images.append({"id": i, "file_name": f"{i}.png", "width": 64, "height": 64})
        annotations.append({"id": i + 1, "image_id": i, "category_id": 7, "segmentation": segmentation})
    contents = {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "kite"}]}
    (here / "discs.json").write_text(json.dumps(contents))
    return here


@trains
def test_train_on_own_data_then_go_on_then_evaluate(discs, model_file, capsys):
    command = ["train", "--dataset", "discs", "--classes", "kite", "--weights", model_file]
    assert main([*command, "--epochs", "1", "--out", "discs.h5"]) == 0
    (first,) = (discs / "logs").glob("discs*/mask_rcnn_discs_0001.h5")
    metadata = weights.read_metadata(discs / "discs.h5")
    assert metadata["class_names"] == ["BG", "kite"]
    assert metadata["config"]["NUM_CLASSES"] == 2 and metadata["config"]["STEPS_PER_EPOCH"] == 2
    assert main([*command, "--epochs", "1", "--resume"]) == 2
    assert "epochs already" in capsys.readouterr().err
    assert main([*command, "--epochs", "2", "--resume"]) == 0
    assert first.with_name("mask_rcnn_discs_0002.h5").is_file()
    assert "4 steps in all" in capsys.readouterr().out

    evaluation = ["evaluate", "--dataset", "discs.json", "--images", "discs/images", "--weights", "discs.h5"]
    assert main([*evaluation, "--limit", "3", "--json", "numbers.json"]) == 0
    numbers = json.loads((discs / "numbers.json").read_text())
    assert numbers["pictures"] == 3 and list(numbers["segm"]["per_class"]) == ["kite"]
    out = capsys.readouterr().out
    assert f"{numbers['segm']['AR100']:.3f}" in out and "AP50" in out


@not_on_jax
@trains
def test_time_limit_ends_a_training_and_writes(discs, model_file, capsys):
    command = ["train", "--dataset", "discs.json", "--images", "discs/images", "--weights", model_file]
    command += ["--devices", "2", "--batch", "1", "--workers", "1"]
    assert main([*command, "--epochs", "1000", "--seconds", "0.001", "--out", "out.h5", "--float16"]) == 0
    assert " 1 steps in all" in capsys.readouterr().out
    changes = weights.read_metadata(discs / "out.h5")["config"]
    assert (changes["GPU_COUNT"], changes["IMAGES_PER_GPU"]) == (2, 1)
    assert not multiprocessing.active_children()
    assert weights.describe(discs / "out.h5").config["NUM_CLASSES"] == 2


@trains
def test_interrupted_training_keeps_what_was_learnt(discs, model_file, capsys):
    def interrupt():
        while not list((discs / "logs").glob("*/*_0001.h5")):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    command = ["train", "--dataset", "discs", "--weights", model_file, "--epochs", "500", "--steps", "1"]
    assert main([*command, "--out", "out.h5"]) == 130
    out, error = capsys.readouterr()
    assert "Stopping after this step" in error
    (line,) = (line for line in out.splitlines() if line.startswith("Interrupted"))
    kept = discs / line.split(" is in ")[1].split(";")[0]
    assert weights.describe(kept).parameters > 0
    assert not (discs / "out.h5").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@trains
def test_a_second_interrupt_interrupts_at_once():
    with one_interrupt() as interrupted:
        signal.raise_signal(signal.SIGINT)
        assert interrupted.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@not_on_jax
@trains
def test_recipe_of_coins_leaves_the_heads_of_other_classes_out(here, model_file, monkeypatch):
    class TinyCoins(TinyConfig):
        NAME, NUM_CLASSES, STEPS_PER_EPOCH = "coins", 2, 1

    monkeypatch.setitem(RECIPES, "coins", dataclasses.replace(RECIPES["coins"], config=TinyCoins))
    command = ["train", "--dataset", "coins", "--weights", model_file, "--out", "coins.h5"]
    assert main([*command, "--epochs", "1"]) == 0
    described = weights.describe(here / "coins.h5")
    assert described.config["NUM_CLASSES"] == 2
    assert described.metadata["class_names"] == ["BG", "coin"]


# Evaluate, weights, info


def test_evaluate_drawn_scenes(here, model_file, capsys):
    assert main(["evaluate", "--dataset", "toybox", "--weights", model_file, "--count", "2"]) == 0
    out = capsys.readouterr().out
    assert "toybox, 2 pictures" in out
    assert all(text in out for text in ("boxes", "masks", "ARl", "sports ball"))


def test_table_aligns():
    assert in_columns([["", "AP"], ["dog", "0.5"]], numbers=True) == "      AP\ndog  0.5"


def test_weights_says_what_a_file_is(here, model_file, capsys):
    (here / "bad.h5").write_text("<html>")
    assert main(["weights", "bad.h5", model_file]) == 2
    out, error = capsys.readouterr()
    assert "bad.h5 is a web page" in error and error.count("\n") == 1
    assert "compact" in out and "dog, kite, sports ball" in out and out.rstrip().endswith("yes")


def test_weights_of_a_backbone_alone_detect_nothing(here, model_file, capsys):
    with h5py.File(model_file) as whole, h5py.File("notop.h5", "w") as file:
        names = [name for name in whole.attrs["layer_names"] if BACKBONE_LAYER.match(name.decode())]
        file.attrs["layer_names"] = names
        for name in names:
            whole.copy(name.decode(), file)
    assert main(["weights", "notop.h5"]) == 0
    assert "yes, for a training to begin with" in capsys.readouterr().out
    with pytest.raises(weights.WeightsError, match="notop.h5 holds the weights of a backbone alone"):
        mrcnn.load("notop.h5")


def test_weights_that_do_not_fit_their_config_do_not_load(here, model_file, capsys):
    (here / "odd.h5").write_bytes(Path(model_file).read_bytes())
    with h5py.File("odd.h5", "r+") as file:
        metadata = json.loads(file.attrs["mrcnn"])
        metadata["config"]["RPN_FILTERS"] = 24
        file.attrs["mrcnn"] = json.dumps(metadata)
    assert main(["weights", "odd.h5"]) == 2
    assert "rpn_conv_shared" in capsys.readouterr().err


def test_info_names_what_is_missing():
    out = python(
        "import sys; sys.modules.update(dict.fromkeys(['keras', 'h5py']));"
        "from mrcnn.cli import main; sys.exit(main(['info']))"
    )
    assert "numpy" in out and "cores" in out
    assert "cannot be looked for" in out and "does not start" in out


def test_info_names_backend_and_weights(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert f"backend                 {keras.backend.backend()} on" in out
    assert "weights coco" in out and keras.__version__ in out

"""The command line's `teach`: what it writes, what it refuses."""

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mrcnn
from mrcnn.cli import main
from mrcnn.cli.teach import Set, sets_of
from mrcnn.data import coins
from mrcnn.masks import extract_bboxes
from tests.tiny import TinyTaught

PHOTO, COINS = coins.photograph()
ROOT = Path(__file__).parents[1]
BOXES = [list(map(str, box)) for box in extract_bboxes(COINS[..., [3, 5, 9]]).tolist()]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory with a photograph in it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Image.fromarray(PHOTO).save("table.png")
    return tmp_path / "work"


@pytest.fixture
def taught_config():
    """What is taught is loaded by its file."""
    return TinyTaught


@pytest.fixture
def teach(here, tiny_teaching):
    """`mrcnn teach` of a tiny network for a step or two; gives the exit status."""

    def run(*arguments, start=tiny_teaching):
        return main(["teach", *map(str, arguments), "--seconds", "0.01", "--start", str(start)])

    return run


def test_one_command_leaves_a_detector_a_picture_and_numbers(teach, here, capsys):
    assert teach("table.png", "--box", *BOXES[0], "--name", "pièce d'or") == 0
    out = capsys.readouterr().out.splitlines()
    written = {path.name for path in (here / "results").iterdir()}
    assert written == {"pièce d'or.h5", "table.png", "examples.png", "detections.json"}
    model = mrcnn.load(here / "results" / "pièce d'or.h5")
    assert model.class_names == ["BG", "pièce d'or"] and len(model.examples) == 1
    entries = json.loads((here / "results" / "detections.json").read_text())
    (result,) = model.detect([PHOTO])
    assert len(entries) == len(result["scores"])
    assert all(entry["file_name"] == "table.png" for entry in entries)
    assert out[-1] == (f"{len(entries)} pièce d'or" if entries else "nothing found")
    assert Image.open("results/table.png").size == (384, 303)


def test_several_names_and_then_corrections(teach, here, capsys):
    boxes = ["--box", *BOXES[0], "--name", "a", "--box", *BOXES[1], "--box", *BOXES[2], "--name", "b"]
    assert teach("table.png", *boxes) == 0
    first = mrcnn.load("results/a+b.h5")
    assert [cutout.name for cutout in first.examples] == ["a", "b", "b"]
    assert teach("table.png", "--wrong", 5, 5, 40, 40, start="results/a+b.h5") == 2  # it exists
    assert "--force" in capsys.readouterr().err
    assert teach("table.png", "--wrong", 5, 5, 40, 40, "--force", start="results/a+b.h5") == 0
    assert len(mrcnn.load("results/a+b.h5").examples) == 4


def test_what_was_detected_on_several_photographs_is_corrected_and_taught(teach, here):
    corners = [
        {"segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]]} for y1, x1, y2, x2 in extract_bboxes(COINS)[:3]
    ]
    annotations = [entry | {"id": i, "image_id": 7, "category_id": 1} for i, entry in enumerate(corners, 1)]
    pictures = [{"id": 7, "file_name": "photos/table.png"}, {"id": 8, "file_name": "photos/other.png"}]
    contents = {"images": pictures, "annotations": annotations, "categories": [{"id": 1, "name": "coin"}]}
    Path("coco.json").write_text(json.dumps(contents, default=int))
    assert teach("table.png", "--mask", "coco.json") == 0
    assert len(mrcnn.load("results/coin.h5").examples) == 3


def test_a_mask_a_cutout_and_backgrounds(teach, here):
    Image.fromarray(COINS[..., 3]).save("mask.png")
    y1, x1, y2, x2 = extract_bboxes(COINS[..., 5:6])[0]
    alpha = COINS[y1:y2, x1:x2, 5, None] * np.uint8(255)
    Image.fromarray(np.concatenate([PHOTO[y1:y2, x1:x2], alpha], axis=2)).save("cutout.png")
    Path("ground").mkdir()
    Image.fromarray(np.full((50, 70, 3), 90, np.uint8)).save("ground/grey.png")
    files = ["--mask", "mask.png", "--mask", "cutout.png", "--name", "coin", "--backgrounds", "ground"]
    assert teach("table.png", *files) == 0
    assert len(mrcnn.load("results/coin.h5").examples) == 2


def test_names_that_are_long_or_those_of_outputs(teach, here):
    Path("table.png").rename("examples.png")
    name = "枚" * 90  # 270 bytes, more than a file's name may have
    assert teach("examples.png", "--box", *BOXES[0], "--name", name) == 0
    written = {path.name for path in (here / "results").iterdir()}
    assert written == {"枚" * 66 + ".h5", "examples.png", "cut-outs.png", "detections.json"}
    assert mrcnn.load(f"results/{name[:66]}.h5").class_names == ["BG", name]
    assert Image.open("results/examples.png").size == (384, 303)


def test_a_mask_is_not_overwritten(here, capsys):
    mask = Path("results/examples.png")
    mask.parent.mkdir()
    Image.fromarray(COINS[..., 3]).save(mask)
    before = mask.read_bytes()
    assert main(["teach", "table.png", "--mask", str(mask), "--force"]) == 2
    assert f"{mask} is an input" in capsys.readouterr().err
    assert mask.read_bytes() == before


def test_names_go_with_examples_in_their_order():
    def told(*given):
        return [(each.name, len(each.boxes), len(each.files)) for each in sets_of(list(given))]

    box, file = ("--box", [0, 0, 9, 9]), ("--mask", "m.png")
    assert told(box) == [(None, 1, 0)]
    assert told(box, ("--name", "a"), file) == [("a", 1, 1)]
    assert told(box, ("--name", "a"), file, box, ("--name", "b")) == [("a", 1, 0), ("b", 1, 1)]
    assert told(("--name", "a"), box, ("--name", "b"), file, file) == [("a", 1, 0), ("b", 0, 2)]
    with pytest.raises(ValueError, match="--name b has no example"):
        sets_of([box, ("--name", "a"), ("--name", "b")])
    assert sets_of([]) == [] and Set().boxes == []


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["table.png"], "There is no example"),
        (["nowhere.png", "--box", *BOXES[0]], "nowhere.png"),
        (["table.png", "--box", "10", "10", "5", "40"], "reversed"),
        (["table.png", "--box", "10", "10", "5000", "40"], "beyond"),
        (["table.png", "--mask", "no.png"], "no.png"),
        (["table.png", "--box", *BOXES[0], "--name", "../.."], "name"),
        (["table.png", "--box", *BOXES[0], "--backgrounds", "void"], "void"),
        (["table.png", "--box", *BOXES[0], "--out", ".", "--force"], "overwritten"),
        (["table.png", "--box", *BOXES[0], "--seconds", "0"], "--seconds"),
        (["table.png", "--box", *BOXES[0], "--start", "none.h5"], "none.h5"),
    ],
)
def test_what_is_refused_in_one_line(here, arguments, told, capsys):
    try:
        status = main(["teach", *arguments])
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err.strip()
    assert status == 2 and told in error and len(error.splitlines()) == 1
    assert not list(here.glob("results/*.h5"))


def test_a_full_disk_costs_nothing(teach, here, capsys):
    assert teach("table.png", "--box", *BOXES[0], "--name", "coin") == 0
    before = Path("results/coin.h5").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    capsys.readouterr()
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        status = teach("table.png", "--box", *BOXES[1], "--name", "coin", "--force")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    error = capsys.readouterr().err.strip()
    assert status == 2 and "coin.h5 cannot be written (File too large)" in error and "\n" not in error
    assert Path("results/coin.h5").read_bytes() == before
    assert not list(Path("results").glob(".*"))


def test_killed_in_the_middle_what_was_saved_last_loads(teach, here):
    assert teach("table.png", "--box", *BOXES[0], "--name", "coin") == 0
    before = Path("results/coin.h5").read_bytes()
    command = [sys.executable, "-m", "mrcnn", "teach", str(here / "table.png"), "--box", *BOXES[0]]
    command += ["--name", "coin", "--force", "--out", str(here / "results")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.readline()  # what was cut out: from here on it learns
        time.sleep(3)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert Path("results/coin.h5").read_bytes() == before
    assert mrcnn.load("results/coin.h5").class_names == ["BG", "coin"]

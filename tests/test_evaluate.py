"""`mrcnn evaluate` on COCO's own layout, stopped and given again."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mrcnn.cli import main
from mrcnn.cli.shards import Shards
from tests.benchmarks.coco_sized import draw

COUNT, SECONDS = 12, 300


@pytest.fixture(scope="module")
def annotations(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("coco"), COUNT)[0]


def command(annotations, out, *more):
    return [
        *("evaluate", "--dataset", "coco", "--annotations", str(annotations), "--weights", "toybox"),
        *("--out", str(out), "--json", str(out / "numbers.json"), "--force", *more),
    ]


def numbers(out):
    return json.loads((out / "numbers.json").read_text())


def shards(out):
    return sorted(out.glob(".evaluation-*/*.jsonl"))


def test_killed_it_goes_on_where_it_stopped(annotations, tmp_path, capsys):
    arguments = command(annotations, tmp_path)
    process = subprocess.Popen([sys.executable, "-m", "mrcnn", *arguments], stdout=subprocess.DEVNULL)
    end = time.monotonic() + SECONDS
    while not (shards(tmp_path) and shards(tmp_path)[0].read_bytes().count(b"\n") > 2):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    known = len(Shards(shards(tmp_path)[0].parent))
    assert 2 < known < COUNT
    # It is told from the file alone, so what was found before is not looked for again.
    path = shards(tmp_path)[0]
    lines = [json.loads(line) for line in path.read_text().splitlines()[:known]]
    path.write_text("".join(json.dumps([name, []]) + "\n" for name, _ in lines) + '["9", [{"ima')

    assert main(arguments) == 0
    assert f"Going on after {known} of {COUNT} pictures" in capsys.readouterr().out
    assert not list(tmp_path.glob(".evaluation-*"))
    less = numbers(tmp_path)["segm"]["AP50"]
    assert main(arguments) == 0
    assert "Going on" not in capsys.readouterr().out
    assert 0 < less < numbers(tmp_path)["segm"]["AP50"]


def test_other_pictures_and_other_options_begin_anew(annotations, tmp_path, capsys):
    folder = annotations.parent.parent / "val2017"

    def known_after(*more):
        """Whether an evaluation that is given again, with a file's time changed before, goes on."""
        with pytest.MonkeyPatch.context() as stop:
            stop.setattr(Shards, "remove", lambda shards: None)  # as if it had been stopped at the end
            assert main(command(annotations, tmp_path, "--limit", "2", *more)) == 0
        return "Going on after 2 of 2 pictures" in capsys.readouterr().out

    assert [known_after(), known_after(), known_after("--half"), known_after()] == [False, True, False, True]
    os.utime(sorted(folder.iterdir())[0], (1, 1))
    assert not known_after()


def test_annotations_are_for_coco(annotations, tmp_path, capsys):
    for arguments, said in [
        (["--dataset", "coco"], "needs --annotations"),
        (["--dataset", "toybox", "--annotations", str(annotations)], "--annotations is for --dataset coco"),
        (["--dataset", "coco", "--annotations", "none.json"], "none.json: no such file"),
    ]:
        assert main(["evaluate", *arguments]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def test_a_folder_that_is_none(annotations, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    assert main([*command(annotations, tmp_path), "--out", str(tmp_path / "file")]) == 2
    error = capsys.readouterr().err
    assert "cannot be written (Not a directory)" in error and error.count("\n") == 1

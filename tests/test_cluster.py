"""`detect` by real workers: the same files, whoever is killed on the way."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli import main
from mrcnn.cli.cluster import Job, cluster
from mrcnn.data import toybox
from tests.backend import BACKEND

ROOT = Path(__file__).parents[1]
COUNT = 24  # pictures
SECONDS = 300  # until a run is given up

pytestmark = pytest.mark.skipif(BACKEND != "tensorflow", reason="What computes makes no difference here.")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(COUNT):
        Image.fromarray(toybox.scene(seed, size=192).image).save(folder / f"{seed:02}.png")
    return folder


@pytest.fixture(scope="module")
def alone(pictures, tmp_path_factory):
    """What one process finds."""
    out = tmp_path_factory.mktemp("alone")
    assert main(command(pictures, out)[3:]) == 0
    return read(out)


def command(pictures, out, *more):
    wanted = ["--weights", "toybox", "--min-confidence", "0.5", "--json", "--annotations", "coco"]
    return [sys.executable, "-m", "mrcnn", "detect", str(pictures), "--out", str(out), *wanted, *more]


def start(arguments):
    # TensorFlow, imported here, has set how much it says; the command decides that itself.
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        arguments,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # with its workers, to be killed together
    )


def ended(process):
    """The exit status of a run, and what it said."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"It did not end: {out}\n{err}")
    return process.returncode, out, err


def read(out):
    return json.loads((out / "detections.json").read_text())


def assert_the_same(out, alone):
    found = read(out)
    assert [(e["file_name"], e["category_id"]) for e in found] == [
        (e["file_name"], e["category_id"]) for e in alone
    ]
    np.testing.assert_allclose([e["score"] for e in found], [e["score"] for e in alone], atol=1e-4)
    np.testing.assert_allclose([e["bbox"] for e in found], [e["bbox"] for e in alone], atol=1)
    assert len(json.loads((out / "annotations.json").read_text())["images"]) == COUNT
    # What a killed process was writing is hidden, and swept away later.
    assert len(list(out.glob("[!.]*.png"))) == COUNT and not (out / ".shards").exists()


def wait_for_some(out, process, least=2):
    """The names of pictures that are done, as soon as there are a few, and the shards they are in."""
    job, end = Job(out), time.monotonic() + SECONDS
    while len(job) < least:
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.05)
    return list(job), sorted(job.folder.glob("*.jsonl"))


def written(out, names):
    return {name: (out / f"{name}.png").stat().st_mtime_ns for name in names}


@pytest.fixture
def pages_of_another():
    """Something is at the port of Dask's pages, as another command on this machine would be."""
    with socket.socket() as port:
        with contextlib.suppress(OSError):  # it is there already
            port.bind(("", 8787))
            port.listen()
        yield


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_workers_as_asked_for(count):
    options = Namespace(scheduler=None, workers=count, threads=None)
    with cluster(options, {}) as client:
        client.wait_for_workers(count, timeout=SECONDS)
        assert list(client.ncores().values()) == [1] * count


def test_a_killed_worker_loses_nothing_and_repeats_nothing(pictures, alone, pages_of_another, tmp_path):
    run = start(command(pictures, tmp_path, "--workers", "2"))
    names, shards = wait_for_some(tmp_path, run)
    before = written(tmp_path, names)
    os.kill(int(shards[0].stem.rsplit("-", 1)[1]), signal.SIGKILL)
    status, out, err = ended(run)
    assert (status, err) == (0, ""), err
    assert out.count(" -> ") == COUNT
    assert_the_same(tmp_path, alone)
    assert written(tmp_path, names) == before


def test_a_killed_command_goes_on_where_it_stopped(pictures, alone, tmp_path):
    run = start(command(pictures, tmp_path, "--workers", "1"))
    names, shards = wait_for_some(tmp_path, run)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    with open(shards[0], "a") as cut_off:
        cut_off.write('["23", {"told"')
    names = list(Job(tmp_path))
    assert 2 <= len(names) < COUNT
    before = written(tmp_path, names)

    status, _, err = ended(start(command(pictures, tmp_path, "--workers", "1", "--half")))
    assert status == 2 and "another job that was not finished" in err
    status, out, err = ended(start(command(pictures, tmp_path, "--workers", "1")))
    assert status == 0, err
    assert out.count(" -> ") == COUNT
    assert_the_same(tmp_path, alone)
    assert written(tmp_path, names) == before


def test_a_bad_picture_is_told_and_the_others_done(pictures, tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes((pictures / "00.png").read_bytes())
    (tmp_path / "bad.png").write_text("no picture")
    out = tmp_path / "out"
    status, _, err = ended(start(command(tmp_path, out, "--workers", "1")))
    assert status == 2 and "bad.png is not a picture" in err and "Not done, 1:" in err
    assert len({entry["file_name"] for entry in read(out)}) == 2


def test_workers_of_a_scheduler(pictures, alone, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask = str(Path(sys.executable).with_name("dask"))
    scheduler = start(
        [dask, "scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    )
    worker = start([dask, "worker", address, "--nthreads", "1", "--no-dashboard"])
    try:
        status, _, err = ended(start(command(pictures, tmp_path, "--scheduler", address)))
    finally:
        for process in (worker, scheduler):
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert status == 0, err
    assert_the_same(tmp_path, alone)


def test_nobody_at_the_address(pictures, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mrcnn.cli.cluster.ANSWERS", 1)
    arguments = command(pictures, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")[3:]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "no Dask scheduler answers" in error
    assert not list((tmp_path / "out").iterdir())

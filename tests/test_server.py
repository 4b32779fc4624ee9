"""The server in README, run as it stands there, by real requests from many threads."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mrcnn.metrics import coco_results
from mrcnn.model import load

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server that runs the lines of README."""
    pytest.importorskip("fastapi")
    folder = tmp_path_factory.mktemp("server")
    (lines,) = re.findall(
        r"```python\n(# serve.py.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    (folder / "serve.py").write_text(lines)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "serve:app", "--port", str(port), "--app-dir", str(folder)]
    with open(folder / "log.txt", "w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log
        )
    try:
        wait_for(port, process, folder / "log.txt")
        yield f"http://127.0.0.1:{port}/detect"
    finally:
        process.terminate()
        process.wait(30)


def wait_for(port, process, log, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail(f"The server did not start: {log.read_text()[-2000:]}")


def post(address, name, content):
    """What the server answers to a picture, as (status, JSON)."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="picture"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(
        address, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_many_threads_get_what_detect_gives(server):
    picture = (ROOT / "images" / "input.png").read_bytes()
    (result,) = load("toybox").detect([ROOT / "images" / "input.png"])
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda i: post(server, f"{i}.png", picture), range(16)))
    assert len(result["scores"]) == 11
    for i, (status, found) in enumerate(answers):
        expected = coco_results(f"{i}.png", result)
        assert status == 200 and len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one["score"] == pytest.approx(other["score"], abs=1e-5)
            assert [one[key] for key in ("image_id", "category_id")] == [f"{i}.png", other["category_id"]]
            assert one["bbox"] == pytest.approx(other["bbox"], abs=1)


def test_what_is_no_picture_is_told_so(server):
    status, answer = post(server, "a.png", b"this is no picture")
    assert status == 422 and "cannot be read" in answer["detail"]
    assert post(server, "b.png", (ROOT / "images" / "input.png").read_bytes())[0] == 200

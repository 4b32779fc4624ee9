"""The notebook run and written back: what stays of it, what it shows, and what is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mrcnn.cli import main
from mrcnn.lesson.run import NotebookFailed, read, run_notebook

ROOT = Path(__file__).parents[2]
RUNS = "print('before')"
SHOWS = """
import os, sys
from mrcnn.lesson import explore, show
from mrcnn.lesson.controls import has_widgets
print("a warning of a library", file=sys.stderr)
print("widgets", has_widgets(), "here", os.getcwd())
show.you_are_here("masks")
"""


def code(ident, source, **more):
    return {
        "cell_type": "code",
        "execution_count": 7,
        "id": ident,
        "metadata": {"tags": ["mine"], "scrolled": True, "execution": {"shell.execute_reply": "then"}},
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["of an earlier run"]}],
        "source": source.strip().splitlines(keepends=True),
        **more,
    }


def save(path, *cells, minor=5):
    text = {"cell_type": "markdown", "id": "text", "metadata": {"jp-MarkdownHeadingCollapsed": True}}
    content = {
        "cells": [{**text, "source": ["# Größe"]}, *cells],
        "metadata": {"widgets": {"state": 1}, "kernelspec": {"name": "mine", "display_name": "of my laptop"}},
        "nbformat": 4,
        "nbformat_minor": minor,
    }
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_what_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "lesson.ipynb", code("first", RUNS), code("second", SHOWS))
    assert main(["lesson", "--run", "lesson.ipynb"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said[:2]] == ["first", "second"] and said[0].endswith(" s")

    text = Path("lesson.ipynb").read_text("utf-8")
    assert "Größe" in text and text.endswith("}\n")
    content = json.loads(text)
    assert content["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    words, first, second = content["cells"]
    assert words == {"cell_type": "markdown", "id": "text", "metadata": {}, "source": ["# Größe"]}
    assert first == {
        "cell_type": "code",
        "execution_count": 1,
        "id": "first",
        "metadata": {"tags": ["mine"]},
        "outputs": [{"name": "stdout", "output_type": "stream", "text": ["before\n"]}],
        "source": ["print('before')"],
    }
    printed, shown = second["outputs"]
    assert printed["text"] == [f"widgets False here {tmp_path}\n"]
    assert shown["metadata"]["image/png"]["alt"].startswith("Map of Mask R-CNN")
    assert list(tmp_path.iterdir()) == [tmp_path / "lesson.ipynb"]


@pytest.mark.parametrize(
    "source, reason",
    [
        ("import mrcnn\n1 / 0", "lesson.ipynb: cell wrong raised ZeroDivisionError: division by zero."),
        ("import os\nos._exit(1)", "lesson.ipynb: the kernel ended while cell wrong ran"),
    ],
)
def test_a_cell_that_fails_leaves_the_file_as_it_was(tmp_path, capsys, source, reason):
    path = save(tmp_path / "lesson.ipynb", code("first", RUNS), code("wrong", source))
    before = path.read_bytes()
    assert main(["lesson", "--run", str(path)]) == 2
    error = capsys.readouterr().err
    assert reason in error and error.endswith("The file is as it was.\n") and error.count("\n") == 1
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is pressed as POSIX systems do")
def test_ctrl_c_leaves_the_file_as_it_was(tmp_path):
    path = save(tmp_path / "lesson.ipynb", code("first", RUNS), code("long", "import time\ntime.sleep(100)"))
    before = path.read_bytes()
    command = [sys.executable, "-u", "-m", "mrcnn", "lesson", "--run", str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout.readline().startswith("first ")
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=60)
    assert run.returncode == 130 and error.endswith("Interrupted.\n") and error.count("\n") == 1
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_ids_where_there_are_none(tmp_path):
    """As Colab saves notebooks: format 4.0, the ids among the metadata."""
    first, second = code("", RUNS, metadata={"id": "mine"}), code("", RUNS, metadata={})
    del first["id"], second["id"]
    path = save(tmp_path / "lesson.ipynb", first, second, minor=0)
    assert [cell.id for cell in read(path).cells] == ["text", "mine", "cell-2"]


@pytest.mark.parametrize("wrong", ["<html>", "[]", "{}", '{"worksheets": [], "nbformat": 3, "metadata": {}}'])
def test_what_is_no_notebook(tmp_path, wrong):
    path = tmp_path / "lesson.ipynb"
    path.write_text(wrong)
    with pytest.raises(NotebookFailed, match="lesson.ipynb is no notebook of format 4"):
        run_notebook(path)
    assert path.read_text() == wrong


@pytest.mark.parametrize("name", ["nbclient", "ipykernel"])
def test_what_to_install_is_said(tmp_path, monkeypatch, capsys, name):
    path = save(tmp_path / "lesson.ipynb", code("first", RUNS))
    monkeypatch.setitem(sys.modules, name, None)
    assert main(["lesson", "--run", str(path)]) == 2
    error = capsys.readouterr().err
    assert f"needs {name}: pip install nbclient ipykernel" in error and error.count("\n") == 1


def test_no_such_notebook(tmp_path, capsys):
    assert main(["lesson", "--run", str(tmp_path / "none.ipynb")]) == 2
    assert "none.ipynb: no such file" in capsys.readouterr().err

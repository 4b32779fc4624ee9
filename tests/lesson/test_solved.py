"""The instructor's copy: every solution in the place of its stub, and all else as it was."""

import copy
import json

import pytest

from mrcnn.cli import main
from mrcnn.lesson.checks import Check
from mrcnn.lesson.exercises import EXERCISES
from mrcnn.lesson.solved import fill_in, write_solved


def code(source, **more):
    lines = source.splitlines(keepends=True)
    return {
        "cell_type": "code",
        "execution_count": 3,
        "id": f"cell-{abs(hash(source))}",
        "metadata": {"tags": ["mine"]},
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["not started yet"]}],
        "source": lines,
        **more,
    }


def text(source):
    return {"cell_type": "markdown", "id": "text", "metadata": {}, "source": [source]}


def notebook(*cells):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": list(cells), "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def source(cell):
    return "".join(cell["source"])


@pytest.fixture
def whole():
    """A notebook with every exercise: the stub, and the check in the same cell or the next."""
    cells = [text("# Lesson"), code("import numpy as np\nfrom mrcnn.lesson import check")]
    for i, exercise in enumerate(EXERCISES.values()):
        call = f"check.{exercise.name}({exercise.name})"
        stub = exercise.stub.strip()
        cells += [code(f"{stub}\n\n\n{call}")] if i % 2 else [code(stub), text("Try it."), code(call)]
    return notebook(*cells)


def test_every_check_passes_in_the_copy(whole):
    names = {}
    exec("import numpy as np", names)
    filled = fill_in(whole["cells"])
    assert sorted(filled) == sorted(EXERCISES)
    names["check"] = check = Check()
    for cell in whole["cells"][2:]:
        if cell["cell_type"] == "code":
            exec(source(cell), names)
    assert repr(check.progress()).endswith(f"{len(EXERCISES)} of {len(EXERCISES)} exercises done.")


def test_nothing_else_changes():
    stub = "# Your turn:\n" + EXERCISES["iou"].stub.strip() + "\n\n\nprint('and')  # a word\ncheck.iou(iou)\n"
    other = code("check.iou.hint()\niou_of_mine = 3")
    before = [text("Try."), code(stub), other, code("%matplotlib inline\ndef iou(: ")]
    after = copy.deepcopy(before)
    assert fill_in(after) == ["iou"]
    solved = (
        "# Your turn:\n"
        + EXERCISES["iou"].solution.strip()
        + "\n\n\nprint('and')  # a word\ncheck.iou(iou)\n"
    )
    assert source(after[1]) == solved
    assert after[1] == {**before[1], "source": after[1]["source"], "outputs": [], "execution_count": None}
    assert [after[0], *after[2:]] == [before[0], *before[2:]]


def test_the_latest_definition_is_the_stub():
    plan = "def iou(box1, box2):\n    return 'from an earlier page'"
    cells = [code(plan), code("def iou(box1, box2):\n    return 0.0"), code("check.iou(iou)"), code(plan)]
    fill_in(cells)
    assert source(cells[0]) == source(cells[3]) == plan
    assert source(cells[1]) == EXERCISES["iou"].solution.strip()


def test_a_decorated_stub_and_a_source_in_one_string():
    cells = [code("")]
    cells[0]["source"] = "import functools\n@functools.cache\ndef iou(a, b):\n    return 0\ncheck.iou(iou)"
    fill_in(cells)
    assert cells[0]["source"] == f"import functools\n{EXERCISES['iou'].solution.strip()}\ncheck.iou(iou)"


def test_a_check_without_its_stub_is_refused():
    with pytest.raises(ValueError, match="Cell 1 checks nms, but no cell up to it defines nms"):
        fill_in([text("no stub"), code("check.nms(nms)"), code(EXERCISES["nms"].stub)])


def test_the_file_is_written_as_jupyter_writes_it(whole, tmp_path):
    path, out = tmp_path / "lesson.ipynb", tmp_path / "solved.ipynb"
    whole["cells"][0]["source"] = ["# Größe"]
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8")
    write_solved(path, out)
    lines = out.read_text("utf-8")
    content = json.loads(lines)
    assert json.dumps(content, indent=1, ensure_ascii=False) + "\n" == lines and "Größe" in lines
    assert [c["id"] for c in content["cells"]] == [c["id"] for c in whole["cells"]]
    assert content["metadata"] == whole["metadata"] and content["nbformat_minor"] == 5


@pytest.mark.parametrize(
    "wrong", ["<html>", "\xe9", "[]", "{}", '{"cells": [{"cell_type": "code"}]}', '{"cells": 1}']
)
def test_what_is_no_notebook(tmp_path, wrong):
    path = tmp_path / "a.ipynb"
    path.write_text(wrong, "latin-1")
    with pytest.raises(ValueError, match="a.ipynb is no notebook"):
        write_solved(path, tmp_path / "b.ipynb")
    assert not (tmp_path / "b.ipynb").exists()


# The command


def test_the_command_lists_exercises(capsys):
    for arguments in (["lesson"], ["lesson", "--exercises"]):
        assert main(arguments) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == ["chapter", "minutes", "exercise", "trains"]
        assert [line.split()[2] for line in lines[1:-1]] == list(EXERCISES)
        assert lines[-1].startswith(f"{len(EXERCISES)} exercises, ")


def test_the_command_writes_the_copy(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.ipynb").write_text(json.dumps(whole), "utf-8")
    assert main(["lesson", "--solved", "solved.ipynb"]) == 0
    assert capsys.readouterr().out == f"solved.ipynb: demo.ipynb with {len(EXERCISES)} solutions.\n"
    assert len(json.loads((tmp_path / "solved.ipynb").read_text("utf-8"))["cells"]) == len(whole["cells"])


def test_the_command_replaces_nothing_unasked(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.ipynb").write_text(json.dumps(whole), "utf-8")
    (tmp_path / "solved.ipynb").write_text("precious")
    command = ["lesson", "--notebook", "mine.ipynb", "--solved"]
    assert main([*command, "solved.ipynb"]) == 2 and (tmp_path / "solved.ipynb").read_text() == "precious"
    assert main([*command, "mine.ipynb", "--force"]) == 2
    assert "is the notebook itself" in capsys.readouterr().err
    assert main([*command, "solved.ipynb", "--force"]) == 0
    assert main(["lesson", "--notebook", "none.ipynb", "--solved", "b.ipynb"]) == 2
    assert "none.ipynb: no such file" in capsys.readouterr().err

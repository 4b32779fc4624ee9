"""`check`: what it shows, what it keeps, and what it writes."""

import json
import subprocess
import sys
from datetime import datetime

import pytest

from mrcnn.lesson.checks import Check
from mrcnn.lesson.exercises import EXERCISES


@pytest.fixture
def check():
    """A student who has done nothing yet."""
    return Check()


def solution(name):
    return EXERCISES[name].defined_by(EXERCISES[name].solution)


def stub(name):
    return EXERCISES[name].defined_by(EXERCISES[name].stub)


def record(check, name):
    return check.report("report.json") and next(
        e for e in json.loads(open("report.json").read())["exercises"] if e["exercise"] == name
    )


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# What it shows


def test_right_and_wrong_answers(check):
    right, wrong, untouched = (check.iou(f) for f in (solution("iou"), lambda a, b: 0.5, stub("iou")))
    assert right.passed and not wrong.passed and not untouched.passed
    assert repr(right) == "iou: right in all 37 cases."
    assert "✓" in right._repr_html_() and "✗" in wrong._repr_html_()
    assert "not started yet" in repr(untouched) and "✗" not in untouched._repr_html_()
    assert repr(untouched).endswith(EXERCISES["iou"].task)


def test_html_is_escaped_and_code_is_set_apart(check):
    html = check.iou(lambda a, b: "<b>" + 1)._repr_html_()
    assert "<b>&quot;" not in html and "<code>" in html and "&lt;b&gt;" in html


def test_called_with_nothing_or_too_much(check):
    assert repr(check.iou()) == "iou: the check wants one thing, `check.iou(iou)`; it was given nothing."
    assert "2 things" in repr(check.iou(1, 2)) and not check.iou(1, 2).passed
    assert check.iou(function=solution("iou")).passed


def test_hints_come_one_by_one(check):
    count = len(EXERCISES["iou"].hints)
    shown = [repr(check.iou.hint()) for _ in range(count + 2)]
    for i, hint in enumerate(EXERCISES["iou"].hints):
        assert shown[i] == f"iou: hint {i + 1} of {count}. {hint}"
    assert (
        shown[-1] == shown[-2]
        and "check.iou.solution()" in shown[-1]
        and EXERCISES["iou"].hints[-1] in shown[-1]
    )


def test_the_solution_is_source_that_passes(check):
    source = check.iou.solution()
    names = {}
    exec(repr(source), names)
    assert check.iou(names["iou"]).passed
    assert source._repr_markdown_().startswith("```python\ndef iou(box1, box2):\n")


def test_the_task_of_an_exercise(check):
    assert EXERCISES["nms"].task in repr(check.nms) and "check.nms(nms)" in repr(check.nms)
    assert EXERCISES["iou"].task in check.iou._repr_html_()


def test_names_are_offered_and_others_get_a_sentence(check):
    assert {"iou", "nms", "progress", "report"} <= set(dir(check))
    for message in (check.iuo, check.iuo(3), check.iuo.hint(), check.iuo.solution(), check.iuo()):
        assert "no such exercise. Did you mean `check.iou`?" in repr(message) and not message.passed
    assert "Did you mean" not in repr(check.zzz) and "fit_window" in repr(check.zzz)
    assert not hasattr(check, "_repr_html_") and not hasattr(check, "__array__")
    assert "check.progress()" in repr(check)


# What it keeps


def test_progress(check):
    check.iou(solution("iou"))
    check.nms(lambda boxes, scores, threshold: None)
    check.nms.hint()
    check.softmax(stub("softmax"))
    check.softmax.solution()
    table = check.progress()
    lines = repr(table).splitlines()
    assert lines[0].split() == ["chapter", "exercise", "minutes", "state", "attempts", "hints"]
    rows = {line.split()[1]: line.split() for line in lines[1:-2]}
    assert list(rows) == list(EXERCISES)
    assert rows["iou"][3:] == ["done", "1", "0", "of", "3"]
    assert rows["nms"][3:] == ["tried", "1", "1", "of", "3"]
    assert rows["softmax"][3:] == ["open", "(solution", "shown)", "0", "0", "of", "3"]
    assert lines[-1] == f"1 of {len(EXERCISES)} exercises done."
    assert table._repr_html_().count("<tr>") == len(EXERCISES) + 1


def test_what_was_done_stays_done(check):
    check.iou(solution("iou"))
    first = record(check, "iou")
    check.iou(lambda a, b: 0.5)
    assert record(check, "iou") == {**first, "attempts": 2}


def test_students_do_not_share(check):
    check.iou(solution("iou"))
    assert repr(Check().progress()).endswith(f"0 of {len(EXERCISES)} exercises done.")


# What it writes


def test_the_report(check, here):
    check.iou(solution("iou"))
    check.nms(len)
    check.nms.hint()
    check.softmax(stub("softmax"))
    message = check.report(name="Zoë")
    assert (
        message.passed
        and "report.json is written, 1 of" in repr(message)
        and "Nothing was sent" in repr(message)
    )
    report = json.loads((here / "report.json").read_text("utf-8"))
    assert report["name"] == "Zoë" and report["done"] == 1
    assert datetime.fromisoformat(report["written"]).tzinfo is not None
    entries = {e.pop("exercise"): e for e in report["exercises"]}
    assert list(entries) == list(EXERCISES)
    iou, nms, softmax = (entries[name] for name in ("iou", "nms", "softmax"))
    assert datetime.fromisoformat(iou.pop("started")) <= datetime.fromisoformat(iou.pop("time"))
    assert iou == {"chapter": 6, "state": "done", "attempts": 1, "hints": 0, "solution_shown": False}
    assert (nms["state"], nms["attempts"], nms["hints"]) == ("tried", 1, 1)
    assert (softmax["state"], softmax["attempts"], softmax["started"]) == ("open", 0, None)


def test_a_report_that_cannot_be_written_is_a_sentence(check, here):
    for path in ("missing/report.json", ".", None):
        message = check.report(path)
        assert not message.passed and repr(message).startswith("check.report: ")
    assert list(here.iterdir()) == []


def test_importing_it_is_light():
    code = (
        "import sys; from mrcnn.lesson import check; repr(check.iou(lambda a, b: 0)), check.progress();"
        "print({'keras', 'matplotlib', 'cv2', 'scipy'} & set(sys.modules))"
    )
    import mrcnn

    root = mrcnn.__path__[0] + "/.."
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

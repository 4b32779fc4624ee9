"""The notebook in a real kernel: as it is, solved, answered wrongly, in part, and in poorer surroundings.

Each run stands in one test, so that none is done twice, however tests are spread over workers; to need fewer
runs, a test changes two things at once where they have nothing to do with one another.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import output_from_msg

from mrcnn.lesson.controls import STATIC
from mrcnn.lesson.exercises import EXERCISES
from mrcnn.lesson.run import KERNEL
from mrcnn.lesson.solved import fill_in
from tests.backend import BACKEND
from tests.conftest import GOLDEN
from tests.golden import weights_recipe
from tests.notebook.book import (
    AGAIN,
    ROOT,
    SERIES,
    TRAINING,
    WIDGET,
    chapters,
    code,
    images,
    load,
    outputs,
    quick,
    run,
    states,
)

OLDER = os.environ.get("LESSON_OLDER_PYTHON")  # an interpreter with what Colab has of ipywidgets and IPython
SOON = 1  # seconds from a cell's begin to an interrupt
LONGEST = 300  # seconds that a cell may take, beside other tests
SLOW = 60  # seconds; no cell but training takes 20 on two cores, which a test shares with other tests
MEMORY = 1.6e9  # bytes; 1.4e9 were measured, 0.5e9 of them TensorFlow's library, which the system may drop

pytestmark = pytest.mark.skipif(
    BACKEND != "tensorflow",
    reason="a class runs on TensorFlow; what cells call is tested on all backends",
)


@pytest.fixture
def notebook():
    return quick(load(), whole=False)


def add_cell(notebook, source):
    """Add a code cell at the end; gives it."""
    name = f"of-the-test-{len(notebook.cells)}"
    cell = type(notebook)(cell_type="code", id=name, metadata={}, outputs=[], source=source)
    cell.execution_count = None
    notebook.cells.append(cell)
    return cell


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def remarks(notebook):
    """What stands on standard error, but for progress bars."""
    texts = [output.text for _, output in outputs(notebook) if output.get("name") == "stderr"]
    return [
        line for text in texts for line in re.split(r"[\r\n]+", text) if line.strip() and "%|" not in line
    ]


def told_of_nothing(notebook):
    """The cells that say in words, or in a picture's, that there is nothing on the picture."""
    found = []
    for cell, output in outputs(notebook):
        words = [output.get("data", {}).get("text/plain", "")]
        words += [of.get("alt", "") for of in output.get("metadata", {}).values()]
        if re.search("Nothing was found|Nothing to choose", " ".join(words)):
            found.append(cell)
    return found


def explorers(notebook):
    return [cell for cell in code(notebook.cells) if re.search(r"\bexplore\(", cell.source)]


def has_controls(cell):
    return any(WIDGET in output.get("data", {}) for output in cell.outputs)


def look_at_the_controls(notebook):
    """Every `explore` shows controls, and no place that they start at shows an error in a picture's stead."""
    assert [cell.id for cell in explorers(notebook) if not has_controls(cell)] == []
    stored = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert [s for s in stored.values() if "This place" in str(s["state"].get("value"))] == []


def every(state):
    return dict.fromkeys(EXERCISES, state)


def wrong(exercise, index):
    """Python that answers an exercise wrongly: each function in another way than the one before.

    The first one never ends, which takes seconds to be told.
    """
    if exercise.name == "design_anchors":
        return 'design_anchors = {"scales": (1, 2, 3, 4, 5), "ratios": (1,)}'
    if "def " not in exercise.stub:
        return f"{exercise.name} = {exercise.mistakes[0][0]!r}"
    bodies = ("return 42.5", "raise KeyError('no such box')", "return None")
    body = bodies[index % len(bodies)] if index else "while True: pass"
    return f"def {exercise.name}(*arguments):\n    {body}"


def binder():
    """The environment variables that Binder starts with, whose memory is the least of all places."""
    lines = (ROOT / ".binder/start").read_text("utf-8").splitlines()
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(line for line in lines if line.startswith("export "))))


MISSING = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


def forget(module, folder, monkeypatch):
    """Let the import of a module fail in kernels as it does where it is not installed."""
    (folder / "sitecustomize.py").write_text(MISSING.format(module=module))
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_as_it_is(tmp_path, monkeypatch):
    """As on Binder: without JAX, which TensorFlow imports where it is, and which takes 0.1 GB."""
    notebook = quick(load())
    forget("jax", tmp_path, monkeypatch)
    memory = add_cell(notebook, "from tests.benchmarks.speed import peak\nprint(peak())")
    seconds = run(notebook, static=False, environment=binder())
    assert states(notebook) == every("open")
    assert remarks(notebook) == []
    assert [cell.id for cell, output, mime in images(notebook) if not output.metadata[mime].get("alt")] == []
    look_at_the_controls(notebook)
    trains = {cell.id for cell in code(notebook.cells) if re.search(r"\btrain\(", cell.source)}
    assert {i: round(s) for i, s in seconds.items() if s > SLOW and i not in trains} == {}
    assert float(printed(memory)) * 1024**3 <= MEMORY


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """Name of a kernel with what Colab has of widgets; where there is none, that of this Python."""
    if not OLDER:
        return KERNEL["name"]
    kernel = tmp_path / "kernels" / "older"
    kernel.mkdir(parents=True)
    command = [OLDER, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "older"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    return "older"


def test_solved_as_on_colab(notebook, colab, tmp_path):
    """In a folder that is not the checkout, with older widgets."""
    fill_in(notebook.cells)
    progress = add_cell(notebook, "print(check.progress())")
    versions = "import IPython, ipywidgets\nprint(ipywidgets.__version__, IPython.__version__)"
    versions = add_cell(notebook, versions)
    run(notebook, tmp_path, static=False, kernel=colab)
    assert states(notebook) == every("passed")
    assert f"{len(EXERCISES)} of {len(EXERCISES)} exercises done." in printed(progress)
    assert not OLDER or re.match(r"7\.7\.\d+ 7\.34\.", printed(versions))
    look_at_the_controls(notebook)


def write_blind_coco_weights(path):
    """A file as large as the original's, of weights that take everything for background."""
    layers = weights_recipe.load_layout(GOLDEN / "coco_h5_layout.json")
    calibration = GOLDEN / "calibration_r101_1024_seed3.npz"
    weights = weights_recipe.full_weights(layers, calibration, seed=3)
    (bias,) = (name for name in weights if name.endswith("mrcnn_class_logits/bias:0"))
    weights[bias][0] += 100
    weights_recipe.write_h5(path, layers, weights)


def test_nothing_is_found(notebook, tmp_path):
    """With a file of COCO's size, which is not the original."""
    write_blind_coco_weights(tmp_path / "mask_rcnn_coco.h5")
    run(notebook, tmp_path)
    start, *_ = code(notebook.cells)
    assert "Weights: COCO, 80 classes" in printed(start) and "may mean nothing" in printed(start)
    assert states(notebook) == every("open")
    shown = {cell.id for cell, *_ in images(notebook)} | {c.id for c in told_of_nothing(notebook)}
    assert [cell.id for cell in explorers(notebook) if cell.id not in shown] == []
    assert len(told_of_nothing(notebook)) > 5


def test_wrong_answers_and_no_ipywidgets(notebook, tmp_path, monkeypatch):
    forget("ipywidgets", tmp_path, monkeypatch)
    fill_in(notebook.cells, {e.name: wrong(e, index) for index, e in enumerate(EXERCISES.values())})
    run(notebook, static=False)
    assert states(notebook) == every("wrong")
    assert [cell.id for cell, output in outputs(notebook) if WIDGET in output.get("data", {})] == []
    strips = {cell.id for cell, *_ in images(notebook)}
    assert [cell.id for cell in explorers(notebook) if cell.id not in strips] == []


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone")
def test_opened_alone_it_fetches_the_rest(notebook, tmp_path):
    """As on Colab: the first cell clones the repository, here from this folder."""
    notebook.cells = chapters(notebook)[0]
    first = code(notebook.cells)[0]
    address = re.compile(r'^REPOSITORY = ".*"$', re.MULTILINE)
    first.source, count = address.subn(f'REPOSITORY = "{ROOT.as_uri()}"', first.source)
    where = add_cell(notebook, "import mrcnn\nprint(mrcnn.__file__)")
    run(notebook, tmp_path, environment={"PYTHONPATH": ""})
    assert count == 1
    assert Path(printed(where).strip()) == tmp_path / "mrcnn-lesson/mrcnn/__init__.py"


@contextmanager
def live_kernel():
    """A kernel as a student has it: its manager, which can interrupt it, and a client that waits."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), STATIC: "1"}
    manager, client = start_new_kernel(cwd=str(ROOT), env=environment, stderr=subprocess.DEVNULL)
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run_live(client, cell):
    """Run a cell, and keep what it shows; gives how it ended, "ok" or the name of an error.

    A kernel that is interrupted after the last line of a cell, before it said how that ended, never says so.
    """
    cell.outputs = []

    def keep(message):
        if message["msg_type"] in ("display_data", "execute_result", "stream"):
            cell.outputs.append(output_from_msg(message))

    try:
        reply = client.execute_interactive(cell.source, output_hook=keep, timeout=LONGEST)["content"]
    except TimeoutError:
        return "KeyboardInterrupt"
    return reply.get("ename", reply["status"])


def run_cut_short(manager, client, cell):
    """Run a cell, with the stop button pressed soon after it began; a quick one is done by then."""
    stop = threading.Timer(SOON, manager.interrupt_kernel)
    stop.start()
    try:
        return run_live(client, cell)
    finally:
        stop.cancel()
        stop.join()


@pytest.mark.parametrize("number", range(2, 14))
def test_a_chapter_after_a_restart(number):
    """It needs chapters 0 and 1 alone, and what was interrupted in it can be run again.

    In the first one tried, this is asked of those two as well.
    """
    notebook = load() if number != 12 else quick(load())
    parts = chapters(notebook)
    before, cut_short = code([*parts[0], *parts[1]]), code(parts[number])
    if number == 2:
        before, cut_short = [], before + cut_short
    with live_kernel() as (manager, client):
        assert [cell.id for cell in before if run_live(client, cell) != "ok"] == []
        ends, again = {}, {}
        for cell in cut_short:
            ends[cell.id] = run_cut_short(manager, client, cell)
            if ends[cell.id] != "ok":
                again[cell.id] = run_live(client, cell)
    assert {ident: end for ident, end in ends.items() if end not in ("ok", "KeyboardInterrupt")} == {}
    assert {ident: end for ident, end in again.items() if end != "ok"} == {}
    if number == 11:  # whose sweep takes long everywhere
        assert ends["break-sweep-cell"] == "KeyboardInterrupt"
    notebook.cells = before + cut_short
    assert set(states(notebook).values()) <= {"open"}


def test_what_takes_long_can_be_cut():
    """Else the runs above would take minutes more, and nobody would know why."""
    sources = [cell.source for cell in code(load().cells)]
    for pattern, count in (TRAINING, 1), (SERIES, 2), (re.compile(re.escape(AGAIN)), 1):
        assert sum(len(pattern.findall(source)) for source in sources) == count

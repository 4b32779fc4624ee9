"""The lesson's notebook as the tests take it: its chapters, its exercises, and how it is run.

`LESSON_NOTEBOOK=mine.ipynb` before a command tests another notebook in its place.
"""

import os
import re
from pathlib import Path

from mrcnn.lesson.exercises import EXERCISES
from mrcnn.lesson.messages import STYLES
from mrcnn.lesson.run import execute, read

ROOT = Path(__file__).parents[2]
NOTEBOOK = Path(os.environ.get("LESSON_NOTEBOOK", ROOT / "demo.ipynb"))
HEADING = re.compile(r"## (\d+)\. .+")
TRAINING = re.compile(r"^(seconds) = \d+", re.MULTILINE)
SERIES = re.compile(r"(^steps = |\bdrawings\()\d+", re.MULTILINE)  # of pictures, each looked at
AGAIN = "scratch = live.train(None, seconds)"  # the training that the first one is compared with
WIDGET = "application/vnd.jupyter.widget-view+json"


def load():
    """The notebook, as nbformat has it."""
    return read(NOTEBOOK)


def quick(notebook, whole=True):
    """The notebook, its trainings cut short, in place; if not `whole`, all else that takes long too."""
    for cell in code(notebook.cells):
        cell.source = TRAINING.sub(r"\1 = 0.5", cell.source)
        if not whole:
            cell.source = SERIES.sub(r"\g<1>5", cell.source).replace(AGAIN, "scratch = pretrained")
    return notebook


def chapters(notebook):
    """Dict from the number of each chapter to its cells."""
    found, number = {}, None
    for cell in notebook.cells:
        heading = HEADING.match(cell.source) if cell.cell_type == "markdown" else None
        if heading:
            number = int(heading[1])
        if number is not None:
            found.setdefault(number, []).append(cell)
    return found


def code(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def outputs(notebook):
    """Pairs (cell, output)."""
    return [(cell, output) for cell in code(notebook.cells) for output in cell.outputs]


def images(notebook):
    """Triples (cell, output, MIME type) of all pictures."""
    return [
        (cell, output, mime)
        for cell, output in outputs(notebook)
        for mime in output.get("data", {})
        if mime.startswith("image/")
    ]


def states(notebook):
    """Dict from each exercise that was checked to the state that its check showed."""
    found = {}
    for _, output in outputs(notebook):
        data = output.get("data", {})
        name, html = data.get("text/plain", "").partition(":")[0], data.get("text/html")
        if name in EXERCISES and html:
            (found[name],) = (state for state, (mark, _) in STYLES.items() if f">{mark}</b>" in html)
    return found


def run(notebook, folder=ROOT, **how):
    """Execute a notebook in place; gives the seconds that each cell took, by its id."""
    seconds = {}
    execute(notebook, folder, end=lambda cell, took: seconds.update({cell.id: took}), **how)
    return seconds

"""The notebook as students meet it: JupyterLab in a browser, all cells run, sliders moved, buttons pressed.

`LESSON_SCREENSHOTS=folder` keeps a picture of each chapter.
"""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from mrcnn.data.coins import photograph
from mrcnn.lesson.exercises import EXERCISES
from mrcnn.lesson.run import write
from mrcnn.masks import extract_bboxes
from tests.backend import BACKEND
from tests.notebook.book import ROOT, chapters, code, load, quick

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = os.environ.get("LESSON_SCREENSHOTS")
RUN = 900  # seconds that all cells may take together
LEARNING = 30  # seconds that one example is learnt from
SIZE = {"width": 1400, "height": 900}
SETTINGS = {  # nothing that comes over the network, and no cell taken away from the page
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
ERRORS = '.jp-OutputArea-output[data-mime-type*="error"]'
ALL_RAN = """
() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')]
    .every(prompt => /\\[\\d+\\]:/.test(prompt.textContent))
"""
STRETCHED = """
() => [...document.querySelectorAll('.jp-Notebook img.widget-image')]
    .filter(image => image.clientWidth > image.naturalWidth + 1).length
"""


def missing():
    """What is not installed of what this needs, or None."""
    packages = ("jupyterlab", "ipywidgets", "jupyter_bbox_widget", "playwright")
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    return ", ".join(absent) or (None if BROWSER else "Chromium")


pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}"),
    pytest.mark.skipif(BACKEND != "tensorflow", reason="a class runs on TensorFlow"),
]


@pytest.fixture
def notebook():
    """What is opened: the lesson, what takes long in it cut short."""
    return quick(load(), whole=False)


@pytest.fixture
def lab(tmp_path, notebook):
    """Address of a JupyterLab, offline and with settings of its own, in whose folder the notebook lies."""
    for cell in code(notebook.cells):
        cell.outputs, cell.execution_count = [], None
    folder = tmp_path / "class"
    folder.mkdir()
    write(notebook, folder / "demo.ipynb")
    for name, values in SETTINGS.items():
        path = tmp_path / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    places = {
        f"{name}_DIR": str(tmp_path / name.rpartition("_")[2].lower())
        for name in ("JUPYTER_CONFIG", "JUPYTER_RUNTIME", "JUPYTERLAB_SETTINGS", "JUPYTERLAB_WORKSPACES")
    }
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", "--ip=127.0.0.1"]
    options += [f"--port={address.rpartition(':')[2]}", f"--ServerApp.root_dir={folder}"]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, **places, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(address + "/api")
        yield address
    finally:
        server.terminate()  # it ends its kernels too
        server.wait(60)


@pytest.fixture
def page(lab):
    """The notebook, open in the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(60_000)
        page.goto(f"{lab}/lab/tree/demo.ipynb")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        # Whoever runs a cell before the kernel is there is asked which one to take.
        page.locator(".jp-StatusBar-Widget").get_by_text("| Idle").wait_for()
        yield page
        browser.close()


def wait_for(address, seconds=180):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(address).read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


class Lesson:
    """The notebook on a page; a student's hands are its methods."""

    def __init__(self, page, notebook):
        self.page, self.notebook = page, notebook
        self.places = {cell.id: place for place, cell in enumerate(notebook.cells)}

    def cell(self, ident):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(self.places[ident])

    def holding(self, selector):
        """Ids of the code cells in which there is such an element."""
        return [c.id for c in code(self.notebook.cells) if self.cell(c.id).locator(selector).count()]

    def outputs(self, ident):
        return self.cell(ident).locator(".jp-Cell-outputWrapper")

    def run_all(self):
        self.page.get_by_text("Run", exact=True).first.click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        self.page.wait_for_function(ALL_RAN, timeout=RUN * 1000)

    def press_run(self, ident):
        """Select a cell, press the toolbar's button and wait for its outputs."""
        number = self.cell(ident).locator(".jp-InputPrompt")
        before = number.inner_text()
        self.cell(ident).locator(".jp-InputPrompt").click()
        self.page.locator("[data-jp-item-name=run] jp-button, [data-jp-item-name=run] button").first.click()
        self.page.wait_for_function(ALL_RAN)
        wait_until(self.page, lambda: number.inner_text() != before)

    def answer(self, ident, python):
        """Write over a code cell, and run it."""
        self.cell(ident).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(python)
        self.page.keyboard.press("Escape")
        self.press_run(ident)

    def move_slider(self, ident):
        """Press a key on the first slider of a cell, and wait until its picture is another one."""
        handle = self.cell(ident).locator("[role=slider]").first
        picture = self.outputs(ident).locator("img").last
        handle.focus()
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        before = picture.get_attribute("src")
        self.page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
        wait_until(self.page, lambda: picture.get_attribute("src") != before)

    def drag(self, picture, box, shape):
        """Draw a box (y1, x1, y2, x2), in pixels of a picture (height, width), with the mouse pressed."""
        picture.scroll_into_view_if_needed()
        place = picture.bounding_box()
        dy, dx = place["height"] / shape[0], place["width"] / shape[1]
        (top, left), (bottom, right) = (
            (place["y"] + dy * y, place["x"] + dx * x) for y, x in (box[:2], box[2:])
        )
        self.page.mouse.move(left, top)
        self.page.mouse.down()
        self.page.mouse.move(right, bottom, steps=5)
        self.page.mouse.up()

    def photograph(self, number, path):
        """Keep a picture of a chapter as it is on the page."""
        cells = chapters(self.notebook)[number]
        first, last = self.cell(cells[0].id), self.cell(cells[-1].id)
        first.scroll_into_view_if_needed()
        top, bottom = first.bounding_box(), last.bounding_box()
        height = bottom["y"] + bottom["height"] - top["y"]
        self.page.set_viewport_size({**SIZE, "height": round(height) + SIZE["height"]})
        first.evaluate("cell => cell.scrollIntoView()")
        self.page.wait_for_timeout(500)
        clip = {**first.bounding_box(), "height": height}
        self.page.screenshot(path=path, clip=clip)
        self.page.set_viewport_size(SIZE)


def wait_until(page, condition, limit=30):
    """Wait for a condition."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > limit:
            raise TimeoutError(f"not in {limit} seconds")
        page.wait_for_timeout(10)


def test_a_class(page):
    lesson = Lesson(page, load())
    lesson.run_all()
    assert page.locator(ERRORS).count() == 0
    assert page.locator("img.widget-image").count() > 5 and page.evaluate(STRETCHED) == 0
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        for number in chapters(lesson.notebook):
            lesson.photograph(number, Path(SCREENSHOTS, f"chapter-{number:02}.png"))

    sliders = lesson.holding("[role=slider]")
    for ident in (sliders[0], sliders[len(sliders) // 2], sliders[-1]):
        lesson.move_slider(ident)  # waits until something else is drawn

    (stub,) = (c.id for c in code(lesson.notebook.cells) if "check.iou(iou)" in c.source)
    lesson.answer(stub, f"{EXERCISES['iou'].solution}\ncheck.iou(iou)")
    assert "right in all" in lesson.outputs(stub).inner_text()

    (button,) = (c.id for c in code(lesson.notebook.cells) if "own.choose(" in c.source)
    with page.expect_file_chooser() as chooser:
        lesson.cell(button).locator("button.widget-upload").click()
    chooser.value.set_files(ROOT / "images/input.png")
    wait_until(page, lambda: "(1)" in lesson.outputs(button).inner_text())
    (detects,) = (c.id for c in code(lesson.notebook.cells) if "chosen.picture(" in c.source)
    lesson.press_run(detects)
    assert "input.png" in lesson.outputs(detects).inner_text()


class TestOneExample:
    """Chapter 12's cell alone, with the time to learn."""

    @pytest.fixture
    def notebook(self):
        lesson = load()
        (cell,) = (c for c in code(lesson.cells) if "boxing.boxing(" in c.source)
        cell.source = f"from mrcnn.data import coins\nseconds = {LEARNING}\n{cell.source}"
        lesson.cells = [*chapters(lesson)[0], cell]
        return lesson

    def test_a_box_dragged_round_one_coin_counts_all(self, page, notebook):
        lesson, ident = Lesson(page, notebook), notebook.cells[-1].id
        image, coins = photograph()
        box = extract_bboxes(coins)[3] + [-2, -2, 2, 2]
        lesson.run_all()
        assert page.locator(ERRORS).count() == 0
        shown = lesson.outputs(ident)
        lesson.drag(shown.locator("img").first, box, image.shape)

        fields = shown.locator("input[type=number]")
        wait_until(page, lambda: close(box, [int(field.input_value()) for field in fields.all()]))
        shown.get_by_role("button", name="Teach").click()
        wait_until(page, lambda: "✓" in shown.inner_text(), RUN)
        assert "Teach: 24 coin." in shown.inner_text()


def close(box, other):
    """Whether two boxes are the same, but for a pixel or two of a hand's."""
    return np.abs(np.subtract(box, other)).max() <= 2

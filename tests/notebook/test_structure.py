"""How the notebook is built: what its readers, its editors and its diffs rely on. No kernel runs here."""

import ast
import copy
import json
import re
import symtable
import tomllib

import pytest

from mrcnn.lesson.exercises import EXERCISES
from mrcnn.lesson.run import tidy
from tests.notebook.book import NOTEBOOK, ROOT, chapters, code, images, load, outputs

ROW = re.compile(r"^\| \[(.+?)\]\(#(.+?)\) \| (\d+) \|(?: (\d+))? \|$", re.MULTILINE)
CHECK = re.compile(r"^check\.(\w+)\(\1\)$", re.MULTILINE)


@pytest.fixture(scope="module")
def notebook():
    return load()


@pytest.fixture(scope="module")
def contents(notebook):
    """The rows of the table of contents: (title, link, minutes, those of the short path)."""
    rows = ROW.findall(notebook.cells[0].source)
    return [(title, link, int(minutes), int(short or 0)) for title, link, minutes, short in rows]


@pytest.fixture(scope="module")
def repository():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]


# What a student reads


def test_chapters_are_short(notebook):
    found = chapters(notebook)
    assert list(found) == list(range(14))
    assert {number: len(cells) for number, cells in found.items() if len(cells) > 10} == {}


def test_code_cells_are_short(notebook):
    lines = {cell.id: cell.source.splitlines() for cell in code(notebook.cells)}
    assert {ident: len(those) for ident, those in lines.items() if len(those) > 12} == {}
    assert [ident for ident, those in lines.items() if max(map(len, those)) > 110] == []


def test_words_stand_before_and_after_code(notebook):
    """Only exercises may follow each other: one text sets them all, and their checks' words come after."""
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds[0] == kinds[-1] == "markdown"
    pairs = zip(notebook.cells, notebook.cells[1:], strict=False)
    bare = [(a, b) for a, b in pairs if a.cell_type == b.cell_type == "code"]
    assert [(a.id, b.id) for a, b in bare if not (CHECK.search(a.source) and CHECK.search(b.source))] == []


def test_what_a_control_reads_is_still_there_when_it_is_moved(notebook):
    """By then all cells have run: no later one makes another thing of a name that its function reads."""
    given, watched, changed = {}, {}, []
    for cell in code(notebook.cells):
        for name, statements in values(cell.source).items():
            if name in watched and statements != given.get(name):
                changed.append((watched[name], name, cell.id))
            given[name] = statements
        watched |= dict.fromkeys(read_later(symtable.symtable(cell.source, cell.id, "exec")), cell.id)
    assert changed == []


def read_later(table):
    """Names of the cell that functions in it read when they are called."""
    for inner in table.get_children():
        if inner.get_type() == "function" and not inner.get_name().endswith(("comp", "genexpr")):
            yield from (symbol.get_name() for symbol in inner.get_symbols() if symbol.is_global())
        yield from read_later(inner)


def values(source):
    """Of each name of a cell, the sources of the statements that give it its value."""
    found = {}
    for statement in map(ast.unparse, ast.parse(source).body):
        for symbol in symtable.symtable(statement, "cell", "exec").get_symbols():
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                found.setdefault(symbol.get_name(), []).append(statement)
    return found


def test_contents_lead_to_the_chapters(notebook, contents):
    headings = [cells[0].source.splitlines()[0].removeprefix("## ") for cells in chapters(notebook).values()]
    assert [title for title, *_ in contents] == headings
    assert [link for _, link, *_ in contents] == [heading.replace(" ", "-") for heading in headings]


def test_a_class_of_90_minutes(notebook, contents):
    assert sum(minutes for *_, minutes, _ in contents) == 90
    told = re.search(r"short path, .+? takes (\d+) minutes", notebook.cells[0].source)
    assert sum(short for *_, short in contents) == int(told[1]) == 20


def test_each_exercise_stands_in_its_chapter_as_it_was_written(notebook):
    found = {}
    for number, cells in chapters(notebook).items():
        for cell in code(cells):
            name = CHECK.search(cell.source)
            if name:
                found[name[1]] = number
                assert cell.source == f"{EXERCISES[name[1]].stub.strip()}\n\n\ncheck.{name[1]}({name[1]})"
    assert found == {exercise.name: exercise.chapter for exercise in EXERCISES.values()}


def test_each_exercise_is_announced_with_its_minutes_and_its_task(notebook):
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    told = re.findall(r"\*\*Exercise `(\w+)`\*\* \((\d+) minutes?\)\. \S", words)
    assert sorted(told) == sorted((exercise.name, str(exercise.minutes)) for exercise in EXERCISES.values())


# What is committed


def test_ids_are_words(notebook):
    raw = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    ids = [cell["id"] for cell in raw]
    assert len(set(ids)) == len(ids)
    assert [ident for ident in ids if not re.fullmatch(r"[a-z]+(-[a-z]+)*", ident)] == []


def test_nothing_but_what_was_written_and_shown(notebook):
    """No state of widgets, times of execution, remarks of libraries: a diff shows what somebody changed."""
    tidied = copy.deepcopy(notebook)
    tidy(tidied)
    assert tidied == notebook


def test_it_is_committed_with_its_outputs(notebook):
    cells = code(notebook.cells)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [cell.id for cell, output in outputs(notebook) if output.output_type == "error"] == []
    assert NOTEBOOK.stat().st_size <= 3_000_000


def test_pictures_have_a_text_in_their_place(notebook):
    found = images(notebook)
    texts = [(cell.id, output.metadata.get(mime, {}).get("alt", "")) for cell, output, mime in found]
    silent = [ident for ident, text in texts if len(text) < 20]
    assert len(found) >= 14 and silent == []


# Where it is found


def test_the_first_cell_fetches_this_repository(notebook, repository):
    first = ast.parse(code(notebook.cells)[0].source)
    (address,) = (
        node.value.value
        for node in ast.walk(first)
        if isinstance(node, ast.Assign) and node.targets[0].id == "REPOSITORY"
    )
    assert address == repository


def test_the_badges_of_readme_open_this_repository(repository):
    owner_and_name = repository.removeprefix("https://github.com/")
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"https://colab\.research\.google\.com/github/[^)\s]+", readme) == [
        f"https://colab.research.google.com/github/{owner_and_name}/blob/main/demo.ipynb"
    ]
    assert re.findall(r"https://mybinder\.org/v2/[^)\s]+", readme) == [
        f"https://mybinder.org/v2/gh/{owner_and_name}/HEAD?urlpath=lab/tree/demo.ipynb"
    ]

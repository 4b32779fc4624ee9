"""The instructor's copy of the notebook, with every solution filled in.

A stub is found as Python itself would find it: `check.iou(…)` sees the latest definition of `iou` before it,
whether in its own cell or an earlier one. That definition, `def iou…` or `iou = …` at the top level of a
cell, is replaced by the solution; the rest of the cell, and all other cells, ids and metadata, stay. So the
cells need no marks that an editor could lose. Outputs of cells that change, and of the checks, are dropped:
they would tell of the stubs.
"""

import ast
import json
from pathlib import Path

from mrcnn.files import replacing
from mrcnn.lesson.exercises import EXERCISES


def write_solved(notebook, path):
    """Write a copy of a notebook with the solutions; gives the names of the exercises filled in.

    Args:
        notebook: path of a notebook (nbformat 4).
        path: of the copy.

    Raises:
        ValueError: it is no notebook, or a check stands in it whose stub is nowhere before it.
        CannotWrite: the copy cannot be written.
    """
    try:
        content = json.loads(Path(notebook).read_bytes())
        filled = fill_in(content["cells"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{notebook} is no notebook of format 4; save it anew from Jupyter.") from error
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return filled


def fill_in(cells, answers=None):
    """Put answers into notebook cells (dicts), in place; gives the names of the exercises filled in.

    Args:
        cells: of a notebook.
        answers: dict from the name of an exercise to Python that defines it; the solutions else.

    Raises:
        ValueError: a check has no stub before it.
    """
    stubs, filled = {}, {}  # exercise → index of the cell that defines it
    for index, cell in enumerate(cells):
        if cell.get("cell_type") != "code":
            continue
        tree = _parse("".join(cell["source"]))
        stubs.update(dict.fromkeys(_definitions(tree), index))
        for name in _checked(tree):
            if name not in stubs:
                raise ValueError(
                    f"Cell {index} checks {name}, but no cell up to it defines {name}; add its stub."
                )
            filled[name] = stubs[name]
            _clear_outputs(cell)
    for name, index in filled.items():
        _replace(cells[index], name, answers[name] if answers else EXERCISES[name].solution)
    return list(filled)


def _parse(source):
    """The syntax tree of a cell; an empty one if it holds more than Python, such as `%matplotlib`."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])


def _definitions(tree):
    """Dict from the exercises that a cell defines at its top level to the last statement that does."""
    found = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            found.update((t.id, statement) for t in statement.targets if isinstance(t, ast.Name))
    return {name: statement for name, statement in found.items() if name in EXERCISES}


def _checked(tree):
    """The exercises whose check is called in a cell, `check.iou(…)`, but not `check.iou.hint()`."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, name = node.func.value, node.func.attr
            if isinstance(owner, ast.Name) and owner.id == "check" and name in EXERCISES:
                names.append(name)
    return names


def _replace(cell, name, answer):
    source = "".join(cell["source"])
    statement = _definitions(_parse(source))[name]
    first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
    lines = source.splitlines(keepends=True)
    end = "\n" if lines[statement.end_lineno - 1].endswith("\n") else ""
    lines[first - 1 : statement.end_lineno] = (answer.strip() + end).splitlines(keepends=True)
    cell["source"] = lines if isinstance(cell["source"], list) else "".join(lines)
    _clear_outputs(cell)


def _clear_outputs(cell):
    cell["outputs"], cell["execution_count"] = [], None

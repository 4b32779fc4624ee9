"""The notebook run from first cell to last, in a kernel of its own, and written back with its outputs.

What is written is made for readers: on GitHub and nbviewer, where there are no widgets, and in an
instructor's diff, where nothing may change that nobody has changed.
"""

import os
import subprocess
import time
from pathlib import Path

from mrcnn.files import replacing
from mrcnn.lesson.controls import STATIC

PACKAGE_FOLDER = Path(__file__).parents[2]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
KEPT = ("slideshow", "tags")  # metadata of a cell that an author writes; Jupyter and Colab add others


class NotebookFailed(ValueError):
    """A cell raised an error, or could not be run; the message names it."""


def run_notebook(path, **watchers):
    """Run a notebook in its static form and write it back with what its cells show.

    Args:
        path: of a notebook (nbformat 4); whatever happens, it is the old file or the whole new one.
        watchers: see `execute`.

    Raises:
        NotebookFailed: a cell raised an error, it is no notebook, or what runs one is not installed.
        CannotWrite: the file cannot be written.
    """
    notebook = read(path)
    try:
        execute(notebook, Path(path).resolve().parent, **watchers)
    except NotebookFailed as error:
        raise NotebookFailed(f"{path}: {error} The file is as it was.") from error
    tidy(notebook)
    write(notebook, path)


def read(path):
    """A notebook as nbformat has it, each cell with an id that stays the same from run to run."""
    nbformat = _modules()[0]
    text = Path(path).read_text("utf-8")
    try:
        notebook = nbformat.from_dict(nbformat.reader.reads(text))
        if notebook.nbformat != 4:
            raise ValueError("not of format 4")
    except Exception as error:  # of many kinds, as there are many things that are no notebook
        raise NotebookFailed(f"{path} is no notebook of format 4; save it anew from Jupyter.") from error
    notebook.nbformat_minor = 5
    for index, cell in enumerate(notebook.cells):  # Colab keeps the ids elsewhere
        cell.setdefault("id", cell.metadata.get("id", f"cell-{index}"))
    return notebook


def write(notebook, path):
    """Write a notebook as Jupyter would."""
    nbformat = _modules()[0]
    with replacing(path) as temporary:
        temporary.write_text(nbformat.writes(notebook) + "\n", "utf-8")


def execute(notebook, folder, static=True, kernel=KERNEL["name"], begin=None, end=None, environment=None):
    """Run the cells of a notebook, in place, in a fresh kernel that finds this package.

    Args:
        notebook: as `read` gives it.
        folder: in which it runs.
        static: whether strips of pictures stand in for widgets.
        kernel: name of a Jupyter kernel; the default is this Python.
        begin: function of a cell that is about to run.
        end: function of a cell and the seconds that it took.
        environment: dict of more environment variables for the kernel.

    Raises:
        NotebookFailed: a cell raised an error, or its kernel died.
    """
    _, nbclient = _modules()
    client = nbclient.NotebookClient(notebook, kernel_name=kernel, timeout=None, coalesce_streams=True)
    client.reset_execution_trackers()
    cell = None
    try:
        # Not `client.execute`: after Ctrl-C it ends in an error of its own. What a kernel says of itself in
        # the terminal is not of the lesson.
        with client.setup_kernel(
            cwd=str(folder), env=_environment(static, environment or {}), stderr=subprocess.DEVNULL
        ):
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    _run_cell(client, cell, index, begin, end)
            client.set_widgets_metadata()
    except nbclient.exceptions.CellExecutionError as error:
        raise NotebookFailed(f"cell {cell.id} raised {error.ename}: {error.evalue}.") from error
    except nbclient.exceptions.DeadKernelError as error:
        raise NotebookFailed(
            f"the kernel ended while cell {cell.id} ran; perhaps it needed more memory than there is."
        ) from error


def _run_cell(client, cell, index, begin, end):
    if begin:
        begin(cell)
    since = time.perf_counter()
    client.execute_cell(cell, index)
    if end:
        end(cell, time.perf_counter() - since)


def tidy(notebook):
    """Leave in a notebook, in place, what its author wrote and what its cells showed."""
    notebook.metadata = type(notebook)(kernelspec=KERNEL, language_info={"name": "python"})
    for cell in notebook.cells:
        cell.metadata = type(notebook)({key: cell.metadata[key] for key in KEPT if key in cell.metadata})
        if cell.cell_type == "code":
            # Progress bars and remarks of libraries, other ones on every machine, go to standard error.
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


def _environment(static, more):
    path = [str(PACKAGE_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        STATIC: "1" if static else "",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the kernel's debugger warns of frozen modules
        **more,
    }


def _modules():
    """nbformat and nbclient, which only those need who run notebooks."""
    try:
        import ipykernel  # noqa: F401  the kernel is another process; whether it could start
        import nbclient
        import nbformat
    except ImportError as error:
        raise NotebookFailed(
            f"running a notebook needs {error.name}: pip install nbclient ipykernel"
        ) from error
    return nbformat, nbclient

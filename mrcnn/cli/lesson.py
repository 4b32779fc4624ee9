"""`mrcnn lesson`: what an instructor prepares a class with."""

import logging
from pathlib import Path

from mrcnn.cli import options as shared

EXAMPLES = """examples:
  python -m mrcnn lesson --exercises               chapter, minutes and what each trains
  python -m mrcnn lesson --solved solved.ipynb     the notebook with every solution filled in
  python -m mrcnn lesson --run demo.ipynb          run it, and write it back with what its cells show
"""

NOTEBOOK = "demo.ipynb"


def add(commands):
    parser = commands.add_parser(
        "lesson",
        help="the notebook's exercises, a copy with their solutions, the notebook run",
        description="List the notebook's exercises, write a copy of it with every solution filled in, or run "
        "it and keep what its cells show.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--exercises", action="store_true", help="list them; so it does with no option, too")
    parser.add_argument("--solved", metavar="PATH", help="write the copy with the solutions here")
    parser.add_argument(
        "--notebook", metavar="PATH", help=f"which to copy (default: {NOTEBOOK}, here or beside the package)"
    )
    parser.add_argument(
        "--run", dest="runs", metavar="NOTEBOOK", help="run it, and write it back with what its cells show"
    )
    shared.add_force(parser)
    return parser


def run(options):
    if options.exercises or not (options.solved or options.runs):
        print(*exercise_lines(), sep="\n")
    if options.solved:
        fill_in(options)
    if options.runs:
        run_cells(options.runs)
    return 0


def exercise_lines():
    """The list of exercises, a line each."""
    from mrcnn.lesson.exercises import EXERCISES

    width = max(map(len, EXERCISES))
    yield f"chapter  minutes  {'exercise':{width}}  trains"
    for e in EXERCISES.values():
        yield f"{e.chapter:7}  {e.minutes:7}  {e.name:{width}}  {e.trains}"
    yield f"{len(EXERCISES)} exercises, {sum(e.minutes for e in EXERCISES.values())} minutes"


def fill_in(options):
    from mrcnn.lesson.solved import write_solved

    notebook = find_notebook(options.notebook)
    if Path(options.solved).resolve() == notebook.resolve():
        raise ValueError(f"{options.solved} is the notebook itself; name another file for the copy.")
    shared.refuse_existing([options.solved], options.force)
    filled = write_solved(notebook, options.solved)
    print(f"{options.solved}: {notebook.name} with {len(filled)} solutions.")


def run_cells(path):
    from mrcnn.lesson.run import run_notebook

    # After Ctrl-C it would tell at length of the kernel's connections, cut off while it listened.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    run_notebook(
        find_notebook(path),
        begin=lambda cell: print(cell.id, end=" ", flush=True),
        end=lambda cell, seconds: print(f"{seconds:.1f} s", flush=True),
    )
    print(f"{path}: written with what its cells show.")


def find_notebook(path=None):
    """The notebook named, or `demo.ipynb` in this folder, or that of the checkout."""
    places = [Path(path)] if path else [Path(NOTEBOOK), Path(__file__).parents[2] / NOTEBOOK]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(f"{path or NOTEBOOK}: no such file; give the path of a notebook.")

"""What the notebook uses, beside the package itself.

from mrcnn.lesson import check, explore, show, start, sums

    start     where does it run, what is missing, which weights are there?
    show      the pictures
    explore   the same with controls
    sums      one number at a time, worked out by hand
    check     exercises that check themselves

Its chapters import the rest as modules: `scenes`, `live`, `boxing`, `beach`, `own`.
"""

import importlib

HOMES = {
    "check": "checks",
    "explore": "controls",
    "start": "begin",
}


def __getattr__(name):
    # `start` may have to install what all the others import.
    if name in HOMES:
        return getattr(importlib.import_module(f"mrcnn.lesson.{HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

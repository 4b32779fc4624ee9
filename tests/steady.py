"""Trainings that take so many steps, however busy the machine is."""

import itertools
from contextlib import contextmanager
from types import SimpleNamespace

from mrcnn.teaching import timed


@contextmanager
def steps_for_seconds(rate=1):
    """Inside, `rate` steps of a training that is given seconds are a second of it, however long they take."""
    halves = itertools.count(step=0.5 / rate)  # the clock is read twice in a step
    clock = timed.time
    timed.time = SimpleNamespace(monotonic=lambda: next(halves))
    try:
        yield
    finally:
        timed.time = clock

"""Fixtures shared by the tests."""

import signal
from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).parent / "golden"


# A shell ignores Ctrl-C in what it starts in the background, and some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def golden():
    """Loader of the recorded inputs and outputs of one function of the reference, by its name."""
    return lambda name: np.load(GOLDEN / "functions" / f"{name}.npz")

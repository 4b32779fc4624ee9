"""Fixtures shared by the tests."""

from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden():
    """Loader of the recorded inputs and outputs of one function of the reference, by its name."""
    return lambda name: np.load(GOLDEN / "functions" / f"{name}.npz")

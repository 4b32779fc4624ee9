"""The lesson's model and what it computes, made once for all tests; none of them changes it."""

import numpy as np
import pytest

from mrcnn.data import toybox
from mrcnn.model import load


@pytest.fixture(scope="session")
def model():
    return load("toybox")


@pytest.fixture(scope="session")
def config(model):
    return model.config


@pytest.fixture(scope="session")
def trace(model):
    """Of the lesson's street."""
    return model.trace(toybox.street().image)


@pytest.fixture(scope="session")
def empty(model):
    """Of a picture on which nothing is found."""
    trace = model.trace(np.full((200, 300, 3), 128, np.uint8))
    assert not len(trace.rois)
    return trace

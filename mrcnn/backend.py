"""What Keras is to compute with, where nobody has said."""

import gc
import json
import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch", "openvino")  # by their names as packages; the last only detects


def choose():
    """Have Keras start on a backend that is installed; call it before Keras is imported.

    `KERAS_BACKEND`, or else Keras's own file of settings, or else TensorFlow if it is there, has its way.
    """
    if "KERAS_BACKEND" in os.environ or find_spec(configured()):
        return
    installed = next(filter(find_spec, BACKENDS), None)
    if installed:
        os.environ["KERAS_BACKEND"] = installed


@contextmanager
def importing():
    """Has Python's collector of garbage wait while Keras and its backend are imported, then pass them over.

    It would go through the half million objects that they keep time and again, and find nothing: a quarter of
    TensorFlow's import, and later, now and then, a third of a second in which a slider stands still.
    """
    enabled, before = gc.isenabled(), "keras" in sys.modules
    gc.disable()
    try:
        yield
    finally:
        if "keras" in sys.modules and not before:  # once: later there are models, which may become garbage
            gc.freeze()
        if enabled:
            gc.enable()


def configured():
    """The backend that Keras starts on if its environment says nothing."""
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((folder / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return BACKENDS[0]

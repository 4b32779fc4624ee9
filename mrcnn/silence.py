"""Quiet in the terminal while libraries start."""

import os
import sys
from contextlib import contextmanager


@contextmanager
def silence():
    """Keep from the terminal what libraries in C++ print; TensorFlow's imports heed no setting of its own.

    `TF_CPP_MIN_LOG_LEVEL=0` lets it through.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)

"""Fixtures shared by the tests."""

import os
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"

# JAX compiles most networks of these tests many times over, in this process and in those that it starts.
# Workers that run tests side by side inherit the folder.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _compiled = tempfile.TemporaryDirectory(prefix="jax-compiled-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled.name
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")

# Each worker has one core: threads of two that wait for one another's turn are many times slower than one,
# and what JAX compiles is not worth cutting into parts.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC"):
        os.environ.setdefault(name, "1")
    if os.environ.get("KERAS_BACKEND") == "jax":
        _flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{_flags} --xla_cpu_parallel_codegen_split_count=1"

# The same examples in every run; `--hypothesis-profile=default` searches among others.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# A shell ignores Ctrl-C in what it starts in the background, and some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Networks made without weights start from the same random ones in every run."""
    if "keras" in sys.modules:  # the tests that do without it stay as quick
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture
def golden():
    """Loader of the recorded inputs and outputs of one function of the reference, by its name."""
    return lambda name: np.load(GOLDEN / "functions" / f"{name}.npz")


@pytest.fixture
def taught_config():
    """The class of `tiny_teaching`'s config; what is taught cannot be loaded by its file alone."""
    from tests.tiny import SoonTaught

    return SoonTaught


@pytest.fixture
def tiny_teaching(tmp_path, monkeypatch, taught_config):
    """Has `mrcnn.teach` teach a network that takes no time; gives weights to start from."""
    from mrcnn.model import MaskRCNN
    from mrcnn.teaching import teach as teaching
    from tests.tiny import enliven

    detecting = {"IMAGES_PER_GPU": 1, "IMAGE_MIN_DIM": 128, "IMAGE_MAX_DIM": 128, "PRE_NMS_LIMIT": 100}
    monkeypatch.setattr(teaching, "TaughtConfig", taught_config)
    monkeypatch.setattr(teaching, "DETECTING", detecting)
    path = tmp_path / "start.h5"
    enliven(MaskRCNN("inference", taught_config(IMAGES_PER_GPU=1))).save_weights(path)
    return path

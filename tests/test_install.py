"""What is installed, and what Keras starts on then."""

import gc
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from mrcnn.backend import BACKENDS, importing
from mrcnn.config import Config
from mrcnn.cutout import Cutout
from mrcnn.model import MaskRCNN
from tests.backend import BACKEND
from tests.tiny import tiny

ROOT = Path(__file__).parents[1]


def test_an_installation_has_what_requirements_txt_lists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    listed = {line.split("#")[0].strip() for line in lines} - {""}
    assert listed == {*project["dependencies"], *project["optional-dependencies"]["full"]}
    names = {re.split("[>=]", line)[0] for line in project["optional-dependencies"]["light"]}
    assert names.isdisjoint({"tensorflow", "jax", "torch", "opencv-python-headless"}) and "openvino" in names


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_of_garbage_waits_while_libraries_are_imported(enabled):
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(ImportError), importing():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_what_was_imported_is_passed_over_by_the_collector_and_models_are_not():
    code = """
import gc, mrcnn
mrcnn.load
imported = gc.get_freeze_count()
models = [[] for _ in range(1000)]
mrcnn.teach
print(imported, gc.get_freeze_count() - imported)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    imported, later = map(int, done.stdout.split())
    assert imported > 10_000 and later <= 0  # some that were imported may have gone


def started(tmp_path, missing=(), settings=None, **environment):
    """What `import mrcnn` sets KERAS_BACKEND to where of the backends these are missing, and no others."""
    if settings:
        (tmp_path / "keras.json").write_text(settings)
    code = f"""
import importlib.machinery, os, sys, types
for package in {BACKENDS!r}:
    module = types.ModuleType(package)
    module.__spec__ = importlib.machinery.ModuleSpec(package, None)
    sys.modules[package] = None if package in {missing!r} else module
import mrcnn
print(os.environ.get("KERAS_BACKEND", "as it was"), "keras" in sys.modules)
"""
    variables = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    variables |= {"KERAS_HOME": str(tmp_path)} | environment
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, cwd=ROOT, capture_output=True, text=True, check=True
    )
    backend, imported = done.stdout.rsplit(maxsplit=1)
    assert imported == "False"
    return backend


@pytest.mark.parametrize(
    ("missing", "settings", "environment", "backend"),
    [
        ((), None, {}, "as it was"),
        (("tensorflow",), None, {}, "jax"),
        (("tensorflow", "jax"), None, {}, "torch"),
        (("tensorflow", "jax", "torch"), None, {}, "openvino"),
        (BACKENDS, None, {}, "as it was"),
        (("tensorflow",), '{"backend": "torch"}', {}, "as it was"),
        (("tensorflow", "torch"), '{"backend": "torch"}', {}, "jax"),
        (("tensorflow", "jax"), '{"backend": 3', {}, "torch"),
        (("tensorflow",), None, {"KERAS_BACKEND": "tensorflow"}, "tensorflow"),
    ],
)
def test_what_is_installed_is_started(missing, settings, environment, backend, tmp_path):
    assert started(tmp_path, missing, settings, **environment) == backend


@pytest.mark.skipif(BACKEND != "openvino", reason="The others train.")
def test_what_only_detects_does_not_train(tmp_path):
    with pytest.raises(ValueError, match="only detects.*pip install tensorflow"):
        MaskRCNN("training", Config(), tmp_path)
    assert not list(tmp_path.iterdir())


def detect_lightly(folder, *arguments):
    """`detect` in a process that has none of what the light installation lacks."""
    code = """
import sys
for package in ("cv2", "skimage", "matplotlib"):
    sys.modules[package] = None
from mrcnn.cli import main
sys.exit(main(sys.argv[1:]))
"""
    return subprocess.run(
        [sys.executable, "-c", code, "detect", ROOT / "images/input.png", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_pictures_are_detected_in_without_what_the_light_installation_lacks(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"x")
    done = detect_lightly(tmp_path, "clip.mp4", "--weights", "toybox", "--annotations", "coco")
    assert "1 bicycle" in done.stdout and (tmp_path / "results/input.png").exists()
    assert "clip.mp4: OpenCV is missing" in done.stderr and "Traceback" not in done.stderr
    assert done.returncode == 2


def test_by_what_was_taught_elsewhere_too(tmp_path):
    model = tiny()
    model.examples = [Cutout(np.zeros((12, 12, 4), np.uint8))]
    model.save_weights(tmp_path / "taught.h5")
    done = detect_lightly(tmp_path, "--weights", "taught.h5")
    assert done.returncode == 0 and (tmp_path / "results/input.png").exists(), done.stderr

"""The notebook's first cell: where does it run, what is missing, which weights are there?

Nothing but the standard library is imported here before what is missing has been installed.
"""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
BOXES = "jupyter_bbox_widget>=0.6"  # for chapter 12, which has fields of numbers where it is missing


class CannotInstall(RuntimeError):
    """What the lesson needs could not be installed; the message says what to do."""


def start(coco=False):
    """Make the notebook ready, and say what it runs on.

    Args:
        coco: fetch the COCO weights (257 MB), unless they are here already.

    Returns:
        name of the weights for `mrcnn.load`: "coco" if they are there, else "toybox", those of the package.

    Raises:
        CannotInstall: a package is missing, and pip could not fetch it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own remarks are not for students
    install(missing())
    if place() == "colab" and _version(BOXES) is None:  # elsewhere Jupyter would have to be started anew
        try:
            install([BOXES])
        except CannotInstall as error:
            print(f"{error} The lesson goes on without it.")
    import_whole()
    from mrcnn import download

    if coco and not download.find_coco():
        try:
            download.download()
        except download.WeightsError as error:
            print(f"{error} The lesson goes on with the toybox weights.")
    weights = "coco" if download.find_coco() else "toybox"
    print(*report(weights), sep="\n")
    _hush()
    return weights


def import_whole():
    """Import Keras and what it runs on; a stop button that is pressed meanwhile counts when that is done.

    TensorFlow cannot be imported again in a kernel in which its import was cut off.
    """
    from mrcnn.backend import importing
    from mrcnn.interrupt import one_interrupt
    from mrcnn.silence import silence

    stopping = "Stopping as soon as the libraries are there."
    with one_interrupt(stopping) as interrupted, silence(), importing():
        import keras  # noqa: F401
    if interrupted.is_set():
        raise KeyboardInterrupt


def _hush():
    """TensorFlow's warnings, that a second model is traced again for instance, help no student."""
    import keras

    from mrcnn.silence import hush_estimates

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.get_logger().setLevel("ERROR")
        hush_estimates()


def report(weights):
    """Where the notebook runs and with what, a line each."""
    import keras

    from mrcnn import download

    where = {"colab": "Colab", "binder": "Binder"}.get(place(), "this computer")
    keras_version = f"Keras {keras.__version__} on {keras.backend.backend()}"
    yield f"Running on {where}: Python {platform.python_version()}, {keras_version}."
    if weights == "coco":
        yield "Weights: COCO, 80 classes of things on photographs."
        try:
            download.check(download.find_coco())
        except download.WeightsError as error:  # somebody's own, perhaps, in the original's place
            yield f"What they find may mean nothing: {error}"
    else:
        yield "Weights: toybox, 19 classes of things in drawings, which come with this lesson."


def place():
    """Where the notebook runs: "colab", "binder" or "computer"."""
    if "google.colab" in sys.modules:
        return "colab"
    return "binder" if "BINDER_LAUNCH_HOST" in os.environ else "computer"


def missing(requirements=REQUIREMENTS):
    """The lines of a requirements file whose package is not there, in any version.

    A package that is there stays as it is: Colab's own TensorFlow and NumPy fit each other.
    """
    if not requirements.is_file():  # the package was installed, and pip has seen to it
        return []
    lines = [line.split("#")[0].strip() for line in requirements.read_text("utf-8").splitlines()]
    return [line for line in lines if line and _version(line) is None]


def install(lines, requirements=REQUIREMENTS):
    """Have pip fetch what is missing, and leave all else in the version that it has."""
    if not lines:
        return
    print(f"Installing {', '.join(map(_name, lines))}.")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        kept = (f"{name}=={version}\n" for name, version in installed().items())
        constraints.write_text("".join(kept), "utf-8")
        command = [sys.executable, "-m", "pip", "install", "-q", "-c", str(constraints), *lines]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise CannotInstall(
            f"{', '.join(lines)} could not be installed ({last}); with a network, run this cell again, or "
            f"install them by `pip install -r {requirements.name}`."
        )


def installed():
    """The version of each package that is there, by its name in pip's spelling."""
    versions = {}
    for found in importlib.metadata.distributions():
        if found.name:  # where a package lies in two folders, the first is the one that is imported
            versions.setdefault(re.sub("[-_.]+", "-", found.name).lower(), found.version)
    return versions


def _name(line):
    return re.match(r"[\w.-]+", line).group()


def _version(line):
    try:
        return importlib.metadata.version(_name(line))
    except importlib.metadata.PackageNotFoundError:
        return None

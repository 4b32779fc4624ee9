"""Options that several commands share, and what they set in motion."""

import argparse
import os
import sys
from pathlib import Path

from mrcnn.backend import BACKENDS, configured, importing
from mrcnn.silence import hush_estimates, silence


def complain(message):
    """Print one line on standard error."""
    print(one_line(message), file=sys.stderr)


def one_line(message):
    return " ".join(str(message).split())


def what_to_install(error):
    """An ImportError, with what to do about it. Our own say so themselves; Python's name the module."""
    if error.name == "cv2":  # the light installation is without
        return (
            "OpenCV is missing, which videos and drawn pictures need: pip install opencv-python-headless. "
            "To train, install all: pip install -r requirements.txt"
        )
    return f"{error}; install what is missing: pip install -r requirements.txt" if error.name else f"{error}"


# Values


def whole(low):
    """A type of option: a whole number of at least `low`."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < low:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {low}")
        return number

    return parse


def number(low, high):
    """A type of option: a number from `low`, which itself is left out if `high` is infinite, to `high`."""
    open_ended = high == float("inf")

    def parse(text):
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high or (open_ended and value in (low, high)):
            wanted = f"number above {low}" if open_ended else f"number from {low} to {high}"
            raise argparse.ArgumentTypeError(f"{text!r} is no {wanted}")
        return value

    return parse


def side(text):
    """A type of option: the side of the network's input in pixels."""
    pixels = whole(64)(text)
    if pixels % 64:
        raise argparse.ArgumentTypeError(f"{pixels} is no multiple of 64, such as 256, 320, 512 or 1024")
    return pixels


# The machine


def add_machine(parser):
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--backend",
        choices=BACKENDS,
        help="what Keras computes with (default: KERAS_BACKEND, or what is installed)",
    )
    group.add_argument("--threads", type=whole(1), metavar="N", help="processor threads (default: all)")


def start_machine(options):
    """Start Keras quietly as the options say; nothing may have imported it before.

    Raises:
        ValueError: the backend is not installed, or Keras runs on another one already.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.backend:
        os.environ["KERAS_BACKEND"] = options.backend
    try:
        with silence(), importing():
            import keras
    except (ImportError, ValueError) as error:  # it is not installed; there is none of this name
        backend = os.environ.get("KERAS_BACKEND") or configured()
        raise ValueError(
            f"Keras does not start on {backend} ({error}); install it, or choose another by --backend."
        ) from error
    running = keras.backend.backend()
    if options.backend not in (None, running):
        raise ValueError(f"Keras runs on {running} in this process; --backend must come before it starts.")
    if options.threads:
        from mrcnn.network.kernels import set_threads

        set_threads(options.threads)
    hush_estimates()


# Weights


def add_weights(parser, default):
    parser.add_argument(
        "--weights",
        metavar="WEIGHTS",
        help=f"toybox, coins (both in this package), coco (once downloaded) or a file (default: {default})",
    )


def add_size(parser):
    parser.add_argument(
        "--size", type=side, metavar="PIXELS", help="side of the network's input, a multiple of 64"
    )


def size_of(options):
    """The attributes of a config that --size sets, as a dict."""
    return {"IMAGE_MIN_DIM": options.size, "IMAGE_MAX_DIM": options.size} if options.size else {}


def add_half(parser):
    parser.add_argument(
        "--half",
        action="store_true",
        help="compute in half precision (bfloat16): less exact, quicker where the processor has it",
    )


def half_of(options):
    """The attributes of a config that --half sets, as a dict."""
    return {"MIXED_PRECISION": True} if options.half else {}


def choose_weights(name, default=None):
    """Which weights to use; says which when there is a choice, and refuses a file that is none.

    Args:
        name: what the user asks for, or None.
        default: what to use otherwise; None means the COCO weights if they are there, else the toybox's.

    Returns:
        a `weights.FileInfo`; its `path` is what `mrcnn.load` takes.
    """
    from mrcnn import weights

    hint = ""
    if name is None and default is None:
        default = "coco" if weights.find_coco() else "toybox"
        if default == "toybox":
            hint = "; real photographs need the COCO weights: python -m mrcnn weights --download"
    path = weights.find(default if name is None else name)
    described = weights.describe(path)
    print(f"Weights: {name or default} ({path}){hint}" if str(path) != name else f"Weights: {path}")
    return described


# Outputs


def add_force(parser):
    parser.add_argument("--force", action="store_true", help="replace outputs that exist")


def refuse_inputs(paths, inputs):
    """Raise a ValueError if an output of `paths` would take the place of an input, or of a folder that
    one lies in; not even --force may."""
    inputs = {place for path in inputs for place in (path.resolve(), *path.resolve().parents)}
    for path in paths:
        if path.resolve() in inputs:
            raise ValueError(
                f"{path} is an input, or holds one, and would be overwritten; choose another --out."
            )


def refuse_existing(paths, force=False):
    """Raise a ValueError that names what exists of `paths`, unless it may be replaced."""
    there = [] if force else [str(path) for path in map(Path, paths) if path.exists()]
    if there:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise ValueError(f"{', '.join(there[:3])}{more} exists; choose another place, or add --force.")

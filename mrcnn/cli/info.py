"""`mrcnn info`: what a bug report needs."""

import os
import platform
from importlib import metadata
from pathlib import Path

from mrcnn.cli import options as shared

EXAMPLES = """examples:
  python -m mrcnn info
  python -m mrcnn info --backend jax               whether Keras starts on JAX

It works also where packages are missing, and says which.
"""

PACKAGES = (
    "mrcnn", "keras", "tensorflow", "jax", "torch", "openvino", "numpy", "scipy", "h5py", "Pillow",
    "opencv-python", "opencv-python-headless", "scikit-image", "matplotlib", "pyimgaug", "pycocotools",
    "pooch", "tqdm",
)  # fmt: skip


def add(commands):
    parser = commands.add_parser(
        "info",
        help="what a bug report needs",
        description="Print versions, the machine, and which weights are where.",
        epilog=EXAMPLES,
    )
    shared.add_machine(parser)
    return parser


def run(options):
    for name, value in facts(options):
        print(f"{name:24}{value}", flush=True)
    return 0


def facts(options):
    """Pairs (name, text); the slow ones last."""
    yield "python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "platform", platform.platform()
    yield "processor", f"{platform.machine()}, {cores()} cores"
    yield "memory", memory()
    for package in PACKAGES:
        yield package, version(package)
    yield from weights()
    yield "backend", backend(options)


def cores():
    """How many this process may use, which in a container or on a shared machine are not all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def memory():
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (AttributeError, ValueError, OSError):  # not on every system
        return "unknown"


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        if package == "mrcnn":
            return f"not installed, runs from {Path(__file__).parents[2]}"
        return "not installed"


def weights():
    try:
        from mrcnn.cli.weights import found_weights

        yield from ((f"weights {name}", where) for name, where in found_weights())
    except ImportError as error:
        yield "weights", f"cannot be looked for ({error})"


def backend(options):
    """The backend that Keras starts on, and the devices it sees."""
    try:
        shared.start_machine(options)
        from mrcnn.network import kernels

        devices = kernels.devices()
    except Exception as error:  # whatever is broken, a bug report is to tell of it
        return shared.one_line(f"does not start: {type(error).__name__}: {error}")
    return f"{kernels.BACKEND} on {', '.join(map(str, devices)) or 'no device'}"

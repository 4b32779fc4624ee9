"""Find, check and fetch the file with the original's COCO weights, `mask_rcnn_coco.h5`."""

from pathlib import Path

import pooch

NAME = "mask_rcnn_coco.h5"
FINE_TUNE_SIZE = 255_944_160  # bytes of a file of the same name that is somebody's fine-tune
BUNDLED = ("toybox", "coins")  # weights that lie in this package


def find(name):
    """The file of weights that a name stands for.

    Args:
        name: "toybox", "coins" or "coco"; anything else is the path itself.

    Raises:
        FileNotFoundError: "coco" was not downloaded yet.
    """
    if name in BUNDLED:
        return Path(__file__).with_name(f"{name}.h5")
    if name != "coco":
        return Path(name)
    path = find_coco()
    if path is None:
        raise FileNotFoundError(
            f"{NAME} is neither in {Path.cwd()} nor in {home()}; fetch it by `python download_weights.py`."
        )
    return path


def home():
    """Where the COCO weights belong: the root of the checkout, or the working directory without one."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def find_coco():
    """The path of `mask_rcnn_coco.h5` in the working directory, the checkout or pooch's cache, or None."""
    places = (Path.cwd(), home(), pooch.os_cache("mrcnn"))
    return next((folder / NAME for folder in places if (folder / NAME).is_file()), None)

"""The toybox: a small world of everyday things, under COCO's class names, that our own code draws.

`scene(seed)` is a picture with exact masks; there are as many as there are seeds, and they need
neither a network nor a licence. `Thing`s may be placed by hand, to see where detection breaks.
"""

from mrcnn.data.composing import MIN_AREA, MIN_VISIBLE, Scene
from mrcnn.data.toybox.scenes import (
    CLASS_NAMES,
    Thing,
    ToyboxDataset,
    contact_sheet,
    scene,
)
from mrcnn.data.toybox.street import street

__all__ = [
    "CLASS_NAMES",
    "MIN_AREA",
    "MIN_VISIBLE",
    "Scene",
    "Thing",
    "ToyboxDataset",
    "contact_sheet",
    "scene",
    "street",
]

"""Cut-outs: things taken out of a photograph, the examples that a detector is taught from.

`from_box` finds the thing in a box by itself, `from_mask` and `from_rgba` are told where it is, and
`read_examples` takes what an annotation tool has saved. `sheet` shows all of them, so that a bad one is
seen before anything is learnt from it.
"""

from mrcnn.cutout import Cutout
from mrcnn.data.cutouts.checks import BACKGROUND
from mrcnn.data.cutouts.cutting import (
    cut_out,
    from_box,
    from_ground,
    from_mask,
    from_rgba,
    names_among,
)
from mrcnn.data.cutouts.reading import read_examples
from mrcnn.data.cutouts.sheet import sheet

__all__ = [
    "BACKGROUND",
    "Cutout",
    "cut_out",
    "from_box",
    "from_ground",
    "from_mask",
    "from_rgba",
    "names_among",
    "read_examples",
    "sheet",
]

"""An example that a detector is taught by: a thing without what is around it; see `mrcnn.data.cutouts`.

A file of weights keeps those that it was taught by, so this needs no more than detecting does.
"""

from dataclasses import dataclass

import numpy as np

MARGIN = 2  # transparent pixels around a thing, so that turning and scaling do not cut its edge
RING_COLORS = 256


@dataclass(frozen=True, eq=False)
class Cutout:
    """A thing without what is around it.

    Attributes:
        pixels: (h, w, 4) uint8, red, green, blue and how opaque, cut to the thing with `MARGIN` transparent
            pixels on each side. A transparent pixel has the colour of the nearest one that is not, so that
            resizing blends in nothing from behind the thing.
        name: of its class.
        around: (n, 3) uint8, at most `RING_COLORS` pixels from a ring around the thing, in no order that
            means anything; (0, 3) where nothing is known of them.
    """

    pixels: np.ndarray
    name: str = "thing"
    around: np.ndarray = None

    def __post_init__(self):
        if self.around is None:
            object.__setattr__(self, "around", np.zeros((0, 3), np.uint8))

    @property
    def mask(self):
        """(h, w) bool: where the thing is at least half opaque."""
        return self.pixels[:, :, 3] >= 128

"""Arrays that several tests make."""

import numpy as np


def unpack(bits, height):
    """(height, W, N) masks that were packed along their columns, eight to a byte."""
    return np.unpackbits(bits, axis=0)[:height]


def photograph(height=24, width=30, seed=0):
    """(height, width, 3) uint8, each value by chance."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)

"""Pictures of 64 pixels with a few shapes, as files or arrays, for programs to find them in."""

import numpy as np

SIDE = 64
SHAPES = ("disc", "square", "diamond")


def drawing(seed):
    """A picture (64, 64, 3) uint8 and its shapes, a list of (name, centre (y, x), radius), pixels."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (SIDE, SIDE, 3)).astype(np.uint8)
    shapes = []
    for i in range(1 + seed % 3):
        radius = int(rng.integers(7, 11))
        centre = 16 + 32 * (i % 2), 16 + 32 * (i // 2)
        shapes.append((SHAPES[rng.integers(len(SHAPES))], centre, radius))
        image[mask_of(*shapes[-1])] = rng.integers(120, 255, 3)
    return image, shapes


def mask_of(name, centre, radius):
    """(64, 64) bool."""
    y, x = np.abs(np.indices((SIDE, SIDE)) - np.reshape(centre, (2, 1, 1)))
    return {"disc": y**2 + x**2 < radius**2, "square": np.maximum(y, x) < radius, "diamond": y + x < radius}[
        name
    ]


def corners_of(name, centre, radius, count=24):
    """The outline as lists of x and of y."""
    angles = np.linspace(0, 2 * np.pi, count if name == "disc" else 4, endpoint=False)
    angles = angles + (np.pi / 4 if name == "square" else 0)
    reach = radius * (np.sqrt(2) if name == "square" else 1)
    y, x = centre[0] + reach * np.sin(angles), centre[1] + reach * np.cos(angles)
    return x.round().astype(int).tolist(), y.round().astype(int).tolist()

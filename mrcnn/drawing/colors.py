"""Colours that everybody tells apart, the same in every picture.

A colour is `(red, green, blue)` of floats in 0..1, or any name that matplotlib knows.
"""

import functools
import re

import numpy as np

OKABE_ITO = {
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}
"""Okabe and Ito's colours, told apart by nearly everybody (without black, no colour for a mask)."""

PALETTE_SIZE = 100

# What linear RGB becomes for full colour vision, for protanopes and for deuteranopes
# (Machado, Oliveira and Fernandes 2009, severity 1).
_VISION = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    ]
)

# Linear RGB to cone responses, and their cube roots to lightness and two hue axes: the space
# OKLab (Ottosson 2020), where equal distances look equally different.
_CONES = np.array([[0.412, 0.536, 0.052], [0.212, 0.681, 0.107], [0.088, 0.282, 0.630]])
_OKLAB = np.array([[0.210, 0.794, -0.004], [1.978, -2.429, 0.451], [0.026, 0.783, -0.809]])


def _linear(rgb):
    """sRGB in 0..1 to amounts of light."""
    rgb = np.asarray(rgb, dtype=float)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _appearance(rgb):
    """OKLab coordinates [kinds of vision, N, 3] of sRGB colours [N, 3]."""
    light = np.einsum("vij,nj->vni", _VISION, _linear(rgb)).clip(0, 1)
    return np.cbrt(light @ _CONES.T) @ _OKLAB.T


@functools.cache
def _palette():
    """Okabe and Ito's colours, each then followed by the colour farthest from all before it.

    Far is measured for the kind of vision that tells the two apart worst.
    """
    first = [to_rgb(color) for color in OKABE_ITO.values()]
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 12)] * 3), axis=-1).reshape(-1, 3)
    lightness, *hue = _appearance(grid)[0].T
    grid = grid[(lightness > 0.5) & (lightness < 0.92) & (np.hypot(*hue) > 0.07)]

    candidates = np.concatenate([first, grid])
    seen = _appearance(candidates)
    distance = np.full(len(candidates), np.inf)
    chosen = []
    while len(chosen) < PALETTE_SIZE:
        best = len(chosen) if len(chosen) < len(first) else int(distance.argmax())
        chosen.append(tuple(map(float, candidates[best])))
        to_best = np.linalg.norm(seen - seen[:, best, None], axis=-1).min(axis=0)
        distance = np.minimum(distance, to_best)
    return chosen


def random_colors(N, bright=True):
    """N colours, each easy to tell from the others, also by the colour-blind.

    Despite the name, which programs written for the original use, nothing is random: colour `i`
    is always the same, so that an object keeps its colour from one picture to the next. After
    100 colours the palette starts again.

    Args:
        N: How many.
        bright: False gives darker ones.

    Returns:
        List of N tuples `(red, green, blue)` of floats in 0..1.
    """
    strength = 1.0 if bright else 0.7
    palette = [tuple(strength * channel for channel in color) for color in _palette()]
    return [palette[i % len(palette)] for i in range(N)]


def to_rgb(color):
    """A colour as three floats, 0 to 1: "#E69F00", three floats or bytes, or what else Matplotlib knows."""
    if isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color):
        return tuple(channel / 255 for channel in bytes.fromhex(color[1:]))
    if not isinstance(color, str) and len(color) == 3 and min(color) >= 0 and max(color) <= 255:
        return tuple(color) if max(color) <= 1 else tuple(channel / 255 for channel in color)
    from matplotlib import colors  # late: drawing on a picture needs none of it

    return colors.to_rgb(color)


def text_color(color):
    """Black or white, whichever stands out more on `color` (WCAG contrast)."""
    luminance = _linear(to_rgb(color)) @ [0.2126, 0.7152, 0.0722]
    return "black" if luminance > 0.18 else "white"


def to_bytes(color):
    """A colour as three integers in 0..255."""
    return tuple(round(255 * channel) for channel in to_rgb(color))

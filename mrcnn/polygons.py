"""Masks as polygons, along the edges of their pixels: filled again, they give the same mask.

A ring is the border of a region, or of a hole in one: (N, 2) int, corners (x, y) of pixels, those in the
middle of a straight line left out, the first not repeated at the end. Rings of regions run clockwise on the
screen, those of holes against it.
"""

import numpy as np
from scipy import ndimage

# Steps along the edges of pixels, (x, y): right, down, left, up. An object lies to the right of each step,
# so that the next turn to the right hugs the same pixel, and pixels that only meet at a corner stay apart.
STEPS = [(1, 0), (0, 1), (-1, 0), (0, -1)]
RIGHT_OF = [(0, 0), (-1, 0), (-1, -1), (0, -1)]  # from where each begins to the pixel on its right


def regions(crop, corner=(0, 0)):
    """The regions of a mask, pixels joined by their edges, as rings.

    Args:
        crop: (h, w) bool.
        corner: (y, x) of its first pixel in the picture.

    Returns:
        list of lists of rings (N, 2), the largest region first; in each the outer ring, then those of holes.
    """
    labels, count = ndimage.label(crop)
    found = [[] for _ in range(count)]
    for ring, (x, y) in _rings(crop):
        found[labels[y, x] - 1].append(ring + np.array(corner)[::-1])
    for rings in found:
        rings.sort(key=ring_area, reverse=True)  # that of a hole is below 0
    return sorted(found, key=lambda rings: -sum(map(ring_area, rings)))


def single(regions):
    """One polygon (N, 2) for all regions: from its first corner it goes around each ring, and back.

    The lines between rings are gone twice, there and back, and so enclose nothing.
    """
    first, *others = (np.asarray(ring) for rings in regions for ring in rings)
    parts = [first]
    for ring in others:
        parts += [first[:1], ring, ring[:1]]
    return np.concatenate(parts)


def ring_area(ring):
    """Of a ring, in pixels: above 0 around a region, below 0 around a hole."""
    x, y = np.transpose(ring)
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _rings(crop):
    """Pairs of a ring, and (x, y) of a pixel of its region."""
    ways = _edges(crop)
    left = dict.fromkeys((corner, way) for corner in ways for way in ways[corner])
    while left:
        first = step = next(iter(left))
        ring = []
        while left.pop(step, True) is None:
            (x, y), way = step
            corner = x + STEPS[way][0], y + STEPS[way][1]
            to_the_right = (way + 1) % 4
            after = to_the_right if to_the_right in ways[corner] else ways[corner][0]
            if after != way:
                ring.append(corner)
            step = corner, after
        (x, y), way = first
        yield np.array(ring), (x + RIGHT_OF[way][0], y + RIGHT_OF[way][1])


def _edges(crop):
    """From corners (x, y) to the steps that lead on from there, each along the edge of a pixel."""
    inside = np.pad(crop, 1).astype(np.int8)
    down, right = np.diff(inside, axis=0), np.diff(inside, axis=1)  # 1 where the object begins, -1 after it
    starts = [(down, 1, (-1, 0)), (right, -1, (0, -1)), (down, -1, (0, 0)), (right, 1, (0, 0))]
    ways = {}
    for way, (change, value, (dx, dy)) in enumerate(starts):
        ys, xs = np.nonzero(change == value)
        for corner in zip((xs + dx).tolist(), (ys + dy).tolist(), strict=True):
            ways.setdefault(corner, []).append(way)
    return ways

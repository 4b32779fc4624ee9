"""Shapes, paints, and the one renderer that turns them into pixels.

A thing is a list of `Shape`s, painted one over the other. Its coordinates are (x, y) with y
pointing down, in any unit: `render` scales the whole list so that its longer side has the wanted
number of pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

SUBPIXEL_BITS = 4  # OpenCV takes polygon corners in sixteenths of a pixel
MARGIN = 3  # pixels around a rendered thing, for its soft edge and outline


@dataclass(frozen=True)
class Shape:
    """A filled polygon.

    Attributes:
        points: (N, 2) float, its corners.
        fill: (3,) a colour, 0 to 255, or (h, w, 3) uint8 a picture stretched over its bounds.
        hole: (M, 2) float, corners of a hole, or None.
        outlined: whether it gets the outline that its thing may have.
    """

    points: np.ndarray
    fill: object
    hole: np.ndarray | None = None
    outlined: bool = True


# --- shapes -------------------------------------------------------------------------------------


def polygon(points, fill, outlined=True):
    """Straight lines from corner to corner; `points` (N, 2)."""
    return Shape(np.asarray(points, float), fill, outlined=outlined)


def arc(x, y, rx, ry=None, start=0, stop=360, tilt=0, steps=28):
    """(steps, 2) points of an ellipse's arc, degrees clockwise from three o'clock."""
    angles = np.radians(np.linspace(start, stop, steps))
    points = np.stack([rx * np.cos(angles), (rx if ry is None else ry) * np.sin(angles)], axis=1)
    return turned(points, tilt) + (x, y)


def turned(points, degrees, centre=(0, 0)):
    """(N, 2) points turned clockwise around a centre."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (np.asarray(points, float) - centre) @ np.array([[c, s], [-s, c]]) + centre


def ellipse(x, y, rx, ry=None, fill=0, tilt=0, outlined=True):
    """An ellipse, or a disc if `ry` is left out."""
    return Shape(arc(x, y, rx, ry, tilt=tilt), fill, outlined=outlined)


def ring(x, y, rx, ry, inner, fill, tilt=0):
    """An ellipse with a hole of `inner` times its size."""
    hole = arc(x, y, rx * inner, ry * inner, tilt=tilt)
    return Shape(arc(x, y, rx, ry, tilt=tilt), fill, hole)


def box(x1, y1, x2, y2, fill, radius=0.0, outlined=True):
    """A rectangle with rounded corners."""
    if radius <= 0:
        return polygon([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], fill, outlined)
    r = min(radius, (x2 - x1) / 2, (y2 - y1) / 2)
    corners = ((x2 - r, y1 + r, 270), (x2 - r, y2 - r, 0), (x1 + r, y2 - r, 90), (x1 + r, y1 + r, 180))
    points = [arc(x, y, r, start=a, stop=a + 90, steps=6) for x, y, a in corners]
    return polygon(np.concatenate(points), fill, outlined)


def smooth(points, closed=True, steps=6):
    """Points on the Catmull-Rom curve through `points` (N, 2): (M, 2), `steps` for each piece of it."""
    p = np.asarray(points, float)
    if not closed:
        p = np.concatenate([p[:1], p, p[-1:]])
    before, here, after, beyond = (np.roll(p, k, axis=0)[:, None] for k in (1, 0, -1, -2))
    t = np.arange(steps)[None, :, None] / steps
    curve = here + 0.5 * t * (
        (after - before)
        + t * (2 * before - 5 * here + 4 * after - beyond + t * (3 * (here - after) + beyond - before))
    )
    if closed:
        return curve.reshape(-1, 2)
    return np.concatenate([curve[1:-2].reshape(-1, 2), p[-1:]])


def blob(points, fill, outlined=True):
    """A smooth closed shape through `points` (N, 2)."""
    return Shape(smooth(points), fill, outlined=outlined)


def limb(start, stop, width, fill, end_width=None, outlined=True):
    """A straight piece with round ends, `width` wide at the start and `end_width` at the end."""
    (x1, y1), (x2, y2) = start, stop
    a = np.degrees(np.arctan2(y2 - y1, x2 - x1))
    first = arc(x1, y1, width / 2, start=a + 90, stop=a + 270, steps=8)
    last = arc(x2, y2, (end_width or width) / 2, start=a - 90, stop=a + 90, steps=8)
    return polygon(np.concatenate([first, last]), fill, outlined)


def stroke(points, width, fill, end_width=None, outlined=False):
    """A curved line through `points` (N, 2); its width goes evenly from `width` to `end_width`."""
    line = smooth(points, closed=False)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    half = np.linspace(width, end_width or width, len(line))[:, None] / 2
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * half
    cap = line[-1] + along[-1] * half[-1]
    return polygon(np.concatenate([line + side, [cap], (line - side)[::-1]]), fill, outlined)


# --- paints -------------------------------------------------------------------------------------


def hsv(hue, saturation, value):
    """(3,) float RGB, 0 to 255, of hue (in turns), saturation and value (0 to 1)."""
    wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return 255 * value * (1 - saturation * (1 - wheel))


def any_colour(rng):
    """A random colour: mostly vivid, sometimes pale, dark or grey."""
    kind = rng.random()
    if kind < 0.6:
        return hsv(rng.random(), rng.uniform(0.55, 1), rng.uniform(0.55, 1))
    if kind < 0.8:
        return hsv(rng.random(), rng.uniform(0.15, 0.5), rng.uniform(0.75, 1))
    if kind < 0.92:
        return hsv(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.2, 0.5))
    return hsv(0, 0, rng.uniform(0.1, 1))


def near(rng, colour, spread=18):
    """A colour close to `colour`."""
    return np.clip(np.asarray(colour, float) + rng.normal(0, spread, 3), 0, 255)


def shade(colour, factor):
    """A darker (factor < 1) or lighter (factor > 1) tone of a colour."""
    colour = np.asarray(colour, float)
    return colour * factor if factor <= 1 else 255 - (255 - colour) * (2 - factor)


def choose(rng, *options):
    """One of the options."""
    return options[int(rng.integers(len(options)))]


def stripes(rng, first, second, count=None, upright=None):
    """(24, 24, 3) uint8: stripes of two colours."""
    count = count or rng.integers(2, 6)
    upright = rng.random() < 0.5 if upright is None else upright
    line = ((np.arange(24) * count * 2 // 24) % 2)[:, None, None]
    tile = np.where(line, first, second) + np.zeros((24, 24, 1))
    return (tile.swapaxes(0, 1) if upright else tile).astype(np.uint8)


def dots(rng, first, second):
    """(64, 64, 3) uint8: dots of the second colour on the first."""
    n = choose(rng, 2, 3, 4)
    y, x = (np.mgrid[:64, :64] + 0.5) * n / 64 % 1 - 0.5
    inside = x * x + y * y < rng.uniform(0.04, 0.1)
    return np.where(inside[..., None], second, first).astype(np.uint8)


def checks(rng, first, second):
    """(24, 24, 3) uint8: a chessboard of two colours."""
    y, x = np.mgrid[:24, :24] * rng.integers(2, 5) * 2 // 24
    return np.where(((x + y) % 2)[..., None], first, second).astype(np.uint8)


def gradient(rng, first, second):
    """(2, 2, 3) uint8: from one colour to the other in a random direction."""
    t = choose(rng, [[0, 0], [1, 1]], [[0, 1], [0, 1]], [[0, 0.5], [0.5, 1]], [[0.5, 0], [1, 0.5]])
    t = np.array(t)[..., None]
    return (first * (1 - t) + second * t).astype(np.uint8)


def speckle(rng, colour, spread=22, cells=12):
    """(cells, cells, 3) uint8: a colour that varies from place to place."""
    return np.clip(colour + rng.normal(0, spread, (cells, cells, 1)), 0, 255).astype(np.uint8)


def patches(rng, first, second, cells=6):
    """(cells*4,cells*4,3) uint8: soft-edged patches of the second colour on the first."""
    t = rng.random((cells, cells)).astype(np.float32)
    t = cv2.resize(t, (cells * 4, cells * 4), interpolation=cv2.INTER_CUBIC)
    return np.where((t > 0.6)[..., None], second, first).astype(np.uint8)


def paint(rng, colour, other=None):
    """A fill for a body: the plain colour or, half of the time, a texture of it."""
    kind = rng.random()
    if kind < 0.5:
        return colour
    other = any_colour(rng) if other is None else other
    if kind < 0.62:
        return gradient(rng, colour, shade(colour, rng.uniform(0.5, 0.8)))
    if kind < 0.74:
        return speckle(rng, colour)
    return choose(rng, stripes, dots, checks, patches)(rng, colour, other)


# --- renderer -----------------------------------------------------------------------------------


def bounds(shapes):
    """(x1, y1, x2, y2) of all shapes together."""
    points = np.concatenate([shape.points for shape in shapes])
    return *points.min(axis=0), *points.max(axis=0)


def render(shapes, scale, angle=0.0, outline=None, flip=False, offset=(0.0, 0.0)):
    """Paints shapes at a size and a rotation.

    Args:
        shapes: list of Shape, painted in this order.
        scale: pixels of the longer side of their common bounds, before the rotation.
        angle: degrees, clockwise.
        outline: a colour (3,) for the edges of the outlined shapes, or None.
        flip: mirror left and right.
        offset: (x, y), the fraction of a pixel by which to move the centre.

    Returns:
        layer: (h, w, 4) uint8 RGBA, its colours multiplied by its alpha.
        corner: (x, y) ints, where its upper left pixel lies relative to the centre of the bounds.
    """
    x1, y1, x2, y2 = bounds(shapes)
    zoom = scale / max(x2 - x1, y2 - y1)
    c, s = zoom * np.cos(np.radians(angle)), zoom * np.sin(np.radians(angle))
    m = -1 if flip else 1
    linear = np.array([[m * c, -s], [m * s, c]])
    shift = np.asarray(offset) - linear @ [(x1 + x2) / 2, (y1 + y2) / 2]
    paths = [shape.points @ linear.T + shift for shape in shapes]
    everything = np.concatenate(paths)
    low = np.floor(everything.min(axis=0)).astype(int) - MARGIN
    width, height = np.ceil(everything.max(axis=0)).astype(int) + MARGIN - low
    layer = np.zeros((height, width, 4), np.uint8)
    for shape, path in zip(shapes, paths, strict=True):
        contours = [_fixed_point(path - low)]
        if shape.hole is not None:
            contours.append(_fixed_point(shape.hole @ linear.T + shift - low))
        if np.ndim(shape.fill) == 3:
            _fill_texture(layer, contours, shape, linear, shift - low)
        else:
            cv2.fillPoly(layer, contours, (*_rgb(shape.fill), 255), cv2.LINE_AA, SUBPIXEL_BITS)
        if outline is not None and shape.outlined:
            thickness = 1 if scale < 90 else 2
            colour = (*_rgb(outline), 255)
            cv2.polylines(layer, contours, True, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    return layer, (int(low[0]), int(low[1]))


def _rgb(colour):
    return tuple(int(min(max(c, 0), 255)) for c in np.broadcast_to(colour, 3))


def _fixed_point(path):
    # A pixel's centre has whole numbers in OpenCV and halves in our half-open boxes.
    return np.rint((path - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)


def _fill_texture(layer, contours, shape, linear, shift):
    """Fills contours with a texture that is stretched over the shape's bounds and moves with it."""
    points = np.concatenate(contours) / (1 << SUBPIXEL_BITS)
    left, top = np.maximum(np.floor(points.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + 2
    part = layer[top:bottom, left:right]
    alpha = np.zeros(part.shape[:2], np.uint8)
    moved = [path - np.array([left, top], np.int32) * (1 << SUBPIXEL_BITS) for path in contours]
    cv2.fillPoly(alpha, moved, 255, cv2.LINE_AA, SUBPIXEL_BITS)
    x1, y1, x2, y2 = bounds([shape])
    h, w = shape.fill.shape[:2]
    cell = np.array([(x2 - x1) / w, (y2 - y1) / h])
    # Texture pixel (column, row) has its centre half a cell into the bounds.
    matrix = np.empty((2, 3))
    matrix[:, :2] = linear * cell
    matrix[:, 2] = linear @ (np.array([x1, y1]) + cell / 2) + shift - (left + 0.5, top + 0.5)
    texture = cv2.warpAffine(
        shape.fill, matrix, alpha.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    over(part, np.dstack([cv2.multiply(texture, cv2.merge([alpha] * 3), scale=1 / 255), alpha]))


def over(below, layer):
    """Lays `layer` (h, w, 4), colours multiplied by alpha, over `below` (h, w, 3 or 4) in place."""
    channels = below.shape[2]
    through = cv2.merge([255 - layer[..., 3]] * channels)
    below[:] = cv2.add(cv2.multiply(below, through, scale=1 / 255), layer[..., :channels])

"""The world that teaching from one example is measured on: twenty things that the toybox never saw.

`photograph(name, seed)` is the picture from which a user takes examples of a thing, `scene(name, seed)` one
on which the thing is to be found. Both are drawn, then seen at a slant, lit, blurred and compressed as
photographs are. The same arguments give the same picture, bit for bit.

    python -m tests.benchmarks.things FILE.png    all twenty, and a scene of each with its masks' outlines
"""

import itertools
import sys
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from mrcnn.data.composing import Camera, Layer, Scene, stack, visible
from mrcnn.data.toybox import contact_sheet
from mrcnn.data.toybox.backgrounds import background
from mrcnn.data.toybox.drawing import over, render
from mrcnn.data.toybox.scenes import DRAWERS as TOYS
from mrcnn.files import replacing
from tests.benchmarks.drawings import DRAWERS, draw

NAMES = list(DRAWERS)

SIZE = 384  # pixels of a picture's side; those below are of one of this size
TYPICAL = 40, 69  # pixels of a thing's longer side; each scene has its own, and
FACTORS = 0.6, 1.6  # the things in it are so much larger: from 24 to 110 pixels
SLANT = 0.05  # how far a corner of the picture moves by perspective, as a share of its side
EXAMPLES = 10  # whole and well visible things on a photograph
WELL_VISIBLE = 0.9  # fraction

# What the numbers of one seed are drawn for. From 1, because NumPy takes [seed] and [seed, 0] for the same.
SCENE, PHOTOGRAPH = range(1, 3)
BACKGROUND, COMPOSITION, CAMERA = range(1, 4)


@dataclass(frozen=True)
class Drawn(Layer):
    """A thing as the camera sees it, and what it is."""

    name: str

    @classmethod
    def seen(cls, rng, name, x, y, scale, angle, view):
        """Draws a thing or a toy around (x, y), and looks at it through a perspective `view` (3, 3)."""
        shapes = draw(name, rng) if name in DRAWERS else TOYS[name][0](rng)
        pixels, (left, top) = render(shapes, scale, angle)
        left, top = left + x, top + y
        h, w = pixels.shape[:2]
        corners = np.array([(left, top), (left + w, top), (left, top + h), (left + w, top + h)], float)
        corners = cv2.perspectiveTransform(corners[None], view)[0]
        low = np.floor(corners.min(axis=0)).astype(int)
        width, height = (np.ceil(corners.max(axis=0)).astype(int) - low).tolist()
        matrix = _shift(*-low) @ view @ _shift(left, top)
        return cls(cv2.warpPerspective(pixels, matrix, (width, height)), *low.tolist(), name)

    @property
    def area(self):
        """Pixels that it would fill if nothing hid it."""
        return np.count_nonzero(self.pixels[..., 3] >= 128)


def scene(name, seed, size=SIZE, count=(6, 14)):
    """A picture of several of one thing, among others that are not labelled.

    Args:
        name: one of NAMES. What is not labelled are toys and two or three others of the twenty.
        seed: int, or a sequence of ints.
        size: pixels of its side; things grow with it.
        count: (fewest, most) of the thing. Those that would hardly be seen are then left out.

    Returns:
        a `mrcnn.data.composing.Scene`: `image` (H, W, 3) uint8, `masks` (H, W, n) bool, the visible part of
        each, `class_ids` (n,) int32, all 1, `things` n `Drawn`.
    """
    return _picture([NAMES.index(name), SCENE, *np.atleast_1d(seed)], name, size, count)


def photograph(name, seed):
    """A picture to take examples from: at least EXAMPLES of the thing are whole and well visible.

    Returns:
        scene: as `scene` gives, of SIZE pixels.
        indices: (k,) int, which of its things are whole and well visible, the largest visible fraction
            first.
    """
    key = [NAMES.index(name), PHOTOGRAPH, *np.atleast_1d(seed)]
    tries = (_picture([*key, i], name, SIZE, (16, 20), toys=3, offers=24) for i in itertools.count())
    return next((taken, best) for taken in tries if len(best := _well_visible(taken)) >= EXAMPLES)


def _well_visible(taken):
    """(k,) indices of the things of a Scene that are whole and well visible, the best first."""
    inner = taken.masks[1:-1, 1:-1].sum(axis=(0, 1))
    areas = taken.masks.sum(axis=(0, 1))
    fractions = areas / [thing.area for thing in taken.things]
    best = np.argsort(-fractions, kind="stable")
    return best[((inner == areas) & (fractions >= WELL_VISIBLE))[best]]


def _picture(key, name, size, count, toys=6, offers=2):
    """A Scene; `toys` is the most of them, `offers` see `_roomy`."""
    image = background(np.random.default_rng([*key, BACKGROUND]), size, size)
    layers = _compose(np.random.default_rng([*key, COMPOSITION]), name, size, count, toys, offers)
    camera = _camera(np.random.default_rng([*key, CAMERA]), size)
    seen = visible(layers, size, size)
    for layer, _ in seen:
        layer.cast_shadow(image, camera)
        here, part = layer.clipped(size, size)
        over(image[here], layer.pixels[part])
    own = [(layer, mask) for layer, mask in seen if layer.name == name]
    masks = stack([mask for _, mask in own], size, size)
    things = tuple(layer for layer, _ in own)
    return Scene(camera.photograph(image), masks, np.ones(len(own), np.int32), things)


def _compose(rng, name, size, count, toys, offers):
    """Layers in the order of painting: the thing several times, other things and toys between them."""
    others = rng.choice([other for other in NAMES if other != name], rng.integers(2, 4), replace=False)
    toys = rng.choice(list(TOYS), rng.integers(2, toys + 1))
    names = rng.permutation([name] * rng.integers(count[0], count[1] + 1) + [*others, *toys])
    typical, view = rng.uniform(*TYPICAL) * size / SIZE, _view(rng, size)
    scales = typical * np.exp(rng.uniform(*np.log(FACTORS), len(names)))
    angles = rng.uniform(0, 360, len(names))
    places = np.empty((0, 2))
    for _ in names:
        places = np.vstack([places, _roomy(rng, places, size, offers)])
    return [
        Drawn.seen(rng, str(each), *place, scale, angle, view)
        for each, place, scale, angle in zip(names, places, scales, angles, strict=True)
    ]


def _roomy(rng, places, size, offers):
    """(2,) of so many random places x, y the one that is farthest from those that are taken (n, 2)."""
    offered = rng.uniform(-0.02 * size, 1.02 * size, (offers, 2))
    apart = np.linalg.norm(offered[:, None] - places, axis=2)
    return offered[np.argmax(apart.min(axis=1, initial=np.inf))]


def _view(rng, size):
    """(3, 3) the perspective in which a camera sees a flat picture."""
    corners = size * np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    moved = corners + size * rng.uniform(-SLANT, SLANT, (4, 2)).astype(np.float32)
    return cv2.getPerspectiveTransform(corners, moved)


def _shift(x, y):
    """(3, 3) the map that moves a point by (x, y)."""
    return np.array([(1, 0, x), (0, 1, y), (0, 0, 1)], float)


def _camera(rng, size):
    """A camera whose pictures are all a little noisy, soft, unevenly lit and compressed."""
    return Camera.random(
        rng,
        size,
        noise=rng.uniform(1, 8),
        blur=rng.uniform(0.3, 0.9) * size / SIZE,
        light=rng.uniform(0.1, 0.5),
        jpeg=int(rng.integers(60, 95)),
    )


def alone(name, seed=0, size=128):
    """(size, size, 3) uint8 and its mask (size, size) bool: one thing, upright, on grey paper."""
    image = np.full((size, size, 3), 205, np.uint8)
    middle, rng = size / 2, np.random.default_rng([seed, NAMES.index(name)])
    layers = [Drawn.seen(rng, name, middle, middle, 0.85 * size, 0, np.eye(3))]
    ((layer, mask),) = visible(layers, size, size)
    here, part = layer.clipped(size, size)
    over(image[here], layer.pixels[part])
    return image, mask


def _outlined(drawn):
    """A Scene whose picture shows the outlines of its masks."""
    image = drawn.image.copy()
    for mask in np.moveaxis(drawn.masks, 2, 0):
        outlines = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]
        cv2.drawContours(image, outlines, -1, (0, 255, 60))
    return Scene(image, drawn.masks, drawn.class_ids)


def main(path):
    """Writes a sheet of all things to a picture file."""
    things = [Scene(*alone(name), class_ids=None) for name in NAMES]
    sheets = [
        contact_sheet(things, columns=10),
        contact_sheet([_outlined(scene(name, 0)) for name in NAMES], columns=5),
    ]
    width = max(sheet.shape[1] for sheet in sheets)
    sheets = [np.pad(s, ((0, 0), (0, width - s.shape[1]), (0, 0)), constant_values=255) for s in sheets]
    with replacing(path) as file:
        Image.fromarray(np.vstack(sheets)).save(file)


if __name__ == "__main__":
    main(sys.argv[1])

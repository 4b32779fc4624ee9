"""Scenes: things on a background, how one hides another, light and camera."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from mrcnn.data.composing import Camera, DrawnDataset, Layer, Scene, stack, visible
from mrcnn.data.toybox import household, living, vehicles
from mrcnn.data.toybox.backgrounds import background
from mrcnn.data.toybox.drawing import any_colour, over, render, shade

# Each thing with the rotations, in degrees to either side, at which a random scene shows it.
DRAWERS = {
    "person": (living.person, 10),
    "bicycle": (vehicles.bicycle, 12),
    "car": (vehicles.car, 12),
    "bus": (vehicles.bus, 10),
    "boat": (vehicles.boat, 12),
    "bird": (living.bird, 20),
    "cat": (living.cat, 12),
    "dog": (living.dog, 12),
    "umbrella": (household.umbrella, 30),
    "sports ball": (household.sports_ball, 180),
    "kite": (household.kite, 50),
    "bottle": (household.bottle, 20),
    "cup": (household.cup, 12),
    "banana": (household.banana, 180),
    "apple": (household.apple, 25),
    "donut": (household.donut, 180),
    "chair": (household.chair, 10),
    "clock": (household.clock, 15),
    "book": (household.book, 40),
}
CLASS_NAMES = ["BG", *DRAWERS]

# What the numbers of one seed are drawn for; a choice about one leaves the others as they were.
# From 1, because NumPy takes [seed] and [seed, 0] for the same.
BACKGROUND, COMPOSITION, CAMERA, LOOK = range(1, 5)


@dataclass(frozen=True)
class Thing:
    """Something to draw.

    Attributes:
        class_name: one of CLASS_NAMES, not "BG".
        x, y: where the centre of its bounds lies, in pixels.
        scale: pixels of its longer side, before it is turned.
        angle: degrees, clockwise.
        look: seed of its appearance; the same look is the same thing wherever it lies. None: by the
            scene's seed and its place in the list.
        camouflage: how much of its colour it takes from what is behind it, 0 to 1.
    """

    class_name: str
    x: float
    y: float
    scale: float
    angle: float = 0.0
    look: int | None = None
    camouflage: float = 0.0


def scene(seed, size=320, objects=None, most=8, noise=None, blur=None, light=None, shadow=None, jpeg=None):
    """Draws a scene; the same arguments give the same scene, bit for bit.

    A thing of which less than MIN_AREA pixels or less than the fraction MIN_VISIBLE would be seen,
    because others cover it or it lies beyond the border, is not drawn at all.

    Args:
        seed: int, or a sequence of ints.
        size: pixels of its side, or (height, width).
        objects: list of Thing, painted in this order. None: random ones. The background depends on the
            seed alone, not on the objects.
        most: how many random ones there are at most; at least one.
        noise: standard deviation of the pixels' noise, 0 to 255. None, here and below: random.
        blur: standard deviation of the blur, in pixels.
        light: contrast of a light that falls from one side, 0 (even) to 1 (the far side is black).
        shadow: strength of the shadows that things cast, 0 to 1.
        jpeg: quality of a JPEG compression that the picture goes through, 1 to 100; 0 for none.

    Raises:
        ValueError: a class that is not in CLASS_NAMES, a scale or a size that is not positive.
    """
    height, width = (size, size) if np.isscalar(size) else size
    if min(height, width) < 1:
        raise ValueError(f"A scene of {height} by {width} pixels cannot be drawn: use at least 1.")
    seed = list(np.atleast_1d(seed))
    image = background(np.random.default_rng([*seed, BACKGROUND]), height, width)
    if objects is None:
        objects = _compose(np.random.default_rng([*seed, COMPOSITION]), height, width, most)
    chosen = {"noise": noise, "blur": blur, "light": light, "shadow": shadow, "jpeg": jpeg}
    camera = Camera.random(np.random.default_rng([*seed, CAMERA]), max(height, width), **chosen)
    drawn = [_draw(thing, [*seed, LOOK, i]) for i, thing in enumerate(objects)]
    seen = visible(drawn, height, width)
    for item, _ in seen:
        _paste(image, item, camera)
    masks = stack([mask for _, mask in seen], height, width)
    things = tuple(item.thing for item, _ in seen)
    class_ids = np.array([CLASS_NAMES.index(thing.class_name) for thing in things], np.int32)
    return Scene(camera.photograph(image), masks, class_ids, things)


@dataclass(frozen=True)
class _Drawn(Layer):
    """A rendered thing."""

    thing: Thing


def _compose(rng, height, width, most):
    """1 to `most` random things, some in clusters that overlap, some reaching over the border."""
    size = max(height, width)
    things = []
    crowd = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    crowded = rng.random() < 0.35
    for _ in range(rng.integers(1, most + 1)):
        name = CLASS_NAMES[rng.integers(1, len(CLASS_NAMES))]
        turn = DRAWERS[name][1]
        place = rng.uniform((-0.02 * width, -0.02 * height), (1.02 * width, 1.02 * height))
        if crowded:
            place = crowd + 0.5 * (place - crowd)
        scale = size * np.exp(rng.uniform(np.log(20 / 320), np.log(160 / 320)))
        camouflage = rng.uniform(0.3, 0.65) if rng.random() < 0.1 else 0.0
        angle = rng.uniform(-turn, turn) * rng.random() if turn < 180 else rng.uniform(-180, 180)
        look = int(rng.integers(2**31))
        x, y = place.tolist()
        things.append(Thing(name, x, y, float(scale), float(angle), look, float(camouflage)))
    # No scene is empty: the thing in front is large enough, and enough of it is in the picture.
    front = things[-1]
    x, y = np.clip(front.x, 0.1 * width, 0.9 * width), np.clip(front.y, 0.1 * height, 0.9 * height)
    things[-1] = replace(front, x=float(x), y=float(y), scale=max(front.scale, size / 8))
    return things


def _draw(thing, seed):
    """Renders a thing; `seed` gives the look of one that has none."""
    if thing.class_name not in DRAWERS:
        known = ", ".join(DRAWERS)
        raise ValueError(f"The toybox has no {thing.class_name!r}; it has: {known}.")
    if not thing.scale > 0:
        raise ValueError(f"The {thing.class_name} has scale {thing.scale}: it must be positive.")
    if thing.look is None:
        thing = replace(thing, look=int(np.random.default_rng(seed).integers(2**31)))
    rng = np.random.default_rng([thing.look, CLASS_NAMES.index(thing.class_name)])
    flip = bool(rng.random() < 0.5)
    outline = shade(any_colour(rng), 0.25) if rng.random() < 0.35 else None
    lit = rng.uniform(0.65, 1.0, (2, 2, 1)) * 255
    shapes = DRAWERS[thing.class_name][0](rng)
    place = np.floor((thing.x, thing.y))
    layer, corner = render(shapes, thing.scale, thing.angle, outline, flip, offset=(thing.x, thing.y) - place)
    # Alpha stays as it is; the colours get the light of the side that they are on.
    lit = np.concatenate([lit, lit, lit, np.full((2, 2, 1), 255)], axis=2).astype(np.uint8)
    lit = cv2.resize(lit, layer.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    layer = cv2.multiply(layer, lit, scale=1 / 255)
    return _Drawn(layer, int(place[0]) + corner[0], int(place[1]) + corner[1], thing)


def _paste(image, item, camera):
    """Lays a rendered thing, its shadow below it, on the picture."""
    item.cast_shadow(image, camera)
    here, part = item.clipped(*image.shape[:2])
    layer = item.pixels[part]
    if item.thing.camouflage:
        behind = cv2.mean(image[here])[:3]
        alpha = cv2.merge([layer[..., 3]] * 3)
        disguise = cv2.multiply(alpha, (*behind, 0), scale=1 / 255)
        blend = item.thing.camouflage
        colours = cv2.addWeighted(layer[..., :3], 1 - blend, disguise, blend, 0)
        layer = np.dstack([colours, layer[..., 3]])
    over(image[here], layer)


class ToyboxDataset(DrawnDataset):
    """`count` scenes of the toybox of 1 to `most` things; see `DrawnDataset`."""

    def __init__(self, count, seed=0, size=320, most=8):
        super().__init__("toybox", CLASS_NAMES, scene, count, seed, size, most=most)


def contact_sheet(scenes, columns=8, gap=4):
    """One picture (H, W, 3) uint8 of several scenes of one size, row by row."""
    pictures = [np.pad(s.image, ((0, gap), (0, gap), (0, 0)), constant_values=255) for s in scenes]
    blank = np.full_like(pictures[0], 255)
    pictures += [blank] * (-len(pictures) % columns)
    rows = [np.hstack(pictures[i : i + columns]) for i in range(0, len(pictures), columns)]
    return np.vstack(rows)

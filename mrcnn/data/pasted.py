"""Scenes composed from cut-outs: cut, change, paste.

One example, pasted a thousand times in other sizes, turns, lights and surroundings, is enough to learn from
(Dwibedi et al. 2017, *Cut, Paste and Learn*, 1708.01642; Ghiasi et al. 2021, 2012.07177).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from mrcnn.data import toybox
from mrcnn.data.composing import Camera, DrawnDataset, Layer, Scene, stack, visible
from mrcnn.data.cutouts import BACKGROUND
from mrcnn.data.toybox.backgrounds import background, clutter
from mrcnn.data.toybox.drawing import over

MOST_THINGS = 24  # things in a scene
DISTRACTORS = 12  # things of the toybox on a scene
FULL = 0.6  # share of a scene that things may cover
GREY = 6  # levels by which the channels of a grey photograph may differ, in the mean


@dataclass(frozen=True)
class Changes:
    """How much cut-outs are changed when they are pasted.

    Attributes:
        turn: degrees to either side.
        smallest, largest: factors of size.
        flip: whether mirrored too.
        soft: whether edges are blended: feathered or blurred, each its own way. Without that, what is
            learnt is the edge of the scissors.
    """

    turn: float = 180.0
    smallest: float = 0.5
    largest: float = 1.8
    flip: bool = True
    soft: bool = True


class Paster:
    """Makes scenes of cut-outs; the same seed gives the same scene, bit for bit.

    Args:
        cutouts: list of `Cutout`. Those named BACKGROUND are pasted like the others, but nothing to be found.
        class_names: "BG", then the names of the others.
        scale: factor from pixels of the cut-outs to pixels of the scenes.
        backgrounds: list of (H, W, 3) uint8 pictures without any of the things, to paste on beside those that
            are made.
        changes: `Changes`.
    """

    def __init__(self, cutouts, class_names, scale=1.0, backgrounds=(), changes=None):
        self.changes = changes or Changes()
        self.stencils = [
            Stencil.cut(cutout, class_names.index(cutout.name), scale)
            for cutout in cutouts
            if cutout.name != BACKGROUND
        ]
        self.wrong = [Stencil.cut(cutout, 0, scale) for cutout in cutouts if cutout.name == BACKGROUND]
        self.backgrounds = list(backgrounds)
        self.colours = np.concatenate([cutout.around for cutout in cutouts])
        self.grey = bool(np.mean([stencil.colourful for stencil in self.stencils]) < GREY)

    def __call__(self, seed, size=320):
        """A scene of `size` pixels, one side of which is now and then shorter; see `composing.Scene`."""
        rng = np.random.default_rng(seed)
        height, width = self._shape(rng, size)
        image = self._ground(rng, height, width)
        camera = Camera.random(rng, size)
        pieces = [piece for place in self._places(rng, height, width) if (piece := self._piece(rng, *place))]
        seen = visible(pieces, height, width)
        for piece, _ in seen:
            piece.cast_shadow(image, camera)
            here, part = piece.clipped(height, width)
            over(image[here], piece.pixels[part])
        if self.grey:
            image = cv2.merge([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)] * 3)
        image = camera.photograph(image)
        if self.grey:  # noise too has no colour
            image = cv2.merge([image[..., 0]] * 3)
        found = [(piece, mask) for piece, mask in seen if piece.class_id]
        class_ids = np.array([piece.class_id for piece, _ in found], np.int32)
        return Scene(image, stack([mask for _, mask in found], height, width), class_ids)

    @staticmethod
    def _shape(rng, size):
        """Mostly a square; else a side is shorter, so that the padding of narrow pictures is known too."""
        short = int(size * rng.uniform(0.5, 1))
        return (size, size) if rng.random() < 0.75 else (short, size) if rng.random() < 0.5 else (size, short)

    # Ground

    def _ground(self, rng, height, width):
        """What things are pasted on: (height, width, 3) uint8, contiguous."""
        if self.backgrounds and rng.random() < 0.5:
            return _crop(rng, self.backgrounds[rng.integers(len(self.backgrounds))], height, width)
        kind = rng.random()
        if len(self.colours) and kind < 0.4:
            return self._own_ground(rng, height, width)
        if kind < 0.55:
            picture = background(rng, height, width)
        else:  # things of another world, as distractors
            picture = toybox.scene(int(rng.integers(2**31)), (height, width), most=DISTRACTORS).image
        return self._tinted(rng, picture) if len(self.colours) and rng.random() < 0.5 else picture

    def _own_ground(self, rng, height, width):
        """Soft spots in the colours that lie around the things on the photograph."""
        cells = rng.integers(2, 9, 2)
        coarse = self._pick(rng, cells.prod()).reshape(*cells, 3) + rng.normal(0, 12, (*cells, 1))
        coarse = coarse * rng.uniform(0.7, 1.3)
        picture = cv2.resize(
            coarse.clip(0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
        )
        if rng.random() < 0.7:  # the grain of its material
            fine = int(rng.integers(1, 5))
            grain = rng.normal(0, rng.uniform(2, 14), (height // fine + 1, width // fine + 1)).astype(
                np.float32
            )
            grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
            picture = cv2.add(picture, cv2.merge([grain] * 3), dtype=cv2.CV_8U)
        if rng.random() < 0.5:
            clutter(rng, picture)
        return picture

    def _pick(self, rng, count):
        """`count` of the colours around the things, near to a few of them: (count, 3) float."""
        few = self.colours[rng.integers(len(self.colours), size=int(rng.integers(1, 5)))]
        return few[rng.integers(len(few), size=count)].astype(float)

    def _tinted(self, rng, picture):
        """A picture brought to the brightness and colours that lie around the things."""
        mean, spread = cv2.meanStdDev(picture)
        target = self._pick(rng, 1)[0]
        contrast = rng.uniform(10, 40) / max(float(spread.mean()), 1)
        contrast = min(contrast, 1.0)
        shifted = (picture - mean[:, 0]) * contrast + target
        return shifted.clip(0, 255).astype(np.uint8)

    # Things

    def _places(self, rng, height, width):
        """Of each thing: (stencil, x, y, factor). In rows, in heaps or anyhow; now and then overlapping."""
        changes = self.changes
        low, high = np.log(changes.smallest), np.log(changes.largest)
        typical, spread = rng.uniform(low, high), rng.uniform(0.05, 0.35)
        gap = rng.uniform(0.6, 1.0) if rng.random() < 0.25 else rng.uniform(1.0, 1.4)
        count = int(rng.integers(1, MOST_THINGS + 1))
        placed, covered = np.empty((0, 3)), 0.0
        for x, y in self._spots(rng, height, width, np.exp(typical)):
            factor = np.exp(np.clip(typical + rng.normal(0, spread), low, high))
            wrong = self.wrong and len(placed) and rng.random() < 0.3
            stencils = self.wrong if wrong else self.stencils
            stencil = stencils[rng.integers(len(stencils))]
            radius = stencil.radius * factor
            apart = np.hypot(placed[:, 0] - x, placed[:, 1] - y)
            if np.any(apart < gap * (placed[:, 2] + radius)):
                continue
            placed = np.vstack([placed, (x, y, radius)])
            covered += np.pi * radius**2
            yield stencil, x, y, factor
            if len(placed) >= count or covered > FULL * height * width:
                return

    def _spots(self, rng, height, width, factor):
        """(n, 2) places x, y in a random order, the first of them well inside."""
        size = np.array([width, height])
        first = rng.uniform(0.2, 0.8, (1, 2)) * size
        if rng.random() < 0.3:
            step = 2 * factor * np.mean([stencil.radius for stencil in self.stencils]) * rng.uniform(1.1, 1.8)
            xs, ys = np.arange(step / 2, width, step), np.arange(step / 2, height, step)
            rest = np.stack(np.meshgrid(xs, ys), axis=2).reshape(-1, 2)
            rest = rng.permutation(rest + rng.normal(0, 0.08 * step, rest.shape))
        elif rng.random() < 0.3:
            rest = rng.normal(first, 0.2 * size, (60, 2))
        else:
            rest = rng.uniform(0, 1, (60, 2)) * size
        return np.concatenate([first, rest])

    def _piece(self, rng, stencil, x, y, factor):
        """A changed copy of a thing as a layer, its middle at (x, y); None where nothing is left of it."""
        changes = self.changes
        angle = np.deg2rad(rng.uniform(-changes.turn, changes.turn))
        mirrored = changes.flip and rng.random() < 0.5
        shear, stretch = rng.normal(0, 0.06), np.exp(rng.normal(0, 0.06))
        c, s = np.cos(angle), np.sin(angle)
        shape = np.array([[stretch, shear], [0, 1 / stretch]]) * factor
        if mirrored:
            shape[:, 0] *= -1
        pixels = stencil.warped(np.array([[c, -s], [s, c]]) @ shape)
        pixels = _edges(rng, _colours(rng, pixels, stencil.mean, self.grey), changes.soft)
        h, w = pixels.shape[:2]
        piece = Piece(pixels, round(x - w / 2), round(y - h / 2), stencil.class_id)
        return piece if (pixels[..., 3] >= 128).any() else None


@dataclass(frozen=True)
class Piece(Layer):
    """A pasted thing; class 0 is nothing to be found."""

    class_id: int


@dataclass(frozen=True)
class Stencil:
    """A cut-out, ready to be pasted.

    Attributes:
        class_id: 0 for what is nothing to be found.
        levels: (h, w, 4) uint8 RGBA at the size of the scenes and at half of it, colours multiplied by alpha.
        mean: (3,) float, its mean colour.
        radius: of a circle that its like may be kept apart by, in pixels of the scenes.
        colourful: how much its channels differ, in grey levels.
    """

    class_id: int
    levels: tuple
    mean: np.ndarray
    radius: float
    colourful: float

    @classmethod
    def cut(cls, cutout, class_id, scale):
        pixels = _multiplied(cutout.pixels)
        if not class_id:
            pixels = _faded(pixels)
        whole, half = _scaled(pixels, scale), _scaled(pixels, scale / 2)
        alpha = pixels[..., 3].astype(float) / 255
        mean = pixels[..., :3].sum(axis=(0, 1)) / alpha.sum()
        inside = cutout.pixels[cutout.pixels[..., 3] >= 128][:, :3].astype(float)
        radius = scale * (0.25 * np.sqrt(alpha.sum() * 4 / np.pi) + 0.25 * max(_extent(alpha)))
        return cls(class_id, (whole, half), mean, radius, float(np.ptp(inside, axis=1).mean()))

    def warped(self, matrix):
        """Its pixels under a linear map (2, 2) of (x, y), on a patch that just holds them."""
        size = np.sqrt(abs(np.linalg.det(matrix)))
        pixels = self.levels[0] if size > 0.7 else self.levels[1]
        matrix = matrix if size > 0.7 else 2 * matrix
        h, w = pixels.shape[:2]
        reach = np.abs(matrix) @ np.array([w, h])
        width, height = (np.ceil(reach) + 4).astype(int).tolist()
        shift = np.array([width, height]) / 2 - 0.5 - matrix @ (np.array([w, h]) / 2 - 0.5)
        return cv2.warpAffine(pixels, np.column_stack([matrix, shift]), (width, height))


def _multiplied(pixels):
    """RGBA (h, w, 4) uint8 with its colours multiplied by alpha."""
    alpha = pixels[..., 3]
    return np.dstack([cv2.multiply(pixels[..., :3], cv2.merge([alpha] * 3), scale=1 / 255), alpha])


def _faded(pixels):
    """A rectangle of pixels that fades out towards its border, so that no rectangle is learnt."""
    h, w = pixels.shape[:2]
    y, x = np.linspace(-1, 1, h)[:, None], np.linspace(-1, 1, w)
    fade = (255 * np.clip(3 * (1 - np.maximum(np.abs(y), np.abs(x))), 0, 1)).astype(np.uint8)
    return cv2.multiply(pixels, cv2.merge([fade] * 4), scale=1 / 255)


def _scaled(pixels, scale):
    size = [max(2, round(length * scale)) for length in pixels.shape[1::-1]]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _extent(alpha):
    """Height and width of what is not transparent."""
    return [np.count_nonzero(alpha.any(axis=axis)) for axis in (1, 0)]


def _colours(rng, pixels, mean, grey):
    """Other brightness, contrast, colour and light from one side."""
    contrast, brightness = np.exp(rng.normal(0, 0.25)), rng.normal(0, 22)
    gains = np.exp(rng.normal(0, 0.0 if grey else 0.06, 3)) * np.exp(rng.normal(0, 0.15))
    offsets = (mean * (1 - contrast) + brightness) * gains
    matrix = np.zeros((4, 4), np.float32)
    matrix[:3, :3], matrix[:3, 3], matrix[3, 3] = np.diag(contrast * gains), offsets / 255, 1
    changed = cv2.transform(pixels, matrix)
    corners = np.exp(rng.normal(0, 0.12, (2, 2))).astype(np.float32)
    light = cv2.resize(corners, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    lit = cv2.multiply(changed, cv2.merge([light, light, light, np.ones_like(light)]), dtype=cv2.CV_8U)
    lit[..., :3] = np.minimum(lit[..., :3], lit[..., 3:])  # no colour is brighter than its alpha
    return lit


def _edges(rng, pixels, soft):
    """Edges as of scissors, or blurred, or feathered inwards."""
    kind = rng.random()
    if not soft or kind < 0.15:
        solid = pixels[..., 3:] >= 128
        opaque = np.minimum(pixels * (255.0 / np.maximum(pixels[..., 3:], 1)), 255)
        return np.where(solid, opaque, 0).astype(np.uint8)
    if kind < 0.6:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.2))
    if kind > 0.4:
        fade = cv2.GaussianBlur(pixels[..., 3], (0, 0), rng.uniform(0.5, 1.5))
        pixels = cv2.multiply(pixels, cv2.merge([fade] * 4), scale=1 / 255)
    return pixels


def _crop(rng, picture, height, width):
    """A random part of a picture, enlarged where it is too small: (height, width, 3) uint8."""
    least = max(height / picture.shape[0], width / picture.shape[1])
    scale = max(least, np.exp(rng.uniform(np.log(0.3), np.log(1.2))))
    h, w = min(picture.shape[0], int(height / scale)), min(picture.shape[1], int(width / scale))
    top, left = rng.integers(picture.shape[0] - h + 1), rng.integers(picture.shape[1] - w + 1)
    part = picture[top : top + h, left : left + w]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(part, (width, height), interpolation=method)


class PastedDataset(DrawnDataset):
    """`count` scenes of cut-outs; see `DrawnDataset` and, for `options`, `Paster`."""

    def __init__(self, cutouts, class_names, count, seed=0, size=320, **options):
        super().__init__("pasted", class_names, Paster(cutouts, class_names, **options), count, seed, size)

    def image_reference(self, image_id):
        """The seed of the scene, and what it was made of."""
        count = len(self.draw.stencils) + len(self.draw.wrong)
        return f"pasted scene {[self.seed, int(image_id)]} of {count} cut-outs"

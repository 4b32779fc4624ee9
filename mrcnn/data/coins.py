"""Coins: drawn ones to learn from, and a real photograph of 24 to try what was learnt.

The drawn scenes imitate the manner of `skimage.data.coins()`, a grey photograph of ancient coins on
a dark and unevenly lit ground: struck reliefs, worn rims, lights from one side, grain. None of them
contains anything of the photograph.
"""

from functools import cache

import cv2
import numpy as np
from scipy.ndimage import binary_fill_holes

from mrcnn.data.composing import DrawnDataset, Scene

CLASS_NAMES = ["BG", "coin"]

DIAMETERS = 24, 90  # pixels, on a picture of 384
MOST_COINS = 32  # coins in a scene
MIN_VISIBLE = 0.3  # a coin of which the border leaves less is not drawn
RELIEF_SIZE = 48  # pixels of the height map that every coin's relief is struck from


def scene(seed, size=320):
    """Draws coins on a dark ground; the same arguments give the same scene, bit for bit.

    Args:
        seed: int, or a sequence of ints.
        size: pixels of its side, or (height, width). Coins grow with the longer side.

    Returns:
        a `mrcnn.data.composing.Scene`: `image` (H, W, 3) uint8 grey as RGB, `masks` (H, W, n) bool,
        `class_ids` (n,) int32, all 1.

    Raises:
        ValueError: a size under 16 pixels.
    """
    height, width = (size, size) if np.isscalar(size) else size
    if min(height, width) < 16:
        raise ValueError(f"Coins cannot be drawn on {height} by {width} pixels: use at least 16.")
    rng = np.random.default_rng(seed)
    unit = max(height, width) / 384
    picture = _ground(rng, height, width)
    light = rng.uniform(0, 2 * np.pi)
    manner = rng.uniform(25, 110), rng.uniform(0.4, 1.3)  # how bright and how struck the coins are
    top = np.zeros((height, width), np.uint8)  # the number, from 1, of the coin that lies on top
    count = 0
    for x, y, radius in _places(rng, height, width, unit):
        coin = _Coin(rng, x, y, radius)
        alpha = coin.cover(height, width)
        solid = alpha >= 0.5
        if np.count_nonzero(solid) < MIN_VISIBLE * np.pi * radius**2:
            continue
        coin.strike(rng, picture, alpha, light, *manner)
        count += 1
        top[coin.box][solid] = count
    image = cv2.merge([_develop(rng, picture, unit)] * 3)
    masks = np.moveaxis(top == np.arange(1, count + 1)[:, None, None], 0, 2)
    return Scene(image, masks, np.ones(count, np.int32))


def _ground(rng, height, width):
    """(height, width) float32: a dark ground, brighter on one side, with stains and specks."""
    corners = rng.uniform(15, 60) + rng.uniform(0, 90) * rng.random((2, 2))
    picture = cv2.resize(corners.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    cells = int(rng.integers(4, 16))
    stains = rng.normal(0, rng.uniform(1, 6), (cells, cells)).astype(np.float32)
    picture += cv2.resize(stains, (width, height), interpolation=cv2.INTER_CUBIC)
    size = max(height, width)
    for _ in range(rng.integers(0, 12)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        tone = float(picture[int(y), int(x)] + rng.uniform(-25, 60))
        if rng.random() < 0.2:
            end = (int(x + rng.normal(0, 0.2 * size)), int(y + rng.normal(0, 0.2 * size)))
            cv2.line(picture, (int(x), int(y)), end, tone, 1)
        else:
            cv2.circle(picture, (int(x), int(y)), int(rng.uniform(0, 0.006) * size), tone, -1)
    if rng.random() < 0.25:  # a dark corner, as of a plate's edge
        corner = (int(width * rng.integers(2)), int(height * rng.integers(2)))
        axes = (int(size * rng.uniform(0.03, 0.1)), int(size * rng.uniform(0.1, 0.3)))
        cv2.ellipse(picture, corner, axes, 0, 0, 360, float(rng.uniform(0, 15)), -1)
    return picture


def _places(rng, height, width, unit):
    """(x, y, radius) of each coin: in rows or anyhow, close to each other; now and then overlapping."""
    low, high = np.array(DIAMETERS) / 2 * unit
    typical = rng.uniform(low * 1.4, high * 0.85)
    spread = rng.uniform(0.05, 0.35)
    gap = rng.uniform(0.75, 1.0) if rng.random() < 0.12 else rng.uniform(1.02, 1.35)
    if rng.random() < 0.4:
        step = 2 * typical * rng.uniform(1.15, 1.7)
        xs, ys = np.arange(step / 2, width, step), np.arange(step / 2, height, step)
        wanted = np.stack(np.meshgrid(xs, ys), axis=2).reshape(-1, 2)
        wanted = wanted + rng.normal(0, 0.08 * step, wanted.shape)
    else:
        wanted = rng.uniform((0, 0), (width, height), (int(rng.integers(4, 80)), 2))
    placed = np.empty((0, 3))
    for x, y in rng.permutation(wanted)[:MOST_COINS]:
        radius = np.clip(typical * np.exp(rng.normal(0, spread)), low, high)
        apart = np.hypot(placed[:, 0] - x, placed[:, 1] - y)
        if np.all(apart > gap * (placed[:, 2] + radius)):
            placed = np.vstack([placed, (x, y, radius)])
    return placed


class _Coin:
    """One coin on its own patch `box` of the picture."""

    def __init__(self, rng, x, y, radius):
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        waves = rng.normal(0, rng.uniform(0.005, 0.02), (4, 2)) / np.sqrt(np.arange(1, 5))[:, None]
        phase = np.arange(2, 6)[:, None] * angles
        rim = 1 + (waves[:, :1] * np.cos(phase) + waves[:, 1:] * np.sin(phase)).sum(axis=0)
        if rng.random() < 0.25:  # a chip of the edge is missing
            rim -= rng.uniform(0.03, 0.12) * np.exp(-(((angles - rng.uniform(1, 5)) / 0.15) ** 2))
        self.x, self.y, self.radius = x, y, radius
        self.edge = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (radius * rim)[:, None]

    def cover(self, height, width):
        """(h, w) float32: how much of each pixel of `box` the coin covers."""
        reach = 1.35 * self.radius
        x1, x2 = np.clip([int(self.x - reach), int(self.x + reach) + 2], 0, width)
        y1, y2 = np.clip([int(self.y - reach), int(self.y + reach) + 2], 0, height)
        self.box = np.s_[y1:y2, x1:x2]
        alpha = np.zeros((y2 - y1, x2 - x1), np.uint8)
        corners = np.rint((self.edge + (self.x - x1 - 0.5, self.y - y1 - 0.5)) * 16).astype(np.int32)
        if alpha.size:
            cv2.fillPoly(alpha, [corners], 255, cv2.LINE_AA, 4)
        return alpha.astype(np.float32) / 255

    def strike(self, rng, picture, alpha, light, contrast, relief):
        """Paints the coin and the shadow around it into the picture (H, W) float32."""
        part = picture[self.box]
        blur = 1 + 2 * int(self.radius * rng.uniform(0.05, 0.2))
        part *= 1 - rng.uniform(0, 0.6) * cv2.blur(alpha, (blur, blur))
        behind = float(part.mean())
        tone = np.clip(behind + contrast * rng.uniform(0.6, 1.5), behind + 18, 215)
        c, s = np.cos(light), np.sin(light)
        height_map = _relief(rng)
        slope = c * cv2.Sobel(height_map, cv2.CV_32F, 1, 0) + s * cv2.Sobel(height_map, cv2.CV_32F, 0, 1)
        # From the height map's pixels to the patch's.
        zoom = 2 * self.radius / RELIEF_SIZE
        left, top = self.x - self.box[1].start, self.y - self.box[0].start
        matrix = np.array([[zoom, 0, left - self.radius], [0, zoom, top - self.radius]])
        struck = cv2.warpAffine(slope, matrix, alpha.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        # The edge is round: bright towards the light, dark away from it.
        soft = cv2.blur(alpha, (3, 3))
        edge = c * cv2.Sobel(soft, cv2.CV_32F, 1, 0) + s * cv2.Sobel(soft, cv2.CV_32F, 0, 1)
        surface = tone + relief * 0.5 * tone * struck + rng.uniform(5, 30) * edge
        part += alpha * (surface - part)


def _relief(rng):
    """(RELIEF_SIZE,RELIEF_SIZE) float32 height map: a head or a figure of blobs, strokes, a rim."""
    n = RELIEF_SIZE
    metal = np.zeros((n, n), np.float32)
    centre = rng.normal(n / 2, n * 0.06, 2)
    for _ in range(rng.integers(2, 7)):
        place = tuple((centre + rng.normal(0, n * 0.12, 2)).astype(int).tolist())
        axes = tuple(rng.integers(2, n // 4, 2).tolist())
        cv2.ellipse(metal, place, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(0.3, 1)), -1)
    count = int(rng.integers(4, 22))
    starts = centre + rng.normal(0, n * 0.18, (count, 1, 2))
    curves = (starts + np.cumsum(rng.normal(0, n * 0.06, (count, 5, 2)), axis=1)).astype(np.int32)
    cv2.polylines(
        metal, list(curves[count // 3 :]), False, float(rng.uniform(0.4, 1)), int(rng.integers(1, 3))
    )
    cv2.polylines(metal, list(curves[: count // 3]), False, float(rng.uniform(-0.6, 0)), 1)
    if rng.random() < 0.6:
        cv2.circle(metal, (n // 2, n // 2), int(n * rng.uniform(0.42, 0.47)), float(rng.uniform(0.3, 1)), 2)
    if rng.random() < 0.35:  # a ring of beads
        turns = np.arange(0, 2 * np.pi, 0.2)
        beads = (n / 2 + 0.41 * n * np.stack([np.sin(turns), np.cos(turns)])).astype(int)
        metal[tuple(beads)] += 0.8
    metal = cv2.GaussianBlur(metal, (0, 0), rng.uniform(0.7, 1.6))
    wear = rng.normal(0, rng.uniform(0.02, 0.15), (n, n)).astype(np.float32)
    return metal + cv2.blur(wear, (3, 3))


def _develop(rng, picture, unit):
    """(H, W) uint8: exposure, softness and grain of a photograph."""
    picture = picture * np.float32(rng.uniform(0.75, 1.25))
    if rng.random() < 0.7:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9) * max(unit, 0.5))
    picture += np.float32(rng.uniform(0.5, 8)) * rng.standard_normal(picture.shape, np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def segment(grey, ground=30, coin=150, least=500):
    """Find coins by the classical watershed, without having learnt anything.

    What is darker than `ground` is surely ground, what is brighter than `coin` surely coin; from there both
    are flooded, and meet where the picture is steepest.

    Args:
        grey: (H, W) uint8.
        ground, coin: grey levels.
        least: pixels; what is smaller is a speck.

    Returns:
        (H, W) int, 0 for ground, the coins numbered from 1.
    """
    # scikit-image is imported late: drawing coins needs none of it.
    from skimage.filters import sobel
    from skimage.measure import label
    from skimage.segmentation import watershed

    markers = np.zeros(grey.shape, np.int32)
    markers[grey < ground] = 1
    markers[grey > coin] = 2
    regions = label(binary_fill_holes(watershed(sobel(grey), markers) == 2))
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return label(np.isin(regions, np.flatnonzero(sizes > least)))


@cache
def _segmented():
    """The photograph (303, 384) uint8 and its coins, numbered from 1 (303, 384)."""
    from skimage.data import coins

    grey = coins()
    return grey, segment(grey)


def photograph():
    """The photograph of `skimage.data.coins()`, its coins found by the classical watershed.

    Returns:
        image: (303, 384, 3) uint8, grey as RGB.
        masks: (303, 384, 24) bool, one coin each.
    """
    grey, coins = _segmented()
    return cv2.merge([grey] * 3), coins[..., None] == np.arange(1, coins.max() + 1)


class CoinsDataset(DrawnDataset):
    """`count` drawn scenes of coins; see `DrawnDataset`."""

    def __init__(self, count, seed=0, size=320):
        super().__init__("coins", CLASS_NAMES, scene, count, seed, size)

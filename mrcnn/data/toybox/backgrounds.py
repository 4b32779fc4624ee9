"""Backgrounds: sky, grass, water, rooms, gradients, patterns, noise, and clutter that is no class."""

import cv2
import numpy as np

from mrcnn.data.toybox.drawing import (
    any_colour,
    checks,
    choose,
    dots,
    hsv,
    near,
    shade,
    stripes,
)


def background(rng, height, width):
    """A random background: (height, width, 3) uint8."""
    kind = choose(rng, sky, meadow, sea, room, room, plain, pattern, clouded)
    picture = kind(rng, height, width)
    if rng.random() < 0.45:
        clutter(rng, picture)
    return picture


def _vertical(top, bottom, height, width):
    """A gradient from a colour at the top to another at the bottom."""
    ends = np.array([[top], [bottom]], np.float32).clip(0, 255).astype(np.uint8)
    return cv2.resize(ends, (width, height), interpolation=cv2.INTER_LINEAR)


def _soft_noise(rng, height, width, cells, spread):
    """(height, width, 3) int16-like noise around 128 as uint8: soft spots of `cells` to the side."""
    coarse = rng.normal(128, spread, (cells, cells, 1)).clip(0, 255).astype(np.uint8)
    return cv2.merge([cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)] * 3)


def _add_noise(picture, noise):
    """Adds noise around 128 to a picture."""
    return cv2.addWeighted(picture, 1, noise, 1, -128)


def sky(rng, height, width):
    """Sky with clouds, sometimes hills."""
    blue = hsv(rng.uniform(0.52, 0.64), rng.uniform(0.2, 0.7), rng.uniform(0.6, 1))
    low = choose(rng, shade(blue, 1.5), shade(blue, 1.8), hsv(rng.uniform(0.02, 0.12), 0.4, 1))
    picture = _vertical(blue, low, height, width)
    size = max(height, width)
    for _ in range(rng.integers(0, 4)):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height * 0.7), rng.uniform(0.03, 0.09) * size
        for _ in range(4):
            centre = (int(x + rng.normal(0, r)), int(y + rng.normal(0, r / 4)))
            axes = (int(r * rng.uniform(0.7, 1.4)), int(r * rng.uniform(0.4, 0.7)))
            tone = rng.uniform(225, 255)
            cv2.ellipse(picture, centre, axes, 0, 0, 360, (tone, tone, tone), -1, cv2.LINE_AA)
    if rng.random() < 0.4:
        _ground(rng, picture, hsv(rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.7)))
    return picture


def _ground(rng, picture, colour):
    """Hills along the lower edge."""
    height, width = picture.shape[:2]
    x = np.linspace(0, width, 24)
    wave = np.sin(x / width * rng.uniform(2, 9) + rng.uniform(0, 6)) * rng.uniform(0.01, 0.07)
    y = height * (rng.uniform(0.55, 0.9) + wave)
    hill = np.stack([np.r_[x, width, 0], np.r_[y, height, height]], axis=1).astype(np.int32)
    cv2.fillPoly(picture, [hill], tuple(float(c) for c in colour), cv2.LINE_AA)


def meadow(rng, height, width):
    """Grass (or sand, or snow) with blades, sometimes below a strip of sky."""
    hue, saturation, value = choose(
        rng, (0.28, 0.6, 0.6), (0.24, 0.5, 0.7), (0.33, 0.6, 0.45), (0.11, 0.35, 0.85), (0.6, 0.05, 0.95)
    )
    colour = hsv(hue + rng.normal(0, 0.02), saturation, value * rng.uniform(0.75, 1.05))
    picture = _vertical(shade(colour, 1.2), shade(colour, 0.8), height, width)
    picture = _add_noise(picture, _soft_noise(rng, height, width, rng.integers(10, 80), 14))
    count = rng.integers(0, 160)
    x, y = rng.integers(0, width, count), rng.integers(0, height, count)
    lean, rise = rng.integers(-3, 4, count), rng.integers(3, 10, count)
    blades = np.stack([np.stack([x, y], 1), np.stack([x + lean, y - rise], 1)], axis=1)
    tone = shade(colour, rng.uniform(0.65, 0.9))
    cv2.polylines(picture, list(blades.astype(np.int32)), False, tuple(tone), 1)
    if rng.random() < 0.5:
        horizon = int(height * rng.uniform(0.15, 0.55))
        picture[:horizon] = sky(rng, horizon, width)
    return picture


def sea(rng, height, width):
    """Water with waves, below a strip of sky."""
    colour = hsv(rng.uniform(0.48, 0.63), rng.uniform(0.35, 0.8), rng.uniform(0.35, 0.85))
    picture = _vertical(shade(colour, 1.2), shade(colour, 0.75), height, width)
    for _ in range(rng.integers(5, 25)):
        x, y = rng.integers(0, width), rng.integers(0, height)
        half = (int(rng.integers(5, 30)), int(rng.integers(1, 4)))
        cv2.ellipse(picture, (int(x), int(y)), half, 0, 0, 180, tuple(shade(colour, 1.4)), 1, cv2.LINE_AA)
    horizon = int(height * rng.uniform(0.1, 0.6))
    picture[:horizon] = sky(rng, horizon, width)
    return picture


def room(rng, height, width):
    """A wall, plain or papered, above a floor of boards or tiles."""
    wall = hsv(rng.random(), rng.uniform(0, 0.35), rng.uniform(0.55, 1))
    picture = _vertical(shade(wall, 1.15), shade(wall, 0.9), height, width)
    if rng.random() < 0.35:
        picture = _tiled(choose(rng, stripes, dots)(rng, wall, shade(wall, 0.9)), rng, height, width)
    y = int(height * rng.uniform(0.5, 0.95))
    floor = choose(
        rng,
        hsv(rng.uniform(0.05, 0.11), rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.8)),
        hsv(rng.random(), rng.uniform(0, 0.2), rng.uniform(0.35, 0.9)),
    )
    picture[y:] = floor.astype(np.uint8)
    vanish, dark = rng.uniform(0, width), tuple(shade(floor, 0.8))
    for x in np.linspace(-width, 2 * width, rng.integers(8, 30)):
        end = (int(vanish + (x - vanish) * 1.8), height)
        cv2.line(picture, (int(x), y), end, dark, 1, cv2.LINE_AA)
    skirting = max(2, height // 60)
    cv2.rectangle(picture, (0, y - skirting), (width, y), tuple(shade(wall, choose(rng, 0.7, 1.6))), -1)
    return picture


def plain(rng, height, width):
    """A gradient between two colours, in any direction."""
    first = any_colour(rng)
    second = choose(rng, any_colour(rng), shade(first, 0.6), near(rng, first, 40))
    corners = np.array([[first, (first + second) / 2], [near(rng, first), second]])
    corners = np.rot90(corners, rng.integers(4)).clip(0, 255).astype(np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_CUBIC)


def _tiled(tile, rng, height, width):
    """A pattern repeated over the picture."""
    size = int(rng.uniform(0.12, 0.5) * max(height, width))
    tile = cv2.resize(tile, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.tile(tile, (height // size + 1, width // size + 1, 1))[:height, :width].copy()


def pattern(rng, height, width):
    """Stripes, dots or checks of two colours."""
    first = any_colour(rng)
    second = choose(rng, any_colour(rng), shade(first, 0.8), near(rng, first, 25))
    return _tiled(choose(rng, stripes, dots, checks)(rng, first, second), rng, height, width)


def clouded(rng, height, width):
    """Soft noise, coarse and fine, in one or several colours: stone, cloth, foliage."""
    cells = int(rng.integers(3, 12))
    colour, spread = any_colour(rng), rng.uniform(8, 45)
    coarse = (
        rng.normal(colour, spread, (cells, cells, 3))
        if rng.random() < 0.5
        else (colour + rng.normal(0, spread, (cells, cells, 1)))
    )
    coarse = coarse.clip(0, 255).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    fine = _soft_noise(rng, height, width, int(rng.integers(20, 120)), rng.uniform(4, 20))
    return _add_noise(picture, fine)


def clutter(rng, picture):
    """Draws lines, streaks, stars and jagged shapes over a picture, none of them a class."""
    height, width = picture.shape[:2]
    size = max(height, width)
    for _ in range(rng.integers(2, 11)):
        centre = rng.uniform(0, (width, height))
        here = picture[min(int(centre[1]), height - 1), min(int(centre[0]), width - 1)]
        colour = tuple(float(c) for c in choose(rng, any_colour(rng), near(rng, here, 30)))
        radius = size * rng.uniform(0.02, 0.12)
        if rng.random() < 0.4:
            ends = (centre + rng.normal(0, 3 * radius, (2, 2))).astype(int)
            thickness = int(rng.integers(1, 1 + max(2, size // 60)))
            cv2.line(
                picture, tuple(ends[0].tolist()), tuple(ends[1].tolist()), colour, thickness, cv2.LINE_AA
            )
            continue
        corners = int(rng.integers(3, 12))
        reach = radius * rng.uniform(0.3, 1, corners)
        if rng.random() < 0.4:
            reach = radius * np.resize([1, 0.45], corners * 2)
        angles = np.linspace(0, 2 * np.pi, len(reach), endpoint=False) + rng.random()
        points = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
        cv2.fillPoly(picture, [points.astype(np.int32)], colour, cv2.LINE_AA)

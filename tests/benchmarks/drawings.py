"""Twenty things that the toybox does not have. Each function draws one of a kind: `rng` → list of Shape.

Those of a kind differ as screws from one box do: a little in their proportions and in their tone.
"""

from dataclasses import replace

import numpy as np

from mrcnn.data.toybox.drawing import (
    Shape,
    arc,
    blob,
    box,
    ellipse,
    limb,
    polygon,
    ring,
    shade,
    smooth,
    speckle,
    stroke,
    turned,
)

STEEL = np.array((186, 191, 198))
BRASS = np.array((212, 168, 66))
INK = np.array((38, 34, 36))
WHITE = np.array((246, 244, 238))
CIRCLE = arc(0, 0, 1, stop=330, steps=12)


# --- what they share ------------------------------------------------------------------------------


def about(rng, value, share=0.05):
    """A number, or an array of numbers, up to `share` larger or smaller, as one."""
    return np.asarray(value) * rng.uniform(1 - share, 1 + share)


def tint(rng, colour):
    """(3,) a colour up to 8 % lighter or darker, and a little warmer or colder."""
    return np.clip(about(rng, colour, 0.08) * rng.uniform(0.98, 1.02, 3), 0, 255)


def bands(*colours, upright=False):
    """(1, n, 3) uint8 colours from left to right, or (n, 1, 3) top to bottom, each melting into the next."""
    row = np.clip(colours, 0, 255).astype(np.uint8)[None]
    return row.swapaxes(0, 1) if upright else row


def rounded(colour, upright=True):
    """The bands of a rod that is lit from one side: bright along its first third, dark at its end."""
    return bands(shade(colour, 0.8), shade(colour, 1.5), colour, shade(colour, 0.6), upright=upright)


def spot(x, y, r, fill):
    """A small disc."""
    return polygon(CIRCLE * r + (x, y), fill)


def mirrored(points, axis=0):
    """(N, 2) points on the other side of the line x = 0, or of y = 0 for axis 1, in reversed order."""
    sign = np.ones(2)
    sign[axis] = -1
    return (np.asarray(points, float) * sign)[::-1]


def changed(shapes, change):
    """Shapes of which all corners went through `change`, a function (N, 2) → (N, 2)."""
    return [
        replace(s, points=change(s.points), hole=None if s.hole is None else change(s.hole)) for s in shapes
    ]


# --- tools and hardware ---------------------------------------------------------------------------


def key(rng):
    """Of brass: a bow with a hole, a collar, a shaft, three teeth."""
    brass = tint(rng, BRASS)
    dark = shade(brass, 0.62)
    bow = arc(-0.34, 0, about(rng, 0.17), about(rng, 0.2))
    teeth = ((0.22, 0.16), (0.32, 0.11), (0.42, 0.18))
    return [
        *[box(x, 0, x + 0.065, about(rng, low), shade(brass, 0.85)) for x, low in teeth],
        box(-0.2, -0.042, 0.5, 0.042, rounded(brass), 0.03),
        Shape(bow, bands(shade(brass, 1.35), shade(brass, 0.8)), arc(-0.4, 0, 0.065, 0.08)),
        ring(-0.34, 0, 0.14, 0.165, 0.9, dark),
        box(-0.18, -0.075, -0.13, 0.075, dark, 0.02),
        box(0.0, -0.065, 0.03, 0.065, shade(brass, 0.8), 0.01),
    ]


def screw(rng):
    """Of steel, from the side: a domed head, a thread, a point."""
    steel = tint(rng, STEEL)
    half, end = about(rng, 0.075), about(rng, 0.36)
    dome = arc(-0.36, 0, 0.14, about(rng, 0.17), start=90, stop=270, steps=14)
    turns = np.linspace(-0.18, end, 10)
    thread = [limb((x, half * 1.25), (x + 0.045, -half * 1.25), 0.034, shade(steel, 0.5)) for x in turns]
    gleam = [limb((x + 0.03, half * 1.2), (x + 0.072, -half * 1.2), 0.022, shade(steel, 1.7)) for x in turns]
    return [
        polygon([(-0.37, -half), (end, -half), (0.5, 0), (end, half), (-0.37, half)], rounded(steel)),
        *thread,
        *gleam,
        polygon(dome, rounded(steel)),
        box(-0.37, -0.165, -0.335, 0.165, shade(steel, 0.7), 0.01),
        box(-0.51, -0.025, -0.43, 0.025, shade(steel, 0.3)),
    ]


def scissors(rng):
    """A little open: two pointed blades of steel, a pivot, two red rings to hold them by."""
    steel, red = tint(rng, STEEL), tint(rng, (208, 38, 44))
    opening = rng.uniform(11, 14)
    shapes = []
    for side in (-1, 1):
        blade = [(-0.02, -0.05), (0.5, side * 0.012), (0.46, side * 0.04), (-0.02, 0.05)]
        loop = arc(-0.36, side * -0.055, 0.15, about(rng, 0.115), tilt=side * 12)
        eye = arc(-0.36, side * -0.055, 0.092, 0.06, tilt=side * 12)
        half = [
            polygon(blade, bands(steel, shade(steel, 1.5 if side > 0 else 0.75), upright=True)),
            limb((0.03, 0), (-0.24, side * -0.03), 0.075, shade(red, 0.85)),
            Shape(loop, bands(shade(red, 1.25), shade(red, 0.75), upright=True), eye),
        ]
        shapes += changed(half, lambda points, side=side: turned(points, side * opening))
    return [*shapes, spot(0, 0, 0.036, shade(steel, 0.45)), spot(0, 0, 0.018, steel)]


def paper_clip(rng):
    """A wire under blue plastic, bent three times."""
    blue, wire = tint(rng, (36, 96, 196)), about(rng, 0.056)

    def straight(x1, x2, y):
        return np.stack([np.linspace(x1, x2, 9), np.full(9, y)], axis=1)[1:-1]

    path = np.concatenate(
        [
            straight(-0.26, 0.3, 0.2),
            arc(0.3, 0, 0.2, start=90, stop=-90, steps=11),
            straight(0.3, -0.33, -0.2),
            arc(-0.33, -0.05, 0.15, start=270, stop=90, steps=9),
            straight(-0.33, 0.2, 0.1),
            arc(0.2, 0.01, 0.09, start=90, stop=-90, steps=7),
            straight(0.2, -0.2, -0.08),
        ]
    )
    gleam = stroke(path - (0.0, wire * 0.12), wire * 0.3, shade(blue, 1.55))
    return [stroke(path, wire, blue), gleam]


def gear(rng):
    """A dark wheel with ten teeth, five openings and a hole for its axle."""
    iron = tint(rng, (106, 116, 132))
    count, tip, root = 10, about(rng, 0.5, 0.03), about(rng, 0.385, 0.03)
    corner = np.array([-0.3, -0.17, 0.17, 0.3]) * 2 * np.pi / count
    angles = (np.arange(count)[:, None] * 2 * np.pi / count + corner).ravel()
    reach = np.tile([root, tip, tip, root], count)
    edge = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]
    hole = arc(0, 0, 0.085)
    openings = [spot(*turned([(0.215, 0)], 72 * k + 36)[0], 0.062, shade(iron, 0.35)) for k in range(5)]
    return [
        Shape(edge, bands(shade(iron, 1.3), shade(iron, 0.8), upright=True), hole),
        ring(0, 0, 0.35, 0.35, 0.92, shade(iron, 0.6)),
        *openings,
        ring(0, 0, 0.14, 0.14, 0.61, shade(iron, 1.6)),
    ]


def hammer(rng):
    """A claw hammer: a handle of wood with a dark grip, a head of steel."""
    wood, steel = tint(rng, (190, 126, 66)), tint(rng, (124, 132, 142))
    claw = smooth([(0.3, -0.1), (0.34, -0.22), (0.3, -0.34), (0.2, -0.42)], closed=False)
    back = smooth([(0.24, -0.4), (0.4, -0.33), (0.47, -0.2), (0.46, -0.06)], closed=False)
    grain = [
        stroke([(-0.2, y), (0.0, y * 1.6), (0.28, y)], 0.012, shade(wood, 0.72)) for y in (-0.015, 0.015)
    ]
    return [
        limb((-0.46, 0), (0.36, 0), about(rng, 0.09), rounded(wood), 0.075),
        *grain,
        box(-0.5, -0.055, -0.2, 0.055, rounded((52, 50, 56)), 0.045),
        *[box(x, -0.056, x + 0.014, 0.056, (95, 93, 98)) for x in (-0.42, -0.36, -0.3, -0.24)],
        polygon(np.concatenate([claw, back]), bands(steel, shade(steel, 0.75))),
        box(0.29, -0.12, 0.47, 0.14, rounded(steel, upright=False), 0.02),
        box(0.32, 0.12, 0.44, 0.2, shade(steel, 0.7)),
        box(0.285, about(rng, 0.19), 0.475, 0.29, rounded(steel, upright=False), 0.02),
    ]


def padlock(rng):
    """A body of brass with a keyhole, a shackle of steel."""
    brass, steel = tint(rng, BRASS), tint(rng, STEEL)
    rise = about(rng, -0.28)
    bow = np.concatenate([[(-0.19, 0)], arc(0, rise, 0.19, 0.18, start=180, stop=360, steps=13), [(0.19, 0)]])
    return [
        stroke(bow, 0.1, shade(steel, 0.85)),
        stroke(bow - (0.012, 0.012), 0.035, shade(steel, 1.6)),
        box(-0.34, -0.08, 0.34, 0.48, rounded(brass, upright=False), 0.07),
        box(-0.34, 0.0, 0.34, 0.025, shade(brass, 0.65)),
        box(-0.34, 0.38, 0.34, 0.405, shade(brass, 0.65)),
        spot(0, 0.15, 0.065, INK),
        polygon([(-0.028, 0.16), (0.028, 0.16), (0.045, 0.32), (-0.045, 0.32)], INK),
    ]


# --- things of the house --------------------------------------------------------------------------


def spoon(rng):
    """Of silver, seen from above: an egg-shaped bowl, a handle that widens."""
    silver = tint(rng, (198, 202, 208))
    wide = about(rng, 0.13)
    bowl = [(-0.5, 0), (-0.42, -wide * 0.8), (-0.28, -wide), (-0.15, -wide * 0.55), (-0.1, 0)]
    bowl = np.concatenate([bowl, mirrored(bowl[1:-1], axis=1)])
    inner = (bowl - (-0.31, 0)) * (0.78, 0.74) + (-0.315, 0)
    return [
        limb((-0.14, 0), (0.455, 0), 0.042, rounded(silver), about(rng, 0.095)),
        limb((0.28, 0), (0.43, 0), 0.022, shade(silver, 0.68), 0.045),
        blob(bowl, shade(silver, 1.3)),
        blob(inner, bands(shade(silver, 0.5), silver, shade(silver, 1.2), upright=True)),
        ellipse(-0.38, 0.03, 0.035, 0.02, WHITE, -20),
    ]


def light_bulb(rng):
    """A yellow globe with its filament, above a screw base."""
    glass, steel = tint(rng, (250, 222, 96)), tint(rng, (150, 154, 160))
    side = [(0.3, -0.2), (0.25, 0.0), (0.15, 0.13), (0.12, 0.22)]
    dome = arc(0, -0.2, 0.3, start=180, stop=360, steps=16)
    outline = np.concatenate([dome, smooth(side, closed=False), mirrored(smooth(side, closed=False))])
    wire, y = tint(rng, (150, 88, 30)), about(rng, -0.18)
    coil = [(-0.1, y), (-0.05, y - 0.08), (0, y), (0.05, y - 0.08), (0.1, y)]
    rungs = [limb((-0.12, y), (0.12, y - 0.02), 0.03, shade(steel, 0.5)) for y in (0.27, 0.33, 0.39)]
    return [
        box(-0.06, 0.4, 0.06, 0.5, INK, 0.03),
        box(-0.125, 0.19, 0.125, 0.44, rounded(steel, upright=False), 0.03),
        *rungs,
        polygon(outline, bands(shade(glass, 1.5), glass, shade(glass, 0.85))),
        *[stroke([(s * 0.04, 0.18), (s * 0.05, 0.0), (s * 0.1, y)], 0.022, wire) for s in (-1, 1)],
        stroke(coil, 0.026, wire),
        ellipse(-0.15, -0.32, 0.035, 0.09, WHITE, 35),
    ]


def envelope(rng):
    """From behind: a flap, its folds, a red seal."""
    paper = tint(rng, (238, 226, 196))
    high, tip = about(rng, 0.34), about(rng, 0.06)
    fold = shade(paper, 0.66)
    return [
        box(-0.5, -high, 0.5, high, shade(paper, 0.94)),
        *[limb((s * 0.49, high - 0.01), (s * 0.1, 0.0), 0.016, fold) for s in (-1, 1)],
        polygon([(-0.5, -high), (0.5, -high), (0.03, tip + 0.04), (-0.03, tip + 0.04)], shade(fold, 0.95)),
        polygon([(-0.49, -high), (0.49, -high), (0.03, tip), (-0.03, tip)], shade(paper, 1.2)),
        ellipse(0, tip - 0.01, 0.085, fill=tint(rng, (186, 30, 40))),
        ring(0, tip - 0.01, 0.055, 0.055, 0.7, (120, 14, 24)),
    ]


def comb(rng):
    """A pink spine with thirteen teeth, the outer two thicker."""
    pink, count = tint(rng, (222, 74, 132)), 13
    low, width = about(rng, 0.17), 0.036
    left = np.linspace(-0.43, 0.43 - width, count)
    tooth = np.array([(0, -0.03), (0.004, low), (width - 0.004, low), (width, -0.03)])
    teeth = np.concatenate([tooth + (x, 0) for x in left])
    ends = ([(-0.5, -0.16), (-0.5, low), (-0.455, low), (-0.455, -0.03)], [(0.455, -0.03), (0.455, low)])
    edge = np.concatenate([ends[0], teeth, ends[1], [(0.5, low), (0.5, -0.16), (0.44, -0.2), (-0.44, -0.2)]])
    return [
        polygon(edge, bands(shade(pink, 1.2), pink, shade(pink, 0.8), upright=True)),
        box(-0.46, -0.165, 0.46, -0.145, shade(pink, 1.6)),
        box(-0.5, -0.065, 0.5, -0.045, shade(pink, 0.6)),
    ]


def button(rng):
    """A violet disc with a rim and four holes."""
    violet = tint(rng, (128, 70, 168))
    d = about(rng, 0.1)
    holes = [spot(x, y, 0.062, shade(violet, 0.25)) for x in (-d, d) for y in (-d, d)]
    return [
        ellipse(0, 0, 0.5, fill=bands(shade(violet, 1.4), shade(violet, 0.8), upright=True)),
        ellipse(0, 0, 0.385, fill=shade(violet, 0.6)),
        ellipse(0, 0.012, 0.36, fill=bands(shade(violet, 0.85), shade(violet, 1.2), upright=True)),
        *holes,
        stroke(arc(0, 0, 0.44, start=200, stop=280, steps=8), 0.04, shade(violet, 1.75)),
    ]


PIPS = {
    1: [(0, 0)],
    2: [(-1, -1), (1, 1)],
    3: [(-1, -1), (0, 0), (1, 1)],
    4: [(-1, -1), (-1, 1), (1, -1), (1, 1)],
    5: [(-1, -1), (-1, 1), (0, 0), (1, -1), (1, 1)],
    6: [(-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1)],
}


def die(rng):
    """A red cube of which three sides are seen, with white pips."""
    red, flat = tint(rng, (200, 30, 38)), about(rng, 0.25)
    right, left, down = np.array((0.43, -flat)), np.array((-0.43, -flat)), np.array((0, 0.5))
    faces = ((right, left, 1.25), (left, down, 1.0), (right, down, 0.68))
    shapes = []
    for (u, v, light), number in zip(faces, 1 + rng.permutation(3), strict=True):
        if rng.random() < 0.5:
            number = 7 - number  # opposite sides add up to seven, and only one of the two is seen
        shapes.append(polygon([(0, 0), u, u + v, v], shade(red, light)))
        for pip in PIPS[number]:
            x, y = 0.5 + 0.27 * np.array(pip)
            shapes.append(polygon(x * u + y * v + 0.1 * CIRCLE @ np.array([u, v]), WHITE))
    edges = [limb((0, 0), end, 0.018, shade(red, 1.5)) for end in (right, left, down)]
    return [*shapes, *edges]


# --- what grows and lives -------------------------------------------------------------------------


def leaf(rng):
    """Of autumn: orange, with a saw's edge, a midrib, side veins and a stalk."""
    orange = tint(rng, (204, 98, 34))
    x = np.linspace(-0.3, 0.5, 17)
    wide = about(rng, 0.25) * np.sin(np.pi * ((x + 0.3) / 0.8) ** 0.72) ** 0.9
    wide = wide * np.tile([1, 0.87], 9)[:17]
    side = np.stack([x, -wide], axis=1)
    vein = shade(orange, 1.5)
    veins = [
        limb((a, 0), (a + 0.13, s * 0.7 * np.interp(a + 0.13, x, wide)), 0.016, vein, 0.006)
        for a in (-0.22, -0.1, 0.02, 0.14, 0.26)
        for s in (-1, 1)
    ]
    return [
        stroke([(-0.3, 0), (-0.4, 0.01), (-0.5, 0.05)], 0.03, shade(orange, 0.55), 0.04),
        polygon(np.concatenate([side, mirrored(side, axis=1)]), speckle(rng, orange, 16, 8)),
        *veins,
        limb((-0.31, 0), (0.46, 0), 0.028, vein, 0.008),
    ]


def mushroom(rng):
    """A fly agaric: a red cap with white spots, a pale stem with a skirt."""
    red, pale = tint(rng, (206, 36, 28)), tint(rng, (238, 228, 206))
    high = about(rng, 0.5)
    cap = np.concatenate(
        [arc(0, 0.02, 0.48, high, 180, 360, steps=22), arc(0, 0.02, 0.48, 0.09, 0, 180, steps=14)]
    )
    stem = [(0.09, -0.05), (0.1, 0.25), (0.16, 0.44), (0.1, 0.5)]
    spots = (
        (-0.3, -0.1, 0.06),
        (-0.12, -0.29, 0.07),
        (0.13, -0.16, 0.08),
        (0.3, -0.27, 0.045),
        (0.35, -0.05, 0.05),
    )
    spots = [*spots, (-0.08, -0.06, 0.045), (0.08, -0.4, 0.045), (-0.41, -0.01, 0.03)]
    spots = [(x + rng.normal(0, 0.01), y * high / 0.5, r) for x, y, r in spots]
    return [
        blob(np.concatenate([stem, mirrored(stem)]), rounded(pale, upright=False)),
        polygon(
            [(-0.1, 0.12), (0.1, 0.12), (0.17, 0.23), (0.06, 0.2), (-0.04, 0.24), (-0.16, 0.21)],
            shade(pale, 0.82),
        ),
        polygon(cap, bands(shade(red, 1.15), red, shade(red, 0.75), upright=True)),
        ellipse(0, 0.035, 0.4, 0.055, shade(pale, 0.8)),
        *[ellipse(x, y, r, r * 0.85, WHITE) for x, y, r in spots],
    ]


def butterfly(rng):
    """From above: four orange wings with dark edges and white dots, a body, two feelers."""
    orange = tint(rng, (242, 140, 28))
    fore = np.array([(0.02, -0.06), (0.2, -0.32), (0.44, -0.4), (0.5, -0.27), (0.36, -0.03), (0.08, 0.02)])
    hind = np.array([(0.02, 0.0), (0.3, 0.02), (0.38, 0.18), (0.28, 0.36), (0.13, 0.28)])
    fore, hind = fore * about(rng, 1), hind * about(rng, 1)
    shapes = []
    for wing, inner in ((hind, 0.68), (fore, 0.68)):
        middle = wing.mean(axis=0)
        dots = smooth(middle + (wing - middle) * 0.86)[3:-6:3]
        for flip in ((1, 1), (-1, 1)):
            shapes += [
                blob(wing * flip, INK),
                blob((middle + (wing - middle) * inner) * flip, bands(orange, shade(orange, 0.85))),
                *[limb((0, 0), p * flip, 0.016, INK) for p in middle + (wing[1:4] - middle) * 0.7],
                *[spot(*(p * flip), 0.015, WHITE) for p in dots if np.hypot(*p) > 0.28],
            ]
    feelers = [stroke([(0, -0.2), (s * 0.05, -0.3), (s * 0.13, -0.36)], 0.02, INK) for s in (-1, 1)]
    return [
        *shapes,
        *feelers,
        limb((0, -0.18), (0, 0.24), 0.075, (84, 62, 50), 0.035),
        spot(0, -0.2, 0.042, INK),
    ]


def pear(rng):
    """Yellow-green with freckles, a stalk."""
    green = tint(rng, (188, 196, 62))
    side = [
        (0.0, -0.4),
        (0.11, -0.36),
        (0.15, -0.2),
        (0.2, -0.05),
        (0.31, 0.13),
        (0.31, 0.34),
        (0.17, 0.48),
        (0.0, 0.47),
    ]
    side = np.array(side) * (about(rng, 1), 1)
    freckles = rng.uniform((-0.22, -0.05), (0.22, 0.4), (12, 2))
    return [
        stroke([(0, -0.36), (0.02, -0.45), (0.07, -0.53)], 0.045, (98, 66, 36), 0.055),
        blob(
            np.concatenate([side, mirrored(side[1:-1])]), bands(shade(green, 1.3), green, shade(green, 0.72))
        ),
        *[spot(*f, 0.011, shade(green, 0.6)) for f in freckles],
        ellipse(-0.13, 0.08, 0.045, 0.11, shade(green, 1.7), 15),
        ellipse(0, 0.46, 0.035, 0.018, (92, 70, 40)),
    ]


def carrot(rng):
    """An orange root with rings, a tuft of green."""
    orange, green = tint(rng, (238, 122, 28)), tint(rng, (70, 150, 52))
    wide = about(rng, 0.12)
    root = [(-0.2, -wide * 0.7), (-0.14, -wide), (0.1, -wide * 0.8), (0.35, -wide * 0.36), (0.5, 0)]
    root = np.concatenate([root, mirrored(root[:-1], axis=1)])
    rings = [
        (-0.06, -1, 0.1),
        (0.04, 1, 0.09),
        (0.13, -1, 0.07),
        (0.22, 1, 0.05),
        (-0.12, 1, 0.08),
        (0.3, -1, 0.035),
    ]
    tuft = [(-0.5, -0.1), (-0.48, 0.12), (-0.42, -0.18), (-0.53, 0.01), (-0.4, 0.19)]
    shapes = []
    for k, tip in enumerate(tuft):
        tip = np.array(tip) + rng.normal(0, 0.01, 2)
        stalk = [(-0.18, 0), tip * (0.65, 0.4), tip]
        shapes.append(stroke(stalk, 0.035, shade(green, 0.75 + 0.1 * k), 0.03))
        shapes += [
            ellipse(*(tip * at), 0.052, 0.034, shade(green, 0.8 + 0.1 * k)) for at in (0.98, 0.84, 0.72)
        ]
    return [
        *shapes,
        blob(root, bands(shade(orange, 0.85), shade(orange, 1.25), orange, shade(orange, 0.7), upright=True)),
        *[limb((x, s * wide * 0.15), (x, s * reach), 0.014, shade(orange, 0.62)) for x, s, reach in rings],
    ]


def fish(rng):
    """A clownfish from the side: orange, three white bands edged with black, fins, an eye."""
    orange = tint(rng, (240, 112, 22))
    high = about(rng, 0.2)
    back = [(-0.5, 0.02), (-0.4, -high * 0.6), (-0.15, -high), (0.1, -high * 0.8), (0.28, -0.055)]
    body = smooth(np.concatenate([back, mirrored(back[1:], axis=1)]))
    dark = shade(orange, 0.7)
    shapes = [
        blob([(0.24, 0), (0.4, -0.17), (0.5, -0.15), (0.45, 0), (0.5, 0.15), (0.4, 0.17)], dark),
        *[stroke([(0.3, 0), (0.38, y / 2), (0.46, y)], 0.012, shade(dark, 0.6)) for y in (-0.1, 0, 0.1)],
        blob([(-0.2, -high * 0.9), (-0.08, -high * 1.5), (0.12, -high * 1.3), (0.16, -high * 0.6)], dark),
        blob([(-0.08, high * 0.9), (0.05, high * 1.45), (0.14, high * 1.1), (0.12, high * 0.6)], dark),
        polygon(body, bands(shade(orange, 0.85), shade(orange, 1.2), shade(orange, 0.85), upright=True)),
    ]
    for x, wide in ((-0.24, 0.085), (0.03, 0.085), (0.22, 0.05)):
        for grow, colour in ((0.02, INK), (0, WHITE)):
            shapes.append(_band_of(body, x - wide / 2 - grow, x + wide / 2 + grow, colour))
    return [
        *shapes,
        blob([(-0.15, 0.03), (-0.03, 0.0), (0.0, 0.08), (-0.09, 0.11)], shade(orange, 0.8)),
        spot(-0.38, -0.03, 0.034, WHITE),
        spot(-0.385, -0.03, 0.021, INK),
        stroke([(-0.48, 0.04), (-0.44, 0.05), (-0.41, 0.045)], 0.014, shade(dark, 0.5)),
    ]


def _band_of(body, x1, x2, colour):
    """The part of a body (N, 2) between x1 and x2, bowed towards the head at its left."""
    upper, lower = body[body[:, 1] <= 0.02], body[body[:, 1] > 0.02]
    upper, lower = (part[np.argsort(part[:, 0])] for part in (upper, lower))
    t = np.linspace(-1, 1, 9)

    def edge(x):
        top, low = (np.interp(x, *part.T) for part in (upper, lower))
        return np.stack([x - 0.02 * (1 - t**2), (top + low) / 2 + t * (low - top) / 2], axis=1)

    return polygon(np.concatenate([edge(x1), edge(x2)[::-1]]), colour)


def shell(rng):
    """A scallop: a fan of nine ribs with bands of pink, two ears at its hinge."""
    pink, cream = tint(rng, (232, 150, 136)), tint(rng, (250, 226, 204))
    count, spread = 9, about(rng, 74)
    angles = np.radians(np.linspace(-spread, spread, count * 6 + 1))
    wave = 0.045 * np.abs(np.sin(np.linspace(0, count * np.pi, count * 6 + 1)))
    reach = 0.86 * (0.78 + 0.22 * np.cos(angles)) + wave
    foot = np.array((0, 0.42))
    rim = np.stack([np.sin(angles), -np.cos(angles)], axis=1) * reach[:, None]

    def fan(size, colour):
        return polygon(np.concatenate([[foot], foot + size * rim]), colour)

    ribs = [
        stroke([foot, foot + 0.5 * p, foot + 0.95 * p], 0.012, shade(pink, 0.62), 0.026) for p in rim[6:-6:6]
    ]
    tones = (pink, cream, shade(pink, 0.85), cream, pink, shade(cream, 1.3))
    return [
        polygon([(-0.2, 0.28), (0.2, 0.28), (0.17, 0.46), (-0.17, 0.46)], shade(pink, 0.75)),
        *[fan(size, tone) for size, tone in zip((1, 0.9, 0.74, 0.58, 0.42, 0.26), tones, strict=True)],
        *ribs,
    ]


DRAWERS = {
    drawer.__name__.replace("_", " "): drawer
    for drawer in (
        key,
        screw,
        scissors,
        paper_clip,
        gear,
        hammer,
        padlock,
        spoon,
        light_bulb,
        envelope,
        comb,
        button,
        die,
        leaf,
        mushroom,
        butterfly,
        pear,
        carrot,
        fish,
        shell,
    )
}


def draw(name, rng):
    """The shapes of one thing; its length and its width vary by 5 %."""
    stretch = rng.uniform(0.95, 1.05, 2)
    return changed(DRAWERS[name](rng), lambda points: points * stretch)

"""Things to ride in or on. Each function draws one of endless variants: `rng` → list of Shape."""

import numpy as np

from mrcnn.data.toybox.drawing import (
    any_colour,
    blob,
    box,
    choose,
    ellipse,
    hsv,
    limb,
    near,
    paint,
    polygon,
    shade,
    stroke,
)

TYRE = np.array((35, 35, 38))
STEEL = np.array((190, 195, 200))
LAMP = np.array((255, 235, 150))


def _glass(rng):
    return choose(rng, np.array((185, 220, 240)), np.array((60, 75, 90)), np.array((120, 160, 185)))


def _wheel(rng, x, y, r):
    """A car's wheel: tyre, rim, hub."""
    rim = choose(rng, STEEL, shade(STEEL, 0.7))
    return [
        ellipse(x, y, r, fill=TYRE),
        ellipse(x, y, r * 0.58, fill=rim, outlined=False),
        ellipse(x, y, r * 0.2, fill=TYRE, outlined=False),
    ]


def bicycle(rng):
    """From the side: two spoked wheels, a diamond frame, saddle and handlebar."""
    frame = any_colour(rng)
    disc = choose(rng, np.array((215, 218, 220)), np.array((235, 232, 225)), np.array((160, 165, 170)))
    r, half = rng.uniform(0.2, 0.25), rng.uniform(0.29, 0.33)
    bar = rng.uniform(0.03, 0.042)
    shapes = []
    for x in (-half, half):
        shapes += [ellipse(x, 0.15, r, fill=TYRE), ellipse(x, 0.15, r * 0.84, fill=disc, outlined=False)]
        turn = rng.uniform(0, 45)
        for a in np.radians(turn + np.arange(0, 180, 36)):
            d = r * 0.84 * np.array([np.cos(a), np.sin(a)])
            shapes.append(
                limb(
                    (x - d[0], 0.15 - d[1]), (x + d[0], 0.15 + d[1]), 0.011, shade(disc, 0.6), outlined=False
                )
            )
        shapes.append(ellipse(x, 0.15, r * 0.13, fill=TYRE, outlined=False))
    rear, front, crank = (-half, 0.15), (half, 0.15), (-0.04, 0.16)
    seat, head = (-0.13, -0.16), (half - 0.1, -0.17)
    pairs = [(rear, crank), (rear, seat), (crank, seat), (crank, head), (seat, head), (head, front)]
    shapes += [limb(a, b, bar, frame) for a, b in pairs]
    shapes += [
        ellipse(*crank, 0.055, fill=shade(STEEL, 0.6)),
        limb(crank, (0.03, 0.25), 0.025, TYRE),
        limb((0, 0.26), (0.07, 0.26), 0.03, TYRE),
    ]
    shapes += [
        limb(seat, (-0.15, -0.23), bar, STEEL),
        limb((-0.23, -0.25), (-0.08, -0.24), 0.055, TYRE, 0.035),
    ]
    top = (head[0] - 0.03, rng.uniform(-0.33, -0.27))
    shapes.append(limb(head, top, bar, STEEL))
    grip = choose(rng, [(0.09, -0.02)], [(0.08, -0.03), (0.12, 0.05)], [(-0.1, 0.02)])
    shapes.append(stroke([top, *[(top[0] + x, top[1] + y) for x, y in grip]], 0.036, TYRE, outlined=True))
    if rng.random() < 0.3:
        shapes.append(box(head[0] + 0.03, -0.24, head[0] + 0.2, -0.08, paint(rng, hsv(0.09, 0.5, 0.7)), 0.02))
    return shapes


def car(rng):
    """From the side: saloon, hatchback, beetle, estate or pick-up."""
    colour, glass = any_colour(rng), _glass(rng)
    kind = choose(rng, "saloon", "hatch", "beetle", "estate", "pickup")
    roof = rng.uniform(-0.28, -0.22)
    a, b, c, d = {  # where the cabin starts, its roof starts, its roof ends, it ends
        "saloon": (-0.33, -0.18, 0.1, 0.26),
        "hatch": (-0.46, -0.36, 0.06, 0.24),
        "beetle": (-0.4, -0.2, 0.08, 0.28),
        "estate": (-0.48, -0.43, 0.08, 0.25),
        "pickup": (-0.08, -0.04, 0.12, 0.24),
    }[kind]
    belt, low = rng.uniform(-0.08, -0.03), 0.13
    shapes = []
    if kind == "beetle":
        body = [
            (-0.5, low),
            (-0.5, 0.0),
            (-0.38, belt - 0.04),
            (-0.2, roof),
            (0.06, roof),
            (0.25, belt - 0.02),
            (0.46, belt + 0.04),
            (0.5, low),
        ]
        shapes.append(blob(body, paint(rng, colour)))
    else:
        shapes.append(polygon([(a, belt), (b, roof), (c, roof), (d, belt)], colour))
        shapes.append(box(-0.5, belt, 0.5, low, paint(rng, colour), rng.uniform(0.03, 0.09)))
    edge = 0.035
    post = (b + c) / 2 + rng.uniform(-0.04, 0.04)
    slant = (belt - roof - edge) / (belt - roof)
    front = c + (d - c) * slant - edge
    if kind == "pickup":
        shapes.append(
            polygon(
                [(b + 0.02, belt), (b + 0.02, roof + edge), (c, roof + edge), (front + 0.02, belt)], glass
            )
        )
    else:
        shapes += [
            polygon(
                [
                    (b + (a - b) * slant + edge, belt),
                    (b + edge, roof + edge),
                    (post - 0.015, roof + edge),
                    (post - 0.015, belt),
                ],
                glass,
            ),
            polygon(
                [(post + 0.015, belt), (post + 0.015, roof + edge), (c, roof + edge), (front, belt)], glass
            ),
        ]
    line = shade(colour, 0.6)
    for x in (post, d - 0.02) if kind != "pickup" else (b, d - 0.02):
        shapes.append(limb((x, belt + 0.01), (x, low - 0.02), 0.012, line, outlined=False))
    shapes.append(limb((post + 0.03, belt + 0.05), (post + 0.08, belt + 0.05), 0.02, line, outlined=False))
    shapes += [
        ellipse(0.47, belt + 0.07, 0.03, 0.035, LAMP),
        ellipse(-0.485, belt + 0.07, 0.02, 0.035, (210, 30, 30)),
    ]
    if rng.random() < 0.6:
        shapes += [limb((x, low - 0.01), (x + 0.07, low - 0.01), 0.035, STEEL) for x in (-0.52, 0.45)]
    r = rng.uniform(0.085, 0.115)
    return shapes + _wheel(rng, -0.29, low, r) + _wheel(rng, 0.3, low, r)


def bus(rng):
    """From the side: a long box with a row of windows, or two rows, and a door."""
    colour, glass = any_colour(rng), _glass(rng)
    double = rng.random() < 0.25
    tall = rng.uniform(0.36, 0.42) + 0.2 * double
    top, low = -tall / 2, tall / 2
    shapes = [
        box(
            -0.5,
            top,
            0.5,
            low,
            paint(rng, colour, shade(colour, 0.8)) if rng.random() < 0.4 else colour,
            rng.uniform(0.02, 0.06),
        )
    ]
    if rng.random() < 0.6:
        shapes.append(
            box(
                -0.5,
                low - 0.14,
                0.5,
                low - 0.09,
                choose(rng, any_colour(rng), shade(colour, 1.7)),
                outlined=False,
            )
        )
    count = int(rng.integers(4, 7))
    rows = [top + 0.05] + ([top + 0.25] if double else [])
    for y in rows:
        high = rng.uniform(0.11, 0.14)
        edges = np.linspace(-0.47, 0.32, count + 1)
        shapes += [
            box(x1 + 0.012, y, x2 - 0.012, y + high, glass, 0.015)
            for x1, x2 in zip(edges, edges[1:], strict=False)
        ]
    shapes += [
        box(0.345, rows[-1], 0.43, low - 0.02, shade(glass, 0.85), 0.01),
        box(0.445, rows[-1], 0.5, rows[-1] + 0.14, glass, 0.01),
        ellipse(0.48, low - 0.06, 0.022, fill=LAMP),
        box(-0.5, low - 0.09, -0.475, low - 0.04, (210, 30, 30)),
    ]
    r = rng.uniform(0.065, 0.08)
    wheels = [-0.3, 0.24] + ([-0.14] if rng.random() < 0.2 else [])
    for x in wheels:
        shapes += _wheel(rng, x, low, r)
    return shapes


def boat(rng):
    """A sailing boat, a steamer or a motor boat."""
    hull, trim = any_colour(rng), any_colour(rng)
    kind = choose(rng, "sail", "sail", "steam", "motor")
    deep = rng.uniform(0.13, 0.2)
    bow = rng.uniform(0.44, 0.52)
    body = [(-0.45, 0), (bow, -0.02), (bow - rng.uniform(0.1, 0.2), deep), (-rng.uniform(0.28, 0.38), deep)]
    shapes = []
    if kind == "sail":
        high, mast = rng.uniform(-0.95, -0.7), rng.uniform(-0.08, 0.08)
        sail = choose(rng, np.array((250, 248, 240)), any_colour(rng))
        shapes += [
            limb((mast, 0.02), (mast, high), 0.028, (110, 75, 45)),
            polygon([(mast - 0.025, high + 0.04), (mast - 0.025, -0.06), (-0.42, -0.06)], paint(rng, sail)),
            polygon(
                [(mast + 0.025, high + 0.1), (mast + 0.025, -0.06), (rng.uniform(0.33, 0.42), -0.06)],
                choose(rng, sail, shade(sail, 0.85)),
            ),
        ]
        if rng.random() < 0.5:
            shapes.append(polygon([(mast, high - 0.07), (mast + 0.12, high - 0.035), (mast, high)], trim))
    elif kind == "steam":
        house, chimney = near(rng, (240, 238, 230), 10), trim
        shapes += [
            limb((-0.02, -0.2), (-0.02, -0.45), 0.12, chimney),
            box(-0.08, -0.46, 0.04, -0.4, shade(chimney, 0.4)),
            box(-0.28, -0.18, 0.24, 0.01, house, 0.01),
            box(-0.14, -0.28, 0.14, -0.17, shade(house, 0.9), 0.01),
        ]
        shapes += [ellipse(x, -0.085, 0.032, fill=_glass(rng)) for x in (-0.2, -0.08, 0.04, 0.16)]
    else:
        glass = _glass(rng)
        shapes += [
            polygon([(-0.2, 0), (-0.16, -0.19), (0.06, -0.19), (0.2, 0)], near(rng, (245, 243, 238), 8)),
            polygon([(-0.13, -0.03), (-0.1, -0.16), (0.04, -0.16), (0.12, -0.03)], glass),
            limb((-0.3, 0), (-0.3, -0.22), 0.02, STEEL),
            polygon([(-0.3, -0.22), (-0.44, -0.18), (-0.3, -0.13)], trim),
        ]
    shapes.append(polygon(body, paint(rng, hull)))
    shapes.append(polygon([(-0.46, -0.03), (bow + 0.02, -0.05), (bow - 0.02, 0.03), (-0.44, 0.03)], trim))
    if rng.random() < 0.4:
        shapes += [ellipse(x, deep * 0.5, 0.025, fill=(235, 235, 230)) for x in (-0.2, -0.05, 0.1, 0.25)]
    return shapes

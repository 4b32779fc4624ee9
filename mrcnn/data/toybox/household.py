"""Things of the house and the garden. Each function draws one of endless variants: `rng` → list of Shape."""

import numpy as np

from mrcnn.data.toybox.drawing import (
    Shape,
    any_colour,
    arc,
    blob,
    box,
    choose,
    ellipse,
    gradient,
    hsv,
    limb,
    near,
    paint,
    polygon,
    ring,
    shade,
    smooth,
    speckle,
    stroke,
    turned,
)

WHITE = np.array((250, 250, 248))
DARK = np.array((28, 28, 30))
WOODS = np.array([(150, 100, 58), (196, 148, 92), (110, 68, 40), (222, 190, 140)])


def umbrella(rng):
    """Open, from the side: a dome of panels with scallops, a shaft with a hooked handle."""
    first = any_colour(rng)
    second = choose(rng, first * 0.8, any_colour(rng), WHITE)
    high, n = rng.uniform(0.34, 0.46), int(rng.integers(3, 7))
    shaft = choose(rng, np.array((70, 60, 55)), np.array((160, 165, 170)), choose(rng, *WOODS))
    end = rng.uniform(0.38, 0.5)
    hook = [(0, end - 0.02), (0.01, end + 0.05), (0.06, end + 0.08), (0.11, end + 0.05), (0.115, end)]
    shapes = [
        limb((0, -high - 0.05), (0, end), 0.034, shaft),
        stroke(hook, 0.045, shade(choose(rng, first, shaft), 0.7), outlined=True),
    ]
    edges = np.sin(np.linspace(-90, 90, n + 1) * np.pi / 180) * 0.5
    for i, (left, right) in enumerate(zip(edges, edges[1:], strict=False)):
        t = np.linspace(0, 1, 7)
        up = np.stack([left * np.sin(t * np.pi / 2), -high * np.cos(t * np.pi / 2)], 1)
        down = np.stack([right * np.sin(t * np.pi / 2), -high * np.cos(t * np.pi / 2)], 1)[::-1]
        scallop = np.stack([left + (right - left) * t, -0.05 * np.sin(t * np.pi)], 1)
        fill = (first, second)[i % 2]
        shapes.append(polygon(np.concatenate([up, scallop, down]), shade(fill, 1 - 0.06 * abs(i - n / 2))))
    return shapes


def _pentagon(x, y, r, fill, turn=0):
    return polygon(arc(x, y, r, start=turn - 90, stop=turn + 198, steps=5), fill, outlined=False)


def sports_ball(rng):
    """A football, basketball, tennis ball, volleyball or beach ball."""
    kind = choose(rng, _football, _basketball, _tennis_ball, _beach_ball, _volleyball)
    return kind(rng)


def _football(rng):
    spot = choose(rng, DARK, DARK, any_colour(rng))
    base = near(rng, WHITE, 6)
    turn = rng.uniform(0, 72)
    shapes = [
        ellipse(0, 0, 0.5, fill=gradient(rng, base, shade(base, 0.75))),
        _pentagon(0, 0, 0.17, spot, turn),
    ]
    for k in range(5):
        a = np.radians(turn - 90 + 72 * k)
        out = np.array([np.cos(a), np.sin(a)])
        shapes.append(limb(out * 0.16, out * 0.33, 0.025, shade(base, 0.5), outlined=False))
        rim = np.degrees(a)
        edge = arc(0, 0, 0.49, start=rim - 19, stop=rim + 19, steps=6)
        inner = arc(0, 0, 0.33, start=rim + 9, stop=rim - 9, steps=3)
        shapes.append(polygon(np.concatenate([edge, inner]), spot, outlined=False))
    return shapes


def _basketball(rng):
    colour = near(rng, (225, 120, 45), 12)
    line, turn = np.array((45, 30, 22)), rng.uniform(0, 180)
    lines = [
        [(-0.49, 0), (0, rng.uniform(-0.08, 0.08)), (0.49, 0)],
        [(0, -0.49), (rng.uniform(-0.08, 0.08), 0), (0, 0.49)],
        [(-0.36, -0.33), (-0.19, 0), (-0.36, 0.33)],
        [(0.36, -0.33), (0.19, 0), (0.36, 0.33)],
    ]
    return [
        ellipse(
            0,
            0,
            0.5,
            fill=choose(rng, colour, speckle(rng, colour, 14), gradient(rng, colour, shade(colour, 0.7))),
        ),
        *[stroke(turned(p, turn), 0.035, line) for p in lines],
    ]


def _tennis_ball(rng):
    colour, turn = near(rng, (205, 230, 60), 10), rng.uniform(0, 180)
    lines = [[(-0.4, -0.29), (-0.15, 0), (-0.4, 0.29)], [(0.4, -0.29), (0.15, 0), (0.4, 0.29)]]
    return [
        ellipse(
            0,
            0,
            0.5,
            fill=choose(rng, colour, speckle(rng, colour, 12), gradient(rng, colour, shade(colour, 0.75))),
        ),
        *[stroke(turned(p, turn), 0.05, WHITE) for p in lines],
    ]


def _beach_ball(rng):
    n, turn = int(rng.integers(5, 9)), rng.uniform(0, 360)
    colours = [any_colour(rng), choose(rng, WHITE, any_colour(rng)), any_colour(rng)]
    colours = colours[:2] if n % 2 == 0 else colours
    x, y = rng.uniform(-0.15, 0.15, 2)
    shapes = [ellipse(0, 0, 0.5, fill=colours[1])]
    for k in range(n):
        edge = arc(0, 0, 0.5, start=turn + k * 360 / n, stop=turn + (k + 1) * 360 / n, steps=8)
        shapes.append(polygon([*edge, (x, y)], colours[k % len(colours)], outlined=False))
    return [*shapes, ellipse(x, y, 0.07, fill=WHITE)]


def _volleyball(rng):
    first, second = choose(rng, (WHITE, WHITE), (np.array((245, 205, 60)), np.array((50, 80, 170))))
    turn, line = rng.uniform(0, 360), shade(first, 0.55)
    swirl = smooth([(0, 0), (0.22, 0.02), (0.49, 0.1)], closed=False)
    shapes = [ellipse(0, 0, 0.5, fill=first)]
    for k in range(3):
        start = turned(swirl, turn + 120 * k)
        stop = turned(swirl, turn + 120 * k + 60)
        rim = turn + 120 * k + 11.5
        edge = arc(0, 0, 0.5, start=rim, stop=rim + 60, steps=8)
        shapes.append(polygon(np.concatenate([start, edge, stop[::-1]]), second, outlined=False))
    shapes += [stroke(turned(swirl, turn + a), 0.03, line) for a in range(0, 360, 60)]
    for k in range(6):
        seam = [(0.28, 0.13), (0.38, 0.19), (0.46, 0.2)]
        shapes.append(stroke(turned(seam, turn + 60 * k), 0.02, line))
    return shapes


def kite(rng):
    """A diamond of two or four colours with a waving tail of bows."""
    colours = [any_colour(rng) for _ in range(4)]
    colours = choose(rng, colours, colours[:2] * 2, [colours[0], colours[1], colours[1], colours[0]])
    wide, up, down = rng.uniform(0.22, 0.3), rng.uniform(0.2, 0.28), rng.uniform(0.34, 0.44)
    top, bottom, left, right = (0, -up), (0, down), (-wide, 0), (wide, 0)
    wave, long = rng.uniform(-0.12, 0.12), rng.uniform(0.25, 0.42)
    tail = [(0, down), (wave, down + long * 0.35), (-wave, down + long * 0.7), (wave * 0.6, down + long)]
    bow = any_colour(rng)
    shapes = [stroke(tail, 0.03, shade(bow, 0.7))]
    for x, y in tail[1:]:
        for s in (-1, 1):
            shapes.append(polygon([(x, y), (x + s * 0.085, y - 0.05), (x + s * 0.085, y + 0.05)], bow))
    corners = ((top, left), (top, right), (left, bottom), (right, bottom))
    shapes += [polygon([(0, 0), *pair], fill) for pair, fill in zip(corners, colours, strict=True)]
    spar = choose(rng, np.array((90, 70, 50)), WHITE)
    return shapes + [
        limb(top, bottom, 0.018, spar, outlined=False),
        limb(left, right, 0.018, spar, outlined=False),
    ]


def bottle(rng):
    """A wine, water, milk or sauce bottle, with or without a label."""
    glass = choose(
        rng,
        np.array((40, 95, 60)),
        np.array((120, 70, 35)),
        np.array((170, 215, 235)),
        np.array((220, 235, 230)),
        np.array((200, 40, 35)),
        any_colour(rng),
    )
    half, neck = rng.uniform(0.12, 0.17), rng.uniform(0.04, 0.065)
    shoulder, slope = rng.uniform(-0.18, -0.02), rng.uniform(0.08, 0.2)
    side = smooth(
        [
            (neck, -0.42),
            (neck, shoulder - slope),
            (half, shoulder),
            (half, 0.1),
            (half, 0.45),
            (half * 0.8, 0.5),
        ],
        closed=False,
    )
    side = np.clip(side, (neck * 0.9, -1), (half * 1.03, 1))
    outline = np.concatenate([side, (side * (-1, 1))[::-1]])
    shapes = [polygon(outline, choose(rng, glass, gradient(rng, glass, shade(glass, 0.6))))]
    if rng.random() < 0.35:  # half full
        level = rng.uniform(0, 0.25)
        shapes.append(box(-half * 0.9, level, half * 0.9, 0.46, shade(glass, 0.55), 0.03, outlined=False))
    if rng.random() < 0.75:
        label, y = choose(rng, WHITE, any_colour(rng)), rng.uniform(0.03, 0.12)
        shapes.append(box(-half, y, half, y + rng.uniform(0.16, 0.26), paint(rng, label), outlined=False))
        if rng.random() < 0.6:
            shapes += [
                limb((-half * 0.5, y + d), (half * 0.5, y + d), 0.022, DARK, outlined=False)
                for d in (0.05, 0.1)
            ]
    shapes.append(
        limb((-half * 0.62, shoulder + 0.05), (-half * 0.62, 0.36), 0.025, shade(glass, 1.6), outlined=False)
    )
    cap = choose(rng, any_colour(rng), np.array((150, 110, 70)), DARK)
    return shapes + [box(-neck * 1.2, -0.5, neck * 1.2, -0.4, cap, 0.01)]


def cup(rng):
    """A mug or a tea cup with a handle, seen a little from above, sometimes on a saucer."""
    colour = choose(rng, any_colour(rng), near(rng, WHITE, 5))
    tea = rng.random() < 0.4
    high, foot = (
        (rng.uniform(0.42, 0.52), rng.uniform(0.45, 0.65))
        if tea
        else (rng.uniform(0.6, 0.8), rng.uniform(0.78, 1))
    )
    half, lip = 0.34, rng.uniform(0.06, 0.11)
    top, low = -high / 2, high / 2
    dark = shade(colour, 0.75)
    shapes = []
    if tea and rng.random() < 0.7:
        shapes += [
            ellipse(0, low + 0.01, 0.5, 0.1, shade(colour, 0.9)),
            ellipse(0, low - 0.005, 0.36, 0.06, dark, outlined=False),
        ]
    shapes.append(
        ring(
            half * 0.95,
            top + high * 0.45,
            rng.uniform(0.16, 0.22),
            high * rng.uniform(0.28, 0.36),
            0.58,
            dark,
        )
    )
    bend = half * (1 + foot) / 2 * (1.12 if tea else 1.0)
    side = smooth([(half, top), (bend, top + high * 0.55), (half * foot, low)], closed=False)
    base = arc(0, low, half * foot, lip * 0.6, 0, 180, steps=9)
    shapes.append(polygon(np.concatenate([side, base, (side * (-1, 1))[::-1]]), paint(rng, colour)))
    if rng.random() < 0.3:
        shapes.append(_heart(0, 0.04, 0.12, any_colour(rng)))
    drink = choose(rng, np.array((70, 42, 25)), np.array((165, 110, 70)), np.array((190, 120, 40)), dark)
    shapes += [
        ellipse(0, top, half, lip, shade(colour, 1.3)),
        ellipse(0, top + 0.008, half * 0.88, lip * 0.78, drink, outlined=False),
    ]
    return shapes


def _heart(x, y, r, fill):
    t = np.linspace(0, 2 * np.pi, 24)
    heart = np.stack(
        [16 * np.sin(t) ** 3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))], 1
    )
    return polygon(heart / 16 * r + (x, y), fill, outlined=False)


def _one_banana(rng, colour, bend, tilt):
    centre = arc(0, -bend, 0.5, bend + rng.uniform(0.05, 0.12), 168, 12, steps=9)
    width = 0.16 * np.array([0.35, 0.75, 0.95, 1.05, 1.1, 1.05, 0.95, 0.7, 0.3]) * rng.uniform(0.85, 1.15)
    along = np.gradient(centre, axis=0)
    side = (
        np.stack([-along[:, 1], along[:, 0]], 1)
        / np.linalg.norm(along, axis=1, keepdims=True)
        * width[:, None]
        / 2
    )
    body = smooth(np.concatenate([centre + side, (centre - side)[::-1]]), steps=3)
    tip, stem = centre[-1], centre[0]
    out = stem - centre[1]
    out = out / np.linalg.norm(out) * rng.uniform(0.06, 0.1)
    ridge = centre[1:-1] + side[1:-1] * 0.25
    parts = [
        limb(stem + out * 0.2, stem + out, 0.06, shade(colour, 0.6), 0.05),
        polygon(body, colour),
        stroke(ridge, 0.018, shade(colour, 0.78)),
        ellipse(*tip, 0.035, fill=(70, 50, 30)),
    ]
    for _ in range(rng.integers(0, 4)):
        spot = ridge[rng.integers(len(ridge))] + rng.normal(0, 0.02, 2)
        parts.append(ellipse(*spot, 0.022, 0.012, (120, 80, 35), rng.uniform(0, 180), outlined=False))
    return [Shape(turned(s.points, tilt, stem), s.fill, None, s.outlined) for s in parts]


def banana(rng):
    """One banana, or a bunch of two or three, from green to ripe."""
    colour = near(rng, choose(rng, (250, 215, 60), (250, 225, 90), (240, 200, 45), (195, 205, 70)), 8)
    bend = rng.uniform(0.12, 0.3)
    count = choose(rng, 1, 1, 1, 2, 3)
    turns = [0, -14, -28][:count][::-1]
    return [
        shape
        for k, t in enumerate(turns)
        for shape in _one_banana(rng, shade(colour, 1 - 0.08 * (count - 1 - k)), bend, t)
    ]


def apple(rng):
    """Red, green or yellow, with a stem and often a leaf; sometimes bitten."""
    colour = near(
        rng, choose(rng, (210, 35, 40), (180, 25, 35), (130, 190, 50), (235, 200, 70), (225, 90, 60)), 12
    )
    fill = choose(
        rng,
        colour,
        gradient(rng, colour, shade(colour, 0.65)),
        speckle(rng, colour, 14),
        gradient(rng, colour, near(rng, (225, 190, 70), 10)),
    )
    w = rng.uniform(0.42, 0.48)
    body = [
        (0, -0.3),
        (w * 0.5, -0.39),
        (w * 0.95, -0.22),
        (w, 0.05),
        (w * 0.75, 0.34),
        (w * 0.3, 0.43),
        (0, 0.38),
        (-w * 0.3, 0.43),
        (-w * 0.75, 0.34),
        (-w, 0.05),
        (-w * 0.95, -0.22),
        (-w * 0.5, -0.39),
    ]
    lean = rng.uniform(-0.08, 0.1)
    shapes = [
        blob(body, fill),
        ellipse(0, -0.29, 0.13, 0.045, shade(colour, 0.55), outlined=False),
        limb((0, -0.29), (lean, -0.52), 0.045, (95, 62, 35), 0.055),
    ]
    if rng.random() < 0.65:
        leaf = [(lean * 0.6, -0.42), (lean + 0.12, -0.54), (lean + 0.28, -0.52), (lean + 0.17, -0.42)]
        shapes.append(blob(leaf, near(rng, (80, 150, 50), 15)))
    shapes.append(ellipse(-w * 0.5, -0.12, 0.055, 0.12, shade(colour, 1.6), 20, outlined=False))
    if rng.random() < 0.12:
        flesh = np.array((250, 240, 205))
        shapes += [ellipse(w * 0.72, y, 0.13, fill=flesh, outlined=False) for y in (-0.09, 0.07)]
    return shapes


def donut(rng):
    """A ring of dough with icing and sprinkles, seen from above or at a slant."""
    dough = near(rng, (205, 150, 85), 14)
    icing = choose(
        rng,
        np.array((245, 150, 190)),
        np.array((95, 55, 35)),
        np.array((250, 245, 235)),
        any_colour(rng),
        np.array((245, 205, 110)),
    )
    flat, inner = choose(rng, 1.0, rng.uniform(0.6, 1)), rng.uniform(0.28, 0.4)
    wobble = 0.88 + 0.06 * np.sin(
        np.linspace(0, 2 * np.pi, 40)[:, None] * rng.integers(4, 9) + rng.uniform(0, 6)
    )
    edge = arc(0, 0, 0.5, 0.5 * flat, steps=40) * wobble
    shapes = [
        ring(0, 0, 0.5, 0.5 * flat, inner * 0.9, choose(rng, dough, gradient(rng, dough, shade(dough, 0.8)))),
        Shape(edge - (0, 0.02 * (flat < 1)), icing, arc(0, 0, 0.5 * inner * 1.25, 0.5 * flat * inner * 1.25)),
    ]
    if rng.random() < 0.7:
        for _ in range(rng.integers(10, 26)):
            a, d = rng.uniform(0, 2 * np.pi), rng.uniform(inner * 0.5 + 0.1, 0.39)
            x, y, turn = d * np.cos(a), d * flat * np.sin(a), rng.uniform(0, np.pi)
            reach = 0.025 * np.array([np.cos(turn), np.sin(turn)])
            shapes.append(
                limb(
                    (x - reach[0], y - reach[1]),
                    (x + reach[0], y + reach[1]),
                    0.026,
                    hsv(rng.random(), 0.7, 1),
                    outlined=False,
                )
            )
    return shapes


def chair(rng):
    """A wooden chair at a slant, a chair from the front, or an armchair."""
    kind = choose(rng, _side_chair, _side_chair, _side_chair, _armchair)
    return kind(rng)


def _side_chair(rng):
    wood = choose(rng, near(rng, choose(rng, *WOODS), 12), any_colour(rng))
    seat = choose(rng, wood, any_colour(rng))
    dark = shade(wood, 0.7)
    wide, leg = rng.uniform(0.36, 0.46), rng.uniform(0.055, 0.075)
    back, rise, slant = rng.uniform(0.46, 0.56), rng.uniform(0.08, 0.14), rng.uniform(0.06, 0.2)
    low, front = 0.5, 0.06
    left, right = -wide / 2, wide / 2
    inner_left, inner_right = left + slant, right + slant
    behind = -rise + front
    shapes = [limb((x, behind), (x, low - rise), leg, dark) for x in (inner_left, inner_right)]
    posts = [limb((x, behind), (x + 0.03, behind - back), leg, wood) for x in (inner_left, inner_right)]
    top = behind - back
    if rng.random() < 0.4:
        panel = [
            polygon(
                [
                    (inner_left + 0.02, top),
                    (inner_right + 0.04, top),
                    (inner_right + 0.02, behind - 0.12),
                    (inner_left, behind - 0.12),
                ],
                paint(rng, seat),
            )
        ]
    elif rng.random() < 0.5:
        panel = [
            limb((inner_left + 0.02, y), (inner_right + 0.02, y), 0.075, wood)
            for y in np.linspace(top + 0.04, behind - 0.14, 3)
        ]
    else:
        panel = [
            limb((x, behind), (x + 0.025, top), 0.045, wood)
            for x in np.linspace(inner_left, inner_right, 5)[1:-1]
        ]
        panel.append(limb((inner_left, top), (inner_right + 0.03, top), 0.09, wood))
    shapes += posts + panel
    shapes.append(
        polygon(
            [
                (left - 0.03, front),
                (right + 0.03, front),
                (inner_right + 0.03, behind),
                (inner_left - 0.03, behind),
            ],
            paint(rng, seat),
        )
    )
    shapes.append(box(left - 0.03, front, right + 0.03, front + 0.055, shade(seat, 0.75), 0.01))
    return shapes + [limb((x, front + 0.05), (x, low), leg, wood) for x in (left + 0.01, right - 0.01)]


def _armchair(rng):
    colour = any_colour(rng)
    fill, dark = paint(rng, colour), shade(colour, 0.75)
    top = rng.uniform(-0.5, -0.4)
    shapes = [limb((x, 0.36), (x * 1.03, 0.48), 0.06, choose(rng, *WOODS)) for x in (-0.3, 0.3)]
    return [
        *shapes,
        box(-0.34, top, 0.34, 0.3, fill, 0.12),
        box(-0.3, 0.05, 0.3, 0.24, shade(colour, 1.2), 0.06),
        box(-0.34, 0.2, 0.34, 0.4, dark, 0.03),
        box(-0.45, -0.1, -0.27, 0.41, shade(colour, 0.88), 0.08),
        box(0.27, -0.1, 0.45, 0.41, shade(colour, 0.88), 0.08),
    ]


def clock(rng):
    """A round or square wall clock, or an alarm clock with bells and feet."""
    frame = any_colour(rng)
    face = choose(rng, WHITE, near(rng, (250, 240, 215), 6), DARK)
    ink = DARK if face.sum() > 300 else WHITE
    shapes, kind = [], choose(rng, "round", "round", "square", "alarm")
    if kind == "alarm":
        for s in (-1, 1):
            shapes += [
                limb((s * 0.28, 0.36), (s * 0.38, 0.52), 0.08, shade(frame, 0.7)),
                ellipse(s * 0.3, -0.42, 0.17, 0.13, shade(frame, 0.85), s * 40),
            ]
        shapes.append(limb((0, -0.45), (0, -0.58), 0.06, shade(frame, 0.6)))
    thick = rng.uniform(0.82, 0.92)
    if kind == "square":
        shapes += [
            box(-0.5, -0.5, 0.5, 0.5, frame, rng.uniform(0, 0.15)),
            box(-0.5 * thick, -0.5 * thick, 0.5 * thick, 0.5 * thick, face, 0.05, outlined=False),
        ]
    else:
        shapes += [ellipse(0, 0, 0.5, fill=frame), ellipse(0, 0, 0.5 * thick, fill=face, outlined=False)]
    for k in range(12):
        a = k * np.pi / 6
        d = np.array([np.sin(a), -np.cos(a)])
        reach = 0.3 if k % 3 == 0 else 0.35
        shapes.append(limb(d * reach, d * 0.385, 0.04 if k % 3 == 0 else 0.022, ink, outlined=False))
    hour, minute = rng.uniform(0, 2 * np.pi, 2)
    for a, reach, width in ((hour, 0.2, 0.055), (minute, 0.3, 0.036)):
        shapes.append(limb((0, 0), (np.sin(a) * reach, -np.cos(a) * reach), width, ink, outlined=False))
    if rng.random() < 0.4:
        a = rng.uniform(0, 2 * np.pi)
        shapes.append(
            limb((0, 0), (np.sin(a) * 0.33, -np.cos(a) * 0.33), 0.016, (210, 30, 30), outlined=False)
        )
    return [*shapes, ellipse(0, 0, 0.035, fill=choose(rng, ink, frame), outlined=False)]


def book(rng):
    """Closed, with a spine, a title and the edges of its pages; or open, with lines of text."""
    cover = any_colour(rng)
    if rng.random() < 0.4:
        return _open_book(rng, cover)
    wide, high = rng.uniform(0.3, 0.37), 0.46
    deep, rise = rng.uniform(0.07, 0.12), rng.uniform(0.04, 0.08)
    paper = np.array((245, 240, 222))
    front = [(-wide, -high), (wide, -high), (wide, high), (-wide, high)]
    shapes = [
        polygon(
            [
                (-wide, high),
                (wide, high),
                (wide + deep, high - rise),
                (wide + deep, -high - rise),
                (-wide + deep, -high - rise),
                (-wide, -high),
            ],
            shade(cover, 0.6),
        ),
        polygon(
            [
                (wide, -high + 0.01),
                (wide + deep * 0.85, -high - rise + 0.02),
                (wide + deep * 0.85, high - rise - 0.02),
                (wide, high - 0.03),
            ],
            paper,
            outlined=False,
        ),
        polygon(
            [
                (-wide + 0.02, -high),
                (-wide + deep, -high - rise + 0.012),
                (wide + deep * 0.85, -high - rise + 0.012),
                (wide, -high),
            ],
            shade(paper, 0.9),
            outlined=False,
        ),
    ]
    shapes += [
        stroke(
            [(wide + deep * k, -high - rise * k + 0.02), (wide + deep * k, high - rise * k - 0.03)],
            0.012,
            shade(paper, 0.75),
        )
        for k in (0.25, 0.5, 0.7)
    ]
    shapes.append(polygon(front, paint(rng, cover) if rng.random() < 0.4 else cover))
    shapes.append(box(-wide, -high, -wide + 0.08, high, shade(cover, 0.65), outlined=False))
    ink = choose(rng, WHITE, np.array((240, 205, 90)), shade(cover, 0.3))
    if rng.random() < 0.5:
        shapes.append(
            box(
                -wide * 0.55,
                -high * 0.75,
                wide * 0.8,
                -high * 0.2,
                choose(rng, WHITE, any_colour(rng)),
                outlined=False,
            )
        )
        ink = DARK
    for y in (-0.3, -0.2):
        shapes.append(limb((-wide * 0.35, y), (wide * rng.uniform(0.4, 0.65), y), 0.045, ink, outlined=False))
    if rng.random() < 0.5:
        shapes.append(
            choose(rng, _heart, _pentagon)(
                0.04, 0.17, rng.uniform(0.09, 0.15), choose(rng, any_colour(rng), ink)
            )
        )
    else:
        shapes.append(limb((-wide * 0.2, 0.36), (wide * 0.5, 0.36), 0.03, ink, outlined=False))
    return shapes


def _open_book(rng, cover):
    paper = near(rng, (248, 244, 230), 5)
    high, sag = rng.uniform(0.26, 0.34), rng.uniform(0.03, 0.07)
    shapes = [polygon([(-0.52, -high), (0.52, -high), (0.52, high + 0.04), (-0.52, high + 0.04)], cover)]
    for s in (-1, 1):
        top = smooth([(0, -high), (s * 0.2, -high - sag), (s * 0.48, -high)], closed=False)
        low = smooth([(0, high), (s * 0.2, high - sag), (s * 0.48, high)], closed=False)
        shapes.append(polygon(np.concatenate([top, low[::-1]]), shade(paper, 1 if s > 0 else 0.93)))
        picture = rng.random() < 0.3
        for k, y in enumerate(np.linspace(-high + 0.07, high - 0.1, 7)):
            if picture and k < 3:
                continue
            end = 0.42 if k < 6 else rng.uniform(0.2, 0.4)
            shapes.append(
                limb(
                    (s * 0.08, y - sag * 0.5),
                    (s * end, y - sag * 0.3),
                    0.022,
                    (110, 108, 105),
                    outlined=False,
                )
            )
        if picture:
            xs = sorted((s * 0.1, s * 0.4))
            shapes.append(
                box(xs[0], -high + 0.05, xs[1], -0.02 - sag, paint(rng, any_colour(rng)), outlined=False)
            )
    return [*shapes, limb((0, -high), (0, high), 0.022, shade(paper, 0.7), outlined=False)]

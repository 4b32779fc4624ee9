"""People and animals. Each function draws one of endless variants: `rng` → list of Shape."""

import numpy as np

from mrcnn.data.toybox.drawing import (
    any_colour,
    arc,
    blob,
    choose,
    ellipse,
    limb,
    near,
    paint,
    patches,
    polygon,
    shade,
    stripes,
    stroke,
    turned,
)

SKINS = np.array([(255, 219, 190), (240, 194, 156), (214, 160, 118), (165, 110, 72), (110, 70, 45)])
HAIRS = np.array([(30, 24, 20), (85, 52, 28), (150, 95, 45), (225, 190, 110), (170, 70, 30), (190, 190, 190)])
COATS = np.array(
    [
        (60, 52, 48),
        (120, 78, 45),
        (185, 130, 75),
        (226, 190, 140),
        (240, 234, 224),
        (140, 138, 138),
        (205, 120, 50),
    ]
)
DARK = np.array((25, 22, 22))
WHITE = np.array((250, 250, 250))


def person(rng):
    """Standing, walking, waving or arms up; any age, skin, hair and clothes."""
    skin, hair = near(rng, choose(rng, *SKINS), 8), near(rng, choose(rng, *HAIRS), 10)
    top, trousers, shoe = any_colour(rng), any_colour(rng), shade(any_colour(rng), 0.5)
    pose = choose(rng, "stand", "walk", "wave", "up", "walk")
    head = rng.uniform(0.07, 0.1)
    shoulder, hip = rng.uniform(0.095, 0.14), rng.uniform(0.075, 0.11)
    neck_y, hip_y = -0.33, rng.uniform(-0.03, 0.03)
    sleeve = shade(top, 0.9)
    forearm = choose(rng, skin, sleeve)
    thick = rng.uniform(0.055, 0.075)
    shapes = []

    stride = rng.uniform(14, 30) if pose == "walk" else rng.uniform(2, 8)
    bare = rng.random() < 0.25
    for side in (-1, 1):
        a = np.radians(side * stride)
        start = np.array([side * hip * (0.25 if pose == "walk" else 0.5), hip_y])
        knee = start + 0.22 * np.array([np.sin(a), np.cos(a)])
        bend = np.radians(side * stride - (rng.uniform(5, 30) if pose == "walk" else 0))
        foot = knee + 0.21 * np.array([np.sin(bend), np.cos(bend)])
        leg = skin if bare else trousers
        shapes += [
            limb(knee, foot, thick, leg, thick * 0.8),
            limb(start, knee, thick * 1.4, trousers, thick * 1.1),
            limb(foot + (-0.01, 0.015), foot + (0.035, 0.02), 0.045, shoe),
        ]

    arms = []
    for side in (-1, 1):
        lift = {"stand": 12, "walk": 25, "wave": 15, "up": 155}[pose] + rng.uniform(-8, 12)
        fold = rng.uniform(-5, 25) if pose in ("stand", "walk") else rng.uniform(-10, 25)
        if pose == "wave" and side == 1:
            lift, fold = rng.uniform(115, 150), rng.uniform(10, 40)
        start = np.array([side * (shoulder - 0.015), neck_y + 0.035])
        a, b = np.radians(lift), np.radians(lift + (fold if lift > 90 else -fold))
        elbow = start + 0.15 * np.array([side * np.sin(a), np.cos(a)])
        hand = elbow + 0.14 * np.array([side * np.sin(b), np.cos(b)])
        arms += [
            limb(elbow, hand, thick * 0.75, forearm, thick * 0.65),
            ellipse(*hand, thick * 0.45, fill=skin),
            limb(start, elbow, thick, sleeve, thick * 0.85),
        ]

    shapes += arms
    torso = [
        (-shoulder, neck_y + 0.03),
        (-shoulder * 0.5, neck_y),
        (shoulder * 0.5, neck_y),
        (shoulder, neck_y + 0.03),
        (hip, hip_y + 0.02),
        (-hip, hip_y + 0.02),
    ]
    if rng.random() < 0.22:  # a dress
        flare = hip * rng.uniform(1.4, 1.9)
        torso[4:] = [(hip * 0.8, -0.12), (flare, 0.16), (-flare, 0.16), (-hip * 0.8, -0.12)]
    shapes.append(limb((0, neck_y - 0.03), (0, neck_y + 0.02), 0.06, shade(skin, 0.85)))
    shapes.append(polygon(torso, paint(rng, top)))
    return shapes + _head(rng, 0, neck_y - head * 1.05, head, skin, hair)


def _head(rng, x, y, r, skin, hair):
    style = choose(rng, "short", "short", "long", "bun", "bald", "hat")
    shapes = []
    if style == "long":
        shapes.append(
            blob(
                [
                    (x - r, y),
                    (x, y - 1.15 * r),
                    (x + r, y),
                    (x + 1.1 * r, y + 1.5 * r),
                    (x, y + 1.2 * r),
                    (x - 1.1 * r, y + 1.5 * r),
                ],
                hair,
            )
        )
    if style == "bun":
        shapes.append(ellipse(x, y - 1.2 * r, r * 0.45, fill=hair))
    shapes.append(ellipse(x, y, r * 0.88, r, skin))
    if style != "bald":
        low = rng.uniform(10, 35)
        shapes.append(polygon(arc(x, y - r * 0.12, r * 0.97, r, 180 - low / 2, 360 + low / 2), hair))
    if style == "hat":
        colour = any_colour(rng)
        shapes += [
            polygon(arc(x, y - r * 0.3, r * 0.95, r * 1.1, 180, 360), colour),
            limb((x - 1.1 * r, y - r * 0.3), (x + 1.3 * r, y - r * 0.3), r * 0.3, shade(colour, 0.8)),
        ]
    if rng.random() < 0.8:
        look = rng.uniform(-0.2, 0.2) * r
        shapes += [
            ellipse(x + look + s * r * 0.35, y + r * 0.15, r * 0.1, fill=DARK, outlined=False)
            for s in (-1, 1)
        ]
        mouth = arc(x + look, y + r * 0.4, r * 0.35, r * 0.25, 20, 160, steps=6)
        shapes.append(stroke(mouth, r * 0.12, (150, 50, 50)))
    return shapes


def _eye(x, y, r, iris=DARK):
    """An eye with a glint."""
    return [
        ellipse(x, y, r, fill=iris, outlined=False),
        ellipse(x - r * 0.3, y - r * 0.3, r * 0.35, fill=WHITE, outlined=False),
    ]


def _raised_wing(x, reach, lean, fill):
    """A pointed wing with a feathered rear edge, from (x, 0) upwards, leaning by degrees."""
    edge = [
        (0, 0.05),
        (0.06, -0.35),
        (0.0, -1),
        (-0.09, -0.78),
        (-0.11, -0.84),
        (-0.2, -0.58),
        (-0.22, -0.64),
    ]
    edge += [(-0.29, -0.36), (-0.31, -0.42), (-0.36, -0.16), (-0.24, 0.08)]
    return polygon(turned(np.array(edge) * (0.7, reach), lean) + (x, 0), fill)


def bird(rng):
    """Perched, or flying with its wings spread."""
    coat = choose(rng, any_colour(rng), any_colour(rng), near(rng, choose(rng, *COATS), 12))
    belly, wing = shade(coat, rng.uniform(1.2, 1.7)), shade(coat, rng.uniform(0.55, 0.8))
    beak = choose(rng, (245, 165, 35), (250, 200, 60), (70, 60, 60), (220, 80, 40))
    flying = rng.random() < 0.4
    fat = rng.uniform(0.17, 0.25)
    tilt = rng.uniform(-15, 5) if flying else rng.uniform(-45, -10)
    r = rng.uniform(0.12, 0.16)
    c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    hx, hy = 0.32 * c, 0.32 * s - 0.09
    tail = rng.uniform(0.3, 0.5)
    tail_end = np.array([-(0.3 + tail) * c, -(0.3 + tail) * s])
    side = np.array([-s, c]) * rng.uniform(0.06, 0.12)
    shapes = [
        polygon(
            [(-0.2 * c, -0.2 * s - 0.05), tail_end - side, tail_end + side, (-0.2 * c, -0.2 * s + 0.07)], wing
        )
    ]
    if flying:
        shapes.append(_raised_wing(0.12, rng.uniform(0.4, 0.6), rng.uniform(-5, 25), shade(wing, 0.8)))
    else:
        for x in (-0.02, 0.08):
            foot = fat + rng.uniform(0.12, 0.2)
            shapes += [
                limb((x, fat * 0.7), (x, foot), 0.03, beak),
                limb((x - 0.03, foot), (x + 0.07, foot), 0.03, beak),
            ]
    long_beak = rng.uniform(0.12, 0.24)
    shapes += [
        polygon(
            [(hx + r * 0.7, hy - 0.05), (hx + r * 0.8 + long_beak, hy + 0.02), (hx + r * 0.7, hy + 0.06)],
            beak,
        ),
        ellipse(0, 0, 0.34, fat, paint(rng, coat, shade(coat, 0.75)), tilt),
        ellipse(hx, hy, r, fill=coat),
        ellipse(0.06 * c - 0.05 * s, 0.06 * s + fat * 0.42, 0.2, fat * 0.48, belly, tilt, outlined=False),
    ]
    if flying:
        shapes.append(_raised_wing(0.06, rng.uniform(0.45, 0.7), rng.uniform(-50, -20), wing))
    else:
        shapes.append(blob([(0.14, -0.04), (-0.05, -0.1), (-0.32 * c, -0.32 * s + 0.02), (-0.05, 0.1)], wing))
    if rng.random() < 0.25:
        shapes += [
            limb((hx - 0.02 * k, hy - r * 0.8), (hx - 0.06 * k, hy - r * 1.5), 0.035, wing) for k in (0, 1, 2)
        ]
    return shapes + _eye(hx + r * 0.35, hy - r * 0.15, r * 0.2)


def _cat_coat(rng):
    coat = near(rng, choose(rng, *COATS), 12)
    mark = choose(rng, shade(coat, 0.6), shade(coat, 1.5))
    fill = choose(
        rng,
        coat,
        stripes(rng, coat, mark, 5, True),
        stripes(rng, coat, mark, 6, True),
        patches(rng, coat, mark),
    )
    return coat, mark, fill


def _cat_head(rng, x, y, r, coat, mark):
    """A round head with pointed ears, slit eyes, a pink nose and whiskers."""
    iris = choose(rng, (120, 190, 70), (235, 190, 50), (90, 170, 210))
    shapes = []
    for s in (-1, 1):
        tip = (x + s * r * rng.uniform(0.85, 1.0), y - r * rng.uniform(1.5, 1.8))
        shapes += [
            polygon([(x + s * r * 0.98, y - r * 0.2), tip, (x + s * r * 0.12, y - r * 0.85)], coat),
            polygon(
                [
                    (x + s * r * 0.85, y - r * 0.6),
                    (tip[0] - s * r * 0.06, tip[1] + r * 0.25),
                    (x + s * r * 0.4, y - r * 0.85),
                ],
                (235, 160, 160),
                outlined=False,
            ),
        ]
    shapes.append(ellipse(x, y, r * 1.08, r * 0.95, coat))
    if rng.random() < 0.5:
        shapes += [
            limb(
                (x + k * r * 0.28, y - r * 0.85),
                (x + k * r * 0.2, y - r * 0.45),
                r * 0.14,
                mark,
                outlined=False,
            )
            for k in (-1, 0, 1)
        ]
    shapes.append(ellipse(x, y + r * 0.42, r * 0.5, r * 0.34, shade(coat, 1.5), outlined=False))
    for s in (-1, 1):
        shapes += [
            ellipse(x + s * r * 0.45, y - r * 0.08, r * 0.25, r * 0.22, iris, outlined=False),
            ellipse(x + s * r * 0.45, y - r * 0.08, r * 0.09, r * 0.21, DARK, outlined=False),
        ]
        shapes += [
            limb(
                (x + s * r * 0.4, y + r * 0.4),
                (x + s * r * 1.45, y + r * (0.4 + k)),
                r * 0.06,
                choose(rng, WHITE, DARK),
                outlined=False,
            )
            for k in (-0.15, 0.1, 0.35)
        ]
    nose = polygon(
        [(x - r * 0.15, y + r * 0.22), (x + r * 0.15, y + r * 0.22), (x, y + r * 0.42)],
        (225, 110, 120),
        outlined=False,
    )
    return shapes + [nose]


def cat(rng):
    """Sitting with its tail around it, or walking with its tail up."""
    coat, mark, fill = _cat_coat(rng)
    paw = choose(rng, coat, shade(coat, 1.6))
    if rng.random() < 0.5:
        fat = rng.uniform(0.22, 0.29)
        head = rng.uniform(0.19, 0.23)
        tail = stroke(
            [(0.12, 0.42), (0.4, 0.42), (0.48, 0.2), (0.42, rng.uniform(-0.1, 0.08))],
            0.1,
            coat,
            0.07,
            outlined=True,
        )
        return [
            tail,
            blob(
                [
                    (0, -0.25),
                    (fat * 0.75, 0),
                    (fat, 0.3),
                    (fat * 0.8, 0.47),
                    (-fat * 0.8, 0.47),
                    (-fat, 0.3),
                    (-fat * 0.75, 0),
                ],
                fill,
            ),
            ellipse(0, 0.12, fat * 0.45, 0.2, shade(coat, 1.4), outlined=False),
            limb((-0.09, 0.15), (-0.09, 0.46), 0.1, coat),
            limb((0.09, 0.15), (0.09, 0.46), 0.1, coat),
            ellipse(-0.1, 0.47, 0.075, 0.045, paw),
            ellipse(0.1, 0.47, 0.075, 0.045, paw),
            *_cat_head(rng, rng.uniform(-0.04, 0.04), -0.28, head, coat, mark),
        ]
    low = rng.uniform(0.3, 0.38)
    high = rng.uniform(-0.5, -0.35)
    shapes = [
        stroke(
            [(-0.4, -0.02), (-0.52, -0.15), (-0.48, -0.3), (rng.uniform(-0.6, -0.4), high)],
            0.09,
            coat,
            0.06,
            outlined=True,
        )
    ]
    for x, tone in ((-0.27, 0.75), (0.27, 0.75), (-0.36, 1), (0.18, 1)):
        foot = x + rng.uniform(-0.07, 0.07)
        shapes += [
            limb((x, 0.08), (foot, low), 0.12, shade(coat, tone), 0.085),
            ellipse(foot + 0.02, low + 0.02, 0.06, 0.035, paw),
        ]
    shapes.append(
        blob(
            [
                (-0.42, 0),
                (-0.3, -0.13),
                (0, -0.1),
                (0.3, -0.13),
                (0.36, 0.05),
                (0.2, 0.17),
                (-0.1, 0.15),
                (-0.36, 0.16),
            ],
            fill,
        )
    )
    return shapes + _cat_head(rng, 0.4, -0.2, rng.uniform(0.16, 0.2), coat, mark)


def _dog_head(rng, x, y, r, coat, ear):
    """A head in profile: long snout, black nose, hanging ear, often a tongue."""
    snout = rng.uniform(1.0, 1.5) * r
    shapes = []
    if rng.random() < 0.6:
        shapes.append(
            limb((x + snout * 0.85, y + r * 0.5), (x + snout * 0.9, y + r * 1.15), r * 0.34, (235, 100, 120))
        )
    muzzle = choose(rng, coat, shade(coat, 1.4), shade(coat, 0.7))
    shapes += [
        limb((x + r * 0.3, y + r * 0.28), (x + snout, y + r * 0.32), r * 0.95, muzzle, r * 0.6),
        ellipse(x, y, r * 0.95, r * 0.9, coat),
        ellipse(x + snout + r * 0.2, y + r * 0.12, r * 0.2, r * 0.17, DARK, outlined=False),
    ]
    shapes.append(
        stroke(
            [(x + snout, y + r * 0.5), (x + snout * 0.7, y + r * 0.55), (x + r * 0.45, y + r * 0.48)],
            r * 0.09,
            shade(muzzle, 0.4),
        )
    )
    droop = rng.uniform(0.8, 1.3)
    shapes.append(
        blob(
            [
                (x - r * 0.2, y - r * 0.75),
                (x - r * 0.75, y - r * 0.45),
                (x - r * 0.95, y + r * droop * 0.6),
                (x - r * 0.5, y + r * droop),
                (x - r * 0.15, y + r * 0.3),
            ],
            ear,
        )
    )
    return shapes + _eye(x + r * 0.4, y - r * 0.22, r * 0.16)


def dog(rng):
    """Standing or sitting in profile, with a snout and hanging ears."""
    coat = near(rng, choose(rng, *COATS), 12)
    mark = choose(rng, shade(coat, 0.5), shade(coat, 1.5))
    ear = choose(rng, shade(coat, 0.65), mark)
    fill = choose(rng, coat, coat, patches(rng, coat, mark))
    collar = any_colour(rng)
    r = rng.uniform(0.16, 0.2)
    if rng.random() < 0.35:
        shapes = [
            stroke([(-0.2, 0.38), (-0.42, 0.36), (-0.5, 0.2)], 0.08, coat, 0.05, outlined=True),
            blob(
                [(0.02, -0.22), (0.16, -0.05), (0.14, 0.42), (-0.15, 0.45), (-0.28, 0.3), (-0.2, 0.05)], fill
            ),
            ellipse(-0.12, 0.34, 0.15, 0.13, shade(coat, 0.9)),
            limb((0.08, 0.05), (0.12, 0.44), 0.12, coat, 0.09),
            limb((-0.1, 0.45), (0.0, 0.45), 0.08, coat),
            limb((0.12, 0.45), (0.18, 0.45), 0.07, coat),
            limb((-0.08, -0.13), (0.14, -0.1), 0.055, collar),
        ]
        return shapes + _dog_head(rng, 0.06, -0.3, r, coat, ear)
    low, long = rng.uniform(0.32, 0.48), rng.uniform(0.34, 0.46)
    wag = rng.uniform(-0.35, -0.1)
    shapes = [
        stroke(
            [(-long, -0.02), (-long - 0.12, wag * 0.5), (-long - 0.16, wag)], 0.1, coat, 0.05, outlined=True
        )
    ]
    for x, tone in ((-long + 0.14, 0.72), (long - 0.06, 0.72), (-long + 0.05, 1), (long - 0.14, 1)):
        foot = x + rng.uniform(-0.06, 0.06)
        shapes += [
            limb((x, 0.08), (foot, low), 0.14, shade(coat, tone), 0.09),
            limb((foot, low), (foot + 0.06, low + 0.01), 0.07, shade(coat, tone)),
        ]
    shapes += [
        blob(
            [
                (-long - 0.03, 0),
                (-long + 0.1, -0.13),
                (0, -0.12),
                (long, -0.16),
                (long + 0.06, 0.05),
                (long - 0.1, 0.19),
                (0, 0.13),
                (-long + 0.1, 0.15),
            ],
            fill,
        ),
        limb((long - 0.08, -0.02), (long + 0.06, -0.22), 0.22, coat, 0.2),
        limb((long - 0.06, -0.14), (long + 0.12, -0.08), 0.05, collar),
    ]
    return shapes + _dog_head(rng, long + 0.1, -0.28, r, coat, ear)

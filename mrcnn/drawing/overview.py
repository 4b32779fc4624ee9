"""The paper's figure: Mask R-CNN from picture to masks, in boxes that are called as our modules.

README's picture is drawn again by
`python -c "from mrcnn.drawing.overview import save_overview; save_overview()"`.
"""

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle

from mrcnn.drawing.colors import OKABE_ITO, text_color

SIZE = 16, 7.6
"""Inches of the figure, and units of its axes, which begin at the lower left."""

INK, SOFT, LIT = "#22303C", "#5B6B78", OKABE_ITO["vermillion"]

# The three stages are lanes, read like lines of text; each is cut into four columns.
LANES = [
    (5.15, "#E3F0F9", "1  Where might there be something?"),
    (2.65, "#FBF0D9", "2  What is it, and where exactly?"),
    (0.15, "#DFF2EB", "3  Which pixels are it?"),
]
UPPER, MIDDLE, LOWER = (bottom + 0.2 for bottom, _, _ in LANES)
WIDTH, HEIGHT, GAP = 1.78, 1.4, 0.36
LOW = 0.95  # of the anchors: the features pass over them, which they are made without
COLUMNS = [7.55 + i * (WIDTH + GAP) for i in range(4)]

# Every box: names that light it, heading, what it does, (left, bottom, width, height). The names
# are those of the modules in mrcnn/network; "picture" and "masks" are the two ends.
BOXES = [
    ({"picture"}, "picture", "", (0.15, 2.3, 2.35, 2.5)),
    ({"backbone"}, "backbone", "ResNet", (2.95, 0.15, 1.85, 7.3)),
    ({"pyramid"}, "pyramid", "FPN", (5.2, 0.15, 1.85, 7.3)),
    ({"anchors"}, "anchors", "fixed boxes", (COLUMNS[0], UPPER, WIDTH, LOW)),
    (
        {"proposals"},
        "proposals",
        "RPN: objectness, deltas;\nthen the best are kept",
        (COLUMNS[1], UPPER, 2 * WIDTH + GAP, HEIGHT),
    ),
    ({"roi_align"}, "roi_align", "features\n7 × 7", (COLUMNS[0], MIDDLE, WIDTH, HEIGHT)),
    ({"heads"}, "heads", "class scores,\nbox deltas", (COLUMNS[1], MIDDLE, WIDTH, HEIGHT)),
    ({"detections"}, "detections", "best class,\nno doubles", (COLUMNS[2], MIDDLE, WIDTH, HEIGHT)),
    ({"roi_align", "masks"}, "roi_align", "features\n14 × 14", (COLUMNS[0], LOWER, WIDTH, HEIGHT)),
    ({"masks"}, "heads", "masks\n28 × 28", (COLUMNS[1], LOWER, WIDTH, HEIGHT)),
    ({"masks"}, "masks", "resized to\nthe boxes", (COLUMNS[2], LOWER, WIDTH, HEIGHT)),
]
STAGES = sorted(set().union(*(names for names, *_ in BOXES)))

# The scene in the small pictures, 4 wide and 3 high: name, colour, polygons, x1, y1, x2, y2.
BOAT = [
    [(0.35, 1.15), (2.45, 1.15), (2.05, 0.65), (0.75, 0.65)],
    [(1.45, 1.25), (1.45, 2.85), (2.4, 1.25)],
    [(1.3, 1.25), (1.3, 2.45), (0.55, 1.25)],
]
KITE = [[(3.3, 2.8), (3.8, 2.2), (3.3, 1.35), (2.8, 2.2)]]
OBJECTS = [
    ("boat", OKABE_ITO["vermillion"], BOAT, (0.35, 0.65, 2.45, 2.85)),
    ("kite", OKABE_ITO["purple"], KITE, (2.8, 1.35, 3.8, 2.8)),
]


class _Drawing:
    """Axes on which letters and lines keep their proportion to the figure."""

    def __init__(self, ax):
        self.ax = ax
        ax.set(xlim=(0, SIZE[0]), ylim=(0, SIZE[1]), aspect="equal")
        ax.axis("off")
        window = ax.get_window_extent()
        self.scale = min(window.width / SIZE[0], window.height / SIZE[1]) / ax.figure.dpi

    def text(self, x, y, text, size, color=INK, **style):
        style = {"ha": "center", "va": "center", "linespacing": 1.3, **style}
        self.ax.text(x, y, text, fontsize=size * self.scale, color=color, **style)

    def polygon(self, points, face="none", edge="none", line=1.5, **style):
        style = {"facecolor": face, "edgecolor": edge, "linewidth": line * self.scale, **style}
        self.ax.add_patch(Polygon(points, joinstyle="round", **style))

    def rectangle(self, left, bottom, width, height, face="none", edge="none", line=1.5, **style):
        style = {"facecolor": face, "edgecolor": edge, "linewidth": line * self.scale, **style}
        self.ax.add_patch(Rectangle((left, bottom), width, height, **style))

    def card(self, left, bottom, width, height, face, edge="none", line=1.5):
        shape = {"boxstyle": "round,pad=0,rounding_size=0.12", "linewidth": line * self.scale}
        box = FancyBboxPatch((left, bottom), width, height, facecolor=face, edgecolor=edge, **shape)
        self.ax.add_patch(box)

    def arrow(self, *points, color=INK):
        """An arrow through the points, from the first to the last."""
        xs, ys = zip(*points, strict=True)
        self.ax.plot(xs[:-1], ys[:-1], color=color, linewidth=2 * self.scale)
        shape = {"arrowstyle": "-|>", "mutation_scale": 18 * self.scale, "shrinkA": 0, "shrinkB": 0}
        style = {"color": color, "linewidth": 2 * self.scale, "joinstyle": "miter"}
        self.ax.add_patch(FancyArrowPatch(points[-2], points[-1], zorder=3, **shape, **style))


def _draw_scene(drawing, left, bottom, width, found=""):
    """A small picture, with what a stage has `found`: "proposals", "detections" or "masks"."""
    unit, corner = width / 4, np.array([left, bottom])
    opacity = 0.3 if found == "masks" else 1
    drawing.rectangle(left, bottom, width, 3 * unit, "#BFE3F7", alpha=opacity)
    drawing.rectangle(left, bottom, width, 0.9 * unit, "#3E8FBF", alpha=opacity)
    for name, color, polygons, (x1, y1, x2, y2) in OBJECTS:
        for i, points in enumerate(polygons):
            face = color if i == 0 or found == "masks" else "white"
            drawing.polygon(np.array(points) * unit + corner, face, INK, 0.8)
        begin, size = corner + unit * np.array([x1, y1]), unit * np.array([x2 - x1, y2 - y1])
        if found == "proposals":
            for x, y, stretch in ((-0.07, -0.07, 1), (0.05, 0.03, 1), (0.06, 0.1, 0.8), (-0.03, -0.04, 0.95)):
                drawing.rectangle(*(begin + (x, y)), *(size * stretch), edge=INK, line=1)
        elif found:
            drawing.rectangle(*begin, *size, edge=color, line=2)
        if found == "detections":
            x, y = begin + (size[0] / 2, -0.13)
            drawing.rectangle(x - 0.28, y - 0.13, 0.56, 0.26, color)
            drawing.text(x, y - 0.01, name, 14, text_color(color), weight="bold")
    drawing.rectangle(left, bottom, width, 3 * unit, edge=INK)


def _level(i):
    """Height at which the feature maps of a level lie."""
    return 0.9 + 1.22 * i


def _draw_maps(drawing, left, names, color):
    """Feature maps as sheets, the finest at the bottom, coarser ones above."""
    for i, name in enumerate(names):
        x, y, half = left + 0.925, _level(i), 0.66 - 0.08 * i
        sheet = [(-half - 0.14, -0.21), (half - 0.14, -0.21), (half + 0.14, 0.21), (0.14 - half, 0.21)]
        drawing.polygon(np.array(sheet) + (x, y), color, INK)
        drawing.text(x, y, name, 15, weight="bold")


def _draw_features(drawing):
    """What backbone and pyramid make, level by level, and how one comes from the other."""
    _draw_maps(drawing, 2.95, ("C2", "C3", "C4", "C5"), OKABE_ITO["sky blue"])
    _draw_maps(drawing, 5.2, ("P2", "P3", "P4", "P5", "P6"), OKABE_ITO["orange"])
    for i in range(4):
        drawing.arrow((4.8, _level(i)), (5.2, _level(i)))
        low, high = _level(i) + 0.35, _level(i + 1) - 0.35
        if i < 3:
            drawing.arrow((3.875, low), (3.875, high), color=SOFT)
        down = i < 3  # the pyramid is built from P5 down; P6 is made of P5
        drawing.arrow((6.125, high if down else low), (6.125, low if down else high), color=SOFT)


def _draw_results(drawing):
    """The arrows of the lanes and what comes out at their ends."""
    ends = [left + WIDTH for left in COLUMNS]
    drawing.arrow((7.05, UPPER + (LOW + HEIGHT) / 2), (COLUMNS[1], UPPER + (LOW + HEIGHT) / 2))
    drawing.arrow((ends[0], UPPER + LOW / 2), (COLUMNS[1], UPPER + LOW / 2))
    drawing.arrow((ends[2], UPPER + HEIGHT / 2), (COLUMNS[3], UPPER + HEIGHT / 2))
    for y in MIDDLE + HEIGHT / 2, LOWER + HEIGHT / 2:
        for start, end in zip([7.05, *ends], COLUMNS, strict=False):
            drawing.arrow((start, y), (end, y))
    for bottom, found in (UPPER, "proposals"), (MIDDLE, "detections"), (LOWER, "masks"):
        _draw_scene(drawing, COLUMNS[3], bottom + 0.03, WIDTH, found)
    for bottom in UPPER, MIDDLE:
        y, right, left = bottom - 0.3, COLUMNS[3] + WIDTH / 2, COLUMNS[0] + 0.3
        drawing.arrow((right, bottom), (right, y), (left, y), (left, bottom - 2.5 + HEIGHT))


def overview(highlight=(), ax=None):
    """Draw the paper's figure (Mask R-CNN, arXiv 1703.06870, figure 1, with the parts inside).

    Args:
        highlight: Names of the stages to light, "you are here", or one name: a module of
            `mrcnn.network` (backbone, pyramid, anchors, proposals, roi_align, heads, detections), or
            "picture" or "masks".
        ax: Axes to draw on; None makes a figure of 16 × 7.6 inches.

    Returns:
        The Axes.

    Raises:
        ValueError: There is no stage of that name.
    """
    highlight = {highlight} if isinstance(highlight, str) else set(highlight or ())
    if not highlight <= set(STAGES):
        unknown = ", ".join(sorted(highlight - set(STAGES)))
        raise ValueError(f"highlight must be among {', '.join(STAGES)}; got {unknown}.")
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=SIZE).add_axes((0, 0, 1, 1))
    drawing = _Drawing(ax)

    for bottom, color, question in LANES:
        drawing.card(7.35, bottom, 8.55, 2.3, color)
        drawing.text(8.05, bottom + 1.94, question, 16, SOFT, ha="left", style="italic")
    for names, heading, text, (left, bottom, width, height) in BOXES:
        lit = bool(highlight & names)
        face, edge = ("#FFF1C9", LIT) if lit else ("white", INK)
        drawing.card(left, bottom, width, height, face, edge, 4 if lit else 1.5)
        middle, top = left + width / 2, bottom + height
        weight = "normal" if heading in ("picture", "masks") else "bold"
        drawing.text(middle, top - 0.42, heading, 17, edge, weight=weight, va="baseline")
        drawing.text(middle, top - 0.57, text, 16, SOFT, va="top")

    drawing.text(0.15, 6.9, "Mask R-CNN", 25, weight="bold", ha="left")
    drawing.text(0.15, 6.1, "bold: a module\nof mrcnn/network", 16, SOFT, ha="left")
    drawing.text(0.15, 0.65, "He, Gkioxari, Dollár,\nGirshick, 2017", 16, SOFT, ha="left")
    _draw_scene(drawing, 0.275, 2.45, 2.1)
    drawing.arrow((2.5, 3.55), (2.95, 3.55))
    _draw_features(drawing)
    _draw_results(drawing)
    for left, bottom, width, _ in [place for names, *_, place in BOXES if highlight & names][:1]:
        middle, y = left + width / 2, max(bottom - 0.22, 0.02)
        drawing.card(middle - 0.9, y, 1.8, 0.38, LIT)
        drawing.text(middle, y + 0.18, "you are here", 15, "white", weight="bold")
    return ax


def save_overview(path="images/mask_rcnn_overview.png"):
    """Write the figure, 1600 pixels wide; the default is README's."""
    from matplotlib.figure import Figure  # not above: it brings the font cache along

    figure = Figure(figsize=SIZE)
    overview(ax=figure.add_axes((0, 0, 1, 1)))
    figure.savefig(path, dpi=100)

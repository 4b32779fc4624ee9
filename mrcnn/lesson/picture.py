"""A picture of the lesson: a figure made for a projector, with its caption."""

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from mrcnn.drawing.figures import show_picture

WIDTH = 9.6  # inches of a figure
DPI = 100  # of a figure in the notebook
GREY = "#5B6B78"  # of axes, ticks and what is not the point
COLORS = 20_000  # that a drawing has at most, shades of its edges included; photographs have more
PALETTES = 64, 128  # colours that are left of them: the fewest that do it no harm
NOTICED = 24  # grey levels by which a colour may be off
MOST_CHANGED = 0.01  # of a picture's pixels may be off by more
FONT = 14  # points, readable from the back of a room at this width


class Shown:
    """What a notebook shows as a picture: has `array()`, (H, W, 3) uint8, and `caption`, its text."""

    def __repr__(self):
        return self.caption

    def _repr_mimebundle_(self, include=None, exclude=None):
        mime, data = encode(self.array())
        return {mime: data, "text/plain": self.caption}, {mime: {"alt": self.caption}}


class Picture(Shown):
    """A figure and its caption, encoded when a notebook shows it.

    Attributes:
        figure: a Matplotlib figure that belongs to no window, so that memory is freed with the picture.
        caption: what is to be seen on it, a sentence; the text of the picture for those who cannot see it.
    """

    def __init__(self, figure, caption):
        self.figure, self.caption = figure, caption

    def array(self):
        """The picture, (H, W, 3) uint8."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(self.figure)
        self.figure.set_dpi(DPI)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def encode(array):
    """A picture (H, W, 3) uint8 in few bytes: (mime type, bytes), PNG for drawings, JPEG for photographs."""
    image = Image.fromarray(array)
    photograph = "image/jpeg", jpeg(array, quality=70, optimize=True)
    if image.getcolors(COLORS) is None:  # soon said, while choosing a palette takes longer than all else here
        return photograph
    for count in PALETTES:
        few_colors = image.quantize(count, dither=Image.Dither.NONE)
        changed = np.abs(array - np.asarray(few_colors.convert("RGB"), np.int16)).max(axis=-1)
        if (changed > NOTICED).mean() <= MOST_CHANGED:
            png = io.BytesIO()
            few_colors.save(png, "PNG", optimize=True)
            return min(photograph, ("image/png", png.getvalue()), key=lambda kind: len(kind[1]))
    return photograph


def jpeg(array, **options):
    """A picture (H, W, 3) uint8 as the bytes of a JPEG; the options are those of Pillow's `save`."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG", **options)
    return stream.getvalue()


def panels(*titles, height=4.0, columns=None, width=WIDTH, **options):
    """A figure with a row (or rows) of axes.

    Args:
        titles: of the axes, one each.
        height: inches of the figure.
        columns: axes in a row; None puts all in one.
        width: inches of the figure.
        options: of `matplotlib.figure.Figure.subplots`, such as `width_ratios`.

    Returns:
        the Figure, a list of its Axes.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    columns = columns or len(titles)
    rows = -(-len(titles) // columns)
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).flat)
    for ax, title in zip(axes, titles, strict=False):
        ax.set_title(title, fontsize=FONT, parse_math=False)
    for ax in axes[len(titles) :]:
        ax.axis("off")
    return figure, axes[: len(titles)]


def place(ax, image, grid=True, **options):
    """Show a picture on axes, its ticks in pixels.

    Args:
        ax: Axes; its title stays.
        image: (H, W, 3) uint8, or (H, W) coloured by the options of `imshow`.
        grid: False leaves the ticks out.

    Returns:
        what `imshow` gives, for a colour bar.
    """
    title = ax.get_title()
    shown = show_picture(ax, image, **options)
    ax.set_title(title, fontsize=FONT, parse_math=False)
    if grid:
        with_ticks(ax)
    return shown


def with_ticks(ax):
    """Axes in whole numbers, few and grey."""
    ax.axis("on")
    ax.tick_params(labelsize=11, colors=GREY, length=3)
    ax.spines[:].set_color(GREY)
    for axis in ax.xaxis, ax.yaxis:
        axis.get_major_locator().set_params(nbins=6, integer=True)

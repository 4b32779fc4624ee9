"""What is shown while a detector is taught: a line in a terminal, a picture in a notebook."""

import io
import time

from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.outputs import counts_of, in_words

EVERY = 2  # seconds from one picture to the next


def watcher():
    """What to watch a `Teaching` with, by where this runs."""
    return Panel(Place().show_figure) if in_notebook() else Line()


def in_notebook():
    """Whether pictures can be shown: in Jupyter, Colab and VS Code, not in a terminal."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def state(teaching):
    """How a teaching gets on, in a few words."""
    steps = len(teaching.times)
    found = "not looked yet"
    if teaching.result:
        found = in_words(counts_of(teaching.result, teaching.taught.class_names))
    if not steps:
        return "the first step takes longer, since the computation is compiled"
    stopped = ", stopped by hand" if teaching.over and teaching.interrupted.is_set() else ""
    return f"step {steps}, loss {teaching.loss:.2f}, {teaching.left:.0f} s left: {found}{stopped}"


class Line:
    """One line on standard error."""

    def __init__(self):
        self.bar = None

    def __call__(self, teaching):
        from tqdm import tqdm

        if self.bar is None:
            form = "{percentage:3.0f}% |{bar:20}| {desc}"
            self.bar = tqdm(total=teaching.seconds, bar_format=form, disable=None)
        self.bar.n = min(teaching.seconds, teaching.seconds - teaching.left)
        self.bar.set_description_str(state(teaching))
        if teaching.over:
            self.bar.close()


class Panel:
    """The losses so far and the photograph as it is seen now, drawn again every few seconds.

    Args:
        show: function of a Matplotlib figure and what it says, in words.
    """

    def __init__(self, show):
        self.show, self.shown = show, 0.0

    def __call__(self, teaching):
        if teaching.over or time.monotonic() - self.shown >= EVERY:
            self.show(figure(teaching), state(teaching))
            self.shown = time.monotonic()


class Place:
    """One place of a notebook, in which what is shown takes that of what was shown before."""

    def __init__(self):
        self.handle = None

    def show(self, content):
        from IPython.display import display

        if self.handle:
            self.handle.update(content)
        else:
            self.handle = display(content, display_id=True)  # None where there is no notebook

    def show_figure(self, drawn, words):
        from IPython.display import Image

        self.show(Image(png(drawn), alt=words))


def figure(teaching):
    """A Matplotlib figure: the loss over the seconds, and what is found on the photograph."""
    from matplotlib.figure import Figure

    from mrcnn.drawing.figures import enlarge, show_picture
    from mrcnn.drawing.painting import draw_numbered

    drawn = Figure(figsize=(9.6, 4.4), layout="constrained")
    curve, photo = drawn.subplots(1, 2, width_ratios=[1, 1.4])
    total = [sum(values) for values in zip(*teaching.losses.values(), strict=True)]
    curve.plot(teaching.times, total, color=OKABE_ITO["blue"], linewidth=3)
    curve.set(xlim=(0, teaching.seconds), ylim=(0, None), xlabel="seconds", title="loss")
    curve.spines[["top", "right"]].set_visible(False)
    enlarge(curve)
    image, model = teaching.image, teaching.taught
    if teaching.result:
        image = draw_numbered(image, teaching.result, model.class_names, model.tile_side)
    show_picture(photo, image)
    drawn.suptitle(state(teaching), fontsize=15)
    return drawn


def png(drawn):
    content = io.BytesIO()
    drawn.savefig(content, format="png", dpi=80)
    return content.getvalue()

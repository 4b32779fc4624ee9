"""Pictures with controls: sliders where a notebook has widgets, a strip of pictures where it has none.

The network runs once, and a control only looks at another part of its trace, so that a picture follows a
slider at once. A notebook that is not running, or has no ipywidgets, shows the same cell as a strip.
"""

import os

import numpy as np
from PIL import Image

from mrcnn.lesson.messages import Message
from mrcnn.lesson.picture import Shown, jpeg

STRIP = 4  # pictures in a strip
WIDE = 800  # pixels: a wider picture has a row of the strip for itself, so that its letters can be read
SMALLER = {1: 0.75, 2: 0.7}  # of their size have so many in a row
LIVE = {"quality": 90, "subsampling": 0}  # of a JPEG that follows a control: made in no time, letters sharp
# Layout of a picture: stretched to the page's width, it would push what stands below it off the screen.
AS_DRAWN = {"max_width": "100%", "align_self": "flex-start"}
STATIC = "MRCNN_LESSON_STATIC"  # environment variable: strips, even where there are widgets


class Explorer:
    """Something to draw, with the values that it may be drawn for. `explore` makes it.

    Attributes:
        draw: from values, by name, to a `Picture`, or to a pair of it and a `Sum`.
        choices: dict from a name to its values.
        start: dict from a name to the value shown first.
        strip: values of the first control that the strip shows.
    """

    def __init__(self, draw, choices, start, strip):
        self.draw, self.choices, self.start, self.strip = draw, choices, start, strip

    def _ipython_display_(self):
        from IPython.display import display

        if has_widgets():
            display(self.widget())
            return
        display(self.strip_picture())
        worked_out = _pair(self.draw(**self.start))[1]
        if worked_out is not None:
            display(worked_out)

    def __repr__(self):
        return _pair(self.draw(**self.start))[0].caption

    def strip_picture(self):
        """The strip, a `Strip`: what the first control changes."""
        name = next(iter(self.choices))
        drawn = [_pair(self.draw(**self.start | {name: value}))[0] for value in self.strip]
        return Strip([picture.array() for picture in drawn], " | ".join(p.caption for p in drawn))

    def widget(self):
        """The controls with the picture below them, and the sum below that: an ipywidgets VBox."""
        import ipywidgets as widgets

        controls = {name: _control(name, values, self.start[name]) for name, values in self.choices.items()}
        image = widgets.Image(format="jpeg", layout=widgets.Layout(**AS_DRAWN))
        words = widgets.HTMLMath()

        def show(_=None):
            values = {name: control.value for name, control in controls.items()}
            try:
                picture, worked_out = _pair(self.draw(**values))
                image.value = jpeg(picture.array(), **LIVE)
                words.value = "" if worked_out is None else worked_out.as_html()
            except Exception as error:  # the sliders must go on answering, whatever one place does
                words.value = Message("This place", str(error), "wrong")._repr_html_()

        for control in controls.values():
            control.observe(show, "value")
        show()
        return widgets.VBox([*controls.values(), image, words])


class Strip(Shown):
    """Pictures side by side: narrow ones two in a row, wide ones one, all a little smaller."""

    def __init__(self, arrays, caption):
        self.arrays, self.caption = arrays, caption

    def array(self):
        """(H, W, 3) uint8."""
        if len(self.arrays) == 1:
            return self.arrays[0]
        height, width = np.max([array.shape[:2] for array in self.arrays], axis=0)
        across = 1 if width > WIDE else 2
        down = -(-len(self.arrays) // across)
        cells = np.full((down * across, height, width, 3), 255, np.uint8)
        for cell, array in zip(cells, self.arrays, strict=False):
            cell[: array.shape[0], : array.shape[1]] = array
        rows = cells.reshape(down, across, height, width, 3).swapaxes(1, 2)
        whole = rows.reshape(down * height, across * width, 3)
        size = round(SMALLER[across] * across * width), round(SMALLER[across] * down * height)
        return np.asarray(Image.fromarray(whole).resize(size, Image.Resampling.LANCZOS))


def explore(draw, start=None, strip=None, **choices):
    """Draw something again for every value that a control is moved to.

    Args:
        draw: function of the controls' values, by name, to a `Picture`, or to a pair of it and a `Sum`.
        start: dict of the values to begin with; the middle one else.
        strip: values of the first control to show side by side where there are no widgets; four spread
            over its values else.
        choices: for each control its values: a `range` (a slider of whole numbers), a list of numbers (a
            slider), a list of texts (a menu), or (False, True) (a box to tick).

    Returns:
        Explorer, which a notebook shows; a `Message` if there is nothing to choose from.
    """
    for name, values in choices.items():
        if not len(values):  # a picture on which nothing was found
            return Message(
                "Nothing to choose", f"there is no {name.replace('_', ' ')} on this picture.", "hint"
            )
    first = {name: values[len(values) // 2] for name, values in choices.items()}
    values = next(iter(choices.values()))
    spread = np.linspace(0, len(values) - 1, min(STRIP, len(values))).round().astype(int)
    return Explorer(draw, choices, first | (start or {}), strip or [values[i] for i in spread])


def has_widgets():
    """Whether controls can be shown."""
    if os.environ.get(STATIC):
        return False
    try:
        import ipywidgets  # noqa: F401  only whether it is there
    except ImportError:
        return False
    return True


def _pair(drawn):
    return drawn if isinstance(drawn, tuple) else (drawn, None)


def _control(name, values, value):
    import ipywidgets as widgets

    wide = {"layout": widgets.Layout(width="36em"), "style": {"description_width": "9em"}}
    label = name.replace("_", " ")
    if isinstance(values, range):
        span = {"min": values.start, "max": values[-1], "step": values.step}
        return widgets.IntSlider(value=value, description=label, **span, **wide)
    if tuple(values) == (False, True):
        return widgets.Checkbox(value=value, description=label, **wide)
    if isinstance(values[0], str):
        return widgets.Dropdown(options=list(values), value=value, description=label, **wide)
    options = [(f"{v:g}", v) for v in values]
    return widgets.SelectionSlider(options=options, value=value, description=label, **wide)

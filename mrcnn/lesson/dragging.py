"""The controls of `mrcnn.lesson.boxing`: a photograph on which a box is dragged, in ipywidgets.

Boxes are dragged on the widget of `jupyter_bbox_widget`, which was made for just that. It is 25 kB beside
anywidget, and its JavaScript comes from the kernel, so that JupyterLab, Notebook 7, VS Code and Colab show
it, under ipywidgets 7 and 8. (Matplotlib's ipympl and Plotly's FigureWidget can draw boxes too, but bring
megabytes that must fit the page.) Where it is not installed, the box is set by its numbers.
"""

import io

import ipywidgets as widgets
import numpy as np
import traitlets
from PIL import Image, ImageDraw

from mrcnn.drawing.colors import OKABE_ITO
from mrcnn.lesson import own
from mrcnn.lesson.controls import AS_DRAWN, LIVE
from mrcnn.lesson.messages import Message
from mrcnn.lesson.picture import jpeg

EDGES = "y1", "x1", "y2", "x2"
COLOR = "orange"  # of the box
BY_NUMBERS = (
    "set the box by its numbers, then press Teach. (To drag it: `pip install jupyter_bbox_widget`, and start "
    "Jupyter anew.)"
)


class Hands:
    """What a student has in hand: a picture of one's own, a name, a box and a button.

    The kernel is busy while it learns; its stop button ends that early.

    Args:
        boxing: the `mrcnn.lesson.boxing.Boxing` that is taught.
    """

    def __init__(self, boxing):
        self.boxing = boxing
        self.choice = own.choose()
        self.name = widgets.Text(value=boxing.name, description="name")
        narrow = {"layout": widgets.Layout(width="9em"), "style": {"description_width": "2em"}}
        self.fields = [widgets.BoundedIntText(description=edge, **narrow) for edge in EDGES]
        self.button = widgets.Button(description="Teach", button_style="primary")
        self.photograph = photograph()
        self.screen = WidgetScreen()
        self.moving = False
        self._take(boxing.image, boxing.box)
        self._greet(boxing.said)
        self.choice.button.observe(self._chosen, "value")
        self.button.on_click(self._pressed)
        self.photograph.observe(self._dragged, "bboxes")
        for field in (self.name, *self.fields):
            field.observe(self._typed, "value")

    def widget(self):
        """All of it, an ipywidgets VBox."""
        above = widgets.HBox([self.choice.button, self.name], layout=widgets.Layout(flex_flow="row wrap"))
        below = widgets.HBox([*self.fields, self.button], layout=widgets.Layout(flex_flow="row wrap"))
        return widgets.VBox([above, self.photograph, below, self.screen.words, self.screen.picture])

    def _greet(self, said):
        by_numbers = said.state == "open" and isinstance(self.photograph, Numbered)
        self.screen.say(BY_NUMBERS if by_numbers else said.text, said.state)

    def _take(self, image, box):
        """Show a picture and its box."""
        self.boxing.image = image
        for field, most in zip(self.fields, image.shape[:2] * 2, strict=True):
            field.max = most
        self.photograph.image_bytes = jpeg(image, **LIVE)
        self._move((0, 0, 0, 0) if box is None else box)

    def _move(self, box):
        """Have the photograph and the fields show the same box; the fields keep it on the picture."""
        self.moving = True
        try:
            for field, edge in zip(self.fields, box, strict=True):
                field.value = round(edge)
            y1, x1, y2, x2 = edges = tuple(field.value for field in self.fields)
            name = self.name.value
            box = {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "label": name}
            self.photograph.classes = [name]
            self.photograph.bboxes = [box] if y1 < y2 and x1 < x2 else []
            self.boxing.box = edges if any(edges) else None
        finally:
            self.moving = False

    def _typed(self, _):
        if not self.moving:
            self._move([field.value for field in self.fields])

    def _dragged(self, change):
        """The newest box takes the place of the one before. Without a size it has only been begun."""
        for newest in change["new"][-1:]:
            x, y, width, height = (newest[key] for key in ("x", "y", "width", "height"))
            if width and height and not self.moving:
                self._move((y, x, y + height, x + width))

    def _chosen(self, _):
        if not self.choice.uploads:  # it was taken away again
            return
        try:
            image, name = self.choice.read()
        except (ValueError, OSError) as error:
            self.screen.say(str(error), "wrong")
            return
        self._take(own.shrunk(image), None)
        self.screen.say(f"{name}: drag a box around one thing on it, name the thing, and press Teach.")

    def _pressed(self, _):
        self.button.disabled = True
        self.boxing.name = self.name.value
        try:
            self.boxing.teach(self.screen)
        except Exception as error:  # else it would go to the server's log, and nobody would see why
            self.screen.say(f"{type(error).__name__}: {error}", "wrong")
        except KeyboardInterrupt:
            self.screen.say("stopped at once; nothing was learnt.", "wrong")
        finally:
            self.button.disabled = False


class Numbered(widgets.Image):
    """As the widget that boxes are dragged on, but they are only drawn as they are set; see `photograph`."""

    image_bytes = traitlets.Bytes()
    bboxes = traitlets.List()
    classes = traitlets.List()

    @traitlets.observe("image_bytes", "bboxes")
    def _draw(self, _):
        pixels = Image.open(io.BytesIO(self.image_bytes))
        for box in self.bboxes:
            edges = box["x"], box["y"], box["x"] + box["width"] - 1, box["y"] + box["height"] - 1
            ImageDraw.Draw(pixels).rectangle(edges, outline=OKABE_ITO[COLOR], width=2)
        self.value = jpeg(np.asarray(pixels), **LIVE)


def photograph():
    """The widget that shows a picture, `image_bytes`, its boxes, `bboxes`, and their names, `classes`."""
    try:
        from jupyter_bbox_widget import BBoxWidget
    except ImportError:
        return Numbered(format="jpeg", layout=widgets.Layout(**AS_DRAWN))
    return BBoxWidget(colors=[OKABE_ITO[COLOR]], hide_buttons=True)


class WidgetScreen:
    """As `mrcnn.lesson.live.Screen`, in widgets: what is displayed while a button is served gets lost."""

    def __init__(self):
        self.words = widgets.HTML()
        self.picture = widgets.Image(format="jpeg", layout=widgets.Layout(display="none", **AS_DRAWN))

    def say(self, text, state="open"):
        self.words.value = Message("Teach", text, state)._repr_html_()

    def draw(self, picture):
        self.picture.value = jpeg(picture.array(), **LIVE)
        self.picture.layout.display = ""

"""Chapter 12: the network is taught a thing by one box, dragged around it on a photograph."""

import mrcnn
from mrcnn.data.pasted import Changes
from mrcnn.lesson import show
from mrcnn.lesson.controls import has_widgets
from mrcnn.lesson.live import SCENES, Screen
from mrcnn.lesson.messages import Message
from mrcnn.lesson.picture import Picture
from mrcnn.outputs import counts_of, in_words
from mrcnn.rgb import as_rgb
from mrcnn.teaching.watching import Panel

SMALL = 0.5  # of a box's height and width: what is left shows nowhere where the thing ends


class Boxing:
    """A photograph, a box around one thing on it, and what was learnt from that; `boxing` makes it.

    Attributes:
        image: (H, W, 3) uint8.
        name: of the thing.
        box: (y1, x1, y2, x2) in pixels, or None as long as there is none.
        seconds: how long to train.
        model: `MaskRCNN` that was taught, or None.
        result: what it found on the photograph, as `MaskRCNN.detect_crops` gives it, or None.
        said: the last `Message`.
    """

    def __init__(self, image, name, box, seconds):
        self.image, self.name, self.box, self.seconds = as_rgb(image), name, box, seconds
        self.model = self.result = None
        self.said = Message("Teach", "drag a box around one thing, then press Teach.", "open")

    def teach(self, screen, changes=None):
        """Learn from the box.

        Args:
            screen: shows how that gets on, and says at last what was found.
            changes: `mrcnn.data.pasted.Changes`, how much the cut-out is changed.
        """
        self.said = self._taught(screen, changes)
        screen.say(self.said.text, self.said.state)

    def _taught(self, screen, changes):
        if self.box is None:
            return Message("Teach", "there is no box yet: give one around one thing.", "wrong")
        screen.say("the network is put together.")
        try:
            self.model = mrcnn.teach(
                self.image,
                [self.box],
                name=self.name,
                seconds=self.seconds,
                changes=changes,
                scenes=SCENES,
                watch=Panel(lambda drawn, words: screen.draw(Picture(drawn, f"{words}."))),
            )
        except ValueError as error:
            return Message("Teach", str(error), "wrong")
        (self.result,) = self.model.detect_crops([self.image])
        return Message("Teach", f"{in_words(counts_of(self.result, self.model.class_names))}.", "passed")

    def __repr__(self):
        return repr(self.said)

    def _ipython_display_(self):
        from IPython.display import display

        if has_widgets():  # else its screen has shown everything
            from mrcnn.lesson.dragging import Hands

            display(Hands(self).widget())


def boxing(image, name="thing", box=None, seconds=60):
    """Teach the network a thing by a box: dragged by hand, or where there are no widgets the one given.

    Args:
        image: a photograph, as `mrcnn.rgb.as_rgb` takes it.
        name: of the thing.
        box: (y1, x1, y2, x2) in pixels to begin with; None begins without one.
        seconds: how long to train, after the first step, which includes compiling.

    Returns:
        Boxing, which a notebook shows. Its `model` is there once it was taught.
    """
    one = Boxing(image, name, box, seconds)
    if not has_widgets():
        one.teach(Screen("Teach"))
    return one


def compare(image, box, name="thing", seconds=25):
    """Teach by the same box four times, all but the first with one thing spoiled, and count.

    Args:
        image: a photograph, as `mrcnn.rgb.as_rgb` takes it.
        box: (y1, x1, y2, x2) in pixels.
        name: of the thing.
        seconds: of each training, after its first step.

    Returns:
        Picture of what each finds on the photograph; where nothing could be learnt, its title says so.
    """
    taught = {}
    for title, (used, changes) in variants(box).items():
        taught[title] = Boxing(image, name, used, seconds)
        taught[title].teach(Screen(title), changes)
    return show.taught(taught)


def variants(box):
    """Dict from a title to the box and the `Changes` of a training."""
    return {
        "as it is": (box, Changes()),
        "box too small": (shrunk(box, SMALL), Changes()),
        "edges not blended": (box, Changes(soft=False)),
        "nothing turned": (box, Changes(turn=0)),
    }


def shrunk(box, factor):
    """A box (y1, x1, y2, x2) around the same middle, its sides multiplied by a factor."""
    y1, x1, y2, x2 = box
    dy, dx = (1 - factor) / 2 * (y2 - y1), (1 - factor) / 2 * (x2 - x1)
    return y1 + dy, x1 + dx, y2 - dy, x2 - dx

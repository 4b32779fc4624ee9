"""Chapter 13: a picture of one's own, from wherever the notebook runs, and the files of what is found."""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from mrcnn.files import CannotWrite
from mrcnn.lesson.controls import has_widgets
from mrcnn.lesson.messages import Message
from mrcnn.rgb import as_rgb

LONGEST = 1600  # pixels: masks of a camera's picture in full size would fill the memory
KINDS = ".png,.jpg,.jpeg,.webp,.bmp,.gif,.tif,.tiff"


class Choice:
    """Where a picture may come from; a notebook shows it as a button, where it has widgets.

    Attributes:
        path: of a file, or None.
        given: dict from the name of a file that was uploaded to its bytes.
        button: the ipywidgets FileUpload, or None.
    """

    def __init__(self, path=None):
        self.path, self.given, self.button = path or None, {}, None

    @property
    def uploads(self):
        """Dict from a file's name to its bytes, of what has been uploaded by now."""
        return self.given or (uploaded(self.button.value) if self.button else {})

    def picture(self, otherwise):
        """The picture chosen; another one, and a sentence, where there is none or it cannot be read.

        Args:
            otherwise: (H, W, 3) uint8, taken instead.

        Returns:
            (H, W, 3) uint8, at most `LONGEST` pixels long, and the name of its files.
        """
        from IPython.display import display

        if not (self.path or self.uploads):
            display(Message("Your picture", "none was chosen; the lesson's goes on.", "open"))
            return otherwise, "lesson"
        try:
            image, name = self.read()
        except (ValueError, OSError) as error:
            display(Message("Your picture", f"{error} The lesson's picture goes on.", "wrong"))
            return otherwise, "lesson"
        smaller = shrunk(image)
        size = "{1} × {0} pixels".format(*image.shape)
        if smaller is not image:
            size += ", made smaller: {1} × {0}".format(*smaller.shape)
        display(Message("Your picture", f"{name}, {size}.", "passed"))
        return smaller, Path(name).stem

    def read(self):
        """The picture chosen, (H, W, 3) uint8 in its full size, and its file's name.

        Raises:
            OSError, ValueError: it cannot be read.
        """
        if self.path:
            return as_rgb(self.path), Path(self.path).name
        name, content = next(iter(self.uploads.items()))
        # As a file, so that whatever is wrong with it is told as it is of any file.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "upload")
            path.write_bytes(content)
            try:
                return as_rgb(path), name
            except ValueError as error:
                raise ValueError(str(error).replace(str(path), name)) from error

    def _ipython_display_(self):
        from IPython.display import display

        if self.path or self.given:
            display(Message("Your picture", f"{self.path or next(iter(self.given))} is taken.", "passed"))
        elif self.button is not None:
            display(self.button)
        else:
            display(Message("Your picture", "there are no widgets here: give the path of a file.", "open"))

    def __repr__(self):
        return f"Choice of a picture: {self.path or ', '.join(self.uploads) or 'none yet'}."


def choose(path=None, colab=False):
    """Choose a picture: by a path, by Colab's own dialogue, or by a button.

    Args:
        path: of a picture's file.
        colab: ask by Colab's dialogue, which waits until a file is chosen; elsewhere of no effect.

    Returns:
        Choice.
    """
    choice = Choice(path)
    if choice.path:
        return choice
    if colab and "google.colab" in sys.modules:
        from google.colab import files

        choice.given = dict(files.upload())
    elif has_widgets():
        from ipywidgets import FileUpload, Layout

        wide = Layout(width="24em")
        choice.button = FileUpload(accept=KINDS, multiple=False, description="Choose a picture", layout=wide)
    return choice


def uploaded(value):
    """What a FileUpload holds, dict from name to bytes: of ipywidgets 8 (a tuple) or 7 (a dict)."""
    files = value if isinstance(value, (tuple, list)) else [{"name": k} | v for k, v in value.items()]
    return {file["name"]: bytes(file["content"]) for file in files}


def shrunk(image):
    """A picture (H, W, 3) uint8 at most `LONGEST` pixels long; a smaller one as it is."""
    if max(image.shape) <= LONGEST:
        return image
    smaller = Image.fromarray(image)
    smaller.thumbnail((LONGEST, LONGEST))
    return np.asarray(smaller)


def save(image, result, class_names, name="picture", folder="results"):
    """Write what was found: the picture with its objects, a PNG of each mask, and a JSON as COCO has it.

    Args:
        image: (H, W, 3) uint8.
        result: dict as `detect` gives it.
        class_names: the name of each class id.
        name: of the files, without ending; files of that name are replaced.
        folder: where they go.

    Returns:
        Message that names the files.
    """
    from mrcnn.drawing.painting import draw_instances
    from mrcnn.metrics import coco_results
    from mrcnn.outputs import write_json, write_masks, write_png

    folder = Path(folder)
    overlay, masks, table = folder / f"{name}-found.png", folder / "masks" / name, folder / f"{name}.json"
    drawn = draw_instances(
        image, result["rois"], result["masks"], result["class_ids"], class_names, result["scores"]
    )
    try:
        write_png(overlay, drawn)
        write_masks(masks, result, class_names)
        write_json(table, coco_results(1, result))
    except CannotWrite as error:
        return Message("own.save", str(error), "wrong")
    count = len(result["scores"])
    written = f"`{overlay}`, {count} masks in `{masks}`, and `{table}` are written."
    return Message("own.save", written, "passed")

"""What `teach` reads, the photograph and its examples, and what it writes."""

from dataclasses import dataclass
from pathlib import Path

from mrcnn.cli.inputs import find_sources
from mrcnn.data import coins
from mrcnn.data.cutouts import cut_out, names_among, read_examples, sheet
from mrcnn.drawing.painting import draw_numbered
from mrcnn.files import check_folder
from mrcnn.metrics import coco_results
from mrcnn.outputs import counts_of, file_name, in_words, write_json, write_png
from mrcnn.rgb import as_rgb
from mrcnn.weights import find, saved_examples


@dataclass(frozen=True)
class Photo:
    """The photograph: a file, or scikit-image's coins, which has no `path`."""

    name: str
    path: Path | None

    @classmethod
    def find(cls, text):
        path = Path(text)
        return cls(text, None) if text == "coins" and not path.exists() else cls(path.stem, path)

    def read(self):
        """(H, W, 3) uint8."""
        if self.path:
            return as_rgb(self.path)
        return coins.photograph()[0]


def cutouts_of(image, examples, photo_path):
    """The cut-outs of a `Set` of a photograph, and of the file that this was read from."""
    cut = cut_out(image, examples.boxes, name=examples.name or "thing") if examples.boxes else []
    for path in examples.files:
        cut += read_examples(path, image, examples.name, photo_path)
    return cut


def names_of(cutouts, start):
    """The names of all things that there are examples of, those of a file that is gone on from first."""
    before = saved_examples(find(start)) if start else []
    return names_among([*before, *cutouts])


def read_folder(folder):
    """All pictures of a folder."""
    sources, failures = find_sources([folder])
    pictures = [source.path for source in sources if not source.is_video]
    if not pictures:
        raise ValueError(f"--backgrounds {folder}: {failures.get(folder, 'no pictures in this folder.')}")
    return [as_rgb(path) for path in pictures]


class Outputs:
    """What is written.

    Args:
        folder: where to.
        photo: `Photo`.
        names: of the things, in the name of the file of weights.
    """

    def __init__(self, folder, photo, names):
        self.folder, self.photo = Path(folder), photo
        self.weights = self.folder / f"{file_name('+'.join(names))}.h5"
        self.picture = self.folder / f"{photo.name}.png"
        self.examples = self.folder / f"{'cut-outs' if photo.name == 'examples' else 'examples'}.png"
        self.json = self.folder / "detections.json"

    def planned(self):
        return [self.weights, self.picture, self.examples, self.json]

    def make_folder(self):
        """Make the folder, and see that files can be written to it."""
        check_folder(self.folder, make=True)

    def write_examples(self, cutouts):
        """The sheet of the new cut-outs, before anything is learnt from them."""
        if cutouts:
            write_png(self.examples, sheet(cutouts))
            print(f"What was cut out is in {self.examples}; if it is bad, stop and give a better box.")

    def write(self, model, image):
        """The weights, and what they find on the photograph; gives that in words."""
        model.save_weights(self.weights, "float16")
        model.load_weights(self.weights)  # rounded, so that the file finds what is shown and counted here
        (result,) = model.detect_crops([image])
        write_png(self.picture, draw_numbered(image, result, model.class_names, model.tile_side))
        name = str(self.photo.path.name if self.photo.path else self.photo.name)
        write_json(self.json, [entry | {"file_name": name} for entry in coco_results(1, result)])
        return in_words(counts_of(result, model.class_names))

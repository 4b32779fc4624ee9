"""Data sets made with nothing but a paint program: a folder of pictures and a folder of masks."""

from pathlib import Path

import numpy as np
from PIL import Image

from mrcnn.data.dataset import Dataset
from mrcnn.rgb import as_rgb

SOURCE = "folder"
FEW = 4  # levels of a label map; with more, greys may be the soft edges of one mask
MOST_OBJECTS = 5000  # objects on one picture; a photograph has more colours
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


class FolderDataset(Dataset):
    """Pictures with PNGs that show their objects, ready to use (`prepare` has been called).

    The masks of `images/beach.jpg` may come in two ways:

    - `masks/beach.png`, one PNG for all objects: what is black or transparent is background, and each
      other grey level or colour is one object. This is for data of one class.
    - `masks/beach/kite_1.png`, `masks/beach/dog_1.png`, `masks/beach/dog_2.png`, …, one PNG an
      object: whatever is neither black nor transparent. Its class is its name up to the last
      underscore; if there is only one class, any name will do.

    A picture without masks is one without objects.
    """

    def __init__(self, image_dir, mask_dir, class_names=("object",)):
        """Lists the pictures, in the order of their names, and their masks.

        Args:
            image_dir: folder of pictures.
            mask_dir: folder of masks, named as above.
            class_names: names of the classes, without the background.

        Raises:
            FileNotFoundError: there are no pictures, or no masks.
            ValueError: a mask's class cannot be told, or two pictures differ only in their endings.
        """
        super().__init__()
        for class_id, name in enumerate(class_names, start=1):
            self.add_class(SOURCE, class_id, name)
        image_dir, self.mask_dir = Path(image_dir), Path(mask_dir)
        paths = sorted(path for path in image_dir.iterdir() if path.suffix.lower() in PICTURES)
        for path in paths:
            labels, objects = self.mask_dir / f"{path.stem}.png", self.mask_dir / path.stem
            masks = [labels] if labels.is_file() else sorted(objects.glob("*.png"))
            class_ids = [self._class_of(mask) for mask in masks]
            self.add_image(SOURCE, path.stem, path, masks=masks, class_ids=class_ids)
        if not any(info["masks"] for info in self.image_info):
            raise FileNotFoundError(
                f"None of the {len(paths)} pictures in {image_dir} has a mask in {self.mask_dir}: "
                "a mask, or a folder of masks, has the name of its picture, and masks are PNGs."
            )
        self.prepare()

    def _class_of(self, mask):
        names = [info["name"] for info in self.class_info]
        if len(names) == 2:
            return 1
        name = mask.stem.rpartition("_")[0]
        if name not in names[1:]:
            raise ValueError(
                f"The class of {mask} cannot be told: where there are several, each object has a "
                f"PNG of its own, called CLASS_NUMBER.png, and they are {', '.join(names[1:])}."
            )
        return names.index(name)

    def load_mask(self, image_id):
        """As `Dataset.load_mask`.

        Raises:
            ValueError: a mask is not of its picture's size, or a picture itself.
        """
        info = self.image_info[image_id]
        height, width = self.load_image(image_id).shape[:2]
        masks, class_ids = [np.zeros((height, width, 0), bool)], []
        for path, class_id in zip(info["masks"], info["class_ids"], strict=True):
            labels, objects = read_labels(path)
            if labels.shape != (height, width):
                raise ValueError(
                    f"{path} is {labels.shape[1]} × {labels.shape[0]} pixels, its picture "
                    f"{info['path'].name} is {width} × {height}: they must agree."
                )
            if path.parent != self.mask_dir:  # one object, whatever its colours
                labels, objects = labels > 0, np.array([True])[: len(objects)]
            if len(objects) > MOST_OBJECTS:
                raise ValueError(
                    f"{path} has {len(objects):,} colours or grey levels, and each would be an object: it is "
                    "no mask. Save it as PNG with hard edges, one colour for each object."
                )
            masks.append(labels[:, :, None] == objects)
            class_ids += [class_id] * len(objects)
        return np.concatenate(masks, axis=-1), np.array(class_ids, np.int32)


def read_labels(path):
    """Which pixels of a picture of masks belong to which object.

    Returns:
        (H, W) int, its grey levels, palette entries or colours; 0 is what is black or transparent; and the
        values (N,) of its objects. A mask in black and white with soft edges is one object, and gives bool.
    """
    with Image.open(path) as picture:
        hidden = np.False_
        if picture.has_transparency_data:
            rgba = picture.convert("RGBA")
            hidden, picture = _hidden(rgba), rgba.convert("RGB")
        labels = np.asarray(picture).astype(np.int64)
        labels = labels @ [1 << 16, 1 << 8, 1] if labels.ndim == 3 else labels
        if picture.mode == "P":  # any entry may be the black one, the first is not always
            lit = np.asarray(picture.convert("RGB")).any(axis=2)
            labels = np.where(lit, np.where(labels == 0, 256, labels), 0)
        if hidden.any():
            if not labels[~hidden].any():
                labels += 1  # a silhouette in black
            labels[hidden] = 0
        objects = np.unique(labels[labels > 0])
        if len(objects) > FEW and _is_soft(colors := as_rgb(picture)):
            return (colors[:, :, 0] >= 128) & ~hidden, np.array([True])
    return labels, objects


def _hidden(rgba):
    """Which pixels (H, W) of a Pillow image are transparent; none, where that would be all."""
    hidden = np.asarray(rgba)[:, :, 3] < 128
    return hidden & ~hidden.all()


def _is_soft(colors):
    """Whether a picture's colours (H, W, 3) are black and white, with greys at edges alone: a mask."""
    grey = colors[:, :, 0]
    return (colors == grey[:, :, None]).all() and 2 * (grey > 223).sum() > (grey > 31).sum()

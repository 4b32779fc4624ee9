"""Data sets in COCO's format: one JSON with annotations and a folder of pictures.

The JSON holds three lists: `images`, `categories` and `annotations`. An annotation is one object:
its picture, its category and its outline, given in one of three ways:

    polygons           [[x1, y1, x2, y2, …], …], in pixels; several where the object is cut in parts
    RLE                {"size": [h, w], "counts": [7, 3, …]}, lengths of runs of 0, 1, 0, … that
                       fill the mask column by column
    compressed RLE     the same with `counts` packed in a string

With `iscrowd` it stands for a group that nobody drew apart. https://cocodataset.org/#format-data
"""

import json
import math
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from pycocotools import mask as mask_utils

from mrcnn.data.dataset import Dataset, judged

SOURCE = "coco"
NUMBER = int, float
ID = int, float, str
# What `CocoDataset` relies on, and of which kind it must be.
ENTRIES = {
    "images": {"id": ID, "file_name": str},
    "categories": {"id": ID, "name": str},
    "annotations": {"image_id": ID, "category_id": ID},
}
# The same of what may be missing, or null.
OPTIONAL = {"images": ("width", "height"), "categories": (), "annotations": ("iscrowd",)}


class CocoDataset(Dataset):
    """The pictures and objects of a COCO JSON, ready to use (`prepare` has been called).

    Classes are numbered in the order of their category ids; `get_source_class_id(class_id, "coco")`
    gives the category id back. Pictures keep the order of the file.

    An outline that gives no mask (a polygon of two points, an RLE that does not fill its picture,
    an object that lies outside) is left out when its picture is loaded, with a warning that names
    its annotation. Two annotations with the same id are two objects.
    """

    def __init__(self, annotations, image_dir, class_names=None, class_ids=None, missing="error"):
        """Reads the JSON and looks for its pictures; they are opened only by `load_image`.

        Args:
            annotations: path of the JSON.
            image_dir: folder that the pictures' `file_name`s start from.
            class_names, class_ids: names, or category ids, of the classes wanted; then only
                pictures that show one of them are kept. By default all classes and all pictures.
            missing: what to do about pictures that are not there: "error", or "skip" to leave them
                out with a warning.

        Raises:
            FileNotFoundError: the JSON, or a picture (only if `missing` is "error"), is missing.
            ValueError: the file is no COCO JSON with instances, two of its pictures or categories
                have the same id, or a class wanted is not in it.
        """
        super().__init__()
        if missing not in ("error", "skip"):
            raise ValueError(f'missing is {missing!r}; it may be "error" or "skip".')
        contents = _read(Path(annotations))
        chosen = _choose(contents["categories"], class_names, class_ids)
        for category in sorted(chosen, key=lambda entry: (isinstance(entry["id"], str), entry["id"])):
            self.add_class(SOURCE, category["id"], category["name"])

        objects = {image["id"]: [] for image in contents["images"]}
        wanted = {category["id"] for category in chosen}
        for annotation in contents["annotations"]:
            if annotation["category_id"] in wanted and annotation["image_id"] in objects:
                objects[annotation["image_id"]].append(annotation)
        everything = class_names is None and class_ids is None
        images = [image for image in contents["images"] if everything or objects[image["id"]]]
        for image in _present(images, Path(image_dir), missing):
            self.add_image(
                SOURCE,
                image["id"],
                Path(image_dir) / image["file_name"],
                width=image.get("width"),
                height=image.get("height"),
                annotations=objects[image["id"]],
            )
        self.prepare()

    def load_image(self, image_id):
        """As `Dataset.load_image`.

        Raises:
            ValueError: the picture is not of the size that the JSON says, so masks would not fit.
        """
        image = super().load_image(image_id)
        info = self.image_info[image_id]
        height, width = image.shape[:2]
        if not is_of_size(info, height, width):
            raise ValueError(
                f"{info['path']} is {width} × {height} pixels, its annotations are for "
                f"{info['width']} × {info['height']}: was it scaled, or turned?"
            )
        return image

    def load_mask(self, image_id):
        """As `Dataset.load_mask`; crowds come with their class id negated.

        A crowd whose RLE is of another size than its picture is taken to fill the picture.
        """
        (height, width), outlined = self._outlines(image_id)
        class_ids = [self._class_id(annotation) for annotation, _ in outlined]
        # pycocotools makes an array of random size out of an empty list.
        masks = mask_utils.decode([rle for _, rle in outlined]) if outlined else np.zeros((height, width, 0))
        return masks.astype(bool), np.array(class_ids, np.int32)

    def load_annotations(self, image_id):
        """As `Dataset.load_annotations`; areas and boxes are those of the file, as COCO's judges have it."""
        if type(self).load_mask is not CocoDataset.load_mask:
            return super().load_annotations(image_id)  # a subclass knows other masks
        shape, outlined = self._outlines(image_id)
        return shape, [
            judged(
                self._class_id(annotation),
                rle,
                _usable(annotation, "area", _is_size),
                _usable(annotation, "bbox", _is_box),
            )
            for annotation, rle in outlined
        ]

    def _class_id(self, annotation):
        """Class id of an object, negated for a crowd."""
        class_id = self.map_source_class_id(f"{SOURCE}.{annotation['category_id']}")
        return -class_id if annotation.get("iscrowd") else class_id

    def _outlines(self, image_id):
        """(H, W) of a picture, and (annotation, compressed RLE) of each of its objects that has a mask."""
        info = self.image_info[image_id]
        height, width = info["height"], info["width"]
        if not (height and width):
            height, width = self.load_image(image_id).shape[:2]
        outlined = [
            (annotation, annotation_to_rle(annotation, height, width)) for annotation in info["annotations"]
        ]
        return (height, width), [(annotation, rle) for annotation, rle in outlined if rle is not None]


def is_of_size(entry, height, width):
    """Whether an entry of a COCO JSON's `images` tells this size, as far as it tells any."""
    return (entry.get("height") or height, entry.get("width") or width) == (height, width)


def annotation_to_rle(annotation, height, width):
    """The mask of one annotation as pycocotools' compressed RLE.

    Args:
        annotation: dict, an entry of a COCO JSON's `annotations`.
        height, width: size of its picture, pixels.

    Returns:
        dict `size`, `counts` (bytes), or None, after a warning, where it gives no mask.
    """
    try:
        return outline_to_rle(annotation, height, width)
    except ValueError as problem:
        _warn(annotation, f"is ignored: {problem}")
        return None


def outline_to_rle(annotation, height, width):
    """As `annotation_to_rle`, but raises a ValueError where an annotation gives no mask."""
    segmentation = annotation.get("segmentation")
    if not segmentation:
        raise ValueError("it has no segmentation")
    if isinstance(segmentation, dict):
        rle = _from_runs(annotation, height, width)
    else:
        rle = _from_polygons(annotation, height, width)
    if not mask_utils.area(rle):
        raise ValueError("it covers no pixel, being outside the picture or tiny")
    return rle


def _from_polygons(annotation, height, width):
    polygons = []
    # pycocotools walks along an outline pixel by pixel, so a stray point must not be too far off.
    far = 2 * max(height, width)
    for polygon in annotation["segmentation"]:
        points = np.array(polygon)
        if points.ndim != 1 or points.dtype.kind not in "iuf" or np.isnan(points).any():
            raise ValueError("its polygons are no lists of numbers [x1, y1, x2, y2, …]")
        if points.size < 6 or points.size % 2:
            _warn(annotation, f"has a polygon of {points.size / 2:g} points, which is left out")
        else:
            polygons.append(points.clip(-far, far).tolist())
    if not polygons:
        raise ValueError("it has no polygon of three points or more")
    return mask_utils.merge(mask_utils.frPyObjects(polygons, height, width))


def _from_runs(annotation, height, width):
    counts, size = (annotation["segmentation"].get(key) for key in ("counts", "size"))
    if size != [height, width]:
        if not annotation.get("iscrowd"):
            raise ValueError(f"its RLE is of size {size}, its picture of [{height}, {width}]")
        counts = [0, height * width]
    runs = np.array(_unpack(counts) if isinstance(counts, str) else counts)
    # pycocotools fills what the runs leave open with whatever lies in memory.
    numbers = runs.ndim == 1 and runs.dtype.kind in "iu"
    if not numbers or runs.min() < 0 or runs.sum() != height * width:
        raise ValueError("the runs of its RLE do not add up to its picture")
    return mask_utils.frPyObjects({"size": [height, width], "counts": runs}, height, width)


def _unpack(counts):
    """The runs in a compressed RLE's string.

    A character holds five bits, the lowest first, and a sixth that says whether the number goes on;
    from the fourth on a number is the difference to the run before the last.
    """
    runs, number, shift = [], 0, 0
    for code in (ord(character) - 48 for character in counts):
        number |= (code & 31) << shift
        shift += 5
        if not code & 32:
            if code & 16:
                number -= 1 << shift
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = shift = 0
    return runs


def _usable(annotation, key, fit):
    """What an annotation has under `key` if that is `fit`; else None, with a warning unless it is empty."""
    value = annotation.get(key)
    if not value or fit(value):
        return value or None
    _warn(annotation, f"has the {key} {json.dumps(value)[:60]}, which is not used: its mask tells it")
    return None


def _is_size(value):
    return isinstance(value, NUMBER) and 0 <= value < math.inf


def _is_box(value):
    """Whether it is (x, y, width, height)."""
    numbers = isinstance(value, list) and len(value) == 4 and all(isinstance(n, NUMBER) for n in value)
    return numbers and all(map(math.isfinite, value)) and min(value[2:]) >= 0


def _warn(annotation, what):
    warnings.warn(
        f"Annotation {annotation.get('id')} of picture {annotation['image_id']} {what}.",
        stacklevel=2,
    )


def _read(path):
    """The JSON's contents, with all entries that `CocoDataset` relies on."""
    try:
        contents = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON, or a damaged one: {error}.") from None
    if not isinstance(contents, dict) or not all(isinstance(contents.get(part), list) for part in ENTRIES):
        raise ValueError(
            f"{path} is no COCO JSON with instances: it must be an object with the lists "
            f"{', '.join(ENTRIES)}."
        )
    for part, kinds in ENTRIES.items():
        for i, entry in enumerate(contents[part]):
            _check_entry(f"{path}: {part}[{i}]", entry, kinds, OPTIONAL[part])
    _check_ids(path, contents)
    return contents


def _check_entry(what, entry, kinds, optional):
    """Raise a ValueError unless an entry of a list has what it needs, a value of its kind each."""
    if not isinstance(entry, dict) or not all(key in entry for key in kinds):
        raise ValueError(f"{what} lacks {' or '.join(kinds)}.")
    for key, kind in [*kinds.items(), *((key, NUMBER) for key in optional if entry.get(key) is not None)]:
        if not isinstance(entry[key], kind):
            wanted = {str: "a text", ID: "a number or a text", NUMBER: "a number"}[kind]
            raise ValueError(f"{what}: its {key} must be {wanted}, not {json.dumps(entry[key])[:40]}.")


def _check_ids(path, contents):
    for part in ("images", "categories"):
        for key, count in Counter(entry["id"] for entry in contents[part]).items():
            if count > 1:
                raise ValueError(f"{path}: {count} of its {part} have the same id {key!r}.")
    images, categories = ({e["id"] for e in contents[p]} for p in ("images", "categories"))
    annotations = contents["annotations"]
    for annotation in annotations:
        if annotation["category_id"] not in categories:
            raise ValueError(
                f"{path}: annotation {annotation.get('id')} is of category "
                f"{annotation['category_id']!r}, which is not among its categories."
            )
    strays = sum(annotation["image_id"] not in images for annotation in annotations)
    if strays:
        warnings.warn(
            f"{path}: {strays} of {len(annotations)} annotations are ignored, being of pictures "
            "that are not among its images.",
            stacklevel=2,
        )


def _choose(categories, names, ids):
    """The categories that have one of the `names` or `ids`; all, if neither is given."""
    if names is None and ids is None:
        return categories
    wanted = [*(names or ()), *(ids or ())]
    known = {key for category in categories for key in (category["name"], category["id"])}
    for key in wanted:
        if key not in known:
            listed = ", ".join(f"{c['name']} ({c['id']})" for c in categories)
            raise ValueError(f"There is no class {key!r}; there are: {listed}.")
    return [c for c in categories if c["name"] in wanted or c["id"] in wanted]


def _present(images, folder, missing):
    """The images whose files are there; what about the others, `missing` says."""
    present, absent = [], []
    for image in images:
        (present if (folder / image["file_name"]).is_file() else absent).append(image)
    if not absent:
        return images
    names = ", ".join(image["file_name"] for image in absent[:5]) + (", …" if len(absent) > 5 else "")
    message = f"{len(absent)} of {len(images)} pictures are not in {folder}: {names}"
    if missing == "error":
        raise FileNotFoundError(f'{message}. (missing="skip" would leave them out.)')
    warnings.warn(f"{message}. They are left out.", stacklevel=2)
    return present

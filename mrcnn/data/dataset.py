"""What a network is taught from: pictures, and a mask and a class for each object in them.

A `Dataset` is a list of classes, a list of pictures and two methods that read one picture:
`load_image` and `load_mask`. To teach your own data, subclass it, or use the ready subclasses for
a COCO JSON (`mrcnn.data.coco`) and for a folder of masks (`mrcnn.data.folder`).
"""

import logging
from collections import Counter

import numpy as np

from mrcnn.rgb import as_rgb

log = logging.getLogger(__name__)

BACKGROUND = {"source": "", "id": 0, "name": "BG"}

SET_BY_PREPARE = (
    "num_classes",
    "class_ids",
    "class_names",
    "num_images",
    "image_ids",
    "sources",
    "class_from_source_map",
    "image_from_source_map",
    "source_class_ids",
)


class Dataset:
    """Classes and pictures of one or several sources, numbered for a network.

    A source ("coco", "shapes", …) has its own ids for its classes and pictures. `prepare()` numbers
    all of them afresh: classes from 0, the background, and pictures from 0. Those numbers are what
    "class id" and "image id" mean everywhere else.

    A subclass calls `add_class` and `add_image` as often as it likes, then `prepare()`, and defines
    `load_mask` (and `load_image`, if its pictures are not files)::

        class Circles(Dataset):
            def __init__(self, count):
                super().__init__()
                self.add_class("shapes", 1, "circle")
                for i in range(count):
                    self.add_image("shapes", image_id=i, path=None, radius=10 + i)
                self.prepare()

    Attributes:
        class_info: list of dicts `source`, `id`, `name`; the first is the background.
        image_info: list of dicts `source`, `id`, `path` and whatever `add_image` was given.

    Attributes that `prepare()` sets:
        num_classes: number of classes, the background included.
        class_ids: (num_classes,) int, 0 … num_classes - 1.
        class_names: list of str by class id, each cut at its first comma.
        num_images: number of pictures.
        image_ids: (num_images,) int, 0 … num_images - 1.
        sources: list of the sources' names; the background's is "".
        class_from_source_map: dict "source.id" → class id.
        image_from_source_map: dict "source.id" → image id.
        source_class_ids: dict source → list of its class ids; 0, the background, is in each.
    """

    def __init__(self, class_map=None):
        """`class_map` has no effect: code written for the original may pass it."""
        self.class_info = [dict(BACKGROUND)]
        self.image_info = []

    def __getattr__(self, name):
        # Python comes here only for what it has not found.
        if name in SET_BY_PREPARE:
            raise AttributeError(
                f"{type(self).__name__}.{name} is not known yet: "
                "add the classes and pictures, then call prepare()."
            )
        return super().__getattribute__(name)

    @property
    def image_ids(self):
        return self._image_ids

    def add_class(self, source, class_id, class_name):
        """Adds a class of a source. One that is already there, by source and id, is left as it is.

        Raises:
            ValueError: the source's name holds a dot, which separates it from the id in the maps.
        """
        if "." in source:
            raise ValueError(f"The source's name {source!r} must not hold a dot.")
        if not any(c["source"] == source and c["id"] == class_id for c in self.class_info):
            self.class_info.append({"source": source, "id": class_id, "name": class_name})

    def add_image(self, source, image_id, path, **kwargs):
        """Adds a picture of a source; `kwargs` are kept beside it in `image_info`.

        Args:
            source: name of the source.
            image_id: the source's own id of the picture, a number or a string.
            path: its file, or None where `load_image` makes the picture.
        """
        self.image_info.append({"id": image_id, "source": source, "path": path, **kwargs})

    def prepare(self, class_map=None):
        """Numbers classes and pictures. To be called again if some are added later.

        `class_map` has no effect: code written for the original may pass it.

        Raises:
            ValueError: a source has two pictures of the same id.
        """
        for key, count in Counter(map(_key, self.image_info)).items():
            if count > 1:
                raise ValueError(f"{count} pictures have the same id {key!r}; give each its own.")
        self.num_classes = len(self.class_info)
        self.class_ids = np.arange(self.num_classes)
        self.class_names = [c["name"].split(",")[0] for c in self.class_info]
        self.num_images = len(self.image_info)
        self._image_ids = np.arange(self.num_images)
        self.class_from_source_map = _number_by_source(self.class_info)
        self.image_from_source_map = _number_by_source(self.image_info)
        self.sources = list(dict.fromkeys(c["source"] for c in self.class_info))
        self.source_class_ids = {
            source: [i for i, c in enumerate(self.class_info) if i == 0 or c["source"] == source]
            for source in self.sources
        }

    def map_source_class_id(self, source_class_id):
        """Class id of a source's class, given as "source.id", for example "coco.12".

        Raises:
            KeyError: there is no such class.
        """
        try:
            return self.class_from_source_map[source_class_id]
        except KeyError:
            known = ", ".join(self.class_from_source_map)
            raise KeyError(f"No class {source_class_id!r}; there are: {known}.") from None

    def get_source_class_id(self, class_id, source):
        """The id that `source` itself gives to a class.

        Raises:
            ValueError: there is no such class, or it comes from another source.
        """
        if not 0 <= class_id < len(self.class_info):
            raise ValueError(f"No class {class_id}: there are {len(self.class_info)}.")
        info = self.class_info[class_id]
        if info["source"] != source:
            raise ValueError(
                f"Class {class_id} ({info['name']}) comes from {info['source']!r}, not {source!r}."
            )
        return info["id"]

    def image_reference(self, image_id):
        """What to call a picture when talking to a person: its file, or else its source and id.

        Subclasses may give something better, such as a link.
        """
        info = self.image_info[image_id]
        return str(info["path"] or _key(info))

    def source_image_link(self, image_id):
        """The path or address that the picture was added with."""
        return self.image_info[image_id]["path"]

    def load_image(self, image_id):
        """Reads a picture: (H, W, 3) uint8 RGB. Grey becomes RGB, an alpha channel is dropped.

        It is turned upright as the camera says, unless it was added with the `height` and `width` that it has
        as it is stored: then its annotations are of that.

        Raises:
            FileNotFoundError: its file is missing.
            ValueError: its file is no picture, or it has none and a subclass should have made it.
        """
        path = self.source_image_link(image_id)
        if path is None:
            raise ValueError(
                f"Picture {reference_of(self, image_id)} has no file: "
                f"{type(self).__name__} must define load_image."
            )
        image, info = as_rgb(path), self.image_info[image_id]
        height, width = image.shape[:2]
        turned = height != width and (info.get("height"), info.get("width")) == (width, height)
        return as_rgb(path, upright=False) if turned else image

    def load_mask(self, image_id):
        """Masks and classes of the objects in a picture. Subclasses define it.

        This one finds no objects, and logs a warning where nothing takes its place.

        Returns:
            masks: (H, W, N) bool, one plane an object.
            class_ids: (N,) int32. A negative one, `-c`, marks a crowd: many objects of class `c`
                in one mask, from which training takes no examples, positive or negative.
        """
        if type(self).load_mask is Dataset.load_mask:  # else a subclass's says so of a picture without any
            log.warning("%s defines no load_mask: its pictures have no objects", type(self).__name__)
        return np.zeros((*self.load_image(image_id).shape[:2], 0), bool), np.zeros(0, np.int32)

    def load_annotations(self, image_id):
        """The objects of a picture as COCO's judges take them, packed.

        Returns:
            shape: (H, W) of the picture.
            objects: list of dicts `category_id` (the class id), `iscrowd` (0 or 1), `segmentation`
                (compressed RLE), `area` (pixels) and `bbox` (x, y, width, height in pixels). Objects
                without a pixel, which nobody could find, are left out.
        """
        from pycocotools import mask as mask_utils

        masks, class_ids = self.load_mask(image_id)
        rles = [mask_utils.encode(np.asfortranarray(mask, np.uint8)) for mask in np.moveaxis(masks, 2, 0)]
        objects = [judged(int(class_id), rle) for class_id, rle in zip(class_ids, rles, strict=True)]
        return masks.shape[:2], [entry for entry in objects if entry["area"]]


def judged(class_id, rle, area=None, bbox=None):
    """An object as `Dataset.load_annotations` gives it.

    Args:
        class_id: negative for a crowd.
        rle: its mask, compressed.
        area, bbox: where they are not those of the mask.
    """
    from pycocotools import mask as mask_utils

    return {
        "category_id": abs(class_id),
        "iscrowd": int(class_id < 0),
        "segmentation": rle,
        "area": area or float(mask_utils.area(rle)),
        "bbox": bbox or mask_utils.toBbox(rle).tolist(),
    }


def _number_by_source(infos):
    return {_key(info): i for i, info in enumerate(infos)}


def _key(info):
    return f"{info['source']}.{info['id']}"


def reference_of(dataset, image_id):
    """What `image_reference` says of a picture, for messages.

    A program's own may fail: the original calls it nowhere, and many that were copied would.
    """
    try:
        return dataset.image_reference(image_id)
    except Exception:
        return "no reference"

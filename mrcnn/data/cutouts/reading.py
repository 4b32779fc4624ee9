"""Examples from files: what a paint program or an annotation tool has saved.

    picture with transparency    its opaque part (`from_rgba`)
    picture, black and white     the mask of one thing, of the photograph's size (`from_mask`)
    picture, more levels         a label map: each level or colour but black is the mask of one thing
    COCO JSON                    polygons and RLE, as most annotation tools export them
    VIA JSON                     polygons, rectangles, circles and ellipses of the VGG Image Annotator, as a
                                 project or as exported annotations

What a file is, its contents tell, not its ending.
"""

import json
import os
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mrcnn.data.coco import is_of_size, outline_to_rle
from mrcnn.data.cutouts.checks import check_count, check_name
from mrcnn.data.cutouts.cutting import from_mask, from_rgba
from mrcnn.data.folder import read_labels
from mrcnn.rgb import as_rgb

NAME = "thing"  # of what the file has no name for
NAMED_BY = "name", "class", "label", "type"  # VIA's attributes, as people call them
CORNERS = 72  # of the polygon that stands for a circle or an ellipse


def read_examples(path, image, name=None, photo_path=None):
    """Read the examples of a file, whose kind is told by what is in it.

    Of a JSON of several pictures, those of the photograph are taken, by its file's name. An outline that
    gives no example (outside, of two points, cut off by the border, …) is left out with a warning; if none
    is left, that is an error.

    Args:
        path: of a picture with transparency, a mask, a label map, a COCO JSON or a VIA JSON.
        image: the photograph, as `mrcnn.rgb.as_rgb` takes it.
        name: of the class of all; None takes the names of the file, "thing" where it has none.
        photo_path: of the photograph, by which its annotations are found among those of other pictures;
            `image` itself where that is a path.

    Returns:
        list of Cutouts.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is of none of these kinds, or damaged, or holds no example of the photograph or
            more than `MOST_EXAMPLES`, or none that is fit.
    """
    path = Path(path)
    check_name(NAME if name is None else name)
    if path.is_file() and _begin(path)[:1] in (b"{", b"["):
        if photo_path is None and isinstance(image, (str, os.PathLike)):
            photo_path = image
        return _from_json(path, as_rgb(image), name, photo_path and Path(photo_path).name)
    as_rgb(path)  # raises the sentence that fits, where this is no picture
    with Image.open(path) as picture:
        transparent = picture.has_transparency_data and np.asarray(picture.convert("RGBA"))
    if transparent is not False and (transparent[:, :, 3] < 255).any():
        return [_told(path, from_rgba, transparent, name or NAME)]
    return _from_labels(path, as_rgb(image), name or NAME)


def _begin(path):
    """The first bytes of a file, without space and byte order mark."""
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")


def _told(path, make, *arguments):
    """What `make` gives; an error says from which file."""
    try:
        return make(*arguments)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


# Pictures


def _from_labels(path, image, name):
    labels, values = read_labels(path)
    if labels.shape != image.shape[:2]:
        raise ValueError(
            f"{path} has no transparency, so it is taken for a mask, but it is {labels.shape[1]} × "
            f"{labels.shape[0]} pixels and the photograph {image.shape[1]} × {image.shape[0]}: "
            "they must agree."
        )
    _told(path, check_count, len(values))
    return _fit(
        path,
        image,
        [(f"{path}, level {value:d}", partial(np.equal, labels, value), name) for value in values],
    )


def _fit(path, image, examples):
    """The cut-outs of (what, function that gives its mask, name) that are fit; of others a warning."""
    cutouts, problems = [], []
    for what, make_mask, name in examples:
        try:
            cutouts.append(from_mask(image, make_mask(), name))
        except ValueError as error:
            problems.append(f"{what}: {str(error).rstrip('.')}.")
    if not cutouts:
        raise ValueError(f"{path} has no example that is fit. {problems[0]}")
    for problem in problems:
        warnings.warn(f"{problem} It is left out.", stacklevel=4)
    return cutouts


# JSON


def _from_json(path, image, name, file_name):
    try:
        contents = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON, or a damaged one: {error}.") from None
    height, width = image.shape[:2]
    outlines = _told(path, _outlines, contents, file_name, (height, width))
    _told(path, check_count, len(outlines))

    def decoded(annotation):
        return mask_utils.decode(outline_to_rle(annotation, height, width)).astype(bool)

    return _fit(
        path,
        image,
        [
            (f"{path}, annotation {annotation['id']}", partial(decoded, annotation), name or own)
            for annotation, own in outlines
        ],
    )


def _outlines(contents, file_name, shape):
    """List of (annotation as COCO has it, name) of the photograph, from either kind of JSON.

    Args:
        contents: of the JSON.
        file_name: of the photograph, or None.
        shape: (height, width) of the photograph.
    """
    try:
        if isinstance(contents, dict) and isinstance(contents.get("annotations"), list):
            return _of_coco(contents, file_name, shape)
        if isinstance(contents, dict):
            pictures = contents.get("_via_img_metadata", contents)
            if pictures and all("regions" in picture for picture in pictures.values()):
                return _of_via(pictures, file_name)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"it looks like COCO's or VIA's JSON, but an entry is not as it must be "
            f"({error!r}): export it anew."
        ) from error
    raise ValueError("it is neither a COCO JSON nor one of the VGG Image Annotator: export one of these.")


def _of_coco(contents, file_name, shape):
    images = {image["id"]: image for image in contents["images"]}
    image_id = _photograph({key: image["file_name"] for key, image in images.items()}, file_name)
    image, (height, width) = images[image_id], shape
    if not is_of_size(image, height, width):
        raise ValueError(
            f"its outlines are for a picture of {image.get('width')} × {image.get('height')} pixels, and the "
            f"photograph has {width} × {height}: was it scaled, or turned?"
        )
    names = {category["id"]: category["name"] for category in contents.get("categories", [])}
    return [
        ({"id": number} | annotation, names.get(annotation.get("category_id"), NAME))
        for number, annotation in enumerate(contents["annotations"], start=1)
        if annotation["image_id"] == image_id and not annotation.get("iscrowd")
    ]


def _of_via(pictures, file_name):
    key = _photograph({key: picture["filename"] for key, picture in pictures.items()}, file_name)
    regions = pictures[key]["regions"]
    regions = regions.values() if isinstance(regions, dict) else regions  # a dict in VIA 1
    return [
        (
            {"id": number, "image_id": key, "segmentation": _polygon(region["shape_attributes"])},
            _via_name(region.get("region_attributes")),
        )
        for number, region in enumerate(regions, start=1)
    ]


def _photograph(names, file_name):
    """The key of the picture, in a dict from keys to file names, that is the photograph."""
    if len(names) == 1:
        return next(iter(names))
    found = [key for key, name in names.items() if Path(str(name)).name == file_name]
    if len(found) != 1:
        listed = ", ".join(map(str, list(names.values())[:5])) + (", …" if len(names) > 5 else "")
        raise ValueError(
            f"it has annotations of {len(names)} pictures ({listed}), and {len(found)} of them is called "
            f"{file_name or 'as the photograph, whose file is not known'}: give the photograph by its path, "
            "under the name that it was annotated with."
        )
    return found[0]


def _polygon(shape):
    """One of VIA's shapes as COCO's polygons [[x1, y1, x2, y2, …]]; none for a shape without area."""
    kind = shape["name"]
    if kind in ("polygon", "polyline"):
        xs, ys = shape["all_points_x"], shape["all_points_y"]
        if len(xs) != len(ys):
            raise TypeError("a polygon has other numbers of x than of y")
        points = np.array([xs, ys]).T
    elif kind == "rect":
        x, y, w, h = (shape[key] for key in ("x", "y", "width", "height"))
        points = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
    elif kind in ("circle", "ellipse"):
        rx, ry = (shape["r"],) * 2 if kind == "circle" else (shape["rx"], shape["ry"])
        turns, tilt = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False), shape.get("theta", 0)
        x, y = rx * np.cos(turns), ry * np.sin(turns)
        x, y = x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)
        points = np.stack([shape["cx"] + x, shape["cy"] + y], axis=1)
    else:
        points = np.zeros((0, 2))
    return [points.ravel().tolist()]


def _via_name(attributes):
    """What the attributes of a region call it: by the usual words, else by the only text among them."""
    texts = {key.lower(): text for key, text in (attributes or {}).items() if isinstance(text, str) and text}
    for key in NAMED_BY:
        if key in texts:
            return texts[key]
    return next(iter(texts.values())) if len(texts) == 1 else NAME

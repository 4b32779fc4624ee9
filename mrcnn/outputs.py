"""Files of what was found: JSON, PNGs of masks, label maps; each is written whole or not at all."""

import json
from collections import Counter
from collections.abc import Iterator

import numpy as np
from PIL import Image

from mrcnn.crops import as_crops
from mrcnn.files import replacing


def write_json(path, contents):
    """Write anything that JSON knows, or what is too long to be held: an iterator, or a dict with some in it.

    An iterator becomes a list, whose entries are written as they come, a line each.
    """
    with replacing(path, make_folder=True) as temporary, temporary.open("w") as file:
        file.writelines(_pieces(contents))
        file.write("\n")


def _pieces(contents):
    """The text of `contents`, a piece at a time."""
    if isinstance(contents, Iterator):
        yield "["
        for i, entry in enumerate(contents):
            yield f"{',' if i else ''}\n{json.dumps(entry)}"
        yield "\n]"
    elif isinstance(contents, dict) and any(isinstance(value, Iterator) for value in contents.values()):
        for i, (key, value) in enumerate(contents.items()):
            yield f"{',' if i else '{'}\n{json.dumps(key)}: "
            yield from _pieces(value)
        yield "\n}"
    else:
        yield json.dumps(contents, indent=1)


def write_png(path, pixels):
    with replacing(path, make_folder=True) as temporary:
        Image.fromarray(pixels).save(temporary, "PNG")


def label_map(masks):
    """Object n of masks (H, W, N), or `MaskCrops`, as grey level n, the first on top.

    Returns:
        (H, W) uint8, or uint16 over 255.
    """
    masks = as_crops(masks)
    labels = np.zeros(masks.picture_shape, np.uint8 if len(masks.crops) <= 255 else np.uint16)
    for number, (place, crop) in reversed(list(enumerate(masks.parts(), 1))):
        labels[place][crop] = number
    return labels


def counts_of(result, class_names):
    """How many objects of each class a result has: a Counter by name."""
    return Counter(class_names[i] for i in result["class_ids"])


def in_words(counts, none="nothing found"):
    """Such as "24 coin, 3 key", the most frequent first; `none` where there is nothing."""
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or none


def file_name(name):
    """The name of a class as part of a file's: without what parts folders, and of 200 bytes at most."""
    return name.replace("/", "-").replace("\\", "-").encode(errors="ignore")[:200].decode(errors="ignore")


def write_masks(folder, result, class_names):
    """Write each mask as a PNG of its own, `dog_1.png`, `dog_2.png`, …, in place of those that are there."""
    for old in folder.glob("*.png"):  # there may have been more
        old.unlink()
    masks, numbers = as_crops(result["masks"]), Counter()
    canvas = np.zeros(masks.picture_shape, np.uint8)
    for class_id, (place, crop) in zip(result["class_ids"], masks.parts(), strict=True):
        name = file_name(class_names[class_id])
        numbers[name] += 1
        canvas[place][crop] = 255
        write_png(folder / f"{name}_{numbers[name]}.png", canvas)
        canvas[place] = 0

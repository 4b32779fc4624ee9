"""Files of what was found: JSON, PNGs of masks, label maps; each is written whole or not at all."""

import json
from collections import Counter

import numpy as np
from PIL import Image

from mrcnn.files import replacing


def write_json(path, contents):
    with replacing(path, make_folder=True) as temporary:
        temporary.write_text(json.dumps(contents, indent=1) + "\n")


def write_png(path, pixels):
    with replacing(path, make_folder=True) as temporary:
        Image.fromarray(pixels).save(temporary, "PNG")


def label_map(masks):
    """Object n of masks (H, W, N) as grey level n, the first on top: (H, W) uint8, or uint16 over 255."""
    labels = np.zeros(masks.shape[:2], np.uint8 if masks.shape[2] <= 255 else np.uint16)
    for number in reversed(range(masks.shape[2])):
        labels[masks[:, :, number]] = number + 1
    return labels


def write_masks(folder, result, class_names):
    """Write each mask as a PNG of its own, `dog_1.png`, `dog_2.png`, …, in place of those that are there."""
    for old in folder.glob("*.png"):  # there may have been more
        old.unlink()
    numbers = Counter()
    for class_id, mask in zip(result["class_ids"], np.moveaxis(result["masks"], 2, 0), strict=True):
        name = class_names[class_id].replace("/", "-").replace("\\", "-")
        numbers[name] += 1
        write_png(folder / f"{name}_{numbers[name]}.png", mask.astype(np.uint8) * 255)

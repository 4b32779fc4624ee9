"""The smallest data set of one's own, in both ways that a `Dataset` is made from files: for chapter 12."""

from pathlib import Path

import numpy as np
from pycocotools import mask as mask_utils

from mrcnn.outputs import label_map, write_json, write_png

SIZE = 120, 180  # pixels, height and width
SAND, SKY = (230, 205, 160), (150, 195, 230)
KITES = {  # colour → outline: x, y of each corner
    (150, 30, 60): [40, 12, 70, 40, 40, 88, 14, 40],
    (245, 245, 235): [126, 22, 162, 30, 140, 68, 112, 50],
}


def write(folder):
    """Write one picture of two kites, their masks as a paint program leaves them, and a JSON as COCO has it.

    Returns:
        Path of the folder; in it `images/beach.png`, `masks/beach.png` and `beach.json`.
    """
    folder, (height, width) = Path(folder), SIZE
    image = np.full((height, width, 3), SKY, np.uint8)
    image[3 * height // 4 :] = SAND
    masks = mask_utils.decode(mask_utils.frPyObjects(list(KITES.values()), height, width)).astype(bool)
    for color, mask in zip(KITES, np.moveaxis(masks, 2, 0), strict=True):
        image[mask] = color
    write_png(folder / "images" / "beach.png", image)
    write_png(folder / "masks" / "beach.png", label_map(masks))
    contents = {
        "images": [{"id": 1, "file_name": "beach.png"}],
        "categories": [{"id": 1, "name": "kite"}],
        "annotations": [
            {"image_id": 1, "category_id": 1, "segmentation": [outline]} for outline in KITES.values()
        ],
    }
    write_json(folder / "beach.json", contents)
    return folder

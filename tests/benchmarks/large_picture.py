"""A picture of 20,000 by 20,000 pixels, of drawn scenes side by side, given to `detect --tile`.

    python -m tests.benchmarks.large_picture              some minutes, and a gigabyte of the disk
    python -m tests.benchmarks.large_picture --scenes 5   smaller, to see that it works

Tells how long the command took, how much memory it held at most, which share of the things that were drawn it
found, and how many of its answers found one again or fit none.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from mrcnn.data import toybox
from mrcnn.masks import extract_bboxes
from mrcnn.metrics import compute_recall
from tests.benchmarks.speed import held

SEED = 6
SIDE = 400  # pixels, of a scene


def draw(path, scenes):
    """Write the picture; gives the things' class ids (N,) and boxes (N, 4) in its pixels."""
    picture = np.empty((scenes * SIDE, scenes * SIDE, 3), np.uint8)
    class_ids, boxes = [], []
    for corner in tqdm(np.ndindex(scenes, scenes), desc="drawing", total=scenes**2):
        y, x = np.multiply(corner, SIDE)
        scene = toybox.scene((SEED, *corner), (SIDE, SIDE))
        picture[y : y + SIDE, x : x + SIDE] = scene.image
        class_ids.extend(scene.class_ids)
        boxes.extend(extract_bboxes(scene.masks) + [y, x, y, x])
    Image.fromarray(picture).save(path, quality=92)
    return np.array(class_ids), np.array(boxes)


def count(class_ids, boxes, results):
    """How many things were found, how many results found one again, and how many fit none."""
    x, y, width, height = np.array([entry["bbox"] for entry in results]).reshape(-1, 4).T
    found = np.stack([y, x, y + height, x + width], axis=1)
    classes = np.array([entry["category_id"] for entry in results])
    things = fits = 0
    for class_id in np.unique(class_ids):
        mine = boxes[class_ids == class_id]
        recall, fit = compute_recall(found[classes == class_id], mine, 0.5)
        things += round(recall * len(mine))
        fits += len(fit)
    return things, fits - things, len(results) - fits


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=50, help="side by side, as often on top of each other")
    scenes = parser.parse_args().scenes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.jpg")
        class_ids, boxes = draw(path, scenes)
        command = [sys.executable, "-m", "mrcnn", "detect", path, "--tile", "--json", "--weights", "toybox"]
        began = time.monotonic()
        process = subprocess.Popen([*command, "--out", folder])
        memory, seconds = held(process), time.monotonic() - began
        if process.returncode:
            sys.exit(process.returncode)
        results = json.loads(Path(folder, "detections.json").read_text())
    things, again, none = count(class_ids, boxes, results)
    print(f"{scenes * SIDE} pixels a side: {seconds:.0f} s, {memory:.1f} GiB at most")
    print(f"{things} of {len(class_ids)} things found, {again} again; {none} answers fit none")


if __name__ == "__main__":
    main()

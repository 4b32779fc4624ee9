"""A picture of 20,000 by 20,000 pixels, of drawn scenes side by side, given to `detect --tile`.

    python -m tests.benchmarks.large_picture               some minutes, and a gigabyte of the disk
    python -m tests.benchmarks.large_picture --side 2000   smaller, to see that it works

Tells how long the command took, how much memory it held at most, which share of the things that were drawn it
found, and how many of its answers fit none.
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
from mrcnn.images import extract_bboxes
from mrcnn.network.boxes import iou
from tests.benchmarks.speed import peak

SEED = 6
SCENE = 400  # pixels a side


def draw(path, side):
    """Write the picture; gives the things' class ids (N,) and boxes (N, 4) in its pixels."""
    picture = np.empty((side, side, 3), np.uint8)
    class_ids, boxes = [], []
    for y, x in tqdm([(y, x) for y in range(0, side, SCENE) for x in range(0, side, SCENE)], desc="drawing"):
        scene = toybox.scene((SEED, y, x), (SCENE, SCENE))
        picture[y : y + SCENE, x : x + SCENE] = scene.image[: side - y, : side - x]
        class_ids.extend(scene.class_ids)
        boxes.extend(extract_bboxes(scene.masks) + [y, x, y, x])
    Image.fromarray(picture).save(path, quality=92)
    return np.array(class_ids), np.array(boxes)


def matched(class_ids, boxes, results):
    """How many things were found: class and box (IoU of 0.5 or more) agree; a result finds one at most."""
    x, y, width, height = np.array([entry["bbox"] for entry in results]).reshape(-1, 4).T
    found = np.stack([y, x, y + height, x + width], axis=1)
    names = np.array([entry["category_id"] for entry in results], int)
    free, count = np.ones(len(found), bool), 0
    for class_id, box in zip(class_ids, boxes, strict=True):
        near = np.flatnonzero(
            free & (names == class_id) & (np.abs(found - box).max(axis=1, initial=0) < SCENE)
        )
        overlaps = iou(box[None].astype(float), found[near])[0] if len(near) else np.zeros(0)
        if overlaps.max(initial=0) >= 0.5:
            free[near[overlaps.argmax()]] = False
            count += 1
    return count


def run(command):
    """Seconds that a command takes, and gibibytes that it holds at most."""
    began, most = time.monotonic(), 0.0
    process = subprocess.Popen(command)
    while process.poll() is None:
        most = max(most, peak(process.pid))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(process.returncode)
    return time.monotonic() - began, most


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=20_000, help="pixels, a multiple of 400 (default: 20000)")
    side = parser.parse_args().side
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.jpg")
        class_ids, boxes = draw(path, side)
        command = [sys.executable, "-m", "mrcnn", "detect", path, "--tile", "--json", "--weights", "toybox"]
        seconds, memory = run([*command, "--out", folder])
        results = json.loads(Path(folder, "detections.json").read_text())
    count = matched(class_ids, boxes, results)
    print(f"{side} × {side}: {seconds:.0f} s, {memory:.1f} GiB at most")
    print(f"{count} of {len(class_ids)} things found, {len(results) - count} answers fit none")


if __name__ == "__main__":
    main()

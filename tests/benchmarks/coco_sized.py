"""An evaluation as large as COCO's: 5,000 drawn pictures with some 36,000 objects, in COCO's own layout.

    python -m tests.benchmarks.coco_sized                  draws them, evaluates, with a kill in the middle
    python -m tests.benchmarks.coco_sized --count 200      smaller, to see that it works
    python -m tests.benchmarks.coco_sized --folder coco    keeps them there: annotations/ and val2017/

Tells how long it took and how much memory the command held at most, before and after it was killed and given
again, and what of its work was done twice.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mrcnn.annotations import as_coco, outlined
from mrcnn.crops import run_lengths
from mrcnn.data import toybox
from mrcnn.data.coco_names import CLASS_NAMES
from tests.benchmarks.speed import held

SEED = 5
SIZES = ((480, 640), (427, 640), (640, 480), (640, 427))  # the most frequent ones of COCO's pictures
MOST = 16  # things put in a scene; some 7 are then seen
NOT_THERE = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}  # COCO's category ids have holes
CATEGORY_IDS = [number for number in range(1, 91) if number not in NOT_THERE]
CROWDS = 80  # one picture in so many has one


def draw(folder, count):
    """Write the pictures and their JSON; gives the path of the JSON and the number of objects."""
    pictures = folder / "val2017"
    pictures.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for number in range(count):
        scene = toybox.scene((SEED, number), SIZES[number % len(SIZES)], most=MOST)
        image_id = 7 * number + 139  # COCO's have holes too
        name = f"{image_id:012d}.jpg"
        Image.fromarray(scene.image).save(pictures / name, quality=92)
        height, width = scene.image.shape[:2]
        images.append({"id": image_id, "file_name": name, "height": height, "width": width})
        annotations += [entry | {"image_id": image_id} for entry in objects(name, scene)]
        if number % CROWDS == 0:
            annotations.append(crowd(image_id, height, width))
    for number, entry in enumerate(annotations, 1):
        entry["id"] = number
    names = zip(CATEGORY_IDS, CLASS_NAMES[1:], strict=True)
    categories = [{"id": number, "name": name, "supercategory": "thing"} for number, name in names]
    path = folder / "annotations" / "instances_val2017.json"
    path.parent.mkdir(exist_ok=True)
    contents = {"info": {}, "licenses": [], "images": images, "annotations": annotations}
    path.write_text(json.dumps(contents | {"categories": categories}))
    return path, len(annotations)


def objects(name, scene):
    """The objects of a scene as COCO's annotations, in polygons of few corners as a person draws them."""
    numbers = [CLASS_NAMES.index(toybox.CLASS_NAMES[class_id]) for class_id in scene.class_ids]
    result = {
        "masks": scene.masks,
        "class_ids": np.array(numbers, int),
        "scores": np.ones(len(numbers)),
        "rois": None,
    }
    for entry in as_coco(lambda: [outlined(name, result)], CLASS_NAMES)["annotations"]:
        del entry["score"]
        polygons = [np.array(polygon, np.float32).reshape(-1, 2) for polygon in entry["segmentation"]]
        drawn = [cv2.approxPolyDP(polygon, 1.0, closed=True) for polygon in polygons]
        entry["segmentation"] = [polygon.ravel().tolist() for polygon in drawn if len(polygon) > 2]
        if entry["segmentation"]:
            yield entry | {"category_id": CATEGORY_IDS[entry["category_id"] - 1]}


def crowd(image_id, height, width):
    """A group that nobody drew apart, as runs."""
    sky = np.ones((height // 4, width), bool)
    return {
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 1,
        "segmentation": {"size": [height, width], "counts": run_lengths(sky, (0, 0), (height, width))},
        "area": sky.size,
        "bbox": [0, 0, width, height // 4],
    }


def evaluated(path, out, stop_after=None):
    """Run the command; gives its gigabytes at most, seconds, and what it printed (None if it was killed).

    Args:
        stop_after: how many pictures are to be done before it is killed.
    """
    command = [sys.executable, "-m", "mrcnn", "evaluate", "--dataset", "coco", "--annotations", path]
    started = time.monotonic()
    with (out / "said.txt").open("w+") as said:
        process = subprocess.Popen(
            [*map(str, command), "--weights", "toybox", "--out", str(out)], stdout=said
        )
        most = held(process, lambda: stop_after and done(out) >= stop_after and process.kill())
        said.seek(0)
        return most, time.monotonic() - started, None if process.returncode else said.read()


def done(out):
    """How many pictures are noted as done."""
    return sum(path.read_bytes().count(b"\n") for path in out.glob(".evaluation-*/*.jsonl"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--folder", help="where the pictures go, and stay (default: nowhere)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, out = Path(options.folder or temporary), Path(temporary)
        started = time.monotonic()
        path, count = draw(folder, options.count)
        print(
            f"drew {options.count} pictures, {count} objects: {time.monotonic() - started:.0f} s", flush=True
        )
        most, seconds, _ = evaluated(path, out, stop_after=options.count // 2)
        half = done(out)
        print(f"killed after {half} pictures, {seconds:.0f} s: {most:.2f} GiB at most", flush=True)
        most, seconds, said = evaluated(path, out)
        print(f"given again: {seconds:.0f} s, {most:.2f} GiB at most", said, sep="\n")


if __name__ == "__main__":
    main()

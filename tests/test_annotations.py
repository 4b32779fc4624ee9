"""What was found goes out as polygons, and comes back as the same masks."""

import json
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mrcnn.annotations import as_coco, as_geojson, as_via, outlined
from mrcnn.cli import main
from mrcnn.data.coco import CocoDataset
from mrcnn.data.cutouts import read_examples
from mrcnn.outputs import write_json

NAMES = ["BG", "ring", "pair", "dot"]


@pytest.fixture
def found():
    """A result: a ring with a hole, a thing in two parts, a dot on the border, and an empty mask."""
    masks = np.zeros((40, 60, 4), bool)
    masks[5:25, 5:30, 0] = True
    masks[10:18, 12:22, 0] = False
    masks[4:20, 34:40, 1] = masks[8:30, 44:56, 1] = True
    masks[30:, :9, 2] = True
    return {
        "rois": np.array([(5, 5, 25, 30), (4, 34, 30, 56), (30, 0, 40, 9), (0, 0, 1, 1)], np.int32),
        "class_ids": np.array([1, 2, 3, 3], np.int32),
        "scores": np.array([0.99, 0.9, 0.8, 0.7], np.float32),
        "masks": masks,
    }


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return path


def write(path, contents):
    write_json(path, contents)
    return path


def test_coco_and_back(found, photo):
    path = write(photo.with_name("a.json"), as_coco(lambda: [outlined("photo.png", found)], NAMES))
    dataset = CocoDataset(path, photo.parent)
    masks, class_ids = dataset.load_mask(dataset.image_ids[0])
    assert dataset.class_names == NAMES and class_ids.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(masks, found["masks"][..., :3])
    annotation = json.loads(path.read_text())["annotations"][0]
    assert annotation["area"] == 20 * 25 - 8 * 10 and annotation["bbox"] == [5, 5, 25, 20]


def test_pictures_are_written_as_they_come(found, tmp_path):
    """COCO's polygons of many pictures take a small part of the memory that they would take together."""

    def as_they_come():
        return (outlined(f"{i}.png", found) for i in range(300))

    def together():
        return list(as_they_come())

    peaks = []
    for pictures in (together, as_they_come):
        tracemalloc.start()
        path = write(tmp_path / "a.json", as_coco(pictures, NAMES))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] / 4, peaks
    contents = json.loads(path.read_text())
    assert [image["file_name"] for image in contents["images"]] == [f"{i}.png" for i in range(300)]
    assert [entry["id"] for entry in contents["annotations"]] == list(range(1, 901))
    assert {entry["image_id"] for entry in contents["annotations"]} == set(range(1, 301))


def test_via_and_back(found, photo):
    path = write(photo.with_name("via.json"), as_via(lambda: [outlined("photo.png", found, 123)], NAMES))
    examples = read_examples(path, photo)
    assert [example.name for example in examples] == ["ring", "pair"]  # the dot lies at the border
    for example, mask in zip(examples, np.moveaxis(found["masks"], 2, 0), strict=False):
        (ys, xs), pixels = np.nonzero(mask), np.array(Image.open(photo))
        opaque = example.pixels[..., 3] >= 128
        assert opaque.sum() == mask.sum()
        shown = pixels[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        top, left = np.argwhere(opaque).min(axis=0)
        inner = example.pixels[top : top + shown.shape[0], left : left + shown.shape[1]]
        own = mask[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        np.testing.assert_array_equal(inner[own][:, :3], shown[own])


def test_geojson_and_back(found):
    features = json.loads(json.dumps(as_geojson(outlined("photo.png", found), NAMES)))["features"]
    kinds = [feature["geometry"]["type"] for feature in features]
    assert kinds == ["Polygon", "MultiPolygon", "Polygon"]
    for feature, mask in zip(features, np.moveaxis(found["masks"], 2, 0), strict=False):
        coordinates = feature["geometry"]["coordinates"]
        polygons = coordinates if feature["geometry"]["type"] == "MultiPolygon" else [coordinates]
        got = np.zeros(mask.shape, bool)
        for rings in polygons:
            assert all(ring[0] == ring[-1] for ring in rings)
            outer, *holes = (
                mask_utils.decode(mask_utils.frPyObjects([np.ravel(ring).tolist()], *mask.shape))[..., 0] > 0
                for ring in rings
            )
            got |= outer & ~np.any([np.zeros_like(outer), *holes], axis=0)
        np.testing.assert_array_equal(got, mask)
    names = [feature["properties"]["classification"]["name"] for feature in features]
    assert names == ["ring", "pair", "dot"]


def test_command(tmp_path, capsys):
    kinds = [word for kind in ("coco", "via", "geojson") for word in ("--annotations", kind)]
    command = ["detect", "images/input.png", "--weights", "toybox", "--out", str(tmp_path), "--json", *kinds]
    assert main(command) == 0
    results = json.loads((tmp_path / "detections.json").read_text())
    dataset = CocoDataset(tmp_path / "annotations.json", "images")
    masks, class_ids = dataset.load_mask(dataset.image_ids[0])
    assert class_ids.tolist() == [entry["category_id"] for entry in results] and len(class_ids) == 11
    for i, entry in enumerate(results):
        np.testing.assert_array_equal(masks[..., i], mask_utils.decode(entry["segmentation"]))
    assert len(read_examples(tmp_path / "via.json", "images/input.png")) >= 9
    assert len(json.loads((tmp_path / "geojson/input.geojson").read_text())["features"]) == 11
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err

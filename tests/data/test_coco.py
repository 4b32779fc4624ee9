"""CocoDataset: every way to give a mask, subsets, and JSONs with mistakes."""

import contextlib
import io
import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO

from mrcnn.data.coco import CocoDataset, annotation_to_rle

HEIGHT, WIDTH = 40, 60
CATEGORIES = [{"id": 90, "name": "kite"}, {"id": 3, "name": "boat"}, {"id": 17, "name": "dog"}]


def blob(y1, x1, y2, x2):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y1:y2, x1:x2] = True
    return mask


def compressed(mask):
    rle = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": rle["counts"].decode()}


def uncompressed(mask):
    pixels = mask.T.ravel()
    edges = np.flatnonzero(np.diff(pixels.astype(int), prepend=0)) if pixels.size else []
    return {"size": list(mask.shape), "counts": np.diff([0, *edges, pixels.size]).tolist()}


def polygon(y1, x1, y2, x2):
    return [x1, y1, x2, y1, x2, y2, x1, y2]


def annotation(number, segmentation, image_id=1, category_id=3, **more):
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category_id,
        "segmentation": segmentation,
        **more,
    }


@pytest.fixture
def coco(tmp_path):
    """Writes a JSON of these annotations, and its two pictures; gives its path and their folder."""

    def write(annotations, **changes):
        images = [{"id": i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT} for i in (1, 2)]
        contents = {"images": images, "categories": CATEGORIES, "annotations": annotations}
        (tmp_path / "instances.json").write_text(json.dumps(contents | changes))
        for i in (1, 2):
            Image.new("RGB", (WIDTH, HEIGHT), (i, 0, 0)).save(tmp_path / f"{i}.png")
        return tmp_path / "instances.json", tmp_path

    return write


GOOD = [
    annotation(1, [polygon(5, 10, 20, 30)]),
    annotation(2, [polygon(1, 1, 5, 5), polygon(30, 40, 38.5, 55.5)], category_id=90),
    annotation(3, uncompressed(blob(0, 0, 7, 9)), category_id=17, iscrowd=0),
    annotation(4, compressed(blob(11, 3, 40, 60)), category_id=17),
    annotation(5, compressed(blob(2, 2, 30, 30) ^ blob(8, 8, 12, 12)), iscrowd=1),
    annotation(6, [[-20, -20, 30, -20, 30, 15, -20, 15]], image_id=2),
]


def test_masks_are_those_of_pycocotools(coco, capsys):
    path, folder = coco(GOOD)
    dataset = CocoDataset(path, folder)
    assert dataset.class_names == ["BG", "boat", "dog", "kite"]
    assert [dataset.get_source_class_id(i, "coco") for i in (1, 2, 3)] == [3, 17, 90]

    masks, class_ids = dataset.load_mask(0)
    assert masks.dtype == bool and class_ids.dtype == np.int32
    np.testing.assert_array_equal(class_ids, [1, 3, 2, 2, -1])
    np.testing.assert_array_equal(masks[:, :, 0], blob(5, 10, 20, 30))
    np.testing.assert_array_equal(masks[:, :, 2], blob(0, 0, 7, 9))
    assert capsys.readouterr().out == ""

    with contextlib.redirect_stdout(io.StringIO()):
        theirs = COCO(path)
    for image_id, info in enumerate(dataset.image_info):
        masks, _ = dataset.load_mask(image_id)
        expected = [theirs.annToMask(entry) for entry in theirs.imgToAnns[info["id"]]]
        np.testing.assert_array_equal(masks, np.stack(expected, axis=-1))


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=25)))
def test_both_kinds_of_rle_survive(mask):
    if not mask.any():
        return
    for segmentation in (compressed(mask), uncompressed(mask)):
        rle = annotation_to_rle(annotation(1, segmentation), *mask.shape)
        np.testing.assert_array_equal(mask_utils.decode(rle), mask)


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=12))
def test_long_runs_survive(runs):
    """Compressed RLE packs numbers in up to four characters, and differences may be negative."""
    height = sum(runs)
    if not sum(runs[1::2]):
        return
    given_rle = mask_utils.frPyObjects({"size": [height, 1], "counts": runs}, height, 1)
    segmentation = {"size": [height, 1], "counts": given_rle["counts"].decode()}
    assert annotation_to_rle(annotation(1, segmentation), height, 1) == given_rle


def test_pictures(coco):
    dataset = CocoDataset(*coco(GOOD))
    np.testing.assert_array_equal(dataset.image_ids, [0, 1])
    assert dataset.load_image(1)[0, 0].tolist() == [2, 0, 0]
    assert dataset.image_from_source_map == {"coco.1": 0, "coco.2": 1}


@pytest.mark.parametrize("subset", [{"class_names": ["kite"]}, {"class_ids": [90]}])
def test_some_classes_only(coco, subset):
    dataset = CocoDataset(*coco(GOOD), **subset)
    assert dataset.class_names == ["BG", "kite"]
    assert [info["id"] for info in dataset.image_info] == [1]
    np.testing.assert_array_equal(dataset.load_mask(0)[1], [1])


def test_an_unknown_class_is_named(coco):
    with pytest.raises(ValueError, match="no class 'cow'.*kite \\(90\\)"):
        CocoDataset(*coco(GOOD), class_names=["dog", "cow"])
    with pytest.raises(ValueError, match="no class 4"):
        CocoDataset(*coco(GOOD), class_ids=[4])


def test_sizes_may_be_left_out(coco):
    images = [{"id": i, "file_name": f"{i}.png"} for i in (1, 2)]
    dataset = CocoDataset(*coco(GOOD, images=images))
    assert dataset.load_mask(0)[0].shape == (HEIGHT, WIDTH, 5)
    assert dataset.load_image(0).shape == (HEIGHT, WIDTH, 3)


def test_a_picture_of_another_size_is_refused(coco):
    path, folder = coco(GOOD)
    Image.new("RGB", (HEIGHT, WIDTH)).save(folder / "1.png")
    with pytest.raises(ValueError, match="1.png is 40 × 60 pixels.*60 × 40"):
        CocoDataset(path, folder).load_image(0)


def test_no_objects(coco):
    dataset = CocoDataset(*coco([]))
    masks, class_ids = dataset.load_mask(0)
    assert dataset.num_images == 2
    assert masks.shape == (HEIGHT, WIDTH, 0) and masks.dtype == bool
    assert class_ids.shape == (0,) and class_ids.dtype == np.int32


def test_crowds_only(coco):
    """A crowd whose RLE was made for another size fills the picture."""
    crowds = [
        annotation(1, uncompressed(blob(3, 3, 9, 9)), iscrowd=1),
        annotation(2, {"size": [4, 5], "counts": [3, 17]}, category_id=90, iscrowd=1),
    ]
    masks, class_ids = CocoDataset(*coco(crowds)).load_mask(0)
    np.testing.assert_array_equal(class_ids, [-1, -3])
    np.testing.assert_array_equal(masks[:, :, 0], blob(3, 3, 9, 9))
    assert masks[:, :, 1].all()


NO_MASK = {
    "two points": ([[1, 1, 9, 9]], "has a polygon of 2 points"),
    "half a point": ([[1, 1, 9, 1, 9, 9, 1]], "has a polygon of 3.5 points"),
    "an empty polygon": ([[]], "has a polygon of 0 points"),
    "no polygon": ([], "has no segmentation"),
    "nothing": (None, "has no segmentation"),
    "a flat list": ([1, 1, 9, 1, 9, 9], "no lists of numbers"),
    "words": ([["a", "b", "c", "d", "e", "f"]], "no lists of numbers"),
    "NaN": ([[1, 1, float("nan"), 1, 9, 9]], "no lists of numbers"),
    "outside": ([polygon(100, 100, 120, 120)], "covers no pixel"),
    "far outside": ([polygon(1e12, 1e12, 2e12, 2e12)], "covers no pixel"),
    "on the border": ([polygon(5, WIDTH, 9, WIDTH + 9)], "covers no pixel"),
    "a line": ([polygon(5, 5, 5, 30)], "covers no pixel"),
    "an empty RLE": (compressed(blob(0, 0, 0, 0)), "covers no pixel"),
    "another size": (compressed(np.ones((4, 5), bool)), "of size \\[4, 5\\]"),
    "no size": ({"counts": [1, 2]}, "of size None"),
    "no counts": ({"size": [HEIGHT, WIDTH]}, "do not add up"),
    "short runs": ({"size": [HEIGHT, WIDTH], "counts": [3, 4]}, "do not add up"),
    "long runs": ({"size": [HEIGHT, WIDTH], "counts": [3, 4000]}, "do not add up"),
    "negative runs": ({"size": [HEIGHT, WIDTH], "counts": [2401, -1]}, "do not add up"),
    "huge runs": ({"size": [HEIGHT, WIDTH], "counts": [3, 10**30]}, "do not add up"),
    "runs of words": ({"size": [HEIGHT, WIDTH], "counts": ["a"]}, "do not add up"),
    "fractions": ({"size": [HEIGHT, WIDTH], "counts": [0.5, 2399.5]}, "do not add up"),
    "an empty string": ({"size": [HEIGHT, WIDTH], "counts": ""}, "do not add up"),
    "a short string": ({"size": [HEIGHT, WIDTH], "counts": "52"}, "do not add up"),
    "a cut string": ({"size": [HEIGHT, WIDTH], "counts": "PP"}, "do not add up"),
    "any string": ({"size": [HEIGHT, WIDTH], "counts": "häßlich"}, "do not add up"),
}


@pytest.mark.parametrize(("segmentation", "complaint"), NO_MASK.values(), ids=NO_MASK)
def test_what_gives_no_mask_is_left_out_with_a_warning(coco, segmentation, complaint):
    dataset = CocoDataset(*coco([annotation(41, segmentation), GOOD[0]]))
    with pytest.warns(UserWarning, match=f"Annotation 41 of picture 1 .*{complaint}"):
        masks, class_ids = dataset.load_mask(0)
    np.testing.assert_array_equal(class_ids, [1])
    np.testing.assert_array_equal(masks[:, :, 0], blob(5, 10, 20, 30))


@pytest.mark.parametrize(
    "told",
    [
        {"bbox": [float("nan"), 0, 9, 9]},
        {"bbox": [1, 2, 3]},
        {"bbox": [10, 5, -20, 15]},
        {"bbox": "10,5,20,15"},
        {"area": float("nan")},
        {"area": "300"},
        {"area": -1},
    ],
    ids=str,
)
def test_a_box_or_area_that_is_none_is_that_of_the_mask(coco, told):
    """NaN matches anything: pycocotools would give any detection an AP of 1."""
    dataset = CocoDataset(*coco([annotation(41, [polygon(5, 10, 20, 30)], **told)]))
    with pytest.warns(UserWarning, match=f"Annotation 41 of picture 1 has the {next(iter(told))} .*not used"):
        _, (entry,) = dataset.load_annotations(0)
    assert entry["bbox"] == [10, 5, 20, 15] and entry["area"] == 300


def test_category_ids_of_both_kinds(coco):
    categories = [{"id": "k", "name": "kite"}, {"id": 3, "name": "boat"}]
    dataset = CocoDataset(*coco(GOOD[:1], categories=categories))
    assert dataset.class_names == ["BG", "boat", "kite"]


def test_a_bad_polygon_beside_a_good_one(coco):
    dataset = CocoDataset(*coco([annotation(8, [[1, 1, 9, 9], polygon(5, 10, 20, 30)])]))
    with pytest.warns(UserWarning, match="Annotation 8 .*2 points, which is left out"):
        masks, _ = dataset.load_mask(0)
    np.testing.assert_array_equal(masks[:, :, 0], blob(5, 10, 20, 30))


def test_a_polygon_far_larger_than_the_picture(coco):
    masks, _ = CocoDataset(*coco([annotation(1, [polygon(-1e9, -1e9, 1e9, 1e9)])])).load_mask(0)
    assert masks.all()


def test_equal_annotation_ids_do_no_harm(coco):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        dataset = CocoDataset(*coco([annotation(1, [polygon(1, 1, i, i)]) for i in (9, 12)]))
        assert dataset.load_mask(0)[0].sum(axis=(0, 1)).tolist() == [64, 121]


def test_missing_pictures(coco):
    path, folder = coco(GOOD)
    (folder / "2.png").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 2 pictures are not in .*: 2.png.*skip"):
        CocoDataset(path, folder)
    with pytest.warns(UserWarning, match="2.png. They are left out"):
        dataset = CocoDataset(path, folder, missing="skip")
    assert [info["id"] for info in dataset.image_info] == [1]
    (folder / "1.png").unlink()
    with pytest.raises(FileNotFoundError, match="1.png"):
        dataset.load_image(0)
    with pytest.raises(ValueError, match="missing is \"?'ignore'"):
        CocoDataset(path, folder, missing="ignore")


IMAGE = {"id": 1, "file_name": "1.png", "width": WIDTH, "height": HEIGHT}
WRONG = {
    "two pictures of one id": ({"images": [IMAGE, IMAGE]}, "2 of its images have the same id 1"),
    "two classes of one id": (
        {"categories": CATEGORIES + [{"id": 3, "name": "cow"}]},
        "2 of its categories have the same id 3",
    ),
    "an unknown category": (
        {"annotations": [annotation(5, [], category_id=4)]},
        "annotation 5 is of category 4",
    ),
    "no file name": ({"images": [{"id": 1}]}, r"images\[0\] lacks id or file_name"),
    "captions": (
        {"annotations": [{"id": 5, "image_id": 1, "caption": "A dog."}]},
        r"annotations\[0\] lacks image_id or category_id",
    ),
    "an id that is a list": ({"images": [IMAGE | {"id": [1]}]}, r"images\[0\]: its id must be a number or"),
    "a file name that is none": ({"images": [IMAGE | {"file_name": 7}]}, "file_name must be a text, not 7"),
    "a width in words": ({"images": [IMAGE | {"width": "60"}]}, 'its width must be a number, not "60"'),
    "a class without a name": ({"categories": [{"id": 3, "name": None}]}, "name must be a text, not null"),
    "a crowd in words": (
        {"annotations": [annotation(5, [], iscrowd="0")]},
        r"annotations\[0\]: its iscrowd must be a number",
    ),
    "no list": ({"images": {"1": IMAGE}}, "no COCO JSON"),
    "null": ({"annotations": None}, "no COCO JSON"),
}


@pytest.mark.parametrize(("changes", "complaint"), WRONG.values(), ids=WRONG)
def test_wrong_contents(coco, changes, complaint):
    with pytest.raises(ValueError, match=f"instances.json.*{complaint}"):
        CocoDataset(*coco(**{"annotations": GOOD, **changes}))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"images": [', "no JSON, or a damaged one"),
        ("", "no JSON, or a damaged one"),
        (b"\xff\xfe\x00binary", "no JSON, or a damaged one"),
        ('[{"image_id": 1, "score": 0.5}]', "no COCO JSON.*images, categories, annotations"),
        ('{"type": "FeatureCollection"}', "no COCO JSON.*images, categories, annotations"),
    ],
)
def test_no_coco_json(tmp_path, text, complaint):
    (tmp_path / "other.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=f"other.json is {complaint}"):
        CocoDataset(tmp_path / "other.json", tmp_path)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.json"):
        CocoDataset(tmp_path / "nothing.json", tmp_path)


def test_annotations_of_other_pictures_are_ignored(coco):
    path, folder = coco([*GOOD, annotation(9, [polygon(1, 1, 9, 9)], image_id=77)])
    with pytest.warns(UserWarning, match="1 of 7 annotations are ignored"):
        dataset = CocoDataset(path, folder)
    assert [len(info["annotations"]) for info in dataset.image_info] == [5, 1]

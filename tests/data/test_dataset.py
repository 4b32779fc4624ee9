"""Dataset: how classes and pictures are numbered; FolderDataset: masks from a paint program."""

import copy
import logging
import pickle

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.dataset import Dataset
from mrcnn.data.folder import FolderDataset


@pytest.fixture
def two_sources():
    dataset = Dataset()
    dataset.add_class("farm", 7, "hen, chicken")
    dataset.add_class("sea", 7, "crab")
    dataset.add_class("farm", 2, "goat")
    dataset.add_image("farm", "a", path="a.png", owner="Ann")
    dataset.add_image("sea", "a", path=None)
    dataset.prepare()
    return dataset


def test_numbering(two_sources):
    assert two_sources.num_classes == 4
    assert two_sources.class_names == ["BG", "hen", "crab", "goat"]
    np.testing.assert_array_equal(two_sources.class_ids, [0, 1, 2, 3])
    assert two_sources.num_images == 2
    np.testing.assert_array_equal(two_sources.image_ids, [0, 1])
    assert sorted(two_sources.sources) == ["", "farm", "sea"]
    assert two_sources.source_class_ids == {"": [0], "farm": [0, 1, 3], "sea": [0, 2]}
    assert two_sources.class_from_source_map == {".0": 0, "farm.7": 1, "sea.7": 2, "farm.2": 3}
    assert two_sources.image_from_source_map == {"farm.a": 0, "sea.a": 1}
    assert two_sources.class_info[0] == {"source": "", "id": 0, "name": "BG"}
    assert two_sources.image_info[0] == {"id": "a", "source": "farm", "path": "a.png", "owner": "Ann"}


def test_class_ids_there_and_back(two_sources):
    for info, class_id in zip(two_sources.class_info, two_sources.class_ids, strict=True):
        assert two_sources.map_source_class_id(f"{info['source']}.{info['id']}") == class_id
        assert two_sources.get_source_class_id(class_id, info["source"]) == info["id"]


def test_a_class_added_twice_counts_once(two_sources):
    two_sources.add_class("sea", 7, "lobster")
    two_sources.prepare()
    assert two_sources.class_names == ["BG", "hen", "crab", "goat"]


def test_data_sets_do_not_share_their_background():
    Dataset().class_info[0]["name"] = "changed"
    assert Dataset().class_info[0]["name"] == "BG"


def test_pictures_added_after_prepare_count_after_the_next(two_sources):
    two_sources.add_image("sea", "b", path=None)
    assert two_sources.num_images == 2
    two_sources.prepare()
    assert two_sources.num_images == 3


def test_references(two_sources):
    assert two_sources.source_image_link(0) == two_sources.image_reference(0) == "a.png"
    assert two_sources.source_image_link(1) is None
    assert two_sources.image_reference(1) == "sea.a"


@pytest.mark.parametrize("name", ["image_ids", "num_classes", "class_names", "source_class_ids"])
def test_before_prepare(name):
    with pytest.raises(AttributeError, match=f"{name} is not known yet.*prepare"):
        getattr(Dataset(), name)


def test_other_missing_attributes_keep_pythons_own_error():
    with pytest.raises(AttributeError, match="no attribute 'image_idz'"):
        Dataset().image_idz  # noqa: B018
    assert not hasattr(Dataset(), "classes")


def test_it_travels_to_worker_processes(two_sources):
    for twin in (pickle.loads(pickle.dumps(two_sources)), copy.deepcopy(two_sources)):
        assert twin.class_names == two_sources.class_names


def test_misuse_is_told(two_sources):
    with pytest.raises(ValueError, match="'v1.0'.*dot"):
        two_sources.add_class("v1.0", 1, "cat")
    with pytest.raises(KeyError, match="farm.9.*farm.7"):
        two_sources.map_source_class_id("farm.9")
    with pytest.raises(ValueError, match="crab.*'sea'.*'farm'"):
        two_sources.get_source_class_id(2, "farm")
    for class_id in (-2, 4):
        with pytest.raises(ValueError, match=f"No class {class_id}"):
            two_sources.get_source_class_id(class_id, "farm")
    with pytest.raises(ValueError, match="sea.a has no file.*load_image"):
        two_sources.load_image(1)
    two_sources.add_image("farm", "a", path="another.png")
    with pytest.raises(ValueError, match="2 pictures have the same id 'farm.a'"):
        two_sources.prepare()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_load_image(tmp_path, mode):
    colours = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    picture = Image.fromarray(colours).convert(mode)
    picture.save(tmp_path / "picture.png")
    dataset = Dataset()
    dataset.add_image("disk", 0, tmp_path / "picture.png")
    dataset.prepare()
    image = dataset.load_image(0)
    assert image.shape == (6, 9, 3) and image.dtype == np.uint8
    np.testing.assert_array_equal(image, np.asarray(picture.convert("RGB")))


def test_a_missing_file_is_named(tmp_path):
    dataset = Dataset()
    dataset.add_image("disk", 0, tmp_path / "gone.png")
    dataset.prepare()
    with pytest.raises(FileNotFoundError, match="gone.png"):
        dataset.load_image(0)


def test_without_load_mask_there_are_no_objects(tmp_path, caplog):
    Image.new("RGB", (9, 6)).save(tmp_path / "picture.png")
    dataset = Dataset()
    dataset.add_image("disk", 0, tmp_path / "picture.png")
    dataset.prepare()
    with caplog.at_level(logging.WARNING):
        masks, class_ids = dataset.load_mask(0)
    assert masks.shape == (6, 9, 0) and masks.dtype == bool
    assert class_ids.shape == (0,) and class_ids.dtype == np.int32
    assert "load_mask" in caplog.text


@pytest.fixture
def folders(tmp_path):
    """Three pictures of 12 × 8 pixels, and no masks yet."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for name in ("one.png", "three.jpg", "two.png"):
        Image.new("RGB", (12, 8), "white").save(images / name)
    (images / "notes.txt").write_text("not a picture")
    return images, masks


def labels(*boxes, dtype=np.uint8, values=None):
    """A (8, 12) picture of labels: a box (y1, x1, y2, x2) each, filled with 1, 2, … or `values`."""
    picture = np.zeros((8, 12), dtype)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        picture[y1:y2, x1:x2] = values[i] if values else i + 1
    return picture


BOXES = [(0, 0, 3, 4), (2, 5, 6, 9), (7, 11, 8, 12)]


@pytest.mark.parametrize("mode", ["L", "I;16", "P", "RGB", "RGBA"])
def test_one_png_for_all_objects(folders, mode):
    images, masks = folders
    if mode == "I;16":
        picture = Image.fromarray(labels(*BOXES, dtype=np.uint16, values=[3, 256, 65535]))
    elif mode in ("RGB", "RGBA"):
        colour = np.zeros((8, 12, len(mode)), np.uint8)
        for (y1, x1, y2, x2), value in zip(BOXES, [(1, 0, 0), (0, 1, 0), (0, 0, 1)], strict=True):
            colour[y1:y2, x1:x2, :3] = value
        picture = Image.fromarray(colour)
    else:
        picture = Image.fromarray(labels(*BOXES))
        if mode == "P":
            picture.putpalette([0, 0, 0] + [9, 9, 9] * 255)  # entries of one colour stay apart
    assert picture.mode == mode
    picture.save(masks / "two.png")

    dataset = FolderDataset(images, masks, ["coin"])
    assert [info["id"] for info in dataset.image_info] == ["one", "three", "two"]
    assert dataset.class_names == ["BG", "coin"]
    found, class_ids = dataset.load_mask(2)
    assert found.dtype == bool and class_ids.dtype == np.int32
    np.testing.assert_array_equal(class_ids, [1, 1, 1])
    wanted = {labels(box).tobytes() for box in BOXES}
    assert {found[:, :, i].astype(np.uint8).tobytes() for i in range(3)} == wanted
    assert dataset.load_mask(0)[0].shape == (8, 12, 0)


def test_the_background_of_a_palette_is_its_black_entry(folders):
    images, masks = folders
    picture = Image.fromarray(1 - labels(BOXES[1]))
    picture.putpalette([255, 255, 255, 0, 0, 0])
    picture.save(masks / "two.png")
    found, _ = FolderDataset(images, masks).load_mask(2)
    np.testing.assert_array_equal(found, labels(BOXES[1])[:, :, None] > 0)


@pytest.mark.parametrize("beneath", [255, 0])
@pytest.mark.parametrize("object_is", [200, 0])
def test_what_is_transparent_is_background(folders, beneath, object_is):
    images, masks = folders
    shown = labels(BOXES[1]) > 0
    grey = np.where(shown, object_is, beneath).astype(np.uint8)
    picture = Image.fromarray(np.stack([grey, grey, grey, shown * np.uint8(255)], axis=2))
    picture.save(masks / "two.png")
    picture.quantize(4).save(masks / "one.png")  # with a palette that has a transparent entry
    dataset = FolderDataset(images, masks)
    for image_id in (0, 2):
        found, _ = dataset.load_mask(image_id)
        np.testing.assert_array_equal(found, shown[:, :, None])


def test_one_png_an_object(folders):
    images, masks = folders
    (masks / "one").mkdir()
    for name, box in zip(["sports ball_1", "dog_1", "dog_2"], BOXES, strict=True):
        Image.fromarray(labels(box, values=[255])).save(masks / "one" / f"{name}.png")
    Image.fromarray(labels()).save(masks / "one" / "dog_3.png")  # nothing on it
    (masks / "three").mkdir()
    shaded = labels(*BOXES[:2], values=[100, 200])  # one object in two shades
    Image.fromarray(shaded).save(masks / "three" / "dog_1.png")

    dataset = FolderDataset(images, masks, ["dog", "sports ball"])
    found, class_ids = dataset.load_mask(0)
    np.testing.assert_array_equal(class_ids, [1, 1, 2])
    np.testing.assert_array_equal(found, np.stack([labels(BOXES[i]) for i in (1, 2, 0)], axis=-1))
    found, class_ids = dataset.load_mask(1)
    np.testing.assert_array_equal(class_ids, [1])
    np.testing.assert_array_equal(found[:, :, 0], shaded > 0)
    assert FolderDataset(images, masks).load_mask(0)[1].tolist() == [1, 1, 1]


def test_a_mask_with_soft_edges_is_one_object(folders):
    images, masks = folders
    soft = np.zeros((8, 12), np.uint8)
    soft[1:7, 1:11] = np.linspace(10, 60, 60).reshape(6, 10)
    soft[2:6, 2:10] = 255
    Image.fromarray(soft).save(masks / "two.png")
    found, class_ids = FolderDataset(images, masks).load_mask(2)
    assert class_ids.tolist() == [1]
    np.testing.assert_array_equal(found[:, :, 0], soft == 255)


def test_a_photograph_is_no_mask(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
        noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / name / "a.png")
    dataset = FolderDataset(tmp_path / "images", tmp_path / "masks")
    with pytest.raises(ValueError, match=r"a.png has [78],\d{3} colours.*no mask"):
        dataset.load_mask(0)


def test_folders_with_mistakes(folders):
    images, masks = folders
    with pytest.raises(FileNotFoundError, match="None of the 3 pictures.*has a mask"):
        FolderDataset(images, masks)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        FolderDataset(images / "nowhere", masks)
    Image.fromarray(labels(*BOXES)).save(masks / "two.png")
    with pytest.raises(ValueError, match="two.png cannot be told.*cat, dog"):
        FolderDataset(images, masks, ["cat", "dog"])
    Image.new("L", (12, 9), 1).save(masks / "one.png")
    with pytest.raises(ValueError, match="one.png is 12 × 9 pixels.*12 × 8"):
        FolderDataset(images, masks).load_mask(0)
    Image.new("RGB", (12, 8)).save(images / "one.jpg")
    with pytest.raises(ValueError, match="2 pictures have the same id 'folder.one'"):
        FolderDataset(images, masks)


@pytest.mark.parametrize("stored", [True, False])
def test_a_turned_picture_is_loaded_as_its_annotations_have_it(tmp_path, stored):
    """Programs that measure a file by scikit-image or Pillow see it as it is stored, people upright."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    path = tmp_path / "turned.png"
    Image.fromarray(pixels).save(path, exif=exif)
    dataset = Dataset()
    measured = {"height": 4, "width": 6} if stored else {}
    dataset.add_image("drawn", 0, path, **measured)
    dataset.prepare()
    np.testing.assert_array_equal(dataset.load_image(0), pixels if stored else np.rot90(pixels, -1))

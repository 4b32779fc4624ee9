"""Pictures of a small data set on their way into a training step."""

from types import SimpleNamespace

import numpy as np
import pytest

from mrcnn import images
from mrcnn.data.dataset import Dataset
from mrcnn.masks import extract_bboxes, minimize_mask
from mrcnn.rgb import as_pixels
from mrcnn.training.batches import Batches, load_image_gt


def config(**values):
    """The attributes that batches read."""
    defaults = {
        "NUM_CLASSES": 4,
        "BATCH_SIZE": 2,
        "IMAGE_MIN_DIM": 64,
        "IMAGE_MAX_DIM": 96,
        "IMAGE_MIN_SCALE": 0,
        "IMAGE_RESIZE_MODE": "square",
        "IMAGE_CHANNEL_COUNT": 3,
        "IMAGE_SHAPE": np.array([96, 96, 3]),
        "MEAN_PIXEL": np.array([123.7, 116.8, 103.9]),
        "MAX_GT_INSTANCES": 5,
        "USE_MINI_MASK": True,
        "MINI_MASK_SHAPE": (28, 28),
    }
    return SimpleNamespace(**defaults | values)


class Rectangles(Dataset):
    """One picture for each list of (y1, x1, y2, x2, class id); its colour tells its number."""

    def __init__(self, pictures, size=(40, 60)):
        super().__init__()
        for i, name in enumerate(["red", "green", "blue"], 1):
            self.add_class("drawn", i, name)
        for i, objects in enumerate(pictures):
            self.add_image("drawn", i, None, objects=objects, size=size)
        self.prepare()

    def load_image(self, image_id):
        return np.full((*self.image_info[image_id]["size"], 3), 10 * image_id, np.uint8)

    def load_mask(self, image_id):
        info = self.image_info[image_id]
        masks = np.zeros((*info["size"], len(info["objects"])), bool)
        for i, (y1, x1, y2, x2, _) in enumerate(info["objects"]):
            masks[y1:y2, x1:x2, i] = True
        return masks, np.array([class_id for *_, class_id in info["objects"]], np.int32)


ONE = [(4, 6, 20, 30, 1)]
TWO = [(0, 0, 10, 10, 2), (20, 30, 40, 60, -3)]


def ids_of(batch):
    return batch["image_meta"][:, 0].astype(int).tolist()


def epoch_of(batches):
    return [image_id for index in range(len(batches)) for image_id in ids_of(batches[index])]


# ---- one picture


def test_a_picture_and_its_objects_in_the_network_s_frame():
    image, meta, class_ids, boxes, masks = load_image_gt(Rectangles([ONE, TWO]), config(), 1)
    assert image.shape == (96, 96, 3) and image.dtype == np.uint8
    parsed = {name: value[0] for name, value in images.parse_image_meta(meta[None]).items()}
    assert parsed["image_id"] == 1 and parsed["scale"] == pytest.approx(1.6)
    assert parsed["window"].tolist() == [16, 0, 80, 96]
    assert parsed["original_image_shape"].tolist() == [40, 60, 3]
    assert parsed["active_class_ids"].tolist() == [1, 1, 1, 1]
    assert class_ids.tolist() == [2, -3]
    np.testing.assert_allclose(boxes, [[16, 0, 32, 16], [48, 48, 80, 96]], atol=1)
    np.testing.assert_array_equal(extract_bboxes(masks), boxes)


def test_mini_masks_are_those_of_the_boxes():
    dataset = Rectangles([ONE])
    *_, boxes, masks = load_image_gt(dataset, config(), 0, use_mini_mask=True)
    assert masks.shape == (28, 28, 1) and masks.mean() > 0.9  # fades at the border
    whole = load_image_gt(dataset, config(), 0)[4]
    np.testing.assert_array_equal(masks, minimize_mask(boxes, whole, (28, 28)))


def test_classes_of_another_source_are_not_active():
    dataset = Rectangles([ONE])
    dataset.add_class("other", 1, "yellow")
    dataset.add_image("other", 7, None, objects=[], size=(40, 60))
    dataset.prepare()
    active = [load_image_gt(dataset, config(), i)[1][12:].tolist() for i in (0, 1)]
    assert active == [[1, 1, 1, 1, 0], [1, 0, 0, 0, 1]]


def test_objects_that_vanish_are_left_out():
    def cover_the_first(image, masks):
        return image, masks & (np.arange(masks.shape[-1]) > 0)

    dataset = Rectangles([TWO])
    *_, class_ids, boxes, masks = load_image_gt(dataset, config(), 0, augmentation=cover_the_first)
    assert class_ids.tolist() == [-3] and len(boxes) == 1 and masks.shape[-1] == 1


def test_no_objects_may_be_arrays_of_no_shape():
    class Nothing(Rectangles):
        def load_mask(self, image_id):
            return np.empty([0, 0, 0]), np.empty([0], np.int32)

    _, _, class_ids, boxes, masks = load_image_gt(Nothing([ONE]), config(), 0)
    assert (class_ids.shape, boxes.shape, masks.shape) == ((0,), (0, 4), (96, 96, 0))


@pytest.mark.parametrize("dtype, highest", [(np.float32, 1), (np.float64, 255), (np.uint16, 65535)])
def test_training_sees_what_detecting_sees(dtype, highest):
    class Scaled(Rectangles):
        def load_image(self, image_id):
            noise = np.random.default_rng(image_id).integers(0, 256, (96, 96, 3))
            return (noise * (highest / 255)).astype(dtype)

    dataset = Scaled([ONE], size=(96, 96))
    image = load_image_gt(dataset, config(), 0)[0]
    np.testing.assert_array_equal(image, as_pixels(dataset.load_image(0), 3))
    assert image.dtype == np.uint8 and image.max() == 255


def test_numpy_s_old_seed_repeats_what_is_random():
    def mirrored():
        np.random.seed(3)  # noqa: NPY002
        return [load_image_gt(Rectangles([ONE]), config(), 0, augment=True)[3][0, 1] for _ in range(12)]

    assert mirrored() == mirrored() and len(set(mirrored())) == 2


def test_augmentation_is_accepted_where_either_signature_has_it():
    def mirror(image, masks):
        return image[:, ::-1], masks[:, ::-1]

    dataset = Rectangles([ONE])
    plain = load_image_gt(dataset, config(), 0)[3]
    mirrored = plain[:, [0, 3, 2, 1]] * [1, -1, 1, -1] + [0, 96, 0, 96]
    for arguments, keywords in (((mirror,), {}), ((False, mirror), {}), ((), {"augmentation": mirror})):
        found = load_image_gt(dataset, config(), 0, *arguments, **keywords)[3]
        np.testing.assert_array_equal(found, mirrored)
    draws = [
        load_image_gt(dataset, config(), 0, augment=True, rng=np.random.default_rng(seed))[3]
        for seed in range(20)
    ]
    kinds = {draw.tobytes() for draw in draws}
    assert kinds == {plain.tobytes(), mirrored.astype(np.int32).tobytes()}


def test_what_does_not_fit_is_refused_by_the_picture_s_name():
    def loading(**methods):
        dataset = Rectangles([ONE])
        for name, result in methods.items():
            setattr(dataset, name, lambda image_id, result=result: result)
        return dataset

    masks, class_ids = Rectangles([ONE]).load_mask(0)
    with pytest.raises(ValueError, match=r"drawn\.0.*one class id for each"):
        load_image_gt(loading(load_mask=(masks, np.array([1, 2]))), config(), 0)
    with pytest.raises(ValueError, match=r"drawn\.0.*one class id for each"):
        load_image_gt(loading(load_mask=(masks[:10], class_ids)), config(), 0)
    with pytest.raises(ValueError, match=r"drawn\.0.*class 4, but .* 0 to 3"):
        load_image_gt(loading(load_mask=(masks, np.array([4]))), config(), 0)
    with pytest.raises(ValueError, match=r"drawn\.0.*must return \(height, width, 3\)"):
        load_image_gt(loading(load_image=np.zeros((40, 60), np.uint8)), config(), 0)
    dataset = Rectangles([ONE])
    dataset.image_info[0]["source"] = "elsewhere"
    with pytest.raises(ValueError, match="'elsewhere', which has no classes"):
        load_image_gt(dataset, config(), 0)


# ---- batches


def test_a_batch_has_fixed_shapes_and_padding():
    batches = Batches(Rectangles([ONE, TWO]), config(), shuffle=False)
    batch = batches[0]
    described = {name: (array.shape, array.dtype.name) for name, array in batch.items()}
    assert described == {
        "images": ((2, 96, 96, 3), "float32"),
        "image_meta": ((2, 16), "float32"),
        "gt_class_ids": ((2, 5), "int32"),
        "gt_boxes": ((2, 5, 4), "float32"),
        "gt_masks": ((2, 28, 28, 5), "bool"),
    }
    assert batch["gt_class_ids"].tolist() == [[1, 0, 0, 0, 0], [2, -3, 0, 0, 0]]
    assert batch["gt_boxes"][1, 1].any() and not batch["gt_boxes"][1, 2:].any()
    assert batch["gt_masks"][1, ..., 1].any() and not batch["gt_masks"][1, ..., 2:].any()
    np.testing.assert_allclose(batch["images"][1, 48, 48], 10 - config().MEAN_PIXEL, atol=1e-4)
    np.testing.assert_allclose(batch["images"][1, 0, 0], -config().MEAN_PIXEL, atol=1e-4)


def test_whole_masks_without_mini_masks():
    batch = Batches(Rectangles([TWO]), config(USE_MINI_MASK=False, BATCH_SIZE=1))[0]
    assert batch["gt_masks"].shape == (1, 96, 96, 5)
    found = extract_bboxes(batch["gt_masks"][0])
    np.testing.assert_array_equal(found, batch["gt_boxes"][0])


def test_an_epoch_shows_every_picture_once_and_each_in_another_order():
    batches = Batches(Rectangles([ONE] * 8), config(), seed=3)
    epochs = []
    for _ in range(3):
        epochs.append(epoch_of(batches))
        batches.epoch += 1
    assert all(sorted(epoch) == list(range(8)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    resumed = Batches(Rectangles([ONE] * 8), config(), seed=3, epoch=2)
    assert epoch_of(resumed) == epochs[2]
    assert epoch_of(Batches(Rectangles([ONE] * 8), config(), seed=4)) != epochs[0]


def test_epochs_of_any_length_go_on_where_the_last_one_ended():
    batches = Batches(Rectangles([ONE] * 5), config(), steps=2)
    shown = []
    for _ in range(5):
        assert len(batches) == 2
        shown += epoch_of(batches)
        batches.epoch += 1
    assert sorted(shown) == sorted(4 * list(range(5)))
    assert sorted(shown[:5]) == list(range(5))


def test_without_shuffling_every_epoch_is_the_same():
    batches = Batches(Rectangles([ONE] * 3), config(), shuffle=False)
    first = epoch_of(batches)
    batches.epoch += 1
    assert first == epoch_of(batches) == [0, 1, 2, 0]


def test_a_random_part_of_too_many_objects():
    crowd = [(i, i, i + 5, i + 5, 1) for i in range(12)]
    dataset = Rectangles([crowd])
    batches = Batches(dataset, config(BATCH_SIZE=1), steps=2)
    first, second = (batches[i]["gt_boxes"][0] for i in range(2))
    everything = {tuple(box) for box in load_image_gt(dataset, config(), 0)[3].tolist()}
    for chosen in (first, second):
        assert len({tuple(box) for box in chosen} & everything) == 5
    assert sorted(first.tolist()) != sorted(second.tolist())


def test_pictures_without_objects_are_replaced():
    crowds_only = [(0, 0, 10, 10, -1)]
    batches = Batches(Rectangles([[], ONE, crowds_only, TWO]), config(), steps=10)
    shown = epoch_of(batches)
    assert set(shown) == {1, 3}
    assert epoch_of(Batches(Rectangles([[], ONE, crowds_only, TWO]), config(), steps=10)) == shown


def test_in_their_own_order_the_next_one_takes_its_place():
    batches = Batches(Rectangles([ONE, [], TWO, ONE]), config(), shuffle=False)
    assert epoch_of(batches) == [0, 2, 2, 3]


class Broken(Rectangles):
    """Of some pictures, those without objects, the masks cannot be loaded."""

    def load_mask(self, image_id):
        if not self.image_info[image_id]["objects"]:
            raise OSError(f"mask {image_id} is damaged")
        return super().load_mask(image_id)


def test_pictures_that_cannot_be_loaded_are_left_out_and_named_once(caplog):
    batches = Batches(Broken([ONE, [], TWO, ONE]), config(), shuffle=False)
    assert epoch_of(batches) == epoch_of(batches) == [0, 2, 2, 3]
    assert [record.getMessage() for record in caplog.records] == [
        "Picture 1 (drawn.1) is left out: OSError: mask 1 is damaged"
    ]


@pytest.mark.parametrize("pictures", [[[]], [[], []], [ONE] + 6 * [[]]])
def test_too_many_that_cannot_be_loaded_are_an_error(pictures):
    with pytest.raises(OSError, match=r"mask \d is damaged"):
        epoch_of(Batches(Broken(pictures), config()))


def test_a_data_set_that_cannot_train_is_refused():
    with pytest.raises(ValueError, match="no objects: none of its 3 pictures"):
        Batches(Rectangles([[], [], [(0, 0, 9, 9, -1)]]), config())[0]
    with pytest.raises(ValueError, match="no pictures"):
        Batches(Rectangles([]), config())
    with pytest.raises(ValueError, match="4 classes.*NUM_CLASSES is 81"):
        Batches(Rectangles([ONE]), config(NUM_CLASSES=81))


def test_pictures_of_different_sizes_do_not_make_a_batch():
    for sizes in ([(96, 96), (60, 70)], [(60, 70)] * 2):
        dataset = Rectangles([ONE, TWO])
        for info, size in zip(dataset.image_info, sizes, strict=True):
            info["size"] = size
        with pytest.raises(ValueError, match=r"60, 70, 3.*those of config.IMAGE_SHAPE, .*'square'"):
            Batches(dataset, config(IMAGE_RESIZE_MODE="none"), shuffle=False)[0]


def test_sources_may_be_left_out_of_augmentation():
    def darken(image, masks):
        return np.zeros_like(image), masks

    dataset = Rectangles([ONE] * 4)
    for excluded, dark in ((None, True), (["drawn"], False), ("drawn", False)):
        batches = Batches(dataset, config(), False, augmentation=darken, no_augmentation_sources=excluded)
        value = images.unmold_image(batches[1]["images"][1], config())[48, 48, 0]
        assert value == (0 if dark else 30)

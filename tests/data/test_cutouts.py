"""Cut-outs: from boxes, masks, transparency and files, and what is said of those that are unfit."""

import json
import warnings
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mrcnn.data import coins
from mrcnn.data.cutouts import cut_out, from_box, from_mask, from_rgba, read_examples, sheet
from mrcnn.data.cutouts.grabcut import segment_box
from mrcnn.masks import extract_bboxes
from mrcnn.metrics import compute_overlaps_masks

HEIGHT, WIDTH = 60, 80
RED, GREEN = (200, 40, 40), (40, 120, 60)


def blob(y1, x1, y2, x2):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y1:y2, x1:x2] = True
    return mask


def disc(y, x, radius):
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def photograph(mask):
    """Red where the mask is, green elsewhere."""
    return np.where(mask[..., None], np.uint8(RED), np.uint8(GREEN))


DISC = disc(30, 40, 12)
IMAGE = photograph(DISC)


def overlap(mask, other):
    return compute_overlaps_masks(mask[..., None], other[..., None])[0, 0]


# Boxes


def drawn_by_hand(box, shape):
    """A box as it is and as hands draw it: too large, too small, shifted."""
    y1, x1, y2, x2 = box
    h, w = y2 - y1, x2 - x1
    for sides in (1.0, 1.15, 0.85):
        grow = (sides - 1) / 2 * np.array([-h, -w, h, w])
        yield np.clip(np.rint(box + grow), 0, [*shape] * 2).astype(int)
    for dy, dx in ((-0.12, 0), (0.12, 0), (0, -0.12), (0, 0.12)):
        yield np.clip(np.rint(box + [dy * h, dx * w] * 2), 0, [*shape] * 2).astype(int)


def test_each_coin_of_a_photograph_is_cut_out_of_boxes_drawn_by_hand():
    image, masks = coins.photograph()
    for i, box in enumerate(extract_bboxes(masks)):
        for drawn in drawn_by_hand(box, image.shape[:2]):
            found = segment_box(image, drawn)
            assert overlap(found, masks[:, :, i]) > 0.9, (i, drawn)


def test_a_box_gives_the_thing_and_the_colours_around_it():
    cutout = from_box(IMAGE, (17, 27, 44, 54), "ball")
    assert cutout.name == "ball"
    assert cutout.pixels.shape == (25 + 4, 25 + 4, 4)
    assert overlap(cutout.mask, np.pad(DISC[18:43, 28:53], 2)) > 0.9
    assert 0 < len(cutout.around) <= 256
    assert (cutout.around == GREEN).all()


def test_the_same_box_gives_the_same_cutout():
    image, masks = coins.photograph()
    box = extract_bboxes(masks)[3]
    first = from_box(image, box).pixels
    cv2.setRNGSeed(7)
    assert np.array_equal(from_box(image, box).pixels, first)
    with ThreadPoolExecutor(4) as pool:
        for cutout in pool.map(lambda _: from_box(image, box), range(8)):
            assert np.array_equal(cutout.pixels, first)


def test_a_thing_larger_than_grabcut_looks_at():
    rows, columns = np.ogrid[:600, :800]
    mask = (rows - 300) ** 2 + (columns - 400) ** 2 <= 200**2
    assert overlap(segment_box(photograph(mask), np.array([95, 195, 505, 605])), mask) > 0.97


@given(st.data())
@settings(deadline=None, max_examples=25)
def test_any_box_gives_one_piece_or_nothing(data):
    height, width = data.draw(st.integers(8, 60)), data.draw(st.integers(8, 400))
    y1, x1 = data.draw(st.integers(0, height - 8)), data.draw(st.integers(0, width - 8))
    y2, x2 = data.draw(st.integers(y1 + 8, height)), data.draw(st.integers(x1 + 8, width))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    found = segment_box(image, np.array([y1, x1, y2, x2]))
    if found is not None:
        assert found.shape == (height, width) and found.dtype == bool and found.any()


def test_a_box_as_large_as_the_photograph():
    image, masks = coins.photograph()
    y1, x1, y2, x2 = extract_bboxes(masks)[7]
    part = slice(y1 - 3, y2 + 3), slice(x1 - 3, x2 + 3)
    found = segment_box(np.ascontiguousarray(image[part]), np.array([0, 0, y2 - y1 + 6, x2 - x1 + 6]))
    assert overlap(found, masks[part][:, :, 7]) > 0.9


BAD_BOXES = {
    "reversed": ((40, 10, 20, 50), "empty or reversed"),
    "empty": ((20, 10, 20, 50), "empty or reversed"),
    "beyond": ((10, 10, 40, WIDTH + 3), "reaches beyond the photograph of 60 by 80"),
    "before": ((-3, 10, 40, 50), "reaches beyond"),
    "three": ((10, 10, 40), "four finite numbers"),
    "words": (("a", "b", "c", "d"), "four finite numbers"),
    "not a number": ((10, 10, float("nan"), 40), "four finite numbers"),
    "infinite": ((10, 10, float("inf"), 40), "four finite numbers"),
    "small": ((10, 10, 40, 17), "too small, 30 by 7 pixels"),
    "a number": (7, "four finite numbers"),
}


@pytest.mark.parametrize(("box", "complaint"), BAD_BOXES.values(), ids=BAD_BOXES)
def test_a_bad_box_is_refused(box, complaint):
    with pytest.raises(ValueError, match=complaint):
        from_box(IMAGE, box)


def test_a_box_may_reach_over_the_border_by_two_pixels():
    mask = disc(14, 14, 12)
    assert from_box(photograph(mask), (-2, -2, 28, 28)).mask.any()


def test_a_thing_cut_off_by_the_border_is_refused():
    mask = disc(30, 4, 12)
    with pytest.raises(ValueError, match="border cuts off"):
        from_box(photograph(mask), (17, 0, 43, 17))
    with pytest.raises(ValueError, match="border cuts off"):
        from_mask(photograph(mask), mask)


def test_a_box_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"box \(10, 10, 40, 50\) shows no contrast"):
        from_box(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), (10, 10, 40, 50))


def test_a_box_inside_of_a_thing_is_refused():
    stripes = np.where(np.indices((HEIGHT, WIDTH))[1:].transpose(1, 2, 0) % 2, np.uint8(90), np.uint8(140))
    with pytest.raises(ValueError, match=r"box \(13, 13, 30, 30\) .*give a mask"):
        from_box(stripes, (13, 13, 30, 30))


# Masks


def test_a_mask_is_taken_as_it_is():
    mask = blob(10, 20, 30, 50) & ~blob(15, 25, 20, 30)
    cutout = from_mask(photograph(mask), mask.astype(np.uint8) * 255, "window")
    assert np.array_equal(cutout.mask, np.pad(mask[10:30, 20:50], 2))
    assert np.array_equal(np.unique(cutout.pixels[:, :, 3]), [0, 255])
    assert (cutout.around == GREEN).all()
    # Nothing of the ground is left beneath what is transparent.
    assert (cutout.pixels[:, :, :3] == RED).all()


@given(st.integers(1, 40), st.integers(1, 60), st.integers(8, 18), st.integers(8, 18))
@settings(deadline=None, max_examples=30)
def test_a_cutout_is_the_box_of_its_mask_and_a_margin(y, x, h, w):
    mask = blob(y, x, y + h, x + w)
    cutout = from_mask(photograph(mask), mask)
    assert cutout.pixels.shape == (h + 4, w + 4, 4) and cutout.pixels.dtype == np.uint8
    assert cutout.mask.sum() == h * w
    assert cutout.around.shape[1] == 3 and len(cutout.around) <= 256


BAD_MASKS = {
    "another size": (np.ones((5, 5), bool), r"shape \(5, 5\), its photograph \(60, 80\)"),
    "several": (np.ones((HEIGHT, WIDTH, 2), bool), "they must agree"),
    "empty": (blob(0, 0, 0, 0), "empty"),
    "small": (blob(10, 10, 40, 17), "too small"),
    "words": (np.full((HEIGHT, WIDTH), "x"), "dtype"),
    "border": (blob(40, 40, 60, 70), "border cuts off"),
}


@pytest.mark.parametrize(("mask", "complaint"), BAD_MASKS.values(), ids=BAD_MASKS)
def test_a_bad_mask_is_refused(mask, complaint):
    with pytest.raises(ValueError, match=complaint):
        from_mask(IMAGE, mask)


def test_a_mask_without_contrast_is_refused():
    with pytest.raises(ValueError, match="no contrast"):
        from_mask(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), DISC)


@pytest.mark.parametrize("name", ["coin", "pièce d'or", "硬币", "2 euro", " cat "])
def test_names(name):
    assert from_mask(IMAGE, DISC, name).name == name.strip()


@pytest.mark.parametrize("name", ["", " ", "12", "a\nb", "a\x00", "BG", None, 7])
def test_bad_names_are_refused(name):
    with pytest.raises(ValueError, match="The name"):
        from_mask(IMAGE, DISC, name)


# Transparency


def test_the_opaque_part_of_a_picture():
    pixels = np.dstack([IMAGE, DISC * np.uint8(255)])
    cutout = from_rgba(pixels, "ball")
    assert np.array_equal(cutout.mask, np.pad(DISC[18:43, 28:53], 2))
    assert cutout.around.shape == (0, 3)
    assert (cutout.pixels[:, :, :3] == RED).all()


@pytest.mark.parametrize(
    ("pixels", "complaint"),
    [
        (np.dstack([IMAGE, np.full(DISC.shape, 255, np.uint8)]), "opaque all over"),
        (np.dstack([IMAGE, np.zeros(DISC.shape, np.uint8)]), "transparent all over"),
        (np.dstack([IMAGE, blob(3, 3, 9, 40) * np.uint8(255)]), "too small"),
        (IMAGE, r"\(H, W, 4\) uint8"),
        (np.ones((20, 20, 4)), r"\(H, W, 4\) uint8"),
    ],
)
def test_other_pictures_are_refused(pixels, complaint):
    with pytest.raises(ValueError, match=complaint):
        from_rgba(pixels)


# Several


def test_several_examples_and_their_names():
    both = disc(20, 20, 10) | disc(35, 60, 12)
    image = photograph(both)
    masks = np.stack([disc(20, 20, 10), disc(35, 60, 12)], axis=-1)
    cutouts = cut_out(image, boxes=[(9, 9, 32, 32)], masks=masks, name=["one", "two", "three"])
    assert [cutout.name for cutout in cutouts] == ["one", "two", "three"]
    assert cut_out(image, masks=masks, name="x")[1].mask.sum() == masks[:, :, 1].sum()


@pytest.mark.parametrize(
    ("given_", "complaint"),
    [
        ({}, "no example"),
        ({"boxes": []}, "no example"),
        ({"boxes": [(1, 1, 20, 20)] * 201}, "201 examples: at most 200"),
        ({"boxes": [(17, 27, 44, 54), (30, 1, 10, 20)]}, r"Example 2 of 2: The box \(30, 1, 10, 20\)"),
        ({"masks": DISC}, r"give \(H, W, N\)"),
        ({"boxes": [(17, 27, 44, 54)], "name": ["a", "b"]}, "1 examples and 2 names"),
    ],
)
def test_bad_examples_are_told_by_their_number(given_, complaint):
    with pytest.raises(ValueError, match=complaint):
        cut_out(IMAGE, **given_)


def test_a_sheet_shows_every_cutout():
    cutout = from_mask(IMAGE, DISC, "a thing with a rather long name")
    one, nine = sheet([cutout]), sheet([cutout] * 9)
    assert one.dtype == np.uint8 and one.shape[2] == 3
    assert nine.shape == (2 * one.shape[0], 8 * one.shape[1], 3)
    assert (one == RED).all(axis=2).sum() > 0.1 * one.shape[0] * one.shape[1]
    with pytest.raises(ValueError, match="no cut-out"):
        sheet([])


# Files


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def test_a_file_with_transparency(tmp_path):
    path = save(tmp_path / "ball.png", np.dstack([IMAGE, DISC * np.uint8(255)])[10:50, 20:60])
    (cutout,) = read_examples(path, IMAGE, "ball")
    assert cutout.name == "ball" and cutout.mask.sum() == DISC.sum()


@pytest.mark.parametrize("bright", [1, 200, 255])
def test_a_black_and_white_file(tmp_path, bright):
    path = save(tmp_path / "mask.png", DISC * np.uint8(bright))
    (cutout,) = read_examples(path, IMAGE)
    assert cutout.name == "thing" and cutout.mask.sum() == DISC.sum()


def test_a_mask_with_soft_edges(tmp_path):
    path = tmp_path / "mask.jpg"
    Image.fromarray(DISC * np.uint8(255)).save(path, quality=85)
    (cutout,) = read_examples(path, IMAGE)
    assert abs(int(cutout.mask.sum()) - DISC.sum()) < 40


@pytest.mark.parametrize("levels", [(1, 2, 3), (1, 3, 7), (85, 170, 255)])
def test_a_label_map(tmp_path, levels):
    discs = [disc(15, 15, 8), disc(15, 60, 10), disc(45, 40, 11)]
    labels = np.sum([level * mask for level, mask in zip(levels, discs, strict=True)], axis=0)
    path = save(tmp_path / "labels.png", labels.astype(np.uint8))
    cutouts = read_examples(path, photograph(labels > 0), "ball")
    assert [cutout.mask.sum() for cutout in cutouts] == [mask.sum() for mask in discs]


COCO = {
    "images": [{"id": 1, "file_name": "a.png"}],
    "categories": [{"id": 4, "name": "ball"}, {"id": 9, "name": "box"}],
    "annotations": [
        {"id": 5, "image_id": 1, "category_id": 9, "segmentation": [[20, 10, 50, 10, 50, 30, 20, 30]]},
        {"id": 6, "image_id": 1, "category_id": 4, "segmentation": [[60, 40, 75, 40, 75, 55, 60, 55]]},
    ],
}
SCENE = photograph(blob(10, 20, 30, 50) | blob(40, 60, 55, 75))


def write(path, contents):
    path.write_text(contents if isinstance(contents, str) else json.dumps(contents))
    return path


def test_a_coco_json(tmp_path):
    path = write(tmp_path / "coco.json", COCO)
    cutouts = read_examples(path, SCENE)
    assert [cutout.name for cutout in cutouts] == ["box", "ball"]
    assert [cutout.mask.sum() for cutout in cutouts] == [600, 225]
    assert [cutout.name for cutout in read_examples(path, SCENE, "x")] == ["x", "x"]
    scaled = COCO | {"images": [COCO["images"][0] | {"width": 2 * WIDTH, "height": 2 * HEIGHT}]}
    with pytest.raises(ValueError, match=f"{2 * WIDTH} × {2 * HEIGHT} pixels.*has {WIDTH} × {HEIGHT}: was"):
        read_examples(write(path, scaled), SCENE)


def test_a_coco_json_with_runs(tmp_path):
    runs = np.diff(np.flatnonzero(np.diff(DISC.T.ravel().astype(int), prepend=0, append=0)), prepend=0)
    counts = [*runs.tolist(), HEIGHT * WIDTH - int(runs.sum())]
    rle = {"size": [HEIGHT, WIDTH], "counts": counts}
    contents = COCO | {"annotations": [{"image_id": 1, "category_id": 4, "segmentation": rle}]}
    (cutout,) = read_examples(write(tmp_path / "coco.json", contents), IMAGE)
    assert cutout.mask.sum() == DISC.sum()


def test_of_several_pictures_that_of_the_photograph_is_taken(tmp_path):
    images = [{"id": 1, "file_name": "photos/a.png"}, {"id": 2, "file_name": "b.png"}]
    path = write(tmp_path / "coco.json", COCO | {"images": images})
    assert len(read_examples(path, save(tmp_path / "a.png", SCENE))) == 2
    with pytest.raises(ValueError, match="no example"):
        read_examples(path, save(tmp_path / "b.png", SCENE))
    with pytest.raises(ValueError, match="2 pictures .*a.png, b.png.*by its path"):
        read_examples(path, SCENE)
    with pytest.raises(ValueError, match="0 of them is called c.png"):
        read_examples(path, save(tmp_path / "c.png", SCENE))


def region(shape, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


SQUARE = {"name": "polygon", "all_points_x": [20, 50, 50, 20], "all_points_y": [10, 10, 30, 30]}
SHAPES = [
    region(SQUARE, name="box", colour="red"),
    region({"name": "rect", "x": 20, "y": 10, "width": 30, "height": 20}, Type="box"),
    region({"name": "circle", "cx": 40, "cy": 30, "r": 10}, what="box"),
    region({"name": "ellipse", "cx": 40, "cy": 30, "rx": 20, "ry": 5, "theta": np.pi / 2}, a="b", c="d"),
]


def via(regions, project=True):
    pictures = {"a.png123": {"filename": "a.png", "size": 123, "regions": regions}}
    return {"_via_settings": {}, "_via_img_metadata": pictures} if project else pictures


@pytest.mark.parametrize("project", [True, False])
def test_a_via_json(tmp_path, project):
    cutouts = read_examples(write(tmp_path / "via.json", via(SHAPES, project)), IMAGE)
    assert [cutout.name for cutout in cutouts] == ["box", "box", "box", "thing"]
    areas = [cutout.mask.sum() for cutout in cutouts]
    assert areas[:2] == [600, 600]
    assert areas[2:] == pytest.approx([100 * np.pi] * 2, rel=0.05)
    height, width = cutouts[3].mask.shape
    assert height > 3 * (width - 4)


def test_what_is_unfit_in_a_file_is_left_out_with_a_warning(tmp_path):
    line = region(SQUARE | {"all_points_x": [1, 5], "all_points_y": [1, 5]})
    border = region({"name": "rect", "x": 0, "y": 10, "width": 30, "height": 20})
    with pytest.warns(UserWarning) as told:
        cutouts = read_examples(write(tmp_path / "via.json", via([SHAPES[0], line, border])), SCENE)
    assert len(cutouts) == 1
    texts = [str(warning.message) for warning in told]
    assert any("annotation 2: " in text and "three points" in text for text in texts)
    assert any("annotation 3: " in text and "border cuts off" in text for text in texts)


OUTSIDE = SQUARE | {"all_points_x": [200, 250, 250, 200]}
BAD_FILES = {
    "no JSON": ("{", "damaged"),
    "another JSON": ({"features": [{}]}, "neither a COCO JSON nor"),
    "a list": ("[1, 2]", "neither a COCO JSON nor"),
    "nothing": ("{}", "neither a COCO JSON nor"),
    "no polygons": (via([]), "no example"),
    "no annotations": (COCO | {"annotations": []}, "no example"),
    "outside": (via([region(OUTSIDE)]), "no example that is fit.*covers no pixel"),
    "a point": (via([region({"name": "point", "cx": 3, "cy": 3})]), "no example that is fit"),
    "unequal": (via([region(SQUARE | {"all_points_x": [1]})]), "not as it must be"),
    "no shape": (via([{}]), "not as it must be.*shape_attributes"),
    "no images": ({"annotations": []}, "not as it must be.*images"),
    "too many": (via(SHAPES * 51), "204 examples"),
}


@pytest.mark.filterwarnings("ignore:Annotation")
@pytest.mark.parametrize(("contents", "complaint"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_annotations_are_told(tmp_path, contents, complaint):
    with pytest.raises(ValueError, match=f"bad.json.*{complaint}"):
        read_examples(write(tmp_path / "bad.json", contents), SCENE)


def test_bad_pictures_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.png"):
        read_examples(tmp_path / "none.png", IMAGE)
    with pytest.raises(ValueError, match="is not a picture"):
        read_examples(write(tmp_path / "text.png", "hello"), IMAGE)
    with pytest.raises(ValueError, match="40 × 30 pixels and the photograph 80 × 60"):
        read_examples(save(tmp_path / "small.png", np.zeros((30, 40), np.uint8)), IMAGE)
    with pytest.raises(ValueError, match="no example"):
        read_examples(save(tmp_path / "black.png", np.zeros((HEIGHT, WIDTH), np.uint8)), IMAGE)
    with pytest.raises(ValueError, match="examples: at most"):
        noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        read_examples(save(tmp_path / "noise.png", noise), IMAGE)
    with pytest.raises(ValueError, match="The name"):
        read_examples(save(tmp_path / "mask.png", DISC * np.uint8(255)), IMAGE, "BG")


def test_a_good_file_is_read_without_a_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert len(read_examples(write(tmp_path / "via.json", via(SHAPES)), IMAGE)) == 4

"""Pictures in, masks out: against the reference, scikit-image and SciPy, and with bad input."""

import json
import random
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy import ndimage
from skimage import transform

from mrcnn import images

CONFIG = SimpleNamespace(MEAN_PIXEL=np.array([123.7, 116.8, 103.9]))
LENGTHS = st.integers(1, 40)


def waves(height, width):
    """The picture that the goldens describe by a formula."""
    y, x, k = np.mgrid[:height, :width, :3]
    return (127 + 90 * np.sin(y / 9 + k) + 30 * np.cos(x / (11 + 3 * k))).astype(np.uint8)


def unpack(bits, height):
    return np.unpackbits(bits, axis=0)[:height]


def photograph(height=24, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# Against the reference


@pytest.mark.parametrize("case", range(7))
def test_resize_image_and_mask_as_the_reference(golden, case):
    known = golden("resize")
    arguments = json.loads(str(known[f"in_args{case}"]))
    shape = arguments.pop("shape")
    image = known[f"in_image{case}"]
    image = waves(*shape) if image.dtype.kind == "U" else image

    resized, window, scale, padding, crop = images.resize_image(image, **arguments)

    assert resized.shape == tuple(known[f"out_shape{case}"])
    assert resized.dtype == known[f"out_dtype{case}"]
    difference = resized[::5, ::5].astype(int) - known[f"out_every_5th{case}"]
    assert np.abs(difference).max() <= 1
    assert np.mean(difference != 0) < 1e-3
    np.testing.assert_array_equal(window, known[f"out_window{case}"])
    assert scale == pytest.approx(known[f"out_scale{case}"])
    np.testing.assert_array_equal(padding, known[f"out_padding{case}"])
    assert crop is None

    mask = images.resize_mask(unpack(known[f"in_mask{case}"], shape[0]), scale, padding, crop)
    assert mask.shape[:2] == resized.shape[:2]
    np.testing.assert_array_equal(mask, unpack(known[f"out_mask{case}"], mask.shape[0]))


def test_mini_masks_as_the_reference(golden):
    known = golden("mini_masks")
    height = known["in_shape"][0]
    masks, boxes = unpack(known["in_masks"], height), known["in_boxes"]
    mini = images.minimize_mask(boxes, masks, (56, 56))
    assert mini.dtype == bool
    np.testing.assert_array_equal(mini, known["out_mini"])
    expanded = images.expand_mask(boxes, known["out_mini"], known["in_shape"])
    np.testing.assert_array_equal(expanded, unpack(known["out_expanded"], height))


def test_unmold_masks_as_the_reference(golden):
    known = golden("unmold_mask")
    masks, boxes, shape = known["in_masks"], known["in_boxes"], tuple(known["in_shape"])
    full = images.unmold_masks(masks, boxes, shape)
    assert full.dtype == bool
    assert full.shape == (*shape, len(masks))
    wrong = (full != unpack(known["out"], shape[0])).sum(axis=(0, 1))
    assert wrong.max() <= 4
    one = images.unmold_mask(masks[2], boxes[2], (*shape, 3))
    np.testing.assert_array_equal(one, full[:, :, 2])


def test_extract_bboxes_as_the_reference(golden):
    known = golden("extract_bboxes")
    boxes = images.extract_bboxes(known["in_masks"])
    assert boxes.dtype == np.int32
    np.testing.assert_array_equal(boxes, known["out"])


def test_molding_and_meta_as_the_reference(golden):
    known = golden("mold_and_meta")
    molded = images.mold_image(known["in_image"], CONFIG)
    assert molded.dtype == np.float32
    np.testing.assert_allclose(molded, known["out_mold"], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(images.unmold_image(molded, CONFIG), known["out_unmold"])

    meta = images.compose_image_meta(**json.loads(str(known["in_meta"])))
    np.testing.assert_array_equal(meta, known["out_meta"])
    parsed = images.parse_image_meta(meta[None])
    assert len(parsed) == 6
    for key, values in parsed.items():
        np.testing.assert_array_equal(values, known[f"out_parse_{key}"])
        assert values.dtype == known[f"out_parse_{key}"].dtype, key


# Against scikit-image and SciPy


@given(
    image=arrays.arrays(
        st.sampled_from([np.uint8, np.float32, np.float64, np.int16]),
        st.one_of(st.tuples(LENGTHS, LENGTHS), st.tuples(LENGTHS, LENGTHS, st.integers(1, 6))),
        elements=st.integers(0, 100),
    ),
    height=LENGTHS,
    width=LENGTHS,
)
@settings(max_examples=150, deadline=None)
def test_resize_equals_scikit_image(image, height, width):
    if image.dtype.kind != "u":
        image = image - image.dtype.type(50)
    options = {"order": 1, "mode": "constant", "preserve_range": True, "anti_aliasing": False}
    expected = transform.resize(image, (height, width), **options)
    resized = images.resize(image, (height, width), preserve_range=True)
    # Integers are cut to whole grey levels afterwards, so they must be the same to the last bit.
    np.testing.assert_allclose(resized, expected, rtol=0, atol=0 if image.dtype.kind in "ui" else 2e-4)


def test_resize_leaves_other_options_to_scikit_image():
    image = photograph()
    for options in [{"order": 0}, {"anti_aliasing": True}, {"mode": "edge"}, {"cval": 0.5}]:
        options = {"order": 1, "mode": "constant", "anti_aliasing": False} | options
        expected = transform.resize(image, (11, 13), **options)
        np.testing.assert_allclose(images.resize(image, (11, 13), **options), expected)


def test_resize_brings_integers_to_0_1_unless_told_otherwise():
    image = np.full((4, 4), 255, np.uint8)
    np.testing.assert_allclose(images.resize(image, (2, 2)), 1)
    np.testing.assert_allclose(images.resize(image, (2, 2), preserve_range=True), 255)


def test_resize_takes_masks_of_many_objects():
    masks = np.random.default_rng(0).random((12, 9, 600)) > 0.5
    resized = images.resize(masks, (20, 31))
    assert resized.shape == (20, 31, 600)
    np.testing.assert_array_equal(resized[:, :, 577], images.resize(masks[:, :, 577], (20, 31)))


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    longest=st.integers(1, 400),
)
@settings(max_examples=150, deadline=None)
def test_resize_mask_equals_scipy_to_the_pixel(height, width, longest):
    scale = longest / max(height, width)
    assume(min(round(height * scale), round(width * scale)) >= 1)
    labels = np.arange(1, height * width + 1).reshape(height, width, 1)
    labels = np.concatenate([labels, labels[::-1]], axis=2)
    expected = ndimage.zoom(labels, zoom=[scale, scale, 1], order=0)
    resized = images.resize_mask(labels, scale, [(0, 0), (0, 0), (0, 0)])
    np.testing.assert_array_equal(resized, expected)


@pytest.mark.parametrize(("before", "after"), [(4, 188), (8, 26), (8, 44)])
def test_resize_mask_loses_the_last_line_where_scipy_does(before, after):
    # Rounding puts SciPy's last sample beyond the last pixel.
    scale = after / before
    assert ndimage.zoom(np.ones(before), scale, order=0)[-1] == 0
    mask = images.resize_mask(np.ones((before, before, 1), bool), scale, [(0, 0)] * 3)
    assert mask.shape == (after, after, 1)
    assert not mask[-1].any() and not mask[:, -1].any() and mask[:-1, :-1].all()


@given(arrays.arrays(bool, st.tuples(LENGTHS, LENGTHS, st.integers(0, 4))))
@settings(max_examples=60, deadline=None)
def test_extract_bboxes_are_tight(masks):
    boxes = images.extract_bboxes(masks)
    assert boxes.shape == (masks.shape[2], 4)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        rows, columns = np.nonzero(masks[:, :, i])
        if rows.size:
            tight = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
            assert (y1, x1, y2, x2) == tight
        else:
            assert (y1, x1, y2, x2) == (0, 0, 0, 0)


# Sizes


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    mode=st.sampled_from(["none", "square", "pad64", "crop"]),
    min_dim=st.sampled_from([None, 64, 128]),
    min_scale=st.sampled_from([None, 0.5, 2]),
)
@settings(max_examples=100, deadline=None)
def test_resize_image_tells_the_truth(height, width, mode, min_dim, min_scale):
    assume(min_dim or mode != "crop")
    image = np.full((height, width, 3), 200, np.uint8)
    resized, (y1, x1, y2, x2), scale, padding, crop = images.resize_image(
        image, min_dim, 100, min_scale, mode, random.Random(0)
    )
    outside = np.ones(resized.shape[:2], bool)
    outside[y1:y2, x1:x2] = False
    assert not resized[outside].any()
    assert (resized[~outside] >= 199).all()
    if mode == "none":
        assert resized is image and scale == 1
    if mode == "square":
        assert resized.shape == (100, 100, 3)
    if mode == "pad64":
        assert resized.shape[0] % 64 == resized.shape[1] % 64 == 0
        assert not min_dim or min(y2 - y1, x2 - x1) >= min_dim
    if mode == "crop":
        assert resized.shape == (min_dim, min_dim, 3)
    mask = images.resize_mask(np.ones((height, width, 1), bool), scale, padding, crop)
    assert mask.shape[:2] == resized.shape[:2]
    assert not mask[outside].any()


def test_crop_is_cut_from_the_same_place_in_picture_and_mask():
    image = np.zeros((100, 140, 3), np.uint8)
    image[40:, 70:] = 255
    seen = set()
    for seed in range(5):
        rng = random.Random(seed)
        cut, window, scale, padding, crop = images.resize_image(image, 64, mode="crop", rng=rng)
        assert window == (0, 0, 64, 64) and scale == 1
        y, x = crop[:2]
        np.testing.assert_array_equal(cut, image[y : y + 64, x : x + 64])
        mask = images.resize_mask(image[:, :, :1] > 0, scale, padding, crop)
        np.testing.assert_array_equal(mask[:, :, 0], cut[:, :, 0] > 0)
        seen.add((y, x))
    assert len(seen) == 5
    random.seed(4)
    first = images.resize_image(image, 64, mode="crop")[4]
    random.seed(4)
    assert images.resize_image(image, 64, mode="crop")[4] == first


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1)])
def test_thin_pictures_keep_at_least_one_pixel(shape):
    image = np.full((*shape, 3), 90, np.uint8)
    resized, window, scale, padding, _ = images.resize_image(image, 800, 1024)
    assert resized.shape == (1024, 1024, 3)
    y1, x1, y2, x2 = window
    assert y2 > y1 and x2 > x1
    assert (resized[y1:y2, x1:x2] == 90).all()
    mask = images.resize_mask(np.ones((*shape, 1), bool), scale, padding)
    assert mask.shape == (1024, 1024, 1)
    assert mask[y1:y2, x1:x2].all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": "sqare", "max_dim": 64}, "'sqare'"),
        ({"mode": "square"}, "max_dim"),
        ({"mode": "crop"}, "min_dim"),
        ({"mode": "pad64", "min_dim": 100}, "multiple of 64, not 100"),
    ],
)
def test_resize_image_refuses_what_it_cannot_do(arguments, words):
    with pytest.raises(ValueError, match=words):
        images.resize_image(photograph(), **arguments)


# Masks


def test_unmold_masks_at_and_over_the_border():
    masks = np.ones((6, 28, 28), np.float32)
    boxes = np.array(
        [
            [-5, -5, 10, 10],  # over a corner
            [30, 40, 60, 80],  # over the opposite corner
            [-9, -9, 60, 80],  # all of the picture
            [50, 60, 70, 80],  # beside it
            [5, 5, 5, 20],  # without height
            [20, 20, 10, 30],  # upside down
        ]
    )
    full = images.unmold_masks(masks, boxes, (40, 50, 3))
    expected = np.zeros((40, 50, 6), bool)
    expected[:10, :10, 0] = True
    expected[30:, 40:, 1] = True
    expected[:, :, 2] = True
    np.testing.assert_array_equal(full, expected)


def test_a_mask_over_the_border_is_cut_not_squeezed():
    mask = np.zeros((28, 28), np.float32)
    mask[:, 14:] = 1
    full = images.unmold_mask(mask, (0, -20, 40, 20), (40, 50))
    assert full[:, :20].all() and not full[:, 20:].any()


def test_no_masks():
    assert images.unmold_masks(np.zeros((0, 28, 28)), np.zeros((0, 4), int), (9, 8)).shape == (
        9,
        8,
        0,
    )
    assert images.extract_bboxes(np.zeros((9, 8, 0), bool)).shape == (0, 4)


def test_unmold_masks_lie_mask_by_mask():
    full = images.unmold_masks(np.ones((3, 4, 4)), np.tile([0, 0, 5, 5], (3, 1)), (9, 8))
    assert full[:, :, 1].flags.c_contiguous


def test_mini_masks_there_and_back():
    y, x = np.mgrid[:120, :160]
    disc = (y - 60) ** 2 + (x - 90) ** 2 < 40**2
    masks = np.stack([disc, ~disc], axis=2)
    boxes = images.extract_bboxes(masks)
    back = images.expand_mask(boxes, images.minimize_mask(boxes, masks, (56, 56)), (120, 160, 3))
    assert np.mean(back != masks) < 0.01


def test_minimize_mask_refuses_a_box_without_area():
    with pytest.raises(ValueError, match=r"Box 1, \(3, 3, 3, 9\)"):
        images.minimize_mask(np.array([[0, 0, 5, 5], [3, 3, 3, 9]]), np.ones((20, 20, 2), bool), (56, 56))


def test_unmold_image_undoes_mold_image_for_every_level():
    levels = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(16, 16, 3)
    np.testing.assert_array_equal(images.unmold_image(images.mold_image(levels, CONFIG), CONFIG), levels)


# Any picture


def test_as_rgb_does_not_copy_a_proper_array():
    image = photograph()
    image.setflags(write=False)
    assert np.shares_memory(images.as_rgb(image), image)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 3), 7, np.uint8), 7),
        (np.full((2, 3, 1), 7, np.uint8), 7),
        (np.full((2, 3, 4), 7, np.uint8), 7),
        (np.full((2, 3), True), 255),
        (np.full((2, 3, 3), 65535, np.uint16), 255),
        (np.full((2, 3, 3), 255, np.uint16), 1),
        (np.full((2, 3, 3), 200, np.int64), 200),
        (np.full((2, 3, 3), 25700, np.int32), 100),
        (np.full((2, 3, 3), 0.5, np.float32), 128),
        (np.full((2, 3, 3), 1 + 1e-6), 255),
        (np.full((2, 3, 3), 200.4), 200),
        (np.full((2, 3, 3), 0.5, np.float16), 128),
        (np.full((2, 3, 3), -1e-7), 0),
    ],
)
def test_as_rgb_of_arrays(array, expected):
    rgb = images.as_rgb(array)
    assert rgb.shape == (2, 3, 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert (rgb == expected).all()


def test_as_rgb_of_views_lists_and_read_only_arrays():
    image = photograph()
    for view in [image[::-1], image[:, ::2], image.transpose(1, 0, 2), np.asfortranarray(image)]:
        before = view.copy()
        view.setflags(write=False)
        rgb = images.as_rgb(view)
        assert rgb.flags.c_contiguous
        np.testing.assert_array_equal(rgb, before)
    np.testing.assert_array_equal(images.as_rgb(image.tolist()), image)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((0, 5, 3), np.uint8), "no pixels"),
        (np.zeros((5, 0), np.uint8), "no pixels"),
        (np.zeros(5, np.uint8), r"shape \(5,\)"),
        (np.zeros((1, 5, 5, 3), np.uint8), "one by one"),
        (np.zeros((5, 5, 2), np.uint8), "channels come last"),
        (np.zeros((3, 5, 5), np.uint8), "channels come last"),
        (np.array([[0.5, np.nan]]), "NaN"),
        (np.array([[0.5, np.inf]]), "NaN or infinite"),
        (np.array([[-1.0, 1.0]]), "from -1 to 1"),
        (np.array([[0.0, 300.0]]), "from 0 to 300"),
        (np.array([[-1, 5]]), "from -1 to 5"),
        (np.array([[0, 70000]]), "from 0 to 70000"),
        (np.array([[1j]]), "complex128"),
        (np.array([["a"]]), "dtype"),
        (None, "shape"),
    ],
)
def test_as_rgb_refuses_arrays_that_are_no_picture(array, words):
    with pytest.raises(ValueError, match=words):
        images.as_rgb(array)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
@pytest.mark.parametrize("as_type", [str, lambda path: path, Image.open])
def test_as_rgb_of_files_and_pillow_images(tmp_path, suffix, as_type):
    image = photograph()
    path = tmp_path / f"größe 1.{suffix}"
    Image.fromarray(image).save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(images.as_rgb(as_type(path)), image)


MODES = {
    "1": (255, 255, 255),
    "L": (200, 200, 200),
    "LA": (200, 200, 200),
    "P": (10, 20, 30),
    "PA": (10, 20, 30),
    "RGB": (10, 20, 30),
    "RGBA": (10, 20, 30),
    "CMYK": (200, 200, 200),
    "YCbCr": (200, 200, 200),
    "HSV": (200, 200, 200),
    "I;16": (100, 100, 100),
    "I;16B": (100, 100, 100),
    "I": (100, 100, 100),
    "F": (128, 128, 128),
}
PIXELS = {
    "1": 1,
    "L": 200,
    "LA": (200, 255),
    "P": 1,
    "PA": (1, 255),
    "RGBA": (10, 20, 30, 0),
    "CMYK": (55, 55, 55, 0),
    "YCbCr": (200, 128, 128),
    "HSV": (0, 0, 200),
    "I;16": 25700,
    "I;16B": 25700,
    "I": 25700,
    "F": 0.5,
}


@pytest.mark.parametrize("mode", MODES)
def test_as_rgb_of_every_mode(mode):
    image = Image.new(mode, (5, 4), PIXELS.get(mode, (10, 20, 30)))
    if mode in ("P", "PA"):
        image.putpalette([0, 0, 0, 10, 20, 30])
    rgb = images.as_rgb(image)
    assert rgb.shape == (4, 5, 3)
    assert (rgb == MODES[mode]).all()


def test_as_rgb_of_16_bit_png(tmp_path):
    levels = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    path = tmp_path / "deep.png"
    Image.fromarray(levels).save(path)
    np.testing.assert_array_equal(images.as_rgb(path)[:, :, 0].ravel(), np.arange(256))


def test_as_rgb_turns_a_picture_as_the_camera_was_held(tmp_path):
    image = photograph(20, 30)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    path = tmp_path / "turned.png"
    Image.fromarray(image).save(path, exif=exif)
    np.testing.assert_array_equal(images.as_rgb(path), np.rot90(image, -1))
    np.testing.assert_array_equal(images.as_rgb(path, upright=False), image)


def test_as_rgb_takes_the_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "lime", "blue")]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    rgb = images.as_rgb(path)
    assert (rgb == (255, 0, 0)).all()


def test_as_rgb_of_a_transparent_palette(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    path = tmp_path / "transparent.png"
    image.save(path, transparency=1)
    assert (images.as_rgb(path) == (10, 20, 30)).all()


def truncated_jpeg(path):
    Image.fromarray(photograph(200, 200)).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:2000])


def truncated_png(path):
    Image.fromarray(photograph(200, 200)).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:2000])


def header_only(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.touch(), "empty"),
        (lambda path: path.write_text("<html>404</html>"), "not a picture"),
        (lambda path: path.mkdir(), "folder"),
        (header_only, "not a picture|cannot be decoded"),
        (truncated_jpeg, "cannot be decoded"),
        (truncated_png, "cannot be decoded"),
    ],
)
def test_as_rgb_of_bad_files(tmp_path, damage, words):
    path = tmp_path / "photo.jpg"
    damage(path)
    with pytest.raises(ValueError, match=words) as caught:
        images.as_rgb(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_as_rgb_of_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="photo.jpg: no such file"):
        images.as_rgb(tmp_path / "photo.jpg")


@pytest.mark.parametrize("limit", [100, 60])  # where Pillow warns, and where it refuses
def test_as_rgb_keeps_to_the_limit_of_pillow(tmp_path, monkeypatch, limit):
    path = tmp_path / "bomb.png"
    Image.new("L", (15, 10)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match=f"more than the {limit} pixels"):
            images.as_rgb(path)
    assert not seen
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150)
    assert images.as_rgb(path).shape == (10, 15, 3)


def test_as_rgb_of_one_pixel_and_of_very_wide_files(tmp_path):
    for shape in [(1, 1), (1, 4000), (3, 20000)]:
        path = tmp_path / "thin.png"
        Image.fromarray(photograph(*shape)).save(path)
        np.testing.assert_array_equal(images.as_rgb(path), photograph(*shape))


# Pictures that are no grey levels, and masks to the pixel


def test_a_molded_picture_is_taken_as_it_is_and_told_of():
    picture = images.mold_image(np.full((4, 5, 3), 9, np.uint8), CONFIG)
    with pytest.warns(UserWarning, match=r"float32 values from -114.7 to -94.9, no grey levels"):
        assert images.as_pixels(picture, 3) is picture
    picture[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        images.as_pixels(picture, 3)


@pytest.mark.parametrize("mini_shape", [(56, 56), (28, 28), (20, 33)])
def test_mini_masks_are_scikit_image_s_to_the_pixel(mini_shape):
    """Also where a value is one half, but for rounding: there, pixels and whole rows hang on its last bit."""
    halves = np.zeros((55, 55), bool)
    halves[:28] = halves[:, :18] = True
    rows, columns = np.mgrid[:90, :70]
    rng = np.random.default_rng(0)
    masks = [halves]
    for _ in range(40):
        y, x, a, b, turn = rng.uniform([30, 25, 8, 8, 0], [60, 45, 25, 20, np.pi])
        along = (rows - y) * np.sin(turn) + (columns - x) * np.cos(turn)
        across = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
        masks.append((along / a) ** 2 + (across / b) ** 2 <= 1)
    options = {"order": 1, "mode": "constant", "anti_aliasing": False}
    for mask in masks:
        mask = mask[..., None]
        box = images.extract_bboxes(mask)
        y1, x1, y2, x2 = box[0]
        small = transform.resize(mask[y1:y2, x1:x2, 0].astype(float), mini_shape, **options)
        mini = images.minimize_mask(box, mask, mini_shape)
        np.testing.assert_array_equal(mini[..., 0], small > 0.5)
        large = transform.resize(mini[..., 0].astype(float), (y2 - y1, x2 - x1), **options)
        expanded = images.expand_mask(box, mini, mask.shape)
        np.testing.assert_array_equal(expanded[y1:y2, x1:x2, 0], large > 0.5)

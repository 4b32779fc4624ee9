"""Pictures on their way in: against the reference, scikit-image and SciPy, and of unfit sizes."""

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from skimage import transform

from mrcnn import images
from tests.pixels import photograph, unpack

CONFIG = SimpleNamespace(MEAN_PIXEL=np.array([123.7, 116.8, 103.9]))
LENGTHS = st.integers(1, 40)


def waves(height, width):
    """The picture that the goldens describe by a formula."""
    y, x, k = np.mgrid[:height, :width, :3]
    return (127 + 90 * np.sin(y / 9 + k) + 30 * np.cos(x / (11 + 3 * k))).astype(np.uint8)


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
        assert not np.shares_memory(cut, image)
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


def test_unmold_image_undoes_mold_image_for_every_level():
    levels = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(16, 16, 3)
    np.testing.assert_array_equal(images.unmold_image(images.mold_image(levels, CONFIG), CONFIG), levels)

"""Any picture as RGB: arrays, files, Pillow images, and bad ones."""

import warnings

import numpy as np
import pytest
from PIL import Image

from mrcnn.config import Config
from mrcnn.images import mold_image
from mrcnn.rgb import as_pixels, as_rgb
from tests.pixels import photograph


def test_as_rgb_does_not_copy_a_proper_array():
    image = photograph()
    image.setflags(write=False)
    assert np.shares_memory(as_rgb(image), image)


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
    rgb = as_rgb(array)
    assert rgb.shape == (2, 3, 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert (rgb == expected).all()


def test_as_rgb_of_views_lists_and_read_only_arrays():
    image = photograph()
    for view in [image[::-1], image[:, ::2], image.transpose(1, 0, 2), np.asfortranarray(image)]:
        before = view.copy()
        view.setflags(write=False)
        rgb = as_rgb(view)
        assert rgb.flags.c_contiguous
        np.testing.assert_array_equal(rgb, before)
    np.testing.assert_array_equal(as_rgb(image.tolist()), image)


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
        as_rgb(array)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
@pytest.mark.parametrize("as_type", [str, lambda path: path, Image.open])
def test_as_rgb_of_files_and_pillow_images(tmp_path, suffix, as_type):
    image = photograph()
    path = tmp_path / f"größe 1.{suffix}"
    Image.fromarray(image).save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(as_rgb(as_type(path)), image)


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
    rgb = as_rgb(image)
    assert rgb.shape == (4, 5, 3)
    assert (rgb == MODES[mode]).all()


def test_as_rgb_of_16_bit_png(tmp_path):
    levels = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    path = tmp_path / "deep.png"
    Image.fromarray(levels).save(path)
    np.testing.assert_array_equal(as_rgb(path)[:, :, 0].ravel(), np.arange(256))


def test_as_rgb_turns_a_picture_as_the_camera_was_held(tmp_path):
    image = photograph(20, 30)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    path = tmp_path / "turned.png"
    Image.fromarray(image).save(path, exif=exif)
    np.testing.assert_array_equal(as_rgb(path), np.rot90(image, -1))
    np.testing.assert_array_equal(as_rgb(path, upright=False), image)


def test_as_rgb_takes_the_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "lime", "blue")]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    rgb = as_rgb(path)
    assert (rgb == (255, 0, 0)).all()


def test_as_rgb_of_a_transparent_palette(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    path = tmp_path / "transparent.png"
    image.save(path, transparency=1)
    assert (as_rgb(path) == (10, 20, 30)).all()


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
        as_rgb(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_as_rgb_of_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="photo.jpg: no such file"):
        as_rgb(tmp_path / "photo.jpg")


@pytest.mark.parametrize("limit", [100, 60])  # where Pillow warns, and where it refuses
def test_as_rgb_keeps_to_the_limit_of_pillow(tmp_path, monkeypatch, limit):
    path = tmp_path / "bomb.png"
    Image.new("L", (15, 10)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match=f"more than the {limit} pixels"):
            as_rgb(path)
    assert not seen
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150)
    assert as_rgb(path).shape == (10, 15, 3)


def test_as_rgb_of_one_pixel_and_of_very_wide_files(tmp_path):
    for shape in [(1, 1), (1, 4000), (3, 20000)]:
        path = tmp_path / "thin.png"
        Image.fromarray(photograph(*shape)).save(path)
        np.testing.assert_array_equal(as_rgb(path), photograph(*shape))


def test_a_molded_picture_is_taken_as_it_is_and_told_of():
    picture = mold_image(np.full((4, 5, 3), 9, np.uint8), Config())
    with pytest.warns(UserWarning, match="under 0 or over 255, no grey levels"):
        assert as_pixels(picture, 3) is picture
    picture[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        as_pixels(picture, 3)


def test_measured_integers_are_not_scaled_picture_by_picture():
    """Hounsfield units, say, as programs stack them to three channels."""
    for low, high in ((0, 4095), (-1000, 200)):
        picture = np.linspace(low, high, 60).astype(np.int16).reshape(4, 5, 3)
        with pytest.warns(UserWarning, match="no grey levels"):
            assert as_pixels(picture, 3) is picture
    sixteen_bits = np.full((4, 5, 3), 25700, np.uint16)
    np.testing.assert_array_equal(as_pixels(sixteen_bits, 3), 100)
    np.testing.assert_array_equal(as_pixels(np.full((4, 5, 3), 200, np.int64), 3), 200)

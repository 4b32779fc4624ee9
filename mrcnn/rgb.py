"""Any picture, from a file, Pillow or an array, as red, green and blue: (H, W, 3) uint8."""

import os
import threading
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

# Python keeps one list of warning filters for all threads, so only one may change it at a time.
_WARNINGS = threading.Lock()

STRIP = 1024  # rows of pixels that are taken from Pillow at once
SLACK = 1e-3  # of grey levels in floats


def as_rgb(picture, upright=True):
    """Give any picture as an (H, W, 3) uint8 array of red, green and blue.

    Args:
        picture: a path, a Pillow image or an array.
            Files and Pillow images may have any mode; the camera's rotation (EXIF) is applied, and
            of an animation the first frame (of an open image: the current one) is taken.
            Arrays are (H, W), (H, W, 1), (H, W, 3) or (H, W, 4):
            uint8 as it is; bool as black and white; uint16 scaled from 0…65535; other integers
            as 8 bits when no value is over 255, else as 16 bits; floats from 0…1 when no value is
            over 1, else from 0…255.
            An alpha channel is dropped: the colours beneath it count.
        upright: False leaves files and Pillow images as they are stored, not turned as the camera says.

    Returns:
        (H, W, 3) uint8, C-contiguous. An array that is this already is not copied.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no picture, is damaged or is larger than Pillow's safety limit; the
            array has no pixels, another shape, or values that are no grey levels.
    """
    if isinstance(picture, (str, os.PathLike)):
        return _from_array(*_read(Path(picture), upright))
    if isinstance(picture, Image.Image):
        return _from_array(*_decode(picture, "the Pillow image", upright))
    return _from_array(np.asarray(picture), "the picture")


def as_pixels(picture, channels):
    """What a network for pictures of `channels` channels sees of one.

    Args:
        picture: for three channels as `as_rgb` takes it; else an array (H, W, channels) of any numbers.
            Of three channels, floats, and integers that are not uint16, with values under 0 or over 255 are
            taken as they are, as the original took them, with a warning: they are molded already, or
            measured in a unit of their own, which must not be scaled picture by picture.

    Returns:
        (H, W, channels).

    Raises:
        FileNotFoundError, ValueError: as of `as_rgb`; an array of another shape, without pixels, or with
            NaN or infinite values.
    """
    if channels == 3 and not _beyond_grey(picture):
        return as_rgb(picture)
    if np.ndim(picture) != 3 or np.shape(picture)[2] != channels:
        raise ValueError(
            f"The picture has shape {np.shape(picture)}; expected (height, width, {channels}), as "
            "config.IMAGE_CHANNEL_COUNT says."
        )
    picture = np.asarray(picture)
    if not (picture.size and np.isfinite(picture).all()):
        raise ValueError("The picture has no pixels, or NaN or infinite values; replace them, say by 0.")
    if channels == 3:
        warnings.warn(  # always in these words, so that Python says it once, not of every picture
            "A picture has values under 0 or over 255, no grey levels, and is taken as it is. Hand pictures "
            "over as they are read: their mean colour is taken off later.",
            stacklevel=2,
        )
    return picture


def _beyond_grey(picture):
    """Whether this is an array of three channels with values under 0 or over 255, other than uint16."""
    if not isinstance(picture, np.ndarray) or picture.shape[2:] != (3,):
        return False
    if picture.dtype.kind not in "fiu" or picture.dtype in (np.uint8, np.uint16):
        return False
    low, high = picture.min(initial=0), picture.max(initial=0)
    return bool(np.isfinite([low, high]).all() and not _in_range(low, high, "f"))


def _in_range(low, high, kind):
    """Whether these may be grey levels of a kind of dtype; floats overshoot by a hair when interpolated."""
    top, slack = (255, SLACK) if kind == "f" else (65535, 0)
    return low >= -slack and high <= top + slack


def _read(path, upright):
    """Open a picture file; gives its pixels as an array, and the file's name for errors."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; check its name and folder.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name the pictures in it one by one.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes); copy or download it again.")
    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path} has more than the {Image.MAX_IMAGE_PIXELS:,} pixels that Pillow takes for safe; "
            "make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except PermissionError as error:
        raise ValueError(f"{path} may not be read; change its permissions.") from error
    except Exception as error:  # damaged headers make Pillow raise errors of many kinds
        raise ValueError(f"{path} is not a picture that Pillow can read; save it as PNG or JPEG.") from error
    with image:
        return _decode(image, str(path), upright)


def _decode(image, name, upright):
    """Decode a Pillow image; gives its pixels as an array, and its name for errors."""
    try:
        image.load()  # some formats tell of the camera's rotation only at their end
        if upright and image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            image = ImageOps.exif_transpose(image)
        # Pillow would cut 16-bit, 32-bit and float pixels at 255: these are scaled as arrays.
        if image.mode.startswith(("I", "F")):
            return np.asarray(image), name
        return _rgb_pixels(image if image.mode == "RGB" else image.convert("RGB")), name
    except Exception as error:  # damaged pixel data makes Pillow raise errors of many kinds
        raise ValueError(
            f"{name} cannot be decoded ({error}); it may be cut short or damaged, "
            "so copy it again or save it anew as PNG."
        ) from error


def _rgb_pixels(image):
    """The pixels of an RGB image. All at once, `np.asarray` would take thrice their room on the way."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        pixels[top:bottom] = image.crop((0, top, image.width, bottom))
    return pixels


def _from_array(array, name):
    """Bring an array of any accepted shape and dtype to (H, W, 3) uint8."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        hint = "channels come last" if array.ndim == 3 else "pass pictures one by one"
        raise ValueError(
            f"{name} has shape {array.shape}; expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): {hint}."
        )
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, so no pixels; check how it was cut.")
    levels = _grey_levels(array, name)
    if channels == 1:
        levels = np.broadcast_to(levels.reshape(*levels.shape[:2], 1), (*levels.shape[:2], 3))
    return np.ascontiguousarray(levels[:, :, :3])


def _grey_levels(array, name):
    """Scale pixels of any dtype to uint8, as told in `as_rgb`; the shape stays."""
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return array
    if kind == "b":
        return array * np.uint8(255)
    if kind not in "uif":
        raise ValueError(f"{name} has dtype {array.dtype}; pixels are integers, floats or bool.")

    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} contains NaN or infinite values; replace them, say by 0.")
    if not _in_range(low, high, kind):
        raise ValueError(
            f"{name} has {array.dtype} values from {low:g} to {high:g}; "
            f"scale them to 0…255{' or 0…1' if kind == 'f' else ''} first."
        )
    if kind == "f":
        scale = 255.0 if high <= 1 + SLACK else 1.0
    else:
        scale = 1 / 257 if array.dtype == np.uint16 or high > 255 else 1.0
    return np.clip(np.rint(array * np.float32(scale)), 0, 255).astype(np.uint8)

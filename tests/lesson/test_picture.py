"""Pictures of the lesson: drawings keep their colours, photographs take few bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from mrcnn.data import coins
from mrcnn.lesson import show
from mrcnn.lesson.picture import COLORS, encode


def encoded(array):
    """How a picture is encoded: its MIME type, the bytes, and by how many grey levels each pixel is off."""
    mime, data = encode(array)
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.int16)
    return mime, len(data), np.abs(shown - array).max(axis=-1)


def test_a_drawing_keeps_its_colors():
    drawing = show.you_are_here("masks").array()
    mime, size, off = encoded(drawing)
    assert mime == "image/png" and size < 50_000
    assert (off > 24).mean() <= 0.01
    assert (off[(drawing == 255).all(axis=-1)] == 0).all()


@pytest.mark.parametrize("colors", ["all", "few"])
def test_a_photograph_takes_few_bytes(colors):
    photo, _ = coins.photograph()
    if colors == "all":
        down, across = (np.linspace(0.3, 1, side) for side in photo.shape[:2])
        light = np.stack([*np.broadcast_arrays(down[:, None], across, down[::-1, None])], axis=-1)
        photo = (photo * light).astype(np.uint8)
    assert (len(np.unique(photo.reshape(-1, 3), axis=0)) > COLORS) == (colors == "all")
    mime, size, off = encoded(photo)
    assert mime == "image/jpeg" and size < photo[..., 0].size / 4
    assert off.mean() < 12

"""All cut-outs at a glance."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from mrcnn.drawing.figures import letters

CELL = 128  # pixels
SQUARE = 8
LINE = 20  # pixels of height for number and name
COLUMNS = 8
LETTERS = 17  # of a name that there is room for
MOST_ENLARGED = 4.0


def sheet(cutouts):
    """Show cut-outs on a chequered ground, each with number and name, so that a bad one is seen.

    Args:
        cutouts: list of Cutouts, at least one. Each is brought to the size of its cell, but not enlarged by
            more than `MOST_ENLARGED`.

    Returns:
        (H, W, 3) uint8, `COLUMNS` in a row.

    Raises:
        ValueError: there is none.
    """
    if not len(cutouts):
        raise ValueError("There is no cut-out to show: give at least one.")
    cells = [
        _cell(f"{number} {cutout.name}", cutout.pixels) for number, cutout in enumerate(cutouts, start=1)
    ]
    columns = min(COLUMNS, len(cells))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    return np.vstack(rows)


def _cell(caption, pixels):
    cell = np.full((CELL + LINE, CELL, 3), 255, np.uint8)
    cell[LINE:] = _on_squares(pixels)
    cell[:, -1] = 255
    drawn = Image.fromarray(cell)
    short = caption if len(caption) <= LETTERS else caption[: LETTERS - 1] + "…"
    ImageDraw.Draw(drawn).text((3, 2), short, font=letters(12), fill="black")
    return np.asarray(drawn)


def _on_squares(pixels):
    """(CELL, CELL, 3) uint8: RGBA pixels in the middle of a chequered ground."""
    rows, columns = np.indices((CELL, CELL)) // SQUARE
    ground = np.where(((rows + columns) % 2)[:, :, None], (255, 200, 255), (205, 150, 205)).astype(float)
    height, width = pixels.shape[:2]
    scale = min((CELL - 2) / max(height, width), MOST_ENLARGED)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    thing = cv2.resize(pixels, (w, h), interpolation=way).astype(float)
    top, left = (CELL - h) // 2, (CELL - w) // 2
    alpha = thing[:, :, 3:] / 255
    part = ground[top : top + h, left : left + w]
    part += alpha * (thing[:, :, :3] - part)
    return np.rint(ground).astype(np.uint8)

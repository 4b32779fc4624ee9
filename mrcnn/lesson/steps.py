"""Steps that several sums share: the arithmetic, with the lines that write it down."""

from numbers import Integral

import numpy as np

from mrcnn.lesson.formula import number, pixels, term, text, vector
from mrcnn.network import boxes as box_ops
from mrcnn.network.boxes import LAST_PIXEL


def checked(name, index, count):
    """`index` as an int of 0…count-1; a ValueError else, which says the range."""
    whole = isinstance(index, Integral) and not isinstance(index, bool)
    if whole and 0 <= index < count:
        return int(index)
    there_are = f"choose one from 0 to {count - 1}" if count else "this picture has none"
    raise ValueError(f"There is no {name} {int(index) if whole else repr(index)}: {there_are}.")


def first(flags):
    """Index of the first True, or None."""
    return int(flags.argmax()) if flags.any() else None


def refine(box, outputs, std_dev, window):
    """Move a box by the network's outputs for it, and cut it at a window: as `boxes.apply_deltas` and `clip`.

    Args:
        box: (4,) float, pixels.
        outputs: (4,), the deltas over `std_dev` (4,).
        window: (4,), pixels.

    Returns:
        lines, the box (4,), the deltas (4,).
    """
    deltas = outputs.astype(float) * std_dev
    dy, dx, dh, dw = deltas
    y1, x1, y2, x2 = box - LAST_PIXEL
    old_height, old_width = y2 - y1, x2 - x1
    y, x = y1 + old_height / 2 + dy * old_height, x1 + old_width / 2 + dx * old_width
    height, width = old_height * np.exp(dh), old_width * np.exp(dw)
    moved = np.array([y - height / 2, x - width / 2, y + height / 2, x + width / 2])
    clipped = box_ops.clip(moved, window - LAST_PIXEL) + LAST_PIXEL

    def center(c, h, start, length, delta, result):
        return (
            rf"{c} = {c}_1 + {h}_a / 2 + d_{c} \, {h}_a = {pixels(start)} + {pixels(length / 2)} "
            rf"+ {term(delta)} \cdot {pixels(length)} = {pixels(result)}"
        )

    def old(h, c, start, end, length):
        return rf"{h}_a = {c}_2 - {c}_1 - 1 = {pixels(end)} - {term(start, pixels)} - 1 = {pixels(length)}"

    def new(h, length, delta, result):
        return rf"{h} = {h}_a \, d_{h} = {pixels(length)} \cdot e^{{{number(delta)}}} = {pixels(result)}"

    lines = [
        rf"t = {vector(outputs)}",
        rf"(d_y, d_x, \log d_h, \log d_w) = {vector(std_dev)} \odot t = {vector(deltas)}",
        old("h", "y", box[0], box[2], old_height) + r", \quad " + old("w", "x", box[1], box[3], old_width),
        center("y", "h", y1, old_height, dy, y),
        center("x", "w", x1, old_width, dx, x),
        new("h", old_height, dh, height) + r", \quad " + new("w", old_width, dw, width),
        rf"(y - h/2,\, x - w/2,\, y + h/2 + 1,\, x + w/2 + 1) = {vector(moved + LAST_PIXEL, pixels)}",
        rf"{text('clipped to')} \; {vector(window)}: \quad {vector(clipped, pixels)}",
    ]
    return lines, clipped, deltas


def interpolate(grid, place, name, axes="yx"):
    """A grid's value between its points, bilinearly, with zeros around the grid.

    Args:
        grid: (h, w).
        place: (2,) from -1 to h and w.
        name, axes: letters for the value and the place in the formula.

    Returns:
        the value; lines; dict of `rows` (2,), `columns` (2,), `weights` (2, 2), `values` (2, 2).
    """
    corner = np.floor(place).astype(int)
    down, right = place.astype(float) - corner
    rows, columns = corner[0] + np.arange(2), corner[1] + np.arange(2)
    values = np.pad(grid.astype(float), 1)[np.ix_(rows + 1, columns + 1)]
    weights = np.outer([1 - down, down], [1 - right, right])
    value = (weights * values).sum()
    u, v = axes
    sums = [rf"{number(w)} \cdot {term(f)}" for w, f in zip(weights.ravel(), values.ravel(), strict=True)]
    lines = [
        rf"i = {rows[0]}, \; j = {columns[0]}, \quad a = {u} - i = {number(down)}, \; "
        rf"b = {v} - j = {number(right)}",
        rf"{name} = (1-a)(1-b) \, {name}_{{i,j}} + (1-a) \, b \, {name}_{{i,j+1}} "
        rf"+ a \, (1-b) \, {name}_{{i+1,j}} + a \, b \, {name}_{{i+1,j+1}}",
        rf"{name} = {' + '.join(sums)} = {number(value)}",
    ]
    return value, lines, {"rows": rows, "columns": columns, "weights": weights, "values": values}


def corners(blend):
    """The four places (4, 2) of an interpolation's grid, in the order of its weights."""
    return np.stack(np.meshgrid(blend["rows"], blend["columns"], indexing="ij"), axis=-1).reshape(4, 2)

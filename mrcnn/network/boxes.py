"""Geometry of boxes: overlap, deltas, clipping, units, non-maximum suppression.

A box is `(y1, x1, y2, x2)`. In pixels it is half open: `y2` and `x2` lie just outside. Normalised, its
corners are pixel centres on a scale where the first is 0 and the last is 1, hence the shift by one:
`normalised = (pixel - [0, 0, 1, 1]) / [height - 1, width - 1, height - 1, width - 1]`.

Every function but `non_max_suppression`, which is for NumPy alone, is written once and computes on NumPy
arrays with NumPy and on tensors with `keras.ops`, so the network, the training targets and a reader with a
notebook use the same lines.
"""

import numpy as np

from mrcnn.network.rounding import divide


def namespace(*arrays):
    """The module that computes on these arrays: `numpy` for NumPy arrays, else `keras.ops`."""
    if all(isinstance(array, np.ndarray | np.generic | list | tuple | float | int) for array in arrays):
        return np
    import keras

    return keras.ops


def _columns(numbers):
    """The four columns [...] of boxes or deltas [..., 4]; of a tensor, by one operation."""
    if namespace(numbers) is np:
        return np.moveaxis(np.asarray(numbers), -1, 0)
    import keras

    return keras.ops.unstack(numbers, 4, axis=-1)


def area(boxes):
    """Areas [...] of `boxes` [..., (y1, x1, y2, x2)], in the boxes' own unit, squared."""
    y1, x1, y2, x2 = _columns(boxes)
    return (y2 - y1) * (x2 - x1)


def iou(boxes1, boxes2):
    """Intersection over union of every box of one set with every box of another.

    Args:
        boxes1: [..., N, 4], pixels or normalised.
        boxes2: [..., M, 4], same unit.

    Returns:
        [..., N, M] floats in [0, 1]. Two boxes without area overlap by 0.
    """
    xp = namespace(boxes1, boxes2)
    a, b = boxes1[..., :, None, :], boxes2[..., None, :, :]
    (a_y1, a_x1, a_y2, a_x2), (b_y1, b_x1, b_y2, b_x2) = _columns(a), _columns(b)
    height = xp.minimum(a_y2, b_y2) - xp.maximum(a_y1, b_y1)
    width = xp.minimum(a_x2, b_x2) - xp.maximum(a_x1, b_x1)
    intersection = xp.maximum(height, 0) * xp.maximum(width, 0)
    union = area(a) + area(b) - intersection
    return divide(intersection, xp.where(union > 0, union, xp.ones_like(union)))


def apply_deltas(boxes, deltas):
    """Move and scale boxes by the network's regression output (Faster R-CNN, section 3.1.2).

    Args:
        boxes: [..., 4], pixels or normalised.
        deltas: [..., (dy, dx, log(dh), log(dw))], relative to each box's own centre and size.

    Returns:
        [..., 4] boxes, in the unit of `boxes`.
    """
    xp = namespace(boxes, deltas)
    (y1, x1, y2, x2), (dy, dx, log_dh, log_dw) = _columns(boxes), _columns(deltas)
    height, width = y2 - y1, x2 - x1
    center_y = y1 + 0.5 * height + dy * height
    center_x = x1 + 0.5 * width + dx * width
    height = height * xp.exp(log_dh)
    width = width * xp.exp(log_dw)
    y1 = center_y - 0.5 * height
    x1 = center_x - 0.5 * width
    return xp.stack([y1, x1, y1 + height, x1 + width], axis=-1)


def find_deltas(boxes, targets):
    """The deltas that `apply_deltas` needs to turn `boxes` into `targets`.

    Args:
        boxes: [..., 4], pixels or normalised, with sides longer than zero.
        targets: [..., 4], same unit, with sides longer than zero.

    Returns:
        [..., (dy, dx, log(dh), log(dw))].
    """
    xp = namespace(boxes, targets)
    (y1, x1, y2, x2), (target_y1, target_x1, target_y2, target_x2) = _columns(boxes), _columns(targets)
    height, width = y2 - y1, x2 - x1
    target_height, target_width = target_y2 - target_y1, target_x2 - target_x1
    dy = (target_y1 + 0.5 * target_height - y1 - 0.5 * height) / height
    dx = (target_x1 + 0.5 * target_width - x1 - 0.5 * width) / width
    return xp.stack([dy, dx, xp.log(target_height / height), xp.log(target_width / width)], axis=-1)


def clip(boxes, window):
    """Cut `boxes` [..., 4] at the borders of `window` [..., 4] (same unit, broadcast to the boxes)."""
    xp = namespace(boxes, window)
    (y1, x1, y2, x2), (top, left, bottom, right) = _columns(boxes), _columns(window)
    return xp.stack(
        [
            xp.maximum(xp.minimum(y1, bottom), top),
            xp.maximum(xp.minimum(x1, right), left),
            xp.maximum(xp.minimum(y2, bottom), top),
            xp.maximum(xp.minimum(x2, right), left),
        ],
        axis=-1,
    )


LAST_PIXEL = np.array([0, 0, 1, 1], np.float32)  # from the centre of a box's last pixel to its end


def normalise(boxes, shape):
    """Boxes [..., 4] from pixels of a picture of `shape` (height, width, ...) to normalised, float32."""
    scale = _last_centres(shape)
    if namespace(boxes) is np:
        return ((np.asarray(boxes, np.float64) - LAST_PIXEL) / scale).astype(np.float32)
    import keras

    return keras.ops.divide(keras.ops.subtract(boxes, LAST_PIXEL), scale)


def in_pixels(boxes, shape):
    """Boxes [..., 4] from normalised to pixels of a picture of `shape` (height, width, ...), not rounded."""
    xp = namespace(boxes)
    boxes = np.asarray(boxes, np.float64) if xp is np else boxes
    return xp.add(xp.multiply(boxes, _last_centres(shape)), LAST_PIXEL)


def denormalise(boxes, shape):
    """Boxes [..., 4] from normalised to whole pixels, int32, of a picture of `shape` (height, width, ...)."""
    boxes = in_pixels(boxes, shape)
    if namespace(boxes) is np:
        return np.around(boxes).astype(np.int32)
    import keras

    return keras.ops.cast(keras.ops.round(boxes), "int32")


def _last_centres(shape):
    """Where the centres of the last row and column lie, as the scale of a box [4]."""
    xp = namespace(shape)
    last = xp.subtract(xp.array(shape[:2], "float32"), 1)
    return xp.concatenate([last, last])


def non_max_suppression(boxes, scores, threshold):
    """Greedy non-maximum suppression in NumPy, for pictures and lessons (the network's own: `kernels`).

    Takes the best box, of equally good ones the last, drops every other that overlaps it by more than
    `threshold`, and goes on with the best of the rest.

    Args:
        boxes: [N, 4], pixels or normalised.
        scores: [N].
        threshold: IoU above which the lower-scored box is dropped.

    Returns:
        int32 indices of the boxes kept, best score first.
    """
    boxes = np.asarray(boxes, np.float32)
    order = np.argsort(np.asarray(scores), kind="stable")[::-1]
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[iou(boxes[best : best + 1], boxes[rest])[0] <= threshold]
    return np.array(kept, np.int32)

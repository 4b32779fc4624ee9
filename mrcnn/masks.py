"""Masks: their boxes, small ones for training, and the network's own put into the picture.

    28 × 28 mask, its box → unmold_masks → (H, W, N) bool, at the picture's own size

Boxes are `(y1, x1, y2, x2)` in pixels, half-open: row y2 and column x2 lie outside.
"""

import numpy as np

from mrcnn.images import resize


def extract_bboxes(mask):
    """Find the tightest box around each mask.

    Args:
        mask: (H, W, N), bool or numbers, of which all but 0 belong to the object.

    Returns:
        (N, 4) int32 boxes; zeros for an empty mask.
    """
    mask = np.asarray(mask)
    boxes = np.zeros((mask.shape[2], 4), np.int32)
    for corner, across in ((0, 1), (1, 0)):
        used = mask.any(axis=across)  # (H, N) rows, then (W, N) columns
        boxes[:, corner] = used.argmax(axis=0)
        boxes[:, corner + 2] = (len(used) - used[::-1].argmax(axis=0)) * used.any(axis=0)
    return boxes


def minimize_mask(bbox, mask, mini_shape):
    """Cut masks to their boxes and shrink them, so that many fit in memory for training.

    Args:
        bbox: (N, 4) boxes in pixels.
        mask: (H, W, N).
        mini_shape: (h, w) of a mini mask.

    Returns:
        (h, w, N) bool.

    Raises:
        ValueError: a box has no pixels of the picture in it.
    """
    mini_masks = np.zeros((*mini_shape[:2], mask.shape[-1]), bool)
    for i, (y1, x1, y2, x2) in enumerate(np.asarray(bbox)[:, :4]):
        cut = mask[y1:y2, x1:x2, i].astype(bool)
        if cut.size == 0:
            raise ValueError(
                f"Box {i}, ({y1}, {x1}, {y2}, {x2}), holds no pixel of the {mask.shape[:2]} mask; "
                "leave out objects without area."
            )
        mini_masks[:, :, i] = resize(cut, mini_shape) > 0.5
    return mini_masks


def expand_mask(bbox, mini_mask, image_shape):
    """Undo `minimize_mask`, as far as it can be undone.

    Args:
        bbox: (N, 4) boxes in pixels.
        mini_mask: (h, w, N).
        image_shape: (H, W, …) of the picture.

    Returns:
        (H, W, N) bool.
    """
    boxes = np.asarray(bbox)[..., :4]
    return paste_crops(*_crop(np.moveaxis(mini_mask, -1, 0), boxes, image_shape, np.greater), image_shape)


def unmold_mask(mask, bbox, image_shape):
    """Put one mask of the network into its box of the picture: see `unmold_masks`.

    Args:
        mask: (h, w) float, the probability that a pixel belongs to the object.
        bbox: (4,) box in pixels.
        image_shape: (H, W, …) of the picture.

    Returns:
        (H, W) bool.
    """
    return unmold_masks(np.asarray(mask)[None], np.asarray(bbox)[None], image_shape)[:, :, 0]


def unmold_masks(masks, boxes, image_shape):
    """Put masks of the network into their boxes of the picture (Mask R-CNN, section 3.1).

    Each mask is resized to its box and cut at 0.5. What lies outside of the picture is left out; a
    box without area gives an empty mask.

    Args:
        masks: (N, h, w) float, the probability that a pixel belongs to the object.
        boxes: (N, 4) boxes in whole pixels, which may reach outside of the picture.
        image_shape: (H, W, …) of the picture.

    Returns:
        (H, W, N) bool. It lies in memory mask by mask, so `result[:, :, i]` is contiguous.
    """
    return paste_crops(*unmold_crops(masks, boxes, image_shape), image_shape)


def unmold_crops(masks, boxes, image_shape):
    """As `unmold_masks`, but each mask inside its box alone, which in a large picture is far less.

    Returns:
        list of N arrays (h, w) bool, and (N, 4) the boxes that they have, cut at the picture's border.
    """
    return _crop(masks, boxes, image_shape, np.greater_equal)


def _crop(masks, boxes, image_shape, inside):
    """Resize (N, h, w) masks to boxes of a picture, and see where `inside(value, 0.5)`."""
    edges = np.tile(image_shape[:2], 2)
    seen_boxes = np.clip(np.reshape(boxes, (-1, 4)), 0, edges)
    crops = []
    for mask, (y1, x1, y2, x2), (top, left, bottom, right) in zip(masks, boxes, seen_boxes, strict=True):
        if top < bottom and left < right:
            resized = resize(mask, (y2 - y1, x2 - x1), preserve_range=True)
            crops.append(inside(resized[top - y1 : bottom - y1, left - x1 : right - x1], 0.5))
        else:
            crops.append(np.zeros((max(bottom - top, 0), max(right - left, 0)), bool))
    return crops, seen_boxes


def paste_crops(crops, boxes, image_shape):
    """Masks that are kept inside their boxes, (h, w) bool each, as masks of the whole picture, (H, W, N)."""
    full = np.zeros((len(crops), *image_shape[:2]), bool)
    for canvas, crop, (y1, x1, y2, x2) in zip(full, crops, boxes, strict=True):
        canvas[y1:y2, x1:x2] = crop
    return full.transpose(1, 2, 0)

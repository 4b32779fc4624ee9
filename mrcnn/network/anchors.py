"""Anchors: P2…P6 shapes → the boxes from which proposals are measured (Faster R-CNN, section 3.1.1)."""

import numpy as np

from mrcnn.network.boxes import normalise


def level_shapes(config, image_shape):
    """Heights and widths of the pyramid's levels, [L, 2] int64, for a molded picture (height, width, ...)."""
    if callable(config.BACKBONE):
        return np.array(config.COMPUTE_BACKBONE_SHAPE(image_shape))
    sides = np.array(image_shape[:2])
    return np.array([np.ceil(sides / stride) for stride in config.BACKBONE_STRIDES]).astype(np.int64)


def anchor_places(config, image_shape):
    """Rows and columns of places with anchors on the levels that have a scale, [L, 2] int64."""
    shapes = level_shapes(config, image_shape)[: len(config.RPN_ANCHOR_SCALES)]
    return -(-shapes // config.RPN_ANCHOR_STRIDE)


def level_anchors(scales, ratios, shape, feature_stride, anchor_stride):
    """Anchors of one level, in pixels of the molded picture.

    Args:
        scales: sides of a square anchor, one or several, pixels.
        ratios: widths over heights; the area stays that of the square.
        shape: (height, width) of the level's feature map.
        feature_stride: pixels between two features.
        anchor_stride: features between two anchors.

    Returns:
        [N, 4] float64, row by row; at one place by ratio, and within a ratio by scale.
    """
    scales, ratios = (np.ravel(np.asarray(values, np.float64)) for values in (scales, ratios))
    root = np.sqrt(ratios)[:, None]
    heights, widths = (scales / root).ravel(), (scales * root).ravel()
    y, x = (np.arange(0, side, anchor_stride) * feature_stride for side in shape)
    y, x = (centers[..., None] for centers in np.meshgrid(y, x, indexing="ij"))
    corners = [y - heights / 2, x - widths / 2, y + heights / 2, x + widths / 2]
    return np.stack(corners, axis=-1).reshape(-1, 4)


def pyramid_anchors(scales, ratios, feature_shapes, feature_strides, anchor_stride):
    """Anchors of all levels, [N, 4] float64 pixels, finest level first.

    `scales` holds one entry a level; levels beyond its last have no anchors.
    """
    count = len(scales)
    levels = zip(scales, feature_shapes[:count], feature_strides[:count], strict=True)
    return np.concatenate(
        [level_anchors(scale, ratios, shape, stride, anchor_stride) for scale, shape, stride in levels]
    )


def pixel_anchors(config, image_shape):
    """Anchors of a molded picture of shape (height, width, ...): [N, 4] float64 pixels."""
    return pyramid_anchors(
        config.RPN_ANCHOR_SCALES,
        config.RPN_ANCHOR_RATIOS,
        level_shapes(config, image_shape),
        config.BACKBONE_STRIDES,
        config.RPN_ANCHOR_STRIDE,
    )


def anchors_for(config, image_shape):
    """`pixel_anchors` as the network takes them: [N, 4] float32 pixels, and normalised."""
    pixels = pixel_anchors(config, image_shape)
    return pixels.astype(np.float32), normalise(pixels, image_shape)

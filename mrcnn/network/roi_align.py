"""RoIAlign: P2…P5 and boxes → crops of one fixed size, without rounding (Mask R-CNN, section 3)."""

import math

from keras import layers, ops

from mrcnn.images import split_image_meta
from mrcnn.network import kernels
from mrcnn.network.boxes import area

FINEST, COARSEST = 2, 5
NOTHING = 1e-6  # in place of a side of 0, which has no logarithm


def pyramid_level(boxes, image_area):
    """The level whose features fit each box: 4 for 224² pixels, one finer for half the side (FPN, eq. 1).

    Args:
        boxes: [..., 4] normalised.
        image_area: height * width of the molded picture, pixels; a number or a tensor.

    Returns:
        [...] int32 in 2..5. A box without area, or of NaN, has level 2.
    """
    size = ops.sqrt(ops.maximum(area(boxes), 0))
    unit = 224.0 / ops.sqrt(ops.cast(image_area, "float32"))
    level = 4 + ops.round(log2(ops.where(size > 0, size / unit, NOTHING)))
    return ops.cast(ops.clip(level, FINEST, COARSEST), "int32")


def log2(x):
    """Logarithm to the base 2 of a tensor, rounded as the original's, on which borders of levels hang."""
    return ops.log(x) / math.log(2.0)


class PyramidROIAlign(layers.Layer):
    """Samples each box on a grid, bilinearly, from the pyramid level that fits its size.

    Args:
        pool_shape: (height, width) of a crop; the two are equal.

    Call with [boxes [B, R, 4] normalised, image_meta [B, M], P2, P3, P4, P5 [B, h, w, C]]; gives
    [B, R, height, width, C].
    """

    def __init__(self, pool_shape, **kwargs):
        super().__init__(autocast=False, **kwargs)  # boxes stay in full precision, whatever the features
        self.pool_shape = tuple(pool_shape)

    def get_config(self):
        return super().get_config() | {"pool_shape": self.pool_shape}

    def call(self, inputs):
        boxes, image_meta, *pyramid = inputs
        boxes = ops.stop_gradient(boxes)
        batch, count = ops.shape(boxes)[:2]
        # The original takes the first picture's size for all of a batch; they are equal in one batch.
        shape = split_image_meta(image_meta)["image_shape"][0]
        levels = pyramid_level(boxes, shape[0] * shape[1])
        index = ops.broadcast_to(ops.arange(batch, dtype="int32")[:, None], (batch, count))
        crops = kernels.pyramid_crop_and_resize(
            pyramid,
            ops.reshape(boxes, (-1, 4)),
            ops.reshape(index, (-1,)),
            ops.reshape(levels, (-1,)) - FINEST,
            self.pool_shape[0],
        )
        return ops.reshape(crops, (batch, count, *self.pool_shape, pyramid[0].shape[-1]))

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:2], *self.pool_shape, input_shape[2][-1])

"""The network that other programs run: it takes pictures and windows alone, and gives each mask once."""

import keras
from keras import layers, ops

from mrcnn.network.anchors import anchors_for


def exported_network(whole, config, batch=None):
    """The Keras model that `mrcnn.export` writes.

    Args:
        whole: the first model that `assembly.inference_network` gives.
        batch: pictures at a time; None for any number.

    Returns:
        Model from [`image` [B, H, W, channels], `window` [B, 4]] to a dict of `detections` [B, D, 6] and
        `masks` [B, D, 28, 28].
    """
    image = keras.Input(batch_shape=(batch, *config.IMAGE_SHAPE.tolist()), name="image")
    window = keras.Input(batch_shape=(batch, 4), name="window")
    meta, anchors = GivenTheSize(config, name="given_the_size")(window)
    detections, _, _, masks, *_ = whole([image, meta, anchors])
    return keras.Model(
        [image, window], {"detections": detections, "masks": OwnMasks(name="own_masks")([detections, masks])}
    )


class GivenTheSize(layers.Layer):
    """From windows [B, 4] to what else the network wants to know: meta [B, M] and anchors [B, N, 4]."""

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = config

    def call(self, window):
        batch = ops.shape(window)[0]
        shape = ops.convert_to_tensor(self.config.IMAGE_SHAPE, "float32")
        anchors = ops.convert_to_tensor(anchors_for(self.config, self.config.IMAGE_SHAPE)[1])
        rest = ops.zeros((batch, self.config.IMAGE_META_SIZE - 11))
        # Nothing in the network reads the picture's number, its own size, its scale or its classes.
        meta = [ops.zeros((batch, 4)), ops.broadcast_to(shape, (batch, 3)), window, rest]
        return ops.concatenate(meta, axis=1), ops.broadcast_to(anchors, (batch, *anchors.shape))


class OwnMasks(layers.Layer):
    """From detections [B, D, 6] and masks [B, D, h, w, K] to the mask of each one's class, [B, D, h, w]."""

    def call(self, inputs):
        detections, masks = inputs
        class_ids = ops.cast(detections[..., 4], "int32")[..., None, None, None]
        return ops.take_along_axis(masks, class_ids, axis=-1)[..., 0]

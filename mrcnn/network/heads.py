"""Heads: crops → classes and box deltas; crops → masks (Mask R-CNN, section 3 and figure 4).

Both need at least one crop: of none, TensorFlow's convolutions on a CPU give an array of a wrong shape.
"""

import math

from keras import layers, ops

from mrcnn.network.blocks import batch_norm, conv2d, relu
from mrcnn.network.kernels import DATA_FORMAT, from_layout, to_layout


def _merge(crops):
    """[B, R, h, w, C] to [B * R, h, w, C]: the heads see every crop alone."""
    return ops.reshape(crops, (-1, *crops.shape[2:]))


class CoveringConv2D(layers.Conv2D):
    """A convolution whose filters are as large as what they see, so a matrix product.

    From [N, h, w, C] to [N, 1, 1, filters] in the backend's layout.

    As a convolution it takes longer, on OpenVINO several times as long.
    """

    def call(self, x):
        covered = math.prod(x.shape[1:])
        rows, columns = ops.reshape(x, (-1, covered)), ops.reshape(self.kernel, (covered, self.filters))
        answers = ops.matmul(rows, columns) + self.bias
        return ops.reshape(answers, (-1, *self.compute_output_shape(x.shape)[1:]))

    def compute_output_shape(self, x_shape):
        sides = (self.filters, 1, 1) if DATA_FORMAT == "channels_first" else (1, 1, self.filters)
        return x_shape[0], *sides


class Split(layers.Layer):
    """Undoes `_merge`: call with [B * R, ...] and the crops [B, R, ...]; gives [B, R, ...].

    It is a layer because B and R are known only when the network runs.
    """

    def call(self, x, crops):
        return ops.reshape(x, (*ops.shape(crops)[:2], *x.shape[1:]))

    def compute_output_shape(self, x_shape, crops_shape):
        return (*crops_shape[:2], *x_shape[1:])


def box_head(crops, config):
    """What is in each crop, and how must its box change?

    Args:
        crops: [B, R, POOL_SIZE, POOL_SIZE, C].

    Returns:
        class logits [B, R, K], class probabilities [B, R, K], box deltas of every class [B, R, K, 4].
    """
    width, classes = config.FPN_CLASSIF_FC_LAYERS_SIZE, config.NUM_CLASSES
    x = CoveringConv2D(width, config.POOL_SIZE, name="mrcnn_class_conv1")(_merge(crops))
    x = relu(batch_norm(x, "mrcnn_class_bn1", config.TRAIN_BN))
    x = conv2d(width, 1, "mrcnn_class_conv2")(x)
    x = relu(batch_norm(x, "mrcnn_class_bn2", config.TRAIN_BN))
    x = Split(name="pool_squeeze")(layers.Flatten()(x), crops)
    logits = layers.Dense(classes, name="mrcnn_class_logits", dtype="float32")(x)
    probs = layers.Softmax(name="mrcnn_class", dtype="float32")(logits)
    deltas = layers.Dense(4 * classes, name="mrcnn_bbox_fc", dtype="float32")(x)
    return logits, probs, layers.Reshape((-1, classes, 4), name="mrcnn_bbox", dtype="float32")(deltas)


def mask_head(crops, config):
    """The shape of what is in each crop, for every class apart.

    Args:
        crops: [B, R, MASK_POOL_SIZE, MASK_POOL_SIZE, C].

    Returns:
        [B, R, 2 * MASK_POOL_SIZE, 2 * MASK_POOL_SIZE, K] probabilities.
    """
    x = to_layout(_merge(crops))
    for index in range(1, config.MASK_CONVS + 1):
        x = conv2d(config.MASK_FILTERS, 3, f"mrcnn_mask_conv{index}", padding="same")(x)
        x = relu(batch_norm(x, f"mrcnn_mask_bn{index}", config.TRAIN_BN))
    x = layers.Conv2DTranspose(
        config.MASK_FILTERS,
        2,
        strides=2,
        activation="relu",
        data_format=DATA_FORMAT,
        name="mrcnn_mask_deconv",
    )(x)
    x = conv2d(config.NUM_CLASSES, 1, "mrcnn_mask", activation="sigmoid", dtype="float32")(x)
    return Split(dtype="float32")(from_layout(x), crops)

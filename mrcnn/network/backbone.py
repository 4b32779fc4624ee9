"""Backbone: picture → C2, C3, C4, C5, features at strides 4, 8, 16 and 32 (Mask R-CNN, section 3).

Layer names are the original's: `res4b_branch2a` is the first convolution of the second block of stage 4,
`bn4b_branch2a` its batch normalisation. The stride of a stage sits in the first 1×1 convolution.
"""

import inspect
from functools import partial
from string import ascii_lowercase

from keras import layers

from mrcnn.network.blocks import batch_norm, conv2d, relu
from mrcnn.network.kernels import DATA_FORMAT, to_layout

BLOCKS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
COMPACT_STAGES = ((32, 1), (64, 1), (128, 2), (256, 1))  # filters and blocks of stages 2 to 5


def backbone(image, config):
    """The features that the pyramid is built on.

    Args:
        image: [B, H, W, channels], molded; H and W are multiples of 64.
        config: `BACKBONE` names the network, or is a callable that takes its place, from picture to
            [C2, C3, C4, C5], channels last. If it takes `stage5` and `train_bn` too, it is called as in
            the original, and may give C1 before them.

    Returns:
        [C2, C3, C4, C5], each [B, H / stride, W / stride, filters] in the backend's layout.
    """
    if callable(config.BACKBONE):
        return [to_layout(c) for c in _own_backbone(config.BACKBONE, image, config.TRAIN_BN)]
    if config.BACKBONE == "compact":
        return compact(image, config.TRAIN_BN)
    return resnet(image, BLOCKS[config.BACKBONE], config.TRAIN_BN)[1:]


def _own_backbone(function, image, train_bn):
    try:
        inspect.signature(function).bind(image, stage5=True, train_bn=train_bn)
    except TypeError:
        return function(image)
    return function(image, stage5=True, train_bn=train_bn)[-4:]


def resnet(image, blocks, train_bn):
    """ResNet with bottleneck blocks (He et al., 2016), `blocks` of them in each stage from 2 on.

    Returns:
        [C1, C2, …], strides 4, 4, 8, 16, 32, in the backend's layout; C1 is what the stem gives.
    """
    x = layers.ZeroPadding2D(3, data_format=DATA_FORMAT)(to_layout(image))
    x = conv2d(64, 7, "conv1", strides=2)(x)
    x = relu(batch_norm(x, "bn_conv1", train_bn))
    x = layers.MaxPooling2D(3, strides=2, padding="same", data_format=DATA_FORMAT)(x)
    features = [x]
    for stage, count in enumerate(blocks, start=2):
        width = 64 * 2 ** (stage - 2)
        filters = (width, width, 4 * width)
        for block in range(count):
            strides = 2 if block == 0 and stage > 2 else 1
            x = bottleneck(x, filters, f"{stage}{ascii_lowercase[block]}", strides, block == 0, train_bn)
        features.append(x)
    return features


def bottleneck(x, filters, name, strides, project, train_bn, size=3, use_bias=True):
    """1×1, 3×3, 1×1 convolutions added to the input, which is projected where its shape changes.

    Args:
        x: [B, H, W, C].
        filters: of the three convolutions.
        name: stage and block, such as "4b".
        project: whether a 1×1 convolution brings the input to the output's shape.
        size: of the second convolution's kernel.

    Returns:
        [B, H / strides, W / strides, filters[2]].
    """
    norm, conv = partial(batch_norm, train=train_bn), partial(conv2d, use_bias=use_bias)
    shortcut = x
    x = conv(filters[0], 1, f"res{name}_branch2a", strides)(x)
    x = relu(norm(x, f"bn{name}_branch2a"))
    x = conv(filters[1], size, f"res{name}_branch2b", padding="same")(x)
    x = relu(norm(x, f"bn{name}_branch2b"))
    x = conv(filters[2], 1, f"res{name}_branch2c")(x)
    x = norm(x, f"bn{name}_branch2c")
    if project:
        shortcut = conv(filters[2], 1, f"res{name}_branch1", strides)(shortcut)
        shortcut = norm(shortcut, f"bn{name}_branch1")
    return relu(layers.Add()([x, shortcut]), f"res{name}_out")


def compact(image, train_bn):
    """A small residual network for small worlds: 3×3 convolutions only, under two million parameters."""
    norm = partial(batch_norm, train=train_bn)
    x = to_layout(image)
    for index, filters in enumerate((16, 32), start=1):
        x = conv2d(filters, 3, f"conv{index}", strides=2, padding="same")(x)
        x = relu(norm(x, f"bn_conv{index}"))
    features = []
    for stage, (filters, count) in enumerate(COMPACT_STAGES, start=2):
        for block in range(count):
            strides = 2 if block == 0 and stage > 2 else 1
            x = basic_block(x, filters, f"{stage}{ascii_lowercase[block]}", strides, block == 0, train_bn)
        features.append(x)
    return features


def basic_block(x, filters, name, strides, project, train_bn):
    """Two 3×3 convolutions added to the input, which is projected where its shape changes.

    Returns:
        [B, H / strides, W / strides, filters].
    """
    norm = partial(batch_norm, train=train_bn)
    shortcut = x
    x = conv2d(filters, 3, f"res{name}_branch2a", strides, padding="same")(x)
    x = relu(norm(x, f"bn{name}_branch2a"))
    x = conv2d(filters, 3, f"res{name}_branch2b", padding="same")(x)
    x = norm(x, f"bn{name}_branch2b")
    if project:
        shortcut = conv2d(filters, 1, f"res{name}_branch1", strides)(shortcut)
        shortcut = norm(shortcut, f"bn{name}_branch1")
    return relu(layers.Add()([x, shortcut]), f"res{name}_out")

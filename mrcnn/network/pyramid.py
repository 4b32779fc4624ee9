"""Feature pyramid: C2…C5 → P2…P6, all with the same channels and strong semantics (FPN, section 3)."""

from keras import layers

from mrcnn.network.blocks import conv2d
from mrcnn.network.kernels import DATA_FORMAT, UpSampling2D


def pyramid(features, channels):
    """From coarse to fine: double the level above, add this level's features, smooth.

    Args:
        features: [C2, C3, C4, C5], strides 4, 8, 16, 32, in the backend's layout.
        channels: channels of every level.

    Returns:
        [P2, P3, P4, P5, P6], strides 4 to 64, same layout. P6 serves the proposals alone.
    """
    merged = {}
    for level in (5, 4, 3, 2):
        lateral = conv2d(channels, 1, f"fpn_c{level}p{level}")(features[level - 2])
        if level < 5:
            above = UpSampling2D(2, data_format=DATA_FORMAT, name=f"fpn_p{level + 1}upsampled")
            lateral = layers.Add(name=f"fpn_p{level}add")([above(merged[level + 1]), lateral])
        merged[level] = lateral
    levels = [conv2d(channels, 3, f"fpn_p{level}", padding="same")(merged[level]) for level in (2, 3, 4, 5)]
    p6 = layers.MaxPooling2D(1, strides=2, data_format=DATA_FORMAT, name="fpn_p6")(levels[-1])
    return [*levels, p6]

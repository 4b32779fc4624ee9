"""What a file of weights is for: the network that its names and shapes tell of."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mrcnn.config import BACKBONES
from mrcnn.layout import WeightsError, open_layout, stored_weights

BACKBONE_LAYER = re.compile(r"(bn_)?conv\d|(res|bn)\d")


@dataclass(frozen=True)
class FileInfo:
    """What a file of weights is, by the names and shapes in it.

    Attributes:
        path: the file.
        backbone: "resnet50", "resnet101", "compact" or "other".
        config: dict of the attributes of a `Config` that its weights tell.
        anchors: anchors at one place of the feature map, or None.
        backbone_only: whether there are no heads.
        layers: how many have weights.
        parameters: how many numbers.
        size: bytes.
        metadata: what was saved beside the weights, or None.
    """

    path: Path
    backbone: str
    config: dict
    anchors: int | None
    backbone_only: bool
    layers: int
    parameters: int
    size: int
    metadata: dict | None

    @property
    def attributes(self):
        """Attributes of the `Config` of its network: those saved beside the weights, else what these tell."""
        return self.config | (self.metadata or {}).get("config", {})

    @cached_property
    def sha256(self):
        """The file's SHA-256, in hexadecimal; read when first asked for."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def describe(path):
    """What network a file of weights is for, a `FileInfo`. Errors are those of `load`."""
    path = Path(path)
    with open_layout(path) as root:
        shapes = {key: item.array.shape for key, item in stored_weights(root, path).items()}
    network = network_of(shapes)
    return FileInfo(
        path=path,
        backbone=network["BACKBONE"] or "other",
        config={name: value for name, value in network.items() if value and name != "anchors"},
        anchors=network["anchors"],
        backbone_only=all(map(BACKBONE_LAYER.match, shapes)),
        layers=len({key.split("/")[0] for key in shapes}),
        parameters=sum(int(np.prod(shape)) for shape in shapes.values()),
        size=path.stat().st_size,
        metadata=read_metadata(path),
    )


def read_metadata(path):
    """The dict that was given to `save` as `metadata`, or None.

    Raises:
        WeightsError: it is damaged, or of another program.
    """
    with open_layout(path) as root:
        text = root.attrs.get("mrcnn")
    if text is None:
        return None
    try:
        metadata = json.loads(text)
    except (TypeError, ValueError):
        metadata = None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("config", {}), dict):
        raise WeightsError(
            f"{path}: its attribute 'mrcnn', which tells of what network the weights are, is damaged; "
            "copy the file again, or take the attribute away to have that inferred from the weights."
        )
    return metadata


def infer_config(path):
    """Attributes of the `Config` that a file's weights need, by name, told from their shapes alone."""
    return describe(path).config


def network_of(shapes):
    """What shapes of weights, by `layer/weight`, tell of their network; None for what they do not."""

    def axis(layer, index, unit=1):
        shape = shapes.get(f"{layer}/kernel")
        return shape[index] // unit if shape else None

    layers = {key.split("/")[0] for key in shapes}
    masks = sum(bool(re.fullmatch(r"mrcnn_mask_conv\d+", layer)) for layer in layers)
    return {
        "BACKBONE": backbone_of(layers),
        "NUM_CLASSES": axis("mrcnn_class_logits", -1),
        "IMAGE_CHANNEL_COUNT": axis("conv1", -2),
        "TOP_DOWN_PYRAMID_SIZE": axis("fpn_p2", -1),
        "RPN_FILTERS": axis("rpn_conv_shared", -1),
        "anchors": axis("rpn_class_raw", -1, unit=2),
        "POOL_SIZE": axis("mrcnn_class_conv1", 0),
        "FPN_CLASSIF_FC_LAYERS_SIZE": axis("mrcnn_class_conv1", -1),
        "MASK_FILTERS": axis("mrcnn_mask_deconv", -2),
        "MASK_CONVS": masks or None,
    }


def backbone_of(layers):
    """The name of the backbone that has layers of these names, or None.

    A ResNet's number counts three convolutions a block, the stem and one more.
    """
    if "conv2" in layers and "res5a_branch2b" in layers:
        return "compact"
    blocks = sum(bool(re.fullmatch(r"res\d\w+_branch2c", layer)) for layer in layers)
    name = f"resnet{3 * blocks + 2}"
    return name if name in BACKBONES else None

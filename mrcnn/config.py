"""The numbers of the paper that may be set, checked when a configuration is made.

The attributes and their defaults are those of the original, so that its users' subclasses still work;
the last group is ours. Set them in a subclass or in the call:

    class Shapes(Config):
        NAME = "shapes"
        NUM_CLASSES = 1 + 3

    config = Shapes(IMAGE_MAX_DIM=512)
"""

import math
from numbers import Integral, Real

import numpy as np

BACKBONES = ("resnet50", "resnet101", "compact")
RESIZE_MODES = ("none", "square", "pad64", "crop")
LOSSES = (
    "rpn_class_loss",
    "rpn_bbox_loss",
    "mrcnn_class_loss",
    "mrcnn_bbox_loss",
    "mrcnn_mask_loss",
)


class Config:
    """What a Mask R-CNN is made of and how it is trained.

    Args:
        overrides: attributes of this one configuration, by name.

    Raises:
        ValueError: an attribute has a value with which no network can be built; the sentence names it.
        TypeError: an override is no attribute of a configuration.
    """

    NAME = None  # names the folder of a training's checkpoints

    # Devices and steps.
    GPU_COUNT = 1
    IMAGES_PER_GPU = 2
    STEPS_PER_EPOCH = 1000
    VALIDATION_STEPS = 50

    # Backbone and pyramid (Mask R-CNN, section 3; FPN, section 3). A callable `BACKBONE` takes the picture
    # and gives C2 to C5; then `COMPUTE_BACKBONE_SHAPE` must give the levels' sizes.
    BACKBONE = "resnet101"
    COMPUTE_BACKBONE_SHAPE = None
    BACKBONE_STRIDES = [4, 8, 16, 32, 64]
    FPN_CLASSIF_FC_LAYERS_SIZE = 1024
    TOP_DOWN_PYRAMID_SIZE = 256
    NUM_CLASSES = 1  # background included

    # Anchors and proposals (Faster R-CNN, section 3.1).
    RPN_ANCHOR_SCALES = (32, 64, 128, 256, 512)  # pixels, one a level
    RPN_ANCHOR_RATIOS = [0.5, 1, 2]  # width / height
    RPN_ANCHOR_STRIDE = 1
    RPN_NMS_THRESHOLD = 0.7
    RPN_TRAIN_ANCHORS_PER_IMAGE = 256
    PRE_NMS_LIMIT = 6000
    POST_NMS_ROIS_TRAINING = 2000
    POST_NMS_ROIS_INFERENCE = 1000

    # Ground-truth masks are kept small, cut to their boxes, to save memory.
    USE_MINI_MASK = True
    MINI_MASK_SHAPE = (56, 56)

    # Pictures.
    IMAGE_RESIZE_MODE = "square"
    IMAGE_MIN_DIM = 800
    IMAGE_MAX_DIM = 1024
    IMAGE_MIN_SCALE = 0
    IMAGE_CHANNEL_COUNT = 3
    MEAN_PIXEL = np.array([123.7, 116.8, 103.9])

    # Second stage (Mask R-CNN, section 3).
    TRAIN_ROIS_PER_IMAGE = 200
    ROI_POSITIVE_RATIO = 0.33
    POOL_SIZE = 7
    MASK_POOL_SIZE = 14
    MASK_SHAPE = [28, 28]
    MAX_GT_INSTANCES = 100
    RPN_BBOX_STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])
    BBOX_STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])
    DETECTION_MAX_INSTANCES = 100
    DETECTION_MIN_CONFIDENCE = 0.7
    DETECTION_NMS_THRESHOLD = 0.3

    # Training.
    LEARNING_RATE = 0.001
    LEARNING_MOMENTUM = 0.9
    WEIGHT_DECAY = 0.0001
    LOSS_WEIGHTS = {name: 1.0 for name in LOSSES}
    USE_RPN_ROIS = True
    TRAIN_BN = False  # False: moving statistics always; None: as Keras does; True: batch statistics always
    GRADIENT_CLIP_NORM = 5.0

    # Ours: the widths that the original has in its code, mixed precision, and tiles.
    RPN_FILTERS = 512
    MASK_FILTERS = 256
    MASK_CONVS = 4
    MIXED_PRECISION = False  # compute in bfloat16; weights and losses stay float32
    # The picture, enlarged or reduced by this factor, is looked at in tiles of IMAGE_MAX_DIM pixels; see
    # mrcnn/tiles.py. None: the whole picture is fitted into the network, as the original does.
    TILE_SCALE = None

    def __init__(self, **overrides):
        known = self._names() - {"BATCH_SIZE", "IMAGE_SHAPE", "IMAGE_META_SIZE"}
        unknown = sorted(set(overrides) - known)
        if unknown:
            raise TypeError(f"Config has no attribute {', '.join(unknown)}; see mrcnn/config.py for all.")
        for name, value in overrides.items():
            setattr(self, name, value)
        _check(self)
        self.BATCH_SIZE = self.IMAGES_PER_GPU * self.GPU_COUNT
        side = (self.IMAGE_MIN_DIM if self.IMAGE_RESIZE_MODE == "crop" else self.IMAGE_MAX_DIM) or 0
        self.IMAGE_SHAPE = np.array([side, side, self.IMAGE_CHANNEL_COUNT])
        self.IMAGE_META_SIZE = 12 + self.NUM_CLASSES

    def _names(self):
        # Methods are no numbers; a callable such as `BACKBONE` is one of ours by its capitals.
        public = (name for name in dir(self) if not name.startswith("_"))
        return {name for name in public if name.isupper() or not callable(getattr(self, name))}

    def to_dict(self):
        """All attributes, by name, in alphabetical order."""
        return {name: getattr(self, name) for name in sorted(self._names())}

    def changes(self):
        """Attributes that differ from the defaults, by name, for JSON; `Config(**changes)` has them again.

        What JSON cannot hold, a callable `BACKBONE`, is left out.
        """
        changed = {}
        for name, default in vars(Config).items():
            value = getattr(self, name)
            if name.isupper() and not callable(value) and not np.array_equal(value, default):
                changed[name] = _for_json(value)
        return changed

    def display(self):
        """Print all attributes, one a line."""
        print("\nConfigurations:")
        for name, value in self.to_dict().items():
            print(f"{name:30} {value}")
        print()


def _check(config):
    for name, is_right, expected in _RULES:
        value = getattr(config, name)
        if not is_right(value):
            raise ValueError(f"{name} is {value!r}, but must be {expected}.")
    for is_right, sentence in _RELATIONS:
        if not is_right(config):
            raise ValueError(sentence.format(**{n: getattr(config, n) for n in config._names()}))


def _whole(low):
    return lambda v: isinstance(v, Integral) and not isinstance(v, bool) and v >= low


def _number(low, high=math.inf):
    return lambda v: isinstance(v, Real) and not isinstance(v, bool) and low <= v <= high and v < math.inf


def _yes_or_no(value):
    return np.ndim(value) == 0 and value in (True, False)


def _numbers(count=None):
    def is_right(value):
        if isinstance(value, str) or not np.iterable(value):
            return False
        values = list(value)
        positive = all(_number(0)(v) and v > 0 for v in values)
        return positive and bool(values) and count in (None, len(values))

    return is_right


def _colours(value):
    values = np.asarray(value)
    return values.dtype.kind in "iuf" and np.isfinite(values).all()


def _pair(value):
    return _numbers(2)(value) and all(isinstance(v, Integral) for v in value)


_POSITIVE = (_whole(1), "a whole number of at least 1")
_FRACTION = (_number(0, 1), "a number from 0 to 1")
_AMOUNT = (_number(0), "a number of at least 0")
_DEVIATIONS = (_numbers(4), "four numbers above 0")

_RULES = [
    ("NAME", lambda v: v is None or isinstance(v, str), "a text or None"),
    *((name, *_POSITIVE) for name in (
        "GPU_COUNT", "IMAGES_PER_GPU", "FPN_CLASSIF_FC_LAYERS_SIZE",
        "TOP_DOWN_PYRAMID_SIZE", "NUM_CLASSES", "RPN_ANCHOR_STRIDE", "RPN_TRAIN_ANCHORS_PER_IMAGE",
        "PRE_NMS_LIMIT", "POST_NMS_ROIS_TRAINING", "POST_NMS_ROIS_INFERENCE",
        "IMAGE_CHANNEL_COUNT", "TRAIN_ROIS_PER_IMAGE", "MAX_GT_INSTANCES",
        "DETECTION_MAX_INSTANCES", "RPN_FILTERS", "MASK_FILTERS", "MASK_CONVS",
    )),
    *((name, *_FRACTION) for name in (
        "RPN_NMS_THRESHOLD", "ROI_POSITIVE_RATIO", "DETECTION_MIN_CONFIDENCE",
        "DETECTION_NMS_THRESHOLD", "LEARNING_MOMENTUM",
    )),
    *((name, *_AMOUNT) for name in ("LEARNING_RATE", "WEIGHT_DECAY", "VALIDATION_STEPS")),
    *((name, lambda v: v is None or (_number(0)(v) and v > 0), "a number above 0, or None") for name in (
        "GRADIENT_CLIP_NORM", "TILE_SCALE",
    )),
    ("STEPS_PER_EPOCH", lambda v: _number(0)(v) and v > 0, "a number above 0"),
    ("IMAGE_MIN_DIM", lambda v: v is None or _whole(0)(v), "a whole number of at least 0, or None"),
    ("IMAGE_MAX_DIM", lambda v: v is None or v is False or _whole(0)(v), "a whole number of at least 1"),
    ("IMAGE_MIN_SCALE", lambda v: v is None or v is False or _number(0)(v), "a number of at least 0"),
    ("POOL_SIZE", _whole(2), "a whole number of at least 2"),
    ("MASK_POOL_SIZE", _whole(2), "a whole number of at least 2"),
    ("RPN_BBOX_STD_DEV", *_DEVIATIONS),
    ("BBOX_STD_DEV", *_DEVIATIONS),
    ("RPN_ANCHOR_SCALES", _numbers(), "a list of pixels above 0, one for each level"),
    ("RPN_ANCHOR_RATIOS", _numbers(), "a list of width / height above 0"),
    ("BACKBONE_STRIDES", _numbers(), "a list of pixels above 0, one for each level"),
    ("MASK_SHAPE", _pair, "a pair (height, width) of whole numbers"),
    ("MINI_MASK_SHAPE", _pair, "a pair (height, width) of whole numbers"),
    ("BACKBONE", lambda v: callable(v) or v in BACKBONES, f"one of {BACKBONES} or a callable"),
    (
        "COMPUTE_BACKBONE_SHAPE",
        lambda v: v is None or callable(v),
        "a callable, or None with one of our own backbones",
    ),
    ("MEAN_PIXEL", _colours, "a number, or one for each channel"),
    ("IMAGE_RESIZE_MODE", lambda v: v in RESIZE_MODES, f"one of {RESIZE_MODES}"),
    ("TRAIN_BN", lambda v: v is None or _yes_or_no(v), "True, False or None"),
    *((name, _yes_or_no, "True or False") for name in ("USE_MINI_MASK", "MIXED_PRECISION")),
    ("USE_RPN_ROIS", lambda v: _yes_or_no(v) and bool(v), "True: a network is trained on its own proposals"),
    (
        "LOSS_WEIGHTS",
        lambda v: isinstance(v, dict) and set(v) <= set(LOSSES) and all(map(_number(0), v.values())),
        f"a dict of numbers of at least 0 for some of {LOSSES}",
    ),
]  # fmt: skip

_RELATIONS = [
    (
        lambda c: len(c.BACKBONE_STRIDES) - len(c.RPN_ANCHOR_SCALES) in (0, 1),
        "RPN_ANCHOR_SCALES {RPN_ANCHOR_SCALES} and BACKBONE_STRIDES {BACKBONE_STRIDES} must be equally "
        "many: each level of the pyramid has one scale, and only P6 may be left without.",
    ),
    (
        lambda c: callable(c.BACKBONE) or list(c.BACKBONE_STRIDES) == [4, 8, 16, 32, 64],
        "BACKBONE_STRIDES is {BACKBONE_STRIDES}, but the strides of BACKBONE {BACKBONE!r} are "
        "[4, 8, 16, 32, 64]; only a BACKBONE of your own may have others.",
    ),
    (
        lambda c: not callable(c.BACKBONE) or callable(c.COMPUTE_BACKBONE_SHAPE),
        "COMPUTE_BACKBONE_SHAPE must be a callable when BACKBONE is one: it gives the levels' sizes.",
    ),
    (
        lambda c: np.shape(c.MEAN_PIXEL) in ((), (c.IMAGE_CHANNEL_COUNT,)),
        "MEAN_PIXEL {MEAN_PIXEL} must be one number, or IMAGE_CHANNEL_COUNT = {IMAGE_CHANNEL_COUNT} numbers.",
    ),
    (
        lambda c: list(c.MASK_SHAPE) == [2 * c.MASK_POOL_SIZE] * 2,
        "MASK_SHAPE {MASK_SHAPE} must be twice MASK_POOL_SIZE = {MASK_POOL_SIZE} on each side: the mask "
        "head doubles its crops.",
    ),
    (
        lambda c: c.IMAGE_RESIZE_MODE != "square" or (c.IMAGE_MAX_DIM and c.IMAGE_MAX_DIM % 64 == 0),
        "IMAGE_MAX_DIM is {IMAGE_MAX_DIM}, but must be a multiple of 64 (such as 256, 320, 512, 1024) in "
        "resize mode 'square': the pyramid halves the picture six times.",
    ),
    (
        lambda c: c.IMAGE_RESIZE_MODE not in ("pad64", "crop") or (c.IMAGE_MIN_DIM or 0) % 64 == 0,
        "IMAGE_MIN_DIM is {IMAGE_MIN_DIM}, but must be a multiple of 64 in resize mode "
        "{IMAGE_RESIZE_MODE!r}: the pyramid halves the picture six times.",
    ),
    (
        lambda c: c.IMAGE_RESIZE_MODE != "crop" or c.IMAGE_MIN_DIM,
        "IMAGE_MIN_DIM is {IMAGE_MIN_DIM}, but resize mode 'crop' needs the side of the crop in pixels.",
    ),
    (
        lambda c: c.TILE_SCALE is None or c.IMAGE_RESIZE_MODE == "square",
        "TILE_SCALE is {TILE_SCALE}, but IMAGE_RESIZE_MODE is {IMAGE_RESIZE_MODE!r}; tiles need 'square'.",
    ),
    (
        lambda c: c.TILE_SCALE is None or c.TILE_SCALE <= c.IMAGE_MAX_DIM / 16,
        "TILE_SCALE is {TILE_SCALE}, but a tile of IMAGE_MAX_DIM = {IMAGE_MAX_DIM} must show at least 16 "
        "pixels of the picture.",
    ),
    (
        lambda c: int(c.TRAIN_ROIS_PER_IMAGE * c.ROI_POSITIVE_RATIO) >= 1,
        "TRAIN_ROIS_PER_IMAGE {TRAIN_ROIS_PER_IMAGE} × ROI_POSITIVE_RATIO {ROI_POSITIVE_RATIO} must be at "
        "least 1: without positive RoIs nothing is learned.",
    ),
]


def _for_json(value):
    """A value as JSON has it: NumPy's arrays and numbers, also inside of others, are Python's."""
    if isinstance(value, dict):
        return {name: _for_json(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(part) for part in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

"""How weights like those in this package are made: their configurations, worlds and trainings.

`python -m mrcnn train --dataset toybox` follows the first, `--dataset coins` the second.
"""

from dataclasses import dataclass, field

from mrcnn.config import Config
from mrcnn.data.coins import CLASS_NAMES as COIN_NAMES
from mrcnn.data.coins import CoinsDataset
from mrcnn.data.composing import DrawnDataset
from mrcnn.data.toybox import CLASS_NAMES, ToyboxDataset

# Kernels that Muon leaves to AdamW: the first, and those whose outputs are the answers.
ENDS = ("conv1/", "rpn_class_raw/", "rpn_bbox_pred/", "mrcnn_class_logits/", "mrcnn_bbox_fc/", "mrcnn_mask/")


class ToyboxConfig(Config):
    """A small Mask R-CNN, with all of the large one's boxes, for pictures of 320 pixels."""

    NAME = "toybox"
    NUM_CLASSES = len(CLASS_NAMES)
    BACKBONE = "compact"
    TRAIN_BN = None  # there are no statistics to keep: the small network starts from nothing
    IMAGE_MIN_DIM = 320
    IMAGE_MAX_DIM = 320
    IMAGES_PER_GPU = 8
    STEPS_PER_EPOCH = 250
    VALIDATION_STEPS = 0

    TOP_DOWN_PYRAMID_SIZE = 64
    FPN_CLASSIF_FC_LAYERS_SIZE = 256
    RPN_FILTERS = 64
    MASK_FILTERS = 64
    MASK_CONVS = 2

    RPN_ANCHOR_SCALES = (20, 36, 64, 112, 176)
    PRE_NMS_LIMIT = 600
    POST_NMS_ROIS_TRAINING = 200
    POST_NMS_ROIS_INFERENCE = 200
    RPN_TRAIN_ANCHORS_PER_IMAGE = 128
    TRAIN_ROIS_PER_IMAGE = 80
    MAX_GT_INSTANCES = 16
    MINI_MASK_SHAPE = (56, 56)
    DETECTION_MAX_INSTANCES = 50
    WEIGHT_DECAY = 0.0  # the optimizer's own


class CoinsConfig(ToyboxConfig):
    """The same network, for one class and up to fifty coins."""

    NAME = "coins"
    NUM_CLASSES = len(COIN_NAMES)
    TRAIN_BN = False  # in so few steps statistics could not follow, and detecting would meet other ones
    MAX_GT_INSTANCES = 40
    TRAIN_ROIS_PER_IMAGE = 64
    STEPS_PER_EPOCH = 15


@dataclass(frozen=True)
class Recipe:
    """A training that can be repeated.

    Attributes:
        config: the class of its configuration.
        dataset: the class of its drawn data set.
        class_names: names by class id.
        start: weights to start from, as `mrcnn.load` takes them; None starts from nothing.
        learning_rate: the highest.
        epochs: how many, each of `config.STEPS_PER_EPOCH` steps.
        harder: what the scenes of the training have otherwise than those of an evaluation; more things in
            a scene teach more in a step.
        detecting: what the config has otherwise when these weights detect.
    """

    config: type[Config]
    dataset: type[DrawnDataset]
    class_names: list
    start: str | None
    learning_rate: float
    epochs: int
    harder: dict = field(default_factory=dict)
    detecting: dict = field(default_factory=dict)

    def training_set(self, count, seed):
        """`count` scenes to learn from."""
        return self.dataset(count, seed, **self.harder)

    def optimizer(self, steps=None):
        """Muon for `steps` steps: the rate rises for a short while, then falls along a cosine.

        Without `steps`, the rate is for the caller to move.
        """
        if steps is None:
            return self._muon(self.learning_rate)
        import keras  # late: a process that makes batches needs the configurations alone

        warm = min(200, steps // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            self.learning_rate / 20,
            decay_steps=max(1, steps - warm),
            alpha=0.02,
            warmup_target=self.learning_rate,
            warmup_steps=warm,
        )
        return self._muon(rate)

    @staticmethod
    def _muon(rate):
        from mrcnn.training.muon import Muon

        return Muon(rate, ENDS, weight_decay=1e-4, global_clipnorm=5.0)


# A network sees a little more in a picture enlarged after training (Touvron et al. 2019, 1906.06423), and
# more proposals cost a small one nearly nothing.
LARGER = {
    "IMAGE_MIN_DIM": 384,
    "IMAGE_MAX_DIM": 384,
    "RPN_NMS_THRESHOLD": 0.8,
    "PRE_NMS_LIMIT": 1000,
    "POST_NMS_ROIS_INFERENCE": 300,
}

RECIPES = {
    "toybox": Recipe(
        config=ToyboxConfig,
        dataset=ToyboxDataset,
        class_names=CLASS_NAMES,
        start=None,
        learning_rate=2e-3,
        epochs=30,
        harder={"most": 12},
        detecting=LARGER,
    ),
    "coins": Recipe(
        config=CoinsConfig,
        dataset=CoinsDataset,
        class_names=COIN_NAMES,
        start="toybox",
        learning_rate=2e-3,
        epochs=4,
    ),
}

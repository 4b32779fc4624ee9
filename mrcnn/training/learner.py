"""The network while it learns: its five losses, the weights' decay, and what watches over a training."""

import logging

import keras
import numpy as np
from keras import ops

from mrcnn import weights
from mrcnn.config import LOSSES
from mrcnn.data.dataset import reference_of
from mrcnn.images import split_image_meta
from mrcnn.network import boxes, kernels
from mrcnn.network.anchors import anchors_for
from mrcnn.network.assembly import classify, propose, segment
from mrcnn.network.keras_model import Network
from mrcnn.training import losses
from mrcnn.training.targets import DetectionTargetLayer, RPNTargetLayer, TargetLayer, most_positive

log = logging.getLogger(__name__)


def batch_inputs(config):
    """Keras inputs for what `Batches` makes, or a replica's part of it, by name; all shapes are fixed."""
    size, most = tuple(config.IMAGE_SHAPE.tolist()), config.MAX_GT_INSTANCES
    masks = tuple(config.MINI_MASK_SHAPE) if config.USE_MINI_MASK else size[:2]
    shapes = {
        "images": (size, "float32"),
        "image_meta": ((config.IMAGE_META_SIZE,), "float32"),
        "gt_class_ids": ((most,), "int32"),
        "gt_boxes": ((most, 4), "float32"),
        "gt_masks": ((*masks, most), "bool"),
    }
    rows = config.BATCH_SIZE // kernels.replicas()
    return {
        name: keras.Input(batch_shape=(rows, *shape), dtype=dtype, name=name)
        for name, (shape, dtype) in shapes.items()
    }


def training_network(config):
    """The network that learns: from a batch of `Batches` to answers beside their targets; see `Learner`."""
    batch = batch_inputs(config)
    meta, gt_class_ids, gt_boxes = batch["image_meta"], batch["gt_class_ids"], batch["gt_boxes"]
    pixels, normalised = anchors_for(config, config.IMAGE_SHAPE)
    anchors = np.broadcast_to(normalised, (batch["images"].shape[0], *normalised.shape))

    stages = propose(batch["images"], anchors, config, config.POST_NMS_ROIS_TRAINING)
    rpn_match, rpn_target = RPNTargetLayer(config)([pixels, gt_class_ids, gt_boxes])
    gt_normalised = boxes.normalise(gt_boxes, config.IMAGE_SHAPE)
    targets = DetectionTargetLayer(config, name="proposal_targets")
    rois, class_ids, target_deltas, target_masks = targets(
        [stages["proposals"], gt_class_ids, gt_normalised, batch["gt_masks"]]
    )
    _, logits, _, deltas = classify(rois, meta, stages, config)
    positive = slice(None), slice(most_positive(config))  # they come first, and only they have masks
    masks = segment(rois[positive], meta, stages, config)
    answers = {
        "rpn_match": rpn_match,
        "rpn_target": rpn_target,
        "rpn_logits": stages["rpn_logits"],
        "rpn_deltas": stages["rpn_deltas"],
        "class_ids": class_ids,
        "class_logits": logits,
        "target_deltas": target_deltas,
        "class_deltas": deltas,
        "target_masks": target_masks[positive],
        "masks": masks,
    }
    return Learner(batch, answers, config)


class Learner(Network):
    """A network from a batch to answers and targets, whose loss is the weighted sum of the five losses.

    Args:
        batch: dict of inputs, see `batch_inputs`.
        answers: dict of what the network says and should say: `rpn_match` [B, N], `rpn_target` [B, T, 4],
            `rpn_logits` [B, N, 2], `rpn_deltas` [B, N, 4]; `class_ids` [B, R], `class_logits` [B, R, K],
            `target_deltas` [B, R, 4], `class_deltas` [B, R, K, 4]; `target_masks` [B, M, h, w],
            `masks` [B, M, h, w, K] of the first M of the RoIs.
        config: `LOSS_WEIGHTS`, `WEIGHT_DECAY`.
    """

    def __init__(self, batch, answers, config):
        super().__init__(inputs=batch, outputs=answers, name="mask_rcnn")
        self.loss_weights = {name: config.LOSS_WEIGHTS.get(name, 1.0) for name in LOSSES}
        self.decay = config.WEIGHT_DECAY
        self.trackers = {name: keras.metrics.Mean(name) for name in LOSSES}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        total = self.weight_decay()
        for name, value in five_losses(x, y_pred).items():
            weighted = self.loss_weights[name] * value
            self.trackers[name].update_state(weighted)
            total = total + weighted
        return total / kernels.replicas()  # Keras adds up what the replicas give

    def _purge_model_variables(self, **kinds):
        """Leave the variables as they are; Keras calls this on JAX before the first step.

        It would empty them until the step gives them back, and data that are refused before that, or a
        Ctrl-C, would leave a model without weights.
        """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing is left to build; Keras calls this in a TensorFlow strategy before the first step.

        It would take the mean of the replicas' batches, which masks have none of.
        """

    def weight_decay(self):
        """L2 of the weights that are trained, each over its size; normalisation's are left alone."""
        if not self.decay:
            return ops.zeros(())
        decayed = [w for w in self.trainable_weights if w.name not in ("gamma", "beta")]
        return self.decay * sum(kernels.sum_of_squares(w) / float(np.prod(w.shape)) for w in decayed)


def five_losses(batch, answers):
    """The five losses by name, unweighted; arguments as in `Learner`."""
    class_ids, count = answers["class_ids"], answers["masks"].shape[1]
    return {
        "rpn_class_loss": losses.rpn_class_loss(answers["rpn_match"], answers["rpn_logits"]),
        "rpn_bbox_loss": losses.rpn_bbox_loss(
            None, answers["rpn_target"], answers["rpn_match"], answers["rpn_deltas"]
        ),
        "mrcnn_class_loss": losses.mrcnn_class_loss(
            class_ids, answers["class_logits"], split_image_meta(batch["image_meta"])["active_class_ids"]
        ),
        "mrcnn_bbox_loss": losses.mrcnn_bbox_loss(
            answers["target_deltas"], class_ids, answers["class_deltas"]
        ),
        "mrcnn_mask_loss": losses.mrcnn_mask_loss(
            answers["target_masks"], class_ids[:, :count], answers["masks"]
        ),
    }


class RepeatableChoices(keras.callbacks.Callback):
    """Has the choice of targets depend on the epoch's number alone, so that training can be resumed."""

    def on_epoch_begin(self, epoch, logs=None):
        targets = [layer for layer in self.model.layers if isinstance(layer, TargetLayer)]
        for i, layer in enumerate(targets):
            layer.seed_generator.state.assign(np.random.default_rng([i, epoch]).integers(2**30, size=2))


class StopAtNaN(keras.callbacks.Callback):
    """Ends a training whose loss is no number any more, and says on which pictures it happened.

    Args:
        batches: the `Batches` that are trained on.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs["loss"])
        if np.isfinite(loss):
            return
        ids = self.batches[batch]["image_meta"][:, 0].astype(int).tolist()
        names = ", ".join(reference_of(self.batches.dataset, i) for i in ids)
        raise FloatingPointError(
            f"The loss is {loss} after step {batch + 1} of epoch {self.batches.epoch + 1}, on the pictures "
            f"with image ids {ids} ({names}): check their masks and boxes, or lower the learning rate. The "
            "last checkpoint is from before."
        )


class Checkpoints(keras.callbacks.Callback):
    """Writes weights, and the optimizer's state beside them, at the end of each epoch.

    Args:
        path: with `{epoch}` in it, as in the original `mask_rcnn_shapes_{epoch:04d}.h5`.
        metadata: see `mrcnn.weights.save`.
    """

    def __init__(self, path, metadata):
        super().__init__()
        self.path, self.metadata = path, metadata

    def on_epoch_end(self, epoch, logs=None):
        path = self.path.format(epoch=epoch + 1)
        weights.save(self.model, path, self.metadata, optimizer=self.model.optimizer)


def tensorboard(folder):
    """A list with the callback that logs for TensorBoard, or an empty one where TensorFlow is missing."""
    try:
        import tensorflow  # noqa: F401, Keras writes TensorBoard's files through it on every backend
    except ImportError:
        log.info("TensorFlow is not installed, so nothing is logged for TensorBoard.")
        return []
    return [keras.callbacks.TensorBoard(folder, write_graph=False)]

"""Detections: proposals, classes and deltas → the objects found (Mask R-CNN, section 3.1, "Inference")."""

from keras import layers, ops

from mrcnn.config import Config
from mrcnn.images import split_image_meta
from mrcnn.network import boxes as box_ops
from mrcnn.network import kernels
from mrcnn.network.configured import Configured

PADDING = -1.0  # score of what is no detection, under every real one


def detect_objects(rois, probs, deltas, windows, config):
    """Refine each RoI by the deltas of its best class, and keep the sure ones that no surer one covers.

    Args:
        rois: [B, R, 4] normalised.
        probs: [B, R, K] class probabilities.
        deltas: [B, R, K, 4] box deltas of every class.
        windows: [B, 4] normalised, the part of the molded picture that is not padding.

    Returns:
        [B, DETECTION_MAX_INSTANCES, (y1, x1, y2, x2, class, score)], boxes normalised, surest first,
        padded with zeros.
    """
    scores, classes = (best[..., 0] for best in kernels.top_k(probs, 1))
    chosen = kernels.rows_of(deltas, classes[..., None])[..., 0, :]
    std_dev = ops.array(config.BBOX_STD_DEV, "float32")
    refined = box_ops.clip(box_ops.apply_deltas(rois, chosen * std_dev), windows[:, None])

    sure = ops.logical_and(classes > 0, scores >= config.DETECTION_MIN_CONFIDENCE)
    scores, order = kernels.top_k(ops.where(sure, scores, PADDING), ops.shape(scores)[1])
    refined = kernels.rows_of(refined, order)
    classes = kernels.rows_of(classes, order)

    same_class = classes[..., :, None] == classes[..., None, :]
    overlap = box_ops.iou(refined, refined) > config.DETECTION_NMS_THRESHOLD
    keep = kernels.survivors(ops.logical_and(overlap, same_class), scores > PADDING)

    found = ops.concatenate([refined, ops.cast(classes, "float32")[..., None], scores[..., None]], axis=-1)
    limit = config.DETECTION_MAX_INSTANCES
    keep = ops.pad(keep, [[0, 0], [0, limit]])  # so that there are enough, however few the RoIs
    found = ops.pad(found, [[0, 0], [0, limit], [0, 0]])
    flags, index = kernels.top_k(ops.cast(keep, "int32"), limit)  # equal values stay in order
    return ops.where(flags[..., None] > 0, kernels.rows_of(found, index), 0)


class DetectionLayer(Configured, layers.Layer):
    """`detect_objects` in the network.

    Call with [rois [B, R, 4], probs [B, R, K], deltas [B, R, K, 4], image_meta [B, M]]; gives
    [B, DETECTION_MAX_INSTANCES, 6].
    """

    def __init__(self, config=None, **kwargs):
        super().__init__(**kwargs)
        self.config = config or Config()

    def call(self, inputs):
        rois, probs, deltas, meta = (ops.cast(tensor, "float32") for tensor in inputs)
        parts = split_image_meta(meta)
        # The original takes the first picture's size for all of a batch; they are equal in one batch.
        windows = box_ops.normalise(parts["window"], parts["image_shape"][0])
        return detect_objects(rois, probs, deltas, windows, self.config)

    def compute_output_shape(self, input_shape):
        # Any number of rows, so that the mask head can be run on those alone that hold a detection.
        return (input_shape[0][0], None, 6)

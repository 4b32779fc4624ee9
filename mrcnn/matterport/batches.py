"""Batches with their targets in them, as the original trained on, to look at.

Our own training makes its targets inside the network (`mrcnn.training.targets`); those of the heads differ
a little, as they did in the original.
"""

import itertools

import keras
import numpy as np

from mrcnn.images import resize
from mrcnn.masks import expand_mask
from mrcnn.metrics import trim_zeros
from mrcnn.network import boxes
from mrcnn.network.anchors import pixel_anchors
from mrcnn.training import targets
from mrcnn.training.batches import Batches, as_names, new_seed, seeded
from mrcnn.training.targets import ROI_POSITIVE

NEAR_OBJECTS = 0.9  # of random RoIs


class DataGenerator(Batches, keras.utils.PyDataset):
    """Batches of a data set as lists of arrays: B pictures, N anchors, G objects at most, K classes.

    `generator[i]` is a pair of lists. The first, the inputs:

    * pictures [B, H, W, C] float32, minus the mean colour, and their metas [B, 12 + K] float64;
    * `rpn_match` [B, N, 1] int32 and `rpn_bbox` [B, RPN_TRAIN_ANCHORS_PER_IMAGE, 4] float64, see
      `mrcnn.training.targets.build_rpn_targets`;
    * class ids [B, G] int32, boxes [B, G, 4] int32 in pixels, and masks [B, h, w, G] bool;
    * with `random_rois`, so many RoIs [B, R, 4] int32, see `generate_random_rois`;
    * with `detection_targets` as well, the T RoIs of them to be trained on, [B, T, 4] int32.

    The second is empty; with `random_rois` and `detection_targets` it holds the targets of those RoIs:
    class ids [B, T, 1], deltas [B, T, K, 4] and masks [B, T, h, w, K], see `build_detection_targets`.

    Args:
        dataset, config, shuffle, augmentation: see `mrcnn.training.batches.Batches`.
        random_rois: RoIs to make up for each picture.
        detection_targets: whether to make the targets of those.
    """

    def __init__(
        self, dataset, config, shuffle=True, augmentation=None, random_rois=0, detection_targets=False
    ):
        Batches.__init__(self, dataset, config, shuffle, augmentation, seed=new_seed())
        keras.utils.PyDataset.__init__(self)
        self.random_rois, self.detection_targets = random_rois, detection_targets
        self._anchors = pixel_anchors(config, config.IMAGE_SHAPE)

    def __getitem__(self, idx):
        batch = super().__getitem__(idx)
        class_ids, masks = batch["gt_class_ids"], batch["gt_masks"]
        gt_boxes = batch["gt_boxes"].astype(np.int32)
        objects = zip(class_ids, gt_boxes, masks, strict=True)
        columns = zip(*itertools.starmap(self._targets, objects), strict=True)
        match, deltas, *others = map(np.stack, columns)
        known = [batch["images"], batch["image_meta"].astype(np.float64), match, deltas]
        return [*known, class_ids, gt_boxes, masks, *others[:2]], others[2:]

    def _targets(self, class_ids, gt_boxes, masks):
        """The targets of one picture, in the order of the lists."""
        real = class_ids != 0
        class_ids, gt_boxes, masks = class_ids[real], gt_boxes[real], masks[:, :, real]
        shape = self.config.IMAGE_SHAPE
        match, deltas = targets.build_rpn_targets(shape, self._anchors, class_ids, gt_boxes, self.config)
        found = [match[:, None], deltas]
        if self.random_rois:
            rois = generate_random_rois(shape, self.random_rois, class_ids, gt_boxes)
            found.append(rois)
            if self.detection_targets:
                chosen, labels, *others = build_detection_targets(
                    rois, class_ids, gt_boxes, masks, self.config
                )
                found += [chosen, labels[:, None], *others]
        return found


def data_generator(
    dataset,
    config,
    shuffle=True,
    augment=False,
    augmentation=None,
    random_rois=0,
    batch_size=1,
    detection_targets=False,
    no_augmentation_sources=None,
):
    """Batches of `DataGenerator` without end.

    Args:
        augment: True mirrors pictures in half of the cases.
        batch_size: pictures in a batch.
        no_augmentation_sources: names of sources whose pictures `augmentation` leaves alone.
    """
    batches = DataGenerator(dataset, config, shuffle, augmentation, random_rois, detection_targets)
    batches.augment, batches.batch_size = augment, batch_size
    batches.no_augmentation_sources = as_names(no_augmentation_sources)
    yield from map(batches.__getitem__, itertools.count())


def generate_random_rois(image_shape, count, gt_class_ids, gt_boxes):
    """Made-up regions of interest, nine of ten near objects, to train heads without a proposal network.

    Args:
        image_shape: (height, width, …).
        count: how many.
        gt_class_ids: (G,), not used; part of the original's signature.
        gt_boxes: (G, 4) pixels.

    Returns:
        (count, 4) int32 pixels, inside of the picture, at least one pixel each way.
    """
    rng = seeded()
    edges = np.array(image_shape[:2])
    gt_boxes = np.reshape(gt_boxes, (-1, 4)).astype(int)
    each = int(NEAR_OBJECTS * count / max(len(gt_boxes), 1))
    start, end = gt_boxes[:, :2].repeat(each, axis=0), gt_boxes[:, 2:].repeat(each, axis=0)
    size = end - start
    low, high = np.maximum(start - size, 0), np.minimum(end + size, edges)
    anywhere = (count - len(low), 1)
    low = np.concatenate([low, np.tile([0, 0], anywhere)])
    high = np.concatenate([high, np.tile(edges, anywhere)])
    corners = rng.integers(low, high, size=(2, count, 2))
    return np.hstack([corners.min(axis=0), corners.max(axis=0) + 1]).astype(np.int32)


def build_detection_targets(rpn_rois, gt_class_ids, gt_boxes, gt_masks, config):
    """The targets of the heads for one picture, in NumPy, from RoIs in pixels.

    Unlike `mrcnn.training.targets.detection_targets`, it measures in pixels, crowds have no part in it,
    negative RoIs fill all the room that the positive leave, some of them repeatedly, and masks are not
    rounded.

    Args:
        rpn_rois: (R, 4) pixels; rows of zeros are padding.
        gt_class_ids: (G,) int.
        gt_boxes: (G, 4) pixels.
        gt_masks: (H, W, G), or (h, w, G) when `config.USE_MINI_MASK`.

    Returns:
        rois: (T, 4) pixels, of the dtype given, T = `TRAIN_ROIS_PER_IMAGE`: positive, negative, zeros if
            there is no negative one to repeat.
        class_ids: (T,) int32, 0 for the negative.
        deltas: (T, K, 4) float32 for each class, zeros for all but the RoI's own.
        masks: (T, h, w, K) float32 in 0..1, likewise.

    Raises:
        ValueError: the picture has no objects.
    """
    objects = np.flatnonzero(np.asarray(gt_class_ids) > 0)
    if not len(objects):
        raise ValueError("The picture has no objects, crowds apart, so its RoIs have no targets.")
    gt_class_ids, gt_boxes = np.asarray(gt_class_ids)[objects], np.asarray(gt_boxes)[objects]
    rois = trim_zeros(np.asarray(rpn_rois))
    overlaps = boxes.iou(rois.astype(np.float64), gt_boxes.astype(np.float64))
    positive, rest = _choose_rois(overlaps.max(axis=1), config)

    total, rows = config.TRAIN_ROIS_PER_IMAGE, np.arange(len(positive))
    kept = np.zeros((total, 4), rois.dtype)
    kept[: len(positive) + len(rest)] = rois[np.concatenate([positive, rest])]
    class_ids = np.zeros(total, np.int32)
    deltas = np.zeros((total, config.NUM_CLASSES, 4), np.float32)
    masks = np.zeros((total, *config.MASK_SHAPE, config.NUM_CLASSES), np.float32)

    fits = overlaps[positive].argmax(axis=1)
    class_ids[rows], found = gt_class_ids[fits], gt_boxes[fits]
    moved = boxes.find_deltas(np.float32(kept[rows]), np.float32(found)) / config.BBOX_STD_DEV
    deltas[rows, class_ids[rows]] = moved
    for row, i, box in zip(rows, objects[fits], found, strict=True):
        masks[row, :, :, class_ids[row]] = _mask_target(kept[row], gt_masks[:, :, i], box, config)
    return kept, class_ids, deltas, masks


def _mask_target(roi, mask, box, config):
    """What a RoI (4,) shows of an object's mask, of the picture or of its box (4,): MASK_SHAPE in 0..1."""
    if config.USE_MINI_MASK:
        mask = expand_mask(box[None], mask[..., None], config.IMAGE_SHAPE)[..., 0]
    y1, x1, y2, x2 = map(int, roi)
    return resize(mask[y1:y2, x1:x2], config.MASK_SHAPE)


def _choose_rois(best, config):
    """Which RoIs are trained on, by their best IoU [R]: indices of positive ones, and of what fills up."""
    rng, total = seeded(), config.TRAIN_ROIS_PER_IMAGE
    positive, negative = np.flatnonzero(best > ROI_POSITIVE), np.flatnonzero(best < ROI_POSITIVE)
    most = targets.most_positive(config)
    if len(positive) > most:
        positive = rng.choice(positive, most, replace=False)
    room = total - len(positive)
    if len(negative) > room:
        return positive, rng.choice(negative, room, replace=False)
    repeated = rng.choice(negative, room - len(negative)) if len(negative) else negative
    return positive, np.concatenate([negative, repeated])

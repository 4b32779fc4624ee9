"""From a data set to the fixed-shape arrays that a training step takes.

Nothing here needs Keras, so that processes that make batches (`mrcnn.training.workers`) start quickly.
"""

import itertools
import logging
import random

import numpy as np

from mrcnn import images
from mrcnn.data.dataset import reference_of
from mrcnn.masks import extract_bboxes, minimize_mask
from mrcnn.rgb import as_pixels
from mrcnn.training.augmentation import augment as apply_augmentation
from mrcnn.training.augmentation import flip

log = logging.getLogger(__name__)

MOST_FAILURES = 5  # pictures of a data set that training does without
MOST_TRIES = 1000  # to find a picture on which a crop or an augmentation leaves an object


def load_image_gt(
    dataset,
    config,
    image_id,
    augment=False,
    augmentation=None,
    use_mini_mask=False,
    rng=None,
):
    """Load a picture of a data set and the objects on it, resized and augmented for training.

    Args:
        dataset: a prepared `Dataset`.
        config: a `Config`.
        image_id: the data set's number of the picture.
        augment: True mirrors the picture in half of the cases. An augmentation given in this place is
            taken for one.
        augmentation: an imgaug augmenter, or a function (image, masks) -> (image, masks).
        use_mini_mask: cut each mask to its box and shrink it to `config.MINI_MASK_SHAPE`.
        rng: a `numpy.random.Generator`; the same one gives the same result. By default `seeded()`.

    Returns:
        image: [H, W, IMAGE_CHANNEL_COUNT], see `mrcnn.rgb.as_pixels`.
        image_meta: [12 + classes], see `compose_image_meta`.
        class_ids: [N] int32, negative for crowds.
        boxes: [N, 4] int32, pixels.
        masks: [H, W, N] bool, or [h, w, N] of mini masks.

        Objects of which nothing is left in the picture are left out.

    Raises:
        ValueError: the picture and its masks do not fit each other, or a class is unknown.
    """
    rng = rng or seeded()
    if augmentation is None and not isinstance(augment, bool | None):
        augment, augmentation = False, augment

    image = dataset.load_image(image_id)
    masks, class_ids = dataset.load_mask(image_id)
    masks, class_ids = np.asarray(masks, bool), np.asarray(class_ids, np.int32)
    if not masks.size and not class_ids.size:  # the original's users return an empty array of no shape
        masks = np.zeros((*image.shape[:2], 0), bool)
    image = _checked(dataset, config, image_id, image, masks, class_ids)

    original_shape = image.shape
    image, window, scale, padding, crop = images.resize_image(
        image,
        min_dim=config.IMAGE_MIN_DIM,
        max_dim=config.IMAGE_MAX_DIM,
        min_scale=config.IMAGE_MIN_SCALE,
        mode=config.IMAGE_RESIZE_MODE,
        rng=random.Random(int(rng.integers(2**63))),
    )
    masks = images.resize_mask(masks, scale, padding, crop)
    if augment:
        image, masks = flip(image, masks, rng)
    if augmentation:
        image, masks = apply_augmentation(augmentation, image, masks, rng)

    visible = masks.any(axis=(0, 1))
    masks, class_ids = masks[:, :, visible], class_ids[visible]
    boxes = extract_bboxes(masks)
    if use_mini_mask:
        masks = minimize_mask(boxes, masks, config.MINI_MASK_SHAPE)

    source = dataset.image_info[image_id]["source"]
    active = np.isin(np.arange(dataset.num_classes), dataset.source_class_ids[source])
    meta = images.compose_image_meta(
        image_id, original_shape, image.shape, window, scale, active.astype(np.int32)
    )
    return image, meta, class_ids, boxes, masks


def seeded():
    """A new `numpy.random.Generator`, seeded by NumPy's old one, which programs of the original seed."""
    return np.random.default_rng(np.random.randint(2**31))  # noqa: NPY002


def new_seed():
    """A whole number that follows from NumPy's old generator as `seeded` does, for what takes a seed."""
    return int(seeded().integers(2**31))


def as_names(names):
    """The set of names in a list, or of one that is given alone, or of None."""
    return frozenset([names] if isinstance(names, str) else names or ())


def _checked(dataset, config, image_id, image, masks, class_ids):
    """The picture as the network sees it; it, or objects, that do not fit are refused by its name."""

    def refuse(problem, cause=None):
        name = f"Picture {image_id} ({reference_of(dataset, image_id)})"
        raise ValueError(f"{name}{problem}") from cause

    if image.ndim != 3 or image.shape[2] != config.IMAGE_CHANNEL_COUNT:
        refuse(
            f" has shape {image.shape}; load_image must return (height, width, "
            f"{config.IMAGE_CHANNEL_COUNT}), as config.IMAGE_CHANNEL_COUNT says."
        )
    if masks.shape != (*image.shape[:2], len(class_ids)):
        refuse(
            f" of shape {image.shape} has masks {masks.shape} and {len(class_ids)} class ids; "
            "load_mask must return (height, width, objects) masks and one class id for each."
        )
    unknown = class_ids[np.abs(class_ids) >= dataset.num_classes]
    if unknown.size:
        refuse(
            f" has an object of class {unknown[0]}, but the data set's classes are 0 to "
            f"{dataset.num_classes - 1}; add the class, or map its id in load_mask."
        )
    source = dataset.image_info[image_id]["source"]
    if source not in dataset.source_class_ids:
        refuse(
            f" is of source {source!r}, which has no classes; "
            "add them by add_class, then call prepare() again."
        )
    try:
        return as_pixels(image, config.IMAGE_CHANNEL_COUNT)
    except ValueError as error:
        refuse(f": {error}", error)


class Batches:
    """The batches of a data set, epoch after epoch.

    All pictures are gone through in a random order, then again in another. What is in a batch depends on
    the seed, the epoch and the batch's number alone: not on the worker that makes it, nor on whether
    training was interrupted before. `batches[i]` is of the epoch that the attribute says.

    Pictures without objects teach the heads nothing: another one takes the place of such a picture; where
    chance takes objects off them, by a crop or an augmentation, all are tried until one shows some. Another
    stands in, too, for one that cannot be loaded, which is logged; after `MOST_FAILURES` it is an error.

    Each batch is a dict of arrays, B = `config.BATCH_SIZE`, G = `config.MAX_GT_INSTANCES`:

    * `images` [B, H, W, IMAGE_CHANNEL_COUNT] float32, minus the mean colour;
    * `image_meta` [B, 12 + classes] float32, of which the first is the picture's id;
    * `gt_class_ids` [B, G] int32, 0 for padding, negative for crowds;
    * `gt_boxes` [B, G, 4] float32, pixels;
    * `gt_masks` [B, H, W, G] bool, or [B, h, w, G] of mini masks when `config.USE_MINI_MASK`.

    Args:
        dataset: a prepared `Dataset`.
        config: a `Config` with as many classes as the data set.
        shuffle: False goes through the pictures in their own order, each epoch from the start.
        augmentation: an imgaug augmenter, or a function (image, masks) -> (image, masks).
        no_augmentation_sources: names of sources whose pictures are not augmented.
        seed: int.
        epoch: number of the epoch to begin with.
        steps: batches in an epoch; as many as show every picture once, if not given.

    Raises:
        ValueError: the data set has no pictures, or not the number of classes of the config; while
            batches are made: no picture has objects, or pictures have different sizes.

    Attributes:
        epoch: number of the epoch, from 0.
        augment: True mirrors pictures in half of the cases.
        batch_size: pictures in a batch, at first `config.BATCH_SIZE`.
    """

    def __init__(
        self,
        dataset,
        config,
        shuffle=True,
        augmentation=None,
        no_augmentation_sources=None,
        seed=0,
        epoch=0,
        steps=None,
    ):
        if not len(dataset.image_ids):
            raise ValueError("The data set has no pictures; add some by add_image, then prepare().")
        if dataset.num_classes != config.NUM_CLASSES:
            raise ValueError(
                f"The data set has {dataset.num_classes} classes, the background included, but "
                f"config.NUM_CLASSES is {config.NUM_CLASSES}; make them the same."
            )
        self.dataset = dataset
        self.config = config
        self.shuffle = shuffle
        self.augmentation = augmentation
        self.no_augmentation_sources = as_names(no_augmentation_sources)
        self.seed = seed
        self.epoch = epoch
        self.augment, self.batch_size = False, config.BATCH_SIZE
        self.steps = steps or -(-len(dataset.image_ids) // config.BATCH_SIZE)
        self._order = None, None
        self._failed = set()

    def __len__(self):
        return self.steps

    def __iter__(self):
        return map(self.__getitem__, range(self.steps))

    def __getitem__(self, index):
        return self.of_epoch(self.epoch, index)

    def of_epoch(self, epoch, index):
        """Batch `index` of an epoch."""
        if self.shuffle:
            index += epoch * self.steps
        start = index * self.batch_size
        pictures = [self._picture(start + i) for i in range(self.batch_size)]
        shapes = {picture["images"].shape for picture in pictures}
        if shapes != {wanted := tuple(self.config.IMAGE_SHAPE.tolist())}:
            raise ValueError(
                f"The pictures of a batch have the sizes {sorted(shapes)}, and a network learns from those "
                f"of config.IMAGE_SHAPE, {wanted}, alone; set IMAGE_RESIZE_MODE to 'square' or 'crop'."
            )
        return {name: np.stack([picture[name] for picture in pictures]) for name in pictures[0]}

    def _picture(self, position):
        """Row `position` of the endless list of pictures, as a dict of arrays without the B."""
        rng = np.random.default_rng([self.seed, 1, position])
        for image_id in self._tries(position, rng):
            try:
                loaded = self._load(image_id, rng)
            except Exception as error:  # what load_image and load_mask of any program may raise
                self._leave_out(image_id, error)
                continue
            image, meta, class_ids, boxes, masks = loaded
            if (class_ids > 0).any():
                return self._padded(image, meta, class_ids, boxes, masks, rng)
        raise ValueError(
            f"The data set has no objects: none of its {len(self.dataset.image_ids)} pictures shows one "
            "(crowds do not count). Check what load_mask returns."
        )

    def _load(self, image_id, rng):
        source = self.dataset.image_info[image_id]["source"]
        return load_image_gt(
            self.dataset,
            self.config,
            image_id,
            self.augment,
            augmentation=None if source in self.no_augmentation_sources else self.augmentation,
            use_mini_mask=self.config.USE_MINI_MASK,
            rng=rng,
        )

    def _leave_out(self, image_id, error):
        """Log that a picture cannot be loaded; raise it again if too many cannot, or no other is left."""
        known = image_id in self._failed
        self._failed.add(image_id)
        if len(self._failed) > min(MOST_FAILURES, len(self.dataset.image_ids) - 1):
            raise error
        if not known:
            name = reference_of(self.dataset, image_id)
            log.warning("Picture %s (%s) is left out: %s: %s", image_id, name, type(error).__name__, error)

    def _tries(self, position, rng):
        """Ids of pictures to be tried in turn, each again where chance may take its objects off it."""
        candidates, count = self._candidates(position, rng), len(self.dataset.image_ids)
        if self.augmentation is None and self.config.IMAGE_RESIZE_MODE != "crop":
            return candidates
        return itertools.islice(itertools.cycle(candidates), max(count, MOST_TRIES))

    def _candidates(self, position, rng):
        """Ids of the picture whose turn it is, then of all others that could stand in for it."""
        ids = self.dataset.image_ids
        lap, place = divmod(position, len(ids))
        if self.shuffle:
            first = int(ids[self._lap_order(lap)[place]])
            yield first
            yield from (image_id for image_id in map(int, rng.permutation(ids)) if image_id != first)
        else:
            yield from map(int, np.roll(ids, -place))

    def _lap_order(self, lap):
        """The order of the pictures in lap number `lap` through all of them."""
        known, order = self._order
        if known != lap:
            order = np.random.default_rng([self.seed, 0, lap]).permutation(len(self.dataset.image_ids))
            self._order = lap, order
        return order

    def _padded(self, image, meta, class_ids, boxes, masks, rng):
        most = self.config.MAX_GT_INSTANCES
        if len(class_ids) > most:
            chosen = rng.choice(len(class_ids), most, replace=False)
            class_ids, boxes, masks = class_ids[chosen], boxes[chosen], masks[:, :, chosen]
        empty = (0, most - len(class_ids))
        return {
            "images": images.mold_image(image, self.config),
            "image_meta": meta.astype(np.float32),
            "gt_class_ids": np.pad(class_ids, empty),
            "gt_boxes": np.pad(boxes, (empty, (0, 0))).astype(np.float32),
            "gt_masks": np.pad(masks, ((0, 0), (0, 0), empty)),
        }

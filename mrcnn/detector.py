"""The half of `MaskRCNN` that detects: from pictures to results, and to every stage on the way.

mold → the network → unmold, a picture or a batch at a time, whole or in tiles
"""

import os
import threading

import numpy as np
from keras import ops
from PIL import Image

from mrcnn import images as pictures
from mrcnn.molded import Molded, unmold, with_full_masks
from mrcnn.network import kernels
from mrcnn.network.anchors import anchors_for
from mrcnn.network.assembly import roi_levels
from mrcnn.network.roi_align import pyramid_level
from mrcnn.rgb import as_pixels
from mrcnn.tiles import cut_tile, find_in_tiles, regions_of, size_in_tile
from mrcnn.trace import Trace

MOST_SIZES = 16  # sizes of pictures whose anchors are kept


class Detector:
    """What `MaskRCNN` detects by; several threads may, for a result depends on its picture alone.

    `MaskRCNN` gives it `config`, `_check_mode` and, compiled, the parts of `inference_network`: `_trace`,
    `_find` and `_segment`.
    """

    def __init__(self):
        self._anchors, self._lock = {}, threading.Lock()
        self._last_size = None  # of a molded picture, for the original's `anchors`

    def detect(self, images, verbose=0):
        """Find the objects of pictures.

        With `TILE_SCALE` in the config, pictures are looked at in tiles, see `mrcnn.tiles`.

        Args:
            images: list of pictures of any sizes: arrays, Pillow images or paths; see
                `mrcnn.rgb.as_pixels`. One picture is taken for a list of one.
            verbose: 1 prints what goes into the network.

        Returns:
            list of dicts, one a picture, of its N detections, surest first: `rois` (N, 4) int32, pixels of
            the picture; `class_ids` (N,) int32; `scores` (N,) float32; `masks` (H, W, N) bool.
        """
        return [with_full_masks(result) for result in self.detect_crops(images, verbose)]

    def detect_crops(self, images, verbose=0, progress=iter):
        """As `detect`, but with masks inside their boxes alone, which large pictures need.

        Args:
            progress: called with the list of a picture's tiles, if it is looked at in tiles, gives an
                iterator over them: `tqdm.tqdm`, say.

        Yields:
            for each picture, what `detect` gives, its `masks` as `mrcnn.crops.MaskCrops`.
        """
        self._check_mode("inference", "detect")
        images = _as_list(images)
        if not self.config.TILE_SCALE:
            return self._detect_whole(images, verbose)
        return (
            self._in_tiles(self._pixels(image), lambda tiles: self._detect_whole(tiles, verbose), progress)
            for image in images
        )

    def _detect_whole(self, images, verbose=0):
        """Results, masks inside their boxes, of pictures that are fitted into the network."""
        return self._detect_items(map(self.mold, images), verbose)

    def _detect_items(self, items, verbose):
        """Results, masks inside their boxes, of molded pictures."""
        for batch in self._batches(items):
            if verbose:
                for item in batch:
                    print(f"Processing a picture of shape {item.image.shape}, molded {item.molded.shape}")
            _, detections, masks = self._run(self._find, batch)
            for parts in zip(batch, detections, masks, strict=True):
                yield self._result(*parts)

    def _in_tiles(self, image, find, progress=iter):
        """What `find` finds in the tiles of a picture; see `mrcnn.tiles.find_in_tiles`."""
        config = self.config
        return find_in_tiles(
            image, find, config.IMAGE_MAX_DIM, config.TILE_SCALE, config.BATCH_SIZE, progress
        )

    @property
    def tile_side(self):
        """Pixels of a picture along the side of a tile, or None where whole pictures are looked at."""
        scale = self.config.TILE_SCALE
        return self.config.IMAGE_MAX_DIM / scale if scale else None

    def trace(self, image):
        """Detect on one picture, and keep what the network computed on the way; see `Trace`.

        It is the same computation as that of `detect`, and gives the same detections.

        Raises:
            ValueError: the picture is looked at in more than one tile.
        """
        self._check_mode("inference", "trace")
        image = self._pixels(image)
        item = self.mold(self._only_tile(image) if self.config.TILE_SCALE else image)
        stages, detections, masks = self._run(self._trace, [item])
        stages = {name: ops.convert_to_numpy(value)[0] for name, value in stages.items()}
        levels = pyramid_level(ops.convert_to_tensor(stages["proposals"]), np.prod(item.molded.shape[:2]))
        result, window = self._result(item, detections[0], masks[0]), item.window
        if self.config.TILE_SCALE:
            in_tile = result
            result = self._in_tiles(image, lambda _: [in_tile])
            window = (0, 0, *size_in_tile((0, 0, *image.shape[:2]), self.config.TILE_SCALE))
        return Trace(
            image=image,
            molded=item.molded,
            window=np.array(window),
            features={name: stages[name] for name in ("C2", "C3", "C4", "C5", "P2", "P3", "P4", "P5", "P6")},
            anchors=self.anchors_of(item.molded.shape)[0],
            rpn_logits=stages["rpn_logits"],
            objectness=stages["rpn_probs"][:, 1],
            rpn_deltas=stages["rpn_deltas"],
            proposals=stages["proposals"],
            roi_levels=ops.convert_to_numpy(levels),
            crops=stages["crops"],
            class_logits=stages["class_logits"],
            class_probs=stages["class_probs"],
            class_deltas=stages["class_deltas"],
            detections=detections[0],
            mask_probs=masks[0],
            **with_full_masks(result),
        )

    def _only_tile(self, image):
        side, scale = self.config.IMAGE_MAX_DIM, self.config.TILE_SCALE
        regions = regions_of(image.shape, side, scale)
        if len(regions) > 1:
            y1, x1, y2, x2 = regions[0]
            raise ValueError(
                f"The picture of shape {image.shape} is looked at in {len(regions)} tiles, but a trace shows "
                f"one; cut a piece of at most {y2 - y1} by {x2 - x1} pixels out of it."
            )
        return cut_tile(image, regions[0], side, scale)

    def class_masks(self, trace):
        """The masks of every class for the detections of a trace, which keeps those of their own class alone.

        Returns:
            (D, 28, 28, K) float32: the mask head once more, on the same boxes and features.
        """
        self._check_mode("inference", "class_masks")
        count = len(trace.detections)
        if not count:
            return np.zeros((0, *self.config.MASK_SHAPE, self.config.NUM_CLASSES), np.float32)
        most = kernels.padded_count(count, self.config.DETECTION_MAX_INSTANCES)
        boxes = np.pad(trace.detections[:, :4], [(0, most - count), (0, 0)])[None]
        shapes = trace.image.shape, trace.molded.shape
        meta = pictures.compose_image_meta(0, *shapes, trace.window, 1, np.zeros(self.config.NUM_CLASSES))
        features = [level[None] for level in roi_levels(trace.features)]
        masks = self._segment(boxes, meta[None].astype(np.float32), *features)
        return ops.convert_to_numpy(masks)[0, :count]

    def mold(self, image):
        """Bring one picture, in whatever form, to the network's size and colours: a `Molded`."""
        config, image = self.config, self._pixels(image)
        # A random crop is for training; to detect, the whole picture is looked at.
        mode = "pad64" if config.IMAGE_RESIZE_MODE == "crop" else config.IMAGE_RESIZE_MODE
        resized, window, scale, _, _ = pictures.resize_image(
            image, config.IMAGE_MIN_DIM, config.IMAGE_MAX_DIM, config.IMAGE_MIN_SCALE, mode
        )
        if resized.shape[0] % 64 or resized.shape[1] % 64:
            raise ValueError(
                f"The picture has {resized.shape[0]} by {resized.shape[1]} pixels, but with "
                "IMAGE_RESIZE_MODE 'none' both must be multiples of 64: pad it, or use 'pad64'."
            )
        meta = pictures.compose_image_meta(
            0, image.shape, resized.shape, window, scale, np.zeros(config.NUM_CLASSES)
        )
        return Molded(image, pictures.mold_image(resized, config), meta.astype(np.float32), window)

    def anchors_of(self, image_shape):
        """Anchors of a molded picture's shape: [N, 4] float32 pixels, and the same normalised."""
        key = tuple(map(int, image_shape[:2]))
        with self._lock:
            if key not in self._anchors:
                if len(self._anchors) == MOST_SIZES:
                    self._anchors.pop(next(iter(self._anchors)))
                self._anchors[key] = anchors_for(self.config, image_shape)
            self._last_size = key
            return self._anchors[key]

    def _pixels(self, image):
        """One picture, in whatever form, as the array that the network is to see."""
        return as_pixels(image, self.config.IMAGE_CHANNEL_COUNT)

    def _batches(self, items):
        """Molded pictures, as many at a time as `BATCH_SIZE` says and have one size."""
        batch = []
        for item in items:
            if batch and (len(batch) == self.config.BATCH_SIZE or item.molded.shape != batch[0].molded.shape):
                yield batch
                batch = []
            batch.append(item)
        if batch:
            yield batch

    def _run(self, find, batch):
        """Run the network on molded pictures of one size, `find` its first part.

        Returns:
            dict of the tensors that `find` gives; and for each picture, of its D detections, lists of
            [D, 6] float32 and of masks [D, 28, 28] float32, each of the class detected.
        """
        molded, meta = (np.stack([getattr(item, name) for item in batch]) for name in ("molded", "meta"))
        anchors = self.anchors_of(molded.shape[1:])[1]
        stages = find(molded, meta, np.broadcast_to(anchors, (len(batch), *anchors.shape)))
        padded = ops.convert_to_numpy(stages["detections"])
        counts = np.count_nonzero(padded[..., 4], axis=1)
        detections = [rows[:count] for rows, count in zip(padded, counts, strict=True)]
        if not counts.any():
            return stages, detections, [np.zeros((0, *self.config.MASK_SHAPE), np.float32)] * len(batch)
        # The mask head sees what was detected, and nothing else.
        most = kernels.padded_count(counts.max(), self.config.DETECTION_MAX_INSTANCES)
        boxes = np.ascontiguousarray(padded[:, :most, :4])
        masks = ops.convert_to_numpy(self._segment(boxes, meta, *roi_levels(stages)))
        return (
            stages,
            detections,
            [
                every[np.arange(len(rows)), :, :, rows[:, 4].astype(int)]
                for every, rows in zip(masks, detections, strict=True)
            ],
        )

    def _result(self, item, detections, masks):
        """From the network's units to the picture's: what `detect_crops` gives for one picture."""
        return unmold(detections, masks, item.window, item.molded.shape, item.image.shape)


def _as_list(images):
    """What `detect` was given as a list of pictures; raises ValueError if it is none."""
    if isinstance(images, (str, os.PathLike, Image.Image)) or getattr(images, "ndim", 4) in (2, 3):
        return [images]
    if not np.iterable(images) or getattr(images, "ndim", 4) != 4:
        raise ValueError("detect takes a picture or a list of pictures: arrays, Pillow images or paths.")
    return images

"""What the original's inspect notebooks ask a model: any array inside of the network, by the old names."""

import re
import warnings
from collections import OrderedDict
from functools import cached_property

import keras
import numpy as np
from keras import layers, ops

from mrcnn import images as pictures
from mrcnn.molded import Molded, unmold, with_full_masks
from mrcnn.network import kernels
from mrcnn.network.anchors import pixel_anchors
from mrcnn.network.proposals import ProposalLayer

IMAGENET_URL = (
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
IMAGENET_MD5 = "a268eb855778b3df3c7506639542a6af"


def log(text, array=None):
    """Print a label and, of an array, its shape, least and largest value, and dtype."""
    if array is None:
        print(text)
        return
    span = f"min: {array.min():10.5f}  max: {array.max():10.5f}" if array.size else "empty"
    print(f"{text:25} shape: {str(array.shape):20}  {span}  {array.dtype}")


class ProposalStages(layers.Layer):
    """What a `ProposalLayer` does inside, step by step.

    Call as that; gives the best anchors, the same refined, and clipped, [B, L, 4] each, and which of
    them are kept, [B, R] int32, -1 where there are no more.
    """

    def __init__(self, proposals, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.proposals = proposals

    def call(self, inputs):
        anchors, refined, clipped = self.proposals.refine(inputs)
        kept = self.proposals.suppress(clipped)
        distance = ops.sum(ops.abs(kept[:, :, None] - clipped[:, None]), axis=-1)
        index = ops.cast(ops.argmin(distance, axis=-1), "int32")
        return anchors, refined, clipped, ops.where(ops.any(kept != 0, axis=-1), index, -1)

    def compute_output_spec(self, inputs):
        batch = inputs[0].shape[0]
        kept = keras.KerasTensor((batch, self.proposals.proposal_count), "int32")
        return *(keras.KerasTensor((batch, None, 4), "float32") for _ in range(3)), kept


class Inspection:
    """Methods of `mrcnn.model.MaskRCNN` for programs that were written for the original."""

    _pixel_anchors = None, None  # a molded picture's size, and its anchors in float64

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in ("mold_inputs", "unmold_detections", "get_anchors"):
            if name in vars(cls):
                warnings.warn(
                    f"{cls.__name__}.{name} is for programs to call: `detect` itself does not, but `mold`.",
                    stacklevel=2,
                )

    # Pictures in, objects out

    def mold_inputs(self, images):
        """Bring pictures to the network's size and colours.

        Args:
            images: list of B pictures that become equally large.

        Returns:
            molded (B, h, w, channels) float32; metas (B, 12 + K) float64; windows (B, 4), pixels of the
            molded pictures that are no padding.

        Raises:
            ValueError: they become pictures of different sizes, which no batch can hold.
        """
        items = [self.mold(image) for image in images]
        sizes = {item.molded.shape for item in items}
        if len(sizes) != 1:
            raise ValueError(
                f"mold_inputs was given {len(items)} pictures of {len(sizes)} molded sizes; give at least "
                "one, and such as become equally large, as in resize mode 'square'."
            )
        metas = np.stack([item.meta for item in items]).astype(np.float64)
        return np.stack([item.molded for item in items]), metas, np.stack([item.window for item in items])

    def detect_molded(self, molded_images, image_metas, verbose=0):
        """As `detect`, on pictures that are molded already; boxes and masks are in their pixels.

        Args:
            molded_images: (B, h, w, channels), as `mold_inputs` or `load_image_gt` gives them: from
                integers the mean colour is subtracted first.
            image_metas: (B, 12 + K).
            verbose: 1 prints what goes into the network.
        """
        self._check_mode("inference", "detect_molded")
        molded, metas = self._molded(molded_images, image_metas)
        window = (0, 0, *molded.shape[1:3])
        items = (Molded(image, image, meta, window) for image, meta in zip(molded, metas, strict=True))
        found = self._detect_items(items, verbose)
        return [with_full_masks(result) for result in found]

    def _molded(self, images, metas):
        images, metas = np.asarray(images), np.asarray(metas, np.float32)
        if images.dtype.kind in "iu":
            return pictures.mold_image(images, self.config), metas
        return images.astype(np.float32), metas

    def unmold_detections(self, detections, mrcnn_mask, original_image_shape, image_shape, window):
        """From the network's units to the picture's, of one picture.

        Args:
            detections: (N, 6) (box, class, score), boxes normalised, rows of zeros at the end.
            mrcnn_mask: (N, h, w, K) float.
            original_image_shape: (H, W, channels) of the picture.
            image_shape: (h, w, channels) of the molded picture.
            window: (y1, x1, y2, x2), pixels of the molded picture that are no padding.

        Returns:
            boxes (n, 4) int32, class ids (n,) int32, scores (n,) float32, masks (H, W, n) bool.
        """
        detections = np.asarray(detections, np.float32)
        detections = detections[: np.count_nonzero(detections[:, 4])]
        rows, class_ids = np.arange(len(detections)), detections[:, 4].astype(int)
        masks = np.asarray(mrcnn_mask)[rows, :, :, class_ids]
        result = unmold(detections, masks, window, image_shape, tuple(original_image_shape))
        return result["rois"], result["class_ids"], result["scores"], result["masks"].full()

    # Anchors

    def get_anchors(self, image_shape):
        """Anchors (N, 4) float32, normalised, of a molded picture (height, width, …); see `anchors`."""
        return self.anchors_of(image_shape)[1]

    @property
    def anchors(self):
        """Anchors (N, 4) float64 in pixels, of the molded size that was last detected in or asked for.

        Before that, of `config.IMAGE_SHAPE`.
        """
        size = self._last_size or tuple(self.config.IMAGE_SHAPE[:2].tolist())
        known = self._pixel_anchors
        if known[0] != size:  # a local name, since another thread may ask for another size meanwhile
            known = self._pixel_anchors = size, pixel_anchors(self.config, size)
        return known[1]

    # Inside of the network

    def ancestor(self, tensor, name, checked=None):
        """Walk the network back from a tensor to another, by a name as TensorFlow 1 gave it.

        Args:
            tensor: a symbolic tensor of `keras_model`, such as `keras_model.get_layer("ROI").output`.
            name: a layer's name, `rpn_class`; or one of a step inside of the proposal layer,
                `ROI/pre_nms_anchors`, `ROI/refined_anchors`, `ROI/refined_anchors_clipped`, or
                `ROI/` and anything with "NonMaxSuppression" or "non_max_suppression" in it. An output's
                number, `:0`, may follow.
            checked: has no effect.

        Returns:
            a symbolic tensor for `run_graph`, or None where there is none of that name.
        """
        path, _, number = name.partition(":")
        layer, _, inside = path.partition("/")
        for operation, outputs in _operations_behind(tensor):
            if re.fullmatch(rf"{re.escape(layer)}(_\d+)?", operation.name):
                if not inside:
                    return outputs[int(number or 0)]
                return self._proposal_stage(inside) if isinstance(operation, ProposalLayer) else None
        return None

    def _proposal_stage(self, name):
        names = "pre_nms_anchors", "refined_anchors", "refined_anchors_clipped"
        if re.search("non_?max_?suppression", name, re.IGNORECASE):
            return self._proposal_stages[-1]
        return self._proposal_stages[names.index(name)] if name in names else None

    @cached_property
    def _proposal_stages(self):
        layer = self.keras_model.get_layer("ROI")
        return ProposalStages(layer)(layer.input)

    def run_graph(self, images, outputs, image_metas=None):
        """Run the network on pictures, and give arrays of its inside.

        Args:
            images: list of pictures; or, with `image_metas`, molded ones as in `detect_molded`.
            outputs: list of (name, symbolic tensor of `keras_model`), see `ancestor`.
            image_metas: (B, 12 + K).

        Returns:
            OrderedDict from name to array [B, …], in the original's form: features are channels last, and
            what the heads say of RoIs is [B, R, …]. Of the suppression, the kept anchors' places among
            the refined ones are those of the first picture alone, [n] int32.

        Raises:
            ValueError: an output is None, because `ancestor` did not find it.
        """
        self._check_mode("inference", "run_graph")
        outputs = OrderedDict(outputs)
        missing = [name for name, tensor in outputs.items() if tensor is None]
        if missing:
            raise ValueError(f"run_graph has no tensor for {', '.join(missing)}; check the names.")
        if image_metas is None:
            images, image_metas, _ = self.mold_inputs(images)
        molded, metas = self._molded(images, image_metas)
        anchors = self.get_anchors(molded.shape[1:])
        run = kernels.compiled(keras.Model(self.keras_model.inputs, dict(outputs)))
        arrays = run(molded, metas, np.broadcast_to(anchors, (len(molded), *anchors.shape)))
        found = OrderedDict()
        for name, tensor in outputs.items():
            found[name] = _in_original_form(ops.convert_to_numpy(arrays[name]), tensor, len(molded))
            log(name, found[name])
        return found

    # Layers and weights

    def find_trainable_layer(self, layer):
        """The layer that holds the weights: that inside of a wrapper, or the layer itself."""
        while isinstance(layer, layers.Wrapper):
            layer = layer.layer
        return layer

    def get_trainable_layers(self):
        """The layers of `keras_model` that have weights; a model in the model is one."""
        found = map(self.find_trainable_layer, self.keras_model.layers)
        return [layer for layer in found if layer.get_weights()]

    def get_imagenet_weights(self):
        """The path of ResNet-50's weights from ImageNet, without its last layer; fetched if need be."""
        return keras.utils.get_file(
            IMAGENET_URL.rpartition("/")[2], IMAGENET_URL, cache_subdir="models", file_hash=IMAGENET_MD5
        )


def _operations_behind(tensor):
    """The operations that a symbolic tensor depends on, nearest first, each with its output tensors."""
    waiting, seen = [tensor], set()
    while waiting:
        operation, node, _ = waiting.pop(0)._keras_history
        if (operation, node) not in seen:
            seen.add((operation, node))
            yield operation, operation._inbound_nodes[node].outputs
            waiting += operation._inbound_nodes[node].input_tensors


def _in_original_form(array, tensor, batch):
    """An array of the network as the original would have it, see `run_graph`."""
    operation, shape = tensor._keras_history.operation, tensor.shape
    if isinstance(operation, ProposalStages) and len(shape) == 2:
        return array[0][array[0] >= 0]
    convolved = (layers.Conv2D, layers.Conv2DTranspose, layers.BatchNormalization)
    per_roi = operation.name.startswith("mrcnn_") and isinstance(operation, convolved)
    first = kernels.CHANNEL_AXIS == 1 and len(shape) == 4
    if first and (per_roi or (shape[1] is not None and shape[3] is None)):
        array = np.moveaxis(array, 1, -1)
    return array.reshape(batch, -1, *array.shape[1:]) if per_roi else array

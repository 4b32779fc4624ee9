"""Change a picture and the masks of its objects together, so that a network sees more than there is."""

import copy

import numpy as np


def augment(augmentation, image, masks, rng):
    """Apply an augmentation to a picture and its masks.

    Args:
        augmentation: an imgaug augmenter, or any function of (image, masks) that returns both, changed.
            Of imgaug, what moves pixels (flips, crops, affine and elastic maps) moves the masks along,
            and what changes colours leaves them alone.
        image: [H, W, C] uint8.
        masks: [H, W, N] bool.
        rng: a `numpy.random.Generator`, from which an imgaug augmenter takes its seed.

    Returns:
        image [H, W, C] and masks [H, W, N] bool. An object may have lost all of its mask.

    Raises:
        TypeError: `augmentation` is neither of the two.
        ValueError: it changed the size of the picture, or the number or size of the masks.
    """
    if _is_imgaug(augmentation):
        new_image, new_masks = _imgaug(augmentation, image, masks, rng)
    elif callable(augmentation):
        new_image, new_masks = augmentation(image, masks)
    else:
        raise TypeError(
            f"augmentation is a {type(augmentation).__name__}; "
            "pass an imgaug augmenter or a function (image, masks) -> (image, masks)."
        )
    new_image, new_masks = np.asarray(new_image), np.asarray(new_masks, bool)
    if new_image.shape != image.shape or new_masks.shape != masks.shape:
        raise ValueError(
            f"The augmentation turned a picture of shape {image.shape} and masks {masks.shape} into "
            f"{new_image.shape} and {new_masks.shape}; both must keep their shape."
        )
    return new_image, new_masks


def flip(image, masks, rng):
    """Mirror a picture [H, W, C] and its masks [H, W, N] left to right, in half of the cases."""
    if rng.random() < 0.5:
        return image, masks
    return image[:, ::-1], masks[:, ::-1]


def _is_imgaug(augmentation):
    """Whether this is an augmenter of imgaug, found out without importing imgaug."""
    bases = type(augmentation).__mro__
    return any(base.__module__.partition(".")[0] == "imgaug" for base in bases)


def _imgaug(augmenter, image, masks, rng):
    from imgaug.augmentables.segmaps import SegmentationMapsOnImage

    # A copy, because several threads may load pictures, and each draws from a seed of its own.
    augmenter = copy.deepcopy(augmenter)
    augmenter.seed_(int(rng.integers(2**31)))
    if not masks.shape[2]:
        return augmenter(image=image), masks
    maps = SegmentationMapsOnImage(masks, shape=image.shape)
    image, maps = augmenter(image=image, segmentation_maps=maps)
    return image, maps.get_arr()

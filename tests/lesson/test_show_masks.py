"""Pictures of masks, against the trace, and the masks of all classes against those kept."""

import numpy as np
import pytest

from mrcnn.lesson import explore, show
from mrcnn.lesson.messages import Message
from mrcnn.lesson.show.masks import pasted


@pytest.fixture(scope="module")
def masks(model, trace):
    return model.class_masks(trace)


def test_the_mask_of_the_class_detected_is_the_one_kept(trace, masks, model):
    count = len(trace.detections)
    assert masks.shape == (count, 28, 28, model.config.NUM_CLASSES) and masks.dtype == np.float32
    classes = trace.detections[:, 4].astype(int)
    np.testing.assert_allclose(masks[np.arange(count), :, :, classes], trace.mask_probs, atol=1e-5)
    others = masks[np.arange(count), :, :, classes - 1]
    assert np.abs(others - trace.mask_probs).max() > 0.5


def test_nothing_found_has_no_masks(empty, model):
    assert model.class_masks(empty).shape == (0, 28, 28, model.config.NUM_CLASSES)
    found = explore(lambda detection: show.cut_mask(empty, [], detection), detection=range(len(empty.rois)))
    assert isinstance(found, Message) and "no detection" in found.text


def test_masks_of_all_classes_are_shown_once(trace, masks, model):
    picture = show.class_masks(trace, masks, model.class_names, 0)
    titles = [ax.get_title() for ax in picture.figure.axes[1:]]
    assert sorted(titles) == sorted(model.class_names[1:])
    assert titles[0] == model.class_names[trace.class_ids[0]]
    assert picture.array().std() > 5


def test_many_classes_are_leafed_through(trace, masks, model):
    many = np.concatenate([masks, masks[..., 1:]], axis=-1)
    names = [*model.class_names, *(f"{name} again" for name in model.class_names[1:])]
    shown = []
    for first in range(0, len(names) - 1, 19):
        shown += [ax.get_title() for ax in show.class_masks(trace, many, names, 3, first).figure.axes[1:]]
    assert sorted(filter(None, shown)) == sorted(names[1:])


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_a_cut_mask_at_one_half_is_the_networks(trace, model, threshold):
    for detection in (0, len(trace.rois) - 1):
        pixels = (pasted(trace, detection) >= threshold).sum()
        if threshold == 0.5:
            assert pixels == trace.masks[..., detection].sum()
        picture = show.cut_mask(trace, model.class_names, detection, threshold)
        assert f"{pixels} pixels" in picture.caption and picture.array().std() > 5


def test_one_pixel(trace, model):
    y1, x1, y2, x2 = trace.rois[1]
    for y, x in ((y1, x1), ((y1 + y2) // 2, (x1 + x2) // 2), (y2 - 1, x2 - 1), (0, 0)):
        picture = show.mask_pixel(trace, model.config, 1, int(y), int(x))
        says = picture.caption.endswith(": object.")
        assert says == trace.masks[y, x, 1]
        assert f"{pasted(trace, 1)[y, x]:.2f}" in picture.figure.axes[0].get_title()
        assert picture.array().std() > 5

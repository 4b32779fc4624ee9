"""Pictures of what the heads say of a proposal, against the trace."""

import numpy as np
import pytest

from mrcnn.lesson import show, sums
from mrcnn.lesson.show.heads import refined, rois_of
from mrcnn.network import boxes as box_ops


def test_refined_boxes_are_those_of_the_sums(trace, model):
    classes, scores, boxes = refined(trace, model.config)
    for roi in range(0, len(classes), 9):
        score, box = (work_out(trace, model.config, roi) for work_out in (sums.class_score, sums.final_box))
        assert classes[roi] == score.parts["class_id"]
        assert scores[roi] == pytest.approx(score.parts["score"], abs=1e-5)
        np.testing.assert_allclose(boxes[roi], box.value, atol=0.02)


def test_the_proposals_of_an_object_are_of_its_class_and_hold_the_detection(trace, model):
    classes, scores, boxes = refined(trace, model.config)
    for detection, class_id in enumerate(trace.class_ids):
        rois = rois_of(trace, model.config, detection)
        assert (classes[rois] == class_id).all()
        assert scores[rois].max() == pytest.approx(trace.scores[detection], abs=1e-5)
        surest = boxes[rois[scores[rois].argmax()]]
        assert box_ops.iou(boxes[rois], surest[None]).min() > model.config.DETECTION_NMS_THRESHOLD


def test_every_detection_can_be_drawn(trace, model):
    for detection in range(len(trace.rois)):
        picture = show.same_object(trace, model.config, model.class_names, detection)
        assert picture.array().std() > 5
        assert picture.caption.startswith(f"{len(rois_of(trace, model.config, detection))} proposal")


def test_one_roi(trace, empty, model):
    surest = int(trace.class_probs[:, 1:].max(axis=1).argmax())
    name = model.class_names[trace.class_ids[0]]
    caption = show.one_roi(trace, model.config, model.class_names, surest).caption
    assert "becomes detection 0" in caption and f"{name} {trace.scores[0]:.3f}" in caption
    for each, roi in ((trace, surest), (trace, 199), (empty, 0)):
        assert show.one_roi(each, model.config, model.class_names, roi).array().std() > 5

"""The exercises, chapter by chapter."""

from mrcnn.lesson.exercises import (
    anchors,
    boxes,
    features,
    heads,
    own,
    picture,
    rois,
    scores,
    suppression,
    training,
)

EXERCISES = {
    exercise.name: exercise
    for exercise in (
        picture.fit_window,
        features.receptive_field,
        anchors.level_anchors,
        anchors.count_anchors,
        anchors.design_anchors,
        boxes.apply_deltas,
        boxes.find_deltas,
        suppression.iou,
        suppression.nms,
        rois.pyramid_level,
        rois.bilinear,
        heads.softmax,
        heads.new_score,
        heads.paste_mask,
        scores.precision_recall,
        scores.average_precision,
        scores.stricter,
        scores.hidden_share,
        training.spoiled,
        own.covered_share,
    )
}

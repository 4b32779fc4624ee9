"""Mask R-CNN to learn from.

import mrcnn

model = mrcnn.load("toybox")
result = model.detect(["picture.jpg"])[0]  # rois, class_ids, scores, masks
"""


def __getattr__(name):
    # Keras and its backend are imported when a model is made, not before.
    if name == "load":
        from mrcnn.model import load

        return load
    raise AttributeError(f"module 'mrcnn' has no attribute {name!r}")

"""Mask R-CNN to learn from.

import mrcnn

model = mrcnn.load("toybox")
result = model.detect(["picture.jpg"])[0]  # rois, class_ids, scores, masks

model = mrcnn.teach("coins.png", boxes=[(100, 40, 150, 90)], name="coin")  # a thing of your own, in a minute
"""

from mrcnn import backend

backend.choose()


def __getattr__(name):
    # Keras and its backend are imported when a model is made, not before.
    with backend.importing():
        if name == "load":
            from mrcnn.model import load

            return load
        if name == "teach":
            from mrcnn.teaching.teach import teach

            return teach
    raise AttributeError(f"module 'mrcnn' has no attribute {name!r}")

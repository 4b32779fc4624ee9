"""What the programs share: pictures are drawn without a window, and weights to start from."""

import keras
import matplotlib
import numpy as np
import pytest

from mrcnn.model import MaskRCNN
from tests.tiny import TinyTraining, enliven


@pytest.fixture(autouse=True)
def no_window():
    """Figures go nowhere, and are closed; what is drawn by chance is the same each time."""
    from matplotlib import pyplot

    matplotlib.use("agg")
    keras.utils.set_random_seed(1)
    yield
    pyplot.close("all")


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory):
    """A file of weights for networks of `tests.tiny`, of other classes than any program's.

    Features vary, and proposals are the anchors as they are, so that some fit an object from the start.
    """
    folder = tmp_path_factory.mktemp("weights")
    model = enliven(MaskRCNN("inference", TinyTraining(), folder))
    deltas = model.keras_model.get_layer("rpn_model").get_layer("rpn_bbox_pred")
    deltas.kernel.assign(np.zeros(deltas.kernel.shape))
    path = folder / "mask_rcnn_start.h5"
    model.save_weights(path)
    return str(path)

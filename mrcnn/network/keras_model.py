"""A Keras model that keeps its weights in the original's layout."""

from pathlib import Path

import keras

from mrcnn import weights
from mrcnn.layout import is_keras_own


class Network(keras.Model):
    """A functional `keras.Model` whose `.h5` files of weights are those of `mrcnn.weights`.

    So are those that Keras's own callbacks have it write, which must end in `.weights.h5`.
    """

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """As `keras.Model.save_weights`; raises FileExistsError rather than ask whether to overwrite."""
        if _is_for_keras(filepath):
            super().save_weights(filepath, overwrite, **kwargs)
        elif not overwrite and Path(filepath).exists():
            raise FileExistsError(f"{filepath} exists; choose another name, or overwrite=True.")
        else:
            weights.save(self, filepath)

    def load_weights(self, filepath, by_name=False, skip_mismatch=False, **kwargs):
        """As `keras.Model.load_weights`, of either layout.

        Args:
            by_name: has no effect, as the original's files go by names.
            skip_mismatch: for Keras's own layout alone.

        Raises:
            ValueError: a file of the original's layout, which fits as a whole or is refused, is to be loaded
                in part.
        """
        if _is_for_keras(filepath) or is_keras_own(filepath):
            super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)
        elif skip_mismatch:
            raise ValueError(
                "skip_mismatch is for Keras's own files; of the original's, name the layers that do not fit: "
                "MaskRCNN.load_weights(path, exclude=[…])."
            )
        else:
            weights.load(self, filepath)


def _is_for_keras(path):
    return str(path).endswith((".weights.json", ".keras"))  # the latter Keras refuses, in words of its own

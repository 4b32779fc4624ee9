"""A Keras model that keeps its weights in the original's layout."""

from pathlib import Path

import keras

from mrcnn import weights


class Network(keras.Model):
    """A functional `keras.Model` whose `.h5` files of weights are those of `mrcnn.weights`.

    Keras 3 itself writes only files that end in `.weights.h5`, in a layout of its own; these still are so.
    """

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """As `keras.Model.save_weights`; raises FileExistsError rather than ask whether to overwrite."""
        if _is_keras_own(filepath):
            super().save_weights(filepath, overwrite, **kwargs)
        elif not overwrite and Path(filepath).exists():
            raise FileExistsError(f"{filepath} exists; choose another name, or overwrite=True.")
        else:
            weights.save(self, filepath)

    def load_weights(self, filepath, by_name=False, **kwargs):
        """As `keras.Model.load_weights`; `by_name` has no effect, as the original's files go by names.

        Nor has anything else: a file of the original's layout fits as a whole, or is refused.
        """
        if _is_keras_own(filepath):
            super().load_weights(filepath, **kwargs)
        else:
            weights.load(self, filepath)


def _is_keras_own(path):
    return str(path).endswith((".weights.h5", ".weights.json", ".keras"))

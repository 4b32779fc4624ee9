"""Random weights: Keras's distribution, drawn alike on all backends."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.network.blocks import GlorotUniform


def drawn(initializer, shape):
    return ops.convert_to_numpy(initializer(shape))


@pytest.mark.parametrize("shape", [(200, 100), (3, 3, 40, 60), (2, 2, 60, 40)])
def test_random_weights_are_spread_as_keras_s(shape):
    ours, theirs = drawn(GlorotUniform(seed=1), shape), drawn(keras.initializers.GlorotUniform(seed=1), shape)
    assert ours.dtype == np.float32 and ours.shape == shape
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)
    assert (
        ours.std() == pytest.approx(theirs.std(), rel=0.02) and abs(ours.mean()) < 0.01 * np.abs(ours).max()
    )


def test_random_weights_follow_the_seed_on_every_backend():
    keras.utils.set_random_seed(0)
    first, second = (drawn(GlorotUniform(), (2, 3)) for _ in range(2))
    keras.utils.set_random_seed(0)
    np.testing.assert_array_equal(drawn(GlorotUniform(), (2, 3)), first)
    assert not np.array_equal(first, second)
    expected = [[0.0259, 0.98692, -0.77961], [0.98294, -0.41226, -0.16798]]
    np.testing.assert_allclose(drawn(GlorotUniform(seed=1), (2, 3)), expected, atol=1e-5)

"""Divisions put right where the processor's own miss the last bit, as a graphics card's do under JAX."""

import numpy as np
import pytest

from mrcnn.network.rounding import corrected, divide

jax = pytest.importorskip("jax")


def operands(count=100_000):
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, count).astype(np.float32), rng.uniform(1e-6, 1e3, count).astype(np.float32)


@pytest.mark.parametrize("steps", [-2, -1, 0, 1, 2])
def test_a_quotient_some_steps_off_is_put_right(steps):
    a, b = operands()
    exact = a / b
    off = (exact.view(np.int32) + np.int32(steps)).view(np.float32)
    if steps:
        assert (off != exact).all()
    np.testing.assert_array_equal(jax.jit(corrected)(off, a, b), exact)


def test_whole_numbers_divide_to_the_nearest():
    """Areas in pixels, whose quotients often are a threshold's very number."""
    a, b = (x.astype(np.float32).ravel() for x in np.mgrid[:200, 1:200])
    off = np.nextafter(a / b, np.float32(2))
    np.testing.assert_array_equal(jax.jit(corrected)(off, a, b), a / b)


def test_what_has_no_number_stays_as_it_is():
    quotient = np.array([np.inf, -np.inf, np.nan, 0], np.float32)
    a, b = np.array([1, -1, 0, 0], np.float32), np.array([0, 0, 0, 5], np.float32)
    np.testing.assert_array_equal(jax.jit(corrected)(quotient, a, b), quotient)


def test_arrays_are_divided_as_numpy_does():
    a, b = operands(1000)
    np.testing.assert_array_equal(divide(a, b), a / b)

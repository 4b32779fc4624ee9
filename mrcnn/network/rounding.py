"""Divisions and sums of float32 as they are written, where XLA takes liberties with their last bit.

The last bit decides whether a sample on a picture's border lies inside, and whether two boxes that overlap
by just the threshold overlap too much.
"""

import sys

LOW_HALF = 0xFFF  # the lower 12 of a float32's 24 significant bits (one of which is not stored)


def divide(a, b):
    """`a / b`, of float32 to the nearest: XLA's own division on a graphics card may be two steps off.

    Args:
        a, b: arrays or tensors of floats.
    """
    quotient, jax = a / b, sys.modules.get("jax")
    if jax is None or not isinstance(quotient, jax.Array) or quotient.dtype != "float32":
        return quotient
    return quotient if jax.default_backend() == "cpu" else corrected(quotient, a, b)


def corrected(quotient, a, b):
    """A `quotient` of JAX that is some steps off, put right by what it leaves of `a`.

    The products of halves have 24 bits at most, so nothing of the remainder is rounded away (Dekker 1971,
    *A floating-point technique for extending the available precision*).
    """
    import jax

    high, low = halves(quotient)
    b_high, b_low = halves(b)
    rest = (((a - high * b_high) - high * b_low) - low * b_high) - low * b_low
    better = quotient + rest / b
    return jax.numpy.where(jax.numpy.isfinite(better), better, quotient)


def halves(value):
    """Two float32 tensors of JAX of 12 significant bits each that add up to `value`."""
    import jax

    bits = jax.lax.bitcast_convert_type(value, "int32")
    high = jax.lax.bitcast_convert_type(bits & ~LOW_HALF, "float32")
    return high, value - high


def opaque(value, like):
    """`value`, in a form that XLA must compute as it is written.

    Left alone, XLA divides by a constant through its reciprocal and fuses products into sums.

    Args:
        value: tensor or number.
        like: a tensor of the same dtype that is not NaN.
    """
    from keras import ops

    return ops.where(like == like, value, 0.0)

"""Exact integer money, with a 128-bit intermediate; and a logarithm for what need not be exact."""

import numpy as np

from squeezegym._jit import JIT_DISABLED, from_bits, kernel, mul_high, to_bits, wrapping_mul

_ONE = np.uint64(1)
_TOP = np.uint64(63)
_HALF_RANGE = np.uint64(1 << 63)
_MANTISSA = np.uint64((1 << 52) - 1)
_UNIT_BITS = np.uint64(1023 << 52)
_EXPONENT_AT = np.uint64(52)
_LN_2 = 0.6931471805599453

if JIT_DISABLED:

    def _divide_wide(high, low, divisor):
        return np.uint64(((int(high) << 64) | int(low)) // int(divisor))

else:

    @kernel
    def _divide_wide(high, low, divisor):
        """Quotient of a 128-bit number by a 64-bit one, by long division; ``high < divisor``."""
        quotient = np.uint64(0)
        rest = high
        for i in range(64):
            carry = rest >> _TOP
            rest = (rest << _ONE) | ((low >> np.uint64(63 - i)) & _ONE)
            quotient = quotient << _ONE
            if carry != 0 or rest >= divisor:
                rest = rest - divisor
                quotient = quotient | _ONE
        return quotient


@kernel
def mul_div(a, b, c):
    """Return ``floor(a * b / c)`` for non-negative integers, exact for any 64-bit product.

    Args:
        a: Factor, >= 0.
        b: Factor, >= 0.
        c: Divisor, > 0; the quotient must fit in 63 bits.

    Returns:
        The quotient rounded down; with :func:`mul_div_up` the two stated roundings.
    """
    high = mul_high(np.uint64(a), np.uint64(b))
    low = wrapping_mul(np.uint64(a), np.uint64(b))
    if high == 0 and low < _HALF_RANGE:
        return np.int64(low) // np.int64(c)
    return np.int64(_divide_wide(high, low, np.uint64(c)))


@kernel
def mul_div_up(a, b, c):
    """Return ``ceil(a * b / c)`` for non-negative integers: the payer's rounding."""
    floor = mul_div(a, b, c)
    if wrapping_mul(np.uint64(floor), np.uint64(c)) == wrapping_mul(np.uint64(a), np.uint64(b)):
        return floor
    return floor + np.int64(1)


@kernel(inline=True)
def coarse_log(x):
    """Natural logarithm to about 2e-7, several times faster than an exact one.

    The exponent is read from the bits; the rest by a polynomial of our own, a Chebyshev fit of
    ``ln(1 + f) / f`` on [0, 1].

    Args:
        x: A normal float64, > 0.
    """
    bits = to_bits(x)
    exponent = np.int64(bits >> _EXPONENT_AT) - 1023
    f = from_bits((bits & _MANTISSA) | _UNIT_BITS) - 1.0
    rest = 0.0442141923369 - 0.00857467620448 * f
    rest = (rest * f - 0.10785367917) * f + 0.177570239922
    rest = (rest * f - 0.244996117245) * f + 0.332761765715
    rest = (rest * f - 0.499974493848) * f + 0.999999810218
    return _LN_2 * np.float64(exponent) + rest * f

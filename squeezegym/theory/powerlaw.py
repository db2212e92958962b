"""Power laws: the tail of a sample, and the exponent between two quantities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.errors import DataError
from squeezegym.theory.samples import FloatArray, finite, number

LEAST_TAIL = 10
STEEPEST = 4.0
EXPONENTS = np.linspace(-STEEPEST, STEEPEST, 201)


def tail_index(values: ArrayLike, top: float = 0.02) -> float:
    """Hill estimate of the exponent ``alpha`` of a tail ``P(|x| > u) ~ u^-alpha``.

    ``k / sum(ln(x_i / x_(k+1)))`` over the ``k`` largest absolute values. Source: Hill 1975,
    Annals of Statistics 3:1163. Its standard error for independent values is ``alpha / sqrt(k)``.

    Args:
        values: (n,) returns or sizes, any unit; signs are dropped.
        top: Share of the sample taken as the tail, 0..1; at least 10 values.

    Returns:
        The tail index, above 0.

    Raises:
        DataError: Fewer than 11 values, fewer than 10 in the tail, or a tail of equal values.
    """
    share = number("top", top, 0.0, 1.0)
    size = np.abs(finite("values", values, LEAST_TAIL + 1))
    k = min(int(share * len(size)), len(size) - 1)
    if k < LEAST_TAIL:
        raise DataError(
            f"the tail holds {k} of {len(size):,} values, allowed is at least {LEAST_TAIL}; pass a"
            f" longer sample or top={LEAST_TAIL / (len(size) - 1):.3g}"
        )
    largest = np.partition(size, len(size) - 1 - k)[len(size) - 1 - k :]
    if largest[0] == 0 or largest[0] == largest.max():
        raise DataError(
            f"the tail is {largest[0]:g} up to {largest.max():g}, allowed is one that varies above"
            " 0; pass a sample with fewer equal values or a smaller top"
        )
    return float(k / np.log(largest / largest[0]).sum())


def power_exponent(x: FloatArray, y: FloatArray, weights: FloatArray) -> float:
    """Exponent ``b`` of ``y = a x^b``, ``a > 0``, by weighted least squares on ``y`` itself.

    Points of noise may lie below zero, where a fit of logarithms would have to drop them and come
    out too flat. For each ``b`` the best ``a`` is known, so that one search over ``b`` is left.

    Args:
        x: (n,) values above 0.
        y: (n,) values.
        weights: (n,) inverse variances of ``y`` up to a factor.

    Returns:
        The exponent, between -4 and 4.

    Raises:
        DataError: No ``a`` above 0 fits, or the best exponent lies outside.
    """
    from scipy.optimize import minimize_scalar

    log_x = np.log(x) - np.log(x).mean()

    def explained(exponent: float) -> float:
        model = np.exp(exponent * log_x)
        return float(max(0.0, (weights * y) @ model) ** 2 / ((weights * model) @ model))

    best = int(np.argmax([explained(exponent) for exponent in EXPONENTS]))
    if not 0 < best < len(EXPONENTS) - 1:
        raise DataError(
            f"no power law fits: the values are not above 0, or their exponent is beyond"
            f" ±{STEEPEST:g}, allowed is one between; pass another range or a longer sample"
        )
    around = (EXPONENTS[best - 1], EXPONENTS[best + 1])
    found = minimize_scalar(lambda b: -explained(b), bounds=around, method="bounded")
    return float(found.x)

"""Stylised facts of returns: fat tails, memory of their size, volatility by scale, volume.

Returns are log returns over the steps of a regular grid, in any unit unless said otherwise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.arguments import integer
from squeezegym.errors import DataError
from squeezegym.theory.powerlaw import power_exponent
from squeezegym.theory.samples import FloatArray, finite, same_length, varying

LEAST = 4  # values, for a moment or a correlation to mean anything


def excess_kurtosis(returns: ArrayLike, scale: int = 1) -> float:
    """Excess kurtosis ``m4 / m2^2 - 3`` of returns over ``scale`` steps; 0 for normal ones.

    Longer returns are overlapping sums, ``m`` their central sample moments. Source: Cont 2001,
    Quantitative Finance 1:223 (aggregational Gaussianity).

    Args:
        returns: (n,) returns of one step.
        scale: Steps of the horizon, 1..n/4.

    Returns:
        Pure number, -2 and above.
    """
    longer = _summed(varying("returns", returns, LEAST), scale)
    centred = varying("returns over the scale", longer) - longer.mean()
    return float(np.mean(centred**4) / np.mean(centred**2) ** 2 - 3)


def autocorrelation(values: ArrayLike, lag: int) -> float:
    """Autocorrelation at one lag: mean product of deviations, over the variance.

    Source: Box and Jenkins 1970, chapter 2, the mean taken over the pairs that exist.

    Args:
        values: (n,) series.
        lag: Steps, 1..n/4.

    Returns:
        Pure number; noise alone gives 0 with a standard error of ``1 / sqrt(n)``.
    """
    return float(_autocorrelations(varying("values", values, LEAST), lag)[-1])


def absolute_autocorrelation(returns: ArrayLike, lag: int) -> float:
    """Autocorrelation of absolute returns: volatility clustering.

    Source: Ding, Granger and Engle 1993, Journal of Empirical Finance 1:83.

    Args:
        returns: (n,) returns.
        lag: Steps, 1..n/4.

    Returns:
        Pure number, as in `autocorrelation`.
    """
    return autocorrelation(np.abs(finite("returns", returns, LEAST)), lag)


def decay_exponent(values: ArrayLike, first: int, last: int) -> float:
    """Exponent ``g`` of an autocorrelation that falls as ``lag^-g`` between two lags.

    Least squares over all lags (`powerlaw.power_exponent`). The sample mean is subtracted, which
    lowers the autocorrelation of a long memory by about ``n^-g``: pass ``n`` well above ``last``.

    Args:
        values: (n,) series.
        first: Shortest lag, steps.
        last: Longest lag, steps, at least twice ``first`` and at most n/4.

    Returns:
        Pure number; between 0 and 1 for long memory, Hurst exponent ``1 - g / 2``.

    Raises:
        DataError: The autocorrelation follows no power law.
    """
    series = varying("values", values, LEAST)
    first = integer("first", first, 1, len(series) // 8)
    last = integer("last", last, 2 * first, len(series) // 4)
    lags = np.arange(first, last + 1, dtype=np.float64)
    heights = _autocorrelations(series, last)[first:]
    return -power_exponent(lags, heights, np.ones_like(lags))


def absolute_decay(returns: ArrayLike, first: int, last: int) -> float:
    """Exponent of the decay of `absolute_autocorrelation`; arguments as in `decay_exponent`.

    Source: Cont 2001, Quantitative Finance 1:223.
    """
    return decay_exponent(np.abs(finite("returns", returns, LEAST)), first, last)


def volatility(returns: ArrayLike, scale: int = 1) -> float:
    """One point of the signature plot: volatility per root step, measured over ``scale`` steps.

    ``sqrt(mean(R^2) / scale)`` over overlapping returns ``R`` of that horizon; no mean is taken
    off. Source: Andersen, Bollerslev, Diebold and Labys 2000, Risk 13(3):105.

    Args:
        returns: (n,) returns of one step.
        scale: Steps of the horizon, 1..n/4.

    Returns:
        Unit of the returns per square root of a step; the same at every scale if the price is
        diffusive.
    """
    longer = _summed(finite("returns", returns, LEAST), scale)
    return float(np.sqrt(np.mean(longer**2) / scale))


def signature_ratio(returns: ArrayLike, short: int, long: int) -> float:
    """Realised variance at a short scale over that at a long one, both per step.

    Above 1 prices bounce, below 1 they trend. Source: as `volatility`.

    Args:
        returns: (n,) returns of one step.
        short: Steps of the short horizon.
        long: Steps of the long horizon, above ``short``, at most n/4.

    Returns:
        Ratio of variances, 0 and above.
    """
    series = varying("returns", returns, LEAST)
    short = integer("short", short, 1, len(series) // 4)
    long = integer("long", long, short + 1, len(series) // 4)
    base = volatility(series, long)
    if base == 0:
        raise DataError(
            f"returns over {long:,} steps are 0 throughout, allowed are some that are not; choose"
            " another long scale"
        )
    return (volatility(series, short) / base) ** 2


def volume_volatility(volumes: ArrayLike, returns: ArrayLike) -> float:
    """Spearman rank correlation of traded volume and absolute return of the same interval.

    Source: Karpoff 1987, Journal of Financial and Quantitative Analysis 22:109; Spearman 1904.

    Args:
        volumes: (n,) volume of each interval, any unit.
        returns: (n,) returns of the intervals.

    Returns:
        Pure number, -1..1.
    """
    from scipy.stats import spearmanr

    volume = varying("volumes", volumes, LEAST)
    size = varying("absolute returns", np.abs(finite("returns", returns, LEAST)), LEAST)
    same_length(volumes=volume, returns=size)
    return float(spearmanr(volume, size).statistic)


def _summed(returns: FloatArray, scale: int) -> FloatArray:
    """Overlapping returns over so many steps."""
    scale = integer("scale", scale, 1, len(returns) // 4)
    path = np.concatenate([[0.0], np.cumsum(returns)])
    longer: FloatArray = path[scale:] - path[:-scale]
    return longer


def _autocorrelations(series: FloatArray, last: int) -> FloatArray:
    """Autocorrelations at lags 0 to ``last``, (last + 1,)."""
    n = len(series)
    last = integer("lag", last, 1, n // 4)
    centred = series - series.mean()
    padded = 1 << (n + last).bit_length()  # past the wrap of the transform
    spectrum = np.abs(np.fft.rfft(centred, padded)) ** 2
    products = np.fft.irfft(spectrum, padded)[: last + 1] / (n - np.arange(last + 1))
    heights: FloatArray = products / products[0]
    return heights

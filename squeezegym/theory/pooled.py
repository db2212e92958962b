"""Estimators over many episodes at once: each is summed up first, then pooled and resampled.

Sums of an episode are small, so that thousands of resamples cost no more than one pass.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from squeezegym.errors import DataError
from squeezegym.theory.powerlaw import power_exponent
from squeezegym.theory.samples import FloatArray


def lag_sums(series: Sequence[FloatArray], lags: Sequence[int], mean: float) -> list[FloatArray]:
    """Sum the products of deviations of each series at lag 0 and at some lags.

    Args:
        series: One array an episode.
        lags: (k,) lags, steps, above 0.
        mean: Mean that the deviations are taken from: that of all episodes, because the mean of a
            short one takes its long memory away.

    Returns:
        (k + 1, 2) for each episode: sums of products and their counts.
    """
    return [_lag_sums(np.asarray(values, np.float64) - mean, lags) for values in series]


def _lag_sums(centred: FloatArray, lags: Sequence[int]) -> FloatArray:
    n = len(centred)
    sums = [(float(centred[lag:] @ centred[: max(0, n - lag)]), n - lag) for lag in (0, *lags)]
    return np.array([(total, max(0, count)) for total, count in sums])


def pooled_autocorrelations(episodes: Sequence[FloatArray]) -> FloatArray:
    """Autocorrelations at the lags of `lag_sums`, (k,), over all episodes."""
    total = np.sum(episodes, axis=0)
    if not total[0, 0] > 0 or not (total[:, 1] > 0).all():
        raise DataError("the episodes are shorter than the lags, or constant; record longer ones")
    heights: FloatArray = total[:, 0] / total[:, 1]
    relative: FloatArray = heights[1:] / heights[0]
    return relative


def pooled_decay(episodes: Sequence[FloatArray], lags: Sequence[int]) -> float:
    """Exponent of the decay of `pooled_autocorrelations`, as in `returns.decay_exponent`."""
    heights = pooled_autocorrelations(episodes)
    return -power_exponent(np.array(lags, np.float64), heights, np.ones(len(lags)))


def cross_sums(first: FloatArray, second: FloatArray, most: int) -> FloatArray:
    """Sum products of two series of returns at lags ``-most..most``, (2 most + 1,).

    At a lag above 0 the second is taken that much later, so the first leads.
    """
    n = len(first)
    inner = first[most : n - most]
    return np.array([inner @ second[most + lag : n - most + lag] for lag in range(-most, most + 1)])


def counts_branching(counts: FloatArray) -> float:
    """Branching ratio ``1 - sqrt(mean / variance)`` of counts in windows; 0 below Poisson.

    Source: Hardiman and Bouchaud 2014, arXiv:1403.5227.
    """
    variance = float(np.var(counts))
    return max(0.0, 1 - float(np.sqrt(np.mean(counts) / variance))) if variance > 0 else 0.0


def size_exponent(sizes: Sequence[float], impacts: Sequence[FloatArray]) -> float:
    """Exponent of mean impact in the size of a metaorder, by least squares on logarithms.

    Args:
        sizes: (k,) sizes.
        impacts: (k,) impact at each size for every seed.
    """
    mean = np.mean(impacts, axis=0)
    if not (mean > 0).all():
        raise DataError(
            f"the mean impact is {mean.min():.3g} at one of the sizes, allowed is above 0; run"
            " more seeds or larger metaorders"
        )
    return float(np.polyfit(np.log(sizes), np.log(mean), 1)[0])

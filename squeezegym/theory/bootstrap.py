"""Intervals of estimates by resampling: whole episodes, or blocks of one time series.

Same arguments, same seed: same interval.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from squeezegym.arguments import choice, integer
from squeezegym.errors import DataError
from squeezegym.theory.samples import FloatArray, finite, number, same_length

KINDS = ("stationary", "moving")
LEAST_EPISODES = 5
LEAST_BLOCKS = 5


class Interval(NamedTuple):
    """Two ends of an interval, in the unit of the estimate."""

    low: float
    high: float


def episode_interval(
    episodes: Sequence[Any],
    statistic: Callable[[list[Any]], float],
    *,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Interval from independent episodes, drawn with replacement.

    Bias-corrected and accelerated (Efron 1987, Journal of the American Statistical Association
    82:171) by ``scipy.stats.bootstrap``; percentiles where too few resamples differ to correct by.

    Args:
        episodes: One entry each, of any kind: an estimate, or the series to pool; at least 5.
        statistic: Takes a list of episodes, returns the estimate.
        level: Coverage, 0..1.
        resamples: Resamples, 100..1,000,000.
        seed: Seed of the draws, 0 and above.

    Returns:
        The interval; one point if every resample gives the same.

    Raises:
        DataError: Too few episodes, or an estimate that is not finite.
    """
    from scipy.stats import DegenerateDataWarning, bootstrap

    if len(episodes) < LEAST_EPISODES:
        raise DataError(
            f"there are {len(episodes)} episodes, allowed is at least {LEAST_EPISODES}; run more"
        )
    number("level", level, 0.0, 1.0)
    # Where the estimate hardly varies there is nothing to correct by, and the correction is NaN.
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", DegenerateDataWarning)
        result = bootstrap(
            (np.arange(len(episodes)),),
            lambda drawn: _finite(statistic([episodes[i] for i in drawn])),
            n_resamples=integer("resamples", resamples, 100, 1_000_000),
            confidence_level=level,
            method="BCa",
            vectorized=False,
            rng=np.random.default_rng(integer("seed", seed, 0, 2**63 - 1)),
        )
    ends = result.confidence_interval
    if not np.isfinite(ends).all():
        return _percentiles(result.bootstrap_distribution, level)
    return Interval(float(ends.low), float(ends.high))


def block_interval(
    statistic: Callable[..., float],
    *series: ArrayLike,
    block: int,
    kind: str = "stationary",
    level: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> Interval:
    """Interval from one time series, or several of the same times, drawn in blocks.

    Percentiles over resamples. ``stationary``: blocks of geometric length around the circle
    (Politis and Romano 1994, Journal of the American Statistical Association 89:1303). ``moving``:
    blocks of one length, not around the end (Künsch 1989, Annals of Statistics 17:1217). The
    joints cut memory: an autocorrelation loses a share of about ``lag / block``, so blocks must be
    far longer than the longest lag, and the series than the blocks.

    Args:
        statistic: Takes the resampled series, returns the estimate.
        series: (n,) each, regular samples; they are drawn together.
        block: Mean length of a block, samples, 1..n/5.
        kind: ``stationary`` or ``moving``.
        level: Coverage, 0..1.
        resamples: Resamples, 100..1,000,000.
        seed: Seed of the draws, 0 and above.

    Returns:
        The interval.

    Raises:
        DataError: No series, a bad one, or an estimate that is not finite.
    """
    checked = [finite(f"series {i}", values, LEAST_BLOCKS) for i, values in enumerate(series)]
    if not checked:
        raise DataError("there is no series, allowed is at least one; pass it after the statistic")
    same_length(**{f"series {i}": values for i, values in enumerate(checked)})
    n = len(checked[0])
    block = integer("block", block, 1, n // LEAST_BLOCKS)
    draw = (_stationary, _moving)[choice("kind", kind, KINDS)]
    number("level", level, 0.0, 1.0)
    rng = np.random.default_rng(integer("seed", seed, 0, 2**63 - 1))
    estimates = np.empty(integer("resamples", resamples, 100, 1_000_000))
    for i in range(len(estimates)):
        drawn = draw(rng, n, block)
        estimates[i] = _finite(statistic(*(values[drawn] for values in checked)))
    return _percentiles(estimates, level)


def _stationary(rng: np.random.Generator, n: int, block: int) -> NDArray[np.int64]:
    """Places of one resample: each starts a block with chance 1 / block, else follows."""
    starts = rng.random(n) < 1 / block
    starts[0] = True
    places = np.arange(n)
    begun = np.maximum.accumulate(np.where(starts, places, 0))
    drawn: NDArray[np.int64] = (rng.integers(0, n, n)[begun] + places - begun) % n
    return drawn


def _moving(rng: np.random.Generator, n: int, block: int) -> NDArray[np.int64]:
    """Places of one resample: blocks of one length, the last cut."""
    starts = rng.integers(0, n - block + 1, -(-n // block))
    drawn: NDArray[np.int64] = (starts[:, None] + np.arange(block)).ravel()[:n]
    return drawn


def _percentiles(estimates: FloatArray, level: float) -> Interval:
    low, high = np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _finite(estimate: float) -> float:
    if not np.isfinite(estimate):
        raise DataError(
            f"a resample gives {estimate}, allowed are finite estimates; pass a longer sample or"
            " another statistic"
        )
    return float(estimate)

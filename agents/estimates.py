"""Scores of policies with intervals: what Agarwal et al. (2021, NeurIPS) ask of a comparison.

Episodes are drawn again within their stratum, so that the shares of the strata stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from agents.baselines.policy import Array

RESAMPLES = 2000
Statistic = Callable[[Array], Array]


class Estimate(NamedTuple):
    """A statistic with its 95 % interval."""

    value: float
    low: float
    high: float


def iqm(values: Array) -> Array:
    """Interquartile mean over the last axis: without the lowest and the highest quarter."""
    n = values.shape[-1]
    found: Array = np.sort(values, axis=-1)[..., n // 4 : n - n // 4].mean(axis=-1)
    return found


def mean(values: Array) -> Array:
    """Mean over the last axis."""
    found: Array = values.mean(axis=-1)
    return found


def draws(strata: Sequence[int], resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """Return (resamples, n) places of resamples within strata of the given lengths."""
    rng = np.random.default_rng(seed)
    starts = np.cumsum([0, *strata[:-1]])
    parts = [
        start + rng.integers(0, n, (resamples, n)) for start, n in zip(starts, strata, strict=True)
    ]
    return np.concatenate(parts, axis=1)


def estimate(strata: Sequence[Array], statistic: Statistic = iqm, *, seed: int = 0) -> Estimate:
    """Return a statistic of scores with its stratified percentile bootstrap interval.

    Args:
        strata: Scores of each stratum (a regime, a training seed), one an episode.
        statistic: Over the last axis.
        seed: Of the resamples.
    """
    values = np.concatenate([np.asarray(scores, np.float64) for scores in strata])
    resampled = statistic(values[draws([len(scores) for scores in strata], seed=seed)])
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Estimate(float(statistic(values)), float(low), float(high))


def improvement(ours: Sequence[Array], theirs: Sequence[Array], *, seed: int = 0) -> Estimate:
    """Return the probability that a policy earns more than another in the same episode.

    Ties count half. Both play the same seeds, so episodes are compared pair by pair, stratum by
    stratum.
    """
    better = [
        (np.asarray(x) > np.asarray(y)) + 0.5 * (np.asarray(x) == np.asarray(y))
        for x, y in zip(ours, theirs, strict=True)
    ]
    return estimate(better, mean, seed=seed)


def ratio(ours: Array, theirs: Array, *, seed: int = 0) -> Estimate | None:
    """Return the sum of scores over that of another policy on the same episodes; None for no gain.

    The interval draws episodes, both scores of each together.
    """
    if len(ours) == 0 or theirs.sum() <= 0:
        return None
    places = draws([len(ours)], seed=seed)
    above, below = ours[places].sum(axis=1), theirs[places].sum(axis=1)
    sound = below > 0
    low, high = np.quantile(above[sound] / below[sound], [0.025, 0.975])
    return Estimate(float(ours.sum() / theirs.sum()), float(low), float(high))


def profile(strata: Sequence[Array], levels: Array, *, seed: int = 0) -> Array:
    """Return the performance profile: share of episodes above each level, with its interval.

    Returns:
        (levels, 3) share, low, high.
    """
    values = np.concatenate([np.asarray(scores, np.float64) for scores in strata])
    drawn = np.sort(values[draws([len(scores) for scores in strata], 500, seed)], axis=1)
    n = len(values)
    above = 1 - np.stack([np.searchsorted(row, levels, "right") for row in drawn]) / n
    share = 1 - np.searchsorted(np.sort(values), levels, "right") / n
    low, high = np.quantile(above, [0.025, 0.975], axis=0)
    return np.stack([share, low, high], axis=1)

"""Stylised facts of two linked markets: who leads, how far apart, how soon together again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.errors import DataError
from squeezegym.theory.samples import (
    BP,
    FloatArray,
    increasing,
    number,
    positive,
    same_length,
    varying,
)


def correlation(
    times_a: ArrayLike, mids_a: ArrayLike, times_b: ArrayLike, mids_b: ArrayLike, lag: float = 0.0
) -> float:
    """Correlation of two mids seen at different, irregular times, one of them moved by a lag.

    Products of all log returns whose intervals overlap, over the root of both realised variances:
    no grid, so no fall towards 0 as the grid gets finer. Source: Hayashi and Yoshida 2005,
    Bernoulli 11:359; with a lag, Hoffmann, Rosenbaum and Yoshida 2013, Bernoulli 19:426.

    Args:
        times_a: (n,) times of the first mid, increasing, any unit.
        mids_a: (n,) that mid, above 0.
        times_b: (m,) times of the second mid, in the same unit.
        mids_b: (m,) that mid.
        lag: The second mid is taken this much later than the first.

    Returns:
        Pure number, about -1..1; noise can carry it beyond.
    """
    a, b = _path("a", times_a, mids_a), _path("b", times_b, mids_b)
    return _overlapping(*a, b[0] - number("lag", lag, -np.inf, np.inf), b[1])


def lead_lag(
    times_a: ArrayLike,
    mids_a: ArrayLike,
    times_b: ArrayLike,
    mids_b: ArrayLike,
    lags: ArrayLike,
) -> float:
    """Lag at which `correlation` is largest in size: how far the first mid leads the second.

    Source: Hoffmann, Rosenbaum and Yoshida 2013, Bernoulli 19:426.

    Args:
        times_a: (n,) times of the first mid, increasing, any unit.
        mids_a: (n,) that mid, above 0.
        times_b: (m,) times of the second mid, in the same unit.
        mids_b: (m,) that mid.
        lags: (k,) lags to try, increasing, in the same unit, at least 3.

    Returns:
        One of the lags, in the unit of the times; positive if the first mid leads.

    Raises:
        DataError: The peak lies at either end of the lags, so that it may lie beyond.
    """
    a, b = _path("a", times_a, mids_a), _path("b", times_b, mids_b)
    tried = increasing("lags", lags, 3)
    heights = [abs(_overlapping(*a, b[0] - lag, b[1])) for lag in tried]
    best = int(np.argmax(heights))
    if not 0 < best < len(tried) - 1:
        raise DataError(
            f"the correlation peaks at the lag {tried[best]:g}, an end of those tried, allowed is a"
            " peak between; try a wider range of lags"
        )
    return float(tried[best])


def mean_basis_bps(perp: ArrayLike, spot: ArrayLike) -> float:
    """Mean of perp over spot minus 1, on a regular grid.

    Source: the deviation of He, Manela, Ross and von Wachter 2022, arXiv:2212.06888, before
    annualisation.

    Args:
        perp: (n,) perp mids, quote.
        spot: (n,) spot mids at the same times.

    Returns:
        Basis points of spot; positive when the perp stands above.
    """
    return float(_basis(perp, spot, 1).mean()) * BP


def basis_half_life(perp: ArrayLike, spot: ArrayLike, step_s: float) -> float:
    """Time in which half of a deviation of the basis from its mean is gone.

    ``-ln 2 / ln f * step_s`` with ``f`` the slope of the basis on itself one step before, by least
    squares: a first-order autoregression. ``f`` is biased down by about ``(1 + 3 f) / n`` (Kendall
    1954, Biometrika 41:403), so record many half-lives.

    Args:
        perp: (n,) perp mids, quote, on a regular grid.
        spot: (n,) spot mids at the same times.
        step_s: Step of the grid, s.

    Returns:
        Seconds.

    Raises:
        DataError: The slope lies outside 0..1: the basis alternates, or does not come back.
    """
    number("step_s", step_s, 0.0, np.inf)
    basis = varying("the basis", _basis(perp, spot, 10))
    before, after = varying("the basis", basis[:-1]), basis[1:]
    centred = before - before.mean()
    slope = float(centred @ after / (centred @ centred))
    if not 0 < slope < 1:
        raise DataError(
            f"the basis keeps {slope:.3g} of itself over a step, allowed is a share between 0 and"
            " 1; choose another step or a longer time"
        )
    return -math.log(2) / math.log(slope) * step_s


def _basis(perp: ArrayLike, spot: ArrayLike, least: int) -> FloatArray:
    perp_mid, spot_mid = positive("perp", perp, least), positive("spot", spot, least)
    same_length(perp=perp_mid, spot=spot_mid)
    return perp_mid / spot_mid - 1


def _path(which: str, times: ArrayLike, mids: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Times and log mids of one market."""
    at, mid = increasing(f"times_{which}", times), positive(f"mids_{which}", mids)
    same_length(**{f"times_{which}": at, f"mids_{which}": mid})
    return at, np.log(varying(f"mids_{which}", mid))


def _overlapping(
    times_a: FloatArray, log_a: FloatArray, times_b: FloatArray, log_b: FloatArray
) -> float:
    """Sum of products of returns whose intervals overlap, over the root of both variances.

    The returns of ``b`` that overlap one of ``a`` follow each other, so their sum is a difference.
    """
    first = np.searchsorted(times_b, times_a[:-1], side="right") - 1
    last = np.searchsorted(times_b, times_a[1:], side="left")
    spans = log_b[np.clip(last, 0, len(log_b) - 1)] - log_b[np.clip(first, 0, len(log_b) - 1)]
    returns_a, returns_b = np.diff(log_a), np.diff(log_b)
    scale = math.sqrt(float(returns_a @ returns_a) * float(returns_b @ returns_b))
    return float(returns_a @ spans) / scale

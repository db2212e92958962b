"""Stylised facts of order flow: memory of signs, impact, and how a cascade bunches."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.arguments import integer
from squeezegym.errors import DataError
from squeezegym.theory.powerlaw import power_exponent
from squeezegym.theory.returns import autocorrelation, decay_exponent
from squeezegym.theory.samples import (
    FloatArray,
    finite,
    not_negative,
    number,
    ordered,
    positive,
    same_length,
    varying,
)

LEAST_IN_BIN = 10
LEAST_BINS = 3
BINNED = (0.01, 0.99)  # quantiles of the volume between which bins lie


def sign_autocorrelation(signs: ArrayLike, lag: int) -> float:
    """Autocorrelation of the signs of successive aggressor orders.

    Source: Lillo and Farmer 2004, Studies in Nonlinear Dynamics and Econometrics 8(3).

    Args:
        signs: (n,) +1 for a buy, -1 for a sell.
        lag: Orders, 1..n/4.

    Returns:
        Pure number, -1..1 up to sampling error.
    """
    return autocorrelation(_signs(signs), lag)


def sign_decay(signs: ArrayLike, first: int, last: int) -> float:
    """Exponent of the decay of `sign_autocorrelation`, by `returns.decay_exponent`.

    Sources: Lillo and Farmer 2004; Bouchaud, Gefen, Potters and Wyart 2004, Quantitative Finance
    4:176.

    Args:
        signs: (n,) +1 for a buy, -1 for a sell.
        first: Shortest lag, orders.
        last: Longest lag, orders, at least twice ``first`` and at most n/4.

    Returns:
        Pure number; below 1 for long memory.
    """
    return decay_exponent(_signs(signs), first, last)


def impact_exponent(signed_volumes: ArrayLike, mid_changes: ArrayLike, bins: int = 12) -> float:
    """Exponent ``d`` of mean impact ``sign(v) dm ~ |v|^d``.

    ``|v|`` is put in bins of equal logarithmic width between its 1 % and 99 % quantiles; bins of at
    least 10 give the mean signed change, at the geometric mean of their volume, and a power is
    fitted to them with weights in proportion to their counts. Source: Lillo, Farmer and Mantegna
    2003, Nature 421:129 (single orders); Torre 1997, BARRA market impact model handbook
    (metaorders).

    Args:
        signed_volumes: (n,) volume of an order, metaorder or interval, positive when bought; zeros
            are left out.
        mid_changes: (n,) change of the mid over the same, any unit.
        bins: Bins, 3..1,000.

    Returns:
        Pure number: 0.5 for a square root, 1 for a line.

    Raises:
        DataError: Fewer than 3 bins hold 10 values, or impact follows no power of the volume.
    """
    volume = finite("signed_volumes", signed_volumes, LEAST_BINS * LEAST_IN_BIN)
    change = finite("mid_changes", mid_changes)
    same_length(signed_volumes=volume, mid_changes=change)
    bins = integer("bins", bins, LEAST_BINS, 1_000)
    moved = volume != 0
    log_size = np.log(np.abs(volume[moved]))
    response = (np.sign(volume) * change)[moved]
    low, high = np.quantile(log_size, BINNED) if len(log_size) else (0.0, 0.0)
    counts, sizes, impacts = _binned(log_size, response, np.linspace(low, high, bins + 1))
    if len(counts) < LEAST_BINS:
        raise DataError(
            f"impact: {len(counts)} of {bins} bins of volume hold {LEAST_IN_BIN} values, allowed"
            f" is at least {LEAST_BINS}; pass more orders of more different sizes"
        )
    return power_exponent(np.exp(sizes), impacts, counts)


def liquidated_share(times_s: ArrayLike, volumes: ArrayLike, window_s: float) -> float:
    """Largest share of liquidated volume that falls in one window of time.

    Windows ``[t, t + window_s)`` from each liquidation are tried, so the largest is found. Used for
    the top minute (60 s) and the top 40 minutes (2,400 s) of a cascade. Source of the measure:
    Amberdata's account of 10 October 2025.

    Args:
        times_s: (n,) times of the liquidations, s, in order.
        volumes: (n,) their volume or notional, 0 and above.
        window_s: Length of the window, s.

    Returns:
        Share, 0..1.
    """
    number("window_s", window_s, 0.0, np.inf)
    times = ordered("times_s", times_s)
    sizes = not_negative("volumes", volumes)
    same_length(times_s=times, volumes=sizes)
    total = np.concatenate([[0.0], np.cumsum(sizes)])
    if total[-1] == 0:
        raise DataError(
            "volumes sum to 0, allowed is a sum above 0; leave out episodes without liquidations"
        )
    ends = np.searchsorted(times, times + window_s, side="left")
    return float((total[ends] - total[:-1]).max() / total[-1])


def open_interest_drop(open_interest: ArrayLike) -> float:
    """Largest fall of open interest from a maximum before it, as a share of that maximum.

    The maximum drawdown, so that what was built up before the fall counts as what could fall.

    Args:
        open_interest: (n,) open interest in order of time, base or contracts, above 0.

    Returns:
        Share, 0..1.
    """
    series = positive("open_interest", open_interest, 2)
    return float((1 - series / np.maximum.accumulate(series)).max())


def step_ratio(forced: ArrayLike, exogenous: ArrayLike) -> float:
    """Forced volume for each unit of the volume that came before it: the branching ratio.

    Forced orders come in steps, one at each update of the mark: what an update liquidates was
    crossed by everything bought since the one before. The ratio of consecutive steps is the
    estimator of Harris for a branching process with immigration, ``sum V_(k+1) / sum (V_k + E_k)``.
    Source: Harris 1948, Annals of Mathematical Statistics 19, 474; without immigration after the
    first step it is ``1 - m / N``.

    Args:
        forced: (n,) forced volume ``V_k`` of each step, >= 0, in time order.
        exogenous: (n,) net volume ``E_k`` of everybody else in the same direction; may be negative.

    Returns:
        The ratio; below 1 a cascade ends by itself.

    Raises:
        DataError: Arrays of unequal length, or no volume before the last step.
    """
    steps = not_negative("forced", forced, 2)
    others = finite("exogenous", exogenous, 2)
    same_length(forced=steps, exogenous=others)
    before = float(np.sum(steps[:-1] + others[:-1]))
    if before <= 0:
        raise DataError(f"the volume before the last step is {before:g}; a ratio needs more than 0")
    return float(np.sum(steps[1:])) / before


def _signs(signs: ArrayLike) -> FloatArray:
    series = finite("signs", signs, 2)
    odd = np.flatnonzero(np.abs(series) != 1)
    if len(odd):
        raise DataError(
            f"signs[{odd[0]}] is {series[odd[0]]:g}, allowed are +1 for a buy and -1 for a sell;"
            " drop or classify the order"
        )
    return varying("signs", series)


def _binned(
    x: FloatArray, y: FloatArray, edges: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Counts, mean x and mean y of the bins that hold enough; none if the edges are one point."""
    if edges[0] == edges[-1]:
        return np.empty(0), np.empty(0), np.empty(0)
    inside = (x >= edges[0]) & (x <= edges[-1])
    i_bin = np.searchsorted(edges[1:-1], x[inside], side="right")
    sums = [
        np.bincount(i_bin, w, len(edges) - 1).astype(np.float64)
        for w in (np.ones(len(i_bin)), x[inside], y[inside])
    ]
    counts, sum_x, sum_y = (column[sums[0] >= LEAST_IN_BIN] for column in sums)
    return counts, sum_x / counts, sum_y / counts

"""Stylised facts of liquidity: spread, shape of the book, and its loss in a cascade."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.arguments import integer
from squeezegym.errors import DataError
from squeezegym.theory.samples import (
    BP,
    FloatArray,
    increasing,
    not_negative,
    positive,
    same_length,
    varying,
)


def mean_spread_bps(bids: ArrayLike, asks: ArrayLike, durations: ArrayLike | None = None) -> float:
    """Mean of best ask minus best bid over their mid, weighted with how long each stood.

    Source: the quoted spread, time-weighted, of Huang and Stoll 1996, Journal of Financial
    Economics 41:313.

    Args:
        bids: (n,) best bids, quote.
        asks: (n,) best asks, quote, at or above the bids.
        durations: (n,) how long each pair stood, any unit; equal if left out, as for regular
            samples.

    Returns:
        Basis points of the mid, 0 and above.
    """
    spread, weights = _spreads(bids, asks, durations)
    return float(np.average(spread, weights=weights))


def median_spread_bps(
    bids: ArrayLike, asks: ArrayLike, durations: ArrayLike | None = None
) -> float:
    """Spread that was not exceeded half of the time; arguments as in `mean_spread_bps`.

    Returns:
        Basis points of the mid: the smallest spread with at least half of the weight at or below.
    """
    spread, weights = _spreads(bids, asks, durations)
    order = np.argsort(spread, kind="stable")
    reached = np.cumsum(weights[order])
    return float(spread[order][np.searchsorted(reached, reached[-1] / 2)])


def depth_exponent(distances: ArrayLike, cumulative_depths: ArrayLike) -> float:
    """Exponent of cumulative depth against distance from the mid: slope of logarithms.

    Least squares over the points given, each with the same weight; 1 is a flat book, 2 one whose
    density rises in a line. Source: Bouchaud, Mezard and Potters 2002, Quantitative Finance 2:251
    (shape of the book).

    Args:
        distances: (n,) distances from the mid, increasing, above 0, any unit; at least 3.
        cumulative_depths: (n,) mean size within each, above 0, never falling.

    Returns:
        Pure number, 0 and above.
    """
    distance = increasing("distances", positive("distances", distances, 3))
    depth = positive("cumulative_depths", cumulative_depths)
    same_length(distances=distance, cumulative_depths=depth)
    falling = np.flatnonzero(np.diff(depth) < 0)
    if len(falling):
        raise DataError(
            f"cumulative_depths[{falling[0] + 1}] is below the one before, allowed is depth within"
            " each distance; sum the levels up to it"
        )
    return float(np.polyfit(np.log(distance), np.log(varying("cumulative_depths", depth)), 1)[0])


def depth_loss(depths: ArrayLike, before: int) -> float:
    """Share of depth that is gone at the trough: ``1 - least / median before``.

    Args:
        depths: (n,) resting size within a fixed distance of the mid, regular samples, 0 and above.
        before: Samples at the start that belong to the calm, 1..n-1; the trough is the smallest
            of the others.

    Returns:
        Share, at most 1; negative if depth only grew.
    """
    series = not_negative("depths", depths, 2)
    before = integer("before", before, 1, len(series) - 1)
    calm = float(np.median(series[:before]))
    if calm == 0:
        raise DataError(
            f"the median of the first {before:,} depths is 0, allowed is one above 0; take a wider"
            " band or another calm"
        )
    return float(1 - series[before:].min() / calm)


def _spreads(
    bids: ArrayLike, asks: ArrayLike, durations: ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Spreads in bp of the mid and their weights."""
    bid, ask = positive("bids", bids), positive("asks", asks)
    weights = np.ones_like(bid) if durations is None else not_negative("durations", durations)
    same_length(bids=bid, asks=ask, durations=weights)
    crossed = np.flatnonzero(ask < bid)
    if len(crossed):
        i = crossed[0]
        raise DataError(
            f"asks[{i}] is {ask[i]:g} below the bid {bid[i]:g}, allowed are asks at or above it;"
            " drop crossed quotes"
        )
    if not weights.any():
        raise DataError("durations are 0 throughout, allowed is one above 0; leave them out")
    return (ask - bid) / ((ask + bid) / 2) * BP, weights

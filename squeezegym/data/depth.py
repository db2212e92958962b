"""Sides of a level-2 book put on another grid, and continued beyond what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from squeezegym.data.capture import LevelArray
from squeezegym.errors import DataError

DEPTH_EXPONENT = -0.33
"""Density of resting size over distance: ``D(x) ~ x^0.67`` fitted to published depth of BTC spot
(Amberdata, July-August 2025: 2.4, 7.1, 10.1, 14.4, 18.9 million within 10, 25, 50, 100, 200 bp)."""


@dataclass(frozen=True, eq=False, slots=True)
class ExtendedDepth:
    """One side of a book, measured near the mid and extrapolated beyond.

    Attributes:
        levels: (n, 2) int64 ticks and lots, best price first.
        is_extrapolated: (n,) bool, True for levels that were not recorded.
    """

    levels: LevelArray
    is_extrapolated: NDArray[np.bool_]


def extend_depth(
    levels: LevelArray,
    mid: float,
    exponent: float = DEPTH_EXPONENT,
    to_bp: float = 100.0,
    step_ticks: int | None = None,
) -> ExtendedDepth:
    """Continue one side of a book by a power law of the distance to the mid.

    The density is ``rho(x) = c x^exponent`` lots per tick at distance ``x`` ticks. ``c`` makes the
    integral over the outermost third of the measured distance equal the lots measured there. An
    added level holds the integral over the step that ends at its price, rounded to whole lots with
    the remainder carried to the next one; levels that round to 0 are left out.

    Args:
        levels: (n, 2) ticks and lots of one side, best first; fully recorded up to its last level.
        mid: Mid price, ticks.
        exponent: Exponent of the density, above -1; -0.33 is ``D(x) ~ x^0.67``.
        to_bp: Distance of the last level from the mid, bp of the mid.
        step_ticks: Ticks between added levels; by default the mean spacing of the outermost third.

    Returns:
        The measured levels followed by the added ones.

    Raises:
        DataError: Fewer than 3 levels, levels on both sides of the mid, or ``exponent <= -1``.
    """
    if exponent <= -1.0:
        raise DataError(
            f"extend_depth: exponent is {exponent}, allowed is above -1 (the depth must stay"
            f" finite); use the default {DEPTH_EXPONENT}."
        )
    distances = _distances(levels, mid)
    sign = 1 if levels[0, 0] > mid else -1
    last = float(distances[-1])
    is_outer = distances > last * 2 / 3
    power = exponent + 1
    scale = float(levels[is_outer, 1].sum()) / (last**power - (last * 2 / 3) ** power)
    step = step_ticks or max(1, round(last / 3 / int(is_outer.sum())))
    count = max(0, int((mid * to_bp * 1e-4 - last) // step))
    offsets = np.arange(1, count + 1) * step
    cumulative = np.rint(scale * ((last + offsets) ** power - last**power)).astype(np.int64)
    added = np.stack([levels[-1, 0] + sign * offsets, np.diff(cumulative, prepend=0)], axis=1)
    added = added[(added[:, 1] > 0) & (added[:, 0] > 0)]
    return ExtendedDepth(
        levels=np.concatenate([levels, added]),
        is_extrapolated=np.repeat([False, True], [len(levels), len(added)]),
    )


def _distances(levels: LevelArray, mid: float) -> NDArray[np.float64]:
    """Return the distances to the mid, ticks, of one side ordered best first."""
    least = 3
    if len(levels) < least:
        raise DataError(
            f"extend_depth: the side has {len(levels)} levels, allowed is at least {least}; pass a"
            " deeper snapshot."
        )
    distances: NDArray[np.float64] = np.abs(levels[:, 0] - mid)
    ticks = levels[:, 0]
    if (ticks[0] > mid) != (ticks[-1] > mid) or not (np.diff(distances) > 0).all():
        raise DataError(
            f"extend_depth: the levels run from {ticks[0]} to {ticks[-1]} ticks around the mid"
            f" {mid}, allowed is one side of the book, best price first; pass bids or asks alone."
        )
    return distances


def to_grid(
    levels: LevelArray,
    from_tick: float,
    to_tick: float,
    from_lot: float,
    to_lot: float,
    side: Literal["bid", "ask"],
) -> LevelArray:
    """Put one side of a book on another grid of prices and sizes.

    Bids are rounded down and asks up, so that the spread never narrows; levels that fall on one
    price are merged. Sizes are rounded to the nearest lot with the remainder carried to the next
    level: the total of the first k levels is right within half a lot, for every k. Levels left
    with 0 lots are dropped.

    Args:
        levels: (n, 2) ticks and lots on the old grid, best first.
        from_tick: Tick size of ``levels``, quote.
        to_tick: Tick size wanted, quote.
        from_lot: Lot size of ``levels``, base.
        to_lot: Lot size wanted, base.
        side: ``"bid"`` or ``"ask"``.

    Returns:
        (m, 2) int64 ticks and lots on the new grid, best first.

    Raises:
        DataError: A size is not positive, or ``side`` is neither of the two.
    """
    if side not in ("bid", "ask"):
        raise DataError(f"to_grid: side is {side!r}, allowed is 'bid' or 'ask'; name the side.")
    price = _ratio("tick", from_tick, to_tick)
    size = _ratio("lot", from_lot, to_lot)
    sign = 1 if side == "bid" else -1
    ticks = sign * (sign * levels[:, 0] * price.numerator // price.denominator)
    twice = 2 * size.denominator
    total = (2 * np.cumsum(levels[:, 1]) * size.numerator + size.denominator) // twice
    is_last = np.append(ticks[1:] != ticks[:-1], True)[: len(ticks)]
    lots = np.diff(total[is_last], prepend=0)
    merged: LevelArray = np.stack([ticks[is_last], lots], axis=1).astype(np.int64)
    kept: LevelArray = merged[lots > 0]
    return kept


def _ratio(name: str, old: float, new: float) -> Fraction:
    """Return old / new exactly, each size read as the decimal it prints as."""
    if not old > 0 or not new > 0:
        raise DataError(
            f"to_grid: the {name} sizes are {old} and {new}, allowed is above 0; pass the sizes of"
            " the two grids."
        )
    return Fraction(repr(float(old))) / Fraction(repr(float(new)))

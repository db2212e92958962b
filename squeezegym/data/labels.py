"""Squeezes and flushes found in recorded candles by a rule that is stated once.

A squeeze begins at the end of hour ``t`` when, over the next 6 hours,

1. price rises above the close of ``t`` by at least 3 %, and by at least 4 standard deviations of 6
   hours, measured over the 7 days before ``t``;
2. volume is at least twice its hourly mean of those 7 days;
3. where the open interest is known, it falls by at least 1 %: positions are closed, not opened;
4. where liquidations are known, at least 60 % of them are of the side that loses.

Onsets that follow within 6 hours of one are part of it. A flush is the same downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from squeezegym.data.liquidation_map import FloatArray
from squeezegym.errors import DataError

WINDOW_H = 6
TRAILING_H = 168


@dataclass(frozen=True, slots=True)
class Rule:
    """Thresholds of a squeeze.

    Attributes:
        least_move: Of log price.
        least_sds: In standard deviations of the window.
        least_volume: Times the trailing mean.
        least_fall: Of the open interest, a fraction.
        least_share: Of liquidations on the losing side.
    """

    least_move: float = 0.03
    least_sds: float = 4.0
    least_volume: float = 2.0
    least_fall: float = 0.01
    least_share: float = 0.6


@dataclass(frozen=True, eq=False, slots=True)
class Labels:
    """Onsets of one symbol.

    Attributes:
        begins: (hours,) whether a squeeze begins at the end of each hour.
        known: (hours,) whether 7 days before and 6 hours after it are there, so that it is known.
        size: (hours,) largest rise over the window, log price.
    """

    begins: NDArray[np.bool_]
    known: NDArray[np.bool_]
    size: FloatArray

    def within(self, hours: int) -> NDArray[np.bool_]:
        """Whether one begins at the end of each hour or of those that follow, so many in all."""
        ahead = np.concatenate([self.begins, np.zeros(hours - 1, bool)])
        return np.array(sliding_window_view(ahead, hours).any(axis=1))


def find_squeezes(
    hours: pl.DataFrame,
    side: int = 1,
    *,
    rule: Rule | None = None,
    interest: FloatArray | None = None,
    liquidated: FloatArray | None = None,
) -> Labels:
    """Find squeezes (or flushes) in hourly candles.

    Args:
        hours: Hourly candles of one symbol, in order.
        side: +1 for squeezes, -1 for flushes.
        rule: The thresholds.
        interest: (hours,) open interest at the end of each hour, where known.
        liquidated: (hours, 2) liquidated longs and shorts in each hour, where known.

    Raises:
        DataError: Fewer than 7 days and 6 hours.
    """
    rule = rule or Rule()
    n = len(hours)
    if n < TRAILING_H + WINDOW_H + 1:
        raise DataError(
            f"{n} hours of candles are given, allowed are at least {TRAILING_H + WINDOW_H + 1};"
            " pass a longer stretch"
        )
    close = np.log(hours["close"].to_numpy())
    edge = np.log(hours["high" if side > 0 else "low"].to_numpy())
    volume = hours["volume"].to_numpy()
    ahead = sliding_window_view(side * edge, WINDOW_H).max(axis=1)  # of hours i .. i + 5
    size = np.full(n, np.nan)
    size[: n - WINDOW_H] = ahead[1 : n - WINDOW_H + 1] - side * close[: n - WINDOW_H]
    returns = np.diff(close, prepend=close[0])
    sd, usual = np.full(n, np.nan), np.full(n, np.nan)
    sd[TRAILING_H:] = sliding_window_view(returns[1:], TRAILING_H).std(axis=1)
    usual[TRAILING_H - 1 :] = sliding_window_view(volume, TRAILING_H).mean(axis=1)
    traded = np.full(n, np.nan)
    traded[: n - WINDOW_H] = sliding_window_view(volume, WINDOW_H).mean(axis=1)[1:]
    known = np.isfinite(size) & np.isfinite(sd)
    with np.errstate(invalid="ignore"):
        meets = known & (size >= rule.least_move) & (size >= rule.least_sds * sd * WINDOW_H**0.5)
        meets &= traded >= rule.least_volume * usual
    if interest is not None:
        later = np.append(interest[WINDOW_H:], np.full(WINDOW_H, np.nan))
        meets &= later <= (1 - rule.least_fall) * interest
    if liquidated is not None:
        sums = sliding_window_view(liquidated, WINDOW_H, axis=0).sum(axis=-1)[1:]
        losing = sums[:, 1 if side > 0 else 0]
        enough = np.zeros(n, bool)
        enough[: len(sums)] = losing >= rule.least_share * np.maximum(sums.sum(axis=1), 1e-300)
        meets &= enough
    return Labels(_first(meets), known, size)


def _first(meets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the first of onsets that follow each other within a window."""
    begins = np.zeros_like(meets)
    until = -1
    for i in np.flatnonzero(meets):
        if i > until:
            begins[i] = True
        until = int(i) + WINDOW_H
    return begins

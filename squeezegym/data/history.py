"""Markets followed through time: each moment sees what was known by then and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from squeezegym.data.impact import Impact, impact_of_candles, impact_of_metrics
from squeezegym.data.inferred_map import InferredMap, Interval, Unknowns
from squeezegym.data.liquidation_map import Brackets, LiquidationMap
from squeezegym.errors import DataError

TURNOVER = 1.5
"""Volume of a day over open interest, where only volume is known: between 1.3 (Binance) and 2.0
(OKX) of BTC in early 2025; assumed of every coin."""
INTEREST_LIFE_H = 72.0
"""Half-life of the mean of volume that stands for an open interest."""
TRAILING_H = 24.0
"""Stretch from which flow and volatility are measured."""
LEAST_H = 6.0
LEAST_CANDLES = 48


@dataclass(frozen=True, eq=False, slots=True)
class Moment:
    """A market at one time, from what was known then.

    Attributes:
        at: The time.
        waiting: Where liquidations wait.
        impact: What stands against them.
        interest: Open interest, base.
    """

    at: datetime
    waiting: LiquidationMap
    impact: Impact
    interest: float


def hourly(candles: pl.DataFrame) -> pl.DataFrame:
    """Join candles of one symbol to hours, known when their last candle is; columns as of klines.

    Hours that are not complete are left out: their range would be too narrow.
    """
    length = candles["known_at"] - candles["time"]
    if candles.is_empty() or length[0] >= timedelta(hours=1):
        return candles
    whole = int(timedelta(hours=1) / length[0])
    return (
        candles.group_by(pl.col("time").dt.truncate("1h"), maintain_order=True)
        .agg(
            pl.col("known_at").last(),
            pl.col("venue", "symbol", "open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume", "quote_volume", "trades", "taker_volume", "taker_quote_volume").sum(),
            pl.len().alias("count"),
            pl.col("taker_volume").null_count().alias("unknown"),
        )
        .filter(pl.col("count") == whole)
        .with_columns(
            pl.when(pl.col("unknown") == 0).then(pl.col("taker_volume")).alias("taker_volume")
        )
        .drop("count", "unknown")
    )


def interest_of_volume(hours: pl.DataFrame) -> pl.Series:
    """Stand-in for an open interest: the mean volume of a day, half-life 3 days, over the turnover.

    Args:
        hours: Hourly candles of one symbol in order.

    Returns:
        Base at the end of each hour, from that hour and those before it.
    """
    mean = hours["volume"].ewm_mean(half_life=INTEREST_LIFE_H, adjust=True)
    return (mean * 24 / TURNOVER).alias("interest")


def follow_candles(
    candles: pl.DataFrame,
    brackets: Brackets,
    *,
    unknowns: Unknowns | None = None,
    every: int = 1,
    draws: int = 64,
    seed: int = 0,
) -> Iterator[Moment]:
    """Follow a market of which only candles are known, hour by hour.

    The open interest is a stand-in from volume (`interest_of_volume`): the map shows where
    positions would have been opened, and its size is a guess.

    Args:
        candles: Of one symbol, an hour or shorter.
        brackets: Of the venue.
        unknowns: What is drawn.
        every: Hours between moments.
        draws: Draws.
        seed: Of the draws.

    Yields:
        A moment at the end of every ``every``-th hour, after the first 48.

    Raises:
        DataError: 48 hours or fewer.
    """
    hours = hourly(candles)
    if len(hours) <= LEAST_CANDLES:
        raise DataError(
            f"{len(hours)} whole hours of candles are given, allowed are more than {LEAST_CANDLES};"
            " pass a longer stretch"
        )
    interest = interest_of_volume(hours).to_list()
    rows = hours.select("time", "known_at", "low", "high", "close", "volume", "taker_volume").rows()
    daily = float(np.diff(np.log(hours["close"][:LEAST_CANDLES].to_numpy())).std()) * math.sqrt(24)
    book = InferredMap(
        brackets, rows[0][4], interest[0], daily, unknowns=unknowns, draws=draws, seed=seed
    )
    known = candles["known_at"]
    length = (candles["known_at"] - candles["time"])[0]
    count = max(LEAST_CANDLES, round(timedelta(hours=TRAILING_H) / length))
    for i, (_, at, low, high, close, volume, taker) in enumerate(rows[1:], start=1):
        buys = 0.5 if taker is None or not volume else taker / volume
        book.step(Interval(1.0, low, high, close, interest[i], buys))
        if i < LEAST_CANDLES or i % every:
            continue
        last = int(known.search_sorted(at, side="right"))
        recent = candles[max(0, last - count) : last]
        impact = impact_of_candles(recent, draws=draws, seed=seed)
        yield Moment(at, book.map(), impact, interest[i])


def follow_metrics(
    metrics: pl.DataFrame,
    brackets: Brackets,
    *,
    depth_quote: float,
    unknowns: Unknowns | None = None,
    draws: int = 64,
    seed: int = 0,
) -> Iterator[Moment]:
    """Follow a market whose open interest is known, row by row of its metrics.

    Prices are those that the value of the open interest implies, so the range inside an interval is
    not known and the levels touched are a lower bound.

    Args:
        metrics: Of one symbol, in order.
        brackets: Of the venue.
        depth_quote: Depth within 10 bp of the mid, one side, quote, from elsewhere.
        unknowns: What is drawn.
        draws: Draws.
        seed: Of the draws.

    Yields:
        A moment for every row after the first 6 hours; its time is when the row was known.

    Raises:
        DataError: Fewer than 8 rows.
    """
    prices = (metrics["open_interest_value"] / metrics["open_interest"]).to_list()
    if len(prices) < 8:
        raise DataError(
            f"{len(prices)} rows of metrics are given, allowed are at least 8; pass a longer"
            " stretch"
        )
    interest = metrics["open_interest"].to_list()
    ratios = metrics["taker_ratio"].fill_null(1.0).to_list()
    known = metrics["known_at"].to_list()
    hours = [(b - a).total_seconds() / 3600 for a, b in pairwise(known)]
    start = max(3, round(LEAST_H / hours[0]))
    moves = np.diff(np.log(prices[: start + 1]))
    daily = float(moves.std()) * math.sqrt(24 / hours[0])
    book = InferredMap(
        brackets, prices[0], interest[0], daily, unknowns=unknowns, draws=draws, seed=seed
    )
    for i in range(1, len(prices)):
        low, high = sorted(prices[i - 1 : i + 1])
        buys = ratios[i] / (1 + ratios[i])
        book.step(Interval(hours[i - 1], low, high, prices[i], interest[i], buys))
        if i < start:
            continue
        recent = metrics[max(0, i - round(TRAILING_H / hours[0])) : i + 1]
        impact = impact_of_metrics(recent, depth=depth_quote / prices[i], draws=draws, seed=seed)
        yield Moment(known[i], book.map(), impact, interest[i])

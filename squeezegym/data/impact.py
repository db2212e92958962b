"""What stands against forced orders: depth by distance, and the flow that comes anyway.

Each number is a set of draws, as wide as it is uncertain: a depth measured minutes ago varies
little, one implied by flow and volatility, or taken from another day, by half and more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from squeezegym.data.capture import Capture
from squeezegym.data.depth import DEPTH_EXPONENT
from squeezegym.data.flow import NS_PER_S
from squeezegym.data.liquidation_map import WIDTH, FloatArray
from squeezegym.data.measure import measure
from squeezegym.data.measured import MeasuredMarket
from squeezegym.errors import ConfigError, DataError

POWER = 1 + DEPTH_EXPONENT
"""Of depth in distance: ``S(x) = D10 (x / 10 bp)^0.67``."""
MEASURED_SPREAD = 0.25
"""Standard deviation of the logarithm of a depth measured in the same minutes (assumed)."""
IMPLIED_SPREAD = 0.5
"""The same, of a depth implied by flow and volatility, or taken from another day (assumed)."""
DISPLACED = 0.31
"""Displacement that a minute's net flow makes in the visible book, over the minute's volatility:
BTCUSDT, 2024-08-08, where all three are measured. Elsewhere it gives one from the others."""
SHARE_SIGNED = 0.6
"""Standard deviation of a minute's net aggressor volume over its mean volume, where only the volume
is known: the median day of DOTUSDT and NEARUSDT, November 2024, has 0.57 and 0.62."""
LEAST_MINUTES = 30
LEAST_SECONDS = 60.0


@dataclass(frozen=True, eq=False, slots=True)
class Impact:
    """Depth and flow of a market at one time.

    Attributes:
        within_10bps: (draws,) base within 10 bp of the mid, one side, perp and spot together.
        flow_sd: (draws,) standard deviation of net aggressor volume, base per square root of a
            second.
        volatility: Of log price, per square root of a second.
        refill_s: (draws,) seconds after which half of what was taken out of the book has come back.
        engine_s: (draws,) mean seconds between a trigger and its forced order.
        notes: Where each comes from, one sentence each.
    """

    within_10bps: FloatArray
    flow_sd: FloatArray
    volatility: float
    refill_s: FloatArray
    engine_s: FloatArray
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        least = self.within_10bps.min(), self.flow_sd.min(), self.volatility
        if not min(least) > 0:
            raise ConfigError(
                "depth, flow and volatility must be above 0, got"
                f" {least[0]:g}, {least[1]:g} and {least[2]:g} at least"
            )

    def depth(self, buckets: int) -> FloatArray:
        """Cumulated depth at the far end of each bucket of log price, (draws, buckets), base."""
        distance = np.arange(1, buckets + 1) * WIDTH / 1e-3
        depth: FloatArray = self.within_10bps[:, None] * distance[None, :] ** POWER
        return depth

    @property
    def permanent(self) -> FloatArray:
        """Log price that one base of net flow moves for good, by draw: it makes the volatility."""
        return self.volatility / self.flow_sd


def _displacement(volatility: float) -> float:
    """Share of the depth within 10 bp that a minute's flow takes out: its volatility tells."""
    return float((DISPLACED * volatility * math.sqrt(60) / 1e-3) ** POWER)


def _impact(
    depth: FloatArray,
    flow_sd: FloatArray | float,
    volatility: float,
    notes: Sequence[str],
    rng: np.random.Generator,
) -> Impact:
    refill = np.exp(rng.uniform(math.log(5), math.log(120), len(depth)))
    engine = np.exp(rng.uniform(math.log(0.5), math.log(10), len(depth)))
    said = (
        *notes,
        "half of what was taken out of the book comes back in 5 to 120 s, and the engine takes 0.5"
        " to 10 s (assumed, drawn)",
    )
    flows = np.broadcast_to(np.asarray(flow_sd, np.float64), depth.shape).copy()
    return Impact(depth, flows, volatility, refill, engine, said)


def _spread(depth: float, spread: float, rng: np.random.Generator, draws: int) -> FloatArray:
    """Draw a depth around the one that is known."""
    depths: FloatArray = depth * np.exp(spread * rng.standard_normal(draws))
    return depths


def impact_of_captures(
    perp: Capture, spot: Capture | None = None, *, draws: int = 64, seed: int = 0
) -> Impact:
    """Measure depth, flow and volatility from captures of the same minutes.

    Args:
        perp: The perp.
        spot: Spot: its depth is added, because arbitrage makes one market of both.
        draws: Draws of what is uncertain.
        seed: Of the draws.

    Raises:
        DataError: A capture is too short, or does not move.
    """
    markets = [measure(capture) for capture in (perp, spot) if capture is not None]
    depth = sum(_within_10bps(market) for market in markets)
    trades = perp.trades
    signed = trades["side"] * trades["qty_lots"].astype(float) * perp.lot_size
    slots = (trades["time_ns"] - perp.start_ns) // (10 * NS_PER_S)
    whole = max(1, int(perp.duration_s // 10))
    sums = np.bincount(np.maximum(slots, 0), signed, minlength=whole)[:whole]
    volatility = math.sqrt(markets[0].returns.variance_per_s_10s)
    notes = [
        f"depth within 10 bp {depth:,.1f} base of {' and '.join(m.market for m in markets)}, net"
        f" flow and volatility: measured over {perp.duration_s:.0f} s of {perp.symbol}"
    ]
    rng = np.random.default_rng(seed)
    flow_sd = float(sums.std()) / math.sqrt(10)
    if perp.duration_s < LEAST_SECONDS or not (flow_sd > 0 and volatility > 0):
        raise DataError(
            f"{perp.symbol}: the capture lasts {perp.duration_s:.0f} s, allowed are at least"
            f" {LEAST_SECONDS:.0f} s in which it trades and moves; record longer"
        )
    return _impact(_spread(depth, MEASURED_SPREAD, rng, draws), flow_sd, volatility, notes, rng)


def _within_10bps(market: MeasuredMarket) -> float:
    """Mean of both sides where the snapshot covers them, base."""
    band = next(band for band in market.depth.bands if band.within_bps == 10.0)
    bids = band.bid_lots if band.bid_covered_lots is None else band.bid_covered_lots
    asks = band.ask_lots if band.ask_covered_lots is None else band.ask_covered_lots
    return (bids + asks) / 2 * market.lot_size


def impact_of_candles(
    candles: pl.DataFrame, *, depth: float | None = None, draws: int = 64, seed: int = 0
) -> Impact:
    """Measure flow and volatility from candles; the depth follows from both where it is not known.

    Args:
        candles: Rows of one symbol, of kind klines, in order and of one length; volumes in base.
        depth: Base within 10 bp where it is known.
        draws: Draws of what is uncertain.
        seed: Of the draws.

    Raises:
        DataError: Fewer than 30 candles, or they do not trade or move.
    """
    if len(candles) < LEAST_MINUTES:
        raise DataError(
            f"{len(candles)} candles are given, allowed are at least {LEAST_MINUTES}; pass a longer"
            " stretch"
        )
    step = float((candles["known_at"] - candles["time"]).dt.total_seconds()[0])
    moves = np.diff(np.log(candles["close"].to_numpy()))
    volume = candles["volume"].to_numpy()
    volatility, rate = float(moves.std()) / math.sqrt(step), float(volume.mean()) / step
    taker = candles["taker_volume"]
    if taker.null_count():
        flow_sd = SHARE_SIGNED * rate * math.sqrt(60)
        how = f"guessed as {SHARE_SIGNED:g} of a minute's volume"
    else:
        flow_sd = float((2 * taker.to_numpy() - volume).std()) / math.sqrt(step)
        how = "from taker volumes"
    if not (volatility > 0 and rate > 0 and flow_sd > 0):
        raise DataError(
            "the candles do not trade or do not move, allowed is a market that does; pass another"
            " stretch"
        )
    rng = np.random.default_rng(seed)
    implied = flow_sd * math.sqrt(60) / _displacement(volatility)
    known, spread = (implied, IMPLIED_SPREAD) if depth is None else (depth, MEASURED_SPREAD)
    said = "implied by flow and volatility" if depth is None else "given"
    notes = [
        f"volatility from {len(candles):,} candles, net flow {how}, depth within 10 bp"
        f" {known:,.1f} base {said}"
    ]
    return _impact(_spread(known, spread, rng, draws), flow_sd, volatility, notes, rng)


def impact_of_metrics(
    metrics: pl.DataFrame,
    *,
    depth: float,
    spread: float = IMPLIED_SPREAD,
    draws: int = 64,
    seed: int = 0,
) -> Impact:
    """Measure volatility from the prices that open interest implies; flow follows from the depth.

    Nothing in these files tells volumes or depth.

    Args:
        metrics: Rows of kind metrics, in order.
        depth: Base within 10 bp, from elsewhere.
        spread: Standard deviation of its logarithm over draws.
        draws: Draws of what is uncertain.
        seed: Of the draws.

    Raises:
        DataError: Fewer than 3 rows, or a price that does not move.
    """
    prices = (metrics["open_interest_value"] / metrics["open_interest"]).to_numpy()
    if len(prices) < 3 or not (prices > 0).all() or np.ptp(prices) == 0:
        raise DataError(
            f"{len(prices)} rows of metrics are given, allowed are at least 3 whose price moves;"
            " pass a longer stretch"
        )
    step = float(np.median(np.diff(metrics["time"].cast(pl.Int64()).to_numpy()))) / NS_PER_S
    volatility = float(np.diff(np.log(prices)).std()) / math.sqrt(step)
    rng = np.random.default_rng(seed)
    depths = _spread(depth, spread, rng, draws)
    flow_sd = depths * (_displacement(volatility) / math.sqrt(60))
    notes = [
        f"volatility from {len(prices)} samples; depth within 10 bp {depth:,.1f} base from"
        " elsewhere; net flow implied by both"
    ]
    return _impact(depths, flow_sd, volatility, notes, rng)

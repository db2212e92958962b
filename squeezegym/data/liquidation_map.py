"""Where liquidations wait: volume by price, from positions as they are, or as they may be.

A map holds several draws of the same market. Their spread is what is not known: which part of the
market a sample of positions shows, or with how much leverage an open interest is held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezegym.core.liquidation_price import linear_price
from squeezegym.data.positions import Holding
from squeezegym.errors import ConfigError, DataError

FloatArray = NDArray[np.float64]
Brackets = Sequence[Sequence[float]]
"""Rows of notional floor, maintenance rate and maximum leverage, as a scenario's ``margin``."""

WIDTH = 1e-3
"""Width of a bucket in log price: 10 bp."""
REACH = 0.5
"""Farthest bucket, in log price."""

_linear: Callable[..., Any] = getattr(linear_price, "py_func", linear_price)


def heatmap_level(side: int, entry: float, leverage: float) -> float:
    """Return the level at which a heat map puts a position: ``E (1 - side / L)``.

    This is the bankruptcy price of an isolated position; the true trigger lies nearer to the
    entry by the maintenance margin, which the maps ignore. Source: info-hub.io "Liquidation map",
    2025.

    Args:
        side: +1 for a long, -1 for a short.
        entry: Entry price.
        leverage: >= 1.
    """
    return entry * (1 - side / leverage)


def liquidation_levels(
    side: FloatArray, size: FloatArray, entry: FloatArray, deposit: FloatArray, brackets: Brackets
) -> FloatArray:
    """Liquidation prices of many isolated positions, each in the bracket that it falls into.

    The formula is `squeezegym.core.liquidation_price.linear_price`; as the margin is the largest of
    its brackets' lines, a short meets it at the lowest of their prices and a long at the highest.

    Args:
        side: (n,) +1 or -1.
        size: (n,) base, above 0.
        entry: (n,) quote.
        deposit: (n,) quote; what stands behind the position.
        brackets: Of the venue.

    Returns:
        (n,) quote. At or below 0 no price liquidates a long.
    """
    deduction, before, levels = 0.0, 0.0, []
    for floor, rate, *_ in brackets:
        deduction += floor * (rate - before)
        before = rate
        levels.append(_linear(side, size, entry, deposit, rate, deduction, 0.0, 0.0))
    stacked = np.stack(levels)
    prices: FloatArray = np.where(side < 0, stacked.min(axis=0), stacked.max(axis=0))
    return prices


@dataclass(frozen=True, eq=False, slots=True)
class LiquidationMap:
    """Base that is liquidated as price goes through a bucket for the first time.

    Attributes:
        price: Present price, quote.
        shorts: (draws, buckets) base, bucket ``i`` from ``price exp(i WIDTH)`` upwards.
        longs: (draws, buckets) base, bucket ``i`` from ``price exp(-i WIDTH)`` downwards.
        notes: Where it comes from and what was assumed, one sentence each.
    """

    price: float
    shorts: FloatArray
    longs: FloatArray
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.shorts.shape != self.longs.shape or self.shorts.ndim != 2:
            raise ConfigError(
                f"a map needs two arrays (draws, buckets) of one shape, got {self.shorts.shape} and"
                f" {self.longs.shape}"
            )
        for name, lots in (("shorts", self.shorts), ("longs", self.longs)):
            if not (np.isfinite(lots) & (lots >= 0)).all():
                raise ConfigError(f"the {name} of a map must be finite and 0 or above")

    @property
    def draws(self) -> int:
        """Number of draws."""
        return len(self.shorts)

    def side(self, side: int) -> FloatArray:
        """Return what waits on one side: shorts above for +1, longs below for -1."""
        return self.shorts if side > 0 else self.longs

    def edges(self, side: int) -> FloatArray:
        """Prices at which the buckets of a side begin, and where the last one ends, quote."""
        return self.price * np.exp(side * WIDTH * np.arange(self.shorts.shape[1] + 1))

    def within(self, side: int, distance: float) -> FloatArray:
        """Base liquidated on the way to a distance, a fraction of the price above 0, by draw."""
        count = round(abs(float(np.log1p(side * distance))) / WIDTH)
        volume: FloatArray = self.side(side)[:, :count].sum(axis=1)
        return volume

    def quantiles(self, side: int, levels: Sequence[float] = (0.05, 0.5, 0.95)) -> FloatArray:
        """Quantiles over draws of the base in each bucket, (levels, buckets)."""
        found: FloatArray = np.quantile(self.side(side), levels, axis=0)
        return found


def buckets(price: float, levels: FloatArray, side: int) -> NDArray[np.int64]:
    """Bucket of each liquidation price; -1 where it lies behind the price or beyond the map."""
    places = np.full(len(levels), -1, np.int64)
    real = levels > 0
    distance = side * np.log(levels[real] / price) / WIDTH
    inside = (distance >= 0) & (distance < round(REACH / WIDTH))
    places[real] = np.where(inside, np.floor(distance), -1)
    return places


def map_from_positions(
    holdings: Sequence[Holding],
    brackets: Brackets,
    price: float,
    *,
    interest: float | None = None,
    draws: int = 200,
    seed: int = 0,
) -> LiquidationMap:
    """Build the map of a sample of positions, its uncertainty from drawing the sample again.

    A position without a stated liquidation price is taken as isolated at its leverage. The sample
    may be a part of the market: with ``interest`` each side is scaled to it, which takes the rest
    to be like the sample.

    Args:
        holdings: The positions.
        brackets: Of the venue.
        price: Present price, quote.
        interest: Open interest of the market, base, one side; None takes the sample for all.
        draws: Bootstrap resamples, with replacement.
        seed: Of the resamples.

    Raises:
        DataError: There are no positions.
    """
    if not holdings:
        raise DataError("0 positions are given, allowed is at least 1; pass a file of positions")
    size = np.array([abs(h.size) for h in holdings])
    side = np.array([1.0 if h.size > 0 else -1.0 for h in holdings])
    levels, stated = stated_levels(holdings, brackets)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(holdings), np.full(len(holdings), 1 / len(holdings)), draws)
    sides = {}
    for sign in (-1, 1):  # shorts wait above, longs below
        mine = side == sign
        places = buckets(price, levels[mine], -sign)
        volume = np.zeros((draws, round(REACH / WIDTH)))
        base = weights[:, mine] * size[mine]
        if interest is not None and size[mine].sum() > 0:
            base = base * (interest / size[mine].sum())
        for column in np.flatnonzero(places >= 0):
            volume[:, places[column]] += base[:, column]
        sides[sign] = volume
    notes = [
        f"{len(holdings)} positions, {stated} with a stated liquidation price; draws are bootstrap"
        " resamples of the positions"
    ]
    if interest is not None:
        notes.append(
            f"scaled to {interest:,.0f} base on each side, taking the rest to be like them"
        )
    return LiquidationMap(price, sides[-1], sides[1], tuple(notes))


def stated_levels(holdings: Sequence[Holding], brackets: Brackets) -> tuple[FloatArray, int]:
    """Liquidation prices as stated, else of isolated positions; and how many were stated."""
    size = np.array([abs(h.size) for h in holdings])
    side = np.array([1.0 if h.size > 0 else -1.0 for h in holdings])
    entry = np.array([h.entry for h in holdings])
    deposit = size * entry / np.array([h.leverage or 1.0 for h in holdings])
    levels = liquidation_levels(side, size, entry, deposit, brackets)
    stated = np.array([h.liquidation is not None for h in holdings])
    levels[stated] = [h.liquidation for h in holdings if h.liquidation is not None]
    return levels, int(stated.sum())

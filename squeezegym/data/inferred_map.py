"""The map that an open interest implies: who entered where, with which leverage, is drawn.

Public heat maps do the first half of this: each rise of open interest is new positions at the
present price, split by the taker ratio and placed over a leverage mix; levels that price touches
are gone. Here the brackets of the venue count, positions leave in time as well, and everything
that is not known (the mix, the share that is hedged, how long positions live, where they entered
before the data) is drawn anew in each draw, so that the map carries its own uncertainty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from squeezegym.data.liquidation_map import (
    REACH,
    WIDTH,
    Brackets,
    FloatArray,
    LiquidationMap,
    liquidation_levels,
)
from squeezegym.errors import ConfigError

MIX = (
    (2.0, 0.15),
    (3.0, 0.18),
    (5.0, 0.27),
    (10.0, 0.20),
    (20.0, 0.10),
    (25.0, 0.04),
    (50.0, 0.04),
    (100.0, 0.02),
)
"""Leverage with its share of the notional: between BitMEX 2019 and Hyperliquid 2025 (assumed)."""
NOTIONALS = (1e3, 1e4, 1e5, 1e6, 1e7)
"""Sizes of positions, quote, that decide the bracket."""
_SIZE_SHARES = (0.05, 0.15, 0.3, 0.3, 0.2)  # a Pareto tail of exponent 1.5, by notional (assumed)
_ENTRIES = 5  # points of an interval at which its entries stand
_BALANCE = (0.5, 1.5)  # least and most of the leveraged interest that one side may hold (assumed)
_SPAN = 2.0  # log price covered on either side of the first price


@dataclass(frozen=True, slots=True)
class Unknowns:
    """Ranges from which each draw takes what no file tells.

    Attributes:
        mix: Leverage with its mean share of the notional.
        spread: Concentration of the drawn mixes around it (Dirichlet); lower is wider.
        leveraged: Share of the open interest that price can liquidate, lowest and highest; the rest
            is hedged or fully funded.
        life_h: Hours in which half of the positions leave of themselves, lowest and highest.
        collateral: Collateral over the isolated margin of the stated leverage: its median, and the
            standard deviation of its logarithm over positions. Whole accounts stand behind cross
            positions.
    """

    mix: tuple[tuple[float, float], ...] = MIX
    spread: float = 20.0
    leveraged: tuple[float, float] = (0.2, 0.6)
    life_h: tuple[float, float] = (12.0, 168.0)
    collateral: tuple[float, float] = (1.5, 0.7)

    def __post_init__(self) -> None:
        low, high = self.leveraged
        if not 0 <= low <= high <= 1:
            raise ConfigError(f"leveraged must rise within 0..1, got {self.leveraged}")
        if not 0 < self.life_h[0] <= self.life_h[1]:
            raise ConfigError(f"life_h must be above 0 and rise, got {self.life_h}")
        if not self.mix or any(leverage < 1 or share < 0 for leverage, share in self.mix):
            raise ConfigError(f"mix takes pairs (leverage >= 1, share >= 0), got {self.mix}")


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened in one interval.

    Attributes:
        hours: How long it was.
        low: Lowest price, quote.
        high: Highest price.
        close: Last price.
        interest: Open interest at its end, base.
        buys: Share of aggressor volume that bought, 0..1.
    """

    hours: float
    low: float
    high: float
    close: float
    interest: float
    buys: float


class InferredMap:
    """Follows an open interest interval by interval; :meth:`map` is the map at its last close.

    Args:
        brackets: Of the venue.
        price: First price, quote.
        interest: Open interest at that time, base.
        volatility: Of a day, as a fraction: how far entries before the data may lie.
        unknowns: What is drawn.
        draws: Draws.
        seed: Of the draws.
    """

    def __init__(
        self,
        brackets: Brackets,
        price: float,
        interest: float,
        volatility: float,
        *,
        unknowns: Unknowns | None = None,
        draws: int = 64,
        seed: int = 0,
    ) -> None:
        self.brackets, self.draws = brackets, draws
        self.unknowns = unknowns or Unknowns()
        self.close, self.interest = price, interest
        self._origin = math.log(price) - _SPAN
        self._bins = round(2 * _SPAN / WIDTH)
        rng = np.random.default_rng(seed)
        low, high = self.unknowns.leveraged
        self.leveraged = rng.uniform(low, high, draws)
        short, long = np.log(self.unknowns.life_h)
        self.life_h = np.exp(rng.uniform(short, long, draws))
        self._place_mix(rng)
        # Shorts and longs by draw and bin of log price.
        self._volume = {side: np.zeros((draws, self._bins)) for side in (-1, 1)}
        self._open_history(rng, volatility)

    def _place_mix(self, rng: np.random.Generator) -> None:
        """Where positions of every leverage, size and collateral are liquidated, and their shares.

        Distances are of log price from the entry; the largest leverage of a bracket caps those in
        it.
        """
        leverages = np.array([pair[0] for pair in self.unknowns.mix])
        shares = np.array([pair[1] for pair in self.unknowns.mix])
        shares = rng.dirichlet(self.unknowns.spread * shares / shares.sum() + 1e-9, self.draws)
        median, sd = self.unknowns.collateral
        z = np.array([-1.22, 0.0, 1.22])  # a normal by three points of equal weight
        factors = np.maximum(1.0, median * np.exp(sd * z))
        grid = np.meshgrid(leverages, NOTIONALS, factors, indexing="ij")
        leverage, notional, factor = (axis.ravel() for axis in grid)
        leverage = np.minimum(leverage, self._largest_leverage(notional))
        weights = np.einsum(
            "dl,n,c->dlnc", shares, np.array(_SIZE_SHARES), np.full(len(z), 1 / len(z))
        )
        self._weights = weights.reshape(self.draws, -1)
        size, entry = notional, np.ones_like(notional)
        self._offsets = {}
        for side in (-1, 1):
            deposit = factor * notional / leverage
            signs = np.full_like(size, float(side))
            level = liquidation_levels(signs, size, entry, deposit, self.brackets)
            # A long that no price liquidates stands below every bin.
            self._offsets[side] = np.log(np.maximum(level, 1e-9))

    def _largest_leverage(self, notional: FloatArray) -> FloatArray:
        floors = np.array([row[0] for row in self.brackets])
        limits = np.array([row[2] if len(row) > 2 else 1 / (2 * row[1]) for row in self.brackets])
        largest: FloatArray = limits[np.searchsorted(floors, notional, side="right") - 1]
        return largest

    def _open_history(self, rng: np.random.Generator, volatility: float) -> None:
        """Place the first open interest at entries of the past: price then was another one."""
        ages_d = rng.exponential(self.life_h[:, None] / math.log(2) / 24, (self.draws, 16))
        moves = volatility * np.sqrt(ages_d) * rng.standard_normal(ages_d.shape)
        share = self.interest * self.leveraged / moves.shape[1]
        for column in range(moves.shape[1]):
            for side in (-1, 1):
                self._add(side, math.log(self.close) + moves[:, column], share)
        self._touch(self.close, self.close)
        # Who was liquidated on the way has been replaced by others: the total is known.
        for volume in self._volume.values():
            held = volume.sum(axis=1)
            volume *= np.divide(
                self.interest * self.leveraged, held, out=np.zeros_like(held), where=held > 0
            )[:, None]

    def _add(self, side: int, entry: FloatArray | float, base: FloatArray) -> None:
        """Open positions at log entries (one, or one a draw), base a draw."""
        entries = np.broadcast_to(entry, (self.draws,))[:, None]
        places = np.floor((entries + self._offsets[side] - self._origin) / WIDTH).astype(np.int64)
        inside = (places >= 0) & (places < self._bins)
        rows = np.broadcast_to(np.arange(self.draws)[:, None], places.shape)
        amounts = base[:, None] * self._weights
        np.add.at(self._volume[side], (rows[inside], places[inside]), amounts[inside])

    def _touch(self, low: float, high: float) -> None:
        """Empty what price went through: shorts up to the high, longs down to the low."""
        top = math.floor((math.log(high) - self._origin) / WIDTH)
        bottom = math.floor((math.log(low) - self._origin) / WIDTH)
        self._volume[-1][:, : max(0, top)] = 0.0
        self._volume[1][:, max(0, bottom + 1) :] = 0.0

    def step(self, interval: Interval) -> None:
        """Take an interval: levels touched go, some leave in time, others enter at its prices.

        Who left is replaced as far as the open interest says.
        """
        before = {side: self._volume[side].sum(axis=1) for side in (-1, 1)}
        self._touch(interval.low, interval.high)
        staying = np.exp(-math.log(2) * interval.hours / self.life_h)[:, None]
        change, held = (interval.interest - self.interest) * self.leveraged, interval.interest
        for side, share in ((1, interval.buys), (-1, 1 - interval.buys)):
            volume = self._volume[side]
            volume *= staying
            # Who opens is seen by the taker; who closes is not.
            target = before[side] + change * (2 * share if interval.interest > self.interest else 1)
            target = np.clip(target, *(held * self.leveraged * bound for bound in _BALANCE))
            left = volume.sum(axis=1)
            volume *= np.minimum(1.0, target / np.maximum(left, 1e-300))[:, None]
            opened = np.maximum(target - left, 0.0) / _ENTRIES
            for point in np.linspace(interval.low, interval.high, _ENTRIES):
                self._add(side, math.log(point), opened)
        self._touch(interval.close, interval.close)
        self.close, self.interest = interval.close, interval.interest

    def map(self) -> LiquidationMap:
        """Return the map seen from the last close."""
        count = round(REACH / WIDTH)
        here = math.floor((math.log(self.close) - self._origin) / WIDTH)
        up = self._volume[-1][:, here : here + count]
        down = self._volume[1][:, max(0, here - count + 1) : here + 1][:, ::-1]
        pad = [np.pad(part, ((0, 0), (0, count - part.shape[1]))) for part in (up, down)]
        low, high = self.unknowns.leveraged
        notes = (
            "inferred from open interest: entries, leverage mix, hedged share and life of positions"
            " are drawn, not known",
            f"{low:.0%} to {high:.0%} of the open interest is taken as leveraged and unhedged",
        )
        return LiquidationMap(self.close, pad[0], pad[1], notes)

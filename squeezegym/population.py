"""The sections of a scenario for its individual leveraged accounts: how they stand, what they do.

Units as in :mod:`squeezegym.sections`.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from squeezegym.sections import LARGEST_QUANTA, Frozen, NotNegative, Share, check_mix

Distance = Annotated[float, Field(ge=0, lt=10_000)]


class Holders(Frozen):
    """What the individual accounts own and do; by default they sit and own their deposit."""

    isolated: Share = 1.0
    """Share of accounts on isolated margin: the free cash of the others stands behind them."""
    wallet_multiple: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """Free cash in deposits."""
    top_up: Share = 0.0
    """Share that pays in when its margin runs low."""
    stop_out: Share = 0.0
    """Share that closes at a stop."""
    capitulate: Share = 0.0
    """Share that gives up when its margin runs low."""
    stop_bps: tuple[Distance, Distance] = (50.0, 500.0)
    """Distance of a stop from the entry, uniform."""
    take_profit: Share = 0.0
    """Share of accounts, whatever else they do, with a reduce-only order where they take profit."""
    take_profit_bps: tuple[Distance, Distance] = (50.0, 500.0)
    """Its distance from the entry, or from the mark where that lies beyond the entry, uniform."""
    snap: Share = 0.4
    """Share of stops and take-profits at the round prices of ``population.rounds``."""
    snap_beyond_bps: tuple[Distance, Distance] = (5.0, 15.0)
    """Of such a stop beyond its round price, uniform; a take-profit stands at it."""
    alarm_ratio: Annotated[float, Field(gt=1, le=100)] = 2.0
    """Equity in maintenance margins at which they act."""
    restore_ratio: Annotated[float, Field(gt=1, le=1000)] = 4.0
    """To which they top up."""
    resolve: Share = 0.5
    """Probability of capitulating at each reaction."""
    cap_bps: Annotated[float, Field(gt=0, le=5000)] = 100.0
    """Reach of a closing order beyond the mark."""
    reaction_s: NotNegative = 2.0

    @model_validator(mode="after")
    def _shares(self) -> Holders:
        if self.top_up + self.stop_out + self.capitulate > 1:
            raise ValueError("top_up + stop_out + capitulate must be at most 1")
        for name in ("stop_bps", "take_profit_bps", "snap_beyond_bps"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} must be (low, high), got ({low}, {high})")
        if self.restore_ratio <= self.alarm_ratio:
            raise ValueError(
                f"restore_ratio={self.restore_ratio} must exceed alarm_ratio={self.alarm_ratio}"
            )
        return self


class Population(Frozen):
    """Individual leveraged accounts: what is left of those who entered along a price history."""

    shorts: Annotated[int, Field(ge=0)]
    longs: Annotated[int, Field(ge=0)]
    short_base: NotNegative
    """Open interest of the individual shorts."""
    long_base: NotNegative
    size_tail: Annotated[float, Field(gt=1, le=10)] = 1.5
    """Pareto exponent of position sizes."""
    largest: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Largest position, as a share of its side."""
    history_volatility_bps: NotNegative = 30.0
    """Of one of the 256 steps of the price history."""
    leverage: tuple[tuple[float, float], ...]
    """Mix of (leverage, weight)."""
    leverage_cap: Annotated[float, Field(gt=1, le=150)] = 150.0
    """Who wanted more came in at the same price with this much, the cluster too: a precaution."""
    cluster_side: Literal["shorts", "longs"] = "shorts"
    cluster_share: Share = 0.0
    """Share of that side's open interest whose triggers stand in one cluster."""
    cluster_distance_bps: NotNegative = 100.0
    cluster_width_bps: NotNegative = 20.0
    cluster_leverage: Annotated[float, Field(gt=1, le=150)] = 50.0
    snap: Share = 0.3
    """Share of entries at round prices."""
    rounds: tuple[tuple[float, float], ...] = ((100.0, 0.5), (500.0, 0.3), (1000.0, 0.2))
    """Round prices, of entries and of what holders wait for: (distance in quote, weight)."""

    @model_validator(mode="after")
    def _mix(self) -> Population:
        check_mix(self.leverage)
        if not 1 <= len(self.rounds) <= 4:
            raise ValueError(f"rounds takes 1 to 4 pairs, got {len(self.rounds)}")
        for step, weight in self.rounds:
            if not 0 < step < math.inf or not 0 <= weight < math.inf:
                raise ValueError(
                    f"rounds must be pairs (distance > 0, weight >= 0), got ({step}, {weight})"
                )
        if sum(weight for _, weight in self.rounds) <= 0:
            raise ValueError("the weights of rounds must not all be 0")
        return self


class Positions(Frozen):
    """Positions from data instead of drawn ones, one entry for each account."""

    lots: tuple[int, ...]
    """Signed."""
    entry_ticks: tuple[int, ...]
    deposit_quanta: tuple[int, ...]

    @model_validator(mode="after")
    def _aligned(self) -> Positions:
        if not len(self.lots) == len(self.entry_ticks) == len(self.deposit_quanta):
            raise ValueError("lots, entry_ticks and deposit_quanta must have one entry an account")
        if any(q == 0 for q in self.lots) or any(p <= 0 for p in self.entry_ticks):
            raise ValueError("positions need lots != 0 and entry_ticks > 0")
        for lots, entry, deposit in zip(
            self.lots, self.entry_ticks, self.deposit_quanta, strict=True
        ):
            if abs(deposit) > LARGEST_QUANTA:  # below 0: profits were taken out since
                raise ValueError(
                    f"deposit_quanta must be at most {LARGEST_QUANTA:g} away from 0, got {deposit}"
                )
            if abs(lots) * entry > LARGEST_QUANTA:
                raise ValueError(
                    f"lots times entry_ticks must be at most {LARGEST_QUANTA:g} quanta, "
                    f"got {lots} x {entry}; take coarser lots or ticks"
                )
        return self

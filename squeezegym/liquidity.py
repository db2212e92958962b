"""The sections of a scenario for those who fill the books: market makers and noise.

Units as in :mod:`squeezegym.sections`.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from squeezegym.sections import Finite, Frozen, NotNegative, Positive, Share


def run_mean(tail: float, longest: int) -> float:
    """Return the mean number of orders of a metaorder, ``P(N > n) = n ** -tail`` up to a longest.

    Args:
        tail: Pareto exponent, above 1.
        longest: Most orders.
    """
    return 1.0 + float(np.sum(np.arange(1.0, longest) ** -tail))


class Depth(Frozen):
    """The makers' depth profile: a power law, or levels measured from data."""

    touch_base: NotNegative = 0.0
    """Quoted at the best price of each side."""
    within_10bps_base: Positive = 1.0
    """Cumulative depth of one side within 10 bp of the mid, touch included."""
    exponent: Annotated[float, Field(gt=0, le=2)] = 0.67
    """Cumulative depth grows as distance to this power."""
    nearest_bps: Positive = 0.1
    """Distance of the first quote behind the touch."""
    reach_bps: Positive = 200.0
    quotes: Annotated[int, Field(ge=2, le=4096)] = 48
    """Quotes of each side."""
    bids: tuple[tuple[float, float, bool], ...] | None = None
    """Measured levels instead: distance from the mid (ticks), lots, extrapolated or not."""
    asks: tuple[tuple[float, float, bool], ...] | None = None

    @model_validator(mode="after")
    def _both_sides(self) -> Depth:
        if (self.bids is None) != (self.asks is None):
            raise ValueError("bids and asks must be given together, or neither")
        if self.nearest_bps >= self.reach_bps:
            raise ValueError(f"nearest_bps must be below reach_bps={self.reach_bps}")
        return self


class Noise(Frozen):
    """Self-exciting noise flow: aggressor orders, and limit orders near the touch."""

    market_orders_per_s: NotNegative
    """Mean rate of aggressor orders, self-excited ones included."""
    branching: Annotated[float, Field(ge=0, le=0.5)] = 0.4
    """Norm of the exogenous self-excitation kernel. A ratio measured in data belongs to the
    whole market; here at most 0.5."""
    decay_per_s: Positive = 2.0
    persistence: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Probability that an aggressor repeats the last side; 0.5 has no memory."""
    run_tail: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Sides keep a long memory: a share of orders are pieces of metaorders whose numbers of orders
    have this Pareto exponent, above 1. The share is that which gives ``persistence``; 0: no
    metaorders, the memory is of one order."""
    run_longest: Annotated[int, Field(ge=2, le=1_000_000)] = 300
    """Most orders of a metaorder: a longer one-sided flow would be a squeeze by itself."""
    market_log_mean: Finite
    """Mean of log lots of an aggressor order."""
    market_log_sd: NotNegative
    market_max_base: Positive
    """Largest aggressor order."""
    market_cap_bps: Annotated[float, Field(gt=0, le=1000)] = 10.0
    """Price cap of an aggressor order beyond the touch."""
    limit_visits_per_s: NotNegative
    """Visits of noise order slots: each places an order or cancels the one that stands."""
    limit_log_mean: Finite
    limit_log_sd: NotNegative
    limit_distance_bps: NotNegative = 1.0
    """Mean distance behind the own touch."""
    improve: Share = 0.1
    """Share of limit orders that better the touch by a tick."""
    slots: Annotated[int, Field(ge=1, le=2048)] = 128
    round_share: Share = 0.0
    """Share of limit orders at the nearest round price; with 0.1, about a tenth of all prices."""
    round_ticks: Annotated[int, Field(ge=2, le=1_000_000)] = 100
    """Between round prices; 100: those that end in 00."""

    @model_validator(mode="after")
    def _reachable(self) -> Noise:
        if self.run_tail == 0:
            return self
        if self.run_tail <= 1:
            raise ValueError(
                f"run_tail must be 0 or above 1 and at most 10, got {self.run_tail:g}; at 1 and"
                " below metaorders have no mean"
            )
        most = 1 - 0.5 / run_mean(self.run_tail, self.run_longest)
        if not 0.5 <= self.persistence <= most:
            raise ValueError(
                f"with run_tail={self.run_tail:g} persistence must be 0.5 to {most:.3f}, got"
                f" {self.persistence:g}; set run_tail=0, or lower it for longer metaorders"
            )
        return self


class Makers(Frozen):
    """Market makers: quotes on many levels around a reference price that follows the mid."""

    visits_per_s: NotNegative
    """Visits of quote slots; a visit may replace a quote."""
    near_bias: Annotated[int, Field(ge=1, le=10)] = 2
    """Power that draws visits towards the touch."""
    learning_bps_per_base: NotNegative
    """Move of the reference for a net bought coin: the permanent part of impact."""
    learning_power: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Power of the net flow between two looks in that move; below 1 impact is concave, and
    ``learning_bps_per_base`` is that of one coin. Between 0.2 and 0.5 for single orders in Lillo,
    Farmer and Mantegna 2003, Nature 421:129."""
    memory_s: Positive = 2.0
    """Time constant with which the reference follows the mid: the book's resilience."""
    slow_memory_s: Positive = 20.0
    tolerance: NotNegative = 0.2
    """Relative error of its distance that a quote may keep."""
    calm_trend_bps: Positive = 5.0
    """Fast minus slow reference that makers take for calm."""
    calm_volatility_bps: NotNegative = 0.0
    """Volatility, per square-root second, that makers take for calm; 0: they look at trend only."""
    volatility_memory_s: Positive = 10.0
    panic: Annotated[float, Field(ge=0, le=2)] = 0.0
    """What flow teaches grows as the depth left in stress to minus this power; 1: impact is one
    over depth. Source: Cont, Kukanov and Stoikov 2014, Journal of Financial Econometrics 12:47."""
    foresight: Share = 0.0
    """Share of the flow that was to be expected from which they learn nothing, so that the memory
    of sides does not make prices trend. Sources: Lillo and Farmer 2004; Bouchaud, Farmer and Lillo
    2009, "How markets slowly digest changes in supply and demand" (asymmetric liquidity)."""
    recall_trades: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 20.0
    """Trades over which they expect flow to go on, exponentially weighted."""
    alert: Annotated[int, Field(ge=0, le=64)] = 0
    """Quotes that the reference has passed are withdrawn from the touch at every visit, this many
    at most, and the visit goes to a touch that lags behind; 0: quotes wait for their visits."""
    reaction_ms: Annotated[float, Field(ge=0.1, allow_inf_nan=False)] = 2.0
    """After a trade the next visit comes within this time, if makers are alert."""
    skew_bps_per_base: NotNegative = 0.0
    """How far all quotes move against a coin of inventory."""
    refill_patience: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability that a filled quote stays out at the next visit: refill takes
    1 / (1 - patience) visits."""
    withdrawal: NotNegative = 1.0
    """Depth left is (1 + stress) ** -withdrawal; stress 1 is twice the calm trend."""
    floor: Share = 0.1
    """Smallest share of depth that stays."""
    widening: NotNegative = 0.5
    """Stretch of distances for a unit of stress."""
    widest: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1e9
    """Largest stretch."""
    size_spread: Share = 0.5
    """Half width of a quote's size around its profile, relative."""

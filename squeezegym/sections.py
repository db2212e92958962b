"""The sections of a scenario, each frozen and validated, in the units people use.

Base means the coin (BTC), quote the currency of price (USDT), ``bps`` basis points of price.
"""

from __future__ import annotations

import math
from typing import Annotated, Generic, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
LARGEST_QUANTA = 10**17  # sums of many such amounts stay far below 2**63
Distance = Annotated[float, Field(ge=0, lt=10_000)]
OfVenues = tuple[NotNegative, NotNegative, NotNegative, NotNegative, NotNegative]
Skew = Annotated[float, Field(gt=-10_000, le=10_000)]


class Frozen(BaseModel):
    """Base of every section: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


SectionT = TypeVar("SectionT", bound=BaseModel)


class Pair(Frozen, Generic[SectionT]):
    """One section for each book."""

    perp: SectionT
    spot: SectionT


def check_mix(mix: tuple[tuple[float, float], ...], most: float = 150.0) -> None:
    """Raise ValueError for a leverage mix that cannot be drawn from, or exceeds ``most``."""
    if not 1 <= len(mix) <= 8:
        raise ValueError(f"leverage takes 1 to 8 pairs, got {len(mix)}")
    for leverage, weight in mix:
        if not 1 <= leverage <= most or weight < 0:
            raise ValueError(
                f"leverage must be 1 to {most:g} with weight >= 0, got {leverage}, {weight}"
            )
    if sum(weight for _, weight in mix) <= 0:
        raise ValueError("the weights of the leverage mix must not all be 0")


def run_mean(tail: float, longest: int) -> float:
    """Return the mean number of orders of a metaorder, ``P(N > n) = n ** -tail`` up to a longest.

    Args:
        tail: Pareto exponent, above 1.
        longest: Most orders.
    """
    return 1.0 + float(np.sum(np.arange(1.0, longest) ** -tail))


class Contract(Frozen):
    """Units and opening prices of the pair of books."""

    symbol: str
    tick_size: Positive
    """Quote per tick, on both books."""
    lot_size: Positive
    """Base per lot, on both books."""
    price: Positive
    """Opening mid of the spot book, quote."""
    basis_bps: Finite = 0.0
    """Opening perp mid over spot mid."""
    volatility_bps: Positive
    """Scale of a 1-second return, for observations and calm thresholds."""
    perp: bool = True
    """False: a market of coins (or shares) alone, without perp book, arbitrage and funding."""


class Episode(Frozen):
    """Time as a learner meets it."""

    step_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    """Decision interval."""
    horizon_s: Positive = 300.0
    burn_in_s: NotNegative = 30.0
    """Market time before the episode begins."""
    clock_compression: Annotated[float, Field(ge=1, le=1000)] = 1.0
    """Slow rules run this much faster (docs/clock.md lists them); rates of events do not."""


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


class Value(Frozen):
    """Value traders, who alone know the fundamental."""

    decisions_per_s: NotNegative
    threshold_bps: NotNegative
    base_per_bp: NotNegative
    """Traded for each bp of mispricing beyond the threshold."""
    power: Annotated[float, Field(ge=1, le=3)] = 1.0
    """Power of that mispricing in bp; 2 is the latent book whose density grows in a line from the
    price, which makes impact a square root. Source: Donier, Bonart, Mastromatteo and Bouchaud
    2015, Quantitative Finance 15:1109."""
    max_base: NotNegative
    volatility_bps: NotNegative
    """Of the fundamental, per square-root second."""
    drift_bps_per_minute: Finite = 0.0
    """Of the fundamental: below 0 the shorts are right until they are squeezed."""
    perp_share: Share = 0.0
    """Share of decisions that look at the perp, at the opening basis; the others at spot."""


class Activity(Frozen):
    """How fast news comes: a slow common factor of order flow and of the fundamental's volatility.

    Its log is a sum of two Ornstein-Uhlenbeck processes, for news that passes and for the hour of
    the day. Source: the mixture of distributions of Clark 1973, Econometrica 41:135, and Tauchen
    and Pitts 1983, Econometrica 51:485, with the log-normal volatility of Taylor 1982.
    """

    log_sd: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Standard deviation of the log; 0 switches it off."""
    fast_s: Positive = 30.0
    """Time constant of the fast part."""
    slow_s: Positive = 1800.0
    slow_share: Share = 0.5
    """Of the variance of the log."""
    volatility_power: NotNegative = 0.5
    """Volatility of the fundamental grows as activity to this power; 0.5: variance with flow."""
    interval_s: Annotated[float, Field(ge=0.001, allow_inf_nan=False)] = 1.0
    """Between two moves."""


class Catalyst(Frozen):
    """A metaorder of chosen size, so that squeezes, near-misses and quiet episodes exist."""

    side: Literal["buy", "sell"] = "buy"
    start_s: tuple[float, float] = (90.0, 210.0)
    """It starts uniformly in this interval."""
    duration_s: Positive = 30.0
    orders_per_s: NotNegative = 10.0
    """Child orders; 0 switches the catalyst off."""
    perp_share: Share = 0.5
    """Share of child orders on the perp book; the others go to spot."""
    cap_bps: Annotated[float, Field(gt=0, le=1000)] = 50.0
    """Price cap of a child order beyond the touch."""
    squeeze: Share = 0.5
    """Share of episodes whose size is drawn from ``squeeze_size``."""
    near_miss: Share = 0.25
    squeeze_size: tuple[float, float] = (1.2, 2.0)
    """In ignition barriers of the state it starts in."""
    near_miss_size: tuple[float, float] = (0.4, 0.9)

    @model_validator(mode="after")
    def _ordered(self) -> Catalyst:
        for name in ("start_s", "squeeze_size", "near_miss_size"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise ValueError(f"{name} must be two numbers 0 <= low <= high, got {low}, {high}")
        if self.squeeze + self.near_miss > 1:
            raise ValueError("squeeze + near_miss must be at most 1")
        return self


class Arbitrage(Frozen):
    """Spot-perp arbitrageurs: a pool with outside credit, or accounts with capital."""

    looks_per_s: NotNegative = 20.0
    """Of all together; 0 switches them off."""
    threshold_bps: NotNegative
    """Basis beyond its fair value that pays both legs; of accounts, on top of fees and slippage."""
    base_per_bp: NotNegative
    max_base: NotNegative
    """Largest single trade."""
    capital_base: NotNegative
    """Largest perp position of the pool."""
    fair_basis_bps: Finite | None = None
    """Basis at which they do nothing; None: the opening basis of the contract."""
    accounts: Annotated[int, Field(ge=0, le=48)] = 0
    """Arbitrageurs with a perp wallet and a coin wallet each; 0: the pool."""
    capital_quote: NotNegative = 0.0
    """Of the accounts together, split evenly."""
    leverage: Annotated[float, Field(ge=1, le=150)] = 5.0
    """Of the perp leg of an account at most."""
    fee_rebate: Share = 0.0
    """Of an account's taker fees, that the venue pays back at once."""
    slippage_bps: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Reach of an account's perp leg beyond the touch, which the basis must pay too."""
    unwind_bps: Annotated[float, Field(gt=-10_000, lt=10_000)] = 0.0
    """Basis beyond its fair value at which an account closes; below 0: only on the other side."""
    funding_weight: Share = 1.0
    """Of the predicted funding rate, that an account counts on: the fair basis is lower by it."""
    latency_ms: NotNegative = 5.0
    """From an account's look to the arrival of its orders."""

    @model_validator(mode="after")
    def _capital(self) -> Arbitrage:
        if self.accounts > 0 and self.capital_quote == 0:
            raise ValueError(
                f"accounts={self.accounts} have no capital; set capital_quote above 0, "
                "or accounts to 0 for a pool with outside credit"
            )
        if self.unwind_bps > self.threshold_bps:
            raise ValueError(
                f"unwind_bps={self.unwind_bps} must be at most threshold_bps="
                f"{self.threshold_bps}, or a trade would close as it opens"
            )
        return self


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


class Learner(Frozen):
    """The learner's account and access."""

    venue: Literal["perp", "spot"] = "perp"
    """Book that it trades; on spot it owns coins, and sells short what the lender lends it."""
    limit_base: Positive
    """Position at action 1."""
    capital_quote: Positive
    leverage_cap: Annotated[float, Field(ge=1, le=150)] = 10.0
    short_start: Share = 0.5
    """Share of episodes that begin with a short position."""
    short_start_size: tuple[float, float] = (0.25, 1.0)
    """Of the limit."""
    entry_spread_bps: Annotated[float, Field(ge=0, le=1000)] = 20.0
    """The opening short's entry lies within this of the price."""
    cap_bps: Annotated[float, Field(gt=0, le=1000)] = 20.0
    """Price cap of an aggressive order beyond the published touch."""
    access: Literal["own", "colocated", "retail"] = "own"
    """Latency each way; ``own``: of the next two fields, the others: those of the gateway."""
    latency_ms: NotNegative = 10.0
    jitter_ms: NotNegative = 5.0

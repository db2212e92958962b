"""The sections of a scenario for what moves its prices: value traders, news, catalyst, arbitrage.

Units as in :mod:`squeezegym.sections`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from squeezegym.sections import Finite, Frozen, NotNegative, Positive, Share


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
    size_base: NotNegative = 0.0
    """Size of a squeeze's metaorder, base, whatever the barriers are; 0: ``squeeze_size``."""
    waits_out_pauses: bool = False
    """It sends nothing to a book that is paused or takes cancels alone, and has that much longer;
    False: what an auction leaves of it is lost."""

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

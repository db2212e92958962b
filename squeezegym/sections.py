"""What all sections of a scenario are made from, and those of contract, episode and learner.

Each is frozen and validated, in the units people use.
Base means the coin (BTC), quote the currency of price (USDT), ``bps`` basis points of price.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
LARGEST_QUANTA = 10**17  # sums of many such amounts stay far below 2**63
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

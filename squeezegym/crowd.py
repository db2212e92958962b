"""Sections of a scenario for those who answer a squeeze; each is off by default.

Numbers without a named source are this project's own: nobody publishes them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from squeezegym.sections import Frozen, NotNegative, Positive, Share, check_mix

Cap = Annotated[float, Field(gt=0, le=1000)]
# Count-weighted retail leverage, between the surveys of BitMEX (2019) and Binance (2019).
RETAIL = ((3.0, 0.06), (5.0, 0.14), (10.0, 0.26), (20.0, 0.24), (50.0, 0.15), (100.0, 0.15))


class Followers(Frozen):
    """TWAP followers: they trade along with a one-sided tape in slices, then unwind in slices."""

    looks_per_s: NotNegative = 0.0
    """Looks at the published volume; 0 switches them off."""
    horizon_s: Literal[1, 10] = 10
    """Decay time of the published volume they look at."""
    imbalance: Annotated[float, Field(gt=0, le=1)] = 0.6
    """|buys - sells| over their sum, of the perp's aggressor volume, from which they follow."""
    least_base: NotNegative = 20.0
    """|buys - sells| below which they do not."""
    slice_base: Positive = 1.0
    slices: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Slices of each leg."""
    duration_s: Positive = 10.0
    """Of each leg; two slices are a millisecond apart at least."""
    cap_bps: Cap = 10.0
    """Price cap of a slice beyond the published touch."""
    pause_s: NotNegative = 30.0
    """After a programme, so that they do not follow themselves."""


class Snipers(Frozen):
    """Snipers: they ride forced flow that the liquidation feed shows, and leave when it ebbs."""

    looks_per_s: NotNegative = 0.0
    """Looks at the published liquidations; 0 switches them off."""
    horizon_s: Literal[1, 10] = 1
    """Decay time of the published forced volume they look at."""
    trigger_base: Positive = 5.0
    """Forced volume of one side that draws them in."""
    max_base: Positive = 20.0
    """Position they build together."""
    leave_share: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Of the largest forced volume they saw: below it they leave."""
    hold_s: Positive = 60.0
    """They leave after this time at the latest."""
    cap_bps: Cap = 20.0
    """Price cap of an order beyond the published touch."""


class Fomo(Frozen):
    """Retail FOMO: a contagion of leveraged longs that feeds on a rising price."""

    accounts: Annotated[int, Field(ge=0)] = 0
    """People who may catch it, each with an account of its own; 0 switches it off."""
    seeds_per_s: NotNegative = 0.001
    """Rate at which one of them joins by itself, at full appetite."""
    contacts_per_s: NotNegative = 0.2
    """Rate at which one joins when all are infected, at full appetite."""
    recoveries_per_s: NotNegative = 0.05
    """Rate at which one stops spreading it; the position stays."""
    horizon_s: Literal[10, 60] = 60
    """Decay time of the published mean that the price is compared with."""
    return_bps: Positive = 50.0
    """Rise above that mean at which appetite is full; it is 0 at none."""
    leverage: tuple[tuple[float, float], ...] = RETAIL
    """Mix of (leverage, weight)."""
    smallest_base: Positive = 0.05
    size_tail: Annotated[float, Field(gt=1, le=10)] = 1.5
    """Pareto exponent of position sizes."""
    largest_base: Positive = 5.0
    cap_bps: Cap = 50.0
    """Price cap of the entry beyond the published touch."""

    @model_validator(mode="after")
    def _consistent(self) -> Fomo:
        check_mix(self.leverage)
        if self.accounts > 0 and self.seeds_per_s == 0:
            raise ValueError(
                "seeds_per_s=0 infects nobody of the accounts; raise it, or set accounts to 0"
            )
        if self.smallest_base > self.largest_base:
            raise ValueError(
                f"smallest_base={self.smallest_base} must be at most "
                f"largest_base={self.largest_base}"
            )
        return self


class Reloaders(Frozen):
    """Holders whose short was liquidated or stopped, and who sell again higher up."""

    share: Share = 0.0
    """Of lost shorts that are opened again; 0 switches them off."""
    delay_s: Annotated[float, Field(ge=0.001, allow_inf_nan=False)] = 30.0
    """Mean of the exponential wait before each try."""
    leverage: Annotated[float, Field(ge=1, le=150)] = 10.0
    """Of the new position, which has the size of the lost one."""
    above_bps: NotNegative = 0.0
    """Rise of the mark over the one at which the short was lost that they wait for."""
    cap_bps: Cap = 50.0
    """Price cap of the entry beyond the published touch."""

"""The section of a scenario that states how the venue protects itself; off by default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from squeezegym.sections import Frozen, NotNegative, Positive, Share


def plan_band(price: float, tier: str) -> float:
    """Return the band of the limit-up/limit-down plan, relative to the reference price.

    Above 3 USD 5 % in tier 1 and 10 % in tier 2; from 0.75 to 3 USD 20 %; below that the lesser of
    0.15 USD and 75 %. Source: Plan to Address Extraordinary Market Volatility (Regulation NMS), as
    amended 2020-02-24, Appendix A; its doubling before the close is left out.

    Args:
        price: Previous close, quote.
        tier: ``tier_1`` or ``tier_2``.
    """
    if price > 3.0:
        return 0.05 if tier == "tier_1" else 0.10
    if price >= 0.75:
        return 0.20
    return min(0.15 / price, 0.75)


class Limits(Frozen):
    """Limit-up/limit-down: price bands, a limit state, trading pauses that end in an auction."""

    on: bool = False
    tier: Literal["tier_1", "tier_2"] = "tier_1"
    band: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Relative to the reference price; None: the plan's for the tier at the opening price."""
    window_s: Positive = 300.0
    """The reference is the mean price of the trades of this time."""
    update_s: Positive = 30.0
    """Shortest time between two reference prices."""
    update_share: Share = 0.01
    """Smallest change of the reference price."""
    limit_s: Positive = 15.0
    """How long the touch may stand at a band before trading pauses."""
    pause_s: Positive = 300.0
    extension_s: Positive = 300.0
    """By which a pause is extended while the auction price lies beyond the collars."""
    collar: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Of the auction price around the band that led to the pause; as much wider each time."""
    extensions: Annotated[int, Field(ge=0, le=1000)] = 3
    """Most extensions of one pause: after them it opens at any price."""
    check_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    """Between two looks at the touch."""


class Restriction(Frozen):
    """A rule that is in force for a part of the episode."""

    start_s: NotNegative | None = None
    """None: never."""
    end_s: Positive | None = None
    """None: until the end."""

    @model_validator(mode="after")
    def _ordered(self) -> Restriction:
        if self.end_s is not None and (self.start_s is None or self.end_s <= self.start_s):
            raise ValueError(
                f"end_s={self.end_s} needs a start_s before it, got {self.start_s}; "
                "set start_s, or leave end_s out"
            )
        return self


class Protection(Frozen):
    """How the venue protects itself on one of its books."""

    book: Literal["perp", "spot"] = "spot"
    limits: Limits = Limits()
    buy_restriction: Restriction = Restriction()
    """Retail traders may close their positions but not open or enlarge longs."""
    short_ban: Restriction = Restriction()
    """Nobody but the pools of makers and background flow may open or enlarge a short."""
    learner: bool = True
    """Whether restriction and ban hold for the learner."""
    retail_followers: bool = True
    """Whether the followers count as retail."""

"""The section of a scenario that states how the venue protects itself; off by default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from squeezegym.sections import Finite, Frozen, NotNegative, Positive, Share

Relative = Annotated[float, Field(gt=0, lt=1)]
Cap = Annotated[float, Field(gt=0, le=1)]
Halt = Annotated[int, Field(ge=0, le=1000)]


def plan_band(price: float, tier: str) -> float:
    """Return the band of the limit-up/limit-down plan, relative to the reference price.

    Above 3 USD 5 % in tier 1 and 10 % in tier 2; from 0.75 to 3 USD 20 %; below that 75 %, and no
    more than 0.15 USD (:data:`PLAN_MOST`). Source: Plan to Address Extraordinary Market Volatility
    (Regulation NMS), as amended 2020-02-24, Appendix A.

    Args:
        price: Previous close, quote.
        tier: ``tier_1`` or ``tier_2``.
    """
    if price > 3.0:
        return 0.05 if tier == "tier_1" else 0.10
    return 0.20 if price >= 0.75 else 0.75


PLAN_MOST = 0.15  # USD, below 0.75 USD


def plan_doubles(price: float, tier: str) -> bool:
    """Return whether the plan doubles the band in the last 25 minutes of the day.

    In tier 1, and in tier 2 up to 3 USD: Amendment 18, 2020-02-24.
    """
    return tier == "tier_1" or price <= 3.0


class Limits(Frozen):
    """Limit-up/limit-down: price bands, a limit state, trading pauses that end in an auction."""

    on: bool = False
    tier: Literal["tier_1", "tier_2"] = "tier_1"
    band: Relative | None = None
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
    collar: Cap = 0.05
    """Of the auction price around the band that led to the pause."""
    widen: Cap | None = None
    """By which each extension widens it; None: as much again."""
    extensions: Halt = 3
    """Most extensions of one pause: after them it opens at any price."""
    check_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    """Between two looks at the touch, and of every rule that watches the price."""
    closing_s: NotNegative = 0.0
    """End of the day in which the plan doubles its band, 1,500 there; 0: never."""


class Restriction(Frozen):
    """When a rule is in force: for a part of the episode, or when the market or somebody says so.

    Decisions (:meth:`squeezegym.market.Market.protect`) can switch every rule, whatever the
    trigger.
    """

    trigger: Literal["schedule", "rule", "agent"] = "schedule"
    """``schedule``: by start and end; ``rule``: by the market; ``agent``: by decisions alone."""
    start_s: NotNegative | None = None
    """None: never."""
    end_s: Positive | None = None
    """None: until the end."""
    move: Finite | None = None
    """Signed move of the price since the day began, relative, on which ``rule`` acts; None: none is
    needed, it is in force from the opening."""
    lasts_s: Positive | None = None
    """How long ``rule`` then keeps it in force; None: until the end."""
    notice_s: NotNegative = 0.0
    """Between the announcement, whoever makes it, and the time from which it holds."""

    @model_validator(mode="after")
    def _ordered(self) -> Restriction:
        if self.end_s is not None and (self.start_s is None or self.end_s <= self.start_s):
            raise ValueError(
                f"end_s={self.end_s} needs a start_s before it, got {self.start_s}; "
                "set start_s, or leave end_s out"
            )
        if self.trigger != "schedule" and self.start_s is not None:
            raise ValueError(
                f"start_s={self.start_s} belongs to trigger 'schedule', got {self.trigger!r}; "
                "leave it out, or set trigger = 'schedule'"
            )
        if self.trigger != "rule" and (self.move is not None or self.lasts_s is not None):
            raise ValueError(
                f"move and lasts_s belong to trigger 'rule', got {self.trigger!r}; "
                "leave them out, or set trigger = 'rule'"
            )
        if self.move is not None and not 0 < abs(self.move) < 10:
            raise ValueError(f"move must lie between 0 and 10 on either side, got {self.move}")
        return self


class UptickRule(Restriction):
    """After a fall no short sale at or below the best bid, for the rest of the day and the next."""

    fall: Relative = 0.10
    """Below the last price of the day before, the opening price on the first."""


class LeverageCap(Restriction):
    """A highest leverage, for positions that exist as well as for new ones."""

    leverage: Annotated[float, Field(ge=1, le=150)] = 10.0
    maintenance_share: Share = 0.5
    """Of the capped initial margin that maintenance margin asks for at least; 0: it stays."""


class MarginHike(Restriction):
    """Maintenance and initial margin times a factor."""

    factor: Annotated[float, Field(ge=1, le=100)] = 1.5
    initial_ratio: Annotated[float, Field(ge=1, le=10)] = 1.0
    """Of initial to maintenance margin at least."""


class OpenInterestMargin(Restriction):
    """Initial margin that grows to the whole notional with open interest."""

    lower_base: NotNegative = 0.0
    """Open interest from which it grows."""
    upper_base: NotNegative = 0.0
    """Open interest at which it is the whole notional; 0: it never grows."""

    @model_validator(mode="after")
    def _rises(self) -> OpenInterestMargin:
        if self.upper_base and self.upper_base <= self.lower_base:
            raise ValueError(
                f"upper_base must exceed lower_base={self.lower_base}, got {self.upper_base}"
            )
        return self


class PositionLimit(Restriction):
    """A largest position of one account, its open orders included."""

    most_base: Positive = 100.0


class PriceBand(Restriction):
    """Limits beyond a band around mark or last price are refused, market orders end there."""

    width: Annotated[float, Field(gt=0, le=10)] = 0.05
    """Of the reference."""
    down: Relative | None = None
    """Below it; None: as above."""
    around: Literal["mark", "last"] = "mark"


class CircuitBreaker(Restriction):
    """A move within a rolling hour stops trading; a pre-open of two minutes ends in an auction."""

    variant: Relative = 0.10
    """Of the last price of the day before; above the low and below the high of the window."""
    window_s: Positive = 3600.0
    pause_s: Positive = 120.0


class VelocityHalt(Restriction):
    """A move within a short window halts trading until an auction within a widening collar."""

    variant: Relative = 0.02
    window_s: Positive = 60.0
    pause_s: Positive = 120.0
    extension_s: Positive = 60.0
    collar: Cap = 0.02
    widen: Cap | None = None
    extensions: Halt = 3


class LiquidationThrottle(Restriction):
    """A highest rate at which the engine serves accounts."""

    per_s: Annotated[float, Field(gt=0, le=1000)] = 1.0


class Absorption(Restriction):
    """The vault takes a share of each liquidated position at mark before the book sees the rest."""

    share: Cap = 0.5


class FundingChange(Restriction):
    """Another funding interval, and another cap with it."""

    interval_s: Positive = 3600.0
    cap: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of the rate of one interval; None: as it was."""


class TradeCancellation(Restriction):
    """The trades of a window that ends now are reversed."""

    window_s: Positive = 10.0

    @model_validator(mode="after")
    def _has_a_past(self) -> TradeCancellation:
        if self.start_s == 0 or (self.trigger == "rule" and self.move is None):
            raise ValueError(
                f"no trade has been made by then, got start_s={self.start_s}, move={self.move}; "
                "set start_s above 0, or a move"
            )
        return self


class BatchAuction(Restriction):
    """Orders collect for an interval, then trade at one price; again and again."""

    interval_s: Annotated[float, Field(gt=0.0001, le=60)] = 0.1


class Protection(Frozen):
    """How the venue protects itself on one of its books."""

    book: Literal["perp", "spot"] = "spot"
    day_s: Positive = 23_400.0
    """Length of a trading day: its last price is the next one's previous close."""
    limits: Limits = Limits()
    buy_restriction: Restriction = Restriction()
    """Retail traders may close their positions but not open or enlarge longs."""
    short_ban: Restriction = Restriction()
    """Nobody but the pools of makers and background flow may open or enlarge a short."""
    uptick_rule: UptickRule = UptickRule()
    close_only: Restriction = Restriction()
    """Nobody but those pools may open or enlarge a position."""
    leverage_cap: LeverageCap = LeverageCap()
    margin_hike: MarginHike = MarginHike()
    open_interest_margin: OpenInterestMargin = OpenInterestMargin()
    position_limit: PositionLimit = PositionLimit()
    price_band: PriceBand = PriceBand()
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    velocity_halt: VelocityHalt = VelocityHalt()
    cancel_only: Restriction = Restriction()
    """The book takes cancels alone."""
    liquidation_throttle: LiquidationThrottle = LiquidationThrottle()
    absorption: Absorption = Absorption()
    funding_change: FundingChange = FundingChange()
    trade_cancellation: TradeCancellation = TradeCancellation()
    batch_auction: BatchAuction = BatchAuction()
    learner: bool = True
    """Whether restrictions and bans hold for the learner."""
    retail_followers: bool = True
    """Whether the followers count as retail."""

    @model_validator(mode="after")
    def _of_its_book(self) -> Protection:
        rule = self.trade_cancellation
        if self.book == "spot" and (rule.trigger != "schedule" or rule.start_s is not None):
            raise ValueError(
                "trade_cancellation needs book = 'perp', got 'spot': coins that were sold on "
                "cannot be taken back; set protection.book, or leave the rule out"
            )
        return self

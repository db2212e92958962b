"""The sections of a scenario that state the rules of the venue: prices, margin, who pays whom.

Units as in :mod:`squeezegym.sections`.
"""

from __future__ import annotations

import math
import tomllib
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from squeezegym.errors import did_you_mean
from squeezegym.resources import resources
from squeezegym.sections import (
    Finite,
    Frozen,
    NotNegative,
    OfVenues,
    Positive,
    Share,
    Skew,
    check_mix,
)


class Marks(Frozen):
    """Index and mark."""

    interval_ms: Annotated[int, Field(ge=1, le=60_000)] = 1000
    rule: Literal["binance", "funding_basis", "hyperliquid", "oracle", "last", "clamped_last"] = (
        "binance"
    )
    """Formula of the mark."""
    funding_rate: Annotated[float, Field(ge=-1, le=1)] = 0.0001
    """Funding rate predicted at the opening, until the first premium sample."""
    basis_samples: Annotated[int, Field(ge=1, le=30)] = 30
    """Mark updates in the window of ``binance``'s mean basis."""
    basis_memory_s: Positive = 150.0
    """Of ``hyperliquid``'s moving mean of mid minus index."""
    local_memory_s: Positive = 30.0
    """Of its moving mean of the median of best bid, best ask and last trade."""
    index_rule: Literal["binance", "clamped"] = "binance"
    """Weighted mean without outliers, or plain mean of prices held near their median."""
    outlier: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Deviation from the median that drops a venue."""
    band: Annotated[float, Field(gt=0, lt=1)] = 0.005
    """Deviation from the median to which ``clamped`` holds a venue."""
    stale_s: Positive = 10.0
    """A venue without an update for so long has no weight."""
    frozen_venue: tuple[bool, bool, bool, bool, bool] = (False, False, False, False, False)
    """Venues that send no more updates, from ``frozen_from_s`` on."""
    frozen_from_s: Finite = 0.0
    skew_bps: tuple[Skew, Skew, Skew, Skew, Skew] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """How far each venue quotes off the others."""
    weights: OfVenues = (0.35, 0.25, 0.2, 0.1, 0.1)
    """Of the five spot venues; the first is the spot book."""
    follow_per_s: OfVenues = (1000.0, 5.0, 3.0, 2.0, 1.0)
    """How fast each venue follows the spot book."""
    noise_bps: OfVenues = (0.0, 0.3, 0.3, 0.5, 0.5)


class Funding(Frozen):
    """Funding of the perpetual contract: rates are fractions of notional."""

    rule: Literal["binance", "okx", "deribit", "hyperliquid", "dydx", "off"] = "binance"
    """Form of the rate, and the price it is paid at; ``off`` pays none."""
    interval_s: Annotated[float, Field(ge=0.1, le=604_800)] = 28_800.0
    """Between two payments."""
    first_s: NotNegative | None = None
    """Market time of the first payment; None: one interval after the episode's start."""
    sample_s: Annotated[float, Field(ge=0.1, le=3600)] = 5.0
    """Between two samples of the premium."""
    average: Literal["linear", "plain"] | None = None
    """Weights of an interval's samples: 1, 2, 3 and so on, or equal; None: linear under
    ``binance``, equal under the others."""
    interest: Annotated[float, Field(ge=-0.1, le=0.1)] = 0.0001
    """Interest of 8 hours; ``okx``: of one interval, ``dydx``: its default funding."""
    clamp: Annotated[float, Field(ge=0, le=1)] = 0.0005
    """Largest correction towards the interest; ``deribit``: premium that pays nothing."""
    cap: Annotated[float, Field(ge=0, le=10)] = 0.003
    """Largest rate of one interval; ``deribit``, ``dydx``: of 8 hours."""
    impact_quote: Positive = 25_000.0
    """Notional whose average fill price the premium is taken from."""


class Margin(Frozen):
    """Margin brackets, stated one by one or taken from a shipped table."""

    brackets: tuple[tuple[Finite, ...], ...]
    """Notional floor in quote, maintenance rate and, if stated, maximum leverage."""
    table: str | None = Field(default=None, exclude=True)
    """Instead of ``brackets``: ``configs/brackets/<table>.toml``, whose rows take their place."""

    @model_validator(mode="before")
    @classmethod
    def _look_up(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = {key: value for key, value in data.items() if value is not None}
        if ("brackets" in given) == ("table" in given):
            which = "both; leave one out" if "table" in given else "neither; add one"
            raise ValueError(f"takes either brackets or table, got {which}")
        if "table" in given:
            given["brackets"] = shipped_brackets(given.pop("table"))
        return given

    @model_validator(mode="after")
    def _rising(self) -> Margin:
        if not 1 <= len(self.brackets) <= 16:
            raise ValueError(f"1 to 16 brackets are allowed, got {len(self.brackets)}")
        for row in self.brackets:
            if len(row) not in (2, 3):
                raise ValueError(
                    f"a bracket is [floor, rate] or [floor, rate, max_leverage], got {list(row)}"
                )
        floors = [row[0] for row in self.brackets]
        rates = [row[1] for row in self.brackets]
        if floors[0] != 0 or floors != sorted(set(floors)):
            raise ValueError("bracket floors must start at 0 and rise")
        if rates != sorted(rates) or not 0 < rates[0] <= rates[-1] < 1:
            raise ValueError("bracket rates must lie in (0, 1) and not fall")
        leverages = self.max_leverage()
        for rate, leverage in zip(rates, leverages, strict=True):
            if not 1 <= leverage <= 1 / rate:
                raise ValueError(
                    f"max_leverage must lie between 1 and 1 / rate = {1 / rate:g}, got {leverage:g}"
                )
        if list(leverages) != sorted(leverages, reverse=True):
            raise ValueError(f"max_leverage must not rise from bracket to bracket, got {leverages}")
        return self

    def max_leverage(self) -> tuple[float, ...]:
        """Return the maximum leverage of each bracket.

        A bracket that states none takes ``1 / (2 rate)``, between 1 and 150: maintenance is half
        of the initial margin, as most venues set it.
        """
        return tuple(
            row[2] if len(row) == 3 else min(150.0, max(1.0, 0.5 / row[1])) for row in self.brackets
        )


def shipped_brackets(name: Any) -> list[Any]:
    """Return the rows of a shipped bracket table: floor in quote, rate, maximum leverage.

    Raises:
        ValueError: No table has this name.
    """
    folder = resources() / "brackets"
    names = sorted(p.name[: -len(".toml")] for p in folder.iterdir() if p.name.endswith(".toml"))
    if name not in names:
        raise ValueError(
            f"unknown table {name!r}{did_you_mean(str(name), names)}; shipped: {', '.join(names)}"
        )
    data = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    return list(data["brackets"])


class Fees(Frozen):
    """Trading fees, in basis points of notional, rounded up to the quantum."""

    perp_maker_bps: Annotated[float, Field(ge=0, le=100)] = 2.0
    perp_taker_bps: Annotated[float, Field(ge=0, le=100)] = 5.0
    spot_maker_bps: Annotated[float, Field(ge=0, le=100)] = 2.0
    spot_taker_bps: Annotated[float, Field(ge=0, le=100)] = 5.0
    liquidation_bps: Annotated[float, Field(ge=0, le=1000)] = 125.0
    """Of the liquidated notional, at most what is left of the account."""


class LiquidationRules(Frozen):
    """The liquidation engine, its insurance fund and what stands behind it."""

    destination: Literal["book", "absorber", "off"] = "book"
    """``absorber`` takes positions off-book at mark, ``off`` liquidates nobody: counterfactuals."""
    policy: Literal[
        "ioc_at_bankruptcy",
        "tier_reduction",
        "partial_20_cooldown",
        "small_steps",
        "block_limited",
        "ramp",
    ] = "ioc_at_bankruptcy"
    """How a position is closed; docs/liquidation.md has each rule and its venue."""
    remainder: Literal["adl", "pro_rata", "socialised"] = "adl"
    """Who bears what neither book nor fund could close."""
    ranking: Literal["binance", "bitmex", "hyperliquid", "binance_legacy"] = "binance"
    latency_ms: NotNegative = 10.0
    interval_ms: NotNegative = 2.0
    """Between two services of the engine: the rate cap."""
    cooldown_ms: Annotated[float, Field(ge=0.001, allow_inf_nan=False)] = 1000.0
    """Between two services of one account (30,000 at Hyperliquid); length of a dYdX block."""
    fund_quote: NotNegative = 0.0
    support_bps: Annotated[float, Field(ge=0, le=5000)] = 100.0
    """How far beyond the bankruptcy price, or the mark, an order may reach."""
    fund_cap: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    """Largest notional that the fund supports, in multiples of itself (Binance: 1); 0: any."""
    fund_drawdown: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fall from its peak that switches the fund off (CoinCatch: .3); 0: never."""
    fund_recovery: Share | None = None
    """Share of the peak that switches it on again (CoinCatch: .9); None: 1 - drawdown / 3."""
    vault_quote: NotNegative = 0.0
    """Capital of the backstop vault."""
    backstop_ratio: Share = 0.66666667
    """Equity in maintenance margins below which the vault takes over."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Of the position in one order (Hyperliquid .2, Deribit .05, dYdX .1)."""
    threshold_quote: NotNegative = 100_000.0
    """Notional below which a position is closed at once (``block_limited``: least order)."""
    block_notional_quote: Positive = 100_000.0
    block_loss_quote: NotNegative = 1_000_000.0
    spread_ratio: NotNegative = 1.5
    """Of the fillable price, in maintenance margins (dYdX genesis: 1.5)."""
    bankruptcy_adjustment: NotNegative = 1.0
    ramp_start: Share = 0.1
    ramp_s: Positive = 60.0
    """Until everything may be closed (Drift: 150 slots of .4 s)."""
    ramp_small_quote: NotNegative = 50.0
    ramp_fee_bps: Annotated[float, Field(ge=0, le=1000)] = 5.0
    """Discount at which the ramp's orders may trade."""
    buffer_bps: Annotated[float, Field(ge=0, le=5000)] = 200.0
    """Margin that the ramp restores beyond maintenance, of notional."""
    print_interval_ms: NotNegative = 0.0
    """The public feed carries one liquidation a side in this time (venues: 1,000); 0: all."""

    @model_validator(mode="after")
    def _consistent(self) -> LiquidationRules:
        recovery = self.fund_recovery
        if recovery is not None and 0 < self.fund_drawdown <= 1 - recovery:
            raise ValueError(
                f"fund_recovery={recovery} must exceed 1 - fund_drawdown="
                f"{1 - self.fund_drawdown:.6g}, or the fund would be on and off at once"
            )
        return self


class Borrowing(Frozen):
    """Spot margin: a finite lender of coins, and the shorts that borrow from it; off by default."""

    accounts: Annotated[int, Field(ge=0)] = 0
    """Individual accounts that have borrowed and sold before the market opens."""
    base: NotNegative = 0.0
    """Coins that they owe together."""
    supply_base: NotNegative = 0.0
    """The lender's coins, lent and free; 0: no spot margin."""
    leverage: tuple[tuple[float, float], ...] = ((1.5, 0.3), (2.0, 0.4), (3.0, 0.3))
    """Mix of (assets over equity, weight)."""
    initial_level: Annotated[float, Field(gt=1, le=100)] = 1.5
    """Margin level, assets over debt, that a loan must leave."""
    liquidation_level: Annotated[float, Field(gt=1, le=100)] = 1.1
    """Margin level at which a debt is bought in."""
    latency_ms: NotNegative = 10.0
    interval_ms: NotNegative = 100.0
    """Between two buy-ins."""
    retry_s: Annotated[float, Field(ge=0.001, allow_inf_nan=False)] = 1.0
    """Before another try, when neither the book nor the fund could close a debt."""
    liquidation_bps: Annotated[float, Field(ge=0, le=1000)] = 200.0
    """Of the bought-in notional, at most what is left of the account; to the fund."""
    base_rate: Annotated[float, Field(ge=0, le=100)] = 0.02
    """Yearly borrow rate with nothing lent."""
    slope: Annotated[float, Field(ge=0, le=100)] = 0.08
    """Its rise up to the kink."""
    steep: Annotated[float, Field(ge=0, le=100)] = 3.0
    """Its rise from the kink to full utilisation."""
    kink: Annotated[float, Field(gt=0, lt=1)] = 0.8
    interval_s: Annotated[float, Field(ge=0.001, le=86_400)] = 60.0
    """Between two charges of the fee, to the millisecond."""
    recall_at: Share = 0.95
    """Utilisation above which the lender calls coins back."""
    recalls_per_s: NotNegative = 0.1
    notice_s: NotNegative = 60.0
    """That a recalled borrower has to repay."""
    supply_drop_s: NotNegative = 0.0
    """When the supply shrinks."""
    supply_drop_share: Share = 0.0

    @model_validator(mode="after")
    def _covered(self) -> Borrowing:
        if (self.accounts == 0) != (self.base == 0):
            raise ValueError(
                f"accounts={self.accounts} and base={self.base} must both be 0 or both be above 0"
            )
        if self.base > self.supply_base:
            raise ValueError(
                f"base={self.base} exceeds supply_base={self.supply_base}; raise supply_base"
            )
        if self.initial_level <= self.liquidation_level:
            raise ValueError(
                f"initial_level={self.initial_level} must lie above "
                f"liquidation_level={self.liquidation_level}"
            )
        if self.supply_drop_share > 0 and self.recalls_per_s == 0:
            raise ValueError("a shrinking supply needs recalls; set recalls_per_s above 0")
        return self

    @model_validator(mode="after")
    def _mix(self) -> Borrowing:
        check_mix(self.leverage, math.inf)
        most = self.initial_level / (self.initial_level - 1)
        for leverage, _ in self.leverage:
            if not 1 < leverage <= most * (1 + 1e-9):
                raise ValueError(
                    f"leverage must be above 1 and at most {most:g}, which leaves the initial "
                    f"level, got {leverage}"
                )
        return self


class Matching(Frozen):
    """Rules of the matching engine, the same on both books."""

    self_trade: Literal["allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"] = (
        "cancel_newest"
    )
    """When an individual account's order meets its own; pools stand for many traders."""
    price_range: tuple[Positive, Positive] | None = None
    """Lowest and highest price accepted, quote; None accepts every price the book can hold."""

    @model_validator(mode="after")
    def _ordered(self) -> Matching:
        if self.price_range is not None and self.price_range[0] >= self.price_range[1]:
            raise ValueError(f"price_range must be (lowest, highest), got {self.price_range}")
        return self

"""The sections of a scenario, each frozen and validated, in the units people use.

Base means the coin (BTC), quote the currency of price (USDT), ``bps`` basis points of price.
"""

from __future__ import annotations

import tomllib
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from squeezegym.errors import did_you_mean
from squeezegym.resources import resources

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


class Episode(Frozen):
    """Time as a learner meets it."""

    step_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    """Decision interval."""
    horizon_s: Positive = 300.0
    burn_in_s: NotNegative = 30.0
    """Market time before the episode begins."""


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


class Makers(Frozen):
    """Market makers: quotes on many levels around a reference price that follows the mid."""

    visits_per_s: NotNegative
    """Visits of quote slots; a visit may replace a quote."""
    near_bias: Annotated[int, Field(ge=1, le=10)] = 2
    """Power that draws visits towards the touch."""
    learning_bps_per_base: NotNegative
    """Move of the reference for a net bought coin: the permanent part of impact."""
    memory_s: Positive = 2.0
    """Time constant with which the reference follows the mid: the book's resilience."""
    slow_memory_s: Positive = 20.0
    tolerance: NotNegative = 0.2
    """Relative error of its distance that a quote may keep."""
    calm_trend_bps: Positive = 5.0
    """Fast minus slow reference that makers take for calm."""
    withdrawal: NotNegative = 1.0
    """Depth left is (1 + stress) ** -withdrawal; stress 1 is twice the calm trend."""
    floor: Share = 0.1
    """Smallest share of depth that stays."""
    widening: NotNegative = 0.5
    """Stretch of distances for a unit of stress."""
    size_spread: Share = 0.5
    """Half width of a quote's size around its profile, relative."""


class Value(Frozen):
    """Value traders, who alone know the fundamental."""

    decisions_per_s: NotNegative
    threshold_bps: NotNegative
    base_per_bp: NotNegative
    """Traded for each bp of mispricing beyond the threshold."""
    max_base: NotNegative
    volatility_bps: NotNegative
    """Of the fundamental, per square-root second."""
    drift_bps_per_minute: Finite = 0.0
    """Of the fundamental: below 0 the shorts are right until they are squeezed."""


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
    """Spot-perp arbitrageurs."""

    looks_per_s: NotNegative = 20.0
    """0 switches them off."""
    threshold_bps: NotNegative
    """Basis beyond its fair value that pays both legs."""
    base_per_bp: NotNegative
    max_base: NotNegative
    """Largest single trade."""
    capital_base: NotNegative
    """Largest perp position."""
    fair_basis_bps: Finite | None = None
    """Basis at which they do nothing; None: the opening basis of the contract."""


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
    fund_recovery: Share = 0.9
    """Share of the peak that switches it on again."""
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
        if self.fund_drawdown > 0 and self.fund_recovery <= 1 - self.fund_drawdown:
            raise ValueError(
                f"fund_recovery={self.fund_recovery} must exceed 1 - fund_drawdown="
                f"{1 - self.fund_drawdown:.6g}, or the fund would be on and off at once"
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
        if self.stop_bps[0] > self.stop_bps[1]:
            raise ValueError(f"stop_bps must be (low, high), got {self.stop_bps}")
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
    round_quote: Positive = 100.0

    @model_validator(mode="after")
    def _mix(self) -> Population:
        if not 1 <= len(self.leverage) <= 8:
            raise ValueError(f"leverage takes 1 to 8 pairs, got {len(self.leverage)}")
        for leverage, weight in self.leverage:
            if not 1 <= leverage <= 150 or weight < 0:
                raise ValueError(
                    f"leverage must be 1 to 150 with weight >= 0, got {leverage}, {weight}"
                )
        if sum(weight for _, weight in self.leverage) <= 0:
            raise ValueError("the weights of the leverage mix must not all be 0")
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
            if not 0 <= deposit <= LARGEST_QUANTA:
                raise ValueError(
                    f"deposit_quanta must be at least 0 and at most {LARGEST_QUANTA:g}, "
                    f"got {deposit}; a debt is a position entered at a worse price"
                )
            if abs(lots) * entry > LARGEST_QUANTA:
                raise ValueError(
                    f"lots times entry_ticks must be at most {LARGEST_QUANTA:g} quanta, "
                    f"got {lots} x {entry}; take coarser lots or ticks"
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
        if not 1 <= len(self.leverage) <= 8:
            raise ValueError(f"leverage takes 1 to 8 pairs, got {len(self.leverage)}")
        most = self.initial_level / (self.initial_level - 1)
        for leverage, weight in self.leverage:
            if not 1 < leverage <= most * (1 + 1e-9) or weight < 0:
                raise ValueError(
                    f"leverage must be above 1 and at most {most:g}, which leaves the initial "
                    f"level, with weight >= 0, got {leverage}, {weight}"
                )
        if sum(weight for _, weight in self.leverage) <= 0:
            raise ValueError("the weights of the leverage mix must not all be 0")
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


class Transport(Frozen):
    """Gateway and public feed."""

    service_us: NotNegative = 500.0
    """Matching engine's time for a message."""
    feed_interval_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    feed_latency_ms: NotNegative = 10.0


class Learner(Frozen):
    """The learner's account and access."""

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
    latency_ms: NotNegative = 10.0
    """Each way."""
    jitter_ms: NotNegative = 5.0

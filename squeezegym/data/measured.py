"""The numbers measured from one capture: names, units, estimators.

Every record is frozen and holds plain numbers, so ``dataclasses.asdict`` gives JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """Best ask minus best bid, ticks, from the bookTicker stream.

    Attributes:
        mean_ticks: Mean over quotes.
        median_ticks: Median over quotes.
        time_weighted_ticks: Mean weighted with the time until the next quote.
    """

    mean_ticks: float
    median_ticks: float
    time_weighted_ticks: float


@dataclass(frozen=True, slots=True)
class Aggressors:
    """Market flow. Prints of one side with the same exchange ms are taken as one aggressor order.

    Merging errs to larger and fewer orders where two of one side meet in one ms.

    Attributes:
        orders: Aggressor orders counted.
        orders_per_s: Aggressor orders per second of the capture.
        prints_per_s: Prints per second before merging.
        mean_lots: Mean size of an aggressor order, lots.
        log_mean: Mean of ln(size / lot): ``mu`` of a lognormal fitted by maximum likelihood.
        log_sd: Standard deviation of ln(size / lot): ``sigma`` of that fit.
        hill_exponent: Hill tail exponent over the largest 5 % (at least 10) of the order sizes:
            ``k / sum(ln(x_i / x_{k+1}))``. None with fewer than 20 orders.
        buy_share: Share of buy orders among aggressor orders, by count, 0..1.
        buy_lots_share: Share of bought lots, 0..1.
        lots_per_s: Traded lots per second.
        notional_per_s: Traded price x quantity, quote per second; None for inverse contracts.
        sign_autocorrelation: Lag-1 autocorrelation of the signs of successive aggressor orders.
        branching_ratio: ``1 - sqrt(mean / variance)`` of order counts in windows of 10 s (Hardiman
            and Bouchaud 2014), 0 when the variance is below the mean. Caveats: a capture of
            minutes holds few windows, a drifting rate counts as excitation, and the ratio belongs
            to the whole market with all its causes, not to an exogenous kernel.
    """

    orders: int
    orders_per_s: float
    prints_per_s: float
    mean_lots: float
    log_mean: float
    log_sd: float
    hill_exponent: float | None
    buy_share: float
    buy_lots_share: float
    lots_per_s: float
    notional_per_s: float | None
    sign_autocorrelation: float
    branching_ratio: float


@dataclass(frozen=True, slots=True)
class LimitFlow:
    """Limit flow seen through level-2 changes: lower bounds.

    One diff joins everything that happened to a level since the last one, so orders that came and
    went in between, or offset each other, do not show. An increase of a level counts as one add; a
    decrease larger than the lots traded at that price in the interval of the diff counts as one
    cancel of the remainder. Levels beyond the snapshot count from their second change on.

    Attributes:
        diffs_per_s: Depth diffs per second.
        adds_per_s: Adds per second over all levels.
        cancels_per_s: Cancels per second over all levels.
        near_adds_per_s: Adds per second within 10 bp of the mid.
        near_cancels_per_s: Cancels per second within 10 bp of the mid.
        add_mean_lots: Mean increase of a level within 10 bp, lots.
        cancel_mean_lots: Mean decrease of a level within 10 bp beyond the trades, lots.
        trade_lots_explained_share: Share of traded lots found again as a decrease at their price;
            below 1 because levels are refilled, or born and traded, inside one diff.
        update_ids_per_s: Advance of the venue's update id per second. Spot ids rise by one with
            each change of this book, so there it counts all book events; futures ids are shared by
            the whole venue and say nothing about one symbol.
        quotes_per_s: bookTicker messages per second: changes of the touch.
    """

    diffs_per_s: float
    adds_per_s: float
    cancels_per_s: float
    near_adds_per_s: float
    near_cancels_per_s: float
    add_mean_lots: float
    cancel_mean_lots: float
    trade_lots_explained_share: float
    update_ids_per_s: float
    quotes_per_s: float


@dataclass(frozen=True, slots=True)
class DepthBand:
    """Resting lots within a distance of the mid, averaged over samples once a second.

    A sample covers a side when the band ends inside the prices of the snapshot, where every level
    is known. Elsewhere only levels that changed since are known: a lower bound.

    Attributes:
        within_bps: Distance from the mid, bp.
        bid_lots: Mean over all samples, bids.
        ask_lots: Mean over all samples, asks.
        bid_covered_lots: Mean over covered samples, bids; None when there is none.
        ask_covered_lots: Mean over covered samples, asks; None when there is none.
        bid_covered_share: Share of samples that cover the bids, 0..1.
        ask_covered_share: Share of samples that cover the asks, 0..1.
    """

    within_bps: float
    bid_lots: float
    ask_lots: float
    bid_covered_lots: float | None
    ask_covered_lots: float | None
    bid_covered_share: float
    ask_covered_share: float


@dataclass(frozen=True, slots=True)
class DepthBucket:
    """Mean resting lots at distances ``from_ticks <= d < to_ticks`` from the touch of that side.

    Attributes:
        from_ticks: First distance, ticks; 0 is the best price itself.
        to_ticks: First distance beyond.
        bid_lots: Mean over all samples, lots in the whole bucket, bids.
        ask_lots: Mean over all samples, lots in the whole bucket, asks.
        bid_covered_lots: As in `DepthBand`.
        ask_covered_lots: As in `DepthBand`.
    """

    from_ticks: int
    to_ticks: int
    bid_lots: float
    ask_lots: float
    bid_covered_lots: float | None
    ask_covered_lots: float | None


@dataclass(frozen=True, slots=True)
class Depth:
    """Resting size around the mid.

    Attributes:
        snapshot_bid_bps: Distance of the last bid of the snapshot from its mid, bp.
        snapshot_ask_bps: Distance of the last ask of the snapshot from its mid, bp.
        samples: Samples averaged, one a second.
        bands: Lots within 1, 2, 5, 10 and 25 bp of the mid.
        profile: Lots by distance from the touch, to 50 bp.
    """

    snapshot_bid_bps: float
    snapshot_ask_bps: float
    samples: int
    bands: tuple[DepthBand, ...]
    profile: tuple[DepthBucket, ...]


@dataclass(frozen=True, slots=True)
class Returns:
    """Movement of the mid; the last quote before each point of a regular grid.

    Attributes:
        volatility_1s: Standard deviation of log returns over 1 s.
        variance_per_s_100ms: Realised variance from 100 ms log returns, per second.
        variance_per_s_1s: The same from 1 s returns.
        variance_per_s_10s: The same from 10 s returns; the three make the signature plot.
        first_mid_ticks: First mid quoted.
        last_mid_ticks: Last mid quoted.
    """

    volatility_1s: float
    variance_per_s_100ms: float
    variance_per_s_1s: float
    variance_per_s_10s: float
    first_mid_ticks: float
    last_mid_ticks: float


@dataclass(frozen=True, slots=True)
class MeasuredMarket:
    """All numbers measured from one capture.

    Attributes:
        symbol: The venue's name of the market.
        market: ``usdm``, ``cm`` or ``spot``.
        tick_size: Quote per tick.
        lot_size: Base (``cm``: contracts) per lot.
        start_ns: First exchange time, ns since 1970 UTC.
        duration_s: Seconds from first to last exchange time; the base of all rates but those of
            `LimitFlow`, which count from the snapshot.
        mid_ticks: Mid of the snapshot, ticks.
        spread: See `Spread`.
        aggressors: See `Aggressors`.
        limits: See `LimitFlow`.
        depth: See `Depth`.
        returns: See `Returns`.
    """

    symbol: str
    market: str
    tick_size: float
    lot_size: float
    start_ns: int
    duration_s: float
    mid_ticks: float
    spread: Spread
    aggressors: Aggressors
    limits: LimitFlow
    depth: Depth
    returns: Returns

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, tuples and numbers, ready for ``json.dumps``."""
        return asdict(self)

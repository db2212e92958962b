"""One schema per kind of record: what every loader returns, whatever file it read.

Every table starts with ``time`` (what the venue stamps), ``known_at`` (when a reader could first
have had the row), ``venue`` and ``symbol``. Times are UTC in ns. Prices are quote, sizes are in the
unit that the report states, rates and ratios are fractions. A side is +1 buy and -1 sell: of a
trade the aggressor's, of a liquidation the forced order's (+1: a short is bought back), of a level
the book's (+1 bids). What a file does not tell is null.
"""

from __future__ import annotations

from enum import StrEnum

import polars as pl

TIME = pl.Datetime("ns", "UTC")


class Kind(StrEnum):
    """Kinds of records."""

    TRADES = "trades"
    QUOTES = "quotes"
    KLINES = "klines"
    PRICES = "prices"
    DEPTH = "depth"
    METRICS = "metrics"
    FUNDING = "funding"
    CONTEXTS = "contexts"
    LIQUIDATIONS = "liquidations"
    TOTALS = "totals"
    POSITIONS = "positions"
    SNAPSHOTS = "snapshots"
    DELTAS = "deltas"
    EVENTS = "events"
    BRACKETS = "brackets"


_F, _I = pl.Float64(), pl.Int64()
_SIDE = pl.Int8()
_HEAD: dict[str, pl.DataType] = {
    "time": TIME,
    "known_at": TIME,
    "venue": pl.String(),
    "symbol": pl.String(),
}
_CANDLE: dict[str, pl.DataType] = {"open": _F, "high": _F, "low": _F, "close": _F}
_COLUMNS: dict[Kind, dict[str, pl.DataType]] = {
    # ``forced``: of a liquidation or of a deleveraged winner.
    Kind.TRADES: {
        "id": pl.String(),
        "side": _SIDE,
        "price": _F,
        "size": _F,
        "forced": pl.Boolean(),
    },
    Kind.QUOTES: {"bid": _F, "bid_size": _F, "ask": _F, "ask_size": _F},
    # ``time`` is the open; ``known_at`` the close. Taker volumes are those of buyers. Binance gives
    # volumes of inverse contracts in contracts, and their quote volumes in base.
    Kind.KLINES: {
        **_CANDLE,
        "volume": _F,
        "quote_volume": _F,
        "trades": _I,
        "taker_volume": _F,
        "taker_quote_volume": _F,
    },
    # Candles of a mark, an index or a premium, named by ``of``: nothing was traded.
    Kind.PRICES: {"of": pl.String(), **_CANDLE},
    # Cumulated between the mid and a distance of ``percent`` of it, bids below 0.
    Kind.DEPTH: {"percent": _F, "size": _F, "notional": _F},
    # Ratios are long over short, the last one taker buys over sells.
    Kind.METRICS: {
        "open_interest": _F,
        "open_interest_value": _F,
        "top_accounts_ratio": _F,
        "top_positions_ratio": _F,
        "accounts_ratio": _F,
        "taker_ratio": _F,
    },
    Kind.FUNDING: {"rate": _F, "interval_hours": _F},
    Kind.CONTEXTS: {
        "funding_rate": _F,
        "open_interest": _F,
        "last": _F,
        "mid": _F,
        "index": _F,
        "mark": _F,
    },
    Kind.LIQUIDATIONS: {"side": _SIDE, "price": _F, "average_price": _F, "size": _F},
    # Sums over a day, quote; the two sides need not add up to the total.
    Kind.TOTALS: {"total": _F, "longs": _F, "shorts": _F, "count": _I},
    Kind.POSITIONS: {
        "side": _SIDE,
        "size": _F,
        "entry": _F,
        "leverage": _F,
        "is_cross": pl.Boolean(),
        "liquidation": _F,
        "profit": _F,
        "price": _F,
    },
    # One row a level, 0 the best, of books printed whole.
    Kind.SNAPSHOTS: {"level": _I, "side": _SIDE, "price": _F, "size": _F},
    # New sizes of levels, 0 deletes; ``is_snapshot`` rows after others replace the whole book.
    Kind.DELTAS: {"is_snapshot": pl.Boolean(), "side": _SIDE, "price": _F, "size": _F},
    Kind.EVENTS: {"type": _I, "id": pl.String(), "side": _SIDE, "price": _F, "size": _F},
    # ``maintenance = notional * rate - deduction`` from ``floor`` to ``cap``, quote.
    Kind.BRACKETS: {
        "tier": _I,
        "floor": _F,
        "cap": _F,
        "rate": _F,
        "leverage": _F,
        "deduction": _F,
    },
}

SCHEMAS: dict[Kind, dict[str, pl.DataType]] = {
    kind: {**_HEAD, **columns} for kind, columns in _COLUMNS.items()
}
"""Columns and types of each kind, in order."""


def conform(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Give a table the columns, types and order of its kind; what it lacks is null."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in SCHEMAS[kind].items()
    )

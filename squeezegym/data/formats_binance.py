"""Files of data.binance.vision, USD-M and COIN-M futures and spot: with a header or without.

Source: binance/binance-public-data README, and the files. Times are ms, of spot us from 2025 on.
Which rows a reader could have had: a candle at its close; a sample of ``metrics`` at its time; a
row of hourly metrics, resampled by the last 5-minute sample inside the hour, 5 minutes before the
next row.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from squeezegym.data.cells import Cell, Column
from squeezegym.data.formats import Format, binance_sizes, spacing_ns
from squeezegym.data.schema import Kind

FIVE_MINUTES_NS = 300_000_000_000


def _candle(prices: Cell) -> tuple[Column, ...]:
    return (
        Column("open_time", Cell.EPOCH, "time"),
        *(Column(name, prices, name) for name in ("open", "high", "low", "close")),
        Column("volume", Cell.SIZE, "volume"),
        Column("close_time", Cell.EPOCH),
        Column("quote_volume", Cell.SIZE, "quote_volume"),
        Column("count", Cell.INTEGER, "trades"),
        Column("taker_buy_volume", Cell.SIZE, "taker_volume"),
        Column("taker_buy_quote_volume", Cell.SIZE, "taker_quote_volume"),
        Column("ignore", Cell.TEXT, required=False),
    )


def _close(_: pl.DataFrame) -> pl.Expr:
    """End of a candle: its last moment rounded up to the next ms or us, whichever it counts."""
    return pl.col("close_time").dt.round("1s")


def sample_known(frame: pl.DataFrame) -> pl.Expr:
    """When a row of metrics was known: at its label, or 5 minutes before the next one."""
    spacing = spacing_ns(frame["time"])
    late = max(0, (spacing or FIVE_MINUTES_NS) - FIVE_MINUTES_NS)
    return pl.col("time") + pl.duration(nanoseconds=late)


# A taker sold when the buyer was the maker.
_TAKER = {"side": pl.when("is_buyer_maker").then(-1).otherwise(1)}
_BEST_MATCH = (Column("is_best_match", Cell.BOOLEAN, required=False),)
_SAMPLE = (
    Column("sum_open_interest", Cell.SIZE, "open_interest"),
    Column("sum_open_interest_value", Cell.SIZE, "open_interest_value"),
    Column("count_toptrader_long_short_ratio", Cell.SIZE, "top_accounts_ratio", required=False),
    Column("sum_toptrader_long_short_ratio", Cell.SIZE, "top_positions_ratio", required=False),
    Column("count_long_short_ratio", Cell.SIZE, "accounts_ratio", required=False),
    Column("sum_taker_long_short_vol_ratio", Cell.SIZE, "taker_ratio", required=False),
)
_FORCED = (
    Column("side", Cell.SIDE, "side"),
    Column("order_type", Cell.TEXT),
    Column("time_in_force", Cell.TEXT),
    Column("original_quantity", Cell.SIZE, "size"),
    Column("price", Cell.PRICE, "price"),
    Column("average_price", Cell.SIZE, "average_price"),
    Column("order_status", Cell.TEXT),
    Column("last_fill_quantity", Cell.SIZE),
    Column("accumulated_fill_quantity", Cell.SIZE),
)
_SYMBOL = Column("symbol", Cell.TEXT, "symbol")


def _format(name: str, kind: Kind, *columns: Column, **more: Any) -> Format:
    """Build a format whose files may come without a header."""
    return Format(name, "binance", kind, columns, headerless=True, sizes=binance_sizes, **more)


def _price_candles(of: str, name: str) -> Format:
    return _format(
        f"Binance Vision {name}",
        Kind.PRICES,
        *_candle(Cell.NUMBER),
        fields={"of": pl.lit(of)},
        known=_close,
        path=name,
    )


FORMATS = (
    _price_candles("mark", "markPriceKlines"),
    _price_candles("index", "indexPriceKlines"),
    _price_candles("premium", "premiumIndexKlines"),
    _format("Binance Vision klines", Kind.KLINES, *_candle(Cell.PRICE), known=_close),
    _format(
        "Binance Vision aggTrades",
        Kind.TRADES,
        Column("agg_trade_id", Cell.INTEGER, "id"),
        Column("price", Cell.PRICE, "price"),
        Column("quantity", Cell.SIZE, "size"),
        Column("first_trade_id", Cell.INTEGER),
        Column("last_trade_id", Cell.INTEGER),
        Column("transact_time", Cell.EPOCH, "time"),
        Column("is_buyer_maker", Cell.BOOLEAN),
        fields=_TAKER,
        more=_BEST_MATCH,
    ),
    _format(
        "Binance Vision trades",
        Kind.TRADES,
        Column("id", Cell.INTEGER, "id"),
        Column("price", Cell.PRICE, "price"),
        Column("qty", Cell.SIZE, "size"),
        Column("quote_qty", Cell.SIZE),
        Column("time", Cell.EPOCH, "time"),
        Column("is_buyer_maker", Cell.BOOLEAN),
        fields=_TAKER,
        more=_BEST_MATCH,
    ),
    _format(
        "Binance Vision bookTicker",
        Kind.QUOTES,
        Column("update_id", Cell.INTEGER),
        Column("best_bid_price", Cell.PRICE, "bid"),
        Column("best_bid_qty", Cell.SIZE, "bid_size"),
        Column("best_ask_price", Cell.PRICE, "ask"),
        Column("best_ask_qty", Cell.SIZE, "ask_size"),
        Column("transaction_time", Cell.EPOCH, "time"),
        Column("event_time", Cell.EPOCH),
        fields={"known_at": pl.max_horizontal("transaction_time", "event_time")},
    ),
    _format(
        "Binance Vision bookDepth",
        Kind.DEPTH,
        Column("timestamp", Cell.STAMP, "time"),
        Column("percentage", Cell.NUMBER, "percent"),
        Column("depth", Cell.SIZE, "size"),
        Column("notional", Cell.SIZE, "notional"),
    ),
    _format(
        "Binance Vision metrics",
        Kind.METRICS,
        Column("create_time", Cell.STAMP, "time"),
        _SYMBOL,
        *_SAMPLE,
        known=sample_known,
    ),
    _format(
        "Binance metrics, resampled by the last sample of each interval",
        Kind.METRICS,
        Column("time", Cell.STAMP, "time"),
        *_SAMPLE,
        known=sample_known,
    ),
    _format(
        "Binance Vision fundingRate",
        Kind.FUNDING,
        Column("calc_time", Cell.EPOCH, "time"),
        Column("funding_interval_hours", Cell.SIZE, "interval_hours"),
        Column("last_funding_rate", Cell.NUMBER, "rate"),
    ),
    *(
        _format(
            "Binance Vision liquidationSnapshot",
            Kind.LIQUIDATIONS,
            Column("time", Cell.EPOCH, "time"),
            *symbol,
            *_FORCED,
            repeats=True,
            order=None,
        )
        for symbol in ((_SYMBOL,), ())
    ),
)
"""Formats of Binance Vision; of two that fit, the first is meant."""

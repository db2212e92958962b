"""Files of data.binance.vision, USD-M and COIN-M futures and spot: with a header or without.

Source: binance/binance-public-data README, and the files. Times are ms, of spot us from 2025 on.
Which rows a reader could have had: a candle at its close; a sample of ``metrics`` at its time; a
row of hourly metrics, resampled by the last 5-minute sample inside the hour, 5 minutes before the
next row.
"""

from __future__ import annotations

import polars as pl

from squeezegym.data.cells import Cell, Column
from squeezegym.data.formats import Format, binance_sizes, spacing_ns
from squeezegym.data.schema import Kind

FIVE_MINUTES_NS = 300_000_000_000

_CANDLE = (
    Column("open_time", Cell.EPOCH),
    Column("open", Cell.NUMBER),
    Column("high", Cell.NUMBER),
    Column("low", Cell.NUMBER),
    Column("close", Cell.NUMBER),
    Column("volume", Cell.SIZE),
    Column("close_time", Cell.EPOCH),
    Column("quote_volume", Cell.SIZE),
    Column("count", Cell.INTEGER),
    Column("taker_buy_volume", Cell.SIZE),
    Column("taker_buy_quote_volume", Cell.SIZE),
    Column("ignore", Cell.TEXT, required=False),
)
_TRADED_CANDLE = tuple(
    Column(c.name, Cell.PRICE) if c.name in ("open", "high", "low", "close") else c for c in _CANDLE
)
_OHLC = {name: pl.col(name) for name in ("open", "high", "low", "close")}
# A taker sold when the buyer was the maker.
_TAKER = pl.when("is_buyer_maker").then(-1).otherwise(1)


def _close(_: pl.DataFrame) -> pl.Expr:
    """End of a candle: its last moment rounded up to the next ms or us, whichever it counts."""
    return pl.col("close_time").dt.round("1s")


def sample_known(frame: pl.DataFrame) -> pl.Expr:
    """When a row of metrics was known: at its label, or 5 minutes before the next one."""
    spacing = spacing_ns(frame["time"])
    late = max(0, (spacing or FIVE_MINUTES_NS) - FIVE_MINUTES_NS)
    return pl.col("time") + pl.duration(nanoseconds=late)


def _price_candles(of: str) -> Format:
    name = f"{of}PriceKlines" if of != "premium" else "premiumIndexKlines"
    return Format(
        name=f"Binance Vision {name}",
        venue="binance",
        kind=Kind.PRICES,
        columns=_CANDLE,
        headerless=True,
        fields={"time": pl.col("open_time"), "of": pl.lit(of), **_OHLC},
        known=_close,
        path=name,
    )


_SAMPLE = (
    Column("sum_open_interest", Cell.SIZE),
    Column("sum_open_interest_value", Cell.SIZE),
    Column("count_toptrader_long_short_ratio", Cell.SIZE, required=False),
    Column("sum_toptrader_long_short_ratio", Cell.SIZE, required=False),
    Column("count_long_short_ratio", Cell.SIZE, required=False),
    Column("sum_taker_long_short_vol_ratio", Cell.SIZE, required=False),
)
_SAMPLE_FIELDS = {
    "open_interest": pl.col("sum_open_interest"),
    "open_interest_value": pl.col("sum_open_interest_value"),
    "top_accounts_ratio": pl.col("count_toptrader_long_short_ratio"),
    "top_positions_ratio": pl.col("sum_toptrader_long_short_ratio"),
    "accounts_ratio": pl.col("count_long_short_ratio"),
    "taker_ratio": pl.col("sum_taker_long_short_vol_ratio"),
}

FORMATS = (
    _price_candles("mark"),
    _price_candles("index"),
    _price_candles("premium"),
    Format(
        name="Binance Vision klines",
        venue="binance",
        kind=Kind.KLINES,
        columns=_TRADED_CANDLE,
        headerless=True,
        fields={
            "time": pl.col("open_time"),
            **_OHLC,
            "volume": pl.col("volume"),
            "quote_volume": pl.col("quote_volume"),
            "trades": pl.col("count"),
            "taker_volume": pl.col("taker_buy_volume"),
            "taker_quote_volume": pl.col("taker_buy_quote_volume"),
        },
        known=_close,
        sizes=binance_sizes,
    ),
    Format(
        name="Binance Vision aggTrades",
        venue="binance",
        kind=Kind.TRADES,
        columns=(
            Column("agg_trade_id", Cell.INTEGER),
            Column("price", Cell.PRICE),
            Column("quantity", Cell.SIZE),
            Column("first_trade_id", Cell.INTEGER),
            Column("last_trade_id", Cell.INTEGER),
            Column("transact_time", Cell.EPOCH),
            Column("is_buyer_maker", Cell.BOOLEAN),
        ),
        more=(Column("is_best_match", Cell.BOOLEAN, required=False),),
        headerless=True,
        fields={
            "time": pl.col("transact_time"),
            "id": pl.col("agg_trade_id"),
            "side": _TAKER,
            "price": pl.col("price"),
            "size": pl.col("quantity"),
        },
        sizes=binance_sizes,
    ),
    Format(
        name="Binance Vision trades",
        venue="binance",
        kind=Kind.TRADES,
        columns=(
            Column("id", Cell.INTEGER),
            Column("price", Cell.PRICE),
            Column("qty", Cell.SIZE),
            Column("quote_qty", Cell.SIZE),
            Column("time", Cell.EPOCH),
            Column("is_buyer_maker", Cell.BOOLEAN),
        ),
        more=(Column("is_best_match", Cell.BOOLEAN, required=False),),
        headerless=True,
        fields={
            "time": pl.col("time"),
            "id": pl.col("id"),
            "side": _TAKER,
            "price": pl.col("price"),
            "size": pl.col("qty"),
        },
        sizes=binance_sizes,
    ),
    Format(
        name="Binance Vision bookTicker",
        venue="binance",
        kind=Kind.QUOTES,
        columns=(
            Column("update_id", Cell.INTEGER),
            Column("best_bid_price", Cell.PRICE),
            Column("best_bid_qty", Cell.SIZE),
            Column("best_ask_price", Cell.PRICE),
            Column("best_ask_qty", Cell.SIZE),
            Column("transaction_time", Cell.EPOCH),
            Column("event_time", Cell.EPOCH),
        ),
        headerless=True,
        fields={
            "time": pl.col("transaction_time"),
            "known_at": pl.max_horizontal("transaction_time", "event_time"),
            "bid": pl.col("best_bid_price"),
            "bid_size": pl.col("best_bid_qty"),
            "ask": pl.col("best_ask_price"),
            "ask_size": pl.col("best_ask_qty"),
        },
        sizes=binance_sizes,
    ),
    Format(
        name="Binance Vision bookDepth",
        venue="binance",
        kind=Kind.DEPTH,
        columns=(
            Column("timestamp", Cell.STAMP),
            Column("percentage", Cell.NUMBER),
            Column("depth", Cell.SIZE),
            Column("notional", Cell.SIZE),
        ),
        headerless=True,
        fields={
            "time": pl.col("timestamp"),
            "percent": pl.col("percentage"),
            "size": pl.col("depth"),
            "notional": pl.col("notional"),
        },
        sizes=binance_sizes,
    ),
    Format(
        name="Binance Vision metrics",
        venue="binance",
        kind=Kind.METRICS,
        columns=(Column("create_time", Cell.STAMP), Column("symbol", Cell.TEXT), *_SAMPLE),
        headerless=True,
        fields={"time": pl.col("create_time"), "symbol": pl.col("symbol"), **_SAMPLE_FIELDS},
        known=sample_known,
        sizes=binance_sizes,
    ),
    Format(
        name="Binance metrics, resampled by the last sample of each interval",
        venue="binance",
        kind=Kind.METRICS,
        columns=(Column("time", Cell.STAMP), *_SAMPLE),
        headerless=True,
        fields={"time": pl.col("time"), **_SAMPLE_FIELDS},
        known=sample_known,
        sizes=binance_sizes,
    ),
    Format(
        name="Binance Vision fundingRate",
        venue="binance",
        kind=Kind.FUNDING,
        columns=(
            Column("calc_time", Cell.EPOCH),
            Column("funding_interval_hours", Cell.SIZE),
            Column("last_funding_rate", Cell.NUMBER),
        ),
        headerless=True,
        fields={
            "time": pl.col("calc_time"),
            "rate": pl.col("last_funding_rate"),
            "interval_hours": pl.col("funding_interval_hours"),
        },
    ),
    *(
        Format(
            name="Binance Vision liquidationSnapshot",
            venue="binance",
            kind=Kind.LIQUIDATIONS,
            columns=(
                Column("time", Cell.EPOCH),
                *symbol,
                Column("side", Cell.SIDE),
                Column("order_type", Cell.TEXT),
                Column("time_in_force", Cell.TEXT),
                Column("original_quantity", Cell.SIZE),
                Column("price", Cell.PRICE),
                Column("average_price", Cell.SIZE),
                Column("order_status", Cell.TEXT),
                Column("last_fill_quantity", Cell.SIZE),
                Column("accumulated_fill_quantity", Cell.SIZE),
            ),
            headerless=True,
            fields={
                "time": pl.col("time"),
                **({"symbol": pl.col("symbol")} if symbol else {}),
                "side": pl.col("side"),
                "price": pl.col("price"),
                "average_price": pl.col("average_price"),
                "size": pl.col("original_quantity"),
            },
            repeats=True,
            order=None,
            sizes=binance_sizes,
        )
        for symbol in ((Column("symbol", Cell.TEXT),), ())
    ),
)
"""Formats of Binance Vision; of two that fit, the first is meant."""

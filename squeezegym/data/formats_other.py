"""Files of Bybit, BitMEX, OKX and Hyperliquid, and plain candles.

Sources: public.bybit.com, public.bitmex.com and the OKX download site by their files; Hyperliquid
docs, "Historical data". Bybit and BitMEX print the taker's side.
Old files of Bybit may be newest first and repeat their header.
"""

from __future__ import annotations

import polars as pl

from squeezegym.data.cells import Cell, Column
from squeezegym.data.formats import BASE, CONTRACTS, Format, spacing_ns
from squeezegym.data.schema import Kind
from squeezegym.errors import DataError

_PRINT = (
    Column("symbol", Cell.TEXT),
    Column("side", Cell.SIDE, required=False),
    Column("size", Cell.SIZE),
    Column("price", Cell.PRICE),
    Column("tickdirection", Cell.TEXT, required=False),
    Column("trdmatchid", Cell.TEXT, required=False),
    Column("grossvalue", Cell.NUMBER, required=False),
    Column("homenotional", Cell.NUMBER, required=False),
    Column("foreignnotional", Cell.NUMBER, required=False),
)
_PRINT_FIELDS = {
    "time": pl.col("timestamp"),
    "symbol": pl.col("symbol"),
    "id": pl.col("trdmatchid"),
    "side": pl.col("side").fill_null(0),
    "price": pl.col("price"),
    "size": pl.col("size"),
}


def _bybit_sizes(symbol: str) -> str:
    """Inverse contracts of Bybit, as BTCUSD, are one USD each."""
    return BASE if symbol.endswith(("USDT", "USDC", "PERP")) else "quote"


def _bitmex_sizes(symbol: str) -> str:
    """XBTUSD counts USD; every other contract is its own."""
    return "quote" if symbol == "XBTUSD" else CONTRACTS


def _okx_sizes(symbol: str) -> str:
    """Swaps and futures count contracts of a value that the file does not tell."""
    return BASE if symbol.count("-") == 1 else CONTRACTS


def candle_close(frame: pl.DataFrame) -> pl.Expr:
    """When a plain candle was known: after one spacing of its symbol's rows."""
    spacing = spacing_ns(frame["time"])
    if spacing is None:
        raise DataError(
            "one candle does not tell how long it lasts, allowed are at least two; pass more rows."
        )
    return pl.col("time") + pl.duration(nanoseconds=spacing)


def _candles(time: str) -> Format:
    return Format(
        name="plain OHLCV",
        venue="",
        kind=Kind.KLINES,
        columns=(
            Column(time, Cell.TIME),
            *(Column(name, Cell.PRICE) for name in ("open", "high", "low", "close")),
        ),
        more=(
            Column("volume", Cell.SIZE, required=False),
            Column("symbol", Cell.TEXT, required=False),
        ),
        fields={
            "time": pl.col(time),
            **{name: pl.col(name) for name in ("open", "high", "low", "close", "volume")},
        },
        known=candle_close,
        order=None,
    )


FORMATS = (
    Format(
        name="Hyperliquid asset contexts",
        venue="hyperliquid",
        kind=Kind.CONTEXTS,
        columns=(
            Column("time", Cell.TIME),
            Column("coin", Cell.TEXT),
            Column("funding", Cell.NUMBER),
            Column("open_interest", Cell.SIZE),
            Column("prev_day_px", Cell.SIZE, required=False),
            Column("day_ntl_vlm", Cell.SIZE, required=False),
            Column("premium", Cell.NUMBER, required=False),
            Column("oracle_px", Cell.PRICE),
            Column("mark_px", Cell.PRICE),
            Column("mid_px", Cell.SIZE, required=False),
            Column("impact_bid_px", Cell.SIZE, required=False),
            Column("impact_ask_px", Cell.SIZE, required=False),
        ),
        fields={
            "time": pl.col("time"),
            "symbol": pl.col("coin"),
            "funding_rate": pl.col("funding"),
            "open_interest": pl.col("open_interest"),
            "mid": pl.col("mid_px"),
            "index": pl.col("oracle_px"),
            "mark": pl.col("mark_px"),
        },
        order=None,
    ),
    Format(
        name="BitMEX quotes",
        venue="bitmex",
        kind=Kind.QUOTES,
        columns=(
            Column("timestamp", Cell.STAMP),
            Column("symbol", Cell.TEXT),
            Column("bidsize", Cell.SIZE, required=False),
            Column("bidprice", Cell.SIZE, required=False),
            Column("askprice", Cell.SIZE, required=False),
            Column("asksize", Cell.SIZE, required=False),
        ),
        fields={
            "time": pl.col("timestamp"),
            "symbol": pl.col("symbol"),
            "bid": pl.col("bidprice"),
            "bid_size": pl.col("bidsize"),
            "ask": pl.col("askprice"),
            "ask_size": pl.col("asksize"),
        },
        order=None,
        sizes=_bitmex_sizes,
    ),
    Format(
        name="Bybit spot trades",
        venue="bybit",
        kind=Kind.TRADES,
        columns=(
            Column("id", Cell.TEXT),
            Column("timestamp", Cell.EPOCH),
            Column("price", Cell.PRICE),
            Column("volume", Cell.SIZE),
            Column("side", Cell.SIDE),
        ),
        fields={
            "time": pl.col("timestamp"),
            "id": pl.col("id"),
            "side": pl.col("side"),
            "price": pl.col("price"),
            "size": pl.col("volume"),
        },
        order=None,
    ),
    Format(
        name="OKX trades",
        venue="okx",
        kind=Kind.TRADES,
        columns=(
            Column("trade_id", Cell.TEXT),
            Column("side", Cell.SIDE),
            Column("size", Cell.SIZE),
            Column("price", Cell.PRICE),
            Column("created_time", Cell.EPOCH),
        ),
        fields={
            "time": pl.col("created_time"),
            "id": pl.col("trade_id"),
            "side": pl.col("side"),
            "price": pl.col("price"),
            "size": pl.col("size"),
        },
        order=None,
        sizes=_okx_sizes,
    ),
    *(_candles(time) for time in ("open_time", "timestamp", "datetime", "date", "time")),
)
"""Formats whose columns tell them; of two that fit, the first is meant."""

BYBIT = Format(
    name="Bybit trades",
    venue="bybit",
    kind=Kind.TRADES,
    columns=(Column("timestamp", Cell.EPOCH), *_PRINT),
    fields=_PRINT_FIELDS,
    order=None,
    sizes=_bybit_sizes,
)
BITMEX = Format(
    name="BitMEX trades",
    venue="bitmex",
    kind=Kind.TRADES,
    columns=(Column("timestamp", Cell.STAMP), *_PRINT),
    fields=_PRINT_FIELDS,
    order=None,
    sizes=_bitmex_sizes,
)
"""The two share their header: the form of the first time tells them apart."""

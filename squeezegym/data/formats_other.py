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
    Column("symbol", Cell.TEXT, "symbol"),
    Column("side", Cell.SIDE, required=False),
    Column("size", Cell.SIZE, "size"),
    Column("price", Cell.PRICE, "price"),
    Column("tickdirection", Cell.TEXT, required=False),
    Column("trdmatchid", Cell.TEXT, "id", required=False),
    Column("grossvalue", Cell.NUMBER, required=False),
    Column("homenotional", Cell.NUMBER, required=False),
    Column("foreignnotional", Cell.NUMBER, required=False),
)
_PRINT_SIDE = {"side": pl.col("side").fill_null(0)}


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
        "plain OHLCV",
        "",
        Kind.KLINES,
        (
            Column(time, Cell.TIME, "time"),
            *(Column(name, Cell.PRICE, name) for name in ("open", "high", "low", "close")),
        ),
        more=(
            Column("volume", Cell.SIZE, "volume", required=False),
            Column("symbol", Cell.TEXT, "symbol", required=False),
        ),
        known=candle_close,
        order=None,
    )


FORMATS = (
    Format(
        "Hyperliquid asset contexts",
        "hyperliquid",
        Kind.CONTEXTS,
        (
            Column("time", Cell.TIME, "time"),
            Column("coin", Cell.TEXT, "symbol"),
            Column("funding", Cell.NUMBER, "funding_rate"),
            Column("open_interest", Cell.SIZE, "open_interest"),
            Column("prev_day_px", Cell.SIZE, required=False),
            Column("day_ntl_vlm", Cell.SIZE, required=False),
            Column("premium", Cell.NUMBER, required=False),
            Column("oracle_px", Cell.PRICE, "index"),
            Column("mark_px", Cell.PRICE, "mark"),
            Column("mid_px", Cell.SIZE, "mid", required=False),
            Column("impact_bid_px", Cell.SIZE, required=False),
            Column("impact_ask_px", Cell.SIZE, required=False),
        ),
        order=None,
    ),
    Format(
        "BitMEX quotes",
        "bitmex",
        Kind.QUOTES,
        (
            Column("timestamp", Cell.STAMP, "time"),
            Column("symbol", Cell.TEXT, "symbol"),
            Column("bidsize", Cell.SIZE, "bid_size", required=False),
            Column("bidprice", Cell.SIZE, "bid", required=False),
            Column("askprice", Cell.SIZE, "ask", required=False),
            Column("asksize", Cell.SIZE, "ask_size", required=False),
        ),
        order=None,
        sizes=_bitmex_sizes,
    ),
    Format(
        "Bybit spot trades",
        "bybit",
        Kind.TRADES,
        (
            Column("id", Cell.TEXT, "id"),
            Column("timestamp", Cell.EPOCH, "time"),
            Column("price", Cell.PRICE, "price"),
            Column("volume", Cell.SIZE, "size"),
            Column("side", Cell.SIDE, "side"),
        ),
        order=None,
    ),
    Format(
        "OKX trades",
        "okx",
        Kind.TRADES,
        (
            Column("trade_id", Cell.TEXT, "id"),
            Column("side", Cell.SIDE, "side"),
            Column("size", Cell.SIZE, "size"),
            Column("price", Cell.PRICE, "price"),
            Column("created_time", Cell.EPOCH, "time"),
        ),
        order=None,
        sizes=_okx_sizes,
    ),
    *(_candles(time) for time in ("open_time", "timestamp", "datetime", "date", "time")),
)
"""Formats whose columns tell them; of two that fit, the first is meant."""

BYBIT, BITMEX = (
    Format(
        f"{name} trades",
        name.lower(),
        Kind.TRADES,
        (Column("timestamp", time, "time"), *_PRINT),
        fields=_PRINT_SIDE,
        order=None,
        sizes=sizes,
    )
    for name, time, sizes in (
        ("Bybit", Cell.EPOCH, _bybit_sizes),
        ("BitMEX", Cell.STAMP, _bitmex_sizes),
    )
)
"""The two share their header: the form of the first time tells them apart."""

"""Parquet tables of several venues: hourly candles, funding, open interest, daily liquidations."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from squeezegym.data.schema import Kind
from squeezegym.data.source import LINE
from squeezegym.data.table import Table, finish
from squeezegym.errors import DataError

_TIME = pl.col("timestamp")
_WHOSE = {"time": _TIME, "venue": pl.col("venue"), "symbol": pl.col("coin")}
_HOUR, _DAY = pl.duration(hours=1), pl.duration(days=1)
# Columns that tell the kind, its name, and the fields of the schema.
_TABLES: tuple[tuple[set[str], Kind, str, dict[str, pl.Expr]], ...] = (
    (
        {"o", "h", "l", "c", "v"},
        Kind.KLINES,
        "hourly candles",
        {
            **_WHOSE,
            "known_at": _TIME + _HOUR,
            "open": pl.col("o"),
            "high": pl.col("h"),
            "low": pl.col("l"),
            "close": pl.col("c"),
            "volume": pl.col("v"),
        },
    ),
    ({"funding_rate"}, Kind.FUNDING, "funding rates", {**_WHOSE, "rate": pl.col("funding_rate")}),
    (
        {"oi_usd"},
        Kind.METRICS,
        "open interest",
        {**_WHOSE, "open_interest_value": pl.col("oi_usd")},
    ),
    (
        {"total_usd", "long_usd", "short_usd", "liq_count"},
        Kind.TOTALS,
        "daily liquidations",
        {
            "time": _TIME,
            "known_at": _TIME + _DAY,
            "symbol": pl.col("coin"),
            "total": pl.col("total_usd"),
            "longs": pl.col("long_usd"),
            "shorts": pl.col("short_usd"),
            "count": pl.col("liq_count"),
        },
    ),
)
_UNITS = "base at binance, bybit, kraken; contracts at okx"


def load_parquet(file: Path) -> Table:
    """Load a parquet table whose columns are those of a known kind.

    A candle is known an hour after its label, a day's liquidations at the day's end.

    Raises:
        DataError: The file is missing or damaged, has no rows, or holds other columns.
    """
    try:
        frame = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{file.name}: the parquet file cannot be read ({reason}), allowed is a complete one;"
            " copy or download the file again."
        ) from error
    names = set(frame.columns)
    for columns, kind, name, fields in _TABLES:
        if columns | {"timestamp", "coin"} <= names and len(frame):
            rows = frame.with_row_index(LINE, 1).select(LINE, **fields)
            bad = rows.select(pl.any_horizontal(pl.all().exclude(LINE, "known_at").is_null()))
            broken = bad.to_series().arg_true()
            if len(broken):
                raise DataError(
                    f"{file.name}, row {broken[0] + 1}: a value is missing, allowed is a whole row;"
                    " remove the row or download the file again."
                )
            unit = _UNITS if kind is Kind.KLINES else "quote"
            return finish(file.name, rows, kind, name, order=None, size_unit=unit)
    raise DataError(
        f"{file.name}: {len(frame)} rows of the columns {', '.join(frame.columns)} are found,"
        " allowed are at least one row of candles (timestamp, venue, coin, o, h, l, c, v), of"
        " funding_rate, oi_usd or liquidation totals; check the file."
    )

"""Parquet tables of several venues: hourly candles, funding, open interest, daily liquidations."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from squeezegym.data.schema import TIME, Kind
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
_POSITIVE = ("open", "high", "low", "close")
_NOT_NEGATIVE = ("volume", "open_interest_value", "total", "longs", "shorts", "count")
_UNITS = "base at binance, bybit, kraken; contracts at okx"


def load_parquet(file: Path) -> Table:
    """Load a parquet table whose columns are those of a known kind.

    A candle is known an hour after its label, a day's liquidations at the day's end.

    Raises:
        DataError: The file is missing or damaged, has no rows, or holds other columns.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        # pyarrow refuses damaged pages; the reader of polars may end the process on them.
        with ParquetFile(file, page_checksum_verification=True) as source:
            content = source.read(use_threads=False)
            content.validate(full=True)
        frame = pl.DataFrame(pl.from_arrow(content))
    except (
        OSError,
        ValueError,
        MemoryError,
        pa.ArrowException,
        pl.exceptions.PolarsError,
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{file.name}: the parquet file cannot be read ({reason}), allowed is a complete one;"
            " copy or download the file again."
        ) from error
    for columns, kind, name, fields in _TABLES:
        if columns | {"timestamp", "coin"} <= set(frame.columns) and len(frame):
            rows = _checked(file, frame, fields)
            unit = _UNITS if kind is Kind.KLINES else "quote"
            return finish(file.name, rows, kind, name, order=None, size_unit=unit)
    raise DataError(
        f"{file.name}: {len(frame)} rows of the columns {', '.join(frame.columns)} are found,"
        " allowed are at least one row of candles (timestamp, venue, coin, o, h, l, c, v), of"
        " funding_rate, oi_usd or liquidation totals; check the file."
    )


def _checked(file: Path, frame: pl.DataFrame, fields: dict[str, pl.Expr]) -> pl.DataFrame:
    """Take the columns of a kind, or name the column or row that is none."""
    needed = {name for value in fields.values() for name in value.meta.root_names()}
    schema = {name: dtype for name, dtype in frame.schema.items() if name in needed}
    wrong = [f"{name} of {dtype}" for name, dtype in schema.items() if not _is_of(name, dtype)]
    wrong += [f"no {name}" for name in sorted(needed - set(schema))]
    if wrong:
        raise DataError(
            f"{file.name}, row 1: {wrong[0]} is found, allowed are timestamp of times in UTC, venue"
            " and coin of text, every other column of numbers; check the file."
        )
    rows = frame.with_row_index(LINE, 1).select(LINE, **fields)
    stamps = [name for name in ("time", "known_at") if name in rows.columns]
    rows = rows.with_columns(pl.col(stamps).cast(TIME, strict=False))
    numbers = pl.selectors.numeric() - pl.selectors.by_name(LINE)
    rows = rows.with_columns(pl.when(numbers.is_finite()).then(numbers).name.keep())
    least = pl.any_horizontal(
        pl.lit(False),
        *(pl.col(name) <= 0 for name in _POSITIVE if name in fields),
        *(pl.col(name) < 0 for name in _NOT_NEGATIVE if name in fields),
    )
    bad = rows.select(pl.any_horizontal(pl.all().is_null()) | least).to_series().arg_true()
    if len(bad):
        raise DataError(
            f"{file.name}, row {bad[0] + 1}: a value is missing or out of range, allowed is a whole"
            " row, with prices above 0; remove the row or download the file again."
        )
    return rows


def _is_of(name: str, dtype: pl.DataType) -> bool:
    if name == "timestamp":
        return isinstance(dtype, pl.Datetime) and dtype.time_zone == "UTC"
    return dtype == pl.String if name in ("venue", "coin") else dtype.is_numeric()

"""LOBSTER files as tables: the events of a session, and the levels after each."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl

from squeezegym.codes import Side
from squeezegym.data.lobster import parse_lobster, parse_shown
from squeezegym.data.schema import Kind
from squeezegym.data.source import LINE, UNENDED
from squeezegym.data.table import Table, finish

_NAME = re.compile(r"^([A-Z.]+)_(\d{4}-\d\d-\d\d)_\d+_\d+_(message|orderbook)_\d+")
_MESSAGE = re.compile(rb"^\d{1,6}(\.\d{1,9})?,[1-7],-?\d+,\d+,-?\d+,-?1\s*(\n|$)")
_RAW = 1e-4  # USD
_ZONE = "America/New_York"


def is_lobster(file: Path, content: bytes) -> bool:
    """Whether the name or the first line is that of a LOBSTER file."""
    return bool(_NAME.match(file.name) or _MESSAGE.match(content[:200]))


def load_lobster(file: Path, content: bytes) -> Table:
    """Load a message file, or an orderbook file: its levels have no time of their own.

    Times are those of the file's date in New York; without a date in its name there are none.
    """
    named = _NAME.match(file.name)
    if named and named[3] == "orderbook":
        return _levels(file, content, named[1])
    rows = parse_lobster(file.name, content.splitlines(), tick=1).rows
    frame = pl.DataFrame(
        {
            "venue": "nasdaq",
            "symbol": named[1] if named else None,
            "type": rows["type"].astype("i8"),
            "id": rows["order_id"],
            "side": rows["direction"],
            "price": rows["price_raw"] * _RAW,
            "size": rows["size"].astype("f8"),
        }
    )
    notes = ["no header", "types: " + _counts(frame)]
    if named:
        midnight = pl.lit(date.fromisoformat(named[2])).cast(pl.Datetime("ns"))
        since = pl.Series(rows["time_ns"]).cast(pl.Duration("ns"))
        local = (midnight + since).dt.replace_time_zone(_ZONE).dt.convert_time_zone("UTC")
        frame = frame.with_columns(local.alias("time"))
    else:
        notes.append("the name tells no date, so rows have no time")
    notes += _end(content)
    return finish(
        file.name, frame, Kind.EVENTS, "LOBSTER messages", notes=tuple(notes), size_unit="shares"
    )


def _end(content: bytes) -> list[str]:
    return [] if content.endswith(b"\n") else [UNENDED]


def _counts(frame: pl.DataFrame) -> str:
    """How many events of each type."""
    counted = frame.group_by("type").len().sort("type").rows()
    return ", ".join(f"{count:,} of {kind}" for kind, count in counted)


def _levels(file: Path, content: bytes, symbol: str) -> Table:
    lines = content.splitlines()
    rows = len(lines)
    shown = parse_shown(file.name, lines, rows)
    _, sides, levels, _ = shown.shape
    line = [i + 1 for i in range(rows) for _ in range(sides * levels)]
    sign = [1 if side == Side.BUY else -1 for side in range(sides) for _ in range(levels)]
    frame = pl.DataFrame(
        {
            LINE: line,
            "venue": "nasdaq",
            "symbol": symbol,
            "level": list(range(levels)) * (rows * sides),
            "side": sign * rows,
            "price": shown[..., 0].ravel() * 0.01,
            "size": shown[..., 1].ravel().astype("f8"),
        }
    )
    there = frame.filter(pl.col("size") > 0)
    missing = len(frame) - len(there)
    return finish(
        file.name,
        there,
        Kind.SNAPSHOTS,
        "LOBSTER orderbook",
        rows=rows,
        dropped={"levels that the book does not have": missing},
        notes=(f"no header; {rows:,} books of {levels} levels a side", *_end(content)),
        size_unit="shares",
    )

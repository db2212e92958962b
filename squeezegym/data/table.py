"""A table read from a file, and the report of what was found and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from squeezegym.data.formats import BASE, spacing_ns
from squeezegym.data.schema import TIME, Kind, conform
from squeezegym.data.source import LINE
from squeezegym.data.text import Position

_GRID = (Kind.KLINES, Kind.PRICES, Kind.METRICS)
_ONCE = (*_GRID, Kind.FUNDING)
_CANDLES = (Kind.KLINES, Kind.PRICES)


@dataclass(frozen=True, slots=True)
class Report:
    """What a file was found to be.

    Attributes:
        file: Its name.
        format: Name of its format.
        kind: Kind of its rows.
        rows: Rows found.
        kept: Rows of the table.
        dropped: Rows left out, by reason.
        notes: What was found out or done, one sentence each.
        size_unit: Unit of sizes: base, contracts or quote.
        start: First time, or None where rows have none.
        end: Last time.
    """

    file: str
    format: str
    kind: Kind
    rows: int
    kept: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    size_unit: str = BASE
    start: datetime | None = None
    end: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for ``json.dumps``."""
        return {
            "file": self.file,
            "format": self.format,
            "kind": str(self.kind),
            "rows": self.rows,
            "kept": self.kept,
            "dropped": dict(self.dropped),
            "notes": list(self.notes),
            "size_unit": self.size_unit,
            "start": None if self.start is None else self.start.isoformat(),
            "end": None if self.end is None else self.end.isoformat(),
        }


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Rows of one kind, in the order of time.

    Attributes:
        frame: Columns of :data:`squeezegym.data.schema.SCHEMAS`.
        report: Where they come from.
        lines: Line of the file of each row, from 1; of a file without lines, its number.
    """

    frame: pl.DataFrame
    report: Report
    lines: pl.Series

    def known(self, moment: datetime) -> pl.DataFrame:
        """Return the rows that a reader could have had at a moment (UTC)."""
        return self.frame.filter(pl.col("known_at") <= moment)


def finish(
    file: str,
    frame: pl.DataFrame,
    kind: Kind,
    name: str,
    *,
    rows: int | None = None,
    order: str | None = "time",
    dropped: Mapping[str, int] | None = None,
    notes: tuple[str, ...] = (),
    size_unit: str = BASE,
) -> Table:
    """Check a table that has the columns of its kind and ``LINE``, and write its report.

    Args:
        file: Name of the file.
        frame: The rows; ``LINE`` may be missing where a file has no lines.
        kind: Their kind.
        name: Name of the format.
        rows: Rows of the file; by default those of the table.
        order: Column that must not go back; None sorts.
        dropped: Rows left out so far, by reason.
        notes: What was found out so far.
        size_unit: Unit of sizes.

    Raises:
        DataError: Time goes back or repeats, or a candle contradicts itself.
    """
    lines = frame[LINE] if LINE in frame.columns else pl.int_range(1, len(frame) + 1, eager=True)
    found = len(frame) if rows is None else rows
    table = conform(frame, kind).with_columns(lines.alias(LINE))
    table = table.with_columns(pl.coalesce("known_at", "time"))
    _check_candles(file, table, kind)
    said = list(notes)
    if order is None:
        ordered = table.sort("time", maintain_order=True)
        if ordered["time"].to_list() != table["time"].to_list():
            said.append("rows were not in the order of time and have been sorted")
        table = ordered
    else:
        _check_order(file, table, order)
    _check_once(file, table, kind)
    said.extend(_gaps(table, kind))
    report = Report(
        file=file,
        format=name,
        kind=kind,
        rows=found,
        kept=len(table),
        dropped={reason: count for reason, count in (dropped or {}).items() if count},
        notes=tuple(said),
        size_unit=size_unit,
        start=table["time"].min(),  # type: ignore[arg-type]
        end=table["time"].max(),  # type: ignore[arg-type]
    )
    return Table(table.drop(LINE), report, table[LINE])


def _check_order(file: str, table: pl.DataFrame, order: str) -> None:
    back = (table[order].cast(pl.Int64()).diff() < 0).fill_null(False)
    if back.any():
        at = back.arg_true()[0]
        raise Position(file, table[LINE][at]).error(
            f"{order} {_when(table, order, at)} is found, allowed is {_when(table, order, at - 1)}"
            " or later, the time of the row before; restore the order of the lines or download the"
            " file again."
        )


def _when(table: pl.DataFrame, column: str, row: int) -> str:
    return str(table[column].dt.strftime("%Y-%m-%d %H:%M:%S%.f")[row])


def _check_once(file: str, table: pl.DataFrame, kind: Kind) -> None:
    if kind not in _ONCE:
        return
    keys = ["time", "venue", "symbol"] + (["of"] if kind is Kind.PRICES else [])
    again = table.select(~pl.struct(keys).is_first_distinct()).to_series()
    if again.any():
        at = again.arg_true()[0]
        raise Position(file, table[LINE][at]).error(
            f"time {_when(table, 'time', at)} is found twice, allowed is one row a time; remove the"
            " line that is wrong."
        )


def _check_candles(file: str, table: pl.DataFrame, kind: Kind) -> None:
    if kind not in _CANDLES:
        return
    bad = table.select(
        (pl.col("high") < pl.max_horizontal("open", "close", "low"))
        | (pl.col("low") > pl.min_horizontal("open", "close", "high"))
    ).to_series()
    if bad.any():
        at = bad.arg_true()[0]
        row = table.row(at, named=True)
        candle = ", ".join(f"{name} {row[name]:g}" for name in ("open", "high", "low", "close"))
        raise Position(file, row[LINE]).error(
            f"a candle of {candle} is found, allowed is a high and a low that hold the others;"
            " restore the line or download the file again."
        )


def _gaps(table: pl.DataFrame, kind: Kind) -> list[str]:
    """Say how many points of a regular grid are missing, and where the first is."""
    if kind not in _GRID:
        return []
    said = []
    for (venue, symbol), rows in table.group_by("venue", "symbol", maintain_order=True):
        spacing = spacing_ns(rows["time"])
        if spacing is None:
            continue
        steps = rows["time"].cast(pl.Int64()).diff().fill_null(spacing)
        missing = int((steps // spacing - 1).sum())
        if missing > 0:
            at = (steps > spacing).arg_true()[0] - 1
            of = " ".join(str(part) for part in (venue, symbol) if part)
            said.append(
                f"{of + ': ' if of else ''}{missing:,} of {missing + len(rows):,} points of the"
                f" {spacing / 1e9:g} s grid are missing, the first after {_when(rows, 'time', at)}"
            )
    return said


def with_times(frame: pl.DataFrame) -> pl.DataFrame:
    """Cast the columns of time of a frame to the schema's type."""
    names = [name for name in ("time", "known_at") if name in frame.columns]
    return frame.with_columns(pl.col(names).cast(TIME))

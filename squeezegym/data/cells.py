"""Cells of text tables: what each column must hold, and its text as numbers, times and sides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import polars as pl

from squeezegym.data.schema import TIME
from squeezegym.data.source import LINE
from squeezegym.data.text import Position

# ``\d`` would take the digits of every script.
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_EPOCH = r"^[0-9]{9,19}(\.[0-9]{1,9})?$"
_DAY, _CLOCK = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
_DATE = rf"^{_DAY}([T D]{_CLOCK})?(Z|\+00:?00| UTC)?$"
_SIDES = {"buy": 1, "sell": -1, "long": 1, "short": -1, "bid": 1, "ask": -1, "b": 1, "a": -1}


class Cell(Enum):
    """What a column holds: a pattern of its text, and words that say what is allowed."""

    EPOCH = (_EPOCH, "a time since 1970 in s, ms, us or ns")
    STAMP = (_DATE, "a UTC time such as 2024-08-05 00:05:00")
    TIME = (f"({_EPOCH})|({_DATE})", "a time since 1970, or one such as 2024-08-05 00:05:00")
    NUMBER = (_NUMBER, "a number")
    PRICE = (_NUMBER, "a number above 0")
    SIZE = (_NUMBER, "a number of 0 or above")
    INTEGER = (r"^-?[0-9]{1,18}$", "an integer")
    BOOLEAN = (r"^(?i:true|false|0|1)$", "true or false")
    SIDE = (r"^(?i:buy|sell|long|short|bid|ask|b|a|unknown)$", "buy or sell (or long or short)")
    TEXT = (r"^[^\x00-\x1f\x7f]*$", "text without control characters")

    @property
    def pattern(self) -> str:
        """Regular expression that the text must match."""
        return str(self.value[0])

    @property
    def allowed(self) -> str:
        """What an error says is allowed."""
        return str(self.value[1])


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a text file.

    Attributes:
        name: Its name in the header, lower case.
        cell: What it holds.
        to: Column of the schema that it becomes as it is; empty where it becomes none.
        required: Whether a row without it is damaged.
    """

    name: str
    cell: Cell
    to: str = ""
    required: bool = True


def typed(file: str, rows: pl.DataFrame, columns: list[Column]) -> tuple[pl.DataFrame, list[str]]:
    """Turn columns of text into numbers, times and sides.

    Args:
        file: Name of the file, for errors.
        rows: Columns of strings and ``LINE``.
        columns: Those to turn; others are left out.

    Returns:
        The table with ``LINE``, and what was found out about it: one sentence each.

    Raises:
        DataError: A cell is missing or breaks its pattern, or a file mixes two units of time.
    """
    notes: list[str] = []
    done = rows.select(LINE)
    for column in columns:
        text = rows[column.name].str.strip_chars().replace("", None)
        fits = text.str.contains(column.cell.pattern).fill_null(not column.required)
        _refuse(file, rows, ~fits, column.name, column.cell.allowed)
        values, note = _values(file, rows, column, text)
        done = done.with_columns(values.alias(column.name))
        if note and note not in notes:
            notes.append(note)
    return done, notes


def _refuse(file: str, rows: pl.DataFrame, bad: pl.Series, column: str, allowed: str) -> None:
    """Raise for the first row that is bad."""
    if bad.any():
        first = bad.arg_true()[0]
        raise Position(file, rows[LINE][first]).error(
            f"{column} is {rows[column][first]!r}, allowed is {allowed}; restore the line or"
            " download the file again."
        )


def _values(
    file: str, rows: pl.DataFrame, column: Column, text: pl.Series
) -> tuple[pl.Series, str]:
    cell = column.cell
    if cell in (Cell.EPOCH, Cell.STAMP, Cell.TIME):
        return _times(file, rows, column.name, text)
    if cell is Cell.BOOLEAN:
        flags: pl.Series = text.str.to_lowercase().is_in(["true", "1"])
        return flags, ""
    if cell is Cell.SIDE:
        sides = text.str.to_lowercase().replace_strict(_SIDES, default=0, return_dtype=pl.Int8())
        return sides, ""
    if cell is Cell.INTEGER:
        return text.cast(pl.Int64()), ""
    if cell is Cell.TEXT:
        return text, ""
    numbers = text.cast(pl.Float64())
    bad = numbers.is_infinite()
    if cell is not Cell.NUMBER:
        bad = bad | ((numbers <= 0) if cell is Cell.PRICE else (numbers < 0))
    _refuse(file, rows, bad.fill_null(False), column.name, cell.allowed)
    return numbers, ""


def _times(file: str, rows: pl.DataFrame, column: str, text: pl.Series) -> tuple[pl.Series, str]:
    """Read times: text dates, or a count since 1970 whose unit its magnitude tells."""
    is_date = text.str.contains("-", literal=True).fill_null(False)
    known = text.drop_nulls()
    if known.is_empty():
        return pl.Series(column, [None] * len(text), TIME), ""
    dates = known[0].find("-") > 0
    _refuse(file, rows, (is_date != dates) & text.is_not_null(), column, "one form of time a file")
    if dates:
        return _dates(file, rows, column, text), f"{column} is UTC text"
    digits = text.str.split_exact(".", 1).struct.field("field_0").str.strip_chars_start("0")
    length = digits.str.len_chars()
    powers = {"s": (9, 10), "ms": (12, 13), "us": (15, 16), "ns": (18, 19)}
    first = int(length.drop_nulls()[0])
    unit = next((name for name, lengths in powers.items() if first in lengths), "")
    if not unit:
        allowed = "a time since 1970 of 9, 10 (s), 12, 13 (ms), 15, 16 (us), 18 or 19 (ns) digits"
        _refuse(file, rows, length == first, column, allowed)
    mixed = ~length.is_in(powers[unit]).fill_null(True)
    _refuse(file, rows, mixed, column, f"one unit a file, here {unit} as on the first row")
    return _since_1970(text, unit), f"{column} is in {unit}"


def _since_1970(text: pl.Series, unit: str) -> pl.Series:
    """Turn counts since 1970, maybe with decimals, into times without passing through a float."""
    places = {"s": 9, "ms": 6, "us": 3, "ns": 0}[unit]
    parts = text.str.split_exact(".", 1)
    whole: pl.Series = parts.struct.field("field_0").cast(pl.Int64()) * 10**places
    decimals = parts.struct.field("field_1").fill_null("").str.pad_end(9, "0").str.slice(0, places)
    if places:
        whole += decimals.cast(pl.Int64())
    times: pl.Series = whole.cast(TIME)
    return times


def _dates(file: str, rows: pl.DataFrame, column: str, text: pl.Series) -> pl.Series:
    plain = text.str.replace(r"( UTC|Z|\+00:?00)$", "").str.replace(r"[TD]", " ")
    plain = plain.str.replace(r"^(\S+)$", "${1} 00:00").str.replace(r"( \d\d:\d\d)$", "${1}:00")
    times = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False)
    _refuse(file, rows, times.is_null() & text.is_not_null(), column, "a date that exists")
    return times.dt.replace_time_zone("UTC")

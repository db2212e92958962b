"""Recorded text read exactly: lines of plain or gzip files, decimals as integers, error places."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from squeezegym.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
DECIMAL = re.compile(r"(\d{1,10})(?:\.(\d{1,8}))?", re.ASCII)
RAW_SCALE = 10**8
"""Raw units in one unit of price or quantity: Binance prints at most 8 decimals."""
NS_PER_MS = 1_000_000
_EARLIEST_MS, _LATEST_MS = 10**11, 10**13  # 1973 and 2286: seconds and us lie outside


class Position(NamedTuple):
    """Where a message stands: file name and line number, counted from 1."""

    file: str
    line: int

    def error(self, sentence: str) -> DataError:
        """Build the error that starts with this position."""
        return DataError(f"{self.file}, line {self.line}: {sentence}")


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a plain or gzip file; say where a damaged file ends."""
    line = 0
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            for content in gzip.open(raw) if is_gzip else raw:
                line += 1
                yield content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Position(path.name, line + 1).error(
            f"the gzip stream breaks here ({error}), allowed is a complete gzip file; copy or"
            " download the file again."
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise Position(path.name, line + 1).error(
            f"{path} cannot be opened ({reason}), allowed is a readable file; check the path."
        ) from error


def epoch_ms(value: Any) -> int:
    """Read a time of a message, ms since 1970.

    Raises:
        ValueError: It is no integer, or counts another unit.
    """
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ValueError(f"time {value!r}, allowed is an integer of ms since 1970")
    time_ms = int(value)
    if not _EARLIEST_MS <= time_ms < _LATEST_MS:
        raise ValueError(f"time {value!r}, allowed are ms since 1970, 12 or 13 digits")
    return time_ms


def local_ns(stamp: bytes) -> int:
    """Read the local time before a message, ns since 1970.

    Raises:
        ValueError: It is no integer, or counts another unit.
    """
    time_ns = int(stamp)
    if not _EARLIEST_MS <= time_ns // NS_PER_MS < _LATEST_MS:
        raise ValueError(f"local time {time_ns}, allowed are ns since 1970")
    return time_ns


def positive(value: Any, least: float = 5e-324) -> float:
    """Read a price or size of a message: a finite number, above 0 unless ``least`` is 0.

    Raises:
        ValueError: It is none.
    """
    number = float(value)
    if isinstance(value, bool) or not least <= number < math.inf:
        allowed = "above 0" if least else "0 or above"
        raise ValueError(f"{value!r}, allowed is a number {allowed}")
    return number


class Decimals(dict[str, int]):
    """Decimal strings as exact integers of 1e-8, each distinct string parsed once."""

    def __init__(self, name: str, least: int) -> None:
        super().__init__()
        self.name = name
        self.least = least

    def __missing__(self, text: Any) -> int:
        match = DECIMAL.fullmatch(text) if isinstance(text, str) else None
        units = int(match[1] + (match[2] or "").ljust(8, "0")) if match else -1
        if units < self.least:
            allowed = "above 0" if self.least else "0 or above"
            raise ValueError(
                f"{self.name} {text!r} is found, allowed is a decimal string {allowed} with at most"
                " 10 digits before and 8 after the point"
            )
        self[text] = units
        return units

    def step(self) -> int:
        """Return the greatest common divisor of all values seen, in 1e-8."""
        return math.gcd(*self.values()) or 1

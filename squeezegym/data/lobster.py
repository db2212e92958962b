"""Reader of LOBSTER files: the recorded events, and the levels recorded after each.

LOBSTER (https://lobsterdata.com/info/DataStructure.php, "output") writes two files a stock and
day: *message*, an event of the visible NASDAQ book a line, and *orderbook*, the best levels after
each event. :mod:`squeezegym.data.lobster_book` makes the book of them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from squeezegym.codes import MAX_QTY
from squeezegym.data.capture import RecordArray, records
from squeezegym.data.text import Position, read_lines


class Event(IntEnum):
    """Event types of a message file; those up to EXECUTION change the visible book."""

    NEW = 1
    PARTIAL_CANCEL = 2
    DELETE = 3
    EXECUTION = 4
    HIDDEN_EXECUTION = 5
    CROSS = 6
    HALT = 7


NAMES = ("time_ns", "type", "order_id", "size", "price_raw", "direction", "price_ticks")
EVENT_DTYPE = np.dtype({"names": NAMES, "formats": ["i8", "i1", "i8", "i8", "i8", "i1", "i8"]})
"""An event: ns after midnight, shares, price in 1e-4 USD, resting side +1 buy or -1 sell, ticks.

Ticks are rounded down (hidden executions print fractions of a cent). A halt has its state in
``price_raw``: -1 halted, 0 quoting, 1 trading.
"""
NO_PRICE = 9_999_999_999  # price of a missing ask level; of a missing bid level with a minus
ANY = 2**62  # quantity of a level that holds what later events take from it
COLUMNS = {
    "time": (r"\d{1,6}(\.\d{1,9})?", "seconds after midnight with at most 9 decimals"),
    "type": (r"[1-7]", "1 new, 2 partial cancel, 3 delete, 4 and 5 execution, 6 cross or 7 halt"),
    "order id": (r"-?\d{1,18}", "an integer"),
    "size": (r"\d{1,18}", "an integer"),
    "price": (r"-?\d{1,12}", "an integer, USD x 10,000"),
    "direction": (r"-?1", "1 or -1"),
}


@dataclass(frozen=True, eq=False)
class LobsterMessages:
    """The events of one message file, of ``EVENT_DTYPE``."""

    file: str
    rows: RecordArray


def read_lobster(path: str | Path, tick: int = 100) -> LobsterMessages:
    """Read a message file, plain or gzip, exactly: no number passes through a float.

    Args:
        path: The message file.
        tick: Price step of the visible book in 1e-4 USD; 1 for stocks below 1 USD.

    Raises:
        DataError: The file is missing, damaged or empty, or a line breaks the format or the order
            of time. The message names file and line.
    """
    return parse_lobster(Path(path).name, read_lines(Path(path)), tick)


def parse_lobster(name: str, lines: Iterable[bytes], tick: int = 100) -> LobsterMessages:
    """Do the same with lines that have been read; ``name`` is for errors."""
    flat, time_ns = array("q"), 0
    for line, content in enumerate(lines, start=1):
        at, before_ns = Position(name, line), time_ns
        time, *integers = _fields(at, content)
        seconds, _, decimals = time.partition(".")
        time_ns = int(seconds) * 10**9 + int(decimals.ljust(9, "0"))
        event, order, size, price, direction = map(int, integers)
        wrong = _wrong(event, order, size, price, tick)
        if time_ns < before_ns:
            wrong = f"time {time} is found, allowed is {before_ns:,} ns or later"
        if wrong:
            raise at.error(f"{wrong}; restore the line or download the file again.")
        flat.extend((time_ns, event, order, size, price, direction))
    if not flat:
        raise Position(name, 1).error(
            "the file is empty, allowed is at least one event; pass a message file."
        )
    table = np.frombuffer(flat, np.int64).reshape(-1, 6).T
    ticks = np.where(table[1] == Event.HALT, 0, table[4] // tick)
    columns = dict(zip(NAMES, (*table, ticks), strict=True))
    return LobsterMessages(name, records(columns, EVENT_DTYPE))


def _fields(at: Position, content: bytes) -> list[str]:
    """Split a line of a message file into its six columns."""
    fields = content.decode("ascii", "replace").rstrip("\r\n").split(",")
    if len(fields) != len(COLUMNS):
        raise at.error(
            f"{len(fields)} columns are found, allowed are 6: {', '.join(COLUMNS)}; pass a message"
            " file as LOBSTER wrote it."
        )
    for (name, (pattern, allowed)), field in zip(COLUMNS.items(), fields, strict=True):
        if not re.fullmatch(pattern, field, re.ASCII):
            raise at.error(
                f"{name} {field!r} is found, allowed is {allowed}; remove the line (LOBSTER writes"
                " no header) or download the file again."
            )
    return fields


def _wrong(event: int, order: int, size: int, price: int, tick: int) -> str:
    """Say why no order book can take an event; an empty string when one can."""
    visible = event <= Event.EXECUTION
    if visible and order < 1:
        return f"order id {order} is found, allowed is 1 or above"
    if event < Event.CROSS and not 1 <= size <= MAX_QTY:
        return f"size {size} is found, allowed is 1 to {MAX_QTY:,}"
    if event != Event.HALT and price < 1:
        return f"price {price} is found, allowed is 1 or above"
    if visible and price % tick:
        return (
            f"price {price} of a visible order is found, allowed are multiples of {tick} (pass"
            " tick=1 for a stock quoted in fractions of a cent)"
        )
    return ""


def read_shown(path: str | Path, rows: int, tick: int = 100) -> NDArray[np.int64]:
    """Read the orderbook file of a message file with ``rows`` lines, plain or gzip.

    Returns:
        Array (row, ``Side``, level, 2) of price in ticks and shares; 0, 0 for a missing level.

    Raises:
        DataError: The file is missing or damaged, or is not that of the message file.
    """
    return parse_shown(Path(path).name, read_lines(Path(path)), rows, tick)


def parse_shown(name: str, lines: Iterable[bytes], rows: int, tick: int = 100) -> NDArray[np.int64]:
    """Do the same with lines that have been read; ``name`` is for errors."""
    flat, width, line = array("q"), 0, 0
    for line, content in enumerate(lines, start=1):
        try:
            numbers = array("q", map(int, content.split(b",")))
        except (ValueError, OverflowError):
            numbers = array("q")
        width = width or len(numbers)
        whole = numbers and len(numbers) == width and width % 4 == 0
        if not whole or any(n % tick for n in numbers[::2] if abs(n) != NO_PRICE):
            raise Position(name, line).error(
                f"{content[:60]!r} is found, allowed are 4 integers a level (ask price, ask size,"
                f" bid price, bid size), as many on every line, prices multiples of {tick}; pass"
                " the orderbook file as LOBSTER wrote it."
            )
        flat.extend(numbers)
    if line != rows:
        raise Position(name, line).error(
            f"the file ends after {line} lines, allowed are {rows} as in the message file; pass"
            " both files of one stock and day."
        )
    levels = np.frombuffer(flat, np.int64).reshape(rows, -1, 2, 2)  # row, level, ask and bid
    shown = levels[:, :, ::-1].swapaxes(1, 2) // (tick, 1)
    shown[levels[:, :, ::-1, 1].swapaxes(1, 2) == 0] = 0
    return shown

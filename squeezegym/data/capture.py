"""What a recorded capture holds after reading: the book, the trades and the quotes as integers.

Prices are whole ticks, quantities whole lots, times exchange nanoseconds since 1970 (UTC);
``price = ticks * tick_size`` and ``quantity = lots * lot_size``.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LevelArray = NDArray[np.int64]
"""Levels of one side, shape (n, 2): column 0 ticks, column 1 lots, best price first."""

RecordArray = NDArray[np.void]
"""A structured array of one of the dtypes below."""

TRADE_DTYPE = np.dtype(
    [("time_ns", "i8"), ("price_ticks", "i8"), ("qty_lots", "i8"), ("side", "i1")]
)
"""One print; ``side`` is the aggressor's: +1 buy, -1 sell."""

TOP_DTYPE = np.dtype(
    [
        ("time_ns", "i8"),
        ("update_id", "i8"),
        ("bid_ticks", "i8"),
        ("bid_lots", "i8"),
        ("ask_ticks", "i8"),
        ("ask_lots", "i8"),
    ]
)
"""The touch at one moment, with the venue's update id of the book it belongs to."""

CHANGE_DTYPE = np.dtype(
    [("i_diff", "i8"), ("side", "i1"), ("price_ticks", "i8"), ("delta_lots", "i8")]
)
"""One level changed by one diff; ``side`` is the book's: +1 bids, -1 asks."""


@dataclass(frozen=True, eq=False, slots=True)
class Book:
    """Both sides of a level-2 book at one moment.

    Attributes:
        time_ns: Exchange time, ns.
        update_id: The venue's id of the last update contained; of tables, its number.
        bids: (n, 2) int64 ticks and lots, highest price first.
        asks: (m, 2) int64 ticks and lots, lowest price first.
    """

    time_ns: int
    update_id: int
    bids: LevelArray
    asks: LevelArray

    @property
    def mid_ticks(self) -> float:
        """Average of best bid and best ask, ticks."""
        return (int(self.bids[0, 0]) + int(self.asks[0, 0])) / 2


@dataclass(frozen=True, slots=True)
class Checks:
    """What was read and what was verified while reading.

    Attributes:
        lines: Lines read, over all files.
        diffs_applied: Depth diffs applied to the snapshot.
        diffs_dropped: Depth diffs older than the snapshot, not applied.
        snapshots_ignored: Further snapshots, not applied: the checked sequence already holds.
        trades_dropped: Futures prints whose ``X`` is not ``MARKET`` (insurance fund, ADL, ...); of
            tables, prints outside the time of the book or without an aggressor.
        unknown_changes: Changes of levels beyond the snapshot seen for the first time; they enter
            the book but not ``Capture.changes``, because their previous size is not known.
        tickers_checked: Quotes whose update id equals that of the snapshot or the final id of an
            applied diff; only there both streams describe the same book.
        ticker_mismatches: Of these, quotes that differ from the rebuilt touch (price or size).
        clock_offset_ms: Median of local receive time minus exchange event time ``E``, ms.
            Negative: the local clock is behind by more than the message travelled.
        restarts: Snapshots that replaced the book after an interruption (tables only).
    """

    lines: int
    diffs_applied: int
    diffs_dropped: int
    snapshots_ignored: int
    trades_dropped: int
    unknown_changes: int
    tickers_checked: int
    ticker_mismatches: int
    clock_offset_ms: float
    restarts: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Capture:
    """One recorded market over one continuous stretch of time.

    Attributes:
        symbol: The venue's name, as in ``BTCUSDT``.
        market: ``usdm`` (linear futures), ``cm`` (inverse futures) or ``spot``, whatever the venue.
        tick_size: Price of one tick, quote: the greatest common divisor of all prices seen.
        lot_size: Quantity of one lot, base (``cm``: contracts): likewise of all quantities seen.
        start_ns: First exchange time of the capture, ns.
        end_ns: Last exchange time of the capture, ns.
        start: The book of the snapshot.
        end: The book after the last diff.
        trades: TRADE_DTYPE, in the order received.
        tops: TOP_DTYPE from the bookTicker stream. Spot quotes carry no time: they take the last
            exchange time seen before them. Tables have none: the touch after each message.
        diffs: TOP_DTYPE, the rebuilt touch after each applied diff.
        changes: CHANGE_DTYPE, every level change whose previous size is known;
            ``diffs[changes["i_diff"]]`` is the diff it came with.
        depth_samples: The book once a second, levels within 50 bp of the mid.
        checks: What was read and verified.
    """

    symbol: str
    market: str
    tick_size: float
    lot_size: float
    start_ns: int
    end_ns: int
    start: Book
    end: Book
    trades: RecordArray
    tops: RecordArray
    diffs: RecordArray
    changes: RecordArray
    depth_samples: tuple[Book, ...]
    checks: Checks

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last exchange time."""
        return (self.end_ns - self.start_ns) * 1e-9

    @property
    def additions(self) -> int:
        """Level changes that made a level larger."""
        return int(np.count_nonzero(self.changes["delta_lots"] > 0))

    @property
    def reductions(self) -> int:
        """Level changes that made a level smaller."""
        return int(np.count_nonzero(self.changes["delta_lots"] < 0))


def records(columns: dict[str, Any], dtype: np.dtype[np.void]) -> RecordArray:
    """Put equally long columns into one read-only structured array."""
    length = len(next(iter(columns.values())))
    out = np.empty(length, dtype=dtype)
    for name, column in columns.items():
        out[name] = column
    out.setflags(write=False)
    return out


def in_ticks(flat: array[int], dtype: np.dtype[np.void], tick: int, lot: int) -> RecordArray:
    """Turn a flat run of raw integers, field after field, into records in ticks and lots."""
    names = dtype.names or ()
    rows = np.frombuffer(flat, np.int64) if flat else np.empty(0, np.int64)
    divisors = {"ticks": tick, "lots": lot}
    return records(
        {
            name: column // divisors.get(name.rpartition("_")[2], 1)
            for name, column in zip(names, rows.reshape(-1, len(names)).T, strict=True)
        },
        dtype,
    )


def book_in_ticks(book: Book, tick: int, lot: int) -> Book:
    """Turn a book in raw units into one in ticks and lots, read-only."""
    units = np.array([tick, lot], np.int64)
    sides = (book.bids // units, book.asks // units)
    for side in sides:
        side.setflags(write=False)
    return Book(book.time_ns, book.update_id, *sides)

"""A market rebuilt from tables: level changes of Tardis or Bybit, and the trades beside them.

The rules are those of docs.tardis.dev, "incremental_book_L2", and of Bybit's stream ``orderbook``:

- an amount is the new size of its level, 0 deletes it;
- rows received at one moment are one message, and the book is read only between messages;
- rows before the first snapshot are skipped, since what they change is not known;
- a snapshot after changes replaces the whole book. Tardis may spread one over several moments,
  so its snapshot rows in a row are one snapshot; each snapshot of Bybit is whole.

Neither numbers its messages so that a lost one would show: what tells is a book that crosses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from squeezegym.data.capture import (
    CHANGE_DTYPE,
    TOP_DTYPE,
    TRADE_DTYPE,
    Capture,
    Checks,
    RecordArray,
    book_in_ticks,
    in_ticks,
    records,
)
from squeezegym.data.level2 import Diff, Level2Book, RawLevels, Snapshot
from squeezegym.data.load import load
from squeezegym.data.schema import Kind
from squeezegym.data.table import Table
from squeezegym.data.text import NS_PER_MS, RAW_SCALE, Position
from squeezegym.errors import DataError

IntArray = NDArray[np.int64]
_LINEAR = ("USDT", "USDC", "PERP")
_SPOT = ("binance", "binance-us", "bybit-spot", "okex", "coinbase", "kraken", "bitstamp")
_SWAPS = ("binance-futures", "hyperliquid")


@dataclass(frozen=True, eq=False, slots=True)
class _Message:
    """Rows received at one moment."""

    at: Position
    time_ns: int
    is_snapshot: bool
    bids: RawLevels
    asks: RawLevels


def read_deltas(paths: Sequence[str | Path]) -> Capture:
    """Read level changes and trades of one symbol and rebuild its book, checking every step.

    Args:
        paths: Files of the kinds ``deltas`` and ``trades``, each kind in the order recorded.

    Returns:
        The capture in integer ticks and lots on the exchange's clock, which never goes back.
        Trades are those from the snapshot to the last message.

    Raises:
        DataError: A file is damaged or of another kind, there is no snapshot, the book is crossed
            or one-sided, or several symbols are found. The message names file and line.
    """
    tables = [load(path) for path in paths]
    deltas, trades = (_of_kind(tables, kind) for kind in (Kind.DELTAS, Kind.TRADES))
    first = deltas[0]
    venue, symbol = first.frame.select("venue", "symbol").row(0)
    for table in (*deltas, *trades):
        _check_symbol(table, symbol)
    _check_order(deltas)
    _check_order(trades)
    messages: Iterable[_Message] = (message for table in deltas for message in _messages(table))
    if first.report.format.startswith("Tardis"):
        messages = _joined(messages)
    book, skipped = _rebuild(messages, first.report.file)
    tick, lot = (_step((*deltas, *trades), column) for column in ("price", "size"))
    prints, dropped = _prints(trades, book, tick, lot)
    tops = in_ticks(book.tops, TOP_DTYPE, tick, lot)
    return Capture(
        symbol=symbol,
        market=_market(str(venue), symbol),
        tick_size=tick / RAW_SCALE,
        lot_size=lot / RAW_SCALE,
        start_ns=book.start.time_ns,
        end_ns=book.time_ns,
        start=book_in_ticks(book.start, tick, lot),
        end=book_in_ticks(book.book(), tick, lot),
        trades=prints,
        tops=tops,
        diffs=tops,
        changes=in_ticks(book.changes, CHANGE_DTYPE, tick, lot),
        depth_samples=tuple(book_in_ticks(sample, tick, lot) for sample in book.samples),
        checks=Checks(
            lines=sum(table.report.rows for table in tables),
            diffs_applied=book.applied,
            diffs_dropped=skipped,
            snapshots_ignored=0,
            trades_dropped=dropped,
            unknown_changes=book.bids.unknown + book.asks.unknown,
            tickers_checked=0,
            ticker_mismatches=0,
            clock_offset_ms=_offset_ms(deltas),
            restarts=book.restarts,
        ),
    )


def _of_kind(tables: Sequence[Table], kind: Kind) -> list[Table]:
    found = [table for table in tables if table.report.kind is kind]
    if not found:
        names = ", ".join(f"{t.report.file} ({t.report.kind})" for t in tables)
        raise DataError(
            f"{names}: no {kind} are found, allowed are files of deltas and of trades; name one of"
            " each."
        )
    others = [t for t in tables if t.report.kind not in (Kind.DELTAS, Kind.TRADES)]
    if others:
        raise DataError(
            f"{others[0].report.file}: {others[0].report.kind} are found, allowed are deltas and"
            " trades; leave the file out."
        )
    return found


def _check_symbol(table: Table, symbol: str) -> None:
    other = table.frame["symbol"].ne_missing(symbol).arg_true()
    if len(other):
        raise Position(table.report.file, table.lines[other[0]]).error(
            f"symbol {table.frame['symbol'][other[0]]!r} is found, allowed is {symbol!r} as on the"
            " first row; read one symbol at a time."
        )


def _check_order(tables: Sequence[Table]) -> None:
    for before, table in pairwise(tables):
        start, end = table.frame["known_at"][0], before.frame["known_at"][-1]
        if start < end:
            raise Position(table.report.file, table.lines[0]).error(
                f"the file starts at {start:%Y-%m-%d %H:%M:%S.%f}, allowed is the end of"
                f" {before.report.file} or later; pass the files in the order recorded."
            )


def _market(venue: str, symbol: str) -> str:
    """Market of a symbol: contracts that are not known to be linear count as inverse."""
    if venue in _SPOT:
        return "spot"
    is_linear = venue in _SWAPS or (venue == "bybit" and symbol.endswith(_LINEAR))
    return "usdm" if is_linear else "cm"


def _offset_ms(deltas: Sequence[Table]) -> float:
    """Median of the time received minus the exchange's, ms."""
    offset = pl.concat(table.frame["known_at"] - table.frame["time"] for table in deltas)
    return float(offset.cast(pl.Int64()).median() or 0) / NS_PER_MS  # type: ignore[arg-type]


def _exact(table: Table, column: str) -> IntArray:
    """Return decimals as integers of 1e-8; a float of so many digits still tells them."""
    values = table.frame[column].to_numpy()
    units = np.rint(values * RAW_SCALE)
    bad = ~((units / RAW_SCALE == values) & (units < 2.0**63))
    if bad.any():
        row = int(bad.argmax())
        raise Position(table.report.file, table.lines[row]).error(
            f"{column} is {table.frame[column][row]}, allowed is a number with at most 8 decimals;"
            " restore the line or download the file again."
        )
    whole: IntArray = units.astype(np.int64)
    return whole


def _step(tables: Sequence[Table], column: str) -> int:
    """Return the greatest common divisor of all values, in 1e-8."""
    return int(np.gcd.reduce([np.gcd.reduce(_exact(table, column)) for table in tables])) or 1


def _messages(table: Table) -> Iterator[_Message]:
    """Put the rows of one moment together, in the order received."""
    frame = table.frame
    sideless = (frame["side"] == 0).arg_true()
    if len(sideless):
        raise Position(table.report.file, table.lines[sideless[0]]).error(
            "the side of a level is unknown, allowed is bid or ask; restore the line or download"
            " the file again."
        )
    time_ns = frame["time"].cast(pl.Int64()).to_numpy()
    price, size = _exact(table, "price"), _exact(table, "size")
    is_bid = (frame["side"] > 0).to_numpy()
    whole = frame["is_snapshot"].to_numpy()
    lines = table.lines.to_numpy()
    known = frame["known_at"].cast(pl.Int64()).to_numpy()
    starts = np.flatnonzero(np.diff(known, prepend=known[0] - 1) | np.diff(whole, prepend=whole[0]))
    for start, end in zip(starts, np.append(starts[1:], len(known)), strict=True):
        rows = slice(int(start), int(end))
        bids, asks = (
            list(zip(price[rows][mask].tolist(), size[rows][mask].tolist(), strict=True))
            for mask in (is_bid[rows], ~is_bid[rows])
        )
        at = Position(table.report.file, int(lines[end - 1]))
        yield _Message(at, int(time_ns[end - 1]), bool(whole[start]), bids, asks)


def _joined(messages: Iterable[_Message]) -> Iterator[_Message]:
    """Join snapshots that follow each other."""
    waiting: _Message | None = None
    for message in messages:
        if message.is_snapshot and waiting is not None:
            bids, asks = waiting.bids + message.bids, waiting.asks + message.asks
            message = _Message(message.at, message.time_ns, True, bids, asks)
        elif waiting is not None:
            yield waiting
        waiting = message if message.is_snapshot else None
        if waiting is None:
            yield message
    if waiting is not None:
        yield waiting


def _rebuild(messages: Iterable[_Message], file: str) -> tuple[Level2Book, int]:
    """Apply messages from the first snapshot on; returns how many came before it, too."""
    book: Level2Book | None = None
    skipped = 0
    for number, m in enumerate(messages, start=1):
        if m.is_snapshot:
            snapshot = Snapshot(m.at, m.time_ns, number, m.bids, m.asks)
            if book is None:
                book = Level2Book(snapshot)
            else:
                book.restart(snapshot)
        elif book is None:
            skipped += 1
        else:
            book.apply(Diff(m.at, m.time_ns, number, number, number - 1, m.bids, m.asks))
    if book is None or not book.applied:
        raise Position(file, 1).error(
            f"no change follows a snapshot in {skipped:,} messages, allowed is at least one; pass"
            " the file from its beginning."
        )
    return book, skipped


def _prints(
    trades: Sequence[Table], book: Level2Book, tick: int, lot: int
) -> tuple[RecordArray, int]:
    """Trades of the time of the book, and how many others there are."""
    parts = [
        records(
            {
                "time_ns": table.frame["time"].cast(pl.Int64()).to_numpy(),
                "price_ticks": _exact(table, "price") // tick,
                "qty_lots": _exact(table, "size") // lot,
                "side": table.frame["side"].to_numpy(),
            },
            TRADE_DTYPE,
        )
        for table in trades
    ]
    found = np.concatenate(parts)
    inside = (found["time_ns"] >= book.start.time_ns) & (found["time_ns"] <= book.time_ns)
    inside &= found["side"] != 0
    kept = found[inside]
    kept.setflags(write=False)
    return kept, len(found) - len(kept)

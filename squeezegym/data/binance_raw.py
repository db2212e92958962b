"""Reader of raw Binance websocket captures: USD-M futures, COIN-M futures and spot.

A capture is text, plain or gzip, one message a line: the local receive time in ns, a space, and
the message as the combined stream sent it, ``{"stream": "btcusdt@trade", "data": {...}}``, or one
bare REST snapshot ``{"lastUpdateId": ..., "bids": [...], "asks": [...]}``. Streams read:
``@depth`` (diffs at any speed), ``@bookTicker`` and ``@trade``.

Decimal strings become integers without passing through a float. While reading, the unit is 1e-8;
at the end it is the greatest common divisor of all prices (the tick) and of all quantities (the
lot) seen. A very short capture may therefore show a multiple of the venue's tick or lot.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from squeezegym.data.capture import (
    CHANGE_DTYPE,
    TOP_DTYPE,
    TRADE_DTYPE,
    Book,
    Capture,
    Checks,
    RecordArray,
    book_in_ticks,
    in_ticks,
)
from squeezegym.data.level2 import Diff, Level2Book, RawLevels, Snapshot
from squeezegym.data.text import (
    NS_PER_MS,
    RAW_SCALE,
    Decimals,
    Position,
    epoch_ms,
    local_ns,
    read_lines,
)
from squeezegym.errors import DataError


def read_capture(paths: Sequence[str | Path]) -> Capture:
    """Read the files of one capture and rebuild its book, checking every step.

    The book starts from the first snapshot; diffs before it are kept until it arrives, diffs after
    it may continue through any number of files.

    Args:
        paths: Files in the order recorded; only the first needs a snapshot.

    Returns:
        The capture in integer ticks and lots on the exchange's clock.

    Raises:
        DataError: A file is missing or damaged, a line cannot be read, the sequence of diffs has a
            hole, the book is crossed, or there is nothing to read. The message names file, line,
            value found, values allowed and the remedy.
    """
    files = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    reader = _Reader()
    for path in files:
        reader.read(path)
    return reader.capture(", ".join(path.name for path in files))


class _Reader:
    """Takes line after line; holds what has been read so far in raw units."""

    def __init__(self) -> None:
        self.prices = Decimals("price", 1)
        self.quantities = Decimals("quantity", 0)
        self.book: Level2Book | None = None
        self.waiting: list[Diff] = []
        self.trades, self.tops, self.offsets = array("q"), array("q"), array("q")
        self.handlers: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.stream_symbol = self.symbol = self.market = ""
        self.start_ms = self.now_ms = self.local_ns = 0
        self.lines = self.trades_dropped = self.snapshots_ignored = 0
        self.file, self.line = "", 0

    def error(self, sentence: str) -> DataError:
        return Position(self.file, self.line).error(sentence)

    def read(self, path: Path) -> None:
        """Read one file; it must not start before the previous one ends."""
        previous_file, previous_ns = self.file, self.local_ns
        self.file, self.line = path.name, 0
        for content in read_lines(path):
            self.line += 1
            message = self._parse(content)
            if self.line == 1 and self.local_ns < previous_ns:
                raise self.error(
                    f"the file starts at local time {self.local_ns} ns, allowed is {previous_ns} or"
                    f" later, the end of {previous_file}; pass the files in the order recorded."
                )
            self._take(message)
        self.lines += self.line

    def _parse(self, content: bytes) -> dict[str, Any]:
        try:
            stamp, _, body = content.partition(b" ")
            self.local_ns = local_ns(stamp)
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._unreadable(content) from error
        if not isinstance(message, dict):
            raise self._unreadable(content)
        return message

    def _unreadable(self, content: bytes) -> DataError:
        start = content[:60].decode("utf-8", "replace").rstrip()
        return self.error(
            f"{start!r} cannot be read, allowed is '<local time ns> <JSON message>'; remove the"
            " line or record the capture again."
        )

    def _take(self, message: dict[str, Any]) -> None:
        """Hand a message to the reader of its stream; say what is wrong inside it."""
        try:
            if "lastUpdateId" in message:
                self._on_snapshot(message)
                return
            stream = message.get("stream")
            handler = self.handlers.get(str(stream)) or self._new_stream(str(stream))
            handler(message["data"])
        except DataError:
            raise
        except KeyError as error:
            raise self.error(
                f"the field {error} is missing, allowed is a whole message of its stream; remove"
                " the line or record the capture again."
            ) from error
        except (TypeError, ValueError) as error:
            raise self.error(f"{error}; remove the line or record the capture again.") from error

    def _new_stream(self, stream: str) -> Callable[[dict[str, Any]], None]:
        symbol, _, kind = stream.partition("@")
        handler = {
            "depth": self._on_depth,
            "bookTicker": self._on_ticker,
            "trade": self._on_trade,
        }.get(kind.partition("@")[0])
        if handler is None:
            raise self.error(
                f"unknown stream {stream!r}, allowed are <symbol>@depth, <symbol>@bookTicker and"
                " <symbol>@trade; filter the other streams out of the file."
            )
        self.stream_symbol = self.stream_symbol or symbol
        if symbol != self.stream_symbol:
            raise self.error(
                f"stream {stream!r} is found, allowed is only the symbol {self.stream_symbol!r} of"
                " this capture; read one symbol at a time."
            )
        self.handlers[stream] = handler
        return handler

    def _levels(self, levels: list[list[str]]) -> RawLevels:
        prices, quantities = self.prices, self.quantities
        return [(prices[price], quantities[quantity]) for price, quantity in levels]

    def _tick_clock(self, data: dict[str, Any]) -> int:
        """Return the exchange time of a message, ms; move the last time seen; note the offset."""
        time_ms = epoch_ms(data["T"] if "T" in data else data["E"])
        self.start_ms = self.start_ms or time_ms
        self.now_ms = max(self.now_ms, time_ms)
        self.offsets.append(self.local_ns - epoch_ms(data["E"]) * NS_PER_MS)
        return time_ms

    def _on_snapshot(self, data: dict[str, Any]) -> None:
        if self.book is not None:
            self.snapshots_ignored += 1
            return
        time_ms = epoch_ms(data["T"]) if "T" in data else self.now_ms
        bids, asks = self._levels(data["bids"]), self._levels(data["asks"])
        at = Position(self.file, self.line)
        self.book = Level2Book(
            Snapshot(at, time_ms * NS_PER_MS, int(data["lastUpdateId"]), bids, asks)
        )
        for diff in self.waiting:
            self.book.apply(diff)
        self.waiting.clear()

    def _on_depth(self, data: dict[str, Any]) -> None:
        time_ms = self._tick_clock(data)
        bids, asks = self._levels(data["b"]), self._levels(data["a"])
        at = Position(self.file, self.line)
        diff = Diff(at, time_ms * NS_PER_MS, data["U"], data["u"], data.get("pu"), bids, asks)
        self.market = self.market or _market(data)
        self.symbol = self.symbol or data["s"]
        if self.book is None:
            self.waiting.append(diff)
        else:
            self.book.apply(diff)

    def _on_ticker(self, data: dict[str, Any]) -> None:
        if "E" in data:
            time_ms = self._tick_clock(data)
        else:
            time_ms = self.now_ms
        prices, quantities = self.prices, self.quantities
        bid, bid_lots = prices[data["b"]], quantities[data["B"]]
        ask, ask_lots = prices[data["a"]], quantities[data["A"]]
        if time_ms:
            time_ns = time_ms * NS_PER_MS
            self.tops.extend((time_ns, data["u"], bid, bid_lots, ask, ask_lots))

    def _on_trade(self, data: dict[str, Any]) -> None:
        time_ms = self._tick_clock(data)
        if data.get("X", "MARKET") != "MARKET":
            self.trades_dropped += 1
            return
        side = -1 if data["m"] else 1
        price, quantity = self.prices[data["p"]], self.quantities[data["q"]]
        self.trades.extend((time_ms * NS_PER_MS, price, quantity, side))

    def capture(self, names: str) -> Capture:
        """Turn what has been read into a capture in ticks and lots."""
        book = self._finished_book(names)
        tick, lot = self.prices.step(), self.quantities.step()
        tops = in_ticks(self.tops, TOP_DTYPE, tick, lot)
        diffs = in_ticks(book.tops, TOP_DTYPE, tick, lot)
        start, end = book_in_ticks(book.start, tick, lot), book_in_ticks(book.book(), tick, lot)
        checked, mismatches = _compare_tops(tops, diffs, start)
        checks = Checks(
            lines=self.lines,
            diffs_applied=book.applied,
            diffs_dropped=book.dropped,
            snapshots_ignored=self.snapshots_ignored,
            trades_dropped=self.trades_dropped,
            unknown_changes=book.bids.unknown + book.asks.unknown,
            tickers_checked=checked,
            ticker_mismatches=mismatches,
            clock_offset_ms=float(np.median(np.frombuffer(self.offsets, np.int64))) / NS_PER_MS,
        )
        return Capture(
            symbol=self.symbol,
            market=self.market,
            tick_size=tick / RAW_SCALE,
            lot_size=lot / RAW_SCALE,
            start_ns=self.start_ms * NS_PER_MS,
            end_ns=self.now_ms * NS_PER_MS,
            start=start,
            end=end,
            trades=in_ticks(self.trades, TRADE_DTYPE, tick, lot),
            tops=tops,
            diffs=diffs,
            changes=in_ticks(book.changes, CHANGE_DTYPE, tick, lot),
            depth_samples=tuple(book_in_ticks(sample, tick, lot) for sample in book.samples),
            checks=checks,
        )

    def _finished_book(self, names: str) -> Level2Book:
        """Return the rebuilt book, or say what the capture lacks."""
        at = Position(names or "no file", self.lines)
        if not self.lines:
            raise at.error(
                "the capture is empty: 0 lines, allowed is at least one snapshot and one depth"
                " diff; pass the files of one recording."
            )
        if self.book is None:
            raise at.error(
                f"no snapshot in {self.lines} lines, allowed is one line with 'lastUpdateId'; put"
                " the file that holds the REST snapshot first."
            )
        if not self.book.applied:
            raise at.error(
                f"0 depth diffs follow the snapshot {self.book.snapshot_id}, allowed is at least"
                " 1; record the @depth stream for longer."
            )
        return self.book


def _market(diff: dict[str, Any]) -> str:
    """Tell the market from the fields of a depth diff: COIN-M has ``ps``, futures have ``pu``."""
    if "pu" not in diff:
        return "spot"
    return "cm" if "ps" in diff else "usdm"


def _compare_tops(tops: RecordArray, diffs: RecordArray, start: Book) -> tuple[int, int]:
    """Count quotes at update ids where the rebuilt book is known, and those that differ."""
    fields = ["bid_ticks", "bid_lots", "ask_ticks", "ask_lots"]
    ids = np.append(diffs["update_id"], start.update_id)
    touch = np.append(
        np.stack([diffs[name] for name in fields], axis=1), [[*start.bids[0], *start.asks[0]]], 0
    )
    _, quoted, rebuilt = np.intersect1d(tops["update_id"], ids, return_indices=True)
    same = np.stack([tops[name][quoted] for name in fields], axis=1) == touch[rebuilt]
    return len(quoted), int(np.count_nonzero(~same.all(axis=1)))

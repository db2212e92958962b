"""A level-2 book rebuilt from one snapshot and the diffs after it, every step checked.

Prices and quantities are integers in one fixed raw unit (the reader's); the venue's update ids
decide what belongs to what. Rules of Binance, "How to manage a local order book correctly":

- futures: each diff names its predecessor, ``pu`` equals the previous final id ``u``;
- spot: diffs follow each other without a hole, ``U`` equals the previous ``u`` + 1;
- diffs that end before the snapshot are dropped, the first one kept must overlap it.

A later snapshot, of a venue that sends one after each interruption, restarts the book.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from squeezegym.data.capture import Book, LevelArray
from squeezegym.data.text import RAW_SCALE, Position

SAMPLE_EVERY_NS = 1_000_000_000
SAMPLE_REACH_BPS = 50
LONGEST_GAP_NS = 86_400 * 10**9

RawLevels = list[tuple[int, int]]


class Snapshot(NamedTuple):
    """The whole visible book at one update id."""

    at: Position
    time_ns: int
    update_id: int
    bids: RawLevels
    asks: RawLevels


class Diff(NamedTuple):
    """New absolute sizes of some levels; size 0 deletes. ``previous_id`` is None on spot."""

    at: Position
    time_ns: int
    first_id: int
    final_id: int
    previous_id: int | None
    bids: RawLevels
    asks: RawLevels


class BookSide:
    """One side of the book: sizes by price, the best price, and what has been seen.

    ``sign`` is +1 for bids and -1 for asks, so that ``sign * price`` is larger when better.
    """

    def __init__(self, sign: int, levels: RawLevels) -> None:
        """Take over the levels of a snapshot."""
        self.sign = sign
        self.lots = {price: quantity for price, quantity in levels if quantity}
        self.edge = min((sign * price for price in self.lots), default=0)
        self.seen_beyond: set[int] = set()
        self.unknown = 0
        self.best = 0
        self.find_best()

    def find_best(self) -> None:
        """Look the best price up; 0 when the side is empty."""
        self.best = (max if self.sign > 0 else min)(self.lots, default=0)

    def apply(self, levels: RawLevels, i_diff: int, changes: array[int]) -> None:
        """Set the sizes of a diff and append the changes of known levels to ``changes``."""
        lots, sign = self.lots, self.sign
        for price, quantity in levels:
            before = lots.get(price, 0)
            if quantity:
                lots[price] = quantity
                if sign * price > sign * self.best or not self.best:
                    self.best = price
            elif before:
                del lots[price]
                if price == self.best:
                    self.find_best()
            if not before and sign * price < self.edge and price not in self.seen_beyond:
                self.seen_beyond.add(price)
                self.unknown += 1
            elif quantity != before:
                changes.extend((i_diff, sign, price, quantity - before))

    def levels(self, nearest: int | None = None) -> LevelArray:
        """Levels best first, all or only those not worse than the price ``nearest``."""
        count = len(self.lots)
        prices = np.fromiter(self.lots.keys(), np.int64, count)
        levels = np.stack([prices, np.fromiter(self.lots.values(), np.int64, count)], axis=1)
        if nearest is not None:
            levels = levels[self.sign * prices >= self.sign * nearest]
        return levels[np.argsort(-self.sign * levels[:, 0])]


class Level2Book:
    """The rebuilt book of one capture, its samples once a second and its level changes."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Start from a snapshot, which must have two sides and must not be crossed."""
        self.snapshot_id = snapshot.update_id
        self.final_id: int | None = None
        self.time_ns = snapshot.time_ns
        self.bids = BookSide(+1, snapshot.bids)
        self.asks = BookSide(-1, snapshot.asks)
        self.applied = 0
        self.dropped = 0
        self.restarts = 0
        self.tops = array("q")
        self.changes = array("q")
        self.samples: list[Book] = []
        self._next_sample_ns = 0
        self._check_touch(snapshot.at, "snapshot")
        self.start = self.book()

    def apply(self, diff: Diff) -> None:
        """Apply one diff in sequence; drop it when it ends before the snapshot."""
        if self._is_old(diff):
            self.dropped += 1
            return
        self._check_sequence(diff)
        if not self.applied:
            self._begin(diff.time_ns)
        self._check_clock(diff)
        self._sample_until(diff.time_ns)
        self.bids.apply(diff.bids, self.applied, self.changes)
        self.asks.apply(diff.asks, self.applied, self.changes)
        self._check_touch(diff.at, f"book after the diff {diff.final_id}")
        self.final_id = diff.final_id
        self.time_ns = max(self.time_ns, diff.time_ns)
        self.applied += 1
        self._append_top()

    def restart(self, snapshot: Snapshot) -> None:
        """Replace the book by a later snapshot; what happened in between is in no change."""
        self._check_clock(snapshot)
        unknown = self.bids.unknown, self.asks.unknown
        self.bids, self.asks = BookSide(+1, snapshot.bids), BookSide(-1, snapshot.asks)
        self.bids.unknown, self.asks.unknown = unknown
        self._check_touch(snapshot.at, "snapshot")
        self.final_id = snapshot.update_id
        self.time_ns = max(self.time_ns, snapshot.time_ns)
        self._next_sample_ns = self.time_ns + SAMPLE_EVERY_NS
        self.applied += 1
        self.restarts += 1
        self._append_top()

    @property
    def update_id(self) -> int:
        """Id of the last update the book contains."""
        return self.snapshot_id if self.final_id is None else self.final_id

    def book(self) -> Book:
        """The whole book now, in raw units."""
        return Book(self.time_ns, self.update_id, self.bids.levels(), self.asks.levels())

    def _begin(self, time_ns: int) -> None:
        """Set the clock at the first diff applied: a spot snapshot carries no time of its own."""
        if not self.time_ns:
            self.time_ns = time_ns
            self.start = replace(self.start, time_ns=time_ns)
        self._next_sample_ns = self.time_ns + SAMPLE_EVERY_NS

    def _check_clock(self, message: Diff | Snapshot) -> None:
        """Raise when time jumps so far that one of two times must be wrong."""
        gap_ns = message.time_ns - self.time_ns
        if gap_ns > LONGEST_GAP_NS:
            raise message.at.error(
                f"time jumps by {gap_ns / 1e9:,.0f} s, allowed is at most a"
                " day between two messages; restore the line or end the capture before it."
            )

    def _is_old(self, diff: Diff) -> bool:
        if self.final_id is not None:
            return False
        if diff.previous_id is None:
            return diff.final_id <= self.snapshot_id
        return diff.final_id < self.snapshot_id

    def _check_sequence(self, diff: Diff) -> None:
        """Raise unless the diff continues the book without a hole."""
        name, found, step = "pu", diff.previous_id, 0
        if found is None:
            name, found, step = "U", diff.first_id, 1
        if self.final_id is None and found > self.snapshot_id + step:
            raise diff.at.error(
                f"sequence gap: the first diff after the snapshot has {name}={found}, allowed is at"
                f" most {self.snapshot_id + step} (the snapshot is {self.snapshot_id}); record the"
                " snapshot after the depth stream has started."
            )
        if self.final_id is not None and found != self.final_id + step:
            raise diff.at.error(
                f"sequence gap: {name}={found}, allowed is {self.final_id + step} after the"
                f" previous diff u={self.final_id}; end the capture before this line, or pass the"
                " missing file between the two."
            )

    def _check_touch(self, at: Position, what: str) -> None:
        """Raise when a side is empty or best bid >= best ask."""
        if not self.bids.lots or not self.asks.lots:
            empty = "asks" if self.bids.lots else "bids"
            raise at.error(
                f"the {what} has 0 {empty}, allowed is at least 1 level on each side; record the"
                " capture again."
            )
        if self.bids.best >= self.asks.best:
            bid, ask = self.bids.best / RAW_SCALE, self.asks.best / RAW_SCALE
            raise at.error(
                f"the {what} is crossed: best bid {bid:.10g} must be below best ask {ask:.10g};"
                " end the capture before this line or record it again."
            )

    def _append_top(self) -> None:
        bid, ask = self.bids.best, self.asks.best
        bid_lots, ask_lots = self.bids.lots[bid], self.asks.lots[ask]
        self.tops.extend((self.time_ns, self.update_id, bid, bid_lots, ask, ask_lots))

    def _sample_until(self, time_ns: int) -> None:
        """Sample the book as it stood at each whole step before ``time_ns``."""
        if time_ns < self._next_sample_ns:
            return
        mid = (self.bids.best + self.asks.best) // 2
        reach = mid * SAMPLE_REACH_BPS // 10_000
        bids, asks = self.bids.levels(mid - reach), self.asks.levels(mid + reach)
        update_id = self.update_id
        while self._next_sample_ns <= time_ns:
            self.samples.append(Book(self._next_sample_ns, update_id, bids, asks))
            self._next_sample_ns += SAMPLE_EVERY_NS

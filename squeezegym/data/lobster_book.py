"""The book of a LOBSTER session, rebuilt through :class:`squeezegym.orderbook.OrderBook`.

What :func:`rebuild` needs and the message file does not hold comes from elsewhere:

* Orders older than the file: the book starts from the first orderbook row, less the first event.
  What later events take by order id stands in front, in the order in which it is executed; the
  rest of a level is one order without a recorded id.
* Events outside the recorded levels, which LOBSTER leaves out: a level that falls out of range may
  change unseen. When one enters the range, its quantity is taken from that orderbook row, once;
  from there on the events alone move it.
* Without an orderbook file only orders that an event names are there, with the quantity that the
  file takes from them: executions are replayed, the levels are not those of the market.

Hidden executions, crosses and halts send no message. A book that is crossed while halted cannot be
shown: the older of the orders that cross are cancelled.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezegym.codes import MessageKind, Status, Tif
from squeezegym.data.capture import RecordArray
from squeezegym.data.lobster import (
    ANY,
    Event,
    LobsterMessages,
    read_lobster,
    read_shown,
)
from squeezegym.orderbook import MESSAGE_DTYPE, OrderBook


@dataclass(frozen=True, eq=False)
class Plan:
    """Messages for :meth:`squeezegym.OrderBook.replay` and where each comes from.

    Attributes:
        messages: Of ``MESSAGE_DTYPE``, in order; prices in ticks, quantities in shares.
        row: Event, counted from 0, that a message belongs to; -1 for the book before the first.
        supplied: Whether a message is not in the file: older orders, changes out of range.
        peak: Most orders resting at a time.
        notes: The entries of :attr:`LobsterBook.report` from ``older_orders`` on.
    """

    messages: RecordArray
    row: NDArray[np.int64]
    supplied: NDArray[np.bool_]
    peak: int
    notes: dict[str, Any]

    def new_book(self) -> OrderBook:
        """Return an empty order book with room for the messages."""
        prices = self.messages["price"]
        span = (int(prices.min()), int(prices.max())) if len(prices) else (1, 1)
        return OrderBook(price_range=span, max_orders=self.peak + 1)


@dataclass(frozen=True, eq=False)
class LobsterBook:
    """The order book after the last event, one receipt a message, and the tape of fills.

    The report counts ``rows`` by type, lists ``halts`` (line, state) and counts
    ``executions_matched`` (they took all from the order that they name), ``rejected``
    messages, ``older_orders`` (named by an event, submitted by none before), ``levels_entered``
    (they came into the recorded range) and of those ``levels_entered_changed`` (they were not as
    last seen). ``unexpected`` lists lines that take what the book does not hold or after which
    the level that they name is not as recorded; it is then made so.
    """

    book: OrderBook
    plan: Plan
    receipts: RecordArray
    tape: RecordArray
    report: dict[str, Any]


def rebuild(
    messages: str | Path, orderbook: str | Path | None = None, tick: int = 100
) -> LobsterBook:
    """Send a message file through the order book.

    Args:
        messages: The message file, plain or gzip.
        orderbook: The orderbook file of the same stock, day and number of levels.
        tick: Price step of the visible book in 1e-4 USD; 1 for stocks below 1 USD.

    Raises:
        DataError: A file is missing or damaged; the message names file and line.
    """
    recorded = read_lobster(messages, tick)
    rows = recorded.rows
    shown = None if orderbook is None else read_shown(orderbook, len(rows), tick)
    plan = to_messages(recorded, shown)
    book = plan.new_book()
    receipts, tape = book.replay(plan.messages)
    halts = np.flatnonzero(rows["type"] == Event.HALT)
    report = {
        "rows": {e.name: int(np.count_nonzero(rows["type"] == e)) for e in Event},
        "halts": [(int(i) + 1, int(rows["price_raw"][i])) for i in halts],  # line, state
        "executions_matched": _matched(rows, plan, tape),
        "rejected": int(np.count_nonzero(receipts["status"] > Status.CANCELLED)),
        **plan.notes,
    }
    return LobsterBook(book, plan, receipts, tape, report)


def _matched(rows: RecordArray, plan: Plan, tape: RecordArray) -> int:
    """Count the executions that took all from the order they name."""
    event = rows[plan.row[tape["message"]]]
    same = (event["type"] == Event.EXECUTION) & (tape["qty"] == event["size"])
    return int(np.count_nonzero(same & (tape["maker_id"] == event["order_id"].astype(np.uint64))))


def to_messages(recorded: LobsterMessages, shown: NDArray[np.int64] | None = None) -> Plan:
    """Turn recorded events into messages for :meth:`squeezegym.OrderBook.replay`.

    A submission becomes a GTC order, a partial cancellation an amendment to what is left, a
    deletion a cancellation, an execution an IOC order of the other side at its price, with an id
    beyond all recorded ones. An execution out of turn (NASDAQ reports some), which would fill
    another order, becomes an amendment or cancellation of the named one.

    Args:
        recorded: The events.
        shown: The orderbook file of the same rows, from :func:`read_shown`.
    """
    planner = _Planner(recorded.rows, shown)
    planner.run()
    table = np.array(planner.out, np.int64).reshape(-1, 8)
    messages = np.zeros(len(table), MESSAGE_DTYPE)
    for i, name in enumerate(("kind", "side", "tif", "order_id", "price", "qty"), start=2):
        messages[name] = table[:, i]
    notes = {
        "older_orders": sum(map(len, planner.older.values())),
        "levels_entered": planner.entered,
        "levels_entered_changed": planner.entered_changed,
        "unexpected": sorted(row + 1 for row in planner.unexpected),
    }
    return Plan(messages, table[:, 0], table[:, 1] != 0, planner.peak, notes)


class _Planner:
    """Follows the events on levels of its own.

    ``levels[side][key][order id]`` is the open quantity of an order, in shares. The key of a level
    is its price in ticks, negative for bids: on both sides the least key is the best.
    """

    def __init__(self, rows: RecordArray, shown: NDArray[np.int64] | None) -> None:
        sign, sides = -rows["direction"].astype(np.int64), (rows["direction"] < 0).astype(np.int64)
        columns = (rows["type"], rows["order_id"], rows["size"], rows["price_ticks"] * sign, sides)
        self.events = list(zip(*(column.tolist() for column in columns), strict=True))
        self.shown = None if shown is None else shown * [[[-1, 1]], [[1, 1]]]
        self.levels: list[dict[int, dict[int, int]]] = [{}, {}]
        self.edges = [ANY, ANY]  # worst key in the recorded range, ANY when all is in it
        self.taking: dict[int, list[int]] = defaultdict(list)  # rows that take from an order
        self.older: dict[tuple[int, int], dict[int, None]] = defaultdict(dict)  # by side, key
        self.fresh = max(0, int(rows["order_id"].max()))  # last id given
        self.row = self.done = -1  # row at work, last row applied
        self.resting = self.peak = self.entered = self.entered_changed = 0
        self.unexpected: set[int] = set()
        self.out: list[tuple[int, ...]] = []

    def run(self) -> None:
        """Turn all events into messages."""
        submitted = set()
        for row, (event, order, _, key, side) in enumerate(self.events):
            if event == Event.NEW:
                submitted.add(order)
            elif event <= Event.EXECUTION:
                self.taking[order].append(row)
                if order not in submitted:
                    self.older[side, key][order] = None
        self._open()
        for row, (event, order, size, key, side) in enumerate(self.events):
            self.row = row
            if event <= Event.EXECUTION:
                self._follow(event, order, size, key, side)
            self.done = row
            if self.shown is not None:
                self._compare(self.shown[row], side, key * (event <= Event.EXECUTION))

    def _open(self) -> None:
        """Set up the book before the first event."""
        if self.shown is None:
            for side, key in self.older:
                if not self._crossed(side, key):
                    self._settle(side, key, ANY)
            return
        event, _, size, named, named_side = self.events[0]
        for side, rows in enumerate(self.shown[0].tolist()):
            levels = dict(rows)
            self.edges[side] = rows[-1][0] or ANY
            if side == named_side and event <= Event.EXECUTION:
                change = size if event == Event.NEW else -size
                levels[named] = max(0, levels.get(named, 0) - change)
            for key, qty in levels.items():
                self._settle(side, key, qty)

    def _follow(self, event: int, order: int, size: int, key: int, side: int) -> None:
        """Turn one event of the visible book into messages."""
        for other in self._crossed(side, key):  # they were cancelled out of range
            self._settle(1 - side, other, 0)
        levels = self.levels[side]
        if event == Event.NEW:
            self._set(side, key, order, size)
            return
        if self.shown is None and order not in levels.get(key, {}):
            self._settle(side, key, ANY)
        rests = levels.get(key, {}).get(order, 0)
        if rests < size or (event == Event.DELETE and rests > size):
            self.unexpected.add(self.row)
            size = rests
        in_turn = rests > 0 and key == min(levels) and order == next(iter(levels[key]))
        self._set(side, key, order, rests - size)
        if event == Event.EXECUTION and in_turn:  # the same by an order of the other side
            self.fresh += 1
            aggressor = (MessageKind.NEW, 1 - side, Tif.IOC, self.fresh, abs(key), size)
            self.out[-1] = (self.row, False, *aggressor)

    def _crossed(self, side: int, key: int) -> list[int]:
        """Return the levels of the other side that an order would meet."""
        return [other for other in self.levels[1 - side] if other + key <= 0]

    def _compare(self, shown: NDArray[np.int64], named_side: int, named: int) -> None:
        """Check the level that the event named; take over the levels that came into range."""
        for side, rows in enumerate(shown.tolist()):
            levels, held = dict(rows), self.levels[side]
            before, edge = self.edges[side], rows[-1][0] or ANY
            self.edges[side] = edge
            if named and side == named_side and named <= edge:
                if sum(held.get(named, {}).values()) != levels.get(named, 0):
                    self.unexpected.add(self.row)
                    self._settle(side, named, levels.get(named, 0))
            if edge > before:
                for key in [key for key in {**levels, **held} if before < key <= edge and key]:
                    self.entered += 1
                    self.entered_changed += self._settle(side, key, levels.get(key, 0))

    def _settle(self, side: int, key: int, shown: int) -> bool:
        """Make a level hold a quantity; return whether that took a message.

        First come the orders that later events name, the sooner the surer, with what those events
        take; then what else rests there, oldest first; the remainder is an order without an id.
        """
        level = self.levels[side].get(key, {})
        room, sent = shown, len(self.out)
        later = {
            order: rows
            for order in {**level, **self.older.get((side, key), {})}
            if (rows := [row for row in self.taking.get(order, ()) if row > self.done])
        }

        def turn(order: int) -> tuple[int, int]:
            executed = (row for row in later[order] if self.events[row][0] == Event.EXECUTION)
            return next(executed, ANY), order

        keep = dict.fromkeys(level, 0)
        for order in sorted(later, key=lambda order: later[order][0]):
            taken = sum(self.events[row][2] for row in later[order])
            keep[order] = min(room, taken, level.get(order, ANY))
            room -= keep[order]
        for order, rests in level.items():
            more = min(room, rests - keep[order])
            keep[order] += more
            room -= more
        for order in (*level, *sorted(keep.keys() - level.keys(), key=turn)):
            self._set(side, key, order, keep[order], True)
        if room and shown != ANY:
            self.fresh += 1
            self._set(side, key, self.fresh, room, True)
        return len(self.out) > sent

    def _set(self, side: int, key: int, order: int, qty: int, supplied: bool = False) -> None:
        """Set the open quantity of an order, 0 for gone, by the message that does it."""
        level = self.levels[side].setdefault(key, {})
        rests = level.get(order, 0)
        level[order] = qty
        if not qty:
            del level[order]
        if not level:
            del self.levels[side][key]
        if qty != rests:
            kind = (MessageKind.AMEND if qty else MessageKind.CANCEL) if rests else MessageKind.NEW
            self.out.append((self.row, supplied, kind, side, Tif.GTC, order, abs(key), qty))
            self.resting += (rests == 0) - (qty == 0)
            self.peak = max(self.peak, self.resting)

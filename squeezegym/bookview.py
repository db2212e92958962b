"""Reading a stand-alone book: touch, levels, orders, queue places, positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from squeezegym.arguments import MAX_I8, Rows, integer, order_number, whole
from squeezegym.bookrecord import RESTING_DTYPE
from squeezegym.codes import NO_ASK, NO_BID, NO_SLOT, BookState, Side, Status
from squeezegym.core.views import find_order, list_orders

_BUY, _SELL = int(Side.BUY), int(Side.SELL)
Level = tuple[int, int, int]


class RestingOrder(NamedTuple):
    """One order in the book: ticks and open lots."""

    order_id: int
    side: Side
    price: int
    qty: int
    owner: int


class BookView:
    """What can be read from a book; see :class:`squeezegym.orderbook.OrderBook`."""

    _desks: Rows
    _messages: int

    @property
    def best_bid(self) -> int | None:
        """Best bid, ticks; None when there is none."""
        best = int(self._desks[0]["book"]["best_bid"])
        waiting = self._crossed(_BUY)
        return max(best, waiting or 0) if best != NO_BID or waiting else None

    @property
    def best_ask(self) -> int | None:
        """Best ask, ticks; None when there is none."""
        best = int(self._desks[0]["book"]["best_ask"])
        waiting = self._crossed(_SELL)
        return min(best, waiting or best) if best != NO_ASK or waiting else None

    @property
    def last(self) -> int | None:
        """Price of the last trade, ticks; None before the first."""
        return int(self._desks[0]["book"]["last"]) or None

    @property
    def state(self) -> str:
        """``"open"``, ``"cancel_only"``, ``"halted"`` or ``"auction"``."""
        return BookState(int(self._desks[0]["book"]["state"])).name.lower()

    def levels(self, depth: int = 10) -> tuple[list[Level], list[Level]]:
        """Level 2: ``(bids, asks)``, each ``[(price, qty, orders), ...]``, best price first."""
        depth = whole("depth", depth)
        sides = []
        for side in (_BUY, _SELL):
            rows = self._side(side, depth)
            prices, starts, counts = np.unique(rows["price"], return_index=True, return_counts=True)
            order = np.argsort(starts)[: max(depth, 0)]
            lots = [int(rows["qty"][s : s + c].sum()) for s, c in zip(starts, counts, strict=True)]
            sides.append([(int(prices[i]), lots[i], int(counts[i])) for i in order])
        return sides[0], sides[1]

    def orders(self) -> list[RestingOrder]:
        """Level 3: every resting order; bids, then asks, by priority."""
        rows = [row for side in (_BUY, _SELL) for row in self._side(side, MAX_I8).tolist()]
        return [
            RestingOrder(i, Side(side), price, qty, owner) for i, price, qty, owner, side in rows
        ]

    def queue_ahead(self, order_id: int) -> int | None:
        """Lots that stand before an order at its price; None when no such order rests."""
        found = self._find(order_id)
        return found and found[0]

    def position(self, owner: int) -> int:
        """Net lots that an owner has bought here; negative when it sold more."""
        owners = int(self._desks[0]["owners"])
        return int(self._desks[0]["positions"][integer("owner", owner, 0, owners - 1)])

    def counts(self) -> Mapping[Status, int]:
        """How many messages ended with each status."""
        counts = self._desks[0]["counts"].tolist()
        counts[Status.RESTING] = self._messages - sum(counts[1:])  # the kernel skips the usual one
        return {status: counts[status] for status in Status if counts[status]}

    @property
    def expired(self) -> int:
        """Resting reduce-only orders that were cut or cancelled when they were about to trade."""
        return int(self._desks[0]["book"]["expired"])

    def __len__(self) -> int:
        """Number of resting orders."""
        return int(self._desks[0]["book"]["live"])

    def _find(self, order_id: int) -> tuple[int, int] | None:
        """Return the lots ahead of a resting order and its own, or None."""
        row = np.empty(1, RESTING_DTYPE)
        ahead = int(find_order(self._desks, np.uint64(order_number(order_id)), row))
        return None if ahead < 0 else (ahead, int(row[0]["qty"]))

    def _side(self, side: int, depth: int) -> Rows:
        """Resting orders of one side by priority, of its best levels only."""
        rows = np.empty(len(self), RESTING_DTYPE)
        n = list_orders(self._desks, np.int64(side), np.int64(depth), rows)
        rows = rows[: int(n)]
        if self._crossed(side) is not None:
            better = -rows["price"] if side == _BUY else rows["price"]
            rows = rows[np.argsort(better, kind="stable")]
        return rows

    def _crossed(self, side: int) -> int | None:
        """Best price of the orders of a side that cross the ladder, or None."""
        book = self._desks[0]["book"]
        slot = int(book["waiting_head"][2 + side])
        return None if slot == NO_SLOT else int(book["orders"]["price"][slot])

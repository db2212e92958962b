"""Message streams for the order-book benchmark, in the yardstick's format.

A message is five int32: operation (0 limit order, 1 cancel, 2 market order), side (0 buy, 1 sell),
price, quantity, id. New orders are numbered 0, 1, 2 ...; a cancel names an order that rests. The
mix is the yardstick's: 60 % limit orders of 1 to 100 lots (4 % of them at the opposite best), 30 %
cancels of any resting order, 10 % market orders as large as holds the number of resting orders.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterator

import numba
import numpy as np

from squeezegym import OrderBook
from squeezegym.bookrecord import MESSAGE_DTYPE, RECEIPT_DTYPE, TAPE_DTYPE
from squeezegym.codes import MessageKind, Status

MID = 32_768
"""Price about which a stream starts, ticks."""
ADD, CANCEL, MARKET = 0, 1, 2
_BUY = 0
_OWNERS = 500  # a side


class LiveOrders:
    """A price-time book in plain Python that knows which orders rest.

    Attributes:
        live: Ids of the resting orders, in no order.
        where: Side and price of each.
    """

    def __init__(self) -> None:
        self.live: list[int] = []
        self.where: dict[int, tuple[int, int]] = {}
        self._index: dict[int, int] = {}
        self._queues: tuple[dict[int, dict[int, int]], ...] = ({}, {})
        self._heaps: tuple[list[int], list[int]] = ([], [])

    def best(self, side: int) -> int | None:
        """Best price of a side; None when it is empty."""
        heap, queues = self._heaps[side], self._queues[side]
        sign = -1 if side == _BUY else 1
        while heap and sign * heap[0] not in queues:
            heapq.heappop(heap)
        return sign * heap[0] if heap else None

    def add(self, side: int, price: int, qty: int, order: int) -> None:
        """Match a limit order; what is left of it rests."""
        qty = self.match(side, price, qty)
        if not qty:
            return
        if price not in self._queues[side]:
            self._queues[side][price] = {}
            heapq.heappush(self._heaps[side], -price if side == _BUY else price)
        self._queues[side][price][order] = qty
        self.where[order] = (side, price)
        self._index[order] = len(self.live)
        self.live.append(order)

    def match(self, side: int, limit: int | None, qty: int) -> int:
        """Trade while the opposite best is within the limit; returns what is left."""
        while qty and (price := self.best(1 - side)) is not None:
            if limit is not None and (price > limit if side == _BUY else price < limit):
                break
            queue = self._queues[1 - side][price]
            maker, resting = next(iter(queue.items()))
            if qty < resting:
                queue[maker] -= qty
                return 0
            qty -= resting
            self.drop(maker)
        return qty

    def drop(self, order: int) -> None:
        """Take an order out."""
        side, price = self.where.pop(order)
        queue = self._queues[side][price]
        del queue[order]
        if not queue:
            del self._queues[side][price]
        i, last = self._index.pop(order), self.live.pop()
        if last != order:
            self.live[i] = last
            self._index[last] = i


def wide(n: int, target: int = 45_000, ticks: int = 4_500) -> np.ndarray:
    """Make a stream whose orders stand up to ``ticks`` from the opposite best, evenly."""
    rng = np.random.default_rng(11)
    centres = np.zeros(target + n, np.int64)
    centres[:target] = MID
    return _generate(rng, rng.integers(1, ticks + 1, target + n), centres, target)


def swing(n: int, target: int = 5_000) -> np.ndarray:
    """Make a stream whose prices rise by a quarter and fall back, near the touch all the way.

    While they rise four limit orders in five buy, while they fall four in five sell: the others
    are soon traded, as the touch comes to them, and the book would run empty.
    """
    rng = np.random.default_rng(13)
    way = np.interp(np.arange(n), (0, n / 2, n), (MID, 1.25 * MID, MID)).astype(np.int64)
    centres = np.concatenate([np.full(target, MID), way])
    shares = np.concatenate([np.full(target, 0.5), np.where(np.arange(n) < n / 2, 0.2, 0.8)])
    return _generate(rng, rng.geometric(0.15, target + n), centres, target, shares)


def _draw(
    rng: np.random.Generator, n: int, target: int, sells: np.ndarray | float
) -> tuple[np.ndarray, ...]:
    """Draw kinds, sides, whether at the opposite best, lots, and a number in [0, 1) each."""
    kinds = np.searchsorted((0.6, 0.9), rng.random(n), side="right")
    kinds[:target] = ADD
    at_touch = rng.random(n) < 0.04
    at_touch[:target] = False
    sides = (rng.random(n) < np.where(kinds == ADD, sells, 0.5)).astype(np.int64)
    return (kinds, sides, at_touch, rng.integers(1, 101, n), rng.random(n))


def _generate(
    rng: np.random.Generator,
    offsets: np.ndarray,
    centres: np.ndarray,
    target: int,
    sells: np.ndarray | float = 0.5,
) -> np.ndarray:
    """Make a stream: ``target`` limit orders, then the mix.

    Args:
        rng: Source of everything but the offsets.
        offsets: Distance of each limit order from its centre, ticks.
        centres: Centre at each message; 0: the opposite best.
        target: Number of resting orders to hold.
        sells: Share of sells among the limit orders.
    """
    draws = _draw(rng, len(offsets), target, sells)
    rows, book, order = [], LiveOrders(), 0
    for kind, side, touch, qty, share, offset, centre in zip(
        *(x.tolist() for x in (*draws, offsets, centres)), strict=True
    ):
        if kind == CANCEL:
            gone = book.live[int(share * len(book.live))]
            rows.append((kind, *book.where[gone], 0, gone))
            book.drop(gone)
            continue
        if kind == ADD:
            opposite = book.best(1 - side)
            price = centre or opposite or MID
            price += -offset if side == _BUY else offset
            price = opposite if touch and opposite else price
            book.add(side, price, qty, order)
        else:
            mean = max(1, 150 * len(book.live) // target)
            price, qty = 0, 1 + int(share * (2 * mean - 1))
            book.match(side, None, qty)
        rows.append((kind, side, price, qty, order))
        order += 1
    return np.array(rows, np.int32)


@dataclasses.dataclass(frozen=True)
class Stream:
    """A stream, and the same as messages of our own book.

    Attributes:
        name: What the tables call it.
        raw: (n, 5) int32.
        max_orders: Size of the book that serves it.
        by_id: Messages whose cancels name the stream's ids.
        by_handle: Messages whose cancels name the ids that the book gave.
    """

    name: str
    raw: np.ndarray
    max_orders: int
    by_id: np.ndarray
    by_handle: np.ndarray

    @classmethod
    def of(cls, name: str, raw: np.ndarray, max_orders: int) -> Stream:
        """Translate a stream; one untimed replay learns the ids that the book gives."""
        messages = to_messages(raw)
        return cls(name, raw, max_orders, messages, _with_handles(raw, messages, max_orders))

    def messages(self, ids: str) -> np.ndarray:
        """Return the messages for ``OrderBook(ids=ids)``."""
        return self.by_id if ids == "caller" else self.by_handle

    def book(self, ids: str) -> OrderBook:
        """Make an empty book for the stream, all its pages in memory."""
        return empty_book(ids, self.max_orders).copy()

    def fills(self, tape: np.ndarray, receipts: np.ndarray) -> np.ndarray:
        """Return trades as (maker, taker, price, quantity) in the ids of the stream."""
        new = np.flatnonzero(self.raw[:, 0] != CANCEL)
        new = new[new < len(receipts)]
        given = receipts["order_id"][new]
        order = np.argsort(given)
        place = np.searchsorted(given, tape["maker_id"], sorter=order)
        makers = self.raw[new[order[place]], 4]
        columns = (makers, self.raw[tape["message"], 4], tape["price"], tape["qty"])
        return np.stack(columns, axis=1).astype(np.int64)


def empty_book(ids: str, max_orders: int) -> OrderBook:
    """Make an empty book with self-trade prevention on."""
    return OrderBook((1, 65_536), max_orders, self_trade="cancel_newest", ids=ids, keep_tape=False)


def to_messages(raw: np.ndarray) -> np.ndarray:
    """Translate a stream; buyers are owners 1 to 500 and sellers 501 to 1000: they never meet."""
    messages = np.zeros(len(raw), MESSAGE_DTYPE)
    op, side, price, qty, order = raw.T
    messages["kind"] = np.where(op == CANCEL, MessageKind.CANCEL, MessageKind.NEW)
    messages["side"], messages["qty"], messages["order_id"] = side, qty, order
    messages["price"] = np.where(op == ADD, price, 0)
    owners = np.random.default_rng(0).integers(1, _OWNERS + 1, len(raw))
    messages["owner"] = owners + _OWNERS * side
    return messages


def _with_handles(raw: np.ndarray, messages: np.ndarray, max_orders: int) -> np.ndarray:
    """Let the cancels name the ids that a book gives, learnt piece by piece from its receipts."""
    new = np.flatnonzero(raw[:, 0] != CANCEL)
    named = np.where(raw[:, 0] == CANCEL, new[raw[:, 4]], -1)
    messages = messages.copy()
    receipts = np.zeros(len(raw), RECEIPT_DTYPE)
    tape = np.empty(2 * len(raw) + max_orders, TAPE_DTYPE)
    book = empty_book("book", max_orders)
    for start, stop in _pieces(named):
        cancels = start + np.flatnonzero(named[start:stop] >= 0)
        messages["order_id"][cancels] = receipts["order_id"][named[cancels]]
        book.replay(messages[start:stop], receipts=receipts[start:stop], tape=tape)
    if (receipts["status"][named >= 0] != Status.CANCELLED).any():
        raise RuntimeError("a cancel of the stream names an order that does not rest")
    return messages


def _pieces(named: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut a stream so that no cancel names an order of its own piece."""
    start = 0
    cancels = np.flatnonzero(named >= 0)
    for i, order in zip(cancels.tolist(), named[cancels].tolist(), strict=True):
        if order >= start:
            yield start, i
            start = i
    yield start, len(named)


@numba.njit
def trade_hash(fills: np.ndarray) -> int:
    """Hash trades as the yardstick does, every one in order."""
    check = np.uint64(0)
    for i in range(len(fills)):
        row = fills[i]
        term = row[0] * 31 + row[1] * 17 + row[2] * 7 + row[3]
        check = check * np.uint64(1_000_003) + np.uint64(term)
    return check

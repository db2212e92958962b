"""Order-book packages of PyPI on the message stream that our own book is measured with.

Usage, in an environment of its own (numpy, and the packages that `PEERS` pins):
    python benchmarks/book_peers.py stream.bin                      # 50,000 messages, 3 repeats
    python benchmarks/book_peers.py stream.bin --messages 10000 --repeats 5

A message is five int32: operation (0 limit order, 1 cancel, 2 market order), side (0 buy, 1 sell),
price, quantity, id. `../shared/yardstick/gen_stream.py` writes such a stream.

Each package is driven as its README shows, one Python call a message; where the README shows no
call for a message, as its docstrings say. Every message counts, those that fill the book too.

Timed: the loop over the messages, the choice of the call, the call, and keeping the trades where
the package reports them. Not timed: turning the array into tuples of ints (which leaves out what a
user's own decoding costs) and making the empty book. The garbage collector stays on, and looks at
nothing but what the run itself makes.

A plain Python book gives the price levels to compare with, and for a package that keeps levels
only, the changes of levels to feed it.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import importlib.metadata
import statistics
import time
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

PEERS: dict[str, str] = {
    "order-book": "0.6.1",
    "limit-order-book": "2.0.0",
    "orderly-chaos": "0.2.0",
    "lightmatchingengine": "2019.1.4",
}
"""Names on PyPI and the versions these drivers were written for."""

_ADD, _CANCEL = 0, 1
_BUY = 0

_Fill = tuple[int, int, int, int]
_Levels = tuple[dict[int, int], dict[int, int]]


@dataclasses.dataclass(frozen=True)
class PeerResult:
    """What one package did with the stream."""

    name: str
    """Name on PyPI."""
    version: str
    """Installed version; the pinned one if none is installed."""
    what: str
    """What the package does with a message, and what it does not."""
    ns_per_message: list[float]
    """One number a repeat; empty if the package did not run."""
    trades: int | None
    """Number of trades it reported; none if it reports no trades."""
    agrees: bool | None
    """Whether its trades are the expected ones, in order; none if it reports no trades."""
    note: str
    """Whether its price levels at the end are the plain book's, or why it did not run."""


class PlainBook:
    """A price-time book in plain Python that looks at every level for the best one.

    Args:
        messages: Stream, shape (n, 5).

    Attributes:
        rows: Messages as tuples of ints.
        trades: (maker, taker, price, quantity) in order.
        changes: For each message, (side, price, new quantity) of the levels it changed.
    """

    def __init__(self, messages: np.ndarray) -> None:
        self.rows: list[tuple[int, ...]] = list(zip(*messages.T.tolist(), strict=True))
        self.trades: list[_Fill] = []
        self._queues: tuple[dict[int, dict[int, int]], ...] = ({}, {})
        self._where: dict[int, tuple[int, int]] = {}
        self.changes = [[(*at, self._size(*at)) for at in self._step(*row)] for row in self.rows]

    @property
    def levels(self) -> _Levels:
        """Quantity at each price after the last message: bids, asks."""
        bids, asks = ({p: sum(q.values()) for p, q in side.items()} for side in self._queues)
        return bids, asks

    def _size(self, side: int, price: int) -> int:
        return sum(self._queues[side].get(price, {}).values())

    def _step(self, op: int, side: int, price: int, qty: int, order: int) -> list[tuple[int, int]]:
        """Do what a message says; returns (side, price) of the levels it changed."""
        if op == _CANCEL:
            return [self._remove(order)]
        first = len(self.trades)
        qty = self._match(side, price if op == _ADD else None, qty, order)
        changed = list(dict.fromkeys((1 - side, trade[2]) for trade in self.trades[first:]))
        if op == _ADD and qty:
            self._queues[side].setdefault(price, {})[order] = qty
            self._where[order] = (side, price)
            changed.append((side, price))
        return changed

    def _match(self, side: int, limit: int | None, qty: int, taker: int) -> int:
        """Trade while the opposite best is within the limit; returns what is left."""
        opposite = self._queues[1 - side]
        while qty and opposite:
            price = min(opposite) if side == _BUY else max(opposite)
            if limit is not None and (price > limit if side == _BUY else price < limit):
                break
            maker, resting = next(iter(opposite[price].items()))
            traded = min(qty, resting)
            self.trades.append((maker, taker, price, traded))
            opposite[price][maker] -= traded
            qty -= traded
            if traded == resting:
                self._remove(maker)
        return qty

    def _remove(self, order: int) -> tuple[int, int]:
        side, price = self._where.pop(order)
        queue = self._queues[side][price]
        del queue[order]
        if not queue:
            del self._queues[side][price]
        return side, price


class _Driver(Protocol):
    """An empty book of one package, and the messages for it."""

    what: ClassVar[str]

    def __init__(self, plain: PlainBook) -> None: ...

    def run(self) -> None:
        """Send every message: the timed part."""

    def fills(self) -> list[_Fill] | None:
        """Trades as (maker, taker, price, quantity); none if the package reports no trades."""

    def levels(self) -> _Levels:
        """Quantity at each price: bids, asks."""


class _OrderBook:
    """order-book: two sorted dictionaries, price to quantity, set and deleted as in its README.

    It takes the changes of levels that a matching engine elsewhere made: finding them is not timed,
    so this is no order book in our sense. Both best prices are read after each message, with
    `index(0)` as in the README: keys are sorted when they are read, and without a read it would be
    a plain dictionary. Prices are integers, where the README makes a `Decimal` (slower).
    """

    what: ClassVar[str] = "keeps price levels: no orders, no matching; fed with changes of levels"

    def __init__(self, plain: PlainBook) -> None:
        from order_book import OrderBook

        self._changes = plain.changes
        self._book = OrderBook()
        self.best: tuple[Any, Any] = (None, None)

    def run(self) -> None:
        book = self._book
        bids, asks = sides = book.bids, book.asks
        for changes in self._changes:
            for side, price, size in changes:
                if size:
                    sides[side][price] = size
                else:
                    del sides[side][price]
            self.best = (bids.index(0) if bids else None, asks.index(0) if asks else None)

    def fills(self) -> None:
        return None

    def levels(self) -> _Levels:
        return self._book.bids.to_dict(), self._book.asks.to_dict()


class _LimitOrderBook:
    """limit-order-book: C++ behind ctypes; the calls are those of its docstrings.

    The README of the Python package ends with `pip install`. A cancel of an order that is not
    resting ends the process (a C++ exception that ctypes cannot catch); the stream has none.
    """

    what: ClassVar[str] = "matches in price-time order; does not report trades (C++, ctypes)"

    def __init__(self, plain: PlainBook) -> None:
        from limit_order_book import LimitOrderBook

        self._rows = plain.rows
        self._book = LimitOrderBook()

    def run(self) -> None:
        book = self._book
        for op, side, price, qty, order in self._rows:
            if op == _ADD:
                book.limit(side == _BUY, order, qty, price)
            elif op == _CANCEL:
                book.cancel(order)
            else:
                book.market(side == _BUY, order, qty)

    def fills(self) -> None:
        return None

    def levels(self) -> _Levels:
        prices = {row[2] for row in self._rows if row[0] == _ADD}
        book = self._book
        bids, asks = (
            {price: size for price in prices if (size := volume(price))}
            for volume in (book.volume_buy, book.volume_sell)
        )
        return bids, asks


class _OrderlyChaos:
    """orderly-chaos: C++ behind ctypes; trades go to `on_trade=trades.append` as in its README."""

    what: ClassVar[str] = "matches in price-time order; each trade calls Python (C++, ctypes)"

    def __init__(self, plain: PlainBook) -> None:
        from orderly_chaos import LimitOrderBook, Side

        self._rows = plain.rows
        self._sides = (Side.BUY, Side.SELL)
        self._trades: list[Any] = []
        self._book = LimitOrderBook(on_trade=self._trades.append)

    def run(self) -> None:
        book, sides = self._book, self._sides
        for op, side, price, qty, order in self._rows:
            if op == _ADD:
                book.limit(sides[side], order_id=order, quantity=qty, price=price)
            elif op == _CANCEL:
                book.cancel(order)
            else:
                book.market(sides[side], order_id=order, quantity=qty)

    def fills(self) -> list[_Fill]:
        return [(t.maker_id, t.taker_id, t.price, t.quantity) for t in self._trades]

    def levels(self) -> _Levels:
        depth, n = self._book.depth, max(1, len(self._rows))
        bids, asks = ({x.price: x.volume for x in depth(side, levels=n)} for side in self._sides)
        return bids, asks


class _LightMatchingEngine:
    """lightmatchingengine: pure Python; it numbers the orders, so the driver keeps what it returns.

    A market order is an order of price 0, and what it leaves would rest at price 0: the driver
    cancels that. Its list of trades holds a taker's line for each level, then its makers' lines.
    """

    what: ClassVar[str] = "matches in price-time order; returns trades (pure Python)"

    def __init__(self, plain: PlainBook) -> None:
        from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

        self._rows = plain.rows
        self._sides = (Side.BUY, Side.SELL)
        self._engine = LightMatchingEngine()
        self._orders: dict[int, Any] = {}
        self._trades: list[tuple[int, list[Any]]] = []

    def run(self) -> None:
        engine, sides, orders = self._engine, self._sides, self._orders
        for op, side, price, qty, order_id in self._rows:
            if op == _CANCEL:
                order = orders[order_id]
                engine.cancel_order(order.order_id, order.instmt)
                continue
            order, trades = engine.add_order("X", price if op == _ADD else 0, qty, sides[side])
            orders[order_id] = order
            if trades:
                self._trades.append((order_id, trades))
            if op != _ADD and order.leaves_qty:
                engine.cancel_order(order.order_id, order.instmt)

    def fills(self) -> list[_Fill]:
        ids = {order.order_id: order_id for order_id, order in self._orders.items()}
        return [
            (ids[trade.order_id], taker, trade.trade_price, trade.trade_qty)
            for taker, trades in self._trades
            for trade in trades
            if ids[trade.order_id] != taker
        ]

    def levels(self) -> _Levels:
        book = self._engine.order_books["X"]
        bids, asks = (
            {price: sum(order.leaves_qty for order in queue) for price, queue in side.items()}
            for side in (book.bids, book.asks)
        )
        return bids, asks


_DRIVERS: dict[str, type[_Driver]] = {
    "order-book": _OrderBook,
    "limit-order-book": _LimitOrderBook,
    "orderly-chaos": _OrderlyChaos,
    "lightmatchingengine": _LightMatchingEngine,
}


def run_peers(messages: np.ndarray, trades: np.ndarray, repeats: int) -> list[PeerResult]:
    """Run every package over the messages.

    Args:
        messages: Stream from an empty book on, shape (n, 5): int32.
        trades: Trades that these messages make, shape (k, 4): maker, taker, price, quantity.
        repeats: Runs of each package, each on an empty book; at least 1.

    Returns:
        A result for each of `PEERS`, in their order.
    """
    plain = PlainBook(messages)
    return [_run_peer(name, plain, trades, repeats) for name in PEERS]


def _run_peer(name: str, plain: PlainBook, trades: np.ndarray, repeats: int) -> PeerResult:
    """Run one package; one that is missing or fails gives a result that says so."""
    what, pinned = _DRIVERS[name].what, PEERS[name]
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        note = f"not installed: pip install {name}=={pinned}"
        return PeerResult(name, pinned, what, [], None, None, note)
    try:
        times, driver = _time(_DRIVERS[name], plain, repeats)
        fills = driver.fills()
        same = driver.levels() == plain.levels
    except Exception as error:
        note = f"{type(error).__name__}: {error}"
        return PeerResult(name, version, what, [], None, None, note)
    note = "levels at the end agree" if same else "levels at the end differ"
    if version != pinned:
        note += f"; written for {pinned}"
    if fills is None:
        return PeerResult(name, version, what, times, None, None, note)
    agrees = np.array_equal(np.array(fills, np.int64).reshape(-1, 4), trades)
    return PeerResult(name, version, what, times, len(fills), agrees, note)


def _time(
    driver_type: type[_Driver], plain: PlainBook, repeats: int
) -> tuple[list[float], _Driver]:
    """Time the runs, each on a new book; returns ns a message of each, and the last driver."""
    times = []
    for _ in range(repeats):
        driver = driver_type(plain)
        gc.collect()
        gc.freeze()
        try:
            started = time.perf_counter_ns()
            driver.run()
            times.append((time.perf_counter_ns() - started) / len(plain.rows))
        finally:
            gc.unfreeze()
    return times, driver


def main() -> None:
    """Measure on a stream's first messages and print a line for each package."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("stream", type=Path, help="file of messages, five int32 each")
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    messages = np.fromfile(args.stream, np.int32, 5 * args.messages).reshape(-1, 5)
    trades = np.array(PlainBook(messages).trades, np.int64).reshape(-1, 4)
    print(f"{len(messages):,} messages, {len(trades):,} trades")
    for r in run_peers(messages, trades, args.repeats):
        ns = r.ns_per_message
        print(f"{r.name} {r.version}: {r.what}")
        if ns:
            print(f"    {statistics.median(ns):,.0f} ns/message ({min(ns):,.0f} - {max(ns):,.0f})")
        print(f"    trades {r.trades}, as expected {r.agrees}; {r.note}")


if __name__ == "__main__":
    main()

"""``squeezegym.OrderBook`` the slow and obvious way, from its rules and not from the kernel.

Whoever wants to know whether an order would trade copies the book and tries; the price of
an auction is looked for at every tick.
"""

from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import NamedTuple

from squeezegym import codes
from squeezegym.errors import ConfigError

NEW, CANCEL, AMEND, CANCEL_ALL = range(4)
BUY, SELL = range(2)
GTC, IOC, FOK = range(3)
POST_ONLY, REDUCE_ONLY = 1, 2
MAX_QTY = 2**32 - 1


@dataclass(slots=True)
class Order:
    """``price`` is the limit, ``qty`` what is still open."""

    id: int
    owner: int
    side: int
    price: int
    qty: int
    flags: int


@dataclass(slots=True)
class Match:
    """What happened while an order was matched."""

    filled: int = 0
    withdrawn: int = 0  # orders of the same owner that were cancelled or cut
    decremented: int = 0  # lots lost to them without a trade
    stopped: bool = False


class Result(NamedTuple):
    status: int
    filled: int = 0
    resting: int = 0
    withdrawn: int = 0


class Uncrossed(NamedTuple):
    price: int | None
    volume: int
    imbalance: int
    fills: list


def result(name, *numbers):
    return Result(codes.Status[name], *numbers)


def first_failure(*checks):
    """Return the name of the first check that holds, given as ``(fails, name)``."""
    return next((name for fails, name in checks if fails), None)


class NaiveOrderBook:
    """Every rule of the book in plain Python; ids are given by the caller.

    Args:
        price_range: Lowest and highest limit price.
        max_orders: Orders that may rest at once.
        max_owners: Owners are 0 to this, exclusive.
        self_trade: allow, cancel_newest, cancel_oldest, cancel_both or decrement.
        exempt: Owners to whom it does not apply.
    """

    def __init__(self, price_range, max_orders, max_owners, self_trade, exempt=(0,)):
        self.price_range = price_range
        self.max_orders = max_orders
        self.max_owners = max_owners
        self.self_trade = self_trade
        self.exempt = exempt
        self.state = "open"
        self.queues = ({}, {})  # of each side: price -> deque of orders
        self.live = {}
        self.positions = Counter()
        self.tape = []  # (message, taker id, maker id, price, qty, taker's owner, maker's owner)
        self.last = None

    def message(self, index, kind, order_id, side, price, qty, tif, flags, owner):
        """Do what a message asks; return status, filled, resting, withdrawn."""
        refused = first_failure(
            (self.state == "halted", "HALTED"),
            (self.state == "cancel_only" and kind in (NEW, AMEND), "CANCEL_ONLY"),
            (kind not in range(4), "BAD_MESSAGE"),
        )
        if refused:
            return result(refused)
        if kind == NEW:
            return self._new(index, order_id, side, price, qty, tif, flags, owner)
        if kind == AMEND:
            return self._amend(index, order_id, price, qty)
        if kind == CANCEL_ALL:
            return self._cancel_all(owner)
        if order_id not in self.live:
            return result("UNKNOWN_ORDER")
        self._remove(self.live[order_id])
        return result("CANCELLED")

    def _new(self, index, order_id, side, price, qty, tif, flags, owner):
        market = price == 0
        low, high = self.price_range
        undefined = side not in range(2) or tif not in range(3) or flags not in range(4)
        refused = first_failure(
            (undefined, "BAD_MESSAGE"),
            (flags & POST_ONLY and (market or tif != GTC), "BAD_MESSAGE"),
            (self.state == "auction" and (market or tif != GTC), "AUCTION"),
            (not 1 <= qty <= MAX_QTY, "BAD_QUANTITY"),
            (not (market or low <= price <= high), "PRICE_OUT_OF_RANGE"),
            (owner >= self.max_owners, "UNKNOWN_OWNER"),
            (order_id in self.live, "DUPLICATE_ORDER"),
        )
        if refused:
            return result(refused)
        if market:
            price = high if side == BUY else low
            tif = FOK if tif == FOK else IOC
        return self._enter(index, Order(order_id, owner, side, price, qty, flags), tif)

    def _amend(self, index, order_id, price, qty):
        low, high = self.price_range
        refused = first_failure(
            (order_id not in self.live, "UNKNOWN_ORDER"),
            (not 1 <= qty <= MAX_QTY, "BAD_QUANTITY"),
            (price != 0 and not low <= price <= high, "PRICE_OUT_OF_RANGE"),
        )
        if refused:
            return result(refused)
        order = self.live[order_id]
        price = price or order.price
        if price == order.price and qty < order.qty:
            order.qty = qty
            return result("RESTING", 0, qty)
        return self._enter(index, replace(order, price=price, qty=qty), GTC)

    def _cancel_all(self, owner):
        mine = [order for order in self.live.values() if order.owner == owner]
        for order in mine:
            self._remove(order)
        return result("CANCELLED", 0, 0, len(mine))

    def _enter(self, index, order, tif):
        """Match and rest an order that is new or, when its id is live, amended."""
        if order.flags & REDUCE_ONLY:
            order.qty = min(order.qty, self._reducible(order))
        refused = first_failure(
            (order.qty == 0, "REDUCE_ONLY"),
            (order.flags & POST_ONLY and self._reaches(order), "WOULD_CROSS"),
            (tif == FOK and self._try(order).filled < order.qty, "FOK_UNFILLED"),
        )
        if refused:
            return result(refused)
        if order.id in self.live:
            self._remove(self.live[order.id])
        match = Match() if self.state == "auction" else self._match(index, order)
        outcome = self._outcome(order, tif, match)
        rests = outcome in ("RESTING", "PARTIALLY_FILLED")
        if rests:
            self.add(order)
        return result(outcome, match.filled, order.qty if rests else 0, match.withdrawn)

    def _outcome(self, order, tif, match):
        if match.stopped:
            return "SELF_TRADE"
        if order.qty == 0:
            return "SELF_TRADE" if match.decremented else "FILLED"
        if tif != GTC:
            return "SELF_TRADE" if match.decremented else "CANCELLED"
        if len(self.live) == self.max_orders:
            return "BOOK_FULL"
        return "PARTIALLY_FILLED" if match.filled else "RESTING"

    def _try(self, order):
        """Match a copy of the order in a copy of the book."""
        twin = NaiveOrderBook(
            self.price_range, self.max_orders, self.max_owners, self.self_trade, self.exempt
        )
        twin.positions = self.positions.copy()
        for side in (BUY, SELL):
            for resting in self._side(side):
                twin.add(replace(resting))
        return twin._match(0, replace(order))

    def _match(self, index, taker):
        """Trade while the other side stands at the taker's limit or better."""
        match = Match()
        while taker.qty > 0 and not match.stopped and self._reaches(taker):
            maker = self._first(1 - taker.side)
            if self._is_own(taker, maker):
                self._prevent(taker, maker, match)
            elif self._cut_to_position(maker):
                match.filled += self._trade(index, taker, maker, maker.price)
        return match

    def _is_own(self, taker, maker):
        same = maker.owner == taker.owner and taker.owner not in self.exempt
        return same and self.self_trade != "allow"

    def _prevent(self, taker, maker, match):
        """Apply the self-trade rule."""
        match.withdrawn += self.self_trade != "cancel_newest"
        match.stopped = self.self_trade in ("cancel_newest", "cancel_both")
        if self.self_trade == "decrement":
            lots = min(taker.qty, maker.qty)
            taker.qty -= lots
            maker.qty -= lots
            match.decremented += lots
        if maker.qty == 0 or self.self_trade in ("cancel_oldest", "cancel_both"):
            self._remove(maker)

    def _cut_to_position(self, order):
        """Cut a reduce-only order that is about to trade; return whether it still stands."""
        if order.flags & REDUCE_ONLY:
            order.qty = min(order.qty, self._reducible(order))
            if order.qty == 0:
                self._remove(order)
        return order.qty > 0

    def _reducible(self, order):
        """Lots of the owner's position that an order on this side could close."""
        position = self.positions[order.owner]
        return max(0, -position if order.side == BUY else position)

    def _trade(self, index, taker, maker, price):
        lots = min(taker.qty, maker.qty)
        self.tape.append((index, taker.id, maker.id, price, lots, taker.owner, maker.owner))
        self.last = price
        for order in (taker, maker):
            order.qty -= lots
            self.positions[order.owner] += lots if order.side == BUY else -lots
            if order.qty == 0 and self.live.get(order.id) is order:
                self._remove(order)
        return lots

    def set_state(self, name):
        if name == "open" and self.crossed:
            raise ConfigError("uncross first")
        self.state = name

    def uncross(self, reference=None):
        """Trade at the price of the largest volume, again while the book is crossed."""
        price, imbalance, start = None, 0, len(self.tape)
        if reference is None:
            reference = self.last
        if reference is None and self.crossed:
            reference = (self._best(BUY) + self._best(SELL)) // 2
        while self.crossed:
            at, surplus = self._auction_price(reference)
            if price is None:
                price, imbalance = at, surplus
            self._trade_at(at)
        fills = [(at, lots, buy, sell) for _, buy, sell, at, lots, *_ in self.tape[start:]]
        return Uncrossed(price, sum(lots for _, lots, _, _ in fills), imbalance, fills)

    def _auction_price(self, reference):
        """Return the auction's price and the bids minus the asks there."""
        ticks = {}
        for price in range(self._best(SELL), self._best(BUY) + 1):
            bids = sum(order.qty for order in self._side(BUY) if order.price >= price)
            asks = sum(order.qty for order in self._side(SELL) if order.price <= price)
            rank = (-min(bids, asks), abs(bids - asks), abs(price - reference), price)
            ticks[rank] = price, bids - asks
        return ticks[min(ticks)]

    def _trade_at(self, price):
        while self.crossed and self._best(BUY) >= price >= self._best(SELL):
            buy, sell = self._first(BUY), self._first(SELL)
            if self._cut_to_position(buy) and self._cut_to_position(sell):
                self._trade(-1, buy, sell, price)

    @property
    def crossed(self):
        return all(self.queues) and self._best(BUY) >= self._best(SELL)

    def _reaches(self, order):
        """Whether the best price of the other side is at the order's limit or better."""
        if not self.queues[1 - order.side]:
            return False
        best = self._best(1 - order.side)
        return best <= order.price if order.side == BUY else best >= order.price

    def _best(self, side):
        return max(self.queues[BUY]) if side == BUY else min(self.queues[SELL])

    def _first(self, side):
        return self.queues[side][self._best(side)][0]

    def add(self, order):
        """Put an order behind the queue of its price."""
        self.live[order.id] = order
        self.queues[order.side].setdefault(order.price, deque()).append(order)

    def _remove(self, order):
        del self.live[order.id]
        queue = self.queues[order.side][order.price]
        queue.remove(order)
        if not queue:
            del self.queues[order.side][order.price]

    def _side(self, side):
        """Return the orders of a side, best price and oldest first."""
        queues = self.queues[side]
        return [order for price in sorted(queues, reverse=side == BUY) for order in queues[price]]

    def levels(self, depth):
        """Return bids and asks as ``[(price, qty, orders), ...]``, best first."""
        return tuple(
            [
                (price, sum(order.qty for order in queues[price]), len(queues[price]))
                for price in sorted(queues, reverse=side == BUY)[:depth]
            ]
            for side, queues in enumerate(self.queues)
        )

    def queues_of(self, side):
        """Return ``[(price, [(id, qty, owner), ...]), ...]``, best price and oldest order first."""
        queues = self.queues[side]
        return [
            (price, [(order.id, order.qty, order.owner) for order in queues[price]])
            for price in sorted(queues, reverse=side == BUY)
        ]

    def orders(self):
        """Return ``[(id, side, price, qty, owner), ...]``: bids best first, then asks."""
        return [
            (order.id, order.side, order.price, order.qty, order.owner)
            for side in (BUY, SELL)
            for order in self._side(side)
        ]

    def queue_ahead(self, order_id):
        """Return the lots that stand before an order at its price; None when it is unknown."""
        if order_id not in self.live:
            return None
        order = self.live[order_id]
        queue = self.queues[order.side][order.price]
        return sum(ahead.qty for ahead in list(queue)[: queue.index(order)])

    def position(self, owner):
        """Return the owner's net fills: bought minus sold lots."""
        return self.positions[owner]

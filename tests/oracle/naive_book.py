"""A price-time book of dicts and deques, written from the rules and not from the kernel."""

from collections import deque
from dataclasses import dataclass

BUY, SELL = 0, 1


@dataclass(slots=True)
class Order:
    id: int
    owner: int
    side: int
    price: int
    qty: int


@dataclass(slots=True)
class Fill:
    maker_id: int
    maker: int
    price: int
    qty: int


class NaiveBook:
    """GTC, IOC and cancel under price-time priority; ids are given by the caller.

    Args:
        capacity: Orders that may rest at once; what finds no room is dropped. None: unlimited.
    """

    def __init__(self, capacity=None):
        self.queues = ({}, {})  # of each side: price -> deque of orders
        self.orders = {}
        self.capacity = capacity
        self.last = None

    def best(self, side):
        prices = self.queues[side]
        if not prices:
            return None
        return max(prices) if side == BUY else min(prices)

    def submit(self, order_id, owner, side, price, qty, ioc=False):
        """Return the fills; a rest stands in the book unless ``ioc`` or the book is full."""
        fills = []
        while qty > 0:
            best = self.best(1 - side)
            if best is None or (best > price if side == BUY else best < price):
                break
            queue = self.queues[1 - side][best]
            maker = queue[0]
            traded = min(qty, maker.qty)
            fills.append(Fill(maker.id, maker.owner, best, traded))
            self.last = best
            maker.qty -= traded
            qty -= traded
            if maker.qty == 0:
                queue.popleft()
                del self.orders[maker.id]
                if not queue:
                    del self.queues[1 - side][best]
        if qty > 0 and not ioc and not self.full:
            self.add(Order(order_id, owner, side, price, qty))
        return fills

    @property
    def full(self):
        return self.capacity is not None and len(self.orders) >= self.capacity

    def add(self, order):
        """Put an order behind the queue of its price."""
        self.orders[order.id] = order
        self.queues[order.side].setdefault(order.price, deque()).append(order)

    def cancel(self, order_id):
        """Return the quantity taken out; 0 when no such order rests."""
        order = self.orders.pop(order_id, None)
        if order is None:
            return 0
        queue = self.queues[order.side][order.price]
        queue.remove(order)
        if not queue:
            del self.queues[order.side][order.price]
        return order.qty

    def side(self, side):
        """Return ``[(price, [(id, qty, owner), ...]), ...]``, best price and oldest order first."""
        queues = self.queues[side]
        return [
            (price, [(order.id, order.qty, order.owner) for order in queues[price]])
            for price in sorted(queues, reverse=side == BUY)
        ]

    def both(self):
        return self.side(BUY), self.side(SELL)

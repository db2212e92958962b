"""Stand-alone books and their messages from literals."""

import numpy as np

from squeezegym import MESSAGE_DTYPE, OrderBook


def book(bids=(), asks=(), **settings):
    """Build a book from ``[(price, [qty, ...]), ...]`` a side; owner 9 stands behind it."""
    made = OrderBook(**{"price_range": (1, 4_000), "max_orders": 100, **settings})
    for side, levels in (("buy", bids), ("sell", asks)):
        for price, queue in levels:
            for qty in queue:
                made.submit(side, qty, price, owner=9)
    return made


def messages(*rows):
    """Build messages from ``(kind, order_id, side, price, qty, owner)`` tuples."""
    made = np.zeros(len(rows), MESSAGE_DTYPE)
    for i, row in enumerate(rows):
        for name, value in zip(
            ("kind", "order_id", "side", "price", "qty", "owner"), row, strict=True
        ):
            made[i][name] = value
    return made

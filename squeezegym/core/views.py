"""Reading a stand-alone book: its resting orders in priority, and a place in a queue."""

import numpy as np

from squeezegym._jit import entry, kernel
from squeezegym.codes import IS_CROSSED, NO_SLOT, ZERO
from squeezegym.core.desk import locate
from squeezegym.core.priority import first_order, follower
from squeezegym.core.window import CROSSED


@kernel
def write_order(order, row):
    """Copy what the public may know of an order."""
    row["order_id"] = order["id"]
    row["price"] = np.int64(order["price"])
    row["qty"] = np.int64(order["qty"])
    row["owner"] = order["owner"]
    row["side"] = np.uint32(order["side"])


@kernel
def write_side(book, side, depth, rows):
    """Write the orders of a side: those of its crossed list, then the best ``depth`` levels."""
    n = ZERO
    slot = book["waiting_head"][CROSSED + side]
    while slot != NO_SLOT:
        write_order(book["orders"][slot], rows[n])
        n += 1
        slot = book["orders"][slot]["next"]
    levels = ZERO
    price = np.int64(-1)
    slot = first_order(book, side)
    while slot != NO_SLOT:
        order = book["orders"][slot]
        if np.int64(order["price"]) != price:
            levels += 1
            if levels > depth:
                break
            price = np.int64(order["price"])
        write_order(order, rows[n])
        n += 1
        slot = follower(book, side, slot)
    return n


@kernel
def lots_ahead(book, slot):
    """Lots that stand before an order at its price."""
    order = book["orders"][slot]
    price = order["price"]
    side = np.int64(order["side"])
    total = ZERO
    before = order["prev"]
    while before != NO_SLOT and book["orders"][before]["price"] == price:
        total += np.int64(book["orders"][before]["qty"])
        before = book["orders"][before]["prev"]
    older = book["waiting_head"][CROSSED + side]
    if np.int64(order["flags"]) & IS_CROSSED != 0:
        older = NO_SLOT
    while older != NO_SLOT:
        if book["orders"][older]["price"] == price:
            total += np.int64(book["orders"][older]["qty"])
        older = book["orders"][older]["next"]
    return total


@entry(seconds=1, ahead="warmup book")
def list_orders(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def list_orders(desks, side, depth, rows):
        """Write the resting orders of one side of the first book.

        Returns:
            The rows written. Orders of the crossed list come first, whatever their price.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        return write_side(desks[0]["book"], side, depth, rows)

    return list_orders


@entry(seconds=1, ahead="warmup book")
def find_order(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def find_order(desks, order_id, rows):
        """Write a resting order of the first book to ``rows[0]``.

        Returns:
            The lots that stand before it at its price; -1 when no such order rests.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        slot = locate(desks[0], order_id)
        if slot == NO_SLOT:
            return np.int64(-1)
        write_order(desks[0]["book"]["orders"][slot], rows[0])
        return lots_ahead(desks[0]["book"], slot)

    return find_order

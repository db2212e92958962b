"""One limit order book: price-time priority on integer ticks and lots.

Price levels stand in a circular window (:mod:`squeezegym.core.levels`), beside it wait the orders
that it has no place for (:mod:`squeezegym.core.window`). Orders come from a fixed pool. What is
matched, and under which rules, is in :mod:`squeezegym.core.matching`.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    IS_CROSSED,
    IS_FAR,
    NO_ASK,
    NO_BID,
    NO_SLOT,
    STATE_OPEN,
)
from squeezegym.core.levels import append, detach, in_window
from squeezegym.core.window import join, leave, roll

SLOT_BITS = np.uint64(20)
SLOT_MASK = np.uint64((1 << 20) - 1)
NO_ORDER = np.uint64(0)
_WAITS = IS_FAR | IS_CROSSED


@kernel
def open_book(book, lowest, highest, base, rule):
    """Empty a book.

    Args:
        book: The book.
        lowest: Lowest price it accepts, ticks, at least 1.
        highest: Highest price it accepts, ticks, below NO_ASK.
        base: Lowest price of its window; the window rolls if the range does not fit in it.
        rule: Self-trade prevention, a code of ``SelfTrade``.
    """
    n_levels = book["levels"].shape[0]
    n_orders = book["orders"].shape[0]
    for place in range(n_levels):
        level = book["levels"][place]
        level["head"] = NO_SLOT
        level["tail"] = NO_SLOT
        level["qty"] = 0
    for slot in range(n_orders):
        order = book["orders"][slot]
        order["id"] = NO_ORDER
        order["qty"] = 0
        order["next"] = np.uint32(slot + 1) if slot + 1 < n_orders else NO_SLOT
    for number in range(4):
        book["waiting_head"][number] = NO_SLOT
        book["waiting_tail"][number] = NO_SLOT
    for side in range(2):
        book["top"][side] = 0
        for block in range(book["middle"].shape[1]):
            book["middle"][side, block] = 0
        for word in range(book["fine"].shape[1]):
            book["fine"][side, word] = 0
    book["best_bid"] = NO_BID
    book["best_ask"] = NO_ASK
    book["base"] = base
    book["lowest"] = lowest
    book["highest"] = highest
    book["free"] = 0
    book["live"] = 0
    book["last"] = 0
    book["sequence"] = 0
    book["expired"] = 0
    book["state"] = np.uint32(STATE_OPEN)
    book["self_trade"] = np.uint32(rule)


@kernel(inline=True)
def crosses(book, side, price):
    """Whether an order of ``side`` at ``price`` would trade with the ladder."""
    # Sides alternate at random: a selection is cheaper than a branch that is guessed wrong.
    bid = book["best_bid"]
    ask = book["best_ask"]
    ahead = price - ask
    below = bid - price
    return (ahead if side == BUY else below) >= 0


@kernel(inline=True)
def improves(book, side, price):
    """Whether ``price`` is better than the ladder's best of its own side."""
    bid = book["best_bid"]
    ask = book["best_ask"]
    above = price - bid
    below = ask - price
    return (above if side == BUY else below) > 0


@kernel(inline=True)
def next_id(book):
    """Id of the next order that rests, where the book chooses them: sequence and slot.

    A cancel that names it finds the order without a look-up, and a stale one is recognised.
    """
    return (book["sequence"] << SLOT_BITS) | (np.uint64(book["free"]) & SLOT_MASK)


@kernel(inline=True)
def claim(book, order_id, owner, side, flags):
    """Take the next free slot for an order; there must be one. Its place comes next."""
    slot = book["free"]
    order = book["orders"][slot]
    book["free"] = order["next"]
    book["live"] += np.uint32(1)
    order["id"] = order_id
    order["owner"] = np.uint32(owner)
    order["side"] = np.uint16(side)
    order["flags"] = np.uint16(flags)
    return slot


@kernel(inline=True)
def lead(book, side, price):
    """Make a price the best of its side, and bring it into the window."""
    if side == BUY:
        book["best_bid"] = price
    else:
        book["best_ask"] = price
    if not in_window(book, price):
        roll(book, price)


@kernel(inline=True)
def queue_up(book, slot, side, price, qty):
    """Put an order that does not cross the ladder behind the queue of its price."""
    order = book["orders"][slot]
    order["price"] = np.uint32(price)
    order["qty"] = np.uint32(qty)
    if improves(book, side, price):
        lead(book, side, price)
    if in_window(book, price):
        append(book, slot, side, price, qty)
    else:
        join(book, slot, side, book["waiting_head"][side], False)


@kernel(inline=True)
def stand(book, slot, side, price, qty):
    """Give an order its place: behind its price, or among the crossed orders of an auction."""
    if not crosses(book, side, price):
        queue_up(book, slot, side, price, qty)
        return
    order = book["orders"][slot]
    order["price"] = np.uint32(price)
    order["qty"] = np.uint32(qty)
    join(book, slot, side + 2, book["waiting_head"][side + 2], False)


@kernel(inline=True)
def find(book, order_id):
    """Return the slot of a resting order whose id the book chose, or NO_SLOT."""
    slot = np.int64(order_id & SLOT_MASK)
    if slot >= book["orders"].shape[0]:
        return NO_SLOT
    order = book["orders"][slot]
    if order["id"] != order_id or order["qty"] == 0:
        return NO_SLOT
    return np.uint32(slot)


@kernel(inline=True)
def unlink(book, slot):
    """Take a resting order out of its queue; it keeps its slot."""
    order = book["orders"][slot]
    side = np.int64(order["side"])
    if np.int64(order["flags"]) & _WAITS != 0:
        leave(book, slot, side)
    else:
        detach(book, slot, side, np.int64(order["price"]), np.int64(order["qty"]))


@kernel(inline=True)
def release(book, slot):
    """Give the slot of an unlinked order back to the pool."""
    order = book["orders"][slot]
    order["qty"] = 0
    order["next"] = book["free"]
    book["free"] = slot
    book["live"] -= np.uint32(1)


@kernel(inline=True)
def remove(book, slot):
    """Take a resting order out of the book.

    Returns:
        The open quantity it had, lots.
    """
    qty = np.int64(book["orders"][slot]["qty"])
    unlink(book, slot)
    release(book, slot)
    return qty


@kernel
def shrink(book, slot, qty):
    """Cut a resting order to ``qty`` lots, fewer than it has; it keeps its place."""
    order = book["orders"][slot]
    if np.int64(order["flags"]) & _WAITS == 0:
        place = np.int64(order["price"]) & np.int64(book["levels"].shape[0] - 1)
        book["levels"][place]["qty"] -= np.int64(order["qty"]) - qty
    order["qty"] = np.uint32(qty)


@kernel
def owned(book, owner, start):
    """Return the first slot at or behind ``start`` that holds an order of an owner, or NO_SLOT."""
    for slot in range(start, book["orders"].shape[0]):
        order = book["orders"][slot]
        if order["qty"] != 0 and np.int64(order["owner"]) == owner:
            return np.uint32(slot)
    return NO_SLOT

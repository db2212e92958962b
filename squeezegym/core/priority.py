"""The book read in priority: whose turn comes after whose, and how much an order would fill."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, CANCEL_OLDEST, IS_REDUCE_ONLY, NO_SLOT, ONE, SELL, ZERO
from squeezegym.core.levels import in_window, next_level


@kernel(inline=True)
def reducible(side, held):
    """Lots that an order of ``side`` may take off a signed position."""
    return max(ZERO, -held if side == BUY else held)


@kernel
def follower(book, side, slot):
    """Return the order behind ``slot`` in the priority of its side, or NO_SLOT."""
    order = book["orders"][slot]
    after = order["next"]
    if after != NO_SLOT:
        return after
    price = np.int64(order["price"])
    if not in_window(book, price):
        return NO_SLOT
    behind = next_level(book, side, price)
    if in_window(book, behind):
        return book["levels"][behind & np.int64(book["levels"].shape[0] - 1)]["head"]
    return book["waiting_head"][side]


@kernel
def first_order(book, side):
    """Return the order with the highest priority of a side, or NO_SLOT."""
    best = book["best_bid"] if side == BUY else book["best_ask"]
    if in_window(book, best):
        return book["levels"][best & np.int64(book["levels"].shape[0] - 1)]["head"]
    return book["waiting_head"][side]


@kernel
def fillable(book, owner, shun, side, limit, qty, positions):
    """Lots that an order would fill at once, counted up to ``qty``."""
    opposite = ONE - side
    stops = np.int64(book["self_trade"]) != CANCEL_OLDEST
    held = positions[owner]
    total = ZERO
    slot = first_order(book, opposite)
    while slot != NO_SLOT and total < qty:
        order = book["orders"][slot]
        price = np.int64(order["price"])
        if (side == BUY and price > limit) or (side == SELL and price < limit):
            break
        maker = np.int64(order["owner"])
        fills = np.int64(order["qty"])
        if maker == shun:
            if stops:
                break
            fills = ZERO
        elif np.int64(order["flags"]) & IS_REDUCE_ONLY != 0:
            if maker == owner:
                fills = min(fills, reducible(opposite, held))
            else:
                fills = allowance(book, opposite, slot, positions[maker])
        total += fills
        if maker != owner:
            held += fills if side == BUY else -fills
        slot = follower(book, opposite, slot)
    return min(total, qty)


@kernel
def allowance(book, side, slot, held):
    """Lots that a resting reduce-only order may fill once its owner's orders before it have.

    Args:
        book: The book.
        side: Its side.
        slot: The order.
        held: Its owner's signed position now, lots.
    """
    owner = book["orders"][slot]["owner"]
    current = first_order(book, side)
    while True:
        order = book["orders"][current]
        if order["owner"] == owner:
            fills = np.int64(order["qty"])
            if np.int64(order["flags"]) & IS_REDUCE_ONLY != 0:
                fills = min(fills, reducible(side, held))
            if current == slot:
                return fills
            held += fills if side == BUY else -fills
        current = follower(book, side, current)

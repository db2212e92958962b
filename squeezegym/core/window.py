"""Orders beside the ladder, in sorted lists, and the window that rolls with the touch.

Orders beyond the window wait in the far list of their side, best price first, and enter as the
window rolls, so price is never walled in. Orders that cross the ladder in an auction wait in the
crossed list of their side.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, IS_CROSSED, IS_FAR, NO_ASK, NO_BID, NO_SLOT, SELL
from squeezegym.core.ladder import next_occupied, previous_occupied, vacate
from squeezegym.core.levels import append, in_window

CROSSED = np.int64(2)  # list number of a side's crossed list, less the side
_MARKS = np.uint16(IS_FAR | IS_CROSSED)


@kernel
def join(book, slot, number, start, ahead):
    """Insert an order into a sorted list, behind (or ahead of) the orders that are as good.

    Args:
        book: The book.
        slot: The order.
        number: Which list: a side's far list (``side``) or crossed list (``CROSSED + side``).
        start: An order of the list, or its head, behind which the place is known to lie.
        ahead: Whether it goes before the orders of its own price.

    Returns:
        The slot, as a start for the next order that is no better.
    """
    order = book["orders"][slot]
    side = number & 1
    price = np.int64(order["price"])
    order["flags"] |= np.uint16(IS_FAR if number == side else IS_CROSSED)
    after = start
    before = NO_SLOT if after == NO_SLOT else book["orders"][after]["prev"]
    while after != NO_SLOT:
        other = np.int64(book["orders"][after]["price"])
        if (side == BUY and other < price) or (side == SELL and other > price):
            break
        if ahead and other == price:
            break
        before = after
        after = book["orders"][after]["next"]
    link(book, slot, number, before, after)
    return slot


@kernel
def link(book, slot, number, before, after):
    """Link an order between two neighbours of a sorted list."""
    order = book["orders"][slot]
    order["prev"] = before
    order["next"] = after
    if before == NO_SLOT:
        book["waiting_head"][number] = slot
    else:
        book["orders"][before]["next"] = slot
    if after == NO_SLOT:
        book["waiting_tail"][number] = slot
    else:
        book["orders"][after]["prev"] = slot


@kernel
def leave(book, slot, side):
    """Unlink an order from the list it waits in, and mend the best price if it was the best."""
    order = book["orders"][slot]
    number = side
    if np.int64(order["flags"]) & IS_CROSSED != 0:
        number = side + CROSSED
    before = order["prev"]
    after = order["next"]
    if before == NO_SLOT:
        book["waiting_head"][number] = after
    else:
        book["orders"][before]["next"] = after
    if after == NO_SLOT:
        book["waiting_tail"][number] = before
    else:
        book["orders"][after]["prev"] = before
    order["flags"] &= ~_MARKS
    if number == side and before == NO_SLOT and book["top"][side] == 0:
        if side == BUY:
            book["best_bid"] = NO_BID if after == NO_SLOT else book["orders"][after]["price"]
        else:
            book["best_ask"] = NO_ASK if after == NO_SLOT else book["orders"][after]["price"]


@kernel
def roll(book, price):
    """Centre the window on ``price``: levels that leave join the far lists, others enter."""
    n_levels = np.int64(book["levels"].shape[0])
    old = book["base"]
    new = price - n_levels // 2
    if new > old:
        _retire(book, BUY, old, min(new, old + n_levels) - 1)
    elif new < old:
        _retire(book, SELL, max(new + n_levels, old), old + n_levels - 1)
    book["base"] = new
    for side in range(2):
        _admit(book, np.int64(side))


@kernel(inline=True)
def rolls(book):
    """Whether the window is narrower than the price range, and so has to follow the touch."""
    return book["highest"] - book["lowest"] >= book["levels"].shape[0]


@kernel(inline=True)
def keep_centred(book):
    """Roll a window that :func:`rolls` once the touch has left its middle half."""
    quarter = np.int64(book["levels"].shape[0] // 4)
    bid = book["best_bid"]
    offset = bid - book["base"]
    # Asked after every message, so only what is rare is a call.
    if offset < quarter or offset >= 3 * quarter or bid == NO_BID:
        _centre(book)


@kernel
def _centre(book):
    if not rolls(book):
        return
    n_levels = np.int64(book["levels"].shape[0])
    touch = book["best_bid"]
    if touch == NO_BID:
        touch = book["best_ask"]
        if touch == NO_ASK:
            return
    offset = touch - book["base"]
    if offset < n_levels // 4 or offset >= n_levels - n_levels // 4:
        roll(book, touch)


@kernel
def _retire(book, side, low, high):
    """Move the orders of levels low..high, the farthest of the window, into the far list."""
    mask = np.int64(book["levels"].shape[0] - 1)
    place = (low if side == BUY else high) & mask
    left = high - low
    while True:
        found = _around(book, side, place)
        if found < 0:
            return
        left -= (found - place) & mask if side == BUY else (place - found) & mask
        if left < 0:
            return
        place = found
        level = book["levels"][place]
        slot = level["tail"]
        while slot != NO_SLOT:
            before = book["orders"][slot]["prev"]
            book["orders"][slot]["flags"] |= np.uint16(IS_FAR)
            link(book, slot, side, NO_SLOT, book["waiting_head"][side])
            slot = before
        level["head"] = NO_SLOT
        level["tail"] = NO_SLOT
        level["qty"] = 0
        vacate(book, side, place)


@kernel(inline=True)
def _around(book, side, place):
    """The occupied place of a side nearest to ``place`` on the way to the touch, or NOWHERE."""
    if side == BUY:
        found = next_occupied(book, BUY, place)
        return next_occupied(book, BUY, np.int64(0)) if found < 0 else found
    found = previous_occupied(book, SELL, place)
    last = np.int64(book["levels"].shape[0] - 1)
    return previous_occupied(book, SELL, last) if found < 0 else found


@kernel
def _admit(book, side):
    """Let the orders of the far list whose prices are now inside the window enter."""
    slot = book["waiting_head"][side]
    while slot != NO_SLOT:
        order = book["orders"][slot]
        price = np.int64(order["price"])
        if not in_window(book, price):
            break
        after = order["next"]
        book["waiting_head"][side] = after
        if after == NO_SLOT:
            book["waiting_tail"][side] = NO_SLOT
        else:
            book["orders"][after]["prev"] = NO_SLOT
        order["flags"] &= ~_MARKS
        append(book, slot, side, price, np.int64(order["qty"]))
        slot = after

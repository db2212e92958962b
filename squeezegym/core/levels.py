"""The price levels of a book: first-in-first-out queues in a circular window of prices.

A level stands at ``price & (levels - 1)``; each side marks the levels it occupies in the bitmaps
of :mod:`squeezegym.core.ladder`, so the best price behind another is found in three words.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, NO_ASK, NO_BID, NO_SLOT, SELL
from squeezegym.core.ladder import (
    next_occupied,
    occupy,
    previous_occupied,
    vacate,
    vacate_near,
)


@kernel(inline=True)
def in_window(book, price):
    """Whether a price stands on the ladder."""
    offset = price - book["base"]
    return offset >= 0 and offset < book["levels"].shape[0]


@kernel(early=True)
def beyond(book, side, price):
    """Return the best price of ``side`` at or behind ``price``, window and far list together.

    ``price`` must lie in the window and no better price of the side may be occupied.
    """
    mask = np.int64(book["levels"].shape[0] - 1)
    place = price & mask
    if side == SELL:
        if book["top"][SELL] != 0:
            found = next_occupied(book, SELL, place)
            if found < 0:
                found = next_occupied(book, SELL, np.int64(0))
            return price + ((found - place) & mask)
        slot = book["waiting_head"][SELL]
        return NO_ASK if slot == NO_SLOT else np.int64(book["orders"][slot]["price"])
    if book["top"][BUY] != 0:
        found = previous_occupied(book, BUY, place)
        if found < 0:
            found = previous_occupied(book, BUY, mask)
        return price - ((place - found) & mask)
    slot = book["waiting_head"][BUY]
    return NO_BID if slot == NO_SLOT else np.int64(book["orders"][slot]["price"])


@kernel(inline=True)
def give_way(book, side, price):
    """Vacate the best level of a side and make the next one the best, which is mostly near."""
    place = price & np.int64(book["levels"].shape[0] - 1)
    near = vacate_near(book, side, place, side == SELL)
    if near >= 0:
        best = price + near - place
    else:
        best = beyond(book, side, price)
    bid = book["best_bid"]
    ask = book["best_ask"]
    book["best_bid"] = best if side == BUY else bid
    book["best_ask"] = ask if side == BUY else best


@kernel
def next_level(book, side, price):
    """Return the next occupied price of the window behind an occupied one, NO_BID or NO_ASK.

    The search is circular: with nothing behind, it comes round to a price out of the window.
    """
    none = NO_ASK if side == SELL else NO_BID
    behind = price + 1 if side == SELL else price - 1
    if not in_window(book, behind):
        return none
    found = beyond(book, side, behind)
    return found if in_window(book, found) else none


@kernel(inline=True)
def append(book, slot, side, price, qty):
    """Link an order behind the queue of its level."""
    place = price & np.int64(book["levels"].shape[0] - 1)
    level = book["levels"][place]
    order = book["orders"][slot]
    tail = level["tail"]
    order["prev"] = tail
    order["next"] = NO_SLOT
    if tail == NO_SLOT:
        level["head"] = slot
        occupy(book, side, place)
    else:
        book["orders"][tail]["next"] = slot
    level["tail"] = slot
    level["qty"] += qty


@kernel
def prepend(book, slot, side, price, qty):
    """Link an order before the queue of its level."""
    place = price & np.int64(book["levels"].shape[0] - 1)
    level = book["levels"][place]
    order = book["orders"][slot]
    head = level["head"]
    order["prev"] = NO_SLOT
    order["next"] = head
    if head == NO_SLOT:
        level["tail"] = slot
        occupy(book, side, place)
    else:
        book["orders"][head]["prev"] = slot
    level["head"] = slot
    level["qty"] += qty


@kernel(inline=True)
def detach(book, slot, side, price, qty):
    """Unlink an order from its level, and mend the best price when the level is empty."""
    order = book["orders"][slot]
    place = price & np.int64(book["levels"].shape[0] - 1)
    level = book["levels"][place]
    before = order["prev"]
    after = order["next"]
    if before == NO_SLOT:
        level["head"] = after
    else:
        book["orders"][before]["next"] = after
    if after == NO_SLOT:
        level["tail"] = before
    else:
        book["orders"][after]["prev"] = before
    level["qty"] -= qty
    if level["head"] == NO_SLOT:
        vacate(book, side, place)
        if side == BUY:
            if price == book["best_bid"]:
                book["best_bid"] = beyond(book, BUY, price)
        elif price == book["best_ask"]:
            book["best_ask"] = beyond(book, SELL, price)

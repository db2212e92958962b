"""One limit order book: price-time priority on integer ticks and lots.

Price levels stand in a circular window (``price & (levels - 1)``) that rolls with the touch;
orders beyond it wait in a sorted list by side, bids below and asks above, and enter as it
rolls, so price is never walled in. Orders come from a fixed pool; a resting order's id holds
its slot and a sequence number, so a cancel is one look-up and a stale id is recognised.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, NO_ASK, NO_BID, NO_SLOT, ONE, SELL
from squeezegym.core.ladder import next_occupied, occupy, previous_occupied, vacate

SLOT_BITS = np.uint64(20)
SLOT_MASK = np.uint64((1 << 20) - 1)
NO_ORDER = np.uint64(0)


@kernel
def open_book(book, price):
    """Empty a book and centre its window on ``price``."""
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
        order["next"] = np.uint32(slot + 1) if slot + 1 < n_orders else NO_SLOT
    for side in range(2):
        book["far_head"][side] = NO_SLOT
        book["far_tail"][side] = NO_SLOT
        book["top"][side] = 0
        for block in range(book["middle"].shape[1]):
            book["middle"][side, block] = 0
        for word in range(book["fine"].shape[1]):
            book["fine"][side, word] = 0
    book["best_bid"] = NO_BID
    book["best_ask"] = NO_ASK
    book["base"] = price - n_levels // 2
    book["sequence"] = 0
    book["free"] = 0
    book["live"] = 0
    book["n_fills"] = 0
    book["last"] = price


@kernel(inline=True)
def in_window(book, price):
    """Whether a price stands on the ladder."""
    offset = price - book["base"]
    return offset >= 0 and offset < book["levels"].shape[0]


@kernel
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
        slot = book["far_head"][SELL]
        return NO_ASK if slot == NO_SLOT else np.int64(book["orders"][slot]["price"])
    if book["top"][BUY] != 0:
        found = previous_occupied(book, BUY, place)
        if found < 0:
            found = previous_occupied(book, BUY, mask)
        return price - ((place - found) & mask)
    slot = book["far_head"][BUY]
    return NO_BID if slot == NO_SLOT else np.int64(book["orders"][slot]["price"])


@kernel(inline=True)
def match(book, side, limit, qty):  # noqa: C901  (the hot loop stays in one place)
    """Fill an incoming order against the other side, best price first, oldest order first.

    Fills are appended to ``book["fills"]``; when that table is full the match pauses, to be
    called again once the caller has settled and emptied it.

    Args:
        book: The book.
        side: Side of the incoming order.
        limit: Worst acceptable price, ticks.
        qty: Quantity to fill, lots.

    Returns:
        The quantity left.
    """
    opposite = ONE - side
    n_fills = book["n_fills"]
    capacity = np.int64(book["fills"].shape[0])
    mask = np.int64(book["levels"].shape[0] - 1)
    while qty > 0 and n_fills < capacity:
        if side == BUY:
            best = book["best_ask"]
            if best > limit:
                break
        else:
            best = book["best_bid"]
            if best < limit:
                break
        if not in_window(book, best):
            roll(book, best)
        level = book["levels"][best & mask]
        slot = level["head"]
        level_qty = level["qty"]
        while True:
            order = book["orders"][slot]
            open_qty = np.int64(order["qty"])
            filled = qty if qty < open_qty else open_qty
            fill = book["fills"][n_fills]
            n_fills += 1
            fill["maker_id"] = order["id"]
            fill["price"] = order["price"]
            fill["qty"] = np.uint32(filled)
            fill["maker"] = order["owner"]
            qty -= filled
            level_qty -= filled
            if filled < open_qty:
                order["qty"] = np.uint32(open_qty - filled)
                fill["done"] = 0
                break
            fill["done"] = 1
            after = order["next"]
            order["id"] = NO_ORDER
            order["next"] = book["free"]
            book["free"] = slot
            book["live"] -= np.uint32(1)
            slot = after
            if qty == 0 or slot == NO_SLOT or n_fills >= capacity:
                break
        level["head"] = slot
        level["qty"] = level_qty
        if slot != NO_SLOT:
            book["orders"][slot]["prev"] = NO_SLOT
        else:
            level["tail"] = NO_SLOT
            vacate(book, opposite, best & mask)
            if side == BUY:
                book["best_ask"] = beyond(book, SELL, best)
            else:
                book["best_bid"] = beyond(book, BUY, best)
        book["last"] = best
    book["n_fills"] = n_fills
    return qty


@kernel(inline=True)
def rest(book, owner, side, price, qty):
    """Put an order behind its price level; it must not cross.

    Returns:
        The order's id, or NO_ORDER when every slot is taken.
    """
    slot = book["free"]
    if slot == NO_SLOT:
        return NO_ORDER
    order = book["orders"][slot]
    book["free"] = order["next"]
    book["live"] += np.uint32(1)
    book["sequence"] += np.uint64(1)
    order_id = (book["sequence"] << SLOT_BITS) | np.uint64(slot)
    order["id"] = order_id
    order["price"] = np.uint32(price)
    order["qty"] = np.uint32(qty)
    order["owner"] = np.uint32(owner)
    order["side"] = np.uint8(side)
    if side == BUY:
        if price > book["best_bid"]:
            book["best_bid"] = price
            if not in_window(book, price):
                roll(book, price)
    elif price < book["best_ask"]:
        book["best_ask"] = price
        if not in_window(book, price):
            roll(book, price)
    if in_window(book, price):
        append(book, slot, side, price, qty)
    else:
        join_far(book, slot, side, price)
    return order_id


@kernel
def append(book, slot, side, price, qty):
    """Link an order behind the queue of its level."""
    place = price & np.int64(book["levels"].shape[0] - 1)
    level = book["levels"][place]
    order = book["orders"][slot]
    tail = level["tail"]
    order["far"] = 0
    order["prev"] = tail
    order["next"] = NO_SLOT
    if tail == NO_SLOT:
        level["head"] = slot
        occupy(book, side, place)
    else:
        book["orders"][tail]["next"] = slot
    level["tail"] = slot
    level["qty"] += qty


@kernel(inline=True)
def find(book, order_id):
    """Return the slot of a resting order, or NO_SLOT if the id is not live."""
    slot = np.int64(order_id & SLOT_MASK)
    if order_id == NO_ORDER or slot >= book["orders"].shape[0]:
        return NO_SLOT
    if book["orders"][slot]["id"] != order_id:
        return NO_SLOT
    return np.uint32(slot)


@kernel(inline=True)
def remove(book, slot):
    """Take a resting order out of the book.

    Returns:
        The open quantity it had, lots.
    """
    order = book["orders"][slot]
    qty = np.int64(order["qty"])
    side = np.int64(order["side"])
    price = np.int64(order["price"])
    if order["far"] != 0:
        leave_far(book, slot, side)
    else:
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
    order["id"] = NO_ORDER
    order["next"] = book["free"]
    book["free"] = slot
    book["live"] -= np.uint32(1)
    return qty


@kernel
def join_far(book, slot, side, price):
    """Insert an order into the list beyond the window, behind every order as good or better."""
    order = book["orders"][slot]
    order["far"] = 1
    after = book["far_head"][side]
    before = NO_SLOT
    while after != NO_SLOT:
        other = np.int64(book["orders"][after]["price"])
        if (side == BUY and other < price) or (side == SELL and other > price):
            break
        before = after
        after = book["orders"][after]["next"]
    link_far(book, slot, side, before, after)


@kernel
def link_far(book, slot, side, before, after):
    """Link an order between two neighbours of the far list."""
    order = book["orders"][slot]
    order["prev"] = before
    order["next"] = after
    if before == NO_SLOT:
        book["far_head"][side] = slot
    else:
        book["orders"][before]["next"] = slot
    if after == NO_SLOT:
        book["far_tail"][side] = slot
    else:
        book["orders"][after]["prev"] = slot


@kernel
def leave_far(book, slot, side):
    """Unlink an order from the far list and mend the best price if it was the best."""
    order = book["orders"][slot]
    before = order["prev"]
    after = order["next"]
    if before == NO_SLOT:
        book["far_head"][side] = after
    else:
        book["orders"][before]["next"] = after
    if after == NO_SLOT:
        book["far_tail"][side] = before
    else:
        book["orders"][after]["prev"] = before
    if before == NO_SLOT and book["top"][side] == 0:
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


@kernel
def keep_centred(book):
    """Roll once the touch has left the middle half of the window."""
    touch = book["best_bid"]
    if touch == NO_BID:
        touch = book["best_ask"]
        if touch == NO_ASK:
            return
    n_levels = np.int64(book["levels"].shape[0])
    offset = touch - book["base"]
    if offset < n_levels // 4 or offset >= n_levels - n_levels // 4:
        roll(book, touch)


@kernel
def _retire(book, side, low, high):
    """Move the orders of levels low..high, the farthest of the window, into the far list."""
    mask = np.int64(book["levels"].shape[0] - 1)
    for step in range(high - low + 1):
        price = low + step if side == BUY else high - step
        place = price & mask
        level = book["levels"][place]
        slot = level["tail"]
        if slot == NO_SLOT:
            continue
        while slot != NO_SLOT:
            before = book["orders"][slot]["prev"]
            book["orders"][slot]["far"] = 1
            link_far(book, slot, side, NO_SLOT, book["far_head"][side])
            slot = before
        level["head"] = NO_SLOT
        level["tail"] = NO_SLOT
        level["qty"] = 0
        vacate(book, side, place)


@kernel
def _admit(book, side):
    """Let the orders of the far list whose prices are now inside the window enter."""
    slot = book["far_head"][side]
    while slot != NO_SLOT:
        order = book["orders"][slot]
        price = np.int64(order["price"])
        if not in_window(book, price):
            break
        after = order["next"]
        book["far_head"][side] = after
        if after == NO_SLOT:
            book["far_tail"][side] = NO_SLOT
        else:
            book["orders"][after]["prev"] = NO_SLOT
        append(book, slot, side, price, np.int64(order["qty"]))
        slot = after

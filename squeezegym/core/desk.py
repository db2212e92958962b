"""The ledger of a stand-alone book: tape, positions of its owners, ids of its orders."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, NO_OWNER, NO_SLOT, ZERO
from squeezegym.core.book import crosses, find, open_book
from squeezegym.core.matching import head_against, matcher, resolve, shunned
from squeezegym.core.orderids import forget, look_up, remember


@kernel
def open_desk(desk):
    """Open the book of a desk as its fields say; ``max_orders`` ends the free list early."""
    lowest = desk["lowest"]
    highest = desk["highest"]
    book = desk["book"]
    open_book(book, lowest, highest, lowest, desk["rule"])
    book["orders"][desk["max_orders"] - 1]["next"] = NO_SLOT
    desk["is_open"] = 1


@kernel(inline=True)
def shun_of(book, owner):
    """Owner that an order may not trade with; owner 0 is nobody in particular."""
    return NO_OWNER if owner == 0 else shunned(book, owner)


@kernel(inline=True)
def print_fill(ledger, maker, price, qty, done):
    """Write a fill to the tape; settle the maker's position, and forget its id when it is done."""
    desk, by_id, tape, index, taker_id, taker, side = ledger
    n = desk["n_tape"]
    row = tape[n]
    row["message"] = index
    row["taker_id"] = taker_id
    row["maker_id"] = maker["id"]
    row["price"] = price
    row["qty"] = qty
    row["taker_owner"] = np.uint32(taker)
    row["maker_owner"] = maker["owner"]
    desk["n_tape"] = n + 1
    desk["positions"][np.int64(maker["owner"])] -= qty if side == BUY else -qty
    if done and by_id:
        forget(desk, maker)


match = matcher(print_fill)


@kernel(inline=True)
def sweep(ledger, limit, qty):
    """Match an order as far as it goes.

    Args:
        ledger: ``(desk, by_id, tape, index, taker_id, owner, side)``: whether senders choose the
            ids, where fills are written, the number of the message, and whose it is.
        limit: Worst acceptable price, ticks.
        qty: Lots.

    Returns:
        ``(left, prevented, withdrawn)``: lots left, lots taken out by self-trade prevention,
        makers of the same owner withdrawn or cut.
    """
    desk, _, _, _, _, owner, side = ledger
    book = desk["book"]
    left = match(book, side, limit, qty, shun_of(book, owner), NO_SLOT, ledger)
    desk["positions"][owner] += qty - left if side == BUY else left - qty
    if left == 0 or not crosses(book, side, limit):
        return left, ZERO, ZERO
    return sweep_on(ledger, limit, left)


@kernel
def sweep_on(ledger, limit, left):
    """Go on with a match that has paused; arguments and result as of :func:`sweep`."""
    desk, by_id, _, _, _, owner, side = ledger
    book = desk["book"]
    shun = shun_of(book, owner)
    prevented = ZERO
    withdrawn = ZERO
    while left > 0 and crosses(book, side, limit):
        slot = head_against(book, side)
        maker = book["orders"][slot]
        left, exempt, cut, gone = resolve(book, side, slot, left, shun, desk["positions"])
        if maker["qty"] == 0 and by_id:
            forget(desk, maker)
        prevented += cut
        withdrawn += gone
        before = left
        left = match(book, side, limit, left, shun, exempt, ledger)
        desk["positions"][owner] += before - left if side == BUY else left - before
    return left, prevented, withdrawn


@kernel
def rename_taker(desk, tape, start, order_id):
    """Give the rows of a taker the id under which its rest stands in the book."""
    for i in range(start, desk["n_tape"]):
        tape[i]["taker_id"] = order_id


@kernel(inline=True)
def locate(desk, order_id):
    """Slot of a live order by the sender's id, or by the book's own where it chooses the ids."""
    book = desk["book"]
    if desk["by_id"] != 0:
        return look_up(desk, order_id)
    return find(book, order_id)


@kernel(inline=True)
def acknowledge(receipt, order_id, status, filled, resting, withdrawn):
    """Write a receipt."""
    receipt["order_id"] = order_id
    receipt["filled"] = filled
    receipt["resting"] = resting
    receipt["status"] = np.uint32(status)
    receipt["withdrawn"] = np.uint32(withdrawn)


@kernel(inline=True)
def answer(desk, receipt, order_id, status, filled, resting, withdrawn):
    """Write a receipt and count its status."""
    acknowledge(receipt, order_id, status, filled, resting, withdrawn)
    desk["counts"][status] += 1


@kernel(inline=True)
def note(desk, order_id, slot):
    """Note where a new order stands, for the messages that will name it by its sender's id."""
    remember(desk, order_id, slot)
    desk["top_id"] = max(desk["top_id"], np.int64(order_id))

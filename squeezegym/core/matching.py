"""Matching: what may enter a book, whom it trades with, and the rules that get in between.

An order is taken in steps: :func:`refusal` and :func:`obstacle` say whether it may enter; then the
match that :func:`matcher` builds around the caller's settlement, and again after each
:func:`resolve` of the maker before which it paused, until nothing is left or nothing crosses; then
:func:`outcome`. ``positions`` are the signed lots of each owner, for reduce-only orders.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    CANCEL_BOTH,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    DECREMENT,
    FOK,
    GTC,
    IS_POST_ONLY,
    IS_REDUCE_ONLY,
    MAX_QTY,
    NO_OWNER,
    NO_SLOT,
    ONE,
    SELL,
    STATE_AUCTION,
    STATE_CANCEL_ONLY,
    STATE_HALTED,
    STATE_OPEN,
    ZERO,
)
from squeezegym.core.book import crosses, remove, shrink
from squeezegym.core.levels import give_way, in_window
from squeezegym.core.priority import fillable, reducible
from squeezegym.core.window import CROSSED, roll
from squeezegym.statuses import (
    ACCEPTED,
    AUCTION,
    BAD_MESSAGE,
    BAD_QUANTITY,
    CANCEL_ONLY,
    CANCELLED,
    FILLED,
    FOK_UNFILLED,
    HALTED,
    PARTIALLY_FILLED,
    PRICE_OUT_OF_RANGE,
    REDUCE_ONLY,
    RESTING,
    SELF_TRADE,
    WOULD_CROSS,
)

_ALLOW = np.uint32(0)


@kernel(inline=True)
def refusal(book, side, price, qty, tif, flags):
    """Return why an order may not enter the book whatever stands in it, or ACCEPTED.

    Args:
        book: The book.
        side: BUY or SELL.
        price: Limit, ticks; 0 for a market order.
        qty: Lots.
        tif: GTC, IOC or FOK.
        flags: Bits of ``OrderFlag``.
    """
    if (
        np.int64(book["state"]) != STATE_OPEN
        or side > SELL
        or tif > FOK
        or flags != 0
        or (price < book["lowest"] and price != 0)
        or price > book["highest"]
        or qty < 1
        or qty > MAX_QTY
    ):
        return reason(book, side, price, qty, tif, flags)
    return ACCEPTED


@kernel
def reason(book, side, price, qty, tif, flags):
    """Return why an order may not enter, in the order of precedence, or ACCEPTED."""
    state = np.int64(book["state"])
    if state == STATE_HALTED:
        return HALTED
    if state == STATE_CANCEL_ONLY:
        return CANCEL_ONLY
    if side > SELL or tif > FOK or flags > IS_POST_ONLY | IS_REDUCE_ONLY:
        return BAD_MESSAGE
    if flags & IS_POST_ONLY != 0 and (tif != GTC or price == 0):
        return BAD_MESSAGE
    if state == STATE_AUCTION and (tif != GTC or price == 0):
        return AUCTION
    return misfit(book, price, qty)


@kernel
def misfit(book, price, qty):
    """Return why a book cannot hold a quantity or a price (0 is none), or ACCEPTED."""
    if qty < 1 or qty > MAX_QTY:
        return BAD_QUANTITY
    if price != 0 and (price < book["lowest"] or price > book["highest"]):
        return PRICE_OUT_OF_RANGE
    return ACCEPTED


@kernel
def obstacle(book, owner, shun, side, price, qty, tif, flags, positions):
    """Return why what stands in the book forbids an order, and the quantity that may enter.

    Returns:
        ``(status, qty)``: ACCEPTED or WOULD_CROSS, FOK_UNFILLED, REDUCE_ONLY; a reduce-only
        order's quantity is cut to its owner's position.
    """
    if flags & IS_REDUCE_ONLY != 0:
        qty = min(qty, reducible(side, positions[owner]))
        if qty == 0:
            return REDUCE_ONLY, qty
    if flags & IS_POST_ONLY != 0 and would_cross(book, side, price):
        return WOULD_CROSS, qty
    if tif == FOK:
        limit = limit_of(book, side, price)
        if fillable(book, owner, shun, side, limit, qty, positions) < qty:
            return FOK_UNFILLED, qty
    return ACCEPTED, qty


@kernel(inline=True)
def limit_of(book, side, price):
    """Worst price that an order accepts: its limit, or the end of the range."""
    if price != 0:
        return price
    return book["highest"] if side == BUY else book["lowest"]


@kernel
def would_cross(book, side, price):
    """Whether an order would trade with what stands on the other side, crossed orders included."""
    if crosses(book, side, price):
        return True
    slot = book["waiting_head"][CROSSED + ONE - side]
    if slot == NO_SLOT:
        return False
    best = np.int64(book["orders"][slot]["price"])
    return price >= best if side == BUY else price <= best


@kernel(inline=True)
def trades_at_once(book, side, limit):
    """Whether an accepted order meets the other side now: it crosses, and it is no auction."""
    return crosses(book, side, limit) and np.int64(book["state"]) != STATE_AUCTION


@kernel(inline=True)
def outcome(price, tif, qty, left, prevented):
    """Tell how the matching of an order ended.

    Args:
        price: Limit, ticks; 0 for a market order.
        tif: GTC, IOC or FOK.
        qty: Lots that entered.
        left: Lots that nothing has been done about.
        prevented: Lots that self-trade prevention took out.

    Returns:
        ``(status, filled, rest)``: the caller must let ``rest`` lots rest.
    """
    filled = qty - left - prevented
    if left == 0:
        return FILLED if prevented == 0 else SELF_TRADE, filled, ZERO
    if tif == GTC and price != 0:
        return RESTING if filled == 0 else PARTIALLY_FILLED, filled, left
    return CANCELLED if prevented == 0 else SELF_TRADE, filled, ZERO


@kernel(inline=True)
def shunned(book, owner):
    """Owner that an order may not trade with: its own, unless the book allows it."""
    return NO_OWNER if book["self_trade"] == _ALLOW else owner


def matcher(settle):
    """Build the matching loop around a settlement.

    Args:
        settle: Kernel ``settle(ledger, order, price, qty, done)`` that is told every fill as it
            happens: the maker's record, ticks, lots, whether nothing is left of the maker.

    Returns:
        The kernel ``match(book, side, limit, qty, shun, exempt, ledger)``.
    """

    @kernel(inline=True)
    def match(book, side, limit, qty, shun, exempt, ledger):
        """Fill an incoming order against the other side, best price first, oldest order first.

        It pauses before a maker that asks for :func:`resolve`: one of the shunned owner, or a
        reduce-only one.

        Args:
            book: The book.
            side: Side of the incoming order.
            limit: Worst acceptable price, ticks.
            qty: Quantity to fill, lots.
            shun: Owner not to trade with, or NO_OWNER.
            exempt: Slot of a reduce-only maker that has been cut already, or NO_SLOT.
            ledger: What ``settle`` needs.

        Returns:
            The quantity left.
        """
        opposite = ONE - side
        mask = np.int64(book["levels"].shape[0] - 1)
        going = True
        while going and qty > 0:
            if not crosses(book, side, limit):
                break
            bid = book["best_bid"]
            ask = book["best_ask"]
            best = ask if side == BUY else bid
            if not in_window(book, best):
                roll(book, best)
            level = book["levels"][best & mask]
            slot = level["head"]
            level_qty = level["qty"]
            while True:
                order = book["orders"][slot]
                if np.int64(order["owner"]) == shun or (
                    np.int64(order["flags"]) & IS_REDUCE_ONLY != 0 and slot != exempt
                ):
                    going = False
                    break
                open_qty = np.int64(order["qty"])
                filled = qty if qty < open_qty else open_qty
                qty -= filled
                level_qty -= filled
                order["qty"] = np.uint32(open_qty - filled)
                book["last"] = best
                done = filled == open_qty
                settle(ledger, order, best, filled, done)
                if not done:
                    break
                after = order["next"]
                order["next"] = book["free"]
                book["free"] = slot
                book["live"] -= np.uint32(1)
                slot = after
                if qty == 0 or slot == NO_SLOT:
                    break
            level["head"] = slot
            level["qty"] = level_qty
            if slot != NO_SLOT:
                book["orders"][slot]["prev"] = NO_SLOT
            else:
                level["tail"] = NO_SLOT
                give_way(book, opposite, best)
        return qty

    return match


@kernel(inline=True)
def head_against(book, side):
    """The maker that an order of ``side`` would meet first; there must be one in the window."""
    best = book["best_ask"] if side == BUY else book["best_bid"]
    return book["levels"][best & np.int64(book["levels"].shape[0] - 1)]["head"]


@kernel
def resolve(book, side, slot, left, shun, positions):
    """Deal with the maker before which a match paused, by rule of self-trade or reduce-only.

    A maker that is withdrawn by it has 0 lots afterwards.

    Args:
        book: The book.
        side: Side of the incoming order.
        slot: The maker.
        left: Lots of the incoming order still to match.
        shun: Owner that the incoming order does not trade with.
        positions: Signed lots of each owner.

    Returns:
        ``(left, exempt, prevented, withdrawn)``: lots still to match, the maker that may now be
        matched, lots of the incoming order taken out, makers of its owner withdrawn or cut.
    """
    order = book["orders"][slot]
    owner = np.int64(order["owner"])
    if owner == shun:
        return prevent(book, slot, left)
    open_qty = np.int64(order["qty"])
    allowed = min(open_qty, reducible(ONE - side, positions[owner]))
    if allowed < open_qty:
        book["expired"] += 1
        cut_maker(book, slot, open_qty - allowed)
    return left, slot, ZERO, ZERO


@kernel
def prevent(book, slot, left):
    """Apply self-trade prevention to an incoming order and the maker it met.

    Returns:
        As :func:`resolve`.
    """
    rule = np.int64(book["self_trade"])
    if rule == CANCEL_NEWEST:
        return ZERO, NO_SLOT, left, ZERO
    open_qty = np.int64(book["orders"][slot]["qty"])
    cut = min(left, open_qty) if rule == DECREMENT else open_qty
    cut_maker(book, slot, cut)
    if rule == CANCEL_OLDEST:
        return left, NO_SLOT, ZERO, ONE
    if rule == CANCEL_BOTH:
        return ZERO, NO_SLOT, left, ONE
    return left - cut, NO_SLOT, cut, ONE


@kernel
def cut_maker(book, slot, qty):
    """Take lots off a resting order; it leaves when none are left."""
    open_qty = np.int64(book["orders"][slot]["qty"])
    if qty == open_qty:
        remove(book, slot)
    else:
        shrink(book, slot, open_qty - qty)

"""Messages for the slots of makers and noise: what stands there goes, another order comes."""

from squeezegym._jit import kernel
from squeezegym.codes import BUY, GTC, IS_POST_ONLY, MAKER, ZERO
from squeezegym.core.book import NO_ORDER
from squeezegym.core.exchange import place, withdraw
from squeezegym.core.fifo import PENDING, join_line
from squeezegym.gatewaycodes import SLOT


@kernel(early=True)
def fill_slot(market, params, venue, owner, side, price, qty, standing, slot, waits):
    """Cancel what stands in a slot, put another order there; 0 lots: only cancel.

    Before a busy engine the message ``waits``, and the slot is PENDING until its turn. A maker's
    quote is then post-only, for it may find the touch moved.
    """
    order_id = standing
    if not waits:
        order_id = put_in_slot(market, params, venue, owner, side, price, qty, ZERO, standing)
    else:
        flags = IS_POST_ONLY if owner == MAKER else ZERO
        if join_line(
            market, params, SLOT, venue, owner, side, price, qty, GTC, flags, standing, slot
        ):
            order_id = PENDING
    if owner == MAKER:
        market["quotes"][venue, side, slot] = order_id
    else:
        market["noise"][venue, slot] = order_id


@kernel
def put_in_slot(market, params, venue, owner, side, price, qty, flags, standing):
    """Match the message of :func:`fill_slot`; returns the id of the order that rests.

    A post-only quote that would trade stands a tick behind the other side instead. Source: Deribit,
    API documentation, ``post_only`` without ``reject_post_only`` (2026-09).
    """
    if standing != NO_ORDER:
        withdraw(market, params, venue, standing)
    order_id = NO_ORDER
    if qty > 0:
        if flags & IS_POST_ONLY != 0:
            book = market["books"][venue]
            price = (
                min(price, book["best_ask"] - 1)
                if side == BUY
                else max(price, book["best_bid"] + 1)
            )
        _, order_id = place(market, params, venue, owner, side, price, qty, GTC, flags)
    return order_id

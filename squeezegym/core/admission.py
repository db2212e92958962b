"""What the venue's protection asks of an order: its price bands, its restrictions on opening."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    ACCEPTED,
    BEYOND_BAND,
    BUY,
    BUY_RESTRICTED,
    BUYING_RESTRICTED,
    FIRST_HOLDER,
    FOLLOWER,
    GTC,
    IS_FORCED,
    LEARNER,
    PERP,
    SHORT_BANNED,
    SHORTING_BANNED,
    SNIPER,
    STATE_AUCTION,
    ZERO,
)

_RESTRICTIONS = BUYING_RESTRICTED | SHORTING_BANNED


@kernel
def admission(market, params, venue, owner, side, price, qty, tif, flags):
    """Return why protection refuses an order on the guarded book, and the limit it may trade at.

    A limit order beyond the band is refused; what trades at once trades up to the band. Forced
    orders keep to the bands but not to the restrictions, and an auction has no bands.

    Args:
        market: The market record.
        params: Its parameters.
        venue: The guarded book.
        owner: Account slot.
        side: BUY or SELL.
        price: Limit, ticks; 0 for a market order.
        qty: Lots.
        tif: GTC, IOC or FOK.
        flags: Bits of ``OrderFlag``.

    Returns:
        ``(status, price)``.
    """
    state = market["protection"]
    if flags & IS_FORCED == 0 and state["measures"] & _RESTRICTIONS != 0:
        status = _restriction(market, params, venue, owner, side, qty)
        if status != ACCEPTED:
            return status, price
    book_state = np.int64(market["books"][venue]["state"])
    if params["protection"]["limits"] == 0 or book_state == STATE_AUCTION:
        return ACCEPTED, price
    band = state["upper"] if side == BUY else state["lower"]
    if price != 0 and (price <= band if side == BUY else price >= band):
        return ACCEPTED, price
    if tif == GTC and price != 0:
        return BEYOND_BAND, price
    return ACCEPTED, band


@kernel
def _restriction(market, params, venue, owner, side, qty):
    """Return why an owner may not open or enlarge a position of this side, or ACCEPTED.

    Buying is restricted for retail: those whom FOMO reaches, the learner, followers. Source:
    brokers' "position closing only" of 2021-01-28. A short ban holds for all but pools that make
    markets or stand for many traders. Source: SEC emergency order of 2008-09-18, which exempted
    market makers.
    """
    rules = params["protection"]
    measures = market["protection"]["measures"]
    account = market["accounts"][owner]
    held = account["perp"] if venue == PERP else account["spot"] - market["holders"][owner]["debt"]
    individual = owner >= FIRST_HOLDER
    if owner == LEARNER:
        individual = rules["learner"] != 0
    if side == BUY:
        fomo = params["fomo"]
        retail = owner == FOLLOWER and rules["followers"] != 0
        if individual:
            retail = owner == LEARNER or (fomo["accounts"] > 0 and owner >= fomo["first"])
        barred = measures & BUYING_RESTRICTED != 0 and retail and held + qty > max(held, ZERO)
        return BUY_RESTRICTED if barred and held + qty > 0 else ACCEPTED
    trades = individual or owner == FOLLOWER or owner == SNIPER
    barred = measures & SHORTING_BANNED != 0 and trades and held - qty < 0
    return SHORT_BANNED if barred else ACCEPTED


@kernel(inline=True)
def banded(market, params, venue, side, price):
    """Hold a limit within the bands of the guarded book: makers know where it may stand."""
    state = market["protection"]
    if state["guarded"] != venue + 1 or params["protection"]["limits"] == 0:
        return price
    return min(price, state["upper"]) if side == BUY else max(price, state["lower"])


@kernel
def note_print(market, params, price):
    """Take a trade into the window of the reference price: one a message, at its last price."""
    state = market["protection"]
    part = market["clock"]["now"] // params["protection"]["part"]
    place = part % np.int64(state["part"].shape[0])
    if state["part"][place] != part:
        state["part"][place] = part
        state["prints"][place] = 0
        state["total"][place] = 0
    state["prints"][place] += 1
    state["total"][place] += price


@kernel
def mean_print(market, params):
    """Mean price of the trades in the window, ticks, to a tenth of its length; 0 without any."""
    state = market["protection"]
    n = np.int64(state["part"].shape[0])
    oldest = market["clock"]["now"] // params["protection"]["part"] - n
    total = ZERO
    prints = ZERO
    for i in range(n):
        if state["part"][i] > oldest:
            total += state["total"][i]
            prints += state["prints"][i]
    if prints == 0:
        return ZERO
    return np.int64(math.floor(np.float64(total) / np.float64(prints) + 0.5))

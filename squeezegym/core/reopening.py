"""The auction that ends a pause: the uncross of a market's book, settled into its accounts."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    CATALYST,
    IS_AT_OPEN,
    IS_REDUCE_ONLY,
    KIND_LEARNER,
    NO_SLOT,
    NOISE,
    ONE,
    PERP,
    RATE_ONE,
    SELL,
    ZERO,
)
from squeezegym.codes import VENUE as VENUE_ACCOUNT
from squeezegym.core.accounts import exchange_lots, transfer
from squeezegym.core.arithmetic import mul_div_up
from squeezegym.core.auction import clearing_price, gather, price_at, rejoin
from squeezegym.core.book import remove
from squeezegym.core.eventlog import LOG_UNCROSS, log_protection
from squeezegym.core.exchange import count_learner
from squeezegym.core.fills import AUCTIONED, remember
from squeezegym.core.matching import cut_maker
from squeezegym.core.priority import reducible
from squeezegym.core.seats import tell
from squeezegym.core.triggers import move_trigger
from squeezegym.core.window import CROSSED, keep_centred


@kernel
def uncross_book(market, params, venue, reference):
    """Trade what crosses at one price, cancel what was for the auction alone, mend the ladder.

    Both sides pay the maker fee: nobody takes.

    Returns:
        The auction price, ticks; 0 when nothing crossed.
    """
    book = market["books"][venue]
    first = ZERO
    volume = ZERO
    while gather(book):
        price, _ = clearing_price(book, reference)
        if first == 0:
            first = price
        volume += _trade_at(market, params, venue, price)
    for side in range(2):
        rejoin(book, np.int64(side))
    expel_waiting(market, venue)
    keep_centred(book)
    log_protection(market, LOG_UNCROSS, venue, ZERO, ZERO, ZERO, first, volume, reference, ZERO)
    return first


@kernel
def _trade_at(market, params, venue, price):
    """Execute what crosses at a price, in price-time priority; returns the lots traded."""
    book = market["books"][venue]
    volume = ZERO
    while True:
        bid = book["waiting_head"][CROSSED + BUY]
        ask = book["waiting_head"][CROSSED + SELL]
        if bid == NO_SLOT or price_at(book, bid) < price or price_at(book, ask) > price:
            return volume
        if _was_cut(market, venue, bid) or _was_cut(market, venue, ask):
            continue
        qty = min(np.int64(book["orders"][bid]["qty"]), np.int64(book["orders"][ask]["qty"]))
        buyer = np.int64(book["orders"][bid]["owner"])
        seller = np.int64(book["orders"][ask]["owner"])
        volume += qty
        if buyer != seller:  # a pool that meets itself trades nothing
            market["protection"]["crossed"] += qty
        book["last"] = price
        cut_maker(book, bid, qty)
        cut_maker(book, ask, qty)
        exchange_lots(market, venue, seller, buyer, price, qty)
        if venue == PERP:
            remember(market, AUCTIONED, seller, buyer, price, qty)
        for side in range(2):
            owner = buyer if side == BUY else seller
            _settle_side(market, params, venue, np.int64(side), owner, price, qty)


@kernel
def _settle_side(market, params, venue, side, owner, price, qty):
    """Charge an owner the maker fee of an auction, and tell whom its fill concerns."""
    account = market["accounts"][owner]
    fee = mul_div_up(price * qty, params["fees"]["maker"][venue], RATE_ONE)
    transfer(market, owner, VENUE_ACCOUNT, fee)
    account["fees"] += fee
    if owner == NOISE or owner == CATALYST:
        market["score"]["demand"] += qty if side == BUY else -qty
    if venue == PERP and account["kind"] >= KIND_LEARNER:
        market["holders"][owner]["open_lots"][side] -= np.uint32(qty)
        if account["kind"] != KIND_LEARNER:  # what it rests in an auction only reduces
            move_trigger(market, params, owner, ONE - side)
    if account["kind"] == KIND_LEARNER:
        count_learner(market, owner, venue, side, price, qty, fee)


@kernel
def _was_cut(market, venue, slot):
    """Cut a reduce-only order that is about to trade to its owner's position; was it longer?"""
    book = market["books"][venue]
    order = book["orders"][slot]
    if np.int64(order["flags"]) & IS_REDUCE_ONLY == 0:
        return False
    owner = np.int64(order["owner"])
    side = np.int64(order["side"])
    held = market["accounts"][owner]["perp"]
    if venue != PERP:
        held = market["accounts"][owner]["spot"]
    excess = np.int64(order["qty"]) - reducible(side, held)
    if excess <= 0:
        return False
    book["expired"] += 1
    cut_maker(book, slot, excess)
    if venue == PERP and market["accounts"][owner]["kind"] >= KIND_LEARNER:
        market["holders"][owner]["open_lots"][side] -= np.uint32(excess)
    return True


@kernel
def expel_waiting(market, venue):
    """Take out every order that waited for an auction, or at a band."""
    book = market["books"][venue]
    for slot in range(book["orders"].shape[0]):
        order = book["orders"][slot]
        if order["qty"] != 0 and np.int64(order["flags"]) & IS_AT_OPEN != 0:
            expel(market, venue, np.uint32(slot))


@kernel
def expel(market, venue, slot):
    """Take an order out of the book by a rule of the venue; a row of the log implies it."""
    book = market["books"][venue]
    order = book["orders"][slot]
    owner = np.int64(order["owner"])
    side = np.int64(order["side"])
    qty = remove(book, slot)
    if venue == PERP and market["accounts"][owner]["kind"] >= KIND_LEARNER:
        market["holders"][owner]["open_lots"][side] -= np.uint32(qty)
    tell(market, owner)

"""The auction that ends a pause: the uncross of a market's book, settled into its accounts."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    CATALYST,
    IS_AT_OPEN,
    KIND_LEARNER,
    LEARNER,
    NO_SLOT,
    NOISE,
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
from squeezegym.core.matching import cut_maker
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
    log_protection(market, LOG_UNCROSS, venue, ZERO, ZERO, ZERO, first, volume, reference)
    return first


@kernel
def _trade_at(market, params, venue, price):
    """Execute what crosses at a price, in price-time priority; returns the lots traded."""
    book = market["books"][venue]
    rate = params["fees"]["maker"][venue]
    volume = ZERO
    while True:
        bid = book["waiting_head"][CROSSED + BUY]
        ask = book["waiting_head"][CROSSED + SELL]
        if bid == NO_SLOT or price_at(book, bid) < price or price_at(book, ask) > price:
            return volume
        qty = min(np.int64(book["orders"][bid]["qty"]), np.int64(book["orders"][ask]["qty"]))
        buyer = np.int64(book["orders"][bid]["owner"])
        seller = np.int64(book["orders"][ask]["owner"])
        volume += qty
        book["last"] = price
        cut_maker(book, bid, qty)
        cut_maker(book, ask, qty)
        exchange_lots(market, venue, seller, buyer, price, qty)
        for side in range(2):
            owner = buyer if side == BUY else seller
            account = market["accounts"][owner]
            fee = mul_div_up(price * qty, rate, RATE_ONE)
            transfer(market, owner, VENUE_ACCOUNT, fee)
            account["fees"] += fee
            if owner == NOISE or owner == CATALYST:
                market["score"]["demand"] += qty if side == BUY else -qty
            if venue == PERP and account["kind"] >= KIND_LEARNER:
                market["holders"][owner]["open_lots"][side] -= np.uint32(qty)
            if owner == LEARNER:
                count_learner(market, venue, np.int64(side), price, qty, fee)


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
    if owner == LEARNER:
        market["learner"]["changed"] = 1

"""The matching engine as the market sees it: an order in, fills settled, a receipt out."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BAD_QUANTITY,
    BOOK_FULL,
    BUY,
    CANCELLED,
    FILLED,
    GTC,
    LEARNER,
    MAX_QTY,
    NO_ASK,
    NO_SLOT,
    ONE,
    PARTIALLY_FILLED,
    PRICE_OUT_OF_RANGE,
    RATE_ONE,
    RESTING,
    UNKNOWN_ORDER,
    ZERO,
    Problem,
)
from squeezegym.codes import VENUE as VENUE_ACCOUNT
from squeezegym.core.accounts import exchange_lots, transfer
from squeezegym.core.arithmetic import mul_div_up
from squeezegym.core.book import NO_ORDER, find, keep_centred, match, remove, rest
from squeezegym.core.eventlog import count_problem, log_cancel, log_order

_BOOK_FULL = np.int64(Problem.BOOK_FULL)


@kernel
def place(market, params, venue, owner, side, price, qty, tif, forced):
    """Send an order to the matching engine of one book and settle its fills.

    Args:
        market: The market record.
        params: Its parameters.
        venue: PERP or SPOT.
        owner: Account slot.
        side: BUY or SELL.
        price: Limit price, ticks.
        qty: Lots.
        tif: GTC or IOC.
        forced: 1 for a liquidation order: it pays the liquidation fee, no taker fee.

    Returns:
        ``(filled, order_id)``: lots filled, and the id of the resting rest or NO_ORDER.
    """
    book = market["books"][venue]
    if qty < 1 or qty > MAX_QTY or price < 1 or price >= NO_ASK:
        status = BAD_QUANTITY if qty < 1 or qty > MAX_QTY else PRICE_OUT_OF_RANGE
        log_order(market, venue, owner, side, price, qty, tif, forced, status, ZERO, NO_ORDER)
        return ZERO, NO_ORDER
    left = qty
    crosses = price >= book["best_ask"] if side == BUY else price <= book["best_bid"]
    if crosses:
        while left > 0:
            book["n_fills"] = 0
            before = left
            left = match(book, side, price, left)
            settle(market, params, venue, owner, side, forced)
            if before == left:
                break
        book["n_fills"] = 0
    filled = qty - left
    order_id = NO_ORDER
    status = FILLED
    if left > 0:
        if tif == GTC:
            order_id = rest(book, owner, side, price, left)
            status = RESTING if filled == 0 else PARTIALLY_FILLED
            if order_id == NO_ORDER:
                status = BOOK_FULL
                count_problem(market, _BOOK_FULL)
        else:
            status = CANCELLED
    keep_centred(book)
    _occupy_engine(market, params)
    market["score"]["taken"][venue, side] += filled
    if market["log_on"] != 0:
        log_order(market, venue, owner, side, price, qty, tif, forced, status, filled, order_id)
    return filled, order_id


@kernel
def withdraw(market, params, venue, order_id):
    """Cancel a resting order.

    Returns:
        The lots taken out of the book; 0 when no such order rests.
    """
    book = market["books"][venue]
    slot = find(book, order_id)
    qty = np.int64(0)
    status = UNKNOWN_ORDER
    if slot != NO_SLOT:
        qty = remove(book, slot)
        status = CANCELLED
    _occupy_engine(market, params)
    if market["log_on"] != 0:
        log_cancel(market, venue, order_id, status, qty)
    return qty


@kernel(inline=True)
def _occupy_engine(market, params):
    """Count a message and add its service time to the engine's workload."""
    clock = market["clock"]
    gateway = market["gateway"]
    clock["events"] += 1
    start = max(gateway["busy_until"], clock["now"])
    gateway["busy_until"] = start + params["gateway"]["service"]


@kernel
def settle(market, params, venue, taker, side, forced):
    """Settle the fills in the book's table: lots, cash and fees."""
    book = market["books"][venue]
    fees = params["fees"]
    accounts = market["accounts"]
    for i in range(book["n_fills"]):
        fill = book["fills"][i]
        maker = np.int64(fill["maker"])
        price = np.int64(fill["price"])
        qty = np.int64(fill["qty"])
        if side == BUY:
            exchange_lots(market, venue, maker, taker, price, qty)
        else:
            exchange_lots(market, venue, taker, maker, price, qty)
        notional = price * qty
        maker_fee = mul_div_up(notional, fees["maker"][venue], RATE_ONE)
        transfer(market, maker, VENUE_ACCOUNT, maker_fee)
        accounts[maker]["fees"] += maker_fee
        if forced == 0:
            taker_fee = mul_div_up(notional, fees["taker"][venue], RATE_ONE)
            transfer(market, taker, VENUE_ACCOUNT, taker_fee)
            accounts[taker]["fees"] += taker_fee
        if maker == LEARNER:
            _count_learner(market, ONE - side, qty)
    if taker == LEARNER:
        for i in range(book["n_fills"]):
            _count_learner(market, side, np.int64(book["fills"][i]["qty"]))


@kernel
def _count_learner(market, side, qty):
    market["learner"]["changed"] = 1
    if side == BUY:
        market["learner"]["bought"] += qty
    else:
        market["learner"]["sold"] += qty

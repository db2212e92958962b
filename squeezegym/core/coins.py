"""Learners on the spot book: coins they own or owe, the loan behind a sale, what they are worth.

One buys with its cash and sells what it owns; what a sale lacks it borrows from the lender first,
at the rules of every borrower: initial margin level, fee, recall, forced buy-in. Coins that neither
a debt nor an order needs stay its own, those that a debt can do without go back at once. Source of
the loan before the sale: Regulation SHO, Rule 203(b) (locate), 2005.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, NO_SLOT, SELL, SPOT, ZERO
from squeezegym.core.book import find
from squeezegym.core.borrow import borrow_coins, repay_coins
from squeezegym.core.seats import account_of


@kernel
def net_position(market, params, seat):
    """Signed lots that a learner holds on its book: perp, or coins owned less owed."""
    slot = account_of(market, seat)
    account = market["accounts"][slot]
    if params["learners"][seat]["venue"] != SPOT:
        return account["perp"]
    return account["spot"] - market["holders"][slot]["debt"]


@kernel
def net_worth(market, params, seat):
    """Equity of a learner, quanta: cash and position, at the mark, on spot at the index."""
    price = market["marks"]["mark"]
    if params["learners"][seat]["venue"] == SPOT:
        price = market["marks"]["index"]
    cash = market["accounts"][account_of(market, seat)]["quote"]
    return cash + net_position(market, params, seat) * price


@kernel
def locate(market, params, slot, qty):
    """Borrow what a sale of a learner's account lacks.

    Returns:
        Lots that it can sell, at most ``qty``.
    """
    account = market["accounts"][slot]
    if qty > account["spot"]:
        borrow_coins(market, params, slot, qty - account["spot"])
    return min(qty, account["spot"])


@kernel
def square_coins(market, params, seat):
    """Return borrowed coins that no resting sale needs; put the debt at its new trigger."""
    owner = account_of(market, seat)
    if market["holders"][owner]["debt"] == 0:
        return
    book = market["books"][SPOT]
    slot = find(book, market["learners"][seat]["order_id"])
    idle = market["accounts"][owner]["spot"]
    if slot != NO_SLOT and np.int64(book["orders"][slot]["side"]) == SELL:
        idle -= np.int64(book["orders"][slot]["qty"])
    repay_coins(market, params, owner, max(idle, ZERO))


@kernel
def closing_limit(market, params, slot, side, qty):
    """Worst price of the order that closes a learner's position: what its cash pays for."""
    book = market["books"][SPOT]
    if side != BUY:
        return book["lowest"]
    fees = params["fees"]
    rate = np.float64(max(fees["maker"][SPOT], fees["taker"][SPOT])) * 1e-8
    cash = np.float64(max(market["accounts"][slot]["quote"] - 2 * qty, ZERO))
    return min(np.int64(cash / (1.0 + rate) / np.float64(qty)), book["highest"])

"""The learner on the spot book: coins it owns or owes, the loan behind a sale, what it is worth.

It buys with its cash and sells what it owns; what a sale lacks it borrows from the lender first, at
the rules of every borrower: initial margin level, fee, recall, forced buy-in. Coins that neither a
debt nor an order needs stay its own, those that a debt can do without go back at once. Source of
the loan before the sale: Regulation SHO, Rule 203(b) (locate), 2005.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, LEARNER, NO_SLOT, SELL, SPOT, ZERO
from squeezegym.core.book import find
from squeezegym.core.borrow import borrow_coins, repay_coins


@kernel
def net_position(market, params):
    """Signed lots that the learner holds on its book: perp, or coins owned less owed."""
    account = market["accounts"][LEARNER]
    if params["learner"]["venue"] != SPOT:
        return account["perp"]
    return account["spot"] - market["holders"][LEARNER]["debt"]


@kernel
def net_worth(market, params):
    """Equity of the learner, quanta: cash and position, at the mark, on spot at the index."""
    price = market["marks"]["mark"]
    if params["learner"]["venue"] == SPOT:
        price = market["marks"]["index"]
    return market["accounts"][LEARNER]["quote"] + net_position(market, params) * price


@kernel
def locate(market, params, qty):
    """Borrow what a sale of the learner lacks.

    Returns:
        Lots that it can sell, at most ``qty``.
    """
    account = market["accounts"][LEARNER]
    if qty > account["spot"]:
        borrow_coins(market, params, LEARNER, qty - account["spot"])
    return min(qty, account["spot"])


@kernel
def square_coins(market, params):
    """Return borrowed coins that no resting sale needs; put the debt at its new trigger."""
    debt = market["holders"][LEARNER]["debt"]
    if debt == 0:
        return
    book = market["books"][SPOT]
    slot = find(book, market["learner"]["order_id"])
    idle = market["accounts"][LEARNER]["spot"]
    if slot != NO_SLOT and np.int64(book["orders"][slot]["side"]) == SELL:
        idle -= np.int64(book["orders"][slot]["qty"])
    repay_coins(market, params, LEARNER, max(idle, ZERO))


@kernel
def closing_limit(market, params, side, qty):
    """Worst price of the order that closes the learner's position: what its cash pays for."""
    book = market["books"][SPOT]
    if side != BUY:
        return book["lowest"]
    fees = params["fees"]
    rate = np.float64(max(fees["maker"][SPOT], fees["taker"][SPOT])) * 1e-8
    cash = np.float64(max(market["accounts"][LEARNER]["quote"] - 2 * qty, ZERO))
    return min(np.int64(cash / (1.0 + rate) / np.float64(qty)), book["highest"])

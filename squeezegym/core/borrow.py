"""Spot margin: coins lent by a finite lender, the margin level of a debt, the ladder of borrowers.

A borrower owes coins, sells them, and must buy them back. Its margin level is assets over debt,
``(quote + spot * index) / (debt * index)``: a loan must leave the initial level, and at the
liquidation level the debt is bought in by force (:mod:`squeezegym.core.buyin`). Source: Binance
FAQ "Margin Level and Margin Call" (2019-07-05), cross margin at three times: borrowing above 1.5,
liquidation at 1.1. An account is a spot-margin account or a perp account, never both: the two
ladders share an account's links.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    IN_BORROW_LADDER,
    IN_BUY_IN,
    KIND_LEARNER,
    LENDER,
    NEVER,
    ONE,
    OUTSIDE,
    RATE_ONE,
    ZERO,
)
from squeezegym.core.accounts import move_coins
from squeezegym.core.arithmetic import mul_div_up
from squeezegym.core.margin import UNREACHABLE
from squeezegym.core.triggers import SHORTS, find_nearest, link, unlink


@kernel
def utilisation(borrow):
    """Share of the lender's coins that is lent, [0, 1]; coins about to leave count as gone."""
    staying = borrow["supply"] - borrow["leaving"]
    if borrow["lent"] == 0:
        return 0.0
    if borrow["lent"] >= staying:
        return 1.0
    return np.float64(borrow["lent"]) / np.float64(staying)


@kernel
def borrow_rate(rules, use):
    """Yearly borrow rate, in units of 1e-8, rounded once.

    ``base + slope min(u, k) / k + steep max(0, u - k) / (1 - k)`` with the kink ``k``. Source:
    Aave v3 documentation, "Interest Rate Strategy" (variable borrow rate).

    Args:
        rules: ``params["borrowing"]``; no supply, no rate.
        use: Utilisation, [0, 1].
    """
    if rules["supply"] == 0:
        return ZERO
    kink = rules["kink"]
    rate = rules["base_rate"] + rules["slope"] * min(use, kink) / kink
    rate += rules["steep"] * max(0.0, use - kink) / (1.0 - kink)
    return np.int64(math.floor(rate * np.float64(RATE_ONE) + 0.5))


@kernel
def buy_in_trigger(account, debt, level):
    """First index, in ticks, at which the margin level has fallen to ``level`` (1e-8).

    ``(quote + spot M) / (debt M) <= level`` from ``M = quote / (level debt - spot)`` up, decided
    in integers. Cash is never negative here: no fee takes it below 0, and the fund pays what a
    buy-in lacks.

    Returns:
        Ticks, at least 1; UNREACHABLE when no rise of the index calls it.
    """
    needed = level * debt - RATE_ONE * account["spot"]
    quote = account["quote"]
    if debt == 0 or needed < 0:
        return UNREACHABLE
    if quote <= 0:
        return ONE
    if np.float64(quote) * np.float64(RATE_ONE) >= np.float64(UNREACHABLE) * np.float64(needed):
        return UNREACHABLE
    return min(mul_div_up(quote, RATE_ONE, needed), UNREACHABLE)


@kernel
def unlist_borrower(market, slot):
    """Take a borrower out of the ladder, if it stands there."""
    account = market["accounts"][slot]
    if account["laddered"] == IN_BORROW_LADDER:
        ladder = market["borrow_ladder"]
        unlink(market, ladder, slot, SHORTS)
        if account["trigger"] == ladder["nearest"][SHORTS]:
            find_nearest(market, ladder, SHORTS)


@kernel
def list_borrower(market, params, slot):
    """Put a borrower into the ladder at its present trigger: after any change of what it has."""
    account = market["accounts"][slot]
    if account["laddered"] == IN_BUY_IN:
        return
    unlist_borrower(market, slot)
    debt = market["holders"][slot]["debt"]
    if debt > 0:
        trigger = buy_in_trigger(account, debt, params["borrowing"]["liquidation"])
        link(market, market["borrow_ladder"], slot, SHORTS, trigger)
        account["laddered"] = IN_BORROW_LADDER


@kernel
def lend(market, slot, qty):
    """Hand out coins of the lender; the caller has checked that they are free and covered."""
    borrow = market["borrow"]
    move_coins(market, LENDER, slot, qty)
    market["holders"][slot]["debt"] += qty
    borrow["lent"] += qty
    borrow["first"] = min(borrow["first"], slot)
    borrow["last"] = max(borrow["last"], slot)


@kernel
def return_coins(market, slot, qty):
    """Bring coins back to the lender, which lets go of what it is to give up."""
    move_coins(market, slot, LENDER, qty)
    market["holders"][slot]["debt"] -= qty
    market["borrow"]["lent"] -= qty
    withdraw_supply(market)


@kernel
def withdraw_supply(market):
    """Send out the free coins that are to leave the lender."""
    borrow = market["borrow"]
    gone = min(borrow["leaving"], market["accounts"][LENDER]["spot"])
    move_coins(market, LENDER, OUTSIDE, gone)
    borrow["supply"] -= gone
    borrow["leaving"] -= gone


@kernel
def borrow_coins(market, params, slot, qty):
    """Borrow coins, which stay in the account until it sells them.

    Beyond the lender's free coins a request is cut. It is refused whole when the loan would leave
    less than the initial margin level at the index, and from accounts that hold a perp position,
    are pots or pools, are under notice, or wait to be bought in.

    Args:
        market: The market record.
        params: Its parameters.
        slot: The borrower.
        qty: Lots, >= 0.

    Returns:
        Lots granted. After selling them the caller lists the borrower again.
    """
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    if account["kind"] < KIND_LEARNER or account["perp"] != 0:
        return ZERO
    if holder["notice"] != NEVER or account["laddered"] == IN_BUY_IN:
        return ZERO
    granted = min(qty, market["accounts"][LENDER]["spot"])
    index = market["marks"]["index"]
    assets = account["quote"] + (account["spot"] + granted) * index
    owed = (holder["debt"] + granted) * index
    if granted <= 0 or assets < mul_div_up(owed, params["borrowing"]["initial"], RATE_ONE):
        return ZERO
    lend(market, slot, granted)
    list_borrower(market, params, slot)
    return granted


@kernel
def repay_coins(market, params, slot, qty):
    """Bring back coins of an account, at most what it holds and owes.

    Returns:
        Lots returned.
    """
    returned = min(qty, market["accounts"][slot]["spot"])
    returned = max(min(returned, market["holders"][slot]["debt"]), ZERO)
    return_coins(market, slot, returned)
    list_borrower(market, params, slot)
    return returned

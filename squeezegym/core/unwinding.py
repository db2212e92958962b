"""Cancellation of trades: the fills of a window are reversed, with their fees and what they led to.

Liquidation fills, deleveraged positions and what fund and vault paid for them go back too; funding
that was paid stands, and so do deposits. Source: London Metal Exchange, 2022-03-08, which cancelled
the nickel trades of that day; what becomes of the accounts afterwards is this project's.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    FREE,
    FUND,
    IN_LADDER,
    KIND_LEARNER,
    NEVER,
    ONE,
    PERP,
    RATE_ONE,
    ZERO,
    Problem,
    Source,
)
from squeezegym.codes import VENUE as VENUE_ACCOUNT
from squeezegym.core.accounts import change_perp, pay, transfer
from squeezegym.core.arithmetic import mul_div_up
from squeezegym.core.eventlog import LOG_UNWIND, count_problem, log_protection
from squeezegym.core.exchange import count_learner
from squeezegym.core.fills import AUCTIONED, BOUGHT, FORCED, OFF_BOOK, PAYMENT
from squeezegym.core.seats import account_of, is_learner
from squeezegym.core.triggers import LONGS, SHORTS, check_mark, delist, enlist

_FORGOTTEN = np.int64(Problem.FILLS_FORGOTTEN)
_RELOADERS = np.int64(Source.RELOADERS)


@kernel
def cancel_trades(market, params, since):
    """Reverse every perp fill from a time on, newest first, and ladder the accounts anew.

    Whoever is below maintenance margin afterwards goes to the liquidation engine, and a deficit
    through its waterfall. A window with more fills than the market keeps is refused whole.

    Args:
        market: The market record.
        params: Its parameters.
        since: Beginning of the window, ns; it ends now.

    Returns:
        Whether they were reversed.
    """
    state = market["protection"]
    fills = market["fills"]
    n = np.int64(fills.shape[0])
    end = state["n_fills"]
    oldest = max(end - n, ZERO)
    first = end
    while first > oldest and fills[(first - 1) % n]["time"] >= since:
        first -= 1
    if end < 0 or (first == oldest and oldest > 0):
        count_problem(market, _FORGOTTEN)
        return False
    count = ZERO
    for i in range(end - first):
        fill = fills[(end - 1 - i) % n]
        if fill["qty"] != 0:  # not yet reversed
            _reverse(market, params, fill)
            count += 1
    missing = -min(market["accounts"][FUND]["quote"], ZERO)
    log_protection(market, LOG_UNWIND, PERP, ZERO, ZERO, ZERO, ZERO, count, ZERO, since)
    pay(market, VENUE_ACCOUNT, FUND, missing)  # what the fund has paid for coins in the window
    _leave_line(market)
    for slot in range(FIRST_HOLDER_SLOT, market["accounts"].shape[0]):
        account = market["accounts"][slot]
        if account["perp"] != 0 and account["laddered"] == FREE:
            if account["kind"] != KIND_LEARNER:
                enlist(market, params, np.int64(slot))
    for seat in range(market["learners"].shape[0]):
        learner = market["learners"][seat]
        learner["changed"] = 1
        if market["accounts"][account_of(market, np.int64(seat))]["perp"] != 0:
            learner["liquidated"] = 0
    check_mark(market, params)
    return True


@kernel
def _reverse(market, params, fill):
    """Reverse one row of the ring, which then holds nothing."""
    qty = fill["qty"]
    seller = np.int64(fill["seller"])
    buyer = np.int64(fill["buyer"])
    what = np.int64(fill["what"])
    fill["qty"] = 0
    for side in range(2):
        slot = buyer if side == 0 else seller
        account = market["accounts"][slot]
        if account["laddered"] == IN_LADDER:
            delist(market, slot, LONGS if account["perp"] > 0 else SHORTS)
    if what & PAYMENT != 0:
        transfer(market, buyer, seller, qty)
        market["accounts"][seller]["fees"] -= qty if buyer == FUND else ZERO
        return
    price = np.int64(fill["price"])
    _give_back(market, seller, qty, price)
    _give_back(market, buyer, -qty, price)
    if what & OFF_BOOK != 0:
        return
    for side in range(2):
        owner = buyer if side == 0 else seller
        took = (what & BOUGHT != 0) == (side == 0) and what & AUCTIONED == 0
        if took and what & FORCED != 0:
            continue
        rate = params["fees"]["taker"][PERP] if took else params["fees"]["maker"][PERP]
        fee = mul_div_up(price * qty, rate, RATE_ONE)
        transfer(market, VENUE_ACCOUNT, owner, fee)
        market["accounts"][owner]["fees"] -= fee
        if is_learner(market, owner):
            count_learner(market, owner, PERP, ONE - np.int64(side), price, qty, -fee)


@kernel
def _give_back(market, slot, change, price):
    """Book the reverse of a fill, so that cost becomes what it was, but for its rounding.

    Where the fill had closed the position its cost is lost: the price of the fill stands for it.
    """
    account = market["accounts"][slot]
    held = account["perp"]
    cost = account["cost"]
    change_perp(market, slot, change, price)
    after = account["perp"]
    if account["kind"] < KIND_LEARNER or held == 0 or after == 0 or (held > 0) != (after > 0):
        return
    if abs(after) < abs(held):
        account["cost"] = max(cost - abs(change) * price, ZERO)
    else:
        account["cost"] = mul_div_up(cost, abs(after), abs(held))


@kernel
def _leave_line(market):
    """Take those who have their short back out of the line of those who lost one."""
    crowd = market["crowd"]
    accounts = market["accounts"]
    before = ZERO
    slot = crowd["waiting"]
    while slot != 0:
        after = np.int64(accounts[slot]["next"])
        if accounts[slot]["perp"] == 0:
            before = slot
        elif before == 0:
            crowd["waiting"] = after
        else:
            accounts[before]["next"] = np.uint32(after)
        slot = after
    waiting = crowd["waiting"]
    due = market["holders"][waiting]["ready"] if waiting != 0 else NEVER
    market["clock"]["due"][_RELOADERS] = due

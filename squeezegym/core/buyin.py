"""Forced buy-ins: borrowed coins bought back on the spot book, and who pays for them.

A check of the index sends every borrower at the liquidation level to a queue; a recall that ran
out sends its borrower there too. The desk takes them one by one: orders as deep as the account's
cash and the insurance fund pay for, coins back to the lender, another try after a pause for what
the book did not sell. A bankrupt debt is the lender's loss once cash and fund together do not pay
for a single lot. The waterfall (account, fund, lender) is this project's; venues publish none for
spot margin.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    ABSORBER,
    BUY,
    FREE,
    FUND,
    IN_BUY_IN,
    IOC,
    IS_FORCED,
    LENDER,
    MAX_QTY,
    NEVER,
    NO_ASK,
    NO_SLOT,
    RATE_ONE,
    SPOT,
    STATE_OPEN,
    ZERO,
    Liquidation,
    Source,
)
from squeezegym.core.accounts import move_coins, pay
from squeezegym.core.arithmetic import mul_div_up
from squeezegym.core.borrow import (
    buy_in_trigger,
    list_borrower,
    return_coins,
)
from squeezegym.core.eventlog import LOG_BUY_IN, LOG_WRITE_OFF, log_debt
from squeezegym.core.exchange import place, withdraw
from squeezegym.core.ladder import next_occupied
from squeezegym.core.seats import is_learner, seat_of, tell
from squeezegym.core.triggers import SHORTS, find_nearest, unlink

ACCRUAL = np.int64(0)
RECALL = np.int64(1)
NOTICE = np.int64(2)
DROP = np.int64(3)
BUY_IN = np.int64(4)
_FRESH = np.int64(0)  # lines, each in the order of its times
_RETRIES = np.int64(1)
_ORDERS_A_TRY = 8
_BORROW = np.int64(Source.BORROW)
_ABSORBER_MODE = np.int64(Liquidation.ABSORBER)
_OFF = np.int64(Liquidation.OFF)


@kernel
def _push(market, line, slot):
    """Put an account at the end of a line."""
    borrow = market["borrow"]
    market["accounts"][slot]["next"] = NO_SLOT
    if borrow["heads"][line] == NO_SLOT:
        borrow["heads"][line] = np.uint32(slot)
    else:
        market["accounts"][borrow["tails"][line]]["next"] = np.uint32(slot)
    borrow["tails"][line] = np.uint32(slot)


@kernel
def _ready(market, line):
    """Time of the account at the head of a line, or NEVER."""
    slot = market["borrow"]["heads"][line]
    return NEVER if slot == NO_SLOT else market["holders"][slot]["ready"]


@kernel
def reschedule(market):
    """Time the lender's next event: notices, the two lines, and its own timers."""
    borrow = market["borrow"]
    due = borrow["due"]
    due[NOTICE] = NEVER
    if borrow["notices"]["size"] > 0:
        due[NOTICE] = market["holders"][market["recalled"][borrow["notices"]["head"]]]["notice"]
    turn = min(_ready(market, _FRESH), _ready(market, _RETRIES))
    due[BUY_IN] = max(max(turn, borrow["busy_until"]), market["clock"]["now"])
    if np.int64(market["books"][SPOT]["state"]) != STATE_OPEN:
        due[BUY_IN] = NEVER  # until the pause ends
    if market["gateway"]["desk_waits"] != 0:
        due[BUY_IN] = NEVER  # the gateway times it
    earliest = NEVER
    for timer in range(due.shape[0]):
        earliest = min(earliest, due[timer])
    market["clock"]["due"][_BORROW] = earliest


@kernel
def join_buy_ins(market, params, slot):
    """Send a borrower, already out of the ladder, to the queue."""
    holder = market["holders"][slot]
    market["accounts"][slot]["laddered"] = IN_BUY_IN
    holder["ready"] = market["clock"]["now"] + params["borrowing"]["latency"]
    holder["started"] = NEVER
    holder["chunk"] = 0
    _push(market, _FRESH, slot)


@kernel
def check_index(market, params):
    """Send every borrower that the present index calls to the queue."""
    index = market["marks"]["index"]
    ladder = market["borrow_ladder"]
    if market["borrow"]["lent"] == 0 or index < ladder["nearest"][SHORTS]:
        return
    if params["liquidation"]["destination"] == _OFF:
        return
    while index >= ladder["nearest"][SHORTS]:  # the nearest stands in the lowest bucket
        slot = ladder["heads"][SHORTS, next_occupied(ladder, SHORTS, ZERO)]
        while slot != NO_SLOT:
            account = market["accounts"][slot]
            after = account["next"]
            if account["trigger"] <= index:
                unlink(market, ladder, np.int64(slot), SHORTS)
                join_buy_ins(market, params, np.int64(slot))
            slot = after
        find_nearest(market, ladder, SHORTS)
    reschedule(market)


@kernel
def serve_buy_in(market, params):
    """Buy in the account whose turn it is, or let it go if it no longer must be."""
    borrow = market["borrow"]
    now = market["clock"]["now"]
    line = _FRESH if _ready(market, _FRESH) <= _ready(market, _RETRIES) else _RETRIES
    slot = np.int64(borrow["heads"][line])
    account = market["accounts"][slot]
    borrow["heads"][line] = account["next"]
    holder = market["holders"][slot]
    level = params["borrowing"]["liquidation"]
    trigger = buy_in_trigger(account, holder["debt"], level)
    index = market["marks"]["index"]
    called = index >= trigger
    recalled = holder["notice"] <= now
    finished = True
    if holder["debt"] > 0 and (called or recalled):
        if holder["started"] == NEVER:
            holder["started"] = now
            market["score"]["buy_ins"] += 1
            shown = trigger if called else ZERO
            log_debt(market, LOG_BUY_IN, slot, index, holder["debt"], shown)
            if is_learner(market, slot):
                learner = market["learners"][seat_of(market, slot)]
                withdraw(market, params, SPOT, learner["order_id"])
                learner["order_id"] = 0
        _buy_back(market, params, slot)
        finished = _close_debt(market, params, slot)
    if finished:
        account["laddered"] = FREE
        if is_learner(market, slot) and holder["debt"] == 0 and holder["started"] != NEVER:
            market["learners"][seat_of(market, slot)]["liquidated"] = 1
            tell(market, slot)
        if recalled:
            holder["notice"] = NEVER
        list_borrower(market, params, slot)
    else:
        holder["ready"] = now + params["borrowing"]["pause"]
        _push(market, _RETRIES, slot)
    borrow["busy_until"] = now + params["borrowing"]["interval"]


@kernel
def _buy_back(market, params, slot):
    """Return the account's own coins, buy the rest, and let the fund pay what is overdrawn."""
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    return_coins(market, slot, min(account["spot"], holder["debt"]))
    left = holder["debt"]
    if left == 0:
        return
    cash = account["quote"]
    if params["liquidation"]["destination"] == _ABSORBER_MODE:
        move_coins(market, ABSORBER, slot, left)
        pay(market, slot, ABSORBER, left * market["marks"]["index"])
    else:
        _buy_in_book(market, params, slot)
    holder["chunk"] += cash - account["quote"]
    market["score"]["bought_in"] += account["spot"]
    return_coins(market, slot, account["spot"])
    if account["quote"] < 0:
        deficit = -account["quote"]
        from_fund = min(deficit, market["accounts"][FUND]["quote"])
        pay(market, FUND, slot, from_fund)
        market["score"]["deficit"] += from_fund
        pay(market, ABSORBER, slot, deficit - from_fund)  # only off-book: it stands for the lender


@kernel
def _buy_in_book(market, params, slot):
    """Buy a debt on the spot book with the account's cash and what the fund has.

    Each order asks for the whole rest, up to the price that the money pays for it. When even the
    touch is dearer, a bankrupt account buys what the money is worth there; a solvent one waits.
    """
    account = market["accounts"][slot]
    book = market["books"][SPOT]
    index = market["marks"]["index"]
    for _ in range(_ORDERS_A_TRY):
        left = market["holders"][slot]["debt"] - account["spot"]
        ask = book["best_ask"]
        if left == 0 or ask == NO_ASK:
            return
        money = account["quote"] + market["accounts"][FUND]["quote"]
        limit = min(money // left, book["highest"])
        qty = min(left, MAX_QTY)
        if limit < ask:
            if account["quote"] >= left * index or money < ask:
                return
            limit = ask
            qty = min(money // ask, qty)
        place(market, params, SPOT, slot, BUY, limit, qty, IOC, IS_FORCED)


@kernel
def _close_debt(market, params, slot):
    """Charge the fee of a debt that is bought back, or write off one that nobody can pay.

    Returns:
        Whether nothing is owed any more; otherwise the rest is tried again.
    """
    account = market["accounts"][slot]
    holder = market["holders"][slot]
    left = holder["debt"]
    if left == 0:
        fee = mul_div_up(holder["chunk"], params["borrowing"]["fee"], RATE_ONE)
        fee = min(fee, account["quote"])
        pay(market, slot, FUND, fee)
        account["fees"] += fee
        return True
    index = market["marks"]["index"]
    ask = market["books"][SPOT]["best_ask"]
    money = account["quote"] + market["accounts"][FUND]["quote"]
    if account["quote"] >= left * index or money >= (index if ask == NO_ASK else ask):
        return False
    borrow = market["borrow"]
    pay(market, slot, LENDER, account["quote"])
    holder["debt"] = 0
    borrow["lent"] -= left
    borrow["supply"] -= left
    borrow["leaving"] = min(borrow["leaving"], borrow["lent"])
    market["score"]["written_off"] += left
    log_debt(market, LOG_WRITE_OFF, slot, index, left, ZERO)
    return True

"""The lender's own clock: fees on what is lent, recalls, and a supply that may shrink."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    IN_BORROW_LADDER,
    IN_BUY_IN,
    IOC,
    LENDER,
    NEVER,
    NO_SLOT,
    OUTSIDE,
    RATE_ONE,
    SPOT,
    ZERO,
    Liquidation,
    Stream,
)
from squeezegym.core.accounts import move_coins, pay
from squeezegym.core.arithmetic import mul_div, mul_div_up
from squeezegym.core.book import NO_ORDER
from squeezegym.core.borrow import (
    borrow_rate,
    list_borrower,
    unlist_borrower,
    utilisation,
    withdraw_supply,
)
from squeezegym.core.buyin import (
    ACCRUAL,
    DROP,
    NOTICE,
    RECALL,
    join_buy_ins,
    reschedule,
    serve_buy_in,
)
from squeezegym.core.eventlog import LOG_RECALL, log_debt
from squeezegym.core.fifo import is_busy, join_line
from squeezegym.core.flow import later
from squeezegym.core.rng import uniform
from squeezegym.core.seats import is_learner, seat_of
from squeezegym.core.triggers import open_ladder
from squeezegym.gatewaycodes import BUY_IN as DESK

_STREAM = np.int64(Stream.BORROW)
_OFF = np.int64(Liquidation.OFF)
_YEAR = RATE_ONE * np.int64(365 * 86_400_000)  # 1e-8 of a year's milliseconds: fits in 63 bits
_ACCOUNTS_AN_EVENT = 16  # that pay: each is a row of the event log
_SLOTS_AN_EVENT = np.int64(1024)
_TRIES = 16


@kernel
def open_lender(market, params):
    """Give the lender its coins, which come from outside, and start its timers."""
    borrow = market["borrow"]
    rules = params["borrowing"]
    supply = rules["supply"]
    borrow["supply"] = supply
    borrow["leaving"] = 0
    borrow["lent"] = 0
    borrow["rate"] = 0
    borrow["cursor"] = 0
    borrow["first"] = market["accounts"].shape[0]
    borrow["last"] = 0
    borrow["busy_until"] = market["clock"]["now"]
    borrow["notices"]["head"] = 0
    borrow["notices"]["size"] = 0
    for line in range(borrow["heads"].shape[0]):
        borrow["heads"][line] = NO_SLOT
        borrow["tails"][line] = NO_SLOT
    if supply == 0:
        return
    for timer in range(borrow["due"].shape[0]):
        borrow["due"][timer] = NEVER
    # From below the index to about three times it: a debt at the initial level of 1.5 is called
    # a third above its entry.
    index = market["marks"]["index"]
    open_ladder(market["borrow_ladder"], index + 3 * index // 4, market["ladder"]["shift"] + 2)
    move_coins(market, OUTSIDE, LENDER, supply)
    borrow["due"][ACCRUAL] = market["clock"]["now"] + rules["accrual"]
    borrow["due"][DROP] = rules["drop_at"]
    if params["liquidation"]["destination"] != _OFF:
        borrow["due"][RECALL] = later(market, _STREAM, rules["recall_rate"])
    reschedule(market)


@kernel
def serve_lender(market, params):
    """Serve the lender's earliest timer."""
    due = market["borrow"]["due"]
    timer = ZERO
    for i in range(1, due.shape[0]):
        if due[i] < due[timer]:
            timer = np.int64(i)
    if timer == ACCRUAL:
        _accrue(market, params)
    elif timer == RECALL:
        _recall(market, params)
    elif timer == NOTICE:  # before a buy-in at the same time, which asks whether it has run out
        _end_notice(market, params)
    elif timer == DROP:
        due[DROP] = NEVER
        borrow = market["borrow"]
        rules = params["borrowing"]
        drop = mul_div(borrow["supply"], rules["drop_share"], RATE_ONE)
        borrow["leaving"] += drop
        withdraw_supply(market)
    else:
        waits = False
        if params["gateway"]["forced_waits"] != 0 and is_busy(market):
            waits = join_line(
                market, params, DESK, SPOT, LENDER, ZERO, ZERO, ZERO, IOC, ZERO, NO_ORDER, ZERO
            )
        if waits:
            market["gateway"]["desk_waits"] = 1
        else:
            serve_buy_in(market, params)
    reschedule(market)


@kernel
def _accrue(market, params):
    """Charge one interval's fee, in quote, a few accounts an event; all at one rate and index.

    ``debt * index * rate * interval / year``, rounded up, at most the account's cash.
    """
    borrow = market["borrow"]
    rules = params["borrowing"]
    index = market["marks"]["index"]
    if borrow["cursor"] == 0:
        borrow["rate"] = borrow_rate(rules, utilisation(borrow))
        borrow["cursor"] = borrow["first"]
    parts = borrow["rate"] * rules["term"]
    slot = borrow["cursor"]
    end = min(borrow["last"] + 1, slot + _SLOTS_AN_EVENT)
    charged = 0
    while slot < end and charged < _ACCOUNTS_AN_EVENT:
        debt = market["holders"][slot]["debt"]
        if debt > 0:
            account = market["accounts"][slot]
            fee = min(mul_div_up(debt * index, parts, _YEAR), max(account["quote"], ZERO))
            pay(market, slot, LENDER, fee)
            account["fees"] += fee
            if is_learner(market, slot):
                market["learners"][seat_of(market, slot)]["borrow"] += fee
            list_borrower(market, params, slot)
            charged += 1
        slot += 1
    borrow["cursor"] = slot
    if slot > borrow["last"]:
        borrow["cursor"] = 0
        borrow["due"][ACCRUAL] += rules["accrual"]


@kernel
def _recall(market, params):
    """Call back one debt when too much is lent, or more than the supply that stays."""
    borrow = market["borrow"]
    rules = params["borrowing"]
    borrow["due"][RECALL] = later(market, _STREAM, rules["recall_rate"])
    if utilisation(borrow) <= rules["recall_at"] and borrow["leaving"] == 0:
        return
    first = borrow["first"]
    span = borrow["last"] + 1 - first
    slot = first
    for i in range(_TRIES + span):
        if i < _TRIES:
            step = np.int64(uniform(market["clock"]["rng"], _STREAM) * np.float64(span))
            slot = first + step
        else:  # few are left: the next one behind the last draw
            slot = first + (slot + 1 - first) % span
        holder = market["holders"][slot]
        queued = market["accounts"][slot]["laddered"] == IN_BUY_IN
        if holder["debt"] > 0 and holder["notice"] == NEVER and not queued:
            holder["notice"] = market["clock"]["now"] + rules["notice"]
            ring = borrow["notices"]
            end = (ring["head"] + ring["size"]) % np.int64(market["recalled"].shape[0])
            market["recalled"][end] = np.uint32(slot)
            ring["size"] += 1
            index = market["marks"]["index"]
            log_debt(market, LOG_RECALL, slot, index, holder["debt"], ZERO)
            return


@kernel
def _end_notice(market, params):
    """A notice has run out: what is still owed is bought in."""
    ring = market["borrow"]["notices"]
    slot = np.int64(market["recalled"][ring["head"]])
    ring["head"] = (ring["head"] + 1) % np.int64(market["recalled"].shape[0])
    ring["size"] -= 1
    if market["holders"][slot]["debt"] == 0:
        market["holders"][slot]["notice"] = NEVER
    elif market["accounts"][slot]["laddered"] == IN_BORROW_LADDER:
        unlist_borrower(market, slot)
        join_buy_ins(market, params, slot)

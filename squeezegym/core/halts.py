"""Trading that stops: pauses with their reopening auctions, cancel-only, auctions in batches.

What the book does follows from the measures in force: a pause goes before cancel-only, that before
batches. A book that stops collecting is uncrossed. Source of the extension of a pause: listing
exchanges' reopening auctions under Amendment 12 of the limit-up/limit-down plan.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    NEVER,
    ONE,
    STATE_AUCTION,
    STATE_CANCEL_ONLY,
    STATE_OPEN,
    ZERO,
)
from squeezegym.core.admission import note_print
from squeezegym.core.auction import clearing_price, gather
from squeezegym.core.buyin import reschedule
from squeezegym.core.eventlog import LOG_MEASURE, log_protection
from squeezegym.core.marks import mid
from squeezegym.core.reopening import uncross_book
from squeezegym.core.triggers import schedule_engine
from squeezegym.measures import (
    BATCH_AUCTION,
    BATCHING,
    CANCELLING_ONLY,
    IN_PAUSE,
    Cause,
)

LIMIT_HALT = np.int64(0)  # kinds of pauses
_BEYOND = np.int64(Cause.BEYOND_COLLAR)
_REOPENED = np.int64(Cause.REOPENED)
_UNCROSSED = np.int64(Cause.UNCROSSED)
_LONG_AGO = np.int64(-(2**62))


@kernel
def settle_state(market, params):
    """Bring the guarded book into the state that the measures in force ask for."""
    rules = params["protection"]
    measures = market["protection"]["measures"]
    book = market["books"][rules["book"]]
    wanted = STATE_OPEN
    if measures & IN_PAUSE != 0:
        wanted = STATE_AUCTION
    elif measures & CANCELLING_ONLY != 0:
        wanted = STATE_CANCEL_ONLY
    elif measures & BATCHING != 0:
        wanted = STATE_AUCTION
    if np.int64(book["state"]) == STATE_AUCTION and wanted != STATE_AUCTION:
        uncross_book(market, params, rules["book"], book["last"])
    book["state"] = np.uint32(wanted)
    if params["borrowing"]["supply"] > 0:
        reschedule(market)
    if market["engine"]["serving"] == 0:
        schedule_engine(market)  # forced orders wait for a book that matches at once


@kernel
def begin_pause(market, params, kind, cause, trigger):
    """Pause: orders collect without matching; forced ones wait.

    Source: the plan, section VII.A: five minutes after 15 s in a limit state; CME "Dynamic circuit
    breakers": two minutes of pre-open.

    Args:
        market: The market record.
        params: Its parameters.
        kind: 0 limit state, 1 circuit breaker, 2 velocity halt.
        cause: Code of ``Cause``.
        trigger: Price that led to it, ticks: reference of the auction.
    """
    state = market["protection"]
    rules = params["protection"]
    until = market["clock"]["now"] + rules["pause"][kind]
    state["halt"] = kind
    state["trigger"] = trigger
    state["extensions"] = 0
    state["pauses"] += 1
    state["resumes"] = until
    state["measures"] |= IN_PAUSE
    venue = rules["book"]
    log_protection(market, LOG_MEASURE, venue, ONE, IN_PAUSE, cause, trigger, until, ZERO, ZERO)
    settle_state(market, params)


@kernel
def collar_of(trigger, collar, widen, extensions):
    """Distance from the trigger at which a reopening price is extended, ticks.

    ``trigger (collar + widen * extensions)``. Source: NYSE Rule 7.35-E and Nasdaq Rule 4120 after
    Amendment 12: collars of 5 %, widened by as much with each extension of five minutes; they
    widen the impeded side alone, this market both.
    """
    return np.float64(trigger) * (collar + widen * np.float64(extensions))


@kernel
def end_pause(market, params):
    """Reopen at the auction price, or extend the pause while that lies beyond the collar.

    Returns:
        The price at which trading goes on, ticks; 0 when the pause is extended.
    """
    state = market["protection"]
    rules = params["protection"]
    kind = state["halt"]
    venue = rules["book"]
    book = market["books"][venue]
    if gather(book) and state["extensions"] < rules["extensions"][kind]:
        price, _ = clearing_price(book, state["trigger"])
        collar = collar_of(
            state["trigger"], rules["collar"][kind], rules["widen"][kind], state["extensions"]
        )
        if np.float64(abs(price - state["trigger"])) > collar:
            state["extensions"] += 1
            until = market["clock"]["now"] + rules["extension"][kind]
            state["resumes"] = until
            log_protection(
                market, LOG_MEASURE, venue, ONE, IN_PAUSE, _BEYOND, price, until, ZERO, ZERO
            )
            return ZERO
    price = uncross_book(market, params, venue, state["trigger"])
    book["state"] = np.uint32(STATE_OPEN)
    forget_prints(state)
    if price > 0:
        note_print(market, params, price)
    else:
        price = max(np.int64(math.floor(mid(book) + 0.5)), ONE)
    state["resumes"] = NEVER
    state["measures"] ^= IN_PAUSE
    log_protection(market, LOG_MEASURE, venue, ZERO, IN_PAUSE, _REOPENED, price, ZERO, ZERO, ZERO)
    flow = market["flow"]  # makers start afresh from the auction
    flow["reference"][venue] = np.float64(price)
    flow["slow"][venue] = np.float64(price)
    flow["seen_mid"][venue] = np.float64(price)
    settle_state(market, params)
    return price


@kernel
def serve_batch(market, params):
    """Uncross a batch when its time has come, let what was forced trade, and collect the next.

    The book is open for an instant, which belongs to the liquidation engine and the lender's desk.
    Source: Budish, Cramton and Shim, "The high-frequency trading arms race", Quarterly Journal of
    Economics 130 (2015).

    Returns:
        When batches are to be looked after again; NEVER while none collects.
    """
    state = market["protection"]
    now = market["clock"]["now"]
    opens = state["batch"] != 0
    if opens and state["measures"] & (BATCHING | IN_PAUSE | CANCELLING_ONLY) != BATCHING:
        return NEVER
    if opens and now < state["batch"]:
        return state["batch"]
    state["measures"] ^= BATCHING
    if opens:
        state["batch"] = 0
    else:
        begin_batch(market)
    settle_state(market, params)
    venue = params["protection"]["book"]
    last = market["books"][venue]["last"]
    begins = ZERO if opens else ONE
    until = max(state["batch"], now)
    log_protection(
        market, LOG_MEASURE, venue, begins, BATCHING, _UNCROSSED, last, until, ZERO, ZERO
    )
    return until


@kernel
def begin_batch(market):
    """Time the uncross of the orders that collect from now on."""
    state = market["protection"]
    wait = np.int64(state["value"][BATCH_AUCTION] * 1e9)
    state["batch"] = market["clock"]["now"] + max(wait, ONE)


@kernel
def forget_prints(state):
    """Empty the windows of prices."""
    for i in range(state["part"].shape[0]):
        state["part"][i] = _LONG_AGO
        state["prints"][i] = 0
        state["total"][i] = 0
        for kind in range(2):
            state["moves"][kind, i]["part"] = _LONG_AGO

"""How the venue protects itself: limit-up/limit-down with trading pauses, and timed restrictions.

One function a rule; every change of state is a row of the event log with its cause. Source of the
limit-up/limit-down rules: Plan to Address Extraordinary Market Volatility (Regulation NMS), as
amended 2020-02-24; the extension of a pause: listing exchanges' reopening auctions under its
Amendment 12. Times and percentages are parameters.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    BUYING_RESTRICTED,
    IN_LIMIT_STATE,
    IN_PAUSE,
    NEVER,
    NO_ASK,
    NO_BID,
    ONE,
    SELL,
    SHORTING_BANNED,
    STATE_AUCTION,
    STATE_OPEN,
    ZERO,
    Cause,
    Source,
)
from squeezegym.core.admission import mean_print, note_print
from squeezegym.core.auction import clearing_price, gather
from squeezegym.core.buyin import reschedule
from squeezegym.core.eventlog import LOG_BANDS, LOG_MEASURE, log_protection
from squeezegym.core.marks import mid
from squeezegym.core.priority import first_order
from squeezegym.core.reopening import expel, expel_waiting, uncross_book
from squeezegym.core.triggers import schedule_engine

_SOURCE = np.int64(Source.PROTECTION)
_AT_UPPER = np.int64(Cause.BID_AT_UPPER_BAND)
_AT_LOWER = np.int64(Cause.ASK_AT_LOWER_BAND)
_LEFT = np.int64(Cause.TOUCH_LEFT_BAND)
_LASTED = np.int64(Cause.LIMIT_STATE_LASTED)
_BEYOND = np.int64(Cause.BEYOND_COLLAR)
_REOPENED = np.int64(Cause.REOPENED)
_SCHEDULE = np.int64(Cause.SCHEDULE)
_LONG_AGO = np.int64(-(2**62))


@kernel
def open_protection(market, params):
    """Set the bands around the opening price, and time the first look."""
    state = market["protection"]
    rules = params["protection"]
    state["measures"] = 0
    state["since"] = NEVER
    state["resumes"] = NEVER
    state["trigger"] = 0
    state["extensions"] = 0
    state["pauses"] = 0
    state["reference"] = 0
    state["referred_at"] = market["clock"]["now"]
    state["lower"] = 0
    state["upper"] = 0
    _forget_prints(state)
    if rules["limits"] != 0:
        state["guarded"] = rules["book"] + 1
        _set_bands(market, params, market["books"][rules["book"]]["last"])
    watch(market, params)


@kernel
def watch(market, params):
    """Serve the timer: the schedule, then the limits, then the next look."""
    state = market["protection"]
    rules = params["protection"]
    now = market["clock"]["now"]
    _keep_schedule(market, rules)
    due = NEVER
    if rules["limits"] != 0:
        if state["measures"] & IN_PAUSE == 0:
            _watch_touch(market, params)
        elif now >= state["resumes"]:
            _end_pause(market, params)
        due = state["resumes"] if state["measures"] & IN_PAUSE != 0 else now + rules["check"]
    for i in range(rules["start"].shape[0]):
        if now < rules["start"][i]:
            due = min(due, rules["start"][i])
        elif now < rules["end"][i]:
            due = min(due, rules["end"][i])
    market["clock"]["due"][_SOURCE] = due


@kernel
def _switch(market, rules, measure, cause, price, until):
    """Begin a measure that is not in force, end one that is, and log it."""
    state = market["protection"]
    state["measures"] ^= measure
    begins = ONE if state["measures"] & measure != 0 else ZERO
    log_protection(market, LOG_MEASURE, rules["book"], begins, measure, cause, price, until, ZERO)


@kernel
def _keep_schedule(market, rules):
    """Begin and end the buy restriction and the short ban at their times."""
    state = market["protection"]
    now = market["clock"]["now"]
    for i in range(rules["start"].shape[0]):
        measure = BUYING_RESTRICTED if i == 0 else SHORTING_BANNED
        wanted = now >= rules["start"][i] and now < rules["end"][i]
        if wanted != (state["measures"] & measure != 0):
            _switch(market, rules, measure, _SCHEDULE, ZERO, rules["end"][i])
    if rules["limits"] == 0:
        state["guarded"] = rules["book"] + 1 if state["measures"] != 0 else 0


@kernel
def _watch_touch(market, params):
    """Begin, end or time out the limit state; outside it keep the reference price."""
    state = market["protection"]
    rules = params["protection"]
    now = market["clock"]["now"]
    book = market["books"][rules["book"]]
    up = book["best_bid"] >= state["upper"]
    if not up and book["best_ask"] > state["lower"]:
        if state["since"] != NEVER:
            state["since"] = NEVER
            _switch(market, rules, IN_LIMIT_STATE, _LEFT, book["last"], ZERO)
        _update_reference(market, params)
        return
    band = state["upper"] if up else state["lower"]
    if state["since"] == NEVER:
        state["since"] = now
        cause = _AT_UPPER if up else _AT_LOWER
        _switch(market, rules, IN_LIMIT_STATE, cause, band, now + rules["limit"])
    elif now - state["since"] >= rules["limit"]:
        _begin_pause(market, params, band)


@kernel
def _update_reference(market, params):
    """Move the reference to the mean trade price of the window, when that is far and old enough.

    Source: the plan, section V.A: a new reference price when the mean has moved by 1 % or more, in
    force for 30 s at least.
    """
    state = market["protection"]
    rules = params["protection"]
    if market["clock"]["now"] - state["referred_at"] < rules["update"]:
        return
    mean = mean_print(market, params)
    reference = state["reference"]
    if mean > 0 and np.float64(abs(mean - reference)) >= rules["step"] * np.float64(reference):
        _set_bands(market, params, mean)


@kernel
def _set_bands(market, params, reference):
    """Put the bands around a reference, to the tick.

    Orders that rest beyond the new bands are cancelled, and those that waited at the old ones.
    Source: the plan, section V.A: reference times one plus or minus the percentage, rounded.
    """
    state = market["protection"]
    rules = params["protection"]
    width = rules["band"] * np.float64(reference)
    state["reference"] = reference
    state["referred_at"] = market["clock"]["now"]
    state["upper"] = np.int64(math.floor(np.float64(reference) + width + 0.5))
    state["lower"] = max(np.int64(math.floor(np.float64(reference) - width + 0.5)), ONE)
    venue = rules["book"]
    lower, upper = state["lower"], state["upper"]
    log_protection(market, LOG_BANDS, venue, ZERO, ZERO, ZERO, lower, upper, reference)
    expel_waiting(market, venue)
    book = market["books"][venue]
    while book["best_bid"] != NO_BID and book["best_bid"] > upper:
        expel(market, venue, first_order(book, BUY))
    while book["best_ask"] != NO_ASK and book["best_ask"] < lower:
        expel(market, venue, first_order(book, SELL))


@kernel
def _begin_pause(market, params, band):
    """Pause: orders collect without matching; forced ones wait.

    Source: the plan, section VII.A: five minutes after 15 s in a limit state.
    """
    state = market["protection"]
    rules = params["protection"]
    state["since"] = NEVER
    state["trigger"] = band
    state["extensions"] = 0
    state["pauses"] += 1
    state["resumes"] = market["clock"]["now"] + rules["pause"]
    _switch(market, rules, IN_LIMIT_STATE, _LASTED, band, ZERO)
    _switch(market, rules, IN_PAUSE, _LASTED, band, state["resumes"])
    market["books"][rules["book"]]["state"] = np.uint32(STATE_AUCTION)
    _time_forced(market, params)


@kernel
def _end_pause(market, params):
    """Reopen at the auction price, or extend the pause while that lies beyond the collars.

    Collars: the trigger times ``1 +- collar (1 + extensions so far)``. Source: NYSE Rule 7.35-E
    and Nasdaq Rule 4120 after Amendment 12: collars of 5 %, widened by as much with each extension
    of five minutes; they widen the impeded side alone, this market both.
    """
    state = market["protection"]
    rules = params["protection"]
    venue = rules["book"]
    book = market["books"][venue]
    if gather(book) and state["extensions"] < rules["extensions"]:
        price, _ = clearing_price(book, state["trigger"])
        collar = rules["collar"] * np.float64(1 + state["extensions"])
        away = np.float64(abs(price - state["trigger"]))
        if away > collar * np.float64(state["trigger"]):
            state["extensions"] += 1
            state["resumes"] = market["clock"]["now"] + rules["extension"]
            until = state["resumes"]
            log_protection(market, LOG_MEASURE, venue, ONE, IN_PAUSE, _BEYOND, price, until, ZERO)
            return
    price = uncross_book(market, params, venue, state["trigger"])
    book["state"] = np.uint32(STATE_OPEN)
    _forget_prints(state)
    if price > 0:
        note_print(market, params, price)
    else:
        price = max(np.int64(math.floor(mid(book) + 0.5)), ONE)
    state["resumes"] = NEVER
    _switch(market, rules, IN_PAUSE, _REOPENED, price, ZERO)
    _set_bands(market, params, price)
    flow = market["flow"]  # makers start afresh from the auction
    flow["reference"][venue] = np.float64(price)
    flow["slow"][venue] = np.float64(price)
    flow["seen_mid"][venue] = np.float64(price)
    _time_forced(market, params)


@kernel
def _time_forced(market, params):
    """Let liquidations and buy-ins wait for the end of a pause, or go on after it."""
    if params["borrowing"]["supply"] > 0:
        reschedule(market)
    if market["engine"]["serving"] == 0:
        schedule_engine(market)


@kernel
def _forget_prints(state):
    """Empty the window of the reference price."""
    for i in range(state["part"].shape[0]):
        state["part"][i] = _LONG_AGO
        state["prints"][i] = 0
        state["total"][i] = 0

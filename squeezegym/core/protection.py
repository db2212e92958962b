"""How the venue protects itself: what switches each rule, and the timer that serves them all.

A rule is switched by time, by the market, or by a decision that somebody wrote to its lever; every
change is a row of the event log with its cause. What a rule does stands in the file of its subject:
restrictions and bands in :mod:`squeezegym.core.admission`, limit-up/limit-down in ``limits``, other
halts in ``halts``, margin and funding in ``marginrules``, cancelled trades in ``unwinding``.
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import NEVER, ONE, RATE_ONE, ZERO, Source
from squeezegym.core.admission import moved_too_far
from squeezegym.core.eventlog import LOG_MEASURE, log_protection
from squeezegym.core.halts import (
    begin_batch,
    begin_pause,
    end_pause,
    forget_prints,
    serve_batch,
    settle_state,
)
from squeezegym.core.limits import set_bands, watch_touch
from squeezegym.core.marginrules import set_funding, set_margin
from squeezegym.core.unwinding import cancel_trades
from squeezegym.measures import (
    ABOVE_BID_ONLY,
    BANDED,
    BATCH_AUCTION,
    BREAKER_ARMED,
    BUYING_RESTRICTED,
    CANCEL_ONLY,
    CIRCUIT_BREAKER,
    FUNDING_CHANGE,
    IN_PAUSE,
    LEVERAGE_CAP,
    MARGIN_HIKE,
    N_RULES,
    ONLY_CLOSING,
    POSITIONS_CAPPED,
    SHORTING_BANNED,
    TRADE_CANCELLATION,
    UPTICK_RULE,
    VELOCITY_HALT,
    VELOCITY_WATCHED,
    Cause,
    Trigger,
)

_SOURCE = np.int64(Source.PROTECTION)
_SCHEDULE = np.int64(Cause.SCHEDULE)
_MOVED = np.int64(Cause.MOVED)
_DURATION_OVER = np.int64(Cause.LASTED)
_DECISION = np.int64(Cause.DECISION)
_NOTICE_OVER = np.int64(Cause.NOTICE_OVER)
_NOT_KEPT = np.int64(Cause.FORGOTTEN)
_BY_RULE = np.int64(Trigger.RULE)
_ASKED = np.int64(1)  # values of a lever's ``asked``
_DROPPED = np.int64(-1)
_ANNOUNCED = np.int64(2)
_TWO = np.int64(2)
_FIRST_BIT = np.int64(4)  # of the rules among the measures
_LONG_AGO = np.int64(-(2**62))
_MOVES = BREAKER_ARMED | VELOCITY_WATCHED
_OF_ORDERS = (
    BUYING_RESTRICTED
    | SHORTING_BANNED
    | ABOVE_BID_ONLY
    | ONLY_CLOSING
    | POSITIONS_CAPPED
    | BANDED
    | _MOVES
)


@kernel
def open_protection(market, params):
    """Set the bands around the opening price, and let the first event look at the rules."""
    state = market["protection"]
    rules = params["protection"]
    now = market["clock"]["now"]
    state["measures"] = 0
    state["since"] = NEVER
    state["resumes"] = NEVER
    state["trigger"] = 0
    state["extensions"] = 0
    state["pauses"] = 0
    state["reference"] = 0
    state["referred_at"] = now
    state["lower"] = 0
    state["upper"] = 0
    state["looked"] = _LONG_AGO
    state["close"] = market["books"][rules["book"]]["last"]
    state["day"] = 0
    state["halt"] = 0
    state["batch"] = NEVER
    state["n_fills"] = -1  # the episode has not begun
    state["crossed"] = 0
    for rule in range(N_RULES):
        state["value"][rule] = rules["value"][rule]
        state["until"][rule] = NEVER
        state["levers"][rule]["asked"] = 0
        state["levers"][rule]["value"] = 0.0
    market["terms"]["margin"] = params["margin"]
    market["terms"]["funding"] = params["funding"]
    forget_prints(state)
    if rules["limits"] != 0:
        state["guarded"] = rules["book"] + 1
        set_bands(market, params, market["books"][rules["book"]]["last"])
    market["clock"]["due"][_SOURCE] = now


@kernel
def watch(market, params):
    """Serve the timer: every rule, halts and limits, batches, then the next look."""
    state = market["protection"]
    rules = params["protection"]
    now = market["clock"]["now"]
    if state["batch"] == 0:
        serve_batch(market, params)  # collect again after the instant
    day = max(now, ZERO) // rules["day"]
    if day != state["day"]:
        state["day"] = day
        state["close"] = market["books"][rules["book"]]["last"]
    due = NEVER
    for rule in range(N_RULES):
        due = min(due, _look_at(market, params, np.int64(rule)))
    state["looked"] = now
    guards = rules["limits"] != 0 or state["measures"] & _OF_ORDERS != 0
    state["guarded"] = rules["book"] + 1 if guards else 0
    due = min(due, _watch_price(market, params))
    if state["measures"] & _MOVES != 0 or rules["watches"] != 0:  # they need the close of the day
        due = min(due, (day + 1) * rules["day"])
    market["clock"]["due"][_SOURCE] = min(due, serve_batch(market, params))


@kernel
def _watch_price(market, params):
    """Begin and end pauses, and let limit-up/limit-down look at the touch.

    Returns:
        Time of the next look; NEVER while nothing watches the price.
    """
    state = market["protection"]
    rules = params["protection"]
    now = market["clock"]["now"]
    limits = rules["limits"] != 0
    if state["measures"] & IN_PAUSE == 0:
        last = market["books"][rules["book"]]["last"]
        for kind in range(2):
            limit = moved_too_far(market, params, np.int64(kind), last)
            if limit != 0 and state["measures"] & IN_PAUSE == 0:
                begin_pause(market, params, np.int64(kind) + ONE, _MOVED, limit)
        if limits and state["measures"] & IN_PAUSE == 0:
            watch_touch(market, params)
    elif now >= state["resumes"]:
        price = end_pause(market, params)
        if price > 0 and limits:
            set_bands(market, params, price)
    if state["measures"] & IN_PAUSE != 0:
        return state["resumes"]
    return now + rules["check"] if limits or rules["watches"] != 0 else NEVER


@kernel
def _look_at(market, params, rule):
    """Switch a rule if a decision, its notice, its end, the schedule or the market says so.

    Returns:
        Time of its next switch that is known; NEVER without.
    """
    state = market["protection"]
    rules = params["protection"]
    now = market["clock"]["now"]
    lever = state["levers"][rule]
    start = rules["start"][rule]
    end = rules["end"][rule]
    on = state["measures"] & (_FIRST_BIT << rule) != 0
    if lever["asked"] == _ASKED:
        _announce(market, params, rule, _DECISION)
    elif lever["asked"] == _DROPPED:
        _end(market, params, rule, _DECISION)
    elif lever["asked"] == _ANNOUNCED and now >= state["until"][rule]:
        _begin(market, params, rule, _NOTICE_OVER)
    elif on and now >= state["until"][rule]:
        _end(market, params, rule, _DURATION_OVER)
    elif now >= start and state["looked"] < start and now < end:
        _announce(market, params, rule, _SCHEDULE)
    elif now >= end and state["looked"] < end:
        _end(market, params, rule, _SCHEDULE)
    elif rules["source"][rule] == _BY_RULE and not on and lever["asked"] == 0:
        if _is_due(market, params, rule):
            _announce(market, params, rule, _MOVED)
    due = state["until"][rule]
    if now < start:
        due = min(due, start)
    return min(due, end) if now < end else due


@kernel
def _is_due(market, params, rule):
    """Whether the market asks for a rule: by a fall below the close, by a move, or from the start.

    Source of the fall: SEC Rule 201 (Regulation SHO), 2010-02-26: 10 % or more below the close.
    """
    state = market["protection"]
    rules = params["protection"]
    last = market["books"][rules["book"]]["last"]
    if rule == UPTICK_RULE:
        return fell(state["close"], last, rules["value"][rule])
    move = rules["move"][rule]
    if move == 0.0:
        return state["looked"] == _LONG_AGO
    moved = np.float64(last) / np.float64(state["close"]) - 1.0
    return moved >= move if move > 0.0 else moved <= move


@kernel
def fell(close, last, share):
    """Whether a price has fallen by a share of the previous close, or more."""
    return np.float64(last) <= np.float64(close) * (1.0 - share)


@kernel
def uptick_days(trigger):
    """Days on which the uptick rule holds: that of the trigger and the next.

    Source: SEC Rule 201: the remainder of the day and the following day.

    Args:
        trigger: Number of the day.

    Returns:
        ``(first, last)``.
    """
    return trigger, trigger + ONE


@kernel
def _announce(market, params, rule, cause):
    """Begin a rule, or announce it where the scenario gives notice."""
    state = market["protection"]
    lever = state["levers"][rule]
    span = params["protection"]["range"][rule]
    if cause == _DECISION and lever["value"] > 0.0:
        lever["value"] = min(max(lever["value"], span[0]), span[1])
    else:
        lever["value"] = params["protection"]["value"][rule]
    notice = params["protection"]["notice"][rule]
    if notice == 0:
        _begin(market, params, rule, cause)
        return
    lever["asked"] = _ANNOUNCED
    state["until"][rule] = market["clock"]["now"] + notice
    _log(market, params, rule, _TWO, cause, state["until"][rule])


@kernel
def _begin(market, params, rule, cause):
    """Put a rule in force with the value of its lever."""
    state = market["protection"]
    rules = params["protection"]
    lever = state["levers"][rule]
    now = market["clock"]["now"]
    state["value"][rule] = lever["value"]
    lever["asked"] = 0
    until = NEVER
    if rules["source"][rule] == _BY_RULE:
        if rules["lasts"][rule] != NEVER:
            until = now + rules["lasts"][rule]
        if rule == UPTICK_RULE:
            _, last = uptick_days(state["day"])
            until = (last + ONE) * rules["day"]
    state["until"][rule] = until
    if rule == TRADE_CANCELLATION:
        window = np.int64(state["value"][rule] * 1e9)
        if not cancel_trades(market, params, now - window):
            was = state["measures"] & (_FIRST_BIT << rule) != 0
            _log(market, params, rule, ONE if was else ZERO, _NOT_KEPT, ZERO)
            return
    state["measures"] |= _FIRST_BIT << rule
    _take_effect(market, params, rule)
    _log(market, params, rule, ONE, cause, until)


@kernel
def _end(market, params, rule, cause):
    """End a rule that is in force, or take back its announcement."""
    state = market["protection"]
    bit = _FIRST_BIT << rule
    on = state["measures"] & bit != 0
    was_announced = not on and state["until"][rule] != NEVER
    state["levers"][rule]["asked"] = 0
    state["until"][rule] = NEVER
    if on and rule != TRADE_CANCELLATION:  # what was cancelled stays so
        state["measures"] ^= bit
        _take_effect(market, params, rule)
        _log(market, params, rule, ZERO, cause, ZERO)
    elif was_announced:
        _log(market, params, rule, ZERO, cause, ZERO)


@kernel
def _take_effect(market, params, rule):
    """Do what begins or ends with a rule; the others are looked up where they hold."""
    state = market["protection"]
    if rule == LEVERAGE_CAP or rule == MARGIN_HIKE:
        set_margin(market, params)
    elif rule == FUNDING_CHANGE:
        set_funding(market, params)
    elif rule == CIRCUIT_BREAKER or rule == VELOCITY_HALT:
        for i in range(state["moves"].shape[1]):
            state["moves"][rule - CIRCUIT_BREAKER, i]["part"] = _LONG_AGO
    elif rule == BATCH_AUCTION:
        begin_batch(market)
        settle_state(market, params)
    elif rule == CANCEL_ONLY:
        settle_state(market, params)


@kernel
def _log(market, params, rule, begins, cause, until):
    """Log a rule: 1 begins or goes on, 0 ends, 2 is announced; with its value in units of 1e-8."""
    venue = params["protection"]["book"]
    value = market["protection"]["levers"][rule]["value"] * np.float64(RATE_ONE)
    units = np.int64(math.floor(min(value, 9e18) + 0.5))
    last = market["books"][venue]["last"]
    bit = _FIRST_BIT << rule
    log_protection(market, LOG_MEASURE, venue, begins, bit, cause, last, until, ZERO, units)

"""Limit-up/limit-down: the bands, the limit state at them, the reference price they follow.

Source: Plan to Address Extraordinary Market Volatility (Regulation NMS), as amended 2020-02-24.
Times and percentages are parameters.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, NEVER, NO_ASK, NO_BID, ONE, SELL, ZERO
from squeezegym.core.admission import band_around, mean_print
from squeezegym.core.eventlog import LOG_BANDS, LOG_MEASURE, log_protection
from squeezegym.core.halts import LIMIT_HALT, begin_pause
from squeezegym.core.priority import first_order
from squeezegym.core.reopening import expel, expel_waiting
from squeezegym.measures import IN_LIMIT_STATE, Cause

_AT_UPPER = np.int64(Cause.BID_AT_UPPER_BAND)
_AT_LOWER = np.int64(Cause.ASK_AT_LOWER_BAND)
_LEFT = np.int64(Cause.TOUCH_LEFT_BAND)
_LASTED = np.int64(Cause.LIMIT_STATE_LASTED)


@kernel
def watch_touch(market, params):
    """Begin, end or time out the limit state; outside it keep the reference price."""
    state = market["protection"]
    rules = params["protection"]
    now = market["clock"]["now"]
    book = market["books"][rules["book"]]
    up = book["best_bid"] >= state["upper"]
    if not up and book["best_ask"] > state["lower"]:
        if state["since"] != NEVER:
            state["since"] = NEVER
            _switch(market, rules, _LEFT, book["last"], ZERO)
        _update_reference(market, params)
        return
    band = state["upper"] if up else state["lower"]
    if state["since"] == NEVER:
        state["since"] = now
        cause = _AT_UPPER if up else _AT_LOWER
        _switch(market, rules, cause, band, now + rules["limit"])
    elif now - state["since"] >= rules["limit"]:
        state["since"] = NEVER
        _switch(market, rules, _LASTED, band, ZERO)
        begin_pause(market, params, LIMIT_HALT, _LASTED, band)


@kernel
def _switch(market, rules, cause, price, until):
    """Begin the limit state, or end it, and log it."""
    state = market["protection"]
    state["measures"] ^= IN_LIMIT_STATE
    begins = ONE if state["measures"] & IN_LIMIT_STATE != 0 else ZERO
    venue = rules["book"]
    log_protection(
        market, LOG_MEASURE, venue, begins, IN_LIMIT_STATE, cause, price, until, ZERO, ZERO
    )


@kernel
def _update_reference(market, params):
    """Move the reference to the mean trade price of the window, when that is far and old enough.

    Source: the plan, section V.A: a new reference price when the mean has moved by 1 % or more, in
    force for 30 s at least. Where the band doubles at the end of the day it does so at once.
    """
    state = market["protection"]
    rules = params["protection"]
    if rules["closing"] > 0:
        width = band_width(market, rules, state["reference"])
        if band_around(state["reference"], width, width)[1] != state["upper"]:
            set_bands(market, params, state["reference"])
            return
    if market["clock"]["now"] - state["referred_at"] < rules["update"]:
        return
    mean = mean_print(market, params)
    if is_new_reference(state["reference"], mean, rules["step"]):
        set_bands(market, params, mean)


@kernel
def is_new_reference(reference, mean, step):
    """Whether a mean price is far enough from the reference to replace it; 0 is no mean."""
    return mean > 0 and np.float64(abs(mean - reference)) >= step * np.float64(reference)


@kernel
def band_width(market, rules, reference):
    """Half width of the bands, ticks: a share of the reference, twice that before the close.

    Source: the plan, Appendix A, and Amendment 18 (2020-02-24), which left the doubling at the
    close alone.
    """
    width = rules["band"] * np.float64(reference)
    if rules["most"] > 0.0:
        width = min(width, rules["most"])
    closing = rules["closing"]
    if closing > 0 and market["clock"]["now"] % rules["day"] >= rules["day"] - closing:
        width *= 2.0
    return width


@kernel
def set_bands(market, params, reference):
    """Put the bands around a reference, to the tick.

    Orders that rest beyond the new bands are cancelled, and those that waited at the old ones.
    Source: the plan, section V.A: reference times one plus or minus the percentage, rounded.
    """
    state = market["protection"]
    rules = params["protection"]
    width = band_width(market, rules, reference)
    state["reference"] = reference
    state["referred_at"] = market["clock"]["now"]
    state["lower"], state["upper"] = band_around(reference, width, width)
    venue = rules["book"]
    lower, upper = state["lower"], state["upper"]
    log_protection(market, LOG_BANDS, venue, ZERO, ZERO, ZERO, lower, upper, reference, ZERO)
    expel_waiting(market, venue)
    book = market["books"][venue]
    while book["best_bid"] != NO_BID and book["best_bid"] > upper:
        expel(market, venue, first_order(book, BUY))
    while book["best_ask"] != NO_ASK and book["best_ask"] < lower:
        expel(market, venue, first_order(book, SELL))

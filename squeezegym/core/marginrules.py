"""Terms that the venue changes while the market runs: the margin table, and funding."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    IN_LADDER,
    NEVER,
    ONE,
    RATE_ONE,
    ZERO,
    Source,
)
from squeezegym.core.arithmetic import mul_div, mul_div_up
from squeezegym.core.rates import funding_of
from squeezegym.core.triggers import LONGS, SHORTS, delist, enlist
from squeezegym.measures import (
    FUNDING_CHANGE,
    FUNDING_CHANGED,
    LEVERAGE_CAP,
    LEVERAGE_CAPPED,
    MARGIN_HIKE,
    MARGIN_HIKED,
)

_FUNDING = np.int64(Source.FUNDING)
_SAMPLE = np.int64(Source.FUNDING_SAMPLE)


@kernel
def hiked(rate, factor, ratio, initial):
    """Maintenance and initial margin rate after a hike, rounded up, at most the whole notional.

    Both times the factor; the initial one not below ``ratio`` times the maintenance rate. Source:
    CME, silver futures, spring 2011: five hikes of maintenance margin in 13 days, the initial
    margin of speculators 135 % of it.

    Args:
        rate: Maintenance margin rate, or margin of a contract, any unit.
        factor: Of the hike, 1e-8.
        ratio: Of initial to maintenance margin at least, 1e-8.
        initial: Initial margin rate, same unit.

    Returns:
        ``(maintenance, initial)``, not yet bounded.
    """
    maintenance = mul_div_up(rate, factor, RATE_ONE)
    least = mul_div_up(maintenance, ratio, RATE_ONE)
    return maintenance, max(mul_div_up(initial, factor, RATE_ONE), least)


@kernel
def set_margin(market, params):
    """Make the margin table from the scenario's, hike and leverage cap; ladder everybody by it.

    A cap of ``L`` asks every bracket for ``1 / L`` of initial margin, and positions that exist for
    a share of that as maintenance margin. Source: Binance notices of leverage and margin tiers
    ("existing positions will be affected"), 2023-08 to 2025-09. Whom the table puts below
    maintenance is taken at the next mark update.
    """
    state = market["protection"]
    rules = params["protection"]
    table = params["margin"]
    terms = market["terms"]["margin"]
    factor = RATE_ONE
    ratio = RATE_ONE
    cap = ZERO
    if state["measures"] & MARGIN_HIKED != 0:
        factor = np.int64(math.floor(state["value"][MARGIN_HIKE] * np.float64(RATE_ONE) + 0.5))
        ratio = rules["ratio"]
    if state["measures"] & LEVERAGE_CAPPED != 0:
        cap = np.int64(math.ceil(np.float64(RATE_ONE) / state["value"][LEVERAGE_CAP]))
    terms["n_tiers"] = table["n_tiers"]
    deduction = ZERO
    previous = ZERO
    for i in range(table["n_tiers"]):
        rate, initial = hiked(table["rate"][i], factor, ratio, table["initial"][i])
        rate = min(max(rate, mul_div_up(cap, rules["maintenance"], RATE_ONE)), RATE_ONE)
        floor = table["floor"][i]
        deduction += mul_div(floor, rate - previous, RATE_ONE)
        previous = rate
        terms["floor"][i] = floor
        terms["rate"][i] = rate
        terms["deduction"][i] = deduction
        terms["initial"][i] = min(max(initial, cap), RATE_ONE)
    for slot in range(FIRST_HOLDER_SLOT, market["accounts"].shape[0]):
        account = market["accounts"][slot]
        if account["laddered"] == IN_LADDER:
            delist(market, slot, LONGS if account["perp"] > 0 else SHORTS)
            enlist(market, params, slot)
    for seat in range(market["learners"].shape[0]):
        market["learners"][seat]["changed"] = 1


@kernel
def set_funding(market, params):
    """Change the funding interval and cap, or go back to the scenario's, and time the payment.

    The interval under way began with the last payment; when it has already lasted longer than the
    new one, the payment is due at once. Source: Binance notices of funding intervals (8 h to 4 h, 2
    h and 1 h, caps of 2 % to 4 %), ALPACAUSDT 2025-04-29.
    """
    now = market["clock"]["now"]
    due = market["clock"]["due"]
    terms = market["terms"]["funding"]
    rules = params["protection"]
    began = due[_FUNDING] - terms["interval"]
    market["terms"]["funding"] = params["funding"]
    if market["protection"]["measures"] & FUNDING_CHANGED != 0:
        share = market["protection"]["value"][FUNDING_CHANGE]
        terms["interval"] = max(np.int64(np.float64(terms["interval"]) * share), ONE)
        terms["term"] = max(np.int64(np.float64(terms["term"]) * share), ONE)
        terms["share"] *= share
        if rules["funding_cap"] > 0.0:
            terms["cap"] = rules["funding_cap"]
    if due[_FUNDING] == NEVER:
        return
    interval = funding_of(market, params)["interval"]
    due[_FUNDING] = max(began + interval, now)
    if market["protection"]["measures"] & FUNDING_CHANGED == 0:  # the scenario's own timestamps
        due[_FUNDING] = now + interval - (now - params["funding"]["first"]) % interval
    due[_SAMPLE] = min(due[_SAMPLE], now + terms["sample"])

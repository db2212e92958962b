"""Golden cases of the venue's protection, answered by the kernels that guard a market.

Every adapter translates units, builds the record that a market would hold, and lets the kernels act
on it; none holds a formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from squeezegym.codes import (
    BookState,
    LogKind,
    Source,
    Status,
)
from squeezegym.core.admission import band_around
from squeezegym.core.halts import begin_pause, collar_of
from squeezegym.core.limits import is_new_reference, set_bands
from squeezegym.core.marginrules import hiked
from squeezegym.core.protection import fell, uptick_days
from squeezegym.measures import Cause, Measure, Rule
from squeezegym.protections import CircuitBreaker
from tests.golden.mechanics_adapters import RATE_ONE, decimals, quanta
from tests.guarded import MAKER, NOISE, SECOND, Guarded
from tests.kernels import BUY, GTC, IOC, SELL, from_python

Inputs = dict[str, Any]
OPENS_S = (9 * 60 + 30) * 60  # of a trading day at the exchanges of the plan


def call(kernel: Any, *values: Any) -> Any:
    """Call a kernel with typed integers and floats."""
    typed = [np.float64(v) if isinstance(v, float) else np.int64(v) for v in values]
    return from_python(kernel)(*typed)


def impose(market: Guarded, rule: Rule, value: float, reference: int) -> None:
    """Put a rule in force around a reference price, and no other one."""
    market.decide(rule.name.lower())
    market.state["value"][rule] = value
    market.market["marks"]["index"] = reference
    market.protection["limits"] = 0


def luld_bands(x: Inputs) -> dict[str, float]:
    hours, minutes = (int(part) for part in x["time"].split(":"))
    limits = {"on": True, "tier": f"tier_{x['tier']}", "closing_s": 1500.0}
    market = Guarded(int(quanta(x["prev_close"], 2)), limits=limits)
    market.market["clock"]["now"] = ((hours * 60 + minutes) * 60 - OPENS_S) * SECOND
    from_python(set_bands)(market.market, market.params, quanta(x["reference"], 2))
    return {end: int(market.state[end]) / 100 for end in ("lower", "upper")}


def luld_reference_update(x: Inputs) -> float:
    digits = decimals([x["current"], x["mean_5min"]])
    current, mean = (quanta(x[name], digits) for name in ("current", "mean_5min"))
    changes = call(is_new_reference, current, mean, float(x["threshold"]))
    return float(x["mean_5min"] if changes else x["current"])


def order(book: Guarded, side: int, price: int, qty: int) -> int:
    """Rest an order; returns its id."""
    return book.place(side, price, qty, GTC, MAKER, book.venue)[1]


EVENTS = {"bid_at_upper_band": (BUY, "upper"), "ask_at_lower_band": (SELL, "lower")}


def luld_state_machine(x: Inputs) -> dict[str, Any]:
    limits = {"on": True, "limit_s": x["limit_state_s"], "pause_s": x["pause_s"]}
    book = Guarded(10_000, limits=limits)
    resting = []
    moments = [(float(time), event) for time, event in x["events"]]
    asked = x["times"]
    found = {}
    for time, event in sorted([*moments, *((float(t), t) for t in asked)], key=lambda m: m[0]):
        if event in asked:
            book.run(time)
            measures = int(book.state["measures"])
            name = "pause" if measures & Measure.PAUSE else "normal"
            found[event] = "limit" if measures & Measure.LIMIT_STATE else name
            continue
        book.run(max(0.0, time - 1e-9))
        if event in EVENTS:
            side, end = EVENTS[event]
            resting.append(order(book, side, int(book.state[end]), 1))
        else:
            while resting:
                book.cancel(resting.pop(), venue=1)
        book.market["clock"]["due"][Source.PROTECTION] = round(time * SECOND)
    return {"state_at": found}


def spec_initial_from_maintenance(x: Inputs) -> float:
    digits = decimals([x["maintenance"], x["ratio"]]) + 2
    ratio = round(x["ratio"] * RATE_ONE)
    _, initial = call(hiked, quanta(x["maintenance"], digits), RATE_ONE, ratio, 0)
    return int(initial) / 10**digits


def static_band_pct(x: Inputs) -> dict[str, float]:
    reference = round(x["reference"] / x["tick"])
    width = x["pct"] * reference
    lower, upper = call(band_around, reference, float(width), float(width))
    return {"lower": int(lower) * x["tick"], "upper": int(upper) * x["tick"]}


def banded_exchange(reference: float, up: float, down: float, digits: int) -> Guarded:
    """An exchange with a price band of these widths around a reference."""
    ticks = int(quanta(reference, digits))
    market = Guarded(ticks)
    impose(market, Rule.PRICE_BAND, up, ticks)
    market.protection["band_down"] = down / up
    return market


def percent_price_filter(x: Inputs) -> dict[str, Any]:
    up, down = x["multiplier_up"] - 1, 1 - x["multiplier_down"]
    digits = decimals([x["reference"], *x["orders"]]) + 1
    market = banded_exchange(x["reference"], up, down, digits)
    accepted = []
    for price in x["orders"]:
        side = BUY if price > x["reference"] else SELL
        status, _ = market.send(side, int(quanta(price, digits)), 1)
        accepted.append(status != Status.BEYOND_BAND)
    lower, upper = (market_band(market, side) / 10**digits for side in (SELL, BUY))
    return {"lower": lower, "upper": upper, "accept": accepted}


def market_band(market: Guarded, side: int) -> int:
    """The limit to which a market order is held: the log has it."""
    market.send(side, 0, 1, IOC, NOISE)
    return int(market.rows(LogKind.ORDER)[-1]["price"])


def market_order_price_cap(x: Inputs) -> dict[str, float]:
    side = BUY if x["side"] == "BUY" else SELL
    levels = x["asks" if side == BUY else "bids"]
    digits = decimals([x["mark"], *(price for price, _ in levels)]) + 2
    per_lot = decimals([x["qty"], *(qty for _, qty in levels)])
    market = banded_exchange(x["mark"], x["bound"], x["bound"], digits)
    for price, qty in levels:  # they stand whatever the band
        market.state["guarded"] = 0
        market.send(1 - side, int(quanta(price, digits)), int(quanta(qty, per_lot)))
    market.state["guarded"] = 2
    market.send(side, 0, int(quanta(x["qty"], per_lot)), IOC, NOISE)
    account = market.accounts[NOISE]
    filled, paid = abs(int(account["spot"])), abs(int(account["quote"]))
    wanted = int(quanta(x["qty"], per_lot))
    return {
        "filled": filled / 10**per_lot,
        "expired": (wanted - filled) / 10**per_lot,
        "avg_price": paid / filled / 10**digits if filled else 0.0,
    }


def cme_static_limits(x: Inputs) -> dict[str, Any]:
    digits = decimals([x["prev_settle"]]) + 2
    settle = quanta(x["prev_settle"], digits)

    def limit(share: float) -> float:
        width = share * float(settle)
        return int(call(band_around, settle, width, width)[1]) / 10**digits

    return {
        "soft_up": [limit(share) for share in x["soft"]],
        "hard_up": limit(x["hard"]),
        "soft_halt_s": CircuitBreaker().pause_s,
    }


def ssr_triggered(x: Inputs) -> bool:
    digits = decimals([x["prev_close"], x["last"]])
    close, last = (quanta(x[name], digits) for name in ("prev_close", "last"))
    return bool(call(fell, close, last, float(x["threshold"])))


def ssr_active_days(x: Inputs) -> dict[str, list[int]]:
    days: set[int] = set()
    for trigger in (x["trigger_day"], x["retrigger_day"]):
        if trigger is not None:
            days.update(int(day) for day in call(uptick_days, trigger))
    return {"active": sorted(days)}


def reopening_collar(x: Inputs) -> dict[str, Any]:
    digits = decimals([x["reference"], *x["indicative"]])
    reference, interval = int(quanta(x["reference"], digits)), x["interval_s"]
    limits = {"collar": x["initial_collar"], "widen": x["widen"], "extensions": 1000}
    book = Guarded(reference, limits={**limits, "pause_s": interval, "extension_s": interval})
    cause = np.int64(Cause.LIMIT_STATE_LASTED)
    from_python(begin_pause)(book.market, book.params, np.int64(0), cause, np.int64(reference))
    collars, n = [], 0
    for n, price in enumerate(x["indicative"], 1):
        collar = call(collar_of, reference, x["initial_collar"], x["widen"], n - 1)
        collars.append((reference + float(collar)) / 10**digits)
        orders = [order(book, side, int(quanta(price, digits)), 1) for side in (BUY, SELL)]
        book.market["clock"]["due"][Source.PROTECTION] = int(book.state["resumes"])
        book.run(n * interval)
        if int(book.guarded_book["state"]) == BookState.OPEN:
            break
        for order_id in orders:
            book.cancel(order_id, venue=1)
    opened = int(book.guarded_book["state"]) == BookState.OPEN
    return {
        "reopen_after_intervals": n if opened else None,
        "collar_upper_each": collars,
        "reopen_price": int(book.guarded_book["last"]) / 10**digits if opened else None,
    }


ADAPTERS = {
    adapter.__name__: adapter
    for adapter in (
        luld_bands,
        luld_reference_update,
        luld_state_machine,
        spec_initial_from_maintenance,
        static_band_pct,
        percent_price_filter,
        market_order_price_cap,
        cme_static_limits,
        ssr_triggered,
        ssr_active_days,
        reopening_collar,
    )
}

"""Golden cases of the venue's protection, answered by the kernels that guard a market.

Every adapter translates units, builds the record that a market would hold, and lets the kernels act
on it; none holds a formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from squeezegym.codes import (
    NEVER,
    Account,
    BookState,
    LogKind,
    Source,
    Status,
)
from squeezegym.core.admission import band_around
from squeezegym.core.halts import begin_pause, collar_of
from squeezegym.core.limits import is_new_reference, set_bands
from squeezegym.core.marginrules import hiked
from squeezegym.core.protection import fell, open_protection, uptick_days, watch
from squeezegym.measures import Cause, Measure, Rule
from squeezegym.packing_protection import pack_protection
from squeezegym.protections import CircuitBreaker
from squeezegym.scenario import Scenario
from tests.golden.mechanics_adapters import RATE_ONE, decimals, quanta
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, from_python

Inputs = dict[str, Any]
SECOND = 10**9
OPENS_S = (9 * 60 + 30) * 60  # of a trading day at the exchanges of the plan
CENT = 0.01
LOOK = SECOND // 10
MAKER, NOISE = int(Account.MAKER), int(Account.NOISE)


def call(kernel: Any, *values: Any) -> Any:
    """Call a kernel with typed integers and floats."""
    typed = [np.float64(v) if isinstance(v, float) else np.int64(v) for v in values]
    return from_python(kernel)(*typed)


class Guarded(Exchange):
    """An exchange whose spot book is guarded by the rules of a scenario."""

    def __init__(self, price: int, **overrides: Any) -> None:
        super().__init__(price=price)
        rules = {f"protection.{name}": value for name, value in overrides.items()}
        scenario = Scenario.load("calm", **{"protection.limits.on": True, **rules})
        contract = scenario.contract.model_copy(update={"price": price * CENT, "tick_size": CENT})
        pack_protection(scenario.model_copy(update={"contract": contract}), self.protection)
        self.market["log_on"] = 1
        self.market["clock"]["due"][:] = NEVER
        from_python(open_protection)(self.market, self.params)

    @property
    def protection(self) -> Any:
        return self.params["protection"]

    @property
    def state(self) -> Any:
        return self.market["protection"]

    def run(self, seconds: float) -> None:
        """Serve the looks up to a time."""
        clock, until = self.market["clock"], round(seconds * SECOND)
        while clock["due"][Source.PROTECTION] <= until:
            clock["now"] = clock["due"][Source.PROTECTION]
            from_python(watch)(self.market, self.params)
            self.market["n_log"] = 0
        clock["now"] = until

    def quote(self, side: int, price: int, qty: int, tif: int = GTC, owner: int = MAKER) -> int:
        """Send an order; returns its id."""
        return self.place(side, price, qty, tif, owner, venue=1)[1]

    def status(self) -> Status:
        rows = self.market["log"][: int(self.market["n_log"])]
        return Status(int(rows[rows["kind"] == LogKind.ORDER][-1]["status"]))

    def impose(self, rule: Rule, value: float, reference: int) -> None:
        """Put a rule in force around a reference price."""
        self.state["measures"] |= 4 << rule
        self.state["value"][rule] = value
        self.state["guarded"] = 2
        self.market["marks"]["index"] = reference
        self.protection["limits"] = 0


def luld_bands(x: Inputs) -> dict[str, float]:
    hours, minutes = (int(part) for part in x["time"].split(":"))
    rules = {"limits.tier": f"tier_{x['tier']}", "limits.closing_s": 1500.0}
    market = Guarded(int(quanta(x["prev_close"], 2)), **rules)
    market.market["clock"]["now"] = ((hours * 60 + minutes) * 60 - OPENS_S) * SECOND
    from_python(set_bands)(market.market, market.params, quanta(x["reference"], 2))
    return {end: int(market.state[end]) / 100 for end in ("lower", "upper")}


def luld_reference_update(x: Inputs) -> float:
    digits = decimals([x["current"], x["mean_5min"]])
    current, mean = (quanta(x[name], digits) for name in ("current", "mean_5min"))
    changes = call(is_new_reference, current, mean, float(x["threshold"]))
    return float(x["mean_5min"] if changes else x["current"])


EVENTS = {"bid_at_upper_band": (BUY, "upper"), "ask_at_lower_band": (SELL, "lower")}


def luld_state_machine(x: Inputs) -> dict[str, Any]:
    limits = {"limits.limit_s": x["limit_state_s"], "limits.pause_s": x["pause_s"]}
    book = Guarded(10_000, **limits)
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
            resting.append(book.quote(side, int(book.state[end]), 1))
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
    market.impose(Rule.PRICE_BAND, up, ticks)
    market.protection["band_down"] = down / up
    return market


def percent_price_filter(x: Inputs) -> dict[str, Any]:
    up, down = x["multiplier_up"] - 1, 1 - x["multiplier_down"]
    digits = decimals([x["reference"], *x["orders"]]) + 1
    market = banded_exchange(x["reference"], up, down, digits)
    accepted = []
    for price in x["orders"]:
        side = BUY if price > x["reference"] else SELL
        market.quote(side, int(quanta(price, digits)), 1)
        accepted.append(market.status() != Status.BEYOND_BAND)
    lower, upper = (market_band(market, side) / 10**digits for side in (SELL, BUY))
    return {"lower": lower, "upper": upper, "accept": accepted}


def market_band(market: Guarded, side: int) -> int:
    """The limit to which a market order is held: the log has it."""
    market.quote(side, 0, 1, IOC, NOISE)
    rows = market.market["log"][: int(market.market["n_log"])]
    return int(rows[rows["kind"] == LogKind.ORDER][-1]["price"])


def market_order_price_cap(x: Inputs) -> dict[str, float]:
    side = BUY if x["side"] == "BUY" else SELL
    levels = x["asks" if side == BUY else "bids"]
    digits = decimals([x["mark"], *(price for price, _ in levels)]) + 2
    per_lot = decimals([x["qty"], *(qty for _, qty in levels)])
    market = banded_exchange(x["mark"], x["bound"], x["bound"], digits)
    for price, qty in levels:  # they stand whatever the band
        market.state["guarded"] = 0
        market.quote(1 - side, int(quanta(price, digits)), int(quanta(qty, per_lot)))
    market.state["guarded"] = 2
    market.quote(side, 0, int(quanta(x["qty"], per_lot)), IOC, NOISE)
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
    rules = {"collar": x["initial_collar"], "widen": x["widen"], "extensions": 1000}
    rules |= {"pause_s": interval, "extension_s": interval}
    book = Guarded(reference, **{f"limits.{name}": value for name, value in rules.items()})
    book.run(0)
    book.protection["limits"] = 0  # the pause alone
    cause = np.int64(Cause.LIMIT_STATE_LASTED)
    from_python(begin_pause)(book.market, book.params, np.int64(0), cause, np.int64(reference))
    collars, n = [], 0
    for n, price in enumerate(x["indicative"], 1):
        collar = call(collar_of, reference, x["initial_collar"], x["widen"], n - 1)
        collars.append((reference + float(collar)) / 10**digits)
        orders = [book.quote(side, int(quanta(price, digits)), 1) for side in (BUY, SELL)]
        book.market["clock"]["due"][Source.PROTECTION] = int(book.state["resumes"])
        book.run(n * interval)
        if int(book.book(1)["state"]) == BookState.OPEN:
            break
        for order_id in orders:
            book.cancel(order_id, venue=1)
    opened = int(book.book(1)["state"]) == BookState.OPEN
    return {
        "reopen_after_intervals": n if opened else None,
        "collar_upper_each": collars,
        "reopen_price": int(book.book(1)["last"]) / 10**digits if opened else None,
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

"""The sections of a scenario between a trader and the matching engine: gateway and public feed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from squeezegym.codes import NEVER
from squeezegym.gatewaycodes import Exempt
from squeezegym.sections import Frozen, NotNegative, Positive
from squeezegym.state import SIZES
from squeezegym.units import MS, SECOND

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario
    from squeezegym.sections import Learner

_P99 = 2.3263478740408408  # standard normal
_RESERVED = 2  # places in line for the liquidation engine and the lender's desk
_AFTER_A_TRADE = 7.5  # messages of makers who watch the touch
_A_VISIT = 0.7  # messages: a visit finds a quote in its place, or replaces it with two
Milliseconds = Annotated[float, Field(gt=0, le=60_000)]


class Gateway(Frozen):
    """The line before the matching engine, what an overloaded venue refuses, and who is how far."""

    utilisation: Annotated[float, Field(ge=0, lt=1)] = 0.12
    """Share of a calm market's time that the engine is busy; 0: messages take no time."""
    messages_per_s: Positive | None = None
    """Messages of a calm market, on which the time of one follows from the utilisation; None: as
    the rates of its populations give them."""
    service_us: NotNegative | None = None
    """Time of a message instead."""
    service: Literal["fixed", "exponential"] = "fixed"
    """Law of the time of a message."""
    surge: NotNegative = 0.0
    """Share of the engine's time asked for by requests that the market does not send one by one
    (retries, queries, quotes on levels that it leaves out), for a unit of the makers' stress beyond
    1, which is twice the calm trend."""
    surge_most: NotNegative = 1.0
    """Largest such share; 1: they alone keep the engine busy."""
    queue_bound: Annotated[int, Field(ge=1)] | None = None
    """Messages that may wait; None: as many as the size class holds."""
    shed_waiting: Annotated[int, Field(ge=0)] = 64
    """So many waiting messages are an overload, in which load is shed; 0: never."""
    shed_delay_ms: NotNegative = 0.0
    """So long a wait is one; 0: never. Where both are given, either."""
    exempt: Literal["nobody", "binance", "bitmex"] = "binance"
    """Whose rule says what an overloaded venue still takes."""
    unknown_after_ms: NotNegative = 250.0
    """A learner whose message will wait longer is told that its execution is unknown, and hears
    the truth once it is matched; 0: it waits for the truth."""
    liquidations: Literal["priority", "queue"] = "priority"
    """Liquidation orders and buy-ins are matched at once, or stand in line like any other."""
    orders_per_s: NotNegative = 30.0
    """Rate limit of a learner's orders, a token bucket; cancels are free; 0: none."""
    order_burst: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 300.0
    """Orders that it may send at once."""
    colocated_ms: tuple[Milliseconds, Milliseconds] = (0.5, 2.0)
    """Latency of a colocated sender each way: median and 99th percentile of a lognormal law."""
    retail_ms: tuple[Milliseconds, Milliseconds] = (15.0, 60.0)

    @model_validator(mode="after")
    def _ordered(self) -> Gateway:
        for name in ("colocated_ms", "retail_ms"):
            median, late = getattr(self, name)
            if late <= median:
                raise ValueError(
                    f"{name} takes a median and a larger 99th percentile, got {median:g}, {late:g}"
                )
        return self


class Transport(Frozen):
    """The public feed."""

    feed_interval_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    """Between two snapshots of depth, with mark, index and funding."""
    trades_interval_ms: Annotated[int, Field(ge=1, le=60_000)] | None = None
    """Between two updates of traded volume and last price; None: with depth."""
    prints_interval_ms: Annotated[int, Field(ge=1, le=60_000)] | None = None
    """Between two updates of liquidated volume; None: with depth."""
    feed_latency_ms: NotNegative = 10.0
    feed_stretch: NotNegative = 1.0
    """By which all three intervals grow, in the engine's waiting time."""


def check_gateway(scenario: Scenario) -> None:
    """Raise ValueError where the line does not fit the size class."""
    most = SIZES[scenario.size_class].waiting - _RESERVED
    bound = scenario.gateway.queue_bound
    if bound is not None and bound > most:
        raise ValueError(
            f"gateway.queue_bound must be 1 to {most} in size_class '{scenario.size_class}', got "
            f"{bound}; shorten the line or take a larger size_class"
        )


def calm_messages_per_s(scenario: Scenario) -> float:
    """Messages of both books a second in calm, about: what the populations' own rates come to.

    A noise slot's visit is one message, a maker's none or two; makers who watch the touch send more
    after each trade. Means of the shipped scenarios, which they meet within a sixth.
    """
    total = scenario.value.decisions_per_s
    for noise, makers in (
        (scenario.noise.perp, scenario.makers.perp),
        (scenario.noise.spot, scenario.makers.spot),
    ):
        total += noise.market_orders_per_s + noise.limit_visits_per_s
        total += _A_VISIT * makers.visits_per_s
        if makers.alert > 0:
            total += _AFTER_A_TRADE * noise.market_orders_per_s
    return total


def service_time(scenario: Scenario) -> float:
    """Mean time of a message with the matching engine in calm, s."""
    gateway = scenario.gateway
    if gateway.service_us is not None:
        return gateway.service_us * 1e-6
    rate = gateway.messages_per_s or calm_messages_per_s(scenario)
    return gateway.utilisation / rate if rate > 0 else 0.0


def pack_gateway(scenario: Scenario, record: Any) -> None:
    """Lower gateway and feed into the params record."""
    gateway, transport = scenario.gateway, scenario.transport
    target = record["gateway"]
    target["service"] = round(service_time(scenario) * SECOND)
    target["exponential"] = gateway.service == "exponential"
    target["surge"] = gateway.surge
    target["surge_most"] = gateway.surge_most
    most = SIZES[scenario.size_class].waiting - _RESERVED
    target["bound"] = gateway.queue_bound or most
    target["shed_waiting"] = gateway.shed_waiting or NEVER
    target["shed_delay"] = round(gateway.shed_delay_ms * MS) or NEVER
    target["exempt"] = Exempt[gateway.exempt.upper()]
    target["unknown_after"] = round(gateway.unknown_after_ms * MS)
    target["forced_waits"] = gateway.liquidations == "queue"
    target["order_rate"] = gateway.orders_per_s
    target["order_burst"] = gateway.order_burst
    feed = record["feed"]
    depth = transport.feed_interval_ms
    intervals = (
        depth,
        transport.trades_interval_ms or depth,
        transport.prints_interval_ms or depth,
    )
    feed["interval"] = [interval * MS for interval in intervals]
    feed["latency"] = round(transport.feed_latency_ms * MS)
    feed["stretch"] = transport.feed_stretch


def pack_access(scenario: Scenario, learner: Learner, target: Any) -> None:
    """Lower a learner's latency: a shift with an exponential on top, or a lognormal law."""
    if learner.access == "own":
        target["latency"] = round(learner.latency_ms * MS)
        target["jitter"] = learner.jitter_ms * MS
        return
    median, late = getattr(scenario.gateway, f"{learner.access}_ms")
    target["jitter"] = median * MS
    target["jitter_sd"] = math.log(late / median) / _P99

"""A market with nothing but asks, shorts and one buyer: forced orders climb a frozen book."""

import numpy as np

from squeezegym import Market, Scenario
from squeezegym.codes import LogKind, OrderFlag, Side, Venue

PRICE = 50_000  # ticks
LEVEL = 100  # lots on each tick of the book
REACH = 1000  # ticks of asks
RATE = 0.004  # maintenance margin
START_S = 10.0  # of the buyer


def frozen_market(n, spacing=2, size=0.3, seed=1):
    """A market whose shorts' triggers lie evenly, with ``n`` forced lots for each lot of asks.

    Nobody quotes again, so depth is constant; the mark is the last trade.
    """
    lots = round(n * LEVEL * spacing)
    triggers = PRICE + np.arange(2, REACH, spacing)
    # Equity lots * (deposit each + entry - p) meets maintenance RATE * lots * p at the trigger.
    deposits = np.rint((triggers * (1 + RATE) - PRICE) * lots).astype(int)
    levels = [(float(i) + 0.5, float(LEVEL), False) for i in range(REACH)]
    scenario = Scenario.load("calm").model_dump(mode="json", exclude_none=True)
    for venue in ("perp", "spot"):
        scenario["noise"][venue].update(market_orders_per_s=0.0, limit_visits_per_s=0.0)
        scenario["makers"][venue].update(visits_per_s=0.0, alert=0)
        scenario["depth"][venue] = {"bids": levels, "asks": levels}
    for section, changes in {
        "contract": {"price": PRICE * 0.1, "tick_size": 0.1, "basis_bps": 0.0},
        "value": {"decisions_per_s": 0.0},
        "arbitrage": {"looks_per_s": 0.0},
        "marks": {"rule": "last", "interval_ms": 1000},
        "margin": {"brackets": [[0.0, RATE]], "table": None},
        "liquidation": {"interval_ms": 1.0, "latency_ms": 1.0, "fund_quote": 1e9},
        "gateway": {"utilisation": 0.0, "surge": 0.0},  # an engine that takes no time
        "catalyst": {
            "side": "buy",
            "orders_per_s": 10.0,
            "start_s": [START_S, START_S],
            "duration_s": 1.0,
            "perp_share": 1.0,
            "squeeze": 1.0,
            "near_miss": 0.0,
            "squeeze_size": [size, size],
        },
        "learner": {"short_start": 0.0},
    }.items():
        scenario[section].update(changes)
    scenario["positions"] = {
        "lots": [-lots] * len(triggers),
        "entry_ticks": [PRICE] * len(triggers),
        "deposit_quanta": deposits.tolist(),
    }
    market = Market(Scenario.load(Scenario.model_validate(scenario)), seed=seed, log=True)
    market.run(START_S)
    return market


def climb(market, seconds=6.0):
    """Run on by a millisecond: lots bought by force so far, all lots bought, last price (ticks)."""
    path = []
    for _ in range(round(seconds * 1000)):
        market.run(0.001)
        score = market.record["score"]
        bought = int(score["taken"][Venue.PERP, Side.BUY])
        path.append(
            (int(score["liquidated"][1]), bought, int(market.record["books"]["last"][Venue.PERP]))
        )
    return np.array(path)


def steps(market):
    """Forced and exogenous lots bought between two updates of the mark."""
    rows = market.log()
    updates = rows["time"][rows["kind"] == LogKind.MARK]
    orders = rows[(rows["kind"] == LogKind.ORDER) & (rows["filled"] > 0)]
    place = np.searchsorted(updates, orders["time"], side="right")
    forced = orders["flags"] & OrderFlag.FORCED != 0
    n = len(updates) + 1
    return tuple(np.bincount(place[f], orders["filled"][f], n) for f in (forced, ~forced))

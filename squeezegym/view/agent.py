"""The learner of a market at one moment, in people's units, for those who draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from squeezegym.codes import Account, Side, Venue
from squeezegym.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Agent:
    """Position, money and resting order of the learner."""

    position: float
    """Base; on spot coins less debt."""
    equity: float
    """Quote, at mark; on spot at the index."""
    trigger: float
    """Price at which it is liquidated, quote; 0: none."""
    order_price: float
    """Of its resting order, quote; 0 without one."""
    order_base: float
    """Signed."""
    bought: float
    """Base so far."""
    sold: float


def agent_of(record: Any, scenario: Scenario) -> Agent:
    """Return the learner of a market record."""
    tick, lot = scenario.contract.tick_size, scenario.contract.lot_size
    learner, account = record["learners"][0], record["accounts"][Account.LEARNER]
    on_spot = scenario.learner.venue == "spot"
    debt = int(record["holders"]["debt"][Account.LEARNER])
    position = int(account["spot"]) - debt if on_spot else int(account["perp"])
    price = int(record["marks"]["index" if on_spot else "mark"])
    trigger = max(0, int(account["trigger"])) if position else 0
    order_price, order_lots = _order(record, Venue.SPOT if on_spot else Venue.PERP)
    return Agent(
        position=position * lot,
        equity=(int(account["quote"]) + position * price) * tick * lot,
        trigger=trigger * tick,
        order_price=order_price * tick,
        order_base=order_lots * lot,
        bought=int(learner["bought"]) * lot,
        sold=int(learner["sold"]) * lot,
    )


def _order(record: Any, venue: Venue) -> tuple[int, int]:
    """Return price and signed lots of the learner's resting order, or zeros."""
    order_id = record["learners"]["order_id"][0]
    if order_id:
        orders = record["books"][venue]["orders"]
        for order in orders[(orders["id"] == order_id) & (orders["qty"] > 0)]:
            sign = 1 if order["side"] == Side.BUY else -1
            return int(order["price"]), sign * int(order["qty"])
    return 0, 0

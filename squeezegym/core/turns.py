"""The gateway's events: a learner's message arrives, or the first of the line has its turn."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import MAKER, PERP, SPOT, STATE_OPEN
from squeezegym.core.aggressors import take_at
from squeezegym.core.arbitrage import trade_pair
from squeezegym.core.arbitrageurs import trade_order
from squeezegym.core.buyin import reschedule, serve_buy_in
from squeezegym.core.entrants import buy_coins_at, enter_at
from squeezegym.core.exchange import place, withdraw
from squeezegym.core.fifo import leave_line, time_gateway, turn_of_first
from squeezegym.core.gateway import execute, receive_message
from squeezegym.core.holders import act_now
from squeezegym.core.liquidation import serve_engine
from squeezegym.core.slots import put_in_slot
from squeezegym.gatewaycodes import (
    BUY_IN,
    CANCEL,
    ENTRY,
    EXIT,
    FORCED,
    LEARNER_CANCEL,
    LEARNER_ORDER,
    LEGS,
    PAIR,
    SLOT,
    TAKE,
)


@kernel
def serve_gateway(market, params):
    """Serve the line when the engine is free, else what has arrived; time the next event."""
    gateway = market["gateway"]
    now = market["clock"]["now"]
    if gateway["waiting"] > 0 and turn_of_first(market) <= now:
        gateway["busy_until"] = now
        gateway["serving"] = 1
        _serve_first(market, params)
        gateway["serving"] = 0
    elif gateway["size"] > 0 and gateway["messages"][0]["due"] <= now:
        receive_message(market, params)
    time_gateway(market)


@kernel
def _serve_first(market, params):  # noqa: C901  (a call more costs compile time)
    """The first of the line has its turn."""
    row = market["line"][leave_line(market)]
    errand = np.int64(row["errand"])
    venue = np.int64(row["venue"])
    owner = np.int64(row["owner"])
    side = np.int64(row["side"])
    price = np.int64(row["price"])
    qty = np.int64(row["qty"])
    tif = np.int64(row["tif"])
    flags = np.int64(row["flags"])
    at = np.int64(row["place"])
    if errand == SLOT:
        order_id = put_in_slot(
            market, params, venue, owner, side, price, qty, flags, row["order_id"]
        )
        if owner == MAKER:
            market["quotes"][venue, side, at] = order_id
        else:
            market["noise"][venue, at] = order_id
    elif errand == TAKE:
        take_at(market, params, venue, owner, side, price, qty)
    elif errand == CANCEL:
        withdraw(market, params, venue, row["order_id"])
    elif errand == LEARNER_ORDER or errand == LEARNER_CANCEL:
        execute(market, params, owner, errand, side, price, qty, tif, flags, at)
    elif errand == PAIR:
        trade_pair(market, params, side, price, qty)
    elif errand == LEGS:
        trade_order(market, params, at)
    elif errand == EXIT:
        act_now(market, params, owner, price)
    elif errand == ENTRY and venue == PERP:
        enter_at(market, params, owner, side, price, qty)
    elif errand == ENTRY:
        buy_coins_at(market, params, owner, price, qty)
    elif errand == FORCED:
        if np.int64(market["books"][PERP]["state"]) == STATE_OPEN:
            serve_engine(market, params)
        else:
            market["engine"]["serving"] = 0  # after the pause it is timed anew
    elif errand == BUY_IN:
        market["gateway"]["desk_waits"] = 0
        if np.int64(market["books"][SPOT]["state"]) == STATE_OPEN:
            serve_buy_in(market, params)
        reschedule(market)
    else:
        place(market, params, venue, owner, side, price, qty, tif, flags)

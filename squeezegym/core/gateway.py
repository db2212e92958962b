"""The way of the learner's messages: travel, the matching engine's queue, the acks back.

Every message that any population sends adds its service time to the engine's workload;
a learner's message that arrives while the engine is busy waits until the workload it found
is done (first in, first out).
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    LEARNER,
    NEVER,
    NO_SLOT,
    SELL,
    SPOT,
    ZERO,
    LogKind,
    Problem,
    Source,
    Stream,
)
from squeezegym.core.book import find
from squeezegym.core.borrow import buy_in_trigger
from squeezegym.core.coins import locate, net_position, square_coins
from squeezegym.core.eventlog import count_problem
from squeezegym.core.exchange import place, withdraw
from squeezegym.core.margin import liquidation_trigger, margin_of
from squeezegym.core.rng import exponential

_GATEWAY = np.int64(Source.GATEWAY)
_STREAM = np.int64(Stream.GATEWAY)
_FULL = np.int64(Problem.GATEWAY_FULL)
ORDER = np.int64(LogKind.ORDER)
CANCEL = np.int64(LogKind.CANCEL)


@kernel
def travel_time(market, params):
    """Draw the one-way latency of a learner's message or ack, ns."""
    wait = exponential(market["clock"]["rng"], _STREAM) * params["learner"]["jitter"]
    return params["learner"]["latency"] + np.int64(wait)


@kernel
def send(market, params, kind, side, price, qty, tif):
    """Send a learner's message on its way; it cannot overtake an earlier one."""
    gateway = market["gateway"]
    size = gateway["size"]
    due = market["clock"]["now"] + travel_time(market, params)
    if size >= gateway["messages"].shape[0]:
        count_problem(market, _FULL)
        return
    if size > 0:
        due = max(due, gateway["messages"][size - 1]["due"])
    message = gateway["messages"][size]
    message["due"] = due
    message["kind"] = kind
    message["side"] = side
    message["price"] = price
    message["qty"] = qty
    message["tif"] = tif
    message["queued"] = 0
    gateway["size"] = size + 1
    market["learner"]["sent"] += 1
    if size == 0:
        market["clock"]["due"][_GATEWAY] = due


@kernel
def serve_gateway(market, params):
    """The head message has arrived: let it queue for the engine, or match it."""
    gateway = market["gateway"]
    clock = market["clock"]
    message = gateway["messages"][0]
    if message["queued"] == 0 and gateway["busy_until"] > clock["now"]:
        message["queued"] = 1
        message["due"] = gateway["busy_until"]
        clock["due"][_GATEWAY] = message["due"]
        return
    execute(market, params, message)
    size = gateway["size"] - 1
    for i in range(size):
        gateway["messages"][i] = gateway["messages"][i + 1]
    gateway["size"] = size
    clock["due"][_GATEWAY] = max(gateway["messages"][0]["due"], clock["now"]) if size > 0 else NEVER


@kernel
def execute(market, params, message):
    """Match a learner's message."""
    learner = market["learner"]
    learner["changed"] = 1
    learner["served"] += 1
    venue = params["learner"]["venue"]
    if message["kind"] == CANCEL:
        gone = withdraw(market, params, venue, learner["order_id"])
        if gone > 0:
            learner["cancelled"] += 1
        learner["order_id"] = 0
        _allow_for_fills(market["gateway"], message["side"], message["qty"] - gone)
        return
    if learner["liquidated"] != 0 or message["qty"] <= 0:
        return
    side = message["side"]
    qty = message["qty"]
    if venue == SPOT and side == SELL:
        found = locate(market, params, qty)
        qty = found if found > 0 else qty  # the venue refuses a sale without coins
    price = message["price"]
    _, order_id = place(market, params, venue, LEARNER, side, price, qty, message["tif"], ZERO)
    if order_id != 0:
        learner["order_id"] = order_id


@kernel
def _allow_for_fills(gateway, side, filled):
    """Change the order behind a cancel by what the cancelled one filled while both travelled.

    As a venue's cancel-replace does (FIX: OrderQty includes CumQty); a lone cancel names no lots.
    """
    if filled > 0 and gateway["size"] > 1 and gateway["messages"][1]["kind"] == ORDER:
        behind = gateway["messages"][1]
        behind["qty"] += -filled if behind["side"] == side else filled


@kernel
def send_ack(market, params):
    """Report the learner's account and order to it, one latency later.

    When too many acks are under way the newest takes the place of the one before.
    """
    learner = market["learner"]
    learner["changed"] = 0
    if params["learner"]["venue"] == SPOT:
        square_coins(market, params)
    due = market["clock"]["now"] + travel_time(market, params)
    n = min(learner["n_acks"], np.int64(learner["acks"].shape[0] - 1))
    if n > 0:
        due = max(due, learner["acks"][n - 1]["due"])
    write_ack(market, params, learner["acks"][n], due)
    learner["n_acks"] = n + 1


@kernel
def write_ack(market, params, ack, due):
    """Fill an ack with the learner's present account and resting order."""
    account = market["accounts"][LEARNER]
    venue = params["learner"]["venue"]
    book = market["books"][venue]
    ack["due"] = due
    ack["served"] = market["learner"]["served"]
    ack["position"] = net_position(market, params)
    ack["quote"] = account["quote"]
    ack["cost"] = account["cost"]
    if venue == SPOT:
        debt = market["holders"][LEARNER]["debt"]
        ack["trigger"] = buy_in_trigger(account, debt, params["borrowing"]["liquidation"])
    else:
        ack["trigger"] = liquidation_trigger(account, margin_of(market, params))
    ack["liquidated"] = market["learner"]["liquidated"]
    slot = find(book, market["learner"]["order_id"])
    if slot == NO_SLOT:
        ack["order_qty"] = 0
        return
    order = book["orders"][slot]
    ack["order_side"] = order["side"]
    ack["order_price"] = order["price"]
    ack["order_qty"] = order["qty"]


@kernel
def receive_acks(market):
    """Let the learner know every ack that has arrived."""
    learner = market["learner"]
    now = market["clock"]["now"]
    n = learner["n_acks"]
    arrived = np.int64(0)
    while arrived < n and learner["acks"][arrived]["due"] <= now:
        arrived += 1
    if arrived == 0:
        return
    learner["known"] = learner["acks"][arrived - 1]
    for i in range(n - arrived):
        learner["acks"][i] = learner["acks"][i + arrived]
    learner["n_acks"] = n - arrived

"""The way of the learners' messages: travel, the gateway, the line, the acks back.

What reaches the gateway is refused, matched at once, or stands in line before the engine
(:mod:`squeezegym.core.fifo`).
"""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    NO_SLOT,
    ONE,
    SELL,
    SPOT,
    ZERO,
    Problem,
    Source,
    Stream,
)
from squeezegym.core.book import NO_ORDER, find
from squeezegym.core.borrow import buy_in_trigger
from squeezegym.core.coins import locate, net_position, square_coins
from squeezegym.core.eventlog import count_problem
from squeezegym.core.exchange import place, withdraw
from squeezegym.core.fifo import backlog, is_busy, join_line, refuse
from squeezegym.core.margin import liquidation_trigger, margin_of
from squeezegym.core.rng import exponential, normal
from squeezegym.core.seats import account_of, seat_of, stream_of
from squeezegym.gatewaycodes import LEARNER_CANCEL, LEARNER_ORDER
from squeezegym.statuses import EXECUTION_UNKNOWN, OVERLOADED, RATE_LIMITED

_GATEWAY = np.int64(Source.GATEWAY)
_STREAM = np.int64(Stream.GATEWAY)
_FULL = np.int64(Problem.GATEWAY_FULL)
_SECOND = 1e9


@kernel
def travel_time(market, params, seat):
    """Draw the one-way latency of a learner's message or ack, ns.

    A shift and a jitter on top, exponential, or lognormal as measured latencies are.
    """
    rules = params["learners"][seat]
    rng = market["clock"]["rng"]
    stream = stream_of(seat, _STREAM, ONE)
    if rules["jitter_sd"] > 0.0:
        jitter = rules["jitter"] * math.exp(rules["jitter_sd"] * normal(rng, stream))
    else:
        jitter = exponential(rng, stream) * rules["jitter"]
    return rules["latency"] + np.int64(jitter)


@kernel
def send(market, params, seat, kind, side, price, qty, tif, flags, replaces):
    """Send a learner's message on its way; it cannot overtake an earlier one of its own."""
    gateway = market["gateway"]
    messages = gateway["messages"]
    at = gateway["size"]
    due = market["clock"]["now"] + travel_time(market, params, seat)
    if at >= messages.shape[0]:
        count_problem(market, _FULL)
        return
    for i in range(at):
        if np.int64(messages[i]["seat"]) == seat:
            due = max(due, messages[i]["due"])
    gateway["size"] = at + 1
    while at > 0 and messages[at - 1]["due"] > due:
        messages[at] = messages[at - 1]
        at -= 1
    message = messages[at]
    message["due"] = due
    message["kind"] = np.int32(kind)
    message["seat"] = np.int32(seat)
    message["side"] = side
    message["price"] = price
    message["qty"] = qty
    message["tif"] = tif
    message["flags"] = flags
    message["replaces"] = replaces
    market["learners"][seat]["sent"] += 1
    market["clock"]["due"][_GATEWAY] = min(market["clock"]["due"][_GATEWAY], due)


@kernel
def receive_message(market, params):
    """A learner's message has arrived: refuse it, match it, or let it stand in line.

    Behind a line that is too long the answer comes before the message is matched, and says that
    its execution is unknown. An order whose cancel of the one before was refused comes to nothing.
    """
    gateway = market["gateway"]
    message = gateway["messages"][0]
    seat = np.int64(message["seat"])
    kind = np.int64(message["kind"])
    side = message["side"]
    price = message["price"]
    qty = message["qty"]
    tif = message["tif"]
    flags = message["flags"]
    place_ = message["replaces"] + 2 * seat
    gateway["size"] -= 1
    for i in range(gateway["size"]):
        gateway["messages"][i] = gateway["messages"][i + 1]
    learner = market["learners"][seat]
    owner = account_of(market, seat)
    venue = params["learners"][seat]["venue"]
    if kind == LEARNER_ORDER and qty > 0 and not _has_token(market, params, seat):
        refuse(market, RATE_LIMITED, venue, owner, side, price, qty, tif, flags, NO_ORDER)
        answer(market, seat, RATE_LIMITED)
    elif not is_busy(market):
        execute(market, params, owner, kind, side, price, qty, tif, flags, place_)
    else:
        late = backlog(market)
        refused = gateway["refused"][0]
        order_id = learner["order_id"] if kind == LEARNER_CANCEL else NO_ORDER
        if not join_line(
            market, params, kind, venue, owner, side, price, qty, tif, flags, order_id, place_
        ):
            status = OVERLOADED if gateway["refused"][0] > refused else OVERLOADED + ONE
            answer(market, seat, status)
            if kind == LEARNER_CANCEL:
                _void_replacement(gateway, seat)
        elif params["gateway"]["unknown_after"] > 0 and late >= params["gateway"]["unknown_after"]:
            learner["answer"] = EXECUTION_UNKNOWN
            send_ack(market, params, seat, params["gateway"]["unknown_after"])


@kernel
def _void_replacement(gateway, seat):
    """Let a learner's next message come to nothing if it was to replace an order."""
    for i in range(gateway["size"]):
        message = gateway["messages"][i]
        if np.int64(message["seat"]) == seat:
            if message["replaces"] != 0:
                message["qty"] = 0
            return


@kernel
def _has_token(market, params, seat):
    """Whether the rate limit allows another order: a bucket of tokens, refilled at its rate."""
    rules = params["gateway"]
    learner = market["learners"][seat]
    if rules["order_rate"] <= 0.0:
        return True
    elapsed = np.float64(market["clock"]["now"] - learner["refilled"]) / _SECOND
    learner["refilled"] = market["clock"]["now"]
    learner["tokens"] = min(rules["order_burst"], learner["tokens"] + elapsed * rules["order_rate"])
    if learner["tokens"] < 1.0:
        return False
    learner["tokens"] -= 1.0
    return True


@kernel
def answer(market, seat, status):
    """Let a learner's next ack say how the gateway met its message, for good."""
    learner = market["learners"][seat]
    learner["changed"] = 1
    learner["served"] += 1
    learner["answer"] = status


@kernel
def execute(market, params, owner, kind, side, price, qty, tif, flags, place_):
    """Match a learner's message; ``place_`` is twice its number, and one more if it replaces."""
    seat = place_ >> 1
    learner = market["learners"][seat]
    answer(market, seat, ZERO)
    venue = params["learners"][seat]["venue"]
    if kind == LEARNER_CANCEL:
        gone = withdraw(market, params, venue, learner["order_id"])
        if gone > 0:
            learner["cancelled"] += 1
        learner["order_id"] = 0
        filled = max(qty - gone, ZERO)
        learner["carried"] = filled if side != SELL else -filled
        return
    if place_ & 1 != 0:
        # As a venue's cancel-replace: what the cancelled order filled on the way counts (FIX:
        # OrderQty includes CumQty).
        qty += learner["carried"] if side == SELL else -learner["carried"]
    learner["carried"] = 0
    if market["learners"][seat_of(market, owner)]["liquidated"] != 0 or qty <= 0:
        return
    if venue == SPOT and side == SELL:
        found = locate(market, params, owner, qty)
        qty = found if found > 0 else qty  # the venue refuses a sale without coins
    _, order_id = place(market, params, venue, owner, side, price, qty, tif, flags)
    if order_id != 0:
        learner["order_id"] = order_id


@kernel
def send_ack(market, params, seat, delay):
    """Report a learner's account and order to it, one latency after ``delay``.

    When too many acks are under way the newest takes the place of the one before.
    """
    learner = market["learners"][seat]
    learner["changed"] = 0
    if params["learners"][seat]["venue"] == SPOT:
        square_coins(market, params, seat)
    due = market["clock"]["now"] + delay + travel_time(market, params, seat)
    n = min(learner["n_acks"], np.int64(learner["acks"].shape[0] - 1))
    if n > 0:
        due = max(due, learner["acks"][n - 1]["due"])
    write_ack(market, params, seat, learner["acks"][n], due)
    learner["n_acks"] = n + 1


@kernel
def write_ack(market, params, seat, ack, due):
    """Fill an ack with a learner's present account and resting order."""
    learner = market["learners"][seat]
    owner = account_of(market, seat)
    account = market["accounts"][owner]
    venue = params["learners"][seat]["venue"]
    book = market["books"][venue]
    ack["due"] = due
    ack["served"] = learner["served"]
    ack["position"] = net_position(market, params, seat)
    ack["quote"] = account["quote"]
    ack["cost"] = account["cost"]
    if venue == SPOT:
        debt = market["holders"][owner]["debt"]
        ack["trigger"] = buy_in_trigger(account, debt, params["borrowing"]["liquidation"])
    else:
        ack["trigger"] = liquidation_trigger(account, margin_of(market, params))
    ack["liquidated"] = market["learners"][seat_of(market, owner)]["liquidated"]
    ack["answer"] = learner["answer"]
    slot = find(book, learner["order_id"])
    if slot == NO_SLOT:
        ack["order_qty"] = 0
        return
    order = book["orders"][slot]
    ack["order_side"] = order["side"]
    ack["order_price"] = order["price"]
    ack["order_qty"] = order["qty"]


@kernel
def receive_acks(market, seat):
    """Let a learner know every ack that has arrived."""
    learner = market["learners"][seat]
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

"""The bounded FIFO before the matching engine: who waits, who is refused, whose turn it is.

A message that finds the engine idle and nobody in line is matched at once. Any other stands in line
and is matched when those before it have had their time; what one decision sends at once is one
message that takes as many service times as it has parts. ``docs/gateway.md`` has the rules.
"""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    FIRST_HOLDER,
    IS_REDUCE_ONLY,
    NEVER,
    ONE,
    ZERO,
    Source,
    Stream,
)
from squeezegym.core.book import NO_ORDER
from squeezegym.core.eventlog import log_cancel, log_order
from squeezegym.core.rng import exponential
from squeezegym.gatewaycodes import (
    BINANCE,
    BITMEX,
    BUY_IN,
    CANCEL,
    CANCELLING,
    CLOSING,
    EXIT,
    FORCED,
    LEARNER_CANCEL,
    NEW,
    REDUCING,
    SLOT,
)
from squeezegym.statuses import OVERLOADED, QUEUE_FULL

PENDING = np.uint64(1)  # in the place of the id of an order in line; books begin above it
_GATEWAY = np.int64(Source.GATEWAY)
_STREAM = np.int64(Stream.SERVICE)
_MOST_WORK = np.int64(2**32 - 1)  # ns, of others before one message: what its row can hold
_RESERVED = np.int64(2)  # places for the venue's own messages: one engine, one desk


@kernel(inline=True)
def is_busy(market):
    """Whether a message that arrives now has to wait, behind the requests of others too."""
    gateway = market["gateway"]
    if gateway["others"] > 0.0:
        hear_others(market)
    return gateway["busy_until"] > market["clock"]["now"] or gateway["waiting"] > 0


@kernel
def hear_others(market):
    """Count the work of others' requests since the last message; ahead of this one.

    A fluid: in stress they ask for a share of the engine's time. While messages stand in line
    theirs do between them; without a line they leave no more than was not done meanwhile.
    """
    gateway = market["gateway"]
    now = market["clock"]["now"]
    passed = now - gateway["heard"]
    work = np.int64(gateway["others"] * np.float64(passed))
    gateway["heard"] = now
    gateway["offered"] += work
    gateway["between"] = min(gateway["between"] + work, _MOST_WORK)
    if gateway["waiting"] == 0:
        begun = max(gateway["busy_until"], now - passed)
        gateway["busy_until"] = max(begun + min(gateway["between"], passed), now)
        gateway["between"] = 0


@kernel(inline=True)
def occupy_engine(market, params):
    """Count a message that is matched now, and keep the engine busy with it."""
    clock = market["clock"]
    gateway = market["gateway"]
    clock["events"] += 1
    work = gateway["service"]
    if params["gateway"]["exponential"] != 0:
        work = np.int64(exponential(clock["rng"], _STREAM) * np.float64(work) + 0.5)
    if gateway["serving"] == 0:
        gateway["offered"] += work
    gateway["busy_until"] = max(gateway["busy_until"], clock["now"]) + work


@kernel(inline=True)
def wait_at_depth(depth, service):
    """Time that a message waits behind ``depth`` others of mean service time ``service``."""
    return depth * service


@kernel
def backlog(market):
    """Time until a message that arrives now is matched, if all before it take the mean, ns."""
    gateway = market["gateway"]
    begun = max(gateway["busy_until"] - market["clock"]["now"], ZERO)
    return begun + wait_at_depth(gateway["waiting"], gateway["service"]) + gateway["theirs"]


@kernel
def is_admitted(exempt, overloaded, request):
    """Whether load shedding lets a request in.

    Sources: Binance USD-M error -1008 (2025-10-23: reduce-only and close-position orders and
    cancels are exempt); BitMEX "Load shedding and Close" (cancels, and closing without a quantity).

    Args:
        exempt: A code of ``Exempt``.
        overloaded: Whether the venue sheds load now.
        request: A code of ``Request``.
    """
    if not overloaded:
        return True
    if exempt == BINANCE:
        return request != NEW
    return exempt == BITMEX and (request == CANCELLING or request == CLOSING)


@kernel
def join_line(market, params, errand, venue, owner, side, price, qty, tif, flags, order_id, place):
    """Let a message stand in line, or refuse it: overload, or no place.

    Of a replacement that is shed the cancel goes on alone. A refusal is logged as that of the order
    or cancel, and counted.

    Args:
        market: The market record.
        params: Its parameters.
        errand: A code of ``Errand``: what to do at its turn.
        venue: Book.
        owner: Account slot.
        side: BUY or SELL.
        price: Limit, ticks.
        qty: Lots; 0: a cancel alone.
        tif: GTC, IOC or FOK.
        flags: Bits of ``OrderFlag``.
        order_id: Order to cancel, or NO_ORDER.
        place: Where its sender keeps the id of the order.

    Returns:
        Whether it stands in line.
    """
    gateway = market["gateway"]
    rules = params["gateway"]
    size = gateway["waiting"]
    request = _request(errand, qty, flags)
    own = errand == FORCED or errand == BUY_IN
    overloaded = size >= rules["shed_waiting"]
    if rules["shed_delay"] != NEVER and not overloaded:
        overloaded = backlog(market) >= rules["shed_delay"]
    if overloaded:
        gateway["between"] = 0  # others' new requests are shed like these
    shed = not own and not is_admitted(rules["exempt"], overloaded, request)
    if shed and errand == SLOT and order_id != NO_ORDER and qty > 0:
        refuse(market, OVERLOADED, venue, owner, side, price, qty, tif, flags, NO_ORDER)
        qty = ZERO
        shed = not is_admitted(rules["exempt"], overloaded, CANCELLING)
    room = rules["bound"] + _RESERVED if own else rules["bound"]
    if shed or size >= room:
        status = OVERLOADED if shed else QUEUE_FULL
        refuse(market, status, venue, owner, side, price, qty, tif, flags, order_id)
        return False
    last = gateway["head"] + size
    places = np.int64(market["line"].shape[0])
    row = market["line"][last if last < places else last - places]
    row["order_id"] = order_id
    row["arrived"] = market["clock"]["now"]
    row["price"] = np.uint32(price)
    row["qty"] = np.uint32(qty)
    row["owner"] = np.uint32(owner)
    row["others"] = np.uint32(gateway["between"])
    gateway["theirs"] += gateway["between"]
    gateway["between"] = 0
    row["place"] = np.uint16(place)
    row["errand"] = np.uint8(errand)
    row["venue"] = np.uint8(venue)
    row["side"] = np.uint8(side)
    row["tif"] = np.uint8(tif)
    row["flags"] = np.uint16(flags)
    gateway["waiting"] = size + 1
    gateway["offered"] += gateway["service"]
    if order_id != NO_ORDER and qty > 0:  # a cancel and an order
        gateway["offered"] += gateway["service"]
    if owner < FIRST_HOLDER:
        gateway["awaits"] |= ONE << owner
    if size == 0:
        due = market["clock"]["due"]
        turn = max(turn_of_first(market), market["clock"]["now"])
        due[_GATEWAY] = min(due[_GATEWAY], turn)
    return True


@kernel(inline=True)
def _request(errand, qty, flags):
    """Kind of a message for load shedding."""
    if errand == CANCEL or errand == LEARNER_CANCEL or (errand == SLOT and qty == 0):
        return CANCELLING
    if errand == EXIT:
        return CLOSING
    return REDUCING if flags & IS_REDUCE_ONLY != 0 else NEW


@kernel
def refuse(market, status, venue, owner, side, price, qty, tif, flags, order_id):
    """Count a refusal of the gateway and log it as the receipt of what was refused."""
    gateway = market["gateway"]
    gateway["refused"][status - OVERLOADED] += 1
    gateway["offered"] += gateway["service"]
    if qty > 0 or order_id == NO_ORDER:
        log_order(market, venue, owner, side, price, qty, tif, flags, status, ZERO, NO_ORDER)
    else:
        log_cancel(market, venue, order_id, status, ZERO)


@kernel(inline=True)
def awaits(market, owner):
    """Whether a message of a pool stands in line."""
    return market["gateway"]["awaits"] & (ONE << owner) != 0


@kernel
def leave_line(market):
    """Take the first of the line out of it; returns its row, which stays as it is till the next."""
    gateway = market["gateway"]
    head = gateway["head"]
    row = market["line"][head]
    after = head + 1
    gateway["head"] = after if after < np.int64(market["line"].shape[0]) else ZERO
    gateway["waiting"] -= 1
    gateway["theirs"] -= np.int64(row["others"])
    if np.int64(row["owner"]) < FIRST_HOLDER:
        gateway["awaits"] &= ~(ONE << np.int64(row["owner"]))
    wait = market["clock"]["now"] - row["arrived"]
    gateway["waited"] += wait
    gateway["served"] += 1
    gateway["longest"] = max(gateway["longest"], wait)
    return head


@kernel(inline=True)
def turn_of_first(market):
    """When the first of the line is matched: after what was begun, and others' requests."""
    gateway = market["gateway"]
    return gateway["busy_until"] + np.int64(market["line"][gateway["head"]]["others"])


@kernel
def time_gateway(market):
    """Time the gateway's next event: a turn of the line, or an arrival from the learner."""
    gateway = market["gateway"]
    due = NEVER
    if gateway["waiting"] > 0:
        due = turn_of_first(market)
    if gateway["size"] > 0:
        due = min(due, gateway["messages"][0]["due"])
    market["clock"]["due"][_GATEWAY] = max(due, market["clock"]["now"])


@kernel
def open_gateway(market, params):
    """Nobody waits, the engine is idle."""
    gateway = market["gateway"]
    gateway["busy_until"] = market["clock"]["now"]
    gateway["service"] = params["gateway"]["service"]
    gateway["others"] = 0.0
    gateway["heard"] = market["clock"]["now"]
    gateway["between"] = 0
    gateway["theirs"] = 0
    gateway["waiting"] = 0
    gateway["head"] = 0
    gateway["awaits"] = 0
    gateway["desk_waits"] = 0
    gateway["size"] = 0
    gateway["serving"] = 0
    gateway["offered"] = 0
    gateway["waited"] = 0
    gateway["served"] = 0
    gateway["longest"] = 0
    for reason in range(gateway["refused"].shape[0]):
        gateway["refused"][reason] = 0

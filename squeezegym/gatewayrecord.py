"""The records of the gateway and of the public feed, and their rules in kernel units.

Units as in :mod:`squeezegym.state`; no dtype has padding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

N_LEVELS = 5  # published depth levels of each side
N_SNAPSHOTS = 8  # published snapshots in flight
N_MESSAGES = 16  # of a learner, under way
N_REFUSALS = 3  # reasons for which the gateway refuses

SENT_DTYPE = np.dtype(
    [
        ("due", "i8"),
        ("kind", "i4"),  # gatewaycodes.Errand.LEARNER_ORDER or LEARNER_CANCEL
        ("seat", "i4"),  # of the learner that sent it
        ("side", "i8"),
        ("price", "i8"),  # ticks
        ("qty", "i8"),
        ("tif", "i8"),
        ("flags", "i8"),  # bits of codes.OrderFlag
        ("replaces", "i8"),  # 1: it takes the place of the order that the message before cancels
    ],
    align=True,
)

# A message that waits for its turn with the matching engine.
WAITING_DTYPE = np.dtype(
    [
        ("order_id", "u8"),  # of the order to cancel; 0: none
        ("arrived", "i8"),
        ("price", "u4"),  # ticks
        ("qty", "u4"),  # lots
        ("owner", "u4"),
        ("others", "u4"),  # work of others' requests since the message before it, ns
        ("place", "u2"),  # slot that wants the order's id; index of an arbitrageur; replaces
        ("flags", "u2"),
        ("errand", "u1"),  # gatewaycodes.Errand
        ("venue", "u1"),
        ("side", "u1"),
        ("tif", "u1"),
    ],
    align=True,
)


def gateway_dtype(seats: int = 1) -> np.dtype[Any]:
    """Return the dtype of a gateway that so many learners send to."""
    return np.dtype(
        [
            ("busy_until", "i8"),  # what the matching engine has begun ends here
            ("service", "i8"),  # mean time of a message, ns
            ("others", "f8"),  # share of the engine's time that others' requests ask for now
            ("heard", "i8"),  # their work up to this time has been counted
            ("between", "i8"),  # their work since the last message joined the line, ns
            ("theirs", "i8"),  # their work between the messages in line, ns
            ("waiting", "i8"),  # messages in line
            ("head", "i8"),  # row of the first of them
            ("awaits", "i8"),  # bits of the pools that have a message in line
            ("desk_waits", "i8"),  # 1: a buy-in stands in line
            ("size", "i8"),  # learners' messages under way
            ("serving", "i8"),  # 1 while the first of the line has its turn
            ("offered", "i8"),  # service time that arrived so far, of refused messages too, ns
            ("waited", "i8"),  # sum of the waits of those that stood in line, ns
            ("served", "i8"),  # of them
            ("longest", "i8"),  # wait, ns
            ("refused", "i8", (N_REFUSALS,)),  # messages: overload, full line, rate limit
            ("messages", SENT_DTYPE, (seats * N_MESSAGES,)),  # in the order of their arrival
        ],
        align=True,
    )


SNAPSHOT_DTYPE = np.dtype(
    [
        ("sent", "i8"),  # publication time
        ("due", "i8"),  # arrival at the learner
        ("price", "i4", (2, 2, N_LEVELS)),  # ticks; 0 where the side has no such level
        ("qty", "i4", (2, 2, N_LEVELS)),  # lots
        ("last", "i8", (2,)),
        ("mark", "i8"),
        ("index", "i8"),
        ("funding", "f8"),  # predicted rate of the interval
        ("premium", "f8"),  # relative
        ("open_interest", "i8"),  # lots
        ("taken", "f8", (2, 2, 2)),  # decayed aggressor lots: horizon, book, side
        ("forced", "f8", (2, 2)),  # decayed liquidated lots: horizon, side of the order
        ("mean", "f8", (3, 2)),  # decayed mid: horizon, book, ticks
        ("queue", "i8"),  # waiting time of the engine at publication, ns
        ("seen", "i8", (3,)),  # times at which depth, trades and liquidations were taken
        ("utilisation", "f8"),  # share of the lender's coins that is lent
        ("borrow_rate", "f8"),  # a year
        ("measures", "i8"),  # of protection, in force: bits of measures.Measure
        ("lower", "i8"),  # price bands, ticks; 0 where there are none
        ("upper", "i8"),
    ],
    align=True,
)

FEED_DTYPE = np.dtype(
    [
        ("work", SNAPSHOT_DTYPE),  # running sums behind the next publication
        ("taken", "i8", (2, 2)),  # raw totals at the last publication
        ("forced", "i8", (2,)),
        ("next", "i8", (3,)),  # when depth, trades and liquidations are taken again
        ("seen", SNAPSHOT_DTYPE),  # the last one that arrived
        ("head", "i8"),
        ("size", "i8"),
        ("flying", SNAPSHOT_DTYPE, (N_SNAPSHOTS,)),
    ],
    align=True,
)

GATEWAY_PARAMS = np.dtype(
    [
        ("service", "i8"),  # mean time of a message, ns
        ("exponential", "i8"),  # 1: service times are exponential, 0: all equal
        ("surge", "f8"),  # share of the engine's time that a unit of stress brings requests for
        ("surge_most", "f8"),  # largest such share
        ("bound", "i8"),  # messages that may wait
        ("shed_waiting", "i8"),  # so many in line are an overload; NEVER: none are
        ("shed_delay", "i8"),  # so long a wait is one; NEVER: none is
        ("exempt", "i8"),  # gatewaycodes.Exempt
        ("unknown_after", "i8"),  # wait after which nobody can say what became of a message
        ("forced_waits", "i8"),  # 1: liquidations and buy-ins stand in line
        ("order_rate", "f8"),  # a learner's orders, 1/s; 0: no limit
        ("order_burst", "f8"),  # orders that it may send at once
    ],
    align=True,
)

FEED_PARAMS = np.dtype(
    [
        ("interval", "i8", (3,)),  # between two snapshots of depth, of trades, of liquidations
        ("latency", "i8"),
        ("stretch", "f8"),  # of these intervals, in the engine's waiting time
    ],
    align=True,
)

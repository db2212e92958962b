"""Codes of the gateway: what a waiting message will do, and what may pass an overloaded engine."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Errand(IntEnum):
    """What a message that waits before the matching engine does at its turn."""

    ORDER = 0  # an order whose sender waits for nothing
    SLOT = 1  # of makers or noise: cancel what stands in a slot, put another order there
    CANCEL = 2
    TAKE = 3  # an aggressor order of noise, value traders or the catalyst
    ENTRY = 4  # an individual account opens a position, or buys coins
    EXIT = 5  # a holder closes its position
    PAIR = 6  # both legs of the arbitrage pool
    LEGS = 7  # both legs of an arbitrageur with capital
    FORCED = 8  # the liquidation engine's next service
    BUY_IN = 9  # the lender's desk's next buy-in
    LEARNER_ORDER = 10
    LEARNER_CANCEL = 11


class Request(IntEnum):
    """Kinds of messages that load shedding tells apart."""

    NEW = 0
    REDUCE_ONLY = 1
    CLOSE_POSITION = 2  # closes a position whole
    CANCEL = 3


class Exempt(IntEnum):
    """Whose messages an overloaded venue still takes."""

    NOBODY = 0
    BINANCE = 1  # cancels, reduce-only orders, closing a position
    BITMEX = 2  # cancels, closing a position whole


ORDER = np.int64(Errand.ORDER)
SLOT = np.int64(Errand.SLOT)
CANCEL = np.int64(Errand.CANCEL)
TAKE = np.int64(Errand.TAKE)
ENTRY = np.int64(Errand.ENTRY)
EXIT = np.int64(Errand.EXIT)
PAIR = np.int64(Errand.PAIR)
LEGS = np.int64(Errand.LEGS)
FORCED = np.int64(Errand.FORCED)
BUY_IN = np.int64(Errand.BUY_IN)
LEARNER_ORDER = np.int64(Errand.LEARNER_ORDER)
LEARNER_CANCEL = np.int64(Errand.LEARNER_CANCEL)

NEW = np.int64(Request.NEW)
REDUCING = np.int64(Request.REDUCE_ONLY)
CLOSING = np.int64(Request.CLOSE_POSITION)
CANCELLING = np.int64(Request.CANCEL)

BINANCE = np.int64(Exempt.BINANCE)
BITMEX = np.int64(Exempt.BITMEX)

"""Codes shared by kernels and façades: IntEnums, their typed twins, a sentence per status.

The twins are typed numpy scalars because a bare ``int`` reaches a jitted callee as a
literal and compiles another copy of it and of all it calls.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Side(IntEnum):
    """Side of an order in the book."""

    BUY = 0
    SELL = 1


class Tif(IntEnum):
    """Time in force."""

    GTC = 0
    IOC = 1


class Venue(IntEnum):
    """Index of a book inside a market."""

    PERP = 0
    SPOT = 1


class Status(IntEnum):
    """Outcome of a message; see :data:`STATUS_TEXT` for the sentences."""

    RESTING = 0
    FILLED = 1
    PARTIALLY_FILLED = 2
    CANCELLED = 3
    BOOK_FULL = 4
    UNKNOWN_ORDER = 5
    BAD_QUANTITY = 6
    PRICE_OUT_OF_RANGE = 7


STATUS_TEXT = {
    Status.RESTING: "the order rests in the book with nothing filled",
    Status.FILLED: "the whole quantity was filled",
    Status.PARTIALLY_FILLED: "part was filled; the rest of a GTC order rests in the book",
    Status.CANCELLED: "the order, or the unfilled rest of an IOC order, was cancelled",
    Status.BOOK_FULL: "every order slot of the book is taken; use a larger size class",
    Status.UNKNOWN_ORDER: "no resting order has this id; it was filled, cancelled or never was",
    Status.BAD_QUANTITY: "the quantity must lie between 1 and 4,294,967,295 lots",
    Status.PRICE_OUT_OF_RANGE: "the price lies outside the range that the book accepts",
}


class OwnerKind(IntEnum):
    """Who stands behind an account."""

    POT = 0
    POOL = 1
    LEARNER = 2
    HOLDER = 3


class Account(IntEnum):
    """Slots of the accounts that every market has; individual holders follow."""

    OUTSIDE = 0  # deposits, withdrawals, residual counterparty of the opening positions
    LENDER = 1  # coins for shorting spot
    VENUE = 2  # fees and rounding
    FUND = 3  # insurance
    ABSORBER = 4  # takes liquidations off-book in counterfactuals
    NOISE = 5
    MAKER = 6
    VALUE = 7
    CATALYST = 8
    ARBITRAGE = 9
    LEARNER = 10


FIRST_HOLDER_SLOT = 16


class Source(IntEnum):
    """Sources of events: slots of ``clock["due"]``, in the order that ties are served."""

    GATEWAY = 0
    ENGINE = 1
    MARK = 2
    FEED = 3
    NOISE_PERP = 4
    NOISE_SPOT = 5
    LIMIT_PERP = 6
    LIMIT_SPOT = 7
    MAKER_PERP = 8
    MAKER_SPOT = 9
    VALUE = 10
    CATALYST = 11
    ARBITRAGE = 12


class Stream(IntEnum):
    """Random number streams: one per population and purpose."""

    OPENING = 0
    NOISE_PERP = 1
    NOISE_SPOT = 2
    LIMIT_PERP = 3
    LIMIT_SPOT = 4
    MAKER_PERP = 5
    MAKER_SPOT = 6
    VALUE = 7
    FUNDAMENTAL = 8
    CATALYST = 9
    ARBITRAGE = 10
    INDEX = 11
    LEARNER = 12
    GATEWAY = 13


class Liquidation(IntEnum):
    """Where a liquidation order goes."""

    BOOK = 0  # through the book: insurance fund and ADL behind it
    ABSORBER = 1  # off-book, to the absorber at mark: the counterfactual without forced flow
    OFF = 2  # nobody is liquidated: the path without liquidations


class LogKind(IntEnum):
    """Kinds of event-log rows; the columns are described at ``state.LOG_DTYPE``."""

    ORDER = 1
    CANCEL = 2
    TRANSFER = 3
    POSITION = 4
    MARK = 5
    LIQUIDATION = 6


class Command(IntEnum):
    """Bits of ``view["command"]``: what one call of ``advance`` does to a row."""

    SKIP = 0
    RUN = 1
    RESET = 2
    CLOSE = 4


class Problem(IntEnum):
    """Counted problems of a market: bits of ``clock["problems"]``."""

    BOOK_FULL = 1
    GATEWAY_FULL = 2
    LOG_FULL = 4
    INTENSITY_CEILING = 8


PROBLEM_TEXT = {
    Problem.BOOK_FULL: "an order was refused because every order slot was taken",
    Problem.GATEWAY_FULL: "a learner's message was refused because its queue was full",
    Problem.LOG_FULL: "rows of the event log were lost because it was not drained in time",
    Problem.INTENSITY_CEILING: "a self-exciting intensity was cut at its ceiling",
}

BUY = np.int64(Side.BUY)
SELL = np.int64(Side.SELL)
GTC = np.int64(Tif.GTC)
IOC = np.int64(Tif.IOC)
PERP = np.int64(Venue.PERP)
SPOT = np.int64(Venue.SPOT)

RESTING = np.int64(Status.RESTING)
FILLED = np.int64(Status.FILLED)
PARTIALLY_FILLED = np.int64(Status.PARTIALLY_FILLED)
CANCELLED = np.int64(Status.CANCELLED)
BOOK_FULL = np.int64(Status.BOOK_FULL)
UNKNOWN_ORDER = np.int64(Status.UNKNOWN_ORDER)
BAD_QUANTITY = np.int64(Status.BAD_QUANTITY)
PRICE_OUT_OF_RANGE = np.int64(Status.PRICE_OUT_OF_RANGE)

OUTSIDE = np.int64(Account.OUTSIDE)
LENDER = np.int64(Account.LENDER)
VENUE = np.int64(Account.VENUE)
FUND = np.int64(Account.FUND)
ABSORBER = np.int64(Account.ABSORBER)
NOISE = np.int64(Account.NOISE)
MAKER = np.int64(Account.MAKER)
VALUE = np.int64(Account.VALUE)
CATALYST = np.int64(Account.CATALYST)
ARBITRAGE = np.int64(Account.ARBITRAGE)
LEARNER = np.int64(Account.LEARNER)
FIRST_HOLDER = np.int64(FIRST_HOLDER_SLOT)

KIND_POT = np.int64(OwnerKind.POT)
KIND_POOL = np.int64(OwnerKind.POOL)
KIND_LEARNER = np.int64(OwnerKind.LEARNER)
KIND_HOLDER = np.int64(OwnerKind.HOLDER)

ZERO = np.int64(0)
ONE = np.int64(1)
NEVER = np.int64(np.iinfo(np.int64).max)  # a due time that does not come
NO_BID = np.int64(0)  # best bid of an empty side; prices start at 1
NO_ASK = np.int64(2**31 - 1)  # best ask of an empty side; prices end below
NO_SLOT = np.uint32(2**32 - 1)  # end of a linked list
MAX_QTY = np.int64(2**32 - 1)  # lots an order can hold
RATE_ONE = np.int64(100_000_000)  # rates are integers in units of 1e-8

"""Codes shared by kernels and façades: IntEnums, their typed twins, a sentence per problem.

The twins are typed numpy scalars because a bare ``int`` reaches a jitted callee as a
literal and compiles another copy of it and of all it calls. Statuses, the codes of the venue's
rules and those of its protection stand in files of their own and are imported from here too.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from squeezegym.measures import IN_PAUSE as IN_PAUSE
from squeezegym.measures import Cause as Cause
from squeezegym.measures import Measure as Measure
from squeezegym.rulecodes import FundingRule as FundingRule
from squeezegym.rulecodes import IndexRule as IndexRule
from squeezegym.rulecodes import Liquidation as Liquidation
from squeezegym.rulecodes import LiquidationStage as LiquidationStage
from squeezegym.rulecodes import MarkRule as MarkRule
from squeezegym.rulecodes import Policy as Policy
from squeezegym.rulecodes import Ranking as Ranking
from squeezegym.rulecodes import Remainder as Remainder
from squeezegym.statuses import STATUS_TEXT as STATUS_TEXT
from squeezegym.statuses import Status as Status


class Side(IntEnum):
    """Side of an order in the book."""

    BUY = 0
    SELL = 1


class Tif(IntEnum):
    """Time in force."""

    GTC = 0  # good till cancelled: what is not filled rests
    IOC = 1  # immediate or cancel: what is not filled at once is cancelled
    FOK = 2  # fill or kill: filled whole at once, or not at all


class MessageKind(IntEnum):
    """What a message asks of the matching engine."""

    NEW = 0
    CANCEL = 1
    AMEND = 2
    CANCEL_ALL = 3  # every order of one owner


class OrderFlag(IntEnum):
    """Bits of an order's ``flags``."""

    POST_ONLY = 1  # refused when it would trade at once
    REDUCE_ONLY = 2  # may not increase its owner's position
    FAR = 4  # waits beyond the price window
    CROSSED = 8  # rests through the other side, in an auction
    DISPLACED = 16  # its id stands in the hash table, not in the direct map
    FORCED = 32  # sent by the liquidation engine
    AT_OPEN = 64  # for the next auction: cancelled after it, or with the band it waits at
    LEAVING = 128  # its cancel waits before the matching engine


class SelfTrade(IntEnum):
    """What happens when an order meets a resting order of its own owner."""

    ALLOW = 0
    CANCEL_NEWEST = 1  # the rest of the incoming order is cancelled
    CANCEL_OLDEST = 2  # the resting order is cancelled, the incoming one goes on
    CANCEL_BOTH = 3
    DECREMENT = 4  # both lose the smaller quantity without a trade


class BookState(IntEnum):
    """Trading state of a book."""

    OPEN = 0
    CANCEL_ONLY = 1
    HALTED = 2
    AUCTION = 3


class Venue(IntEnum):
    """Index of a book inside a market."""

    PERP = 0
    SPOT = 1


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
    VAULT = 11  # backstop: takes over positions that the book cannot close
    WALLETS = 12  # free cash of isolated holders, which their positions cannot reach
    FOLLOWER = 13
    SNIPER = 14


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
    FUNDING_SAMPLE = 13
    FUNDING = 14
    BORROW = 15
    HOLDERS = 16
    FOLLOWERS = 17
    SNIPERS = 18
    FOMO = 19
    RELOADERS = 20
    ARBITRAGE_ORDERS = 21
    PROTECTION = 22
    ACTIVITY = 23
    WATCH_PERP = 24
    WATCH_SPOT = 25


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
    HOLDERS = 14
    BORROW = 15
    FOLLOWERS = 16
    SNIPERS = 17
    FOMO = 18
    RELOADERS = 19
    REFILL_PERP = 20
    REFILL_SPOT = 21
    ROUNDS = 22  # round prices and take-profits
    ACTIVITY = 23
    WATCH_PERP = 24
    WATCH_SPOT = 25
    SERVICE = 26  # of the matching engine


class Habit(IntEnum):
    """What a holder does when a position goes against it."""

    SIT = 0
    TOP_UP = 1
    STOP_OUT = 2
    CAPITULATE = 3


class Standing(IntEnum):
    """Where an account stands between liquidation ladder and engine."""

    FREE = 0
    IN_LADDER = 1
    IN_QUEUE = 2
    IN_REMAINDER = 3  # what the book left of it is being shared
    WAITING = 4  # for its next turn with the engine
    IN_BORROW_LADDER = 10  # spot margin: its trigger is an index, not a mark
    IN_BUY_IN = 11


class LogKind(IntEnum):
    """Kinds of event-log rows; the columns are described at ``state.LOG_DTYPE``."""

    ORDER = 1
    CANCEL = 2
    TRANSFER = 3
    POSITION = 4
    MARK = 5
    LIQUIDATION = 6
    COINS = 7
    BUY_IN = 8
    WRITE_OFF = 9
    RECALL = 10
    MEASURE = 11
    BANDS = 12
    UNCROSS = 13
    UNWIND = 14


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
    FILLS_FORGOTTEN = 16


PROBLEM_TEXT = {
    Problem.BOOK_FULL: "an order was refused because every order slot was taken",
    Problem.GATEWAY_FULL: "a learner's message was refused because its queue was full",
    Problem.LOG_FULL: "rows of the event log were lost because it was not drained in time",
    Problem.INTENSITY_CEILING: "a self-exciting intensity was cut at its ceiling",
    Problem.FILLS_FORGOTTEN: "no trade was cancelled: the window holds more fills than are kept",
}

BUY = np.int64(Side.BUY)
SELL = np.int64(Side.SELL)
GTC = np.int64(Tif.GTC)
IOC = np.int64(Tif.IOC)
FOK = np.int64(Tif.FOK)
PERP = np.int64(Venue.PERP)
SPOT = np.int64(Venue.SPOT)

NEW = np.int64(MessageKind.NEW)
CANCEL = np.int64(MessageKind.CANCEL)
AMEND = np.int64(MessageKind.AMEND)
CANCEL_ALL = np.int64(MessageKind.CANCEL_ALL)

IS_POST_ONLY = np.int64(OrderFlag.POST_ONLY)
IS_REDUCE_ONLY = np.int64(OrderFlag.REDUCE_ONLY)
IS_FAR = np.int64(OrderFlag.FAR)
IS_CROSSED = np.int64(OrderFlag.CROSSED)
IS_DISPLACED = np.int64(OrderFlag.DISPLACED)
IS_FORCED = np.int64(OrderFlag.FORCED)
IS_AT_OPEN = np.int64(OrderFlag.AT_OPEN)
IS_LEAVING = np.int64(OrderFlag.LEAVING)

ALLOW = np.int64(SelfTrade.ALLOW)
CANCEL_NEWEST = np.int64(SelfTrade.CANCEL_NEWEST)
CANCEL_OLDEST = np.int64(SelfTrade.CANCEL_OLDEST)
CANCEL_BOTH = np.int64(SelfTrade.CANCEL_BOTH)
DECREMENT = np.int64(SelfTrade.DECREMENT)

STATE_OPEN = np.int64(BookState.OPEN)
STATE_CANCEL_ONLY = np.int64(BookState.CANCEL_ONLY)
STATE_HALTED = np.int64(BookState.HALTED)
STATE_AUCTION = np.int64(BookState.AUCTION)

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
VAULT = np.int64(Account.VAULT)
WALLETS = np.int64(Account.WALLETS)
FOLLOWER = np.int64(Account.FOLLOWER)
SNIPER = np.int64(Account.SNIPER)
FIRST_HOLDER = np.int64(FIRST_HOLDER_SLOT)

KIND_POT = np.int64(OwnerKind.POT)
KIND_POOL = np.int64(OwnerKind.POOL)
KIND_LEARNER = np.int64(OwnerKind.LEARNER)
KIND_HOLDER = np.int64(OwnerKind.HOLDER)

FREE = np.uint8(Standing.FREE)
IN_LADDER = np.uint8(Standing.IN_LADDER)
IN_QUEUE = np.uint8(Standing.IN_QUEUE)
IN_REMAINDER = np.uint8(Standing.IN_REMAINDER)
IS_WAITING = np.uint8(Standing.WAITING)
IN_BORROW_LADDER = np.uint8(Standing.IN_BORROW_LADDER)
IN_BUY_IN = np.uint8(Standing.IN_BUY_IN)

ZERO = np.int64(0)
ONE = np.int64(1)
NEVER = np.int64(np.iinfo(np.int64).max)  # a due time that does not come
NO_BID = np.int64(0)  # best bid of an empty side; prices start at 1
NO_ASK = np.int64(2**31 - 1)  # best ask of an empty side; prices end below
NO_SLOT = np.uint32(2**32 - 1)  # end of a linked list
NO_OWNER = np.int64(2**32 - 1)  # nobody: above every account slot and owner
MAX_QTY = np.int64(2**32 - 1)  # lots an order can hold
RATE_ONE = np.int64(100_000_000)  # rates are integers in units of 1e-8

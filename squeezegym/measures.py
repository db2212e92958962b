"""Codes of the venue's protection: its rules, what it has in force, and why that changed.

Typed twins as in :mod:`squeezegym.codes`.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Rule(IntEnum):
    """Rules that time, the market or a decision can switch: places of the levers."""

    BUY_RESTRICTION = 0
    SHORT_BAN = 1
    UPTICK_RULE = 2
    CLOSE_ONLY = 3
    LEVERAGE_CAP = 4
    MARGIN_HIKE = 5
    OPEN_INTEREST_MARGIN = 6
    POSITION_LIMIT = 7
    PRICE_BAND = 8
    CIRCUIT_BREAKER = 9
    VELOCITY_HALT = 10
    CANCEL_ONLY = 11
    LIQUIDATION_THROTTLE = 12
    ABSORPTION = 13
    FUNDING_CHANGE = 14
    TRADE_CANCELLATION = 15
    BATCH_AUCTION = 16


class Measure(IntEnum):
    """Bits of ``protection["measures"]``: what the venue has in force to protect itself.

    That of a rule is ``4 << rule``.
    """

    LIMIT_STATE = 1  # the touch stands at a price band
    PAUSE = 2  # orders collect for an auction
    BUY_RESTRICTION = 4
    SHORT_BAN = 8
    UPTICK_RULE = 16
    CLOSE_ONLY = 32
    LEVERAGE_CAP = 64
    MARGIN_HIKE = 128
    OPEN_INTEREST_MARGIN = 256
    POSITION_LIMIT = 512
    PRICE_BAND = 1024
    CIRCUIT_BREAKER = 2048  # watches; its halt is a PAUSE
    VELOCITY_HALT = 4096  # likewise
    CANCEL_ONLY = 8192
    LIQUIDATION_THROTTLE = 16384
    ABSORPTION = 32768
    FUNDING_CHANGE = 65536
    TRADE_CANCELLATION = 131_072  # trades of this episode have been cancelled
    BATCH_AUCTION = 262_144


class Trigger(IntEnum):
    """What switches a rule, beside decisions."""

    SCHEDULE = 0
    RULE = 1  # the market itself
    AGENT = 2  # nothing


class Cause(IntEnum):
    """Why a measure began, went on or ended."""

    BID_AT_UPPER_BAND = 0
    ASK_AT_LOWER_BAND = 1
    TOUCH_LEFT_BAND = 2
    LIMIT_STATE_LASTED = 3
    BEYOND_COLLAR = 4  # the pause is extended
    REOPENED = 5
    SCHEDULE = 6
    MOVED = 7  # the price, by what the rule allows
    LASTED = 8  # as long as the rule says
    DECISION = 9
    NOTICE_OVER = 10  # what was announced comes into force
    FORGOTTEN = 11  # fills of the window are no longer remembered: no trade was cancelled
    UNCROSSED = 12  # a batch has traded, and what was forced may


RULE_NAMES = tuple(rule.name.lower() for rule in Rule)
N_RULES = len(Rule)

UPTICK_RULE = np.int64(Rule.UPTICK_RULE)
LEVERAGE_CAP = np.int64(Rule.LEVERAGE_CAP)
MARGIN_HIKE = np.int64(Rule.MARGIN_HIKE)
OPEN_INTEREST_MARGIN = np.int64(Rule.OPEN_INTEREST_MARGIN)
POSITION_LIMIT = np.int64(Rule.POSITION_LIMIT)
PRICE_BAND = np.int64(Rule.PRICE_BAND)
CIRCUIT_BREAKER = np.int64(Rule.CIRCUIT_BREAKER)
VELOCITY_HALT = np.int64(Rule.VELOCITY_HALT)
CANCEL_ONLY = np.int64(Rule.CANCEL_ONLY)
LIQUIDATION_THROTTLE = np.int64(Rule.LIQUIDATION_THROTTLE)
ABSORPTION = np.int64(Rule.ABSORPTION)
FUNDING_CHANGE = np.int64(Rule.FUNDING_CHANGE)
TRADE_CANCELLATION = np.int64(Rule.TRADE_CANCELLATION)
BATCH_AUCTION = np.int64(Rule.BATCH_AUCTION)

IN_LIMIT_STATE = np.int64(Measure.LIMIT_STATE)
IN_PAUSE = np.int64(Measure.PAUSE)
BUYING_RESTRICTED = np.int64(Measure.BUY_RESTRICTION)
SHORTING_BANNED = np.int64(Measure.SHORT_BAN)
ABOVE_BID_ONLY = np.int64(Measure.UPTICK_RULE)
ONLY_CLOSING = np.int64(Measure.CLOSE_ONLY)
LEVERAGE_CAPPED = np.int64(Measure.LEVERAGE_CAP)
MARGIN_HIKED = np.int64(Measure.MARGIN_HIKE)
INTEREST_SCALED = np.int64(Measure.OPEN_INTEREST_MARGIN)
POSITIONS_CAPPED = np.int64(Measure.POSITION_LIMIT)
BANDED = np.int64(Measure.PRICE_BAND)
BREAKER_ARMED = np.int64(Measure.CIRCUIT_BREAKER)
VELOCITY_WATCHED = np.int64(Measure.VELOCITY_HALT)
CANCELLING_ONLY = np.int64(Measure.CANCEL_ONLY)
THROTTLED = np.int64(Measure.LIQUIDATION_THROTTLE)
ABSORBING = np.int64(Measure.ABSORPTION)
FUNDING_CHANGED = np.int64(Measure.FUNDING_CHANGE)
TRADES_CANCELLED = np.int64(Measure.TRADE_CANCELLATION)
BATCHING = np.int64(Measure.BATCH_AUCTION)
# Books that do not match at once, so that a trade of two legs would be left with one.
DISCONTINUOUS = IN_PAUSE | CANCELLING_ONLY | BATCHING

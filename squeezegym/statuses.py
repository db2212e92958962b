"""Outcomes of a message, with a sentence for each. Typed twins as in :mod:`squeezegym.codes`."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


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
    WOULD_CROSS = 8
    FOK_UNFILLED = 9
    SELF_TRADE = 10
    REDUCE_ONLY = 11
    HALTED = 12
    CANCEL_ONLY = 13
    AUCTION = 14
    DUPLICATE_ORDER = 15
    UNKNOWN_OWNER = 16
    BAD_MESSAGE = 17
    IN_LIQUIDATION = 18
    INSUFFICIENT_MARGIN = 19
    NO_COINS = 20
    BEYOND_BAND = 21
    BUY_RESTRICTED = 22
    SHORT_BANNED = 23
    UPTICK_ONLY = 24
    CLOSING_ONLY = 25
    POSITION_LIMITED = 26
    OVERLOADED = 27
    QUEUE_FULL = 28
    RATE_LIMITED = 29
    EXECUTION_UNKNOWN = 30


STATUS_TEXT = {
    Status.RESTING: "the order rests in the book with nothing filled",
    Status.FILLED: "the whole quantity was filled",
    Status.PARTIALLY_FILLED: "part was filled; the rest of a GTC order rests in the book",
    Status.CANCELLED: "the order, or the unfilled rest of an IOC or market order, was cancelled",
    Status.BOOK_FULL: "every order slot of the book is taken; allow more orders",
    Status.UNKNOWN_ORDER: "no resting order has this id; it was filled, cancelled or never was",
    Status.BAD_QUANTITY: "the quantity must lie between 1 and 4,294,967,295 lots",
    Status.PRICE_OUT_OF_RANGE: "the price lies outside the range that the book accepts",
    Status.WOULD_CROSS: "a post-only order may not trade at once; price it behind the other side",
    Status.FOK_UNFILLED: "the book could not fill the whole quantity at once within the limit",
    Status.SELF_TRADE: "self-trade prevention took out what would have traded with the same owner",
    Status.REDUCE_ONLY: "a reduce-only order needs an open position on the other side",
    Status.HALTED: "trading is halted; the book takes no message of any kind",
    Status.CANCEL_ONLY: "the book takes cancels only, no new or amended orders",
    Status.AUCTION: "an auction takes only orders that can rest: no market, IOC or FOK orders",
    Status.DUPLICATE_ORDER: "a live order has this id; it may come back once that order is gone",
    Status.UNKNOWN_OWNER: "the owner's number must be below the book's max_owners",
    Status.BAD_MESSAGE: "kind, side, tif or flags hold an unknown code or do not combine",
    Status.IN_LIQUIDATION: "the liquidation engine holds the account; it takes no orders",
    Status.INSUFFICIENT_MARGIN: "equity does not cover the initial margin with this order",
    Status.NO_COINS: "the account has not the coins to sell, and the lender grants no more",
    Status.BEYOND_BAND: "the limit lies beyond the price band; price the order within it",
    Status.BUY_RESTRICTED: "buying is restricted to closing; no long may be opened or enlarged",
    Status.SHORT_BANNED: "selling short is banned; no short may be opened or enlarged",
    Status.UPTICK_ONLY: "a short sale must be priced above the best bid by the uptick rule",
    Status.CLOSING_ONLY: "positions may only be closed; no position may be opened or enlarged",
    Status.POSITION_LIMITED: "position and open orders would exceed the position limit",
    Status.OVERLOADED: "the matching engine is overloaded and takes no new orders; try again later",
    Status.QUEUE_FULL: "no place is left before the matching engine; try again later",
    Status.RATE_LIMITED: "the account sent more orders than its rate limit allows; slow down",
    Status.EXECUTION_UNKNOWN: "no answer came in time; the message may still be executed, or not",
}

RESTING = np.int64(Status.RESTING)
FILLED = np.int64(Status.FILLED)
PARTIALLY_FILLED = np.int64(Status.PARTIALLY_FILLED)
CANCELLED = np.int64(Status.CANCELLED)
BOOK_FULL = np.int64(Status.BOOK_FULL)
UNKNOWN_ORDER = np.int64(Status.UNKNOWN_ORDER)
BAD_QUANTITY = np.int64(Status.BAD_QUANTITY)
PRICE_OUT_OF_RANGE = np.int64(Status.PRICE_OUT_OF_RANGE)
WOULD_CROSS = np.int64(Status.WOULD_CROSS)
FOK_UNFILLED = np.int64(Status.FOK_UNFILLED)
SELF_TRADE = np.int64(Status.SELF_TRADE)
REDUCE_ONLY = np.int64(Status.REDUCE_ONLY)
HALTED = np.int64(Status.HALTED)
CANCEL_ONLY = np.int64(Status.CANCEL_ONLY)
AUCTION = np.int64(Status.AUCTION)
DUPLICATE_ORDER = np.int64(Status.DUPLICATE_ORDER)
UNKNOWN_OWNER = np.int64(Status.UNKNOWN_OWNER)
BAD_MESSAGE = np.int64(Status.BAD_MESSAGE)
IN_LIQUIDATION = np.int64(Status.IN_LIQUIDATION)
INSUFFICIENT_MARGIN = np.int64(Status.INSUFFICIENT_MARGIN)
NO_COINS = np.int64(Status.NO_COINS)
BEYOND_BAND = np.int64(Status.BEYOND_BAND)
BUY_RESTRICTED = np.int64(Status.BUY_RESTRICTED)
SHORT_BANNED = np.int64(Status.SHORT_BANNED)
UPTICK_ONLY = np.int64(Status.UPTICK_ONLY)
CLOSING_ONLY = np.int64(Status.CLOSING_ONLY)
POSITION_LIMITED = np.int64(Status.POSITION_LIMITED)
OVERLOADED = np.int64(Status.OVERLOADED)
QUEUE_FULL = np.int64(Status.QUEUE_FULL)
RATE_LIMITED = np.int64(Status.RATE_LIMITED)
EXECUTION_UNKNOWN = np.int64(Status.EXECUTION_UNKNOWN)
ACCEPTED = np.int64(-1)  # no status yet: nothing speaks against the message

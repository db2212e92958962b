"""Aggressor orders of the background: noise, value traders, the catalyst."""

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    CATALYST,
    GTC,
    IOC,
    IS_AT_OPEN,
    NEVER,
    NO_ASK,
    NO_BID,
    STATE_AUCTION,
    VALUE,
    ZERO,
)
from squeezegym.core.admission import banded
from squeezegym.core.book import NO_ORDER
from squeezegym.core.exchange import place
from squeezegym.core.fifo import is_busy, join_line
from squeezegym.gatewaycodes import TAKE

_LOWEST_PRICE = np.int64(1)
_HIGHEST_PRICE = np.int64(NO_ASK - 1)


@kernel
def take(market, params, venue, owner, side, qty, cap):
    """Send a background market order, or let it stand in line before a busy engine.

    ``cap`` bounds its price beyond the touch that its sender sees, relative; what it cannot fill
    there is cancelled. The catalyst sends again later what an overloaded venue refuses, or what
    found its limit passed after a wait.
    """
    book = market["books"][venue]
    touch = book["best_ask"] if side == BUY else book["best_bid"]
    if touch == NO_ASK or touch == NO_BID:
        return
    slack = np.int64(np.float64(touch) * cap) + 1
    limit = min(touch + slack, _HIGHEST_PRICE) if side == BUY else max(touch - slack, _LOWEST_PRICE)
    if not is_busy(market):
        take_at(market, params, venue, owner, side, limit, qty)
        return
    stands = join_line(
        market, params, TAKE, venue, owner, side, limit, qty, IOC, ZERO, NO_ORDER, ZERO
    )
    if not stands and owner == CATALYST:
        market["flow"]["catalyst_left"] += qty


@kernel
def take_at(market, params, venue, owner, side, limit, qty):
    """Match a background market order; noise and the catalyst count as exogenous demand.

    Value traders answer the price, so they do not. What a price band keeps from trading waits at
    the band, as exchanges reprice it, and in a pause everything waits for the auction.
    """
    if np.int64(market["books"][venue]["state"]) == STATE_AUCTION:
        place(market, params, venue, owner, side, limit, qty, GTC, IS_AT_OPEN)
        return
    filled, _ = place(market, params, venue, owner, side, limit, qty, IOC, ZERO)
    band = banded(market, params, venue, side, limit)
    if filled < qty and band != limit and params["protection"]["limits"] != 0:
        place(market, params, venue, owner, side, band, qty - filled, GTC, IS_AT_OPEN)
    if owner == VALUE:
        return
    if owner == CATALYST and market["gateway"]["serving"] != 0:
        market["flow"]["catalyst_left"] += qty - filled
    score = market["score"]
    score["demand"] += filled if side == BUY else -filled
    if score["barrier"] > 0 and score["ignition"] == NEVER:
        aimed = score["demand"] if params["catalyst"]["side"] == BUY else -score["demand"]
        if aimed > score["barrier"]:
            score["ignition"] = market["clock"]["now"]

"""A learner's episode: how it opens, what it is measured from, how it is closed."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import (
    BUY,
    IN_BUY_IN,
    IN_REMAINDER,
    IOC,
    IS_FORCED,
    LENDER,
    OUTSIDE,
    RATE_ONE,
    SELL,
    SPOT,
    ZERO,
    Stream,
)
from squeezegym.core.accounts import exchange_lots, move_position, transfer
from squeezegym.core.book import NO_ORDER
from squeezegym.core.borrow import lend, list_borrower
from squeezegym.core.coins import closing_limit, net_position, net_worth, square_coins
from squeezegym.core.exchange import place, withdraw
from squeezegym.core.gateway import write_ack
from squeezegym.core.rng import uniform
from squeezegym.core.seats import account_of, stream_of
from squeezegym.state import SEAT_STREAMS

_STREAM = np.int64(Stream.LEARNER)
_STREAMS = tuple(np.int64(stream) for stream in SEAT_STREAMS)


@kernel
def seed_streams(rng, views):
    """Start the streams of the market from its first view, a learner's own ones from its own."""
    for seat in range(views.shape[0]):
        seeds = views[seat]["seeds"]
        for i in range(seeds.shape[0] if seat == 0 else len(_STREAMS)):
            source = np.int64(i)
            stream = np.int64(i)
            if seat > 0:
                source = _STREAMS[i]
                stream = stream_of(np.int64(seat), source, stream)
            rng[stream, 0] = seeds[source, 0]
            rng[stream, 1] = seeds[source, 1]


@kernel
def open_learner(market, params, seat):
    """Give a learner its capital; in a share of the episodes it is already short."""
    rules = params["learners"][seat]
    rng = market["clock"]["rng"]
    stream = stream_of(seat, _STREAM, ZERO)
    learner = market["learners"][seat]
    learner["hand"] = np.int32(rules["hand"])
    slot = account_of(market, seat)
    learner["order_id"] = NO_ORDER
    learner["n_acks"] = 0
    learner["liquidated"] = 0
    learner["changed"] = 0
    learner["served"] = 0
    learner["bought"] = 0
    learner["sold"] = 0
    learner["sent"] = 0
    learner["cancelled"] = 0
    learner["deleveraged"] = 0
    learner["answer"] = 0
    learner["carried"] = 0
    learner["tokens"] = params["gateway"]["order_burst"]
    learner["refilled"] = market["clock"]["now"]
    if rules["hand"] == 0:
        transfer(market, OUTSIDE, slot, rules["capital"])
    initial = math.ceil(np.float64(RATE_ONE) / rules["leverage_cap"])
    market["holders"][slot]["initial"] = np.uint32(initial)
    starts_short = uniform(rng, stream) < rules["short_start"] and rules["hand"] == 0
    size = rules["start_low"] + (rules["start_high"] - rules["start_low"]) * uniform(rng, stream)
    spread = rules["entry_spread"] * (2.0 * uniform(rng, stream) - 1.0)
    if starts_short:
        lots = np.int64(size * np.float64(rules["limit"]))
        entry = np.int64(np.float64(market["marks"]["mark"]) * (1.0 + spread))
        if rules["venue"] == SPOT:
            lots = min(lots, market["accounts"][LENDER]["spot"])
            if lots > 0:
                lend(market, slot, lots)
                exchange_lots(market, SPOT, slot, OUTSIDE, entry, lots)
                list_borrower(market, params, slot)
        elif lots > 0:
            move_position(market, slot, OUTSIDE, entry, lots)
    write_ack(market, params, seat, learner["known"], market["clock"]["now"])


@kernel
def begin_episode(market, params, seat):
    """Take the references that rewards and observations are measured from."""
    learner = market["learners"][seat]
    learner["start_equity"] = net_worth(market, params, seat)
    learner["opening_interest"] = market["feed"]["seen"]["open_interest"]
    learner["price"] = 0
    learner["fees"] = 0
    learner["funding"] = 0
    learner["borrow"] = 0
    learner["slippage"] = 0
    if params["protection"]["remembers"] != 0:
        market["protection"]["n_fills"] = 0


@kernel
def close_out(market, params, seat):
    """End of the horizon: cancel the order and close the position against the book.

    On spot a debt is bought back as far as the cash reaches. What a pause leaves open is worth the
    mark.
    """
    learner = market["learners"][seat]
    venue = params["learners"][seat]["venue"]
    withdraw(market, params, venue, learner["order_id"])
    learner["order_id"] = 0
    if venue == SPOT:
        square_coins(market, params, seat)
    position = net_position(market, params, seat)
    if position == 0 or learner["hand"] != 0:
        return
    slot = account_of(market, seat)
    side = SELL if position > 0 else BUY
    # While engine or desk hold the account only a forced order gets through.
    held = market["accounts"][slot]["laddered"]
    limit = ZERO
    flags = ZERO
    if venue == SPOT:
        limit = closing_limit(market, params, slot, side, abs(position))
        flags = IS_FORCED if held == IN_BUY_IN else ZERO
    elif held >= IN_REMAINDER:
        flags = IS_FORCED
    place(market, params, venue, slot, side, limit, abs(position), IOC, flags)
    if venue == SPOT:
        square_coins(market, params, seat)

"""The public feed: conflated snapshots that are published on a timer and arrive late."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, NEVER, NO_ASK, NO_BID, PERP, RATE_ONE, SPOT, Source
from squeezegym.core.admission import bands
from squeezegym.core.borrow import borrow_rate, utilisation
from squeezegym.core.fifo import backlog, hear_others
from squeezegym.core.levels import in_window, next_level
from squeezegym.core.liquidation import flush_prints
from squeezegym.core.makers import stress
from squeezegym.core.marks import mid
from squeezegym.measures import BANDED

_FEED = np.int64(Source.FEED)
_DEPTH = 0  # parts of a snapshot; 2: liquidations
_TRADES = 1
_SECOND = 1e9
_RATE_ONE = np.float64(RATE_ONE)
HORIZONS = (1.0, 10.0, 60.0)  # of the decayed sums and means, s


@kernel(early=True)
def publish(market, params):
    """Take what is due anew, send a snapshot on its way and time the next.

    Depth, trades and liquidations have intervals of their own; what is not due is sent as it was
    taken last. The feed is served by the same engine: a snapshot is late by its waiting time, and
    the intervals stretch with it.
    """
    receive(market)  # what has arrived leaves the air, so the ring holds only what is late
    feed = market["feed"]
    work = feed["work"]
    now = market["clock"]["now"]
    _measure_load(market, params)
    queue = backlog(market)
    slack = np.int64(params["feed"]["stretch"] * np.float64(queue))
    due = NEVER
    for part in range(3):
        if feed["next"][part] <= now:
            elapsed = np.float64(now - work["seen"][part]) / _SECOND
            if part == _DEPTH:
                _take_depth(market, params, work, elapsed)
            elif part == _TRADES:
                _take_trades(market, work, elapsed)
            else:
                _take_prints(market, work, elapsed)
            work["seen"][part] = now
            feed["next"][part] = now + params["feed"]["interval"][part] + slack
        due = min(due, feed["next"][part])
    work["sent"] = work["seen"][_DEPTH]
    work["queue"] = queue
    work["due"] = now + params["feed"]["latency"] + queue
    n = np.int64(feed["flying"].shape[0])
    size = feed["size"]
    if size == n:  # conflation: the newest replaces the one before it
        size -= 1
    feed["flying"][(feed["head"] + size) % n] = work
    feed["size"] = size + 1
    market["clock"]["due"][_FEED] = due


@kernel
def _measure_load(market, params):
    """Let the requests of others follow the stress.

    A stress up to 1, twice the calm trend, is nothing that senders would answer.
    """
    rules = params["gateway"]
    gateway = market["gateway"]
    hear_others(market)
    fear = stress(market, params, SPOT)
    if params["scale"]["home"] == PERP:
        fear = max(fear, stress(market, params, PERP))
    gateway["others"] = min(rules["surge"] * max(0.0, fear - 1.0), rules["surge_most"])


@kernel(early=True)
def _take_depth(market, params, work, elapsed):
    """Take the mids' running means, depth, and the state that is published with it."""
    for venue in range(2):
        book = market["books"][venue]
        price = mid(book)
        for h in range(3):
            keep = math.exp(-elapsed / HORIZONS[h])
            work["mean"][h, venue] = price + keep * (work["mean"][h, venue] - price)
        for side in range(2):
            _depth(book, np.int64(side), work["price"][venue, side], work["qty"][venue, side])
    _take_state(market, params, work)


@kernel
def _take_trades(market, work, elapsed):
    """Take the last prices, decay the running sums of aggressor lots and add the new ones."""
    feed = market["feed"]
    taken = market["score"]["taken"]
    for venue in range(2):
        work["last"][venue] = market["books"][venue]["last"]
        for side in range(2):
            new = taken[venue, side] - feed["taken"][venue, side]
            feed["taken"][venue, side] = taken[venue, side]
            for h in range(2):
                keep = math.exp(-elapsed / HORIZONS[h])
                work["taken"][h, venue, side] = keep * work["taken"][h, venue, side] + new


@kernel
def _take_prints(market, work, elapsed):
    """Decay the running sums of forced lots and add those that the public prints have shown."""
    flush_prints(market)
    feed = market["feed"]
    for side in range(2):
        # Longs (0) are sold and shorts (1) bought back: the order's side is the other one.
        printed = market["score"]["printed"][1 - side]
        new = printed - feed["forced"][side]
        feed["forced"][side] = printed
        for h in range(2):
            keep = math.exp(-elapsed / HORIZONS[h])
            work["forced"][h, side] = keep * work["forced"][h, side] + new


@kernel
def _take_state(market, params, work):
    """Take mark, index, funding, open interest, and what the venue has in force."""
    work["mark"] = market["marks"]["mark"]
    work["index"] = market["marks"]["index"]
    work["funding"] = np.float64(market["funding"]["rate"]) / 1e8
    work["premium"] = market["funding"]["premium"]
    work["open_interest"] = market["score"]["open_interest"]
    if params["scale"]["home"] == SPOT:  # what is short there: the coins lent
        work["open_interest"] = market["borrow"]["lent"]
    work["measures"] = market["protection"]["measures"]
    work["lower"] = market["protection"]["lower"]
    work["upper"] = market["protection"]["upper"]
    if market["protection"]["measures"] & BANDED != 0:
        work["lower"], work["upper"] = bands(market, params, params["protection"]["book"])
    use = utilisation(market["borrow"])
    work["utilisation"] = use
    work["borrow_rate"] = np.float64(borrow_rate(params["borrowing"], use)) / _RATE_ONE


@kernel
def receive(market):
    """Let the learner see every snapshot that has arrived."""
    feed = market["feed"]
    now = market["clock"]["now"]
    n = np.int64(feed["flying"].shape[0])
    arrived = np.int64(-1)
    while feed["size"] > 0 and feed["flying"][feed["head"]]["due"] <= now:
        arrived = feed["head"]
        feed["head"] = (feed["head"] + 1) % n
        feed["size"] -= 1
    if arrived >= 0:
        feed["seen"] = feed["flying"][arrived]
    if feed["size"] == 0:
        feed["head"] = 0  # the ring stays on the lines that are in the cache


@kernel
def open_feed(market, params):
    """Publish the opening state and let it be seen at once."""
    feed = market["feed"]
    feed["head"] = 0
    feed["size"] = 0
    work = feed["work"]
    for part in range(3):
        work["seen"][part] = market["clock"]["now"]
        feed["next"][part] = market["clock"]["now"]
    for venue in range(2):
        for side in range(2):
            feed["taken"][venue, side] = 0
            for h in range(2):
                work["taken"][h, venue, side] = 0.0
        for h in range(3):
            work["mean"][h, venue] = mid(market["books"][venue])
    for side in range(2):
        feed["forced"][side] = 0
        for h in range(2):
            work["forced"][h, side] = 0.0
    publish(market, params)
    feed["seen"] = work


@kernel
def _depth(book, side, prices, lots):
    """Write the best levels of one side; 0 where there are no more."""
    mask = np.int64(book["levels"].shape[0] - 1)
    price = book["best_bid"] if side == BUY else book["best_ask"]
    for i in range(prices.shape[0]):
        if price == NO_BID or price == NO_ASK or not in_window(book, price):
            prices[i] = 0
            lots[i] = 0
            continue
        prices[i] = np.int32(price)
        lots[i] = np.int32(min(book["levels"][price & mask]["qty"], np.int64(2**31 - 1)))
        price = next_level(book, side, price)

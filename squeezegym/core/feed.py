"""The public feed: conflated snapshots that are published on a timer and arrive late."""

import math

import numpy as np

from squeezegym._jit import kernel
from squeezegym.codes import BUY, NO_ASK, NO_BID, RATE_ONE, SPOT, Source
from squeezegym.core.admission import bands
from squeezegym.core.borrow import borrow_rate, utilisation
from squeezegym.core.levels import in_window, next_level
from squeezegym.core.liquidation import flush_prints
from squeezegym.core.marks import mid
from squeezegym.measures import BANDED

_FEED = np.int64(Source.FEED)
_SECOND = 1e9
_RATE_ONE = np.float64(RATE_ONE)
HORIZONS = (1.0, 10.0, 60.0)  # of the decayed sums and means, s


@kernel
def publish(market, params):
    """Send a snapshot on its way and time the next.

    Its latency grows by the engine's workload: the feed is served by the same engine.
    """
    receive(market)  # what has arrived leaves the air, so the ring holds only what is late
    flush_prints(market)
    feed = market["feed"]
    work = feed["work"]
    now = market["clock"]["now"]
    _accumulate(market, work, np.float64(now - work["sent"]) / _SECOND)
    work["sent"] = now
    work["queue"] = max(market["gateway"]["busy_until"] - now, np.int64(0))
    work["due"] = now + params["feed"]["latency"] + work["queue"]
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
    for venue in range(2):
        book = market["books"][venue]
        work["last"][venue] = book["last"]
        for side in range(2):
            _depth(book, np.int64(side), work["price"][venue, side], work["qty"][venue, side])
    n = np.int64(feed["flying"].shape[0])
    size = feed["size"]
    if size == n:  # conflation: the newest replaces the one before it
        size -= 1
    feed["flying"][(feed["head"] + size) % n] = work
    feed["size"] = size + 1
    market["clock"]["due"][_FEED] = now + params["feed"]["interval"]


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
    work["sent"] = market["clock"]["now"]
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
def _accumulate(market, work, elapsed):
    """Decay the running sums and means and add what happened since the last publication."""
    feed = market["feed"]
    score = market["score"]
    for h in range(3):
        keep = math.exp(-elapsed / HORIZONS[h])
        for venue in range(2):
            price = mid(market["books"][venue])
            work["mean"][h, venue] = price + keep * (work["mean"][h, venue] - price)
            if h < 2:
                for side in range(2):
                    new = score["taken"][venue, side] - feed["taken"][venue, side]
                    work["taken"][h, venue, side] = keep * work["taken"][h, venue, side] + new
    for side in range(2):
        # Longs (0) are sold and shorts (1) bought back: the order's side is the other one.
        new = score["printed"][1 - side] - feed["forced"][side]
        for h in range(2):
            keep = math.exp(-elapsed / HORIZONS[h])
            work["forced"][h, side] = keep * work["forced"][h, side] + new
        feed["forced"][side] = score["printed"][1 - side]
    for venue in range(2):
        for side in range(2):
            feed["taken"][venue, side] = score["taken"][venue, side]


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

"""Laws of chance that a matching core obeys when orders come at random.

Poisson flows go message by message through the compiled entry that every user's messages go
through; what happened is read from the book alone.

* One-tick book (Cont and de Larrard 2013): orders of one lot join and leave the two queues at the
  same rate. P(the ask empties first | b orders bid, a offered) is an integral, here evaluated.
* Zero intelligence (Smith, Farmer, Gillemot and Krishnamurthy 2003): market orders at rate mu a
  side, limit orders with density alpha a side, price and time, anywhere short of the opposite best,
  cancels at rate delta an order; all of one lot. In units of mu / alpha the mean spread depends
  on eps = delta / mu alone. Expected: the table of the project's reference on theory.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from squeezegym._jit import JIT_DISABLED
from squeezegym.codes import BUY, CANCEL, NEW, NO_ASK, NO_BID, SELL, Status
from squeezegym.core.book import SLOT_MASK
from squeezegym.core.replay import replay
from squeezegym.orderbook import MESSAGE_DTYPE, RECEIPT_DTYPE, TAPE_DTYPE, OrderBook

HIGHEST, MAX_ORDERS = 65_536, 16_384
TICKS = 500  # per mu / alpha: the spread is many ticks
REACH = 12  # limit orders stand at most so many mu / alpha from the opposite best
SPREAD = {  # eps: spread * alpha / mu
    0.01: 0.468,
    0.02: 0.493,
    0.05: 0.549,
    0.1: 0.627,
    0.2: 0.759,
    0.3: 0.878,
    0.5: 1.103,
    1.0: 1.631,
}
_serve = replay if JIT_DISABLED else replay._kernel

pytestmark = pytest.mark.skipif(JIT_DISABLED, reason="millions of messages")


@numba.njit(error_model="numpy")
def send(desk, kind, side, price, qty, order_id):
    """Send one message; keep the list of live orders, ``(ids, place of each slot, how many)``.

    Every resting order is of one lot, so each fill ends a maker.
    """
    desks, messages, receipts, tape, live, place, count = desk
    message = messages[0, 0]
    message["kind"] = kind
    message["side"] = side
    message["price"] = price
    message["qty"] = qty
    message["order_id"] = order_id
    _serve(desks, messages, receipts, tape)
    if kind == CANCEL:
        drop(desk, side, order_id)
    for i in range(desks[0]["n_tape"]):
        drop(desk, 1 - side, tape[0, i]["maker_id"])
    if receipts[0, 0]["resting"] != 0:
        order_id = receipts[0, 0]["order_id"]
        live[side, count[side]] = order_id
        place[np.int64(order_id & SLOT_MASK)] = count[side]
        count[side] += 1


@numba.njit(error_model="numpy")
def drop(desk, side, order_id):
    """Strike an order from the list of live orders; the last takes its place."""
    _, _, _, _, live, place, count = desk
    count[side] -= 1
    last = live[side, count[side]]
    where = place[np.int64(order_id & SLOT_MASK)]
    live[side, where] = last
    place[np.int64(last & SLOT_MASK)] = where


@numba.njit(error_model="numpy")
def pick(desk, side, chance):
    """Id of one of the live orders of a side, of at least one; ``chance`` lies in [0, 1)."""
    return desk[4][side, np.int64(chance * desk[6][side])]


def new_desk():
    """Return an empty book, room for one message and its fills, and the list of live orders."""
    book = OrderBook((1, HIGHEST), MAX_ORDERS, ids="book")
    return (
        book._desks,
        np.zeros((1, 1), MESSAGE_DTYPE),
        np.zeros((1, 1), RECEIPT_DTYPE),
        np.zeros((1, MAX_ORDERS + 2), TAPE_DTYPE),
        np.zeros((2, MAX_ORDERS), np.uint64),
        np.zeros(MAX_ORDERS, np.int64),
        np.zeros(2, np.int64),
    )


def check_desk(desk):
    """Nothing was refused, and the book holds as many orders as the list."""
    assert desk[0][0]["book"]["live"] == desk[6].sum()
    counts = desk[0][0]["counts"].copy()
    counts[[Status.RESTING, Status.FILLED, Status.CANCELLED]] = 0
    assert not counts.any()


# -- one-tick book ---------------------------------------------------------------------------------


@numba.njit(error_model="numpy")
def event_at_touch(desk, rng):
    """Draw what happens next: each of the queues grows or shrinks, all four equally likely."""
    event = np.int64(rng.random() * 8)
    side = event & 1
    if event < 4:
        return NEW, side, 100 + side, np.uint64(0)
    if event < 6:  # a market order from the other side
        return NEW, 1 - side, np.int64(0), np.uint64(0)
    return CANCEL, side, np.int64(0), pick(desk, side, rng.random())


@numba.njit(error_model="numpy")
def count_ups(desk, n_bid, n_ask, episodes, rng):
    """Count the episodes in which the ask queue is the first to empty."""
    book = desk[0][0]["book"]
    count = desk[6]
    ups = 0
    queued = 0
    while episodes > 0:  # one place that sends: each would compile the book anew
        kind, qty, order_id = NEW, np.int64(1), np.uint64(0)
        if queued < n_bid + n_ask:
            side = np.int64(queued >= n_bid)
            price = 100 + side
            queued += 1
        elif book["best_bid"] != NO_BID and book["best_ask"] != NO_ASK:
            kind, side, price, order_id = event_at_touch(desk, rng)
        else:  # start again: a market order takes the queue that is left
            side = np.int64(book["best_ask"] == NO_ASK)
            ups += side
            episodes -= 1
            price, qty = np.int64(0), count[1 - side]
            queued = 0
        send(desk, kind, side, price, qty, order_id)
    return ups


def chance_of_up(n_bid, n_ask):
    """Cont and de Larrard 2013: P(the ask empties first), queues in balance and of one tick."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    t = (nodes + 1) * math.pi / 2
    c = 2 - np.cos(t)
    root = c - np.sqrt(c * c - 1)
    values = root**n_ask * np.sin(n_bid * t) / np.tan(t / 2)
    return float(weights @ values) / 2


@pytest.mark.parametrize(
    ("n_bid", "n_ask", "expected"), [(2, 1, 0.6977), (1, 3, 0.2094), (5, 2, 0.7560), (5, 5, 0.5)]
)
def test_integral_of_the_one_tick_book(n_bid, n_ask, expected):
    assert chance_of_up(n_bid, n_ask) == pytest.approx(expected, abs=5e-5)
    assert chance_of_up(n_bid, n_ask) + chance_of_up(n_ask, n_bid) == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_bid", "n_ask", "episodes"), [(2, 1, 220_000), (1, 3, 180_000), (5, 2, 200_000)]
)
def test_queue_sizes_tell_the_next_move(n_bid, n_ask, episodes):
    desk = new_desk()

    ups = count_ups(desk, n_bid, n_ask, episodes, np.random.default_rng([n_bid, n_ask]))

    expected = chance_of_up(n_bid, n_ask)
    error = math.sqrt(expected * (1 - expected) / episodes)
    assert 3 * error < 0.003
    assert abs(ups / episodes - expected) < 0.003
    check_desk(desk)


# -- zero intelligence -----------------------------------------------------------------------------


@numba.njit(error_model="numpy")
def mean_spread(desk, eps, ticks, reach, horizon, rng):
    """Time average of the spread in mu / alpha, from ten cancel times on; time in 1 / mu.

    Between two events the book stands still for 1 / (sum of rates) on average.
    """
    book = desk[0][0]["book"]
    count = desk[6]
    bid = HIGHEST // 2  # the last that was: a side of the book may be empty for a moment
    ask = bid + 1
    time = 0.0
    weight = 0.0
    total = 0.0
    while time < horizon:
        if book["best_bid"] != NO_BID:
            bid = book["best_bid"]
        if book["best_ask"] != NO_ASK:
            ask = book["best_ask"]
        rate = 2.0 * reach + 2.0 + eps * (count[BUY] + count[SELL])
        time += 1.0 / rate
        if time > 10.0 / eps:
            weight += 1.0 / rate
            total += (ask - bid) / rate
        chance = rng.random() * rate
        side = np.int64(rng.random() < 0.5)
        kind, price, order_id = NEW, np.int64(0), np.uint64(0)  # market order
        if chance < 2.0 * reach:
            away = 1 + np.int64(rng.random() * reach * ticks)
            price = ask - away if side == BUY else bid + away
        elif chance >= 2.0 * reach + 2.0:
            side = np.int64(rng.random() * (count[BUY] + count[SELL]) >= count[BUY])
            kind, order_id = CANCEL, pick(desk, side, rng.random())
        send(desk, kind, side, price, 1, order_id)
    return total / weight / ticks


def spread_of(eps, runs, cancel_times):
    """Mean spread and its standard error from independent runs.

    They are short where prices diffuse fast, so that none reaches the end of the price range.
    """
    desk = new_desk()
    empty = [part.copy() for part in desk]
    rng = np.random.default_rng(20_030_101)
    means = []
    for _ in range(runs):
        for part, start in zip(desk, empty, strict=True):
            part[...] = start
        means.append(mean_spread(desk, eps, TICKS, REACH, cancel_times / eps, rng))
        check_desk(desk)
    return np.mean(means), np.std(means, ddof=1) / math.sqrt(runs)


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("eps", "runs", "cancel_times"),
    [
        slow(0.01, 20, 200),
        slow(0.02, 20, 200),
        slow(0.05, 20, 200),
        (0.1, 20, 200),
        slow(0.2, 100, 200),
        slow(0.3, 500, 50),
        (0.5, 250, 50),
        slow(1.0, 1_500, 25),
    ],
)
def test_spread_of_zero_intelligence(eps, runs, cancel_times):
    mean, error = spread_of(eps, runs, cancel_times)

    assert error < 0.006 * SPREAD[eps]
    assert mean == pytest.approx(SPREAD[eps], rel=0.03)

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
from scipy.integrate import quad

from squeezegym._jit import JIT_DISABLED
from squeezegym.codes import BUY, CANCEL, NEW, NO_ASK, NO_BID, SELL
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
        drop(desk, BUY + SELL - side, tape[0, i]["maker_id"])
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
def cancel_any(desk, side, chance):
    """Cancel one of the live orders of a side; ``chance`` is uniform in [0, 1)."""
    live, count = desk[4], desk[6]
    send(desk, CANCEL, side, 0, 0, live[side, np.int64(chance * count[side])])


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


# -- one-tick book ---------------------------------------------------------------------------------


@numba.njit(error_model="numpy")
def count_ups(desk, n_bid, n_ask, episodes, rng):
    """Count the episodes in which the ask queue is the first to empty."""
    book = desk[0][0]["book"]
    count = desk[6]
    ups = 0
    for _ in range(episodes):
        for _ in range(n_bid):
            send(desk, NEW, BUY, 100, 1, 0)
        for _ in range(n_ask):
            send(desk, NEW, SELL, 101, 1, 0)
        while book["best_bid"] != NO_BID and book["best_ask"] != NO_ASK:
            event = np.int64(rng.random() * 8)
            side = event & 1
            if event < 4:
                send(desk, NEW, side, 100 + side, 1, 0)
            elif event < 6:
                send(desk, NEW, BUY + SELL - side, 0, 1, 0)
            else:
                cancel_any(desk, side, rng.random())
        ups += book["best_ask"] == NO_ASK
        for side in (BUY, SELL):
            if count[side] > 0:
                send(desk, NEW, BUY + SELL - side, 0, count[side], 0)
    return ups


def chance_of_up(n_bid, n_ask):
    """Cont and de Larrard 2013: P(the ask empties first), queues in balance and of one tick."""

    def integrand(t):
        c = 2 - math.cos(t)
        root = c - math.sqrt(c * c - 1)
        return root**n_ask * math.sin(n_bid * t) * math.cos(t / 2) / math.sin(t / 2)

    return quad(integrand, 0, math.pi)[0] / math.pi


@pytest.mark.parametrize(
    ("n_bid", "n_ask", "expected"), [(2, 1, 0.6977), (1, 3, 0.2094), (5, 2, 0.7560), (5, 5, 0.5)]
)
def test_integral_of_the_one_tick_book(n_bid, n_ask, expected):
    assert chance_of_up(n_bid, n_ask) == pytest.approx(expected, abs=5e-5)
    assert chance_of_up(n_bid, n_ask) + chance_of_up(n_ask, n_bid) == pytest.approx(1)


@pytest.mark.parametrize(("n_bid", "n_ask"), [(2, 1), (1, 3), (5, 2)])
def test_queue_sizes_tell_the_next_move(n_bid, n_ask):
    episodes = 250_000
    desk = new_desk()

    ups = count_ups(desk, n_bid, n_ask, episodes, np.random.default_rng(20_130_101))

    expected = chance_of_up(n_bid, n_ask)
    print("UP", n_bid, n_ask, ups / episodes, expected, desk[0]["book"]["sequence"], desk[0]["counts"])
    assert 3 * math.sqrt(expected * (1 - expected) / episodes) < 0.003
    assert abs(ups / episodes - expected) < 0.003


# -- zero intelligence -----------------------------------------------------------------------------


@numba.njit(error_model="numpy")
def mean_spread(desk, eps, ticks, reach, horizon, rng):
    """Time average of the spread in mu / alpha, from ten cancel times on; time in 1 / mu.

    Between two events the book stands still for 1 / (sum of rates) on average.
    """
    book = desk[0][0]["book"]
    count = desk[6]
    width = reach * ticks
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
        if chance < 2.0 * reach:
            away = 1 + np.int64(rng.random() * width)
            send(desk, NEW, side, ask - away if side == BUY else bid + away, 1, 0)
        elif chance < 2.0 * reach + 2.0:
            send(desk, NEW, side, 0, 1, 0)
        else:
            total_orders = count[BUY] + count[SELL]
            side = np.int64(rng.random() * total_orders >= count[BUY])
            cancel_any(desk, side, rng.random())
    return total / weight / ticks


def spreads(eps, runs, horizon=200.0):
    """Mean spread and its standard error from independent runs of so many cancel times."""
    desk = new_desk()
    empty = [part.copy() for part in desk]
    rng = np.random.default_rng(20_030_101)
    means = []
    for _ in range(runs):
        for part, start in zip(desk, empty, strict=True):
            part[...] = start
        means.append(mean_spread(desk, eps, TICKS, REACH, horizon / eps, rng))
        assert desk[0][0]["counts"][[2, 4, 5]].sum() == 0
        print("C", desk[0][0]["counts"], desk[0]["book"]["best_bid"])
    return np.mean(means), np.std(means, ddof=1) / math.sqrt(runs)


@pytest.mark.parametrize("eps", SPREAD)
def test_spread_of_zero_intelligence(eps):
    import time
    t0=time.time()
    mean, error = spreads(eps, runs=20)
    print("ZI", eps, mean, error, mean / SPREAD[eps] - 1, error / SPREAD[eps], time.time()-t0)

    assert error < 0.01 * SPREAD[eps]
    assert mean == pytest.approx(SPREAD[eps], rel=0.03)

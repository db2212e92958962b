"""Ranking scores, the queue, fund and socialised loss: literals in, literals out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym.core import deleveraging, ranking
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

LONG, SHORT = 1.0, -1.0


def call(kernel, *numbers):
    return float(from_python(kernel)(*map(float, numbers)))


def close(value):
    return pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("profit", "notional", "wallet", "score"),
    [
        (5000, -50_000, 2500, 5000 / 7500),
        (5000, 50_000, 2500, 5000 / 7500),
        (-1000, 50_000, 2500, -0.02 / (50_000 / 1500)),
        (0, 50_000, 2500, 0),
        (0, 0, 2500, 0),
        (5000, 50_000, -5000, math.inf),  # profits withdrawn, no equity
        (-2500, 50_000, 2500, 0),  # bankrupt: the first of the losers
    ],
)
def test_binance_score(profit, notional, wallet, score):
    assert call(deleveraging.binance_score, profit, notional, wallet) == close(score)


@pytest.mark.parametrize(
    ("profit", "wallet", "ratio", "score"),
    [
        (40.2, 4.27, 0.1342, 40.2 / 4.27 * 0.1342),  # the document prints 1.26
        (40.2, 0.5, 0.1342, 40.2 * 0.1342),  # a wallet below one USDT counts as one
        (-3, 4.27, 0.5, 0),
        (40.2, -40.2, 0.5, 0),  # no equity
    ],
)
def test_binance_legacy_score(profit, wallet, ratio, score):
    assert call(deleveraging.binance_legacy_score, profit, wallet, ratio, 1) == close(score)


@pytest.mark.parametrize(
    ("side", "entry", "mark", "bankruptcy", "score"),
    [
        (LONG, 80_000, 100_000, 75_000, 0.25 * 4),
        (SHORT, 125_000, 100_000, 110_000, 0.2 * 10),
        (SHORT, 95_000, 100_000, 104_500, -5 / 95 / (100_000 / 4500)),
        (LONG, 100_000, 100_000, 90_000, 0),
        (LONG, 100_000, 90_000, 90_000, 0),  # at bankruptcy
        (LONG, 80_000, 100_000, 100_000, math.inf),
        (LONG, 0, 100_000, 0, 0),
    ],
)
def test_bitmex_score(side, entry, mark, bankruptcy, score):
    assert call(deleveraging.bitmex_score, side, entry, mark, bankruptcy) == close(score)


@pytest.mark.parametrize(
    ("side", "entry", "mark", "notional", "equity", "score"),
    [
        (LONG, 80_000, 100_000, 500_000, 100_000, 6.25),
        (SHORT, 100_000, 80_000, 500_000, 100_000, 6.25),  # ours: rises with a short's profit
        (SHORT, 80_000, 100_000, 500_000, 100_000, 4),
        (LONG, 80_000, 100_000, 500_000, 0, math.inf),
        (LONG, 80_000, 100_000, 0, 0, 0),
    ],
)
def test_hyperliquid_score(side, entry, mark, notional, equity, score):
    numbers = (side, entry, mark, notional, equity)
    assert call(deleveraging.hyperliquid_score, *numbers) == close(score)


def allocate(qty, score, wanted):
    qty, score = np.array(qty, np.int64), np.array(score, float)
    order, closed = np.full(len(qty), -1), np.full(len(qty), -1)
    left = from_python(deleveraging.adl_allocate)(qty, score, np.int64(wanted), order, closed)
    return order.tolist(), closed.tolist(), int(left)


QTY = [10, 10, 20, 30, 20, 10]  # BitMEX's example, accounts 1 to 6
SCORE = [3, 6, 1, 4, 5, 2]


def test_the_worked_queue():
    order, closed, left = allocate(QTY, SCORE, 20)
    assert [i + 1 for i in order] == [2, 5, 4, 1, 6, 3]
    assert (closed, left) == ([0, 10, 0, 0, 10, 0], 0)


@pytest.mark.parametrize(
    ("qty", "score", "wanted", "closed", "left"),
    [
        ([], [], 5, [], 5),
        ([3], [0.0], 0, [0], 0),
        ([3], [-1.0], 5, [3], 2),
        ([3, 3, 3], [0.5, 0.5, 0.5], 4, [3, 1, 0], 0),  # equal scores: the first account
        ([3, 3], [0.0, math.inf], 3, [0, 3], 0),
    ],
)
def test_allocation_at_its_edges(qty, score, wanted, closed, left):
    assert allocate(qty, score, wanted)[1:] == (closed, left)


@given(
    accounts=st.lists(st.tuples(st.integers(0, 50), st.integers(-5, 5)), max_size=40),
    wanted=st.integers(0, 1000),
)
def test_allocation_equals_a_sorted_walk(accounts, wanted):
    qty, score = [q for q, _ in accounts], [s for _, s in accounts]
    ranked = sorted(range(len(qty)), key=lambda i: (-score[i], i))
    expected, left = [0] * len(qty), wanted
    for i in ranked:
        expected[i] = min(qty[i], left)
        left -= expected[i]
    assert allocate(qty, score, wanted) == (ranked, expected, left)


@given(
    scores=st.lists(st.integers(-3, 3), min_size=1, max_size=60),
    picked=st.data(),
)
def test_the_best_of_some_come_in_the_order_of_all(scores, picked):
    some = picked.draw(st.lists(st.sampled_from(range(len(scores))), unique=True))
    score, order = np.array(scores, float), np.full(len(scores), -1)
    order[: len(some)] = some
    from_python(ranking.line_up)(score, order, np.int64(len(some)))
    take = from_python(ranking.take_best)
    taken = [int(take(score, order, np.int64(left))) for left in range(len(some), 0, -1)]
    assert taken == sorted(some, key=lambda i: (-scores[i], i))


def test_lights_of_the_worked_queue():
    ahead = np.cumsum([QTY[i] for i in (1, 4, 3, 0, 5, 2)])
    lights = [int(from_python(deleveraging.light)(q, np.int64(sum(QTY)))) for q in ahead]
    assert [20 * light for light in lights] == [20, 40, 60, 80, 80, 100]


@pytest.mark.parametrize(
    ("ahead", "total", "fifth"), [(0, 100, 1), (20, 100, 1), (21, 100, 2), (0, 0, 5)]
)
def test_lights_at_their_edges(ahead, total, fifth):
    assert int(from_python(deleveraging.light)(np.int64(ahead), np.int64(total))) == fifth


@pytest.mark.parametrize(
    ("side", "fill", "delta"),
    [
        (LONG, 0.81, 5),  # better than bankruptcy by less than the fee
        (LONG, 0.9, 0.015 * 450),  # the fee is the most it takes
        (LONG, 0.8, 0),
        (LONG, 0.78, -10),  # the fund pays
        (SHORT, 0.79, 5),
        (SHORT, 0.82, -10),
    ],
)
def test_insurance_fund_delta(side, fill, delta):
    found = call(deleveraging.insurance_fund_delta, side, 500, 0.8, fill, 0.015)
    assert found == pytest.approx(delta, abs=1e-9)


@pytest.mark.parametrize(
    ("loss", "longs", "shorts", "share"),
    [(1_000_000, 4000, -4000, 125), (0, 4000, -4000, 0), (1_000_000, 0, 0, 0), (90, 0, -3, 30)],
)
def test_socialised_loss(loss, longs, shorts, share):
    assert call(deleveraging.socialised_loss, loss, longs, shorts) == close(share)

"""Forced orders climb the book in steps, and the ratio of the steps is the branching ratio."""

import numpy as np
import pytest

from squeezegym.errors import DataError
from squeezegym.theory.flow import step_ratio
from tests.theory.staircase import LEVEL, PRICE, climb, frozen_market, steps


@pytest.fixture(scope="module", params=[(0.3, 0.3), (0.6, 0.3), (0.8, 0.1)], ids=str)
def cascade(request):
    n, size = request.param
    market = frozen_market(n, size=size)
    path = climb(market)
    market.run(seconds=60.0)
    return n, market, path


def test_the_end_price_is_that_of_the_closed_form(cascade):
    # Delta p = Q0 / (lambda (1 - n)): uniform depth, uniform shorts, no refill.
    n, market, _ = cascade
    _, exogenous = steps(market)
    moved = int(market.record["books"]["last"][0]) - PRICE
    assert moved == pytest.approx(exogenous.sum() / (LEVEL * (1 - n)), rel=0.01)
    assert int(market.record["score"]["deleveraged"]) == 0


def test_the_step_ratio_is_the_branching_ratio(cascade):
    n, market, _ = cascade
    assert step_ratio(*steps(market)) == pytest.approx(n, rel=0.02)


def test_each_step_is_the_branching_ratio_times_the_one_before(cascade):
    n, market, _ = cascade
    forced, exogenous = steps(market)
    alone = np.flatnonzero((exogenous[:-1] == 0) & (forced[:-1] > 20 * n * LEVEL))
    assert len(alone) > 0
    np.testing.assert_allclose(forced[alone + 1] / forced[alone], n, rtol=0.06)


def test_forced_orders_climb(cascade):
    # Each pays more than the one before: its own lots over the depth of the book.
    forced, bought, price = cascade[2].T
    taken = np.flatnonzero(np.diff(forced) > 0)
    assert len(taken) > 50
    climbed, lots = price[taken + 1] - price[taken], bought[taken + 1] - bought[taken]
    assert (climbed >= 0).all() and climbed.sum() > 50
    assert climbed.sum() == pytest.approx(lots.sum() / LEVEL, rel=0.03)


def test_a_branching_process_with_immigration():
    random = np.random.default_rng(4)
    exogenous = np.zeros(2000)
    exogenous[:1500] = random.poisson(20, 1500)
    forced = np.zeros(2000)
    for k in range(1999):
        forced[k + 1] = random.poisson(0.7 * (forced[k] + exogenous[k]))
    assert step_ratio(forced, exogenous) == pytest.approx(0.7, abs=0.01)


def test_what_has_no_step_ratio():
    with pytest.raises(DataError, match="volume before the last step is 0"):
        step_ratio([0.0, 0.0], [0.0, 0.0])
    with pytest.raises(DataError, match="exogenous"):
        step_ratio([1.0, 1.0], [0.0])
    with pytest.raises(DataError, match="forced"):
        step_ratio([1.0, -1.0], [0.0, 0.0])

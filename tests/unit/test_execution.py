"""Sizes, stages and limits of liquidation orders: literals in, literals out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym.codes import LiquidationStage
from squeezegym.core import execution
from squeezegym.params import MARGIN_PARAMS
from squeezegym.scenario import Scenario
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

LONG, SHORT = 1.0, -1.0
USDT = 10_000.0  # quanta: tick 0.1, lot 0.001


def call(kernel, *numbers):
    return float(from_python(kernel)(*map(float, numbers)))


def close(value):
    return pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("equity", "maintenance", "stage"),
    [
        (1001, 1000, LiquidationStage.NONE),
        (1000, 1000, LiquidationStage.BOOK),
        (667, 1000, LiquidationStage.BOOK),
        (666, 1000, LiquidationStage.BACKSTOP),
        (-5, 1000, LiquidationStage.BACKSTOP),
        (0, 0, LiquidationStage.BOOK),
    ],
)
def test_liquidation_stage(equity, maintenance, stage):
    assert call(execution.liquidation_stage, equity, maintenance, 2 / 3) == stage


@pytest.mark.parametrize(
    ("notional", "since", "size"),
    [
        (1_000_000, -1, 2),  # 20 % first
        (100_000, -1, 10),  # at the threshold: all at once
        (100_001, -1, 2),
        (1_000_000, 0, 0),  # nothing during the pause
        (1_000_000, 29.9, 0),
        (1_000_000, 30, 10),  # all that is left
        (0, -1, 10),
    ],
)
def test_partial_size(notional, since, size):
    assert call(execution.partial_size, 10, notional, 100_000, 0.2, since, 30) == size


@pytest.mark.parametrize(
    ("side", "equity", "maintenance", "price"),
    [
        (SHORT, 500, 500, 50_000),  # at the trigger: the oracle price
        (SHORT, 600, 500, 50_000),
        (SHORT, 499, 500, 50_001),
        (LONG, 499, 500, 49_999),
        (SHORT, 0, 500, 50_500),
        (SHORT, -500, 500, 50_500),  # no wider beyond bankruptcy
        (LONG, -500, 500, 49_500),
        (LONG, 0, 0, 49_500),
    ],
)
def test_fillable_price(side, equity, maintenance, price):
    numbers = (side, 50_000, 0.1, equity, maintenance, 1, 0.1)
    assert call(execution.fillable_price, *numbers) == close(price)


def reduction(equity, size, mark, fee=0.0, slippage=0.0, table=None):
    margin = Scenario.load("calm").pack()[0]["margin"] if table is None else table
    found = from_python(execution.min_reduction_to_compliance)(
        margin, np.int64(equity), np.int64(size), np.int64(mark), fee, slippage
    )
    return float(found)


def test_reduction_inside_a_tier():
    # 100 BTC short at mark 63,500 with 50,000 USDT: 61,450 / 0.01 of notional may stay.
    assert reduction(50_000 * USDT, 100_000, 635_000) == close(100_000 - 6_145_000 * USDT / 635_000)


def test_reduction_across_tiers():
    # 1,500 USDT cover (1,500 + 50) / 0.005 = 310,000 in tier 1, far below the 6,350,000 held.
    found = reduction(1_500 * USDT, 100_000, 635_000)
    assert found == close(100_000 - 310_000 * USDT / 635_000)


def test_reduction_pays_for_itself():
    # Every closed USDT costs 0.1 % + 0.1 % and frees 1 %.
    kept = (50_000 - 0.002 * 6_350_000 + 11_450) / (0.01 - 0.002)
    found = reduction(50_000 * USDT, 100_000, 635_000, 0.001, 0.001)
    assert found == close(100_000 - kept * USDT / 635_000)


@pytest.mark.parametrize(
    ("equity", "fee"),
    [
        (0, 0.0),
        (-1_000, 0.0),
        (30, 0.0125),  # a small account: the fee is above the rate
        (30, 0.004),  # the fee is the rate
    ],
)
def test_the_whole_size_where_no_reduction_suffices(equity, fee):
    assert reduction(equity * USDT, 160, 635_000, fee) == 160  # 10,160 USDT, 40.64 of margin


def test_nothing_for_a_compliant_or_empty_account():
    assert reduction(53_000 * USDT, 100_000, 635_000) == 0
    assert reduction(5 * USDT, 0, 635_000) == 0


@st.composite
def shortfalls(draw):
    """A table of two tiers, and an account around its margin."""
    table = np.zeros(1, MARGIN_PARAMS)[0]
    low, high = sorted(draw(st.tuples(*[st.integers(100_000, 20_000_000)] * 2)))
    size, mark = draw(st.integers(1, 300)), draw(st.integers(10_000, 1_000_000))
    floor = draw(st.integers(1, 2 * size * mark))
    table["n_tiers"] = 2
    table["rate"][:2] = low, high
    table["floor"][1] = floor
    table["deduction"][1] = floor * (high - low) // 10**8
    equity = round(size * mark * draw(st.floats(-0.05, 0.25)))
    return table, equity, size, mark, draw(st.sampled_from((0.0, 0.001, 0.0125, 0.1)))


@given(case=shortfalls())
def test_reduction_is_the_least_that_complies(case):
    table, equity, size, mark, fee = case

    def slack(closed):
        rest = (size - closed) * mark
        tier = 1 if rest >= int(table["floor"][1]) else 0
        margin = rest * int(table["rate"][tier]) / 10**8 - int(table["deduction"][tier])
        return equity - closed * mark * fee - margin

    found = reduction(equity, size, mark, fee, 0.0, table)
    assert 0 <= found <= size
    if found < size:
        assert slack(found) >= -3
    # No whole number of lots below it complies, but for the rounding of the margin.
    assert all(slack(closed) <= 3 for closed in range(math.ceil(found)))


@pytest.mark.parametrize(
    ("rate", "liquidator", "fund", "quote_oracle", "base"),
    [
        (0.1, 0, 0, 1, 1),
        (0.1, 0.01, 0, 1, 10 / 9),
        (0.1, 0.01, 0.01, 1, 1.25),
        (0.1, 0, 0, 0.5, 2),
        (0.05, 0.05, 0, 1, math.inf),  # closing frees nothing
        (0.05, 0.02, 0.04, 1, math.inf),
    ],
)
def test_base_to_cover_shortage(rate, liquidator, fund, quote_oracle, base):
    numbers = (10, rate, liquidator, fund, 100, quote_oracle)
    assert call(execution.base_to_cover_shortage, *numbers) == close(base)


@pytest.mark.parametrize(
    ("shortage", "elapsed", "freed", "share"),
    [
        (49, 0, 0, 1),  # tiny
        (50, 0, 0, 0.1),
        (1000, 3, 0, 0.4),
        (1000, 9, 0, 1),
        (1000, 90, 0, 1),
        (600, 4, 400, (500 - 400) / 600),  # half of 1,000 is free, 400 of it are used
        (800, 0, 200, 0),
        (0, 5, 0, 1),
    ],
)
def test_max_share_to_liquidate(shortage, elapsed, freed, share):
    numbers = (shortage, elapsed, 0.1, 10, freed, 50)
    assert call(execution.max_share_to_liquidate, *numbers) == close(share)


def test_max_share_without_a_ramp():
    assert call(execution.max_share_to_liquidate, 1000, 0, 0.1, 0, 0, 50) == 1

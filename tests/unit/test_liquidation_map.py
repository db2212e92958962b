"""Maps of liquidations: from positions exactly, from open interest with what is not known."""

from __future__ import annotations

import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.core.margin import liquidation_price
from squeezegym.data.inferred_map import InferredMap, Interval, Unknowns
from squeezegym.data.liquidation_map import (
    WIDTH,
    LiquidationMap,
    liquidation_levels,
    map_from_positions,
)
from squeezegym.data.positions import Holding
from squeezegym.errors import ConfigError, DataError
from tests.kernels import from_python

SCENARIO = Scenario.load("short_squeeze")
BRACKETS = SCENARIO.margin.brackets


def test_levels_are_those_of_the_margin_kernel_in_every_bracket():
    rng = np.random.default_rng(1)
    n = 300
    side = rng.choice([-1.0, 1.0], n)
    lots = np.exp(rng.uniform(0, 14, n)).astype(np.int64) + 1
    entry = np.full(n, 600_000)
    deposit = (lots * entry / rng.uniform(1.2, 90, n)).astype(np.int64)
    margin = SCENARIO.pack()["margin"][0]
    price = from_python(liquidation_price)
    expected = [
        price(int(d) - int(s * q) * int(e), int(s * q), margin)
        for s, q, e, d in zip(side, lots, entry, deposit, strict=True)
    ]
    lot, tick = SCENARIO.contract.lot_size, SCENARIO.contract.tick_size
    levels = liquidation_levels(side, lots * lot, entry * tick, deposit * lot * tick, BRACKETS)
    np.testing.assert_allclose(levels / tick, expected, rtol=1e-6)


def test_positions_stand_in_the_bucket_of_their_price():
    holdings = [
        Holding(-2.0, 100.0, 10.0, 105.0, None),
        Holding(3.0, 100.0, 10.0, 95.0, None),
        Holding(1.0, 100.0, 2.0, None, None),  # a long far below
        Holding(-1.0, 100.0, 2.0, 99.0, None),  # already behind the price
    ]
    found = map_from_positions(holdings, BRACKETS, 100.0, draws=400, seed=1)
    place = int(np.log(1.05) / WIDTH)
    assert found.shorts.mean(axis=0)[place] == pytest.approx(2.0, rel=0.15)
    assert np.flatnonzero(found.shorts.sum(axis=0)).tolist() == [place]
    assert found.longs.mean(axis=0)[int(-np.log(0.95) / WIDTH)] == pytest.approx(3.0, rel=0.15)
    assert found.within(1, 0.06).mean() == found.shorts.sum(axis=1).mean()
    assert found.within(1, 0.04).max() == 0
    assert "3 with a stated" in found.notes[0]
    scaled = map_from_positions(holdings, BRACKETS, 100.0, interest=30.0, draws=400, seed=1)
    assert scaled.shorts.sum(axis=1).mean() == pytest.approx(20.0, rel=0.15)
    with pytest.raises(DataError, match="0 positions"):
        map_from_positions([], BRACKETS, 100.0)


def test_a_map_is_checked():
    good = np.zeros((2, 10))
    with pytest.raises(ConfigError, match="finite and 0 or above"):
        LiquidationMap(100.0, good, good - 1)
    with pytest.raises(ConfigError, match="of one shape"):
        LiquidationMap(100.0, good, np.zeros((3, 10)))
    with pytest.raises(ConfigError, match="leveraged must rise"):
        Unknowns(leveraged=(0.5, 0.2))
    with pytest.raises(ConfigError, match="life_h"):
        Unknowns(life_h=(0.0, 2.0))


ONE = Unknowns(
    mix=((10.0, 1.0),),
    leveraged=(1.0, 1.0),
    life_h=(1e9, 1e9),
    collateral=(1.0, 0.0),
)


def opened(unknowns: Unknowns = ONE, interest: float = 1e-9) -> InferredMap:
    return InferredMap(BRACKETS, 100.0, interest, 0.0, unknowns=unknowns, draws=8, seed=3)


def hour(close: float, interest: float, low: float = 0, high: float = 0, buys: float = 0.5):
    return Interval(1.0, low or close, high or close, close, interest, buys)


def test_a_rise_of_interest_opens_both_sides_at_its_leverage():
    book = opened()
    book.step(hour(100.0, 50.0))
    found = book.map()
    assert found.shorts.sum(axis=1) == pytest.approx(50.0)
    assert found.longs.sum(axis=1) == pytest.approx(50.0)
    mean = (found.shorts.mean(axis=0) * np.arange(found.shorts.shape[1])).sum() / 50 * WIDTH
    # Liquidated near 100 (1 + 1/10) less the maintenance margin of 0.4 to 2 %.
    assert np.log(1.08) < mean < np.log(1.1)


def test_takers_decide_the_side():
    book = opened()
    book.step(hour(100.0, 50.0, buys=0.75))
    found = book.map()
    assert found.longs.sum(axis=1) == pytest.approx(75.0)
    assert found.shorts.sum(axis=1) == pytest.approx(25.0)


def test_levels_that_price_touched_are_gone():
    book = opened()
    book.step(hour(100.0, 50.0))
    before = book.map().longs.sum()
    book.step(hour(100.0, 1e-9 + 50.0 - 40.0, low=99.0, high=112.0))
    found = book.map()
    # The shorts of 100 are gone and only those opened again since stand there.
    assert found.shorts.sum(axis=1) == pytest.approx(10.0, rel=0.01)
    assert 0 < found.longs.sum() < before
    moved = opened()
    moved.step(hour(100.0, 50.0))
    moved.step(hour(100.0, 20.0, low=100.0, high=112.0))
    # The fifth of those who entered anew at 100 stands where all stood.
    assert moved.map().within(1, 0.1) == pytest.approx(4.0)
    behind = opened()
    behind.step(hour(100.0, 50.0))
    behind.step(hour(105.0, 50.0, low=100.0, high=105.0))
    near = behind.map()
    assert near.price == 105.0
    assert near.within(1, 0.02).max() == 0
    assert near.within(1, 0.05).min() > 40


def test_falling_interest_closes_alike_and_time_renews():
    book = opened()
    book.step(hour(100.0, 50.0))
    book.step(hour(100.0, 25.0))
    assert book.map().shorts.sum(axis=1) == pytest.approx(25.0)
    short = Unknowns(mix=ONE.mix, leveraged=(1.0, 1.0), life_h=(1.0, 1.0), collateral=(1.0, 0.0))
    moved = opened(short)
    moved.step(hour(100.0, 50.0))
    moved.step(hour(103.0, 50.0))
    found = moved.map()
    assert found.shorts.sum(axis=1) == pytest.approx(50.0)
    # Half has entered again at 103 and stands farther away.
    assert found.within(1, 0.075).mean() == pytest.approx(25.0, rel=0.05)


def test_the_draws_hold_a_truth_of_the_same_kind():
    """Accounts drawn from the middle of the unknowns: the map's interval covers what waits."""
    rng = np.random.default_rng(5)
    truth = Unknowns(leveraged=(0.4, 0.4), life_h=(48.0, 48.0), spread=1e6)
    guess = InferredMap(BRACKETS, 100.0, 1000.0, 0.03, draws=64, seed=1)
    real = InferredMap(BRACKETS, 100.0, 1000.0, 0.03, unknowns=truth, draws=64, seed=2)
    price, interest = 100.0, 1000.0
    inside = []
    for _ in range(60):
        last, price = price, price * np.exp(0.006 * rng.standard_normal())
        interest *= np.exp(0.01 * rng.standard_normal())
        step = Interval(1.0, min(last, price), max(last, price), price, interest, 0.5)
        guess.step(step)
        real.step(step)
        for side in (1, -1):
            low, high = np.quantile(guess.map().within(side, 0.05), [0.05, 0.95])
            inside.append(low <= real.map().within(side, 0.05).mean() <= high)
    assert np.mean(inside) > 0.9


def test_the_same_seed_gives_the_same_map():
    maps = []
    for _ in range(2):
        book = InferredMap(BRACKETS, 100.0, 1000.0, 0.03, draws=4, seed=9)
        book.step(hour(101.0, 1100.0, low=99.0, high=101.5))
        maps.append(book.map())
    np.testing.assert_array_equal(maps[0].shorts, maps[1].shorts)

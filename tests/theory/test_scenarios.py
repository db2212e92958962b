"""Each scenario does what its paragraph says, and stays quiet without its metaorder."""

import numpy as np
import pytest

from squeezegym.batch import Batch
from squeezegym.codes import Command
from squeezegym.scenario import Scenario

SECOND = 1_000_000_000
SQUEEZE = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}
NOTHING = {"catalyst.squeeze": 0.0, "catalyst.near_miss": 0.0}


def run(name, n, every_s=1, **overrides):
    """Prices over the opening one (times, markets), and the markets at their end."""
    scenario = Scenario.load(name, **overrides)
    batch = Batch.opened(scenario, range(500, 500 + n))
    batch.command(slice(None), Command.RUN)
    path, funding = [], []
    for second in range(every_s, int(scenario.episode.horizon_s) + 1, every_s):
        batch.views["until"] = second * SECOND
        batch.advance()
        path.append(batch.markets["books"]["last"][:, 0].astype(float))
        funding.append(batch.markets["funding"]["predicted"].copy())
    markets = batch.markets.copy()
    batch.close()
    price = scenario.contract.price / scenario.contract.tick_size
    return np.array(path) / price, markets, np.array(funding)


def liquidated(markets):
    """Lots of longs and of shorts taken by the engine, (2, markets)."""
    return markets["score"]["liquidated"].T.astype(float)


def test_a_thin_coin_doubles():
    path, markets, _ = run("thin_alt", 32, **SQUEEZE)
    assert np.median(path.max(0)) > 2.0
    longs, shorts = liquidated(markets)
    share = np.median(shorts / markets["learners"][:, 0]["opening_interest"])
    assert 0.05 < share < 0.25
    assert (longs < 0.2 * shorts).mean() > 0.9
    quiet, _, _ = run("thin_alt", 32, **NOTHING)
    assert (quiet.max(0) > 1.1).mean() < 0.1


def test_a_flush_of_longs():
    path, markets, _ = run("long_flush", 32, **SQUEEZE)
    assert np.median(path.min(0)) < 0.98
    longs, shorts = liquidated(markets)
    assert (longs > 10 * shorts).mean() > 0.9
    quiet, _, _ = run("long_flush", 32, **NOTHING)
    assert (quiet.min(0) < 0.99).mean() < 0.1


@pytest.fixture(scope="module")
def crossings():
    return run("round_number", 32, **SQUEEZE)


def test_the_crossing_of_a_round_number_is_mostly_a_flush_of_longs(crossings):
    # CoinGlass, 4 to 6 December 2024: longs were 72 to 80 % of a day's liquidations.
    path, markets, _ = crossings
    longs, shorts = liquidated(markets)
    assert 0.66 < np.median(longs / (longs + shorts)) < 0.86
    high = path.max(0) * 98_800
    assert 102_000 < np.median(high) < 107_000
    assert np.median(path[-1]) < 1.01


def test_funding_climbs_to_several_times_its_base_and_comes_back(crossings):
    _, _, funding = crossings
    assert np.median(funding[:150]) == pytest.approx(0.0001, rel=0.05)
    assert np.median(funding.max(0)) > 0.0004
    assert np.median(funding[-60:]) < 0.0003


def test_without_fomo_there_is_neither_a_second_wave_nor_a_flush(crossings):
    path, markets, _ = run("round_number", 32, **SQUEEZE, **{"fomo.accounts": 0})
    longs, shorts = liquidated(markets)
    assert np.median(longs) < 0.05 * np.median(liquidated(crossings[1])[0])
    assert np.median(path.max(0)) < np.median(crossings[0].max(0)) - 0.005
    assert np.median(shorts) > 0

"""The shipped squeeze asks more of the matching engine than it can serve; calm markets do not."""

import numpy as np
import pytest

from squeezegym.batch import Batch
from squeezegym.codes import Command
from squeezegym.gateways import calm_messages_per_s
from squeezegym.scenario import Scenario

SECOND = 1_000_000_000
SQUEEZE = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}
CALM_S = 80  # before any catalyst


def run(name, n, seconds, **overrides):
    """Offered utilisation and messages of each second, feed ages of each step, mids, markets."""
    scenario = Scenario.load(name, **overrides)
    batch = Batch.opened(scenario, range(500, 500 + n))
    batch.command(slice(None), Command.RUN)
    markets = batch.markets
    offered, events = [markets["gateway"]["offered"].copy()], [markets["clock"]["events"].copy()]
    ages, mids = [], []
    for step in range(1, 10 * seconds + 1):
        batch.views["until"] = step * SECOND // 10
        batch.advance()
        ages.append((markets["clock"]["now"] - markets["feed"]["seen"]["sent"]) / SECOND)
        if step % 10 == 0:
            offered.append(markets["gateway"]["offered"].copy())
            events.append(markets["clock"]["events"].copy())
            books = markets["books"]
            mids.append((books["best_bid"][:, 0] + books["best_ask"][:, 0]) / 2)
    markets = markets.copy()
    batch.close()
    ages = np.array(ages).reshape(seconds, 10, n)
    return np.diff(offered, axis=0) / SECOND, np.diff(events, axis=0), ages, np.array(mids), markets


@pytest.fixture(scope="module")
def squeezes():
    return run("short_squeeze", 24, 300, **SQUEEZE)


@pytest.mark.slow
def test_a_squeeze_overloads_the_engine_for_seconds(squeezes):
    utilisation, _, _, _, markets = squeezes
    above = (utilisation[CALM_S:] > 1).sum(0)
    assert np.median(above) >= 10 and (above >= 5).mean() >= 0.75
    shed = markets["gateway"]["refused"][:, 0]
    assert np.median(shed) > 50


@pytest.mark.slow
def test_the_feed_of_an_overloaded_engine_is_five_times_older(squeezes):
    utilisation, _, ages, _, _ = squeezes
    quiet = run("calm", 12, CALM_S)[2]
    calm = np.quantile(quiet, 0.99)
    assert 0.1 < calm < 0.2
    late = []
    for row in range(utilisation.shape[1]):
        crowded = utilisation[:, row] > 1
        if crowded.sum() >= 5:
            late.append(np.quantile(ages[crowded, :, row], 0.99))
    assert np.median(late) > 5 * calm


@pytest.mark.slow
def test_prices_of_an_overloaded_engine_stay_continuous(squeezes):
    """Makers who answer late leave gaps at the touch; they may not rule the price."""
    mids = squeezes[3]
    moves = np.abs(np.diff(np.log(mids), axis=0))
    kept_up = run("short_squeeze", 24, 300, **SQUEEZE, **{"gateway.surge": 0.0})[3]
    calmer = np.abs(np.diff(np.log(kept_up), axis=0))
    assert np.median(moves.max(0)) < 0.012
    assert np.median(moves.sum(0)) < 2 * np.median(calmer.sum(0))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["calm", "thin_alt", "equity_halt", "round_number", "long_flush"])
def test_calm_is_as_busy_as_the_scenario_says(name):
    utilisation, messages, _, _, _ = run(name, 12, CALM_S, **{"gateway.surge": 0.0})
    stated = calm_messages_per_s(Scenario.load(name))
    assert messages.mean() == pytest.approx(stated, rel=0.25)
    assert 0.05 < utilisation.mean() < 0.2

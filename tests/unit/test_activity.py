"""Activity, metaorders of the noise, makers who watch the touch: the laws they are drawn from."""

import numpy as np
import pytest

from squeezegym import Market, Scenario
from squeezegym.codes import Account, LogKind, Stream
from squeezegym.core.activity import change_activity
from squeezegym.core.flow import _piece_of_metaorder
from squeezegym.errors import ConfigError
from squeezegym.liquidity import run_mean
from tests.kernels import BUY, IOC, QUIET, SELL, _place, from_python, small_market

PERP = np.int64(0)
ON = {"activity.log_sd": 0.8, "activity.fast_s": 20.0, "activity.slow_s": 200.0}

STEADY = {"episode.burn_in_s": 0.0, "activity.log_sd": 0.0, "makers.perp.panic": 0.0}


@pytest.mark.slow
def test_activity_has_mean_one_and_the_memory_it_is_given():
    market = small_market(**QUIET, **ON, **{"activity.volatility_power": 0.5})
    record, params = market.record, market._batch.params[0]
    step = from_python(change_activity)
    news, levels, agitation = [], [], []
    for _ in range(60_000):
        record["clock"]["now"] += 1_000_000_000
        step(record, params, np.int64(0))
        news.append(record["flow"]["news"].copy())
        levels.append(float(record["flow"]["activity"]))
        agitation.append(float(record["flow"]["agitation"]))
    parts = np.array(news)
    assert np.mean(levels) == pytest.approx(1.0, abs=0.2)
    assert np.mean(np.square(agitation)) == pytest.approx(1.0, abs=0.2)
    assert parts.var(0) == pytest.approx([0.32, 0.32], rel=0.2)
    for part, memory in zip(parts.T, (20.0, 200.0), strict=True):
        kept = np.corrcoef(part[:-10], part[10:])[0, 1]
        assert kept == pytest.approx(np.exp(-10 / memory), abs=0.03)


def test_off_it_stands_still():
    market = small_market(**{"activity.log_sd": 0.0})
    before = market.record["clock"]["rng"][Stream.ACTIVITY].copy()
    market.run(5.0)
    assert (market.record["clock"]["rng"][Stream.ACTIVITY] == before).all()
    assert market.record["flow"]["activity"] == market.record["flow"]["agitation"] == 1.0


@pytest.mark.parametrize(("tail", "persistence"), [(1.5, 0.6), (2.5, 0.6)])
def test_sides_remember_as_their_metaorders_say(tail, persistence):
    noise = {"noise.perp.run_tail": tail, "noise.perp.persistence": persistence}
    market = small_market(**QUIET, **noise)
    record, rules = market.record, market._batch.params[0]["noise"][0]
    piece = from_python(_piece_of_metaorder)
    args = (record["clock"]["rng"], np.int64(1), rules, record["flow"], PERP)
    signs = np.array([1 - 2 * int(piece(*args)) for _ in range(400_000)], float)
    found = [float(np.mean(signs[lag:] * signs[:-lag])) for lag in (1, 10, 100)]
    assert found[0] == pytest.approx(2 * persistence - 1, abs=0.02)
    if tail == 1.5:  # lag ** -0.5: half a decade down for each decade
        assert found[1] > 0.05 and found[2] > 0.01
    else:
        assert abs(found[2]) < 0.01


def test_a_memory_that_no_metaorder_gives_is_refused():
    assert run_mean(2.0, 3) == pytest.approx(1 + 1 + 1 / 4)
    with pytest.raises(ConfigError, match=r"persistence must be 0.5 to 0.8\d\d, got 0.95"):
        Scenario.load("calm", **{"noise.perp.persistence": 0.95})
    with pytest.raises(ConfigError, match="run_tail must be 0 or above 1"):
        Scenario.load("calm", **{"noise.perp.run_tail": 0.5})


def take(market, side, base):
    args = (0, Account.NOISE, side, 0, round(base * 1000), IOC, 0)
    _place(market.record, market._batch.params[0], *(np.int64(value) for value in args))


@pytest.mark.parametrize(("alert", "least", "most"), [(16, 0.8, 3.0), (0, -1.0, 0.1)])
def test_alert_makers_follow_a_trade_at_once(alert, least, most):
    makers = {"makers.perp.alert": alert, "makers.perp.learning_power": 1.0}
    makers |= {"makers.perp.learning_bps_per_base": 0.5, "makers.perp.foresight": 0.0}
    market = small_market(**QUIET, **makers, **STEADY)
    before = market.mid()
    take(market, BUY, 2.0)
    market.run(0.1)
    moved = (market.mid() / before - 1) * 1e4
    assert least < moved < most
    book = market.record["books"][0]
    assert int(book["best_ask"] - book["best_bid"]) <= (1 if alert else 20)


def test_impact_is_concave_and_what_was_expected_teaches_less():
    def reference(power, foresight, trades):
        makers = {
            "makers.perp.learning_power": power,
            "makers.perp.foresight": foresight,
            "makers.perp.learning_bps_per_base": 1.0,
            "makers.perp.memory_s": 1e9,
        }
        market = small_market(**QUIET, **makers, **STEADY, **{"makers.perp.alert": 1})
        before = float(market.record["flow"]["reference"][0])
        for base in trades:
            take(market, BUY, base)
            market.run(0.1)
        return (float(market.record["flow"]["reference"][0]) / before - 1) * 1e4

    assert reference(0.5, 0.0, [4.0]) == pytest.approx(2.0, rel=0.05)
    assert reference(1.0, 0.0, [4.0]) == pytest.approx(4.0, rel=0.05)
    once, twice = reference(1.0, 1.0, [1.0]), reference(1.0, 1.0, [1.0, 1.0])
    assert once == pytest.approx(1.0, rel=0.05) and once < twice < 2 * once


def test_decisions_on_the_perp_trade_there():
    market = Market("calm", seed=1, log=True, **{"value.perp_share": 1.0})
    market.run(20.0)
    rows = market.log()
    mine = rows[(rows["kind"] == LogKind.ORDER) & (rows["account"] == Account.VALUE)]
    assert len(mine) > 20 and (mine["book"] == 0).all()
    assert {int(side) for side in mine["side"]} == {BUY, SELL}

"""Entries of the observation hold what the table says, by the published snapshot and the acks."""

import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.codes import Measure
from squeezegym.envs.observation import FEATURES, INDEX, describe
from squeezegym.envs.rows import Rows
from squeezegym.envs.squeeze import SqueezeEnv


def started(scenario="short_squeeze", **overrides):
    rows = Rows(Scenario.load(scenario, **overrides), 1, 1)
    everyone = np.ones(1, bool)
    generators = [np.random.default_rng(0)]
    rows.reset(everyone, generators)

    def step(target=0.0, aggression=-1.0, times=1):
        for _ in range(times):
            rows.step([[target, aggression]], everyone, ~everyone, generators)
        return describe(rows.observations()[0])

    return rows, step


def test_the_docstring_has_the_table():
    for feature in FEATURES:
        assert f"| {INDEX[feature.name]} | `{feature.name}` |" in SqueezeEnv.__doc__
    assert f"Box(({len(FEATURES)},), float32)" in SqueezeEnv.__doc__


def test_measures_are_bits_one_after_another():
    assert [int(measure) for measure in Measure] == [1 << k for k in range(len(Measure))]
    names = [measure.name.lower() for measure in Measure]
    first = INDEX[names[0]]
    assert [FEATURES[first + k].name for k in range(len(names))] == names


@pytest.mark.parametrize("name", ["short_ban", "buy_restriction"])
def test_a_measure_is_seen_while_the_feed_says_so(name):
    changes = {"protection.book": "perp", f"protection.{name}.start_s": 1.0}
    rows, step = started(**changes, **{f"protection.{name}.end_s": 3.0})
    others = [m.name.lower() for m in Measure if m.name.lower() != name]
    assert step(times=9)[name] == 0.0
    inside = step(times=6)
    assert inside[name] == 1.0 and not any(inside[other] for other in others)
    assert rows.info()["restricted"].all()
    assert step(times=20)[name] == 0.0 and not rows.info()["restricted"].any()


def test_bands_are_those_of_the_snapshot():
    rows, step = started("equity_halt")
    seen = step(times=5)
    snapshot = rows.batch.markets[0]["feed"]["seen"]
    middle = 0.5 * (int(snapshot["price"][1, 0, 0]) + int(snapshot["price"][1, 1, 0]))
    assert seen["lower_band"] == pytest.approx(
        min((1 - int(snapshot["lower"]) / middle) / 0.05, 1.0), rel=1e-5
    )
    assert seen["upper_band"] == pytest.approx(
        min((int(snapshot["upper"]) / middle - 1) / 0.05, 1.0), rel=1e-5
    )
    assert int(snapshot["lower"]) > 0 < int(snapshot["upper"])
    assert seen["lender_utilisation"] == pytest.approx(float(snapshot["utilisation"]))
    assert seen["borrow_rate"] == pytest.approx(min(float(snapshot["borrow_rate"]), 1.0))
    assert 0 < seen["lender_utilisation"] <= 1 and seen["borrow_rate"] > 0


def test_no_bands_read_one():
    _, step = started()
    seen = step()
    assert seen["lower_band"] == seen["upper_band"] == 1.0
    assert not any(seen[measure.name.lower()] for measure in Measure)


def test_funding_and_its_countdown():
    rows, step = started(**{"funding.interval_s": 4.0, "funding.first_s": 1.0})
    ahead = [step()["funding_countdown"] for _ in range(20)]
    jumps = [k for k in range(1, 20) if ahead[k] > ahead[k - 1]]
    assert jumps == [9]  # paid at 1.0 s, the tenth step
    assert ahead[9] == pytest.approx(1.0) and ahead[8] == pytest.approx(0.025, abs=1e-6)
    rate = float(rows.batch.markets[0]["feed"]["seen"]["funding"])
    assert rate != 0 and step()["funding_rate"] == pytest.approx(rate / 1e-3, rel=1e-5)


def test_entry_is_the_mean_price_of_the_position_over_the_mark():
    rows, step = started(**{"learner.short_start": 0.0})
    assert step()["entry_distance"] == 0.0
    seen = step(0.5, 1.0, times=5)
    market = rows.batch.markets[0]
    known, mark = market["learners"][0]["known"], int(market["feed"]["seen"]["mark"])
    entry = int(known["cost"]) / int(known["position"])
    assert seen["entry_distance"] == pytest.approx((entry / mark - 1) / 0.01, rel=1e-4)
    assert seen["entry_distance"] != 0.0


def test_messages_without_an_answer_are_counted():
    rows, step = started(
        **{"learner.short_start": 0.0, "learner.latency_ms": 70.0, "learner.jitter_ms": 0.0}
    )
    assert step()["messages_waiting"] == 0.0
    assert step(1.0, -1.0)["messages_waiting"] == 0.25
    assert step(1.0, -1.0)["messages_waiting"] == 0.0
    assert rows.batch.views["resting"][0] > 0
    assert step(-1.0, -1.0)["messages_waiting"] == 0.5  # a cancel and an order

"""Findings about rules: claims by hand, what is not foreseen, and the signs on a few seeds."""

import numpy as np
import pytest

from squeezegym import Market, Scenario
from squeezegym.errors import DataError
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.compare import Outcome, Rule, compare
from squeezegym.theory.findings import (
    _NAMES,
    FINDINGS,
    SQUEEZED,
    Claim,
    chosen,
    halt,
    losses,
    severity,
    throttle,
)
from squeezegym.theory.magnet import Trigger, magnet
from squeezegym.theory.paired import Difference
from tests.theory.recordings import recording

BY_NAME = {finding.name: finding for finding in FINDINGS}
FEW = 16
IDLE = {"close_only", "position_limit", "short_ban"}  # nobody opens in the shipped squeeze


def difference(low, high):
    return Difference(0.0, 0.0, (low + high) / 2, Interval(low, high), 1.0)


@pytest.mark.parametrize(
    ("sign", "low", "high", "said"),
    [
        (1, 0.1, 1.0, "as published"),
        (1, -1.0, -0.1, "the other way"),
        (1, -0.1, 1.0, "not seen"),
        (-1, -1.0, -0.1, "as published"),
        (-1, 0.0, 1.0, "not seen"),
        (0, -0.1, 0.1, "as published"),
        (0, 0.1, 0.2, "the other way"),
    ],
)
def test_a_verdict_by_hand(sign, low, high, said):
    assert Claim("a", "b", "c", sign).verdict(difference(low, high)) == said


def test_claims_name_rules_and_outcomes_that_are_there():
    for finding in FINDINGS:
        names = {rule.name for rule in finding.rules}
        for claim in finding.claims if names else ():
            assert {claim.rule, claim.against} <= names, finding.name
            assert claim.outcome in _NAMES, claim
        for rule in finding.rules:
            Scenario.load("short_squeeze", **{**SQUEEZED, **finding.changes, **rule.changes})


def test_outcomes_by_hand():
    mids = np.full((2, 2, 3), 100.0)
    liquidated = np.zeros((2, 2, 3))
    liquidated[1, :, -1] = (30.0, 0.0)
    found = recording(
        mids,
        [(0, 1.0, 1, 2000.0), (1, 1.0, 1, 10.0)],
        fund=np.array([[5e3, 5e3, 2e3], [1e3, 1e3, 3e3]]),
        shortfall=np.array([4e3, 0.0]),
        crossed=np.array([1000.0, 0.0]),
        liquidated=liquidated,
    )
    assert losses(found).tolist() == [7.0, -2.0]
    assert severity(found).tolist() == [10.0, 0.0]
    assert chosen(found).tolist() == [2970.0, 10.0]


def test_progress_towards_a_trigger_by_hand():
    prices = np.array([[100.0, 100.1, 100.5], [100.0, 99.9, 99.0]])
    assert Trigger("price", 50.0).progress(prices) == pytest.approx([1.0, 2.0])
    squares = np.log([1.001, 100.5 / 100.1]) ** 2
    volatility = np.sqrt(squares.sum() / 60) * 1e4
    assert Trigger("volatility", volatility).progress(prices)[0] == pytest.approx(1.0)


def test_nobody_foresees_a_halt():
    """With the same seed the paths are one until it begins."""
    halt = Rule.load("velocity_halt").changes
    free = Market("short_squeeze", seed=1, **SQUEEZED)
    held = Market(Scenario.load(free.scenario, **halt), seed=1)
    while held.record["protection"]["pauses"] == 0:
        assert held.record["marks"].tobytes() == free.record["marks"].tobytes()
        assert held.time < 300
        held.run(seconds=1)
        free.run(seconds=1)
    held.run(seconds=30)
    free.run(seconds=30)
    assert held.record["marks"].tobytes() != free.record["marks"].tobytes()


def test_too_few_near_a_trigger_are_refused():
    with pytest.raises(DataError, match=r"came near in 0 of 5 episodes, needed are 5"):
        magnet(Scenario.load("calm", **{"episode.horizon_s": 5.0}), Trigger("price", 1e4), range(5))


@pytest.mark.slow
def test_every_shipped_rule_is_felt_where_it_can_be():
    scenario = Scenario.load("short_squeeze", **SQUEEZED)
    rules = [Rule.load(name) for name in sorted(Rule.names(), key=lambda name: name != "none")]
    path = Outcome("path", lambda recording: recording.mids[0].sum(axis=1))
    found = compare(scenario, rules, 6, outcomes=[path])
    still = {rule.name for rule in rules[1:] if found.differences[rule.name, "path"].mean == 0}
    assert still == IDLE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "claims"),
    [
        (
            "ex_ante",
            [
                ("price_band", "none", "highest rise"),
                *(
                    (precaution, halt(0.02).name, outcome)
                    for precaution in ("price_band", "slow_engine", "low_leverage")
                    for outcome in ("volatility", "mark from fundamental")
                ),
                ("low_leverage", halt(0.02).name, "shorts liquidated a thousand traded"),
            ],
        ),
        (
            "throttle",
            [
                (throttle(1).name, "none", "shorts liquidated"),
                (throttle(1).name, "none", "fund and accounts below zero"),
            ],
        ),
        (
            "throttle_shipped",
            [
                (throttle(1).name, "none", "shorts liquidated"),
                (throttle(1).name, "none", "deleveraged"),
            ],
        ),
        (
            "short_ban",
            [("short_ban", "none", outcome) for outcome in ("shorts liquidated", "deleveraged")],
        ),
        # That of batches takes more seeds than a test has: docs/findings.md.
    ],
)
def test_the_signs_on_a_few_seeds(name, claims):
    found = BY_NAME[name].run(FEW, seed=1)
    for claim, seen in found.items():
        if (claim.rule, claim.against, claim.outcome) in claims:
            assert claim.verdict(seen) == "as published", (claim, seen)
    assert len(claims) == sum((c.rule, c.against, c.outcome) in claims for c in found)

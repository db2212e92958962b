"""Funding moves money between accounts and makes none, under every rule, sign and schedule."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym.codes import Account, FundingRule, MarkRule, Problem
from tests.kernels import small_market
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound
from tests.property.trajectory import interpreted, run

RULES = [rule.name.lower() for rule in FundingRule]
MARKS = [rule.name.lower() for rule in MarkRule]
ALLOWED = int(Problem.INTENSITY_CEILING)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    rule=st.sampled_from(RULES),
    mark=st.sampled_from(MARKS),
    interest=st.sampled_from((0.1, -0.1, 0.0001)),
    basis=st.sampled_from((0.0, 60.0, -60.0)),
    average=st.sampled_from(("linear", "plain", None)),
    interval=st.sampled_from((0.1, 1.0, 3.3, 28_800.0)),
    first=st.sampled_from((0.0, 0.7, 2.0, None)),
    sample=st.sampled_from((0.1, 1.0, 3600.0)),
    destination=st.sampled_from(("book", "absorber", "off")),
    log=st.booleans(),
)
def test_sums_are_zero_under_every_funding_rule(
    seed, rule, mark, interest, basis, average, interval, first, sample, destination, log
):
    market = small_market(
        seed=seed,
        log=log,
        **{
            "funding.rule": rule,
            "funding.interest": interest,
            "funding.cap": 1.0,
            "funding.average": average,
            "funding.interval_s": interval,
            "funding.first_s": first,
            "funding.sample_s": sample,
            "funding.impact_quote": 5_000.0,
            "contract.basis_bps": basis,
            "marks.rule": mark,
            "marks.funding_rate": interest,
            "liquidation.destination": destination,
            "catalyst.squeeze_size": [2.0, 2.0],
        },
    )
    margin = market._batch.params[0]["margin"]
    for time in (0.7, 2.0, 3.3, 7.0):
        market.run(time - market.time)
        assert_conserved(market.record)
        assert_ladder_sound(market.record, margin)
        assert market.ledger()["sum"] == (0, 0, 0)
        assert int(market.record["accounts"]["quote"][Account.VENUE]) >= 0
        assert int(market.record["funding"]["cursor"]) == 0
    assert int(market.record["clock"]["problems"]) & ~ALLOWED == 0
    begins = interval if first is None else first
    paid = int((7.0 - begins + 1e-9) // interval) + 1 if begins <= 7.0 else 0
    assert int(market.record["funding"]["n_paid"]) == (0 if rule == "off" else paid)


VARIANTS = [
    {
        "funding.rule": "hyperliquid",
        "funding.average": "plain",
        "marks.rule": "hyperliquid",
        "marks.skew_bps": [0.0, 900.0, 0.0, 0.0, -3.0],
    },
    {
        "funding.rule": "dydx",
        "marks.rule": "clamped_last",
        "marks.index_rule": "clamped",
        "marks.frozen_venue": [False, False, True, False, False],
        "marks.stale_s": 1.0,
    },
    {"funding.rule": "deribit", "marks.rule": "funding_basis", "funding.interest": -0.1},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=[v["funding.rule"] for v in VARIANTS])
def test_the_interpreter_marks_and_pays_as_the_compiler_does(variant):
    overrides = {
        "funding.interval_s": 0.5,
        "funding.first_s": 0.3,
        "funding.sample_s": 0.1,
        "funding.cap": 0.5,
        "marks.interval_ms": 100,
        "steps": 10,
        **variant,
    }
    assert interpreted(**overrides) == run(**overrides)


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_paid_funding_of_a_learner_is_in_its_cash():
    overrides = {
        "learner.short_start": 1.0,
        "episode.burn_in_s": 0.0,
        "funding.interval_s": 100.0,
        "funding.first_s": 0.25,
        "funding.interest": 0.1,
        "funding.clamp": 1.0,
    }
    paid = small_market(**overrides)
    free = small_market(**overrides, **{"funding.rule": "off"})
    for market in (paid, free):
        market.run(0.3)
    cash = [int(market.record["accounts"]["quote"][Account.LEARNER]) for market in (paid, free)]
    assert cash[0] - cash[1] == int(paid.record["learners"][0]["funding"]) != 0

"""The ledger (DESIGN 8.1): three sums are zero at all times, whatever happens."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym import Market
from squeezegym.codes import Account
from tests.conftest import ROOT
from tests.kernels import small_market
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound

EMPTY_BOOKS = {
    "depth.perp.within_10bps_base": 0.01,
    "depth.perp.touch_base": 0.0,
    "depth.spot.within_10bps_base": 0.01,
    "depth.spot.touch_base": 0.0,
    "makers.perp.visits_per_s": 0.0,
    "makers.spot.visits_per_s": 0.0,
    "noise.perp.limit_visits_per_s": 0.0,
    "noise.spot.limit_visits_per_s": 0.0,
}
# Positions that start at their bankruptcy: 1 % margin, entered 1 % from the price.
LOTS = (-40_000, -7, 30_000, 5, -1, 1, -90_000, 90_000)
BANKRUPT = {
    "positions": {
        "lots": LOTS,
        "entry_ticks": tuple(610_000 if q < 0 else 630_000 for q in LOTS),
        "deposit_quanta": tuple(abs(q) * 4_000 + 1 for q in LOTS),
    }
}


def check(market, times):
    for time in times:
        market.run(time - market.time)
        assert_conserved(market.record)
        assert_ladder_sound(market.record, market._batch.params[0]["margin"], triggers=False)
        assert market.ledger()["sum"] == (0, 0, 0)
    assert market.problems() == [] or set(market.problems()) <= {
        "a self-exciting intensity was cut at its ceiling"
    }


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_sums_are_zero_from_the_opening_on():
    market = small_market(
        **{"episode.burn_in_s": 0.0, "population.shorts": 30, "catalyst.start_s": [0.2, 0.2]}
    )
    assert market.ledger()["sum"] == (0, 0, 0)
    check(market, (0.1, 0.5, 1.1, 2.0, 3.2))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    destination=st.sampled_from(("book", "absorber", "off")),
    fund=st.sampled_from((0.0, 0.0001, 50.0, 1e6)),
    side=st.sampled_from(("buy", "sell")),
    size=st.floats(0.0, 40.0),
    depth=st.sampled_from((1.0, 20.0, 130.0)),
    fees=st.sampled_from((0.0, 0.003, 7.77, 100.0)),
    bankrupt=st.booleans(),
)
def test_sums_are_zero_whatever_the_rules(
    seed, destination, fund, side, size, depth, fees, bankrupt
):
    market = small_market(
        seed=seed,
        **{
            "liquidation.destination": destination,
            "liquidation.fund_quote": fund,
            "catalyst.side": side,
            "catalyst.squeeze_size": [size, size],
            "depth.perp.within_10bps_base": depth,
            "depth.perp.touch_base": depth / 40,
            "fees.perp_maker_bps": fees,
            "fees.spot_taker_bps": fees,
            "fees.liquidation_bps": fees,
            **(BANKRUPT if bankrupt else {}),
        },
    )
    check(market, (0.7, 2.5, 6.0, 15.0))


@pytest.mark.parametrize("fund", [0.0, 1.0, 1e6])
@pytest.mark.parametrize("destination", ["book", "absorber"])
def test_bankruptcies_in_empty_books(fund, destination):
    market = small_market(
        **{
            **EMPTY_BOOKS,
            **BANKRUPT,
            "liquidation.fund_quote": fund,
            "liquidation.destination": destination,
        }
    )
    check(market, (1.0, 3.0, 10.0))
    score = market.record["score"]
    assert score["liquidations"].sum() > 0


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_default_market_is_conserved_through_a_squeeze_and_a_flush(side):
    market = Market(
        "short_squeeze",
        seed=3,
        **{
            "catalyst.side": side,
            "population.cluster_side": "shorts" if side == "buy" else "longs",
            "catalyst.squeeze": 1.0,
            "catalyst.near_miss": 0.0,
            "catalyst.start_s": [2.0, 2.0],
            "catalyst.squeeze_size": [4.0, 4.0],
        },
    )
    check(market, (1.0, 5.0, 10.0, 20.0, 40.0))
    assert market.record["score"]["liquidations"][1 if side == "buy" else 0] > 10


def test_a_learner_is_in_the_ledger():
    market = small_market(**{"learner.short_start": 1.0})
    view = market._batch.views[0]
    draw = np.random.default_rng(1)
    for _ in range(100):
        view["target"], view["aggression"] = draw.uniform(-1, 1, 2)
        view["has_action"] = 1
        market.run(0.1)
        assert_conserved(market.record)
    learner = market.record["accounts"][Account.LEARNER]
    assert int(learner["fees"]) > 0 and int(market.record["learners"][0]["sent"]) > 10


def test_entry_value_follows_fills_of_a_holder():
    market = small_market(**{"liquidation.destination": "off"})
    market.run(5.0)
    accounts = market.record["accounts"][16:]
    held = accounts[accounts["perp"] != 0]
    # A holder's equity is deposit and profit: quote + perp * entry = deposit > 0.
    assert (held["quote"] + np.sign(held["perp"]) * held["cost"] > 0).all()


RUNAWAY = """
from tests.kernels import small_market
market = small_market(**{
    "catalyst.squeeze_size": [60.0, 60.0], "catalyst.cap_bps": 1000.0, "catalyst.side": %r,
    "makers.perp.learning_bps_per_base": 20.0, "makers.spot.learning_bps_per_base": 20.0,
})
market.run(30.0)
assert market.ledger()["sum"] == (0, 0, 0)
"""


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_price_that_runs_away_stays_within_the_range_of_prices(side):
    # In a process of its own: a price beyond the range once read outside the record.
    done = subprocess.run(
        [sys.executable, "-c", RUNAWAY % side], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

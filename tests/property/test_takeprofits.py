"""Take-profits and round prices in markets: nothing is lost, no order outlives its position."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym import Market
from squeezegym.codes import FIRST_HOLDER_SLOT, PROBLEM_TEXT, Problem
from tests.kernels import BUY, same, small_market
from tests.oracle.log_replay import LogReplay
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound
from tests.property.trajectory import assert_arrivals_unchanged, interpreted, run

HOLDERS = {
    "holders": {
        "take_profit": 0.6,
        "take_profit_bps": [5.0, 80.0],
        "stop_out": 0.4,
        "stop_bps": [5.0, 100.0],
        "reaction_s": 0.3,
    },
    "population.rounds": [[100.0, 0.5], [500.0, 0.3], [1000.0, 0.2]],
}
ROUND_NOISE = {"noise.perp.round_share": 0.3, "noise.spot.round_share": 0.3}
RELOADERS = {"reloaders": {"share": 1.0, "delay_s": 1.0}}


def assert_orders_sound(record):
    """Every order of a holder reduces a position that it still has."""
    orders = record["books"][0]["orders"]
    mine = orders[(orders["qty"] != 0) & (orders["owner"] >= FIRST_HOLDER_SLOT)]
    perp = record["accounts"]["perp"][mine["owner"]]
    assert (perp[mine["side"] == BUY] < 0).all() and (perp[mine["side"] != BUY] > 0).all()
    open_lots = np.zeros((len(record["accounts"]), 2), np.int64)
    np.add.at(open_lots, (mine["owner"], mine["side"]), mine["qty"].astype(np.int64))
    shown = record["holders"]["open_lots"][FIRST_HOLDER_SLOT:]
    np.testing.assert_array_equal(shown, open_lots[FIRST_HOLDER_SLOT:])
    return len(mine)


def check(market, times):
    """Run to each time in turn; there books and ledger must follow from the log alone."""
    params = market._batch.params[0]
    replay = LogReplay(market.opening.record[0], params["fees"])
    left, read = [], 0
    for time in times:
        market.run(time - market.time)
        assert_conserved(market.record)
        assert_ladder_sound(market.record, params["margin"])
        left.append(assert_orders_sound(market.record))
        rows = market.log()
        replay.feed(rows[read:])
        read = len(rows)
        replay.assert_equals(market.record)
    assert set(market.problems()) <= {PROBLEM_TEXT[Problem.INTENSITY_CEILING]}
    return left


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_short_run_is_derived_again():
    market = small_market(
        log=True,
        **{
            **HOLDERS,
            **ROUND_NOISE,
            "episode.burn_in_s": 0.0,
            "catalyst.start_s": [0.2, 0.2],
            "population.shorts": 40,
            "population.longs": 20,
        },
    )
    before = assert_orders_sound(market.record)
    left = check(market, (0.5, 1.0, 2.5))
    assert 20 < before and left[-1] < before


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    destination=st.sampled_from(("book", "book", "absorber", "off")),
    policy=st.sampled_from(("ioc_at_bankruptcy", "partial_20_cooldown", "small_steps")),
    remainder=st.sampled_from(("adl", "pro_rata", "socialised")),
    fund=st.sampled_from((0.0, 50.0, 1e6)),
    side=st.sampled_from(("buy", "sell")),
    size=st.floats(0.0, 30.0),
    depth=st.sampled_from((1.0, 20.0, 130.0)),
    snap=st.sampled_from((0.0, 0.4, 1.0)),
)
def test_nothing_is_lost_whatever_the_rules(
    seed, destination, policy, remainder, fund, side, size, depth, snap
):
    changes = {
        **HOLDERS,
        **ROUND_NOISE,
        **RELOADERS,
        "holders.snap": snap,
        "liquidation.destination": destination,
        "liquidation.policy": policy,
        "liquidation.remainder": remainder,
        "liquidation.fund_quote": fund,
        "catalyst.side": side,
        "population.cluster_side": "shorts" if side == "buy" else "longs",
        "catalyst.squeeze_size": [size, size],
        "depth.perp.within_10bps_base": depth,
        "depth.perp.touch_base": depth / 40,
    }
    check(small_market(seed=seed, log=True, **changes), (1.0, 2.5, 6.0, 12.0))


def test_switched_off_they_change_nothing():
    off = {
        "holders": {"take_profit_bps": [1.0, 2.0], "snap": 1.0, "snap_beyond_bps": [1.0, 2.0]},
        "noise.perp.round_ticks": 50,
    }
    plain, mine = small_market(seed=3), small_market(seed=3, **off)
    for market in (plain, mine):
        market.run(12.0)
    assert same(plain.record, mine.record)


def test_they_leave_the_arrivals_of_others_as_they_were():
    assert_arrivals_unchanged(12.0, **HOLDERS, **ROUND_NOISE)


def test_the_interpreter_gives_what_the_compiler_gives():
    overrides = {**HOLDERS, **ROUND_NOISE}
    assert interpreted(**overrides) == run(**overrides)


def test_entries_stops_and_take_profits_cluster_in_their_shares():
    changes = {
        "population.rounds": HOLDERS["population.rounds"],
        "population.cluster_share": 0.0,
        "holders": {"take_profit": 1.0, "stop_out": 1.0},
        "episode.burn_in_s": 0.0,
    }
    entries, stops, limits = [], [], []
    for seed in range(2):
        record = Market("short_squeeze", seed=seed, **changes).record
        held = np.flatnonzero(record["accounts"]["perp"])
        held = held[held >= FIRST_HOLDER_SLOT]
        account = record["accounts"][held]
        entries.append(account["cost"] / np.abs(account["perp"]))
        stops.append(record["holders"]["alarm"][held])
        orders = record["books"][0]["orders"]
        mine = (orders["qty"] != 0) & (orders["owner"] >= FIRST_HOLDER_SLOT)
        limits.append(orders["price"][mine])
    entries, stops, limits = (np.concatenate(found) for found in (entries, stops, limits))
    # Multiples of 100, 500, 1,000 quote are 1,000, 5,000, 10,000 ticks; 3,600 accounts.
    assert abs((entries % 1_000 == 0).mean() - 0.3) < 0.04
    assert abs((limits % 1_000 == 0).mean() - 0.4) < 0.04
    assert abs((limits % 10_000 == 0).mean() - 0.4 * (0.2 + 0.5 * 0.1 + 0.3 * 0.5)) < 0.05
    # Beyond a level a stop lies 5 to 15 bp of 61,837.6: 309 to 928 ticks; elsewhere so by chance.
    shorts = stops > entries
    past = np.where(shorts, stops % 1_000, -stops.astype(np.int64) % 1_000)
    chance = 0.6 * 0.62
    assert abs(((past > 305) & (past < 935)).mean() - (0.4 + chance)) < 0.05

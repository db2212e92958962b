"""Those who answer a squeeze, in markets: nothing is lost, the ladder is sound, off is off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym.codes import FIRST_HOLDER_SLOT, PROBLEM_TEXT, Account, Command, LogKind, Problem
from tests.kernels import PLAIN, same, small_market
from tests.oracle.log_replay import LogReplay
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound
from tests.property.trajectory import assert_arrivals_unchanged, interpreted, run

FOMO_SLOTS = slice(FIRST_HOLDER_SLOT + 200, FIRST_HOLDER_SLOT + 250)
FOLLOWERS = {
    "followers": {
        "looks_per_s": 5.0,
        "imbalance": 0.3,
        "least_base": 1.0,
        "slice_base": 0.5,
        "slices": 4,
        "duration_s": 1.0,
        "pause_s": 0.5,
    }
}
SNIPERS = {"snipers": {"looks_per_s": 20.0, "trigger_base": 0.5, "max_base": 10.0, "hold_s": 5.0}}
LARGE_SNIPERS = {
    "snipers": {
        "looks_per_s": 20.0,
        "trigger_base": 0.5,
        "max_base": 100.0,
        "hold_s": 20.0,
        "leave_share": 0.2,
        "cap_bps": 100.0,
    }
}
FOMO = {
    "fomo": {
        "accounts": 50,
        "seeds_per_s": 0.5,
        "contacts_per_s": 3.0,
        "recoveries_per_s": 0.5,
        "horizon_s": 10,
        "return_bps": 5.0,
    }
}
RELOADERS = {"reloaders": {"share": 1.0, "delay_s": 1.0}}
STOPS = {"holders": {"stop_out": 0.5, "stop_bps": [5.0, 100.0], "reaction_s": 0.3}}
EVERYBODY = {**FOLLOWERS, **SNIPERS, **FOMO, **RELOADERS, **STOPS}


def check(market, times):
    """Run to each time in turn; there books and ledger must follow from the log alone."""
    params = market._batch.params[0]
    replay = LogReplay(market.opening.record[0], params["fees"])
    read = 0
    for time in times:
        market.run(time - market.time)
        assert_conserved(market.record)
        assert_ladder_sound(market.record, params["margin"])
        rows = market.log()
        replay.feed(rows[read:])
        read = len(rows)
        replay.assert_equals(market.record)
    assert set(market.problems()) <= {PROBLEM_TEXT[Problem.INTENSITY_CEILING]}


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_short_run_is_derived_again():
    market = small_market(
        log=True,
        **{
            **EVERYBODY,
            "episode.burn_in_s": 0.0,
            "catalyst.start_s": [0.2, 0.2],
            "population.shorts": 40,
            "population.longs": 20,
        },
    )
    check(market, (0.5, 1.0, 2.5))
    assert int(market.record["crowd"]["caught"]) > 0


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    destination=st.sampled_from(("book", "book", "absorber", "off")),
    policy=st.sampled_from(("ioc_at_bankruptcy", "partial_20_cooldown", "small_steps")),
    fund=st.sampled_from((0.0, 50.0, 1e6)),
    side=st.sampled_from(("buy", "sell")),
    size=st.floats(0.0, 30.0),
    depth=st.sampled_from((1.0, 20.0, 130.0)),
    leverage=st.sampled_from((1.0, 10.0, 100.0, 150.0)),
)
def test_nothing_is_lost_whatever_the_rules(
    seed, destination, policy, fund, side, size, depth, leverage
):
    overrides = {
        "liquidation.destination": destination,
        "liquidation.policy": policy,
        "liquidation.fund_quote": fund,
        "catalyst.side": side,
        "catalyst.squeeze_size": [size, size],
        "depth.perp.within_10bps_base": depth,
        "depth.perp.touch_base": depth / 40,
        "reloaders.leverage": leverage,
        "fomo.leverage": [[leverage, 1.0]],
    }
    check(small_market(seed=seed, log=True, **EVERYBODY, **overrides), (1.0, 2.5, 6.0, 15.0))


def test_switched_off_they_change_nothing():
    off = {
        "followers": {**FOLLOWERS["followers"], "looks_per_s": 0.0},
        "snipers": {**SNIPERS["snipers"], "looks_per_s": 0.0},
        "fomo": {**FOMO["fomo"], "accounts": 0},
        "reloaders": {"share": 0.0, "delay_s": 1.0},
    }
    plain, mine = small_market(seed=3), small_market(seed=3, **off)
    for market in (plain, mine):
        market.run(15.0)
    assert plain.record["score"]["liquidations"].sum() > 0
    assert same(plain.record, mine.record)
    assert not plain.record["crowd"].tobytes().strip(b"\0")


@pytest.mark.parametrize(
    "section", [FOLLOWERS, SNIPERS, FOMO, RELOADERS], ids=lambda s: next(iter(s))
)
def test_each_leaves_the_arrivals_of_others_as_they_were(section):
    assert_arrivals_unchanged(15.0, **section)


def test_the_interpreter_gives_what_the_compiler_gives():
    assert interpreted(**EVERYBODY) == run(**EVERYBODY)


def test_a_reset_forgets_them():
    used, fresh = small_market(seed=5, **EVERYBODY), small_market(seed=5, **EVERYBODY)
    used.run(12.0)
    assert int(used.record["crowd"]["caught"]) > 0 and int(used.record["crowd"]["reloads"]) > 0
    used._batch.seed_row(0, 5)
    used._batch.command(0, Command.RESET)
    used._batch.advance()
    for market in (used, fresh):
        market._run_until(3_000_000_000)
    for field in ("crowd", "clock", "score", "marks", "flow"):
        assert same(used.record[field], fresh.record[field]), field


def trades_of(market, owner):
    rows = market.log()
    mine = rows[(rows["kind"] == LogKind.ORDER) & (rows["account"] == owner)]
    return mine[mine["filled"] > 0]


def test_followers_build_and_unwind():
    market = small_market(seed=2, log=True, **FOLLOWERS)
    market.run(20.0)
    rows = trades_of(market, Account.FOLLOWER)
    bought = int(rows["filled"][rows["side"] == 0].sum())
    sold = int(rows["filled"][rows["side"] == 1].sum())
    held = int(market.record["accounts"]["perp"][Account.FOLLOWER])
    start = int(market.opening.record[0]["accounts"]["perp"][Account.FOLLOWER])
    assert held == start + bought - sold and abs(held) <= 2_000
    assert min(bought, sold) > 2_000


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_snipers_overshoot_and_are_out_again(side):
    overrides = {
        **PLAIN,
        "catalyst.side": side,
        "population.cluster_side": "shorts" if side == "buy" else "longs",
        "catalyst.squeeze_size": [3.0, 3.0],
        "learner.short_start": 0.0,
    }
    sign = 1 if side == "buy" else -1
    overshoot = []
    for seed in range(40):
        ends = []
        for section in ({}, LARGE_SNIPERS):
            market = small_market(seed=seed, **overrides, **section)
            market.run(40.0)
            ends.append((sign * market.series()["mark"]).max())
        overshoot.append(ends[1] - ends[0])
        assert int(market.record["accounts"]["perp"][Account.SNIPER]) == 0
    assert np.median(overshoot) > 0
    assert sum(change > 0 for change in overshoot) > 20


def test_fomo_opens_longs_that_a_flush_takes():
    market = small_market(
        seed=1,
        log=True,
        **PLAIN,
        **{
            "fomo": {**FOMO["fomo"], "return_bps": 2.0},
            "catalyst.side": "sell",
            "population.cluster_side": "longs",
            "catalyst.start_s": [15.0, 15.0],
            "catalyst.squeeze_size": [3.0, 3.0],
        },
    )
    market.run(14.9)
    entered = FOMO_SLOTS.start + np.flatnonzero(market.record["accounts"]["perp"][FOMO_SLOTS] > 0)
    assert len(entered) == int(market.record["crowd"]["caught"]) > 10
    assert market.liquidations() == []
    market.run(45.0)
    taken = {row["account"] for row in market.liquidations() if row["base"] > 0}
    assert len(taken & set(entered.tolist())) > 5


def test_lost_shorts_come_back_in_their_slots():
    market = small_market(seed=2, log=True, **RELOADERS)
    market.run(30.0)
    lost = {row["account"] for row in market.liquidations() if row["base"] < 0}
    held = np.flatnonzero(market.record["accounts"]["perp"] < 0)
    assert int(market.record["crowd"]["reloads"]) > 5
    assert len(lost & set(held.tolist())) > 5

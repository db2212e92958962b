"""Pauses, restrictions, a learner on the spot book: conserved, replayable, always the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym import Market
from squeezegym.codes import PROBLEM_TEXT, LogKind, Measure, Problem
from tests.kernels import same
from tests.oracle.log_replay import LogReplay
from tests.property.borrow_checks import assert_borrowers_sound, assert_lender_sound
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound

# A small stock whose shorts are called at once; pauses of three seconds.
QUICK = {
    "size_class": "small",
    "episode.burn_in_s": 2.0,
    "episode.clock_compression": 100.0,
    "depth.spot.touch_base": 40.0,
    "depth.spot.within_10bps_base": 80.0,
    "borrowing.accounts": 60,
    "borrowing.base": 9_000.0,
    "borrowing.supply_base": 10_000.0,
    "borrowing.leverage": [[3, 1]],
    "borrowing.liquidation_level": 1.45,
    "fomo.accounts": 100,
    "fomo.seeds_per_s": 0.02,
    "fomo.return_bps": 50.0,
    "makers.spot.learning_bps_per_base": 0.6,
    "catalyst.start_s": [1.0, 1.0],
    "catalyst.duration_s": 10.0,
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "protection.buy_restriction.start_s": 20.0,
    "protection.limits.limit_s": 50.0,
}


def stock(seed=3, log=True, **overrides):
    return Market("equity_halt", seed=seed, log=log, **{**QUICK, **overrides})


def act(market, draw):
    view = market._batch.views[0]
    view["target"], view["aggression"] = draw.uniform(-1, 1, 2)
    view["has_action"] = 1


def run_checked(market, seconds, step=0.5, learner=True):
    """Run with drawn actions; check ledger, debts and the log derived again after each step."""
    params = market._batch.params[0]
    replay = LogReplay(market.opening.record[0], params["fees"], params["borrowing"])
    draw = np.random.default_rng(market.seed)
    read = 0
    while market.time < seconds:
        if learner:
            act(market, draw)
        market.run(step)
        record = market.record
        assert_conserved(record)
        assert_lender_sound(record)
        assert_borrowers_sound(record, params["borrowing"])
        assert_ladder_sound(record, params["margin"])
        rows = market.log()
        replay.feed(rows[read:])
        read = len(rows)
        replay.assert_equals(record)
        assert replay.measures == int(record["protection"]["measures"])
    assert set(market.problems()) <= {PROBLEM_TEXT[Problem.INTENSITY_CEILING]}
    return replay


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_short_run_is_derived_again():
    market = stock(
        **{
            "episode.burn_in_s": 0.0,
            "borrowing.accounts": 20,
            "borrowing.base": 3_000.0,
            "protection.limits.limit_s": 10.0,
            "protection.limits.band": 0.01,
        }
    )
    run_checked(market, 4.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_squeeze_goes_through_pauses_and_is_derived_again(seed):
    market = stock(seed=seed)
    replay = run_checked(market, 60.0)
    record = market.record
    pauses = [row for row in replay.protection if row["other"] == Measure.PAUSE and row["side"]]
    assert int(record["protection"]["pauses"]) >= 3
    assert len(pauses) >= int(record["protection"]["pauses"]) - 1  # the burn-in is not in the log
    assert any(row["kind"] == LogKind.UNCROSS and row["qty"] > 0 for row in replay.protection)
    assert replay.buy_ins
    assert market.series()["spot"].max() > 1.5 * 20.0


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    band=st.sampled_from((0.005, 0.02, 0.1)),
    pause=st.sampled_from((20.0, 300.0)),
    extensions=st.sampled_from((0, 1, 50)),
    restricted=st.sampled_from((None, 0.0, 4.0)),
    banned=st.sampled_from((None, 0.0, 4.0)),
    destination=st.sampled_from(("book", "absorber", "off")),
    side=st.sampled_from(("buy", "sell")),
    depth=st.sampled_from((1.0, 80.0)),
    fee=st.sampled_from((0.0, 0.3, 20.0)),
)
def test_everything_holds_whatever_the_rules(
    seed, band, pause, extensions, restricted, banned, destination, side, depth, fee
):
    market = stock(
        seed=seed,
        **{
            "protection.limits.band": band,
            "protection.limits.pause_s": pause,
            "protection.limits.extension_s": pause,
            "protection.limits.extensions": extensions,
            "protection.limits.collar": band,
            "protection.buy_restriction.start_s": restricted,
            "protection.short_ban.start_s": banned,
            "liquidation.destination": destination,
            "catalyst.side": side,
            "depth.spot.within_10bps_base": depth,
            "depth.spot.touch_base": depth / 2,
            "fees.spot_maker_bps": fee,
            "fees.spot_taker_bps": fee,
        },
    )
    run_checked(market, 12.0)


def test_limits_on_the_perp_hold_back_the_liquidations():
    market = Market(
        "short_squeeze",
        seed=5,
        log=True,
        **{
            "size_class": "small",
            "population.shorts": 120,
            "population.longs": 80,
            "episode.burn_in_s": 2.0,
            "episode.clock_compression": 100.0,
            "catalyst.start_s": [2.0, 2.0],
            "catalyst.squeeze": 1.0,
            "catalyst.near_miss": 0.0,
            "catalyst.squeeze_size": [8.0, 8.0],
            "protection.book": "perp",
            "protection.limits.on": True,
            "protection.limits.band": 0.003,
            "protection.limits.limit_s": 30.0,
        },
    )
    replay = LogReplay(market.opening.record[0], market._batch.params[0]["fees"])
    read, held, paused = 0, 0, False
    while market.time < 40.0:
        market.run(0.5)
        rows = market.log()
        replay.feed(rows[read:])
        for row in rows[read:]:
            if row["kind"] == LogKind.MEASURE and row["other"] == Measure.PAUSE:
                paused = bool(row["side"])
            assert not (paused and row["kind"] == LogKind.LIQUIDATION)
        read = len(rows)
        replay.assert_equals(market.record)
        assert_conserved(market.record)
        held += paused and int(market.record["engine"]["size"]) > 0
    assert held > 0 and int(market.record["protection"]["pauses"]) > 1
    assert (market.log()["kind"] == LogKind.LIQUIDATION).sum() > 3


def test_the_same_seed_gives_the_same_halts():
    one, two = stock(log=False), stock(log=False)
    draws = np.random.default_rng(1), np.random.default_rng(1)
    for market, draw in zip((one, two), draws, strict=True):
        for _ in range(40):
            act(market, draw)
            market.run(0.5)
    assert same(one.record, two.record)
    assert int(one.record["protection"]["pauses"]) > 0
    kept = one.snapshot()
    one.run(10.0)
    ahead = one.record.copy()
    one.restore(kept)
    one.run(10.0)
    assert same(ahead, one.record)


def test_a_restriction_keeps_the_crowd_from_buying():
    market = stock(**{"protection.buy_restriction.start_s": 0.0, "protection.limits.on": False})
    market.run(30.0)
    record = market.record
    first = int(market._batch.params[0]["fomo"]["first"])
    caught = int(record["crowd"]["caught"])
    assert caught > 0
    mine = record["accounts"][first : first + caught]
    bought_before = market.opening.record[0]["accounts"]["spot"][first : first + caught]
    assert (mine["spot"] == bought_before).all() and (mine["quote"] == 0).all()


def test_what_the_venue_does_is_published():
    market = stock()
    seen = []
    for _ in range(80):
        market.run(0.5)
        work = market.record["feed"]["seen"]
        seen.append((int(work["measures"]), int(work["lower"]), int(work["upper"])))
    assert any(measures & Measure.PAUSE for measures, *_ in seen)
    assert all(0 < lower < upper for _, lower, upper in seen)


def test_switched_off_it_draws_nothing_and_changes_nothing():
    plain = Market(
        "calm", seed=3, size_class="small", **{"population.shorts": 90, "population.longs": 60}
    )
    later = Market(
        "calm",
        seed=3,
        size_class="small",
        **{
            "population.shorts": 90,
            "population.longs": 60,
            "protection.short_ban.start_s": 900.0,
            "episode.clock_compression": 1.0,
        },
    )
    for market in (plain, later):
        market.run(5.0)
    for field in ("accounts", "books", "marks", "score"):
        assert same(plain.record[field], later.record[field])


def test_a_compressed_fee_is_that_of_the_whole_interval():
    hours = {"borrowing.interval_s": 3_600.0, "borrowing.base_rate": 5.0, "borrowing.slope": 0.0}
    market = stock(**{**hours, "borrowing.steep": 0.0, "episode.clock_compression": 720.0})
    market.run(5.0)  # one charge of an hour every five seconds
    replay = run_checked(market, 16.0, learner=False)
    assert replay.n_fees > 100

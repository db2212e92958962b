"""Liquidation (DESIGN 8.3): who is taken, when, and what stays behind."""

import numpy as np
import pytest

from squeezegym import Market
from squeezegym.codes import FIRST_HOLDER_SLOT, Account, LogKind, OrderFlag, Status
from tests.kernels import LEARNER_SLOT, PLAIN, small_market
from tests.oracle.log_replay import LogReplay
from tests.property.ladder_checks import (
    assert_conserved,
    assert_ladder_sound,
    is_liquidatable,
    queue_slots,
)

FLUSH = {"catalyst.side": "sell", "population.cluster_side": "longs"}


def margin_of(market):
    return market._batch.params[0]["margin"]


def assert_nobody_is_left_out(market):
    """After a check every liquidatable account is in the engine's queue."""
    record, margin = market.record, margin_of(market)
    mark = int(record["marks"]["mark"])
    queued = set(queue_slots(record))
    accounts = record["accounts"]
    for slot in (LEARNER_SLOT, *range(FIRST_HOLDER_SLOT, len(accounts))):
        quote, perp = int(accounts["quote"][slot]), int(accounts["perp"][slot])
        if is_liquidatable(margin, quote, perp, mark):
            assert slot in queued


def run_by_marks(market, seconds):
    """Stop right after each mark update."""
    while market.time < seconds:
        market.run(1.0)
        assert int(market.record["marks"]["time"]) == int(market.record["clock"]["now"])
        assert_nobody_is_left_out(market)
        assert_conserved(market.record)
        assert_ladder_sound(market.record, margin_of(market))


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_the_opening_ladder_is_sound():
    market = small_market(**{"episode.burn_in_s": 0.0, "population.shorts": 40})
    assert_ladder_sound(market.record, margin_of(market))
    accounts = market.record["accounts"]
    longs = accounts["perp"][FIRST_HOLDER_SLOT:] > 0
    assert (accounts["trigger"][FIRST_HOLDER_SLOT:][longs] > 0).sum() > longs.sum() // 2


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "overrides",
    [
        {},
        FLUSH,
        {"liquidation.fund_quote": 0.0},
        {"liquidation.fund_quote": 0.0, **FLUSH},
        {"liquidation.destination": "absorber"},
        {"liquidation.latency_ms": 3000.0},
        {"liquidation.interval_ms": 700.0},
    ],
    ids=["book", "flush", "no-fund", "flush-no-fund", "absorber", "late", "slow"],
)
def test_after_a_check_every_such_account_is_queued(seed, overrides):
    run_by_marks(small_market(seed=seed, **overrides), 20.0)


@pytest.mark.parametrize("overrides", [{}, FLUSH, {"liquidation.destination": "absorber"}])
def test_whoever_was_liquidated_was_at_or_below_maintenance_at_that_mark(overrides):
    market = small_market(seed=5, log=True, **overrides)
    replay = LogReplay(market.opening.record[0], market._batch.params[0]["fees"])
    market.run(25.0)
    replay.feed(market.log())
    assert len(replay.liquidations) > 5
    for row, before in replay.liquidations:
        assert is_liquidatable(margin_of(market), before["quote"], before["perp"], row["price"])
        if row["account"] != LEARNER_SLOT:
            trigger = row["order_id"]
            mark = row["price"]
            assert mark >= trigger if before["perp"] < 0 else mark <= trigger


@pytest.mark.parametrize("overrides", [{}, FLUSH], ids=["shorts", "longs"])
def test_the_liquidated_end_flat_and_solvent(overrides):
    market = small_market(
        seed=5, log=True, **overrides, **{"liquidation.fund_quote": 0.0, "fees.liquidation_bps": 0}
    )
    market.run(25.0)
    taken = market.liquidations()
    assert taken
    accounts = market.record["accounts"]
    for row in taken:
        assert int(accounts["perp"][row["account"]]) == 0
        assert int(accounts["quote"][row["account"]]) >= 0
    assert int(accounts["quote"][Account.FUND]) == 0
    assert int(market.record["score"]["deficit"]) == 0


def test_an_empty_book_and_no_fund_go_to_deleveraging():
    market = Market(
        "short_squeeze",
        seed=2,
        log=True,
        **PLAIN,
        **{
            "episode.burn_in_s": 0.0,
            "liquidation.fund_quote": 0.0,
            "catalyst.squeeze": 1.0,
            "catalyst.near_miss": 0.0,
            "catalyst.start_s": [1.0, 1.0],
            "catalyst.squeeze_size": [6.0, 6.0],
            "depth.perp.within_10bps_base": 5.0,
            "depth.perp.touch_base": 0.1,
        },
    )
    run_by_marks(market, 15.0)
    rows = market.log()
    moved = rows[rows["kind"] == LogKind.POSITION]
    assert int(market.record["score"]["deleveraged"]) == moved["qty"].sum() > 0
    # A short's counterparty is the seller; it was long, and not itself in the queue.
    assert (moved["account"] != moved["other"]).all()


def test_nobody_is_liquidated_when_it_is_off():
    market = small_market(**{"liquidation.destination": "off"})
    market.run(20.0)
    assert market.record["score"]["liquidations"].sum() == 0
    assert int(market.record["engine"]["size"]) == 0
    assert_ladder_sound(market.record, margin_of(market))


def test_an_account_saved_before_the_engine_came_returns_to_the_ladder():
    # The engine needs 4 s; a spike of the mark is over by then.
    market = small_market(seed=8, **{"liquidation.latency_ms": 4000.0})
    returned = 0
    queued = set()
    while market.time < 25.0:
        market.run(0.5)
        record = market.record
        left = queued - set(queue_slots(record))
        returned += sum(int(record["accounts"]["laddered"][slot]) == 1 for slot in left)
        queued = set(queue_slots(record))
        assert_ladder_sound(record, margin_of(market))
    assert queued or returned or record["score"]["liquidations"].sum()


def learner_market(**overrides):
    """A learner that opens with a short which the squeeze must liquidate."""
    return small_market(
        seed=3,
        **{
            "learner.short_start": 1.0,
            "learner.short_start_size": [1.0, 1.0],
            "learner.capital_quote": 9_000.0,
            "learner.leverage_cap": 150.0,
            "episode.burn_in_s": 0.0,
            **overrides,
        },
    )


@pytest.mark.parametrize("destination", ["book", "absorber"])
def test_a_liquidated_learner_is_told_by_its_acks(destination):
    market = learner_market(**{"liquidation.destination": destination})
    market.run(20.0)
    learner = market.record["learners"][0]
    assert int(learner["liquidated"]) == 1
    account = market.record["accounts"][LEARNER_SLOT]
    assert int(account["perp"]) == 0
    assert int(learner["known"]["position"]) == 0
    assert int(learner["known"]["quote"]) == int(account["quote"])


def test_a_deleveraged_learner_is_told_by_its_acks():
    # The only opponent of a bankrupt short is the learner's long; books are empty.
    market = small_market(
        **{
            "episode.burn_in_s": 0.0,
            "learner.short_start": 0.0,
            "liquidation.fund_quote": 0.0,
            "liquidation.latency_ms": 2500.0,
            "positions": {
                "lots": [-500_000],
                "entry_ticks": [618_000],
                "deposit_quanta": [500_000 * 400],
            },
        }
    )
    view = market._batch.views[0]
    view["target"], view["aggression"], view["has_action"] = 1.0, 1.0, 1
    market.run(1.0)
    held = int(market.record["accounts"]["perp"][LEARNER_SLOT])
    assert held > 0
    market.run(9.0)
    assert int(market.record["score"]["deleveraged"]) > 0
    now = int(market.record["accounts"]["perp"][LEARNER_SLOT])
    assert now < held
    assert int(market.record["learners"][0]["known"]["position"]) == now


def test_the_log_names_the_trigger_of_a_liquidated_learner():
    market = learner_market()
    market.record["log_on"] = 1
    market.run(20.0)
    rows = market.log()
    row = rows[(rows["kind"] == LogKind.LIQUIDATION) & (rows["account"] == LEARNER_SLOT)][0]
    assert 0 < int(row["order_id"]) <= int(row["price"])
    assert np.isin(LEARNER_SLOT, rows["account"])


@pytest.mark.parametrize("policy", ["ioc_at_bankruptcy", "partial_20_cooldown", "block_limited"])
def test_a_narrow_price_range_stops_no_liquidation(policy):
    # The book takes nothing beyond 1 % of the opening price; bankruptcy prices lie farther away.
    market = small_market(
        seed=5,
        log=True,
        **{
            "matching.price_range": [61_200.0, 62_500.0],
            "liquidation.policy": policy,
            "liquidation.cooldown_ms": 200.0,
        },
    )
    market.run(20.0)
    rows = market.log()
    forced = rows[(rows["kind"] == LogKind.ORDER) & (rows["flags"] & OrderFlag.FORCED != 0)]
    assert len(forced) > 5
    assert (forced["status"] != Status.PRICE_OUT_OF_RANGE).all()
    assert (forced["price"] >= 612_000).all() and (forced["price"] <= 625_000).all()
    assert (forced["filled"] > 0).any()

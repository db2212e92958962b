"""Every liquidation policy in a living market: who is taken, who pays, what stays behind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Habit, Source, Standing
from tests.kernels import LEARNER_SLOT, small_market
from tests.oracle.log_replay import LogReplay
from tests.property.ladder_checks import (
    assert_conserved,
    assert_ladder_sound,
    is_liquidatable,
    maintenance,
    queue_slots,
)
from tests.property.test_ledger import BANKRUPT, EMPTY_BOOKS

POLICIES = (
    "ioc_at_bankruptcy",
    "tier_reduction",
    "partial_20_cooldown",
    "small_steps",
    "block_limited",
    "ramp",
)
REMAINDERS = ("adl", "pro_rata", "socialised")
RANKINGS = ("binance", "bitmex", "hyperliquid", "binance_legacy")
STARVED = {"liquidation.fund_quote": 0.0, "depth.perp.within_10bps_base": 3.0}
FLUSH = {"catalyst.side": "sell", "population.cluster_side": "longs"}


def rules(policy, remainder="adl", ranking="binance"):
    return {
        "liquidation.policy": policy,
        "liquidation.remainder": remainder,
        "liquidation.ranking": ranking,
        "liquidation.cooldown_ms": 400.0,
    }


def run_by_marks(market, seconds):
    """Stop right after each mark update and check all that must hold then."""
    margin = market._batch.params[0]["margin"]
    accounts = market.record["accounts"]
    while market.time < seconds:
        market.run(1.0)
        assert_conserved(market.record)
        assert_ladder_sound(market.record, margin)
        queued = set(queue_slots(market.record))
        mark = int(market.record["marks"]["mark"])
        for slot in (LEARNER_SLOT, *range(FIRST_HOLDER_SLOT, len(accounts))):
            quote, perp = int(accounts["quote"][slot]), int(accounts["perp"][slot])
            assert slot in queued or not is_liquidatable(margin, quote, perp, mark)


@pytest.mark.parametrize("world", [{}, FLUSH, STARVED], ids=["squeeze", "flush", "starved"])
@pytest.mark.parametrize("policy", POLICIES)
def test_whoever_is_due_is_with_the_engine_after_a_check(policy, world):
    market = small_market(seed=5, **rules(policy), **world)
    run_by_marks(market, 25.0)
    assert market.record["score"]["liquidations"].sum() > 5
    assert market.problems() == []


@pytest.mark.parametrize("remainder", REMAINDERS)
@pytest.mark.parametrize("policy", POLICIES)
def test_the_log_derives_every_account_again(policy, remainder):
    market = small_market(seed=5, log=True, **rules(policy, remainder), **STARVED)
    replay = LogReplay(market.opening.record[0], market._batch.params[0]["fees"])
    market.run(20.0)
    replay.feed(market.log())
    accounts = market.record["accounts"]
    for slot in range(len(accounts)):
        derived = replay.ledger.account(slot)
        assert [derived[f] for f in ("quote", "perp", "spot")] == [
            int(accounts[f][slot]) for f in ("quote", "perp", "spot")
        ]
    for row, before in replay.liquidations:
        margin = market._batch.params[0]["margin"]
        assert is_liquidatable(margin, before["quote"], before["perp"], row["price"])


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    policy=st.sampled_from(POLICIES),
    remainder=st.sampled_from(REMAINDERS),
    ranking=st.sampled_from(RANKINGS),
    fund=st.sampled_from((0.0, 0.0001, 50.0, 1e6)),
    vault=st.sampled_from((0.0, 1e3, 1e8)),
    cap=st.sampled_from((0.0, 1.0)),
    drawdown=st.sampled_from((0.0, 0.3)),
    empty=st.booleans(),
    bankrupt=st.booleans(),
    side=st.sampled_from(("buy", "sell")),
)
def test_sums_are_zero_and_the_fund_is_never_negative(
    seed, policy, remainder, ranking, fund, vault, cap, drawdown, empty, bankrupt, side
):
    market = small_market(
        seed=seed,
        **rules(policy, remainder, ranking),
        **{
            "liquidation.fund_quote": fund,
            "liquidation.vault_quote": vault,
            "liquidation.fund_cap": cap,
            "liquidation.fund_drawdown": drawdown,
            "episode.burn_in_s": 0.0,
            "catalyst.side": side,
        },
        **(EMPTY_BOOKS if empty else {}),
        **(BANKRUPT if bankrupt else {}),
    )
    margin = market._batch.params[0]["margin"]
    for time in (0.01, 1.2, 3.0, 7.0):
        market.run(time - market.time)
        assert_conserved(market.record)
        assert_ladder_sound(market.record, margin, triggers=False)


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("policy", POLICIES)
def test_bankrupt_positions_before_empty_books_end_with_others(policy):
    market = small_market(**rules(policy), **EMPTY_BOOKS, **BANKRUPT, **{"episode.burn_in_s": 0.0})
    market.run(1.5)
    score = market.record["score"]
    assert score["liquidations"].sum() >= 5
    assert int(score["deleveraged"]) > 0
    assert_conserved(market.record)


def test_a_vault_takes_what_the_backstop_gives():
    market = small_market(
        **rules("partial_20_cooldown"),
        **EMPTY_BOOKS,
        **BANKRUPT,
        **{"episode.burn_in_s": 0.0, "liquidation.vault_quote": 1e7},
    )
    market.run(1.5)
    accounts = market.record["accounts"]
    assert int(market.record["score"]["taken_over"]) > 0
    assert int(accounts["perp"][Account.VAULT]) != 0
    assert int(market.record["score"]["deleveraged"]) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_unlevered_longs_and_single_shorts_are_never_taken(policy):
    lots = (30_000, 400, -20_000, -3)
    market = small_market(
        **rules(policy),
        positions={
            "lots": lots,
            "entry_ticks": (618_000,) * 4,
            "deposit_quanta": tuple(abs(q) * 618_000 for q in lots),
        },
    )
    market.run(20.0)
    assert market.record["score"]["liquidations"].sum() == 0


HABITS = {
    "holders.wallet_multiple": 2.0,
    "holders.isolated": 0.7,
    "holders.top_up": 0.3,
    "holders.stop_out": 0.3,
    "holders.capitulate": 0.3,
    "holders.reaction_s": 0.5,
    "holders.alarm_ratio": 3.0,
    "holders.restore_ratio": 6.0,
}


@pytest.mark.parametrize("world", [{}, FLUSH], ids=["squeeze", "flush"])
def test_holders_act_between_alarm_and_liquidation(world):
    market = small_market(seed=5, log=True, **HABITS, **world)
    opening = market.opening.record[0]
    run_by_marks(market, 25.0)
    holders = market.record["holders"]
    topped = (holders["wallet"] < opening["holders"]["wallet"]).sum()
    assert topped > 0
    stopped = (opening["accounts"]["habit"] >= Habit.STOP_OUT) & (
        market.record["accounts"]["perp"] == 0
    )
    assert (stopped & (opening["accounts"]["perp"] != 0)).sum() > 0
    replay = LogReplay(opening, market._batch.params[0]["fees"])
    replay.feed(market.log())
    quotes = [replay.ledger.account(slot)["quote"] for slot in range(len(holders))]
    np.testing.assert_array_equal(quotes, market.record["accounts"]["quote"])


@pytest.mark.parametrize("policy", ["small_steps", "tier_reduction"])
@pytest.mark.parametrize("latency", [10.0, 3_000.0])
def test_a_liquidation_during_the_reaction_disturbs_neither_clock_nor_alarm(policy, latency):
    """The engine's turns and the holder's reaction have times of their own."""
    market = small_market(
        seed=3,
        log=True,
        **{
            **HABITS,
            **rules(policy),
            "holders.reaction_s": 6.0 if latency == 10.0 else 1.0,
            "holders.alarm_ratio": 1.6,
            "liquidation.cooldown_ms": 20_000.0 if latency == 10.0 else 1_000.0,
            "liquidation.share": 0.3,
            "liquidation.latency_ms": latency,
        },
    )
    accounts, holders, engine = (market.record[name] for name in ("accounts", "holders", "engine"))
    while market.time < 40.0:
        market.run(1.0)
        reacting = market.record["queue"][2]
        n = len(reacting)
        slots = [int(reacting[(engine["react_head"] + i) % n]) for i in range(engine["react_size"])]
        turns = holders["notice"][slots].tolist()
        assert turns == sorted(turns)
        assert int(market.record["clock"]["due"][Source.HOLDERS]) == (turns[0] if turns else NEVER)
        watched = (accounts["laddered"] == Standing.IN_LADDER) & (holders["alarm"] != 0)
        assert (accounts["alarmed"][watched] != 0).all()
        assert_ladder_sound(market.record, market._batch.params[0]["margin"])
    assert (np.diff(market.log()["time"]) >= 0).all()
    assert market.record["score"]["liquidations"].sum() > 20


@pytest.mark.parametrize("world", [{}, STARVED], ids=["funded", "deleveraged"])
def test_an_alarm_follows_what_the_account_has(world):
    """Funding, deleveraging and partial closes move the mark at which a holder runs low."""
    funding = {"funding.first_s": 3.0, "funding.interval_s": 3.0, "funding.interest": 0.1}
    market = small_market(
        seed=5,
        **{
            **HABITS,
            **rules("tier_reduction"),
            **(world or {**funding, "funding.clamp": 1.0, "funding.cap": 1.0}),
            "liquidation.fund_quote": 0.0,
        },
    )
    margin = market._batch.params[0]["margin"]
    accounts, holders = market.record["accounts"], market.record["holders"]
    moved = 0
    before = market.opening.record[0]
    for _ in range(20):
        market.run(1.0)
        assert_ladder_sound(market.record, margin)
        alarms = (accounts["alarmed"] == 1) & (accounts["laddered"] == Standing.IN_LADDER)
        alarms &= (accounts["habit"] != Habit.STOP_OUT) & (holders["alarm"] != 0)
        for slot in np.flatnonzero(alarms).tolist():
            alarm, perp = int(holders["alarm"][slot]), int(accounts["perp"][slot])
            worth = int(accounts["quote"][slot]) + perp * alarm
            wanted = 3.0 * maintenance(margin, abs(perp) * alarm)
            # Half a tick of the position, and the step from one bracket to the next.
            assert abs(worth - wanted) <= abs(perp) + 0.01 * wanted
            moved += int(accounts["quote"][slot]) != int(before["accounts"]["quote"][slot])
    assert moved > 0


def test_a_position_beyond_one_order_is_closed_by_several():
    # An order holds 2**32 - 1 lots; what it leaves goes on like any rest.
    lots = 2**32 + 5
    market = small_market(
        **rules("ioc_at_bankruptcy"),
        **{"episode.burn_in_s": 0.0, "contract.tick_size": 10.0, "contract.lot_size": 1e-6},
        positions={"lots": (-lots,), "entry_ticks": (6184,), "deposit_quanta": (lots * 24,)},
    )
    market.run(1.5)
    score = market.record["score"]
    assert int(score["liquidated"][1]) == lots
    assert int(score["deleveraged"]) < lots  # the book took some
    assert_conserved(market.record)


def test_holders_act_where_nobody_is_liquidated():
    market = small_market(seed=5, **HABITS, **{"liquidation.destination": "off"})
    wallets = int(market.record["holders"]["wallet"].sum())
    for _ in range(25):
        market.run(1.0)
        assert_ladder_sound(market.record, market._batch.params[0]["margin"])
        assert_conserved(market.record)
    assert int(market.record["holders"]["wallet"].sum()) < wallets
    assert market.record["score"]["liquidations"].sum() == 0

"""Spot margin (DESIGN 8.1, 8.3): coins and cash are conserved, and every debt is watched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym.codes import FIRST_HOLDER_SLOT, PROBLEM_TEXT, Account, Problem
from tests.kernels import same, small_market
from tests.oracle.log_replay import LogReplay
from tests.property.borrow_checks import (
    assert_borrowers_sound,
    assert_lender_sound,
    assert_nobody_is_left_out,
    line_slots,
)
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound
from tests.property.test_ledger import EMPTY_BOOKS

# Borrowers at the initial level, bought in when the index has risen by less than a percent.
TIGHT = {
    "population.shorts": 60,
    "population.longs": 40,
    "borrowing.accounts": 60,
    "borrowing.base": 200.0,
    "borrowing.supply_base": 220.0,
    "borrowing.leverage": [[3, 1]],
    "borrowing.liquidation_level": 1.49,
    "borrowing.interval_s": 1.0,
    "catalyst.perp_share": 0.2,
}
RECALLS = {
    "borrowing.recall_at": 0.5,
    "borrowing.recalls_per_s": 5.0,
    "borrowing.notice_s": 2.0,
}
SHRINKS = {
    "borrowing.supply_drop_s": 3.25,
    "borrowing.supply_drop_share": 0.6,
    "borrowing.recall_at": 1.0,
    "borrowing.recalls_per_s": 20.0,
    "borrowing.notice_s": 0.5,
}
# Debts with next to no margin, taken three seconds late.
BANKRUPT = {
    "fees.liquidation_bps": 0.0,
    "borrowing.liquidation_level": 1.0001,
    "borrowing.initial_level": 1.0002,
    "borrowing.leverage": [[5000, 1]],
    "borrowing.latency_ms": 3000.0,
}


def run_by_marks(market, seconds):
    """Check everything right after each mark update, and the log from the opening to the end."""
    params = market._batch.params[0]
    replay = LogReplay(market.opening.record[0], params["fees"], params["borrowing"])
    read = 0
    while market.time < seconds:
        market.run(1.0)
        record = market.record
        assert_conserved(record)
        assert_lender_sound(record)
        assert_borrowers_sound(record, params["borrowing"])
        assert_ladder_sound(record, params["margin"])
        if market.scenario.liquidation.destination != "off":
            assert_nobody_is_left_out(record, params["borrowing"])
        rows = market.log()
        replay.feed(rows[read:])
        read = len(rows)
        replay.assert_equals(record)
    assert set(market.problems()) <= {PROBLEM_TEXT[Problem.INTENSITY_CEILING]}
    score, before = record["score"], market.opening.record[0]["score"]  # the burn-in counts too
    assert int(score["buy_ins"] - before["buy_ins"]) == len(replay.buy_ins)
    assert int(score["written_off"] - before["written_off"]) == replay.written_off
    return replay


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_the_opening_owes_what_the_section_says():
    market = small_market(**{**TIGHT, "episode.burn_in_s": 0.0})
    record = market.record
    assert_lender_sound(record)
    assert_borrowers_sound(record, market._batch.params[0]["borrowing"])
    slots = range(FIRST_HOLDER_SLOT + 100, FIRST_HOLDER_SLOT + 160)
    debts = record["holders"]["debt"]
    assert np.flatnonzero(debts).tolist() == list(slots)
    assert abs(int(debts.sum()) - 200_000) < 60
    assert debts.max() < 0.06 * 200_000
    assert (record["accounts"]["spot"][list(slots)] == 0).all()
    assert (record["accounts"]["quote"][list(slots)] > 0).all()


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_short_run_is_derived_again():
    market = small_market(
        log=True,
        **{
            **TIGHT,
            **RECALLS,
            "borrowing.notice_s": 0.3,
            "episode.burn_in_s": 0.0,
            "borrowing.accounts": 20,
            "population.shorts": 20,
        },
    )
    replay = run_by_marks(market, 3.0)
    assert replay.n_fees >= 20 and replay.buy_ins


CASES = {
    "squeeze": {},
    "recalls": RECALLS,
    "shrinks": SHRINKS,
    "no-fund": {"liquidation.fund_quote": 0.0, **BANKRUPT},
    "tiny-fund": {"liquidation.fund_quote": 5.0, **BANKRUPT},
    "empty": {**EMPTY_BOOKS, **RECALLS},
    "empty-no-fund": {**EMPTY_BOOKS, **RECALLS, **BANKRUPT, "liquidation.fund_quote": 0.0},
    "absorber": {"liquidation.destination": "absorber", **RECALLS},
    "absorber-no-fund": {
        "liquidation.destination": "absorber",
        "liquidation.fund_quote": 0.0,
        **BANKRUPT,
    },
    "off": {"liquidation.destination": "off", **RECALLS},
    "slow": {"borrowing.interval_ms": 2500.0, "borrowing.retry_s": 0.3, **RECALLS},
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("overrides", CASES.values(), ids=CASES)
def test_nobody_is_left_out_and_nothing_is_lost(seed, overrides):
    market = small_market(seed=seed, log=True, **{**TIGHT, **overrides})
    replay = run_by_marks(market, 15.0)
    if market.scenario.liquidation.destination == "off":
        assert not replay.buy_ins
    else:
        assert replay.buy_ins
    recalls = bool({**TIGHT, **overrides}.get("borrowing.recall_at"))
    assert recalls or all(called for _, _, called in replay.buy_ins)


def test_the_lender_bears_what_neither_account_nor_fund_can_pay():
    market = small_market(log=True, **{**TIGHT, **CASES["no-fund"]})
    replay = run_by_marks(market, 20.0)
    assert replay.written_off > 0
    lost = [slot for _, slot, _ in replay.buy_ins if not market.record["holders"]["debt"][slot]]
    assert (market.record["accounts"]["quote"][lost] >= 0).all()


def test_the_absorber_keeps_the_lender_whole():
    market = small_market(log=True, **{**TIGHT, **CASES["absorber-no-fund"]})
    run_by_marks(market, 15.0)
    record = market.record
    assert int(record["score"]["written_off"]) == 0
    assert int(record["score"]["bought_in"]) == -int(record["accounts"]["spot"][Account.ABSORBER])


def test_a_shrinking_supply_recalls_until_it_fits():
    market = small_market(log=True, **{**TIGHT, **SHRINKS, "borrowing.liquidation_level": 1.01})
    market.run(2.5)
    assert not line_slots(market.record)
    replay = run_by_marks(market, 25.0)
    borrow = market.record["borrow"]
    assert int(borrow["supply"]) == 220_000 - 132_000
    assert int(borrow["leaving"]) == 0
    assert replay.buy_ins and all(time >= 3.75e9 for time, _, _ in replay.buy_ins)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    case=st.sampled_from(list(CASES)),
    fund=st.sampled_from((0.0, 0.0001, 50.0, 1e6)),
    size=st.floats(0.0, 40.0),
    depth=st.sampled_from((0.05, 1.0, 20.0)),
    fee=st.sampled_from((0.0, 0.003, 200.0, 1000.0)),
    share=st.sampled_from((0.0, 0.5, 1.0)),
    supply=st.sampled_from((200.0, 1000.0)),
)
def test_everything_holds_whatever_the_rules(seed, case, fund, size, depth, fee, share, supply):
    changes = {
        **TIGHT,
        "depth.spot.within_10bps_base": depth,
        "depth.spot.touch_base": depth / 40,
        "catalyst.squeeze_size": [size, size],
        "borrowing.liquidation_bps": fee,
        "borrowing.supply_drop_share": share,
        "borrowing.supply_drop_s": 4.25,
        "borrowing.supply_base": supply,
        **CASES[case],
        "liquidation.fund_quote": fund,
    }
    run_by_marks(small_market(seed=seed, log=True, **changes), 8.0)


def test_borrowers_draw_from_a_stream_of_their_own():
    # What the lender does moves no other stream: the perp accounts open as without it.
    quiet, busy = (
        small_market(**{"episode.burn_in_s": 0.0, **changes})
        for changes in (
            {},
            {"borrowing.accounts": 9, "borrowing.base": 5.0, "borrowing.supply_base": 9.0},
        )
    )
    perp = slice(FIRST_HOLDER_SLOT, FIRST_HOLDER_SLOT + 200)
    for field in ("quote", "perp", "trigger"):
        assert same(quiet.record["accounts"][field][perp], busy.record["accounts"][field][perp])
    streams = quiet.record["clock"]["rng"][:15], busy.record["clock"]["rng"][:15]
    assert same(*streams)
    assert not same(quiet.record["clock"]["rng"][15], busy.record["clock"]["rng"][15])


def test_given_positions_and_borrowers_open_side_by_side():
    positions = {
        "lots": (-10, 20),
        "entry_ticks": (618_000, 617_000),
        "deposit_quanta": (10**8, 10**8),
    }
    market = small_market(log=True, **{**TIGHT, "positions": positions})
    debts = np.flatnonzero(market.record["holders"]["debt"])
    assert debts[0] >= FIRST_HOLDER_SLOT + 2 and debts[-1] < FIRST_HOLDER_SLOT + 62
    run_by_marks(market, 5.0)


def test_buy_ins_off_book_leave_the_books_alone():
    ways = ("absorber", "off")
    absorbed, off = (
        small_market(seed=4, **{**TIGHT, **RECALLS, "liquidation.destination": way}) for way in ways
    )
    for market in (absorbed, off):
        market.run(15.0)
    assert int(absorbed.record["score"]["bought_in"]) > 0
    assert int(off.record["score"]["buy_ins"]) == 0
    for field in ("best_bid", "best_ask", "last"):
        assert same(absorbed.record["books"][field], off.record["books"][field])
    assert same(absorbed.record["marks"], off.record["marks"])


@pytest.mark.nojit
def test_the_published_rate_is_that_of_the_utilisation():
    market = small_market(**{**TIGHT, "episode.burn_in_s": 0.0})
    seen, borrow = market.record["feed"]["seen"], market.record["borrow"]
    use = int(borrow["lent"]) / int(borrow["supply"])
    assert float(seen["utilisation"]) == use > 0.8
    rate = 0.02 + 0.08 + 3.0 * (use - 0.8) / 0.2
    assert float(seen["borrow_rate"]) == pytest.approx(rate, abs=1e-8)
    off = small_market(**{"episode.burn_in_s": 0.0}).record["feed"]["seen"]
    assert (float(off["utilisation"]), float(off["borrow_rate"])) == (0.0, 0.0)

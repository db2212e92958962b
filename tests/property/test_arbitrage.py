"""Arbitrageurs in markets: nothing is lost, both ladders are sound, capital bounds the link."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym.codes import NEVER, PROBLEM_TEXT, Account, Command, LogKind, Problem, Source
from tests.kernels import PLAIN, same, small_market
from tests.oracle.log_replay import LogReplay
from tests.property.borrow_checks import assert_borrowers_sound, assert_lender_sound
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound
from tests.property.trajectory import assert_arrivals_unchanged, interpreted, run

N = 6
ARBITRAGE = {
    "arbitrage": {
        "accounts": N,
        "capital_quote": 1e6,
        "fee_rebate": 0.9,
        "slippage_bps": 0.5,
        "threshold_bps": 1.0,
        "looks_per_s": 50.0,
    }
}
LENDER = {
    "borrowing": {
        "supply_base": 60.0,
        "accounts": 10,
        "base": 20.0,
        "interval_s": 1.0,
        "recall_at": 0.5,
        "recalls_per_s": 1.0,
        "notice_s": 2.0,
    },
    "population.shorts": 110,
}
FUNDING = {"funding.interval_s": 2.0, "funding.first_s": 0.5, "funding.clamp": 0.0}
RELOADERS = {"reloaders": {"share": 1.0, "delay_s": 1.0}}
PERP_ONLY = {"catalyst.perp_share": 1.0}


def wallets(market):
    """Slots of the perp wallets and of the coin wallets."""
    rules = market._batch.params[0]["arbitrage"]
    first, n = int(rules["first"]), int(rules["accounts"])
    return slice(first, first + n), slice(first + n, first + 2 * n)


def legs(market):
    """Perp lots and coins less debts, by arbitrageur."""
    perp, coins = wallets(market)
    accounts = market.record["accounts"]
    owed = market.record["holders"]["debt"][coins]
    return accounts["perp"][perp].copy(), accounts["spot"][coins] - owed


def check(market, times):
    """Run to each time in turn; there books and ledger must follow from the log alone."""
    params = market._batch.params[0]
    replay = LogReplay(market.opening.record[0], params["fees"], params["borrowing"])
    _, coins = wallets(market)
    read = 0
    for time in times:
        market.run(time - market.time)
        record = market.record
        assert_conserved(record)
        assert_ladder_sound(record, params["margin"])
        if params["borrowing"]["supply"] > 0:
            assert_lender_sound(record)
            assert_borrowers_sound(record, params["borrowing"])
        assert (record["accounts"]["spot"][coins] >= 0).all()
        assert (record["accounts"]["quote"][coins] >= 0).all()
        due = record["arbitrageurs"]["due"][: len(record["accounts"][coins])]
        assert int(due.min()) == int(record["clock"]["due"][Source.ARBITRAGE_ORDERS])
        rows = market.log()
        replay.feed(rows[read:])
        read = len(rows)
        replay.assert_equals(record)
    assert set(market.problems()) <= {PROBLEM_TEXT[Problem.INTENSITY_CEILING]}


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_short_run_is_derived_again():
    market = small_market(
        log=True,
        **{
            **ARBITRAGE,
            **LENDER,
            "arbitrage.latency_ms": 50.0,
            "episode.burn_in_s": 0.0,
            "catalyst.start_s": [0.2, 0.2],
            "population.shorts": 40,
            "population.longs": 20,
        },
    )
    check(market, (0.5, 1.0, 2.5))
    assert np.abs(legs(market)[0]).sum() > 0


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("lender", [{}, LENDER], ids=["cash", "loans"])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_squeezes_and_flushes_are_derived_again(seed, lender, side):
    market = small_market(
        seed=seed,
        log=True,
        **{
            **ARBITRAGE,
            **lender,
            **FUNDING,
            "catalyst.side": side,
            "population.cluster_side": "shorts" if side == "buy" else "longs",
        },
    )
    check(market, (1.0, 3.0, 5.0, 8.0, 15.0))


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    destination=st.sampled_from(("book", "book", "absorber", "off")),
    remainder=st.sampled_from(("adl", "pro_rata", "socialised")),
    fund=st.sampled_from((0.0, 50.0, 1e6)),
    side=st.sampled_from(("buy", "sell")),
    size=st.floats(0.0, 30.0),
    depth=st.sampled_from((0.5, 20.0, 130.0)),
    capital=st.sampled_from((0.01, 100.0, 1e5, 1e7)),
    leverage=st.sampled_from((1.0, 20.0, 125.0)),
    latency=st.sampled_from((0.0, 5.0, 400.0)),
    lender=st.sampled_from((False, True)),
    rebate=st.sampled_from((0.0, 1.0)),
)
def test_nothing_is_lost_whatever_the_rules(
    seed,
    destination,
    remainder,
    fund,
    side,
    size,
    depth,
    capital,
    leverage,
    latency,
    lender,
    rebate,
):
    changes = {
        **ARBITRAGE,
        **(LENDER if lender else {}),
        **FUNDING,
        **RELOADERS,
        "liquidation.destination": destination,
        "liquidation.remainder": remainder,
        "liquidation.fund_quote": fund,
        "catalyst.side": side,
        "catalyst.squeeze_size": [size, size],
        "depth.spot.within_10bps_base": depth,
        "depth.spot.touch_base": depth / 40,
        "arbitrage.capital_quote": capital,
        "arbitrage.leverage": leverage,
        "arbitrage.latency_ms": latency,
        "arbitrage.fee_rebate": rebate,
    }
    check(small_market(seed=seed, log=True, **changes), (1.0, 2.5, 6.0, 12.0))


def test_without_accounts_the_pool_is_what_it_was():
    off = {
        "arbitrage": {
            "capital_quote": 5.0,
            "leverage": 3.0,
            "fee_rebate": 0.5,
            "slippage_bps": 9.0,
            "funding_weight": 0.1,
            "latency_ms": 70.0,
        }
    }
    plain, mine = small_market(seed=3), small_market(seed=3, **off)
    for market in (plain, mine):
        market.run(12.0)
    assert same(plain.record, mine.record)
    assert not plain.record["arbitrageurs"].tobytes().strip(b"\0")
    assert int(plain.record["clock"]["due"][Source.ARBITRAGE_ORDERS]) == NEVER


def test_they_leave_the_arrivals_of_others_as_they_were():
    assert_arrivals_unchanged(12.0, **ARBITRAGE)


def test_the_interpreter_gives_what_the_compiler_gives():
    overrides = {**ARBITRAGE, **LENDER, "population.shorts": 40, "arbitrage.latency_ms": 50.0}
    assert interpreted(**overrides) == run(**overrides)


def test_a_reset_forgets_them():
    used, fresh = (small_market(seed=5, **PLAIN, **ARBITRAGE) for _ in range(2))
    used.run(8.0)
    assert legs(used)[0].any()
    used._batch.seed_row(0, 5)
    used._batch.command(0, Command.RESET)
    used._batch.advance()
    for market in (used, fresh):
        market._run_until(3_000_000_000)
    for field in ("arbitrageurs", "clock", "score", "marks", "flow"):
        assert same(used.record[field], fresh.record[field]), field


def test_each_leg_is_hedged_once_the_books_are_calm():
    market = small_market(seed=2, **PLAIN, **ARBITRAGE)
    market.run(60.0)
    perp, held = legs(market)
    assert held.any()
    assert np.abs(perp + held).sum() <= 0.05 * np.abs(held).sum()


def test_capital_bounds_what_reaches_the_spot_book():
    # The catalyst buys perps alone: spot rises by what arbitrage carries over, at most its capital.
    rises = []
    for capital in (1e3, 3e6, 1e8):
        changes = {**ARBITRAGE, **PERP_ONLY, "arbitrage.capital_quote": capital}
        highest = []
        for seed in range(8):
            market = small_market(seed=seed, **changes)
            start, high = market.mid(1), 0.0
            for _ in range(15):
                market.run(1.0)
                spent = int(legs(market)[1].sum()) * start
                assert spent <= 1.3 * capital / (0.1 * 0.001)  # the basis earned is theirs too
                high = max(high, market.mid(1))
            highest.append(high / start - 1)
        rises.append(np.median(highest))
    assert rises[0] < rises[1] < rises[2]
    assert rises[2] > 3 * rises[0]


def test_a_squeeze_takes_the_perp_legs_of_the_overlevered():
    changes = {**ARBITRAGE, **PERP_ONLY, "arbitrage.leverage": 100.0}
    market = small_market(seed=3, log=True, **changes)
    perp, coins = wallets(market)
    market.run(40.0)
    mine = set(range(perp.start, coins.stop))
    assert {row["account"] for row in market.liquidations() if row["base"] < 0} & mine
    left, held = legs(market)
    assert np.abs(left + held).max() < 200  # coins whose leg was taken have been sold
    rows = market.log()
    paid_in = rows[(rows["kind"] == LogKind.TRANSFER) & (rows["account"] == Account.OUTSIDE)]
    assert not mine & set(paid_in["other"].tolist())  # capital lost is gone

"""Funding: worked rates, and payments of real markets to the quantum."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym import Market
from squeezegym.codes import NEVER, RATE_ONE, Account, FundingRule, LogKind, Source
from squeezegym.core.funding import add_sample, impact_price, rate_units
from squeezegym.core.rates import (
    deribit_rate,
    eight_hour_rate,
    funding_index_delta,
    interval_rate,
    okx_rate,
    premium_index,
    rate_of_mean,
)
from squeezegym.errors import ConfigError
from squeezegym.params import FUNDING_PARAMS
from squeezegym.state import FUNDING_DTYPE
from tests.kernels import BUY, SELL, Exchange, from_python, small_market
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound, is_liquidatable

formulas = pytest.mark.nojit
RULES = [rule.name.lower() for rule in FundingRule if rule is not FundingRule.OFF]
PAID_SOON = {
    "episode.burn_in_s": 0.0,
    "funding.interval_s": 2.0,
    "funding.first_s": 0.5,
    "learner.short_start": 1.0,
}


def given_rate(rate, build=small_market, **overrides):
    """Return a market that takes no samples: the opening rate is the one that is paid."""
    market = build(**{**PAID_SOON, "marks.funding_rate": rate, **overrides})
    market.record["clock"]["due"][Source.FUNDING_SAMPLE] = NEVER
    return market


def impact(book, side, notional):
    return float(from_python(impact_price)(book, np.int64(side), np.int64(notional)))


@formulas
def test_impact_price_is_the_average_fill_of_the_notional():
    exchange = Exchange(price=10_000)
    for side, price, qty in ((BUY, 9_990, 30), (BUY, 9_980, 100), (SELL, 10_010, 20)):
        exchange.place(side, price, qty)
    book = exchange.book()
    assert impact(book, BUY, 9_990 * 30) == 9_990
    notional = 9_990 * 30 + 9_980 * 20
    assert impact(book, BUY, notional) == pytest.approx(notional / 50, abs=1e-9)
    assert impact(book, SELL, 10_010 * 20) == 10_010


@formulas
def test_a_side_that_cannot_take_the_notional_adds_no_premium():
    exchange = Exchange(price=10_000)
    exchange.place(BUY, 9_990, 30)
    book = exchange.book()
    assert impact(book, BUY, 9_990 * 30 + 1) == 0
    assert impact(book, SELL, 1) == math.inf
    premium = from_python(premium_index)
    assert float(premium(0.0, math.inf, 9_000.0)) == 0
    assert float(premium(9_990.0, math.inf, 9_000.0)) == pytest.approx(0.11)


@formulas
@pytest.mark.parametrize(
    ("bid", "ask", "premium"),
    [(100.2, 100.4, 0.002), (99.0, 99.5, -0.005), (99.9, 100.1, 0.0), (100.0, 100.0, 0.0)],
)
def test_premium_counts_only_what_lies_beyond_the_index(bid, ask, premium):
    assert float(from_python(premium_index)(bid, ask, 100.0)) == pytest.approx(premium, abs=1e-12)


@formulas
def test_rates_in_worked_numbers():
    rate = from_python(eight_hour_rate)
    for premium in (-0.0004, 0.0, 0.0006):  # within 0.05 % of the interest: the interest
        assert float(rate(premium, 0.0001, 0.0005)) == pytest.approx(0.0001, abs=1e-12)
    assert float(rate(-0.002, 0.0001, 0.0005)) == pytest.approx(-0.0015)
    rate = from_python(interval_rate)
    assert float(rate(0.002, 0.0001, 0.0005, 0.003, 0.5)) == pytest.approx(0.00075)
    assert float(rate(-0.5, 0.0001, 0.0005, 0.04, 0.125)) == -0.04
    rate = from_python(okx_rate)
    assert float(rate(0.002, 0.0005, 0.00375)) == pytest.approx(0.0015)
    assert float(rate(-0.02, 0.0, 0.00375)) == -0.00375
    rate = from_python(deribit_rate)
    for premium, paid in ((0.001, 0.00075), (-0.001, -0.00075), (0.0002, 0.0), (0.1, 0.005)):
        assert float(rate(premium, 0.00025, 0.005)) == pytest.approx(paid, abs=1e-12)


@formulas
@pytest.mark.parametrize(
    ("rule", "share", "mean", "rate"),
    [
        (FundingRule.BINANCE, 0.5, 0.002, 0.00075),
        (FundingRule.HYPERLIQUID, 0.125, 0.0002, 0.0001 / 8),
        (FundingRule.OKX, 0.5, 0.002, 0.0019),
        (FundingRule.DERIBIT, 0.25, 0.001, 0.00025),  # its samples are damped rates
        (FundingRule.DYDX, 0.125, 0.002, 0.0021 / 8),
        (FundingRule.DYDX, 0.125, 0.2, 0.003 / 8),
    ],
)
def test_each_rule_has_its_own_rate_of_an_interval(rule, share, mean, rate):
    rules = np.zeros(1, FUNDING_PARAMS)[0]
    rules["rule"], rules["share"] = rule, share
    rules["interest"], rules["clamp"], rules["cap"] = 0.0001, 0.0005, 0.003
    assert float(from_python(rate_of_mean)(rules, mean)) == pytest.approx(rate, abs=1e-15)


@formulas
@pytest.mark.parametrize("linear", [0, 1])
def test_samples_weigh_the_same_or_by_their_number(linear):
    record = np.zeros(1, FUNDING_DTYPE)[0]
    samples = np.random.default_rng(0).normal(0, 1e-3, 40)
    for k, sample in enumerate(samples):
        mean = float(from_python(add_sample)(record, sample, np.int64(linear)))
        weights = np.arange(1, k + 2) if linear else np.ones(k + 1)
        assert mean == pytest.approx(np.average(samples[: k + 1], weights=weights), abs=1e-15)


@formulas
@given(rate=st.floats(-1, 1))
def test_a_rate_is_rounded_alike_on_both_sides(rate):
    units = int(from_python(rate_units)(rate))
    assert abs(units - rate * 1e8) <= 0.5 + 1e-7
    assert int(from_python(rate_units)(-rate)) == -units


@formulas
@given(
    rate=st.integers(-(10**9), 10**9),
    time=st.integers(0, 10**9),
    price=st.integers(1, 2**31),
    period=st.sampled_from((28_800, 28_800_000)),
)
def test_the_funding_index_is_truncated_towards_zero(rate, time, price, period):
    exact = abs(rate) * time * price // period
    if exact >= 2**63:
        return
    found = int(from_python(funding_index_delta)(*map(np.int64, (rate, time, price, period))))
    assert found == (exact if rate > 0 else -exact)


def paid(market, time):
    """What each account got at a timestamp, from the transfers in the log."""
    rows = market.log()
    rows = rows[(rows["kind"] == LogKind.TRANSFER) & (rows["time"] == round(time * 1e9))]
    got = {}
    for row in rows:
        payer, payee, quanta = int(row["account"]), int(row["other"]), int(row["qty"])
        assert Account.VENUE in (payer, payee) and quanta > 0
        other = payee if payer == Account.VENUE else payer
        assert other not in got
        got[other] = quanta if payer == Account.VENUE else -quanta
    return got


def expected(positions, owed):
    """Payments of an ``owed`` of 1e-8 quanta a long lot: payers round up, receivers down."""
    got = {}
    for slot, perp in enumerate(positions.tolist()):
        product, units = -perp * owed, int(RATE_ONE)
        amount = product // units  # floor of what is received, and of a negative payment
        if amount != 0:
            got[slot] = amount
    return got


@pytest.mark.parametrize("rate", [0.001234567, -0.02])
@pytest.mark.parametrize("rule", RULES)
def test_every_position_is_paid_to_the_quantum(rule, rate):
    market = given_rate(rate, log=True, **{"funding.rule": rule})
    market.run(0.5)
    record = market.record
    funding, marks = record["funding"], record["marks"]
    units = round(rate * 1e8)
    assert int(funding["rate"]) == int(funding["settled"]) == units
    price = int(marks["index" if rule in ("hyperliquid", "dydx") else "mark"])
    owed = units * price
    if rule == "dydx":  # the rate of eight hours, pro rata, truncated
        whole = round(rate * 28_800 / 2 * 1e8)
        owed = abs(whole) * 2_000 * price // 28_800_000 * (1 if whole > 0 else -1)
        assert owed == pytest.approx(units * price, rel=1e-5)
    assert int(funding["owed"]) == owed
    got = paid(market, 0.5)
    assert got == expected(record["accounts"]["perp"], owed)
    assert len(got) > 200
    assert -len(got) <= sum(got.values()) <= 0  # the venue keeps the residue
    assert int(record["learners"][0]["funding"]) == got[Account.LEARNER]
    assert (got[Account.LEARNER] > 0) == (rate > 0)  # it is short
    assert_conserved(record)
    assert_ladder_sound(record, market._batch.params[0]["margin"])
    assert market.problems() == []


def test_the_learner_hears_of_its_payment():
    market = given_rate(0.001)
    market.run(0.5)
    assert int(market.record["learners"][0]["n_acks"]) == 1
    ack = market.record["learners"][0]["acks"][0]
    assert int(ack["quote"]) == int(market.record["accounts"]["quote"][Account.LEARNER])


@pytest.mark.parametrize("log", [False, True])
def test_payments_come_at_multiples_of_the_interval(log):
    market = small_market(log=log, **PAID_SOON)
    counts = []
    for time in (0.4, 0.499, 0.5, 2.4, 2.5, 7.0):
        market.run(time - market.time)
        counts.append(int(market.record["funding"]["n_paid"]))
    assert counts == [0, 0, 1, 1, 2, 4]


def test_the_log_changes_no_payment():
    quiet, logged = (given_rate(-0.001, log=log) for log in (False, True))
    for time in (0.5, 3.0):
        for market in (quiet, logged):
            market.run(time - market.time)
            assert int(market.record["funding"]["cursor"]) == 0
        for field in ("accounts", "funding", "learners", "clock"):
            assert quiet.record[field].tobytes() == logged.record[field].tobytes(), field


def test_a_log_that_fills_during_a_payment_loses_no_row():
    market = given_rate(
        0.001, partial(Market, "short_squeeze"), log=True, **{"episode.step_ms": 60_000}
    )
    market.run(0.5)  # ends at the timestamp, which takes more rows than the log holds
    got = paid(market, 0.5)
    assert len(got) > 2 * len(market.record["log"])
    assert got == expected(market.record["accounts"]["perp"], int(market.record["funding"]["owed"]))
    assert market.problems() == []


@pytest.mark.parametrize("rate", [0.1, -0.1])
def test_funding_liquidates(rate):
    market = given_rate(rate, **{"marks.rule": "oracle"})
    market.run(0.49)
    before = int(market.record["engine"]["size"])
    market.run(0.01)
    accounts, mark = market.record["accounts"], int(market.record["marks"]["mark"])
    assert int(market.record["engine"]["size"]) > before + 10
    margin = market._batch.params[0]["margin"]
    for slot in range(16, len(accounts)):
        state = accounts[slot]
        due = is_liquidatable(margin, int(state["quote"]), int(state["perp"]), mark)
        assert due == (int(state["laddered"]) == 2)
        assert not due or (int(state["perp"]) > 0) == (rate > 0)


@pytest.mark.parametrize("rule", RULES)
def test_the_predicted_rate_follows_the_samples(rule):
    overrides = {
        "funding.rule": rule,
        "funding.sample_s": 0.5,
        "funding.interval_s": 3600.0,
        "marks.funding_rate": 0.002,
        "contract.basis_bps": 30.0,
    }
    market = small_market(**overrides, **{"episode.burn_in_s": 0.0})
    rules = market._batch.params[0]["funding"]
    assert int(market.record["funding"]["rate"]) == 200_000
    samples = []
    for k in range(1, 9):
        market.run(0.5 * k - market.time)
        premium = float(market.record["funding"]["premium"])
        samples.append(premium)
        if rule == "deribit":
            call = from_python(deribit_rate)
            samples[-1] = float(call(premium, rules["clamp"], rules["cap"]))
        weights = np.arange(1, k + 1) if rule == "binance" else np.ones(k)
        rate = float(from_python(rate_of_mean)(rules, np.average(samples, weights=weights)))
        assert int(market.record["funding"]["rate"]) == round(rate * 1e8)
        assert float(market.series()["premium"][-1]) == premium
    assert max(samples) > 0.001


def test_a_payment_begins_the_mean_anew():
    market = small_market(
        **{
            **PAID_SOON,
            "funding.sample_s": 0.5,
            "funding.first_s": 1.0,
            "contract.basis_bps": 30.0,
        }
    )
    funding, rules = market.record["funding"], market._batch.params[0]["funding"]
    market.run(1.0)
    assert (int(funding["n_paid"]), int(funding["n_samples"])) == (1, 0)
    market.run(0.5)
    mean = float(from_python(rate_of_mean)(rules, funding["premium"]))
    assert float(funding["predicted"]) == pytest.approx(mean, rel=1e-12)
    assert mean > 0


def test_accrued_funding_that_a_rounded_rate_leaves_is_carried_on():
    # 0.05 % of eight hours is 1.7e-8 a second, which alone rounds to 2e-8.
    market = given_rate(1.7e-8, **{"funding.rule": "deribit", "funding.interval_s": 1.0})
    settled = 0
    for k in range(20):
        market.run(0.5 + k - market.time)
        settled += int(market.record["funding"]["settled"])
    assert settled == 34


def test_funding_off_pays_nothing_and_keeps_the_rate():
    market = small_market(
        log=True, **{**PAID_SOON, "funding.rule": "off", "marks.funding_rate": 0.003}
    )
    market.run(5.0)
    due = market.record["clock"]["due"]
    assert due[Source.FUNDING] == due[Source.FUNDING_SAMPLE] == NEVER
    assert int(market.record["funding"]["rate"]) == 300_000
    assert int(market.record["funding"]["n_paid"]) == 0


def test_the_feed_publishes_premium_and_predicted_rate():
    market = small_market(**{"funding.sample_s": 0.5, "contract.basis_bps": 20.0})
    market.run(3.05)
    seen, series = market.record["feed"]["seen"], market.series()
    assert float(seen["funding"]) in series["funding_rate"].tolist()
    assert float(seen["premium"]) in series["premium"].tolist()
    assert float(seen["premium"]) > 0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"funding.rule": "binanc"}, "funding.rule"),
        ({"funding.interval_s": 0.0}, "funding.interval_s"),
        ({"funding.first_s": -1.0}, "funding.first_s"),
        ({"funding.cap": -0.1}, "funding.cap"),
        ({"funding.intervals": 3.0}, "interval_s"),
        ({"marks.funding_interval_s": 3600.0}, "unknown key 'funding_interval_s'"),
    ],
)
def test_bad_rules_are_named(overrides, message):
    with pytest.raises(ConfigError, match=message):
        small_market(**overrides)

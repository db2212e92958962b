"""The naive liquidation engine against cases worked by hand: margin, queues, fund."""

import pytest

from tests.oracle.engine_cases import (
    HOLDER,
    LONG,
    ONE_BRACKET,
    PERCENT,
    SHORT,
    STEPS,
    TWO_BRACKETS,
    build,
    liquidate,
    rest,
    serve,
    state,
)
from tests.oracle.naive_accounts import ABSORBER, FUND, OUTSIDE, SELL, Account
from tests.oracle.naive_ledger import BUY
from tests.oracle.naive_margin import (
    affordable,
    bankruptcy_price,
    is_due,
    maintenance,
    round_down,
    round_up,
)

# Margin and prices.


def test_margin_is_rounded_up_and_due_includes_equality():
    assert maintenance(ONE_BRACKET, 101) == 2  # 1.01
    assert maintenance(TWO_BRACKETS, 999) == 10  # 9.99
    assert maintenance(TWO_BRACKETS, 1000) == 10  # 100 - 90
    # At 103 equity is 1,050 - 1,030 = 20 and the margin 10.3; at 104 it is 10 against 10.4.
    short = Account(quote=1050, perp=-10)
    assert not is_due(ONE_BRACKET, short, 103)
    assert is_due(ONE_BRACKET, short, 104)
    # A long of 10 from 100 with 50: at 96 equity is 10 and the margin 9.6, rounded up 10.
    assert is_due(ONE_BRACKET, Account(quote=-950, perp=10), 96)
    assert not is_due(ONE_BRACKET, Account(quote=-949, perp=10), 96)


def test_bankruptcy_prices_are_rounded_to_solvency():
    assert bankruptcy_price(Account(quote=1059, perp=-10)) == 105
    assert bankruptcy_price(Account(quote=-951, perp=10)) == 96
    assert bankruptcy_price(Account(quote=5, perp=10)) == 0
    assert bankruptcy_price(Account(quote=-5, perp=-10)) == 0
    assert affordable(Account(quote=1059, perp=-10), 11) == 107
    assert affordable(Account(quote=-951, perp=10), 1) == 95


def test_real_numbers_may_miss_an_integer_by_a_hair():
    assert round_up(3 + 1e-9) == 3 and round_up(3.1) == 4
    assert round_down(3 - 1e-9) == 3 and round_down(3.9) == 3


# The queues.


def test_the_first_waits_for_the_latency_and_the_next_for_the_interval():
    holders = {slot: SHORT for slot in (16, 17, 18)} | {LONG + 10: (30, 100, 3000)}
    engine = build(holders, mark=104, latency=10, interval=3)
    engine.now = 5
    engine.take([17, 16, 18])
    assert engine.due() == 15
    serve(engine)
    assert engine.fresh == [16, 18] and engine.due() == 18
    serve(engine)
    serve(engine)
    assert engine.due() is None and engine.free_at == 24


def test_the_interval_outlasts_a_short_latency():
    engine = build({16: SHORT, 17: (-10, 101, 50)}, mark=104, latency=1, interval=100)
    liquidate(engine)
    assert engine.set_mark(105, 2) == [17]
    engine.take([17])
    assert engine.due() == 101  # 1 + 100, and not 2 + 1


def test_who_recovers_goes_back_and_its_turn_counts():
    engine = build({HOLDER: SHORT}, mark=104, latency=1, interval=5)
    engine.take([HOLDER])
    engine.set_mark(100, 1)
    serve(engine)
    assert state(engine, HOLDER) == (1050, -10)
    assert engine.set_mark(104, 2) == [HOLDER]
    engine.take([HOLDER])
    assert engine.due() == 6  # after the interval
    assert engine.liquidated == [0, 0]


@pytest.mark.parametrize(
    ("cooldown", "interval", "time", "first"),
    [(5, 0, 10, 16), (6, 0, 11, 17), (7, 0, 11, 17), (5, 6, 11, 17)],
)
def test_the_earlier_head_goes_first_and_the_fresh_one_in_a_tie(cooldown, interval, time, first):
    # 16 finds an empty book at 5 and pauses; 17 comes at 6 and waits until 11. In the last case
    # the interval makes both wait until 11.
    holders = {16: SHORT, 17: (-10, 101, 50)}
    engine = build(holders, 104, latency=5, cooldown=cooldown, interval=interval, **STEPS)
    liquidate(engine, 16)
    assert engine.cooling == [16] and engine.fresh == []
    engine.set_mark(105, 6)
    engine.take([17])
    assert engine.due() == time
    serve(engine)
    served = 16 if engine.accounts[16].perp == 0 else 17  # at 105 nothing is left to 16
    assert served == first
    assert (engine.accounts[17].started is None) == (first == 16)


def test_orders_are_cancelled_at_the_first_service_and_refused_afterwards():
    engine = build({HOLDER: SHORT}, mark=104, **STEPS)
    engine.place(HOLDER, BUY, 90, 3, 77)
    engine.take([HOLDER])
    assert 77 in engine.book.live
    serve(engine)
    assert 77 not in engine.book.live
    engine.place(HOLDER, BUY, 90, 3, 78)
    assert 78 not in engine.book.live
    engine.set_mark(100, 0)
    serve(engine)
    engine.place(HOLDER, BUY, 90, 3, 79)
    assert 79 in engine.book.live


# The fund.


@pytest.mark.parametrize(("fund", "left"), [(103, 4), (104, 0)])
def test_the_purse_is_shut_for_a_position_above_the_cap(fund, left):
    # 10 at 104 = 1,040 = 10 x 104. The remainder goes to the outside.
    engine = build({HOLDER: SHORT}, 104, fund=fund, support=10 * PERCENT, fund_cap=10 * 10**8)
    rest(engine, SELL, (106, 4))
    liquidate(engine)
    assert engine.deleveraged == (10 if left else 6)
    assert state(engine, FUND) == (fund if left else fund - 4, 0)


def test_a_drawdown_switches_the_fund_off_until_it_recovers():
    rules = {"drawdown": 30 * PERCENT, "recovery": 90 * PERCENT, "support": 10 * PERCENT}
    engine = build({}, 104, fund=105, **rules)
    fund = engine.accounts[FUND]
    for cash, off in ((105, False), (74, False), (73, True), (94, True), (95, False), (120, False)):
        # Peak 105: floor(31.5) = 31, so off below 74; floor(94.5) = 94, so on above 94.
        fund.quote = cash
        engine._update_fund()
        assert engine.fund_off == off, cash
    assert engine.fund_peak == 120


def test_a_fund_that_is_off_has_no_purse_and_still_pays_debts():
    rules = {"support": 10 * PERCENT, "drawdown": 30 * PERCENT, "recovery": 90 * PERCENT}
    engine = build({HOLDER: SHORT}, 104, fund=100, **rules)
    engine.fund_peak = 1000
    rest(engine, SELL, (106, 10))
    liquidate(engine)
    assert engine.fund_off and engine.deleveraged == 10
    engine.accounts.pay(HOLDER, OUTSIDE, 30)
    engine.settle(HOLDER, 0, 0)
    assert state(engine, FUND) == (70, 0)


def test_the_fund_is_never_negative_and_the_absorber_bears_the_rest():
    engine = build({HOLDER: SHORT}, 104, fund=20)
    engine.accounts.pay(HOLDER, OUTSIDE, 1050 + 25)
    engine.take([HOLDER])
    serve(engine)  # bankrupt at 0: all of it is a debt
    assert state(engine, FUND) == (0, 0) and engine.deficit == 20
    assert state(engine, ABSORBER) == (-5, 0)

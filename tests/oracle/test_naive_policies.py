"""The policies of the naive liquidation engine against cases worked by hand."""

import pytest

from tests.oracle.engine_cases import (
    HOLDER,
    LONG,
    OTHER,
    PERCENT,
    SHORT,
    TWO_BRACKETS,
    build,
    liquidate,
    rest,
    serve,
    state,
)
from tests.oracle.naive_accounts import FUND, MAKER, OUTSIDE, SELL, VAULT
from tests.oracle.naive_ledger import BUY, VENUE
from tests.oracle.naive_policies import (
    BLOCK_LIMITED,
    PARTIAL_20_COOLDOWN,
    RAMP,
    SMALL_STEPS,
    TIER_REDUCTION,
)

# ioc_at_bankruptcy.


def test_all_at_the_bankruptcy_price_and_the_surplus_pays_the_fee():
    engine = build({HOLDER: SHORT}, mark=104, fees=(PERCENT, PERCENT))
    rest(engine, SELL, (103, 6), (104, 10))
    liquidate(engine)
    # 6 x 103 + 4 x 104 = 1,034; 16 are left; the fee is ceil(10.34) = 11. The maker pays
    # ceil(6.18) + ceil(4.16) = 12 to the venue.
    assert state(engine, HOLDER) == (5, 0)
    assert state(engine, FUND) == (11, 0)
    assert state(engine, VENUE) == (12, 0)
    assert state(engine, MAKER) == (1022, -10)
    assert engine.liquidated == [0, 10] and engine.liquidations == [0, 1]


def test_the_fee_is_at_most_what_is_left():
    engine = build({HOLDER: SHORT}, mark=104, fees=(2 * PERCENT, 0))
    rest(engine, SELL, (104, 9), (105, 1))
    liquidate(engine)
    # 936 + 105 = 1,041; the fee would be 20.82, 9 are left.
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, FUND) == (9, 0)


def test_the_fund_aggresses_beyond_the_new_bankruptcy_price():
    engine = build({HOLDER: SHORT}, 104, fund=1000, support=5 * PERCENT, fees=(PERCENT, 0))
    rest(engine, SELL, (103, 6), (110, 3), (114, 9))
    engine.place(LONG, SELL, 106, 1, 50)
    liquidate(engine)
    # 6 at 103 leave 1,050 - 618 = 432 for 4 lots: b' = 108, slack 5, limit 113. 1 at 106, 3 at
    # 110: -4. The fund pays.
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, FUND) == (996, 0)
    assert engine.deficit == 4
    assert engine.book.levels(5)[1] == [(114, 9, 1)]


def test_the_second_order_goes_as_far_as_the_purse_and_the_rest_is_deleveraged():
    holders = {HOLDER: SHORT, LONG: (3, 90, 1000)}
    engine = build(holders, 104, fund=6, support=50 * PERCENT)
    rest(engine, SELL, (103, 6), (109, 2), (110, 9))
    liquidate(engine)
    # b' = 108; (432 + 6) // 4 = 109: 2 at 109 leave 214 for 2 lots. The remainder at 108
    # leaves -2, which the fund pays.
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, FUND) == (4, 0)
    assert state(engine, LONG) == (1000 - 270 + 216, 1)
    assert engine.accounts[LONG].cost == 90
    assert (engine.deficit, engine.deleveraged) == (2, 2)


def test_a_long_is_the_mirror():
    # 10 from 100 with 50: cash -950, bankrupt at 95. 6 at 97 leave -368 for 4: b' = 92.
    holders = {HOLDER: (10, 100, 50), OTHER: (-8, 110, 1000)}
    engine = build(holders, 96, fund=5, support=50 * PERCENT)
    rest(engine, BUY, (97, 6), (91, 3), (90, 9))
    liquidate(engine)
    # -(368 + 5)/4 = -93.25, so limit ceil(363 / 4) = 91: 3 at 91 leave -95 for 1. At 92: -3.
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, FUND) == (2, 0)
    assert state(engine, OTHER) == (1000 + 880 - 92, -7)
    assert engine.liquidated == [10, 0]


def test_without_support_there_is_no_second_order():
    engine = build({HOLDER: SHORT}, 104, fund=1000)
    rest(engine, SELL, (103, 6), (106, 9))
    liquidate(engine)
    # 4 are left at 108; nobody holds a long, so the outside takes them.
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, OUTSIDE)[1] == 6
    assert engine.deleveraged == 4 and engine.deficit == 0


# tier_reduction.


def test_as_little_as_restores_the_margin():
    # 20 from 90 with 300: cash 2,100; at 100 equity 100 and margin .1 x 2,000 - 90 = 110. Each
    # lot takes 10 off the margin and 1 off equity: (110 + 2 - 100) / 9 = 1.33, so 2.
    holders = {HOLDER: (-20, 90, 300)}
    engine = build(holders, 100, brackets=TWO_BRACKETS, policy=TIER_REDUCTION, fees=(PERCENT, 0))
    rest(engine, SELL, (100, 9))
    liquidate(engine)
    # Traded 200, fee 2: equity 98 > 90.
    assert state(engine, HOLDER) == (1898, -18)
    assert state(engine, FUND) == (2, 0)
    assert engine.fresh == [] and engine.due() is None
    assert engine.liquidated == [0, 2] and engine.liquidations == [0, 1]


def test_a_reduction_spares_two_quanta():
    for deposit, left in ((302, -19), (301, -18)):
        # Equity 102 or 101 against 100 + 2.
        engine = build(
            {HOLDER: (-20, 90, deposit)}, 100, brackets=TWO_BRACKETS, policy=TIER_REDUCTION
        )
        rest(engine, SELL, (100, 9))
        liquidate(engine)
        assert engine.accounts[HOLDER].perp == left


def test_a_reduction_that_fails_is_followed_by_the_rest_at_once():
    holders = {HOLDER: (-20, 90, 300)}
    engine = build(holders, 100, brackets=TWO_BRACKETS, policy=TIER_REDUCTION, fees=(PERCENT, 0))
    rest(engine, SELL, (100, 1), (101, 30))
    liquidate(engine)
    # 1 at 100 and 1 at 101, fee ceil(2.01) = 3: equity 96 > 90 does. In a worse book not:
    assert state(engine, HOLDER) == (1896, -18)
    engine = build(holders, 100, brackets=TWO_BRACKETS, policy=TIER_REDUCTION, fees=(PERCENT, 0))
    rest(engine, SELL, (104, 30))
    liquidate(engine)
    # 2 at 104: 1,892, fee ceil(2.08) = 3: equity 89 <= 90. The rest at b = 1,889 // 18 = 104:
    # 17 left, fee ceil(18.72) capped at 17.
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, FUND) == (20, 0)


def test_the_lowest_bracket_and_hopeless_cases_close_at_once():
    engine = build({HOLDER: (-9, 100, 45)}, 104, brackets=TWO_BRACKETS, policy=TIER_REDUCTION)
    rest(engine, SELL, (104, 30))
    liquidate(engine)
    assert state(engine, HOLDER) == (9, 0)
    # Equity 0 at 105: no reduction lifts it above a margin.
    engine = build({HOLDER: (-20, 100, 100)}, 105, brackets=TWO_BRACKETS, policy=TIER_REDUCTION)
    rest(engine, SELL, (105, 30))
    liquidate(engine)
    assert state(engine, HOLDER) == (0, 0)


# partial_20_cooldown.

PARTIAL = {
    "policy": PARTIAL_20_COOLDOWN,
    "share": 25 * PERCENT,
    "threshold": 1000,
    "backstop": 50 * PERCENT,
    "support": 10 * PERCENT,
    "cooldown": 30,
    "interval": 2,
}


def test_a_share_then_a_pause_then_everything():
    engine = build({HOLDER: SHORT}, 104, fees=(PERCENT, 0), **PARTIAL)
    rest(engine, SELL, (105, 50))
    liquidate(engine)
    # N = 1,040 > 1,000: ceil(2.5) = 3 lots, to min(105, 114) = 105: cash 735 for 7 lots. V at
    # 105 is 0: no fee. At 104 equity is 7 <= ceil(7.28).
    assert state(engine, HOLDER) == (735, -7)
    assert engine.cooling == [HOLDER] and engine.due() == 30
    serve(engine)
    assert state(engine, HOLDER) == (0, 0)
    assert engine.due() is None


def test_a_small_position_goes_at_once_and_a_better_fill_pays_the_fee():
    engine = build({HOLDER: SHORT}, 104, fees=(PERCENT, 0), **PARTIAL | {"threshold": 1040})
    rest(engine, SELL, (102, 4))
    liquidate(engine)
    # 4 at 102: V = 642 - 6 x 105 = 12, fee ceil(4.08) = 5. Equity 637 - 624 = 13 > 7.
    assert state(engine, HOLDER) == (637, -6)
    assert state(engine, FUND) == (5, 0)
    assert engine.cooling == [] and engine.due() is None


def test_the_fund_pays_a_fill_beyond_bankruptcy():
    engine = build({HOLDER: SHORT}, 104, fund=100, **PARTIAL)
    rest(engine, SELL, (107, 50))
    liquidate(engine)
    # min((1,050 + 100) // 10, 104 + 10) = 114: 3 at 107; V = 729 - 735 = -6.
    assert state(engine, HOLDER) == (735, -7)
    assert state(engine, FUND) == (94, 0)
    assert engine.deficit == 6


def test_the_vault_takes_position_and_cash():
    engine = build({HOLDER: SHORT}, 105, vault=100, fees=(PERCENT, 0), **PARTIAL)
    liquidate(engine)
    # Equity 0 < floor(11 x .5) = 5.
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, VAULT) == (1150, -10)
    assert state(engine, FUND) == (0, 0)
    assert engine.deleveraged == 0


@pytest.mark.parametrize(("vault", "takes"), [(10, True), (9, False)])
def test_the_vault_pays_a_debt_unless_it_would_be_ruined(vault, takes):
    engine = build({HOLDER: SHORT, LONG: (10, 100, 1000)}, 106, vault=vault, **PARTIAL)
    liquidate(engine)  # equity -10
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, VAULT) == ((1060, -10) if takes else (9, 0))
    assert state(engine, LONG) == ((0, 10) if takes else (1050, 0))


# small_steps.


def test_steps_of_the_size_at_first_service():
    engine = build(
        {HOLDER: SHORT},
        104,
        policy=SMALL_STEPS,
        share=35 * PERCENT,
        support=10 * PERCENT,
        cooldown=1,
        fees=(PERCENT, 0),
    )
    rest(engine, SELL, (105, 50))
    engine.take([HOLDER])
    lots = []
    while engine.due() is not None:
        serve(engine)
        lots.append(engine.accounts[HOLDER].perp)
    assert lots == [-6, -2, 0]  # ceil(3.5) = 4, 4 and what is left


def test_no_equity_goes_to_the_remainder():
    engine = build({HOLDER: SHORT, LONG: (10, 100, 1000)}, 105, policy=SMALL_STEPS, share=PERCENT)
    rest(engine, SELL, (105, 50))
    liquidate(engine)
    assert state(engine, HOLDER) == (0, 0)
    assert state(engine, LONG) == (1050, 0)


# block_limited.

BLOCK = {
    "policy": BLOCK_LIMITED,
    "share": 25 * PERCENT,
    "threshold": 300,
    "block_notional": 10_000,
    "block_loss": 10,
    "spread": 1.5,
    "adjustment": 1.0,
    "cooldown": 10,
    "interval": 1,
}


def test_the_fillable_price_and_the_size_of_a_block():
    engine = build({HOLDER: SHORT}, 105, fund=100, **BLOCK)
    # E = 0: abr = 1; MM = 11 of 1,050, so 105 x (1 + 1.5 x 11 / 1,050) = 106.65: 106. 3 lots by
    # share; a = 10, a // 3 = 3: 108 at most. So 106.
    rest(engine, SELL, (106, 1), (107, 9))
    liquidate(engine)
    # 1 at 106: V = 944 - 945 = -1, the fund pays. Equity 945 - 945 = 0: not below, but due.
    assert state(engine, HOLDER) == (945, -9)
    assert (engine.deficit, engine.block_paid, engine.due()) == (1, 1, 10)


def test_the_allowance_of_a_block_is_shared():
    holders = {16: SHORT, 17: SHORT, 18: (30, 100, 1000)}
    engine = build(holders, 105, fund=100, **BLOCK | {"spread": 50.0, "block_loss": 7})
    rest(engine, SELL, (107, 50))
    engine.take([16, 17])
    serve(engine)
    # a // 3 = 2: 107. 3 lots cost the fund 6 of 7.
    assert state(engine, 16) == (735, -7) and engine.block_paid == 6
    serve(engine)
    # 1 // 3 = 0: limit 105.
    assert state(engine, 17) == (1050, -10)
    serve(engine)
    # A new block at 10: ceil(1.75) = 2, but 300 / 105 asks for 3 again: 7 // 3 = 2.
    assert engine.now == 10 and engine.block_start == 10
    assert state(engine, 16) == (420, -4) and engine.block_paid == 6


def test_a_block_is_at_most_its_notional_and_at_least_a_lot():
    for notional, lots in ((210, 2), (104, 1), (0, 1)):
        engine = build({HOLDER: SHORT}, 105, **BLOCK | {"block_notional": notional})
        rest(engine, SELL, (105, 50))
        liquidate(engine)
        assert engine.accounts[HOLDER].perp == lots - 10


def test_a_debt_at_mark_goes_to_the_remainder_of_what_is_left():
    holders = {HOLDER: SHORT, LONG: (20, 100, 1000)}
    engine = build(holders, 106, **BLOCK)
    rest(engine, SELL, (103, 1))
    liquidate(engine)
    # 1 at 103 leaves 947 for 9: at 106 equity is -7; 947 // 9 = 105.
    assert state(engine, LONG) == (1000 - 2000 + 945, 11)
    assert state(engine, HOLDER) == (2, 0)


def test_the_fillable_price_of_a_long():
    engine = build({HOLDER: (10, 100, 50)}, 96, fund=1000, **BLOCK | {"block_loss": 1000})
    # E = 10 = MM: abr 0, so 96.
    rest(engine, BUY, (95, 9))
    liquidate(engine)
    assert engine.accounts[HOLDER].perp == 10
    engine = build({HOLDER: (10, 100, 50)}, 95, fund=1000, **BLOCK | {"block_loss": 1000})
    # E = 0, MM = 10 of 950: 95 - 1.5 = 93.5, rounded up 94.
    rest(engine, BUY, (94, 1), (93, 9))
    liquidate(engine)
    assert engine.accounts[HOLDER].perp == 9


# ramp.

DRIFT = {
    "policy": RAMP,
    "buffer": 2 * PERCENT,
    "ramp_fee": PERCENT,
    "ramp_time": 100,
    "ramp_start": 0.25,
    "cooldown": 10,
}


def test_the_ramp_closes_what_time_allows():
    # 100 from 100 with 500: cash 10,500. At 104: E = 100, MM 104, buffer 208: S = 212. The size
    # is 212 / (104 x .02) = 101.9 lots; a quarter of it: 25.48, so 26.
    engine = build({HOLDER: (-100, 100, 500)}, 104, **DRIFT)
    rest(engine, SELL, (104, 500))
    liquidate(engine)
    # E = 100, MM = 76.96: no longer due.
    assert state(engine, HOLDER) == (10_500 - 26 * 104, -74)
    assert engine.due() is None and engine.accounts[HOLDER].freed == 0


def test_the_ramp_grows_with_time_and_counts_what_it_freed():
    engine = build({HOLDER: (-100, 100, 500)}, 104, **DRIFT)
    rest(engine, SELL, (105, 500))
    liquidate(engine)
    # 26 at 105 (limits 105.04 and 10,500 // 100): cash 7,770, E = 74 <= 77: pause. S' = 77 + 154
    # - 74 = 157, so 55 are freed.
    assert state(engine, HOLDER) == (7770, -74)
    assert engine.accounts[HOLDER].freed == 55 and engine.due() == 10
    serve(engine)
    # .35 of 212 less 55: 19.2 of 157; the size is 157 / 2.08 = 75.48: 9.23, so 10 lots.
    assert state(engine, HOLDER) == (6720, -64)


def test_a_small_shortage_is_covered_at_once():
    engine = build({HOLDER: (-100, 100, 500)}, 104, **DRIFT | {"ramp_small": 213})
    rest(engine, SELL, (104, 500))
    liquidate(engine)
    assert engine.accounts[HOLDER].perp == 0  # 101.9 lots are more than there are


def test_a_fee_above_the_gain_asks_for_everything():
    engine = build({HOLDER: (-100, 100, 500)}, 104, fees=(2 * PERCENT, 0), **DRIFT)
    rest(engine, SELL, (104, 500))
    liquidate(engine)
    assert engine.accounts[HOLDER].perp == -75  # a quarter of everything


@pytest.mark.parametrize(("fund", "left"), [(99, -100), (100, -49)])
def test_the_ramp_goes_no_farther_than_the_money(fund, left):
    # The gain is r + buffer - fee = .01: 203.8 lots, a quarter 51. Limits 106.08 and
    # (10,500 + fund) // 100.
    rules = DRIFT | {"ramp_fee": 2 * PERCENT}
    engine = build({HOLDER: (-100, 100, 500)}, 104, fund=fund, **rules)
    rest(engine, SELL, (106, 500))
    liquidate(engine)
    assert engine.accounts[HOLDER].perp == left

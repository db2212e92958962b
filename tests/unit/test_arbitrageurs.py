"""Arbitrageurs in literals: when they trade, how far capital reaches, how they get out."""

import numpy as np
import pytest

from squeezegym.codes import FIRST_HOLDER_SLOT, NEVER, Account, Standing
from squeezegym.core.arbitrageurs import arbitrageur_looks, serve_arbitrageur
from squeezegym.core.lostshorts import remember_short
from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario
from tests.kernels import BUY, GTC, SELL, from_python
from tests.unit.arbitrage_pair import COINS, LATENCY, PERP, SLOT, SPOT, Pair

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]


def test_a_dear_perp_is_sold_and_its_coins_are_bought_as_far_as_capital_reaches():
    pair = Pair()
    pair.touches(10_101, 9_999)  # 10,100 over 10,000, 0.5 % above the hurdle: 6 lots
    pair.look()
    assert pair.due == LATENCY and pair.legs() == (0, 0, 0)
    pair.arrive()
    # A lot may cost 10,050 and 6 of fee, 2,000 of margin, 11 and 5 of its hedge: 12,072.
    assert pair.legs() == (-4, 4, 0)
    # Coins at 10,000 with a fee of 20, the perp at 10,100 with one of 21.
    assert pair.cash() == (60_000 - 40_020 + 40_400 - 21, 0)
    assert int(pair.accounts["laddered"][SLOT]) == Standing.IN_LADDER
    assert pair.due == NEVER
    for _ in range(2):
        pair.trade()  # 20,359 of equity at the mark, less 8,000 of margin: one lot more, then none
    assert pair.legs() == (-5, 5, 0)


@pytest.mark.parametrize(("perp_bid", "lots"), [(10_050, 0), (10_051, 1)])
def test_the_basis_must_exceed_the_hurdle_at_prices_that_stand(perp_bid, lots):
    pair = Pair()
    pair.touches(perp_bid + 1, 9_999)
    pair.look()
    assert int(pair.market["arbitrageurs"]["qty"][0]) == lots


def test_size_and_reach_grow_with_the_excess():
    pair = Pair(capital=10**9)
    pair.touches(10_301, 9_999)  # 2.5 % above the hurdle
    pair.look()
    order = pair.market["arbitrageurs"][0]
    assert (int(order["qty"]), int(order["limit"])) == (28, 10_250)
    assert int(order["due"]) == pair.due == LATENCY


def test_a_larger_basis_is_cut_at_the_largest_trade():
    pair = Pair(capital=10**9)
    pair.touches(11_001, 9_999)
    pair.trade()
    assert pair.legs() == (-50, 50, 0)


def test_half_a_fill_leaves_half_to_hedge():
    pair = Pair()
    pair.touches(10_101, 9_999, qty=2)
    pair.trade()
    assert pair.legs() == (-2, 2, 0)


def test_a_perp_leg_that_fails_is_tried_again():
    pair = Pair()
    pair.touches(10_101, 9_999)
    pair.look()
    pair.touches(10_101, 9_999, qty=3)
    pair.arrive()
    assert pair.legs() == (-3, 3, 0)
    pair.exchange.place(BUY, 10_100, 2, GTC, owner=Account.MAKER)
    pair.accounts["spot"][COINS] += 3  # coins whose leg found nothing
    pair.accounts["spot"][Account.OUTSIDE] -= 3
    pair.accounts["quote"][SLOT] += 20_000
    pair.accounts["quote"][Account.OUTSIDE] -= 20_000
    pair.trade()
    assert pair.legs() == (-5, 6, 0)
    pair.quote(PERP, BUY, 10_090, 5)
    pair.trade()
    assert pair.legs() == (-6, 6, 0)


def test_who_has_an_order_under_way_waits_for_it():
    pair = Pair()
    pair.touches(10_101, 9_999)
    pair.look()
    pair.market["clock"]["now"] = 300
    pair.look()
    assert pair.due == LATENCY
    pair.arrive()
    assert pair.due == NEVER


def test_orders_arrive_in_the_order_of_their_looks():
    pair = Pair(accounts=3)
    pair.touches(10_101, 9_999)
    due = pair.market["arbitrageurs"]["due"]
    for now in range(30):
        pair.market["clock"]["now"] = now
        from_python(arbitrageur_looks)(pair.market, pair.params)
    times = sorted(int(time) for time in due[:3])
    assert times[0] == pair.due and times[2] < NEVER
    for i, time in enumerate(times):
        assert pair.due == time
        pair.market["clock"]["now"] = time
        from_python(serve_arbitrageur)(pair.market, pair.params)
        assert sum(due[:3] == NEVER) == i + 1
    assert pair.due == NEVER


@pytest.mark.parametrize(("unwind", "closes"), [(0.0, True), (-0.003, False), (-0.002, True)])
def test_a_trade_closes_when_the_basis_has_come_back(unwind, closes):
    pair = Pair(unwind=unwind)
    pair.touches(10_101, 9_999)
    pair.trade()
    pair.touches(9_979, 10_001)  # 9,980 over 10,000: 0.2 % below the fair basis
    pair.look()
    if not closes:
        assert pair.due == NEVER
        return
    pair.arrive()
    sold = 3 if unwind == 0.0 else 1  # 0.2 % beyond, or nothing but the rounding
    assert pair.legs() == (sold - 4, 4 - sold, 0)
    assert pair.cash()[1] == 0


def test_expected_funding_lowers_the_fair_basis():
    # Longs will pay 0.5 %: whoever sells the perp at 10,040 over 10,000 is paid 0.9 %.
    for weight, qty in ((0.0, 0), (0.5, 2), (1.0, 5)):
        pair = Pair(funding_weight=weight)
        pair.market["funding"]["predicted"] = 0.005
        pair.touches(10_041, 9_999)
        pair.look()
        assert int(pair.market["arbitrageurs"]["qty"][0]) == qty


def test_without_a_lender_nobody_sells_what_it_does_not_own():
    pair = Pair()
    pair.touches(9_899, 10_001)
    pair.look()
    assert pair.due == NEVER


def test_a_cheap_perp_is_bought_against_borrowed_coins():
    pair = Pair(supply=100)
    pair.touches(9_899, 10_001)  # 9,900 under 10,000, 0.5 % beyond the hurdle: 6 lots
    pair.trade()
    # A lot asks for 5,000 of cash in the coin wallet, 2,000 of margin, 16 of costs: all 6 fit.
    assert pair.legs() == (6, 0, 6)
    assert int(pair.market["borrow"]["lent"]) == 6
    assert int(pair.accounts["laddered"][COINS]) == Standing.IN_BORROW_LADDER
    # One and a half debts stay in the coin wallet; fees are 30 and 30.
    assert pair.cash() == (60_000 - 30_000 - 59_400 - 60, 90_000)


def test_the_lender_and_the_margin_cut_a_loan():
    for supply, capital, lots in ((3, 60_000, 3), (100, 30_000, 4), (100, 5_000, 0)):
        pair = Pair(supply=supply, capital=capital)
        pair.touches(9_899, 10_001)
        pair.trade()
        assert pair.legs() == (lots, 0, lots)


def test_a_loan_that_the_book_does_not_take_goes_back():
    pair = Pair(supply=100)
    pair.touches(9_899, 10_001, qty=2)
    pair.trade()
    assert pair.legs() == (2, 0, 2)
    assert int(pair.accounts["spot"][Account.LENDER]) == 98


def test_borrowed_coins_are_bought_back_when_the_basis_has_come_back():
    pair = Pair(supply=100)
    pair.touches(9_899, 10_001)
    pair.trade()
    pair.touches(10_101, 9_999)
    pair.trade()
    assert pair.legs() == (0, 0, 0)
    assert int(pair.accounts["spot"][Account.LENDER]) == 100
    assert pair.cash() == (60_000 + 6 * 200 - 30 - 30 - 30 - 31, 0)


def test_the_coin_wallet_is_topped_up_at_a_look():
    pair = Pair(supply=100)
    pair.touches(9_899, 10_001)
    pair.trade()
    pair.market["marks"]["index"] = pair.market["marks"]["mark"] = 10_400
    pair.touches(10_400, 10_400)
    pair.look()
    assert pair.cash()[1] == 93_600  # one and a half of 62,400
    assert pair.due == NEVER


def test_coins_of_a_liquidated_leg_are_sold():
    pair = Pair()
    pair.touches(10_101, 9_999)
    pair.trade()
    pair.market["marks"]["mark"] = pair.market["marks"]["index"] = 15_000
    pair.lose_perp(15_000)  # 60,359 less 60,000
    assert pair.legs() == (0, 4, 0)
    pair.touches(15_000, 14_000, qty=3)
    pair.look()
    order = pair.market["arbitrageurs"][0]
    assert (int(order["qty"]), int(order["limit"])) == (-4, 13_985)
    pair.arrive()
    assert pair.legs() == (0, 1, 0)
    assert pair.cash() == (359 + 3 * 13_999 - 21, 0)


def test_a_leg_that_the_margin_carries_is_opened_again():
    pair = Pair()
    pair.touches(10_101, 9_999)
    pair.trade()
    pair.lose_perp(10_000)  # deleveraged with a gain
    pair.trade()
    assert pair.legs() == (-4, 4, 0)


def test_debts_of_a_liquidated_leg_are_bought_back():
    pair = Pair(supply=100)
    pair.touches(9_899, 10_001)
    pair.trade()
    pair.market["marks"]["mark"] = pair.market["marks"]["index"] = 5_000
    pair.lose_perp(5_000)
    assert pair.cash()[0] == 60_000 - 30_000 - 59_460 + 30_000
    pair.touches(5_000, 5_000)
    pair.look()  # half of the collateral is free again and pays for a margin: 6 x 1,000 of 45,540
    assert pair.cash() == (540 + 45_000, 45_000)
    pair.arrive()
    assert pair.legs() == (6, 0, 6)
    pair.lose_perp(5_000)
    pair.accounts["quote"][Account.OUTSIDE] += pair.accounts["quote"][SLOT]
    pair.accounts["quote"][SLOT] = 0
    pair.trade()
    assert pair.legs() == (0, 0, 0)
    assert int(pair.accounts["spot"][Account.LENDER]) == 100


@pytest.mark.parametrize("standing", [Standing.IN_QUEUE, Standing.IN_REMAINDER, Standing.WAITING])
def test_before_the_engine_nothing_is_done(standing):
    pair = Pair()
    pair.touches(10_101, 9_999)
    pair.look()
    pair.accounts["laddered"][SLOT] = standing
    pair.arrive()
    assert pair.legs() == (0, 0, 0) and pair.cash() == (60_000, 0)
    pair.look()
    assert pair.due == NEVER


def test_a_wallet_before_the_desk_is_left_alone():
    pair = Pair(supply=100)
    pair.touches(9_899, 10_001)
    pair.trade()
    cash = pair.cash()
    pair.accounts["laddered"][COINS] = Standing.IN_BUY_IN
    pair.trade()
    assert pair.legs() == (6, 0, 6) and pair.cash() == cash


def test_a_rebate_comes_back_at_once():
    for rebate, back in ((0, 0), (60_000_000, 24), (100_000_000, 41)):
        pair = Pair(rebate=rebate)
        pair.touches(10_101, 9_999)
        pair.trade()
        assert pair.cash()[0] == 60_359 + back
        assert int(pair.accounts["fees"][SLOT : COINS + 1].sum()) == 41 - back


def test_a_missing_side_of_a_book_stops_them():
    for venue in (PERP, SPOT):
        pair = Pair()
        pair.touches(10_101, 9_999)
        book = pair.exchange.book(venue)
        gone = BUY if venue == PERP else SELL
        ids = [int(o["id"]) for o in book["orders"] if o["qty"] and int(o["side"]) == gone]
        pair.exchange.cancel(ids[0], venue)
        pair.look()
        assert pair.due == NEVER


def test_a_lost_arbitrage_short_is_not_reloaded():
    pair = Pair()
    pair.params["reloaders"]["share"] = 1.0
    for slot, lots in ((SLOT, 0), (SLOT - 1, 7)):
        pair.accounts["perp"][slot] = -7
        from_python(remember_short)(pair.market, pair.params, np.int64(slot))
        assert int(pair.accounts["bucket"][slot]) == lots


def test_the_section_says_what_is_wrong():
    with pytest.raises(ConfigError, match="accounts=3 have no capital; set capital_quote above 0"):
        Scenario.load("calm", arbitrage={"accounts": 3})
    with pytest.raises(ConfigError, match=r"unwind_bps=2.0 must be at most threshold_bps=1.5"):
        Scenario.load("calm", arbitrage={"unwind_bps": 2.0})


def test_hurdle_and_slots_follow_from_the_scenario():
    changes = {
        "accounts": 4,
        "capital_quote": 1_000.0,
        "fee_rebate": 0.8,
        "slippage_bps": 0.5,
        "leverage": 3.0,
    }
    scenario = Scenario.load("calm", arbitrage=changes, fomo={"accounts": 10})
    rules = scenario.pack()[0]["arbitrage"]
    assert float(rules["hurdle"]) == pytest.approx(1.5e-4 + 2e-4 + 0.5e-4)
    people = scenario.population
    assert int(rules["first"]) == FIRST_HOLDER_SLOT + people.shorts + people.longs + 10
    assert int(rules["capital"]) == 250 / (0.1 * 0.001)
    assert int(rules["initial"]) == 33_333_334
    with pytest.raises(ConfigError, match="accounts do not fit"):
        Scenario.load(scenario, **{"size_class": "default", "fomo.accounts": 250})

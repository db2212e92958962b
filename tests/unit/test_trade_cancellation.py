"""Cancelled trades in literals: to the quantum, newest first, or not at all."""

import numpy as np
import pytest

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    Account,
    LogKind,
    OrderFlag,
    Problem,
    Source,
)
from squeezegym.core.accounts import pay, pay_by_force
from squeezegym.core.triggers import delist, enlist, open_ladder
from squeezegym.core.unwinding import cancel_trades
from tests.guarded import NOISE, SECOND, Guarded, fund, hold, with_margin
from tests.kernels import BUY, IOC, SELL, from_python
from tests.property.ladder_checks import assert_ladder_sound

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

HOLDER = FIRST_HOLDER_SLOT
VENUE, FUND = (int(Account.VENUE), int(Account.FUND))


def kept(fees=(20_000, 50_000)):
    """A perp whose fills are kept from 1 s on: positions of two holders, then trades."""
    market = Guarded(book="perp", fees=fees, trade_cancellation={"trigger": "agent"})
    market.state["n_fills"] = 0
    market.market["marks"]["mark"] = 1_000
    for slot in range(HOLDER, HOLDER + 4):
        fund(market, slot, 100_000)
    return market


def ledger(market):
    fields = ("quote", "perp", "cost", "fees")
    return {field: market.accounts[field].tolist() for field in fields}


def test_fills_and_fees_of_the_window_are_reversed_to_the_quantum():
    market = kept()
    market.send(SELL, 1_003, 7, owner=HOLDER)
    market.send(BUY, 1_003, 5, IOC, HOLDER + 1)
    market.run(10)
    before = ledger(market)
    market.run(11)
    market.send(SELL, 1_007, 9, owner=HOLDER + 2)
    market.send(BUY, 1_009, 11, IOC, HOLDER + 1)  # both makers, two prices
    market.send(BUY, 1_001, 3, owner=HOLDER)
    forced = int(OrderFlag.FORCED)
    market.send(SELL, 1_001, 2, IOC, HOLDER + 1, forced)
    assert ledger(market) != before
    market.decide("trade_cancellation", value=1.5)
    assert ledger(market) == before
    (row,) = market.rows(LogKind.UNWIND)
    assert (int(row["qty"]), int(row["filled"])) == (3, int(9.5 * SECOND))
    assert market.measures()[-1][1:] == ("TRADE_CANCELLATION", 1, "DECISION")
    market.decide("trade_cancellation", value=1.5)  # nothing is reversed twice
    assert ledger(market) == before
    market.decide("trade_cancellation", value=30.0)
    assert market.accounts["perp"].tolist() == [0] * len(market.accounts)
    assert int(market.accounts["quote"][HOLDER]) == 100_000
    assert int(market.accounts["quote"][VENUE]) == 0


def test_payments_of_liquidations_go_back_and_funding_stands():
    market = kept(fees=(0, 0))
    fund(market, FUND, 500)
    market.run(5)
    call = from_python(pay_by_force)
    call(market.market, np.int64(HOLDER), np.int64(FUND), np.int64(70))
    from_python(pay)(market.market, np.int64(HOLDER), np.int64(VENUE), np.int64(11))  # funding
    market.decide("trade_cancellation", value=1.0)
    assert int(market.accounts["quote"][FUND]) == 500
    assert int(market.accounts["quote"][HOLDER]) == 100_000 - 11


def test_a_fund_that_would_be_overdrawn_is_made_good_by_the_venue():
    market = kept(fees=(0, 0))
    market.run(5)
    call = from_python(pay_by_force)
    call(market.market, np.int64(HOLDER), np.int64(FUND), np.int64(70))
    from_python(pay)(market.market, np.int64(FUND), np.int64(HOLDER + 1), np.int64(70))
    market.decide("trade_cancellation", value=1.0)
    assert int(market.accounts["quote"][FUND]) == 0
    assert int(market.accounts["quote"][VENUE]) == -70


def test_a_window_with_more_fills_than_are_kept_is_refused_whole():
    market = kept()
    market.run(5)
    for _ in range(3):
        market.trade(1_000)
    market.state["n_fills"] += len(market.market["fills"])  # as if so many had come since
    market.market["fills"]["time"] = 5 * SECOND
    before = ledger(market)
    market.decide("trade_cancellation", value=1.0)
    assert ledger(market) == before
    assert market.measures()[-1][1:] == ("TRADE_CANCELLATION", 0, "FORGOTTEN")
    assert int(market.market["clock"]["problems"]) == Problem.FILLS_FORGOTTEN
    assert not market.in_force("trade_cancellation")


def test_fills_are_not_kept_where_no_trade_can_be_cancelled():
    market = Guarded(book="perp")
    market.trade(1_000)
    assert int(market.state["n_fills"]) == -1
    assert not market.market["fills"]["qty"].any()
    assert not from_python(cancel_trades)(market.market, market.params, np.int64(0))


def test_the_window_of_a_cancellation_includes_its_first_moment():
    market = kept()
    market.run(5)
    market.trade(1_000)
    market.run(6)
    market.decide("trade_cancellation", value=0.999)
    assert int(market.accounts["perp"][NOISE]) == 1
    market.decide("trade_cancellation", value=1.0)
    assert int(market.accounts["perp"][NOISE]) == 0


def test_a_position_that_is_given_back_returns_to_the_ladder_and_leaves_the_line():
    market = with_margin(kept(fees=(0, 0)))
    market.market["accounts"]["laddered"] = 0
    price = np.int64(1_000)
    from_python(open_ladder)(market.market["ladder"], price, np.int64(0))
    hold(market, HOLDER, -50)
    from_python(enlist)(market.market, market.params, np.int64(HOLDER))
    market.run(5)
    market.send(SELL, 1_000, 50)
    forced = int(OrderFlag.FORCED)
    from_python(delist)(market.market, np.int64(HOLDER), np.int64(1))
    market.send(BUY, 1_000, 50, IOC, HOLDER, forced)
    accounts, crowd = market.accounts, market.market["crowd"]
    for slot, after in ((HOLDER, HOLDER + 1), (HOLDER + 1, 0)):
        accounts["next"][slot] = after
        market.market["holders"]["ready"][slot] = (10 + slot) * SECOND
    crowd["waiting"] = HOLDER
    market.decide("trade_cancellation", value=1.0)
    assert int(accounts["perp"][HOLDER]) == -50
    assert int(accounts["laddered"][HOLDER]) == 1
    assert int(crowd["waiting"]) == HOLDER + 1
    due = market.market["clock"]["due"]
    assert int(due[Source.RELOADERS]) == (11 + HOLDER) * SECOND
    assert_ladder_sound(market.market, market.params["margin"], triggers=False)

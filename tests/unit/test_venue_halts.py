"""Circuit breaker, velocity halt, cancel-only and batch auctions in literals."""

import numpy as np
import pytest

from squeezegym.codes import (
    FIRST_HOLDER_SLOT,
    Account,
    BookState,
    OrderFlag,
    Source,
    Status,
)
from squeezegym.core.protection import watch
from squeezegym.core.triggers import enlist, open_ladder
from tests.guarded import NOISE, SECOND, Guarded, clear, hold, quoted, with_margin
from tests.kernels import BUY, GTC, IOC, SELL, from_python, read_side
from tests.property.ladder_checks import assert_ladder_sound

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

HOLDER = FIRST_HOLDER_SLOT
LEARNER, SNIPER = (int(Account.LEARNER), int(Account.SNIPER))


def test_a_circuit_breaker_stops_a_move_within_its_window_and_reopens_by_auction():
    market = quoted(circuit_breaker={"trigger": "rule", "variant": 0.1, "window_s": 100.0})
    clear(market)
    market.trade(1_005)
    market.run(20)
    market.trade(1_104)
    market.run(21)
    assert int(market.guarded_book["state"]) == BookState.OPEN  # 99 ticks
    market.trade(1_105)
    market.run(21)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    assert market.measures()[-1] == (21, "PAUSE", 1, "MOVED")
    market.send(BUY, 1_300, 4)
    market.send(SELL, 1_300, 4)
    market.run(140.9)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    market.run(141)  # two minutes, and no collar
    assert int(market.guarded_book["state"]) == BookState.OPEN
    assert int(market.guarded_book["last"]) == 1_300
    market.trade(1_399)
    market.run(142)
    assert int(market.guarded_book["state"]) == BookState.OPEN  # the window began anew


def test_an_old_extreme_leaves_the_window():
    market = quoted(circuit_breaker={"trigger": "rule", "variant": 0.1, "window_s": 100.0})
    clear(market)
    market.trade(1_000)
    market.run(101)
    market.trade(1_060)
    market.run(150)
    market.trade(1_150)
    market.run(151)
    assert int(market.guarded_book["state"]) == BookState.OPEN
    market.trade(1_160)
    market.run(151)
    assert int(market.guarded_book["state"]) == BookState.AUCTION


def test_a_velocity_halt_widens_its_collar():
    rules = {"trigger": "rule", "variant": 0.02, "window_s": 10.0, "pause_s": 60.0}
    market = quoted(velocity_halt={**rules, "extension_s": 30.0, "collar": 0.01, "widen": 0.02})
    clear(market)
    market.trade(1_000)
    market.trade(980)
    market.run(0)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    assert int(market.state["trigger"]) == 980
    market.send(BUY, 1_005, 1)
    market.send(SELL, 1_005, 1)
    market.run(60)  # 25 ticks from 980, the collar is 9.8
    assert market.measures()[-1] == (60, "PAUSE", 1, "BEYOND_COLLAR")
    market.run(90)  # 29.4
    assert int(market.guarded_book["state"]) == BookState.OPEN
    assert int(market.guarded_book["last"]) == 1_005


def test_cancel_only_takes_cancels_alone():
    market = quoted()
    _, order_id = market.place(BUY, 980, 1, owner=HOLDER)
    market.decide("cancel_only")
    assert market.send(BUY, 985, 1) == (Status.CANCEL_ONLY, 0)
    assert market.cancel(order_id) == 1
    market.decide("cancel_only", on=False)
    assert market.send(BUY, 985, 1)[0] == Status.RESTING


def test_a_pause_outlasts_cancel_only_and_the_other_way_round():
    market = quoted(velocity_halt={"trigger": "rule", "pause_s": 60.0})
    clear(market)
    market.trade(1_000)
    market.trade(980)
    market.run(0)
    market.decide("cancel_only")
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    market.run(60)
    assert int(market.guarded_book["state"]) == BookState.CANCEL_ONLY
    market.decide("cancel_only", on=False)
    assert int(market.guarded_book["state"]) == BookState.OPEN


def test_batches_collect_and_trade_at_one_price():
    market = Guarded(book="perp")
    market.decide("batch_auction", value=2.0)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    market.send(BUY, 1_010, 5)
    market.send(BUY, 1_006, 3, owner=NOISE)
    market.send(SELL, 1_004, 6)
    at_open = int(OrderFlag.AT_OPEN)
    market.send(SELL, 1_008, 1, owner=NOISE, flags=at_open)
    market.run(1.9)
    assert int(market.guarded_book["last"]) == 1_000
    market.run(2)
    assert int(market.guarded_book["last"]) == 1_004
    assert int(market.guarded_book["state"]) == BookState.AUCTION  # the next one collects
    assert [price for price, _ in read_side(market.guarded_book, BUY)] == [1_006]
    assert read_side(market.guarded_book, SELL) == []  # what was for the auction alone is gone
    market.send(SELL, 1_000, 2)
    market.run(4)
    assert int(market.accounts["perp"][NOISE]) == 3
    market.send(BUY, 1_000, 9)
    market.send(SELL, 1_000, 9)
    market.decide("batch_auction", on=False)
    assert int(market.guarded_book["state"]) == BookState.OPEN
    assert int(market.guarded_book["live"]) == 0


def test_forced_orders_trade_between_two_batches():
    market = Guarded(book="perp")
    market.decide("batch_auction", value=1.0)
    market.market["engine"]["size"] = 1
    clock = market.market["clock"]
    clock["now"] = clock["due"][Source.PROTECTION]
    from_python(watch)(market.market, market.params)
    assert int(market.guarded_book["state"]) == BookState.OPEN
    assert int(clock["due"][Source.ENGINE]) == int(clock["now"]) == SECOND
    assert int(clock["due"][Source.PROTECTION]) == SECOND  # after the engine, at the same time
    from_python(watch)(market.market, market.params)
    assert int(market.guarded_book["state"]) == BookState.AUCTION
    assert int(clock["due"][Source.ENGINE]) == np.iinfo(np.int64).max


@pytest.mark.parametrize(
    ("slot", "lots", "price", "joins"),
    [
        (LEARNER, 0, 1_010, True),
        (SNIPER, 0, 0, True),
        (HOLDER, -3, 1_010, True),  # a stop
        (HOLDER, -2, 1_010, False),  # it would turn
        (HOLDER, 0, 1_010, False),  # a position that must be paid for first
    ],
)
def test_who_can_wait_joins_the_batch(slot, lots, price, joins):
    market = quoted()
    hold(market, slot, lots)
    market.decide("batch_auction", value=1.0)
    expected = Status.RESTING if joins else Status.AUCTION
    assert market.send(BUY, price, 3, IOC, slot)[0] == expected
    market.run(1)
    assert int(market.accounts["perp"][slot]) == lots + (3 if joins else 0)


@pytest.mark.parametrize(("held", "gone", "left"), [(5, 0, 0), (5, 2, 0), (8, 0, 3)])
def test_an_auction_cuts_take_profits_and_ladders_their_holders_anew(held, gone, left):
    market = with_margin(quoted())
    clear(market)
    from_python(open_ladder)(market.market["ladder"], np.int64(1_000), np.int64(0))
    hold(market, HOLDER, held)
    from_python(enlist)(market.market, market.params, np.int64(HOLDER))
    market.decide("batch_auction", value=1.0)
    market.send(SELL, 1_000, 5, GTC, HOLDER, int(OrderFlag.REDUCE_ONLY))
    hold(market, HOLDER, -gone)
    market.send(BUY, 1_000, 9)
    market.run(1)
    assert int(market.accounts["perp"][HOLDER]) == left
    assert int(market.guarded_book["expired"]) == (1 if gone else 0)
    assert market.market["holders"]["open_lots"][HOLDER].tolist() == [0, 0]
    assert int(market.accounts["laddered"][HOLDER]) == (1 if left else 0)
    assert_ladder_sound(market.market, market.params["margin"])

"""The order book: literals in, literals out."""

import pytest

from squeezegym.codes import OrderFlag
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, read_book
from tests.oracle.book_checks import NO_ASK, NO_BID, assert_sound

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]
A, B, C = 16, 17, 18


def book(bids=(), asks=(), owner=A):
    """Build an exchange from ``[(price, [qty, ...]), ...]`` a side."""
    exchange = Exchange()
    for side, levels in ((BUY, bids), (SELL, asks)):
        for price, queue in levels:
            for qty in queue:
                exchange.place(side, price, qty, owner=owner)
    return exchange


def levels(exchange):
    bids, asks = read_book(exchange.book())
    assert_sound(exchange.book())
    plain = [[(price, [qty for _, qty, _ in queue]) for price, queue in s] for s in (bids, asks)]
    return {"bids": plain[0], "asks": plain[1]}


def touch(exchange):
    return int(exchange.book()["best_bid"]), int(exchange.book()["best_ask"])


def test_an_empty_book_has_no_touch():
    assert touch(book()) == (NO_BID, NO_ASK)


def test_market_buy_takes_fifo_then_next_level():
    exchange = book(asks=[(10_100, [30, 20]), (10_101, [10])])
    assert exchange.place(BUY, 10_200, 55, IOC, B) == (55, 0)
    assert int(exchange.accounts[B]["quote"]) == -(50 * 10_100 + 5 * 10_101)
    assert levels(exchange) == {"bids": [], "asks": [(10_101, [5])]}
    assert touch(exchange) == (NO_BID, 10_101)


def test_sell_takes_bids_from_the_best_down_to_its_limit():
    exchange = book(bids=[(99, [4]), (98, [4]), (97, [4])])
    assert exchange.place(SELL, 98, 20, IOC, B) == (8, 0)
    assert levels(exchange) == {"bids": [(97, [4])], "asks": []}


def test_the_rest_of_a_crossing_limit_order_rests_at_its_price():
    exchange = book(asks=[(100, [5]), (103, [5])])
    filled, order_id = exchange.place(BUY, 101, 9, GTC, B)
    assert filled == 5 and order_id != 0
    assert levels(exchange) == {"bids": [(101, [4])], "asks": [(103, [5])]}


def test_the_rest_of_an_ioc_vanishes():
    exchange = book(asks=[(100, [5])])
    assert exchange.place(BUY, 100, 9, IOC, B) == (5, 0)
    assert levels(exchange) == {"bids": [], "asks": []}


def test_an_ioc_that_does_not_cross_does_nothing():
    exchange = book(bids=[(98, [1])], asks=[(100, [5])])
    assert exchange.place(BUY, 99, 9, IOC, B) == (0, 0)
    assert levels(exchange) == {"bids": [(98, [1])], "asks": [(100, [5])]}


def test_a_partial_fill_keeps_the_queue_place():
    exchange = book(asks=[(100, [10, 10])])
    exchange.place(BUY, 100, 4, IOC, B)
    exchange.place(SELL, 100, 1, owner=C)
    assert levels(exchange)["asks"] == [(100, [6, 10, 1])]


@pytest.mark.parametrize(
    ("which", "left"), [(0, [2, 3]), (1, [1, 3]), (2, [1, 2])], ids=["head", "middle", "tail"]
)
def test_cancel_mends_the_queue(which, left):
    exchange = book()
    ids = [exchange.place(BUY, 90, qty)[1] for qty in (1, 2, 3)]
    assert exchange.cancel(ids[which]) == which + 1
    assert exchange.cancel(ids[which]) == 0
    assert levels(exchange)["bids"] == [(90, left)]


def test_cancel_of_the_best_uncovers_the_next():
    exchange = book(bids=[(90, [1])], asks=[(95, [1])])
    best_bid = exchange.place(BUY, 92, 1)[1]
    best_ask = exchange.place(SELL, 94, 1)[1]
    assert touch(exchange) == (92, 94)
    exchange.cancel(best_bid)
    exchange.cancel(best_ask)
    assert touch(exchange) == (90, 95)


def test_orders_beyond_the_window_wait_and_come_in():
    exchange = book(bids=[(9_999, [1])], asks=[(10_001, [1])])
    exchange.place(SELL, 30_000, 2)
    exchange.place(SELL, 20_000, 3)
    exchange.place(SELL, 20_000, 4)
    exchange.place(BUY, 10, 5)
    record = exchange.book()
    assert int(record["waiting_head"][SELL]) != int(record["waiting_tail"][SELL])
    assert levels(exchange)["asks"] == [(10_001, [1]), (20_000, [3, 4]), (30_000, [2])]
    assert exchange.place(BUY, 25_000, 5, GTC, B)[0] == 5
    assert levels(exchange) == {
        "bids": [(9_999, [1]), (10, [5])],
        "asks": [(20_000, [3]), (30_000, [2])],
    }


def test_a_bid_far_above_the_window_rolls_it():
    exchange = book(bids=[(9_999, [1, 2])])
    exchange.place(BUY, 500_000, 1)
    assert touch(exchange) == (500_000, NO_ASK)
    assert levels(exchange)["bids"] == [(500_000, [1]), (9_999, [1, 2])]
    exchange.place(SELL, 1, 2, IOC, B)
    assert levels(exchange)["bids"] == [(9_999, [2])]


def test_a_fill_moves_lots_cash_and_fees():
    exchange = Exchange(maker_fee=20_000, taker_fee=50_000)  # 2 bp and 5 bp
    exchange.place(SELL, 10_000, 7, owner=A)
    exchange.place(BUY, 10_000, 7, IOC, B)
    accounts = exchange.accounts
    # 70,000 quanta: fees 14 and 35.
    assert [int(accounts["perp"][slot]) for slot in (A, B)] == [-7, 7]
    assert [int(accounts["quote"][slot]) for slot in (A, B, 2)] == [69_986, -70_035, 49]
    assert [int(accounts["fees"][slot]) for slot in (A, B)] == [14, 35]
    assert [int(accounts["cost"][slot]) for slot in (A, B)] == [70_000, 70_000]


def test_fees_round_up_and_a_forced_order_pays_no_taker_fee():
    exchange = Exchange(maker_fee=1, taker_fee=1)
    exchange.place(SELL, 3, 1, owner=A)
    exchange.place(BUY, 3, 1, IOC, B, flags=OrderFlag.FORCED)
    assert [int(exchange.accounts["fees"][slot]) for slot in (A, B)] == [1, 0]


def test_spot_fills_move_coins_and_no_position():
    exchange = Exchange()
    exchange.place(SELL, 50, 4, owner=A, venue=1)
    exchange.place(BUY, 50, 4, IOC, B, venue=1)
    assert [int(exchange.accounts["spot"][slot]) for slot in (A, B)] == [-4, 4]
    assert not exchange.accounts["perp"].any()
    assert int(exchange.market["score"]["open_interest"]) == 0


def test_cost_follows_the_open_position():
    exchange = Exchange()

    def trade(side, price, qty):
        exchange.place(1 - side, price, qty, owner=A)
        exchange.place(side, price, qty, IOC, B)
        account = exchange.accounts[B]
        return int(account["perp"]), int(account["cost"])

    assert trade(BUY, 100, 10) == (10, 1000)
    assert trade(BUY, 110, 10) == (20, 2100)
    assert trade(SELL, 500, 5) == (15, 1575)
    assert trade(SELL, 200, 25) == (-10, 2000)
    assert trade(BUY, 150, 10) == (0, 0)

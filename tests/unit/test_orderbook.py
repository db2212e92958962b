"""The stand-alone book's façade: literals in, literals out."""

import copy
import pickle
import subprocess
import sys

import pytest

import squeezegym
from squeezegym import OrderBook
from squeezegym.codes import Side, Status
from squeezegym.orderbook import CLASSES, Receipt, RestingOrder
from tests.conftest import ROOT
from tests.unit.orderbooks import book

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]


def test_a_taker_fills_fifo_then_the_next_level_and_its_rest_rests():
    made = book(asks=[(100, [30, 20]), (101, [10])])
    assert made.submit("buy", 70, 101, owner=2) == Receipt(
        4, Status.PARTIALLY_FILLED, 60, 10, [(100, 30, 9), (100, 20, 9), (101, 10, 9)]
    )
    assert made.levels(5) == ([(101, 10, 1)], [])
    assert (made.best_bid, made.best_ask, made.last, len(made)) == (101, None, 101, 1)


def test_a_market_order_takes_what_is_there_and_its_rest_is_cancelled():
    made = book(bids=[(99, [4]), (97, [4])])
    receipt = made.submit(Side.SELL, 10)
    assert (receipt.status, receipt.filled, receipt.resting) == (Status.CANCELLED, 8, 0)
    assert made.submit("buy", 1).status is Status.CANCELLED
    assert made.levels(5) == ([], [])


@pytest.mark.parametrize(
    ("cap", "filled", "status"),
    [(98, 4, Status.CANCELLED), (97, 8, Status.FILLED), (-5, 8, Status.FILLED)],
)
def test_a_price_cap_bounds_a_market_order(cap, filled, status):
    made = book(bids=[(99, [4]), (97, [4])])
    receipt = made.submit("sell", 8, price_cap=cap)
    assert (receipt.filled, receipt.status) == (filled, status)


def test_fill_or_kill_is_all_or_nothing():
    made = book(asks=[(100, [5]), (101, [5])])
    assert made.submit("buy", 10, 100, tif="FOK").status is Status.FOK_UNFILLED
    assert made.levels(2)[1] == [(100, 5, 1), (101, 5, 1)]
    assert made.submit("buy", 10, 101, tif="fok").fills == [(100, 5, 9), (101, 5, 9)]


def test_post_only_rests_or_is_refused():
    made = book(asks=[(100, [5])])
    assert made.submit("buy", 1, 100, post_only=True)[1:4] == (Status.WOULD_CROSS, 0, 0)
    assert made.submit("buy", 1, 99, post_only=True)[1:4] == (Status.RESTING, 0, 1)
    assert made.submit("buy", 1, 99, tif="IOC", post_only=True).status is Status.BAD_MESSAGE


def test_reduce_only_follows_the_position():
    made = book(bids=[(90, [50])], asks=[(100, [10])])
    assert made.submit("sell", 5, 95, reduce_only=True, owner=1).status is Status.REDUCE_ONLY
    made.submit("buy", 10, 100, owner=1)
    assert made.position(1) == 10
    closing = made.submit("sell", 15, 99, reduce_only=True, owner=1)
    assert closing[1:4] == (Status.RESTING, 0, 10)
    made.submit("sell", 7, 90, owner=1)
    taken = made.submit("buy", 10, 99, tif="IOC", owner=2)
    assert (taken.filled, taken.status) == (3, Status.CANCELLED)  # 10 - 7 lots were left to close
    assert (made.position(1), made.expired, made.queue_ahead(closing.order_id)) == (0, 1, None)


@pytest.mark.parametrize(
    ("rule", "receipt", "asks"),
    [
        ("allow", (Status.FILLED, 6, 0, 0), [(100, 4, 1), (101, 5, 1)]),
        ("cancel_newest", (Status.SELF_TRADE, 2, 0, 0), [(100, 8, 2), (101, 5, 1)]),
        ("cancel_oldest", (Status.FILLED, 6, 0, 1), [(100, 1, 1), (101, 5, 1)]),
        ("cancel_both", (Status.SELF_TRADE, 2, 0, 1), [(100, 5, 1), (101, 5, 1)]),
        ("decrement", (Status.SELF_TRADE, 3, 0, 1), [(100, 4, 1), (101, 5, 1)]),
    ],
)
def test_self_trade_prevention(rule, receipt, asks):
    """A buy of 6 meets another's 2, its own 3 and another's 5 at 100."""
    made = book(asks=[(100, [2])], self_trade=rule)
    made.submit("sell", 3, 100, owner=1)
    made.submit("sell", 5, 100, owner=9)
    made.submit("sell", 5, 101, owner=9)
    got = made.submit("buy", 6, 100, owner=1)
    assert (got.status, got.filled, got.resting, got.withdrawn) == receipt
    assert made.levels(3)[1] == asks


def test_nobody_in_particular_may_trade_with_itself():
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    made.submit("sell", 5, 100)
    assert made.submit("buy", 5, 100).status is Status.FILLED
    assert made.position(0) == 0


def test_amend_keeps_the_place_only_when_it_shrinks():
    made = book(bids=[(90, [5, 5, 5])])
    assert made.amend(1, qty=3)[1:4] == (Status.RESTING, 0, 3)
    assert [order.order_id for order in made.orders()] == [1, 2, 3]
    made.amend(1, qty=4)
    assert [order.order_id for order in made.orders()] == [2, 3, 1]
    made.amend(3, price=91)
    assert made.levels(2)[0] == [(91, 5, 1), (90, 9, 2)]
    assert made.amend(99, qty=1).status is Status.UNKNOWN_ORDER
    assert made.amend(2, qty=0).status is Status.BAD_QUANTITY
    assert made.amend(2, price=0).status is Status.PRICE_OUT_OF_RANGE
    assert made.queue_ahead(1) == 5


def test_an_amended_order_may_trade():
    made = book(asks=[(95, [2])])
    bid = made.submit("buy", 5, 90, owner=1).order_id
    assert made.amend(bid, price=95)[1:5] == (Status.PARTIALLY_FILLED, 2, 3, [(95, 2, 9)])
    made.submit("sell", 4, 99, owner=1)
    assert made.amend(bid, price=99)[1:5] == (Status.SELF_TRADE, 0, 0, [])
    assert made.levels(1) == ([], [(99, 4, 1)])


def test_cancel_and_cancel_all():
    made = book(bids=[(90, [5])])
    mine = [made.submit("buy", 1, 80 + i, owner=3).order_id for i in range(4)]
    assert made.cancel(mine[0])[1:4] == (Status.CANCELLED, 0, 0)
    assert made.cancel(mine[0]).status is Status.UNKNOWN_ORDER
    assert made.cancel_all(3) == 3
    assert made.cancel_all(3) == 0
    assert made.orders() == [RestingOrder(1, Side.BUY, 90, 5, 9)]


def test_what_is_refused_is_data_and_counted():
    made = book(bids=[(90, [5])], max_orders=1)
    refused = [
        made.submit("buy", 0, 90),
        made.submit("buy", -3, 90),
        made.submit("buy", 2**40, 90),
        made.submit("buy", 1, 4_001),
        made.submit("buy", 1, 0),
        made.submit("buy", 1, 10**30),
        made.submit("buy", 1, 90, owner=70_000),
        made.submit("buy", 1, 90, owner=-1),
        made.submit("buy", 1, 89),
    ]
    assert [receipt.status for receipt in refused] == [
        *[Status.BAD_QUANTITY] * 3,
        *[Status.PRICE_OUT_OF_RANGE] * 3,
        *[Status.UNKNOWN_OWNER] * 2,
        Status.BOOK_FULL,
    ]
    assert all(receipt[2:5] == (0, 0, []) for receipt in refused)
    assert made.counts() == {
        Status.RESTING: 1,
        Status.BOOK_FULL: 1,
        Status.BAD_QUANTITY: 3,
        Status.PRICE_OUT_OF_RANGE: 3,
        Status.UNKNOWN_OWNER: 2,
    }


TWINS = [copy.copy, copy.deepcopy, OrderBook.copy, lambda book: pickle.loads(pickle.dumps(book))]


@pytest.mark.parametrize("twin", TWINS)
def test_copies_are_independent(twin):
    made = book(bids=[(90, [5])])
    other = twin(made)
    made.submit("sell", 5, 90)
    assert (made.best_bid, other.best_bid) == (None, 90)
    assert other.submit("sell", 1, 90).order_id == 2
    assert len(made.tape()) == len(other.tape()) == 1


@pytest.mark.slow
def test_size_classes_grow_and_the_largest_rolls():
    sizes = [OrderBook((1, 4_096), 100), OrderBook((1, 4_097), 100), OrderBook((1, 9), 16_385)]
    shapes = [
        (len(b._desks[0]["book"]["levels"]), len(b._desks[0]["book"]["orders"])) for b in sizes
    ]
    assert shapes == [CLASSES[0], CLASSES[1], CLASSES[2]]
    wide = OrderBook((1, 2**31 - 2))
    for price in (5, 2_000_000_000, 1_000_000):
        assert wide.submit("buy", 1, price).status is Status.RESTING
    assert [level[0] for level in wide.levels(3)[0]] == [2_000_000_000, 1_000_000, 5]
    assert wide.submit("sell", 3, 5).fills == [(2_000_000_000, 1, 0), (1_000_000, 1, 0), (5, 1, 0)]


def test_its_repr_says_what_it_is():
    assert repr(book(bids=[(90, [5])])) == "OrderBook(90 / None, 1 orders, open, 1 messages)"


def test_importing_the_package_compiles_no_book():
    code = (
        "import sys, squeezegym; squeezegym.MESSAGE_DTYPE;"
        "assert 'squeezegym.core.replay' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert set(squeezegym.__all__) >= {"OrderBook", "MESSAGE_DTYPE", "RECEIPT_DTYPE", "TAPE_DTYPE"}

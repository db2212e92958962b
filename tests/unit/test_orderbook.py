"""The stand-alone book's façade: literals in, literals out."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import squeezegym
from squeezegym import MESSAGE_DTYPE, RECEIPT_DTYPE, TAPE_DTYPE, OrderBook
from squeezegym.codes import MessageKind, Side, Status
from squeezegym.errors import ConfigError, SqueezegymError
from squeezegym.orderbook import CLASSES, Receipt, RestingOrder, Uncross
from tests.conftest import ROOT

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]


def book(bids=(), asks=(), **settings):
    """Build a book from ``[(price, [qty, ...]), ...]`` a side; owner 9 stands behind it."""
    made = OrderBook(**{"price_range": (1, 4_000), "max_orders": 100, **settings})
    for side, levels in (("buy", bids), ("sell", asks)):
        for price, queue in levels:
            for qty in queue:
                made.submit(side, qty, price, owner=9)
    return made


def messages(*rows):
    """Build messages from ``(kind, order_id, side, price, qty, owner)`` tuples."""
    made = np.zeros(len(rows), MESSAGE_DTYPE)
    for i, row in enumerate(rows):
        for name, value in zip(
            ("kind", "order_id", "side", "price", "qty", "owner"), row, strict=True
        ):
            made[i][name] = value
    return made


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


def test_states():
    made = book(bids=[(90, [5])])
    made.set_state("halted")
    assert [made.submit("buy", 1, 80).status, made.cancel(1).status] == [Status.HALTED] * 2
    made.set_state("cancel_only")
    assert made.submit("buy", 1, 80).status is Status.CANCEL_ONLY
    assert made.cancel(1).status is Status.CANCELLED
    made.set_state("open")
    assert (made.state, made.submit("buy", 1, 80).status) == ("open", Status.RESTING)


def test_an_auction_clears_at_the_largest_volume():
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    made.set_state("auction")
    orders = [
        ("buy", 10, 105),
        ("sell", 5, 100),
        ("sell", 20, 103),
        ("buy", 8, 103),
        ("sell", 5, 90),
    ]
    assert {made.submit(*order).status for order in orders} == {Status.RESTING}
    assert made.submit("buy", 1).status is Status.AUCTION
    assert made.submit("buy", 1, 105, tif="IOC").status is Status.AUCTION
    assert (made.best_bid, made.best_ask) == (105, 90)
    with pytest.raises(
        ConfigError, match=r"best bid 105 must be below best ask 90.*uncross\(\) first"
    ):
        made.set_state("open")
    assert made.uncross(102) == Uncross(
        103, 18, -12, [(103, 5, 1, 5), (103, 5, 1, 2), (103, 8, 4, 3)]
    )
    made.set_state("open")
    assert made.levels(3) == ([], [(103, 12, 1)])
    assert made.uncross() == Uncross(None, 0, 0, [])
    assert made.tape()["message"].tolist() == [-1, -1, -1]


@pytest.mark.parametrize(("reference", "price"), [(104, 104), (90, 101), (999, 109), (None, 105)])
def test_the_reference_decides_between_equal_prices(reference, price):
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    made.set_state("auction")
    made.submit("buy", 5, 109)
    made.submit("sell", 5, 101)
    assert made.uncross(reference)[:3] == (price, 5, 0)


def test_what_an_auction_leaves_keeps_its_time_priority():
    made = book(asks=[(100, [5])])
    made.set_state("auction")
    first = made.submit("buy", 3, 100).order_id  # crosses the ladder: waits beside it
    made.cancel(1)
    second = made.submit("buy", 3, 100).order_id
    assert [order.order_id for order in made.orders()] == [first, second]
    assert made.queue_ahead(second) == 3
    made.set_state("open")
    assert made.submit("sell", 3, 100).filled == 3
    assert [order.order_id for order in made.orders()] == [second]


def test_replay_answers_every_message():
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    new, cancel, amend = MessageKind.NEW, MessageKind.CANCEL, MessageKind.AMEND
    receipts, tape = made.replay(
        messages(
            (new, 70, Side.SELL, 100, 5, 1),
            (new, 71, Side.SELL, 101, 5, 2),
            (new, 70, Side.SELL, 102, 5, 1),
            (new, 72, Side.BUY, 101, 7, 3),
            (amend, 71, 0, 0, 2, 0),
            (cancel, 70, 0, 0, 0, 0),
            (cancel, 71, 0, 0, 0, 0),
            (9, 0, 0, 0, 0, 0),
        )
    )
    assert [Status(s).name for s in receipts["status"]] == [
        "RESTING",
        "RESTING",
        "DUPLICATE_ORDER",
        "FILLED",
        "RESTING",
        "UNKNOWN_ORDER",
        "CANCELLED",
        "BAD_MESSAGE",
    ]
    assert receipts["filled"].tolist() == [0, 0, 0, 7, 0, 0, 0, 0]
    assert receipts["resting"].tolist() == [5, 5, 0, 0, 2, 0, 0, 0]
    assert tape.tolist() == [(3, 72, 70, 100, 5, 3, 1), (3, 72, 71, 101, 2, 3, 2)]
    assert (receipts.dtype, tape.dtype) == (RECEIPT_DTYPE, TAPE_DTYPE)


def test_submitted_ids_lie_beyond_replayed_ones():
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    made.replay(messages((0, 500, Side.BUY, 10, 1, 0), (0, 2**63 + 5, Side.BUY, 11, 1, 0)))
    assert made.submit("buy", 1, 12).order_id == 501
    assert made.cancel(2**63 + 5).status is Status.CANCELLED


def test_ids_chosen_by_the_book_name_the_order():
    made = OrderBook(price_range=(1, 4_000), max_orders=100, ids="book")
    receipts, _ = made.replay(messages((0, 7, Side.SELL, 100, 5, 0), (0, 7, Side.BUY, 100, 8, 0)))
    first, second = receipts["order_id"].tolist()
    assert first != second
    assert made.tape()[["taker_id", "maker_id"]].tolist() == [(second, first)]
    assert made.cancel(first).status is Status.UNKNOWN_ORDER
    assert made.cancel(second).status is Status.CANCELLED
    again = made.submit("buy", 1, 50).order_id
    assert again not in (first, second)
    assert made.cancel(second).status is Status.UNKNOWN_ORDER


def test_the_tape_counts_messages_from_the_first():
    made = book(asks=[(100, [5])])
    made.submit("buy", 1, 100)
    made.replay(messages((0, 90, Side.BUY, 50, 1, 0), (0, 91, Side.BUY, 100, 1, 0)))
    assert made.tape()["message"].tolist() == [1, 3]
    assert OrderBook(price_range=(1, 9), max_orders=9).tape().tolist() == []


def test_buffers_are_written_in_place():
    made = OrderBook(price_range=(1, 4_000), max_orders=100)
    rows = messages((0, 1, Side.SELL, 100, 5, 0), (0, 2, Side.BUY, 100, 2, 0))
    receipts, tape = np.zeros(2, RECEIPT_DTYPE), np.zeros(9, TAPE_DTYPE)
    got, traded = made.replay(rows, receipts=receipts, tape=tape)
    assert np.shares_memory(got, receipts) and np.shares_memory(traded, tape)
    tape[:] = 0  # what the book keeps is its own
    assert made.tape()["qty"].tolist() == [2]


TWINS = [copy.copy, copy.deepcopy, OrderBook.copy, lambda book: pickle.loads(pickle.dumps(book))]


@pytest.mark.parametrize("twin", TWINS)
def test_copies_are_independent(twin):
    made = book(bids=[(90, [5])])
    other = twin(made)
    made.submit("sell", 5, 90)
    assert (made.best_bid, other.best_bid) == (None, 90)
    assert other.submit("sell", 1, 90).order_id == 2
    assert len(made.tape()) == len(other.tape()) == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"price_range": (0, 10)}, r"price_range must satisfy 1 <= lowest <= highest"),
        ({"price_range": (10, 9)}, r"got \(10, 9\)"),
        ({"price_range": 7}, "price_range must be two whole numbers"),
        ({"max_orders": 0}, "max_orders must lie between 1 and 1,048,575, got 0"),
        ({"max_owners": 70_000}, "max_owners must lie between 1 and 65,536"),
        ({"self_trade": "cancel_new"}, "did you mean 'cancel_newest'"),
        ({"ids": "callers"}, "did you mean 'caller'"),
    ],
)
def test_settings_that_cannot_be(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        OrderBook(**settings)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda b: b.submit("by", 1, 5),
            "side must be one of buy, sell, got 'by'; did you mean 'buy'",
        ),
        (lambda b: b.submit(3, 1, 5), "side must be one of buy, sell, got 3"),
        (lambda b: b.submit("buy", 1.5, 5), "qty must be a whole number, got 1.5"),
        (lambda b: b.submit("buy", 1, 5, tif="day"), "tif must be one of gtc, ioc, fok, got 'day'"),
        (lambda b: b.submit("buy", 1, 5, price_cap=6), "leave one out"),
        (
            lambda b: b.set_state("closed"),
            "state must be one of open, cancel_only, halted, auction",
        ),
        (lambda b: b.position(-1), "owner must lie between 0 and 65,535, got -1"),
        (lambda b: b.cancel("x"), "order_id must be a whole number, got 'x'"),
        (
            lambda b: b.replay(np.zeros(3)),
            "messages must be a 1-d array of squeezegym.MESSAGE_DTYPE",
        ),
        (
            lambda b: b.replay(messages(*[(0, 1, 0, 5, 1, 0)] * 3), tape=np.zeros(2, TAPE_DTYPE)),
            "tape must have at least 6 rows, got 2",
        ),
    ],
)
def test_arguments_that_cannot_mean_anything(call, sentence):
    made = OrderBook(price_range=(1, 4_000), max_orders=100, keep_tape=False)
    with pytest.raises(SqueezegymError, match=sentence):
        call(made)
    assert len(made) == 0 and made.counts() == {}


def test_a_book_without_tape_says_so():
    with pytest.raises(ConfigError, match="keep_tape=True"):
        OrderBook(price_range=(1, 4_000), max_orders=100, keep_tape=False).tape()


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

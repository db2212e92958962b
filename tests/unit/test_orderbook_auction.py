"""The stand-alone book's states and auctions: literals in, literals out."""

import pytest

from squeezegym import OrderBook
from squeezegym.codes import Status
from squeezegym.errors import ConfigError
from squeezegym.orderbook import Uncross
from tests.unit.orderbooks import book

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]


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

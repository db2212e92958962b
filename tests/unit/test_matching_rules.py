"""The rules of the matching engine inside a market: the same engine, with accounts behind it."""

import pytest

from squeezegym.codes import Account, OrderFlag, SelfTrade, Status, Tif
from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario
from tests.kernels import BUY, GTC, IOC, SELL, Exchange, read_book, small_market
from tests.oracle.book_checks import assert_sound

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]
A, B, C = 16, 17, 18
FOK = int(Tif.FOK)
MAKER = int(Account.MAKER)
POST_ONLY, REDUCE_ONLY = int(OrderFlag.POST_ONLY), int(OrderFlag.REDUCE_ONLY)


def asks(exchange):
    assert_sound(exchange.book())
    return [(price, [qty for _, qty, _ in queue]) for price, queue in read_book(exchange.book())[1]]


def positions(exchange, *slots):
    return [int(exchange.accounts["perp"][slot]) for slot in slots]


@pytest.mark.parametrize(
    ("rule", "filled", "left"),
    [
        (SelfTrade.ALLOW, 6, [4]),
        (SelfTrade.CANCEL_NEWEST, 2, [3, 5]),
        (SelfTrade.CANCEL_OLDEST, 6, [1]),
        (SelfTrade.CANCEL_BOTH, 2, [5]),
        (SelfTrade.DECREMENT, 3, [4]),
    ],
)
def test_an_account_that_meets_itself(rule, filled, left):
    exchange = Exchange(rule=rule)
    for owner, qty in ((B, 2), (A, 3), (B, 5)):
        exchange.place(SELL, 100, qty, owner=owner)
    assert exchange.place(BUY, 100, 6, GTC, A) == (filled, 0)
    assert asks(exchange) == [(100, left)]
    assert sum(positions(exchange, A, B)) == 0


def test_a_pool_stands_for_many_traders():
    exchange = Exchange(rule=SelfTrade.CANCEL_NEWEST)
    exchange.place(SELL, 100, 5, owner=MAKER)
    assert exchange.place(BUY, 100, 5, IOC, MAKER) == (5, 0)


def test_fill_or_kill_and_post_only():
    exchange = Exchange()
    exchange.place(SELL, 100, 5, owner=A)
    assert exchange.place(BUY, 100, 6, FOK, B) == (0, 0)
    assert exchange.place(BUY, 100, 5, GTC, B, flags=POST_ONLY) == (0, 0)
    assert asks(exchange) == [(100, [5])]
    assert exchange.place(BUY, 100, 5, FOK, B) == (5, 0)
    assert exchange.place(BUY, 99, 5, GTC, B, flags=POST_ONLY)[1] != 0


def test_a_market_order_takes_any_price_and_does_not_rest():
    exchange = Exchange()
    exchange.place(SELL, 100, 5, owner=A)
    exchange.place(SELL, 2_000_000, 5, owner=A)
    assert exchange.place(BUY, 0, 12, GTC, B) == (10, 0)
    assert asks(exchange) == []


@pytest.mark.parametrize("venue", [0, 1])
def test_reduce_only_never_turns_a_position(venue):
    exchange = Exchange()
    field = ("perp", "spot")[venue]

    def place(side, price, qty, owner, flags=0):
        return exchange.place(side, price, qty, GTC, owner, venue, flags)

    assert place(SELL, 99, 4, A, REDUCE_ONLY) == (0, 0)
    place(SELL, 100, 10, B)
    place(BUY, 100, 10, A)
    _, closing = place(SELL, 105, 50, A, REDUCE_ONLY)
    assert [qty for _, qty, _ in read_book(exchange.book(venue))[1][0][1]] == [10]
    place(BUY, 90, 7, C)
    assert place(SELL, 90, 7, A)[0] == 7
    assert place(BUY, 105, 9, C)[0] == 3  # three lots were left to close
    assert int(exchange.accounts[field][A]) == 0
    assert exchange.cancel(closing, venue) == 0
    assert int(exchange.book(venue)["expired"]) == 1


def test_the_scenario_chooses_the_price_window():
    market = small_market(log=True, **{"matching.price_range": (61_000.0, 62_500.0)})
    market.run(3.0)
    orders = market.orders(0)
    tick = market.scenario.contract.tick_size
    assert orders["price"].min() * tick >= 61_000 and orders["price"].max() * tick <= 62_500
    statuses = market.log()["status"]
    assert (statuses == Status.PRICE_OUT_OF_RANGE).any()


def test_rules_that_cannot_be():
    with pytest.raises(ConfigError, match="price_range must be"):
        Scenario.load("calm", matching={"price_range": (5.0, 4.0)})
    with pytest.raises(ConfigError, match="self_trade"):
        Scenario.load("calm", matching={"self_trade": "never"})


def test_the_rule_reaches_both_books():
    market = small_market(**{"matching.self_trade": "decrement"})
    assert market.record["books"]["self_trade"].tolist() == [SelfTrade.DECREMENT] * 2

"""What the stand-alone book says to settings and arguments that cannot be."""

import numpy as np
import pytest

from squeezegym import TAPE_DTYPE, OrderBook
from squeezegym.errors import ConfigError, SqueezegymError
from tests.unit.orderbooks import messages

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]


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

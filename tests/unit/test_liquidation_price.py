"""Prices as venues print them: literals in, literals out."""

import math

import numpy as np
import pytest

from squeezegym.core import liquidation_price as formulas
from squeezegym.data.liquidation_map import heatmap_level
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

LONG, SHORT = 1.0, -1.0


def call(kernel, *numbers):
    return float(from_python(kernel)(*map(float, numbers)))


def close(value):
    return pytest.approx(value, rel=1e-12)


def test_linear_price_of_a_cross_account():
    # Binance FAQ: ETH long beside a BTC long that has lost 56,354.57 and needs 71,200.81.
    numbers = (LONG, 3683.979, 1456.84, 1_535_443.01, 0.1, 135_365.0, 71_200.81144, -56_354.57)
    assert call(formulas.linear_price, *numbers) == pytest.approx(1153.26, abs=0.005)
    alone = (LONG, 3683.979, 1456.84, 1_535_443.01, 0.1, 135_365.0, 0, 0)
    assert call(formulas.linear_price, *alone) == pytest.approx(1114.78, abs=0.006)


@pytest.mark.parametrize(
    ("side", "wallet", "price"),
    [
        (SHORT, 2.0, 12.01 / 1.01),
        (SHORT, 0.0, 10.01 / 1.01),  # no margin: below the entry
        (LONG, 2.0, 7.99 / 0.99),
        (LONG, 10.0, -0.01 / 0.99),  # unlevered: no price liquidates it
    ],
)
def test_linear_price(side, wallet, price):
    numbers = (side, 1.0, 10.0, wallet, 0.01, 0.01, 0.0, 0.0)
    assert call(formulas.linear_price, *numbers) == close(price)


@pytest.mark.parametrize(
    ("side", "price"), [(LONG, 8.0 / 0.9894), (SHORT, 12.0 / 1.0106)], ids=["long", "short"]
)
def test_fee_price(side, price):
    assert call(formulas.fee_price, side, 1, 10, 2, 0.01, 0.0006) == close(price)


@pytest.mark.parametrize(
    ("side", "deduction", "extra", "price"),
    [
        (LONG, 0, 0, 19_700),
        (SHORT, 0, 0, 20_300),
        (LONG, 0, 300, 19_400),
        (SHORT, 40, 0, 20_340),
    ],
)
def test_entry_price(side, deduction, extra, price):
    assert call(formulas.entry_price, side, 1, 20_000, 50, 0.005, deduction, extra) == close(price)


@pytest.mark.parametrize(
    ("side", "price"), [(LONG, 97_500 / 0.9875), (SHORT, 102_500 / 1.0125)], ids=["long", "short"]
)
def test_hyperliquid_price(side, price):
    numbers = (side, 1, 100_000, 2500, 0.0125)
    assert call(formulas.hyperliquid_price, *numbers) == close(price)
    # Seen from another price of the same position it is the same.
    moved = (side, 1, 100_500, 2500 + side * 500, 0.0125)
    assert call(formulas.hyperliquid_price, *moved) == close(price)


@pytest.mark.parametrize(
    ("side", "equity", "price"),
    [(LONG, 500, 2500 / 0.9), (SHORT, 500, 3500 / 1.1), (LONG, 0, 3000 / 0.9)],
)
def test_dydx_price(side, equity, price):
    assert call(formulas.dydx_price, side, 1, 3000, equity, 0.1) == close(price)


def test_inverse_prices_of_a_long_under_cross_margin():
    # Bybit prints 5718.57 and 5739.50 (rounded on the way).
    terms = (LONG, 10_000, 8000, 0.5)
    assert call(formulas.inverse_cross_bankruptcy, *terms, 0.00075) == close(10_007.5 / 1.75)
    found = call(formulas.inverse_price, *terms, 0.005, 0.00075)
    assert found == close(10_000 / (1.75 - 0.00625 - 1.75 * 0.00075 / 1.00075))


def test_inverse_prices_of_a_short():
    terms = (SHORT, 10_000, 8000, 0.5)
    assert call(formulas.inverse_cross_bankruptcy, *terms, 0.00075) == close(9992.5 / 0.75)
    found = call(formulas.inverse_price, *terms, 0.005, 0.00075)
    assert found == close(10_000 / (0.75 + 0.00625 + 0.75 * 0.00075 / 0.99925))
    rich = (SHORT, 10_000, 8000, 1.25)
    assert call(formulas.inverse_cross_bankruptcy, *rich, 0.00075) == math.inf
    assert call(formulas.inverse_price, SHORT, 10_000, 8000, 1.5, 0.005, 0.00075) == math.inf


@pytest.mark.parametrize(
    ("side", "entry", "leverage", "price"),
    [
        (LONG, 7890.08, 50, 7890.08 * 50 / 51),  # Bybit prints 7735.372549
        (SHORT, 8000, 50, 8000 * 50 / 49),
        (LONG, 8000, 1, 4000),
        (SHORT, 8000, 1, math.inf),
    ],
)
def test_inverse_bankruptcy(side, entry, leverage, price):
    assert call(formulas.inverse_bankruptcy, side, entry, leverage) == close(price)


@pytest.mark.parametrize(
    ("quote", "positions", "index", "share", "expected"),
    [
        (5499, [(-0.1, 50_000, 0.1)], 0, 1.0, -5499),
        (5499, [(-0.1, 50_000, 0.1)], 0, 0.5, -2749.5),
        (-490, [(0.004, 50_000, 0.1), (0.1, 3000, 0.1)], 1, 1.0, 294),
        (-500, [(0.004, 50_000, 0.1), (0.1, 3000, 0.1)], 1, 1.0, 300),  # no equity: at the oracle
        (100, [(0.0, 50_000, 0.1)], 0, 1.0, 0),
    ],
)
def test_dydx_bankruptcy_quote(quote, positions, index, share, expected):
    sizes, prices, rates = (np.array(column, float) for column in zip(*positions, strict=True))
    found = from_python(formulas.dydx_bankruptcy_quote)(
        float(quote), sizes, prices, rates, np.int64(index), share
    )
    assert float(found) == close(expected)


def test_heatmap_levels():
    assert heatmap_level(-1, 100_000, 25) == 104_000
    assert heatmap_level(1, 100_000, 25) == 96_000
    assert heatmap_level(1, 100_000, 1) == 0

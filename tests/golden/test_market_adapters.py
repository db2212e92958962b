"""The book that a golden case of impact prices is built into, whatever decimals it is given in."""

from fractions import Fraction

import pytest

from tests.golden.market_adapters import impact_prices_and_premium

pytestmark = pytest.mark.nojit
BOOKS = [
    ([[100.01, 0.123], [99.997, 5.5]], [[100.25, 12_345.678], [101.0, 1]], 99.5, 500.0),
    ([[64_000, 1], [63_990, 2]], [[64_010, 3]], 64_020, 128_000),
    ([[0.06512, 150], [0.065, 1e6]], [[0.0652, 40], [0.06525, 2500]], 0.0648, 100.5),
]


def average(levels, notional):
    left, lots = Fraction(notional), Fraction(0)
    for price, qty in levels:
        taken = min(Fraction(qty), left / Fraction(price))
        left -= taken * Fraction(price)
        lots += taken
    assert left == 0
    return Fraction(notional) / lots


@pytest.mark.parametrize(("bids", "asks", "index", "notional"), BOOKS)
def test_impact_prices_of_any_decimals(bids, asks, index, notional):
    inputs = {"bids": bids, "asks": asks, "index": index, "impact_notional": notional}
    found = impact_prices_and_premium(inputs)
    bid, ask = average(bids, notional), average(asks, notional)
    assert found["impact_bid"] == pytest.approx(float(bid), rel=1e-12)
    assert found["impact_ask"] == pytest.approx(float(ask), rel=1e-12)
    premium = (max(0, bid - Fraction(index)) - max(0, Fraction(index) - ask)) / Fraction(index)
    assert found["premium"] == pytest.approx(float(premium), abs=1e-12)


def test_a_thin_side_adds_no_premium():
    inputs = {"bids": [[101.5, 1]], "asks": [[102, 1]], "index": 103, "impact_notional": 1000}
    assert impact_prices_and_premium(inputs)["premium"] == 0

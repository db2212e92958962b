"""Index and mark, in worked numbers."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym.core.marks import index_price, mark_price, median, median_of_three
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

EVEN = np.full(5, 0.2)
number = st.floats(1.0, 1e9)


def index(prices, weights=EVEN, outlier=0.05):
    prices = np.array(prices, float)
    return float(from_python(index_price)(prices, np.array(weights, float), outlier))


@given(values=st.lists(st.one_of(number, st.integers(1, 3).map(float)), min_size=1, max_size=9))
def test_median_of_an_odd_number(values):
    values = values if len(values) % 2 else values[1:] or [1.0, 2.0, 3.0]
    values = values if len(values) % 2 else values[1:]
    array = np.array(values)
    assert float(from_python(median)(array)) == statistics.median(values)
    assert array.tolist() == values


@given(a=number, b=number, c=number)
def test_median_of_three(a, b, c):
    assert float(from_python(median_of_three)(a, b, c)) == statistics.median((a, b, c))


def test_index_is_the_weighted_mean():
    weights = (0.35, 0.25, 0.2, 0.1, 0.1)
    assert index((100, 101, 102, 103, 104), weights) == pytest.approx(101.35, abs=1e-12)
    assert index((100, 101, 102, 103, 104), np.array(weights) * 7) == pytest.approx(101.35)


def test_one_outlier_loses_its_weight():
    # Median 100; 106 is more than 5 % away.
    assert index((100, 100, 102, 98, 106), (0.2, 0.2, 0.2, 0.2, 0.2)) == 100.0
    assert index((100, 101, 99, 100, 80), (0.1, 0.3, 0.2, 0.3, 0.1)) == pytest.approx(
        (10 + 30.3 + 19.8 + 30) / 0.9
    )


def test_a_venue_exactly_at_the_threshold_stays():
    assert index((100, 100, 100, 100, 105)) == pytest.approx(101.0)


def test_two_outliers_make_the_median_the_index():
    assert index((100_000, 100_100, 99_990, 93_000, 107_000)) == 100_000
    assert index((100, 110, 120, 100, 100)) == 100


def test_no_weight_left_makes_the_median_the_index():
    assert index((100, 100, 100, 100, 200), (0, 0, 0, 0, 1)) == 100


@given(prices=st.lists(number, min_size=5, max_size=5))
def test_the_index_lies_among_the_venues(prices):
    found = index(prices)
    assert min(prices) * (1 - 1e-12) <= found <= max(prices) * (1 + 1e-12)


MARKS = [
    # index, funding rate, share of the interval left, mean basis, last, mark
    (10_000.0, 0.0003, 0.5, 0.0, 10_100.0, 10_001.5),  # Binance FAQ: 4 h of 8 h left
    (100_000.0, 0.000025, 1.0, 150.0, 100_900.0, 100_150.0),  # a wick of the last price
    (100_000.0, 0.001, 1.0, 300.0, 100_200.0, 100_200.0),  # the last price in the middle
    (60_000.0, -0.00375, 0.75, -500.0, 59_831.25, 59_831.25),
    (100_000.0, 0.0, 0.0, -20.0, 99_000.0, 99_980.0),
]


@pytest.mark.parametrize(("index_", "funding", "left", "basis", "last", "mark"), MARKS)
def test_mark_is_the_median_of_the_three_prices(index_, funding, left, basis, last, mark):
    found = from_python(mark_price)(index_, funding, left, basis, last)
    assert float(found) == pytest.approx(mark, abs=1e-9)

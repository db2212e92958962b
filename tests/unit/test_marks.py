"""Index and mark, in worked numbers."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym.codes import NO_ASK
from squeezegym.core.marks import (
    clamped_index,
    clamped_last,
    funding_basis_mark,
    hyperliquid_mark,
    index_price,
    mark_price,
    median,
    median_of_three,
    moving_mean,
    window_mean,
)
from tests.kernels import from_python

pytestmark = [pytest.mark.nojit, pytest.mark.boundscheck]

EVEN = np.full(5, 0.2)
number = st.floats(1.0, 1e9)


def index(prices, weights=EVEN, outlier=0.05):
    prices = np.array(prices, float)
    return float(from_python(index_price)(prices, np.array(weights, float), outlier))


@given(values=st.lists(st.one_of(number, st.integers(1, 3).map(float)), min_size=1, max_size=9))
def test_median_of_an_array(values):
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


def test_two_outliers_of_an_even_number_make_the_mean_of_the_middle_ones_the_index():
    weights = (0.4, 0.3, 0.2, 0.1)
    assert index((100_000, 100_100, 93_000, 107_000), weights) == 100_050
    assert index((100_000, 100_100, 93_000, 100_050), weights) == pytest.approx(
        (40_000 + 30_030 + 10_005) / 0.8
    )


def test_a_silent_venue_is_no_outlier():
    # Two venues lie beyond 5 %, but one of them has no weight: no median.
    assert index((100, 101, 102, 90, 120), (0.3, 0.3, 0.2, 0.0, 0.2)) == pytest.approx(
        (30 + 30.3 + 20.4) / 0.8
    )


def test_the_clamped_index_holds_every_venue_near_the_median():
    def clamped(prices, weights=EVEN):
        prices, weights = np.array(prices, float), np.array(weights, float)
        return float(from_python(clamped_index)(prices, weights, 0.005))

    assert clamped((1000, 1001, 999, 1002, 998)) == 1000
    assert clamped((1000, 1000, 1000, 1000, 1200)) == pytest.approx(1001)
    assert clamped((1000, 1000, 1000, 900, 1200), (5, 1, 1, 1, 1)) == pytest.approx(1000)
    assert clamped((1000, 1000, 1000, 900, 1200), (1, 0, 0, 1, 0)) == pytest.approx(997.5)
    assert clamped((1000, 1001, 1002, 1003, 1004), np.zeros(5)) == 1002


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


def test_mark_of_the_funding_basis():
    mark = from_python(funding_basis_mark)
    assert float(mark(10_000.0, 0.0003, 0.5)) == pytest.approx(10_001.5, abs=1e-9)
    assert float(mark(60_000.0, -0.00375, 0.75)) == pytest.approx(59_831.25, abs=1e-9)
    assert float(mark(60_000.0, -0.00375, 0.0)) == 60_000


def test_mark_of_the_last_trade_within_the_touch():
    mark = from_python(clamped_last)
    for last, found in ((871.2, 871.2), (870.0, 871.0), (900.0, 871.5)):
        assert float(mark(last, 871.0, 871.5)) == found
    assert float(mark(900.0, 0.0, float(NO_ASK))) == 900  # an empty book


def test_a_moving_mean_forgets():
    mean = np.zeros(2)
    step = from_python(moving_mean)
    assert float(step(mean, 10.0, 3.0, 150.0)) == 10
    num, den = 10.0 * 3, 3.0
    for x, elapsed in ((20.0, 3.0), (-5.0, 1.0), (0.0, 30.0)):
        num = num * math.exp(-elapsed / 150) + x * elapsed
        den = den * math.exp(-elapsed / 150) + elapsed
        assert float(step(mean, x, elapsed, 150.0)) == pytest.approx(num / den, abs=1e-12)


def test_mark_of_hyperliquid_is_a_median():
    mark = from_python(hyperliquid_mark)
    assert float(mark(10_000.0, 20.0, 10_010.0, 10_030.0)) == 10_020
    assert float(mark(10_000.0, 20.0, 10_200.0, 10_030.0)) == 10_030  # a wick of the book


def test_a_window_shorter_than_its_array():
    samples = np.arange(30.0)
    assert float(from_python(window_mean)(samples, np.int64(4))) == 1.5

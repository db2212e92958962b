"""Entropy of signs and patterns and the arrow of time, against closed forms and nulls."""

import math

import numpy as np
import pytest

from squeezegym import Market
from squeezegym.errors import ConfigError, DataError
from squeezegym.theory.entropywatch import NAMES, EntropyWatch
from squeezegym.theory.patterns import (
    block_entropy,
    forced_work,
    irreversibility,
    permutation_entropy,
    sign_entropy,
)
from tests.theory.staircase import frozen_market


def binary_entropy(p):
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def chain(n, stay, seed=0):
    """Sides that stay with a probability."""
    flips = np.random.default_rng(seed).random(n) >= stay
    return 1 - 2 * (np.cumsum(flips) % 2)


@pytest.mark.parametrize("p", [0.5, 0.8])
def test_sign_entropy_without_the_bias_of_a_short_window(p):
    random = np.random.default_rng(1)
    found = [sign_entropy(np.where(random.random(40) < p, 1, -1)) for _ in range(4000)]
    assert np.mean(found) == pytest.approx(binary_entropy(p), abs=0.004)
    assert sign_entropy(np.ones(50)) == 0.0


def test_block_entropy_of_sides_with_memory():
    found = [block_entropy(chain(300, 0.75, s), 3, 20, s) for s in range(100)]
    assert np.mean(found) == pytest.approx(binary_entropy(0.75), abs=0.015)
    free = [block_entropy(chain(100, 0.5, s), 3, 20, s) for s in range(100)]
    assert np.mean(free) == pytest.approx(1.0, abs=0.01)


def test_permutation_entropy():
    random = np.random.default_rng(2)
    free = [permutation_entropy(random.standard_normal(100), 4, 20, s) for s in range(60)]
    assert np.mean(free) == pytest.approx(1.0, abs=0.006)
    assert permutation_entropy(np.arange(100.0), 4) == 0.0
    # Of a random walk, order 3: 2 patterns with chance 1/4 and 4 with 1/8.
    walk = random.standard_normal(50_000).cumsum()
    expected = (0.5 * math.log2(4) + 0.5 * math.log2(8)) / math.log2(6)
    assert permutation_entropy(walk, 3, 2) == pytest.approx(expected, abs=2e-3)


@pytest.mark.slow
def test_permutation_entropy_is_that_of_antropy():
    from antropy import perm_entropy  # compiles for 20 s

    random = np.random.default_rng(8)
    values = random.standard_normal(200).cumsum()
    shuffled = np.random.default_rng(0).permutation(values)
    expected = perm_entropy(values, order=4) / perm_entropy(shuffled, order=4)
    assert permutation_entropy(values, 4, shuffles=1) == pytest.approx(expected)


def test_a_reversible_series_has_no_arrow_even_in_a_short_window():
    random = np.random.default_rng(3)
    walks = [random.standard_normal(120).cumsum() for _ in range(150)]
    found = np.array([irreversibility(x, 3, 20, s) for s, x in enumerate(walks)])
    assert abs(found.mean()) < 3 * found.std() / math.sqrt(150) + 2e-3


def test_a_drift_has_the_arrow_of_the_closed_form():
    # Order 3, steps of one size: windows are up-up, down-down (ties of up-down left out).
    p = 0.6
    steps = np.where(np.random.default_rng(4).random(100_000) < p, 1.0, -1.0)
    found = irreversibility(steps.cumsum(), 3, 5)
    share = p * p / (p * p + (1 - p) ** 2)
    assert found == pytest.approx((2 * share - 1) * math.log2(share / (1 - share)), rel=0.05)


def test_a_saw_has_an_arrow_and_its_reverse_the_same():
    saw = np.tile([0.0, 1.0, 2.0, 3.0, 0.5], 60) + np.random.default_rng(5).normal(0, 0.01, 300)
    forward, backward = irreversibility(saw, 3), irreversibility(saw[::-1], 3)
    assert forward > 0.5
    assert backward == pytest.approx(forward, rel=0.1)


def test_forced_work():
    grid, prices = [0.0, 1.0, 2.0, 3.0], [100.0, 102.0, 105.0, 104.0]
    done = forced_work([0.5, 1.5, 2.5], [1.0, 2.0, 3.0], grid, prices)
    assert done.tolist() == [0.0, 4.0, 19.0]
    assert forced_work([], [], grid, prices).tolist() == []
    with pytest.raises(DataError, match="before the grid"):
        forced_work([-1.0], [1.0], grid, prices)


def test_a_watch_stands_beside_its_market():
    market, other = Market("calm", seed=5), Market("calm", seed=5)
    watch = EntropyWatch(window=60, shuffles=5)
    for _ in range(20):
        market.run(seconds=1.0)
        watch.update(market.record)
    assert np.isnan(watch.observe()).all()
    for _ in range(60):
        market.run(seconds=1.0)
        watch.update(market.record)
    found = dict(zip(NAMES, watch.observe(), strict=True))
    assert 0.8 < found["sign_entropy"] < 1.03
    assert 0.5 < found["permutation_entropy"] < 1.1
    other.run(seconds=80.0)
    assert market.record.tobytes() == other.record.tobytes()


def test_a_watch_counts_the_work_of_the_engine():
    # Forced lots V climb a book of depth lambda: they pay V^2 / (2 lambda) beyond the start,
    # and the mid moves by half of what the asks do.
    market = frozen_market(0.6, size=0.1)
    watch = EntropyWatch(window=500, shuffles=1)
    start = market.mid()
    path = []
    for _ in range(400):
        market.run(seconds=0.1)
        watch.update(market.record)
        path.append((int(market.record["score"]["liquidated"][1]), market.mid() - start))
    forced, risen = np.array(path).T
    expected = float(np.diff(forced) @ risen[:-1])
    found = dict(zip(NAMES, watch.observe(), strict=True))["forced_work"]
    assert found == pytest.approx(expected, rel=0.05)
    assert forced[-1] * risen[-1] / 3 < found < forced[-1] * risen[-1]


def test_bad_windows():
    with pytest.raises(ConfigError, match="window"):
        EntropyWatch(window=5)
    with pytest.raises(DataError, match="at least 30"):
        sign_entropy(np.zeros(100))

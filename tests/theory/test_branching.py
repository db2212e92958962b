"""Estimators of the branching ratio against simulated cascades whose ratio is known."""

import numpy as np
import pytest

from squeezegym.errors import DataError
from squeezegym.theory.branching import (
    fano_branching,
    hawkes_branching,
    size_branching,
    step_branching,
)


def hawkes(n, horizon, rate=1.0, decay=1.0, seed=0):
    """Times of a self-exciting process: immigrants, and each event's children after them."""
    random = np.random.default_rng(seed)
    generation = random.uniform(0.0, horizon, random.poisson(rate * (1 - n) * horizon))
    found = [generation]
    while len(generation):
        parents = np.repeat(generation, random.poisson(n, len(generation)))
        generation = parents + random.exponential(1 / decay, len(parents))
        found.append(generation)
    times = np.sort(np.concatenate(found))
    return times[times < horizon]


def sizes(n, seeds, cascades, seed=0):
    random = np.random.default_rng(seed)
    total = np.full(cascades, seeds)
    alive = total.copy()
    while alive.any():
        alive = random.poisson(n * alive)
        total = total + alive
    return total


@pytest.mark.parametrize("n", [0.0, 0.5, 0.9])
def test_hawkes_ratio_without_the_bias_of_short_windows(n):
    # Windows of 3 times the memory: the plain estimate of n = .9 is .83 to .85.
    window = 3.0 / (1 - n)
    times = hawkes(n, 3000 * window, seed=4)
    found = hawkes_branching(times, window, 3000 * window)
    assert found.value == pytest.approx(n, abs=max(3.5 * found.error, 0.02))
    assert found.error < 0.03
    if n == 0.9:
        counts = np.diff(np.searchsorted(times, np.arange(3001) * window))
        assert fano_branching(counts).value < found.value - 0.01


def test_hawkes_windows_of_four_memories_are_long_enough():
    # Counts in windows of 8 memories alone fall .013 short.
    found = [hawkes_branching(hawkes(0.8, 40_000.0, seed=s), 20.0, 40_000.0) for s in range(16)]
    assert np.mean([x.value for x in found]) == pytest.approx(0.8, abs=0.006)


def test_hawkes_error_is_that_of_repetitions():
    found = [hawkes_branching(hawkes(0.7, 6000.0, seed=s), 20.0, 6000.0) for s in range(60)]
    spread = np.std([x.value for x in found])
    assert np.mean([x.error for x in found]) == pytest.approx(spread, rel=0.35)


def test_size_ratio_and_its_error():
    found = [size_branching(sizes(0.8, 10, 400, s), 10.0) for s in range(200)]
    values = np.array([x.value for x in found])
    assert values.mean() == pytest.approx(0.8, abs=4 * values.std() / np.sqrt(200) + 1e-3)
    assert np.mean([x.error for x in found]) == pytest.approx(values.std(), rel=0.2)


def test_fano_ratio_of_whole_cascades():
    # Poisson numbers of cascades of the Borel law have F = 1 / (1 - n)^2.
    random = np.random.default_rng(5)
    counts = np.array([sizes(0.6, 1, k, s).sum() for s, k in enumerate(random.poisson(8, 4000))])
    found = fano_branching(counts)
    assert found.value == pytest.approx(0.6, abs=3 * found.error)
    assert found.error < 0.02


def test_step_ratio_and_its_error():
    def one(seed):
        random = np.random.default_rng(seed)
        exogenous = random.poisson(20, 400).astype(float)
        forced = np.zeros(400)
        for k in range(399):
            forced[k + 1] = random.poisson(0.7 * (forced[k] + exogenous[k]))
        return step_branching(forced, exogenous)

    found = [one(s) for s in range(100)]
    values = np.array([x.value for x in found])
    assert values.mean() == pytest.approx(0.7, abs=0.003)
    assert np.mean([x.error for x in found]) == pytest.approx(values.std(), rel=0.25)


def test_too_little():
    with pytest.raises(DataError, match="record longer or take shorter windows"):
        hawkes_branching(np.arange(10.0), 1.0)
    with pytest.raises(DataError, match="pass sizes with the start"):
        size_branching([0.0, 0.0], 1.0)
    with pytest.raises(DataError, match="no events"):
        fano_branching(np.zeros(100))
    with pytest.raises(DataError, match="at least 40"):
        step_branching(np.ones(10), np.ones(10))

"""Bootstrap intervals: the width that theory gives, the coverage they promise, the same by seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from squeezegym.errors import ConfigError, DataError
from squeezegym.theory import bootstrap
from squeezegym.theory.bootstrap import block_interval, episode_interval
from squeezegym.theory.powerlaw import tail_index

SLOPE = 0.8
Z = 1.96


def autoregressions(rows, n, seed=3):
    """AR(1) paths of unit innovations, started in their stationary law."""
    noise = np.random.default_rng(seed).normal(size=(n, rows))
    series = np.empty_like(noise)
    series[0] = noise[0] / math.sqrt(1 - SLOPE**2)
    for i in range(1, n):
        series[i] = SLOPE * series[i - 1] + noise[i]
    return series.T


def test_episodes_give_the_width_of_a_mean():
    values = np.random.default_rng(3).normal(10.0, 2.0, 100)
    low, high = episode_interval(list(values), np.mean)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * Z * values.std() / 10, rel=0.1)


def test_episodes_may_be_series_that_are_pooled():
    draws = np.random.default_rng(3)
    episodes = [1 + draws.pareto(3.0, 2_000) for _ in range(12)]
    low, high = episode_interval(
        episodes, lambda drawn: tail_index(np.concatenate(drawn), 0.1), resamples=300
    )
    assert low < 3.0 < high
    assert high - low == pytest.approx(2 * Z * 3.0 / math.sqrt(2_400), rel=0.6)


def test_episodes_that_agree_give_one_point():
    assert episode_interval([1.0] * 8, np.median, resamples=100) == (1.0, 1.0)
    assert episode_interval([1.0] * 20 + [2.0], np.median, resamples=100) == (1.0, 1.0)


@pytest.mark.parametrize("kind", ["stationary", "moving"])
def test_blocks_keep_the_memory_of_a_series(kind):
    """The standard error of an AR(1) mean is 1 / (1 - slope) / sqrt(n); single draws miss it."""
    (series,) = autoregressions(1, 20_000)
    expected = 2 * Z / (1 - SLOPE) / math.sqrt(len(series))
    low, high = block_interval(np.mean, series, block=100, kind=kind, resamples=500)
    assert high - low == pytest.approx(expected, rel=0.2)
    low, high = block_interval(np.mean, series, block=1, kind=kind, resamples=500)
    assert high - low < expected / 2


@pytest.mark.parametrize("kind", ["stationary", "moving"])
def test_blocks_cover_as_often_as_they_say(kind):
    hits = 0
    for series in autoregressions(200, 1_000):
        low, high = block_interval(np.mean, series, block=40, kind=kind, level=0.9, resamples=200)
        hits += low <= 0 <= high
    assert 0.8 <= hits / 200 <= 0.97


def test_series_are_drawn_together():
    x = np.random.default_rng(3).normal(size=200)
    assert block_interval(lambda a, b: np.corrcoef(a, b)[0, 1], x, 2 * x, block=10) == (
        pytest.approx((1.0, 1.0))
    )


@pytest.mark.parametrize("kind", ["stationary", "moving"])
def test_blocks_are_of_the_length_asked_for(kind):
    draw = {"stationary": bootstrap._stationary, "moving": bootstrap._moving}[kind]
    rng = np.random.default_rng(3)
    joints = [np.mean(np.diff(draw(rng, 1_000, 20)) % 1_000 != 1) for _ in range(200)]
    assert np.mean(joints) == pytest.approx(1 / 20, rel=0.05)
    drawn = draw(rng, 1_003, 20)
    assert drawn.shape == (1_003,)
    assert 0 <= drawn.min() <= drawn.max() < 1_003


def test_the_seed_decides():
    series = list(np.random.default_rng(3).normal(size=60))
    for interval in (
        lambda seed: episode_interval(series, np.mean, resamples=100, seed=seed),
        lambda seed: block_interval(np.mean, series, block=5, resamples=100, seed=seed),
    ):
        assert interval(1) == interval(1)
        assert interval(1) != interval(2)


@pytest.mark.parametrize(
    ("refused", "error", "says"),
    [
        (lambda: episode_interval([1.0] * 4, np.mean), DataError, "there are 4 episodes"),
        (lambda: episode_interval([math.nan] * 9, np.mean), DataError, "a resample gives nan"),
        (lambda: episode_interval([1.0] * 9, np.mean, level=1.0), ConfigError, "level must lie"),
        (lambda: episode_interval([1.0] * 9, np.mean, resamples=9), ConfigError, "resamples must"),
        (lambda: block_interval(np.mean, block=1), DataError, "there is no series"),
        (lambda: block_interval(np.mean, [1.0, math.nan] * 9, block=1), DataError, "is nan"),
        (lambda: block_interval(np.mean, [1.0] * 9, [1.0] * 8, block=1), DataError, "one length"),
        (lambda: block_interval(np.mean, [1.0] * 9, block=2), ConfigError, "block must lie"),
        (lambda: block_interval(np.mean, [1.0] * 9, block=1, seed=-1), ConfigError, "seed must"),
        (
            lambda: block_interval(np.mean, [1.0] * 9, block=1, kind="movin"),
            ConfigError,
            "did you mean 'moving'",
        ),
        (lambda: block_interval(lambda x: math.inf, [1.0] * 9, block=1), DataError, "gives inf"),
    ],
)
def test_what_gives_no_interval_gets_one_sentence(refused, error, says):
    with pytest.raises(error, match=says):
        refused()

"""Fits find what made the data."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from squeezegym import Scenario
from squeezegym.data.capture import TOP_DTYPE, TRADE_DTYPE, Book
from squeezegym.data.fit import KNOBS, fit_profile
from squeezegym.data.hawkes import fit_hawkes
from squeezegym.data.moments import (
    MOMENTS,
    Watched,
    half_life,
    intervals,
    moments,
    watch_captures,
)
from squeezegym.errors import DataError


def hawkes(base: float, branching: float, decay: float, end: float, seed: int) -> np.ndarray:
    """A self-exciting process as a branching one: immigrants and their children."""
    rng = np.random.default_rng(seed)
    generation = rng.uniform(0, end, rng.poisson(base * end))
    times = [generation]
    while len(generation):
        parents = np.repeat(generation, rng.poisson(branching, len(generation)))
        generation = parents + rng.exponential(1 / decay, len(parents))
        generation = generation[generation < end]
        times.append(generation)
    return np.sort(np.concatenate(times))


@pytest.mark.parametrize(("branching", "decay"), [(0.3, 5.0), (0.7, 2.0)])
def test_likelihood_finds_the_self_excitation(branching, decay):
    found = fit_hawkes(hawkes(2.0, branching, decay, 3_000.0, 1), 3_000.0, jitter_s=0.0)
    assert found.branching == pytest.approx(branching, abs=0.04)
    # Within two widths of each interval: one seed of twenty is outside of one.
    for ends, truth in (
        (found.branching_interval, branching),
        (found.decay_interval, decay),
        (found.base_interval, 2.0),
    ):
        assert ends.low**1.5 / ends.high**0.5 < truth < ends.high**1.5 / ends.low**0.5
    assert found.distance < 1.36 / np.sqrt(found.orders)
    assert found.gain > 0


def test_a_poisson_process_excites_nothing_and_a_wrong_model_shows():
    rng = np.random.default_rng(2)
    plain = np.sort(rng.uniform(0, 1_000, 3_000))
    found = fit_hawkes(plain, 1_000.0, jitter_s=0.0)
    assert found.branching < 0.1 and found.gain < 0.01
    clock = np.arange(3_000) / 3.0 + 0.01 * rng.random(3_000)
    assert fit_hawkes(clock, 1_000.0, jitter_s=0.0).distance > 1.36 / np.sqrt(3_000)
    with pytest.raises(DataError, match="allowed is at least 200"):
        fit_hawkes(plain[:50], 1_000.0)


def test_a_likelihood_is_that_of_its_definition():
    """The recursion against the double sum."""
    from squeezegym.data.hawkes import _recurse

    times, end, (base, n, b) = hawkes(1.0, 0.5, 3.0, 60.0, 3), 60.0, (1.2, 0.4, 2.5)
    gaps = np.empty(len(times))
    value = _recurse(times, end, np.array([base, n, b]), gaps)
    apart = times[:, None] - times[None, :]
    kernel = np.where(apart > 0, np.exp(-b * np.maximum(apart, 0)), 0.0).sum(axis=1)
    compensator = base * end + n * (1 - np.exp(-b * (end - times))).sum()
    assert value == pytest.approx(np.log(base + n * b * kernel).sum() - compensator)
    assert gaps.sum() < compensator


def test_half_life_of_an_autoregression():
    rng = np.random.default_rng(4)
    path = np.zeros(50_000)
    for i in range(1, len(path)):
        path[i] = 0.9 * path[i - 1] + rng.standard_normal()
    expected = np.log(2) / -np.log(0.9) * 0.5
    assert half_life(path[:-1], path[1:], 0.5) == pytest.approx(expected, rel=0.05)


def watched(seconds: int = 400, seed: int = 0) -> Watched:
    rng = np.random.default_rng(seed)
    logs = np.cumsum(rng.normal(0, 1e-4 / np.sqrt(10), (seconds * 10)))
    perp = 100 * np.exp(logs)
    spot = perp * np.exp(1e-5 * rng.standard_normal(seconds * 10))
    shape = (2, seconds, 10)
    return Watched(
        np.reshape([perp, spot], shape),
        np.reshape([np.full(seconds * 10, 0.1), np.full(seconds * 10, 0.2)], shape),
        rng.poisson(10.0, (2, seconds)).astype(float),
        np.exp(rng.normal(4, 0.1, seconds)),
    )


@pytest.mark.parametrize(
    ("bid", "ask", "spread"),
    [(10_003, 10_004, 0.1), (10_000, 10_010, 0.1), (9_999, 10_001, 0.2), (9_990, 10_000, 0.1)],
)
def test_spreads_are_compared_on_the_ticks_of_the_perp(bid, ask, spread):
    """Both books of a market stand there: a quote of spot between two of them is rounded out."""

    def recorded(tick_size: float, bid: int, ask: int) -> SimpleNamespace:
        times = np.arange(130) * 10**9
        tops = np.zeros(130, TOP_DTYPE)
        tops["time_ns"], tops["bid_ticks"], tops["ask_ticks"] = times, bid, ask
        level = np.array([[bid, 1]])
        books = tuple(Book(int(at), 0, level, level) for at in times)
        trades = np.zeros(1, TRADE_DTYPE)
        return SimpleNamespace(
            symbol="X",
            tick_size=tick_size,
            lot_size=1.0,
            tops=tops,
            trades=trades,
            depth_samples=books,
        )

    found = watch_captures(recorded(0.1, 1_000, 1_002), recorded(0.01, bid, ask))
    np.testing.assert_allclose(found.spreads[0], 0.2)
    np.testing.assert_allclose(found.spreads[1], spread)
    np.testing.assert_allclose(found.mids[1], (bid + ask) / 200)


def test_moments_are_those_of_the_series():
    found = moments([watched()])
    assert found.keys() == MOMENTS.keys()
    assert (found["perp spread"], found["spot spread"]) == pytest.approx((0.1, 0.2))
    assert found["perp trade rate"] == pytest.approx(10, rel=0.05)
    assert found["perp volatility"] == pytest.approx(1e-4, rel=0.1)
    assert found["perp depth"] == pytest.approx(np.exp(4.005), rel=0.02)
    assert found["refill"] < 0.5 and found["basis"] < 0.05
    assert found["branching"] < 0.3


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say():
    inside = []
    for seed in range(20):
        ends = intervals(watched(seed=seed), resamples=200)["perp trade rate"]
        inside.append(ends.low <= 10.0 <= ends.high)
    assert np.mean(inside) >= 0.8


def test_a_depth_profile_is_found():
    distance = np.arange(1, 600)
    lots = np.diff(np.append(0, 5.0 * distance**0.67)).round(6) * 1e6

    def book(i: int) -> Book:
        noise = 1 + 0.05 * np.sin(i)
        sides = [
            np.stack([100_000 + sign * distance, (lots * noise).astype(int)], axis=1)
            for sign in (-1, 1)
        ]
        return Book(i, i, *sides)

    class Capture:
        symbol, lot_size = "XUSDT", 1e-6
        depth_samples = tuple(book(i) for i in range(200))

    found = fit_profile(Capture())
    assert found.exponent == pytest.approx(0.67, abs=0.01)
    assert found.interval.low - 0.01 < 0.67 < found.interval.high + 0.01
    assert found.within_10bps == pytest.approx(5 * 100**0.67, rel=0.02)
    assert found.error < 0.02
    short = Capture()
    short.depth_samples = Capture.depth_samples[:50]
    with pytest.raises(DataError, match="50 samples of the book"):
        fit_profile(short)


def test_every_knob_moves_one_number_and_nothing_at_one():
    scenario = Scenario.load("from_data")
    levels = tuple((0.5 + i, 10.0, False) for i in range(5))
    scenario = Scenario.load(scenario, **{"depth.perp.bids": levels, "depth.perp.asks": levels})
    for knob in KNOBS:
        assert Scenario.load(scenario, **knob.turned(scenario, 1.0)) == scenario
        moved = Scenario.load(scenario, **knob.turned(scenario, 1.5))
        assert moved != scenario
        assert knob.moment in MOMENTS
        if "." in knob.name:
            section, name = knob.name.rsplit(".", 1)
            values = []
            for each in (scenario, moved):
                for part in section.split("."):
                    each = getattr(each, part)
                values.append(getattr(each, name))
            assert values[1] == pytest.approx(1.5 * values[0])

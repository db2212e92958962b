"""Estimators of stylised facts against samples whose answer is known in closed form."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from squeezegym.errors import ConfigError, DataError
from squeezegym.theory import basis, entropy, flow, liquidity, powerlaw, returns
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.facts import TARGETS, Fact, against_target

PAGE = Path(__file__).parents[2] / "docs" / "facts.md"


def rng(seed=7):
    return np.random.default_rng(seed)


def autoregression(slope, n, seed=7):
    """Stationary AR(1) of unit innovations: autocorrelation ``slope^lag``."""
    noise = rng(seed).normal(size=n)
    noise[0] /= math.sqrt(1 - slope**2)
    series = np.empty(n)
    series[0] = noise[0]
    for i in range(1, n):
        series[i] = slope * series[i - 1] + noise[i]
    return series


def fractional_noise(hurst, n, seed=7):
    """Exact fractional Gaussian noise by circulant embedding (Davies and Harte 1987)."""
    lag = np.arange(n + 1, dtype=float)
    covariance = (np.abs(lag - 1) ** (2 * hurst) - 2 * lag ** (2 * hurst)) / 2
    covariance += (lag + 1) ** (2 * hurst) / 2
    power = np.fft.fft(np.concatenate([covariance, covariance[-2:0:-1]])).real
    draws = rng(seed)
    noise = draws.normal(size=2 * n) + 1j * draws.normal(size=2 * n)
    return np.fft.fft(np.sqrt(np.maximum(power, 0) / (2 * n)) * noise).real[:n]


def overlap_by_hand(times_a, log_a, times_b, log_b):
    """Hayashi and Yoshida's sum, pair by pair."""
    total = 0.0
    for i in range(1, len(times_a)):
        for j in range(1, len(times_b)):
            if times_b[j - 1] < times_a[i] and times_b[j] > times_a[i - 1]:
                total += (log_a[i] - log_a[i - 1]) * (log_b[j] - log_b[j - 1])
    return total / math.sqrt(np.sum(np.diff(log_a) ** 2) * np.sum(np.diff(log_b) ** 2))


# Tails


@pytest.mark.parametrize("alpha", [1.5, 3.0, 4.0])
def test_hill_finds_the_exponent_of_a_pareto_tail(alpha):
    sizes = 1 + rng().pareto(alpha, 200_000)
    signs = rng(8).choice([-1, 1], len(sizes))
    k = 4_000
    assert powerlaw.tail_index(sizes * signs) == pytest.approx(alpha, abs=3 * alpha / math.sqrt(k))


def test_hill_of_three_values_by_hand():
    sizes = np.r_[np.ones(10), 1.0, np.full(10, math.e)]
    assert powerlaw.tail_index(sizes, top=0.48) == pytest.approx(1.0)


def test_hill_finds_the_degrees_of_freedom_of_student_returns():
    assert powerlaw.tail_index(rng().standard_t(3, 1_000_000), top=0.002) == pytest.approx(
        3, rel=0.1
    )


def test_excess_kurtosis_of_student_returns_and_its_fall_with_the_horizon():
    sample = rng().standard_t(12, 1_000_000)  # 6 / (12 - 4)
    assert returns.excess_kurtosis(sample) == pytest.approx(0.75, abs=0.05)
    assert returns.excess_kurtosis(sample, 5) == pytest.approx(0.15, abs=0.05)
    assert returns.excess_kurtosis([-1.0, 1.0] * 8) == pytest.approx(-2)


# Memory


@pytest.mark.parametrize("lag", [1, 3, 6])
def test_autocorrelation_of_an_autoregression(lag):
    series = 5 + autoregression(0.8, 100_000)
    assert returns.autocorrelation(series, lag) == pytest.approx(0.8**lag, abs=0.02)


def test_autocorrelation_is_the_mean_product_of_deviations():
    series = rng().normal(size=37)
    deviation = series - series.mean()
    expected = np.mean(deviation[5:] * deviation[:-5]) / series.var()
    assert returns.autocorrelation(series, 5) == pytest.approx(expected, rel=1e-12)


def test_absolute_autocorrelation_of_gaussian_returns():
    """For normals of correlation r: (r asin r + sqrt(1 - r^2) - 1) / (pi / 2 - 1)."""
    r = 0.8
    expected = (r * math.asin(r) + math.sqrt(1 - r**2) - 1) / (math.pi / 2 - 1)
    found = returns.absolute_autocorrelation(autoregression(r, 200_000), 1)
    assert found == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("hurst", [0.7, 0.8])
def test_decay_exponent_of_fractional_noise(hurst):
    found = [
        returns.decay_exponent(fractional_noise(hurst, 1 << 18, seed), 3, 100) for seed in range(4)
    ]
    assert np.mean(found) == pytest.approx(2 - 2 * hurst, abs=0.06)


def test_decay_exponent_of_the_size_of_returns():
    """exp of a little fractional noise keeps its exponent."""
    volatility = np.exp(0.3 * fractional_noise(0.8, 1 << 18))
    sized = volatility * rng(9).choice([-1.0, 1.0], len(volatility))
    assert returns.absolute_decay(sized, 3, 100) == pytest.approx(0.4, abs=0.08)


def test_memory_of_signs_of_fractional_noise():
    """For signs of normals of correlation r: 2 asin(r) / pi; the exponent is that of the noise."""
    signs = np.sign(fractional_noise(0.7, 1 << 18))
    r = 2**0.4 - 1
    expected = 2 * math.asin(r) / math.pi
    assert flow.sign_autocorrelation(signs, 1) == pytest.approx(expected, abs=0.01)
    assert flow.sign_decay(signs, 3, 100) == pytest.approx(0.6, abs=0.08)


@pytest.mark.parametrize("exponent", [-1.5, -0.4, 0.5, 2.0])
def test_power_exponent_is_exact_on_a_power(exponent):
    x = np.geomspace(0.1, 1e4, 30)
    found = powerlaw.power_exponent(x, 3 * x**exponent, np.ones_like(x))
    assert found == pytest.approx(exponent, abs=1e-5)


# Volatility


def test_signature_plot_of_a_bid_ask_bounce():
    """Roll 1984: variance a step over k steps is 1 + 2 h^2 / k for a bounce of half-spread h."""
    half = 0.5
    bounce = half * rng(9).choice([-1.0, 1.0], 200_001)
    sample = rng().normal(size=200_000) + np.diff(bounce)
    assert returns.volatility(sample, 1) ** 2 == pytest.approx(1 + 2 * half**2, rel=0.02)
    assert returns.volatility(sample, 10) ** 2 == pytest.approx(1 + 2 * half**2 / 10, rel=0.03)
    expected = (1 + 2 * half**2) / (1 + 2 * half**2 / 100)
    assert returns.signature_ratio(sample, 1, 100) == pytest.approx(expected, rel=0.06)


def test_volume_and_volatility_are_compared_by_rank():
    """Spearman's rho of normals of correlation r is 6 asin(r / 2) / pi."""
    r = 0.6
    x, y = rng().normal(size=(2, 100_000))
    size = np.exp(r * x + math.sqrt(1 - r**2) * y)
    sample = size * rng(9).choice([-1.0, 1.0], len(size))
    expected = 6 * math.asin(r / 2) / math.pi
    assert returns.volume_volatility(np.exp(3 * x), sample) == pytest.approx(expected, abs=0.01)


# Flow


@pytest.mark.parametrize("exponent", [0.5, 1.0])
def test_impact_exponent_under_noise(exponent):
    sizes = 1 + rng().pareto(1.5, 200_000)
    signs = rng(8).choice([-1.0, 1.0], len(sizes))
    moves = signs * sizes**exponent + 3 * rng(9).normal(size=len(sizes))
    assert flow.impact_exponent(signs * sizes, moves) == pytest.approx(exponent, abs=0.04)


def test_impact_leaves_out_intervals_without_volume():
    sizes = np.r_[np.geomspace(1, 100, 1_000), np.zeros(500)]
    moves = np.r_[np.sqrt(np.geomspace(1, 100, 1_000)), np.full(500, -9.0)]
    assert flow.impact_exponent(sizes, moves) == pytest.approx(0.5, abs=0.005)


def test_liquidated_share_takes_the_best_window():
    times = [0.0, 50.0, 70.0, 100.0, 129.9, 130.0, 5_000.0]
    volumes = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0]
    assert flow.liquidated_share(times, volumes, 60.0) == pytest.approx(15 / 22)  # 100 to 130
    assert flow.liquidated_share(times, volumes, 2_400.0) == pytest.approx(21 / 22)
    assert flow.liquidated_share([3.0], [2.0], 60.0) == 1.0


def test_liquidated_share_of_an_even_flow():
    assert flow.liquidated_share(np.arange(600.0), np.ones(600), 60.0) == pytest.approx(0.1)


def test_open_interest_drop_counts_from_the_peak_before():
    assert flow.open_interest_drop([100, 120, 110, 90, 150, 148]) == pytest.approx(0.25)
    assert flow.open_interest_drop([1, 2, 3]) == 0


# Liquidity


def test_spread_is_weighted_with_time():
    bids, asks = [99.5, 99.0, 95.0], [100.5, 101.0, 105.0]
    assert liquidity.mean_spread_bps(bids, asks) == pytest.approx((100 + 200 + 1_000) / 3)
    assert liquidity.mean_spread_bps(bids, asks, [6, 3, 1]) == pytest.approx(220)
    assert liquidity.median_spread_bps(bids, asks) == pytest.approx(200)
    assert liquidity.median_spread_bps(bids, asks, [6, 3, 1]) == pytest.approx(100)


def test_depth_exponent_of_a_power_and_of_a_published_pair():
    distance = np.array([1.0, 2, 5, 10, 25, 100])
    assert liquidity.depth_exponent(distance, 7 * distance**0.67) == pytest.approx(0.67)
    slope = math.log(16.53 / 3.50) / math.log(10)  # $3.50 M in 10 bp, $16.53 M in 100 bp
    between = [3.5, 3.5 * 2**slope, 16.53]
    assert liquidity.depth_exponent([10, 20, 100], between) == pytest.approx(0.674, abs=5e-4)


def test_depth_loss_is_against_the_calm_before():
    assert liquidity.depth_loss([10, 12, 11, 8, 1.1, 5], before=3) == pytest.approx(0.9)
    assert liquidity.depth_loss([1, 1, 2, 2], before=2) == pytest.approx(-1)


# Two markets


def test_correlation_is_the_sum_over_overlapping_returns():
    draws = rng()
    times_a, times_b = np.sort(draws.uniform(0, 9, 30)), np.sort(draws.uniform(1, 11, 40))
    times_b[7] = times_a[5]  # a shared time
    times_b.sort()
    log_a, log_b = draws.normal(size=30), draws.normal(size=40)
    for lag in (0.0, 0.5, -20.0):
        found = basis.correlation(times_a, np.exp(log_a), times_b, np.exp(log_b), lag)
        expected = overlap_by_hand(times_a, log_a, times_b - lag, log_b)
        assert found == pytest.approx(expected, abs=1e-12)


def test_correlation_is_right_at_irregular_times_and_the_lag_is_found():
    """Two Brownian paths of correlation 0.6, the second 0.7 s late, seen at Poisson times."""
    draws = rng()
    step, n = 0.01, 400_000
    a, noise = draws.normal(size=(2, n)) * 1e-5
    paths = np.exp(np.cumsum(a)), np.exp(np.cumsum(0.6 * a + 0.8 * noise))
    seen = [np.flatnonzero(draws.random(n) < chance) for chance in (0.05, 0.02)]
    first = seen[0] * step, paths[0][seen[0]]
    second = seen[1] * step + 0.7, paths[1][seen[1]]
    assert basis.correlation(*first, *second, 0.7) == pytest.approx(0.6, abs=0.05)
    lags = np.arange(-20, 21) * 0.1
    assert basis.lead_lag(*first, *second, lags) == pytest.approx(0.7, abs=0.11)
    assert basis.lead_lag(*second, *first, lags) == pytest.approx(-0.7, abs=0.11)


def test_basis_and_its_half_life():
    deviation = autoregression(0.98, 200_000) * 1e-5
    spot = np.exp(np.cumsum(rng(9).normal(size=len(deviation))) * 1e-5)
    perp = spot * (1 + 5e-4 + deviation)
    assert basis.mean_basis_bps(perp, spot) == pytest.approx(5, abs=0.05)
    expected = math.log(2) / -math.log(0.98) * 0.5
    assert basis.basis_half_life(perp, spot, 0.5) == pytest.approx(expected, rel=0.06)


# What cannot be estimated

FLAT, WAVE = [1.0] * 40, [1.0, 2.0] * 20
TIMES = list(map(float, range(40)))
RISING = list(map(float, range(1, 400)))


@pytest.mark.parametrize(
    ("estimate", "says"),
    [
        (lambda: powerlaw.tail_index(WAVE[:5]), "has 5 values, allowed is at least 11"),
        (lambda: powerlaw.tail_index(WAVE), "holds 0 of 40 values.*top=0.256"),
        (lambda: powerlaw.tail_index(FLAT, top=0.5), "the tail is 1 up to 1"),
        (lambda: powerlaw.tail_index([0.0] * 30 + WAVE[:2], top=0.4), "the tail is 0 up to 2"),
        (lambda: returns.excess_kurtosis(FLAT), "returns is 1 throughout"),
        (lambda: returns.excess_kurtosis([1.0, -1.0] * 20, 2), "over the scale is 0 throughout"),
        (lambda: returns.excess_kurtosis([1.0, math.nan, 2.0, 3.0]), r"returns\[1\] is nan"),
        (lambda: returns.excess_kurtosis([[1.0, 2.0]]), "1-d series, got 2 dimensions"),
        (lambda: returns.excess_kurtosis(["a", "b"]), "must be numbers, got list"),
        (lambda: returns.volatility([1.0, math.inf, 2.0, 3.0]), r"returns\[1\] is inf"),
        (lambda: returns.signature_ratio(FLAT, 1, 2), "returns is 1 throughout"),
        (lambda: returns.signature_ratio([1.0, -1.0] * 20, 1, 2), "returns over 2 steps are 0"),
        (lambda: returns.autocorrelation(FLAT, 1), "values is 1 throughout"),
        (lambda: returns.decay_exponent(WAVE, 1, 8), "no power law fits"),
        (lambda: returns.volume_volatility(FLAT, WAVE), "volumes is 1 throughout"),
        (lambda: returns.volume_volatility(WAVE, [1.0, -1.0] * 20), "absolute returns is 1"),
        (lambda: returns.volume_volatility(WAVE, WAVE[:9]), "volumes 40, returns 9 values"),
        (lambda: flow.sign_autocorrelation([1, 0, -1, 1], 1), r"signs\[1\] is 0"),
        (lambda: flow.sign_decay(FLAT, 1, 4), "signs is 1 throughout"),
        (lambda: flow.impact_exponent(FLAT, WAVE), "0 of 12 bins"),
        (lambda: flow.impact_exponent([0.0] * 40, WAVE), "0 of 12 bins"),
        (lambda: flow.impact_exponent(RISING, [-v for v in RISING]), "no power law fits"),
        (lambda: flow.liquidated_share([1, 0], [1, 1], 60), r"times_s\[1\] is 0"),
        (lambda: flow.liquidated_share([0, 1], [1, -1], 60), r"volumes\[1\] is -1"),
        (lambda: flow.liquidated_share([0, 1], [0, 0], 60), "volumes sum to 0"),
        (lambda: flow.open_interest_drop([1, 0]), r"open_interest\[1\] is 0"),
        (lambda: flow.open_interest_drop([1]), "has 1 values"),
        (lambda: liquidity.mean_spread_bps([2.0], [1.0]), r"asks\[0\] is 1 below the bid 2"),
        (lambda: liquidity.mean_spread_bps([], []), "bids has 0 values"),
        (lambda: liquidity.median_spread_bps([1.0], [2.0], [0.0]), "durations are 0 throughout"),
        (lambda: liquidity.depth_exponent([1, 2, 2], [1, 2, 3]), r"distances\[2\] is 2"),
        (lambda: liquidity.depth_exponent([1, 2, 3], [1, 3, 2]), r"cumulative_depths\[2\]"),
        (lambda: liquidity.depth_exponent([1, 2, 3], [2, 2, 2]), "is 2 throughout"),
        (lambda: liquidity.depth_loss([0, 0, 1], 2), "median of the first 2 depths is 0"),
        (lambda: basis.correlation(TIMES, FLAT, TIMES, WAVE), "mids_a is 1 throughout"),
        (lambda: basis.correlation(TIMES, WAVE, TIMES[::-1], WAVE), r"times_b\[1\] is 38"),
        (lambda: basis.lead_lag(TIMES, WAVE, TIMES, WAVE, [0, 0.5, 1]), "peaks at the lag 0"),
        (lambda: basis.mean_basis_bps([1.0], [0.0]), r"spot\[0\] is 0"),
        (lambda: basis.basis_half_life(FLAT, FLAT, 1.0), "the basis is 0 throughout"),
        (lambda: basis.basis_half_life(WAVE, FLAT, 1.0), "the basis keeps -1"),
    ],
)
def test_a_sample_that_cannot_be_estimated_gets_one_sentence(estimate, says):
    with pytest.raises(DataError, match=says) as refusal:
        estimate()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("estimate", "says"),
    [
        (lambda: powerlaw.tail_index(WAVE, top=1.0), "top must lie between 0 and 1, got 1.0"),
        (lambda: powerlaw.tail_index(WAVE, top="2%"), "top must lie between 0 and 1, got '2%'"),
        (lambda: returns.excess_kurtosis(WAVE, 11), "scale must lie between 1 and 10, got 11"),
        (lambda: returns.autocorrelation(WAVE, 0), "lag must lie between 1 and 10, got 0"),
        (lambda: returns.decay_exponent(WAVE, 3, 5), "last must lie between 6 and 10, got 5"),
        (lambda: returns.signature_ratio(WAVE, 4, 4), "long must lie between 5 and 10, got 4"),
        (lambda: flow.impact_exponent(WAVE, WAVE, bins=2), "bins must lie between 3 and 1,000"),
        (lambda: flow.liquidated_share(TIMES, WAVE, 0.0), "window_s must lie between 0 and inf"),
        (lambda: liquidity.depth_loss(WAVE, 40), "before must lie between 1 and 39, got 40"),
        (lambda: basis.correlation(TIMES, WAVE, TIMES, WAVE, math.nan), "lag must lie between"),
        (lambda: basis.basis_half_life(WAVE, FLAT, -1.0), "step_s must lie between 0 and inf"),
        (lambda: against_target("tail_indx", 3.0, Interval(2, 4)), "did you mean 'tail_index'"),
        (lambda: Fact("x", 1.0, 0.0, 2.0, 3.0, 1.0, ""), "target_low must be at or below"),
    ],
)
def test_a_setting_that_cannot_be_gets_one_sentence(estimate, says):
    with pytest.raises(ConfigError, match=says):
        estimate()


# Verdicts


@pytest.mark.parametrize(
    ("estimate", "low", "high", "verdict"),
    [
        (3.0, 2.6, 3.4, "inside"),
        (3.9, 3.2, 4.6, "inside"),  # the interval may reach out of the target
        (4.0, 3.25, 4.75, "inside"),  # both bounds of the rule are met
        (3.0, 2.2, 3.8, "wide"),
        (4.1, 3.9, 4.3, "outside"),
        (2.4, 0.0, 9.0, "outside"),
    ],
)
def test_a_fact_is_inside_when_its_interval_is_no_wider_than_the_target(
    estimate, low, high, verdict
):
    assert Fact("tail_index", estimate, low, high, 2.5, 4.0, "").verdict == verdict
    assert against_target("tail_index", estimate, Interval(low, high)).verdict == verdict


def test_a_target_without_an_end_is_never_too_narrow():
    assert against_target("excess_kurtosis", 30.0, Interval(8.0, 90.0)).verdict == "inside"
    assert against_target("excess_kurtosis", 3.0, Interval(2.0, 4.0)).verdict == "outside"


@pytest.mark.parametrize("numbers", [(math.nan, 0.0, 1.0), (0.5, 1.0, 0.0), (0.5, 0.0, math.inf)])
def test_a_fact_of_no_number_is_refused(numbers):
    with pytest.raises(DataError, match="allowed are finite numbers"):
        Fact("x", *numbers, 0.0, 1.0, "")


def test_the_page_names_every_estimator_and_target():
    text = PAGE.read_text(encoding="utf-8")
    own = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in (basis, entropy, flow, liquidity, powerlaw, returns)
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    }
    rows = dict(re.findall(r"^\| `(\w+\.\w+)` \|.*\| ([^|]*) \|$", text, re.MULTILINE))
    assert rows.keys() == own - {"powerlaw.power_exponent"}
    for row, target in rows.items():
        name = row.partition(".")[2]
        if name in TARGETS:
            low, high = TARGETS[name].low, TARGETS[name].high
            assert target == (f"{low:g} to {high:g}" if math.isfinite(high) else f"above {low:g}")
        else:
            assert " to " not in target

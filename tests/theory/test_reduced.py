"""The chain against closed forms, its leaps against itself, and both against the mean field."""

import math

import numpy as np
import pytest

from squeezegym.errors import ConfigError, DataError
from squeezegym.theory import cascades, criticality
from squeezegym.theory import reactions as kernels
from squeezegym.theory.meanfield import mean_field
from squeezegym.theory.reduced import Reactions, reduced_paths
from tests.kernels import from_python

FULL = dict(
    demand=400.0,
    demand_s=5.0,
    demand_perp=0.7,
    engine_s=1.5,
    lasting=0.4,
    refill=0.8,
    weight=0.6,
    arbitrage=0.7,
    withdrawal=0.002,
    pool=300.0,
    contagion=0.3,
    fomo_s=2.0,
    followers=0.2,
    hold_s=4.0,
    reload=0.1,
    reload_width=200.0,
)
TIMES = np.linspace(0.5, 40.0, 80)


def test_paths_depend_on_seed_and_number_alone():
    reactions = Reactions.even(0.5, 1.0, 2.0, **FULL)
    many, series = reduced_paths(reactions, 40, seed=3, times=TIMES, horizon_s=90.0, threads=2)
    few, part = reduced_paths(reactions, 7, seed=3, times=TIMES, horizon_s=90.0, threads=1)
    assert (many[:7] == few).all() and (series[:7] == part).all()
    other, _ = reduced_paths(reactions, 7, seed=4, horizon_s=90.0)
    assert (other["forced"] != few["forced"]).any()


@pytest.mark.parametrize("mean", [0.7, 9.0, 30.0, 400.0])
def test_poisson_numbers(mean):
    from scipy.stats import kstest, poisson

    draw = from_python(kernels.poisson)
    rng = np.array([[123456789, 987654321]], np.uint64)
    found = np.array([draw(rng, mean) for _ in range(20_000)])
    # Spread evenly over each step of the law, so that the test is exact.
    below = poisson.cdf(found - 1, mean)
    spread = np.random.default_rng(1).random(len(found))
    assert kstest(below + spread * (poisson.cdf(found, mean) - below), "uniform").pvalue > 1e-3


def test_binomial_numbers():
    draw = from_python(kernels.binomial)
    rng = np.array([[123456789, 987654321]], np.uint64)
    found = np.array([draw(rng, 50, 0.03) for _ in range(20_000)])
    assert found.mean() == pytest.approx(1.5, abs=0.035)
    assert found.var() == pytest.approx(1.5 * 0.97, abs=0.06)
    assert draw(rng, 50, 1.0) == 50 and draw(rng, 50, 0.0) == 0


@pytest.mark.parametrize("random_sizes", [False, True])
def test_mean_volume_is_that_of_wald(random_sizes):
    reactions = Reactions.even(1.2, 2.0, demand=40.0, size=2.0, random_sizes=random_sizes)
    paths, _ = reduced_paths(reactions, 20_000, seed=1)
    total = paths["forced"] + 40.0
    assert total.mean() == pytest.approx(100.0, abs=4 * total.std() / math.sqrt(20_000))
    # Without refill everything that was bought stands in the price.
    assert paths["perp"] == pytest.approx(total / 2.0)


def test_numbers_follow_borel_and_tanner():
    from scipy.stats import kstwo

    paths, _ = reduced_paths(Reactions.even(0.8, 1.0, demand=10.0), 50_000, seed=2)
    counts = paths["accounts"] + 10
    k = np.arange(10, counts.max() + 1)
    law = np.cumsum(cascades.borel_tanner(k, 0.8, 10))
    found = np.searchsorted(np.sort(counts), k, side="right") / len(counts)
    assert np.abs(found - law).max() < kstwo.isf(1e-3, len(counts))


@pytest.mark.parametrize("random_sizes", [False, True])
def test_runaway_is_lundbergs(random_sizes):
    reactions = Reactions.even(1.2, 1.0, demand=5.0, random_sizes=random_sizes)
    paths, _ = reduced_paths(reactions, 8_000, seed=3, most=400.0)
    law = "exponential" if random_sizes else "constant"
    expected = cascades.runaway_probability(1.2, 5.0, 1.0, law)
    assert paths["ran_away"].mean() == pytest.approx(expected, abs=0.02)


def test_a_capped_engine_meets_what_stays_of_the_impact():
    # rho g0 = 3, rho g_inf = .5: far above criticality for an engine without a cap.
    response = criticality.Response(3.0, 0.5, 2.0)
    expected = criticality.capped_volume(10.0, 1.0, response, 10.0)
    of = dict(demand=10.0, lasting=1 / 6, refill=2.0, engine_s=0.01, size=0.05)
    reactions = Reactions.even(1.0, 1 / 3.0, cap=10.0, **of)
    paths, _ = reduced_paths(reactions, 200, seed=1, most=1000.0)
    assert paths["forced"].mean() + 10 == pytest.approx(expected, rel=0.02)
    assert mean_field(reactions, [20.0]).series[0, 4] + 10 == pytest.approx(expected, rel=0.002)
    free, _ = reduced_paths(Reactions.even(1.0, 1 / 3.0, **of), 50, seed=1, most=1000.0)
    assert free["ran_away"].all()


@pytest.mark.parametrize("weight, volume", [(0.0, 0.0), (1.0, 60.0)])
def test_without_arbitrage_spot_alone_cannot_cascade(weight, volume):
    reactions = Reactions.even(0.6, 1.0, 1.0, demand=40.0, weight=weight)
    paths, _ = reduced_paths(reactions, 4000, seed=5)
    assert paths["forced"].mean() == pytest.approx(volume, abs=2.0)
    assert not paths["spot"].any()


def test_arbitrage_is_bounded_by_capital():
    reactions = Reactions.even(0.9, 1.0, 1.0, demand=400.0, weight=0.0, arbitrage=1.0, capital=50.0)
    paths, _ = reduced_paths(reactions, 300, seed=6)
    assert (paths["spot"] <= 50.0).all()
    assert paths["forced"].max() <= 45.0 + 5 * math.sqrt(45.0)  # rho A / lambda_s, and its chance


def test_contagion_ends_at_its_final_size():
    reactions = Reactions.even(0.8, 2.0, demand=100.0, pool=500.0, contagion=1.5, size=0.25)
    paths, _ = reduced_paths(reactions, 400, seed=7)
    expected = criticality.final_rise(100.0, 2.0, 0.8, 500.0, 1.5)
    assert paths["perp"].mean() == pytest.approx(expected, rel=0.01)
    joined = 500 * (1 - math.exp(-1.5 * expected / 500))
    assert paths["joined"].mean() == pytest.approx(joined, rel=0.01)


def test_snipers_buy_with_forced_flow_and_sell_it_again():
    of = {"demand": 200.0, "size": 0.5, "followers": 0.5, "hold_s": 20.0}
    paths, _ = reduced_paths(Reactions.even(0.3, 1.0, **of), 200, seed=7)
    assert paths["followed"].sum() == pytest.approx(0.5 * paths["forced"].sum(), rel=0.02)
    assert paths["perp"] == pytest.approx(200.0 + paths["forced"])
    assert (paths["top"] > paths["perp"] + 10).mean() > 0.95
    # Below the threshold nobody follows.
    few, _ = reduced_paths(Reactions.even(0.3, 1.0, threshold=1e9, **of), 20, seed=7)
    assert not few["followed"].any()


def test_a_cluster_is_passed_at_its_barrier():
    from scipy.stats import norm

    prices = np.arange(0.0, 2000.0)
    forced = 300.0 * norm.cdf(prices, 500.0, 20.0)
    barrier = cascades.ignition_barrier(prices, prices, forced)
    for share, least, most in ((0.94, 0.0, 0.05), (1.06, 0.95, 1.0)):
        reactions = Reactions(
            prices=prices, forced=forced, perp=prices, demand=share * barrier.demand, size=0.2
        )
        paths, _ = reduced_paths(reactions, 400, seed=8)
        assert least <= (paths["perp"] > barrier.price + 50).mean() <= most
        expected = cascades.terminal_price(prices, prices, forced, share * barrier.demand)
        assert np.median(paths["perp"]) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_withdrawal_ignites_by_speed_alone(share):
    # At rest n = .6; makers follow the trend at once, so the flow n v_c is on the edge.
    threshold = criticality.withdrawal_threshold(0.6, 1.0, 0.01)
    reactions = Reactions.even(
        0.6, 1.0, queued=share * 0.6 * threshold, withdrawal=0.01, trend_s=0.05, size=0.001
    )
    assert mean_field(reactions, [40.0], most=1e4).ran_away == (share > 1)
    paths, _ = reduced_paths(reactions, 8, seed=9, most=200.0)
    assert paths["ran_away"].mean() == pytest.approx(float(share > 1), abs=0.1)


def test_leaps_and_mean_field_agree_with_the_chain():
    reactions = Reactions.even(0.3, 1.0, 2.0, size=0.2, **FULL)
    exact, series = reduced_paths(reactions, 200, seed=9, times=TIMES, horizon_s=90.0)
    leaps, leapt = reduced_paths(reactions, 200, seed=10, times=TIMES, leap=0.05, horizon_s=90.0)
    smooth = mean_field(reactions, TIMES).series
    scale = series.mean(axis=0).max(axis=0)
    assert leaps["events"].mean() < 0.6 * exact["events"].mean()
    assert (np.abs(leapt.mean(0) - series.mean(0)).max(0) < 0.03 * scale).all()
    assert (np.abs(smooth - series.mean(0)).max(0) < 0.03 * scale).all()


def test_bad_reactions():
    with pytest.raises(ConfigError, match="set most or horizon_s"):
        reduced_paths(Reactions.even(1.0, 1.0, demand=1.0), 1)
    with pytest.raises(ConfigError, match="engine_s must be above 0"):
        reduced_paths(Reactions.even(0.5, 1.0, engine_s=0.0), 1)
    with pytest.raises(ConfigError, match="weight must lie between 0 and 1"):
        reduced_paths(Reactions.even(0.5, 1.0, weight=1.5), 1)
    with pytest.raises(DataError, match="perp starts at 1"):
        reduced_paths(Reactions(prices=(0.0, 1.0), forced=(0.0, 0.1), perp=(1.0, 2.0)), 1)
    with pytest.raises(DataError, match="forced falls"):
        reduced_paths(
            Reactions(prices=(0.0, 1.0, 2.0), forced=(0.0, 1.0, 0.5), perp=(0.0, 2.0, 4.0)), 1
        )

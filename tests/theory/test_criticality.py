"""Closed forms of the critical point against worked numbers, other ways to them, and each other."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from squeezegym.core.liquidation_price import linear_price
from squeezegym.errors import ConfigError, DataError
from squeezegym.theory import cascades, criticality
from squeezegym.theory.criticality import Response


def test_trigger_price_and_leverage_are_inverse():
    price = criticality.trigger_price(50_000.0, 20.0, 0.005)
    assert price == pytest.approx(52_238.806, abs=1e-3)
    assert criticality.trigger_leverage([price], 50_000.0, 0.005) == pytest.approx([20.0])
    assert np.isinf(criticality.trigger_leverage([49_000.0], 50_000.0, 0.005))


def test_density_holds_the_open_interest_and_is_critical_at_the_critical_leverage():
    of = dict(entry=50_000.0, open_interest=3000.0, leverages=(2.0, 100.0), maintenance=0.005)
    ends = [criticality.trigger_price(50_000.0, x, 0.005) for x in (100.0, 2.0)]
    total, _ = quad(lambda p: criticality.short_density([p], **of)[0], *ends, limit=200)
    assert total == pytest.approx(3000.0, rel=1e-6)
    assert criticality.short_density([ends[0] - 1, ends[1] + 1], **of).tolist() == [0.0, 0.0]
    critical = criticality.critical_leverage(0.5, **of)
    at = criticality.trigger_price(50_000.0, critical, 0.005)
    assert criticality.short_density([at], **of)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("r", "time", "expected"),
    [
        (0.0, 0.01, 1.21),
        (0.0, 0.2, 2.094),
        (0.0, 1.0, 4.0),
        (0.0, 5.0, 10.47),
        (0.3, 1.0, 2.80),
        (0.3, 3.0, 1 / 0.3),
    ],
)
def test_slow_engines_raise_the_critical_density(r, time, expected):
    # Worked numbers of the project's reference: critical density times the first displacement.
    response = Response(1.0, r, 1.0)
    assert 1 / criticality.dynamic_index(1.0, response, time) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("first, last", [(1.0, 0.0), (1.0, 0.3), (1.0, 0.9), (0.2, 0.7), (1, 1)])
@pytest.mark.parametrize("engine_s", [0.05, 0.5, 2.0, 20.0])
def test_the_index_is_the_supremum_of_its_definition(first, last, engine_s):
    response = Response(first, last, 0.8)

    def minus(log_z):
        z = math.exp(log_z)
        transform = last + (first - last) * z / (z + response.rate)
        return -1.7 * transform / (1 + z * engine_s)

    grid = min(np.linspace(-25, 25, 2001), key=minus)
    found = minimize_scalar(minus, bounds=(grid - 0.1, grid + 0.1), method="bounded")
    index = criticality.dynamic_index(1.7, response, engine_s)
    assert index == pytest.approx(-found.fun, rel=1e-6)


@pytest.mark.parametrize("engine_s", [0.3, 3.0])
def test_a_measured_response_has_the_index_of_the_formula(engine_s):
    response = Response(1.0, 0.2, 0.8)
    times = np.concatenate([np.linspace(0, 2, 400), np.geomspace(2.01, 40, 400)])
    found = criticality.measured_index(1.7, times, response.at(times), engine_s)
    assert found == pytest.approx(criticality.dynamic_index(1.7, response, engine_s), rel=1e-3)
    # The same later leaves the index of what stays, and lowers the other.
    late = criticality.measured_index(1.7, times, np.where(times > 1, 1.0, 0.0), engine_s)
    assert late == pytest.approx(1.7, rel=0.01)
    passing = np.where((times > 1) & (times < 2), 1.0, 0.0)
    assert criticality.measured_index(1.7, times, passing, engine_s) < found


def test_no_decay_and_no_wait():
    assert criticality.dynamic_index(2.0, Response(0.4, 0.1, 0.0), 3.0) == pytest.approx(0.8)
    assert criticality.dynamic_index(2.0, Response(0.4, 0.1, 5.0), 0.0) == pytest.approx(0.8)


def test_weight_of_the_perp_decides_what_arbitrage_does():
    # Below the critical weight its speed is indifferent, above it arbitrage stabilises.
    assert criticality.critical_weight(1.0, 2.0) == pytest.approx(1 / 3)

    def index(weight, speed):
        return criticality.dynamic_index(
            2.4, criticality.mark_response(weight, 1.0, 2.0, speed), 1.0
        )

    for weight in (0.0, 0.2, 1 / 3):
        assert [index(weight, a) for a in (0.01, 1.0, 100.0)] == pytest.approx([0.8] * 3)
    assert index(1.0, 0.01) > index(1.0, 0.1) > index(1.0, 10.0) > 0.799
    assert index(0.0, 0.0) == 0.0 and index(1.0, 0.0) == pytest.approx(2.4)
    # Worked number: w = 1, k tau = .05, critical at 1.38.
    response = criticality.mark_response(1.0, 1.0, 2.0, 0.05 / 1.5)
    assert 1 / criticality.dynamic_index(1.0, response, 1.0) == pytest.approx(1.379, abs=5e-4)


@pytest.mark.parametrize("density", [1.1, 1.5, 2.0])
def test_growth_of_an_instant_book(density):
    assert criticality.growth_rate(density, Response(1.0, 1.0, 0.0), 2.0) == pytest.approx(
        (density - 1) / 2
    )


def test_growth_solves_its_equation_and_starts_at_criticality():
    response, tau = Response(1.0, 0.3, 0.7), 1.5
    critical = 1 / criticality.dynamic_index(1.0, response, tau)
    assert criticality.growth_rate(0.99 * critical, response, tau) == 0.0
    z = criticality.growth_rate(1.3 * critical, response, tau)
    transform = 0.3 + 0.7 * z / (z + 0.7)
    assert 1 + z * tau == pytest.approx(1.3 * critical * transform)
    # Through arbitrage alone: tau z^2 + z (1 + k tau) + k (1 - n) = 0.
    k, n = 0.5, 1.8
    z = criticality.growth_rate(n, Response(0.0, 1.0, k), tau)
    assert tau * z * z + z * (1 + k * tau) + k * (1 - n) == pytest.approx(0.0, abs=1e-12)


def test_a_cap_leaves_what_stays_of_the_impact():
    response = Response(3.0, 0.5, 2.0)
    assert criticality.capped_volume(50.0, 1.0, response, 10.0) == pytest.approx(125.0)
    assert criticality.capped_volume(50.0, 2.0, response, 10.0) == math.inf


def test_final_size_of_the_contagion():
    assert criticality.final_rise(100.0, 2.0, 0.8) == pytest.approx(100 / 1.2)
    assert criticality.final_rise(100.0, 2.0, 2.0) == math.inf
    rise = criticality.final_rise(100.0, 2.0, 0.8, pool=500.0, contagion=1.5)
    assert rise * 1.2 == pytest.approx(100 + 500 * (1 - math.exp(-1.5 * rise / 500)))
    # Without a start it spreads only above its own threshold.
    assert criticality.final_rise(0.0, 2.0, 0.8, 500.0, 1.1) == 0.0
    assert criticality.final_rise(0.0, 2.0, 0.8, 500.0, 1.5) > 100.0


def test_withdrawal_and_the_total_index():
    assert criticality.withdrawal_threshold(0.6, 1.0, 2.0) == pytest.approx(0.255413, abs=1e-6)
    assert criticality.withdrawal_threshold(1.2, 1.0, 2.0) == 0.0
    assert criticality.total_index(0.5, 0.6, 2.0, 0.2) == pytest.approx(0.9)


def test_end_price_of_even_shorts_is_the_closed_form():
    prices = np.linspace(0.0, 1000.0, 2001)
    end = cascades.terminal_price(prices, 2.0 * prices, 1.2 * prices, 80.0)
    assert end == pytest.approx(80 / (2 * (1 - 0.6)))
    assert cascades.terminal_price(prices, prices, prices, 1.0) == math.inf


def test_a_cluster_is_a_spring():
    # Depth 1 per tick, 300 base of shorts around 500 within 20: barrier where the net turns.
    from scipy.stats import norm

    prices = np.arange(0.0, 2000.0, 0.25)
    forced = 300.0 * norm.cdf(prices, 500.0, 20.0)
    barrier = cascades.ignition_barrier(prices, prices, forced)
    half = 20.0 * math.sqrt(2 * math.log(300 / (20 * math.sqrt(2 * math.pi))))
    assert barrier.price == pytest.approx(500 - half, abs=0.25)
    expected = 500 - half - 300 * norm.cdf(-half / 20)
    assert barrier.demand == pytest.approx(expected, abs=0.1)
    assert barrier.end == pytest.approx(barrier.demand + 300.0, abs=0.5)
    assert cascades.terminal_price(prices, prices, forced, barrier.demand - 1) < barrier.price
    assert cascades.terminal_price(prices, prices, forced, barrier.demand + 1) > barrier.end
    still = cascades.ignition_barrier(prices, prices, 0.3 * prices)
    assert still.demand == pytest.approx(0.7 * prices[-1])


def test_hazard_and_root_impact():
    assert cascades.ignition_hazard(1.959964, 1.0, 1.0) == pytest.approx(0.025, abs=1e-6)
    assert cascades.root_impact_rise(50.0, 0.0, 4.0) == pytest.approx(5.0)
    assert cascades.root_impact_rise(0.0, 6.0, 4.0) == pytest.approx(3.0)


@pytest.mark.parametrize(("n", "seeds"), [(0.3, 1), (0.8, 10)])
def test_borel_tanner_has_its_mean_and_variance(n, seeds):
    k = np.arange(1, 4000)
    law = cascades.borel_tanner(k, n, seeds)
    mean = (k * law).sum()
    assert law.sum() == pytest.approx(1)
    assert mean == pytest.approx(seeds / (1 - n))
    assert ((k - mean) ** 2 * law).sum() == pytest.approx(seeds * n / (1 - n) ** 3)


def test_borel_tanner_at_its_critical_point():
    k = np.array([1e4, 1e5])
    law = cascades.borel_tanner(k, 1.0, 1)
    assert law * k**1.5 == pytest.approx(1 / math.sqrt(2 * math.pi), rel=1e-3)
    assert cascades.cutoff_size(0.9) == pytest.approx(186.8, abs=0.5)
    assert cascades.cutoff_size(1.0) == math.inf


@pytest.mark.parametrize(
    ("n", "demand", "expected"),
    [(1.02, 5.0, 0.0955), (1.02, 20.0, 0.326), (1.5, 5.0, 0.9875), (0.9, 20.0, 0.0)],
)
def test_runaway_probability_of_equal_accounts(n, demand, expected):
    from scipy.optimize import brentq

    found = cascades.runaway_probability(n, demand, 1.0)
    if n > 1:
        theta = brentq(lambda x: n * -math.expm1(-x) - x, 1e-9, 10.0)
        assert found == pytest.approx(-math.expm1(-theta * demand), rel=1e-9)
    else:
        assert found == expected


def test_runaway_probability_of_exponential_accounts():
    assert cascades.runaway_probability(1.2, 10.0, 2.0, "exponential") == pytest.approx(
        1 - math.exp(-1.0)
    )


def test_rise_density_is_a_law_with_the_mean_of_the_end_price():
    x = np.linspace(1e-3, 5000.0, 2_000_001)
    law = cascades.rise_density(x, 100.0, 0.4, 0.6)
    assert np.trapezoid(law, x) == pytest.approx(1, abs=1e-6)
    assert np.trapezoid(x * law, x) == pytest.approx(100 / 0.4, rel=1e-5)


def test_liquidation_prices_are_those_of_the_engine():
    from tests.kernels import from_python

    price = from_python(linear_price)
    expected = criticality.trigger_price(50_000.0, 20.0, 0.005)
    found = price(-1, 2.0, 50_000.0, 2.0 * 50_000.0 / 20.0, 0.005, 0.0, 0.0, 0.0)
    assert found == pytest.approx(expected)


def test_bad_arguments():
    with pytest.raises(ConfigError, match="low < high"):
        criticality.short_density([1.0], 1.0, 1.0, (5.0, 2.0), 0.01)
    with pytest.raises(DataError, match="sum it up"):
        cascades.terminal_price([0.0, 1.0], [0.0, 1.0], [1.0, 0.0], 1.0)
    with pytest.raises(ConfigError, match="sizes"):
        cascades.runaway_probability(1.2, 1.0, 1.0, "pareto")

"""The line before the matching engine against the laws of queues."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest

from tests.theory.queue_runs import Line


def mm1_wait(utilisation):
    """Mean and 99th percentile of the wait in line of M/M/1, in service times (Erlang 1917)."""
    rate = 1 - utilisation
    return utilisation / rate, math.log(utilisation / 0.01) / rate


def md1_below(utilisation, wait):
    """Probability that the wait in line of M/D/1 is at most ``wait`` services (Erlang 1909)."""
    getcontext().prec = 60  # the sum alternates
    rho, t = Decimal(utilisation), Decimal(wait)
    total = Decimal(0)
    for k in range(int(t) + 1):
        y = rho * (Decimal(k) - t)
        power = y**k if k else Decimal(1)
        total += power / math.factorial(k) * (-y).exp()
    return float((1 - rho) * total)


def md1_wait(utilisation):
    """Mean (Pollaczek and Khinchine) and 99th percentile of the wait in line of M/D/1."""
    low, high = 0.0, 200.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if md1_below(utilisation, middle) < 0.99 else (low, middle)
    return utilisation / (2 * (1 - utilisation)), high


def mm1k_loss(utilisation, room):
    """Share of messages that M/M/1 with ``room`` places refuses, the one in service counted."""
    if utilisation == 1:
        return 1 / (room + 1)
    return (1 - utilisation) * utilisation**room / (1 - utilisation ** (room + 1))


def md1k_loss(utilisation, room):
    """Share of messages that M/D/1 with ``room`` places refuses.

    Source: Brun and Garcia, "Analytical solution of finite capacity M/D/1 queues", Journal of
    Applied Probability 37 (2000).
    """
    getcontext().prec = 60
    rho = Decimal(utilisation)
    b = Decimal(0)
    for k in range(room):
        y = rho * (room - 1 - k)
        power = y**k if k else Decimal(1)
        b += Decimal(-1) ** k / math.factorial(k) * power * y.exp()
    return float((1 + (rho - 1) * b) / (1 + rho * b))


WAITS = {"exponential": mm1_wait, "fixed": md1_wait}


def check_waits(law, utilisation, messages, tolerance):
    mean, late = WAITS[law](utilisation)
    waits = Line(17, utilisation, law).waits(messages)
    assert waits.mean() == pytest.approx(mean, rel=tolerance)
    assert np.quantile(waits, 0.99) == pytest.approx(late, rel=tolerance)
    assert (waits == 0).mean() == pytest.approx(1 - utilisation, rel=tolerance)


@pytest.mark.parametrize("law", WAITS)
def test_waits_at_moderate_load(law):
    check_waits(law, 0.7, 1_000_000, 0.03)


@pytest.mark.slow
@pytest.mark.parametrize("utilisation", [0.3, 0.7, 0.9])
@pytest.mark.parametrize("law", WAITS)
def test_waits_follow_the_law(law, utilisation):
    check_waits(law, utilisation, 20_000_000, 0.03)


@pytest.mark.parametrize("reason", ["full", "shed"])
@pytest.mark.parametrize("utilisation", [0.7, 0.95, 1.5])
@pytest.mark.parametrize(("law", "loss"), [("exponential", mm1k_loss), ("fixed", md1k_loss)])
def test_a_bounded_line_refuses_what_the_law_says(law, loss, utilisation, reason):
    places = 6
    limits = {"bound": places} if reason == "full" else {"shed": places}
    line = Line(5, utilisation, law, **limits)
    line.waits(1_000_000)
    lost = line.refused[1 if reason == "full" else 0]
    assert sum(line.refused) == lost
    assert lost / line.sent == pytest.approx(loss(utilisation, places + 1), rel=0.03)


@pytest.mark.parametrize("utilisation", [0.0, 0.3, 0.7])
def test_a_burst_drains_as_the_fluid_does(utilisation):
    # Fluid limit: the work of the burst over the engine's spare rate.
    burst = 150
    drains = [Line(seed, utilisation, "fixed").drain(burst) for seed in range(200)]
    expected = burst / (1 - utilisation)
    assert np.mean(drains) == pytest.approx(expected, rel=0.03)
    spread = math.sqrt(burst * utilisation / (1 - utilisation) ** 3)
    assert np.std(drains) == pytest.approx(spread, rel=0.2, abs=1e-9)

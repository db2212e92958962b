"""Self-excitation of order flow by maximum likelihood, and whether the fit holds.

Intensity ``l(t) = mu + n b sum exp(-b (t - t_i))`` over earlier orders: ``mu`` comes anyway, an
order sets off ``n`` others on average, soon when ``b`` is large. Likelihood and recursion: Ogata
1981, IEEE Transactions on Information Theory 27:23; residuals: Ogata 1988, Journal of the American
Statistical Association 83:9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from squeezegym._jit import entry
from squeezegym.data.liquidation_map import FloatArray
from squeezegym.errors import DataError
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.samples import ordered

LEAST = 200
_Z = 1.959964  # of 95 %


@dataclass(frozen=True, slots=True)
class HawkesFit:
    """A fitted process; intervals are 95 %, from the curvature of the likelihood in logs.

    Attributes:
        base: ``mu``, orders a second.
        base_interval: Its interval.
        branching: ``n``.
        branching_interval: Its interval.
        decay: ``b``, per second.
        decay_interval: Its interval.
        gain: Log likelihood above that of a Poisson process, per order.
        distance: Largest distance of the residuals' distribution from the exponential
            (Kolmogorov and Smirnov); below ``1.36 / sqrt(orders)`` it is within chance.
        orders: Orders fitted.
    """

    base: float
    base_interval: Interval
    branching: float
    branching_interval: Interval
    decay: float
    decay_interval: Interval
    gain: float
    distance: float
    orders: int


def _build(source: str) -> Any:
    """Compensator between successive orders, and the log likelihood up to the last."""

    def recurse(times, end, numbers, gaps):  # type: ignore[no-untyped-def]
        source  # noqa: B018  (part of the cache key)
        base, branching, decay = numbers[0], numbers[1], numbers[2]
        excited = 0.0  # sum of exp(-b (t - t_i)) just before an order
        total = 0.0
        last = 0.0
        for i in range(times.shape[0]):
            since = times[i] - last
            left = excited * math.exp(-decay * since)
            gaps[i] = base * since + branching * (excited - left)
            total += math.log(base + branching * decay * left) - gaps[i]
            excited = left + 1.0
            last = times[i]
        since = end - last
        return total - base * since - branching * excited * (1.0 - math.exp(-decay * since))

    return recurse


_recurse: Any = entry(_build, seconds=1, ahead="calibrate")


def fit_hawkes(times_s: ArrayLike, end_s: float, *, jitter_s: float = 1e-3) -> HawkesFit:
    """Fit a self-exciting process to the times of orders.

    Times that were rounded are spread evenly over the unit they were rounded to, the same way each
    call: ties would look like an infinitely quick excitation.

    Args:
        times_s: (n,) times since the start, s, in order, at least 200.
        end_s: End of the observation, s.
        jitter_s: Unit of the rounding; 0 for exact times.

    Raises:
        DataError: Too few orders, times that go back, or an end before the last.
    """
    from scipy.optimize import minimize

    times = ordered("times_s", times_s, LEAST)
    rng = np.random.default_rng(0)
    times = np.sort(times + jitter_s * rng.random(len(times)))
    if end_s < times[0] or times[0] < 0:
        raise DataError(f"times_s start at {times[0]:g}, allowed is 0 to end_s={end_s:g}")
    end = max(end_s, float(times[-1]))
    gaps = np.empty(len(times))

    def loss(logs: FloatArray) -> float:
        value = -float(_recurse(times, end, np.exp(logs), gaps))
        return value if math.isfinite(value) else 1e18

    rate = len(times) / end
    starts = [np.log([rate / 2, 0.5, decay]) for decay in (0.3, 3.0, 30.0)]
    fits = [
        minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-4}) for start in starts
    ]
    best = min(fits, key=lambda fit: float(fit.fun))
    ends = _intervals(loss, best.x)
    base, branching, decay = (float(value) for value in np.exp(best.x))
    loss(best.x)  # leaves the residuals of the best in gaps
    poisson = len(times) * (math.log(rate) - 1)
    return HawkesFit(
        base,
        ends[0],
        branching,
        ends[1],
        decay,
        ends[2],
        gain=(-float(best.fun) - poisson) / len(times),
        distance=_distance(gaps),
        orders=len(times),
    )


def _intervals(loss: Any, at: FloatArray) -> list[Interval]:
    """Intervals from the second differences of the likelihood in the logs of its numbers."""
    step, n = 1e-2, len(at)
    hessian = np.empty((n, n))
    unit = np.eye(n) * step
    for i in range(n):
        for j in range(n):
            hessian[i, j] = (
                loss(at + unit[i] + unit[j])
                - loss(at + unit[i] - unit[j])
                - loss(at - unit[i] + unit[j])
                + loss(at - unit[i] - unit[j])
            ) / (4 * step**2)
    variance = np.maximum(np.diag(np.linalg.pinv(hessian)), 0.0)
    width = _Z * np.sqrt(variance)
    return [
        Interval(float(np.exp(x - w)), float(np.exp(x + w))) for x, w in zip(at, width, strict=True)
    ]


def _distance(gaps: FloatArray) -> float:
    """Largest distance between the residuals' distribution and the unit exponential."""
    from scipy.stats import kstest

    return float(kstest(gaps, "expon").statistic)

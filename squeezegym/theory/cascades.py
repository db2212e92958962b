"""Laws of a cascade in a book that does not refill: a busy period of a queue.

Price plays the role of time: a short is an arrival, the depth that its forced order takes is its
service. Where demand has not met supply the price goes on. The laws of busy periods are classical;
that a squeeze is one is this project's own theory.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.arguments import choice
from squeezegym.errors import DataError
from squeezegym.theory.samples import FloatArray, increasing, not_negative, number, same_length

Sizes = Literal["constant", "exponential"]
SIZES = ("constant", "exponential")


SHALLOW = 0.05  # of the largest net: folds shallower than that are steps of single accounts


class Barrier(NamedTuple):
    """What exogenous demand must exceed to start a cascade, and how far that goes.

    Attributes:
        demand: ``S(p) - D(p)`` at the top of the spring, base.
        price: Where that is.
        end: Price at which supply meets demand again when the barrier is just exceeded; infinity
            if not on the grid.
    """

    demand: float
    price: float
    end: float


def terminal_price(prices: ArrayLike, supply: ArrayLike, forced: ArrayLike, demand: float) -> float:
    """First price at which depth meets exogenous and forced demand, for any profile.

    Args:
        prices: (n,) increasing prices, the first that of the market now.
        supply: (n,) ``S``: depth between the first price and each, base, never falling.
        forced: (n,) ``D``: forced demand between the same, base, never falling.
        demand: Exogenous ``Q0``, base, 0 and above.

    Returns:
        The price, interpolated in a line; infinity where the grid ends first.

    Raises:
        DataError: Series that are unequal in length, or fall.
    """
    price, net = _net(prices, supply, forced)
    number("demand", demand, -1e-12, math.inf)
    return _first_above(price, net, demand)


def ignition_barrier(prices: ArrayLike, supply: ArrayLike, forced: ArrayLike) -> Barrier:
    """Ignition barrier of a state, with its place and the end of the cascade beyond it.

    The barrier is the largest of ``S - D`` before its deepest fall, the fold that matters most.
    Where it never falls by a twentieth of its largest value there is no cascade, and the barrier is
    that value.

    Args:
        prices: As of `terminal_price`, like the others.
        supply: ``S``.
        forced: ``D``.
    """
    price, net = _net(prices, supply, forced)
    falls = np.maximum.accumulate(net) - net
    deepest = int(np.argmax(falls))
    if falls[deepest] <= SHALLOW * max(float(net.max()), 0.0):
        top = int(np.argmax(net))
        return Barrier(float(net[top]), float(price[top]), float(price[top]))
    top = int(np.argmax(net[: deepest + 1]))
    demand = float(net[top])
    return Barrier(demand, float(price[top]), _first_above(price[deepest:], net[deepest:], demand))


def ignition_hazard(barrier: float, flow_sd: float, refill_s: float) -> float:
    """Chance that net flow alone exceeds a barrier before the book has refilled.

    ``1 - Phi(Q / (sigma sqrt(tau)))``.

    Args:
        barrier: Of `ignition_barrier`, base.
        flow_sd: Standard deviation of net bought base in a second.
        refill_s: Time in which the book refills, s.
    """
    from scipy.stats import norm

    number("flow_sd", flow_sd, 0.0, math.inf)
    number("refill_s", refill_s, 0.0, math.inf)
    return float(norm.sf(barrier / (flow_sd * math.sqrt(refill_s))))


def root_impact_rise(demand: float, density: float, slope: float) -> float:
    """Rise in a book whose depth grows in a line from the price: it is always finite.

    ``[c rho + sqrt(c^2 rho^2 + 4 c Q0)] / 2`` with ``c = 2 / slope``; a square root without forced
    orders. So a cascade needs a book that is flat or thins out, or shorts in a cluster.

    Args:
        demand: ``Q0``, base, 0 and above.
        density: ``rho``, base per unit of price, 0 and above.
        slope: Of the depth, base per square of price, above 0.
    """
    number("slope", slope, 0.0, math.inf)
    c = 2 / slope
    return (c * density + math.sqrt((c * density) ** 2 + 4 * c * demand)) / 2


def borel_tanner(counts: ArrayLike, n: float, seeds: int) -> FloatArray:
    """Chance of so many accounts in all, seeds included, in a cascade of equal accounts.

    ``(m / k) exp(-n k) (n k)^(k - m) / (k - m)!``. Sources: Borel 1942; Tanner 1961, Biometrika
    48, 222 (busy period of a queue). Its mean is ``m / (1 - n)`` and its variance
    ``m n / (1 - n)^3``; at ``n = 1`` it falls as ``k^-1.5``.

    Args:
        counts: (k,) whole numbers.
        n: Branching ratio, 0 < n <= 1.
        seeds: Accounts that the start is worth, ``m``, 1 and above.

    Returns:
        (k,) probabilities; 0 below ``m``.
    """
    from scipy.special import gammaln, xlogy

    number("n", n, 0.0, math.nextafter(1.0, 2.0))
    k = np.asarray(counts, np.float64)
    inside = k >= seeds
    safe = np.where(inside, k, float(seeds))
    logs = math.log(seeds) - np.log(safe) - n * safe + xlogy(safe - seeds, n * safe)
    found: FloatArray = np.where(inside, np.exp(logs - gammaln(safe - seeds + 1)), 0.0)
    return found


def cutoff_size(n: float) -> float:
    """Size at which the power law of sizes is cut off: ``1 / (n - 1 - ln n)``, infinity at 1."""
    number("n", n, 0.0, math.inf)
    return math.inf if n == 1 else 1 / (n - 1 - math.log(n))


def runaway_probability(n: float, demand: float, size: float, sizes: Sizes = "constant") -> float:
    """Chance that a cascade never ends above the critical point: ``1 - exp(-theta Q0)``.

    ``theta`` is the root of Lundberg's equation ``n (1 - E exp(-theta q)) = theta E q`` for Poisson
    accounts in a book of constant depth. Source: Lundberg 1909; Asmussen and Albrecher 2010, "Ruin
    probabilities", ch. IV.

    Args:
        n: ``rho / lambda``.
        demand: Exogenous ``Q0``, base.
        size: Mean size of an account, base, above 0.
        sizes: Law of sizes.
    """
    from scipy.special import lambertw

    choice("sizes", sizes, SIZES)
    number("n", n, -1e-12, math.inf)
    number("size", size, 0.0, math.inf)
    if n <= 1:
        return 0.0
    if sizes == "exponential":
        theta = (n - 1) / size
    else:
        theta = (n + float(lambertw(-n * math.exp(-n)).real)) / size
    return -math.expm1(-theta * demand)


def rise_density(rises: ArrayLike, demand: float, drift: float, variance: float) -> FloatArray:
    """Density of the end price for accounts and depth of any sizes, when both are small.

    Inverse Gaussian: first passage of demand less supply, of drift ``lambda - rho`` and of so much
    variance per unit of price. Source: Schrödinger 1915, Physikalische Zeitschrift 16, 289.

    Args:
        rises: (n,) displacements above 0.
        demand: ``Q0``, above 0.
        drift: ``lambda - rho``; below 0 a share of cascades has no end.
        variance: Of ``S - D`` per unit of price, above 0: with Poisson accounts of size ``q`` and
            constant depth ``rho E q^2 / E q``.
    """
    x = np.asarray(rises, np.float64)
    number("demand", demand, 0.0, math.inf)
    number("variance", variance, 0.0, math.inf)
    gap = -((demand - drift * x) ** 2) / (2 * variance * x)
    found: FloatArray = demand / np.sqrt(2 * math.pi * variance * x**3) * np.exp(gap)
    return found


def _net(prices: ArrayLike, supply: ArrayLike, forced: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Prices, and supply less forced demand cumulated up to each."""
    price = increasing("prices", prices)
    depth = not_negative("supply", supply, 2)
    taken = not_negative("forced", forced, 2)
    same_length(prices=price, supply=depth, forced=taken)
    for name, series in (("supply", depth), ("forced", taken)):
        falls = np.flatnonzero(np.diff(series) < 0)
        if len(falls):
            raise DataError(
                f"{name}[{falls[0] + 1}] is below the one before, allowed is a sum up to each"
                " price; sum it up"
            )
    return price, depth - taken


def _first_above(price: FloatArray, net: FloatArray, level: float) -> float:
    """First price at which a net reaches a level, in a line between two of the grid."""
    reached = np.flatnonzero(net >= level)
    if not len(reached):
        return math.inf
    i = int(reached[0])
    if i == 0 or net[i] == net[i - 1]:
        return float(price[i])
    return float(np.interp(level, net[i - 1 : i + 1], price[i - 1 : i + 1]))

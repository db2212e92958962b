"""The critical point of a liquidation cascade in closed form.

A cascade is a chain reaction: forced buying moves the mark, and the mark forces others to buy. The
index of criticality is the forced volume that one unit of buying brings about in the end; at 1 a
cascade feeds itself. All of it is this project's own reduced theory, not a published one.

Units: prices and displacements in any one unit (quote, ticks), volume in base, densities in base
per unit of price, time in seconds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from squeezegym.errors import ConfigError
from squeezegym.theory.samples import (
    FloatArray,
    finite,
    increasing,
    number,
    positive,
    same_length,
)

ENDLESS = math.inf


def trigger_price(entry: float, leverage: float, maintenance: float) -> float:
    """Price at which an isolated linear short is liquidated: ``p (1 + 1/L) / (1 + m)``.

    Args:
        entry: Entry price, above 0.
        leverage: Of the position, above 0.
        maintenance: Maintenance margin rate, 0..1.
    """
    number("entry", entry, 0.0, math.inf)
    number("leverage", leverage, 0.0, math.inf)
    number("maintenance", maintenance, -1e-12, 1.0)
    return entry * (1 + 1 / leverage) / (1 + maintenance)


def trigger_leverage(prices: ArrayLike, entry: float, maintenance: float) -> FloatArray:
    """Leverage of the shorts that are liquidated at a price: the inverse of `trigger_price`.

    Args:
        prices: (n,) prices above 0.
        entry: Entry price, above 0.
        maintenance: Maintenance margin rate, 0..1.

    Returns:
        (n,) leverage; infinity where even infinite leverage would have been taken before.
    """
    number("entry", entry, 0.0, math.inf)
    number("maintenance", maintenance, -1e-12, 1.0)
    equity = positive("prices", prices) / entry * (1 + maintenance) - 1
    with np.errstate(divide="ignore"):
        leverage: FloatArray = np.where(equity > 0, 1 / np.maximum(equity, 0.0), ENDLESS)
    return leverage


def short_density(
    prices: ArrayLike,
    entry: float,
    open_interest: float,
    leverages: tuple[float, float],
    maintenance: float,
) -> FloatArray:
    """Shorts liquidated per unit of price, leverage log-uniform between two bounds.

    ``rho(p) = OI L(p) (1 + m) / (p_entry ln(L2 / L1))``; for another density ``f`` of leverage it
    is ``OI f(L) L^2 (1 + m) / p_entry``.

    Args:
        prices: (n,) prices above 0.
        entry: Entry price of all shorts.
        open_interest: Base of them all, above 0.
        leverages: Lowest and highest leverage, 0 < lowest < highest.
        maintenance: Maintenance margin rate, 0..1.

    Returns:
        (n,) base per unit of price; 0 where no short of those leverages stands.
    """
    low, high = _bounds(leverages)
    number("open_interest", open_interest, 0.0, math.inf)
    leverage = trigger_leverage(prices, entry, maintenance)
    inside = (leverage >= low) & (leverage <= high)
    scale = open_interest * (1 + maintenance) / (entry * math.log(high / low))
    density: FloatArray = np.where(inside, np.where(inside, leverage, 0.0) * scale, 0.0)
    return density


def critical_leverage(
    depth: float,
    entry: float,
    open_interest: float,
    leverages: tuple[float, float],
    maintenance: float,
) -> float:
    """Leverage above which resting shorts of `short_density` exceed the depth of the book.

    ``L_c = lambda p ln(L2 / L1) / (OI (1 + m))``: where ``n = rho / lambda`` is 1.

    Args:
        depth: Base per unit of price, above 0.
        entry: As of `short_density`, like the others.
        open_interest: Base.
        leverages: Lowest and highest leverage.
        maintenance: Maintenance margin rate, 0..1.
    """
    low, high = _bounds(leverages)
    number("depth", depth, 0.0, math.inf)
    number("open_interest", open_interest, 0.0, math.inf)
    return depth * entry * math.log(high / low) / (open_interest * (1 + maintenance))


class Response(NamedTuple):
    """Displacement of the mark by a unit bought: ``g(t) = last + (first - last) exp(-k t)``.

    Attributes:
        first: At once, price per base.
        last: What stays, price per base.
        rate: ``k``, resilience of the book or speed of arbitrage, 1/s.
    """

    first: float
    last: float
    rate: float

    def at(self, times: ArrayLike) -> FloatArray:
        """Displacement after some times, s."""
        decayed = np.exp(-self.rate * np.asarray(times, np.float64))
        found: FloatArray = self.last + (self.first - self.last) * decayed
        return found


def mark_response(
    weight: float, perp_depth: float, spot_depth: float, arbitrage: float
) -> Response:
    """Response of the mark ``w perp + (1 - w) spot`` to buying on the perp, through arbitrage.

    The perp jumps by ``1 / lambda_p``; arbitrage carries the shock over until both books have moved
    by ``1 / (lambda_p + lambda_s)``, at the rate ``k = a (1 / lambda_p + 1 / lambda_s)``.

    Args:
        weight: ``w``, 0..1.
        perp_depth: Base per unit of price, above 0.
        spot_depth: The same of spot.
        arbitrage: ``a``, base a second for a unit of basis, 0 and above; 0: spot never follows.
    """
    number("weight", weight, -1e-12, 1 + 1e-12)
    number("perp_depth", perp_depth, 0.0, math.inf)
    number("spot_depth", spot_depth, 0.0, math.inf)
    number("arbitrage", arbitrage, -1e-12, math.inf)
    if arbitrage == 0:
        return Response(weight / perp_depth, weight / perp_depth, 0.0)
    rate = arbitrage * (1 / perp_depth + 1 / spot_depth)
    return Response(weight / perp_depth, 1 / (perp_depth + spot_depth), rate)


def critical_weight(perp_depth: float, spot_depth: float) -> float:
    """Weight of the perp in the mark above which arbitrage stabilises: ``l_p / (l_p + l_s)``.

    Below it the mark follows the perp only through arbitrage, and the index does not depend on how
    fast that is; without arbitrage at weight 0 there is no cascade.
    """
    number("perp_depth", perp_depth, 0.0, math.inf)
    number("spot_depth", spot_depth, 0.0, math.inf)
    return perp_depth / (perp_depth + spot_depth)


def dynamic_index(density: float, response: Response, engine_s: float) -> float:
    """Index of criticality with the speed of the engine against the resilience of the book.

    ``R = sup_(z >= 0) rho z g^(z) / (1 + z tau)``, ``g^`` the Laplace transform of the response and
    ``tau`` the mean wait of an account in the engine; a mode grows exactly where ``R > 1``.
    A slow engine meets a book that has refilled, so only what stays counts.

    Args:
        density: Shorts liquidated per unit of price, base, 0 and above.
        response: Of the mark to forced buying.
        engine_s: ``tau``, 0 and above.

    Returns:
        The index, 0 and above.
    """
    number("density", density, -1e-12, math.inf)
    number("engine_s", engine_s, -1e-12, math.inf)
    lasting, time = density * response.last, response.rate * engine_s
    if response.rate == 0:  # nothing decays: the first displacement stays
        return density * response.first
    if response.first <= response.last:
        return lasting
    if time == 0:
        return density * response.first
    r = response.last / response.first
    if r > 0 and time >= (1 - r) / r:
        return lasting
    s = -r + math.sqrt((1 - r) * (1 - r * time) / time)
    return density * response.first * (r + s) / ((1 + s) * (1 + s * time))


def measured_index(
    density: float, times: ArrayLike, displacements: ArrayLike, engine_s: float
) -> float:
    """The index of `dynamic_index` for a response of any shape, such as one that starts late.

    Args:
        density: Shorts liquidated per unit of price, base, 0 and above.
        times: (t,) increasing times, s, from 0 on; the response is a line between them.
        displacements: (t,) of the mark by a unit bought; the last one stays.
        engine_s: Mean wait of an account in the engine, s, 0 and above.

    Returns:
        The index, 0 and above.
    """
    from scipy.optimize import minimize_scalar

    time = increasing("times", times)
    moved = finite("displacements", displacements)
    same_length(times=time, displacements=moved)
    number("density", density, -1e-12, math.inf)
    number("engine_s", engine_s, -1e-12, math.inf)
    slopes = np.diff(moved) / np.diff(time)

    def minus(log_z: float) -> float:
        # z g^(z) is the transform of the slopes, and of the jump at the start.
        z = math.exp(log_z)
        passed = -np.diff(np.exp(-z * time)) / z
        reached = moved[0] * math.exp(-z * time[0]) + float(slopes @ passed)
        return float(-density * reached / (1 + z * engine_s))

    grid = np.linspace(math.log(1e-3 / time[-1]), math.log(1e3 / np.diff(time).min()), 400)
    best = float(min(grid, key=minus))
    step = float(grid[1] - grid[0])
    found = minimize_scalar(minus, bounds=(best - step, best + step), method="bounded")
    return max(0.0, -float(found.fun), density * float(moved[-1]))


def capped_volume(demand: float, density: float, response: Response, cap: float) -> float:
    """Forced and exogenous volume in the end, if the engine sends at most so much a second.

    ``(Q0 + rho (g0 - g_inf) cap / k) / (1 - rho g_inf)``: a queue makes the flow steady, the
    transient part of the impact saturates, and only what stays of it can be critical. It holds for
    a cap that binds; without one see `dynamic_index`.

    Args:
        demand: Exogenous buying ``Q0``, base, 0 and above.
        density: Shorts liquidated per unit of price, base.
        response: Of the mark; its rate must be above 0.
        cap: Base a second.

    Returns:
        Base; infinity where ``rho g_inf >= 1`` and the backlog never clears.
    """
    number("demand", demand, -1e-12, math.inf)
    number("cap", cap, 0.0, math.inf)
    number("response.rate", response.rate, 0.0, math.inf)
    lasting = density * response.last
    if lasting >= 1:
        return ENDLESS
    passing = density * (response.first - response.last) * cap / response.rate
    return (demand + passing) / (1 - lasting)


def growth_rate(density: float, response: Response, engine_s: float) -> float:
    """Rate at which forced flow grows, 1/s: the largest root of ``1 + z tau = rho z g^(z)``.

    Above criticality only; an instant book gives ``(n - 1) / tau``.

    Args:
        density: Shorts liquidated per unit of price, base.
        response: Of the mark.
        engine_s: ``tau``, above 0.

    Returns:
        The rate, 0 where nothing grows.
    """
    number("engine_s", engine_s, 0.0, math.inf)
    k = response.rate
    if k == 0:
        return max(0.0, (density * response.first - 1) / engine_s)
    b = 1 + k * engine_s - density * response.first
    under = b * b - 4 * engine_s * k * (1 - density * response.last)
    if under < 0:  # a wave: the mark falls back before it has forced enough
        return 0.0
    return max(0.0, (-b + math.sqrt(under)) / (2 * engine_s))


def final_rise(
    demand: float, depth: float, density: float, pool: float = 0.0, contagion: float = 0.0
) -> float:
    """Rise at which depth has met exogenous, forced and contagious demand.

    Root of ``P (lambda - rho) = Q0 + S0 (1 - exp(-chi P / S0))``: the final size of an epidemic
    whose cause is the rise. The second wave is ``S0 (1 - exp(-chi P / S0))``.

    Args:
        demand: Exogenous buying ``Q0``, base, 0 and above.
        depth: ``lambda`` of all books that move together, base per unit of price.
        density: ``rho``, base per unit of price.
        pool: ``S0``, base of those who may be infected; 0: nobody.
        contagion: ``chi``, base that join per unit of price while the pool is full.

    Returns:
        The rise; infinity where ``rho >= lambda``.
    """
    from scipy.optimize import brentq

    number("demand", demand, -1e-12, math.inf)
    number("depth", depth, 0.0, math.inf)
    number("density", density, -1e-12, math.inf)
    if density >= depth:
        return ENDLESS
    free = depth - density
    if pool <= 0 or contagion <= 0:
        return demand / free

    def missing(rise: float) -> float:
        return rise * free - demand + pool * math.expm1(-contagion * rise / pool)

    highest = (demand + pool) / free
    lowest = 0.0
    if demand == 0:  # the second root, if the first is unstable
        if contagion <= free:
            return 0.0
        lowest = highest * 1e-12
    return float(brentq(missing, lowest, highest, xtol=1e-12 * highest))


def withdrawal_threshold(density: float, depth: float, withdrawal: float) -> float:
    """Speed of price above which makers who withdraw make a cascade feed itself.

    Depth ``lambda exp(-zeta v)`` at speed ``v`` is critical at ``v = ln(lambda / rho) / zeta``; a
    market below its critical point is ignited by speed alone. Holds while ``zeta v < 1``.

    Args:
        density: ``rho``, above 0.
        depth: ``lambda`` at rest, above 0.
        withdrawal: ``zeta``, s per unit of price, above 0.

    Returns:
        Price a second; 0 where the market is critical at rest.
    """
    number("density", density, 0.0, math.inf)
    number("depth", depth, 0.0, math.inf)
    number("withdrawal", withdrawal, 0.0, math.inf)
    return max(0.0, math.log(depth / density) / withdrawal)


def total_index(forced: float, contagion: float, depth: float, followers: float = 0.0) -> float:
    """Index of all that answers a rise: ``R + chi / lambda + h R``.

    Args:
        forced: Index of liquidation.
        contagion: ``chi``, base that join per unit of price.
        depth: Of all books, base per unit of price, above 0.
        followers: ``h``, base that snipers buy for each forced one; it is sold again later.
    """
    number("depth", depth, 0.0, math.inf)
    return forced * (1 + followers) + contagion / depth


def _bounds(leverages: tuple[float, float]) -> tuple[float, float]:
    low, high = leverages
    if not 0 < low < high < math.inf:
        raise ConfigError(f"leverages must be two numbers 0 < low < high, got {low}, {high}")
    return float(low), float(high)

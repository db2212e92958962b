"""Kernels of the reduced model: one path of the reactions, event by event or in leaps.

Between two events nothing changes that a rate depends on, so the events are those of an exact
Markov chain (Gillespie 1977, Journal of Physical Chemistry 81, 2340). A leap fires all events of a
short time at once (Gillespie 2001, Journal of Chemical Physics 115, 1716).
"""

import math

import numpy as np

from squeezegym._jit import entry, kernel
from squeezegym.codes import ONE, ZERO
from squeezegym.core.rng import exponential, uniform

_FEW = 10.0  # events that a leap must be worth


@kernel
def interpolate(xs, ys, x):
    """Value at ``x`` of the line through points, carried on with its first and last slope."""
    low = np.int64(0)
    high = np.int64(xs.shape[0] - 1)
    while high - low > 1:
        middle = (low + high) >> 1
        if xs[middle] <= x:
            low = middle
        else:
            high = middle
    return ys[low] + (x - xs[low]) * (ys[high] - ys[low]) / (xs[high] - xs[low])


@kernel
def poisson(rng, mean):
    """Return a Poisson number: by waiting times, or by transformed rejection if it is large.

    Source: Hörmann 1993, Insurance: Mathematics and Economics 12, 39 (PTRS).
    """
    if mean <= 0.0:
        return np.int64(0)
    if mean < 10.0:
        count = np.int64(-1)
        left = mean
        while left >= 0.0:
            left -= exponential(rng, 0)
            count += 1
        return count
    root = math.sqrt(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse = 1.1239 + 1.1328 / (b - 3.4)
    accept = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = uniform(rng, 0) - 0.5
        v = 1.0 - uniform(rng, 0)
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43) if us > 0.0 else -1.0
        if us >= 0.07 and v <= accept:
            return np.int64(k)
        if k < 0.0 or (us < 0.013 and v > us):
            continue
        if math.log(v) + math.log(inverse) - math.log(a / (us * us) + b) <= (
            -mean + k * math.log(mean) - math.lgamma(k + 1.0)
        ):
            return np.int64(k)


@kernel
def binomial(rng, n, p):
    """Return how many of ``n`` happen with chance ``p``, by the gaps between them."""
    if p <= 0.0:
        return np.int64(0)
    if p >= 1.0:
        return np.int64(n)
    step = -math.log1p(-p)
    count = np.int64(0)
    place = math.floor(exponential(rng, 0) / step)
    while place < n:
        count += 1
        place += 1.0 + math.floor(exponential(rng, 0) / step)
    return count


@kernel
def take(state, setup, base, orders):
    """Take base from the perp's book, or give it back below 0: a part stays, a part goes."""
    stretched = base * math.exp(min(setup["withdrawal"] * state["trend"], 50.0))
    state["stays"] += setup["lasting"] * stretched
    if setup["lasting"] < 1.0:
        state["goes"] += (1.0 - setup["lasting"]) * stretched
        state["units"] += orders


@kernel
def settle(state, setup, path, grids, rng):
    """Reprice both books; a mark above all before it liquidates shorts and infects buyers."""
    prices, forced, perp, spot = grids
    path["perp"] = interpolate(perp, prices, state["stays"] + state["goes"])
    path["spot"] = interpolate(spot, prices, state["taken"])
    mark = setup["weight"] * path["perp"] + (1.0 - setup["weight"]) * path["spot"]
    top = path["top"]
    rise = mark - top
    if rise <= 0.0:
        return
    crossed = interpolate(prices, forced, mark) - interpolate(prices, forced, top)
    state["pending"] += poisson(rng, crossed / setup["size"])
    if state["reloaded"] > 0:
        again = binomial(rng, state["reloaded"], -math.expm1(-rise / setup["reload_width"]))
        state["reloaded"] -= again
        state["pending"] += again
    if state["susceptible"] > 0:
        chance = -math.expm1(-setup["contagion"] * rise / setup["pool"])
        joined = binomial(rng, state["susceptible"], chance)
        state["susceptible"] -= joined
        state["infected"] += joined
    state["trend"] += rise / setup["trend_s"]
    path["top"] = mark
    path["backlog"] = max(path["backlog"], state["pending"] * setup["size"])


@kernel
def sizes_of(setup, accounts, rng):
    """Base of so many accounts."""
    if setup["random_sizes"] == 0.0:
        return accounts * setup["size"]
    total = 0.0
    for _ in range(accounts):
        total += setup["size"] * exponential(rng, 0)
    return total


@kernel
def serve(state, setup, path, accounts, flow, rng):
    """The engine buys back accounts; snipers follow, and some of the liquidated sell again."""
    base = sizes_of(setup, accounts, rng)
    state["pending"] -= accounts
    path["forced"] += base
    path["accounts"] += accounts
    path["work"] += base * path["perp"]
    bought = base
    if setup["followers"] > 0.0 and flow > setup["threshold"]:
        more = poisson(rng, setup["followers"] * base / setup["size"])
        state["held"] += more
        path["followed"] += more * setup["size"]
        bought += more * setup["size"]
    if setup["reload"] > 0.0:
        again = binomial(rng, accounts, setup["reload"])
        state["reloaded"] += again
        bought -= again * setup["size"]
    take(state, setup, bought, accounts)


@kernel
def demand_order(state, setup, path, orders):
    """Exogenous orders arrive on both books."""
    base = orders * setup["size"]
    state["waiting"] -= orders
    path["exogenous"] += base
    state["taken"] += base * (1.0 - setup["demand_perp"])
    if setup["demand_perp"] > 0.0:
        take(state, setup, base * setup["demand_perp"], orders)


@kernel
def arbitrage_order(state, setup, orders):
    """Arbitrage buys spot and sells the perp, or the other way round below 0."""
    base = orders * setup["size"]
    state["taken"] += base
    state["position"] += base
    take(state, setup, -base, abs(orders))


@kernel
def arbitrage_rate(state, setup, path, step):
    """Orders a second, signed; none within half the basis that one of them closes."""
    basis = path["perp"] - path["spot"]
    if setup["arbitrage"] == 0.0 or abs(basis) <= 0.5 * step:
        return 0.0
    room = setup["capital"] - (state["position"] if basis > 0.0 else -state["position"])
    if room < setup["size"]:
        return 0.0
    return setup["arbitrage"] * basis / setup["size"]


@kernel
def leap_length(setup, basis_rate):
    """Time that a leap may take: a share of the fastest time constant."""
    fastest = max(1.0 / setup["engine_s"], setup["refill"])
    fastest = max(fastest, setup["arbitrage"] * basis_rate)
    if setup["pool"] > 0.0:
        fastest = max(fastest, 1.0 / setup["fomo_s"])
    if setup["followers"] > 0.0:
        fastest = max(fastest, 1.0 / setup["hold_s"])
    return setup["leap"] / fastest


@kernel
def fire(state, setup, path, counts, flow, rng):
    """Let so many of each reaction happen."""
    waiting, served, refilled, bought, arbitraged, sold = counts
    if waiting > 0:
        demand_order(state, setup, path, waiting)
    if served > 0:
        serve(state, setup, path, served, flow, rng)
    if refilled > 0:
        state["goes"] *= 1.0 - refilled / state["units"]
        state["units"] -= refilled
    if bought > 0:
        state["infected"] -= bought
        path["joined"] += bought * setup["size"]
        take(state, setup, bought * setup["size"], bought)
    if arbitraged != 0:
        arbitrage_order(state, setup, arbitraged)
    if sold > 0:
        state["held"] -= sold
        take(state, setup, -sold * setup["size"], sold)


@kernel
def one_of(rates, total, rng):
    """Draw which reaction happens next, as counts."""
    waiting, served, refilled, bought, arbitraged, sold = rates
    chance = uniform(rng, 0) * total - waiting
    if chance < 0.0:
        return ONE, ZERO, ZERO, ZERO, ZERO, ZERO
    chance -= served
    if chance < 0.0:
        return ZERO, ONE, ZERO, ZERO, ZERO, ZERO
    chance -= refilled
    if chance < 0.0:
        return ZERO, ZERO, ONE, ZERO, ZERO, ZERO
    chance -= bought
    if chance < 0.0:
        return ZERO, ZERO, ZERO, ONE, ZERO, ZERO
    if sold > 0.0 and chance - abs(arbitraged) >= 0.0:
        return ZERO, ZERO, ZERO, ZERO, ZERO, ONE
    return ZERO, ZERO, ZERO, ZERO, ONE if arbitraged > 0.0 else -ONE, ZERO


@kernel
def many_of(state, rates, time, rng):
    """Draw how often each reaction happens in a time, at most as often as it can."""
    waiting, served, refilled, bought, arbitraged, sold = rates
    orders = poisson(rng, abs(arbitraged) * time)
    return (
        min(state["waiting"], poisson(rng, waiting * time)),
        min(state["pending"], poisson(rng, served * time)),
        min(state["units"], poisson(rng, refilled * time)),
        min(state["infected"], poisson(rng, bought * time)),
        orders if arbitraged > 0.0 else -orders,
        min(state["held"], poisson(rng, sold * time)),
    )


@kernel
def rates_of(state, setup, path, step):
    """Rates of all reactions, 1/s; that of arbitrage is signed."""
    waiting = 0.0
    if state["waiting"] > 0:
        waiting = setup["demand"] / (setup["size"] * setup["demand_s"])
    served = min(state["pending"] / setup["engine_s"], setup["cap"] / setup["size"])
    return (
        waiting,
        served,
        state["units"] * setup["refill"],
        state["infected"] / setup["fomo_s"],
        arbitrage_rate(state, setup, path, step),
        state["held"] / setup["hold_s"],
    )


@kernel
def sample(state, setup, path, times, series, place, until):
    """Write the present state at all times before ``until``; return the next place."""
    while place < times.shape[0] and times[place] < until:
        series[place, 0] = path["perp"]
        series[place, 1] = path["spot"]
        series[place, 2] = path["top"]
        series[place, 3] = state["pending"] * setup["size"]
        series[place, 4] = path["forced"]
        series[place, 5] = path["joined"]
        place += 1
    return place


@kernel
def open_path(state, setup, path, grids, rng):
    """Set the start: all demand at once, or orders that are still to come."""
    state["susceptible"] = np.int64(setup["pool"] / setup["size"] + 0.5)
    state["pending"] = np.int64(setup["queued"] / setup["size"] + 0.5)
    orders = np.int64(setup["demand"] / setup["size"] + 0.5)
    if setup["demand_s"] > 0.0:
        state["waiting"] = orders
    else:
        path["exogenous"] = setup["demand"]
        state["taken"] = setup["demand"] * (1.0 - setup["demand_perp"])
        take(state, setup, setup["demand"] * setup["demand_perp"], max(ONE, orders))
    settle(state, setup, path, grids, rng)


@kernel
def run_path(setup, grids, state, path, times, series, rng):
    """Run one path to its end."""
    prices, _, perp, spot = grids
    # Basis that an order of arbitrage closes; orders a second that a unit of basis brings.
    inverse = interpolate(perp, prices, 1.0) + interpolate(spot, prices, 1.0)
    step = inverse * setup["size"]
    open_path(state, setup, path, grids, rng)
    place = ZERO
    while True:
        rates = rates_of(state, setup, path, step)
        waiting, served, refilled, bought, arbitraged, sold = rates
        lively = waiting + served + bought + abs(arbitraged) + sold
        # Refill alone forces nobody: it is followed only for a series.
        if lively == 0.0 and (refilled == 0.0 or place == times.shape[0]):
            break
        if path["forced"] >= setup["most"]:
            path["ran_away"] = True
            break
        total = lively + refilled
        wait = 0.0
        if setup["leap"] > 0.0:
            wait = leap_length(setup, inverse)
        leaping = wait * total > _FEW
        if not leaping:
            wait = exponential(rng, 0) / total
        end = min(state["time"] + wait, setup["horizon_s"])
        place = sample(state, setup, path, times, series, place, end)
        if end >= setup["horizon_s"]:
            state["time"] = end
            break
        state["time"] = end
        state["trend"] *= math.exp(-wait / setup["trend_s"])
        flow = served * setup["size"]
        if leaping:
            counts = many_of(state, rates, wait, rng)
        else:
            counts = one_of(rates, total, rng)
        fire(state, setup, path, counts, flow, rng)
        settle(state, setup, path, grids, rng)
        path["events"] += 1
    path["time"] = state["time"]
    sample(state, setup, path, times, series, place, np.inf)


@entry(seconds=3, ahead="warmup theory")
def run_paths(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def run_paths(setups, prices, forced, perp, spot, states, paths, times, series, streams):
        """Run paths of the reactions one after another.

        Args:
            setups: (1,) `SETUP_DTYPE`.
            prices: (k,) increasing displacements, the first 0.
            forced: (k,) base of the shorts liquidated up to each.
            perp: (k,) asks of the perp up to each, increasing.
            spot: (k,) asks of spot.
            states: (n,) `STATE_DTYPE`, zeros.
            paths: (n,) `PATH_DTYPE`, zeros.
            times: (t,) increasing times of ``series``, s; may be none.
            series: (n, t, 6) `SERIES` at those times.
            streams: (n, 1, 2) uint64, a stream for each path.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        grids = (prices, forced, perp, spot)
        for i in range(paths.shape[0]):
            run_path(setups[0], grids, states[i], paths[i], times, series[i], streams[i])

    return run_paths

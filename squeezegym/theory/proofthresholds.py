"""Rows V6 to V13 of the reduced chain: thresholds, growth, phase planes, nulls and finite size."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from squeezegym.theory import cascades, criticality
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.checks import (
    SHARES,
    Check,
    check,
    count,
    edge,
    mean_of,
    midpoint,
    plane_midpoint,
    share_of,
    within,
)
from squeezegym.theory.phase import phase
from squeezegym.theory.reduced import Reactions, reduced_paths


def _throttles(effort: float, seed: int) -> Iterator[Check]:
    paths = count(40, effort)
    for r, time in ((0.0, 0.01), (0.0, 0.2), (0.0, 1.0), (0.0, 5.0), (0.3, 1.0)):
        critical = 1 / criticality.dynamic_index(1.0, criticality.Response(1.0, r, time), 1.0)

        def build(share: float, of: tuple[float, ...] = (critical, r, time)) -> Reactions:
            return Reactions.even(
                share * of[0], 1.0, demand=100.0, size=0.5, lasting=of[1], refill=of[2]
            )

        share, interval = edge(build, paths, 1e4, seed)
        yield check(
            "V6",
            f"critical density, lasting share {r:g}, k tau = {time:g}",
            f"{len(SHARES)} densities, {paths} paths each",
            critical,
            (share * critical, Interval(*(critical * np.array(interval)))),
            within(critical, 0.05),
        )


def _marks(effort: float, seed: int) -> Iterator[Check]:
    paths = count(40, effort)
    cases = [(w, 1.0) for w in (0.0, 0.2, 1 / 3)] + [(0.2, 10.0), (1.0, 0.05 / 1.5), (1.0, 0.5)]
    for weight, arbitrage in cases:
        response = criticality.mark_response(weight, 1.0, 2.0, arbitrage)
        critical = 1 / criticality.dynamic_index(1.0, response, 1.0)

        def build(share: float, of: tuple[float, ...] = (critical, weight, arbitrage)) -> Reactions:
            return Reactions.even(
                share * of[0],
                1.0,
                2.0,
                demand=100.0,
                demand_perp=1 / 3,
                size=0.5,
                weight=of[1],
                arbitrage=of[2],
            )

        share, interval = edge(build, paths, 300.0, seed)
        yield check(
            "V7",
            f"critical density, weight of the perp {weight:.2g}, arbitrage {arbitrage:.2g}",
            f"perp depth 1, spot 2, so w* = 1/3; {paths} paths at {len(SHARES)} densities",
            critical,
            (share * critical, Interval(*(critical * np.array(interval)))),
            within(critical, 0.05),
        )


def _contagion(effort: float, seed: int) -> Iterator[Check]:
    paths = count(400, effort)
    for index in (0.7, 1.0, 1.5):
        contagion = 2.0 * index - 0.8
        found, _ = reduced_paths(
            Reactions.even(0.8, 2.0, demand=100.0, pool=500.0, contagion=contagion, size=0.25),
            paths,
            seed=seed,
        )
        expected = criticality.final_rise(100.0, 2.0, 0.8, 500.0, contagion)
        yield check(
            "V8",
            f"final rise with contagion, index {index:g}",
            f"pool of 2,000 buyers, {paths} paths",
            expected,
            mean_of(found["perp"]),
            within(expected, 0.03),
        )


def _barrier(effort: float, seed: int) -> Iterator[Check]:
    from scipy.stats import norm

    paths = count(200, effort)
    prices = np.arange(0.0, 2000.0)
    forced = 300.0 * norm.cdf(prices, 500.0, 20.0)
    barrier = cascades.ignition_barrier(prices, prices, forced)
    shares, hits, ends = np.linspace(0.9, 1.1, 11), [], []
    for i, share in enumerate(shares):
        found, _ = reduced_paths(
            Reactions(
                prices=prices, forced=forced, perp=prices, demand=share * barrier.demand, size=0.3
            ),
            paths,
            seed=seed + i,
        )
        passed = found["perp"] > barrier.price + 100.0
        hits.append(int(passed.sum()))
        end = cascades.terminal_price(prices, prices, forced, share * barrier.demand)
        ends.append(found["perp"][passed == (share > 1)] / end)
    yield check(
        "V9",
        "half of the paths pass a cluster at its ignition barrier",
        f"300 base around 500, {paths} paths at {len(shares)} demands",
        1.0,
        midpoint(shares, np.array(hits, np.float64), paths),
        within(1.0, 0.03),
    )
    yield check(
        "V9",
        "end price over that of the closed form",
        "the same paths, those on the side of the barrier that theory says",
        1.0,
        mean_of(np.concatenate(ends)),
        within(1.0, 0.02),
    )


def _growth(effort: float, seed: int) -> Iterator[Check]:
    paths = count(200, effort)
    instant = [(Reactions.even(n, 1.0, demand=500.0), n - 1, f"n = {n:g}") for n in (1.1, 1.5)]
    arbitrage = Reactions.even(
        1.8, 0.4, 0.6, demand=500.0, demand_perp=0.4, weight=0.0, arbitrage=0.12
    )
    response = criticality.mark_response(0.0, 0.4, 0.6, 0.12)
    linked = (arbitrage, criticality.growth_rate(1.8, response, 1.0), "n = 1.8 through arbitrage")
    for reactions, expected, name in (*instant, linked):
        times = np.linspace(3.0, 8.0, 11) / max(expected, 0.3)
        _, series = reduced_paths(
            reactions, paths, seed=seed, times=times, horizon_s=float(times[-1]) + 0.1, leap=0.03
        )
        pending = np.array_split(series[:, :, 3], min(20, paths))
        slopes = [np.polyfit(times, np.log(part.mean(axis=0)), 1)[0] for part in pending]
        yield check(
            "V10",
            f"growth of forced flow, 1/s, {name}",
            f"slope of the log of the mean queue, {paths} paths",
            expected,
            mean_of(np.array(slopes)),
            within(expected, 0.1),
        )


def _planes(effort: float, seed: int) -> Iterator[Check]:
    paths = count(100, effort)
    for plane in ("leverage-depth", "throttle-resilience", "mark-arbitrage"):
        rows = list(phase(plane, cells=12, paths=paths, seed=seed))
        yield check(
            "V11",
            f"index at which half run away, plane {plane}",
            f"144 points, {paths} paths each",
            1.0,
            plane_midpoint(rows),
            within(1.0, 0.1),
        )
    yield _multiplier(effort, seed)


def _multiplier(effort: float, seed: int) -> Check:
    from scipy.stats import spearmanr

    paths = count(1000, effort)
    indices, volumes = [], []
    for i, (density, depth) in enumerate(
        (share * depth, depth) for depth in (0.5, 1.0, 3.0) for share in np.arange(0.05, 0.9, 0.05)
    ):
        found, _ = reduced_paths(Reactions.even(density, depth, demand=20.0), paths, seed=seed + i)
        indices.append(1 / (1 - density / depth))
        volumes.append(float(found["forced"].mean()) + 20.0)
    value = float(spearmanr(np.log(indices), np.log(volumes)).statistic)
    return check(
        "V11",
        "rank correlation of log volume with -log(1 - R), R below .9",
        f"51 pairs of density and depth, {paths} paths each",
        1.0,
        (value, Interval(value, value)),
        (0.95, 1.0),
    )


def _nulls(effort: float, seed: int) -> Iterator[Check]:
    from scipy.stats import norm

    paths = max(400, count(400, effort))  # fewer cannot tell a share of 1 %
    prices = np.arange(0.0, 2000.0)
    cluster = 300.0 * norm.cdf(prices, 500.0, 20.0)
    demand = 1.2 * cascades.ignition_barrier(prices, prices, cluster).demand
    cases = {
        "no shorts at all: liquidations absorbed off-book": Reactions(
            prices=prices, forced=0 * prices, perp=prices, demand=demand
        ),
        "the same shorts shuffled over all prices": Reactions(
            prices=prices, forced=300.0 * prices / 2000.0, perp=prices, demand=demand
        ),
        "mark of spot alone and no arbitrage": Reactions(
            prices=prices, forced=cluster, perp=prices, demand=demand, weight=0.0
        ),
    }
    for name, reactions in cases.items():
        found, _ = reduced_paths(reactions, paths, seed=seed)
        passed = int((found["perp"] > demand / 0.7).sum())
        yield check(
            "V12",
            f"null: {name}",
            f"1.2 barriers of the cluster, {paths} paths; share that passes",
            0.0,
            share_of(passed, paths),
            (0.0, 0.01),
        )


def _finite_size(effort: float, seed: int) -> Iterator[Check]:
    paths = count(1000, effort)
    widths, counts = [], (100, 1000, 10_000)
    shares = np.linspace(-2.0, 4.0, 13)
    for accounts in counts:
        hits = []
        for i, share in enumerate(shares):
            n = 1 + share / math.sqrt(accounts)
            # Beyond the last account the book goes on without shorts.
            reactions = Reactions(
                prices=(0.0, accounts / n, 2.0 * accounts / n),
                forced=(0.0, float(accounts), float(accounts)),
                perp=(0.0, accounts / n, 2.0 * accounts / n),
                demand=math.sqrt(accounts),
            )
            found, _ = reduced_paths(reactions, paths, seed=seed + i)
            hits.append(float((found["accounts"] > 0.9 * accounts).mean()))
        rising = np.maximum.accumulate(hits) + 1e-9 * np.arange(len(shares))
        low, high = np.interp([0.25, 0.75], rising, shares / math.sqrt(accounts))
        widths.append(high - low)
    slopes = np.diff(np.log(widths)) / np.diff(np.log(counts))
    value = float(np.polyfit(np.log(counts), np.log(widths), 1)[0])
    yield check(
        "V13",
        "exponent of the width of the critical window in the number of accounts",
        f"100 to 10,000 accounts, seeds as their root, {paths} paths at 13 densities",
        -1 / 3,
        (value, Interval(float(slopes.min()), float(slopes.max()))),
        within(-1 / 3, absolute=0.08),
    )


THRESHOLDS = (_throttles, _marks, _contagion, _barrier, _growth, _planes, _nulls, _finite_size)
"""Rows by kind, in their order; each takes effort and seed as `proof.reduced_checks`."""

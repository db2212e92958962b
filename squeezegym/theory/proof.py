"""What the theory predicts, beside what book and reduced chain do: rows V0 to V13.

Rows of the full market are in `squeezegym.theory.marketproof`; the protocol is this project's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from squeezegym.theory import cascades, criticality
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.branching import size_branching
from squeezegym.theory.facts import Fact
from squeezegym.theory.reduced import Reactions, reduced_paths
from squeezegym.theory.samples import FloatArray

_Z = 1.959964  # of a 95 % interval
_RESAMPLES = 400
SHARES = np.linspace(0.88, 1.12, 13)  # of a predicted threshold, at which runaways are counted


@dataclass(frozen=True, slots=True)
class Check:
    """One prediction beside its measurement.

    Attributes:
        row: Of the protocol, such as V1.
        what: The prediction, in words.
        how: The simulation, in words.
        expected: What theory says.
        fact: The measurement; its target is the tolerance around what was expected.
    """

    row: str
    what: str
    how: str
    expected: float
    fact: Fact


def check(
    row: str,
    what: str,
    how: str,
    expected: float,
    measured: tuple[float, Interval],
    tolerance: tuple[float, float],
) -> Check:
    """Put a measurement beside a prediction.

    Args:
        row: As of `Check`, like the next three.
        what: In words.
        how: In words.
        expected: What theory says.
        measured: Estimate and interval.
        tolerance: Ends of the range that agrees.
    """
    estimate, interval = measured
    return Check(row, what, how, expected, Fact(what, estimate, *interval, *tolerance, how))


def within(expected: float, relative: float = 0.0, absolute: float = 0.0) -> tuple[float, float]:
    """Range around what is expected."""
    half = relative * abs(expected) + absolute
    return expected - half, expected + half


def mean_of(values: FloatArray, scale: float = 1.0) -> tuple[float, Interval]:
    """Mean of independent values times a scale, with its normal 95 % interval."""
    middle = float(values.mean()) * scale
    half = _Z * float(values.std(ddof=1)) * abs(scale) / math.sqrt(len(values))
    return middle, Interval(middle - half, middle + half)


def share_of(hits: int, trials: int) -> tuple[float, Interval]:
    """Share of trials, with Wilson's 95 % interval."""
    from scipy.stats import binomtest

    found = binomtest(hits, trials).proportion_ci(method="wilson")
    return hits / trials, Interval(float(found.low), float(found.high))


def midpoint(xs: FloatArray, hits: FloatArray, trials: int) -> tuple[float, Interval]:
    """Where a share crosses one half, in a line between points, with a resampled interval.

    Args:
        xs: (n,) increasing settings.
        hits: (n,) how many of the trials ran away at each.
        trials: At each.

    Returns:
        The crossing; an end of the settings where there is none.
    """

    def crossing(shares: FloatArray) -> float:
        rising = np.maximum.accumulate(shares) + 1e-9 * np.arange(len(shares))
        return float(np.interp(0.5, rising, xs))

    random = np.random.default_rng(0)
    drawn = [crossing(random.binomial(trials, hits / trials) / trials) for _ in range(_RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return crossing(hits / trials), Interval(float(low), float(high))


def edge(
    build: Callable[[float], Reactions], paths: int, multiple: float, seed: int
) -> tuple[float, Interval]:
    """Share of a predicted threshold at which half of the chains run away.

    Args:
        build: Reactions at a share of the threshold.
        paths: At each of `SHARES`.
        multiple: Forced over exogenous base that counts as running away.
        seed: Of the first share.
    """
    hits = []
    for i, share in enumerate(SHARES):
        reactions = build(float(share))
        found, _ = reduced_paths(
            reactions,
            paths,
            seed=seed + i,
            most=multiple * reactions.demand,
            horizon_s=1e5,
            leap=0.03,
        )
        hits.append(int(found["ran_away"].sum()))
    return midpoint(SHARES, np.array(hits, np.float64), paths)


def reduced_checks(effort: float = 1.0, seed: int = 1) -> Iterator[Check]:
    """Run the rows of the reduced chain.

    Args:
        effort: Multiplies the number of paths.
        seed: Of the paths.

    Yields:
        The rows in their order.
    """
    yield from _one_tick(effort, seed)
    for rows in (_volumes, _numbers, _runaways, _throttles, _marks, _contagion, _barrier):
        yield from rows(effort, seed)
    for rows in (_growth, _planes, _nulls, _finite_size):
        yield from rows(effort, seed)


def _count(paths: int, effort: float) -> int:
    return max(20, round(paths * effort))


def one_tick_rise(bid: int, ask: int) -> float:
    """Chance that the ask of a one-tick book in balance empties first.

    Source: Cont and de Larrard 2013, SIAM Journal on Financial Mathematics 4, 1.

    Args:
        bid: Orders bid, 1 and above.
        ask: Orders offered.
    """
    from scipy.integrate import quad

    def integrand(t: float) -> float:
        c = 2 - math.cos(t)
        root = c - math.sqrt(c * c - 1)
        return float(root**ask * math.sin(bid * t) / math.tan(t / 2))

    return float(quad(integrand, 0.0, math.pi)[0]) / math.pi


def _one_tick(effort: float, seed: int) -> Iterator[Check]:
    episodes = _count(50_000, effort)
    for bid, ask in ((2, 1), (1, 3)):
        expected = one_tick_rise(bid, ask)
        yield check(
            "V0",
            f"chance that the ask empties first, {bid} bid and {ask} offered",
            f"the matching engine, one-tick book, {episodes:,} episodes",
            expected,
            share_of(_rises(bid, ask, episodes, np.random.default_rng(seed)), episodes),
            within(expected, absolute=0.005),
        )


def _rises(bid: int, ask: int, episodes: int, random: np.random.Generator) -> int:
    """How often the ask empties first: queues grow and shrink at one rate, all orders of a lot."""
    from squeezegym.orderbook import OrderBook

    book, rises = OrderBook((1, 1000), 4096), 0
    sides, prices = ("buy", "sell"), (100, 101)
    for _ in range(episodes):
        queues = [
            [book.submit(sides[side], 1, prices[side]).order_id for _ in range(size)]
            for side, size in ((0, bid), (1, ask))
        ]
        while queues[0] and queues[1]:
            event, side = divmod(int(random.integers(4)), 2)
            if event == 0:
                queues[side].append(book.submit(sides[side], 1, prices[side]).order_id)
            elif random.random() < 0.5:
                book.submit(sides[1 - side], 1)  # a market order takes the oldest
                queues[side].pop(0)
            else:
                book.cancel(queues[side].pop(int(random.integers(len(queues[side])))))
        rises += not queues[1]
        for order_id in queues[0] + queues[1]:
            book.cancel(order_id)
    return rises


def _volumes(effort: float, seed: int) -> Iterator[Check]:
    paths = _count(40_000, effort)
    for n, sizes in ((0.2, False), (0.5, False), (0.8, False), (0.8, True), (0.9, False)):
        found, _ = reduced_paths(
            Reactions.even(n, 1.0, demand=40.0, random_sizes=sizes), paths, seed=seed
        )
        law = "exponential" if sizes else "equal"
        yield check(
            "V1",
            f"volume times (1 - n) over demand, n = {n:g}",
            f"frozen book, {law} accounts, {paths:,} paths",
            1.0,
            mean_of(found["forced"] + 40.0, (1 - n) / 40.0),
            within(1.0, 0.05 if n == 0.9 else 0.02),
        )


def _numbers(effort: float, seed: int) -> Iterator[Check]:
    from scipy.stats import kstwo

    paths = _count(100_000, effort)
    found, _ = reduced_paths(Reactions.even(0.8, 1.0, demand=10.0), paths, seed=seed)
    counts = found["accounts"] + 10
    distance, bound = _distance(counts), float(kstwo.isf(0.01, paths))
    yield check(
        "V2",
        "numbers follow Borel and Tanner: distance of Kolmogorov and Smirnov",
        f"10 seeds, n = .8, {paths:,} paths; target: its 1 % point",
        0.0,
        (distance, Interval(distance, distance)),
        (0.0, bound),
    )
    for n in (0.3, 0.8):
        found, _ = reduced_paths(Reactions.even(n, 1.0, demand=10.0), paths, seed=seed + 1)
        estimate = size_branching(found["accounts"] + 10.0, 10.0)
        half = _Z * estimate.error
        yield check(
            "V3",
            f"1 - m / <N>, n = {n:g}",
            f"10 seeds, {paths:,} paths",
            n,
            (estimate.value, Interval(estimate.value - half, estimate.value + half)),
            within(n, absolute=0.01),
        )
    paths = _count(40_000, effort)
    found, _ = reduced_paths(Reactions.even(1.0, 1.0, demand=1.0), paths, seed=seed + 2, most=2e4)
    yield check(
        "V4",
        "exponent of the tail of sizes at n = 1",
        f"1 seed, {paths:,} paths, 20 to 2,000 accounts",
        0.5,
        _tail_exponent(found["accounts"] + 1.0, 20.0, 2000.0),
        within(0.5, absolute=0.05),
    )


def _distance(counts: Any) -> float:
    k = np.arange(10, int(counts.max()) + 1)
    law = np.cumsum(cascades.borel_tanner(k, 0.8, 10))
    return float(
        np.abs(np.searchsorted(np.sort(counts), k, side="right") / len(counts) - law).max()
    )


def _tail_exponent(sizes: FloatArray, low: float, high: float) -> tuple[float, Interval]:
    """Exponent of a tail between two sizes: maximum likelihood, sizes beyond the second cut off."""
    inside = sizes[sizes > low]
    logs = np.log(np.minimum(inside, high) / low)
    reached = int((inside < high).sum())
    # Of a tail observed up to a bound: number inside over the sum of logs, as for censored times.
    value = reached / float(logs.sum())
    half = _Z * value / math.sqrt(reached)
    return value, Interval(value - half, value + half)


def _runaways(effort: float, seed: int) -> Iterator[Check]:
    for n, demand, most, paths in ((1.02, 20.0, 1e4, 4000), (1.1, 5.0, 3e3, 10_000)):
        for law in ("constant", "exponential"):
            tries = _count(paths, effort)
            found, _ = reduced_paths(
                Reactions.even(n, 1.0, demand=demand, random_sizes=law == "exponential"),
                tries,
                seed=seed,
                most=most,
            )
            expected = cascades.runaway_probability(n, demand, 1.0, law)
            yield check(
                "V5",
                f"chance of a runaway, n = {n:g}, demand of {demand:g} accounts",
                f"{law} sizes, {tries:,} paths",
                expected,
                share_of(int(found["ran_away"].sum()), tries),
                within(expected, absolute=0.02),
            )


def _throttles(effort: float, seed: int) -> Iterator[Check]:
    paths = _count(40, effort)
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
    paths = _count(40, effort)
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
    paths = _count(400, effort)
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

    paths = _count(200, effort)
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
    paths = _count(200, effort)
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
    from squeezegym.theory.phase import phase

    paths = _count(100, effort)
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


def plane_midpoint(rows: list[dict[str, Any]]) -> tuple[float, Interval]:
    """Index at which half of a plane's paths run away: a logistic in its log, by likelihood."""
    from scipy.optimize import minimize
    from scipy.special import expit

    logs = np.log(np.maximum([row["index"] for row in rows], 1e-6))
    shares = np.array([row["ran_away"] for row in rows])

    def fit(weights: FloatArray) -> float:
        def loss(x: FloatArray) -> float:
            p = np.clip(expit(math.exp(x[1]) * (logs - x[0])), 1e-9, 1 - 1e-9)
            return -float(weights @ (shares * np.log(p) + (1 - shares) * np.log(1 - p)))

        starts = [(x, 2.0) for x in (-0.5, 0.0, 0.5)]
        best = min(
            (minimize(loss, start, method="Nelder-Mead") for start in starts),
            key=lambda found: float(found.fun),
        )
        return math.exp(float(best.x[0]))

    random = np.random.default_rng(0)
    drawn = [
        fit(
            np.bincount(random.integers(0, len(rows), len(rows)), minlength=len(rows)).astype(
                np.float64
            )
        )
        for _ in range(60)
    ]
    return fit(np.ones(len(rows))), Interval(*np.quantile(drawn, [0.025, 0.975]).tolist())


def _multiplier(effort: float, seed: int) -> Check:
    from scipy.stats import spearmanr

    paths = _count(1000, effort)
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

    paths = _count(400, effort)
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
        passed = int((found["perp"] > demand / 0.8).sum())
        yield check(
            "V12",
            f"null: {name}",
            f"1.2 barriers of the cluster, {paths} paths; share that passes",
            0.0,
            share_of(passed, paths),
            (0.0, 0.01),
        )


def _finite_size(effort: float, seed: int) -> Iterator[Check]:
    paths = _count(1000, effort)
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

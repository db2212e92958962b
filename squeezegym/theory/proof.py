"""What the theory predicts, beside what book and reduced chain do: rows V0 to V13.

Rows of the full market are in `squeezegym.theory.marketproof`; the protocol is this project's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from squeezegym.parts import Keep, anew
from squeezegym.theory import cascades
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.branching import size_branching
from squeezegym.theory.checks import Check, Z, check, count, kept, mean_of, share_of, within
from squeezegym.theory.proofthresholds import THRESHOLDS
from squeezegym.theory.reduced import Reactions, reduced_paths
from squeezegym.theory.samples import FloatArray


def reduced_checks(effort: float = 1.0, seed: int = 1, keep: Keep = anew) -> Iterator[Check]:
    """Run the rows of the reduced chain.

    Args:
        effort: Multiplies the number of paths.
        seed: Of the paths.
        keep: Keeps the rows of one kind, each kind a part.

    Yields:
        The rows in their order.
    """
    for rows in (_one_tick, _volumes, _numbers, _runaways, *THRESHOLDS):
        yield from kept(keep, (rows.__name__.strip("_"), effort, seed), partial(rows, effort, seed))


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
    episodes = count(100_000, effort)
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
    paths = count(40_000, effort)
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

    paths = count(100_000, effort)
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
        half = Z * estimate.error
        yield check(
            "V3",
            f"1 - m / <N>, n = {n:g}",
            f"10 seeds, {paths:,} paths",
            n,
            (estimate.value, Interval(estimate.value - half, estimate.value + half)),
            within(n, absolute=0.01),
        )
    paths = count(40_000, effort)
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
    half = Z * value / math.sqrt(reached)
    return value, Interval(value - half, value + half)


def _runaways(effort: float, seed: int) -> Iterator[Check]:
    for n, demand, most, paths in ((1.05, 10.0, 5e3, 8000), (1.1, 5.0, 3e3, 10_000)):
        for law in ("constant", "exponential"):
            tries = count(paths, effort)
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

"""Phase diagrams: where theory puts the critical point, and where simulated cascades run away.

A cascade has run away when forced volume is a certain multiple of the exogenous. A plane spans two
parameters; the others are fixed, and stand in `PLANES`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from squeezegym.arguments import choice, integer
from squeezegym.batch import Batch, default_threads
from squeezegym.codes import Command, Side
from squeezegym.parts import Keep, anew
from squeezegym.scenario import Scenario
from squeezegym.theory import criticality
from squeezegym.theory.recording import KEEPS_UP
from squeezegym.theory.reduced import Reactions, reduced_paths
from squeezegym.theory.samples import FloatArray
from squeezegym.theory.supply import measure_supply, measured_barriers
from squeezegym.units import SECOND

RUN_AWAY = 10.0  # forced volume over exogenous
MARKET_S = 120.0
MARKET_DEMAND = 350.0  # base in half a minute
MARKET_MULTIPLE = 1.0  # forced base over it
PROBE_SEED = 40_000_001  # of the markets in which supply is measured
MOST_PROBES = 8
_ENTRY, _MAINTENANCE = 50_000.0, 0.005
_START_S = 20.0


@dataclass(frozen=True, slots=True)
class Plane:
    """Two parameters and what they do.

    Attributes:
        x: Name and unit of the first.
        y: Of the second.
        x_range: Ends of the first; the scale is logarithmic but for shares.
        y_range: Of the second.
        index: Theory's index, critical at 1, of a point; None: measured in the full market.
        reactions: The reduced model of a point; None: the full market is run.
        linear_x: The first is a share.
        multiple: Forced volume over exogenous at which a path has run away. Near its critical
            point an engine against a book that refills lets a start grow a hundredfold before the
            book wins, so that plane looks further.
    """

    x: str
    y: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    index: Callable[[float, float], float] | None = None
    reactions: Callable[[float, float], Reactions] | None = None
    linear_x: bool = False
    multiple: float = RUN_AWAY

    def axes(self, cells: int) -> tuple[FloatArray, FloatArray]:
        """Return (cells,) values of both parameters."""
        spaced = np.linspace if self.linear_x else np.geomspace
        return spaced(*self.x_range, cells), np.geomspace(*self.y_range, cells)


def _crowd(leverage: float, depth: float) -> Reactions:
    """Shorts of 2 to ``leverage``, entered at the present price, above a flat book."""
    prices = np.linspace(0.0, 0.3 * _ENTRY, 3001)
    density = criticality.short_density(
        _ENTRY + prices, _ENTRY, 3000.0, (2.0, leverage), _MAINTENANCE
    )
    step = prices[1] - prices[0]
    forced = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2) * step])
    return Reactions(prices=prices, forced=forced, perp=depth * prices, demand=100.0)


def _ignition(leverage: float, depth: float) -> float:
    """Demand over the least that makes theory's cascade ten times as large."""
    _, forced, perp, _ = _crowd(leverage, depth).grids()
    lost = (perp - forced)[: int(np.searchsorted(forced, RUN_AWAY * 100.0)) + 1]
    return 100.0 / max(float(lost.max()), 1e-9)


def _throttle(engine_s: float, resilience: float) -> Reactions:
    return Reactions.even(
        1.0, 0.5, demand=100.0, engine_s=engine_s, refill=resilience, lasting=0.2, size=0.5
    )


def _throttle_index(engine_s: float, resilience: float) -> float:
    return criticality.dynamic_index(1.0, criticality.Response(2.0, 0.4, resilience), engine_s)


def _mark(weight: float, arbitrage: float) -> Reactions:
    # At once, demand would liquidate through a perp that arbitrage has not met yet.
    return Reactions.even(
        2.1,
        1.0,
        2.0,
        demand=100.0,
        demand_s=20.0,
        demand_perp=1 / 3,
        weight=weight,
        arbitrage=arbitrage,
        size=0.5,
    )


def _mark_index(weight: float, arbitrage: float) -> float:
    return criticality.dynamic_index(
        2.1, criticality.mark_response(weight, 1.0, 2.0, arbitrage), 1.0
    )


PLANES = {
    "leverage-depth": Plane(
        "highest leverage",
        "depth, base per unit of price",
        (5.0, 125.0),
        (0.05, 5.0),
        _ignition,
        _crowd,
    ),
    "throttle-resilience": Plane(
        "wait in the engine, s",
        "resilience of the book, 1/s",
        (0.1, 10.0),
        (0.05, 5.0),
        _throttle_index,
        _throttle,
        multiple=1000.0,
    ),
    "mark-arbitrage": Plane(
        "weight of the perp in the mark",
        "arbitrage, base a second per unit of basis",
        (0.0, 1.0),
        (0.01, 10.0),
        _mark_index,
        _mark,
        linear_x=True,
        multiple=300.0,
    ),
    "market": Plane(
        "open interest of the shorts, multiples of the shipped",
        "depth, multiples of the shipped",
        (0.25, 4.0),
        (0.25, 4.0),
    ),
}
"""Three planes of the reduced model: 3,000 base of shorts log-uniform in leverage from 2 up; an
engine against a book of which a fifth of an impact stays; a mark between a perp and a spot book
twice as deep. And the full market by open interest and depth, where theory's index is demand over
the ignition barrier, from measured supply and the account table."""

ROW = {
    "x": float,
    "y": float,
    "index": float,  # of theory
    "ran_away": float,  # share of paths
    "forced": float,  # mean forced base over exogenous, at most the bound
    "forced_error": float,
    "paths": int,
    "settings": str,
}


def settings(plane: str, cells: int, paths: int, seed: int) -> str:
    """Digest that rows of one diagram share."""
    text = repr((plane, cells, paths, seed, PLANES[plane].x_range, PLANES[plane].y_range))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def points(plane: str, cells: int) -> list[tuple[float, float]]:
    """All points of a plane, by row."""
    xs, ys = PLANES[plane].axes(cells)
    return [(float(x), float(y)) for y in ys for x in xs]


def phase(
    plane: str,
    *,
    cells: int = 12,
    paths: int = 200,
    seed: int = 1,
    done: Iterable[tuple[float, float]] = (),
    workers: int | None = None,
    keep: Keep = anew,
) -> Generator[dict[str, Any]]:
    """Simulate the points of a plane that are not done yet, several at a time.

    Args:
        plane: One of `PLANES`.
        cells: Points on each axis, 2..200.
        paths: Paths, or seeds of the market, of each point.
        seed: The first; a point's numbers do not depend on which others are run.
        done: Points that are left out.
        workers: Points at a time; cores that may be used, if left out.
        keep: Keeps the points, each its own part.

    Yields:
        Rows as `ROW`, in the order of `points`.

    Raises:
        ConfigError: An unknown plane, or numbers out of range.
    """
    choice("plane", plane, PLANES)
    integer("cells", cells, 2, 200)
    integer("paths", paths, 2, 1_000_000)
    integer("seed", seed, 0, 2**40)
    if workers is not None:
        integer("workers", workers, 1, 1024)
    known = set(done)
    digest = settings(plane, cells, paths, seed)
    of = PLANES[plane]
    measure = _market_point if of.reactions is None else _reduced_point
    left = [
        (i, point) for i, point in enumerate(points(plane, cells)) if point not in known
    ]  # a point's place makes its seeds
    with ThreadPoolExecutor(workers or default_threads()) as pool:
        jobs = [
            pool.submit(keep, ("point", digest, i), partial(measure, of, point, paths, seed + i))
            for i, point in left
        ]
        try:
            for job in jobs:
                row = {name: value.item() for name, value in job.result().items()}
                yield {**row, "paths": paths, "settings": digest}
        finally:
            for job in jobs:
                job.cancel()


def _reduced_point(of: Plane, point: tuple[float, float], paths: int, seed: int) -> dict[str, Any]:
    assert of.reactions is not None and of.index is not None
    reactions = of.reactions(*point)
    found, _ = reduced_paths(
        reactions,
        paths,
        seed=seed,
        most=of.multiple * reactions.demand,
        horizon_s=1e4,
        leap=0.03,
        threads=1,
    )
    return _row(point, of.index(*point), found["forced"] / reactions.demand, of.multiple)


def _market_point(of: Plane, point: tuple[float, float], paths: int, seed: int) -> dict[str, Any]:
    """A point of the full market, which the plane says no more about."""
    scenario = market_scenario(*point)
    lot, demand = scenario.contract.lot_size, MARKET_DEMAND
    batch = Batch.opened(scenario, range(seed * 1_000_003, seed * 1_000_003 + paths), 1)
    probes = range(PROBE_SEED, PROBE_SEED + min(paths, MOST_PROBES))
    supply = measure_supply(scenario, probes, threads=1)
    barriers = measured_barriers(batch.markets, scenario, supply)
    index = float(np.mean([demand / max(barrier.demand, lot) for barrier in barriers]))
    batch.markets["flow"]["catalyst_size"] = round(demand / lot)
    batch.command(slice(None), Command.RUN)
    batch.views["until"] = round(MARKET_S * SECOND)
    batch.advance()
    batch.close()
    forced = batch.markets["score"]["liquidated"][:, Side.SELL] * lot
    return _row(point, index, forced / demand, MARKET_MULTIPLE)


def market_scenario(crowd: float, depth: float) -> Scenario:
    """The shipped squeeze with so many times its shorts and so many times its depth."""
    base = Scenario.load("short_squeeze")
    deep = {
        f"depth.{venue}.{name}": depth * getattr(getattr(base.depth, venue), name)
        for venue in ("perp", "spot")
        for name in ("touch_base", "within_10bps_base")
    }
    return Scenario.load(
        base,
        **deep,
        **{
            "population.short_base": crowd * base.population.short_base,
            "catalyst.start_s": (_START_S, _START_S),
            "catalyst.squeeze": 1.0,
            "catalyst.near_miss": 0.0,
            "learner.short_start": 0.0,
            **KEEPS_UP,
        },
    )


def _row(
    point: tuple[float, float], index: float, multiples: FloatArray, bound: float
) -> dict[str, Any]:
    capped = np.minimum(multiples, bound)
    return {
        "x": point[0],
        "y": point[1],
        "index": index,
        "ran_away": float((multiples >= bound).mean()),
        "forced": float(capped.mean()),
        "forced_error": float(capped.std(ddof=1)) / math.sqrt(len(capped)),
    }

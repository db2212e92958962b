"""Chance of a cascade within a time: many paths of a reduced market from the present state.

A path is a chain of short steps. Outside flow (heavy-tailed, of the measured size) and forced
orders take volume out of the book, which comes back; what they move for good follows from the
measured volatility. Price that reaches new highs or lows empties the map, and the engine turns what
it emptied into orders. Each path has a twin with the same flow and nobody liquidated. A cascade is
a path that liquidations carry at least 1 % beyond its twin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np

from squeezegym._jit import entry
from squeezegym.data.fold import LEAST_MOVE
from squeezegym.data.impact import POWER, Impact
from squeezegym.data.liquidation_map import WIDTH, FloatArray, LiquidationMap
from squeezegym.errors import ConfigError
from squeezegym.parts import Keep, anew

STEP_S = 10.0
HOUR_S = 3_600.0
_TAIL = 4.0  # degrees of freedom of the flow of a step (Student)
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Chance:
    """Chance of a cascade on one side.

    Attributes:
        probability: Share of paths.
        low: Lower end of its 95 % interval for the number of paths (Wilson).
        high: Upper end.
        by_draw: 5 % and 95 % quantiles of the share over draws of what is unknown, which count the
            scatter of few paths as well.
        forced: Mean base liquidated on this side, over all paths.
        rise: Mean, over the paths with a cascade, of what liquidations add, log price.
        draws: (draws,) share by draw.
    """

    probability: float
    low: float
    high: float
    by_draw: tuple[float, float]
    forced: float
    rise: float | None
    draws: FloatArray = field(repr=False, compare=False)


def _build(source: str) -> Any:
    """Run the paths; the twin's displacements are those of the outside flow alone."""

    def run(noise, shorts, longs, within, permanent, keep, done, numbers, out):  # type: ignore[no-untyped-def]
        source  # noqa: B018  (part of the cache key)
        power, width = numbers[0], numbers[1]
        draws, buckets = shorts.shape
        for path in range(noise.shape[0]):
            draw = path % draws
            book = twin_book = gone = twin_gone = 0.0
            up = down = 0
            buys = sells = 0.0
            for step in range(noise.shape[1]):
                flow = noise[path, step]
                bought = buys * done[draw]
                sold = sells * done[draw]
                buys -= bought
                sells -= sold
                book = book * keep[draw] + flow + bought - sold
                gone += permanent[draw] * (flow + bought - sold)
                twin_book = twin_book * keep[draw] + flow
                twin_gone += permanent[draw] * flow
                moved = (abs(book) / within[draw]) ** (1.0 / power) * 1e-3
                price = gone + (moved if book > 0 else -moved)
                moved = (abs(twin_book) / within[draw]) ** (1.0 / power) * 1e-3
                twin = twin_gone + (moved if twin_book > 0 else -moved)
                while up < buckets and price >= (up + 1) * width:
                    buys += shorts[draw, up]
                    out[path, 2] += shorts[draw, up]
                    up += 1
                while down < buckets and -price >= (down + 1) * width:
                    sells += longs[draw, down]
                    out[path, 3] += longs[draw, down]
                    down += 1
                out[path, 0] = max(out[path, 0], price - twin)
                out[path, 1] = max(out[path, 1], twin - price)
                if abs(price) >= buckets * width:
                    break  # beyond the map

    return run


_run: Any = entry(_build, seconds=2, ahead="proximity")


def chances(
    waiting: LiquidationMap,
    impact: Impact,
    horizon_s: float,
    *,
    paths: int = 2048,
    least: float = LEAST_MOVE,
    weights: FloatArray | None = None,
    step_s: float = STEP_S,
    seed: int = 0,
    keep: Keep = anew,
) -> tuple[Chance, Chance]:
    """Simulate the chance of a cascade up and down within a time.

    Args:
        waiting: Map of the present.
        impact: Depth and flow of the present, with as many draws.
        horizon_s: How far, s.
        paths: Paths, at least one a draw; rounded up to as many for each.
        least: What liquidations must add, log price.
        weights: (draws,) of the draws; None weighs alike.
        step_s: Length of a step, s: longer ones are quicker and see fewer crossings.
        seed: Of the flow; the result depends on it and on nothing else.
        keep: Keeps the paths, of a run that has one map and one depth.

    Returns:
        Up (through the shorts) and down (through the longs).

    Raises:
        ConfigError: Draws that differ, or a horizon below one step.
    """
    if len(impact.within_10bps) != waiting.draws:
        raise ConfigError(
            f"the map has {waiting.draws} draws and the depth {len(impact.within_10bps)}, allowed"
            " is the same number; build both with one number of draws"
        )
    if not (math.isfinite(horizon_s) and horizon_s >= step_s) or paths < 1:
        raise ConfigError(
            f"the horizon must be at least {step_s:g} s and paths at least 1, got {horizon_s} and"
            f" {paths}"
        )
    each = -(-paths // waiting.draws)
    out = keep(
        ("paths", each, horizon_s, step_s, seed),
        lambda: {"out": _paths(waiting, impact, each, int(horizon_s / step_s), step_s, seed)},
    )["out"]
    if weights is None:
        weights = np.ones(waiting.draws)
    return (
        _chance(out[:, 0], out[:, 2], weights / weights.sum(), least),
        _chance(out[:, 1], out[:, 3], weights / weights.sum(), least),
    )


def _paths(
    waiting: LiquidationMap, impact: Impact, each: int, steps: int, step_s: float, seed: int
) -> FloatArray:
    """Run so many paths of each draw: (paths, 4) excess up and down, base bought and sold."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_t(_TAIL, (each * waiting.draws, steps))
    noise *= np.tile(impact.flow_sd, each)[:, None] * math.sqrt(step_s * (_TAIL - 2) / _TAIL)
    out = np.zeros((len(noise), 4))
    stays = np.exp(-math.log(2) * step_s / impact.refill_s)
    done = 1 - np.exp(-step_s / impact.engine_s)
    shorts, longs = (np.ascontiguousarray(waiting.side(side)) for side in (1, -1))
    numbers = np.array([POWER, WIDTH])
    within, permanent = impact.within_10bps, impact.permanent
    _run(noise, shorts, longs, within, permanent, stays, done, numbers, out)
    return out


def survival_weights(
    waiting: LiquidationMap,
    impact: Impact,
    hours: float,
    *,
    paths: int = 2048,
    step_s: float = STEP_S,
    seed: int = 0,
    keep: Keep = anew,
) -> FloatArray:
    """Weigh the draws by how likely the market has lived without a cascade for some hours.

    A draw in which an hour seldom passes without one contradicts the hours that did.

    Args:
        waiting: Map of the present.
        impact: Depth and flow.
        hours: Hours for which the market has been much like this and had none; 0 weighs alike.
        paths: Paths of an hour.
        step_s: Length of a step, s.
        seed: Of the flow.
        keep: As of `chances`.

    Returns:
        (draws,) weights that add up to 1.
    """
    if hours <= 0:
        return np.full(waiting.draws, 1 / waiting.draws)
    both = chances(waiting, impact, HOUR_S, paths=paths, step_s=step_s, seed=seed, keep=keep)
    n = -(-paths // waiting.draws)
    # A share of few paths is drawn towards a half: none of them has seen everything.
    logs = sum(np.log(1 - (side.draws * n + 0.5) / (n + 1)) for side in both) * hours
    weights = np.exp(logs - np.max(logs))
    shares: FloatArray = weights / weights.sum()
    return shares


def _chance(added: FloatArray, forced: FloatArray, weights: FloatArray, least: float) -> Chance:
    draws = len(weights)
    is_cascade = added >= least
    by_draw = is_cascade.reshape(-1, draws).mean(axis=0)
    share = float(by_draw @ weights)
    # As many paths as weigh alike.
    trials = len(added) / (draws * float(weights @ weights))
    low, high = wilson(share * trials, trials)
    ends = quantiles(by_draw, (0.05, 0.95), weights)
    of_paths = np.tile(weights, len(added) // draws) * (draws / len(added))
    hits = of_paths * is_cascade
    return Chance(
        probability=share,
        low=low,
        high=high,
        by_draw=(ends[0], ends[1]),
        forced=float(forced @ of_paths),
        rise=float(added @ hits / hits.sum()) if hits.any() else None,
        draws=by_draw,
    )


def quantiles(values: FloatArray, levels: Sequence[float], weights: FloatArray) -> list[float]:
    """Quantiles of weighted draws."""
    found = np.quantile(values, np.array(levels), weights=weights, method="inverted_cdf")
    return [float(q) for q in found]


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """Interval of a share, 95 % (Wilson 1927, Journal of the American Statistical Association)."""
    z = NormalDist().inv_cdf((1 + _LEVEL) / 2)
    share, weight = hits / trials, z * z / trials
    middle = share + weight / 2
    half = z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return max(0.0, (middle - half) / (1 + weight)), min(1.0, (middle + half) / (1 + weight))

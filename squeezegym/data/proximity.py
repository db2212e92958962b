"""How near a market is to a liquidation cascade, up through its shorts and down through its longs.

What is measured, what is inferred and what is assumed goes in as draws, so every answer is a range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from squeezegym.data.chain import HOUR_S, STEP_S, Chance, chances, quantiles, survival_weights
from squeezegym.data.fold import LEAST_MOVE, Fold, dynamic_index, fold
from squeezegym.data.impact import Impact
from squeezegym.data.liquidation_map import FloatArray, LiquidationMap
from squeezegym.parts import Keep, anew

DAY_S = 86_400.0
_DISTANCES = (0.01, 0.02, 0.05, 0.10)
_NEAREST = 1e-3  # the impact of flow is compared with depth over 10 bp

UNKNOWN = (
    "who holds the open interest, at what entry and with how much collateral, unless positions are"
    " given",
    "positions at other venues and options that hedge or add to these",
    "hidden and iceberg orders, and what makers do with the visible ones when price runs",
    "holders who add margin, close or reverse on the way, and orders that wait outside the book",
    "news, outages and measures of the venue: outside flow goes on as it was",
    "the level of the chance: before recorded squeezes it was far too high, and did not rank them",
)
"""What no file tells."""


@dataclass(frozen=True, slots=True)
class Range:
    """Quantiles of a number over draws; None where there is none (no cascade waits)."""

    low: float | None
    middle: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class SideProximity:
    """How near one side is. Ranges are 5 %, 50 % and 95 % over draws.

    Attributes:
        share_waiting: Share of draws in which a cascade of at least 1 % waits within the map.
        index: Largest forced demand over visible depth in a band of 1 % within 10 %.
        dynamic_index: That index with the refill of the book and the pace of the engine.
        barrier_base: Outside demand that ignites the nearest cascade, base.
        barrier_quote: The same at the present price, quote.
        barrier_sd: The same in standard deviations of net flow over a refill time.
        ignition: Price at which it begins.
        end: Expected price at which it ends.
        forced_base: Base liquidated on the way.
        within: Base liquidated within 1, 2, 5 and 10 % of the price, middle.
        chances: Chance of a cascade within each horizon (seconds as text), by the reduced chain.
    """

    share_waiting: float
    index: Range
    dynamic_index: Range
    barrier_base: Range
    barrier_quote: Range
    barrier_sd: Range
    ignition: Range
    end: Range
    forced_base: Range
    within: dict[str, float]
    chances: dict[str, Chance]


@dataclass(frozen=True, slots=True)
class Proximity:
    """How near a market is to a cascade.

    Attributes:
        price: Present price, quote.
        at: When, or None where the data tells no time.
        up: Through the shorts.
        down: Through the longs.
        survived_h: Hours without a cascade by which the draws are weighed.
        notes: Where everything comes from, one sentence each.
        unknown: What is not known.
    """

    price: float
    at: datetime | None
    up: SideProximity
    down: SideProximity
    survived_h: float
    notes: tuple[str, ...]
    unknown: tuple[str, ...] = UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for ``json.dumps``."""
        plain = asdict(self) | {"at": None if self.at is None else self.at.isoformat()}
        for side in (plain["up"], plain["down"]):
            for chance in side["chances"].values():
                del chance["draws"]
        return plain


def folds(waiting: LiquidationMap, impact: Impact, least: float = LEAST_MOVE) -> tuple[Fold, Fold]:
    """Return the fold of each side, up and down."""
    depth = impact.depth(waiting.shorts.shape[1])
    return fold(depth, waiting.shorts, least), fold(depth, waiting.longs, least)


def proximity(
    waiting: LiquidationMap,
    impact: Impact,
    *,
    at: datetime | None = None,
    survived_h: float = 24.0,
    horizons: Sequence[float] = (HOUR_S, DAY_S),
    paths: int = 2048,
    step_s: float = STEP_S,
    seed: int = 0,
    keep: Keep = anew,
) -> Proximity:
    """Measure how near a market is.

    Args:
        waiting: Where liquidations wait.
        impact: What stands against them; as many draws as the map.
        at: The time of both.
        survived_h: Hours without a cascade before it, in which the market was much like this: draws
            that contradict them weigh less.
        horizons: Times for which the chance of a cascade is simulated, s; none for no simulation.
        paths: Simulated paths for each.
        step_s: Length of their steps, s.
        seed: Of the paths.
        keep: Keeps the paths of each horizon.
    """
    common: dict[str, Any] = {"paths": paths, "step_s": step_s, "keep": keep}
    weights = survival_weights(waiting, impact, survived_h, seed=seed, **common)
    found: dict[str, tuple[Chance, Chance]] = {
        f"{horizon:g}": chances(waiting, impact, horizon, weights=weights, seed=seed + 1, **common)
        for horizon in horizons
    }
    sides = [
        _side(waiting, impact, fold, sign, weights, {key: both[i] for key, both in found.items()})
        for i, (sign, fold) in enumerate(zip((1, -1), folds(waiting, impact), strict=True))
    ]
    return Proximity(
        price=float(waiting.price),
        at=at,
        up=sides[0],
        down=sides[1],
        survived_h=survived_h,
        notes=waiting.notes + impact.notes,
    )


def barrier_sd(found: Fold, impact: Impact) -> FloatArray:
    """Barrier in standard deviations of net flow over a refill time, by draw."""
    sds: FloatArray = found.barrier / (impact.flow_sd * np.sqrt(impact.refill_s))
    return sds


def _side(
    waiting: LiquidationMap,
    impact: Impact,
    found: Fold,
    sign: int,
    weights: FloatArray,
    by_horizon: dict[str, Chance],
) -> SideProximity:
    price = waiting.price
    lasting = impact.permanent * impact.within_10bps / _NEAREST
    pace = np.log(2) * impact.engine_s / impact.refill_s

    def spread(values: FloatArray) -> Range:
        return _range(values, weights)

    waits = np.isfinite(found.barrier)
    return SideProximity(
        share_waiting=float(waits @ weights),
        index=spread(found.index),
        dynamic_index=spread(dynamic_index(found.index, lasting, pace)),
        barrier_base=spread(found.barrier),
        barrier_quote=spread(found.barrier * price),
        barrier_sd=spread(barrier_sd(found, impact)),
        ignition=spread(price * np.exp(np.where(waits, sign * found.ignition, np.inf))),
        end=spread(price * np.exp(np.where(waits, sign * found.end, np.inf))),
        forced_base=spread(np.where(waits, found.forced, np.inf)),
        within={
            f"{distance:.0%}": quantiles(waiting.within(sign, distance), (0.5,), weights)[0]
            for distance in _DISTANCES
        },
        chances=by_horizon,
    )


def _range(values: FloatArray, weights: FloatArray) -> Range:
    """Quantiles over the draws in which there is something; None where there is in none."""
    there = np.isfinite(values) & (weights > 0)
    if not there.any():
        return Range(None, None, None)
    return Range(*quantiles(values[there], (0.05, 0.5, 0.95), weights[there]))

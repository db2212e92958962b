"""The fold of forced demand against depth: barrier, end price and index of every draw.

With depth ``S(x)`` and forced demand ``D(x)`` cumulated over log distance ``x``, demand from
outside moves price to the first ``x`` where ``Q0 + D = S``. Where ``S - D`` falls, price jumps over
the whole dip: a cascade. This is the project's own reduced model, not a published one; the market's
own version is `squeezegym.core.barrier`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from squeezegym.data.liquidation_map import WIDTH, FloatArray

LEAST_MOVE = 0.01
"""Smallest jump that is called a cascade, in log price."""
BAND = 10
"""Buckets over which forced demand and depth are compared: 1 %."""


@dataclass(frozen=True, eq=False, slots=True)
class Fold:
    """One side, by draw.

    Attributes:
        barrier: (draws,) base of outside demand that ignites the nearest cascade; infinite where
            none waits within reach, 0 where it needs nothing.
        ignition: (draws,) log distance at which it begins; infinite likewise.
        end: (draws,) log distance at which it ends, or where the map ends.
        forced: (draws,) base liquidated between the two, 0 where none waits.
        index: (draws,) largest ratio of forced demand to depth over a band of 1 % within 10 %.
        near: (draws,) the same ratio over the first 1 %.
    """

    barrier: FloatArray
    ignition: FloatArray
    end: FloatArray
    forced: FloatArray
    index: FloatArray
    near: FloatArray


def fold(depth: FloatArray, forced: FloatArray, least: float = LEAST_MOVE) -> Fold:
    """Find the nearest cascade of at least ``least`` in each draw.

    Args:
        depth: (draws, buckets) depth cumulated to the far end of each bucket, base.
        forced: (draws, buckets) base liquidated in each bucket.
        least: Smallest jump, log price.
    """
    demand = np.cumsum(forced, axis=1)
    start = np.zeros((len(depth), 1))
    gap = np.concatenate([start, depth - demand], axis=1)
    highest = np.maximum.accumulate(gap, axis=1)
    places = np.arange(gap.shape[1])
    below = gap < highest
    last = np.maximum.accumulate(np.where(below, 0, places), axis=1)  # latest place at the highest
    long = below & (places - last >= math.ceil(least / WIDTH))
    waits = long.any(axis=1)
    rows = np.arange(len(gap))
    hit = long.argmax(axis=1)
    begins = last[rows, hit]
    after = (places > hit[:, None]) & ~below
    ends = np.where(after.any(axis=1), after.argmax(axis=1), gap.shape[1] - 1)
    total = np.concatenate([start, demand], axis=1)
    slices = range(0, min(forced.shape[1], 10 * BAND), BAND)
    here = np.diff(np.concatenate([start, depth], axis=1), axis=1)
    ratios = np.stack(
        [forced[:, i : i + BAND].sum(1) / here[:, i : i + BAND].sum(1) for i in slices], axis=1
    )
    return Fold(
        barrier=np.where(waits, highest[rows, hit], np.inf),
        ignition=np.where(waits, begins * WIDTH, np.inf),
        end=np.where(waits, ends * WIDTH, np.inf),
        forced=np.where(waits, total[rows, ends] - total[rows, begins], 0.0),
        index=ratios.max(axis=1),
        near=ratios[:, 0],
    )


def dynamic_index(visible: FloatArray, lasting: FloatArray, pace: FloatArray) -> FloatArray:
    """Criticality index of a book that refills while the engine takes its time.

    ``R = sup_z rho z g(z) / (1 + z tau)`` for an impact that decays at rate ``k`` from the
    displacement in the visible book plus a lasting part to that part alone: the slow engine feels
    what lasts, the instant one everything. The project's own theory.

    Args:
        visible: Forced demand over visible depth, ``n``.
        lasting: Lasting impact over the displacement in the visible book, 0 or above.
        pace: Refill rate times mean time of the engine, ``k tau``, above 0.
    """
    share = np.clip(lasting / (1 + lasting), 1e-9, 1 - 1e-9)
    slow = pace * share >= 1 - share
    root = np.sqrt(np.maximum((1 - share) * (1 - share * pace) / pace, 0.0))
    fastest = np.maximum(root - share, 0.0)
    factor = (share + fastest) / ((1 + fastest) * (1 + fastest * pace))
    index: FloatArray = visible * (1 + lasting) * np.where(slow, share, factor)
    return index

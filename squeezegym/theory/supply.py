"""Supply of a running market, refill and all, as metaorders find it where nobody is liquidated.

What stands in a book is not what a market sells: makers quote again, value traders come, and makers
learn from flow. The supply up to a rise is here the size of the metaorder that brings it about. Set
against the triggers in the account table it gives an ignition barrier, with nothing fitted to
cascades.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from squeezegym.codes import FIRST_HOLDER_SLOT
from squeezegym.errors import DataError
from squeezegym.parts import Keep, anew
from squeezegym.scenario import Scenario
from squeezegym.theory.cascades import Barrier, ignition_barrier
from squeezegym.theory.probe import metaorder_impact
from squeezegym.theory.samples import BP, FloatArray

SIZES = (75.0, 150.0, 300.0, 600.0, 1200.0, 2400.0)
_POINTS = 400


class Supply(NamedTuple):
    """Supply up to each rise.

    Attributes:
        rises: (k,) bp of the price, increasing, the first 0.
        base: (k,) base sold up to each.
    """

    rises: FloatArray
    base: FloatArray

    def up_to(self, rises: FloatArray) -> FloatArray:
        """Supply up to some rises, in a line between the points; infinity beyond the last."""
        found: FloatArray = np.interp(rises, self.rises, self.base, right=np.inf)
        return found


def measure_supply(
    scenario: Scenario,
    seeds: Sequence[int],
    sizes: Sequence[float] = SIZES,
    threads: int | None = None,
    keep: Keep = anew,
) -> Supply:
    """Measure supply by metaorders of 30 s, split over the books as the scenario's catalyst.

    Args:
        scenario: The market.
        seeds: One market each; impact is averaged over them.
        sizes: (k,) increasing sizes, base.
        threads: As of `squeezegym.batch.Batch`.
        keep: Keeps the markets under each size.

    Returns:
        The supply.

    Raises:
        DataError: Impact that does not grow with size.
    """
    share = scenario.catalyst.perp_share
    impact = metaorder_impact(
        scenario, seeds, sizes, perp_share=share, threads=threads, keep=keep
    ).mean(0)
    rises = np.maximum.accumulate(np.concatenate([[0.0], impact]))
    kept = np.concatenate([[True], np.diff(rises) > 0])
    if kept.sum() < 3:
        raise DataError("impact does not grow with the size; run more seeds or larger metaorders")
    return Supply(rises[kept], np.concatenate([[0.0], sizes])[kept])


def measured_barriers(records: FloatArray, scenario: Scenario, supply: Supply) -> list[Barrier]:
    """Ignition barrier of each market from measured supply and its account table.

    Args:
        records: (n,) market records.
        scenario: Theirs.
        supply: As `measure_supply` has found it.

    Returns:
        Demand in base, places in bp above the mark.
    """
    grid = np.linspace(0.0, float(supply.rises[-1]), _POINTS)
    sold = supply.up_to(grid)
    found = []
    for record in records:
        accounts, mark = record["accounts"][FIRST_HOLDER_SLOT:], record["marks"]["mark"]
        shorts = (accounts["perp"] < 0) & (accounts["trigger"] > mark)
        away = BP * (accounts["trigger"][shorts] / mark - 1)
        order = np.argsort(away)
        sizes = -accounts["perp"][shorts][order] * scenario.contract.lot_size
        taken = np.concatenate([[0.0], np.cumsum(sizes)])
        forced = taken[np.searchsorted(away[order], grid, side="right")]
        found.append(ignition_barrier(grid, sold, forced))
    return found

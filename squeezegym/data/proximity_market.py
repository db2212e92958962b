"""Chance of a cascade in the full market, started from a recorded book and a map of liquidations.

The reduced chain of `squeezegym.data.chain` is quick and knows no makers, arbitrage or fund. Here
the whole market runs from the capture's books with accounts that have the map's triggers, each seed
beside a twin in which nobody is liquidated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from squeezegym.batch import Batch, default_threads
from squeezegym.codes import Command, Venue
from squeezegym.data.chain import wilson
from squeezegym.data.fold import LEAST_MOVE
from squeezegym.data.liquidation_map import WIDTH, LiquidationMap
from squeezegym.data.positions import Holding, to_positions
from squeezegym.parts import Keep, anew
from squeezegym.sampling import mid_ticks
from squeezegym.scenario import Scenario
from squeezegym.units import SECOND

ACCOUNTS = 1_000
GROUP = 8  # markets of a thread that run at once, kept together
_SAMPLE_S = 1.0
_QUIET = {"catalyst.squeeze": 0.0, "catalyst.near_miss": 0.0}


@dataclass(frozen=True, slots=True)
class MarketChance:
    """What the full market did.

    Attributes:
        seconds: Market time of each seed.
        seeds: Markets.
        up: Share in which liquidations carried the perp at least 1 % beyond its twin.
        up_interval: Its 95 % interval (Wilson).
        down: Likewise below it.
        down_interval: Its interval.
        largest_rise: Largest excess over the twin, log price.
        largest_fall: Likewise below.
        liquidated_shorts: Mean base liquidated.
        liquidated_longs: Likewise.
    """

    seconds: float
    seeds: int
    up: float
    up_interval: tuple[float, float]
    down: float
    down_interval: tuple[float, float]
    largest_rise: float
    largest_fall: float
    liquidated_shorts: float
    liquidated_longs: float


def with_map(scenario: Scenario, waiting: LiquidationMap) -> Scenario:
    """Give a scenario the accounts of a map: its mean over draws, in about 1,000 equal accounts.

    Distances are kept, so a map of another price level moves with the scenario's.

    Args:
        scenario: From recorded data, `squeezegym.data.from_data`.
        waiting: Where liquidations wait.
    """
    contract = scenario.contract
    mid = contract.price * (1 + contract.basis_bps * 1e-4)
    sides = {sign: waiting.side(sign).mean(axis=0) for sign in (1, -1)}
    size = sum(float(side.sum()) for side in sides.values()) / ACCOUNTS
    holdings = []
    for sign, side in sides.items():
        total = np.cumsum(side)
        # The middle of each account's share, and where the map reaches it.
        shares = (np.arange(int(total[-1] / size)) + 0.5) * size
        edges = np.arange(len(side) + 1) * WIDTH
        for distance in np.interp(shares, np.append(0.0, total), edges):
            level = mid * float(np.exp(sign * distance))
            holdings.append(Holding(-sign * size, mid, None, level, mid))
    positions, _ = to_positions(holdings, scenario, mid / contract.tick_size)
    nobody = {"shorts": 0, "longs": 0, "short_base": 0.0, "long_base": 0.0}
    changes: dict[str, Any] = {"positions": positions.model_dump(), "population": nobody, **_QUIET}
    return Scenario.load(scenario, **changes)


def market_chances(
    scenario: Scenario,
    seeds: Sequence[int],
    seconds: float,
    *,
    least: float = LEAST_MOVE,
    threads: int | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
    keep: Keep = anew,
) -> MarketChance:
    """Run the full market beside twins in which nobody is liquidated.

    Args:
        scenario: From `with_map`.
        seeds: One market each.
        seconds: Market time.
        least: Excess that is called a cascade, log price.
        threads: As of `squeezegym.batch.Batch`.
        progress: Told how many market seconds were run since it was told last.
        keep: Keeps what groups of markets did.
    """

    def ran(destination: str, group: Sequence[int]) -> dict[str, Any]:
        world = Scenario.load(scenario, liquidation={"destination": destination})
        return keep(
            ("chances", world.digest(), tuple(group), seconds),
            lambda: _run(world, group, seconds, threads, progress),
            lambda: progress(len(group) * seconds),
        )

    size = GROUP * (threads or default_threads())
    groups = [seeds[first : first + size] for first in range(0, len(seeds), size)]
    parts = {name: [ran(name, group) for group in groups] for name in ("book", "off")}
    paths = {
        name: np.concatenate([part["paths"] for part in of], axis=1) for name, of in parts.items()
    }
    longs, shorts = np.concatenate([part["liquidated"] for part in parts["book"]]).mean(axis=0)
    excess = paths["book"] - paths["off"]
    rises, falls = np.maximum(excess, 0).max(axis=0), np.maximum(-excess, 0).max(axis=0)
    ups, downs = int((rises >= least).sum()), int((falls >= least).sum())
    n, lot = len(seeds), scenario.contract.lot_size
    return MarketChance(
        seconds=seconds,
        seeds=n,
        up=ups / n,
        up_interval=wilson(ups, n),
        down=downs / n,
        down_interval=wilson(downs, n),
        largest_rise=float(rises.max()),
        largest_fall=float(falls.max()),
        liquidated_shorts=float(shorts) * lot,
        liquidated_longs=float(longs) * lot,
    )


def _run(
    world: Scenario,
    seeds: Sequence[int],
    seconds: float,
    threads: int | None,
    progress: Callable[[float], None],
) -> dict[str, Any]:
    """Log mids of the perp, (times, seeds), and lots liquidated, (seeds, sides)."""
    batch = Batch.opened(world, seeds, threads)
    batch.command(slice(None), Command.RUN)
    paths = []
    for step in range(1, round(seconds / _SAMPLE_S) + 1):
        batch.views["until"] = round(step * _SAMPLE_S * SECOND)
        batch.advance()
        books = batch.markets["books"][:, Venue.PERP]
        paths.append(np.log([mid_ticks(book) for book in books]))
        progress(len(seeds) * _SAMPLE_S)
    batch.close()
    return {"paths": np.array(paths), "liquidated": batch.markets["score"]["liquidated"]}

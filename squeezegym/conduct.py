"""How a policy behaves towards the market: cancelled orders, share of volume, moves that it causes.

Each episode is run twice on the same seed, once with the policy and once with a learner who sends
nothing: populations draw the same noise, so what differs between the two is what the policy did.
A profit that rests on moving the mark, or on setting off others' liquidations, shows here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from squeezegym.codes import Venue
from squeezegym.envs.action import KEEP
from squeezegym.envs.rows import Rows
from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario

BPS = 1e4


@dataclass(frozen=True, slots=True)
class Conduct:
    """What one policy did to the market in one episode."""

    seed: int
    messages: int
    """Orders and cancels that it sent."""
    cancelled: int
    """Of its orders, those that it took back before they were filled whole."""
    volume_base: float
    """Traded by it."""
    volume_share: float
    """Of everything that was traded on its book."""
    move_bps: float
    """Mean distance of the mark (on spot, of the index) from that of the market without it."""
    largest_move_bps: float
    favourable_move_bps: float
    """Mean move in the direction of the position that it held at that moment."""
    forced_base: float
    """Lots of others that were liquidated in its market and not in the one without it; below 0 when
    fewer were."""
    pnl_percent: float
    """Of starting capital."""


def conduct(
    act: Callable[[Any], Any],
    scenario: str | Path | Scenario = "short_squeeze",
    seeds: Sequence[int] = (0,),
    *,
    actions: str = "continuous",
    threads: int | None = None,
) -> list[Conduct]:
    """Play one episode a seed with a policy and without it, all at once, and compare.

    Args:
        act: From (n, features) observations to n actions, rows in the order of the seeds; begins
            new.
        scenario: Shipped name, TOML path or scenario.
        seeds: Of the environment: the same seed gives the same market.
        actions: Action set of the policy: ``"continuous"``, ``"discrete"`` or ``"masked"``.
        threads: As in the vector environment.

    Returns:
        One report a seed.

    Raises:
        ConfigError: No seeds, an unknown scenario or action set, or actions that cannot be.
    """
    if len(seeds) == 0:
        raise ConfigError("conduct needs at least one seed, got none")
    loaded = Scenario.load(scenario)
    n = len(seeds)
    mine, other = Rows(loaded, n, threads, actions), Rows(loaded, n, threads, "discrete")
    for rows in (mine, other):
        generators = [seeding.np_random(int(seed))[0] for seed in seeds]
        rows.reset(np.ones(n, np.bool_), generators)
    start = _totals(mine)
    watch = _Watch(n)
    nobody = np.zeros(n, np.bool_)
    while mine.live.any():
        live = mine.live.copy()
        mine.step(act(mine.observations()), live, nobody, [])
        other.step(np.full(n, KEEP), live & other.live, nobody, [])
        watch.compare(_price(mine), _price(other), mine.batch.views["position"], live & other.live)
    return [_report(int(seed), i, mine, other, start, watch) for i, seed in enumerate(seeds)]


class _Watch:
    """Sums over the steps of an episode."""

    def __init__(self, n: int) -> None:
        self.steps = np.zeros(n, np.int64)
        self.distance = np.zeros(n)
        self.largest = np.zeros(n)
        self.favourable = np.zeros(n)

    def compare(self, price: Any, without: Any, position: Any, rows: Any) -> None:
        """Add the step of the rows that still run."""
        move = np.where(rows, BPS * (price / without - 1.0), 0.0)
        self.steps += rows
        self.distance += np.abs(move)
        self.largest = np.maximum(self.largest, np.abs(move))
        self.favourable += move * np.sign(position)


def _price(rows: Rows) -> Any:
    """Return what the learners' positions are valued at, ticks."""
    on_spot = rows.batch.scenario.learner.venue == "spot"
    return rows.batch.markets["marks"]["index" if on_spot else "mark"].astype(np.float64)


def _totals(rows: Rows) -> dict[str, Any]:
    """Return the (n,) totals of which a report takes differences, lots."""
    venue = Venue[rows.batch.scenario.learner.venue.upper()]
    score = rows.batch.markets["score"]
    return {
        "volume": score["taken"][:, venue].sum(1),
        "forced": score["liquidated"].sum(1) + score["bought_in"],
    }


def _report(
    seed: int, row: int, mine: Rows, other: Rows, start: dict[str, Any], watch: _Watch
) -> Conduct:
    learner = mine.batch.markets["learners"][row, 0]
    lot = mine.batch.scenario.contract.lot_size
    own = int(learner["bought"] + learner["sold"])
    end, without = _totals(mine), _totals(other)
    steps = max(1, int(watch.steps[row]))
    pnl = int(mine.batch.views["equity"][row] - mine.start_equity[row])
    return Conduct(
        seed=seed,
        messages=int(learner["sent"]),
        cancelled=int(learner["cancelled"]),
        volume_base=own * lot,
        volume_share=own / max(1, int(end["volume"][row] - start["volume"][row])),
        move_bps=float(watch.distance[row]) / steps,
        largest_move_bps=float(watch.largest[row]),
        favourable_move_bps=float(watch.favourable[row]) / steps,
        forced_base=float(end["forced"][row] - without["forced"][row]) * lot,
        pnl_percent=100.0 * pnl / mine.capital,
    )

"""The magnet effect: whether a halt that is near draws the market to it.

Chen, Petukhov, Wang and Xing (Journal of Finance 79, 2024, 1405) let traders who foresee a halt
hurry to trade before it. Nobody in the market foresees one, and until a halt begins it changes
nothing; so a trader who does is put in: once a trigger is near it goes the way of the last move.
The halt itself is left out, for the question is whether its trigger is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from squeezegym.batch import Batch
from squeezegym.codes import Command, Venue
from squeezegym.errors import DataError
from squeezegym.scenario import Scenario
from squeezegym.theory.paired import Difference, paired
from squeezegym.theory.recording import GROUP
from squeezegym.theory.samples import BP, FloatArray
from squeezegym.units import MS

STEP_MS = 500
MEMORY = 120  # steps of the volatility trigger: a minute
WITNESS = {
    "learner.short_start": 0.0,
    "learner.limit_base": 400.0,
    "learner.capital_quote": 30_000_000.0,
}
"""Whoever hurries: three times the depth within 10 bp."""

_FEWEST = 5  # episodes

Kind = Literal["price", "volatility"]
Progress = Callable[[float], None]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A halt's trigger.

    Attributes:
        kind: ``price``: a distance from the opening price; ``volatility``: the root mean square
            return of a second over the last minute.
        level: Where it halts, bp.
        near: Share of the level from which those who foresee it hurry.
    """

    kind: Kind
    level: float
    near: float = 0.6

    def progress(self, prices: FloatArray) -> FloatArray:
        """How near the trigger is, 1 and above: it is reached.

        Args:
            prices: (n, t) last prices so far, a step apart.
        """
        if self.kind == "price":
            return np.abs(prices[:, -1] / prices[:, 0] - 1) * BP / self.level
        returns = np.diff(np.log(prices[:, -MEMORY - 1 :]), axis=1)
        variance = (returns**2).sum(axis=1) / (MEMORY * STEP_MS / 1000)
        found: FloatArray = np.sqrt(variance) * BP / self.level
        return found


@dataclass(frozen=True, slots=True)
class Magnet:
    """What hurrying does to a trigger.

    Attributes:
        near: Episodes in which it came near, of those run.
        reached: Chance that it is then reached: with those who hurry, without, and the difference.
    """

    near: int
    reached: Difference


def magnet(
    scenario: Scenario,
    trigger: Trigger,
    seeds: Sequence[int],
    *,
    threads: int | None = None,
    progress: Progress = lambda seconds: None,
) -> Magnet:
    """Run the same seeds with and without a trader who hurries.

    Until the trigger is near both runs are one, so the same episodes come near it.

    Args:
        scenario: The market; :data:`WITNESS` is laid upon it.
        trigger: What is to be reached.
        seeds: Of the markets.
        threads: As of `squeezegym.batch.Batch`.
        progress: Told how many market seconds were run since it was told last.

    Raises:
        DataError: The trigger came near in fewer than 5 episodes.
    """
    market = Scenario.load(scenario, **WITNESS)
    groups = [seeds[first : first + GROUP] for first in range(0, len(seeds), GROUP)]
    near, left = _joined([_run(market, trigger, g, False, threads, progress) for g in groups])
    if near.sum() < _FEWEST:
        raise DataError(
            f"the trigger came near in {near.sum()} of {len(seeds)} episodes, needed are "
            f"{_FEWEST}; run more, or lower its level of {trigger.level:g} bp"
        )
    _, hurried = _joined([_run(market, trigger, g, True, threads, progress) for g in groups])
    return Magnet(int(near.sum()), paired(hurried[near], left[near]))


def _joined(parts: Sequence[tuple[BoolArray, FloatArray]]) -> tuple[BoolArray, FloatArray]:
    near, reached = (np.concatenate(column) for column in zip(*parts, strict=True))
    return near, reached


def _run(
    scenario: Scenario,
    trigger: Trigger,
    seeds: Sequence[int],
    hurry: bool,
    threads: int | None,
    progress: Progress,
) -> tuple[BoolArray, FloatArray]:
    """Return (n,) whether the trigger came near, and (n,) 1 where it was reached."""
    batch = Batch.opened(scenario, seeds, threads)
    batch.command(slice(None), Command.RUN)
    last = batch.markets["books"]["last"][:, Venue.PERP]
    prices = [last.astype(np.float64)]
    furthest = np.zeros(len(seeds))
    side = np.zeros(len(seeds))
    for step in range(round(scenario.episode.horizon_s * 1000 / STEP_MS)):
        batch.views["until"] = (step + 1) * STEP_MS * MS
        if hurry:
            batch.views["target"] = side
            batch.views["aggression"] = 1.0
            batch.views["has_action"] = side != 0
        batch.advance()
        prices.append(last.astype(np.float64))
        path = np.stack(prices[-MEMORY - 1 :], axis=1)
        if trigger.kind == "price":
            path[:, 0] = prices[0]
        now = trigger.progress(path)
        new = (furthest < trigger.near) & (now >= trigger.near)
        move = path[:, -1] - path[:, max(0, path.shape[1] - 11)]  # of five seconds
        side[new] = np.where(move[new] >= 0, 1.0, -1.0)
        furthest = np.maximum(furthest, now)
        progress(len(seeds) * STEP_MS / 1000)
    batch.close()
    return furthest >= trigger.near, (furthest >= 1).astype(np.float64)

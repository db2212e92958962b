"""Oracles: policies that have seen the episode before they play it.

Both are executed in the market like anyone else, with their own impact, latency, fees and limits.
What they know is the seed: the same seed and the same actions give the same market, so an oracle
can try a plan, look at what came of it, and play the best.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from agents.baselines.hold import Flat
from agents.baselines.policy import Array, Policy, taking
from agents.paths import CHUNK, Paths, follow, joined
from squeezegym.scenario import Scenario

_EXITS_S = (-20.0, -10.0, -5.0, -2.0, 0.0, 2.0, 5.0, 10.0, 20.0, 40.0)
_FINER_S = (-3.0, -1.5, -0.8, -0.4, 0.4, 0.8, 1.5, 3.0)
_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


class Plan:
    """Targets that were fixed beforehand.

    Args:
        targets: (rows, steps) position in limits.
    """

    def __init__(self, targets: Array) -> None:
        self.targets = targets
        self._step = 0

    def reset(self, rows: int) -> None:
        """Begin with the first column."""
        self._step = 0

    def act(self, observations: Array) -> Array:
        """Return the targets of this step."""
        column = min(self._step, self.targets.shape[1] - 1)
        self._step += 1
        return taking(self.targets[:, column].astype(np.float32))


class _Oracle(Plan, ABC):
    """A plan that is made anew for the episodes that follow."""

    def __init__(self) -> None:
        super().__init__(np.zeros((0, 1)))

    def foresee(self, env_id: str, env_kwargs: Mapping[str, Any], seeds: Sequence[int]) -> None:
        """Find the best plan for each seed by trying some."""
        self.targets = self._best(env_id, env_kwargs, list(seeds))

    @abstractmethod
    def _best(self, env_id: str, env_kwargs: Mapping[str, Any], seeds: list[int]) -> Array:
        """Return the (seeds, steps) targets of the best plans."""


class ClairvoyantFlip(_Oracle):
    """The best single long round trip that starts no earlier than ignition plus feed latency.

    On the side of the catalyst; flat before and after, and flat all the time where nothing
    ignites or no trip pays. Exits are tried around the extreme of the price, then entries, then
    exits once more around the best one.
    """

    def _best(self, env_id: str, env_kwargs: Mapping[str, Any], seeds: list[int]) -> Array:
        flat = _tried(Flat(), env_id, env_kwargs, seeds)
        n, steps = flat.position.shape
        best, gain = np.zeros((n, steps)), flat.pnl[:, -1].copy()
        rows = np.flatnonzero(np.isfinite(flat.ignition_s))
        if not len(rows):
            return best
        trips = _Trips(flat, rows, env_id, env_kwargs)
        tops = trips.extremes(trips.play([(0.0, math.inf)]))
        trips.play([(0.0, shift) for shift in _EXITS_S], tops)
        trips.play([(delay, 0.0) for delay in _DELAYS_S])
        trips.play([(0.0, shift) for shift in _FINER_S])
        better = trips.gain > gain[rows]
        best[rows[better]] = trips.plans[better]
        return best


class _Trips:
    """Round trips of several episodes, tried at once; each episode keeps its best one.

    Args:
        flat: What happens without one.
        rows: Episodes that ignite.
        env_id: As `follow`.
        env_kwargs: As `follow`.
    """

    def __init__(
        self, flat: Paths, rows: Array, env_id: str, env_kwargs: Mapping[str, Any]
    ) -> None:
        self._flat, self._where = flat, (env_id, env_kwargs)
        self._seeds = [flat.seeds[row] for row in rows]
        first = (flat.ignition_s[rows] + flat.feed_s) / flat.step_s
        self._enter = np.ceil(first - 1e-9).astype(np.int64)
        self._leave = np.full(len(rows), flat.position.shape[1])
        self.gain = np.full(len(rows), -math.inf)
        self.plans = np.zeros((len(rows), flat.position.shape[1]))

    def extremes(self, held: Paths) -> Array:
        """Return the step at which each price is farthest on the catalyst's side."""
        last = held.mid.shape[1] - 1
        begins = np.minimum(self._enter, last)
        paths = self._flat.side * held.mid
        return np.array([b + int(path[b:].argmax()) for path, b in zip(paths, begins, strict=True)])

    def play(self, shifts: Sequence[tuple[float, float]], leave: Array | None = None) -> Paths:
        """Try trips near the best ones so far, and keep what is better.

        Args:
            shifts: Of entry and exit, seconds; an infinite one holds until the end.
            leave: (rows,) steps from which the exit is shifted instead.
        """
        base = self._leave if leave is None else leave
        plans = [self._plan(delay, shift, base) for delay, shift in shifts]
        targets = np.concatenate(plans)
        played = _tried(Plan(targets), *self._where, self._seeds * len(plans))
        gains = played.pnl[:, -1].reshape(len(plans), -1)
        which = gains.argmax(axis=0)
        for i in np.flatnonzero(gains.max(axis=0) > self.gain):
            self.gain[i] = gains[which[i], i]
            self.plans[i] = plans[which[i]][i]
            held = np.flatnonzero(self.plans[i])
            if len(held):
                self._enter[i], self._leave[i] = held[0], held[-1] + 1
        return played

    def _plan(self, delay: float, shift: float, base: Array) -> Array:
        """Return (rows, steps) targets of trips."""
        steps, step_s = np.arange(self.plans.shape[1]), self._flat.step_s
        enter = self._enter + round(delay / step_s)
        leave = np.full(len(base), len(steps))
        if math.isfinite(shift):
            leave = np.maximum(base + round(shift / step_s), enter + 1)
        held = (steps >= enter[:, None]) & (steps < leave[:, None])
        return self._flat.side * held.astype(np.float64)


class Clairvoyant(_Oracle):
    """Dynamic programming over the realised path: the best positions, long and short.

    The first plan is made from the path without the oracle, the second from the path that its own
    trades have made; the better one is played.

    Args:
        decision_s: Between two changes of the position.
        impact_bps: What changing the position by the limit costs beside the fee, bp of the price.
        levels: Positions that it chooses from, limits.
    """

    def __init__(
        self,
        decision_s: float = 1.0,
        impact_bps: float = 5.0,
        levels: Sequence[float] = (-1.0, -0.5, 0.0, 0.5, 1.0),
    ) -> None:
        super().__init__()
        self.decision_s = decision_s
        self.impact_bps = impact_bps
        self.levels = np.asarray(levels, np.float64)

    def _best(self, env_id: str, env_kwargs: Mapping[str, Any], seeds: list[int]) -> Array:
        found = _tried(Flat(), env_id, env_kwargs, seeds)
        fee = _taker_fee(env_id, env_kwargs)
        best, gain = np.zeros(found.position.shape), found.pnl[:, -1]
        for _ in range(2):
            every = max(1, round(self.decision_s / found.step_s))
            plan = best_positions(
                found.mid[:, ::every], found.start, self.levels, fee, self.impact_bps * 1e-4
            )
            targets = np.repeat(plan, every, axis=1)[:, : found.position.shape[1]]
            found = _tried(Plan(targets), env_id, env_kwargs, seeds)
            better = found.pnl[:, -1] > gain
            best, gain = (
                np.where(better[:, None], targets, best),
                np.maximum(found.pnl[:, -1], gain),
            )
        return best


def best_positions(mid: Array, start: Array, levels: Array, fee: float, impact: float) -> Array:
    """Return the positions that earn most on known price paths, by dynamic programming.

    A change of the position by ``d`` limits costs ``(fee |d| + impact d^2)`` of the price; the last
    position is closed at the end.

    Args:
        mid: (n, t) prices; a position taken at one earns until the next.
        start: (n,) position at the beginning, limits.
        levels: (k,) positions to choose from, limits.
        fee: Relative to the price.
        impact: Of a change by the limit, relative to the price.

    Returns:
        (n, t) positions.
    """
    n, t = mid.shape
    change = np.abs(levels[:, None] - levels[None, :])  # from, to
    cost = fee * change + impact * change**2
    worth = -mid[:, -1:] * (fee * np.abs(levels) + impact * levels**2)
    choices = np.zeros((n, t, len(levels)), np.int64)
    for k in range(t - 2, -1, -1):
        options = worth[:, None, :] - mid[:, k + 1, None, None] * cost
        choices[:, k + 1] = options.argmax(axis=2)
        worth = options.max(axis=2) + levels * (mid[:, k + 1] - mid[:, k])[:, None]
    moved = np.abs(start[:, None] - levels)
    held = (worth - mid[:, :1] * (fee * moved + impact * moved**2)).argmax(axis=1)
    plan = np.empty((n, t))
    plan[:, 0] = levels[held]
    for k in range(1, t):
        held = choices[np.arange(n), k, held]
        plan[:, k] = levels[held]
    return plan


def _taker_fee(env_id: str, env_kwargs: Mapping[str, Any]) -> float:
    """Return the fee of the learner's aggressive orders, relative to the price."""
    scenario = env_kwargs.get("scenario") or gym.spec(env_id).kwargs["scenario"]
    loaded = Scenario.load(scenario)
    return float(getattr(loaded.fees, f"{loaded.learner.venue}_taker_bps")) * 1e-4


def _tried(
    policy: Policy, env_id: str, env_kwargs: Mapping[str, Any], seeds: Sequence[int]
) -> Paths:
    """Play a policy and return all of its episodes as one."""
    if not isinstance(policy, Plan):
        return joined(list(follow(policy, env_id, env_kwargs, seeds)))
    parts: list[Paths] = []
    for first in range(0, len(seeds), CHUNK):
        rows = slice(first, first + CHUNK)
        parts += follow(Plan(policy.targets[rows]), env_id, env_kwargs, seeds[rows])
    return joined(parts)

"""Worlds in which trained policies are asked what they use, and whether it carries over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from agents.baselines.policy import Array, Policy
from squeezegym.envs.observation import INDEX
from squeezegym.scenario import Scenario

LIQUIDATIONS = ("forced_bought_1s", "forced_sold_1s", "forced_bought_10s", "forced_sold_10s")
BASIS = ("basis", "premium", "last_over_mark")
OWN = INDEX["position"]
"""First entry that tells of the policy's own account, and not of the market."""
MIRRORED = "mirrored"
DELAYS = (1, 2, 5, 10)
"""Steps of 100 ms."""
Wrap = Callable[[Policy], Policy]


class Filtered:
    """A policy that sees changed observations; its own trades stay its own.

    Args:
        policy: What acts.
        names: Entries that are changed.
    """

    def __init__(self, policy: Policy, names: Sequence[str]) -> None:
        self.policy = policy
        self.actions = getattr(policy, "actions", "continuous")
        self.columns = [INDEX[name] for name in names]

    def reset(self, rows: int) -> None:
        """Begin episodes."""
        self.policy.reset(rows)

    def act(self, observations: Array, *masks: Array) -> Array:
        """Act on the changed observations."""
        seen = observations.copy()
        seen[:, self.columns] = self.changed(seen[:, self.columns])
        return self.policy.act(seen, *masks)

    def changed(self, entries: Array) -> Array:
        """Return what the policy sees instead of (rows, entries)."""
        return np.zeros_like(entries)


class Shuffled(Filtered):
    """A policy that sees entries of other episodes, each row always those of the same one."""

    def changed(self, entries: Array) -> Array:
        """Return the entries of the row before."""
        return np.roll(entries, 1, axis=0)


class Delayed(Filtered):
    """A policy that sees the market as it was some steps ago, and its own account as it is.

    Args:
        policy: What acts.
        steps: Of the environment.
    """

    def __init__(self, policy: Policy, steps: int) -> None:
        super().__init__(policy, [name for name, place in INDEX.items() if place < OWN])
        self._past: deque[Array] = deque(maxlen=steps + 1)

    def reset(self, rows: int) -> None:
        """Begin episodes."""
        super().reset(rows)
        self._past.clear()

    def changed(self, entries: Array) -> Array:
        """Return the entries of so many steps ago, or the first ones."""
        self._past.append(entries)
        return self._past[0]


@dataclass(frozen=True, slots=True)
class World:
    """Where a policy plays and through what it looks; the smaller set of seeds counts ``times``."""

    name: str
    env_id: str = "squeezegym/ShortSqueeze-v0"
    changes: tuple[str, ...] = ()
    wrap: Wrap = field(default=lambda policy: policy)
    times: int = 1


def evaluations() -> list[World]:
    """Return the worlds that take something away at evaluation, from policies trained with it."""
    feed = Scenario.load("short_squeeze").transport.feed_latency_ms
    late = [
        World(f"market {100 * steps} ms later", wrap=partial(Delayed, steps=steps))
        for steps in DELAYS
    ]
    return [
        World("as trained"),
        # Less than a step cannot be taken from what a policy sees; this feed is late for everyone.
        World("feed of all 50 ms later", changes=(f"transport.feed_latency_ms={feed + 50}",)),
        *late,
        World("liquidations masked", wrap=lambda policy: Filtered(policy, LIQUIDATIONS)),
        World("liquidations shuffled", wrap=lambda policy: Shuffled(policy, LIQUIDATIONS)),
        World("basis masked", wrap=lambda policy: Filtered(policy, BASIS)),
    ]


def unseen() -> list[World]:
    """Return the worlds that no policy was trained in."""
    return [
        World("depth halved", changes=_depth(0.5)),
        World("depth doubled", changes=_depth(2.0)),
        World(
            "other leverage",
            changes=("population.leverage=[[3, 0.4], [5, 0.3], [10, 0.2], [20, 0.1]]",),
        ),
        World("cluster farther away", changes=("population.cluster_distance_bps=140.0",)),
        World(
            "halts",
            changes=(
                "protection.book=perp",
                "protection.limits.on=true",
                "protection.limits.band=0.01",
                "protection.limits.limit_s=1.0",
                "protection.limits.pause_s=20.0",
                "protection.limits.extension_s=10.0",
            ),
        ),
        # The only one with flushes: twice the seeds give them as many episodes as other regimes.
        World(MIRRORED, env_id="squeezegym/LongFlush-v0", times=2),
    ]


def _depth(factor: float) -> tuple[str, ...]:
    """Return the changes that scale the depth of both books."""
    depth = Scenario.load("short_squeeze").depth
    return tuple(
        f"depth.{book}.{name}={getattr(getattr(depth, book), name) * factor}"
        for book in ("perp", "spot")
        for name in ("touch_base", "within_10bps_base")
    )

"""Worlds in which trained policies are asked what they use, and whether it carries over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.baselines.policy import Array, Policy
from squeezegym.envs.observation import INDEX
from squeezegym.scenario import Scenario

LIQUIDATIONS = ("forced_bought_1s", "forced_sold_1s", "forced_bought_10s", "forced_sold_10s")
BASIS = ("basis", "premium", "last_over_mark")
DELAYS_MS = (50, 100, 250, 500, 1000)
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


@dataclass(frozen=True, slots=True)
class World:
    """Where a policy plays, and through what it looks."""

    name: str
    env_id: str = "squeezegym/ShortSqueeze-v0"
    changes: tuple[str, ...] = ()
    wrap: Wrap = field(default=lambda policy: policy)


def evaluations() -> list[World]:
    """Return the worlds that take something away at evaluation, from policies trained with it."""
    feed = Scenario.load("short_squeeze").transport.feed_latency_ms
    late = [
        World(f"feed {delay} ms later", changes=(f"transport.feed_latency_ms={feed + delay}",))
        for delay in DELAYS_MS
    ]
    return [
        World("as trained"),
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
        World("mirrored", env_id="squeezegym/LongFlush-v0"),
    ]


def _depth(factor: float) -> tuple[str, ...]:
    """Return the changes that scale the depth of both books."""
    depth = Scenario.load("short_squeeze").depth
    return tuple(
        f"depth.{book}.{name}={getattr(getattr(depth, book), name) * factor}"
        for book in ("perp", "spot")
        for name in ("touch_base", "within_10bps_base")
    )

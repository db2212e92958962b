"""Whole episodes of many markets, step by step: what a policy held, earned and met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym
import numpy as np

from agents.baselines.policy import Array, Oracle, Policy
from squeezegym.codes import NEVER, NO_ASK, NO_BID, Venue
from squeezegym.units import SECOND

PARTS = ("price", "fees", "funding", "borrow", "slippage", "liquidation")
CHUNK = 128
"""Markets played at once."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Episodes of one policy: row ``i`` is of ``seeds[i]``, column ``k`` the end of step ``k``.

    What follows an episode's end repeats its last value.
    """

    seeds: tuple[int, ...]
    step_s: float
    side: int
    """Of the catalyst: 1 buys, -1 sells."""
    earliest_s: float
    """Before which no catalyst starts."""
    feed_s: float
    """After which the public feed can show a moment, at the latest if nothing is in its way."""
    position: Array
    """(n, steps) limits."""
    pnl: Array
    """(n, steps) percent of capital."""
    mid: Array
    """(n, steps) of the learner's book, quote."""
    steps: Array
    """(n,) steps played."""
    start: Array
    """(n,) position at the beginning, limits."""
    ignition_s: Array
    """(n,) time of ignition; NaN without one."""
    multiple: Array
    """(n,) size of the catalyst in ignition barriers; 0 without one."""
    catalyst: Array
    """(n,) size of the catalyst, base."""
    ends: dict[str, Array]
    """(n,) of the last info: ``liquidated``, ``flipped``, ``ignited``, the parts of PnL (percent),
    and ``forced``: what was liquidated of those whom the catalyst squeezes, base."""

    @property
    def times(self) -> Array:
        """(steps,) seconds at the columns."""
        return (1 + np.arange(self.position.shape[1])) * self.step_s


def follow(
    policy: Policy,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    seeds: Sequence[int],
    on_step: Callable[[], None] | None = None,
) -> Iterator[Paths]:
    """Play one whole episode for each seed, many at once, and yield them in parts.

    Args:
        policy: What acts.
        env_id: Registered id with a native vector environment and continuous actions.
        env_kwargs: As the environment takes.
        seeds: One an episode; the same seed gives every policy the same market.
        on_step: Called after each step of a batch.
    """
    kwargs = dict(env_kwargs)
    if getattr(policy, "actions", "continuous") == "masked":
        kwargs["actions"] = "masked"
    for first in range(0, len(seeds), CHUNK):
        chunk = [int(seed) for seed in seeds[first : first + CHUNK]]
        if isinstance(policy, Oracle):
            policy.foresee(env_id, env_kwargs, chunk)
        envs = gym.make_vec(env_id, len(chunk), autoreset_mode="NextStep", **kwargs)
        try:
            yield _play(policy, envs, chunk, on_step or (lambda: None))
        finally:
            envs.close()


def _play(
    policy: Policy,
    envs: gym.vector.VectorEnv[Any, Any, Any],
    seeds: list[int],
    on_step: Callable[[], None],
) -> Paths:
    inner: Any = envs.unwrapped
    scenario = inner.scenario
    observations, info = envs.reset(seed=seeds)  # type: ignore[arg-type]
    policy.reset(len(seeds))
    running = np.ones(len(seeds), np.bool_)
    steps = np.zeros(len(seeds), np.int64)
    start = info["position"].copy()
    flow = inner.batch.markets["flow"]
    multiple, catalyst_lots = flow["catalyst_multiple"].copy(), flow["catalyst_size"].copy()
    forced = 1 if scenario.catalyst.side == "buy" else 0  # shorts or longs
    lot = scenario.contract.lot_size
    columns: list[tuple[Array, Array, Array]] = []
    ignition = np.full(len(seeds), np.nan)
    percent = 100.0 / scenario.learner.capital_quote
    ends: dict[str, Array] = {}
    while running.any():
        masks = (info["action_mask"].astype(bool),) if "action_mask" in info else ()
        actions = policy.act(observations, *masks)
        observations, _, terminated, truncated, info = envs.step(actions)
        now = (info["position"], info["pnl"] * percent, _mid(inner.batch.markets, scenario))
        if columns:
            now = _running(running, now, columns[-1])
        columns.append(now)
        found = inner.batch.markets["score"]["ignition"]
        ignition = np.where(running & (found != NEVER), found / SECOND, ignition)
        last = {name: info[name] for name in ("liquidated", "flipped", "ignited")}
        last["forced"] = inner.batch.markets["score"]["liquidated"][:, forced] * lot
        last |= {part: info[f"pnl_{part}"] * percent for part in PARTS}
        ends = {k: np.where(running, v, ends.get(k, v)) for k, v in last.items()}
        steps += running
        running &= ~(terminated | truncated)
        on_step()
    ignition[~ends["ignited"].astype(bool)] = np.nan
    position, pnl, mid = (np.stack(values, axis=1) for values in zip(*columns, strict=True))
    transport, catalyst = scenario.transport, scenario.catalyst
    return Paths(
        seeds=tuple(seeds),
        step_s=scenario.episode.step_ms / 1000,
        side=1 if catalyst.side == "buy" else -1,
        earliest_s=catalyst.start_s[0],
        feed_s=(transport.feed_interval_ms + transport.feed_latency_ms) / 1000,
        position=position,
        pnl=pnl,
        mid=mid,
        steps=steps,
        start=start,
        ignition_s=ignition,
        multiple=multiple,
        catalyst=catalyst_lots * lot,
        ends=ends,
    )


def _running(rows: Array, now: tuple[Array, ...], before: tuple[Array, ...]) -> tuple[Any, ...]:
    """Return the present values of the rows that run, the last ones of the others."""
    return tuple(np.where(rows, new, old) for new, old in zip(now, before, strict=True))


def joined(parts: Sequence[Paths]) -> Paths:
    """Return several parts of one policy's episodes as one; shorter ones repeat their ends."""
    longest = max(part.position.shape[1] for part in parts)

    def stacked(name: str) -> Array:
        pieces = [getattr(part, name) for part in parts]
        if pieces[0].ndim == 2:
            wide = [((0, 0), (0, longest - piece.shape[1])) for piece in pieces]
            pieces = [np.pad(p, w, mode="edge") for p, w in zip(pieces, wide, strict=True)]
        return np.concatenate(pieces)

    names = ("position", "pnl", "mid", "steps", "start", "ignition_s", "multiple", "catalyst")
    arrays: dict[str, Any] = {name: stacked(name) for name in names}
    return replace(
        parts[0],
        seeds=tuple(seed for part in parts for seed in part.seeds),
        ends={k: np.concatenate([part.ends[k] for part in parts]) for k in parts[0].ends},
        **arrays,
    )


def _mid(markets: Any, scenario: Any) -> Array:
    """Return (n,) mids of the learner's book, its last price where a side is empty."""
    venue = Venue.SPOT if scenario.learner.venue == "spot" else Venue.PERP
    books = markets["books"][:, venue]
    bid, ask = books["best_bid"], books["best_ask"]
    empty = (bid == NO_BID) | (ask == NO_ASK)
    mid: Array = np.where(empty, books["last"], 0.5 * (bid + ask)) * scenario.contract.tick_size
    return mid

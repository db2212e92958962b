"""Play a policy over whole episodes and say how it did, with an interval."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from rich import box
from rich.table import Table

from agents.baselines import Policy
from agents.baselines.policy import Array
from squeezegym.view.recorder import Replay
from squeezegym.view.runs import record_episode

_CHUNK = 128  # markets played at once


@dataclass(frozen=True, slots=True)
class Episode:
    """What one policy did in one held-out episode."""

    policy: str
    seed: int
    pnl_percent: float
    """Of starting capital, after all costs."""
    liquidated: bool
    ignited: bool
    mean_abs_position: float
    """Position limits."""
    steps: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of some episodes of one policy."""

    episodes: int
    mean: float
    low: float
    """95 % bootstrap interval of the mean."""
    high: float
    median: float
    liquidated: float
    """Share of the episodes."""
    positive: float
    mean_abs_position: float


def play(
    name: str,
    policy: Policy,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    seeds: Sequence[int],
    on_step: Callable[[], None] | None = None,
) -> list[Episode]:
    """Play one whole episode for each seed, many at once.

    Args:
        name: Name of the policy in the episodes.
        policy: What acts.
        env_id: Registered id with a native vector environment.
        env_kwargs: As the environment takes.
        seeds: One an episode; the same seed gives every policy the same market.
        on_step: Called after each step of a batch.
    """
    episodes: list[Episode] = []
    for first in range(0, len(seeds), _CHUNK):
        chunk = [int(seed) for seed in seeds[first : first + _CHUNK]]
        envs = gym.make_vec(env_id, len(chunk), autoreset_mode="SameStep", **env_kwargs)
        try:
            episodes += _play_batch(name, policy, envs, chunk, on_step or (lambda: None))
        finally:
            envs.close()
    return episodes


def _play_batch(
    name: str,
    policy: Policy,
    envs: gym.vector.VectorEnv[Any, Any, Any],
    seeds: list[int],
    on_step: Callable[[], None],
) -> list[Episode]:
    n = len(seeds)
    observations, _ = envs.reset(seed=seeds)  # type: ignore[arg-type]
    policy.reset(n)
    running = np.ones(n, np.bool_)
    pnl, held, steps = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
    flags = {"liquidated": np.zeros(n, np.bool_), "ignited": np.zeros(n, np.bool_)}
    while running.any():
        observations, rewards, terminated, truncated, info = envs.step(policy.act(observations))
        done = running & (terminated | truncated)
        position = info["position"]
        if done.any():
            final = info["final_info"]
            position = np.where(done, final["position"], position)
            for key, values in flags.items():
                values[done] = final[key][done]
        pnl += np.where(running, rewards, 0.0)
        held += np.where(running, np.abs(position), 0.0)
        steps += running
        running &= ~done
        on_step()
    return [
        Episode(
            policy=name,
            seed=seeds[i],
            pnl_percent=float(pnl[i]),
            liquidated=bool(flags["liquidated"][i]),
            ignited=bool(flags["ignited"][i]),
            mean_abs_position=float(held[i] / steps[i]),
            steps=int(steps[i]),
        )
        for i in range(n)
    ]


def record(
    policy: Policy, env_id: str, env_kwargs: Mapping[str, Any], seed: int, title: str
) -> Replay:
    """Play one episode and record market and learner, for the replay page and for figures."""
    env = gym.make(env_id, **env_kwargs)
    policy.reset(1)
    try:
        return record_episode(env, lambda seen: policy.act(seen[None])[0], seed, title=title)
    finally:
        env.close()


def bootstrap_interval(
    values: Array, level: float = 0.95, resamples: int = 4000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of at least one value."""
    values = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(resamples, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summarise(episodes: Sequence[Episode]) -> Summary | None:
    """Return the statistics of some episodes, or None when there are none."""
    if not episodes:
        return None
    pnl = np.array([episode.pnl_percent for episode in episodes])
    low, high = bootstrap_interval(pnl)
    return Summary(
        episodes=len(episodes),
        mean=float(pnl.mean()),
        low=low,
        high=high,
        median=float(np.median(pnl)),
        liquidated=float(np.mean([episode.liquidated for episode in episodes])),
        positive=float((pnl > 0).mean()),
        mean_abs_position=float(np.mean([episode.mean_abs_position for episode in episodes])),
    )


def summaries(episodes: Sequence[Episode]) -> dict[str, Summary | None]:
    """Return the statistics of all episodes, of those that ignited and of the others."""
    return {
        "all": summarise(episodes),
        "ignited": summarise([episode for episode in episodes if episode.ignited]),
        "not_ignited": summarise([episode for episode in episodes if not episode.ignited]),
    }


def results_table(results: Mapping[str, Mapping[str, Summary | None]], title: str) -> Table:
    """Return the table of policies: PnL in percent of capital with its 95 % interval."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("policy", no_wrap=True)
    for column in (
        "mean\nPnL %",
        "95 %\ninterval",
        "median",
        "share\npositive",
        "share\nliquidated",
        "mean\n|position|",
        "ignited\n(episodes)",
        "not ignited\n(episodes)",
    ):
        table.add_column(column, justify="right", no_wrap=True)
    for name, groups in results.items():
        total = groups["all"]
        if total is None:
            continue
        table.add_row(
            name,
            f"{total.mean:+.2f}",
            f"{total.low:+.2f} to {total.high:+.2f}",
            f"{total.median:+.2f}",
            f"{total.positive:.0%}",
            f"{total.liquidated:.0%}",
            f"{total.mean_abs_position:.2f}",
            _short(groups["ignited"]),
            _short(groups["not_ignited"]),
        )
    return table


def _short(summary: Summary | None) -> str:
    """Return the mean with the number of episodes behind it."""
    return "none" if summary is None else f"{summary.mean:+.2f} ({summary.episodes})"


def as_plain(results: Mapping[str, Mapping[str, Summary | None]]) -> dict[str, Any]:
    """Return the statistics as plain data, ready for JSON."""
    return {
        name: {group: summary and asdict(summary) for group, summary in groups.items()}
        for name, groups in results.items()
    }


def write_episodes(episodes: Iterable[Episode], path: Path) -> None:
    """Write one line an episode as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=Episode.__slots__)
        writer.writeheader()
        writer.writerows(asdict(episode) for episode in episodes)

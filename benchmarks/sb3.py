"""PPO end to end on the native batch, beside the same learner on an environment that costs nothing.

Usage:
    python benchmarks/sb3.py                      # about 10 minutes
    python benchmarks/sb3.py --short              # a smoke run
    python benchmarks/sb3.py --json result.json

Both learners have the same spaces, settings and seed; they run in turns in one process. `of free`
is the ratio of their median speeds, `us/step` what a step costs more with the market. Episodes are
out of step, so resets (each with its burn-in) are paid for as in long training. One thread of torch
is what networks of this size are fastest with; the markets use every core.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv
from throughput import machine, put_out_of_step

import squeezegym

_N_ACTIONS = 64


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to measure, and for how long."""

    env_id: str = "squeezegym/ShortSqueeze-v0"
    """Registered environment with continuous actions."""
    markets: tuple[int, ...] = (64, 256)
    """Batches to measure."""
    rollout: int = 8192
    """Steps of one rollout over all markets."""
    minibatches: tuple[int, ...] = (64, 1024)
    """Minibatches to measure: that of stable-baselines3's PPO by default, and a large one."""
    epochs: int = 10
    """Passes over a rollout."""
    rollouts: int = 2
    """Rollouts of one repeat."""
    repeats: int = 5
    """Repeats; the table shows their median, least and largest."""
    torch_threads: int = 1
    """Threads of torch."""
    threads: int | None = None
    """Threads of the markets; default: all cores."""
    short: bool = False
    """Smoke run. Its numbers mean nothing."""
    json: Path | None = None
    """Write machine and results to this file too."""


@dataclasses.dataclass
class Result:
    """One batch: steps a second of each repeat, with the market and without."""

    markets: int
    minibatch: int
    market: list[float] = dataclasses.field(default_factory=list)
    free: list[float] = dataclasses.field(default_factory=list)

    @property
    def of_free(self) -> float:
        """Ratio of the medians."""
        return statistics.median(self.market) / statistics.median(self.free)

    @property
    def us_per_step(self) -> float:
        """What the market adds to a step, microseconds."""
        return 1e6 / statistics.median(self.market) - 1e6 / statistics.median(self.free)


def free_vec_env(like: VecEnv) -> VecEnv:
    """Make a ``VecEnv`` of the same spaces that costs nothing and never ends an episode."""

    class Free(VecEnv):
        def __init__(self) -> None:
            n = like.num_envs
            super().__init__(n, like.observation_space, like.action_space)
            self._observations = np.zeros((n, *like.observation_space.shape), np.float32)
            self._rewards = np.zeros(n, np.float32)
            self._dones = np.zeros(n, np.bool_)
            self._infos: list[dict[str, Any]] = [{} for _ in range(n)]

        def reset(self) -> Any:
            return self._observations

        def step_async(self, actions: Any) -> None:
            pass

        def step_wait(self) -> Any:
            return self._observations, self._rewards, self._dones, self._infos

        def close(self) -> None:
            pass

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            return [None] * self.num_envs

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            pass

        def env_method(
            self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
        ) -> list[Any]:
            return [None] * self.num_envs

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False] * self.num_envs

    return Free()


def bench(s: Settings, n: int, minibatch: int, options: dict[str, Any]) -> Result:
    """Let both learners run in turns on ``n`` markets."""
    venv = squeezegym.make_sb3_vec(s.env_id, n, seed=0, threads=s.threads, **options)
    n_steps = max(2, s.rollout // n)
    rollout = n * n_steps
    learners = [
        PPO(
            "MlpPolicy",
            env,
            n_steps=n_steps,
            batch_size=min(minibatch, rollout),
            n_epochs=s.epochs,
            seed=0,
            device="cpu",
        )
        for env in (venv, free_vec_env(venv))
    ]
    for learner in learners:
        learner.learn(rollout)  # compiles, allocates, and sets the first observation
    actions = np.random.default_rng(0).uniform(-1, 1, (_N_ACTIONS, n, 2)).astype(np.float32)
    learners[0]._last_obs = put_out_of_step(venv.env, actions)
    learners[0]._last_episode_starts = np.zeros(n, np.bool_)
    result = Result(n, minibatch)
    for _ in range(s.repeats):
        for learner, speeds in zip(learners, (result.market, result.free), strict=True):
            started = time.perf_counter()
            learner.learn(s.rollouts * rollout, reset_num_timesteps=False)
            speeds.append(s.rollouts * rollout / (time.perf_counter() - started))
    venv.close()
    return result


def table(results: list[Result], about: dict[str, Any]) -> Table:
    """Lay the results out."""
    title = ", ".join(f"{key} {value}" for key, value in about.items())
    out = Table(title=title, title_justify="left")
    for column in ("markets", "minibatch", "PPO steps/s", "free environment", "of free", "us/step"):
        out.add_column(column, justify="right")
    for r in results:
        cells = [
            f"{statistics.median(speeds):,.0f} ({min(speeds):,.0f} - {max(speeds):,.0f})"
            for speeds in (r.market, r.free)
        ]
        out.add_row(
            str(r.markets), str(r.minibatch), *cells, f"{r.of_free:.1%}", f"{r.us_per_step:.1f}"
        )
    return out


def main(args: list[str] | None = None) -> None:
    """Measure and print."""
    s = tyro.cli(Settings, description=__doc__, args=args)
    options: dict[str, Any] = {}
    if s.short:
        s = dataclasses.replace(
            s, markets=(16,), minibatches=(64,), rollout=256, rollouts=1, repeats=2
        )
        options = {"horizon_s": 2.0}
    torch.set_num_threads(s.torch_threads)
    results = []
    for minibatch in s.minibatches:
        for n in s.markets:
            Console(stderr=True).print(
                f"measuring {n} markets, minibatches of {minibatch} ...", highlight=False
            )
            results.append(bench(s, n, minibatch, options))
    about = {**machine(), "torch": torch.__version__, "torch threads": s.torch_threads}
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table(results, about))
    if s.short:
        console.print("a smoke run: these numbers mean nothing")
    if s.json is not None:
        rows = [
            {**dataclasses.asdict(r), "of_free": r.of_free, "us_per_step": r.us_per_step}
            for r in results
        ]
        s.json.parent.mkdir(parents=True, exist_ok=True)
        s.json.write_text(json.dumps({"machine": about, "short": s.short, "results": rows}))


if __name__ == "__main__":
    main()

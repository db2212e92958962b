"""Throughput: environment steps and market events a second, alone and in batches.

Usage:
    python benchmarks/throughput.py                      # about 3 minutes
    python benchmarks/throughput.py --short              # a smoke run, under a minute
    python benchmarks/throughput.py --json result.json

Actions are random and drawn beforehand. Before a measurement the episodes of a batch are put out
of step, so that resets (each with its burn-in) fall evenly and are paid for as in long training.
Events are messages that reached a matching engine, burn-in included; they are counted every 10
steps, so those of an episode's last steps may be missed (under 0.3 %). The first two lines are one
market that nobody looks at, before its metaorder and through whole episodes, a hundred steps a
call: the kernel alone, in the cache. `lines/step` is how many 64-byte lines of a market's record a
step changes: what it writes, not what it reads. What a learner makes of it is measured by
`benchmarks/sb3.py`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numba
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

import squeezegym
from squeezegym.batch import Batch
from squeezegym.codes import Command
from squeezegym.scenario import Scenario

_STEPS_BETWEEN_COUNTS = 10
_STEPS_A_CALL = 100  # of a market alone: a call from Python costs as much as five steps
_N_ACTIONS = 64


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to measure, and for how long."""

    env_id: str = "squeezegym/ShortSqueeze-v0"
    """Registered environment."""
    seconds: float = 3.0
    """Least time of one repeat."""
    repeats: int = 3
    """Repeats; the table shows their median, least and largest."""
    short: bool = False
    """Smoke run: small batches, short episodes. Its numbers mean nothing."""
    json: Path | None = None
    """Write machine and results to this file too."""


@dataclasses.dataclass
class Result:
    """One line of the table."""

    name: str
    envs: int
    threads: int
    steps_per_s: list[float]
    events_per_s: float | None = None
    events_per_step: float | None = None
    lines_per_step: float | None = None
    live_share: float | None = None

    @property
    def median(self) -> float:
        """Median steps a second."""
        return statistics.median(self.steps_per_s)


class EventCount:
    """Events of a batch since the last look, across resets."""

    def __init__(self, markets: Any) -> None:
        self._events = markets["clock"]["events"]
        self._before = self._events.copy()

    def take(self) -> int:
        """Return the events since the last call; a row that was reset counts from its reset."""
        now = self._events.copy()
        gained = np.where(now >= self._before, now - self._before, now)
        self._before = now
        return int(gained.sum())


def machine() -> dict[str, Any]:
    """Describe what the numbers were measured on."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        names = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x]
        model = names[0].partition(":")[2].strip() if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": model,
        "cores": cores,
        "commit": _commit(),
        "python": platform.python_version(),
        "numba": numba.__version__,
        "numpy": np.__version__,
        "gymnasium": gym.__version__,
        "squeezegym": squeezegym.__version__,
    }


def _commit() -> str:
    def git(*args: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *args]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+changes" if git("status", "-s") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _actions(env: Any, rng: np.random.Generator) -> Any:
    shape = (_N_ACTIONS, *env.action_space.shape)
    return rng.uniform(-1, 1, shape).astype(np.float32)


def put_out_of_step(env: Any, actions: Any) -> Any:
    """Spread the phases of a native batch evenly over one episode; returns the observations."""
    n, n_steps = env.num_envs, env._rows.n_steps
    observations, _ = env.reset(seed=0)
    due = np.arange(n) * n_steps // n
    for step in range(n_steps - 1):
        mask = due == step
        if step and mask.any():
            observations, _ = env.reset(options={"reset_mask": mask})
        observations = env.step(actions[step % _N_ACTIONS])[0]
    return observations


def lines_changed(env: Any, actions: Any, steps: int = 50) -> float:
    """Mean number of 64-byte lines of one market's record that a step changes."""
    markets = env._rows.batch.markets
    size = markets.dtype.itemsize // 64 * 64
    changed = 0
    for i in range(steps):
        before = markets[0].tobytes()[:size]
        env.step(actions[i % _N_ACTIONS])
        pair = [np.frombuffer(x, np.uint64) for x in (before, markets[0].tobytes()[:size])]
        changed += int((pair[0] != pair[1]).reshape(-1, 8).any(axis=1).sum())
    return changed / steps


def _clock(step: Callable[[int], Any], n: int, count: EventCount, s: Settings) -> Any:
    """Run repeats of at least ``seconds``, ``n`` steps a call: steps a second, events, steps."""
    speeds, events, steps, total = [], 0, 0, 0.0
    count.take()
    for _ in range(s.repeats):
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < s.seconds:
            for i in range(_STEPS_BETWEEN_COUNTS):
                step(i + done)
            done += _STEPS_BETWEEN_COUNTS
            events += count.take()
        elapsed = time.perf_counter() - started
        speeds.append(done * n / elapsed)
        steps += done * n
        total += elapsed
    return speeds, events / total, events / steps


def bench_market(s: Settings, options: dict[str, Any], *, calm: bool) -> Result:
    """One market that nobody looks at: the kernel alone, in the cache."""
    env = gym.make(s.env_id, **options)
    scenario = env.unwrapped.scenario  # type: ignore[attr-defined]
    env.close()
    if calm:
        scenario = Scenario.load(scenario, **{"catalyst.orders_per_s": 0.0})
    batch = Batch.opened(scenario, [0], 1)
    batch.command(slice(None), Command.RUN)
    batch.views["until"] = 0
    call_ns = _STEPS_A_CALL * scenario.episode.step_ms * 1_000_000
    count = EventCount(batch.markets)

    def step(i: int) -> None:
        if not calm and batch.views["until"][0] >= scenario.episode.horizon_s * 1e9:
            batch.seed_row(0, i)
            batch.command(slice(None), Command.RESET)
            batch.advance()
            batch.command(slice(None), Command.RUN)
            batch.views["until"] = 0
        batch.views["until"] += call_ns
        batch.advance()

    speeds, per_s, per_step = _clock(step, _STEPS_A_CALL, count, s)
    batch.close()
    return Result("market alone, calm" if calm else "market alone", 1, 1, speeds, per_s, per_step)


def bench_single(s: Settings, options: dict[str, Any]) -> Result:
    """One environment made with ``gym.make``."""
    env = gym.make(s.env_id, **options)
    env.reset(seed=0)
    actions = _actions(env, np.random.default_rng(0))
    count = EventCount(env.unwrapped._rows.batch.markets)  # type: ignore[attr-defined]

    def step(i: int) -> None:
        _, _, terminated, truncated, _ = env.step(actions[i % _N_ACTIONS])
        if terminated or truncated:
            env.reset()

    speeds, per_s, per_step = _clock(step, 1, count, s)
    env.close()
    return Result("single", 1, 1, speeds, per_s, per_step)


def bench_vector(s: Settings, options: dict[str, Any], n: int, threads: int) -> Result:
    """The native batch made with ``gym.make_vec``."""
    env = gym.make_vec(s.env_id, num_envs=n, threads=threads, **options).unwrapped
    actions = _actions(env, np.random.default_rng(0))
    put_out_of_step(env, actions)
    live = []
    count = EventCount(env._rows.batch.markets)  # type: ignore[attr-defined]

    def step(i: int) -> None:
        env.step(actions[i % _N_ACTIONS])
        if i % 100 == 0:
            live.append(env._rows.live.mean())  # type: ignore[attr-defined]

    speeds, per_s, per_step = _clock(step, n, count, s)
    lines = lines_changed(env, actions)
    env.close()
    share = float(np.mean(live))
    return Result("vector", n, threads, speeds, per_s, per_step, lines, share)


def bench_sb3(s: Settings, options: dict[str, Any], n: int, threads: int) -> Result:
    """The stable-baselines3 adapter, without a learner."""
    venv = squeezegym.make_sb3_vec(s.env_id, num_envs=n, seed=0, threads=threads, **options)
    actions = _actions(venv.env, np.random.default_rng(0))
    put_out_of_step(venv.env, actions)
    count = EventCount(venv.env._rows.batch.markets)

    def step(i: int) -> None:
        venv.step(actions[i % _N_ACTIONS])

    speeds, per_s, per_step = _clock(step, n, count, s)
    venv.close()
    return Result("sb3 adapter", n, threads, speeds, per_s, per_step)


def bench(s: Settings, console: Console) -> list[Result]:
    """Measure everything, with a line on stderr for each part."""
    options: dict[str, Any] = {}
    sizes, threaded = (64, 256, 1024), 256
    if s.short:
        s = dataclasses.replace(s, seconds=0.2, repeats=2)
        options = {"horizon_s": 2.0}
        sizes, threaded = (16, 32), 32
    cores = max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    results: list[Result] = []

    def part(name: str, measure: Callable[[], Result]) -> None:
        console.print(f"measuring {name} ...", highlight=False)
        results.append(measure())

    part("market alone, calm", lambda: bench_market(s, options, calm=True))
    part("market alone", lambda: bench_market(s, options, calm=False))
    part("single", lambda: bench_single(s, options))
    part(f"vector {threaded}, 1 thread", lambda: bench_vector(s, options, threaded, 1))
    for n in sizes:
        part(f"vector {n}, 2 threads", lambda n=n: bench_vector(s, options, n, 2))  # type: ignore[misc]
    part(f"sb3 adapter {threaded}", lambda: bench_sb3(s, options, threaded, cores))
    return results


def table(results: list[Result], about: dict[str, Any]) -> Table:
    """Lay the results out."""
    title = ", ".join(f"{key} {value}" for key, value in about.items())
    columns = ("what", "envs", "threads", "steps/s", "least - largest", "events/s", "events/step")
    out = Table(title=title, title_justify="left")
    for i, column in enumerate((*columns, "ns/event/thread", "lines/step", "live")):
        out.add_column(column, justify="left" if i == 0 else "right")
    for r in results:
        out.add_row(
            r.name,
            str(r.envs),
            str(r.threads),
            f"{r.median:,.0f}",
            f"{min(r.steps_per_s):,.0f} - {max(r.steps_per_s):,.0f}",
            _or_dash(r.events_per_s, ",.0f"),
            _or_dash(r.events_per_step, ".1f"),
            _or_dash(r.events_per_s and 1e9 * r.threads / r.events_per_s, ",.0f"),
            _or_dash(r.lines_per_step, ",.0f"),
            _or_dash(r.live_share, ".1%"),
        )
    return out


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def main(args: list[str] | None = None) -> None:
    """Measure and print."""
    s = tyro.cli(Settings, description=__doc__, args=args)
    results = bench(s, Console(stderr=True))
    about = machine()
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table(results, about))
    vectors = [r for r in results if r.name == "vector"]
    one = next(r for r in vectors if r.threads == 1)
    two = next(r for r in vectors if r.threads == 2 and r.envs == one.envs)
    console.print(f"2 threads / 1 thread at {one.envs} markets: {two.median / one.median:.2f}")
    if s.short:
        console.print("a smoke run: these numbers mean nothing")
    if s.json is not None:
        rows = [{**dataclasses.asdict(r), "median": r.median} for r in results]
        s.json.parent.mkdir(parents=True, exist_ok=True)
        s.json.write_text(json.dumps({"machine": about, "short": s.short, "results": rows}))


if __name__ == "__main__":
    main()

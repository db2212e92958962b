"""``squeezegym bench``."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from squeezegym import ENVIRONMENTS, __version__
from squeezegym.arguments import integer
from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.progress import interrupts, market_time

_MOST = 65_536


def bench(
    env_id: str = "squeezegym/ShortSqueeze-v0",
    num_envs: tuple[int, ...] = (1, 64, 256),
    seconds: float = 3.0,
    threads: int | None = None,
    seed: int = 0,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Measure how fast the environments run on this machine, with random actions.

    Kernels are compiled first, which is not counted; episodes that end while it measures are reset,
    which is. Ctrl-C ends it early and prints what was measured. How the published figures came
    about stands in docs/benchmarks.md.

    Args:
        env_id: Registered environment.
        num_envs: Numbers of markets in a batch; each is measured.
        seconds: Time of each measurement on the clock of the wall.
        threads: Threads of a batch; default SQUEEZEGYM_THREADS or all cores allowed.
        seed: Of markets and actions.
        as_json: Print the result as JSON instead of a table.
    """
    if env_id not in ENVIRONMENTS:
        raise ConfigError(f"unknown environment {env_id!r}{did_you_mean(env_id, ENVIRONMENTS)}")
    if not num_envs or min(num_envs) < 1 or max(num_envs) > _MOST:
        raise ConfigError(f"--num-envs must be from 1 to {_MOST:,}, got {num_envs}")
    if not (math.isfinite(seconds) and seconds > 0):
        raise ConfigError(f"--seconds must be finite and above 0, got {seconds}")
    if threads is not None:
        integer("--threads", threads, 1, 1024)
    integer("--seed", seed, 0, 2**40)
    rows = []
    with market_time(seconds * len(num_envs)) as advance, interrupts() as interrupted:
        for n in num_envs:
            if interrupted():
                break
            rows.append(_measure(env_id, n, seconds, threads, seed, interrupted))
            advance(seconds)
    found = {"machine": _machine(), "env_id": env_id, "seed": seed, "rows": rows}
    if as_json:
        print(json.dumps(found, indent=2))
        return
    title = f"{env_id}, squeezegym {__version__}"
    table = Table(title=title, title_justify="left")
    for name in ("markets", "threads", "steps a second", "events a second", "events a step"):
        table.add_column(name, justify="right")
    for row in rows:
        each = row["events"] / row["steps"] if row["steps"] else 0.0
        table.add_row(
            f"{row['markets']:,}",
            str(row["threads"]),
            f"{row['steps_per_s']:,.0f}",
            f"{row['events_per_s']:,.0f}",
            f"{each:.1f}",
        )
    console = Console()
    console.print(table)
    console.print(", ".join(f"{k} {v}" for k, v in _machine().items()), highlight=False)


def _measure(
    env_id: str, n: int, seconds: float, threads: int | None, seed: int, interrupted: Any
) -> dict[str, Any]:
    """Step a batch for some seconds."""
    import gymnasium as gym
    import numpy as np

    envs: Any = gym.make_vec(env_id, num_envs=n, threads=threads)
    try:
        envs.reset(seed=seed)
        rng = np.random.default_rng(seed)
        shape = (64, *envs.action_space.shape)
        actions = rng.uniform(-1, 1, shape).astype(np.float32)
        envs.step(actions[0])
        batch = envs.unwrapped.batch
        before = int(batch.markets["clock"]["events"].sum())
        steps = resets = events = 0
        start = time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds and not interrupted():
            *_, terminated, truncated, _ = envs.step(actions[steps % 64])
            steps += 1
            resets += int(terminated.sum() + truncated.sum())
            if steps % 16 == 0:
                now = int(batch.markets["clock"]["events"].sum())
                events += max(0, now - before)
                before = now
        workers = batch.threads
    finally:
        envs.close()
    return {
        "markets": n,
        "threads": workers,
        "seconds": passed,
        "steps": steps * n,
        "resets": resets,
        "events": events,
        "steps_per_s": steps * n / passed,
        "events_per_s": events / passed,
    }


def _machine() -> dict[str, Any]:
    """Name what the figures belong to."""
    import numba
    import numpy as np

    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }

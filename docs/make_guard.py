"""Write the table of ``docs/guard.md``: ``python docs/make_guard.py``, about a minute.

Every scripted exchange runs the same episodes; the table stands between two comments of the page.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import tyro

import squeezegym
from agents.baselines.policy import Policy
from agents.baselines.venue import VENUES
from squeezegym.envs.guardrows import PARTS
from squeezegym.files import write_whole
from squeezegym.theory.paired import paired
from squeezegym.view.facts import markdown_table, signed

PAGE = Path(__file__).parent / "guard.md"
ID = next(iter(squeezegym.GUARDS))
BEGIN, END = "<!-- table: python docs/make_guard.py -->", "<!-- end of table -->"
GROUP = 32


@dataclass(frozen=True, slots=True)
class Config:
    """Evaluate the scripted exchanges."""

    episodes: int = 64
    """Episodes of each."""
    seed: int = 1001
    """Of the first."""


def play(policy: Policy, seeds: Sequence[int]) -> Any:
    """Return (episodes, 1 + parts): return and its parts."""
    envs = gym.make_vec(ID, num_envs=len(seeds), autoreset_mode="Disabled")
    observations, _ = envs.reset(seed=list(seeds))
    policy.reset(len(seeds))
    total = np.zeros((len(seeds), 1 + len(PARTS)))
    done = np.zeros(len(seeds), bool)
    while not done.all():
        observations, rewards, _, done, info = envs.step(policy.act(observations))
        total += np.column_stack([rewards, *(info[f"reward_{part}"] for part in PARTS)])
    envs.close()
    return total


def lines(config: Config) -> list[str]:
    """Run everything and write the table."""
    began = time.perf_counter()
    seeds = range(config.seed, config.seed + config.episodes)
    groups = [seeds[i : i + GROUP] for i in range(0, len(seeds), GROUP)]
    found = {
        name: np.concatenate([play(make(), group) for group in groups])
        for name, make in VENUES.items()
    }
    first = next(iter(found.values()))
    rows = []
    for name, totals in found.items():
        difference = paired(totals[:, 0], first[:, 0])
        interval = f"{signed(difference.interval.low)} to {signed(difference.interval.high)}"
        more = "" if totals is first else f"{signed(difference.mean)} ({interval})"
        means = [f"{value:.2f}" for value in totals.mean(axis=0)]
        rows.append((name, means[0], more, *means[1:]))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PAGE.parent, capture_output=True, text=True
    ).stdout.strip()
    seconds = time.perf_counter() - began
    command = f"python docs/make_guard.py --episodes {config.episodes} --seed {config.seed}"
    return [
        *markdown_table(("exchange", "return", "more than doing nothing (95 %)", *PARTS), rows),
        "",
        f"`{command}` at commit {commit}, {platform.machine()}, {os.cpu_count()} cores,"
        f" {seconds:.0f} s. Means over episodes; the columns on the right add up to the return.",
    ]


def main(args: Sequence[str] | None = None) -> int:
    """Put the table into the page."""
    config = tyro.cli(Config, description=__doc__, args=args)
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    text = "\n".join((before + BEGIN, "", *lines(config), "", END + after))
    write_whole(PAGE, lambda path: path.write_text(text, encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

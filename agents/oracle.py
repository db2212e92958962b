"""The best time to go long, found by trying every one on the same market.

::

    python -m agents.oracle
    python -m agents.oracle --scenario short_squeeze --episodes 8
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from gymnasium.utils import seeding
from rich import box
from rich.console import Console
from rich.table import Table

from agents.baselines.policy import Array
from squeezegym.envs.action import KEEP, MENU
from squeezegym.envs.rows import Rows
from squeezegym.errors import ConfigError, SqueezegymError
from squeezegym.scenario import Scenario

_LONG = int(np.flatnonzero((MENU == (1.0, 1.0)).all(axis=1))[0])


@dataclass(frozen=True, slots=True)
class Flips:
    """What each time of going long would have brought in one episode."""

    seed: int
    times_s: Array
    """(n,) decision times; the last one is the horizon: never."""
    pnl_percent: Array
    """(n,) of starting capital, after all costs."""

    @property
    def best_s(self) -> float:
        """The earliest of the best times."""
        return float(self.times_s[self.pnl_percent.argmax()])


def flips(scenario: str | Path | Scenario, seed: int, *, every_s: float | None = None) -> Flips:
    """Try every time of going from the opening position to the largest long, and hold it.

    One row of a batch for each time, all on one seed, so the markets are the same until the flip:
    the answer is exact for that episode, and no policy that flips once does better.

    Args:
        scenario: Shipped name, TOML path or scenario.
        seed: Of the environment.
        every_s: Between two times; None: every decision.

    Raises:
        ConfigError: An unknown scenario, or ``every_s`` below a decision interval.
    """
    loaded = Scenario.load(scenario)
    step_s = loaded.episode.step_ms / 1000
    stride = 1 if every_s is None else round(every_s / step_s)
    if stride < 1:
        raise ConfigError(f"every_s must be at least the decision interval {step_s}, got {every_s}")
    steps = round(loaded.episode.horizon_s / step_s)
    flip_at = np.append(np.arange(0, steps, stride), steps)
    rows = Rows(loaded, len(flip_at), actions="discrete")
    everyone = np.ones(len(flip_at), np.bool_)
    rows.reset(everyone, [seeding.np_random(seed)[0] for _ in flip_at])
    step = 0
    while rows.live.any():
        rows.step(np.where(step >= flip_at, _LONG, KEEP), rows.live.copy(), ~everyone, [])
        step += 1
    pnl = rows.batch.views["equity"] - rows.start_equity
    return Flips(seed, flip_at * step_s, 100.0 * pnl / rows.capital)


@dataclass(frozen=True, slots=True)
class BestFlip:
    """The time of going long that is best on average over some episodes."""

    time_s: float
    pnl_percent: float
    """Mean over the episodes, of starting capital."""
    curve: Array
    """(n,) mean PnL of every time that was tried."""


def best_flip(
    scenario: str | Path | Scenario, seeds: Sequence[int], *, every_s: float | None = None
) -> BestFlip:
    """Return the best time for a policy that cannot tell the episodes apart.

    Args:
        scenario: As :func:`flips`.
        seeds: Of the episodes.
        every_s: As :func:`flips`.
    """
    found = [flips(scenario, seed, every_s=every_s) for seed in seeds]
    curve = np.mean([each.pnl_percent for each in found], axis=0)
    best = int(curve.argmax())
    return BestFlip(float(found[0].times_s[best]), float(curve[best]), curve)


@dataclass(frozen=True, slots=True)
class Config:
    """Print the best time of going long, and what other times would have brought."""

    scenario: str = "noiseless"
    """Shipped scenario, or path of a TOML file."""
    episodes: int = 4
    """Episodes, seeded one after another."""
    seed: int = 0
    """Of the first."""
    every_s: float = 1.0
    """Between two times that are tried."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    config = tyro.cli(Config, description=__doc__, args=args)
    table = Table(
        "seed", "best time", "PnL %", "5 s earlier", "5 s later", "never", box=box.SIMPLE_HEAD
    )
    try:
        for seed in range(config.seed, config.seed + config.episodes):
            found = flips(config.scenario, seed, every_s=config.every_s)
            at = [
                np.interp(found.best_s + shift, found.times_s, found.pnl_percent)
                for shift in (0.0, -5.0, 5.0)
            ]
            cells = [f"{value:+.2f}" for value in (*at, found.pnl_percent[-1])]
            table.add_row(str(seed), f"{found.best_s:.1f} s", *cells)
    except SqueezegymError as error:
        Console(stderr=True).print(f"error: {error}", highlight=False)
        return 2
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

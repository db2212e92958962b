"""Whether anything beats being flat in the calm market.

::

    python -m agents.calm
    python -m agents.calm --episodes 256
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from agents.baselines import BASELINES
from agents.baselines.policy import Array, taking
from agents.estimates import estimate, mean
from agents.evaluation import play
from squeezegym.envs.observation import INDEX
from squeezegym.errors import ConfigError, SqueezegymError

_ID = "squeezegym/Calm-v0"
_TREND = INDEX["perp_trend_10s"]


class AgainstTheTrend:
    """Sell what rose and buy what fell in ten seconds, until it turns."""

    def __init__(self, enter: float = 0.5) -> None:
        self.enter = enter
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Start flat."""
        self._target = np.zeros(rows, np.float32)

    def act(self, observations: Array) -> Array:
        """Return the targets after this observation."""
        trend = observations[:, _TREND]
        held = np.where(trend * self._target > 0.0, 0.0, self._target)
        self._target = np.where(np.abs(trend) > self.enter, -np.sign(trend), held)
        return taking(self._target)


class KeepWhatYouHave:
    """Trade nothing; the opening position is closed at the horizon."""

    def reset(self, rows: int) -> None:
        """Begin with what is held."""
        self._target: Array | None = None

    def act(self, observations: Array) -> Array:
        """Return the opening position."""
        if self._target is None:
            self._target = observations[:, INDEX["position"]].copy()
        return taking(self._target)


POLICIES = {**BASELINES, "against the trend": AgainstTheTrend, "keep": KeepWhatYouHave}


def pnl_percent(seeds: Sequence[int]) -> dict[str, Array]:
    """Return the PnL of every policy in each of the same episodes, percent of capital."""
    if len(seeds) == 0:
        raise ConfigError("at least one episode is needed, got none; give another --episodes")
    return {
        name: np.array([episode.pnl_percent for episode in play(name, make(), _ID, {}, seeds)])
        for name, make in POLICIES.items()
    }


@dataclass(frozen=True, slots=True)
class Config:
    """Compare policies with being flat, episode by episode."""

    episodes: int = 64
    """Episodes of each policy."""
    seed: int = 5_000
    """Of the first."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    config = tyro.cli(Config, description=__doc__, args=args)
    try:
        found = pnl_percent(range(config.seed, config.seed + config.episodes))
    except SqueezegymError as error:
        Console(stderr=True).print(f"error: {error}", highlight=False)
        return 2
    table = Table(
        "policy", "mean PnL %", "flat earns more by", "95 % interval", box=box.SIMPLE_HEAD
    )
    for name, pnl in found.items():
        more = found["flat"] - pnl
        average = estimate([more], mean)
        interval = "" if name == "flat" else f"{average.low:+.3f} to {average.high:+.3f}"
        table.add_row(name, f"{pnl.mean():+.3f}", f"{more.mean():+.3f}", interval)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Report how policies behave towards the market, beside the same market without them.

::

    python -m agents.conduct
    python -m agents.conduct --policies momentum "hold long" --episodes 64
    python -m agents.conduct --run runs/quickstart-20261126-120000
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from agents.baselines import BASELINES, Policy
from agents.estimates import estimate, mean
from squeezegym.conduct import Conduct, conduct
from squeezegym.errors import ConfigError, SqueezegymError, did_you_mean
from squeezegym.files import check_target, write_whole
from squeezegym.scenario import Scenario

_COLUMNS = {
    "messages": ("messages", "{:.1f}"),
    "cancelled": ("orders\ncancelled", "{:.1f}"),
    "volume_share": ("share of\nvolume", "{:.2%}"),
    "move_bps": ("moved mark\nbp", "{:.2f}"),
    "largest_move_bps": ("at most\nbp", "{:.1f}"),
    "favourable_move_bps": ("in its\nfavour bp", "{:+.2f}"),
    "forced_base": ("forced lots\nbase", "{:+.1f}"),
    "pnl_percent": ("PnL\n%", "{:+.2f}"),
}


@dataclass(frozen=True, slots=True)
class Config:
    """Report cancelled orders, share of volume and self-caused moves of policies."""

    policies: tuple[str, ...] = tuple(BASELINES)
    """Scripted policies, by their names in the results table."""
    run: Path | None = None
    """Run folder of the quickstart, whose policy is reported too. Loading a model runs code that it
    contains: give only folders that you trust."""
    scenario: str = "short_squeeze"
    """Shipped scenario, or path of a TOML file."""
    episodes: int = 32
    """Episodes of each policy."""
    seed: int = 1_000_000
    """Of the first episode."""
    json: Path | None = None
    """Write every episode to this file too."""


def policies(config: Config) -> dict[str, Policy]:
    """Return the policies to report, by name.

    Raises:
        ConfigError: An unknown name, or a folder without a model.
    """
    chosen: dict[str, Policy] = {}
    for name in config.policies:
        if name not in BASELINES:
            raise ConfigError(
                f"unknown policy '{name}'{did_you_mean(name, BASELINES)}; known: "
                f"{', '.join(BASELINES)}"
            )
        chosen[name] = BASELINES[name]()
    if config.run is not None:
        chosen["PPO"] = _trained(config.run)
    return chosen


def _trained(folder: Path) -> Policy:
    if not (folder / "policy.zip").is_file():
        raise ConfigError(f"'{folder}' is no run folder: it has no policy.zip; give another --run")
    from squeezegym.integrations.sb3 import load_policy

    return load_policy(folder / "policy.zip")


def reports(config: Config, console: Console) -> dict[str, list[Conduct]]:
    """Play every policy on the same seeds."""
    if config.episodes < 1 or config.seed < 0:
        raise ConfigError(
            f"--episodes must be >= 1 and --seed >= 0, got {config.episodes} and {config.seed}"
        )
    seeds = range(config.seed, config.seed + config.episodes)
    scenario = Scenario.load(config.scenario)
    found = {}
    for name, policy in policies(config).items():
        console.print(f"playing {name} ...", highlight=False)
        policy.reset(len(seeds))
        found[name] = conduct(policy.act, scenario, seeds)
    return found


def table(found: dict[str, list[Conduct]], title: str) -> Table:
    """Return the means over the episodes; under the moves, the 95 % interval of the mean."""
    out = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
    out.add_column("policy", no_wrap=True)
    for heading, _ in _COLUMNS.values():
        out.add_column(heading, justify="right", no_wrap=True)
    for name, episodes in found.items():
        out.add_row(name, *[_cell(episodes, field) for field in _COLUMNS])
    return out


def _cell(episodes: Sequence[Conduct], field: str) -> str:
    values = np.array([getattr(episode, field) for episode in episodes], np.float64)
    form = _COLUMNS[field][1]
    shown = form.format(values.max() if field == "largest_move_bps" else values.mean())
    if field not in ("favourable_move_bps", "pnl_percent"):
        return shown
    average = estimate([values], mean)
    return f"{shown} ({form.format(average.low)} to {form.format(average.high)})"


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    config = tyro.cli(Config, description=__doc__, args=args)
    try:
        check_target("--json", config.json, (".json",))
        found = reports(config, Console(stderr=True))
    except SqueezegymError as error:
        Console(stderr=True).print(f"error: {error}", highlight=False)
        return 2
    title = f"{config.scenario}, {config.episodes} episodes, means"
    Console(width=None if sys.stdout.isatty() else 130).print(table(found, title))
    if config.json is not None:
        rows: dict[str, Any] = {k: [asdict(episode) for episode in v] for k, v in found.items()}
        text = json.dumps(rows, indent=2) + "\n"
        write_whole(config.json, lambda path: path.write_text(text, encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

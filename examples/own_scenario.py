"""Write a scenario of your own, look at it, and make an environment of it.

    python examples/own_scenario.py --folder .

A file extends one complete scenario and states what differs. A wrong name or an impossible number
is answered with one sentence.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import gymnasium as gym
import tyro

import squeezegym
from squeezegym.errors import ConfigError

TEXT = """\
extends = "short_squeeze"
name = "crowded"

# More and smaller shorts for the same open interest.
[population]
shorts = 1600
longs = 400

# An engine that takes its time, and a learner with less leverage.
[liquidation]
policy = "small_steps"

[learner]
leverage_cap = 3
"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Write, check and run a scenario."""

    folder: Path = Path()
    """Where the file goes."""
    seconds: float = 30.0
    """Market time to run."""


def main(settings: Settings) -> None:
    """Write the file, run a market of it, step an environment of it."""
    path = settings.folder / "crowded.toml"
    path.write_text(TEXT, encoding="utf-8")
    scenario = squeezegym.Scenario.load(path)
    print(f"{scenario.name}: {scenario.population.shorts:,} shorts, digest {scenario.digest()}")

    market = squeezegym.Market(scenario, seed=0)
    market.run(settings.seconds)
    print(f"perp at {market.series()['perp'][-1]:,.1f}, ledger {market.ledger()['sum']}")

    env = gym.make("squeezegym/ShortSqueeze-v0", scenario=str(path))
    env.reset(seed=0)
    _, reward, *_ = env.step([0.5, 1.0])
    print(f"one step of the environment: reward {float(reward):+.4f}")
    env.close()

    try:
        squeezegym.Scenario.load(path, **{"learner.leverage": 3})
    except ConfigError as error:
        print(f"a wrong name: {error}")


if __name__ == "__main__":
    main(tyro.cli(Settings))

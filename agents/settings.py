"""What the command line of quickstart takes, checked before anything slow begins."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import tyro

import squeezegym
from squeezegym.errors import ConfigError, did_you_mean


@dataclass(frozen=True, slots=True)
class PPOSettings:
    """Settings of the learner."""

    decision_steps: int = 10
    """Environment steps (100 ms each) between two decisions."""
    n_steps: int = 75
    """Decisions of each market between two updates."""
    batches: int = 4
    """Minibatches of an update."""
    epochs: int = 4
    """Passes over the data of an update."""
    learning_rate: float = 7e-4
    """Of Adam; falls linearly to a tenth."""
    gamma: float = 0.98
    """Discount of a decision: rewards half a minute away still count half."""
    gae_lambda: float = 0.95
    """Mixing of advantage estimates."""
    entropy: float = 0.003
    """Weight of the entropy bonus."""
    keep_logit: float = 4.0
    """Head start of "keep": an untrained policy trades in 6 / (6 + e^4) = 10 % of decisions."""
    hidden: int = 64
    """Units of both hidden layers."""
    torch_threads: int = 1
    """Threads of torch; small networks are slower with two."""


@dataclass(frozen=True, slots=True)
class Config:
    """Train PPO on a squeeze, evaluate it beside scripted policies, write a run folder."""

    scenario: str = "short_squeeze"
    """Shipped scenario, path of a TOML file, or from_data with the files below."""
    book: tuple[str, ...] = ()
    """from_data: files of one capture of the perp book, in order."""
    spot: tuple[str, ...] = ()
    """from_data: files of the spot book; without them the basis places it."""
    positions: str | None = None
    """from_data: file of leveraged positions."""
    open_interest: float | None = None
    """from_data: open interest in base coin, with the scenario's leverage mix."""
    out: Path | None = None
    """Run folder to write; it must not exist. Default: runs/quickstart-<date>-<time>."""
    seed: int = 0
    """Of training; evaluation plays seeds far above it."""
    steps: int | None = None
    """Training steps of 100 ms over all markets. Default: 20,000,000, or 400,000 with --short."""
    num_envs: int = 128
    """Markets trained on at once."""
    episodes: int | None = None
    """Held-out episodes for each policy. Default: 192, or 24 with --short."""
    time_limit: float | None = None
    """Seconds after which training ends whatever is left. Default: 200, or 8 with --short."""
    short: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """A quick look at the same path: under a minute, and too little to learn much."""
    ppo: PPOSettings = field(default_factory=PPOSettings)
    """Settings of the learner."""

    @property
    def decisions(self) -> int:
        """Decisions to train on, over all markets."""
        return max(1, (self.steps or 0) // self.ppo.decision_steps)


def resolve(config: Config) -> Config:
    """Fill what was left open and refuse what cannot be.

    Raises:
        ConfigError: A number is out of its range.
    """
    defaults = (400_000, 24, 8.0) if config.short else (20_000_000, 192, 200.0)
    config = replace(
        config,
        out=config.out or Path("runs") / f"quickstart-{datetime.now():%Y%m%d-%H%M%S}",
        steps=defaults[0] if config.steps is None else config.steps,
        episodes=defaults[1] if config.episodes is None else config.episodes,
        time_limit=defaults[2] if config.time_limit is None else config.time_limit,
    )
    for name, least in (("steps", 1), ("num_envs", 1), ("episodes", 1), ("seed", 0)):
        if getattr(config, name) < least:
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} must be >= {least}, got {getattr(config, name)}")
    if config.time_limit is None or not config.time_limit > 0:
        raise ConfigError(f"--time-limit must be > 0 seconds, got {config.time_limit}")
    return config


def environment(config: Config) -> tuple[str, dict[str, Any]]:
    """Return the registered id that runs the scenario, and its keyword arguments.

    Raises:
        ConfigError: No environment runs such a scenario.
    """
    data: dict[str, Any] = {
        "book": os.pathsep.join(config.book) or None,
        "spot": os.pathsep.join(config.spot) or None,
        "positions": config.positions,
        "open_interest": config.open_interest,
    }
    kwargs = {name: value for name, value in data.items() if value is not None}
    if config.scenario.endswith(".toml"):
        return next(iter(squeezegym.ENVIRONMENTS)), {"scenario": config.scenario, **kwargs}
    ids = {scenario: env_id for env_id, scenario in squeezegym.ENVIRONMENTS.items()}
    if config.scenario not in ids:
        raise ConfigError(
            f"unknown scenario {config.scenario!r}{did_you_mean(config.scenario, ids)}; known: "
            f"{', '.join(ids)} (or give the path of a .toml file)"
        )
    return ids[config.scenario], kwargs

"""Runs for the replay page: of a market, of an episode with a policy, or from a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from squeezegym.errors import ConfigError, DataError
from squeezegym.market import Market
from squeezegym.scenario import Scenario
from squeezegym.state import LOG_VERSION
from squeezegym.units import SECOND
from squeezegym.view.recorder import Recorder, Replay

RECORDING = "replay.npz"
"""Name of a recorded run inside a run folder."""


def record_market(
    scenario: str | Path | Scenario,
    seed: int = 0,
    seconds: float | None = None,
    *,
    title: str | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Replay:
    """Run a market without a learner and record it.

    Args:
        scenario: Shipped name, TOML path or scenario.
        seed: Of the episode.
        seconds: Market time from the beginning of the episode; default its horizon.
        title: Of the page; default the scenario's name.
        progress: Told how many market seconds were run since it was told last.
    """
    scenario = Scenario.load(scenario)
    seconds = scenario.episode.horizon_s if seconds is None else seconds
    market = Market(scenario, seed, log=True)
    recorder = Recorder(scenario, seed, seconds, title=title)
    recorder.sample(market.record)
    step = scenario.episode.step_ms / 1000
    for _ in range(max(1, round(seconds / step))):
        market.run(step)
        recorder.sample(market.record)
        progress(step)
    return recorder.finish(market.record, market.log())


def record_episode(
    env: gym.Env[Any, Any],
    act: Callable[[Any], Any],
    seed: int,
    *,
    title: str | None = None,
) -> Replay:
    """Play one episode with a policy and record market and learner.

    Args:
        env: One of the package's environments, wrapped or not.
        act: Action for an observation of ``env``.
        seed: As ``env.reset`` takes.
        title: Of the page; default the scenario's name.

    Raises:
        ConfigError: ``env`` has no market of this package behind it.
    """
    batch = getattr(env.unwrapped, "batch", None)
    if batch is None:
        raise ConfigError(
            f"record_episode() takes an environment of squeezegym, got {env.unwrapped}"
        )
    observation, _ = env.reset(seed=seed)
    batch.keep_log()
    scenario, market = batch.scenario, batch.markets[0]
    recorder = Recorder(scenario, seed, scenario.episode.horizon_s, True, title)
    recorder.sample(market)
    done = False
    while not done:
        observation, _, terminated, truncated, _ = env.step(act(observation))
        recorder.sample(market)
        done = terminated or truncated
    rows = np.concatenate(batch.logs[0])
    batch.logs = None
    return recorder.finish(market, rows)


def load_run(path: str | Path) -> Replay:
    """Load a run: a recorded one, a run folder that holds one, or an event log.

    An event log holds scenario and seed, so its run is made again, and compared with the log.

    Raises:
        DataError: None of these, or a log that this version of the package does not repeat.
    """
    path = Path(path)
    if path.is_dir():
        path = path / RECORDING
    if not path.is_file():
        raise DataError(f"{str(path)!r} does not exist; give a run folder or an .npz of a run")
    try:
        with np.load(path) as saved:
            if "rows" not in saved:
                return Replay.load(path)
            log = {name: saved[name] for name in ("version", "seed", "rows", "resolved")}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{str(path)!r} is no run; give an event log of `squeezegym simulate --log` or a "
            "recorded run"
        ) from error
    return _again(path, log)


def _again(path: Path, log: dict[str, Any]) -> Replay:
    """Make the run of an event log again."""
    if int(log["version"]) != LOG_VERSION:
        raise DataError(
            f"{str(path)!r} has version {int(log['version'])} of the log, this package writes "
            f"{LOG_VERSION}; simulate it again"
        )
    scenario = Scenario.parse(json.loads(str(log["resolved"])))
    rows = log["rows"]
    step = scenario.episode.step_ms / 1000
    last = float(rows["time"][-1]) / SECOND if len(rows) else step
    market = Market(scenario, int(log["seed"]), log=True)
    recorder = Recorder(scenario, market.seed, last)
    recorder.sample(market.record)
    while market.time < last:
        market.run(step)
        recorder.sample(market.record)
    if not np.array_equal(market.log()[: len(rows)], rows):
        raise DataError(
            f"{str(path)!r} was made by another version of the package: scenario and seed give "
            "another run here; simulate it again"
        )
    return recorder.finish(market.record, market.log())

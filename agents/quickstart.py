"""Train PPO, evaluate it beside scripted policies, write a run folder.

::

    python -m agents.quickstart
    python -m agents.quickstart --short
    python -m agents.quickstart --scenario from_data --book perp-*.jsonl.gz --open-interest 20000
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console

from agents.runfolder import RunFolder, manifest
from agents.settings import Learner, Training, command_line, environment
from agents.train import POLICY, policy_spec, stop
from squeezegym.errors import ConfigError, SqueezegymError

if TYPE_CHECKING:
    from agents.measures import Episode
    from squeezegym.integrations.trained import TrainedPolicy
    from squeezegym.scenario import Scenario

_HELD_OUT = 1_000_000
"""Evaluation seeds begin so far above the training seed."""
_NAME = "PPO"
_RIVALS = ("flat", "hold long", "hold short", "momentum", "sniper")
"""Scripted policies that a first look needs; agents.evaluate plays all of them."""


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
    learner: Learner = field(default_factory=Learner)
    """Settings of the learner."""


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
    if config.learner.algorithm != "ppo":
        raise ConfigError(
            f"quickstart trains ppo, got --learner.algorithm {config.learner.algorithm}; train it "
            f"with python -m agents.train {config.learner.algorithm}"
        )
    if config.time_limit is None or not config.time_limit > 0:
        raise ConfigError(f"--time-limit must be > 0 seconds, got {config.time_limit}")
    return config


class Stopwatch:
    """Durations of the stages of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage."""
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin


def run(config: Config, console: Console, progress: Console) -> Path:
    """Train, evaluate and write the run folder; return where it is.

    Args:
        config: What to do.
        console: Where the results go.
        progress: Where progress bars and notices go.
    """
    config = resolve(config)
    env_id, kwargs = environment(
        config.scenario,
        book=config.book,
        spot=config.spot,
        positions=config.positions,
        open_interest=config.open_interest,
    )
    watch = Stopwatch()
    assert config.out is not None  # resolve() has named it
    with RunFolder(config.out) as folder:
        with watch.stage("total"):
            policy, scenario = _train(config, env_id, kwargs, folder.path, watch, progress)
            kwargs = {"scenario": scenario}
            episodes = _evaluate(config, policy, env_id, kwargs, watch, progress)
            results = _report(config, episodes, folder, console)
            with watch.stage("figure"):
                _draw(policy, env_id, kwargs, episodes[_NAME], folder.path)
        folder.write_json(
            "config.json",
            {
                "config": {
                    **asdict(config),
                    "out": str(config.out),
                    "learner": config.learner.model_dump(mode="json"),
                },
                "env_id": env_id,
                "scenario_digest": scenario.digest(),
                "scenario": scenario.dump(),
            },
        )
        trained = {"steps": policy.spec.steps}
        folder.write_json("metrics.json", {"training": trained, "policies": results})
        folder.write_json("manifest.json", manifest(config.seed, watch.seconds))
    return config.out


def _train(
    config: Config,
    env_id: str,
    kwargs: dict[str, Any],
    folder: Path,
    watch: Stopwatch,
    progress: Console,
) -> tuple[TrainedPolicy, Scenario]:
    """Train, save the policy and return it, with the scenario as it was resolved."""
    with watch.stage("load"):
        from squeezegym import make_sb3_vec

        venv = make_sb3_vec(env_id, num_envs=config.num_envs, seed=config.seed, **kwargs)
        from agents.training import train
        from squeezegym.integrations.trained import load_policy, save_policy
    with watch.stage("compile"):
        venv.env.reset(seed=config.seed)
    training = Training(seed=config.seed, steps=config.steps or 1, learner=config.learner)
    scenario = venv.env.scenario
    with watch.stage("train"):
        trained = train(
            venv,
            training.learner,
            policy_spec(training, scenario.digest()),
            decisions=training.decisions,
            time_limit_s=config.time_limit or 0.0,
            seed=config.seed,
            log=folder / "tb",
            console=progress,
        )
    made = trained.model.num_timesteps * training.learner.decision_steps
    spec = trained.spec.model_copy(update={"steps": made, "env_id": env_id})
    save_policy(folder / POLICY, spec, trained.model.policy)
    venv.close()
    return load_policy(folder / POLICY), scenario


def _evaluate(
    config: Config,
    learned: TrainedPolicy,
    env_id: str,
    kwargs: dict[str, Any],
    watch: Stopwatch,
    progress: Console,
) -> dict[str, list[Episode]]:
    """Play every policy on the same held-out seeds."""
    from rich.progress import track

    from agents.baselines import BASELINES
    from agents.evaluation import play

    first = config.seed + _HELD_OUT
    seeds = range(first, first + (config.episodes or 0))
    policies = {_NAME: learned, **{name: BASELINES[name]() for name in _RIVALS}}
    with watch.stage("evaluate"):
        return {
            name: play(name, policies[name], env_id, kwargs, seeds)
            for name in track(policies, "evaluating", console=progress)
        }


def _report(
    config: Config, episodes: dict[str, list[Episode]], folder: RunFolder, console: Console
) -> dict[str, Any]:
    """Print the table, write the episodes and return the statistics as plain data."""
    from agents.evaluation import as_plain, results_table, summaries, write_episodes

    results = {name: summaries(played) for name, played in episodes.items()}
    title = (
        f"{config.scenario}: {config.episodes} held-out episodes for each policy, "
        "PnL in % of capital"
    )
    console.print(results_table(results, title))
    everything = [episode for played in episodes.values() for episode in played]
    write_episodes(everything, folder.path / "episodes.csv")
    return as_plain(results)


def _draw(
    policy: TrainedPolicy,
    env_id: str,
    kwargs: dict[str, Any],
    episodes: list[Episode],
    folder: Path,
) -> None:
    """Record the first held-out episode that ignited, or the first of all: picture and page."""
    from agents.evaluation import record
    from squeezegym.view.plots import episode as draw
    from squeezegym.view.replay import write_page
    from squeezegym.view.runs import RECORDING

    episode = next((episode for episode in episodes if episode.ignited), episodes[0])
    kind = "ignited" if episode.ignited else "not ignited"
    title = f"{_NAME}, held-out seed {episode.seed} ({kind}): {episode.pnl_percent:+.2f} %"
    run = record(policy, env_id, kwargs, episode.seed, title)
    draw(run).savefig(folder / "episode.png")
    write_page(folder / "episode.html", [run])
    run.save(folder / RECORDING)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    signal.signal(signal.SIGTERM, stop)
    width = None if sys.stdout.isatty() else 120
    try:
        config = command_line(Config(), "python -m agents.quickstart", arguments)
        out = run(config, Console(width=width), Console(stderr=True))
    except SqueezegymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; no run folder was written", file=sys.stderr)
        return 130
    print(f"run folder: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

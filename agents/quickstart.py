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
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from rich.console import Console

from agents.runfolder import RunFolder, manifest
from agents.settings import Config, environment, resolve
from squeezegym.errors import SqueezegymError

if TYPE_CHECKING:
    from agents.evaluation import Episode
    from agents.training import LearnedPolicy
    from squeezegym.scenario import Scenario

_HELD_OUT = 1_000_000
"""Evaluation seeds begin so far above the training seed."""
_NAME = "PPO"


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
    env_id, kwargs = environment(config)
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
                "config": {**asdict(config), "out": str(config.out)},
                "env_id": env_id,
                "scenario_digest": scenario.digest(),
                "scenario": scenario.dump(),
            },
        )
        trained = {"steps": policy.model.num_timesteps * config.ppo.decision_steps}
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
) -> tuple[LearnedPolicy, Scenario]:
    """Train, save the model and return it as a policy, with the scenario as it was resolved."""
    with watch.stage("load"):
        from squeezegym import make_sb3_vec

        venv = make_sb3_vec(env_id, num_envs=config.num_envs, seed=config.seed, **kwargs)
        from agents.training import LearnedPolicy, train
    with watch.stage("compile"):
        venv.env.reset(seed=config.seed)
    with watch.stage("train"):
        model = train(
            venv,
            config.ppo,
            decisions=config.decisions,
            time_limit_s=config.time_limit or 0.0,
            seed=config.seed,
            log=folder / "tb",
            console=progress,
        )
    model.save(folder / "model.zip")
    scenario = venv.env.scenario
    venv.close()
    return LearnedPolicy(model, config.ppo.decision_steps), scenario


def _evaluate(
    config: Config,
    learned: LearnedPolicy,
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
    policies = {_NAME: learned, **{name: make() for name, make in BASELINES.items()}}
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
    policy: LearnedPolicy,
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


def _stop(signum: int, frame: Any) -> None:
    """Leave by an exception, so that nothing half-written stays."""
    sys.exit(128 + signum)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    config = tyro.cli(Config, prog="python -m agents.quickstart", args=arguments)
    signal.signal(signal.SIGTERM, _stop)
    width = None if sys.stdout.isatty() else 120
    try:
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

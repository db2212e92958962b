"""Make the results anew: train, evaluate, ask what policies use, write docs/results.md and models.

::

    python -m agents.reproduce --out runs/results
    python -m agents.reproduce --short --out runs/smoke

Stages: train, evaluate, events, ablations, unseen, limits, audit, page, models. Each says first how
long it will take, and leaves its result in the folder; the same command goes on where it was
stopped, within a training too. ``--short`` runs every stage in minutes, on trainings too short to
learn anything; its page and models are written into the folder. To train on several machines, run
the trainings as sweeps and put the run folders under ``train/NAME-SEED``.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console

from agents.plan import (
    ENV_ID,
    FULL,
    LABELS,
    MAIN,
    RETRAINED,
    SHORT,
    Plan,
    policy_file,
    predicted_steps,
    run_folder,
    steps_per_second,
)
from agents.runfolder import manifest, read_json, write_json
from agents.train import stop, train_into
from squeezegym.errors import ConfigError, SqueezegymError
from squeezegym.files import write_whole

if TYPE_CHECKING:
    import polars as pl

    from agents.baselines import Policy
    from agents.worlds import World

_DOCS = Path(__file__).resolve().parent.parent / "docs"
EPISODES = "episodes.parquet"


@dataclass(frozen=True, slots=True)
class Config:
    """Make the results page anew."""

    out: Path
    """Folder of the results; what is there already is not made again."""
    short: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Run every stage in minutes; the numbers mean nothing."""
    stages: tuple[str, ...] = ()
    """Only these stages. Default: all."""
    effort: float = 1.0
    """Share of the steps of PPO, which are most of the time; fewer steps learn less."""
    episodes: int | None = None
    """Held-out episodes of the main table; about a sixth are near-misses. Default: 3,000."""
    fewer: int | None = None
    """Held-out episodes of everything else. Default: 500."""


@dataclass(frozen=True, slots=True)
class Study:
    """Where a reproduction stands."""

    plan: Plan
    out: Path
    console: Console

    def trained(self, names: Iterable[str] = MAIN) -> dict[tuple[str, int], Policy]:
        """Load the trained policies, by training and seed."""
        from agents.evaluate import policy_loader

        load_policy = policy_loader()
        return {
            (name, seed): load_policy(policy_file(self.out, name, seed))
            for name in names
            for seed in range(self.plan.runs[name])
        }

    def play(self, world: World, name: str, policy: Policy, run: int = 0) -> pl.DataFrame:
        """Play one policy in one world on the smaller set of seeds."""
        from agents.evaluate import resolve_environment
        from agents.evaluation import play
        from agents.scores import frame

        changes = (*self.plan.world, *world.changes)
        kwargs = resolve_environment(world.env_id, changes)
        seeds = self.plan.seeds(fewer=True, times=world.times)
        played = play(name, world.wrap(policy), world.env_id, kwargs, seeds)
        return frame(played, world.env_id, run)


def train(study: Study) -> Any:
    """Train every policy, or go on with those that were stopped."""
    told = {}
    for name, runs in study.plan.runs.items():
        for seed in range(runs):
            study.console.print(f"training {name}, seed {seed}")
            folder = run_folder(study.out, name, seed)
            found = train_into(study.plan.settings(name, seed), folder, study.console)
            told[folder.name] = found["policy_sha256"]
    return told


def evaluate(study: Study) -> Any:
    """Play trained policies, baselines and oracles on the same seeds."""
    import polars as pl

    from agents.baselines import BASELINES, ORACLES
    from agents.evaluate import resolve_environment
    from agents.evaluation import play
    from agents.scores import frame, score

    kwargs = resolve_environment(ENV_ID, study.plan.world)
    scripted = {(name, 0): make() for name, make in {**BASELINES, **ORACLES}.items()}
    parts = study.out / "episodes"
    parts.mkdir(exist_ok=True)
    tables = []
    for (name, run), policy in {**study.trained(), **scripted}.items():
        file = parts / f"{name.replace(' ', '_')}-{run}.parquet"
        if not file.exists():
            study.console.print(f"playing {name}, seed {run}")
            seeds = study.plan.seeds(policy=name)
            played = play(LABELS.get(name, name), policy, ENV_ID, kwargs, seeds)
            write_whole(file, frame(played, ENV_ID, run).write_parquet)
        tables.append(pl.read_parquet(file))
    table = pl.concat(tables)
    write_whole(study.out / EPISODES, table.write_parquet)
    return score(table)


def events(study: Study) -> Any:
    """Compare positions around ignition with those in worlds without forced orders."""
    from agents.events import study as compare

    seeds = study.plan.seeds(fewer=True)
    told = {}
    for name in MAIN:
        kind = {f"{name}-{run}": policy for (_, run), policy in study.trained([name]).items()}
        told[LABELS[name]] = compare(kind, ENV_ID, seeds, study.plan.world)
    return told


def ablations(study: Study) -> Any:
    """Take things away: at evaluation, and from training on."""
    from agents.scores import ALONE
    from agents.worlds import World, evaluations

    masked = {world.name: _scores(study, world, MAIN, [ALONE]) for world in evaluations()}
    retrained = _scores(study, World("retrained"), ["ppo", *RETRAINED], [ALONE])
    return {"evaluation": masked, "retrained": retrained}


def unseen(study: Study) -> Any:
    """Play in worlds that no policy was trained in."""
    from agents.worlds import unseen as worlds

    return {world.name: _scores(study, world, MAIN, ["flat", "momentum"]) for world in worlds()}


def _scores(study: Study, world: World, names: Iterable[str], scripted: Iterable[str] = ()) -> Any:
    """Return the scores of policies in a world, by label."""
    import polars as pl

    from agents.baselines import BASELINES
    from agents.scores import score

    study.console.print(f"playing in world: {world.name}")
    tables = [
        study.play(world, LABELS[name], policy, run)
        for (name, run), policy in study.trained(names).items()
    ]
    tables += [study.play(world, name, BASELINES[name]()) for name in scripted]
    return score(pl.concat(tables))["policies"]


def limits(study: Study) -> Any:
    """Take apart what keeps policies from what is asked of them."""
    import polars as pl

    from agents.baselines import ORACLES
    from agents.claims import against, false_flips, rivals
    from agents.scores import quiet_seeds
    from agents.worlds import World

    played = pl.read_parquet(study.out / EPISODES)
    tried = [
        study.play(World("retrained"), LABELS[name], policy, run)
        for (name, run), policy in study.trained(["no_caution", "never_flat"]).items()
    ]
    table = pl.concat([played, *tried])
    ours = [LABELS[name] for name in MAIN]
    hardest = rivals(read_json(study.out / "evaluate.json"), ours)
    others = [next(iter(ORACLES)), LABELS["never_flat"]]
    hardest |= dict.fromkeys(others, hardest[ours[0]])
    found = {name: against(table, name, rival) for name, rival in hardest.items()}
    names = [*ours, *ORACLES, LABELS["no_caution"], LABELS["never_flat"]]
    return {"hardest": found, "false_flips": false_flips(table, quiet_seeds(played), names)}


def audit(study: Study) -> Any:
    """Ask whether policies ignite squeezes themselves."""
    import polars as pl

    from agents.audit import audit as compared

    return compared(pl.read_parquet(study.out / EPISODES))


def page(study: Study) -> Any:
    """Write the results page and its pictures."""
    from agents.results import write

    folder = study.out if study.plan.short else _DOCS
    told = manifest(0, {})
    write(study.out, folder, study.plan, told)
    return told


def models(study: Study) -> Any:
    """Write the pretrained models and their cards."""
    import polars as pl

    from agents.models import publish

    folder = (study.out if study.plan.short else _DOCS.parent) / "pretrained"
    folder.mkdir(exist_ok=True)
    episodes = pl.read_parquet(study.out / EPISODES)
    return publish(study.out, folder, study.plan, episodes, manifest(0, {}))


STAGES: dict[str, Callable[[Study], Any]] = {
    "train": train,
    "evaluate": evaluate,
    "events": events,
    "ablations": ablations,
    "unseen": unseen,
    "limits": limits,
    "audit": audit,
    "page": page,
    "models": models,
}


def reproduce(config: Config, console: Console) -> None:
    """Run the stages that are not there yet.

    Raises:
        ConfigError: An unknown stage, or a folder of another plan.
    """
    unknown = [name for name in config.stages if name not in STAGES]
    if unknown:
        raise ConfigError(f"unknown stage {unknown[0]!r}; stages are {', '.join(STAGES)}")
    plan = _plan(config)
    _claim(config.out, plan)
    wanted = [name for name in STAGES if name in (config.stages or STAGES)]
    left = [name for name in wanted if not (config.out / f"{name}.json").exists()]
    if not left:
        console.print("every stage is there")
        return
    rate = steps_per_second()
    costs = predicted_steps(plan)
    study = Study(plan, config.out, console)
    for name in left:
        console.print(f"[bold]{name}[/bold]: about {_duration(costs[name] / rate)}")
        began = time.perf_counter()
        found = STAGES[name](study)
        write_json(config.out / f"{name}.json", found)
        console.print(f"{name} took {_duration(time.perf_counter() - began)}")


def _plan(config: Config) -> Plan:
    """Return the plan of these settings; raises ConfigError for sizes that are none."""
    plan = SHORT if config.short else FULL
    if not 0 < config.effort <= 1:
        raise ConfigError(f"effort is a share above 0, at most 1; got {config.effort:g}")
    episodes = plan.episodes if config.episodes is None else config.episodes
    fewer = plan.fewer if config.fewer is None else config.fewer
    if not 8 <= fewer <= episodes:
        raise ConfigError(
            f"episodes and fewer are 8 and above, fewer at most episodes; got {episodes}, {fewer}"
        )
    return replace(plan, effort=config.effort, episodes=episodes, fewer=fewer)


def _claim(out: Path, plan: Plan) -> None:
    """Make the folder, or see that it holds this plan."""
    asked = {
        "runs": dict(plan.runs),
        "changes": dict(plan.changes),
        "world": list(plan.world),
        "episodes": plan.episodes,
        "fewer": plan.fewer,
        "effort": plan.effort,
    }
    out.mkdir(parents=True, exist_ok=True)
    file = out / "plan.json"
    if not file.exists() and any(out.iterdir()):
        raise ConfigError(f"'{out}' is not empty and holds no results; give another --out")
    if file.exists() and read_json(file) != asked:
        raise ConfigError(f"'{out}' holds results of another plan; give another --out")
    write_json(file, asked)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    config = tyro.cli(Config, prog="python -m agents.reproduce", args=arguments)
    signal.signal(signal.SIGTERM, stop)
    try:
        reproduce(config, Console(stderr=True))
    except SqueezegymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130
    print(f"results: {config.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Train many policies over seeds, scenarios and settings, on as many machines as Ray has.

::

    python -m agents.sweep ppo --seeds 0:5 --out runs/five-seeds
    python -m agents.sweep ppo --seeds 0:3 --grid learner.gamma=[0.97,0.99] --out runs/gamma
    python -m agents.sweep ppo --seeds 0:5 --address 10.0.0.1:6379 --out runs/five-seeds

Each trial is a training in a process of its own, on one core, with the result that
``python -m agents.train`` has with the same settings. The same command goes on where a sweep was
stopped. Every machine of a cluster needs this checkout installed (``pip install -e``).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from agents.evaluate import resolve_seeds
from agents.runfolder import read_json, write_json
from agents.settings import Training, load, parse
from agents.train import CHECKPOINT, stop
from squeezegym.errors import ConfigError, DataError, SqueezegymError

HELD_OUT = 1_000_000
"""First seed of the episodes that trials are scored on."""
_ROOT = Path(__file__).resolve().parent.parent
_Words = Annotated[tuple[str, ...], tyro.conf.UseAppendAction]


@dataclass(frozen=True, slots=True)
class Config:
    """Train a grid of policies."""

    training: Annotated[str, tyro.conf.Positional]
    """File of configs/training, or the path of one."""
    out: Path
    """Folder of the sweep, one run folder a trial in it; an unfinished sweep is gone on with."""
    seeds: str = "0:5"
    """Training seeds, FIRST:END."""
    scenario: _Words = ()
    """Scenario to train on; several times for several. Default: the training's."""
    grid: _Words = ()
    """Setting and its values, KEY=[VALUE, ...] as in TOML; several times for all combinations."""
    episodes: int = 0
    """Held-out episodes on which each policy is scored; 0: none."""
    address: str | None = None
    """Of a running Ray cluster; without it Ray starts on this machine."""
    cpus: float = 1.0
    """Cores that Ray reserves for a trial."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of a sweep."""

    name: str
    """Of its run folder."""
    settings: Training
    changed: dict[str, Any]
    """What sets it apart from the others."""


def trials(config: Config) -> list[Trial]:
    """Return the trials of a sweep, seeds fastest.

    Raises:
        ConfigError: An impossible setting.
    """
    base = load(config.training).model_dump(mode="json")
    axes = [_axis(text) for text in config.grid]
    if config.scenario:
        axes.insert(0, ("scenario", list(config.scenario)))
    axes.append(("seed", list(resolve_seeds(config.seeds))))
    found = []
    for values in itertools.product(*(choices for _, choices in axes)):
        changed = dict(zip((key for key, _ in axes), values, strict=True))
        settings = parse(Training, _with(base, changed))
        settings.resolved()
        found.append(Trial(_name(changed), settings, changed))
    return found


def _axis(text: str) -> tuple[str, list[Any]]:
    """Read ``KEY=[VALUE, ...]``."""
    import tomllib

    key, equals, values = text.partition("=")
    try:
        found = tomllib.loads(f"values = {values}")["values"]
    except tomllib.TOMLDecodeError:
        found = None
    if not equals or not isinstance(found, list) or not found:
        raise ConfigError(
            f"--grid takes KEY=[VALUE, ...] such as learner.gamma=[0.97,0.99], got {text!r}"
        )
    return key.strip(), found


def _with(data: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of nested settings with dotted keys changed."""
    copy: dict[str, Any] = json.loads(json.dumps(data))
    for key, value in changes.items():
        *parents, last = key.split(".")
        section = copy
        for parent in parents:
            section = section.setdefault(parent, {})
            if not isinstance(section, dict):
                raise ConfigError(f"--grid {key}: '{parent}' is a value and has no keys")
        section[last] = value
    return copy


def _name(changed: dict[str, Any]) -> str:
    words = [f"{key.rpartition('.')[2]}={value}" for key, value in changed.items()]
    return "".join(c if c.isalnum() or c in "=.-_," else "_" for c in ",".join(words))


def run_trial(settings: dict[str, Any], episodes: int) -> dict[str, bytes]:
    """Train one policy in a process of its own, wherever this runs; go on if it began here.

    Args:
        settings: Of the training.
        episodes: Held-out episodes to score it on.

    Returns:
        The files of the run folder by relative name.

    Raises:
        RuntimeError: The training failed; the message ends with what it said.
    """
    text = json.dumps(settings, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    work = Path(tempfile.gettempdir()) / f"squeezegym-trial-{digest}-{episodes}"
    work.mkdir(exist_ok=True)
    file, run = work / "settings.json", work / "run"
    file.write_text(text, encoding="utf-8")
    _python("agents.train", str(file), "--out", str(run))
    if episodes:
        _score(settings, run, episodes)
    found = {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name != CHECKPOINT
    }
    shutil.rmtree(work)
    return found


def _score(settings: dict[str, Any], run: Path, episodes: int) -> None:
    from agents.settings import environment

    env_id, _ = environment(settings["scenario"])
    changes = [word for change in settings["changes"] for word in ("--changes", change)]
    seeds = f"{HELD_OUT}:{HELD_OUT + episodes}"
    shutil.rmtree(run / "scores", ignore_errors=True)
    _python(
        "agents.evaluate",
        *("--policy", str(run), "--id", env_id, "--seeds", seeds, *changes),
        *("--no-baselines", "--no-oracles", "--out", str(run / "scores")),
    )


def _python(module: str, *arguments: str) -> None:
    """Run a module of this checkout on one core."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    one = {"OMP_NUM_THREADS": "1", "SQUEEZEGYM_THREADS": "1", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **one},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"python -m {module} ended with {done.returncode}: {done.stderr[-2000:]}"
        )


def sweep(config: Config, told: Callable[[str], None]) -> list[str]:
    """Run what is left of a sweep; return what went wrong, a sentence a trial.

    Args:
        config: What to train.
        told: Gets a line for each trial that ends.
    """
    wanted = trials(config)
    left = [trial for trial in wanted if not _finished(trial, config.out / trial.name)]
    told(f"{len(wanted) - len(left)} of {len(wanted)} trials are there")
    if left:
        _ray()
    config.out.mkdir(parents=True, exist_ok=True)
    problems = _on_ray(config, left, told) if left else []
    write_json(config.out / "sweep.json", [_summary(t, config.out / t.name) for t in wanted])
    return problems


def _finished(trial: Trial, folder: Path) -> bool:
    """Say whether a trial is there; one of other settings under its name is an error."""
    if not (folder / "manifest.json").exists():
        return False
    if read_json(folder / "training.json") != trial.settings.model_dump(mode="json"):
        raise ConfigError(
            f"'{folder}' holds a training with other settings; give another --out or remove it"
        )
    return True


def _ray() -> Any:
    """Return Ray, or say how to get it."""
    try:
        import ray
    except ImportError:
        raise ConfigError(
            'a sweep runs on Ray; install it with pip install "squeezegym[agents,scale]"'
        ) from None
    return ray


def _on_ray(config: Config, left: Sequence[Trial], told: Callable[[str], None]) -> list[str]:
    """Run trials on Ray, and store each as it ends."""
    ray = _ray()
    started = not ray.is_initialized()
    if started:
        local: dict[str, Any] = {} if config.address else {"include_dashboard": False}
        ray.init(address=config.address, log_to_driver=False, **local)
    remote = ray.remote(num_cpus=config.cpus, max_retries=3)(run_trial)
    problems = []
    try:
        waiting = {
            remote.remote(trial.settings.model_dump(mode="json"), config.episodes): trial
            for trial in left
        }
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            trial = waiting.pop(done)
            try:
                _store(config.out / trial.name, ray.get(done))
                told(f"{trial.name}: done, {len(waiting)} to go")
            except ray.exceptions.RayError as error:
                problems.append(f"{trial.name}: {str(error).strip().splitlines()[-1]}")
                told(f"{trial.name}: failed, {len(waiting)} to go")
    finally:
        if started:
            ray.shutdown()
    return problems


def _store(folder: Path, files: dict[str, bytes]) -> None:
    """Write a run folder, whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name, data in files.items():
        path = partial / name
        if not path.resolve().is_relative_to(partial.resolve()):
            raise DataError(f"a trial returned the file {name!r}, which lies outside its folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    partial.rename(folder)


def _summary(trial: Trial, folder: Path) -> dict[str, Any]:
    """Return one row of the sweep's table."""
    row: dict[str, Any] = {"name": trial.name, **trial.changed}
    if not (folder / "manifest.json").exists():
        return {**row, "finished": False}
    told, curve = read_json(folder / "manifest.json"), read_json(folder / "curve.json")
    row |= {"finished": True, "policy_sha256": told["policy_sha256"], "git": told["git"]}
    row["last_pnl"] = curve[-1]["pnl"] if curve else None
    if (folder / "scores" / "scores.json").exists():
        (scores,) = read_json(folder / "scores" / "scores.json")["policies"].values()
        row["scores"] = scores["all"]["iqm"]
    return row


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    config = tyro.cli(Config, prog="python -m agents.sweep", args=arguments)
    signal.signal(signal.SIGTERM, stop)
    console = Console(stderr=True)
    try:
        problems = sweep(config, lambda line: console.print(line, markup=False))
    except SqueezegymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"sweep: {config.out / 'sweep.json'}")
    return 1 if problems else 0


if __name__ == "__main__":
    from agents import sweep as module  # so that workers find run_trial under its name

    sys.exit(module.main())

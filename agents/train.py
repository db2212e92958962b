"""Train a policy: settings from a TOML file and the command line, a run that can be gone on with.

::

    python -m agents.train ppo
    python -m agents.train recurrent_ppo --seed 3 --learner.lstm 128 --out runs/memory-3
    python -m agents.train my.toml --steps 1000000

The first word names a file of ``configs/training`` or the path of one. A run that was stopped goes
on when the same command is given again with its ``--out``, and ends with the same weights as if it
had never stopped.
"""

from __future__ import annotations

import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console

from agents.runfolder import manifest, read_json, write_json
from agents.settings import Training, command_line, load, names
from squeezegym.errors import ConfigError, SqueezegymError

if TYPE_CHECKING:
    from agents.training import Trained
    from squeezegym.integrations.policyfile import PolicySpec
    from squeezegym.scenario import Scenario

POLICY = "policy.zip"
CHECKPOINT = "checkpoint.npz"
_SETTINGS = "training.json"


class Run(Training):
    """Train a policy, or go on with a training that was stopped."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Run folder. Default: runs/<training>-seed<seed>-<date>-<time>."""


def train_into(settings: Training, out: Path, console: Console) -> dict[str, Any]:
    """Train into a folder, or go on there; a finished one is left as it is.

    The folder holds the settings, the TensorBoard log, policies along the way, the last checkpoint
    while the training runs, and in the end ``policy.zip``, the learning curve and a manifest.

    Args:
        settings: Of the training.
        out: Run folder; it may hold the same training, stopped or finished.
        console: Where the progress bar goes.

    Returns:
        What the manifest says.

    Raises:
        ConfigError: The folder holds something else.
    """
    scenario = settings.resolved()
    _claim(settings, out)
    if (out / "manifest.json").exists():
        found: dict[str, Any] = read_json(out / "manifest.json")
        return found
    began = time.perf_counter()
    trained = _train(settings, scenario, out, console)
    from squeezegym.integrations.trained import save_policy

    digest = save_policy(out / POLICY, trained.spec, trained.model.policy)
    write_json(out / "curve.json", trained.curve)
    (out / CHECKPOINT).unlink(missing_ok=True)
    told = manifest(settings.seed, {"train": time.perf_counter() - began})
    told["policy_sha256"] = digest
    write_json(out / "manifest.json", told)
    return told


def _claim(settings: Training, out: Path) -> None:
    """Make the folder, or see that it holds this training."""
    asked = settings.model_dump(mode="json")
    if not out.exists():
        try:
            out.mkdir(parents=True)
        except OSError as error:
            raise ConfigError(
                f"cannot make run folder '{out}': {error.strerror}; give another --out"
            ) from None
        write_json(out / _SETTINGS, asked)
        return
    held = read_json(out / _SETTINGS) if (out / _SETTINGS).is_file() else None
    if held is None:
        raise ConfigError(f"'{out}' exists and is no run folder of a training; give another --out")
    if held != asked:
        keys = sorted(key for key in asked if held.get(key) != asked[key])
        raise ConfigError(
            f"run folder '{out}' holds a training with other settings ({', '.join(keys)}); give "
            "another --out, or the settings in its training.json"
        )


def _train(settings: Training, scenario: Scenario, out: Path, console: Console) -> Trained:
    from agents.training import Checkpoints, train
    from squeezegym import make_sb3_vec
    from squeezegym.integrations.trained import save_policy

    write_json(out / "scenario.json", scenario.dump())
    spec = policy_spec(settings, scenario.digest())
    venv = make_sb3_vec(
        settings.env_id(), num_envs=settings.num_envs, seed=settings.seed, scenario=scenario
    )
    per_decision = settings.learner.decision_steps

    def saved(model: Any, decisions: int) -> None:
        folder = out / "policies"
        folder.mkdir(exist_ok=True)
        name = f"policy_{decisions * per_decision:012d}.zip"
        save_policy(folder / name, spec, model.policy)

    every = max(1, settings.checkpoint_steps // per_decision)
    try:
        return train(
            venv,
            settings.learner,
            spec,
            decisions=settings.decisions,
            seed=settings.seed,
            log=out / "tb",
            console=console,
            checkpoints=Checkpoints(out / CHECKPOINT, every, saved),
        )
    finally:
        venv.close()


def policy_spec(settings: Training, digest: str) -> PolicySpec:
    """Return what the policy of a training needs beside its weights."""
    from squeezegym.integrations.policyfile import PolicySpec

    learner = settings.learner
    return PolicySpec(
        algorithm=learner.algorithm,
        decision_steps=learner.decision_steps,
        hidden=learner.hidden,
        lstm=learner.lstm if learner.algorithm == "recurrent_ppo" else 0,
        blind=learner.blind,
        env_id=settings.env_id(),
        scenario=digest,
        seed=settings.seed,
        steps=settings.steps,
    )


def _parse(arguments: list[str]) -> tuple[str, Run]:
    """Read the file that is named first, then the command line over it."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        print(f"shipped: {', '.join(names())}\n")
        tyro.cli(Run, prog="python -m agents.train NAME", args=["--help"])
    name, *rest = arguments
    defaults = load(name).model_dump()
    run = command_line(Run(**defaults), f"python -m agents.train {name}", rest)
    return Path(name).stem, run


def stop(signum: int, frame: Any) -> None:
    """Leave by an exception, so that nothing half-written stays."""
    sys.exit(128 + signum)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    signal.signal(signal.SIGTERM, stop)
    try:
        name, run = _parse(sys.argv[1:] if arguments is None else arguments)
        folder = f"{name}-seed{run.seed}-{datetime.now():%Y%m%d-%H%M%S}"
        out = run.out or Path("runs") / folder
        settings = Training(**run.model_dump(exclude={"out"}))
        told = train_into(settings, out, Console(stderr=True))
    except SqueezegymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command with this --out goes on", file=sys.stderr)
        return 130
    print(f"policy: {out / POLICY} (sha256 {told['policy_sha256']})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

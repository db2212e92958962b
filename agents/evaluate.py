"""Play policies on held-out seeds and say how they did, by regime, with intervals.

::

    python -m agents.evaluate --policy runs/ppo --seeds 1000000:1000500
    python -m agents.evaluate --policy my_rules:Rule --id squeezegym/LongFlush-v0 --no-oracles

Writes a folder with ``episodes.parquet``, ``scores.json`` and ``report.html``.
"""

from __future__ import annotations

import importlib
import importlib.util
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console

import squeezegym
from agents.baselines import BASELINES, ORACLES, Policy
from agents.runfolder import RunFolder, manifest
from agents.train import POLICY, stop
from squeezegym.errors import ConfigError, SqueezegymError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

Mode = Literal["deterministic", "stochastic", "both"]
_Words = Annotated[tuple[str, ...], tyro.conf.UseAppendAction]


@dataclass(frozen=True, slots=True)
class Config:
    """Evaluate policies beside the scripted ones."""

    policy: _Words = ()
    """A policy.zip, the run folder of a training, the name of a scripted policy,
    module:Class or script.py:Class; several times for several."""
    id: _Words = ("squeezegym/ShortSqueeze-v0",)
    """Registered id with continuous actions; several times for several."""
    changes: _Words = ()
    """Change to the scenarios, KEY=VALUE with values as in TOML; several times for several."""
    seeds: str = "1000000:1000128"
    """Episodes: first seed and, behind a colon, the one after the last."""
    mode: Mode = "deterministic"
    """How trained policies act."""
    baselines: bool = True
    """Also play the scripted policies."""
    oracles: bool = True
    """Also play the oracles; they play every episode some twenty times."""
    out: Path | None = None
    """Folder to write; it must not exist. Default: runs/evaluate-<date>-<time>."""


def resolve_seeds(text: str) -> range:
    """Read ``FIRST:END``.

    Raises:
        ConfigError: It is no such range, or an empty one.
    """
    first, colon, end = text.partition(":")
    if not colon or not first.isdigit() or not end.isdigit() or int(first) >= int(end):
        raise ConfigError(f"--seeds must be FIRST:END with FIRST < END, got {text!r}")
    return range(int(first), int(end))


def resolve_policies(texts: Sequence[str], mode: Mode) -> dict[str, Policy]:
    """Load policies by file, by folder, by name, or by module and class.

    Raises:
        ConfigError: There is no such policy.
        DataError: A file that cannot be loaded safely.
    """
    found: dict[str, Policy] = {}
    for text in texts:
        for name, policy in _resolve(text, mode):
            if name in found:
                raise ConfigError(f"two policies are called {name!r}; rename one of them")
            found[name] = policy
    return found


def _resolve(text: str, mode: Mode) -> Iterator[tuple[str, Policy]]:
    scripted = {**BASELINES, **ORACLES}
    path = Path(text)
    if text in scripted:
        yield text, scripted[text]()
    elif path.exists():
        yield from _trained(path, mode)
    elif ":" in text:
        yield text.rpartition(":")[2], _imported(text)
    else:
        raise ConfigError(
            f"unknown policy {text!r}{did_you_mean(text, scripted)}; give a file, a run folder, "
            f"module:Class, script.py:Class, or one of {', '.join(scripted)}"
        )


def policy_loader() -> Callable[..., Policy]:
    """Return what loads a trained policy, and leave torch one thread.

    A small network on a hundred rows is no faster with two, and several times slower where another
    process has work for them.
    """
    import torch

    from squeezegym.integrations.sb3 import load_policy

    torch.set_num_threads(1)
    return load_policy


def _trained(path: Path, mode: Mode) -> Iterator[tuple[str, Policy]]:
    load_policy = policy_loader()
    file = path / POLICY if path.is_dir() else path
    name = path.name if path.is_dir() else path.parent.name or path.stem
    if file.name != POLICY:
        name = file.stem
    if mode in ("deterministic", "both"):
        yield name, load_policy(file)
    if mode in ("stochastic", "both"):
        yield f"{name} (stochastic)", load_policy(file, deterministic=False)


def _imported(text: str) -> Policy:
    source, _, name = text.rpartition(":")
    try:
        policy: Policy = getattr(_module(source), name)()
    except (ImportError, OSError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"policy {text!r} cannot be made ({error}); give module:Class, or file.py:Class, of a "
            "class without arguments that has reset() and act()"
        ) from None
    return policy


def _module(source: str) -> Any:
    """Import a module by name, or run a script as one."""
    if not source.endswith(".py"):
        return importlib.import_module(source)
    spec = importlib.util.spec_from_file_location(Path(source).stem, source)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def resolve_environment(env_id: str, changes: Sequence[str]) -> dict[str, Any]:
    """Return the keyword arguments with which an id runs its changed scenario."""
    from squeezegym.commands.choice import changed
    from squeezegym.scenario import Scenario

    if env_id not in squeezegym.ENVIRONMENTS:
        raise ConfigError(
            f"unknown id {env_id!r}{did_you_mean(env_id, squeezegym.ENVIRONMENTS)}; known: "
            f"{', '.join(squeezegym.ENVIRONMENTS)}"
        )
    name = squeezegym.ENVIRONMENTS[env_id]
    if name == "from_data":
        raise ConfigError(f"{env_id} needs data files; use agents.quickstart --book FILE")
    return {"scenario": changed(Scenario.load(name), changes)}


def evaluate(
    policies: dict[str, Policy],
    env_ids: Sequence[str],
    seeds: Sequence[int],
    progress: Console,
    changes: Sequence[str] = (),
) -> pl.DataFrame:
    """Play every policy on the same episodes; return one row an episode."""
    import polars as pl
    from rich.progress import track

    from agents.evaluation import play
    from agents.scores import frame

    environments = {env_id: resolve_environment(env_id, changes) for env_id in env_ids}
    pairs = [(env_id, name) for env_id in env_ids for name in policies]
    parts = [
        frame(play(name, policies[name], env_id, environments[env_id], seeds), env_id)
        for env_id, name in track(pairs, "evaluating", console=progress)
    ]
    return pl.concat(parts)


def run(config: Config, progress: Console) -> Path:
    """Evaluate and write the folder; return where it is."""
    seeds = resolve_seeds(config.seeds)
    names = list(config.policy)
    for more, wanted in ((BASELINES, config.baselines), (ORACLES, config.oracles)):
        names += [name for name in more if wanted and name not in names]
    policies = resolve_policies(names, config.mode)
    out = config.out or Path("runs") / f"evaluate-{datetime.now():%Y%m%d-%H%M%S}"
    for env_id in config.id:
        resolve_environment(env_id, config.changes)
    with RunFolder(out) as folder:
        began = time.perf_counter()
        table = evaluate(policies, config.id, seeds, progress, config.changes)
        write_results(folder, config, table, time.perf_counter() - began)
    return out


def write_results(folder: RunFolder, config: Config, table: pl.DataFrame, seconds: float) -> None:
    """Write episodes, scores, report and manifest."""
    from agents.report import page
    from agents.scores import score

    scores = score(table)
    told = manifest(resolve_seeds(config.seeds)[0], {"evaluate": seconds})
    table.write_parquet(folder.path / "episodes.parquet")
    folder.write_json("scores.json", scores)
    folder.write_json("manifest.json", told)
    facts = {
        "environments": ", ".join(config.id),
        "changes": ", ".join(config.changes) or "none",
        "seeds": config.seeds,
        "commit": (told["git"] or {}).get("commit", "unknown"),
        "command": " ".join(told["command"][1:]),
    }
    text = page("Evaluation", facts, scores, table)
    (folder.path / "report.html").write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    config = tyro.cli(Config, prog="python -m agents.evaluate", args=arguments)
    signal.signal(signal.SIGTERM, stop)
    try:
        out = run(config, Console(stderr=True))
    except SqueezegymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130
    print(f"report: {out / 'report.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Pretrained models: a policy, its settings, its curve and a card that says what it is."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from agents.plan import LABELS, MAIN, Plan, policy_file, run_folder
from agents.report import interval
from agents.results import table
from agents.runfolder import RunFolder, read_json
from agents.scores import REGIMES
from agents.train import POLICY
from squeezegym.errors import DataError
from squeezegym.integrations.policyfile import read_policy

if TYPE_CHECKING:
    import polars as pl

MOST_BYTES = 2_000_000
_CARD = Path(__file__).with_name("card.md")


def publish(
    out: Path, folder: Path, plan: Plan, episodes: pl.DataFrame, told: Mapping[str, Any]
) -> dict[str, str]:
    """Write the pretrained models of a reproduction.

    Args:
        out: Folder of the reproduction.
        folder: Where the models go, one folder each; those there are replaced.
        plan: What was run.
        episodes: Of its main evaluation.
        told: Manifest: command and commit.

    Returns:
        SHA-256 by model.

    Raises:
        DataError: A policy is larger than models may be.
    """
    digests = {}
    for kind in MAIN:
        name = f"short_squeeze_{kind}"
        shutil.rmtree(folder / name, ignore_errors=True)
        with RunFolder(folder / name) as model:
            digests[name] = _write(model.path, name, kind, out, plan, episodes, told)
    return digests


def _write(
    path: Path,
    name: str,
    kind: str,
    out: Path,
    plan: Plan,
    episodes: pl.DataFrame,
    told: Mapping[str, Any],
) -> str:
    run = run_folder(out, kind, 0)
    data = policy_file(out, kind, 0).read_bytes()
    if len(data) > MOST_BYTES:
        raise DataError(f"policy of {name} has {len(data)} bytes, allowed are {MOST_BYTES}")
    for file in (POLICY, "training.json", "curve.json"):
        shutil.copyfile(run / file, path / file)
    _draw(read_json(run / "curve.json"), path / "curve.png")
    spec, _ = read_policy(path / POLICY)
    settings = plan.settings(kind, 0)
    digest = hashlib.sha256(data).hexdigest()
    card = Template(_CARD.read_text(encoding="utf-8")).substitute(
        name=name,
        label=LABELS[kind],
        env_id=spec.env_id,
        size=f"{len(data):,}",
        sha256=digest,
        algorithm=spec.algorithm,
        steps=f"{spec.steps:,}",
        seed=spec.seed,
        scenario=settings.scenario,
        digest=spec.scenario,
        features=len(spec.features),
        decision_steps=spec.decision_steps,
        command="python -m agents.reproduce" + (" --short" if plan.short else ""),
        commit=(told["git"] or {}).get("commit", "unknown"),
        table="\n".join(_scores(LABELS[kind], episodes)),
    )
    (path / "README.md").write_text(card, encoding="utf-8")
    return digest


def _scores(label: str, episodes: pl.DataFrame) -> list[str]:
    """Return the lines of the card's table."""
    import polars as pl

    from agents.scores import score

    mine = episodes.filter((pl.col("policy") == label) & (pl.col("run") == 0))
    groups = score(mine)["policies"][label]
    rows = [
        [
            regime,
            str(groups[regime]["episodes"]),
            interval(groups[regime]["iqm"]),
            interval(groups[regime]["mean"]),
            interval(groups[regime].get("flipped"), 100, ".0f"),
            interval(groups[regime].get("false_flips"), 100, ".1f"),
        ]
        for regime in ("all", *REGIMES)
        if regime in groups
    ]
    return table(("regime", "episodes", "IQM", "mean", "flips %", "false flips %"), rows)


def _draw(curve: list[dict[str, float]], path: Path) -> None:
    """Draw PnL over training."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(6, 3), layout="constrained")
    panel.plot([row["decisions"] for row in curve], [row["pnl"] for row in curve], color="#0072B2")
    panel.axhline(0, color="#222222", lw=0.5)
    panel.set_xlabel("decisions")
    panel.set_ylabel("PnL, % of capital")
    figure.savefig(path, dpi=100)
    plt.close(figure)

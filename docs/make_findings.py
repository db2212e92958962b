"""Write the page on published findings: ``python docs/make_findings.py``.

Each finding is kept in ``--folder`` as it is done, so an interrupted run goes on where it stood; a
file of other seeds, rules or kernels is run anew. ``--episodes 8`` gives a first look.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import tyro
from rich.console import Console

from squeezegym import Scenario
from squeezegym._jit import source_fingerprint
from squeezegym.files import write_whole
from squeezegym.progress import market_time
from squeezegym.theory.bootstrap import Interval
from squeezegym.theory.findings import FINDINGS, SQUEEZED, Finding
from squeezegym.theory.paired import Difference
from squeezegym.theory.recording import record
from squeezegym.view.facts import difference_cells, markdown_table

HERE = Path(__file__).parent
WIDTH = 108
HEADINGS = ("rule", "against", "outcome", "expected", "with it", "without", "effect", "95 %")
SIGNS = {1: "rises", -1: "falls", 0: "stays"}


@dataclass(frozen=True, slots=True)
class Config:
    """Run the findings and write docs/findings.md."""

    episodes: int = 160
    """Seeds of each rule."""
    seed: int = 1001
    """The first; the setups were chosen on seeds below 1,000 and above 50,000."""
    folder: Path = Path("runs/findings")
    """Where each finding is kept when it is done."""
    out: Path = HERE / "findings.md"


def key(finding: Finding, config: Config) -> dict[str, Any]:
    """What must be the same for a finding that is kept to be used again."""
    rules = {rule.name: dict(rule.changes) for rule in finding.rules}
    return {
        "kernels": source_fingerprint(),
        "seeds": [config.seed, config.episodes],
        "scenario": Scenario.load("short_squeeze", **SQUEEZED).digest(),
        "changes": dict(finding.changes),
        "rules": rules,
        "claims": [[c.rule, c.against, c.outcome, c.sign] for c in finding.claims],
    }


def kept(finding: Finding, config: Config) -> list[Difference] | None:
    """Return the differences of a finding that was done before, if it was this one."""
    path = config.folder / f"{finding.name}.json"
    if not path.is_file():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["key"] != json.loads(json.dumps(key(finding, config))):
        return None
    return [Difference(*row[:3], Interval(*row[3:5]), row[5]) for row in data["rows"]]


def keep(finding: Finding, config: Config, found: Sequence[Difference]) -> None:
    """Put a finding aside."""
    rows = [
        [d.with_rule, d.without, d.mean, d.interval.low, d.interval.high, d.size] for d in found
    ]
    text = json.dumps({"key": key(finding, config), "rows": rows}, indent=1) + "\n"
    config.folder.mkdir(parents=True, exist_ok=True)
    write_whole(config.folder / f"{finding.name}.json", lambda path: path.write_text(text))


def predict(seconds: float) -> float:
    """Wall time of so many market seconds, from a short run of the same market."""
    scenario = Scenario.load("short_squeeze", **SQUEEZED)
    record(scenario, range(8), 5.0, step_ms=1000, depth_s=5.0)
    began = time.perf_counter()
    record(scenario, range(8), 60.0, step_ms=1000, depth_s=60.0)
    return (time.perf_counter() - began) / (8 * 60.0) * seconds


def verdicts(finding: Finding, found: Sequence[Difference]) -> str:
    """Count what became of the claims."""
    said = [c.verdict(d) for c, d in zip(finding.claims, found, strict=True)]
    parts = [f"{said.count(v)} {v}" for v in dict.fromkeys(said)]
    return f"{len(said)} signs: {', '.join(parts)}"


def section(finding: Finding, found: Sequence[Difference]) -> Iterator[str]:
    """Write one finding."""
    yield from (f"## {finding.title}", "", fill(finding.published, WIDTH), "")
    rows = []
    for claim, difference in zip(finding.claims, found, strict=True):
        with_it, without, effect, interval, *_ = difference_cells(difference)
        cells = (claim.rule, claim.against, claim.outcome, SIGNS[claim.sign])
        rows.append((*cells, with_it, without, effect, interval, claim.verdict(difference)))
    yield from markdown_table((*HEADINGS, "here"), rows)
    yield from ("", fill(finding.remark, WIDTH), "")


def page(config: Config, found: dict[str, Sequence[Difference]]) -> str:
    """Write the page."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True
    ).stdout.strip()
    command = f"python docs/make_findings.py --episodes {config.episodes} --seed {config.seed}"
    lines = [
        "# Published findings about rules",
        "",
        fill(
            "What was published about a venue's rules, and what the same rules do in this market."
            " The same seeds run under each rule; an effect is the mean of the paired differences,"
            " with its bootstrap interval of 95 % over seeds. A sign counts as seen if the interval"
            " leaves out zero; one that was expected to stay counts as published if it does not. No"
            " correction for looking at many signs. The setups were chosen on other seeds.",
            WIDTH,
        ),
        "",
        fill(
            f"Written by `{command}` at commit {commit}, {platform.machine()}, {os.cpu_count()}"
            f" cores, Python {platform.python_version()}; seeds {config.seed:,} to"
            f" {config.seed + config.episodes - 1:,}. The market is `short_squeeze` with a"
            " metaorder that is large enough in every episode, but for the magnet effect. The"
            " shipped rules stand in `configs/rules`; `squeezegym compare` runs any of them on any"
            " scenario.",
            WIDTH,
        ),
        "",
        *markdown_table(
            ("finding", "what came of it"),
            [(f.title, verdicts(f, found[f.name])) for f in FINDINGS],
        ),
        "",
    ]
    for finding in FINDINGS:
        lines += section(finding, found[finding.name])
    return "\n".join(lines).rstrip() + "\n"


def main(args: Sequence[str] | None = None) -> int:
    """Run what is missing, and write the page."""
    config = tyro.cli(Config, description=__doc__, args=args)
    console = Console(stderr=True)
    found = {f.name: kept(f, config) for f in FINDINGS}
    left = [f for f in FINDINGS if found[f.name] is None]
    work = sum(f.work(config.episodes) for f in left)
    if left:
        minutes = predict(work) / 60
        console.print(f"{len(left)} of {len(FINDINGS)} to run, about {minutes:.0f} min")
    with market_time(work) as advance:
        for finding in left:
            differences = finding.run(config.episodes, seed=config.seed, progress=advance)
            found[finding.name] = list(differences.values())
            keep(finding, config, found[finding.name])
            console.print(f"{finding.name}: {verdicts(finding, found[finding.name])}")
    text = page(config, found)
    write_whole(config.out, lambda path: path.write_text(text, encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

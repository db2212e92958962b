"""``squeezegym proof``."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from squeezegym.arguments import integer
from squeezegym.commands.reports import beside, check_json, needs, write_report
from squeezegym.commands.unfinished import unfinished
from squeezegym.errors import ConfigError
from squeezegym.files import check_target


def proof(
    effort: float = 1.0,
    seeds: int = 48,
    seed: int = 1,
    as_json: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    markdown: Path | None = None,
) -> None:
    """Set what the theory predicts beside what the reduced chain and the full market do.

    Hits and misses alike: each row has its tolerance, an interval and a verdict. Early warning
    ranks squeezes against the same markets without their metaorder.

    Stopped with Ctrl-C, it goes on where it was when the same command is given again.

    Args:
        effort: Multiplies the paths of the reduced chain, above 0 and at most 100; a small one is
            quick, and most rows are then too wide to tell.
        seeds: Markets at each setting of the full market, 20 and above.
        seed: First of the seeds, and seed of the paths.
        as_json: Write the rows to this .json, or to stdout where it is -.
        markdown: Write the tables between the marks of this .md, or a new one.
    """
    from squeezegym.scenario import Scenario
    from squeezegym.theory.earlywarning import early_warning
    from squeezegym.theory.marketproof import market_checks
    from squeezegym.theory.proof import reduced_checks
    from squeezegym.view import proof as view

    needs("scipy", "theory", "proof")
    check_json(as_json)
    check_target("--markdown", markdown, (".md",))
    if not 0 < effort <= 100:
        raise ConfigError(f"--effort must be above 0 and at most 100, got {effort}")
    if not 20 <= seeds <= 10_000:
        raise ConfigError(f"--seeds must lie between 20 and 10,000, got {seeds}")
    integer("--seed", seed, 0, 2**40)
    page = None
    if markdown is not None and markdown.is_file():
        page = markdown.read_text(encoding="utf-8")
        view.replaced(page, "")
    command = f"squeezegym proof --effort {effort:g} --seeds {seeds} --seed {seed}"
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    run = {"effort": effort, "seeds": seeds, "seed": seed}
    market = Scenario.load("short_squeeze").digest()
    with unfinished("proof", (as_json, markdown), market=market, **run) as keep:
        with Console(stderr=True).status("the reduced chain") as status:
            checks = list(reduced_checks(effort, seed, keep))
            checks += market_checks(seeds, seed, status.update, keep)
            status.update("early warning")
            signals = early_warning(max(20, 2 * seeds), seed=seed, keep=keep)
        console = beside(as_json)
        console.print(view.check_table(checks))
        console.print(view.signal_table(signals))
        text = view.proof_markdown(checks, signals, command, machine)
        text = text if page is None else view.replaced(page, text)
        found = json.dumps(view.proof_data(checks, signals), indent=2) + "\n"
        write_report(as_json, found, console)
        write_report(markdown, text, console)

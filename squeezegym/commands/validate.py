"""``squeezegym validate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import tyro

from squeezegym.commands.reports import beside, check_json, needs, write_report
from squeezegym.commands.unfinished import unfinished
from squeezegym.files import check_target
from squeezegym.progress import market_time


def validate(
    scenario_calm: str = "calm",
    scenario_squeeze: str = "short_squeeze",
    hours: float = 24.0,
    episodes: int = 200,
    seed: int = 1,
    as_json: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    markdown: Path | None = None,
) -> None:
    """Measure the stylised facts of a calm market and of a squeeze, beside published ranges.

    Each row has an estimate, its 95 % bootstrap interval over markets, and a verdict: inside,
    outside, or wide where the sample is too small to tell.

    Stopped with Ctrl-C, it goes on where it was when the same command is given again.

    Args:
        scenario_calm: Shipped name or .toml file of a market without a catalyst.
        scenario_squeeze: Shipped name or .toml file of one whose episodes may squeeze; its rows are
            of those that ignited.
        hours: Hours of market time of the calm one, run as markets of half an hour, at least 5.
        episodes: Episodes of the other, 5 and above.
        seed: First seed of both; the numbers of a scenario should be chosen on others.
        as_json: Write the rows to this .json, or to stdout where it is -.
        markdown: Write them as a page to this .md.
    """
    from squeezegym.scenario import Scenario
    from squeezegym.theory.validate import validate as measure
    from squeezegym.theory.validate import work
    from squeezegym.view.facts import facts_data, facts_markdown, facts_table

    needs("scipy", "theory", "validate")
    check_json(as_json)
    check_target("--markdown", markdown, (".md",))
    calm, squeeze = Scenario.load(scenario_calm), Scenario.load(scenario_squeeze)
    title = f"Stylised facts of {calm.name} and {squeeze.name}"
    names = f"--scenario-calm {scenario_calm} --scenario-squeeze {scenario_squeeze}"
    options = f"--hours {hours:g} --episodes {episodes} --seed {seed}"
    digests = {"calm": calm.digest(), "squeeze": squeeze.digest()}
    run: dict[str, Any] = {"hours": hours, "episodes": episodes, "seed": seed}
    with unfinished("validate", (as_json, markdown), digests=digests, **run) as keep:
        with market_time(work(hours, episodes, squeeze)) as advance:
            rows = measure(calm, squeeze, **run, progress=advance, keep=keep)
        console = beside(as_json)
        console.print(facts_table(rows, title))
        data: dict[str, Any] = {"digests": digests, "seed": seed, "rows": facts_data(rows)}
        write_report(as_json, json.dumps(data, indent=2) + "\n", console)
        text = facts_markdown(rows, title, f"squeezegym validate {names} {options}")
        write_report(markdown, text, console)

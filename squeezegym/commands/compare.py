"""``squeezegym compare``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from squeezegym.commands.choice import overrides
from squeezegym.commands.reports import beside, check_json, needs, write_report
from squeezegym.commands.unfinished import unfinished
from squeezegym.errors import ConfigError
from squeezegym.files import check_target, write_whole
from squeezegym.progress import market_time

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario
    from squeezegym.theory.compare import Rule

_Rules = Annotated[tuple[str, ...], tyro.conf.UseAppendAction]


def compare(
    rule: _Rules,
    scenario: str = "short_squeeze",
    seeds: int = 100,
    seed: int = 1,
    figure: Path | None = None,
    as_json: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    markdown: Path | None = None,
) -> None:
    """Run the same seeds under different rules and say what each changes.

    For example, `squeezegym compare --rule none --rule throttle --seeds 40` runs the shipped
    squeeze as it is and with a throttled engine. Each row has the outcome under both, the
    difference over the seeds, its 95 % interval and its size.

    Stopped with Ctrl-C, it goes on where it was when the same command is given again.

    Args:
        rule: Once for each set of rules, the first is what the others are compared with. A shipped
            name (none, short_ban, throttle; a wrong one lists them all), a .toml file of changes to
            the scenario, or "NAME: KEY=VALUE KEY=VALUE" such as "slow engine:
            liquidation.interval_ms=200".
        scenario: Shipped name or path of a .toml file.
        seeds: Seeds of each, 5 and above.
        seed: First of the seeds.
        figure: Draw the paths and the effects into this .png, .svg or .pdf.
        as_json: Write the effects to this .json, or to stdout where it is -.
        markdown: Write them as a page to this .md.
    """
    from squeezegym.scenario import Scenario
    from squeezegym.theory.compare import compare as measure
    from squeezegym.theory.compare import work
    from squeezegym.view.comparison import (
        comparison_data,
        comparison_figure,
        comparison_markdown,
        comparison_tables,
        title,
    )

    needs("scipy", "theory", "compare")
    check_target("--figure", figure, (".png", ".svg", ".pdf"))
    check_json(as_json)
    check_target("--markdown", markdown, (".md",))
    if figure is not None:
        needs("matplotlib", "view", "compare --figure")
    chosen = Scenario.load(scenario)
    rules = [_read(text, chosen) for text in rule]
    asked = [(each.name, dict(each.changes)) for each in rules]
    outputs = (as_json, markdown, figure)
    run = {"scenario": chosen.digest(), "rules": asked, "seeds": seeds, "seed": seed}
    with unfinished("compare", outputs, **run) as keep:
        with market_time(work(chosen, rules, seeds)) as advance:
            found = measure(chosen, rules, seeds, seed=seed, progress=advance, keep=keep)
        console = beside(as_json)
        console.print(title(found), *comparison_tables(found), sep="\n")
        write_report(as_json, json.dumps(comparison_data(found), indent=2) + "\n", console)
        command = _command(rule, scenario, seeds, seed)
        write_report(markdown, comparison_markdown(found, command), console)
        if figure is not None:
            drawn = comparison_figure(found)
            write_whole(figure, lambda path: drawn.savefig(path, format=figure.suffix[1:]))
            console.print(f"wrote {figure}", highlight=False)


def _read(text: str, scenario: Scenario) -> Rule:
    """Read a rule from its name, its file, or its changes."""
    from squeezegym.theory.compare import Rule

    name, colon, changes = text.partition(":")
    if not colon:
        return Rule.load(text)
    if not name.strip() or not changes.split():
        raise ConfigError(
            f"--rule {text!r} has no name or no change; write a shipped name, a .toml file, or"
            ' "NAME: KEY=VALUE KEY=VALUE"'
        )
    return Rule(name.strip(), overrides(changes.split(), scenario.dump(), "--rule"))


def _command(rule: Sequence[str], scenario: str, seeds: int, seed: int) -> str:
    """Write the command that repeats a comparison."""
    rules = " ".join(f'--rule "{text}"' if " " in text else f"--rule {text}" for text in rule)
    return f"squeezegym compare --scenario {scenario} {rules} --seeds {seeds} --seed {seed}"

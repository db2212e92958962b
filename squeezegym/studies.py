"""The commands ``squeezegym validate``, ``squeezegym causes`` and ``squeezegym calibrate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from squeezegym.errors import ConfigError
from squeezegym.files import check_target, needs, write_whole
from squeezegym.progress import market_time

_OUTDATED = 1


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

    Args:
        scenario_calm: Shipped name or .toml file of a market without a catalyst.
        scenario_squeeze: Of one whose episodes may squeeze; its rows are of those that ignited.
        hours: Market time of the calm one.
        episodes: Episodes of the other.
        seed: First seed; the numbers of a scenario should be chosen on others.
        as_json: Write the rows to this .json.
        markdown: Write them as a page to this .md.
    """
    from squeezegym.scenario import Scenario
    from squeezegym.theory.validate import validate as measure
    from squeezegym.theory.validate import work
    from squeezegym.view.facts import facts_data, facts_markdown, facts_table

    needs("scipy", "theory", "validate")
    check_target("--json", as_json, (".json",))
    check_target("--markdown", markdown, (".md",))
    calm, squeeze = Scenario.load(scenario_calm), Scenario.load(scenario_squeeze)
    title = f"Stylised facts of {calm.name} and {squeeze.name}"
    with market_time(work(hours, episodes, squeeze)) as advance:
        rows = measure(calm, squeeze, hours=hours, episodes=episodes, seed=seed, progress=advance)
    options = f"--hours {hours:g} --episodes {episodes} --seed {seed}"
    names = f"--scenario-calm {scenario_calm} --scenario-squeeze {scenario_squeeze}"
    Console().print(facts_table(rows, title))
    digests = {"calm": calm.digest(), "squeeze": squeeze.digest()}
    data: dict[str, Any] = {"digests": digests, "seed": seed, "rows": facts_data(rows)}
    _write(as_json, json.dumps(data, indent=2) + "\n")
    _write(markdown, facts_markdown(rows, title, f"squeezegym validate {names} {options}"))


def causes(
    episodes: int = 100,
    seed: int = 1,
    as_json: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    markdown: Path | None = None,
) -> None:
    """Take the causes of a squeeze away one at a time, on the same seeds.

    Args:
        episodes: Seeds of each run.
        seed: The first.
        as_json: Write the effects to this .json.
        markdown: Write them as a page to this .md.
    """
    from squeezegym.theory.causes import causes as measure
    from squeezegym.theory.causes import work
    from squeezegym.view.facts import causes_data, causes_markdown, causes_table

    needs("scipy", "theory", "causes")
    check_target("--json", as_json, (".json",))
    check_target("--markdown", markdown, (".md",))
    with market_time(work(episodes)) as advance:
        effects = measure(episodes, seed=seed, progress=advance)
    title = "Causes of a squeeze, one at a time"
    Console().print(causes_table(effects, title))
    command = f"squeezegym causes --episodes {episodes} --seed {seed}"
    data: dict[str, Any] = {"seed": seed, "episodes": episodes, "rows": causes_data(effects)}
    _write(as_json, json.dumps(data, indent=2) + "\n")
    _write(markdown, causes_markdown(effects, title, command))


def _write(target: Path | None, text: str) -> None:
    """Write a file whole, if one is asked for, and say so."""
    if target is not None:
        write_whole(target, lambda path: path.write_text(text, encoding="utf-8"))
        Console().print(f"wrote {target}", highlight=False)


def calibrate(
    book: tuple[Path, ...],
    spot: tuple[Path, ...],
    scenario: Path,
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None,
    check: bool = False,
) -> int:
    """Rewrite the numbers that a scenario file marks [capture] from recordings.

    Comments, order and spacing of the file stay. Exit code 1 when --check finds a difference.

    Args:
        book: Raw capture of the perp; several files of one recording in order.
        spot: Raw capture of spot from the same time.
        scenario: The .toml file.
        out: Write here instead of in its place.
        check: Write nothing; fail when the file differs from the recording.
    """
    from squeezegym.data.calibrate import calibrate as measured_file
    from squeezegym.data.calibrate import measure_pair

    needs("tomlkit", "data", "calibrate")
    target = out or scenario
    if not scenario.is_file():
        raise ConfigError(f"--scenario: {str(scenario)!r} does not exist; give a .toml file")
    if not check:
        check_target("--out" if out else "--scenario", target, (".toml",))
    text, changes = measured_file(scenario.read_text(encoding="utf-8"), measure_pair(book, spot))
    table = Table("number", "old", "new", "estimator", title=str(scenario), title_justify="left")
    for change in changes:
        new = f"{change.new:.8g}" if change.new != change.old else "same"
        table.add_row(change.key, f"{change.old:.8g}", new, change.estimator)
    console = Console()
    console.print(table)
    differ = sum(change.new != change.old for change in changes)
    if check:
        console.print(f"{differ} of {len(changes)} numbers differ", highlight=False)
        return _OUTDATED if differ else 0
    write_whole(target, lambda path: path.write_text(text, encoding="utf-8"))
    console.print(f"wrote {target}: {differ} of {len(changes)} numbers changed", highlight=False)
    return 0

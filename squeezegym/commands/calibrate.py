"""``squeezegym calibrate``."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.table import Table

from squeezegym.commands.reports import beside, check_json, needs, write_report
from squeezegym.commands.unfinished import contents, unfinished
from squeezegym.errors import ConfigError
from squeezegym.files import check_target, write_whole
from squeezegym.progress import market_time

if TYPE_CHECKING:
    from squeezegym.data.fit import Moment

_OUTDATED = 1


def calibrate(
    book: tuple[Path, ...],
    spot: tuple[Path, ...],
    scenario: Path | None = None,
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None,
    check: bool = False,
    seeds: int = 16,
    rounds: int = 20,
    as_json: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    markdown: Path | None = None,
) -> int:
    """Fit a scenario to recordings, or rewrite the numbers that one marks [capture].

    Without --scenario a new one is fitted and written to --out: self-excitation and depth by
    likelihood, then trade rates, spread, depth and volatility by simulation, with intervals and how
    good the fit is. With --scenario its marked numbers are measured; comments, order and spacing of
    the file stay. Exit code 1 when --check finds a difference.

    For example, `squeezegym calibrate --book perp.gz --spot spot.gz --out mine.toml` makes a
    scenario that `simulate --scenario mine.toml` runs. Stopped with Ctrl-C, a fit goes on where it
    was when the same command is given again.

    Args:
        book: Raw capture of the perp, or tables of its changes and trades; files in order.
        spot: The same of spot from the same time.
        scenario: The .toml file whose marked numbers are rewritten.
        out: Write to this .toml. Default with --scenario: in its place.
        check: With --scenario: write nothing, and fail when the file differs from the recording.
        seeds: Markets of each round of simulation of a fit.
        rounds: Rounds of a fit.
        as_json: Write a fit's intervals and moments, or the numbers of --scenario old and new, to
            this .json, or to stdout where it is -.
        markdown: Write a fit as a page to this .md.
    """
    from squeezegym.data.calibrate import calibrate as measured_file
    from squeezegym.data.calibrate import measure_pair

    if scenario is None:
        return _fit(book, spot, out, seeds, rounds, as_json, markdown)
    needs("tomlkit", "data", "calibrate")
    if markdown is not None:
        raise ConfigError("--markdown is of a fit; leave out --scenario, or take --json")
    check_json(as_json)
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
    console = beside(as_json)
    console.print(table)
    found = [asdict(change) for change in changes]
    write_report(as_json, json.dumps(found, indent=2) + "\n", console)
    differ = sum(change.new != change.old for change in changes)
    if check:
        console.print(f"{differ} of {len(changes)} numbers differ", highlight=False)
        return _OUTDATED if differ else 0
    write_whole(target, lambda path: path.write_text(text, encoding="utf-8"))
    console.print(f"wrote {target}: {differ} of {len(changes)} numbers changed", highlight=False)
    return 0


def _fit(
    book: tuple[Path, ...],
    spot: tuple[Path, ...],
    out: Path | None,
    seeds: int,
    rounds: int,
    as_json: Path | None,
    markdown: Path | None,
) -> int:
    from squeezegym.data.fit import fit, work
    from squeezegym.data.fit_report import fit_markdown, fit_toml
    from squeezegym.data.from_data import scenario_from_data
    from squeezegym.data.recorded import read_recorded

    needs("scipy", "theory", "calibrate")
    if out is None:
        raise ConfigError("calibrate without --scenario writes a new one; name it with --out")
    if seeds < 1 or rounds < 1:
        raise ConfigError(f"--seeds and --rounds must be at least 1, got {seeds} and {rounds}")
    check_target("--out", out, (".toml",))
    check_json(as_json)
    check_target("--markdown", markdown, (".md",))
    names = [os.pathsep.join(str(path) for path in files) for files in (book, spot)]
    base = scenario_from_data(*names)  # type: ignore[arg-type]
    perp, other = read_recorded(list(book)), read_recorded(list(spot))
    run = {"files": contents(*book, *spot), "seeds": seeds, "rounds": rounds}
    with unfinished("calibrate", (out,), **run) as keep:
        with market_time(work(seeds, rounds)) as advance:
            found = fit(
                base,
                perp,
                other,
                seeds=range(1, seeds + 1),
                rounds=rounds,
                progress=advance,
                keep=keep,
            )
        console = beside(as_json)
        console.print(_moments_table(found.moments))
        write_report(out, fit_toml(found), console)
        data = found.to_dict()
        write_report(as_json, json.dumps(data, indent=2) + "\n", console)
        files = [" ".join(path.name for path in group) for group in (book, spot)]
        command = (
            f"squeezegym calibrate --book {files[0]} --spot {files[1]} --out {out.name}"
            f" --seeds {seeds} --rounds {rounds}"
        )
        write_report(markdown, fit_markdown(data, command), console)
    return 0


def _moments_table(moments: Sequence[Moment]) -> Table:
    table = Table("moment", "recorded", "95 % interval", "simulated", "", title="The fitted market")
    for moment in moments:
        ends = f"{moment.interval.low:.4g} to {moment.interval.high:.4g}"
        verdict = "inside" if moment.inside else "outside"
        table.add_row(
            moment.name, f"{moment.recorded:.4g}", ends, f"{moment.simulated:.4g}", verdict
        )
    return table

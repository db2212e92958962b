"""``squeezegym replay``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from squeezegym.commands.choice import MarketOptions, changed
from squeezegym.errors import ConfigError
from squeezegym.files import check_target
from squeezegym.progress import market_time

if TYPE_CHECKING:
    from squeezegym.scenario import Scenario
    from squeezegym.view.recorder import Replay


def replay(
    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|SCENARIO")],
    options: Annotated[MarketOptions, tyro.conf.arg(name="")],
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("replay.html"),
    seed: int = 0,
    seconds: float | None = None,
    against: Annotated[tuple[str, ...], tyro.conf.arg(metavar="[RUN|KEY=VALUE ...]")] = (),
    title: str | None = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Make a page that plays a run in a browser: one file, no network, no installation.

    For example, `squeezegym replay short_squeeze --seed 5 --against liquidation.destination=off`
    puts the same seed without liquidations beside it.

    Args:
        run: A scenario (shipped name or .toml), which is run now; or a run that was kept: an event
            log of `simulate --log`, a recorded episode (.npz), or a run folder that holds one.
        options: What is changed in a scenario.
        out: The page, an .html file.
        seed: Of a scenario that is run now.
        seconds: Market time of it. Default: its episode.
        against: A second run beside the first: another run or scenario, or changes to this
            scenario on the same seed.
        title: Of the page. Default: the scenario's name.
        as_json: Print what was written as JSON.
    """
    check_target("--out", out, (".html",))
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise ConfigError(f"--seconds must be finite and above 0, got {seconds}")
    runs = _runs(run, options, seed, seconds, against, title)
    from squeezegym.view.replay import write_page

    write_page(out, runs)
    found = {
        "page": str(out),
        "bytes": out.stat().st_size,
        "runs": [{**kept.about, "events": len(kept.events)} for kept in runs],
    }
    if as_json:
        print(json.dumps(found, indent=2))
        return
    told = ", ".join(f"{len(kept.trades):,} trades, {len(kept.events)} events" for kept in runs)
    size = found["bytes"]
    Console().print(f"wrote {out} ({size:,} bytes): {told}; open it in a browser", highlight=False)


def _runs(
    run: str,
    options: MarketOptions,
    seed: int,
    seconds: float | None,
    against: tuple[str, ...],
    title: str | None,
) -> list[Replay]:
    """Make or load the runs of the page."""
    if _is_kept(run):
        if any("=" in word for word in against):
            raise ConfigError(
                f"--against {against[0]}: {run!r} is a finished run; changes need a scenario"
            )
        return [_load(run), *(_load(word) for word in against)]
    scenario = options.load_named(run)
    runs = [_record(scenario, seed, seconds, title)]
    if against and all("=" in word for word in against):
        other = changed(scenario, against)
        runs.append(_record(other, seed, seconds, ", ".join(against)))
    elif against:
        runs += [
            _load(word)
            if _is_kept(word)
            else _record(options.load_named(word), seed, seconds, None)
            for word in against
        ]
    return runs


def _is_kept(word: str) -> bool:
    """Whether a word names a run that was kept, not a scenario."""
    return word.endswith(".npz") or Path(word).is_dir()


def _load(word: str) -> Replay:
    from squeezegym.view.runs import load_run

    return load_run(word)


def _record(scenario: Scenario, seed: int, seconds: float | None, title: str | None) -> Replay:
    from squeezegym.view.runs import record_market

    if seed < 0:
        raise ConfigError(f"seed must be >= 0, got {seed}")
    length = seconds or scenario.episode.horizon_s
    with market_time(length) as advance:
        return record_market(scenario, seed, length, title=title, progress=advance)

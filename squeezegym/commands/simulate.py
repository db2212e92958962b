"""``squeezegym simulate``."""

from __future__ import annotations

import importlib.util
import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from squeezegym.commands.choice import ScenarioChoice
from squeezegym.errors import ConfigError
from squeezegym.files import check_target, write_whole
from squeezegym.progress import market_time

if TYPE_CHECKING:
    from squeezegym.market import Market


def simulate(
    choice: Annotated[ScenarioChoice, tyro.conf.arg(name="")],
    seconds: float = 60.0,
    seed: int = 0,
    log: Path | None = None,
    out: Path | None = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Run one market and print what happened.

    Args:
        choice: Which market.
        seconds: Market time to run, from the beginning of the episode (burn-in comes before it).
        seed: The same seed gives the same trajectory to the last bit.
        log: Write the event log, from which book and ledger can be derived again, to this .npz.
        out: Write the time series, one row a decision interval, to this .parquet or .csv.
        as_json: Print the summary as JSON instead of a table.
    """
    from squeezegym.market import Market
    from squeezegym.view.summary import RunWatch, summary_table

    if not (math.isfinite(seconds) and seconds > 0):
        raise ConfigError(f"--seconds must be finite and above 0, got {seconds}")
    check_target("--log", log, (".npz",))
    check_target("--out", out, (".parquet", ".csv"))
    if out is not None and out.suffix == ".parquet" and importlib.util.find_spec("polars") is None:
        raise ConfigError(
            "--out to .parquet needs polars; pip install 'squeezegym[data]' or use .csv"
        )
    market = Market(choice.load(), seed, log=log is not None)
    watch = RunWatch(market)
    started = time.perf_counter()
    _run(market, seconds)
    summary = watch.summary(time.perf_counter() - started)
    notes = choice.notes()
    if log is not None:
        write_whole(log, market.save_log)
    if out is not None:
        write_whole(out, lambda path: _save_series(market, path))
    if as_json:
        print(json.dumps({**summary, "data": list(notes)}, indent=2))
        return
    console = Console()
    console.print(summary_table(summary))
    for note in notes:
        console.print(f"data: {note}", highlight=False)
    for path in (log, out):
        if path is not None:
            console.print(f"wrote {path}", highlight=False)


def _run(market: Market, seconds: float) -> None:
    """Run in pieces of about a second of market, with a bar on stderr when a person looks on."""
    step = market.scenario.episode.step_ms / 1000
    piece = math.ceil(max(1.0, seconds / 200) / step) * step
    left = seconds
    with market_time(seconds) as advance:
        while left > 1e-9:
            market.run(min(piece, left))
            advance(min(piece, left))
            left -= piece


def _save_series(market: Market, path: Path) -> None:
    if path.suffix == ".parquet":
        market.frame().write_parquet(path)
        return
    series = market.series()
    names = series.dtype.names or ()
    lines = [",".join(names), *(",".join(repr(float(x)) for x in row) for row in series.tolist())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

"""``squeezegym simulate``."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from squeezegym.commands.choice import ScenarioChoice
from squeezegym.commands.reports import STOPPED
from squeezegym.errors import ConfigError
from squeezegym.files import check_target, write_whole
from squeezegym.progress import interrupts, market_time

if TYPE_CHECKING:
    from squeezegym.market import Market


def simulate(
    choice: Annotated[ScenarioChoice, tyro.conf.arg(name="")],
    seconds: float = 60.0,
    seed: int = 0,
    log: Path | None = None,
    out: Path | None = None,
    state: Path | None = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> int:
    """Run one market and print what happened.

    Args:
        choice: Which market.
        seconds: Market time to run, from the beginning of the episode (burn-in comes before it).
        seed: The same seed gives the same trajectory to the last bit.
        log: Write the event log, from which book and ledger can be derived again, to this .npz.
        out: Write the time series, one row a decision interval, to this .parquet or .csv.
        state: Put an interrupted run (Ctrl-C) aside in this .npz, and go on from it when it is
            there; the end is the same to the last bit, and the file is removed.
        as_json: Print the summary as JSON instead of a table.
    """
    from squeezegym.checkpoint import resume
    from squeezegym.market import Market
    from squeezegym.view.summary import RunWatch, summary_table

    _check(seconds, log, out, state)
    market = Market(choice.load(), seed, log=log is not None)
    watch = RunWatch(market)
    if state is not None and state.exists():
        resume(market, state)
    started = time.perf_counter()
    if not _run(market, seconds):
        return _put_aside(market, seconds, state)
    summary = watch.summary(time.perf_counter() - started)
    notes = choice.notes()
    if state is not None:
        state.unlink(missing_ok=True)
    if log is not None:
        write_whole(log, market.save_log)
    if out is not None:
        write_whole(out, lambda path: _save_series(market, path))
    if as_json:
        print(json.dumps({**summary, "data": list(notes)}, indent=2))
        return 0
    console = Console()
    console.print(summary_table(summary))
    written = [f"wrote {path}" for path in (log, out) if path is not None]
    for text in (*(f"data: {note}" for note in notes), *written):
        console.print(text, highlight=False)
    return 0


def _check(seconds: float, log: Path | None, out: Path | None, state: Path | None) -> None:
    """Refuse what cannot be before anything runs."""
    if not (math.isfinite(seconds) and seconds > 0):
        raise ConfigError(f"--seconds must be finite and above 0, got {seconds}")
    check_target("--log", log, (".npz",))
    check_target("--out", out, (".parquet", ".csv"))
    check_target("--state", state, (".npz",))
    if out is not None and out.suffix == ".parquet" and importlib.util.find_spec("polars") is None:
        raise ConfigError(
            "--out to .parquet needs polars; pip install 'squeezegym[data]' or use .csv"
        )


def _run(market: Market, seconds: float) -> bool:
    """Run in pieces of about a second of market, with a bar on stderr when a person looks on.

    Returns:
        Whether it came to its end; otherwise it was interrupted between two pieces.
    """
    step = market.scenario.episode.step_ms / 1000
    piece = math.ceil(max(1.0, seconds / 200) / step) * step
    with market_time(seconds) as advance, interrupts() as interrupted:
        advance(market.time)
        while (left := seconds - market.time) > 1e-9:
            if interrupted():
                return False
            market.run(min(piece, left))
            advance(min(piece, left))
    return True


def _put_aside(market: Market, seconds: float, state: Path | None) -> int:
    """Keep an interrupted run, if there is a file for it; return the exit code."""
    from squeezegym.checkpoint import save_checkpoint

    at = f"stopped at {market.time:,.1f} of {seconds:,.1f} s"
    if state is None:
        text = f"{at}; nothing was written (--state FILE keeps an interrupted run)"
    else:
        write_whole(state, lambda path: save_checkpoint(market, path))
        text = f"{at}; the same command goes on from {state}"
    print(f"squeezegym: {text}", file=sys.stderr)
    return STOPPED


def _save_series(market: Market, path: Path) -> None:
    if path.suffix == ".parquet":
        market.frame().write_parquet(path)
        return
    series = market.series()
    names = series.dtype.names or ()
    lines = [",".join(names), *(",".join(repr(float(x)) for x in row) for row in series.tolist())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

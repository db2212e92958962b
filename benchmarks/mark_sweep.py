"""Mark sweep: what a mark update costs that liquidates nobody, and each account that one does.

Usage:
    python benchmarks/mark_sweep.py                      # about 2 minutes
    python benchmarks/mark_sweep.py --short              # a smoke run
    python benchmarks/mark_sweep.py --json result.json

All populations stand in markets of the same size class (large), so only the number of accounts
differs. Their liquidations lie evenly over 10 % of price; each mark update takes about ten, and the
same number is taken from every population. `quiet` moves the mark to and fro where nobody stands.
`ladder` is the update alone, `absorbed` with the engine closing off-book, `book` with the engine's
orders, fills and settlement in a deep book. Populations are measured in turns.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table
from throughput import machine

from squeezegym import Market
from squeezegym.codes import Source
from squeezegym.core.liquidation import serve_engine
from squeezegym.core.triggers import check_mark

_POPULATIONS = (1_000, 10_000, 100_000)
_A_MARK = 10  # accounts that one mark update takes
_ENGINE = np.int64(Source.ENGINE)
_LOTS = 10
_NEAREST, _FARTHEST = 0.005, 0.105  # of price


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to measure, and for how long."""

    taken: int = 1_000
    """Accounts that a sweep takes."""
    quiet_marks: int = 1_000_000
    """Mark updates that take nobody."""
    repeats: int = 21
    """Sweeps of each population; the table shows median, least and largest."""
    short: bool = False
    """Smoke run. Its numbers mean nothing."""
    json: Path | None = None
    """Write machine and results to this file too."""


@dataclasses.dataclass
class Result:
    """Times of one population, ns: a quiet mark update, and an account that is taken."""

    accounts: int
    quiet: list[float] = dataclasses.field(default_factory=list)
    ladder: list[float] = dataclasses.field(default_factory=list)
    absorbed: list[float] = dataclasses.field(default_factory=list)
    book: list[float] = dataclasses.field(default_factory=list)


@numba.njit(error_model="numpy")
def sweep(market, params, marks, serves):
    """Move the mark along a path; let the engine serve everyone after each update."""
    for mark in marks:
        market["marks"]["mark"] = mark
        check_mark(market, params)
        while serves and market["clock"]["due"][_ENGINE] <= market["clock"]["now"]:
            serve_engine(market, params)


def population(n: int, destination: str) -> Market:
    """Make a market of ``n`` shorts before which nothing else moves."""
    rate = 0.004
    triggers = np.linspace(_NEAREST, _FARTHEST, n)
    price = 618_376
    deposits = np.ceil(_LOTS * price * ((1 + triggers) * (1 + rate) - 1)).astype(int)
    order = np.random.default_rng(0).permutation(n)  # neighbours in price are not so in memory
    return Market(
        "short_squeeze",
        **{
            "size_class": "large",
            "episode.burn_in_s": 0.0,
            "learner.short_start": 0.0,
            "liquidation.destination": destination,
            "liquidation.latency_ms": 0.0,
            "liquidation.interval_ms": 0.0,
            "depth.perp.touch_base": 1e5,
            "depth.perp.within_10bps_base": 2e5,
            "positions": {
                "lots": [-_LOTS] * n,
                "entry_ticks": [price] * n,
                "deposit_quanta": deposits[order].tolist(),
            },
        },
    )


class Bench:
    """One population in its three markets."""

    def __init__(self, n: int, settings: Settings) -> None:
        self.result = Result(n)
        self._settings = settings
        self._markets = {d: population(n, d) for d in ("absorber", "book")}
        record = self._markets["book"].record
        start = int(record["marks"]["mark"])
        triggers = np.sort(record["accounts"]["trigger"][16 : 16 + n])
        self._flush = np.zeros(8_000_000)  # more than the cache holds
        taken = min(settings.taken, n)
        order = np.argsort(record["accounts"]["trigger"][16 : 16 + n])
        # One more on each side: a list links neighbours.
        self._touched = np.concatenate([np.arange(16), 16 + order[: taken + 500]])
        self._taken = taken
        self._marks = triggers[_A_MARK - 1 : taken : _A_MARK].astype(np.int64)
        self._quiet = start + np.arange(settings.quiet_marks, dtype=np.int64) % 2

    def turn(self) -> None:
        """Measure everything once."""
        self.result.quiet.append(self._time("book", self._quiet, False, len(self._quiet)))
        self.result.ladder.append(self._time("book", self._marks, False, self._taken))
        self.result.absorbed.append(self._time("absorber", self._marks, True, self._taken))
        self.result.book.append(self._time("book", self._marks, True, self._taken))

    def _reopen(self, market: Market) -> None:
        """Undo a sweep; accounts that it has not touched are left alone.

        Copying them all would empty the cache before a turn, for the larger population most.
        """
        opening = market.opening.record[0]
        for name in opening.dtype.names:
            if name in ("accounts", "holders"):
                market.record[name][self._touched] = opening[name][self._touched]
            elif name not in ("ranks", "queue", "log", "history"):
                market.record[name] = opening[name]

    def _time(self, kind: str, marks: Any, serves: bool, count: int) -> float:
        market = self._markets[kind]
        self._reopen(market)
        params = market._batch.params[0]
        self._flush += 1
        started = time.perf_counter_ns()
        sweep(market.record, params, marks, serves)
        elapsed = time.perf_counter_ns() - started
        expected = 0 if marks is self._quiet else self._taken
        score, engine = market.record["score"], market.record["engine"]
        found = int(score["liquidations"].sum()) + int(engine["size"])
        if found != expected:
            raise AssertionError(f"{found} accounts were taken, expected {expected}")
        return elapsed / count


def table(results: list[Result]) -> Table:
    """Lay out the results: median, least and largest of each."""
    columns = ("quiet", "ladder", "absorbed", "book")
    out = Table("accounts", *(f"{name}, ns" for name in columns))
    for result in results:
        cells = []
        for name in columns:
            times = getattr(result, name)
            cells.append(f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})")
        out.add_row(f"{result.accounts:,}", *cells)
    least = [statistics.median(getattr(results[0], name)) for name in columns]
    most = [statistics.median(getattr(results[-1], name)) for name in columns]
    out.add_row("last / first", *(f"{b / a:.2f}" for a, b in zip(least, most, strict=True)))
    return out


def main(settings: Settings) -> None:
    """Measure every population in turns and print the table."""
    if settings.short:
        settings = dataclasses.replace(settings, repeats=2, quiet_marks=10_000, taken=100)
    benches = [Bench(n, settings) for n in _POPULATIONS]
    for bench in benches:
        bench.turn()  # compiles, and brings the pages in
        bench.result = Result(bench.result.accounts)
    for _ in range(settings.repeats):
        for bench in benches:
            bench.turn()
    results = [bench.result for bench in benches]
    about = machine()
    console = Console()
    console.print(", ".join(f"{name} {value}" for name, value in about.items()))
    console.print(table(results))
    if settings.json is not None:
        rows = [dataclasses.asdict(result) for result in results]
        settings.json.write_text(json.dumps({"machine": about, "results": rows}, indent=1))


if __name__ == "__main__":
    main(tyro.cli(Settings))

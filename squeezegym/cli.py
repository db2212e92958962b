"""The command ``squeezegym``: run markets and look at scenarios without writing Python."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.table import Table

from squeezegym import __version__
from squeezegym.errors import ConfigError, SqueezegymError
from squeezegym.files import check_target, write_whole
from squeezegym.physics import phase, proof
from squeezegym.progress import market_time
from squeezegym.studies import calibrate, causes, validate

if TYPE_CHECKING:
    from squeezegym.market import Market
    from squeezegym.scenario import Scenario

_FAILED = 2
_STOPPED = 130
_VERSIONS = ("squeezegym", "numpy", "numba", "gymnasium", "pydantic", "tyro", "rich")
_OPTIONAL = ("torch", "stable-baselines3", "polars", "matplotlib")
WarmName = Literal["small", "default", "large", "book", "theory"]
# Several words after one option, and the option several times.
_Words = Annotated[tuple[tuple[str, ...], ...], tyro.conf.UseAppendAction]


@dataclasses.dataclass(frozen=True)
class ScenarioChoice:
    """Which market: a shipped scenario, a TOML file, or one that starts from recorded data."""

    scenario: str | None = None
    """Shipped name (see `squeezegym list`) or path of a .toml file. Default: from_data when
    --book is given, short_squeeze otherwise."""
    book: _Words = ()
    """from_data: raw capture of the perp (Binance USD-M websocket lines, plain or gzip); several
    files of one recording in order."""
    spot: _Words = ()
    """from_data: raw capture of spot from the same time. Without it the spot book is placed by
    the basis."""
    positions: str | None = None
    """from_data: leveraged positions, JSON or CSV with side, size, entry_price and leverage or
    liquidation_price."""
    open_interest: float | None = None
    """from_data: open interest (base); half of each side is drawn as leveraged accounts, with the
    scenario's leverage mix. Not together with --positions."""
    changes: Annotated[_Words, tyro.conf.arg(name="set", metavar="[KEY=VALUE ...]")] = ()
    """Changes to the scenario, values as in TOML: --set learner.leverage_cap=5
    liquidation.destination='"off"' (quotes may be left out)."""

    def data(self) -> dict[str, Any]:
        """Return the arguments of ``from_data`` that were given."""
        given: dict[str, Any] = {
            "book": _joined(self.book),
            "spot": _joined(self.spot),
            "positions": self.positions,
            "open_interest": self.open_interest,
        }
        return {key: value for key, value in given.items() if value is not None}

    def load(self, *, bare: bool = False) -> Scenario:
        """Load the scenario with its changes.

        Args:
            bare: Allow ``from_data`` without data: the base that data is laid over.
        """
        from squeezegym.envs.loading import load_scenario
        from squeezegym.scenario import Scenario

        data = self.data()
        name = self.scenario or ("from_data" if data else "short_squeeze")
        if bare and not data:
            loaded = Scenario.load(name)
        else:
            loaded = load_scenario(name, None, data)
        return Scenario.load(loaded, **_overrides(chain.from_iterable(self.changes), loaded.dump()))

    def notes(self) -> tuple[str, ...]:
        """Return what was done to recorded data, one sentence each."""
        if not self.book:
            return ()
        from squeezegym.data.from_data import describe_data

        return describe_data(**self.data())


def _joined(groups: Sequence[Sequence[str]]) -> str | None:
    """Join file names as ``from_data`` takes them."""
    names = list(chain.from_iterable(groups))
    for name in names:
        if os.pathsep in name:
            raise ConfigError(f"a file name must not hold {os.pathsep!r}, got {name!r}")
    return os.pathsep.join(names) or None


def _overrides(changes: Iterable[str], known: dict[str, Any]) -> dict[str, Any]:
    """Read ``key=value`` pairs; a value that is not TOML is taken as text."""
    found = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"--set takes KEY=VALUE such as learner.leverage_cap=5, got {change!r}"
            )
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        section: Any = known
        for part in key.strip().split(".")[:-1]:
            section = section.get(part, {})
            if not isinstance(section, dict):
                raise ConfigError(f"--set {change}: '{part}' is a value and has no keys")
        found[key.strip()] = value
    return found


def _list() -> None:
    """List the environments and the shipped scenarios, one line each."""
    from squeezegym import ENVIRONMENTS
    from squeezegym.scenario import Scenario

    console = Console()
    ids = {name: env_id for env_id, name in ENVIRONMENTS.items()}
    table = Table("scenario", "environment", "what it is", title_justify="left")
    for name in Scenario.names():
        table.add_row(name, ids.get(name, "-"), _about(Scenario.load(name)))
    console.print(table)


def _about(scenario: Scenario) -> str:
    episode, population, catalyst = scenario.episode, scenario.population, scenario.catalyst
    drive = (
        f"{catalyst.side} catalyst"
        if catalyst.orders_per_s and catalyst.squeeze + catalyst.near_miss
        else "no catalyst"
    )
    source = "books and flow from a capture (--book); " if scenario.name == "from_data" else ""
    return (
        f"{source}{scenario.contract.symbol}, {episode.horizon_s:g} s in steps of"
        f" {episode.step_ms} ms, {population.shorts:,} shorts and {population.longs:,} longs,"
        f" {drive}"
    )


def _simulate(
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


def _show(
    choice: Annotated[ScenarioChoice, tyro.conf.arg(name="")],
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Print a scenario complete: every number resolved, with the digest that names it.

    The output is a scenario file again: `squeezegym show > mine.toml`. Levels of a recorded book
    are (distance from the mid in ticks, lots, true if extrapolated).

    Args:
        choice: Which market.
        as_json: JSON instead of TOML.
    """
    from squeezegym.view.toml import to_toml

    scenario = choice.load(bare=True)
    if as_json:
        print(json.dumps({"digest": scenario.digest(), "scenario": scenario.dump()}, indent=2))
        return
    print(f"# digest {scenario.digest()}")
    for note in choice.notes():
        print(f"# data: {note}")
    print(to_toml(scenario.dump()), end="")


def _warmup(what: Annotated[tuple[WarmName, ...], tyro.conf.Positional] = ("default",)) -> None:
    """Compile the kernels now, so that no environment waits for it later.

    Args:
        what: Size classes of a market: small, default, large (about 20 s each); book, the
            stand-alone order book as it is made by default (about 12 s); or theory, the reduced
            model (about 3 s). Compiled once, and then loaded from the disk cache.
    """
    from squeezegym.market import Market
    from squeezegym.orderbook import OrderBook

    console = Console()
    few = {"shorts": 20, "longs": 10, "short_base": 10.0, "long_base": 5.0}
    for size in dict.fromkeys(what):
        started = time.perf_counter()
        if size == "book":
            book = OrderBook()
            book.levels(1)
            book.queue_ahead(1)
            book.uncross()
        elif size == "theory":
            from squeezegym.theory.reduced import Reactions, reduced_paths

            reduced_paths(Reactions.even(0.5, 1.0, demand=1.0), 1)
        else:
            Market("calm", size_class=size, population=few, episode={"burn_in_s": 0.0}).run(0.1)
        console.print(f"{size}: ready in {time.perf_counter() - started:.1f} s", highlight=False)


def _doctor() -> int:
    """Report what this installation runs on; exit code 1 when something is wrong."""
    from squeezegym.batch import default_threads
    from squeezegym.core.clock import advance

    table = Table("what", "found", "remark", title_justify="left")
    table.add_row("python", platform.python_version(), platform.platform())
    for name in (*_VERSIONS, *_OPTIONAL):
        table.add_row(name, *_version(name))
    stats = getattr(advance._kernel, "stats", None)
    cache = Path(stats.cache_path) if stats is not None else None
    writable = cache is not None and _is_writable(cache)
    remark = "" if writable else "kernels compile anew each time: set NUMBA_CACHE_DIR"
    table.add_row("kernel cache", "writable" if writable else "not writable", f"{cache} {remark}")
    table.add_row("threads", str(default_threads()), "SQUEEZEGYM_THREADS changes it")
    Console().print(table)
    return 0 if writable else 1


def _version(name: str) -> tuple[str, str]:
    try:
        return importlib.metadata.version(name), ""
    except importlib.metadata.PackageNotFoundError:
        if name == "squeezegym":
            return __version__, "from a checkout, not installed"
        return "not installed", "optional (extra 'agents')"


def _is_writable(folder: Path) -> bool:
    """Whether a folder, or the nearest one that exists above it, can be written."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)


_COMMANDS: dict[str, Callable[..., Any]] = {
    "list": _list,
    "simulate": _simulate,
    "show": _show,
    "validate": validate,
    "causes": causes,
    "calibrate": calibrate,
    "phase": phase,
    "proof": proof,
    "warmup": _warmup,
    "doctor": _doctor,
}


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: Arguments instead of those of the process.

    Returns:
        Exit code: 0, 2 after bad input, of which one sentence stands on stderr, or 130 after an
        interrupt.
    """
    try:
        result = tyro.extras.subcommand_cli_from_dict(
            _COMMANDS,
            prog="squeezegym",
            description="Leveraged spot-perp markets with short squeezes and liquidation cascades.",
            args=args,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    except SqueezegymError as error:
        print(f"squeezegym: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("squeezegym: stopped; nothing was written", file=sys.stderr)
        return _STOPPED
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())

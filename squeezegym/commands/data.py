"""The commands ``squeezegym data check`` and ``squeezegym data fetch``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.table import Table

from squeezegym.commands.reports import needs
from squeezegym.errors import ConfigError
from squeezegym.files import check_target, write_whole


@dataclass(frozen=True)
class Check:
    """Say what recorded files are: format, rows, range, what was left out and why.

    Exit code 2 at the first file that is damaged, misordered or unknown, with its line.
    """

    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files of any known format, plain, gzip, zip or lz4."""
    kind: str | None = None
    """Kind of rows, such as trades or klines; only where neither columns nor path tell it."""
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False
    """Print the reports as JSON instead of a table."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Write the rows of the one file, in the schema of their kind, to this .parquet."""


@dataclass(frozen=True)
class Fetch:
    """Download public data once: checksums verified, broken transfers continued, files cached."""

    venue: Annotated[Literal["binance", "bybit", "bitmex", "okx", "tardis"], tyro.conf.Positional]
    """Whose files."""
    dataset: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """As the venue names it: klines, aggTrades, metrics, trades, incremental_book_L2, ..."""
    symbol: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SYMBOL")]
    """As the venue writes it, such as BTCUSDT."""
    first: str
    """First day, UTC, YYYY-MM-DD."""
    last: str | None = None
    """Last day. Default: the first."""
    market: Literal["um", "cm", "spot"] = "um"
    """Of Binance: USD-M futures, COIN-M futures or spot."""
    interval: str = "1m"
    """Of candles, such as 1m, 1h or 1d."""
    exchange: str = "binance-futures"
    """Of Tardis: the exchange that it recorded."""
    folder: Path = Path("data")
    """Folder that the files go into; made if it is not there."""
    refresh: bool = False
    """Ask for checksums again and download what the venue has replaced."""
    base: str | None = None
    """Address of a mirror, in the place of the venue's."""
    show: bool = False
    """Print the addresses and download nothing."""
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False
    """Print what was downloaded, or the addresses, as JSON."""


Task = (
    Annotated[Check, tyro.conf.subcommand("check", prefix_name=False)]
    | Annotated[Fetch, tyro.conf.subcommand("fetch", prefix_name=False)]
)


def data(task: Annotated[Task, tyro.conf.arg(name="")]) -> None:
    """Look at recorded files, or download public ones."""
    needs("polars", "data", "data")
    if isinstance(task, Check):
        _check(task)
    else:
        _fetch(task)


def _check(task: Check) -> None:
    from squeezegym.data.load import load

    if not task.files:
        raise ConfigError("data check needs at least one file; name it")
    if task.out is not None and len(task.files) != 1:
        raise ConfigError(f"--out takes the rows of one file, got {len(task.files)}; name one")
    check_target("--out", task.out, (".parquet",))
    tables = [load(path, task.kind) for path in task.files]
    reports = [table.report for table in tables]
    if task.out is not None:
        write_whole(task.out, tables[0].frame.write_parquet)
    if task.as_json:
        print(json.dumps([report.to_dict() for report in reports], indent=2))
        return
    shown = Table("file", "format", "rows", "kept", "from", "to", title_justify="left")
    for report in reports:
        ends = (
            "-" if end is None else f"{end:%Y-%m-%d %H:%M}" for end in (report.start, report.end)
        )
        shown.add_row(report.file, report.format, f"{report.rows:,}", f"{report.kept:,}", *ends)
    console = Console()
    console.print(shown)
    for report in reports:
        for reason, count in report.dropped.items():
            console.print(f"{report.file}: {count:,} left out: {reason}", highlight=False)
        for note in report.notes:
            console.print(f"{report.file}: {note}", highlight=False)
    if task.out is not None:
        console.print(f"wrote {task.out}", highlight=False)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} must be a day such as 2024-11-01, got {text!r}") from None


def _fetch(task: Fetch) -> None:
    from rich.progress import Progress

    from squeezegym.data.addresses import addresses
    from squeezegym.data.fetch import fetch

    first = _day("--first", task.first)
    last = first if task.last is None else _day("--last", task.last)
    wanted = addresses(
        task.venue,
        task.dataset,
        task.symbol,
        first,
        last,
        market=task.market,
        interval=task.interval,
        exchange=task.exchange,
        base=task.base,
    )
    if task.show:
        urls = [address.url for address in wanted]
        print(json.dumps(urls, indent=2) if task.as_json else "\n".join(urls))
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task(f"{len(wanted)} files", total=None)
        got = fetch(
            wanted,
            task.folder,
            refresh=task.refresh,
            progress=lambda count: bar.advance(row, count),
        )
    if task.as_json:
        print(json.dumps([asdict(file) | {"path": str(file.path)} for file in got], indent=2))
        return
    console = Console()
    for file in got:
        verified = "checksum verified" if file.is_verified else "the venue gives no checksum"
        console.print(f"{file.path}: {file.source}, {file.bytes:,} bytes, {verified}")

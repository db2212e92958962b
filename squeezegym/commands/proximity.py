"""``squeezegym proximity``."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from squeezegym.commands.reports import needs, write_report
from squeezegym.errors import ConfigError
from squeezegym.files import check_target
from squeezegym.progress import market_time

if TYPE_CHECKING:
    from squeezegym.data.history import Moment
    from squeezegym.data.proximity_market import MarketChance


def proximity(
    positions: Path | None = None,
    metrics: Path | None = None,
    candles: Path | None = None,
    book: tuple[Path, ...] = (),
    spot: tuple[Path, ...] = (),
    interest: float | None = None,
    depth_quote: float | None = None,
    at: str | None = None,
    margin: str = "btcusdt",
    survived_h: float = 24.0,
    draws: int = 64,
    paths: int = 2048,
    market_seconds: float = 0.0,
    market_seeds: int = 32,
    seed: int = 0,
    as_json: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    page: Path | None = None,
) -> None:
    """Measure how near a market is to a liquidation cascade, up and down.

    Positions, metrics (open interest) or candles say where liquidations wait, the first that is
    given; a capture, candles or --depth-quote what stands against them. What no file tells is
    drawn, and every number is a range over the draws.

    Args:
        positions: Leveraged positions, JSON or CSV.
        metrics: Open interest and ratios, as Binance publishes them.
        candles: Candles of the perp, an hour or shorter.
        book: Raw capture of the perp, or tables of its changes and trades; files in order.
        spot: The same of spot from the same time.
        interest: Open interest (base) that the positions are a sample of.
        depth_quote: Quote within 10 bp of the mid on one side, where no capture tells the depth.
        at: Moment, UTC, as 2023-01-13T20:55; by default the last of the data.
        margin: Brackets of the venue: btcusdt, trbusdt or alpacausdt.
        survived_h: Hours without a cascade before it: draws that contradict them weigh less.
        draws: Draws of what is not known.
        paths: Simulated paths of the reduced chain.
        market_seconds: With --book, run the full market this long as well (0: do not).
        market_seeds: Markets of that run.
        seed: Of everything that is drawn.
        as_json: Write the measures to this .json.
        page: Write a page with the map over price to this .html.
    """
    needs("polars", "data", "proximity")
    if page is not None:
        needs("matplotlib", "view", "proximity --page")
    check_target("--json", as_json, (".json",))
    check_target("--page", page, (".html",))
    if market_seconds and not book:
        raise ConfigError("--market-seconds starts the full market from a capture; pass --book")

    from squeezegym.data.proximity import proximity as measured
    from squeezegym.data.situation import Files, situation
    from squeezegym.rules import Margin
    from squeezegym.view.proximity import proximity_page, proximity_rows

    brackets = Margin(table=margin).brackets  # type: ignore[call-arg]
    files = Files(positions, metrics, candles, book, spot, interest, depth_quote, _moment(at))
    moment = situation(files, brackets, draws=draws, seed=seed)
    found = measured(
        moment.waiting, moment.impact, at=moment.at, survived_h=survived_h, paths=paths, seed=seed
    )
    data: dict[str, Any] = {**found.to_dict(), "seed": seed, "draws": draws, "paths": paths}
    title = f"How near is the liquidation point, {moment.at:%Y-%m-%d %H:%M} UTC"
    console = Console()
    table = Table("5 % / middle / 95 %", "up, through shorts", "down, through longs", title=title)
    for row in proximity_rows(found):
        table.add_row(*row)
    console.print(table)
    if market_seconds:
        full = _full_market(moment, book, spot, range(seed, seed + market_seeds), market_seconds)
        data["full_market"] = asdict(full)
        console.print(_sentence(full), highlight=False)
    for note in found.notes:
        console.print(f"data: {note}", highlight=False)
    for what in found.unknown:
        console.print(f"not known: {what}", highlight=False)
    write_report(as_json, json.dumps(data, indent=2) + "\n")
    if page is not None:
        write_report(page, proximity_page(moment.waiting, moment.impact, found, title))


def _moment(at: str | None) -> datetime | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise ConfigError(f"--at must be a time such as 2023-01-13T20:55, got {at!r}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _full_market(
    moment: Moment, book: tuple[Path, ...], spot: tuple[Path, ...], seeds: range, seconds: float
) -> MarketChance:
    from squeezegym.data.from_data import scenario_from_data
    from squeezegym.data.proximity_market import market_chances, with_map

    perp, other = (os.pathsep.join(str(path) for path in files) for files in (book, spot))
    scenario = with_map(scenario_from_data(perp, other or None), moment.waiting)
    with market_time(2 * len(seeds) * seconds) as advance:
        return market_chances(scenario, seeds, seconds, progress=advance)


def _sentence(full: MarketChance) -> str:
    return (
        f"full market, {full.seeds} seeds of {full.seconds:g} s: a cascade up in {full.up:.0%}"
        f" ({full.up_interval[0]:.0%} to {full.up_interval[1]:.0%}), down in {full.down:.0%}"
        f" ({full.down_interval[0]:.0%} to {full.down_interval[1]:.0%}); largest excess"
        f" +{full.largest_rise:.2%} and -{full.largest_fall:.2%}; liquidated"
        f" {full.liquidated_shorts:,.1f} base of shorts and {full.liquidated_longs:,.1f} of longs"
    )

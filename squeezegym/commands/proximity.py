"""``squeezegym proximity``."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.table import Table

from squeezegym.arguments import integer
from squeezegym.commands.reports import beside, check_json, needs, write_report
from squeezegym.commands.unfinished import contents, unfinished
from squeezegym.errors import ConfigError
from squeezegym.files import check_target
from squeezegym.progress import market_time

if TYPE_CHECKING:
    from squeezegym.data.history import Moment
    from squeezegym.data.proximity import Proximity
    from squeezegym.data.proximity_market import MarketChance
    from squeezegym.parts import Keep

TableName = Literal["btcusdt", "trbusdt", "alpacausdt"]


def proximity(
    positions: Path | None = None,
    metrics: Path | None = None,
    candles: Path | None = None,
    book: tuple[Path, ...] = (),
    spot: tuple[Path, ...] = (),
    interest: float | None = None,
    depth_quote: float | None = None,
    at: str | None = None,
    margin: TableName = "btcusdt",
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
    drawn, and every number is a range over the draws. `squeezegym proximity --metrics m.csv --book
    perp.gz --spot spot.gz` has both from recordings of one time.

    Stopped with Ctrl-C, it goes on where it was when the same command is given again.

    Args:
        positions: Leveraged positions, JSON or CSV.
        metrics: Open interest and ratios, as Binance publishes them.
        candles: Candles of the perp, an hour or shorter.
        book: Raw capture of the perp, or tables of its changes and trades; files in order.
        spot: The same of spot from the same time.
        interest: Open interest (base) that the positions are a sample of.
        depth_quote: Quote within 10 bp of the mid on one side, where no capture tells the depth.
        at: Moment, UTC, such as 2023-01-13T20:55. Default: the last of the data.
        margin: Brackets of maintenance margin, of this symbol at Binance.
        survived_h: Hours without a cascade before it: draws that contradict them weigh less.
        draws: Draws of what is not known, 1 to 100,000.
        paths: Simulated paths of the reduced chain, 1 to 1,000,000.
        market_seconds: With --book, run the full market this long as well (0: do not).
        market_seeds: Markets of that run, 1 to 100,000.
        seed: Of everything that is drawn, 0 and above.
        as_json: Write the measures to this .json, or to stdout where it is -.
        page: Write a page with the map over price to this .html.
    """
    needs("polars", "data", "proximity")
    if page is not None:
        needs("matplotlib", "view", "proximity --page")
    check_json(as_json)
    check_target("--page", page, (".html",))
    integer("--draws", draws, 1, 100_000)
    integer("--paths", paths, 1, 1_000_000)
    integer("--market-seeds", market_seeds, 1, 100_000)
    integer("--seed", seed, 0, 2**40)
    _check_amounts(survived_h, market_seconds, interest, depth_quote)
    if market_seconds and not book:
        raise ConfigError("--market-seconds starts the full market from a capture; pass --book")

    from squeezegym.data.proximity import proximity as measured
    from squeezegym.data.situation import Files, situation
    from squeezegym.rules import Margin
    from squeezegym.view.proximity import proximity_page

    brackets = Margin(table=margin).brackets  # type: ignore[call-arg]
    files = Files(positions, metrics, candles, book, spot, interest, depth_quote, _moment(at))
    moment = situation(files, brackets, draws=draws, seed=seed)
    run = {
        "files": contents(positions, metrics, candles, *book, *spot),
        **{"interest": interest, "depth_quote": depth_quote, "at": at, "margin": margin},
        **{"survived_h": survived_h, "draws": draws, "paths": paths, "seed": seed},
        **{"market_seconds": market_seconds, "market_seeds": market_seeds},
    }
    with unfinished("proximity", (as_json, page), **run) as keep:
        found = measured(
            moment.waiting,
            moment.impact,
            at=moment.at,
            survived_h=survived_h,
            paths=paths,
            seed=seed,
            keep=keep,
        )
        title = f"How near is the liquidation point, {moment.at:%Y-%m-%d %H:%M} UTC"
        console = beside(as_json)
        console.print(_table(found, title))
        data: dict[str, Any] = {**found.to_dict(), "seed": seed, "draws": draws, "paths": paths}
        if market_seconds:
            seeds = range(seed, seed + market_seeds)
            full = _full_market(moment, book, spot, seeds, market_seconds, keep)
            data["full_market"] = asdict(full)
            console.print(_sentence(full), highlight=False)
        notes = [f"data: {note}" for note in found.notes]
        notes += [f"not known: {what}" for what in found.unknown]
        console.print(*notes, sep="\n", highlight=False)
        write_report(as_json, json.dumps(data, indent=2) + "\n", console)
        if page is not None:
            text = proximity_page(moment.waiting, moment.impact, found, title)
            write_report(page, text, console)


def _table(found: Proximity, title: str) -> Table:
    from squeezegym.view.proximity import proximity_rows

    table = Table("5 % / middle / 95 %", "up, through shorts", "down, through longs", title=title)
    for row in proximity_rows(found):
        table.add_row(*row)
    return table


def _check_amounts(
    survived_h: float, market_seconds: float, interest: float | None, depth_quote: float | None
) -> None:
    """Refuse amounts that cannot be."""
    for option, hours in (("--survived-h", survived_h), ("--market-seconds", market_seconds)):
        if not (math.isfinite(hours) and hours >= 0):
            raise ConfigError(f"{option} must be finite and 0 or above, got {hours}")
    for option, amount in (("--interest", interest), ("--depth-quote", depth_quote)):
        if amount is not None and not (math.isfinite(amount) and amount > 0):
            raise ConfigError(f"{option} must be finite and above 0, got {amount}")


def _moment(at: str | None) -> datetime | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise ConfigError(f"--at must be a time such as 2023-01-13T20:55, got {at!r}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _full_market(
    moment: Moment,
    book: tuple[Path, ...],
    spot: tuple[Path, ...],
    seeds: range,
    seconds: float,
    keep: Keep,
) -> MarketChance:
    from squeezegym.data.from_data import scenario_from_data
    from squeezegym.data.proximity_market import market_chances, with_map

    perp, other = (os.pathsep.join(str(path) for path in files) for files in (book, spot))
    scenario = with_map(scenario_from_data(perp, other or None), moment.waiting)
    with market_time(2 * len(seeds) * seconds) as advance:
        return market_chances(scenario, seeds, seconds, progress=advance, keep=keep)


def _sentence(full: MarketChance) -> str:
    return (
        f"full market, {full.seeds} seeds of {full.seconds:g} s: a cascade up in {full.up:.0%}"
        f" ({full.up_interval[0]:.0%} to {full.up_interval[1]:.0%}), down in {full.down:.0%}"
        f" ({full.down_interval[0]:.0%} to {full.down_interval[1]:.0%}); largest excess"
        f" +{full.largest_rise:.2%} and -{full.largest_fall:.2%}; liquidated"
        f" {full.liquidated_shorts:,.1f} base of shorts and {full.liquidated_longs:,.1f} of longs"
    )

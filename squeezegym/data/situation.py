"""A market's present state from the files that a person has."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from squeezegym.data.capture import Capture
from squeezegym.data.formats import CONTRACTS
from squeezegym.data.history import Moment, follow_candles, follow_metrics
from squeezegym.data.impact import Impact, impact_of_candles, impact_of_captures
from squeezegym.data.liquidation_map import Brackets, map_from_positions
from squeezegym.data.load import load
from squeezegym.data.positions import FAR_LEVEL, at_level, read_holdings, reference_price
from squeezegym.data.recorded import read_recorded
from squeezegym.data.schema import Kind
from squeezegym.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class Files:
    """What a person has; `situation` says which of it is enough.

    Attributes:
        positions: Leveraged positions.
        metrics: Open interest and ratios.
        candles: Candles of the perp.
        book: Raw capture of the perp (or tables of its changes and trades), files in order.
        spot: The same of spot of the same time.
        interest: Open interest of the market, base, one side, where positions are a part of it.
        depth_quote: Depth within 10 bp of the mid, one side, quote, where no capture tells.
        at: The moment; by default the last one of the data.
    """

    positions: Path | None = None
    metrics: Path | None = None
    candles: Path | None = None
    book: Sequence[Path] = ()
    spot: Sequence[Path] = ()
    interest: float | None = None
    depth_quote: float | None = None
    at: datetime | None = None


def situation(files: Files, brackets: Brackets, *, draws: int = 64, seed: int = 0) -> Moment:
    """Build the state of a market from files, using nothing that was not known at its time.

    Positions, metrics or candles say where liquidations wait, the first of them that is given; a
    capture, candles or a stated depth say what stands against them.

    Args:
        files: What there is.
        brackets: Of the venue.
        draws: Draws of what is not known.
        seed: Of the draws.

    Raises:
        ConfigError: The files are not enough.
        DataError: A file is damaged, of another kind, or ends before the moment.
    """
    perp = read_recorded(list(files.book)) if files.book else None
    spot = read_recorded(list(files.spot)) if files.spot else None
    if files.positions is not None:
        return _of_positions(files, perp, spot, brackets, draws, seed)
    if files.metrics is not None:
        moment = _of_metrics(files, perp, brackets, draws, seed)
    elif files.candles is not None:
        moments = follow_candles(
            _known(files.candles, Kind.KLINES, files.at), brackets, draws=draws, seed=seed
        )
        moment = _last(moments, files.candles)
    else:
        raise ConfigError(
            "proximity needs positions, metrics or candles to know where liquidations wait; pass"
            " --positions, --metrics or --candles"
        )
    if perp is None:
        return moment
    impact = impact_of_captures(perp, spot, draws=draws, seed=seed)
    return Moment(moment.at, moment.waiting, impact, moment.interest)


def _known(path: Path, kind: Kind, at: datetime | None) -> pl.DataFrame:
    """Rows of one symbol that were known at a moment."""
    table = load(path)
    if table.report.kind is not kind:
        raise DataError(
            f"{path.name}: {table.report.kind} are found, allowed are {kind}; pass another file."
        )
    if table.report.size_unit == CONTRACTS:
        raise DataError(
            f"{path.name}: sizes in contracts are found, allowed are those of a linear contract, in"
            " base; pass the file of the USD-M market."
        )
    names = table.frame["symbol"].unique().to_list()
    if len(names) > 1 or table.frame["venue"].n_unique() > 1:
        raise DataError(
            f"{path.name}: rows of {len(names)} symbols or of several venues are found, allowed is"
            " one; select its rows first."
        )
    rows = table.frame if at is None else table.known(at)
    if rows.is_empty():
        raise DataError(
            f"{path.name}: nothing was known at {at}, its first row was at"
            f" {table.frame['known_at'][0]}; pass a later time."
        )
    return rows


def _last(moments: Iterator[Moment], path: Path) -> Moment:
    found = deque(moments, maxlen=1)
    if not found:
        raise DataError(f"{path.name}: no moment has enough history before it; pass a longer file.")
    return found[0]


def _of_metrics(
    files: Files, perp: Capture | None, brackets: Brackets, draws: int, seed: int
) -> Moment:
    depth = files.depth_quote
    if depth is None and perp is not None:
        depth = 1.0  # replaced by the capture's
    if depth is None:
        raise ConfigError(
            "metrics tell no depth; pass --book with a capture, or --depth-quote with what rests"
            " within 10 bp of the mid on one side"
        )
    assert files.metrics is not None
    rows = _known(files.metrics, Kind.METRICS, files.at)
    moments = follow_metrics(rows, brackets, depth_quote=depth, draws=draws, seed=seed)
    return _last(moments, files.metrics)


def _of_positions(
    files: Files,
    perp: Capture | None,
    spot: Capture | None,
    brackets: Brackets,
    draws: int,
    seed: int,
) -> Moment:
    impact: Impact
    if perp is not None:
        impact = impact_of_captures(perp, spot, draws=draws, seed=seed)
        price, symbol = perp.end.mid_ticks * perp.tick_size, perp.symbol
        at = datetime.fromtimestamp(perp.end_ns / 1e9, UTC)
    elif files.candles is not None:
        rows = _known(files.candles, Kind.KLINES, files.at)
        impact = impact_of_candles(rows[-1_440:], draws=draws, seed=seed)
        price, symbol, at = rows["close"][-1], str(rows["symbol"][-1]), rows["known_at"][-1]
    else:
        raise ConfigError(
            "positions tell no depth; pass --book with a capture, or --candles of the same market"
        )
    assert files.positions is not None
    holdings, _ = read_holdings(files.positions, symbol)
    own = reference_price(holdings)
    holdings, factor = at_level(holdings, price)
    waiting = map_from_positions(
        holdings, brackets, price, interest=files.interest, draws=draws, seed=seed
    )
    if factor != 1.0:
        note = (
            f"prices of the positions are multiplied by {factor:.4f}: their level of {own:,.6g} is"
            f" more than {FAR_LEVEL:.0%} away"
        )
        waiting = type(waiting)(price, waiting.shorts, waiting.longs, (*waiting.notes, note))
    size = sum(abs(holding.size) for holding in holdings) / 2
    return Moment(at, waiting, impact, files.interest or size)

"""Load any recorded file: find out what it is, check every row, say what was left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl

from squeezegym.data import formats_binance, formats_other, formats_tardis
from squeezegym.data.cells import typed
from squeezegym.data.formats import CONTRACTS, Format
from squeezegym.data.hyperliquid import is_hyperliquid, load_hyperliquid
from squeezegym.data.jsonfiles import is_capture, load_capture, load_json
from squeezegym.data.parquet import load_parquet
from squeezegym.data.schema import Kind
from squeezegym.data.source import LINE, UNENDED, first_line, read_bytes, read_rows
from squeezegym.data.table import Table, finish
from squeezegym.data.tables_lobster import is_lobster, load_lobster
from squeezegym.data.text import Position
from squeezegym.errors import DataError

FORMATS = (*formats_binance.FORMATS, *formats_tardis.FORMATS, *formats_other.FORMATS)
_SYMBOL = re.compile(r"^([A-Z0-9]{2,}(?:_[A-Z0-9]+)?(?:-[A-Z]{3,}(?:-SWAP)?)?)(?=[-.]|\d{4}-)")
_WITH_VALUES = (Kind.KLINES, Kind.METRICS)


def load(path: str | Path, kind: str | Kind | None = None, symbol: str | None = None) -> Table:
    """Load a file, whatever its format and packing.

    Read are the files of Binance Vision, raw Binance websocket captures, Tardis.dev, Bybit, BitMEX,
    OKX, Hyperliquid, LOBSTER, plain OHLCV, and the parquet tables of several venues; plain, gzip,
    zip or lz4. The first line tells the format, not the name; where two formats have the same
    columns (price candles, trades and liquidations of Tardis), the path does, or ``kind``.

    Args:
        path: The file.
        kind: Kind wanted: of a capture that holds several (default trades), or where neither
            columns nor path tell.
        symbol: Symbol of the rows; by default a column or the file's name tells.

    Returns:
        The table in the one schema of its kind, with its report.

    Raises:
        DataError: The file is missing, damaged, empty, misordered, mixes units, is of no known
            format or of another kind than the one wanted. The message names file and line.
    """
    file, wanted = Path(path), _kind(kind)
    table = _load(file, wanted, symbol)
    if wanted is not None and table.report.kind is not wanted:
        raise Position(file.name, 1).error(
            f"{table.report.kind} are found, allowed are {wanted}; name another file, or leave the"
            " kind out."
        )
    return table


def _load(file: Path, wanted: Kind | None, symbol: str | None) -> Table:
    if file.suffix == ".parquet":
        return load_parquet(file)
    content = read_bytes(file)
    if is_capture(content):
        return load_capture(file, content, wanted or Kind.TRADES)
    if content.lstrip()[:1] in (b"{", b"["):
        if is_hyperliquid(content):
            return load_hyperliquid(file, content, wanted)
        return load_json(file, content)
    if is_lobster(file, content):
        return load_lobster(file, content)
    return _load_text(file, content, wanted, symbol)


def _kind(kind: str | Kind | None) -> Kind | None:
    try:
        return None if kind is None else Kind(kind)
    except ValueError:
        raise DataError(f"kind is {kind!r}, allowed are {', '.join(Kind)}; name one.") from None


def _load_text(file: Path, content: bytes, kind: Kind | None, symbol: str | None) -> Table:
    line = first_line(content)
    names = [_plain(name) for name in line.split(",")]
    cells = line.split(",")
    if {"side", "size"} <= set(names) and {"entry_price", "entry_px"} & set(names):
        return load_json(file, content)
    has_header = not any(re.fullmatch(r"\d{9,19}(\.\d+)?", cell.strip()) for cell in cells)
    has_header = has_header and not re.match(r"^\d{4}-\d\d", cells[0])
    where = str(file.absolute())
    form = _by_header(names, where, kind, content) if has_header else _by_row(cells, where, kind)
    if form is None:
        raise Position(file.name, 1).error(
            f"{line[:80]!r} starts no known format; allowed are the headers or first rows of the"
            " formats in the documentation; check the file, or name its kind."
        )
    if not has_header:
        names = [column.name for column in (*form.columns, *form.more)][: len(cells)]
    return _read(file, content, form, names, has_header, symbol)


def _plain(name: str) -> str:
    """Name of a column in lower case, without a translation behind a slash."""
    return name.strip().strip('"').lower().partition("/")[0]


def _by_header(names: list[str], where: str, kind: Kind | None, content: bytes) -> Format | None:
    if formats_tardis.TRADES.fits_header(names):
        return _tardis_print(where, kind)
    if formats_other.BYBIT.fits_header(names):
        second = content.partition(b"\n")[2].partition(b"\n")[0]
        is_bitmex = b"-" in second.partition(b",")[0]
        return formats_other.BITMEX if is_bitmex else formats_other.BYBIT
    snapshot = formats_tardis.snapshot_format(names)
    if snapshot is not None:
        return snapshot
    if "base_qty" in names:
        names = ["quote_qty" if name == "base_qty" else name for name in names]
    fitting = [form for form in FORMATS if form.fits_header(names)]
    return _choose(fitting, where, kind)


def _by_row(cells: list[str], where: str, kind: Kind | None) -> Format | None:
    return _choose([form for form in FORMATS if form.fits_row(cells, where)], where, kind)


def _choose(fitting: list[Format], where: str, kind: Kind | None) -> Format | None:
    """Take the first that the path and the kind allow."""
    for form in fitting:
        path_fits = not form.path or form.path.lower() in where.lower()
        if path_fits and (kind is None or form.kind is kind):
            return form
    return None


def _tardis_print(where: str, kind: Kind | None) -> Format:
    """Trades and liquidations have the same columns; guess neither."""
    for form in (formats_tardis.LIQUIDATIONS, formats_tardis.TRADES):
        if form.kind is kind or (kind is None and str(form.kind) in where.lower()):
            return form
    raise DataError(
        f"{where}: trades and liquidations of Tardis have the same columns, and the path names"
        " neither; name the file or its folder 'trades' or 'liquidations', or pass that kind."
    )


def _read(
    file: Path,
    content: bytes,
    form: Format,
    names: list[str],
    has_header: bool,
    symbol: str | None,
) -> Table:
    """Read text of a known format."""
    names = ["quote_qty" if name == "base_qty" else name for name in names]
    rows = read_rows(file.name, content, names, has_header=has_header)
    found, dropped = len(rows), {}
    first = form.columns[0].name
    header = rows[first].str.to_lowercase().str.strip_chars() == first
    dropped["a header repeated inside the file"] = int(header.sum())
    rows = rows.filter(~header)
    columns = [column for column in (*form.columns, *form.more) if column.name in names]
    frame, notes = typed(file.name, rows, columns)
    notes.insert(0, "the first line is a header" if has_header else "no header")
    if not content.endswith(b"\n"):
        notes.append(UNENDED)
    if form.kind is Kind.SNAPSHOTS:
        frame = formats_tardis.unroll(frame)
    if form.repeats:
        same = frame.select(pl.struct(pl.exclude(LINE)).is_first_distinct()).to_series()
        dropped["the same row again (the venue writes each event twice)"] = int((~same).sum())
        frame = frame.filter(same)
    fields = form.mapped(frame.columns)
    own = symbol or _symbol(file)
    fields.setdefault("symbol", pl.lit(own))
    fields.setdefault("venue", pl.lit(form.venue or None))
    if form.kind is Kind.SNAPSHOTS:
        fields |= {name: pl.col(name) for name in ("level", "side", "price", "size")}
    if form.known is not None:
        fields["known_at"] = _known(file, form.known, frame.with_columns(time=fields["time"]))
    shown = frame.with_columns(time=fields["time"]).select(LINE, **fields)
    first_symbol = shown["symbol"].drop_nulls()
    size_unit = form.sizes(first_symbol[0] if len(first_symbol) else "")
    if form.venue == "binance" and size_unit == CONTRACTS and form.kind in _WITH_VALUES:
        notes.append("of an inverse contract, what is named quote volume or value is in base")
    return finish(
        file.name,
        shown,
        form.kind,
        form.name,
        rows=found,
        order=form.order,
        dropped=dropped,
        notes=tuple(notes),
        size_unit=size_unit,
    )


def _known(file: Path, known: Callable[[pl.DataFrame], pl.Expr], frame: pl.DataFrame) -> pl.Expr:
    try:
        return known(frame)
    except DataError as error:
        raise Position(file.name, int(frame[LINE][0])).error(str(error)) from error


def _symbol(file: Path) -> str | None:
    """Symbol that a file's name starts with, if it looks like one."""
    match = _SYMBOL.match(file.name)
    return match[1] if match else None

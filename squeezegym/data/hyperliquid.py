"""Files of Hyperliquid in lines of JSON: fills, trades and order books of its archives.

Sources: Hyperliquid docs, "Historical data" and "L1 data schemas". Fills come in blocks
(``node_fills_by_block``, with the time at which the node wrote them), as ``[user, fill]``
(``node_fills``) or alone, as the API sends them; trades before May 2025 as ``node_trades``.

A trade is written for both of its users: the fill that crossed tells the aggressor, the other one
is left out. A liquidation stands in ``liquidation`` on both; the forced order is that of the
``liquidatedUser``. ``Auto-Deleveraging`` closes the position of a winner: forced, no liquidation.
Sizes are coins, also of spot pairs, whose names start with ``@`` or hold a slash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from squeezegym.data.schema import TIME, Kind
from squeezegym.data.source import LINE
from squeezegym.data.table import Table, finish
from squeezegym.data.text import NS_PER_MS, Position, epoch_ms, positive

Row = dict[str, Any]
_SIDES = {"B": 1, "A": -1}
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z?", re.ASCII)
_DELEVERAGED, _LIQUIDATED = "Auto-Deleveraging", "Liquidated"
_OTHER_SIDE = "the other fill of a trade (each is written for both users)"
_AGAIN = "remove the line or download the file again."


@dataclass(frozen=True, slots=True)
class _Fill:
    """One side of a trade."""

    line: int
    known_ns: int
    user: str
    data: Row


def is_hyperliquid(content: bytes) -> bool:
    """Whether lines are fills, blocks of them, trades of a node, or books of Hyperliquid."""
    start = content[:4096].replace(b" ", b"")
    is_fill = b'"px":' in start and (b'"tid":' in start or b'"side_info":' in start)
    is_block = b'"block_number":' in start and b'"events":' in start
    return is_fill or is_block or (b'"levels":' in start and b'"coin":' in start)


def load_hyperliquid(file: Path, content: bytes, kind: Kind | None) -> Table:
    """Load trades, liquidations (kind ``liquidations``) or, of book files, snapshots.

    Raises:
        DataError: A line cannot be read, or nothing of the kind is there.
    """
    lines = list(_lines(file, content))
    first = next((item for _, item in lines), None)
    if isinstance(first, dict) and ("levels" in first or "raw" in first):
        return _books(file, lines)
    fills = [fill for line, item in lines for fill in _checked(file, line, item)]
    if kind is Kind.LIQUIDATIONS:
        return _liquidations(file, fills)
    return _trades(file, fills)


def _lines(file: Path, content: bytes) -> Iterator[tuple[int, Any]]:
    """Yield each line's number and value; the items of an array share their line."""
    if content.lstrip()[:2] in (b"[{", b"[\n", b"[\r", b"[ "):
        yield from ((1, item) for item in _value(file, 1, content))
        return
    for line, text in enumerate(content.splitlines(), start=1):
        if text.strip():
            yield line, _value(file, line, text)


def _value(file: Path, line: int, text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        start = text[:60].decode("utf-8", "replace")
        raise Position(file.name, line).error(
            f"{start!r} cannot be read ({error}), allowed is JSON; {_AGAIN}"
        ) from error


def _checked(file: Path, line: int, item: Any) -> Iterator[_Fill]:
    """Yield the fills of a line; say what is wrong with it."""
    try:
        yield from _fills(line, item)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Position(file.name, line).error(
            f"a fill lacks or spoils the field {error}, allowed is a fill of a node or of the API;"
            f" {_AGAIN}"
        ) from error


def _fills(line: int, item: Any) -> Iterator[_Fill]:
    known_ns, events = 0, [item]
    if isinstance(item, dict) and "events" in item:
        known_ns, events = _stamp_ns(item["local_time"]), item["events"]
    for event in events:
        user, data = event if isinstance(event, list) else (event.get("user", ""), event)
        stamp = data["time"]
        time_ns = _stamp_ns(stamp) if isinstance(stamp, str) else epoch_ms(stamp) * NS_PER_MS
        row = {
            "time": time_ns,
            "symbol": str(data["coin"]),
            "id": str(data.get("tid", data.get("hash"))),
            "side": _SIDES[data["side"]],
            "price": positive(data["px"]),
            "size": positive(data["sz"]),
            # Of a trade of a node, the side is the aggressor's.
            "crossed": "side_info" in data or bool(data["crossed"]),
            "dir": str(data.get("dir", "")),
            "liquidated": (data.get("liquidation") or {}).get("liquidatedUser"),
            "is_told": "side_info" not in data,
        }
        yield _Fill(line, max(known_ns, time_ns), str(user), row)


def _stamp_ns(text: str) -> int:
    """Read a time in UTC, which the venue writes without a zone, to the ns."""
    if not _STAMP.fullmatch(text):
        raise ValueError(f"time {text!r}")
    return int(np.datetime64(text.removesuffix("Z"), "ns").astype(np.int64))


def _key(fill: _Fill) -> tuple[int, str, str, float, float]:
    """Return what both fills of a trade share: ids of trades are unique in a block and coin."""
    data = fill.data
    return data["time"], data["symbol"], data["id"], data["price"], data["size"]


def _is_forced(data: Row) -> bool:
    return bool(data["liquidated"]) or data["dir"].startswith((_LIQUIDATED, _DELEVERAGED))


def _trades(file: Path, fills: list[_Fill]) -> Table:
    found: dict[Any, Row] = {}
    for fill in fills:
        data = fill.data
        aggressor = data["side"] if data["crossed"] else -data["side"]
        row = {LINE: fill.line, "known_at": fill.known_ns, "side": aggressor, "forced": None}
        kept = found.setdefault(_key(fill), {**data, **row})
        if kept["side"] != aggressor:
            kept["side"] = 0
        if data["is_told"]:
            kept["forced"] = bool(kept["forced"]) or _is_forced(data)
    deleveraged = {_key(fill) for fill in fills if fill.data["dir"].startswith(_DELEVERAGED)}
    rows = list(found.values())
    notes = [
        f"coins: {len({row['symbol'] for row in rows}):,}; forced trades:"
        f" {sum(bool(row['forced']) for row in rows):,}, of deleveraged winners:"
        f" {len(deleveraged):,}"
    ]
    if any(row["side"] == 0 for row in rows):
        notes.append("of a trade in which neither order crossed the side is not known")
    dropped = {_OTHER_SIDE: len(fills) - len(rows)}
    return _finish(file, rows, Kind.TRADES, "Hyperliquid fills", len(fills), dropped, notes)


def _liquidations(file: Path, fills: list[_Fill]) -> Table:
    found: dict[Any, Row] = {}
    for fill in fills:
        data = fill.data
        is_own = data["dir"].startswith(_LIQUIDATED)
        if not data["liquidated"] and not is_own:
            continue
        if data["liquidated"] and fill.user:
            is_own = fill.user.lower() == str(data["liquidated"]).lower()
        side = data["side"] if is_own else -data["side"]
        more = {"side": side, "average_price": data["price"], "known_at": fill.known_ns}
        found.setdefault(_key(fill), {**data, **more, LINE: fill.line})
    rows = list(found.values())
    dropped = {"fills of no liquidation, and the other fills of those": len(fills) - len(rows)}
    return _finish(file, rows, Kind.LIQUIDATIONS, "Hyperliquid fills", len(fills), dropped, [])


def _finish(
    file: Path,
    rows: list[Row],
    kind: Kind,
    name: str,
    found: int,
    dropped: dict[str, int],
    notes: list[str],
) -> Table:
    if not rows:
        raise Position(file.name, 1).error(
            f"no {kind} in {found:,} rows, allowed is at least one; ask for another kind, or pass"
            " another hour."
        )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    frame = frame.with_columns(pl.col("time", "known_at").cast(TIME))
    frame = frame.with_columns(pl.lit("hyperliquid").alias("venue"))
    return finish(
        file.name, frame, kind, name, rows=found, order=None, dropped=dropped, notes=tuple(notes)
    )


def _books(file: Path, lines: list[tuple[int, Any]]) -> Table:
    rows: list[Row] = []
    for line, item in lines:
        try:
            data = item["raw"]["data"] if "raw" in item else item
            time_ns = epoch_ms(data["time"]) * NS_PER_MS
            known_ns = _stamp_ns(item["time"]) if "raw" in item else time_ns
            bids, asks = data["levels"]
            rows += [
                {
                    LINE: line,
                    "time": time_ns,
                    "known_at": max(known_ns, time_ns),
                    "symbol": str(data["coin"]),
                    "level": level,
                    "side": side,
                    "price": positive(of["px"]),
                    "size": positive(of["sz"]),
                }
                for side, levels in ((1, bids), (-1, asks))
                for level, of in enumerate(levels)
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Position(file.name, line).error(
                f"a book lacks or spoils the field {error}, allowed is a book of l2Book; {_AGAIN}"
            ) from error
    name = "Hyperliquid l2Book"
    return _finish(file, rows, Kind.SNAPSHOTS, name, len(lines), {}, [f"{len(lines):,} books"])

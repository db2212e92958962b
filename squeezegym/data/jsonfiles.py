"""JSON files as tables: raw captures, order books of Bybit, positions, margin brackets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from squeezegym.data.positions import Holding, parse_holdings
from squeezegym.data.schema import TIME, Kind
from squeezegym.data.source import LINE, UNENDED
from squeezegym.data.table import Table, finish
from squeezegym.data.text import NS_PER_MS, Position, epoch_ms, local_ns, positive
from squeezegym.errors import DataError

_CAPTURE = re.compile(rb"^\d{16,19} \{")
_AGAIN = "remove the line or record the capture again."
Row = dict[str, Any]


def is_capture(content: bytes) -> bool:
    """Whether lines are a local time in ns and a message, as raw captures of Binance have them."""
    return bool(_CAPTURE.match(content[:40]))


def load_capture(file: Path, content: bytes, kind: Kind) -> Table:
    """Load one kind of a raw Binance capture.

    Args:
        file: For the report.
        content: Its text.
        kind: trades, quotes, deltas, snapshots or liquidations.

    Raises:
        DataError: A line cannot be read, or nothing of the kind is there.
    """
    rows: list[Row] = []
    dropped: dict[str, int] = {}
    streams: dict[str, int] = {}
    lines = 0
    for lines, text in enumerate(content.splitlines(), start=1):
        local, message = _parse(file, lines, text)
        name = str(message.get("stream", "snapshot")).partition("@")[2].partition("@")[0]
        streams[name or "snapshot"] = streams.get(name or "snapshot", 0) + 1
        read = _READERS.get((name or "snapshot", kind))
        if read is None:
            continue
        try:
            for row in read(message.get("data", message), dropped):
                rows.append({LINE: lines, "local": local, **row})
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Position(file.name, lines).error(
                f"the message lacks or spoils the field {error}, allowed is a whole message of its"
                f" stream; {_AGAIN}"
            ) from error
    if not rows:
        raise Position(file.name, lines).error(
            f"no {kind} in {lines:,} lines ({_counted(streams)}), allowed is at least one; ask for"
            " a kind that the capture holds."
        )
    frame, offset = _timed(pl.DataFrame(rows, infer_schema_length=None))
    notes = (
        f"messages: {_counted(streams)}",
        f"the local clock is {offset:+.0f} ms from the exchange's (median, latency included); a row"
        " is taken as known at the later of the two",
    )
    return finish(
        file.name,
        frame,
        kind,
        "raw Binance capture",
        rows=lines,
        order=None,
        dropped=dropped,
        notes=notes,
        size_unit="contracts" if frame["symbol"].str.contains("_").any() else "base",
    )


def _counted(streams: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(streams.items()))


def _timed(frame: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """Give rows without a time of their own the last one seen, and all of them ``known_at``."""
    frame = frame.with_columns(pl.col("ms").forward_fill().backward_fill())
    frame = frame.with_columns((pl.col("ms") * NS_PER_MS).alias("time"))
    offset = frame.select((pl.col("local") - pl.col("time")).median()).item()
    known = pl.max_horizontal("time", "local").cast(TIME)
    frame = frame.with_columns(known.alias("known_at"), pl.col("time").cast(TIME))
    return frame.with_columns(pl.lit("binance").alias("venue")), (offset or 0.0) / 1e6


def _parse(file: Path, line: int, text: bytes) -> tuple[int, Row]:
    try:
        stamp, _, body = text.partition(b" ")
        message = json.loads(body)
        if not isinstance(message, dict):
            raise ValueError("no object")
        return local_ns(stamp), message
    except (ValueError, RecursionError) as error:
        start = text[:60].decode("utf-8", "replace")
        raise Position(file.name, line).error(
            f"{start!r} cannot be read, allowed is '<local time ns> <JSON message>'; {_AGAIN}"
        ) from error


def _trade(data: Row, dropped: dict[str, int]) -> Iterator[Row]:
    origin = data.get("X", "MARKET")
    if origin != "MARKET":
        reason = f"prints of {origin}, off the market"
        dropped[reason] = dropped.get(reason, 0) + 1
        return
    side = -1 if data["m"] else 1
    yield {
        "ms": epoch_ms(data["T"] if "T" in data else data["E"]),
        "symbol": data["s"],
        "id": str(data["t"]),
        "side": side,
        "price": positive(data["p"]),
        "size": positive(data["q"]),
    }


def _ms(data: Row) -> int | None:
    """Exchange time of a message that may have none, ms."""
    time: Any = data.get("T", data.get("E"))
    return None if time is None else epoch_ms(time)


def _quote(data: Row, _: dict[str, int]) -> Iterator[Row]:
    yield {
        "ms": _ms(data),
        "symbol": data["s"],
        "bid": positive(data["b"]),
        "bid_size": positive(data["B"], least=0.0),
        "ask": positive(data["a"]),
        "ask_size": positive(data["A"], least=0.0),
    }


def _diff(data: Row, _: dict[str, int]) -> Iterator[Row]:
    time = epoch_ms(data["T"] if "T" in data else data["E"])
    for side, levels in ((1, data["b"]), (-1, data["a"])):
        for price, size in levels:
            yield {
                "ms": time,
                "symbol": data["s"],
                "is_snapshot": False,
                "side": side,
                "price": positive(price),
                "size": positive(size, least=0.0),
            }


def _book(data: Row, _: dict[str, int]) -> Iterator[Row]:
    time = _ms(data)
    for side, levels in ((1, data["bids"]), (-1, data["asks"])):
        for level, (price, size) in enumerate(levels):
            yield {
                "ms": time,
                "symbol": data.get("symbol", ""),
                "level": level,
                "side": side,
                "price": positive(price),
                "size": positive(size, least=0.0),
            }


def _forced(data: Row, _: dict[str, int]) -> Iterator[Row]:
    order = data["o"]
    yield {
        "ms": epoch_ms(order["T"]),
        "symbol": order["s"],
        "side": {"BUY": 1, "SELL": -1}[order["S"]],
        "price": positive(order["p"]),
        "average_price": positive(order["ap"], least=0.0),
        "size": positive(order["q"]),
    }


_READERS: dict[tuple[str, Kind], Callable[[Row, dict[str, int]], Iterator[Row]]] = {
    ("trade", Kind.TRADES): _trade,
    ("bookTicker", Kind.QUOTES): _quote,
    ("depth", Kind.DELTAS): _diff,
    ("snapshot", Kind.SNAPSHOTS): _book,
    ("forceOrder", Kind.LIQUIDATIONS): _forced,
}


def load_json(file: Path, content: bytes) -> Table:
    """Load order books of Bybit, leveraged positions (a CSV of them too), or margin brackets.

    Raises:
        DataError: The file is damaged or is none of these.
    """
    if content.lstrip()[:9] == b'{"topic":':
        return _load_bybit(file, content)
    if content.lstrip()[:1] not in (b"{", b"["):
        return _load_positions(file, content, None)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise Position(file.name, line).error(
            f"the file is not valid JSON ({error}), allowed is a whole document; copy or download"
            " the file again."
        ) from error
    if isinstance(data, dict) and _are_brackets(data):
        return _load_brackets(file, data)
    updated = data.get("last_updated") if isinstance(data, dict) else None
    return _load_positions(file, content, updated)


def _load_positions(file: Path, content: bytes, updated: Any) -> Table:
    holdings, _ = parse_holdings(file.name, content)
    time = None
    if updated:
        try:
            time = datetime.fromisoformat(updated)
            time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except (TypeError, ValueError):
            raise DataError(
                f"{file.name}: last_updated is {updated!r}, allowed is a time such as"
                " 2026-01-08T12:00:00; correct it or remove it."
            ) from None
    rows = [_holding(holding) | {"time": time} for holding in holdings]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    without = int(frame["liquidation"].is_null().sum())
    notes: tuple[str, ...] = (f"{len(frame) - without} of {len(frame)} have a liquidation price",)
    if time is None:
        notes = (*notes, "the file tells no time, so rows have none")
    if not content.endswith((b"\n", b"}", b"]")):
        notes = (*notes, UNENDED)
    return finish(file.name, frame, Kind.POSITIONS, "positions", notes=notes)


def _holding(holding: Holding) -> Row:
    return {
        "symbol": holding.coin or None,
        "side": 1 if holding.size > 0 else -1,
        "size": abs(holding.size),
        "entry": holding.entry,
        "leverage": holding.leverage,
        "is_cross": holding.is_cross,
        "liquidation": holding.liquidation,
        "price": holding.price,
        "profit": None if holding.price is None else holding.size * (holding.price - holding.entry),
    }


def _are_brackets(data: Row) -> bool:
    first: Any = next(iter(data.values()), None)
    is_list = isinstance(first, list) and bool(first) and isinstance(first[0], dict)
    return is_list and "maintenanceMarginRate" in first[0]


def _load_brackets(file: Path, data: dict[str, list[Row]]) -> Table:
    rows: list[Row] = []
    symbol = ""
    try:
        for symbol, tiers in data.items():
            rows += [
                {
                    "venue": "binance",
                    "symbol": symbol,
                    "tier": int(tier["tier"]),
                    "floor": positive(tier["minNotional"], least=0.0),
                    "cap": positive(tier["maxNotional"]),
                    "rate": positive(tier["maintenanceMarginRate"]),
                    "leverage": positive(tier["maxLeverage"]),
                    "deduction": positive(tier["info"]["cum"], least=0.0),
                }
                for tier in tiers
            ]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file.name}: a bracket of {symbol!r}, after {len(rows)}, lacks or spoils {error},"
            " allowed are tier, minNotional, maxNotional, maintenanceMarginRate, maxLeverage and"
            " info.cum; download it again."
        ) from error
    notes = (f"{len(data):,} contracts", "brackets hold from the day of the file, which has none")
    return finish(file.name, pl.DataFrame(rows), Kind.BRACKETS, "margin brackets", notes=notes)


def _load_bybit(file: Path, content: bytes) -> Table:
    """Load an order book of Bybit: lines of snapshots and deltas, size 0 deletes."""
    rows: list[Row] = []
    lines = 0
    for lines, text in enumerate(content.splitlines(), start=1):
        try:
            message = json.loads(text)
            data, is_snapshot = message["data"], message["type"] == "snapshot"
            time = epoch_ms(message["ts"]) * NS_PER_MS
            rows += [
                {
                    LINE: lines,
                    "time": time,
                    "venue": "bybit",
                    "symbol": data["s"],
                    "is_snapshot": is_snapshot,
                    "side": side,
                    "price": positive(price),
                    "size": positive(size, least=0.0),
                }
                for side, levels in ((1, data["b"]), (-1, data["a"]))
                for price, size in levels
            ]
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise Position(file.name, lines).error(
                f"{text[:60].decode('utf-8', 'replace')!r} cannot be read, allowed is a snapshot or"
                " delta of the topic orderbook; remove the line or download the file again."
            ) from error
    if not rows:
        raise Position(file.name, lines).error(
            f"no level is found in {lines:,} messages, allowed is at least one; pass another file."
        )
    frame = pl.DataFrame(rows).with_columns(pl.col("time").cast(TIME))
    return finish(file.name, frame, Kind.DELTAS, "Bybit order book", rows=lines)

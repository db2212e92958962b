"""Files of Tardis: rows in, and a raw capture as they hold it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

HEAD = "exchange,symbol,timestamp,local_timestamp,"
BOOK = HEAD + "is_snapshot,side,price,amount"
PRINTS = HEAD + "id,side,price,amount"


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode()))
    return path


def as_tardis(raw: Path, folder: Path, exchange: str, symbol: str = "XUSDT") -> list[Path]:
    """Write a raw capture as the two files that Tardis makes of it.

    The snapshot stands first, then the diffs that do not end before it.
    """
    lines = [line.partition(b" ") for line in gzip.decompress(raw.read_bytes()).splitlines()]
    messages = [(int(local) // 1_000, json.loads(body)) for local, _, body in lines]
    start = next((local, data) for local, data in messages if "lastUpdateId" in data)
    book, prints = [BOOK], [PRINTS]
    for local, message in [start, *(message for message in messages if message != start)]:
        data: dict[str, Any] = message.get("data", message)
        us = 1_000 * int(data.get("T", data.get("E", 0)))
        head = f"{exchange},{symbol},{us},{max(local, start[0])},"
        if "p" in data:
            side = "sell" if data["m"] else "buy"
            prints.append(f"{head}{data['t']},{side},{data['p']},{data['q']}")
        elif data is start[1]:
            book += _levels(f"{head}true", data["bids"], data["asks"])
        elif "U" in data and not ("pu" in data and data["u"] < start[1]["lastUpdateId"]):
            book += _levels(f"{head}false", data["b"], data["a"])
    return [
        write(folder / "incremental_book_L2" / f"{exchange}.csv.gz", *book),
        write(folder / "trades" / f"{exchange}.csv.gz", *prints),
    ]


def _levels(head: str, *sides: list[list[str]]) -> list[str]:
    return [
        f"{head},{side},{price},{size}"
        for side, levels in zip(("bid", "ask"), sides, strict=True)
        for price, size in levels
    ]

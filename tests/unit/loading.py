"""Small files for the tests of loading, and what is read out of tables."""

from __future__ import annotations

import gzip
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

MS = 1_730_419_200_000  # 2024-11-01
KLINE = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"  # noqa: E501


def kline(minute: int, unit: int = 1, price: float = 4.0) -> str:
    start, end = MS + 60_000 * minute, MS + 60_000 * minute + 59_999
    ends = end * unit + (unit - 1)
    return f"{start * unit},{price},{price + 0.1},{price - 0.1},{price},10,{ends},40,3,6,24,0"


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    text = ("\n".join(lines) + end).encode()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem + ".csv", text)
    else:
        path.write_bytes(text)
    return path


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def values(frame: pl.DataFrame, *names: str) -> list[tuple]:
    return frame.select(names).rows()

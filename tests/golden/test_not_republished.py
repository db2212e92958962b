"""Rows of recordings that may not be republished stand nowhere in the project.

Folders whose SOURCE.md says so are read row by row. What is looked for is two numbers of one row,
of 5 digits or more, on one line of a page, a scenario, an example or the code: what is derived from
rows (a chance, an index, a median) has neither.
"""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLISHED = ("docs", "configs", "examples", "squeezegym", "agents", "benchmarks")
SUFFIXES = {".md", ".toml", ".json", ".yml", ".csv", ".py", ".html", ".js", ".txt"}
NUMBER = re.compile(r"(?:\d{1,3}(?:[,_]\d{3})+(?!\d)|\d+)(?:\.\d+)?")


def numbers(line: str) -> set[str]:
    """Numbers of at least 5 digits, written alike: without separators and ends of zeros."""
    found = (match.replace(",", "").replace("_", "") for match in NUMBER.findall(line))
    plain = {number.rstrip("0").rstrip(".") if "." in number else number for number in found}
    return {number for number in plain if sum(c.isdigit() for c in number.lstrip("0.")) >= 5}


def lines_of(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


def restricted(shared: Path) -> list[Path]:
    folders = [
        source.parent
        for source in sorted(shared.glob("data/*/SOURCE.md"))
        if "do not republish" in source.read_text(encoding="utf-8")
    ]
    return [path for folder in folders for path in folder.iterdir() if "csv" in path.name]


def published() -> Iterator[tuple[str, str]]:
    files = [*ROOT.glob("*.md"), *(p for name in PUBLISHED for p in (ROOT / name).rglob("*"))]
    for path in files:
        if path.suffix in SUFFIXES and path.is_file():
            for number, line in enumerate(lines_of(path), start=1):
                yield f"{path.relative_to(ROOT)}, line {number}", line


def republished(rows: Iterator[str], pages: Iterator[tuple[str, str]]) -> list[str]:
    """Places that hold two numbers of one row."""
    stands: dict[str, set[str]] = defaultdict(set)
    for place, line in pages:
        for number in numbers(line):
            stands[number].add(place)
    found = set()
    for row in rows:
        known = [stands[cell] for cell in cells(row) if cell in stands]
        places = [place for of in known for place in of]
        found |= {place for place in places if places.count(place) > 1}
    return sorted(found)


def cells(row: str) -> set[str]:
    return {number for cell in row.split(",") for number in numbers(cell)}


def test_no_row_of_a_restricted_recording_is_published(shared):
    files = restricted(shared)
    assert {path.parent.name for path in files} >= {
        "binance-klines-1m-2024-11",
        "binance-metrics-2023-01",
    }
    rows = (line for path in files for line in lines_of(path)[1:])
    assert republished(rows, published()) == []


@pytest.mark.parametrize(
    "line",
    [
        "| 115958.123 | 2200000000.5 |",
        "open interest 115,958.1230 worth 2_200_000_000.5",
        "2023-01-13 21:00:00,115958.123,2200000000.50,1.2",
    ],
)
def test_a_row_that_was_copied_is_found(line):
    row = "2023-01-13 21:00:00,115958.123,2200000000.50,1.2"
    assert republished(iter([row]), iter([("page", line)])) == ["page"]
    alone = re.sub(r"2_?200_?000_?000", "7", line)
    assert republished(iter([row]), iter([("page", alone)])) == []

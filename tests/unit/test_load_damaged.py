"""Damaged files are named with their line, and nothing is written."""

from __future__ import annotations

import json

import pytest

pl = pytest.importorskip("polars")

from squeezegym.data.load import load  # noqa: E402
from squeezegym.errors import DataError  # noqa: E402
from tests.unit.loading import KLINE, MS, kline, write  # noqa: E402

GOOD = [KLINE, *(kline(i) for i in range(4))]


def spoilt(line: int, text: str) -> list[str]:
    return [*GOOD[: line - 1], text, *GOOD[line:]]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], r"line 1: the file is empty"),
        ([KLINE], r"line 1: the file has a header and no rows"),
        (spoilt(3, kline(1).replace("4.0", "four", 1)), r"line 3: open is 'four', allowed is a nu"),
        (spoilt(3, kline(1).replace("4.0", "\uff14.0", 1)), r"line 3: open is '.\.0', allowed"),
        (spoilt(4, kline(2)[:40]), r"line 4: \w+ is .*, allowed is"),
        (spoilt(3, kline(1) + ",1,2"), r"line 3: 14 columns are found, allowed are 12"),
        (
            spoilt(3, kline(1, 1000)),
            r"line 3: open_time is '17.*', allowed is one unit a file, her",
        ),
        (
            spoilt(4, kline(0)),
            r"line 4: time 2024-11-01 00:00:00.* is found, allowed is .*or later",
        ),
        (spoilt(4, kline(1)), r"line 4: time .* is found twice"),
        (spoilt(3, kline(1, price=-1.0)), r"line 3: open is '-1.0', allowed is a number above 0"),
        (spoilt(3, kline(1).replace("4.1", "3.95", 1)), r"line 3: a candle of open 4, high 3.95"),
        (spoilt(3, ""), None),
        (["nonsense,header", "1,2"], r"line 1: 'nonsense,header' starts no known format"),
    ],
)
def test_damaged_files_are_named_with_their_line(tmp_path, lines, message):
    path = write(tmp_path / "DOTUSDT-1m-2024-11.csv", *lines)
    if message is None:
        assert load(path).report.kept == 3  # a blank line is no row
        return
    with pytest.raises(DataError, match=message) as error:
        load(path)
    assert str(error.value).startswith("DOTUSDT-1m-2024-11.csv, ")
    assert sorted(tmp_path.iterdir()) == [path]


def test_damaged_archives_and_missing_files(tmp_path):
    packed = write(tmp_path / "DOTUSDT-1m.csv.gz", *[KLINE, *(kline(i) for i in range(400))])
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"DOTUSDT-1m.csv.gz, line \d+: the gzip stream breaks"):
        load(packed)
    archive = write(tmp_path / "DOTUSDT-1m.zip", *GOOD)
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"DOTUSDT-1m.zip, line 1: the zip archive is damaged"):
        load(archive)
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "no.csv")
    with pytest.raises(DataError, match="is a folder"):
        load(tmp_path)
    binary = tmp_path / "DOTUSDT-1m.csv"
    binary.write_bytes("\n".join(GOOD[:3]).encode() + b"\n\xff\xfe,1\n")
    with pytest.raises(DataError, match=r"line 4: .* is not UTF-8 text"):
        load(binary)
    table = tmp_path / "x.parquet"
    table.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"x.parquet: the parquet file cannot be read"):
        load(table)
    pl.DataFrame({"a": [1]}).write_parquet(table)
    with pytest.raises(DataError, match="rows of the columns a are found"):
        load(table)
    with pytest.raises(DataError, match="kind is 'trade', allowed are trades"):
        load(table, kind="trade")


BOOK = {
    **{"topic": "orderbook.50.X", "type": "snapshot", "ts": MS},
    "data": {"s": "X", "b": [["1", "1"]], "a": []},
}
FILL = {"coin": "X", "px": "1", "sz": "1", "side": "B", "time": MS, "tid": 1, "crossed": True}
LEVELS = {"coin": "X", "time": MS, "levels": [[{"px": "1", "sz": "1"}], []]}


def test_an_order_book_without_a_level_is_named(tmp_path):
    path = write(tmp_path / "ob.data", json.dumps({**BOOK, "data": {"s": "X", "b": [], "a": []}}))
    with pytest.raises(DataError, match=r"ob.data, line 1: no level is found in 1 messages"):
        load(path)


@pytest.mark.parametrize(
    ("content", "kind", "other"),
    [(FILL, "trades", "quotes"), (LEVELS, "snapshots", "trades"), (BOOK, "deltas", "trades")],
)
def test_another_kind_than_the_one_asked_for_is_refused(tmp_path, content, kind, other):
    path = write(tmp_path / "file.json", json.dumps(content, separators=(",", ":")))
    assert load(path, kind=kind).report.kind == kind
    with pytest.raises(
        DataError, match=f"file.json, line 1: {kind} are found, allowed are {other}"
    ):
        load(path, kind=other)

"""LOBSTER files of a few literal lines: what comes out, and one error for each thing wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from squeezegym.codes import Side
from squeezegym.data.lobster import read_lobster, read_shown
from squeezegym.data.lobster_book import rebuild
from squeezegym.errors import DataError
from tests.unit.lobster_files import write

BUY, SELL = Side.BUY, Side.SELL
GOOD = "34200.5,1,7,10,1000000,1"
NO_ASK, NO_BID = "9999999999,0", "-9999999999,0"


@pytest.mark.parametrize("zipped", [False, True])
def test_a_message_file_is_read_exactly(tmp_path: Path, zipped: bool) -> None:
    lines = [
        "34200.004241176,1,16113575,18,5853300,1",
        "34200.00426064,4,16113575,8,5853300,1",
        "34200.1,5,0,3,5859150,-1",
        "34201,6,-1,300,5858000,-1",
        "34201,7,0,0,-1,-1",
    ]
    rows = read_lobster(write(tmp_path / "m.csv", lines, zipped)).rows

    assert rows["time_ns"].tolist() == [
        34_200_004_241_176,
        34_200_004_260_640,
        34_200_100_000_000,
        34_201_000_000_000,
        34_201_000_000_000,
    ]
    assert rows["type"].tolist() == [1, 4, 5, 6, 7]
    assert rows["order_id"].tolist() == [16113575, 16113575, 0, -1, 0]
    assert rows["size"].tolist() == [18, 8, 3, 300, 0]
    assert rows["price_raw"].tolist() == [5853300, 5853300, 5859150, 5858000, -1]
    assert rows["price_ticks"].tolist() == [58533, 58533, 58591, 58580, 0]
    assert rows["direction"].tolist() == [1, 1, -1, -1, -1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("34200.5,1,7,10,1000000", "5 columns are found, allowed are 6: time, type, order id"),
        ("", "1 columns are found"),
        ("time,type,id,size,price,direction", "time 'time' is found, allowed is seconds"),
        ("34200.1234567891,1,7,10,1000000,1", "time '34200.1234567891' is found"),
        ("34200.5,8,7,10,1000000,1", "type '8' is found, allowed is 1 new, 2 partial cancel"),
        ("34200.5,1,x,10,1000000,1", "order id 'x' is found, allowed is an integer"),
        ("34200.5,1,7,1.5,1000000,1", "size '1.5' is found, allowed is an integer"),
        ("34200.5,1,7,10,100.00,1", "price '100.00' is found, allowed is an integer, USD x 10,000"),
        ("34200.5,1,7,10,1000000,0", "direction '0' is found, allowed is 1 or -1"),
        ("34200.5,3,0,10,1000000,1", "order id 0 is found, allowed is 1 or above"),
        ("34200.5,5,0,0,1000000,1", "size 0 is found, allowed is 1 to 4,294,967,295"),
        ("34200.5,1,7,4294967296,1000000,1", "size 4294967296 is found"),
        ("34200.5,5,0,10,-1,1", "price -1 is found, allowed is 1 or above"),
        ("34200.5,1,8,10,1000050,1", "price 1000050 of a visible order is found.*tick=1"),
        ("34200.4,1,8,10,1000000,1", "time 34200.4 is found, allowed is 34,200,500,000,000 ns"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path / "m.csv", [GOOD, line])
    with pytest.raises(DataError, match=f"^m.csv, line 2: {said}"):
        read_lobster(path)


def test_an_empty_a_missing_and_a_truncated_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^m.csv, line 1: the file is empty"):
        read_lobster(write(tmp_path / "m.csv", []))
    with pytest.raises(DataError, match=r"^gone.csv, line 1: .*gone.csv cannot be opened"):
        read_lobster(tmp_path / "gone.csv")
    whole = write(tmp_path / "m.csv.gz", [GOOD] * 9, zipped=True)
    whole.write_bytes(whole.read_bytes()[:-12])
    with pytest.raises(DataError, match=r"^m.csv.gz, line \d+: the gzip stream breaks here"):
        read_lobster(whole)


def test_fractions_of_a_cent_are_a_tick_on_request(tmp_path: Path) -> None:
    messages = write(tmp_path / "m.csv", ["34200.5,1,7,10,4321,1"])
    shown = write(tmp_path / "o.csv", [f"{NO_ASK},4321,10"])

    assert read_lobster(messages, tick=1).rows["price_ticks"].tolist() == [4321]
    assert rebuild(messages, shown, tick=1).book.levels(1) == ([(4321, 10, 1)], [])


def test_the_orderbook_file_becomes_bids_and_asks(tmp_path: Path) -> None:
    lines = [f"1000100,5,1000000,10,{NO_ASK},999900,20", f"{NO_ASK},{NO_BID},{NO_ASK},{NO_BID}"]
    shown = read_shown(write(tmp_path / "o.csv", lines, zipped=True), 2)

    assert shown[0, BUY].tolist() == [[10_000, 10], [9_999, 20]]
    assert shown[0, SELL].tolist() == [[10_001, 5], [0, 0]]
    assert not shown[1].any()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1000100,5,1000000,10", "1000100,5,1000000"], "line 2: b'1000100,5,1000000.*4 integers"),
        (["1000100,5"], "line 1: b'1000100,5"),
        (["1000100,5,1000000,ten"], "line 1: b'1000100,5,1000000,ten"),
        (["1000100,5,1000000,99999999999999999999"], "line 1: b'1000100,5,1000000,9"),
        (["1000150,5,1000000,10"], "line 1: .*prices multiples of 100"),
        (["1000100,5,1000000,10"], "line 1: the file ends after 1 lines, allowed are 2"),
        ([], "line 0: the file ends after 0 lines, allowed are 2"),
    ],
)
def test_a_wrong_orderbook_file_is_named(tmp_path: Path, lines: list[str], said: str) -> None:
    path = write(tmp_path / "o.csv", lines)
    with pytest.raises(DataError, match=f"^o.csv, {said}"):
        read_shown(path, 2)

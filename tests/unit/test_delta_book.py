"""Level changes of Tardis and Bybit become a book: literal rows in, levels and changes out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("polars")

from squeezegym.data.binance_raw import read_capture
from squeezegym.data.capture import Capture
from squeezegym.data.from_data import scenario_from_data
from squeezegym.data.recorded import read_recorded
from squeezegym.errors import DataError
from tests.unit.tardis_files import BOOK, HEAD, PRINTS, as_tardis, write
from tests.unit.test_from_data import capture as write_capture

US = 1_700_000_000_000_000
SNAPSHOT = ["true,bid,99.9,1", "true,bid,99.8,2", "true,ask,100,1.5", "true,ask,100.1,2.5"]


def rows(us: int, *rests: str, received: int = 50) -> list[str]:
    """Rows of one message, `us` after the start and received later."""
    return [f"binance-futures,XUSDT,{US + us},{US + us + received},{rest}" for rest in rests]


def read(folder: Path, book: list[str], trades: list[str] | None = None) -> Capture:
    prints = trades or rows(1, "7,buy,100,0.5")
    files = [
        write(folder / "incremental_book_L2" / "XUSDT.csv.gz", BOOK, *book),
        write(folder / "trades" / "XUSDT.csv.gz", PRINTS, *prints),
    ]
    return read_recorded(files)


def test_a_snapshot_and_changes_become_ticks_and_lots(tmp_path):
    found = read(
        tmp_path,
        [
            *rows(0, *SNAPSHOT),
            *rows(2_000, "false,bid,99.9,0", "false,bid,99.7,4", "false,ask,99.95,0.1"),
            *rows(3_000, "false,ask,99.95,0.3"),
        ],
    )
    assert (found.symbol, found.market) == ("XUSDT", "usdm")
    assert (found.tick_size, found.lot_size) == (0.05, 0.1)
    assert found.start.bids.tolist() == [[1998, 10], [1996, 20]]
    assert found.end.bids.tolist() == [[1996, 20], [1994, 40]]
    assert found.end.asks.tolist() == [[1999, 3], [2000, 15], [2002, 25]]
    # The level beyond the snapshot enters the book; what stood there before is not known.
    assert found.changes.tolist() == [(0, 1, 1998, -10), (0, -1, 1999, 1), (1, -1, 1999, 2)]
    assert found.checks.unknown_changes == 1
    assert found.checks.clock_offset_ms == pytest.approx(0.05)
    assert (found.start_ns, found.end_ns) == (US * 1_000, (US + 3_000) * 1_000)
    assert found.tops["bid_ticks"].tolist() == [1996, 1996]


def test_rows_of_one_moment_are_one_message(tmp_path):
    """Between its rows a message may cross the book; between messages it may not."""
    move = "false,bid,100,1", "false,ask,100,0", "false,ask,100.2,1"
    found = read(tmp_path, [*rows(0, *SNAPSHOT), *rows(9, *move)])
    assert found.checks.diffs_applied == 1
    assert found.end.bids[0].tolist() == [1000, 2]
    # What tells is when they were received, not what the venue stamped.
    stamps = [row for i, rest in enumerate(move) for row in rows(9 + i, rest, received=50 - i)]
    assert read(tmp_path, [*rows(0, *SNAPSHOT), *stamps]).checks.diffs_applied == 1
    apart = [row for i, rest in enumerate(move) for row in rows(9 + i, rest)]
    with pytest.raises(DataError, match=r"XUSDT.csv.gz, line 6: the book .* is crossed"):
        read(tmp_path, [*rows(0, *SNAPSHOT), *apart])


def test_rows_before_the_snapshot_are_skipped(tmp_path):
    found = read(
        tmp_path, [*rows(-9, "false,bid,50,1"), *rows(0, *SNAPSHOT), *rows(9, "false,bid,99.9,3")]
    )
    assert (found.checks.diffs_dropped, found.checks.diffs_applied) == (1, 1)
    assert found.start.bids[:, 0].min() == 998


def test_a_snapshot_after_changes_discards_the_whole_book(tmp_path):
    again = "true,bid,90,1", "true,ask,91,1"
    book = [*rows(0, *SNAPSHOT), *rows(9, "false,bid,99.9,3"), *rows(20, *again)]
    found = read(tmp_path, [*book, *rows(30, "false,bid,90,0", "false,bid,89,1")])
    assert found.end.bids[:, 0].tolist() == [890]
    assert found.end.asks[:, 0].tolist() == [910]
    assert found.checks.restarts == 1
    # The jump to the new book is no change of any level.
    assert found.changes["i_diff"].tolist() == [0, 2]
    assert len(found.diffs) == 3


def test_a_snapshot_may_come_in_several_moments(tmp_path):
    parts = [row for i, rest in enumerate(SNAPSHOT) for row in rows(i, rest)]
    found = read(tmp_path, [*parts, *rows(9, "false,bid,99.9,3")])
    assert found.checks.restarts == 0
    assert (len(found.start.bids), len(found.start.asks)) == (2, 2)


def test_the_venue_may_stamp_out_of_order_and_trades_are_those_of_the_book(tmp_path):
    book = [
        *rows(0, *SNAPSHOT),
        *rows(50, "false,bid,99.9,3"),
        *rows(40, "false,bid,99.9,4", received=70),
    ]
    prints = (
        rows(-5, "1,buy,100,1")
        + rows(20, "2,sell,99.9,1", "3,unknown,99.9,1")
        + rows(60, "4,buy,100,1")
    )
    found = read(tmp_path, book, prints)
    assert found.diffs["time_ns"].tolist() == [(US + 50) * 1_000] * 2
    assert found.trades["side"].tolist() == [-1]
    assert found.checks.trades_dropped == 3


@pytest.mark.parametrize(
    ("book", "message"),
    [
        (rows(0, "false,bid,99,1"), r"line 1: no change follows a snapshot in 1 messages"),
        (rows(0, *SNAPSHOT), r"line 1: no change follows a snapshot in 0 messages"),
        (rows(0, *SNAPSHOT[:2], "false,bid,9,1"), r"line 3: the snapshot has 0 asks"),
        (rows(0, *SNAPSHOT, "false,bid,99,"), r"line 6: size is None"),
        (rows(0, *SNAPSHOT, "false,bid,0.123456789,1"), r"line 6: price is 0.123456789, allowed"),
        (rows(0, *SNAPSHOT, "false,unknown,99,1"), r"line 6: the side of a level is unknown"),
        (
            [*rows(0, *SNAPSHOT), rows(1, "false,bid,99,1")[0].replace("XUSDT", "YUSDT")],
            r"line 6: symbol 'YUSDT' is found, allowed is 'XUSDT'",
        ),
    ],
)
def test_what_cannot_be_rebuilt_is_named(tmp_path, book, message):
    with pytest.raises(DataError, match=r"XUSDT.csv.gz, " + message):
        read(tmp_path, book)


def test_both_kinds_of_files_are_needed(tmp_path):
    book = write(tmp_path / "b.csv.gz", BOOK, *rows(0, *SNAPSHOT))
    with pytest.raises(DataError, match="no trades are found, allowed are files of deltas"):
        read_recorded([book])
    quotes = write(
        tmp_path / "q.csv.gz",
        HEAD + "ask_amount,ask_price,bid_price,bid_amount",
        *rows(0, "1,2,1,1"),
    )
    prints = write(tmp_path / "trades" / "XUSDT.csv.gz", PRINTS, *rows(0, "7,buy,100,0.5"))
    with pytest.raises(DataError, match=r"q.csv.gz: quotes are found, allowed are deltas"):
        read_recorded([book, prints, quotes])


def test_files_follow_each_other(tmp_path):
    one = write(tmp_path / "one.csv.gz", BOOK, *rows(0, *SNAPSHOT), *rows(5, "false,bid,99.9,3"))
    two = write(tmp_path / "two.csv.gz", BOOK, *rows(9, "false,bid,99.9,4"))
    prints = write(tmp_path / "trades" / "XUSDT.csv.gz", PRINTS, *rows(7, "7,buy,100,0.5"))
    found = read_recorded([one, prints, two])
    assert (found.checks.diffs_applied, found.checks.restarts) == (2, 0)
    with pytest.raises(DataError, match=r"one.csv.gz, line 2: the file starts at 2023-11-14"):
        read_recorded([two, one, prints])
    more = write(tmp_path / "more" / "trades.csv.gz", PRINTS, *rows(8, "8,buy,100,0.5"))
    assert len(read_recorded([one, prints, two, more]).trades) == 2
    with pytest.raises(DataError, match=r"XUSDT.csv.gz, line 2: the file starts at 2023-11-14"):
        read_recorded([one, more, two, prints])


def test_a_snapshot_far_ahead_is_a_wrong_time(tmp_path):
    """Else every message after it would stand at that time."""
    book = [*rows(0, *SNAPSHOT), *rows(9, "false,bid,99.9,3"), *rows(3 * 86_400 * 10**6, *SNAPSHOT)]
    with pytest.raises(DataError, match=r"XUSDT.csv.gz, line 10: time jumps by 259,200 s"):
        read(tmp_path, book)


def test_bybit_sends_whole_snapshots(tmp_path):
    def message(kind: str, ms: int, bids: list, asks: list) -> str:
        data = {"s": "XUSDT", "b": bids, "a": asks, "u": 1, "seq": 2}
        return json.dumps(
            {"topic": "orderbook.500.XUSDT", "type": kind, "ts": US // 1000 + ms, "data": data}
        )

    book = write(
        tmp_path / "ob500.data.gz",
        message("snapshot", 0, [["99", "1"]], [["101", "2"]]),
        message("snapshot", 1, [["98", "1"]], [["99.5", "2"]]),
        message("delta", 2, [["98", "0"], ["98.5", "7"]], []),
    )
    prints = write(
        tmp_path / "XUSDT2023-11-14.csv.gz",
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional",
        f"{US // 10**6}.001,XUSDT,Sell,1,98,PlusTick,a,1,1,98",
    )
    found = read_recorded([book, prints])
    assert (found.market, found.checks.restarts) == ("usdm", 1)
    assert found.end.bids.tolist() == [[197, 7]]
    assert found.end.asks.tolist() == [[199, 2]]
    assert found.trades["side"].tolist() == [-1]


def test_the_same_market_comes_out_of_both_sources(tmp_path):
    """What a raw capture holds, written as Tardis writes it: book, changes, trades, scenario."""
    raw = write_capture(tmp_path / "perp.gz")
    files = as_tardis(raw, tmp_path, "binance-futures")
    one, other = read_capture([raw]), read_recorded(files)
    assert (one.tick_size, one.lot_size) == (other.tick_size, other.lot_size)
    for name in ("trades", "changes"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert one.start.bids.tolist() == other.start.bids.tolist()
    assert one.end.asks.tolist() == other.end.asks.tolist()
    assert len(one.depth_samples) == len(other.depth_samples)
    spot = as_tardis(write_capture(tmp_path / "spot.gz", is_spot=True), tmp_path, "binance")
    scenario = scenario_from_data(*(os.pathsep.join(map(str, group)) for group in (files, spot)))
    assert scenario.depth.perp.bids == scenario_from_data(str(raw)).depth.perp.bids

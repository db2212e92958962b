"""Raw captures written as literal lines: what comes out, and one error for each thing wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from squeezegym.data.binance_raw import read_capture
from squeezegym.data.capture import Capture
from squeezegym.errors import DataError

Message = dict[str, Any]
Levels = Sequence[Sequence[Any]]
T0 = 1_700_000_000_000
NS = 1_000_000


def diff(u: int, pu: int, bids: Levels = (), asks: Levels = (), ms: int = 0) -> Message:
    data = {"e": "depthUpdate", "E": T0 + ms, "T": T0 + ms, "s": "XUSDT", "U": pu + 1, "u": u}
    return {"stream": "xusdt@depth@0ms", "data": {**data, "pu": pu, "b": bids, "a": asks}}


def spot_diff(U: int, u: int, bids: Levels, asks: Levels, ms: int = 0) -> Message:
    data = {"e": "depthUpdate", "E": T0 + ms, "s": "XUSDT", "U": U, "u": u, "b": bids, "a": asks}
    return {"stream": "xusdt@depth@100ms", "data": data}


def quote(u: int, bid: str, bid_qty: str, ask: str, ask_qty: str, ms: int | None = None) -> Message:
    data: Message = {"u": u, "s": "XUSDT", "b": bid, "B": bid_qty, "a": ask, "A": ask_qty}
    if ms is not None:
        data |= {"T": T0 + ms, "E": T0 + ms}
    return {"stream": "xusdt@bookTicker", "data": data}


def trade(price: str, qty: str, is_buyer_maker: bool, ms: int = 0, kind: str = "MARKET") -> Message:
    data = {"e": "trade", "E": T0 + ms, "T": T0 + ms, "s": "XUSDT", "t": 1, "p": price, "q": qty}
    return {"stream": "xusdt@trade", "data": {**data, "X": kind, "m": is_buyer_maker}}


SNAPSHOT: Message = {
    "lastUpdateId": 100,
    "T": T0,
    "bids": [["99.90", "1.000"], ["99.80", "2.000"]],
    "asks": [["100.00", "1.500"], ["100.10", "2.500"]],
}
FIRST = diff(105, 95, bids=[["99.90", "0.500"]])


def write(path: Path, messages: list[Message | str], first_ms: int = 0) -> Path:
    lines = [
        m if isinstance(m, str) else f"{(T0 + first_ms + i) * NS} {json.dumps(m)}"
        for i, m in enumerate(messages)
    ]
    path.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode()))
    return path


def read(tmp_path: Path, *messages: Message | str) -> Capture:
    return read_capture([write(tmp_path / "x.gz", list(messages))])


def test_snapshot_and_diffs_become_ticks_and_lots(tmp_path: Path) -> None:
    capture = read(
        tmp_path,
        SNAPSHOT,
        FIRST,
        diff(110, 105, [["99.90", "0.000"], ["99.70", "4.000"]], [["99.95", "0.001"]], ms=2),
    )

    assert (capture.symbol, capture.market) == ("XUSDT", "usdm")
    assert (capture.tick_size, capture.lot_size) == (0.05, 0.001)
    assert capture.start.bids.tolist() == [[1998, 1000], [1996, 2000]]
    assert capture.start.asks.tolist() == [[2000, 1500], [2002, 2500]]
    assert capture.end.bids.tolist() == [[1996, 2000], [1994, 4000]]
    assert capture.end.asks.tolist() == [[1999, 1], [2000, 1500], [2002, 2500]]
    assert capture.start.mid_ticks == 1999.0
    assert (capture.start.update_id, capture.end.update_id) == (100, 110)


def test_changes_hold_only_levels_whose_previous_size_is_known(tmp_path: Path) -> None:
    beyond = [["99.70", "4.000"]]
    capture = read(
        tmp_path,
        SNAPSHOT,
        FIRST,
        diff(110, 105, beyond, ms=2),
        diff(111, 110, [["99.70", "5.000"]], [["99.95", "0.001"]], ms=3),
    )

    assert capture.changes.tolist() == [
        (0, 1, 1998, -500),
        (2, 1, 1994, 1000),
        (2, -1, 1999, 1),
    ]
    assert (capture.additions, capture.reductions) == (2, 1)
    assert capture.checks.unknown_changes == 1


def test_diffs_that_end_before_the_snapshot_are_dropped(tmp_path: Path) -> None:
    old = diff(95, 90, bids=[["99.90", "7.000"]])
    capture = read(tmp_path, old, FIRST, SNAPSHOT)

    assert (capture.checks.diffs_dropped, capture.checks.diffs_applied) == (1, 1)
    assert capture.end.bids[0].tolist() == [999, 1]


def test_spot_drops_the_diff_that_ends_at_the_snapshot(tmp_path: Path) -> None:
    snapshot = {key: value for key, value in SNAPSHOT.items() if key != "T"}
    capture = read(
        tmp_path,
        spot_diff(99, 100, [["99.80", "9.000"]], []),
        snapshot,
        quote(101, "99.90", "1.000", "100.00", "1.500"),
        spot_diff(101, 102, [["99.80", "3.000"]], [], ms=100),
        spot_diff(103, 103, [], [["100.00", "0.000"]], ms=200),
    )

    assert capture.market == "spot"
    assert (capture.checks.diffs_dropped, capture.checks.diffs_applied) == (1, 2)
    assert capture.tops["time_ns"].tolist() == [T0 * NS]
    assert capture.duration_s == pytest.approx(0.2)


def test_a_snapshot_without_time_takes_the_time_of_the_first_diff(tmp_path: Path) -> None:
    snapshot = {key: value for key, value in SNAPSHOT.items() if key != "T"}
    capture = read(tmp_path, snapshot, spot_diff(101, 102, [], [["100.00", "1.000"]], ms=100))

    assert capture.start.time_ns == (T0 + 100) * NS


def test_quotes_are_compared_only_at_shared_update_ids(tmp_path: Path) -> None:
    capture = read(
        tmp_path,
        SNAPSHOT,
        quote(100, "99.90", "1.000", "100.00", "1.500", ms=0),
        quote(103, "99.80", "9.999", "100.10", "9.999", ms=1),
        FIRST,
        quote(105, "99.90", "0.400", "100.00", "1.500", ms=1),
    )

    assert (capture.checks.tickers_checked, capture.checks.ticker_mismatches) == (2, 1)


def test_trades_carry_the_aggressor_and_only_market_prints(tmp_path: Path) -> None:
    capture = read(
        tmp_path,
        SNAPSHOT,
        FIRST,
        trade("100.00", "0.010", is_buyer_maker=False, ms=1),
        trade("99.90", "0.020", is_buyer_maker=True, ms=2),
        trade("102.00", "5.000", is_buyer_maker=False, ms=3, kind="INSURANCE_FUND"),
        trade("0", "0", is_buyer_maker=False, ms=3, kind="NA"),
    )

    assert capture.trades[["price_ticks", "qty_lots", "side"]].tolist() == [
        (1000, 1, 1),
        (999, 2, -1),
    ]
    assert capture.lot_size == 0.01
    assert capture.checks.trades_dropped == 2


def test_the_clock_offset_is_the_median_of_local_minus_exchange(tmp_path: Path) -> None:
    capture = read(tmp_path, SNAPSHOT, FIRST, diff(110, 105, ms=1302), diff(111, 110, ms=1303))

    assert capture.checks.clock_offset_ms == -1300.0


def test_the_book_is_sampled_once_a_second_as_it_stood(tmp_path: Path) -> None:
    later = diff(110, 105, bids=[["99.90", "0.700"]], ms=2500)
    capture = read(tmp_path, SNAPSHOT, FIRST, later)

    assert [s.time_ns for s in capture.depth_samples] == [(T0 + 1000) * NS, (T0 + 2000) * NS]
    assert capture.depth_samples[1].bids[0].tolist() == [999, 5]


def test_a_capture_continues_through_files(tmp_path: Path) -> None:
    one = write(tmp_path / "1.gz", [SNAPSHOT, FIRST])
    two = tmp_path / "2.txt"
    two.write_text(f"{(T0 + 9) * NS} {json.dumps(diff(110, 105, [['99.80', '0']], ms=9))}\n")
    capture = read_capture([one, two])

    assert (capture.checks.lines, capture.end.update_id) == (3, 110)
    assert capture.end.bids.tolist() == [[999, 1]]


def test_a_second_snapshot_is_counted_and_not_applied(tmp_path: Path) -> None:
    capture = read(tmp_path, SNAPSHOT, FIRST, SNAPSHOT)

    assert capture.checks.snapshots_ignored == 1
    assert capture.end.bids[0].tolist() == [999, 1]


def test_prices_stay_exact_where_floats_would_not(tmp_path: Path) -> None:
    snapshot = {**SNAPSHOT, "bids": [["0.00000003", "9999999999.00000001"]]}
    snapshot["asks"] = [["9999999999.00000008", "0.00000001"]]
    capture = read(tmp_path, snapshot, diff(105, 95))

    assert capture.start.bids.tolist() == [[3, 999999999900000001]]
    assert capture.start.asks.tolist() == [[999999999900000008, 1]]
    assert capture.tick_size == 1e-8


CROSSED = {**SNAPSHOT, "bids": [["100.00", "1"]]}
ONE_SIDED = {**SNAPSHOT, "asks": []}
UNKNOWN = {"stream": "xusdt@markPrice", "data": {}}
OTHER_SYMBOL = {"stream": "yusdt@trade", "data": {}}
NO_SIDE = {"stream": "xusdt@trade", "data": {"E": T0, "T": T0, "p": "1", "q": "1"}}


@pytest.mark.parametrize(
    ("messages", "parts"),
    [
        pytest.param(
            [SNAPSHOT, "not a message"],
            [
                "line 2",
                "'not a message' cannot be read",
                "<local time ns> <JSON",
                "remove the line",
            ],
            id="no number",
        ),
        pytest.param([SNAPSHOT, '17 {"a":'], ["line 2", "'17 {\"a\":' cannot"], id="broken JSON"),
        pytest.param(["17 [1]"], ["line 1", "'17 [1]' cannot be read"], id="not an object"),
        pytest.param(
            [f"{T0 * NS} {{}}"], ["line 1", "unknown stream 'None'", "@bookTicker"], id="no stream"
        ),
        pytest.param(
            [SNAPSHOT, UNKNOWN],
            ["line 2", "unknown stream 'xusdt@markPrice'", "<symbol>@depth", "filter"],
            id="unknown stream",
        ),
        pytest.param(
            [SNAPSHOT, FIRST, OTHER_SYMBOL],
            ["line 3", "'yusdt@trade'", "only the symbol 'xusdt'", "one symbol at a time"],
            id="two symbols",
        ),
        pytest.param(
            [SNAPSHOT, NO_SIDE], ["line 2", "the field 'm' is missing"], id="missing field"
        ),
        pytest.param(
            [SNAPSHOT, trade("0.00", "1", True)],
            ["line 2", "price '0.00'", "above 0", "remove the line"],
            id="price 0",
        ),
        pytest.param(
            [SNAPSHOT, diff(105, 95, [["-1.5", "1"]])],
            ["line 2", "price '-1.5'", "above 0"],
            id="negative price",
        ),
        pytest.param(
            [SNAPSHOT, diff(105, 95, [["1.5", "-1"]])],
            ["line 2", "quantity '-1'", "0 or above"],
            id="negative quantity",
        ),
        pytest.param(
            [SNAPSHOT, diff(105, 95, [[1.5, "1"]])], ["line 2", "price 1.5", "string"], id="float"
        ),
        pytest.param(
            [FIRST, diff(110, 105)],
            ["x.gz, line 2", "no snapshot in 2 lines", "'lastUpdateId'", "put the file"],
            id="no snapshot",
        ),
        pytest.param(
            [SNAPSHOT], ["0 depth diffs follow the snapshot 100", "at least 1"], id="no diff"
        ),
        pytest.param(
            [SNAPSHOT, FIRST, diff(120, 115)],
            ["line 3", "sequence gap: pu=115, allowed is 105", "u=105", "missing file"],
            id="gap futures",
        ),
        pytest.param(
            [SNAPSHOT, spot_diff(99, 105, [], []), spot_diff(107, 108, [], [])],
            ["line 3", "sequence gap: U=107, allowed is 106", "u=105"],
            id="gap spot",
        ),
        pytest.param(
            [SNAPSHOT, diff(120, 110)],
            ["line 2", "first diff after the snapshot has pu=110", "at most 100"],
            id="snapshot too old",
        ),
        pytest.param(
            [SNAPSHOT, spot_diff(102, 105, [], [])],
            ["line 2", "first diff after the snapshot has U=102", "at most 101"],
            id="spot snapshot too old",
        ),
        pytest.param(
            [FIRST, CROSSED],
            ["line 2", "the snapshot is crossed: best bid 100 must be below best ask 100"],
            id="crossed snapshot",
        ),
        pytest.param(
            [SNAPSHOT, FIRST, diff(110, 105, [["100.05", "1"]])],
            ["line 3", "book after the diff 110 is crossed: best bid 100.05", "ask 100;"],
            id="crossed book",
        ),
        pytest.param([ONE_SIDED], ["line 1", "has 0 asks", "at least 1 level"], id="one side"),
    ],
)
def test_errors_name_file_line_value_and_remedy(
    tmp_path: Path, messages: list[Message | str], parts: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, *messages)

    sentence = str(caught.value)
    assert sentence.startswith("x.gz, line ")
    assert sentence.endswith(".")
    assert "allowed is" in sentence or "allowed are" in sentence or "must be" in sentence
    for part in parts:
        assert part in sentence


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"none\.gz cannot be opened \(No such file.*check the path"
    ):
        read_capture([tmp_path / "none.gz"])


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_gzip_is_named(tmp_path: Path, kept: float) -> None:
    path = write(tmp_path / "x.gz", [SNAPSHOT, *(diff(101 + i, 100 + i) for i in range(99))])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(DataError, match=r"x\.gz, line \d+: the gzip stream breaks here"):
        read_capture([path])


def test_a_damaged_gzip_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.gz", [SNAPSHOT, FIRST])
    content = bytearray(path.read_bytes())
    content[12:40] = b"\xff" * 28
    path.write_bytes(content)

    with pytest.raises(DataError, match="the gzip stream breaks here"):
        read_capture([path])


def test_files_out_of_order_are_named(tmp_path: Path) -> None:
    one = write(tmp_path / "1.gz", [SNAPSHOT, FIRST])
    two = write(tmp_path / "2.gz", [diff(110, 105)], first_ms=50)

    with pytest.raises(DataError, match=r"1\.gz, line 1: .* the end of 2\.gz; pass the files in"):
        read_capture([two, one])


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_an_empty_capture_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    with pytest.raises(DataError, match=r"x, line 0: the capture is empty: 0 lines"):
        read_capture([tmp_path / "x"])


def test_no_files_are_an_empty_capture() -> None:
    with pytest.raises(DataError, match="the capture is empty"):
        read_capture([])

"""Fills, trades and books of Hyperliquid's archives: one row a trade, forced ones told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")

from squeezegym.data.load import load  # noqa: E402
from squeezegym.data.schema import SCHEMAS, Kind  # noqa: E402
from squeezegym.errors import DataError  # noqa: E402

MS = 1_764_059_598_111  # 2025-11-25 08:33:18.111
SHORT = {"liquidatedUser": "0xAb", "markPx": "87400", "method": "market"}


def fill(user: str, side: str, tid: int, *, crossed: bool, **more: Any) -> list[Any]:
    """One side of a trade as a node writes it."""
    data = {"coin": "BTC", "px": "87351.0", "sz": "0.5", "side": side, "time": MS}
    data |= {"startPosition": "0.0", "dir": "Open Long", "closedPnl": "0.0", "hash": "0x1"}
    return [user, data | {"oid": 1, "crossed": crossed, "fee": "0", "tid": tid} | more]


FILLS = [
    fill("0xcd", "B", 1, crossed=True),
    fill("0xef", "A", 1, crossed=False, dir="Open Short"),
    fill("0xab", "B", 2, crossed=True, dir="Liquidated Cross Short", liquidation=SHORT),
    fill("0xef", "A", 2, crossed=False, dir="Open Short", liquidation=SHORT),
    fill("0xcd", "A", 3, crossed=False, dir="Auto-Deleveraging", sz="1"),
    fill("0xab", "B", 3, crossed=False, dir="Auto-Deleveraging", sz="1"),
]


def block(*fills: list[Any]) -> dict[str, Any]:
    stamps = {
        "local_time": "2025-11-25T08:33:18.508962742",
        "block_time": "2025-11-25T08:33:18.111",
    }
    return {**stamps, "block_number": 807847463, "events": list(fills)}


def write(path: Path, *items: Any) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


def test_blocks_of_fills_become_one_row_a_trade(tmp_path):
    table = load(write(tmp_path / "8", block(), block(*FILLS[:2]), block(*FILLS[2:])))
    assert dict(table.frame.schema) == SCHEMAS[Kind.TRADES]
    assert table.frame.select("id", "side", "price", "size", "forced").rows() == [
        ("1", 1, 87351.0, 0.5, False),
        ("2", 1, 87351.0, 0.5, True),
        ("3", 0, 87351.0, 1.0, True),
    ]
    assert table.report.dropped == {"the other fill of a trade (each is written for both users)": 3}
    assert table.report.notes == (
        "coins: 1; forced trades: 2, of deleveraged winners: 1",
        "of a trade in which neither order crossed the side is not known",
    )
    assert table.lines.to_list() == [2, 3, 3]
    # The node wrote the block 0.4 s after its time: nobody could have had it before.
    assert table.frame["time"][0] == datetime(2025, 11, 25, 8, 33, 18, 111_000, UTC)
    assert int(table.frame["known_at"].cast(pl.Int64())[0]) % 10**9 == 508_962_742


@pytest.mark.parametrize("order", [FILLS, FILLS[::-1]])
def test_a_liquidation_is_the_order_of_the_liquidated_user(tmp_path, order):
    table = load(write(tmp_path / "fills", *order), kind="liquidations")
    assert table.frame.select("symbol", "side", "price", "size").rows() == [
        ("BTC", 1, 87351.0, 0.5)
    ]
    assert sum(table.report.dropped.values()) == 5
    seller = fill("0xef", "A", 2, crossed=False, liquidation=SHORT)
    other = load(write(tmp_path / "one", seller), kind="liquidations")
    assert other.frame["side"].to_list() == [1]
    with pytest.raises(DataError, match=r"none, line 1: no liquidations in 2 rows"):
        load(write(tmp_path / "none", *FILLS[:2]), kind="liquidations")


def test_fills_of_one_user_tell_the_aggressor_too(tmp_path):
    """The API gives an array: who rested and sold, sold to an aggressor who bought."""
    path = tmp_path / "userFills.json"
    path.write_text(json.dumps([data for _, data in FILLS[1:3]], indent=1))
    table = load(path)
    assert table.frame.select("side", "forced").rows() == [(1, False), (1, True)]


def test_trades_of_a_node_have_a_time_in_text_and_both_users(tmp_path):
    trade = {"coin": "COMP", "side": "B", "time": "2024-07-26T08:26:25.899", "px": "51.367"}
    trade |= {"sz": "0.31", "hash": "0xad", "trade_dir_override": "Na", "side_info": [{}, {}]}
    frame = load(write(tmp_path / "8", trade, {**trade, "side": "A", "hash": "0xae"})).frame
    assert frame.select("symbol", "side", "size", "forced").rows() == [
        ("COMP", 1, 0.31, None),
        ("COMP", -1, 0.31, None),
    ]
    assert frame["time"][0] == datetime(2024, 7, 26, 8, 26, 25, 899_000, UTC)


def test_books_are_snapshots_bare_or_wrapped(tmp_path):
    level = [[{"px": "100", "sz": "2", "n": 1}], [{"px": "101", "sz": "3", "n": 2}]]
    data = {"coin": "BTC", "time": MS, "levels": level}
    raw = {"channel": "l2Book", "data": data}
    wrapped = {"time": "2025-11-25T08:33:18.9", "ver_num": 1, "raw": raw}
    for item, late in ((data, 0), (wrapped, 789)):
        table = load(write(tmp_path / "BTC", item))
        assert table.report.kind is Kind.SNAPSHOTS
        assert table.frame.select("level", "side", "price", "size").rows() == [
            (0, 1, 100.0, 2.0),
            (0, -1, 101.0, 3.0),
        ]
        delay = (table.frame["known_at"] - table.frame["time"]).dt.total_milliseconds()
        assert delay.to_list() == [late] * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"px": "-1"}, r"the field '-1', allowed is a number above 0"),
        ({"sz": "NaN"}, r"the field 'NaN', allowed is a number above 0"),
        ({"side": "S"}, r"the field 'S'"),
        ({"time": MS * 1000}, r"allowed are ms since 1970"),
        ({"time": MS / 7}, r"allowed is an integer of ms"),
        ({"liquidation": "yes"}, r"no attribute 'get'"),
    ],
)
def test_a_spoilt_fill_is_named(tmp_path, change, message):
    user, data = FILLS[0]
    path = write(tmp_path / "8", block(*FILLS[:2]), block([user, {**data, **change}]))
    with pytest.raises(DataError, match=r"8, line 2: .*" + message):
        load(path)

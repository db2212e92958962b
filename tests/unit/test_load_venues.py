"""Files of Tardis, Bybit, BitMEX, OKX and Hyperliquid, positions and captures load."""

from __future__ import annotations

import json

import pytest

pl = pytest.importorskip("polars")

from squeezegym.data.load import load  # noqa: E402
from squeezegym.data.schema import Kind  # noqa: E402
from squeezegym.errors import DataError  # noqa: E402
from tests.unit.loading import MS, at, values, write  # noqa: E402

TARDIS = "exchange,symbol,timestamp,local_timestamp"
US = MS * 1000


def tardis(i: int, rest: str, back: int = 0) -> str:
    return f"binance-futures,BTCUSDT,{US + i - back},{US + i + 900},{rest}"


def test_tardis_is_known_when_received_and_may_stamp_out_of_order(tmp_path):
    lines = [
        f"{TARDIS},id,side,price,amount",
        tardis(5, "a,buy,100,1"),
        tardis(6, "b,unknown,1,2", 3),
    ]
    (tmp_path / "trades").mkdir()
    table = load(write(tmp_path / "trades" / "BTCUSDT.csv.gz", *lines))
    assert table.report.kind is Kind.TRADES
    assert table.frame["side"].to_list() == [1, 0]
    assert table.frame["known_at"][0] > table.frame["time"][0]
    plain = write(tmp_path / "BTCUSDT.csv", *lines)
    with pytest.raises(DataError, match="the same columns, and the path names neither"):
        load(plain)
    assert load(plain, kind="liquidations").report.kind is Kind.LIQUIDATIONS


def test_tardis_books_and_tickers(tmp_path):
    deltas = [
        f"{TARDIS},is_snapshot,side,price,amount",
        tardis(1, "true,bid,100,1"),
        tardis(2, "false,ask,101,0"),
    ]
    table = load(write(tmp_path / "deltas.csv", *deltas))
    assert values(table.frame, "is_snapshot", "side", "size") == [(True, 1, 1.0), (False, -1, 0.0)]
    head = f"{TARDIS},asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,asks[1].price,asks[1].amount,bids[1].price,bids[1].amount"  # noqa: E501
    books = load(
        write(
            tmp_path / "b.csv",
            head,
            tardis(1, "101,1,100,2,102,3,,"),
            tardis(2, "101,5,100,2,102,3,99,4"),
        )
    )
    assert values(books.frame, "level", "side", "price", "size") == [
        (0, 1, 100.0, 2.0),
        (0, -1, 101.0, 1.0),
        (1, -1, 102.0, 3.0),
        (0, 1, 100.0, 2.0),
        (1, 1, 99.0, 4.0),
        (0, -1, 101.0, 5.0),
        (1, -1, 102.0, 3.0),
    ]
    quotes = f"{TARDIS},ask_amount,ask_price,bid_price,bid_amount"
    frame = load(write(tmp_path / "q.csv", quotes, tardis(1, "3,101,100,2"))).frame
    assert values(frame, "bid", "bid_size", "ask", "ask_size") == [(100.0, 2.0, 101.0, 3.0)]
    ticker = f"{TARDIS},funding_timestamp,funding_rate,predicted_funding_rate,open_interest,last_price,index_price,mark_price"  # noqa: E501
    frame = load(
        write(
            tmp_path / "t.csv",
            ticker,
            tardis(1, ",,,80000,,,"),
            tardis(2, f"{US},0.0001,,,62000,62001,62002"),
        )
    ).frame
    assert frame["open_interest"].to_list() == [80000.0, None]
    assert frame["mark"].to_list() == [None, 62002.0]


def test_bybit_newest_first_with_a_repeated_header_and_a_new_column(tmp_path):
    head = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"  # noqa: E501
    rows = [
        f"173041920{s}.123456,BTCUSDT,{d},0.5,62000,PlusTick,id{s},1,0.5,31000"
        for s, d in ((2, "Sell"), (1, "Buy"))
    ]
    table = load(write(tmp_path / "BTCUSDT2024-11-01.csv.gz", head, rows[0], head, rows[1]))
    assert table.frame["side"].to_list() == [1, -1]
    assert table.frame["time"][0] == at("2024-11-01T00:00:01.123456")
    assert table.report.dropped == {"a header repeated inside the file": 1}
    assert any("have been sorted" in note for note in table.report.notes)
    newer = load(write(tmp_path / "BTCUSDT2025-09-01.csv", f"{head},RPI", f"{rows[1]},0"))
    assert newer.report.format == "Bybit trades"
    spot = write(
        tmp_path / "s.csv", "id,timestamp,price,volume,side,rpi", f"1,{MS},62000,0.1,sell,0"
    )
    assert values(load(spot).frame, "side", "size") == [(-1, 0.1)]


def test_bitmex_writes_times_with_a_d(tmp_path):
    head = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"  # noqa: E501
    row = "2018-12-05D00:00:25.948313001,XBTUSD,Sell,100,3900,MinusTick,x,1,0.02,100"
    table = load(write(tmp_path / "20181205.csv.gz", head, row))
    assert table.report.format == "BitMEX trades" and table.report.size_unit == "quote"
    assert int(table.frame["time"].cast(pl.Int64())[0]) % 10**9 == 948_313_001
    quotes = "timestamp,symbol,bidSize,bidPrice,askPrice,askSize"
    row = "2018-12-05D00:00:25.9,XBTUSD,100,3900,3900.5,50"
    assert load(write(tmp_path / "q.csv", quotes, row)).frame["ask"].to_list() == [3900.5]


def test_bybit_order_books_are_lines_of_json(tmp_path):
    def message(kind: str, ms: int, bids: list, asks: list) -> str:
        data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": 1, "seq": 2}
        return json.dumps({"topic": "orderbook.500.BTCUSDT", "type": kind, "ts": ms, "data": data})

    lines = [
        message("snapshot", MS, [["100", "1"]], [["101", "2"]]),
        message("delta", MS + 10, [["100", "0"]], []),
    ]
    table = load(write(tmp_path / "2024-11-01_BTCUSDT_ob500.data.zip", *lines))
    assert values(table.frame, "is_snapshot", "side", "size") == [
        (True, 1, 1.0),
        (True, -1, 2.0),
        (False, 1, 0.0),
    ]


def test_okx_headers_may_be_chinese(tmp_path):
    head = "trade_id/撮合id,side/交易方向,size/数量,price/价格,created_time/成交时间"
    path = tmp_path / "BTC-USDT-SWAP-trades-2021-10-01.csv"
    path.write_bytes(f"{head}\n1,buy,3,62000,{MS}\n".encode("gb18030"))
    table = load(path)
    assert values(table.frame, "symbol", "side", "size") == [("BTC-USDT-SWAP", 1, 3.0)]
    assert table.report.size_unit == "contracts"


def test_hyperliquid_contexts_of_all_coins(tmp_path):
    pa = pytest.importorskip("pyarrow")
    head = "time,coin,funding,open_interest,prev_day_px,day_ntl_vlm,premium,oracle_px,mark_px,mid_px,impact_bid_px,impact_ask_px"  # noqa: E501
    rows = [f"2024-06-12T00:00:00Z,{c},0.0000125,100,1,2,,3,3.1,,," for c in ("BTC", "ETH")]
    path = tmp_path / "20240612.csv.lz4"
    with pa.OSFile(str(path), "wb") as raw, pa.CompressedOutputStream(raw, "lz4") as out:
        out.write("\n".join([head, *rows]).encode())
    frame = load(path).frame
    assert values(frame, "symbol", "mark", "mid") == [("BTC", 3.1, None), ("ETH", 3.1, None)]
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"20240612.csv.lz4, line 1: the lz4 frame is damaged"):
        load(path)


def test_positions_of_a_table(tmp_path):
    head = "coin,side,size,entry_price,leverage,leverage_type,liquidation_price"
    table = load(
        write(tmp_path / "p.csv", head, "BTC,SHORT,2,100,10,isolated,109", "ETH,LONG,1,5,2,cross,")
    )
    assert values(table.frame, "symbol", "side", "is_cross", "liquidation") == [
        ("BTC", -1, False, 109.0),
        ("ETH", 1, True, None),
    ]


def raw(stream: str, data: dict, i: int) -> str:
    return f"{(MS + i) * 1_000_000} " + json.dumps({"stream": f"btcusdt@{stream}", "data": data})


def test_a_capture_gives_one_kind_at_a_time(tmp_path):
    trade = {"E": MS, "T": MS, "s": "BTCUSDT", "t": 1, "p": "100.5", "q": "2", "m": True}
    order = {"s": "BTCUSDT", "S": "BUY", "q": "3", "p": "101", "ap": "100.9", "T": MS}
    lines = [
        raw("trade", {**trade, "X": "MARKET"}, 1),
        raw("trade", {**trade, "X": "INSURANCE_FUND", "p": "102.5"}, 2),
        raw("forceOrder", {"e": "forceOrder", "E": MS, "o": order}, 3),
    ]
    path = write(tmp_path / "raw.gz", *lines)
    trades = load(path)
    assert values(trades.frame, "side", "price") == [(-1, 100.5)]
    assert trades.report.dropped == {"prints of INSURANCE_FUND, off the market": 1}
    assert values(load(path, kind="liquidations").frame, "side", "size") == [(1, 3.0)]
    with pytest.raises(DataError, match=r"no quotes in 3 lines .*ask for a kind"):
        load(path, kind="quotes")

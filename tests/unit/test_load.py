"""Every format loads into the schema of its kind; damaged files are named with their line."""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

pl = pytest.importorskip("polars")

from squeezegym.data.load import load  # noqa: E402
from squeezegym.data.schema import SCHEMAS, Kind  # noqa: E402
from squeezegym.errors import DataError  # noqa: E402

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


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "zip"])
def test_klines_with_a_header_and_without_in_any_packing(tmp_path, header, ending):
    lines = [KLINE] * header + [kline(i) for i in range(3)]
    table = load(write(tmp_path / f"DOTUSDT-1m-2024-11.{ending}", *lines))
    assert dict(table.frame.schema) == SCHEMAS[Kind.KLINES]
    assert table.frame["symbol"].unique().to_list() == ["DOTUSDT"]
    assert table.frame["known_at"][0] == at("2024-11-01T00:01:00")
    assert values(table.frame, "close", "volume", "trades", "taker_volume")[0] == (
        4.0,
        10.0,
        3,
        6.0,
    )
    assert ("the first line is a header" in table.report.notes) is header


def test_spot_of_2025_counts_microseconds(tmp_path):
    table = load(write(tmp_path / "BTCUSDT-1m-2025-01.csv", *[kline(i, 1000) for i in range(2)]))
    assert table.frame["time"][1] == at("2024-11-01T00:01:00")
    assert table.frame["known_at"][1] == at("2024-11-01T00:02:00")
    assert "open_time is in us" in table.report.notes


@pytest.mark.parametrize(
    ("folder", "of"),
    [("markPriceKlines", "mark"), ("indexPriceKlines", "index"), ("premiumIndexKlines", "premium")],
)
def test_the_folder_tells_what_a_price_candle_is_of(tmp_path, folder, of):
    (tmp_path / folder).mkdir()
    table = load(write(tmp_path / folder / "BTCUSDT-1m-2024-11.csv", KLINE, kline(0)))
    assert table.report.kind is Kind.PRICES
    assert values(table.frame, "of", "close") == [(of, 4.0)]


def test_trades_turn_makers_into_takers(tmp_path):
    head = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
    rows = [f"7,62000.5,0.25,9,10,{MS},true", f"8,62001,1,11,11,{MS},False"]
    for lines in ([head, *rows], rows):
        frame = load(write(tmp_path / "BTCUSDT-aggTrades-2024-11-01.csv", *lines)).frame
        assert values(frame, "id", "side", "price", "size") == [
            ("7", -1, 62000.5, 0.25),
            ("8", 1, 62001.0, 1.0),
        ]
    spot = [f"{row},true" for row in rows]
    assert len(load(write(tmp_path / "BTCUSDT-aggTrades-2024-11-02.csv", *spot)).frame) == 2
    single = write(
        tmp_path / "BTCUSD_PERP-trades-2024-11-01.csv",
        "id,price,qty,base_qty,time,is_buyer_maker",
        f"1,62000,12,0.0001,{MS},true",
    )
    table = load(single)
    assert values(table.frame, "side", "size") == [(-1, 12.0)]
    assert table.report.size_unit == "contracts"


def test_metrics_are_known_at_the_last_sample_they_hold(tmp_path):
    sample = "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"  # noqa: E501
    rows = [f"2024-11-01 00:{m:02d}:00,BTCUSDT,80000,5e9,1.5,,1.2,0.9" for m in (0, 5, 10)]
    own = load(write(tmp_path / "BTCUSDT-metrics-2024-11-01.csv", sample, *rows))
    assert own.frame["known_at"].to_list() == own.frame["time"].to_list()
    assert own.frame["top_positions_ratio"].null_count() == 3
    hourly = [f"2024-11-01 0{h}:00:00,80000,5e9,1.5,1.1,1.2,0.9" for h in range(3)]
    head = sample.replace("create_time,symbol", "time")
    table = load(write(tmp_path / "BTCUSDT-metrics-1h.csv", head, *hourly))
    assert table.frame["known_at"][1] == at("2024-11-01T01:55:00")
    assert len(table.known(at("2024-11-01T01:54:59"))) == 1
    assert len(table.known(at("2024-11-01T01:55:00"))) == 2


def test_missing_points_of_a_grid_are_counted(tmp_path):
    lines = [KLINE, *(kline(i) for i in (0, 1, 2, 5))]
    report = load(write(tmp_path / "DOTUSDT-1m.csv", *lines)).report
    assert "DOTUSDT: 2 of 6 points of the 60 s grid are missing" in report.notes[-1]
    assert "2024-11-01 00:02:00" in report.notes[-1]


def test_a_liquidation_written_twice_counts_once(tmp_path):
    head = "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,last_fill_quantity,accumulated_fill_quantity"  # noqa: E501
    row = f"{MS},BUY,LIMIT,IOC,5,62000,61990,FILLED,5,5"
    other = row.replace("BUY", "SELL")
    table = load(
        write(tmp_path / "BTCUSD_PERP-liquidationSnapshot-2024-01-01.zip", head, row, row, other)
    )
    assert table.frame["side"].to_list() == [1, -1]
    assert table.report.dropped == {"the same row again (the venue writes each event twice)": 1}
    assert table.report.size_unit == "contracts"
    named = head.replace("time,side", "time,symbol,side"), row.replace(",BUY", ",BTCUSDT,BUY")
    frame = load(write(tmp_path / "x.csv", *named)).frame
    assert frame["symbol"].to_list() == ["BTCUSDT"]


def test_book_depth_funding_and_quotes_of_binance(tmp_path):
    depth = write(
        tmp_path / "BTCUSDT-bookDepth-2024-11-01.csv",
        "timestamp,percentage,depth,notional",
        *(f"2024-11-01 00:00:08,{p},{abs(p) * 100},{abs(p) * 6e6}" for p in (-1, -0.2, 0.2, 1)),
    )
    assert load(depth).frame["percent"].to_list() == [-1.0, -0.2, 0.2, 1.0]
    head = "calc_time,funding_interval_hours,last_funding_rate"
    funding = load(write(tmp_path / "BTCUSDT-fundingRate-2024-11.csv", head, f"{MS + 3},8,-0.0001"))
    assert values(funding.frame, "rate", "interval_hours") == [(-0.0001, 8.0)]
    ticker = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"  # noqa: E501
    rows = f"1,100,2,100.1,3,{MS},{MS + 4}"
    quote = load(write(tmp_path / "BTCUSDT-bookTicker-2024-01-01.csv", ticker, rows)).frame
    assert quote["known_at"][0] == at("2024-11-01T00:00:00.004")


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


@pytest.mark.parametrize(
    ("head", "stamps"),
    [
        ("timestamp,open,high,low,close,volume", ["1730419200", "1730422800"]),
        ("Date,Open,High,Low,Close,Volume", ["2024-11-01", "2024-11-02"]),
        ("datetime,open,high,low,close", ["2024-11-01T00:00:00Z", "2024-11-01T01:00:00Z"]),
    ],
)
def test_plain_candles(tmp_path, head, stamps):
    rows = [f"{stamp},1,2,0.5,1.5" + ",7" * ("olume" in head) for stamp in reversed(stamps)]
    table = load(write(tmp_path / "candles.csv", head, *rows))
    first, second = table.frame["time"]
    assert first == at("2024-11-01T00:00:00")
    assert table.frame["known_at"].to_list() == [second, second + (second - first)]


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


GOOD = [KLINE, *(kline(i) for i in range(4))]


def spoilt(line: int, text: str) -> list[str]:
    return [*GOOD[: line - 1], text, *GOOD[line:]]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], r"line 1: the file is empty"),
        ([KLINE], r"line 1: the file has a header and no rows"),
        (spoilt(3, kline(1).replace("4.0", "four", 1)), r"line 3: open is 'four', allowed is a nu"),
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

"""Files of Binance Vision and plain candles load into the schema of their kind."""

from __future__ import annotations

import pytest

pytest.importorskip("polars")

from squeezegym.data.load import load
from squeezegym.data.schema import SCHEMAS, Kind
from tests.unit.loading import KLINE, MS, at, kline, values, write


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


def test_inverse_contracts_say_what_their_values_are_in(tmp_path):
    table = load(write(tmp_path / "BTCUSD_PERP-1m-2024-11.csv", KLINE, kline(0)))
    assert table.report.size_unit == "contracts"
    assert "what is named quote volume or value is in base" in table.report.notes[-1]


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

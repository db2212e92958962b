"""A few made-up rows of every format that is read, with their real headers, as files' bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

MS = 1_730_419_200_000  # 2024-11-01
US = MS * 1_000
ROWS = range(4)

CANDLE = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore"
)
_METRICS = (
    "sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
_FORCED = (
    "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
    "last_fill_quantity,accumulated_fill_quantity"
)
_PRINT = (
    "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,"
    "foreignNotional"
)
_CONTEXT = (
    "time,coin,funding,open_interest,prev_day_px,day_ntl_vlm,premium,oracle_px,mark_px,mid_px,"
    "impact_bid_px,impact_ask_px"
)
_TICKER = (
    "funding_timestamp,funding_rate,predicted_funding_rate,open_interest,last_price,index_price,"
    "mark_price"
)
_LEVELS = "asks[0].price,asks[0].amount,bids[0].price,bids[0].amount"
_BEST = (
    "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"
)
_TARDIS = "exchange,symbol,timestamp,local_timestamp,"


class Sample(NamedTuple):
    """A file: its path below a folder, its lines, and the kind to ask for."""

    path: str
    lines: tuple[str, ...]
    kind: str | None = None

    @property
    def content(self) -> bytes:
        return "".join(line + "\n" for line in self.lines).encode()


def _candle(i: int) -> str:
    start = MS + 60_000 * i
    price = 4.5 + i / 8
    return (
        f"{start},{price},{price + 0.25},{price - 0.25},{price},10.5,{start + 59_999},47.25,3,"
        "6.5,24.75,0"
    )


def _tardis(name: str, columns: str, *rests: str, kind: str | None = None) -> Sample:
    rows = (
        f"binance-futures,BTCUSDT,{US + 7 * i},{US + 7 * i + 900},{rest}"
        for i, rest in enumerate(rests)
    )
    return Sample(f"{name}/BTCUSDT.csv", (_TARDIS + columns, *rows), kind)


def _texts() -> Iterator[Sample]:
    candles = tuple(_candle(i) for i in ROWS)
    yield Sample("klines/DOTUSDT-1m-2024-11.csv", (CANDLE, *candles))
    yield Sample("klines/DOTUSDT-1m-2024-10.csv", candles)
    yield Sample("premiumIndexKlines/DOTUSDT-1m-2024-11.csv", (CANDLE, *candles))
    trades = tuple(f"{7 + i},62000.5,0.25,{9 + i},{9 + i},{MS + 50 * i},true" for i in ROWS)
    yield Sample("BTCUSDT-aggTrades-2024-11-01.csv", trades)
    head = "id,price,qty,quote_qty,time,is_buyer_maker"
    rows = (f"{7 + i},62000.5,0.25,15500.125,{MS + 50 * i},false" for i in ROWS)
    yield Sample("BTCUSDT-trades-2024-11-01.csv", (head, *rows))
    rows = (f"{7 + i},62000.5,0.25,62000.75,3,{MS + 50 * i},{MS + 50 * i + 4}" for i in ROWS)
    yield Sample("BTCUSDT-bookTicker-2024-01-01.csv", (_BEST, *rows))
    rows = (f"2024-11-01 00:00:08,{p},{abs(p) * 112.5},{abs(p) * 6250000.5}" for p in (-1, 1, 2, 3))
    yield Sample("BTCUSDT-bookDepth-2024-11-01.csv", ("timestamp,percentage,depth,notional", *rows))
    rows = (f"2024-11-01 00:{5 * i:02d}:00,BTCUSDT,80000.5,5e9,1.5,1.25,1.75,0.75" for i in ROWS)
    yield Sample("BTCUSDT-metrics-2024-11-01.csv", (f"create_time,symbol,{_METRICS}", *rows))
    rows = (f"{MS + 28_800_000 * i + 3},8,-0.0001{i}" for i in ROWS)
    head = "calc_time,funding_interval_hours,last_funding_rate"
    yield Sample("BTCUSDT-fundingRate-2024-11.csv", (head, *rows))
    rows = (f"{MS + 50 * (i // 2)},BUY,LIMIT,IOC,5,62000.5,61990.5,FILLED,5,5" for i in ROWS)
    yield Sample("BTCUSD_PERP-liquidationSnapshot-2024-01-01.csv", (_FORCED, *rows))
    rows = (f"173041920{i}.123456,BTCUSDT,Sell,0.25,62000.5,PlusTick,id{i},1,0.25,1" for i in ROWS)
    yield Sample("BTCUSDT2024-11-01.csv", (_PRINT, *rows))
    rows = (f"2018-12-05D00:00:2{i}.948313001,XBTUSD,Buy,100,3900.5,,id{i},1,0.25,1" for i in ROWS)
    yield Sample("20181205.csv", (_PRINT, *rows))
    rows = (f"2018-12-05D00:00:2{i}.948313001,XBTUSD,100,3900.5,3901.5,150" for i in ROWS)
    yield Sample("quote.csv", ("timestamp,symbol,bidSize,bidPrice,askPrice,askSize", *rows))
    rows = (f"{i},{MS + 50 * i},62000.5,0.25,sell,0" for i in ROWS)
    yield Sample("BTCUSDT_spot.csv", ("id,timestamp,price,volume,side,rpi", *rows))
    rows = (f"{i},buy,3.5,62000.5,{MS + 50 * i}" for i in ROWS)
    yield Sample("BTC-USDT-SWAP.csv", ("trade_id,side,size,price,created_time", *rows))
    rows = (f"2024-06-12T00:0{i}:00Z,BTC,0.0000125,100.5,1.5,2.5,,3.5,3.25,,," for i in ROWS)
    yield Sample("20240612.csv", (_CONTEXT, *rows))
    rows = (f"2024-11-0{1 + i},4.5,4.75,4.25,4.5,7.5" for i in ROWS)
    yield Sample("candles.csv", ("Date,Open,High,Low,Close,Volume", *rows))
    head = "coin,side,size,entry_price,leverage,leverage_type,liquidation_price"
    rows = (f"BTC,SHORT,2.5,100.5,1{i},isolated,109.5" for i in ROWS)
    yield Sample("positions.csv", (head, *rows))
    rows = (f"3420{i}.017459617,1,{11 + i},21,2238200,1" for i in ROWS)
    yield Sample("AAPL_2012-06-21_34200000_57600000_message_10.csv", tuple(rows))
    rows = ("2239500,100,2231800,100" for _ in ROWS)
    yield Sample("AAPL_2012-06-21_34200000_57600000_orderbook_1.csv", tuple(rows))


def _of_tardis() -> Iterator[Sample]:
    prints = tuple(f"{i},buy,62000.5,0.25" for i in ROWS)
    yield _tardis("trades", "id,side,price,amount", *prints)
    yield _tardis("any", "id,side,price,amount", *prints, kind="liquidations")
    changes = "true,bid,100.5,1.5", "true,ask,101.5,1.5", "false,ask,101.5,0", "false,ask,102.5,2"
    yield _tardis("incremental_book_L2", "is_snapshot,side,price,amount", *changes)
    yield _tardis("book_snapshot_1", _LEVELS, *("101.5,1.5,100.5,2.5" for _ in ROWS))
    yield _tardis(
        "quotes", "ask_amount,ask_price,bid_price,bid_amount", *("3.5,101.5,100.5,2.5",) * 4
    )
    tickers = f"{US},0.0001,,,62000.5,62001.5,62002.5", ",,,80000.5,,,", ",,,80001.5,,,"
    yield _tardis("derivative_ticker", _TICKER, *tickers)


def _raw(stream: str, data: dict[str, Any], i: int) -> str:
    return f"{(MS + i) * 1_000_000} " + json.dumps({"stream": f"btcusdt@{stream}", "data": data})


def _jsons() -> Iterator[Sample]:
    trade = {"s": "BTCUSDT", "p": "100.5", "q": "2.5", "m": True, "X": "MARKET"}
    book = {"lastUpdateId": 1, "E": MS, "T": MS, "bids": [["99.5", "2.5"]], "asks": [["101", "3"]]}
    diff = {"s": "BTCUSDT", "b": [["99.5", "1.5"]], "a": []}
    quote = {"s": "BTCUSDT", "b": "99.5", "B": "1.5", "a": "101.5", "A": "2.5"}
    order = {"s": "BTCUSDT", "S": "BUY", "q": "3.5", "p": "101.5", "ap": "100.5"}
    capture = [f"{MS * 1_000_000} " + json.dumps(book)]
    for i in ROWS:
        when = {"E": MS + i, "T": MS + i}
        capture.append(_raw("trade", trade | when | {"t": i}, i))
        capture.append(_raw("depth@0ms", diff | when | {"U": i + 1, "u": i + 1, "pu": i}, i))
        capture.append(_raw("bookTicker", quote | when | {"u": i}, i))
    for kind in ("trades", "deltas", "quotes", "snapshots"):
        yield Sample("raw.txt", tuple(capture), kind)
    forced = (_raw("forceOrder", {"E": MS + i, "o": order | {"T": MS + i}}, i) for i in ROWS)
    yield Sample("forced.txt", tuple(forced), "liquidations")
    rows = []
    for i in ROWS:
        data = {"s": "BTCUSDT", "b": [["99.5", "1.5"]], "a": [["101.5", "1.5"]], "u": i, "seq": i}
        kind = "delta" if i else "snapshot"
        head = {"topic": "orderbook.500.BTCUSDT", "type": kind, "ts": MS + i}
        rows.append(json.dumps(head | {"data": data}))
    yield Sample("ob500.data", tuple(rows))
    fill = {"coin": "BTC", "px": "100.5", "sz": "2.5", "side": "B", "crossed": True, "dir": "Buy"}
    fills = tuple(json.dumps(["0xa", fill | {"time": MS + i, "tid": i}]) for i in ROWS)
    yield Sample("fills", fills)
    levels = [[{"px": "99.5", "sz": "2.5", "n": 1}], [{"px": "101.5", "sz": "3.5", "n": 2}]]
    books = (json.dumps({"coin": "BTC", "time": MS + i, "levels": levels}) for i in ROWS)
    yield Sample("BTC", tuple(books))
    wallet = {"coin": "BTC", "side": "LONG", "size": 2.5, "entry_px": 100.5, "leverage_value": 5}
    yield Sample("whales.json", (json.dumps([wallet, wallet | {"side": "SHORT"}]),))
    tier = {"tier": 1, "minNotional": 0, "maxNotional": 50_000, "maintenanceMarginRate": 0.004}
    tier |= {"maxLeverage": 125, "info": {"cum": "0.0"}}
    yield Sample("tiers.json", (json.dumps({"BTCUSDT": [tier]}),))


SAMPLES = (*_texts(), *_of_tardis(), *_jsons())
"""One file of every format."""

"""Every recorded file loads, with the counts and ranges that its SOURCE.md states."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

pl = pytest.importorskip("polars")

from squeezegym.cli import main  # noqa: E402
from squeezegym.data.load import load  # noqa: E402
from squeezegym.data.schema import SCHEMAS  # noqa: E402

RAW = {  # lines, depth, bookTicker, trade, lowest and highest price, volume
    "usdm_btcusdt_20240808": (93_954, 6_551, 66_089, 21_313, 61590.3, 61839.9, 2429.4),
    "spot_btcusdt_20240808": (41_249, 3_451, 28_040, 9_757, 61583.0, 61861.0, 212.0),
    "spot_btcusdt_20240809": (58_325, 3_044, 45_134, 10_147, 61556.0, 61744.0, 225.9),
    "cm_btcusd_perp_20240808": (48_270, 26_847, 19_136, 2_286, 61610.0, 61845.0, 83_241.0),
}


def test_every_file_loads(shared):
    files = [
        path
        for path in sorted((shared / "data").rglob("*"))
        if path.is_file() and path.suffix != ".md" and "LICENSE" not in path.name
    ]
    assert len(files) == 18
    for path in files:
        table = load(path)
        assert dict(table.frame.schema) == SCHEMAS[table.report.kind], path.name
        assert table.report.kept == len(table.frame) > 0
        assert table.report.dropped == {}, path.name
        late = table.frame.filter(pl.col("known_at") < pl.col("time"))
        assert late.is_empty(), path.name


@pytest.mark.parametrize("name", RAW)
def test_captures_hold_what_is_stated(shared, name):
    lines, depth, quotes, trades, low, high, volume = RAW[name]
    table = load(shared / f"data/binance-raw-2024-08-08/{name}.gz")
    assert (table.report.rows, table.report.kept) == (lines, trades)
    assert f"{quotes:,} bookTicker, {depth:,} depth" in table.report.notes[0]
    price = table.frame["price"]
    # Spot's range is stated to the dollar.
    assert (price.min(), price.max()) == pytest.approx((low, high), abs=0.6)
    assert table.frame["size"].sum() == pytest.approx(volume, abs=0.06)


@pytest.mark.parametrize(("symbol", "low", "high"), [("DOTUSDT", 3.66, 10.51), ("NEARUSDT", 0, 99)])
def test_candles_are_a_complete_month(shared, symbol, low, high):
    table = load(shared / f"data/binance-klines-1m-2024-11/{symbol}-1m-2024-11.csv.gz")
    assert table.report.kept == 43_200
    assert not any("missing" in note for note in table.report.notes)
    if symbol == "DOTUSDT":
        assert table.frame["low"].min() == pytest.approx(low, abs=0.01)
        assert table.frame["high"].max() == pytest.approx(high, abs=0.01)


def test_hourly_metrics_are_known_five_minutes_before_the_next(shared):
    folder = shared / "data/binance-metrics-2023-01"
    table = load(folder / "BTCUSDT-metrics-1h-2023-01-13_14.csv")
    assert table.report.kept == 48
    hour = datetime(2023, 1, 13, 21, tzinfo=UTC)
    row = table.frame.filter(pl.col("time") == hour).row(0, named=True)
    assert row["known_at"] == hour.replace(minute=55)
    assert len(table.known(hour.replace(minute=54))) == 21
    interest = table.frame["open_interest"]
    assert interest.pct_change().min() == pytest.approx(-0.104, abs=0.001)
    assert {115_958, 99_625} <= set(interest.round().to_list())
    assert load(folder / "BTCUSDT-metrics-1h-2024-08-08.csv").report.kept == 30


def test_positions_have_the_stated_sides(shared):
    folder = shared / "data/hyperliquid-positions-2026"
    frame = load(folder / "whales_btc.json").frame
    sides = frame.group_by("side").agg(pl.len(), pl.col("size").sum()).sort("side").rows()
    assert [(side, count) for side, count, _ in sides] == [(-1, 60), (1, 74)]
    assert [size for *_, size in sides] == pytest.approx([7290, 7104], abs=1)
    assert len(frame) - frame["liquidation"].null_count() == 131
    assert load(folder / "near_liquidation_positions.csv").report.kept == 15


def test_brackets_and_events(shared):
    folder = shared / "data"
    brackets = load(folder / "binance-leverage-tiers/binance_leverage_tiers.json.gz").frame
    assert brackets["symbol"].n_unique() == 349
    lobster = folder / "lobster-aapl-l10"
    name = "AAPL_2012-06-21_34200000_57600000"
    events = load(lobster / f"{name}_message_10.csv").frame
    counted = dict(events.group_by("type").len().rows())
    assert counted == {1: 471, 3: 369, 4: 98, 5: 61}
    assert load(lobster / f"{name}_orderbook_10.csv").report.kept == 999 * 20


def test_tables_of_venues_hold_the_stated_ranges(shared):
    folder = shared / "data/perps-hourly-2025"
    candles = load(folder / "candles.parquet").frame
    assert candles["time"].max() < datetime(2025, 10, 1, tzinfo=UTC)
    binance = candles.filter((pl.col("venue") == "binance") & (pl.col("symbol") == "BTC"))
    steps = binance["time"].diff().drop_nulls().unique().to_list()
    assert [step.total_seconds() for step in steps] == [3600]
    assert load(folder / "funding_rates.parquet").frame["time"].max() < candles["known_at"].max()
    totals = load(folder / "liquidation_volume.parquet").frame
    assert (totals["longs"] + totals["shorts"] <= totals["total"] * (1 + 1e-9)).all()
    assert totals["known_at"][0].day == totals["time"][0].day + 1


def test_the_command_says_what_a_file_is(shared, tmp_path, capsys):
    path = str(shared / "data/binance-metrics-2023-01/BTCUSDT-metrics-1h-2024-08-08.csv")
    out = tmp_path / "rows.parquet"
    assert main(["data", "check", path, "-o", str(out)]) == 0
    assert "30" in capsys.readouterr().out
    assert len(pl.read_parquet(out)) == 30
    assert main(["data", "check", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "metrics"
    broken = tmp_path / "broken.csv"
    broken.write_text("time,open,high,low,close\n2024-01-01,1,2,1,oops\n")
    assert main(["data", "check", str(broken), "-o", str(out.with_name("no.parquet"))]) == 2
    assert "broken.csv, line 2: close is 'oops'" in capsys.readouterr().err
    assert not out.with_name("no.parquet").exists()

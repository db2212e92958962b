"""Proximity on what was recorded: the squeeze of 2023-01-13, the altcoin months, a real book."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import numpy as np
import pytest

pl = pytest.importorskip("polars")

from squeezegym.data.chain import chances, survival_weights  # noqa: E402
from squeezegym.data.from_data import scenario_from_data  # noqa: E402
from squeezegym.data.history import follow_metrics, hourly  # noqa: E402
from squeezegym.data.impact import DISPLACED  # noqa: E402
from squeezegym.data.labels import find_squeezes  # noqa: E402
from squeezegym.data.load import load  # noqa: E402
from squeezegym.data.proximity_market import market_chances, with_map  # noqa: E402
from squeezegym.data.situation import Files, situation  # noqa: E402
from squeezegym.rules import Margin  # noqa: E402

BRACKETS = Margin(table="btcusdt").brackets
DEPTH_QUOTE = 16e6


def test_the_squeeze_of_january_2023_comes_from_above(shared):
    """Before the rise what waits is above; after it below the price there is little left."""
    folder = shared / "data/binance-metrics-2023-01"
    rows = load(folder / "BTCUSDT-metrics-1h-2023-01-13_14.csv").frame
    above, below, up, down = {}, {}, {}, {}
    for moment in follow_metrics(rows, BRACKETS, depth_quote=DEPTH_QUOTE):
        key = moment.at.strftime("%d %H")
        above[key], below[key] = (np.median(moment.waiting.within(s, 0.05)) for s in (1, -1))
        if key in ("13 15", "13 20", "14 00"):
            weights = survival_weights(moment.waiting, moment.impact, 24, paths=512, step_s=60.0)
            both = chances(
                moment.waiting, moment.impact, 86_400, paths=512, weights=weights, step_s=60.0
            )
            up[key], down[key] = (chance.probability for chance in both)
    assert len(above) == 42
    assert above["13 20"] > 3 * below["13 20"]
    assert above["14 00"] > 20 * below["14 00"]
    assert up["13 15"] > 0.05 > down["13 15"]
    assert up["13 20"] > down["13 20"]


@pytest.mark.parametrize(
    ("symbol", "when"),
    [("DOTUSDT", [datetime(2024, 11, 23)]), ("NEARUSDT", [datetime(2024, 11, 10)])],
)
def test_the_rule_finds_the_known_squeezes(shared, symbol, when):
    rows = load(shared / f"data/binance-klines-1m-2024-11/{symbol}-1m-2024-11.csv.gz").frame
    hours = hourly(rows)
    assert len(hours) == 720
    found = find_squeezes(hours)
    days = {at.date() for at in hours["known_at"].filter(pl.Series(found.begins)).to_list()}
    assert {day.date() for day in when} <= days
    assert len(days) <= 5


def test_the_rule_finds_the_rallies_of_2025(shared):
    rows = load(shared / "data/perps-hourly-2025/candles.parquet").frame
    for coin, day in (("BTC", (4, 9)), ("SOL", (4, 9)), ("ETH", (8, 22)), ("DOGE", (8, 22))):
        mine = rows.filter((pl.col("venue") == "binance") & (pl.col("symbol") == coin))
        found = find_squeezes(mine)
        days = {at.date() for at in mine["known_at"].filter(pl.Series(found.begins)).to_list()}
        assert datetime(2025, *day).date() in days, coin


@pytest.fixture(scope="module")
def recorded(shared):
    folder = shared / "data/binance-raw-2024-08-08"
    spot = [folder / f"spot_btcusdt_2024080{day}.gz" for day in (8, 9)]
    metrics = shared / "data/binance-metrics-2023-01/BTCUSDT-metrics-1h-2024-08-08.csv"
    at = datetime(2024, 8, 8, 23, 58, tzinfo=UTC)
    files = Files(metrics=metrics, book=[folder / "usdm_btcusdt_20240808.gz"], spot=spot, at=at)
    return files, situation(files, BRACKETS, draws=16)


@pytest.mark.slow
def test_a_real_book_measures_depth_and_flow(recorded):
    _, moment = recorded
    assert moment.at == datetime(2024, 8, 8, 23, 55, tzinfo=UTC)
    assert np.median(moment.impact.within_10bps) == pytest.approx(260, rel=0.15)
    assert moment.impact.flow_sd[0] == pytest.approx(14.8, rel=0.05)
    assert moment.impact.volatility == pytest.approx(1.2e-4, rel=0.05)
    # What a minute's flow displaces, over its volatility: taken where the depth is unknown.
    minute = moment.impact.flow_sd[0] * np.sqrt(60)
    displaced = 1e-3 * (minute / 262.3) ** (1 / 0.67)
    assert displaced / (moment.impact.volatility * np.sqrt(60)) == pytest.approx(
        DISPLACED, abs=0.02
    )


@pytest.mark.slow
def test_the_full_market_starts_from_the_map(recorded):
    files, moment = recorded
    scenario = scenario_from_data(str(files.book[0]), os.pathsep.join(map(str, files.spot)))
    mapped = with_map(scenario, moment.waiting)
    assert mapped.positions is not None
    lots = np.array(mapped.positions.lots)
    size = mapped.contract.lot_size
    assert -lots[lots < 0].sum() * size == pytest.approx(
        moment.waiting.shorts.mean(0).sum(), rel=0.02
    )
    found = market_chances(mapped, range(4), 20)
    assert found.up == 0 and found.up_interval[1] < 0.6
    assert found.largest_rise < 0.01

"""The recorded Binance session of 2024-08-08: read without a gap, measured within sane ranges."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from squeezegym.data.binance_raw import read_capture
from squeezegym.data.capture import Capture
from squeezegym.data.measure import basis_ticks, extend_depth, measure, to_grid
from squeezegym.data.recorded import read_recorded
from tests.unit.tardis_files import as_tardis

SHARED = Path(__file__).parents[2] / "../shared/data/binance-raw-2024-08-08"
FILES = {
    "usdm": ["usdm_btcusdt_20240808.gz"],
    "spot": ["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"],
    "cm": ["cm_btcusd_perp_20240808.gz"],
}

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the recorded data under ../shared is not here"
)


@pytest.fixture(scope="session")
def captures() -> Mapping[str, Capture]:
    return {
        market: read_capture([SHARED / name for name in names]) for market, names in FILES.items()
    }


@pytest.mark.parametrize(
    ("market", "symbol", "tick", "lot", "lines", "applied", "dropped", "checked"),
    [
        ("usdm", "BTCUSDT", 0.1, 0.001, 93_954, 6_547, 4, 629),
        ("spot", "BTCUSDT", 0.01, 1e-6, 99_574, 6_493, 2, 1_072),
        ("cm", "BTCUSD_PERP", 0.1, 1.0, 48_270, 26_824, 23, 1_124),
    ],
)
def test_the_book_is_rebuilt_and_agrees_with_every_shared_quote(
    captures: Mapping[str, Capture],
    market: str,
    symbol: str,
    tick: float,
    lot: float,
    lines: int,
    applied: int,
    dropped: int,
    checked: int,
) -> None:
    capture = captures[market]
    checks = capture.checks

    assert (capture.market, capture.symbol) == (market, symbol)
    assert (capture.tick_size, capture.lot_size) == (tick, lot)
    assert (checks.lines, checks.diffs_applied, checks.diffs_dropped) == (lines, applied, dropped)
    assert (checks.tickers_checked, checks.ticker_mismatches) == (checked, 0)
    assert (checks.snapshots_ignored, checks.trades_dropped) == (0, 0)
    assert -1280 < checks.clock_offset_ms < -1260
    assert (capture.diffs["bid_ticks"] < capture.diffs["ask_ticks"]).all()
    assert (np.diff(capture.diffs["time_ns"]) >= 0).all()
    assert len(capture.start.bids) == len(capture.start.asks) == 1_000


def test_the_second_spot_file_continues_the_first(captures: Mapping[str, Capture]) -> None:
    first = read_capture([SHARED / FILES["spot"][0]])

    assert 345 < first.duration_s < 347
    assert 650 < captures["spot"].duration_s < 651
    assert first.start.bids.tolist() == captures["spot"].start.bids.tolist()


@pytest.mark.parametrize("market", ["usdm", "spot"])
def test_measured_numbers_are_sane(captures: Mapping[str, Capture], market: str) -> None:
    measured = measure(captures[market])
    price = measured.mid_ticks * measured.tick_size

    assert 61_500 < price < 61_900
    assert measured.spread.median_ticks == 1.0
    assert 1.0 <= measured.spread.time_weighted_ticks < 5.0
    flow = measured.aggressors
    assert 5 < flow.orders_per_s < 30
    assert flow.orders_per_s < flow.prints_per_s
    assert flow.hill_exponent is not None
    assert 0.8 < flow.hill_exponent < 2.0
    assert 0.4 < flow.buy_share < 0.6
    assert flow.notional_per_s is not None
    assert 1e4 < flow.notional_per_s < 1e6
    assert 0.0 < flow.sign_autocorrelation < 0.6
    assert 0.5 < flow.branching_ratio < 1.0
    limits = measured.limits
    assert 50 < limits.near_cancels_per_s < limits.cancels_per_s
    assert 50 < limits.near_adds_per_s < limits.adds_per_s
    assert 0.6 < limits.trade_lots_explained_share < 1.0
    assert 5e-5 < measured.returns.volatility_1s < 5e-4
    json.dumps(measured.to_dict(), allow_nan=False)


@pytest.mark.parametrize("market", ["usdm", "spot", "cm"])
def test_depth_grows_with_distance(captures: Mapping[str, Capture], market: str) -> None:
    depth = measure(captures[market]).depth
    bids = [band.bid_lots for band in depth.bands]
    asks = [band.ask_lots for band in depth.bands]

    assert bids == sorted(bids)
    assert asks == sorted(asks)
    assert depth.snapshot_bid_bps > 20
    assert depth.snapshot_ask_bps > 20


def test_the_perp_stands_below_spot(captures: Mapping[str, Capture]) -> None:
    assert -400 < basis_ticks(captures["usdm"], captures["spot"]) < -100


def test_spot_levels_on_the_perp_grid_keep_their_size(captures: Mapping[str, Capture]) -> None:
    spot, perp = captures["spot"], captures["usdm"]
    sizes = (spot.tick_size, perp.tick_size, spot.lot_size, perp.lot_size)
    bids = to_grid(spot.start.bids, *sizes, side="bid")
    asks = to_grid(spot.start.asks, *sizes, side="ask")

    assert bids[0, 0] < asks[0, 0]
    for moved, levels in ((bids, spot.start.bids), (asks, spot.start.asks)):
        assert abs(int(moved[:, 1].sum()) * 1_000 - int(levels[:, 1].sum())) <= 500


def test_extended_depth_reaches_further_and_stays_plausible(
    captures: Mapping[str, Capture],
) -> None:
    start = captures["usdm"].start
    out = extend_depth(start.asks, start.mid_ticks, to_bp=100)
    reach_bps = (int(out.levels[-1, 0]) / start.mid_ticks - 1) * 1e4
    ratio = int(out.levels[:, 1].sum()) / int(start.asks[:, 1].sum())

    assert 99 < reach_bps <= 100
    assert 1.5 < ratio < 6.0


@pytest.mark.slow
def test_the_book_is_the_same_from_the_tables_of_tardis(
    captures: Mapping[str, Capture], tmp_path: Path
) -> None:
    """The session of the perp, written as Tardis writes it and rebuilt from those rows."""
    pytest.importorskip("polars")
    raw = captures["usdm"]
    files = as_tardis(SHARED / FILES["usdm"][0], tmp_path, "binance-futures", "BTCUSDT")
    found = read_recorded(files)

    assert (found.market, found.symbol) == ("usdm", "BTCUSDT")
    assert (found.tick_size, found.lot_size) == (raw.tick_size, raw.lot_size)
    assert found.start.bids.tolist() == raw.start.bids.tolist()
    assert found.end.bids.tolist() == raw.end.bids.tolist()
    assert found.end.asks.tolist() == raw.end.asks.tolist()
    assert found.checks.restarts == 0
    assert found.changes["delta_lots"].sum() == raw.changes["delta_lots"].sum()
    span = (found.start_ns <= raw.trades["time_ns"]) & (raw.trades["time_ns"] <= found.end_ns)
    assert found.trades.tolist() == raw.trades[span].tolist()
    one, other = measure(raw), measure(found)
    assert other.aggressors.orders_per_s == pytest.approx(one.aggressors.orders_per_s, rel=0.02)

"""Stylised facts of recorded markets: the estimators give what the literature says of them."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from squeezegym.data.binance_raw import read_capture
from squeezegym.theory import basis, flow, liquidity, powerlaw, returns
from squeezegym.theory.facts import TARGETS

FILES = {"usdm": "usdm_btcusdt_20240808.gz", "spot": "spot_btcusdt_20240808.gz"}
MINUTES = "data/binance-klines-1m-2024-11/{}-1m-2024-11.csv.gz"


@pytest.fixture(scope="module")
def captures(shared):
    folder = shared / "data/binance-raw-2024-08-08"
    return {market: read_capture([folder / name]) for market, name in FILES.items()}


def quotes(capture):
    """Times in s and touch in quote; of quotes at one time the last."""
    tops = capture.tops
    times = np.maximum.accumulate(tops["time_ns"])
    last = np.r_[np.diff(times) > 0, True]
    bids, asks = tops["bid_ticks"][last], tops["ask_ticks"][last]
    return times[last] / 1e9, bids * capture.tick_size, asks * capture.tick_size


def inside(name, estimate):
    return TARGETS[name].low <= estimate <= TARGETS[name].high


@pytest.mark.parametrize("symbol", ["DOTUSDT", "NEARUSDT"])
def test_a_month_of_minutes(shared, symbol):
    """Fat tails, long memory of volatility, nearly diffusive prices, volume with volatility."""
    with gzip.open(shared / MINUTES.format(symbol), "rt") as lines:
        close, volume = np.loadtxt(lines, delimiter=",", skiprows=1, usecols=(4, 5)).T
    moves = np.diff(np.log(close))
    assert inside("tail_index", powerlaw.tail_index(moves))
    assert inside("absolute_decay", returns.absolute_decay(moves, 5, 300))
    assert inside("volume_volatility", returns.volume_volatility(volume[1:], moves))
    assert returns.excess_kurtosis(moves) > 5
    assert returns.excess_kurtosis(moves, 240) < returns.excess_kurtosis(moves)
    assert returns.signature_ratio(moves, 1, 30) == pytest.approx(1.07, abs=0.05)


@pytest.mark.parametrize("market", FILES)
def test_signs_of_orders_have_a_long_memory(captures, market):
    trades = captures[market].trades
    new = np.r_[True, np.diff(trades["time_ns"]) != 0] | np.r_[True, np.diff(trades["side"]) != 0]
    signs = trades["side"][new].astype(float)
    assert flow.sign_autocorrelation(signs, 1) > 0.15
    assert inside("sign_decay", flow.sign_decay(signs, 2, 100))


@pytest.mark.parametrize(("market", "tick"), [("usdm", 0.1), ("spot", 0.01)])
def test_the_median_spread_is_one_tick(captures, market, tick):
    times, bids, asks = quotes(captures[market])
    stood = np.diff(times, append=times[-1])
    one_tick = tick / np.median(bids) * 1e4
    assert liquidity.median_spread_bps(bids, asks, stood) == pytest.approx(one_tick, rel=0.01)
    assert liquidity.mean_spread_bps(bids, asks, stood) > one_tick


def test_the_perp_leads_spot_and_stays_near_it(captures):
    paths = []
    for market in FILES:
        times, bids, asks = quotes(captures[market])
        mids = (bids + asks) / 2
        moved = np.r_[True, np.diff(mids) != 0]
        paths += [times[moved], mids[moved]]
    start, end = max(paths[0][0], paths[2][0]), min(paths[0][-1], paths[2][-1])
    grid = np.arange(start, end, 0.1)
    perp, spot = (
        mids[np.searchsorted(times, grid, side="right") - 1]
        for times, mids in (paths[:2], paths[2:])
    )
    assert 0 < basis.lead_lag(*paths, np.arange(-100, 101) / 100) <= 0.05
    assert basis.correlation(*paths) > 0.4
    assert basis.mean_basis_bps(perp, spot) == pytest.approx(-3.7, abs=0.2)
    assert 0.1 < basis.basis_half_life(perp, spot, 0.1) < 5

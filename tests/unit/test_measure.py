"""Synthetic captures with known answers, and the two functions that reshape a side of the book."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezegym.data.capture import (
    CHANGE_DTYPE,
    TOP_DTYPE,
    TRADE_DTYPE,
    Book,
    Capture,
    Checks,
    LevelArray,
    RecordArray,
)
from squeezegym.data.measure import basis_ticks, extend_depth, measure, to_grid
from squeezegym.errors import DataError

S = 1_000_000_000
T0 = 1_700_000_000 * S
CHECKS = Checks(0, 0, 0, 0, 0, 0, 0, 0, 0.0)


def side(*levels: tuple[int, int]) -> LevelArray:
    return np.array(levels, np.int64).reshape(-1, 2)


BIDS = side((9_999, 10), (9_998, 20), (9_990, 30))
ASKS = side((10_001, 5), (10_002, 15), (10_010, 40))
BOOK = Book(T0, 100, BIDS, ASKS)


def table(dtype: np.dtype[np.void], rows: Sequence[tuple[Any, ...]]) -> RecordArray:
    return np.array(list(rows), dtype=dtype)


def top(second: float, bid: int, ask: int, update_id: int = 0) -> tuple[int, ...]:
    return (T0 + int(second * S), update_id, bid, 1, ask, 1)


def fill(second: float, price: int, lots: int, sign: int) -> tuple[int, ...]:
    return (T0 + int(second * S), price, lots, sign)


def capture(seconds: float = 4.0, **fields: Any) -> Capture:
    """A calm market: a quote a second, one buy and one sell, one diff, one sample."""
    rows: dict[str, Any] = {
        "tops": [top(i, 9_999, 10_001) for i in range(int(seconds) + 1)],
        "trades": [fill(1, 10_001, 2, 1), fill(2, 9_999, 3, -1)],
        "diffs": [top(seconds, 9_999, 10_001, 140)],
        "changes": [],
        **{key: fields.pop(key) for key in ("tops", "trades", "diffs", "changes") & fields.keys()},
    }
    whole = Capture(
        symbol="XUSDT",
        market="usdm",
        tick_size=0.5,
        lot_size=0.1,
        start_ns=T0,
        end_ns=T0 + int(seconds * S),
        start=BOOK,
        end=BOOK,
        trades=table(TRADE_DTYPE, rows["trades"]),
        tops=table(TOP_DTYPE, rows["tops"]),
        diffs=table(TOP_DTYPE, rows["diffs"]),
        changes=table(CHANGE_DTYPE, rows["changes"]),
        depth_samples=(BOOK,),
        checks=CHECKS,
    )
    return replace(whole, **fields)


def test_spread_by_quote_and_by_time() -> None:
    tops = [top(0, 100, 101), top(3, 100, 103), top(4, 100, 108)]
    spread = measure(capture(tops=tops)).spread

    assert spread.mean_ticks == 4.0
    assert spread.median_ticks == 3.0
    assert spread.time_weighted_ticks == (3 * 1 + 1 * 3) / 4


def test_prints_of_one_ms_and_side_are_one_aggressor_order() -> None:
    trades = [
        fill(1, 100, 2, 1),
        fill(1, 101, 6, 1),
        fill(1, 99, 1, -1),
        fill(2, 100, 8, 1),
        fill(3, 100, 1, -1),
    ]
    flow = measure(capture(trades=trades)).aggressors

    assert flow.orders == 4
    assert (flow.orders_per_s, flow.prints_per_s) == (1.0, 1.25)
    assert flow.mean_lots == (8 + 1 + 8 + 1) / 4
    assert flow.log_mean == pytest.approx(np.log(8) / 2)
    assert flow.log_sd == pytest.approx(np.log(8) / 2)
    assert (flow.buy_share, flow.buy_lots_share) == (0.5, 16 / 18)
    assert flow.lots_per_s == 4.5
    traded = 2 * 100 + 6 * 101 + 99 + 800 + 100
    assert flow.notional_per_s == pytest.approx(traded * 0.5 * 0.1 / 4)
    assert flow.sign_autocorrelation == pytest.approx(-3 / 4)
    assert flow.hill_exponent is None


def test_inverse_contracts_have_no_notional_in_quote() -> None:
    assert measure(capture(market="cm")).aggressors.notional_per_s is None


def test_hill_finds_the_exponent_of_a_pareto_tail() -> None:
    rng = np.random.default_rng(1)
    sizes = np.ceil(1e4 * rng.pareto(1.5, 20_000) + 1e4).astype(int)
    trades = [fill(i * 1e-3, 100, int(size), 1) for i, size in enumerate(sizes)]

    assert measure(capture(20, trades=trades)).aggressors.hill_exponent == pytest.approx(1.5, 0.1)


def test_branching_ratio_is_small_for_poisson_and_closed_form_for_bursts() -> None:
    rng = np.random.default_rng(2)
    poisson = [fill(t, 100, 1, 1) for t in np.sort(rng.uniform(0, 1000, 5_000))]
    burst_times = [10 * i + 1e-3 * j for i in range(100) for j in range(10 if i % 2 else 90)]
    bursts = [fill(t, 100, 1, 1) for t in burst_times]

    assert measure(capture(1000, trades=poisson)).aggressors.branching_ratio < 0.1
    expected = 1 - np.sqrt(50 / (40**2 * 100 / 99))
    found = measure(capture(1000, trades=bursts)).aggressors.branching_ratio
    assert found == pytest.approx(expected)


def test_decreases_beyond_the_trades_of_their_diff_are_cancels() -> None:
    limits = measure(
        capture(
            diffs=[top(1, 9_999, 10_001, 120), top(2, 9_999, 10_001, 140)],
            trades=[
                fill(0.9, 10_001, 2, 1),
                fill(1.0, 10_001, 1, 1),
                fill(1.5, 9_999, 4, -1),
                fill(3.0, 9_999, 9, -1),
            ],
            changes=[
                (0, -1, 10_001, -3),
                (0, 1, 9_999, -3),
                (1, 1, 9_999, -6),
                (1, 1, 9_998, 5),
                (1, -1, 10_500, 7),
                (1, -1, 10_600, -1),
            ],
        )
    ).limits

    assert limits.diffs_per_s == 1.0
    assert (limits.adds_per_s, limits.near_adds_per_s) == (1.0, 0.5)
    assert (limits.cancels_per_s, limits.near_cancels_per_s) == (1.5, 1.0)
    assert (limits.add_mean_lots, limits.cancel_mean_lots) == (5.0, 2.5)
    assert limits.trade_lots_explained_share == 1.0
    assert limits.update_ids_per_s == 20.0
    assert limits.quotes_per_s == 1.25


def test_depth_bands_and_profile_and_coverage() -> None:
    bids = side((9_900, 7), (9_899, 1))
    low = Book(T0 + S, 0, bids, side((9_902, 9)))
    depth = measure(capture(depth_samples=(BOOK, low))).depth

    bands = {band.within_bps: band for band in depth.bands}
    assert (depth.snapshot_bid_bps, depth.snapshot_ask_bps) == (10.0, 10.0)
    assert (bands[1.0].bid_lots, bands[1.0].ask_lots) == (10 / 2, 5 / 2)
    assert (bands[2.0].bid_lots, bands[2.0].ask_lots) == ((30 + 7) / 2, (20 + 9) / 2)
    assert bands[10.0].bid_covered_lots == 60
    assert (bands[10.0].bid_covered_share, bands[10.0].ask_covered_share) == (0.5, 1.0)
    assert bands[25.0].bid_covered_lots is None
    assert bands[25.0].ask_covered_lots == 9
    first, second = depth.profile[:2]
    assert (first.from_ticks, first.to_ticks, first.bid_lots) == (0, 1, (10 + 7) / 2)
    assert (second.bid_lots, second.bid_covered_lots, second.ask_lots) == (10.5, 20, 7.5)


def test_returns_on_a_zigzag() -> None:
    tops = [top(i, 9_999 + 10 * (i % 2), 10_001 + 10 * (i % 2)) for i in range(41)]
    returns = measure(capture(40, tops=tops)).returns

    step = np.log(10_010 / 10_000)
    assert returns.volatility_1s == pytest.approx(step)
    assert returns.variance_per_s_1s == pytest.approx(step**2)
    assert returns.variance_per_s_100ms == pytest.approx(step**2)
    assert returns.variance_per_s_10s == 0.0
    assert (returns.first_mid_ticks, returns.last_mid_ticks) == (10_000, 10_000)


def test_the_result_is_json() -> None:
    market = measure(capture())
    again = json.loads(json.dumps(market.to_dict(), allow_nan=False))

    assert again["mid_ticks"] == 10_000.0
    assert again["duration_s"] == 4.0
    assert again["depth"]["bands"][0]["within_bps"] == 1.0


@pytest.mark.parametrize(
    "fields",
    [{"seconds": 1.0}, {"tops": []}, {"trades": []}, {"depth_samples": ()}],
    ids=["short", "no quotes", "no trades", "no samples"],
)
def test_a_capture_too_short_to_measure_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"XUSDT: the capture has .*, allowed is .*; record longer"):
        measure(capture(**fields))


def test_basis_is_in_ticks_of_the_perp() -> None:
    perp = capture(tops=[top(0, 199, 201), top(2, 209, 211)])
    spot = capture(tops=[top(1, 9_899, 9_901)], tick_size=0.01)

    assert basis_ticks(perp, spot) == pytest.approx((105 - 99) / 0.5)
    later = replace(spot, start_ns=T0 + 9 * S, end_ns=T0 + 10 * S)
    with pytest.raises(DataError, match="allowed are captures that overlap"):
        basis_ticks(perp, later)


def test_to_grid_rounds_bids_down_and_asks_up() -> None:
    grid = {"from_tick": 0.01, "to_tick": 0.1, "from_lot": 1e-5, "to_lot": 1e-3}
    levels = side((1_239, 1_000), (1_231, 2_000), (1_230, 40), (1_229, 35))
    up = side((1_240, 100), (1_241, 200), (1_249, 300))

    assert to_grid(levels, **grid, side="bid").tolist() == [[123, 30], [122, 1]]
    assert to_grid(up, **grid, side="ask").tolist() == [[124, 1], [125, 5]]
    assert to_grid(side(), **grid, side="ask").tolist() == []


@given(
    lots=st.lists(st.integers(1, 10**9), min_size=1, max_size=50),
    gaps=st.lists(st.integers(1, 30), min_size=50, max_size=50),
    name=st.sampled_from(["bid", "ask"]),
)
def test_to_grid_keeps_sizes_within_a_lot_and_order(
    lots: list[int], gaps: list[int], name: Any
) -> None:
    sign = 1 if name == "bid" else -1
    ticks = 100_000 - sign * np.cumsum(gaps[: len(lots)])
    levels = np.stack([ticks, np.array(lots)], axis=1)
    moved = to_grid(levels, 0.01, 0.1, 1e-5, 1e-3, side=name)

    assert abs(int(moved[:, 1].sum()) * 100 - sum(lots)) <= 50
    assert (moved[:, 1] > 0).all()
    assert (np.diff(sign * moved[:, 0]) < 0).all()
    assert set((sign * moved[:, 0]).tolist()) <= set((sign * ticks // 10).tolist())


def test_to_grid_refuses_another_side_and_size() -> None:
    with pytest.raises(DataError, match="side is 'buy', allowed is 'bid' or 'ask'"):
        to_grid(BIDS, 1, 1, 1, 1, side="buy")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"lot sizes are 1 and 0, allowed is above 0"):
        to_grid(BIDS, 1, 1, 1, 0, side="bid")


@pytest.mark.parametrize("sign", [-1, 1], ids=["bids", "asks"])
def test_extend_depth_follows_the_power_law(sign: int) -> None:
    mid, exponent, last = 100_000.0, -0.33, 300
    law = 1_000 * np.arange(last + 1) ** (exponent + 1)
    measured = np.diff(np.rint(law)).astype(np.int64)
    levels = np.stack([mid + sign * np.arange(1, last + 1), measured], axis=1).astype(np.int64)
    out = extend_depth(levels, mid, exponent, to_bp=100)
    added = out.levels[out.is_extrapolated]

    assert (out.levels[: len(levels)] == levels).all()
    assert not out.is_extrapolated[: len(levels)].any()
    assert added[0, 0] == mid + sign * 301
    assert added[-1, 0] == mid + sign * 1_000
    expected = 1_000 * (np.arange(301, 1_001) ** 0.67 - 300**0.67)
    assert np.abs(np.cumsum(added[:, 1]) - expected).max() <= 1 + 1e-4 * expected[-1]


def test_extend_depth_with_exponent_zero_is_flat() -> None:
    asks = side(*((1_000 + 10 * i, 8) for i in range(1, 31)))
    out = extend_depth(asks, 1_000.0, exponent=0.0, to_bp=4_000)

    assert out.levels[out.is_extrapolated].tolist() == [[1_300 + 10 * i, 8] for i in range(1, 11)]
    coarse = extend_depth(asks, 1_000.0, exponent=0.0, to_bp=4_000, step_ticks=50)
    assert coarse.levels[coarse.is_extrapolated].tolist() == [[1_350, 40], [1_400, 40]]
    assert not extend_depth(asks, 1_000.0, to_bp=1_000).is_extrapolated.any()


def test_extend_depth_refuses_what_it_cannot_continue() -> None:
    with pytest.raises(DataError, match=r"has 2 levels, allowed is at least 3"):
        extend_depth(BIDS[:2], 10_000.0)
    with pytest.raises(DataError, match="allowed is one side of the book, best price first"):
        extend_depth(np.concatenate([BIDS, ASKS]), 10_000.0)
    with pytest.raises(DataError, match="allowed is one side of the book, best price first"):
        extend_depth(BIDS[::-1], 10_000.0)
    with pytest.raises(DataError, match=r"exponent is -1.0, allowed is above -1"):
        extend_depth(BIDS, 10_000.0, exponent=-1.0)

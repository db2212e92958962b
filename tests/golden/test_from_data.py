"""A market started from the recorded Binance session of 2024-08-08."""

from __future__ import annotations

import os
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import squeezegym  # noqa: F401  (registers the environments)
from squeezegym import Market
from squeezegym.codes import FIRST_HOLDER_SLOT, Venue
from squeezegym.data.binance_raw import read_capture
from squeezegym.data.capture import LevelArray
from squeezegym.data.from_data import describe_data, scenario_from_data
from squeezegym.data.measure import to_grid

SHARED = Path(__file__).parents[2] / "../shared/data"
RAW = SHARED / "binance-raw-2024-08-08"
WHALES = str(SHARED / "hyperliquid-positions-2026/whales_btc.json")
NEAR = str(SHARED / "hyperliquid-positions-2026/near_liquidation_positions.csv")
PERP = str(RAW / "usdm_btcusdt_20240808.gz")
SPOT = os.pathsep.join(str(RAW / f"spot_btcusdt_{day}.gz") for day in ("20240808", "20240809"))

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the recorded data under ../shared is not here"
)


def _top(market: Market, venue: Venue) -> tuple[list[list[int]], list[list[int]]]:
    bids, asks = market.levels(20, venue)
    return [list(level[:2]) for level in bids], [list(level[:2]) for level in asks]


def _best(bids: LevelArray, asks: LevelArray) -> tuple[list[list[int]], list[list[int]]]:
    return bids[:20].tolist(), asks[:20].tolist()


def test_the_opening_books_are_the_captures_to_the_tick_and_lot() -> None:
    market = Market(scenario_from_data(PERP, SPOT), seed=1)
    perp = read_capture([PERP])
    spot = read_capture(SPOT.split(os.pathsep))
    sizes = (spot.tick_size, perp.tick_size, spot.lot_size, perp.lot_size)
    bids = to_grid(spot.start.bids, *sizes, side="bid")
    asks = to_grid(spot.start.asks, *sizes, side="ask")

    assert market.time == 0
    assert _top(market, Venue.PERP) == _best(perp.start.bids, perp.start.asks)
    assert _top(market, Venue.SPOT) == _best(bids, asks)
    assert market.mid(Venue.PERP) == perp.start.mid_ticks
    deep = market.levels(784, Venue.PERP)
    for side, levels in zip(deep, (perp.start.bids, perp.start.asks), strict=True):
        assert [list(level[:2]) for level in side] == levels[:784].tolist()


@pytest.mark.parametrize(
    "more",
    [
        {"spot": SPOT},
        {},
        {"spot": SPOT, "positions": WHALES},
        {"spot": SPOT, "positions": NEAR},
        {"spot": SPOT, "open_interest": 9000.0},
    ],
    ids=["spot", "no-spot", "whales", "near", "open-interest"],
)
def test_it_runs_and_conserves(more: dict[str, str]) -> None:
    market = Market(scenario_from_data(PERP, **more), seed=2)  # type: ignore[arg-type]
    market.run(5)

    assert market.ledger()["sum"] == (0, 0, 0)
    assert market.problems() == []
    assert 200 < market.events / 5 < 3_000


def test_flow_and_depth_stay_near_what_was_measured() -> None:
    scenario = scenario_from_data(PERP, SPOT)
    market = Market(scenario, seed=3)
    market.run(20)
    mid = market.mid()
    bids, asks = market.levels(4_096)
    near = [sum(q for p, q, _ in side if abs(p - mid) <= mid * 1e-3) for side in (bids, asks)]

    assert 300 < market.events / 20 < 1_500
    assert scenario.noise.perp.persistence == pytest.approx((1 + 0.2104) / 2, abs=1e-3)
    assert scenario.noise.perp.branching <= 0.5
    assert 0.5 < sum(near) / 2 * 1e-3 / scenario.depth.perp.within_10bps_base < 2


def test_extrapolated_levels_are_marked_and_start_where_the_capture_ends() -> None:
    scenario = scenario_from_data(PERP, SPOT)
    dump = scenario.dump()["depth"]
    mid = scenario.contract.price / scenario.contract.tick_size

    for venue in ("perp", "spot"):
        for side in ("bids", "asks"):
            marks = [mark for _, _, mark in dump[venue][side]]
            first = marks.index(True)
            distance = [d for d, _, _ in dump[venue][side]]
            assert not any(marks[:first])
            assert all(marks[first:])
            assert len(marks) - first == 128
            assert 20 < distance[first] / mid * 1e4 < 40
            assert 195 < distance[-1] / mid * 1e4 <= 201


def test_triggers_are_the_files_liquidation_prices() -> None:
    scenario = scenario_from_data(PERP, SPOT, positions=WHALES)
    market = Market(scenario, seed=1)
    accounts = market.record["accounts"][FIRST_HOLDER_SLOT : FIRST_HOLDER_SLOT + 134]
    factor = scenario.contract.price / 91_349

    assert (accounts["perp"] > 0).sum() == 74
    assert (accounts["perp"] < 0).sum() == 60
    expected = {1: 113_707.36, 3: 64_800.77}  # by position in the file, quote
    for row, price in expected.items():
        assert accounts["trigger"][row] * 0.1 == pytest.approx(price * factor, rel=1e-3)
    notes = describe_data(PERP, SPOT, positions=WHALES)
    assert any("multiplied by 0.6765" in note for note in notes)


def test_the_open_interest_is_drawn_on_each_side() -> None:
    market = Market(scenario_from_data(PERP, SPOT, open_interest=9000.0), seed=1)
    perp = market.record["accounts"]["perp"][FIRST_HOLDER_SLOT:]

    assert perp[perp > 0].sum() * 0.001 == pytest.approx(9000, rel=0.01)
    assert -perp[perp < 0].sum() * 0.001 == pytest.approx(9000, rel=0.01)


def test_the_environment_resets_and_steps() -> None:
    env = gym.make("squeezegym/FromData-v0", book=PERP, spot=SPOT, horizon_s=5.0)
    observation, _ = env.reset(seed=1)
    assert env.observation_space.contains(observation)
    for _ in range(50):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        assert np.isfinite(reward)
        assert not terminated
    assert truncated
    env.close()

"""Barrier, index and chance of a cascade, against closed forms."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from statistics import NormalDist

import numpy as np
import pytest

from squeezegym.data import chain
from squeezegym.data.chain import chances, survival_weights, wilson
from squeezegym.data.fold import dynamic_index, fold
from squeezegym.data.impact import POWER, Impact
from squeezegym.data.liquidation_map import WIDTH, LiquidationMap
from squeezegym.data.proximity import proximity
from squeezegym.errors import ConfigError, DataError

BUCKETS = 500


def impact(draws: int = 1, depth: float = 100.0, flow: float = 5.0, **more) -> Impact:
    values = {"volatility": 1e-4, "refill_s": 30.0, "engine_s": 2.0} | more
    return Impact(
        np.full(draws, depth),
        np.full(draws, flow),
        values["volatility"],
        np.full(draws, values["refill_s"]),
        np.full(draws, values["engine_s"]),
    )


def waiting(shorts: dict[int, float], draws: int = 1, longs: dict[int, float] | None = None):
    sides = []
    for amounts in (shorts, longs or {}):
        side = np.zeros((draws, BUCKETS))
        for place, base in amounts.items():
            side[:, place] = base
        sides.append(side)
    return LiquidationMap(100.0, sides[0], sides[1])


def test_a_cluster_makes_a_barrier_and_ends_where_the_book_has_taken_it():
    depth = 10.0 * np.arange(1, BUCKETS + 1)[None, :]
    forced = np.zeros((1, BUCKETS))
    forced[0, 20:25] = 100.0  # 500 base where the book holds 50
    found = fold(depth, forced)
    assert found.barrier[0] == pytest.approx(200.0)
    assert found.ignition[0] == pytest.approx(20 * WIDTH)
    # S = 10 i reaches Q0 + D = 200 + 500 at bucket 70.
    assert found.end[0] == pytest.approx(70 * WIDTH)
    assert found.forced[0] == pytest.approx(500.0)
    assert found.index[0] == pytest.approx(5.0)
    assert found.near[0] == 0


def test_small_dips_are_no_cascade_and_none_means_infinite():
    depth = 10.0 * np.arange(1, BUCKETS + 1)[None, :]
    forced = np.zeros((1, BUCKETS))
    forced[0, 20] = 60.0  # a jump of half a percent
    found = fold(depth, forced)
    assert np.isinf(found.barrier[0]) and found.forced[0] == 0
    assert fold(depth, forced, least=0.004).barrier[0] == pytest.approx(200.0)


def test_what_stands_at_the_price_needs_no_push():
    depth = 10.0 * np.arange(1, BUCKETS + 1)[None, :]
    forced = np.zeros((1, BUCKETS))
    forced[0, 0] = 1_000.0
    found = fold(depth, forced)
    assert found.barrier[0] == 0 and found.end[0] == pytest.approx(0.1)
    beyond = fold(depth, forced * 100)
    assert beyond.end[0] == pytest.approx(BUCKETS * WIDTH)


def test_dynamic_index_in_its_limits():
    one = np.ones(1)
    # Instant engine: everything counts; slow engine: what lasts; no lasting part.
    assert dynamic_index(one, 0.5 * one, 1e-9 * one)[0] == pytest.approx(1.5, rel=1e-3)
    assert dynamic_index(one, 0.5 * one, 1e9 * one)[0] == pytest.approx(0.5)
    for pace in (0.2, 1.0, 4.0):
        found = dynamic_index(one, 1e-9 * one, pace * one)[0]
        assert found == pytest.approx(1 / (1 + np.sqrt(pace)) ** 2, rel=1e-3)


@pytest.mark.parametrize("n", [0.2, 0.5, 0.8])
def test_the_chain_gives_the_geometric_sum_of_a_subcritical_market(n):
    """One push into a linear book: all generations together are Q / (1 - n)."""
    shorts = np.full((1, 4_000), 10.0 * n)
    noise = np.zeros((1, 400))
    noise[0, 0] = 1_000.0
    out = np.zeros((1, 4))
    one = np.ones(1)
    chain._run(
        noise,
        shorts,
        np.zeros_like(shorts),
        10.0 * one,  # base within 10 bp
        0 * one,
        one,
        one,
        np.array([1.0, WIDTH]),
        out,
    )
    assert out[0, 2] == pytest.approx(1_000 * n / (1 - n), rel=0.02)
    assert out[0, 0] == pytest.approx(100 * WIDTH * n / (1 - n), rel=0.02)


def test_no_liquidations_no_cascade():
    up, down = chances(waiting({}), impact(flow=50.0), 3_600, paths=64)
    assert (up.probability, down.probability, up.forced, up.rise) == (0.0, 0.0, 0.0, None)
    assert up.low == 0 < up.high


def test_a_cluster_above_threatens_upwards_only_and_more_so_when_nearer():
    lively = impact(volatility=2e-4)
    far = chances(waiting({60: 5_000.0}), lively, 3_600, paths=1_024, seed=2)
    near = chances(waiting({10: 5_000.0}), lively, 3_600, paths=1_024, seed=2)
    assert near[0].probability > 0.2 > far[0].probability
    assert near[1].probability == far[1].probability == 0
    mirrored = waiting({}, longs={10: 5_000.0})
    below = chances(mirrored, lively, 3_600, paths=1_024, seed=2)
    assert below[0].probability == 0
    assert below[1].probability == pytest.approx(near[0].probability, abs=0.06)


def test_the_chance_of_reaching_a_trigger_is_that_of_the_flow():
    """One huge cluster and a book that does not matter: the chance is that of a first passage."""
    distance, volatility = 20 * WIDTH, 3e-4
    deep = impact(depth=1e9, flow=5.0, volatility=volatility)
    up, _ = chances(waiting({19: 1e12}), deep, 7_200, paths=8_000, seed=4)
    # Seen every 10 s the trigger is as if farther away (Broadie, Glasserman and Kou 1997).
    distance += 0.5826 * volatility * np.sqrt(10)
    expected = 2 * (1 - NormalDist().cdf(distance / (volatility * np.sqrt(7_200))))
    assert up.probability == pytest.approx(expected, abs=0.025)


def test_the_result_depends_on_the_seed_alone():
    args = waiting({10: 800.0}, draws=4), impact(draws=4, volatility=2e-4), 3_600
    first, again = (chances(*args, paths=256, seed=7)[0] for _ in range(2))
    assert first == again
    assert chances(*args, paths=256, seed=8)[0].forced != first.forced


def test_draws_that_contradict_the_past_weigh_less():
    maps = waiting({5: 5_000.0}, draws=2)
    maps.shorts[1] = 0.0
    weights = survival_weights(maps, impact(draws=2), 24, paths=512)
    assert weights[0] < 0.05 < 0.95 < weights[1]
    assert survival_weights(maps, impact(draws=2), 0) == pytest.approx([0.5, 0.5])
    told = chances(maps, impact(draws=2), 3_600, paths=512, weights=weights)[0]
    untold = chances(maps, impact(draws=2), 3_600, paths=512)[0]
    assert told.probability < untold.probability / 5


def test_bad_arguments_are_refused():
    with pytest.raises(ConfigError, match="the map has 1 draws and the depth 2"):
        chances(waiting({}), impact(draws=2), 3_600)
    with pytest.raises(ConfigError, match="the horizon must be at least 10 s"):
        chances(waiting({}), impact(), 1.0)
    with pytest.raises(ConfigError, match="must be above 0"):
        impact(depth=0.0)


def test_wilson_is_the_textbook_interval():
    assert wilson(5, 100) == pytest.approx((0.0215, 0.1118), abs=1e-4)
    assert wilson(0, 100) == pytest.approx((0.0, 0.0370), abs=1e-4)


def test_the_whole_answer_is_plain_data():
    maps = waiting({12: 2_000.0}, draws=4, longs={40: 10.0})
    at = datetime(2024, 11, 1, tzinfo=UTC)
    found = proximity(maps, impact(draws=4), at=at, horizons=(600.0,), paths=64, survived_h=0)
    assert found.up.share_waiting == 1 and found.down.share_waiting == 0
    assert found.up.barrier_base.middle == pytest.approx(100 * 12**POWER)
    assert found.up.barrier_quote.middle == pytest.approx(100 * 100 * 12**POWER)
    assert found.up.ignition.middle == pytest.approx(100 * np.exp(0.012))
    assert found.up.end.middle > found.up.ignition.middle
    assert found.down.barrier_base.middle is None
    assert found.up.within["2%"] == 2_000
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["at"] == "2024-11-01T00:00:00+00:00"
    assert set(plain["up"]["chances"]["600"]) >= {"probability", "low", "high"}
    assert len(plain["unknown"]) == 6


def candles(minutes: int = 200, taker: bool = True, flat: bool = False):
    pl = pytest.importorskip("polars")
    from squeezegym.data.schema import Kind, conform

    rng = np.random.default_rng(3)
    times = [datetime(2024, 11, 1, tzinfo=UTC) + timedelta(minutes=i) for i in range(minutes)]
    close = np.full(minutes, 4.0) if flat else 4 * np.exp(np.cumsum(rng.normal(0, 1e-3, minutes)))
    volume = rng.uniform(900, 1_100, minutes)
    bought = volume / 2 + rng.normal(0, 60, minutes)
    data = {"time": times, "known_at": [t + timedelta(minutes=1) for t in times], "close": close}
    data |= {"volume": volume} | ({"taker_volume": bought} if taker else {})
    return conform(pl.DataFrame(data), Kind.KLINES)


def test_impact_of_candles_measures_flow_and_volatility():
    from squeezegym.data.impact import impact_of_candles

    found = impact_of_candles(candles(), draws=256)
    assert found.volatility == pytest.approx(1e-3 / np.sqrt(60), rel=0.1)
    assert found.flow_sd[0] == pytest.approx(120 / np.sqrt(60), rel=0.15)
    # A minute's flow of 120 displaces 0.31 of a minute's 10 bp.
    assert np.median(found.within_10bps) == pytest.approx(120 / 0.31**POWER, rel=0.2)
    assert np.log(found.within_10bps).std() == pytest.approx(0.5, rel=0.2)
    told = impact_of_candles(candles(), depth=500.0, draws=256)
    assert np.median(told.within_10bps) == pytest.approx(500, rel=0.1)
    assert "guessed" in impact_of_candles(candles(taker=False)).notes[0]
    with pytest.raises(DataError, match="10 candles are given"):
        impact_of_candles(candles(10))
    with pytest.raises(DataError, match="do not trade or do not move"):
        impact_of_candles(candles(flat=True))

"""The table of stylised facts: pooled estimators, rows from made-up recordings, a short run."""

import math

import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.errors import ConfigError, DataError
from squeezegym.theory import calmfacts, pooled, squeezefacts
from squeezegym.theory.facts import TARGETS
from squeezegym.theory.recording import BANDS_BPS, record
from squeezegym.theory.validate import Material, Row, calm_markets, validate
from squeezegym.view.facts import facts_data, facts_markdown, inside
from tests.theory.recordings import recording

PERP, SPOT = 0, 1


def noise(n, t, seed=1):
    return np.random.default_rng(seed).standard_normal((n, t))


def material(market, fine=None, impacts=None, sizes=(1.0, 2.0)):
    return Material(market, fine, np.zeros((1, 2)) if impacts is None else impacts, sizes)


def walk(n=6, seconds=300, step_s=0.1, bps=1.0):
    moves = noise(n, round(seconds / step_s)) * bps * 1e-4 * math.sqrt(step_s)
    paths = 6e5 * np.exp(np.cumsum(moves, axis=1))
    return np.stack([paths, paths])


def estimate(table, name, got):
    sample = next(row[3] for row in table if row[0] == name)
    episodes, statistic = sample(got)
    return statistic(list(episodes))


def test_every_row_has_a_target_of_its_own():
    names = [row[0] for row in (*calmfacts.CALM, *squeezefacts.SQUEEZE)]
    assert len(set(names)) == len(names) and set(names) <= set(TARGETS)


def test_pooling_keeps_the_memory_that_short_means_would_take():
    rng = np.random.default_rng(3)
    level = np.repeat(rng.standard_normal(400), 1)
    episodes = [value + rng.standard_normal(200) for value in level]
    sums = pooled.lag_sums(episodes, [1, 50], 0.0)
    assert pooled.pooled_autocorrelations(sums) == pytest.approx([0.5, 0.5], abs=0.05)
    with pytest.raises(DataError, match="record longer"):
        pooled.pooled_autocorrelations(pooled.lag_sums([np.ones(3)], [5], 0.0))


def test_a_random_walk_is_what_it_is():
    got = material(recording(walk()))
    assert estimate(calmfacts.CALM, "volatility_bps", got) == pytest.approx(1.0, rel=0.05)
    assert estimate(calmfacts.CALM, "spread_ticks", got) == 1.0
    assert estimate(calmfacts.CALM, "one_tick_share", got) == 1.0
    assert estimate(calmfacts.CALM, "funding_bps", got) == pytest.approx(1.0)
    assert abs(estimate(calmfacts.CALM, "mean_basis_bps", got)) < 1e-9
    assert estimate(calmfacts.CALM, "tail_index", got) > 3.5


def test_the_leader_is_found():
    paths = walk(n=3, seconds=20, step_s=0.01)
    late = np.stack([paths[PERP], np.roll(paths[PERP], 7, axis=1)])
    late[SPOT, :, :7] = late[PERP, :, :1]
    fine = recording(late, step_s=0.01)
    assert estimate(calmfacts.CALM, "lead_lag", material(fine, fine)) == pytest.approx(0.07)


def test_the_size_of_metaorders_gives_the_exponent():
    sizes = (3.0, 10.0, 30.0)
    impacts = np.sqrt(sizes) + 0.01 * noise(20, 3)
    got = material(recording(walk()), None, impacts, sizes)
    assert estimate(calmfacts.CALM, "impact_exponent", got) == pytest.approx(0.5, abs=0.01)
    with pytest.raises(DataError, match="mean impact is -1"):
        pooled.size_exponent(sizes, -np.ones((5, 3)))


def test_a_squeeze_is_measured_where_it_ignited():
    n, t = 6, 3000
    paths = walk(n)
    taken = np.zeros((2, n, t))
    taken[1, :, 1500:] = 9.0  # all shorts at once, at 150 s
    taken[0, :, 2500:] = 1.0  # and longs later
    interest = np.full((n, t), 100.0)
    interest[:, 1500:] = 80.0
    spreads = np.ones((2, n, t))
    spreads[:, :, 1500:1520] = 40.0
    depth = np.ones((n, 300, len(BANDS_BPS), 2))
    depth[:, 151, 0] = 0.05
    ignition = np.full(n, 149.0)
    ignition[0] = np.nan
    got = material(
        recording(
            paths,
            liquidated=taken,
            open_interest=interest,
            spreads=spreads,
            depth=depth,
            ignition=ignition,
        )
    )
    found = {
        name: estimate(squeezefacts.SQUEEZE, name, got)
        for name in (
            "squeeze_top_minute",
            "squeeze_one_side",
            "open_interest_drop",
            "squeeze_spread",
            "depth_loss",
        )
    }
    assert found["squeeze_top_minute"] == pytest.approx(0.9)
    assert found["squeeze_one_side"] == pytest.approx(0.9)
    assert found["open_interest_drop"] == pytest.approx(0.2)
    assert found["squeeze_spread"] == pytest.approx(40.0)
    assert found["depth_loss"] == pytest.approx(0.95)
    assert len(squeezefacts.SQUEEZE[0][3](got)[0]) == 5


def test_counts_of_a_poisson_process_do_not_branch():
    rng = np.random.default_rng(1)
    assert pooled.counts_branching(rng.poisson(100, 5_000).astype(float)) < 0.03
    doubled = 4.0 * rng.poisson(25, 5_000)  # each brings three: 1 - 1 / 2
    assert pooled.counts_branching(doubled) == pytest.approx(0.5, abs=0.03)


def test_bad_lengths_are_refused():
    calm, squeeze = Scenario.load("calm"), Scenario.load("short_squeeze")
    with pytest.raises(ConfigError, match="hours"):
        calm_markets(0.0)
    with pytest.raises(ConfigError, match="episodes must lie between 5"):
        validate(calm, squeeze, episodes=1)


def test_a_row_without_an_estimate_says_why():
    rows = [Row("label", "estimator", "squeeze", None, "no episode ignited; run more")]
    assert "no episode ignited" in facts_markdown(rows, "title", "command")
    assert facts_data(rows)[0]["fact"] is None and inside(rows).startswith("0 of 1")


def test_a_recording_is_what_the_market_did():
    scenario = Scenario.load("calm")
    two = record(scenario, [5, 6], 10.0, depth_s=5.0)
    one = record(scenario, [6], 10.0, depth_s=5.0)
    assert np.array_equal(two.mids[:, 1:], one.mids)
    mine = two.of_market(1)
    assert np.array_equal(mine["base"], one.trades["base"]) and len(mine) > 50
    assert (np.diff(one.trades["time"]) >= 0).all()
    assert set(one.trades["sign"]) == {-1, 1}
    assert one.depth.shape == (1, 2, len(BANDS_BPS), 2)
    assert (np.diff(one.depth, axis=2) >= 0).all()
    assert np.isnan(one.ignition).all() and one.messages > 50


@pytest.mark.slow
def test_a_small_run_of_the_shipped_scenarios():
    rows = validate(
        Scenario.load("calm"), Scenario.load("short_squeeze"), hours=3.0, episodes=40, seed=77
    )
    verdicts = [row.fact.verdict for row in rows if row.fact is not None]
    assert len(verdicts) == len(rows) >= 25
    assert sum(verdict != "outside" for verdict in verdicts) >= 14
    assert "| verdict |" in facts_markdown(rows, "title", "command")

"""The squeeze is a spring: it comes from forced buying and from nothing else."""

import numpy as np
import pytest

from squeezegym.batch import Batch
from squeezegym.codes import NEVER, Command
from squeezegym.scenario import Scenario

SECOND = 1_000_000_000
START_S = 85  # before any catalyst


def prices(seeds, **overrides):
    """Perp mids once a second, (seconds, seeds), and the ignited seeds."""
    scenario = Scenario.load("short_squeeze", **overrides)
    batch = Batch.opened(scenario, seeds)
    batch.command(slice(None), Command.RUN)
    path = []
    for second in range(1, int(scenario.episode.horizon_s) + 1):
        batch.views["until"] = second * SECOND
        batch.advance()
        books = batch.markets["books"]
        path.append((books["best_bid"][:, 0] + books["best_ask"][:, 0]) / 2)
    score = batch.markets["score"]
    batch.close()
    return np.array(path), score["ignition"] != NEVER


def rise(path):
    """Largest rise over the price before the catalyst, relative."""
    return path[START_S:].max(0) / path[START_S] - 1


@pytest.fixture(scope="module")
def ignited_runs():
    """The three worlds of the first 100 ignited seeds: forced buying, absorbed, none."""
    seeds = np.arange(260)
    path, ignited = prices(seeds)
    chosen = seeds[ignited][:100]
    assert len(chosen) == 100
    worlds = {"book": rise(path)[chosen]}
    for destination in ("absorber", "off"):
        path, _ = prices(chosen, **{"liquidation.destination": destination})
        worlds[destination] = rise(path)
    return worlds


def test_absorbed_liquidations_leave_no_excess(ignited_runs):
    excess = ignited_runs["book"] - ignited_runs["off"]
    absorbed = ignited_runs["absorber"] - ignited_runs["off"]
    assert (np.abs(absorbed) < 0.05 * np.maximum(excess, 1e-12)).sum() >= 95


def test_forced_buying_at_least_doubles_the_rise(ignited_runs):
    assert np.median(ignited_runs["book"]) > 2 * np.median(ignited_runs["off"])
    assert np.median(ignited_runs["book"] - ignited_runs["off"]) > 0.005


def test_near_misses_and_quiet_episodes_rarely_squeeze():
    seeds = np.arange(60)
    for squeeze, near_miss, most in ((0.0, 0.0, 0.15), (0.0, 1.0, 0.45)):
        path, _ = prices(seeds, **{"catalyst.squeeze": squeeze, "catalyst.near_miss": near_miss})
        assert (rise(path) > 0.01).mean() <= most


def test_rise_jumps_across_the_ignition_barrier():
    seeds = np.arange(40)
    squeezed = []
    for size in (0.7, 2.6):
        path, _ = prices(
            seeds,
            **{"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0},
            **{"catalyst.squeeze_size": (size, size)},
        )
        squeezed.append((rise(path) > 0.01).mean())
    assert squeezed[0] <= 0.35 and squeezed[1] >= 0.9


def test_without_arbitrage_spot_stays():
    seeds = np.arange(16)
    base = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0, "catalyst.perp_share": 1.0}
    linked = Scenario.load("short_squeeze", **base)
    scenario = linked.model_copy(
        update={"arbitrage": linked.arbitrage.model_copy(update={"looks_per_s": 0.0})}
    )
    spot = []
    for world in (linked, scenario):
        batch = Batch(world, len(seeds))
        for row, seed in enumerate(seeds):
            batch.seed_row(row, int(seed))
        batch.command(slice(None), Command.RESET)
        batch.advance()
        start = batch.markets["books"]["best_bid"][:, 1].astype(float)
        batch.command(slice(None), Command.RUN)
        batch.views["until"] = 250 * SECOND
        batch.advance()
        spot.append(np.median(batch.markets["books"]["best_bid"][:, 1] / start - 1))
        batch.close()
    assert spot[0] > 2 * abs(spot[1])

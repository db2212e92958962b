"""Determinism (DESIGN 8.4): the same bytes, however the market is run."""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from squeezegym import Market
from squeezegym.batch import Batch
from squeezegym.codes import Command
from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario
from tests.conftest import ROOT
from tests.kernels import SMALL, read_book, same, small_market
from tests.property.trajectory import QUICK, run

SEEDS = tuple(range(40, 64))


def scenario():
    return Scenario.load("short_squeeze", **SMALL)


def run_batch(seeds, threads, ends=(0.5, 2.5, 6.0)):
    batch = Batch(scenario(), len(seeds), threads)
    for row, seed in enumerate(seeds):
        batch.seed_row(row, seed)
    batch.command(slice(None), Command.RESET)
    batch.advance()
    for end in ends:
        batch.command(slice(None), Command.RUN)
        batch.views["until"] = round(end * 1e9)
        # Every row acts in its own way.
        batch.views["target"] = np.sin(np.array(seeds) + end)
        batch.views["aggression"] = np.cos(np.array(seeds) * end)
        batch.views["has_action"] = 1
        batch.advance()
    batch.close()
    return batch


def assert_same_rows(mine, other):
    assert same(mine.markets, other.markets)
    assert same(mine.views, other.views)


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_the_same_seed_gives_the_same_bytes():
    assert run(seed=3, steps=8) == run(seed=3, steps=8)
    assert run(seed=3, steps=8) != run(seed=4, steps=8)


def test_rows_of_a_batch_equal_single_markets():
    batch = run_batch(SEEDS, threads=1)
    for row in (0, 7, len(SEEDS) - 1):
        single = run_batch(SEEDS[row : row + 1], threads=1)
        assert same(batch.markets[row], single.markets[0])
        assert same(batch.views[row], single.views[0])


def test_order_of_rows_does_not_matter():
    forth, back = run_batch(SEEDS, threads=1), run_batch(SEEDS[::-1], threads=1)
    assert same(forth.markets, back.markets[::-1])


def test_threads_do_not_matter():
    one, two = run_batch(SEEDS, threads=1), run_batch(SEEDS, threads=2)
    assert (one.threads, two.threads) == (1, 2)
    assert_same_rows(one, two)


def test_steps_of_the_caller_do_not_matter():
    # Without a learner's action it does not matter where the run is cut.
    coarse, fine = small_market(seed=5), small_market(seed=5)
    coarse._run_until(6_000_000_000)
    for k in range(1, 61):
        fine._run_until(k * 100_000_000)
    for field in ("accounts", "books", "marks", "score", "flow", "clock"):
        assert same(coarse.record[field], fine.record[field]), field


def test_a_skipped_row_stays_as_it_is():
    batch = run_batch(SEEDS[:3], threads=1)
    rows = batch.markets.view(np.uint8).reshape(3, -1)  # a copy of records may drop padding
    before = rows.copy()
    batch.command(slice(None), Command.RUN)
    batch.command(1, Command.SKIP)
    batch.views["until"] = 7_000_000_000
    batch.advance()
    assert (rows[1] == before[1]).all()
    assert (rows[0] != before[0]).any()


def visible(batch, row=0):
    """What a market is, without what old episodes left in unused slots."""
    record = batch.markets[row]
    fields = ("clock", "marks", "flow", "score", "engine")
    return [
        *(record[field].tobytes() for field in fields),
        *(read_book(record["books"][venue]) for venue in range(2)),
        *(record["accounts"][f].tobytes() for f in ("quote", "perp", "spot", "cost", "fees")),
        batch.views[row].tobytes(),
    ]


def test_a_reset_forgets_the_episode_before():
    used = run_batch(SEEDS[:1], threads=1)
    fresh = Batch(scenario(), 1, 1)
    for batch in (used, fresh):
        batch.views[:] = np.zeros_like(batch.views)
        batch.seed_row(0, 99)
        batch.command(0, Command.RESET)
        batch.advance()
        assert batch.views["observation"].any()
    assert visible(used) == visible(fresh)
    for k in range(1, 40):
        for batch in (used, fresh):
            batch.command(0, Command.RUN)
            batch.views["until"] = k * 100_000_000
            batch.views["target"], batch.views["aggression"] = (-1) ** k, k % 3 - 1
            batch.views["has_action"] = 1
            batch.advance()
        assert visible(used) == visible(fresh)


@pytest.mark.nojit
def test_a_restored_snapshot_continues_bit_for_bit():
    market = small_market(**QUICK)
    market.run(0.55)
    state = pickle.loads(pickle.dumps(market.snapshot()))
    market.run(1.7)
    market.restore(state)
    assert market.time == 0.55
    other = small_market(seed=123, **QUICK)
    other.restore(state)
    market.run(1.0)
    other.run(1.0)
    straight = small_market(**QUICK)
    straight.run(0.55)
    straight.run(1.0)
    for again in (market, other):
        assert same(again.record, straight.record)
    np.testing.assert_array_equal(market.series(), straight.series())


def test_a_snapshot_keeps_the_samples_up_to_its_time():
    market = small_market()
    for tenths in range(1, 180):
        market.run(0.1)
        n = len(market.series())
        market.restore(market.snapshot())
        assert len(market.series()) == n, tenths


def test_a_snapshot_of_another_scenario_is_refused():
    market = small_market()
    other = small_market(**{"liquidation.fund_quote": 1.0})
    with pytest.raises(ConfigError, match="belongs to scenario"):
        market.restore(other.snapshot())


def test_a_rule_does_not_reshuffle_the_noise_of_others():
    # Common random numbers: streams move alike whatever the rule of liquidation.
    book = small_market(seed=6)
    off = small_market(seed=6, **{"liquidation.destination": "off"})
    for market in (book, off):
        market.run(12.0)
    assert book.record["score"]["liquidations"].sum() > 0
    same = [0, 3, 4, 5, 6, 8, 9, 11]  # populations whose arrivals do not answer the market
    np.testing.assert_array_equal(
        book.record["clock"]["rng"][same], off.record["clock"]["rng"][same]
    )


def test_the_interpreter_gives_what_the_compiler_gives():
    out = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.property.trajectory"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    interpreted = json.loads(out.stdout)
    assert interpreted["events"] > 100 and sum(interpreted["liquidations"]) > 0
    assert interpreted == run()


@pytest.mark.slow
def test_processes_agree():
    code = (
        "from squeezegym import Market; import hashlib; m = Market('short_squeeze', seed=5);"
        "m.run(20); print(hashlib.sha256(m.record.tobytes()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(found) == 1
    market = Market("short_squeeze", seed=5)
    market.run(20)

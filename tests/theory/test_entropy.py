"""Transfer entropy against closed forms, and the spot-perp loop that it shows."""

import numpy as np
import pytest

from squeezegym.batch import Batch
from squeezegym.codes import NEVER, Command
from squeezegym.errors import DataError
from squeezegym.scenario import Scenario
from squeezegym.theory.entropy import thirds, transfer_entropy


def steps(n, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], n)


def test_thirds():
    assert thirds([-3.0, -0.1, 0.1, 0.2, 2.0, 3.0]).tolist() == [0, 1, 1, 2, 2, 2]
    assert thirds([0.0, 0.0, 0.0, 1.0, -1.0]).tolist() == [1, 1, 1, 2, 0]


def test_a_copy_one_step_later_carries_everything():
    source = steps(20_000)
    target = np.roll(source, 1)
    assert transfer_entropy(source, target) == pytest.approx(np.log2(3), abs=0.01)
    assert abs(transfer_entropy(target, source)) < 0.002


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_noisy_copy_carries_the_closed_form(share):
    # The next step is the source's with probability p, else any: log2(3) - H(p + q, q, q).
    source = steps(200_000, 1)
    copied = np.random.default_rng(2).random(len(source)) < share
    target = np.where(copied, np.roll(source, 1), steps(len(source), 3))
    q = (1 - share) / 3
    entropy = -(share + q) * np.log2(share + q) - 2 * q * np.log2(q)
    assert transfer_entropy(source, target) == pytest.approx(np.log2(3) - entropy, abs=0.004)


def test_independent_series_transfer_nothing_even_in_a_short_window():
    found = [transfer_entropy(steps(300, s), steps(300, s + 1000), seed=s) for s in range(60)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60) + 1e-3


def test_bad_series():
    with pytest.raises(DataError, match="source"):
        transfer_entropy([1.0] * 10, [1.0] * 10)
    with pytest.raises(DataError, match="target"):
        transfer_entropy([1.0] * 40, [1.0] * 39)


def returns(seeds, **overrides):
    """Log returns of a second of both books, (seconds, seeds, book), and ignition times in s."""
    batch = Batch.opened(Scenario.load("short_squeeze", **overrides), seeds)
    batch.command(slice(None), Command.RUN)
    mids = []
    for second in range(1, 301):
        batch.views["until"] = second * 1_000_000_000
        batch.advance()
        books = batch.markets["books"]
        mids.append((books["best_bid"].astype(float) + books["best_ask"]) / 2)
    ignition = batch.markets["score"]["ignition"].copy()
    batch.close()
    return np.diff(np.log(mids), axis=0), np.where(ignition == NEVER, np.nan, ignition / 1e9)


def test_transfer_both_ways_rises_in_a_squeeze():
    seeds = np.arange(60)
    calm, _ = returns(seeds, **{"catalyst.squeeze": 0.0, "catalyst.near_miss": 0.0})
    squeezed, ignition = returns(seeds, **{"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0})
    rises = []
    for row in np.flatnonzero(ignition < 215):
        window = slice(int(ignition[row]) - 30, int(ignition[row]) + 85)
        rises.append(
            [
                transfer_entropy(squeezed[window, row, a], squeezed[window, row, 1 - a])
                - transfer_entropy(calm[window, row, a], calm[window, row, 1 - a])
                for a in (0, 1)
            ]
        )
    rises = np.array(rises)  # perp to spot, spot to perp
    assert len(rises) >= 40
    error = rises.std(axis=0) / np.sqrt(len(rises))
    assert (rises.mean(axis=0) > 3 * error).all()

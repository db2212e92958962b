"""Oracles: the plans they make, and that the market is what pays them."""

import itertools

import numpy as np
import pytest

from agents.baselines import Flat
from agents.baselines.oracles import Clairvoyant, ClairvoyantFlip, Plan, best_positions
from agents.paths import follow, joined

LEVELS = np.array([-1.0, 0.0, 1.0])


def worth(plan, mid, start, fee, impact):
    """What a plan earns, written from the words of the docstring."""
    total, held = 0.0, start
    for k, position in enumerate(plan):
        total -= mid[k] * (fee * abs(position - held) + impact * (position - held) ** 2)
        if k + 1 < len(mid):
            total += position * (mid[k + 1] - mid[k])
        held = position
    return total - mid[-1] * (fee * abs(held) + impact * held**2)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_plan_is_the_best_of_all(seed):
    random = np.random.default_rng(seed)
    mid = 100 + random.normal(0, 1, (3, 6)).cumsum(axis=1)
    start = random.choice(LEVELS, 3)
    plans = best_positions(mid, start, LEVELS, 0.004, 0.001)
    for row in range(3):
        every = itertools.product(LEVELS, repeat=6)
        best = max(worth(plan, mid[row], start[row], 0.004, 0.001) for plan in every)
        assert worth(plans[row], mid[row], start[row], 0.004, 0.001) == pytest.approx(best)


def test_costs_keep_it_from_trading_and_a_large_move_does_not():
    flat = np.full((1, 5), 100.0)
    np.testing.assert_array_equal(best_positions(flat, np.zeros(1), LEVELS, 1e-3, 0), [[0] * 5])
    up = np.array([[100.0, 100, 101, 102, 102]])
    plan = best_positions(up, np.zeros(1), LEVELS, 1e-3, 0)[0]
    assert plan[1] == plan[2] == 1 and plan[0] in (0, 1)


def test_a_plan_is_played_column_by_column_and_repeats_its_last():
    plan = Plan(np.array([[0.0, 1.0], [-1.0, 0.5]]))
    plan.reset(2)
    seen = [plan.act(np.zeros((2, 1)))[:, 0].tolist() for _ in range(3)]
    assert seen == [[0, -1], [1, 0.5], [1, 0.5]]


@pytest.mark.slow
def test_oracles_are_paid_by_the_market_and_begin_no_earlier_than_the_feed_allows():
    import squeezegym
    from squeezegym import Scenario

    scenario = Scenario.load(
        "short_squeeze", catalyst={"start_s": [10.0, 12.0]}, episode={"horizon_s": 90.0}
    )
    env_id = next(iter(squeezegym.ENVIRONMENTS))
    kwargs, seeds = {"scenario": scenario}, range(500, 508)

    def played(policy):
        return joined(list(follow(policy, env_id, kwargs, seeds)))

    flat, flip, all_seeing = (played(p()) for p in (Flat, ClairvoyantFlip, Clairvoyant))
    assert (flip.pnl[:, -1] >= flat.pnl[:, -1]).all()
    assert (all_seeing.pnl[:, -1] >= flat.pnl[:, -1]).all()
    ignited = np.isfinite(flat.ignition_s)
    assert ignited.any() and not ignited.all()
    gains = flip.pnl[:, -1] - flat.pnl[:, -1]
    assert gains[ignited].max() > 0.5
    assert (gains[~ignited] == 0).all()
    for row in np.flatnonzero(ignited):
        early = flip.times < flat.ignition_s[row] + flat.feed_s
        assert (flip.position[row, early] <= 1e-9).all()
        trades = np.diff((flip.position[row] > 0.01).astype(int), prepend=0)
        assert (trades == 1).sum() <= 1  # one round trip

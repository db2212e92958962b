import numpy as np
import pytest

from agents.baselines import BASELINES, Flat, HoldLong, HoldShort, Momentum, Sniper
from squeezegym.envs.action import action_space
from squeezegym.envs.observation import FEATURES, INDEX, observation_space


def observations(*rows: dict[str, float]) -> np.ndarray:
    table = np.zeros((len(rows), len(FEATURES)), np.float32)
    for table_row, row in zip(table, rows, strict=True):
        for name, value in row.items():
            table_row[INDEX[name]] = value
    return table


@pytest.mark.parametrize("name", list(BASELINES))
def test_actions_fit_the_environment(name):
    policy = BASELINES[name]()
    policy.reset(64)
    space = observation_space()
    rng = np.random.default_rng(3)
    for _ in range(20):
        drawn = rng.uniform(space.low, space.high, (64, len(FEATURES))).astype(np.float32)
        actions = policy.act(drawn)
        assert actions.shape == (64, 2)
        assert all(action_space().contains(action) for action in actions)


@pytest.mark.parametrize(("policy", "target"), [(Flat(), 0), (HoldLong(), 1), (HoldShort(), -1)])
def test_hold_never_moves(policy, target):
    policy.reset(2)
    actions = policy.act(observations({"perp_trend_10s": 1}, {"forced_bought_1s": 1}))
    np.testing.assert_array_equal(actions, [[target, 1], [target, 1]])


def targets(policy, *steps):
    return [policy.act(observations(step))[0, 0] for step in steps]


def test_momentum_follows_a_strong_trend_and_leaves_when_it_is_gone():
    policy = Momentum(enter=0.5, leave=0.1)
    policy.reset(1)
    trends = [0.4, 0.6, 0.2, 0.05, 0.2, -0.6, -0.2, 0.0]
    assert targets(policy, *({"perp_trend_10s": t} for t in trends)) == [0, 1, 1, 0, 0, -1, -1, 0]


def test_momentum_turns_around_at_once():
    policy = Momentum(enter=0.5, leave=0.1)
    policy.reset(1)
    assert targets(policy, {"perp_trend_10s": 0.6}, {"perp_trend_10s": -0.6}) == [1, -1]


def test_sniper_buys_a_burst_of_forced_buying_and_leaves_when_it_fades():
    policy = Sniper(enter=0.3, leave=0.1)
    policy.reset(1)
    steps = [(0.2, 0.2), (0.4, 0.2), (0.0, 0.15), (0.0, 0.05), (0.0, 0.15)]
    seen = ({"forced_bought_1s": fast, "forced_bought_10s": slow} for fast, slow in steps)
    assert targets(policy, *seen) == [0, 1, 1, 0, 0]


def test_sniper_ignores_forced_selling():
    policy = Sniper()
    policy.reset(1)
    assert targets(policy, {"forced_sold_1s": 1.0, "forced_sold_10s": 1.0}) == [0]


@pytest.mark.parametrize("name", ["momentum", "sniper"])
def test_rows_are_independent_and_reset_forgets(name):
    policy = BASELINES[name]()
    policy.reset(2)
    strong = {"perp_trend_10s": 1.0, "forced_bought_1s": 1.0, "forced_bought_10s": 1.0}
    weak = {"perp_trend_10s": 0.2, "forced_bought_10s": 0.2}
    np.testing.assert_array_equal(policy.act(observations(strong, {}))[:, 0], [1, 0])
    np.testing.assert_array_equal(policy.act(observations(weak, weak))[:, 0], [1, 0])
    policy.reset(2)
    np.testing.assert_array_equal(policy.act(observations(weak, weak))[:, 0], [0, 0])

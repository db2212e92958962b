"""One golden digest an id: a change of behaviour shows here and bumps the version."""

import hashlib

import gymnasium as gym
import numpy as np
import pytest

import squeezegym  # noqa: F401  (registers the ids)

# Integers of the trajectory: positions, equity and marks of 200 steps under fixed actions.
DIGESTS = {
    "squeezegym/ShortSqueeze-v0": "46d5bc6b827d2724",
    "squeezegym/LongFlush-v0": "a06b8bbc57993e76",
    "squeezegym/RoundNumber-v0": "15e002f1caffd884",
    "squeezegym/ThinAlt-v0": "2c58db45fcfcf15d",
    "squeezegym/Calm-v0": "22bd936d5f82068a",
    "squeezegym/EquityHalt-v0": "d1eaf022076b97a2",
}


def digest(env_id):
    env = gym.make(env_id).unwrapped
    env.reset(seed=2024)
    sums = hashlib.sha256()
    for action in np.random.default_rng(7).uniform(-1, 1, (200, 2)):
        env.step(action)
        view = env._rows.batch.views[0]
        market = env._rows.batch.markets[0]
        numbers = [view["equity"], view["position"], view["mark"], market["clock"]["events"]]
        numbers += [*market["books"]["best_bid"], *market["books"]["best_ask"]]
        sums.update(np.array(numbers, np.int64).tobytes())
    return sums.hexdigest()[:16]


@pytest.mark.parametrize("env_id", list(DIGESTS))
def test_trajectory_is_the_golden_one(env_id):
    assert digest(env_id) == DIGESTS[env_id]

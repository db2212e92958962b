"""One golden digest an id: a change of behaviour shows here and bumps the version."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import squeezegym
from squeezegym import Scenario

ROOT = Path(__file__).parents[2]

# Integers of the trajectory, and the observations: positions, equity, marks and the touch of both
# books over 200 steps under fixed actions.
DIGESTS = {
    "squeezegym/ShortSqueeze-v0": "221a3384dd45436b",
    "squeezegym/LongFlush-v0": "2eeaeb2b52b91458",
    "squeezegym/RoundNumber-v0": "bbf0b0841e2d5f15",
    "squeezegym/ThinAlt-v0": "50e53c01fa3474a4",
    "squeezegym/Calm-v0": "fd2528c68937360f",
    "squeezegym/EquityHalt-v0": "51fa589999acb450",
    "squeezegym/Noiseless-v0": "ecfb345bc4302f6b",
    "squeezegym/ShortSqueezeDiscrete-v0": "b71a715ca8e47d83",
}

GAMES = {"squeezegym/SqueezeGame-v0": "7c665caffc6c4518"}

# Of ten steps, short enough for the interpreter.
SHORT_DIGEST = "70afd36ed353d105"
SHORT_GAME_DIGEST = "9f92274aca35f673"


def numbers(view, market):
    """Return what a step leaves, as bytes; of a game the views are those of all its learners."""
    integers = [view["equity"], view["position"], view["mark"], market["clock"]["events"]]
    integers += [*market["books"]["best_bid"], *market["books"]["best_ask"]]
    return np.hstack(integers).astype(np.int64).tobytes() + view["observation"].tobytes()


def digest(env_id, steps=200):
    env = gym.make(env_id).unwrapped
    env.reset(seed=2024)
    sums = hashlib.sha256()
    for action in fixed_actions(env.action_space, steps):
        env.step(action)
        sums.update(numbers(env._rows.batch.views[0], env._rows.batch.markets[0]))
    return sums.hexdigest()[:16]


def game_digest(game, steps=200):
    game.reset(seed=2024)
    sums = hashlib.sha256()
    random = np.random.default_rng(7)
    for _ in range(steps):
        acts = random.uniform(-1, 1, (len(game.possible_agents), 3))
        numbered = enumerate(game.possible_agents)
        sizes = {a: (i, game.action_space(a).shape[0]) for i, a in numbered if a in game.agents}
        game.step({a: acts[i, :size] for a, (i, size) in sizes.items()})
        sums.update(numbers(game.batch.views[0], game.batch.markets[0]))
    return sums.hexdigest()[:16]


def short_game():
    """Return a game that the interpreter can play: the players of the shipped one, no noise."""
    shipped = Scenario.load("squeeze_game").dump()
    sections = {name: shipped[name] for name in ("game", "borrowing")}
    return squeezegym.parallel_env(scenario=Scenario.load("noiseless", **sections))


def fixed_actions(space, steps):
    random = np.random.default_rng(7)
    if isinstance(space, gym.spaces.Discrete):
        return random.integers(space.n, size=steps)
    return random.uniform(-1, 1, (steps, 2))


def test_every_id_has_a_digest():
    without_data = {env_id for env_id in squeezegym.ENVIRONMENTS if "FromData" not in env_id}
    assert set(DIGESTS) == without_data | {"squeezegym/ShortSqueezeDiscrete-v0"}


@pytest.mark.parametrize("env_id", list(DIGESTS))
def test_trajectory_is_the_golden_one(env_id):
    steps = 80 if "Noiseless" in env_id else 200  # its episode is over then
    assert digest(env_id, steps) == DIGESTS[env_id]


@pytest.mark.parametrize("env_id", list(squeezegym.GAMES))
def test_the_game_is_the_golden_one(env_id):
    assert game_digest(squeezegym.parallel_env(env_id)) == GAMES[env_id]


@pytest.mark.parametrize(("n", "threads", "row"), [(9, 1, 8), (40, 2, 0), (40, 3, 23)])
def test_it_is_the_same_in_every_row_on_any_number_of_threads(n, threads, row):
    env_id = "squeezegym/ShortSqueeze-v0"
    envs = gym.make_vec(env_id, num_envs=n, threads=threads).unwrapped
    envs.reset(seed=2024 - row)
    sums = hashlib.sha256()
    noise = np.random.default_rng(1)
    for action in fixed_actions(envs.single_action_space, 200):
        actions = noise.uniform(-1, 1, (n, 2))
        actions[row] = action
        envs.step(actions)
        sums.update(numbers(envs._rows.batch.views[row], envs._rows.batch.markets[row]))
    envs.close()
    assert sums.hexdigest()[:16] == DIGESTS[env_id]


def test_it_is_the_same_in_the_interpreter():
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.test_digest", "short"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"short": SHORT_DIGEST, "short game": SHORT_GAME_DIGEST}
    assert digest("squeezegym/Noiseless-v0", 10) == SHORT_DIGEST
    assert game_digest(short_game(), 10) == SHORT_GAME_DIGEST


def present():
    """Return the digests as they are now, to be put above after an intended change."""
    found = {e: digest(e, 80 if "Noiseless" in e else 200) for e in DIGESTS}
    found |= {e: game_digest(squeezegym.parallel_env(e)) for e in GAMES}
    return {**found, **short()}


def short():
    return {
        "short": digest("squeezegym/Noiseless-v0", 10),
        "short game": game_digest(short_game(), 10),
    }


if __name__ == "__main__":
    print(json.dumps(short() if "short" in sys.argv else present(), indent=4))

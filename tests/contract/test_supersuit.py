"""The game through SuperSuit to stable-baselines3, as PettingZoo's users go."""

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import squeezegym
from tests.contract.test_game import DEADLY, NAMES, PUSH

supersuit = pytest.importorskip("supersuit")


def test_black_death_and_padding_lead_to_rows_of_one_policy():
    env = squeezegym.parallel_env(horizon_s=2.0, black_death=True)
    env = supersuit.pad_observations_v0(env)
    env = supersuit.pad_action_space_v0(env)
    rows = supersuit.pettingzoo_env_to_vec_env_v1(env)
    rows = supersuit.concat_vec_envs_v1(rows, 2, num_cpus=0, base_class="stable_baselines3")
    seen = rows.reset()
    assert seen.shape[0] == 10 and np.isfinite(seen).all()
    random = np.random.default_rng(1)
    ends = 0
    for _ in range(41):
        actions = random.uniform(-1, 1, (10, rows.action_space.shape[0])).astype(np.float32)
        seen, rewards, dones, _ = rows.step(actions)
        assert np.isfinite(seen).all() and np.isfinite(rewards).all()
        ends += int(dones.sum())
    assert ends == 20  # two games of each of the two markets, all agents together


def test_supersuit_s_own_black_death_never_ends_a_game():
    """It waits for a step that terminates and truncates everyone, so `black_death=True` is needed.

    The day this fails, docs/game.md can name both.
    """
    game = squeezegym.parallel_env(scenario=DEADLY, horizon_s=10.0)
    env = supersuit.black_death_v3(game)
    env = supersuit.pad_action_space_v0(supersuit.pad_observations_v0(env))
    rows = supersuit.pettingzoo_env_to_vec_env_v1(env)
    seen, _ = rows.reset(seed=1)
    assert seen.shape[0] == 5
    push = np.stack([np.pad(PUSH[name], (0, 3 - len(PUSH[name]))) for name in NAMES])
    for _ in range(100):
        seen, rewards, terminated, truncated, _ = rows.step(push)
        assert np.isfinite(seen).all() and np.isfinite(rewards).all()
        assert not (terminated.any() or truncated.any())
    assert game.agents == [] and not seen[1].any()
    with pytest.raises(ResetNeeded, match="no game is running"):
        rows.step(push)

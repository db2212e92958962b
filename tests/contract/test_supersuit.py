"""The game through SuperSuit to stable-baselines3, as PettingZoo's users go."""

import numpy as np
import pytest

import squeezegym

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


def test_without_it_supersuit_s_own_black_death_does():
    env = supersuit.black_death_v3(squeezegym.parallel_env(horizon_s=1.0))
    env = supersuit.pad_action_space_v0(supersuit.pad_observations_v0(env))
    rows = supersuit.pettingzoo_env_to_vec_env_v1(env)
    seen, _ = rows.reset(seed=1)
    assert seen.shape[0] == 5

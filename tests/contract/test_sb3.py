"""The stable-baselines3 adapter against DummyVecEnv of single environments."""

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

import squeezegym

ID = "squeezegym/ShortSqueeze-v0"
SHORT = {"horizon_s": 0.6}


def native(n=3, seed=5, **kwargs):
    return squeezegym.make_sb3_vec(ID, num_envs=n, seed=seed, **{**SHORT, **kwargs})


def dummy(n=3, seed=5):
    envs = DummyVecEnv([lambda: gym.make(ID, **SHORT)] * n)
    envs.seed(seed)
    return envs


def test_step_for_step_equal_to_dummy():
    ours, theirs = native(), dummy()
    assert (ours.reset() == theirs.reset()).all()
    assert ours.reset_infos == theirs.reset_infos
    random = np.random.default_rng(0)
    for _ in range(20):
        action = random.uniform(-1, 1, (3, 2)).astype(np.float32)
        a, b = ours.step(action), theirs.step(action)
        assert (a[0] == b[0]).all() and (a[1] == b[1]).all() and (a[2] == b[2]).all()
        assert a[1].dtype == b[1].dtype
        for row in np.flatnonzero(a[2]):
            mine, yours = dict(a[3][row]), dict(b[3][row])
            assert (mine.pop("terminal_observation") == yours.pop("terminal_observation")).all()
            assert mine == yours
        assert ours.reset_infos == theirs.reset_infos


def test_ppo_weights_equal_those_trained_on_dummy():
    def train(envs):
        model = PPO("MlpPolicy", envs, n_steps=16, batch_size=24, n_epochs=2, seed=1, device="cpu")
        model.learn(96)
        return [p.detach().numpy().copy() for p in model.policy.parameters()]

    ours, theirs = train(native()), train(dummy())
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


def test_monitor_normalise_and_evaluate():
    envs = VecNormalize(VecMonitor(native(4)))
    model = PPO("MlpPolicy", envs, n_steps=8, batch_size=32, seed=0, device="cpu")
    model.learn(64)
    mean, spread = evaluate_policy(model, envs, n_eval_episodes=4)
    assert np.isfinite(mean) and np.isfinite(spread)


def test_vec_env_surface():
    envs = native()
    assert envs.get_attr("num_envs") == [3, 3, 3]
    assert envs.env_is_wrapped(VecMonitor) == [False, False, False]
    assert len(envs.env_method("snapshot", indices=[0])) == 1
    with pytest.raises(AttributeError):
        envs.get_attr("nothing_like_it")
    envs.close()
    envs.close()

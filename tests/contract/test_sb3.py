"""The stable-baselines3 adapter against DummyVecEnv of single environments."""

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

import squeezegym
from squeezegym.errors import ConfigError

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


def test_attributes_are_of_rows():
    envs = native()
    assert envs.get_attr("num_envs") == [3, 3, 3] and envs.has_attr("scenario")
    assert envs.env_is_wrapped(VecMonitor) == [False, False, False]
    assert envs.get_attr("action_space") == [envs.action_space] * 3
    envs.set_attr("label", "mine", indices=1)
    assert envs.get_attr("label", indices=[1]) == ["mine"] and not envs.has_attr("label")
    with pytest.raises(AttributeError):
        envs.get_attr("nothing_like_it")
    with pytest.raises(AttributeError, match="only the whole batch has"):
        envs.env_method("reset", indices=0)
    assert envs.get_images() == [None, None, None]
    envs.close()
    envs.close()


def test_methods_are_of_rows():
    envs = native()
    envs.reset()
    action = np.random.default_rng(0).uniform(-1, 1, (3, 2)).astype(np.float32)
    envs.step(action)
    state = envs.env_method("snapshot", indices=[2])[0]
    times = [sample["time"] for sample in envs.env_method("sample")]
    assert times == [0.1, 0.1, 0.1]
    after = envs.step(action)
    for row, parts in enumerate(envs.env_method("pnl")):
        assert sum(parts.values()) == sum(int(part[row]) for part in envs.env.pnl().values())
    single = gym.make(ID, **SHORT).unwrapped
    single.reset(seed=0)
    single.restore(state)
    assert (single.step(action[2])[0] == after[0][2]).all()
    envs.env_method("restore", state, indices=[2])
    again = envs.step(action)
    assert (again[0][2] == after[0][2]).all() and not (again[0][1] == after[0][1]).all()


def test_a_row_restored_to_before_its_end_lives():
    envs = native()
    envs.reset()
    still = np.zeros((3, 2), np.float32)
    for _ in range(5):
        envs.step(still)
    states = envs.env_method("snapshot")
    done = envs.step(still)[2]
    assert done.all()
    envs.env_method("restore", states[0], indices=[0])
    assert envs.step(still)[2].tolist() == [True, False, False]


def test_seeds_belong_to_rows():
    envs = native(seed=5)
    first = envs.reset()
    envs.seed(5)
    envs.set_options({"unknown": 1})
    assert (envs.reset() == first).all()
    assert not (envs.reset() == first).all(axis=1).any()


def test_another_autoreset_mode_is_refused():
    with pytest.raises(ConfigError, match="must be 'SameStep', got 'NextStep'"):
        native(1, autoreset_mode="NextStep")

"""Every algorithm of stable-baselines3 trains on the native batch as on single environments."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN, TQC, MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

import squeezegym

BOX = "squeezegym/ShortSqueeze-v0"
MENU = "squeezegym/ShortSqueezeDiscrete-v0"
MASKED = "squeezegym/ShortSqueezeMasked-v0"
SHORT = {"horizon_s": 0.6}
ROWS = 3
ON_POLICY = {"n_steps": 16, "batch_size": 24, "n_epochs": 2}
OFF_POLICY = {"learning_starts": 12, "batch_size": 16, "buffer_size": 200, "train_freq": 2}

ALGORITHMS = [
    (PPO, BOX, "MlpPolicy", ON_POLICY),
    (PPO, MENU, "MlpPolicy", ON_POLICY),
    (A2C, BOX, "MlpPolicy", {"n_steps": 8}),
    (SAC, BOX, "MlpPolicy", OFF_POLICY),
    (TQC, BOX, "MlpPolicy", OFF_POLICY),
    (DQN, MENU, "MlpPolicy", OFF_POLICY),
    (QRDQN, MENU, "MlpPolicy", OFF_POLICY),
    (RecurrentPPO, BOX, "MlpLstmPolicy", ON_POLICY),
    (MaskablePPO, MASKED, "MlpPolicy", ON_POLICY),
]


def native(env_id, n=ROWS, seed=5):
    return squeezegym.make_sb3_vec(env_id, num_envs=n, seed=seed, **SHORT)


def dummy(env_id, n=ROWS, seed=5):
    envs = DummyVecEnv([lambda: gym.make(env_id, **SHORT).unwrapped] * n)
    envs.seed(seed)
    return envs


def trained(envs, algorithm, policy, settings):
    torch.set_num_threads(1)
    model = algorithm(policy, envs, seed=1, device="cpu", **settings)
    start = [p.detach().numpy().copy() for p in model.policy.parameters()]
    model.learn(96)
    return start, [p.detach().numpy().copy() for p in model.policy.parameters()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("algorithm", "env_id", "policy", "settings"),
    ALGORITHMS,
    ids=[f"{algorithm.__name__}-{env_id[11:-3]}" for algorithm, env_id, _, _ in ALGORITHMS],
)
def test_weights_equal_those_trained_on_dummy(algorithm, env_id, policy, settings):
    start, ours = trained(native(env_id), algorithm, policy, settings)
    _, theirs = trained(dummy(env_id), algorithm, policy, settings)
    assert not all((a == b).all() for a, b in zip(start, ours, strict=True))
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_evaluation_and_checkpoints(tmp_path):
    envs = VecNormalize(VecMonitor(native(BOX, 4)))
    held_out = VecNormalize(VecMonitor(native(BOX, 2, 50)), norm_reward=False, training=False)
    model = PPO("MlpPolicy", envs, n_steps=8, batch_size=32, seed=0, device="cpu")
    evaluate = EvalCallback(
        held_out, n_eval_episodes=4, eval_freq=8, log_path=str(tmp_path), verbose=0
    )
    save = CheckpointCallback(8, str(tmp_path), "model", save_vecnormalize=True)
    model.learn(64, callback=[evaluate, save])
    found = np.load(tmp_path / "evaluations.npz")
    assert found["results"].shape[1] == 4 and np.isfinite(found["results"]).all()
    assert "successes" in found  # is_success of the last info reaches the callback
    loaded = PPO.load(tmp_path / "model_64_steps", envs, device="cpu")
    statistics = VecNormalize.load(str(tmp_path / "model_vecnormalize_64_steps.pkl"), native(BOX))
    assert (statistics.obs_rms.mean == envs.obs_rms.mean).all()
    model.set_parameters(loaded.get_parameters())
    model.learn(32, reset_num_timesteps=False)
    assert loaded.num_timesteps == 64 and model.num_timesteps == 96

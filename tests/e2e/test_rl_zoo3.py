"""rl_zoo3 trains and plays with the shipped hyperparameters; run in an environment that has it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs" / "rl_zoo3"
MENU = ("dqn", "qrdqn")
SMALL = {
    "ppo": {"n_steps": 64, "batch_size": 256, "n_envs": 8},
    "ppo_lstm": {"n_steps": 16, "batch_size": 64, "n_envs": 4},
    "a2c": {"n_envs": 8},
    **{
        algo: {"n_envs": 4, "learning_starts": 100, "buffer_size": 1000}
        for algo in ("sac", "tqc", *MENU)
    },
}

pytestmark = pytest.mark.zoo


def env_id(algo):
    return f"squeezegym/ShortSqueeze{'Discrete' if algo in MENU else ''}-v0"


def run(folder, *command):
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def training(algo, folder, *arguments, **settings):
    """Return the arguments of a short training."""
    changes = [f"{key}:{value}" for key, value in {**SMALL[algo], **settings}.items()]
    return [
        *("--algo", algo, "--env", env_id(algo), "--gym-packages", "squeezegym"),
        *("-c", str(CONFIGS / f"{algo}.yml"), "-f", str(folder), "--num-threads", "1"),
        *("-n", "512", "--seed", "3", "--env-kwargs", "horizon_s:2.0", *arguments),
        *("-params", *changes),
    ]


def test_there_is_a_file_for_each_algorithm_and_no_number_is_text():
    assert {path.stem for path in CONFIGS.glob("*.yml")} == set(SMALL)
    for path in CONFIGS.glob("*.yml"):
        settings = yaml.safe_load(path.read_text())["default"]
        words = {key for key, value in settings.items() if isinstance(value, str)}
        assert words <= {"policy", "vec_env_wrapper", "learning_rate"}, path
        assert not isinstance(settings["n_timesteps"], str)


@pytest.mark.parametrize("algo", ["ppo", "dqn"])
def test_train_and_enjoy(algo, tmp_path):
    arguments = ("--eval-freq", "256", "--eval-episodes", "2", "--n-eval-envs", "2")
    done = run(tmp_path, "-m", "rl_zoo3.train", *training(algo, tmp_path, *arguments))
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / algo / f"{env_id(algo).replace('/', '-')}_1"
    results = np.load(folder / "evaluations.npz")["results"]
    assert results.shape[1] == 2 and np.isfinite(results).all()
    monitor = (folder / "0.monitor.csv").read_text().splitlines()
    assert len(monitor) > 10  # the episodes of every row of the batch
    played = run(
        tmp_path,
        *("-m", "rl_zoo3.enjoy", "--algo", algo, "--env", env_id(algo), "-f", str(tmp_path)),
        *("--gym-packages", "squeezegym", "--no-render", "-n", "50", "--exp-id", "1"),
    )
    assert played.returncode == 0, played.stdout + played.stderr


def test_the_other_algorithms_train(tmp_path):
    calls = [training(algo, tmp_path, "--eval-freq", "-1") for algo in SMALL]
    code = f"""
import sys
from rl_zoo3.train import train
for arguments in {calls!r}:
    sys.argv = ["train", *arguments]
    train()
"""
    done = run(tmp_path, "-c", code)
    assert done.returncode == 0, done.stdout + done.stderr
    for algo in SMALL:
        assert list((tmp_path / algo).rglob(f"{env_id(algo).replace('/', '-')}.zip"))


def test_the_batch_trains_what_single_environments_train(tmp_path):
    from stable_baselines3 import PPO

    weights = []
    for wrapper in ("None", "'squeezegym.integrations.rl_zoo3.NativeBatch'"):
        folder = tmp_path / str(len(weights))
        folder.mkdir()
        settings = {"n_envs": 4, "vec_env_wrapper": wrapper}
        arguments = training("ppo", folder, "--eval-freq", "-1", **settings)
        done = run(folder, "-m", "rl_zoo3.train", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        model = PPO.load(next(folder.rglob("squeezegym-*/*.zip")), device="cpu")
        weights.append([p.detach().numpy() for p in model.policy.parameters()])
    assert all((a == b).all() for a, b in zip(*weights, strict=True))

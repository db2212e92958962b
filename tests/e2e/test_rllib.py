"""RLlib trains on single environments, native batches and games; run where it is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.rllib,
    pytest.mark.filterwarnings("ignore"),  # of its own and of the libraries that it brings
]


@pytest.mark.parametrize(
    ("env_id", "mode", "n"),
    [
        ("squeezegym/ShortSqueeze-v0", "sync", 2),
        ("squeezegym/ShortSqueeze-v0", "vector_entry_point", 4),
        ("squeezegym/ShortSqueezeDiscrete-v0", "vector_entry_point", 4),
    ],
)
def test_an_iteration_counts_whole_episodes(env_id, mode, n):
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.tune.registry import register_env

    from squeezegym.integrations.rllib import creator

    register_env("squeezegym", creator)
    config = (
        PPOConfig()
        .environment("squeezegym", env_config={"env_id": env_id, "horizon_s": 2.0})
        .env_runners(num_env_runners=0, num_envs_per_env_runner=n, gym_env_vectorize_mode=mode)
        .training(train_batch_size_per_learner=256, minibatch_size=64, num_epochs=1)
    )
    algorithm = config.build_algo()
    try:
        result = algorithm.train()["env_runners"]
        assert result["episode_len_mean"] == 20.0  # no transition is lost between two episodes
        assert result["num_episodes"] >= 8
    finally:
        algorithm.stop()


def test_a_policy_for_each_agent_of_a_game():
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.tune.registry import register_env

    from squeezegym.integrations.rllib import game_creator

    register_env("squeeze_game", game_creator)
    agents = ["squeezer_0", "short_0", "maker_0", "arbitrageur_0", "sniper_0"]
    config = (
        PPOConfig()
        .environment("squeeze_game", env_config={"horizon_s": 2.0})
        .multi_agent(policies=set(agents), policy_mapping_fn=lambda agent, episode: agent)
        .env_runners(num_env_runners=0)
        .training(train_batch_size_per_learner=128, minibatch_size=64, num_epochs=1)
    )
    algorithm = config.build_algo()
    try:
        result = algorithm.train()["env_runners"]
        assert result["episode_len_mean"] == 20.0
        assert set(result["agent_episode_returns_mean"]) == set(agents)
    finally:
        algorithm.stop()


def test_the_example_plays_the_same_on_both(tmp_path):
    command = [sys.executable, ROOT / "examples/rllib.py", "--num-envs", "4"]
    done = subprocess.run(
        [*command, "--batch-size", "512", "--horizon-s", "5"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    single, batch = done.stdout.splitlines()[-2:]
    assert single.startswith("sync, iteration 1: 8 episodes of 50 steps, mean return ")
    assert batch.replace("vector_entry_point", "sync") == single

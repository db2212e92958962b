"""RLlib trains on the single environment and on the native batch; run where it is installed."""

import pytest

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

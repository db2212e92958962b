"""Train PPO of RLlib: on single environments, and on the native batch.

    python examples/rllib.py --iterations 20

RLlib pins its own gymnasium: `constraints-rllib.txt` says how to install it. A beginning, not a
result, like `train.py`.
"""

from __future__ import annotations

import dataclasses

import ray
import tyro
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env

from squeezegym.integrations.rllib import creator


@dataclasses.dataclass(frozen=True)
class Settings:
    """Train PPO of RLlib twice: markets made one by one, and all in one batch."""

    env_id: str = "squeezegym/ShortSqueeze-v0"
    """Registered environment."""
    num_envs: int = 16
    """Markets at once."""
    iterations: int = 1
    """Iterations of each training."""
    batch_size: int = 4096
    """Environment steps of an iteration."""
    horizon_s: float = 60.0
    """Length of an episode, market seconds."""
    seed: int = 0
    """Of markets and learner."""


def train(settings: Settings, mode: str) -> None:
    """Train in one mode of RLlib and print what each iteration brought."""
    config = (
        PPOConfig()
        .environment(
            "squeezegym",
            env_config={"env_id": settings.env_id, "horizon_s": settings.horizon_s},
        )
        # No worker of its own: the batch steps its markets on all cores.
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=settings.num_envs,
            gym_env_vectorize_mode=mode,
        )
        .training(
            train_batch_size_per_learner=settings.batch_size,
            minibatch_size=min(512, settings.batch_size),
            num_epochs=4,
            gamma=0.998,  # 100 ms a step: it looks a minute ahead
            lr=3e-4,
        )
        .debugging(seed=settings.seed, log_level="ERROR")
    )
    algorithm = config.build_algo()
    try:
        for i in range(settings.iterations):
            found = algorithm.train()["env_runners"]
            print(
                f"{mode}, iteration {i + 1}: {int(found['num_episodes'])} episodes of"
                f" {found['episode_len_mean']:.0f} steps, mean return"
                f" {found['episode_return_mean']:+.4f}"
            )
    finally:
        algorithm.stop()


def main(settings: Settings) -> None:
    """Train both ways."""
    ray.init(logging_level="ERROR", log_to_driver=False, include_dashboard=False)
    register_env("squeezegym", creator)
    for mode in ("sync", "vector_entry_point"):
        train(settings, mode)


if __name__ == "__main__":
    main(tyro.cli(Settings))

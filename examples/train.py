"""Train an agent with stable-baselines3 and save it.

    python examples/train.py --steps 200000 --out model.zip

A beginning, not a result: `python -m agents.quickstart` trains properly, evaluates on held-out
seeds and writes a run folder.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import tyro
from stable_baselines3 import PPO

from squeezegym import make_sb3_vec


@dataclasses.dataclass(frozen=True)
class Settings:
    """Train PPO on a batch of markets."""

    env_id: str = "squeezegym/ShortSqueeze-v0"
    """Registered environment."""
    num_envs: int = 64
    """Markets at once: one call of the kernel steps them all."""
    steps: int = 200_000
    """Environment steps over all markets."""
    seed: int = 0
    """Of markets and learner."""
    out: Path = Path("model.zip")
    """Where the model goes."""


def main(settings: Settings) -> None:
    """Train and save."""
    venv = make_sb3_vec(settings.env_id, num_envs=settings.num_envs, seed=settings.seed)
    try:
        # 100 ms a step: a discount of .998 looks a minute ahead.
        model = PPO(
            "MlpPolicy", venv, n_steps=128, gamma=0.998, seed=settings.seed, device="cpu", verbose=0
        )
        model.learn(settings.steps)
    finally:
        venv.close()
    model.save(settings.out)
    print(f"{model.num_timesteps:,} steps; wrote {settings.out}")


if __name__ == "__main__":
    main(tyro.cli(Settings))

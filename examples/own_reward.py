"""Train with a reward of your own: a wrapper over a batch.

    python examples/own_reward.py --steps 100000

The environment pays the change of equity. This wrapper also charges for a position that is open, so
that the agent has to know why it holds one. Evaluate with the environment's own reward, never with
the shaped one.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tyro
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnvWrapper

from squeezegym import make_sb3_vec
from squeezegym.envs.observation import INDEX

POSITION = INDEX["position"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """Compare how much is held with and without the charge."""

    steps: int = 100_000
    """Environment steps of each training."""
    num_envs: int = 64
    """Markets at once."""
    charge: float = 0.01
    """Percent of capital a step for a position at its limit."""
    seed: int = 0
    """Of markets and learner."""


class Charged(VecEnvWrapper):
    """Charges for what is held.

    Args:
        venv: A batch of markets.
        charge: Percent of capital a step for a position at its limit.
    """

    def __init__(self, venv: Any, charge: float) -> None:
        super().__init__(venv)
        self.charge = charge

    def reset(self) -> Any:
        """Begin, as the batch does."""
        return self.venv.reset()

    def step_wait(self) -> Any:
        """Take the charge from each reward."""
        observations, rewards, dones, infos = self.venv.step_wait()
        held = np.abs(observations[:, POSITION])
        return observations, rewards - self.charge * held, dones, infos


def mean_position(settings: Settings, charge: float) -> float:
    """Train, and return the mean absolute position of the trained agent, in limits."""
    batch = make_sb3_vec(
        "squeezegym/ShortSqueeze-v0", num_envs=settings.num_envs, seed=settings.seed
    )
    venv = Charged(batch, charge)
    try:
        model = PPO("MlpPolicy", venv, n_steps=64, gamma=0.998, seed=settings.seed, device="cpu")
        model.learn(settings.steps)
        observations, held = venv.reset(), []
        for _ in range(200):
            actions, _ = model.predict(observations, deterministic=True)
            observations, *_ = venv.step(actions)
            held.append(np.abs(observations[:, POSITION]).mean())
    finally:
        venv.close()
    return float(np.mean(held))


def main(settings: Settings) -> None:
    """Train twice and say what the charge changed."""
    free = mean_position(settings, 0.0)
    charged = mean_position(settings, settings.charge)
    print(f"mean |position|: {free:.2f} limits without the charge, {charged:.2f} with it")


if __name__ == "__main__":
    main(tyro.cli(Settings))

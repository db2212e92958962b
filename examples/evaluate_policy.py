"""Evaluate a policy of your own on held-out seeds, many markets at once.

    python examples/evaluate_policy.py --episodes 32
    python examples/evaluate_policy.py --model model.zip     # what examples/train.py saved

A policy is a function from (n, features) observations to (n, 2) actions. Put yours in place of
`follow_forced_flow`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import tyro

import squeezegym  # noqa: F401  (registers the environments)
from squeezegym.envs.observation import INDEX

HELD_OUT = 1_000_000
"""Seeds begin far above those that anybody trained on."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Play a policy over whole episodes."""

    episodes: int = 32
    """One seed each."""
    env_id: str = "squeezegym/ShortSqueeze-v0"
    """Registered environment."""
    model: Path | None = None
    """A model of stable-baselines3 (PPO) instead of the scripted policy."""


def follow_forced_flow(observations: Any) -> Any:
    """Long while shorts are bought back by force, flat otherwise; always takes."""
    actions = np.ones((len(observations), 2), np.float32)
    actions[:, 0] = observations[:, INDEX["forced_bought_10s"]] > 0.2
    return actions


def learned(path: Path) -> Callable[[Any], Any]:
    """Return a saved model as a policy."""
    from stable_baselines3 import PPO

    model = PPO.load(path, device="cpu")
    return lambda observations: model.predict(observations, deterministic=True)[0]


def play(policy: Callable[[Any], Any], env_id: str, seeds: list[int]) -> dict[str, Any]:
    """Return what came of each episode: PnL (% of capital), liquidated, ignited."""
    envs: Any = gym.make_vec(env_id, num_envs=len(seeds), autoreset_mode="SameStep")
    capital = envs.unwrapped.scenario.learner.capital_quote
    found = {name: np.zeros(len(seeds)) for name in ("pnl", "liquidated", "ignited")}
    observations, _ = envs.reset(seed=seeds)
    running = np.ones(len(seeds), np.bool_)
    while running.any():
        observations, _, terminated, truncated, info = envs.step(policy(observations))
        ended = running & (terminated | truncated)
        for name, values in found.items():
            if ended.any():
                values[ended] = info["final_info"][name][ended]
        running &= ~ended
    envs.close()
    found["pnl"] *= 100 / capital
    return found


def main(settings: Settings) -> None:
    """Play, and print mean and interval."""
    policy = learned(settings.model) if settings.model else follow_forced_flow
    seeds = list(range(HELD_OUT, HELD_OUT + settings.episodes))
    found = play(policy, settings.env_id, seeds)
    pnl = found["pnl"]
    rng = np.random.default_rng(0)
    means = rng.choice(pnl, (4000, len(pnl))).mean(axis=1)  # bootstrap over episodes
    low, high = np.quantile(means, [0.025, 0.975])
    print(f"{len(seeds)} episodes, seeds from {HELD_OUT:,}")
    print(f"PnL {pnl.mean():+.2f} % of capital, 95 % interval {low:+.2f} to {high:+.2f}")
    print(f"liquidated {found['liquidated'].mean():.0%}, ignited {found['ignited'].mean():.0%}")


if __name__ == "__main__":
    main(tyro.cli(Settings))

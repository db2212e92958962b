"""Let a sniper learn beside a squeezer who follows a script, then let all five play one game.

    python examples/multi_agent.py --steps 200000 --num-envs 64

The batch steps every market with one call; whoever does not learn is played by a function of the
whole batch. The last game goes through PettingZoo's interface, an action for each live agent.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tyro
from stable_baselines3 import PPO

import squeezegym
from squeezegym.envs.observation import INDEX

AGENTS = list(squeezegym.Scenario.load("squeeze_game").game.players)
LEARNER, SQUEEZER, SHORT, MAKER = "sniper_0", "squeezer_0", "short_0", "maker_0"


@dataclasses.dataclass(frozen=True)
class Settings:
    """A short training, and the game after it."""

    steps: int = 200_000
    """Decisions of the learner."""
    num_envs: int = 64
    """Markets that step together."""
    horizon_s: float = 60.0
    """Length of a game."""
    seed: int = 3
    """Of the training, and of the game after it."""


def scripted(time_left: Any) -> dict[str, Any]:
    """Return what those who do not learn do, from the share of the game that is left."""
    passed = 1.0 - time_left
    ones = np.ones_like(passed)
    return {
        SQUEEZER: np.stack([np.minimum(6.0 * passed, 1.0), ones], -1),  # buys for a sixth of it
        SHORT: np.stack([-ones, -ones], -1),  # stays short
        MAKER: np.stack([0.5 * ones, 0.5 * ones, -0.5 * ones], -1),  # a quarter of its limit
    }


def others(seen: Any) -> Any:
    """Return (markets, agents, 3) actions; the learner's, and those of who stays flat, are 0."""
    actions = np.zeros((*seen.shape[:2], 3))
    for name, chosen in scripted(seen[:, 0, INDEX["time_left"]]).items():
        actions[:, AGENTS.index(name), : chosen.shape[1]] = chosen
    return actions


def play(model: PPO, settings: Settings) -> None:
    """Play one game and print what everyone earned."""
    game = squeezegym.parallel_env("squeezegym/SqueezeGame-v0", horizon_s=settings.horizon_s)
    observations, _ = game.reset(seed=settings.seed)
    earned = dict.fromkeys(game.agents, 0.0)
    taken = []
    while game.agents:
        time_left = float(observations[SQUEEZER][INDEX["time_left"]])
        actions = {name: np.zeros(game.action_space(name).shape) for name in game.agents}
        actions |= {k: v for k, v in scripted(np.array(time_left)).items() if k in actions}
        if LEARNER in actions:
            actions[LEARNER], _ = model.predict(observations[LEARNER], deterministic=True)
        observations, rewards, terminated, _, _ = game.step(actions)
        for name, reward in rewards.items():
            earned[name] += reward
        taken += [name for name, ended in terminated.items() if ended]
    for name, percent in earned.items():
        remark = "  taken on the way" if name in taken else ""
        print(f"{name:<14} {percent:+8.2f} % of its capital{remark}")


def main(settings: Settings) -> None:
    """Train, then play."""
    venv = squeezegym.make_game_sb3_vec(
        num_envs=settings.num_envs,
        agents=[LEARNER],
        others=others,
        seed=settings.seed,
        horizon_s=settings.horizon_s,
    )
    try:
        model = PPO("MlpPolicy", venv, n_steps=64, gamma=0.998, seed=settings.seed, device="cpu")
        model.learn(settings.steps)
    finally:
        venv.close()
    print(f"{model.num_timesteps:,} decisions of {LEARNER}")
    play(model, settings)


if __name__ == "__main__":
    main(tyro.cli(Settings))

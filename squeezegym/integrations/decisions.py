"""Decisions: how an algorithm of stable-baselines3 meets an environment of ten steps a second.

A Gaussian target, drawn anew ten times a second, pays fees for its own noise and learns only to
stop. A choice that is kept until the next decision explores with few, long trades.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from squeezegym.envs.observation import INDEX
from squeezegym.errors import ConfigError, did_you_mean

MENU = np.array(
    [(0, 0), (-1, 1), (0, 1), (1, 1), (-1, -1), (0, -1), (1, -1)],
    np.float32,
)
"""Choices of a decision, (target, aggression); the first one means: keep the last."""

KEEP = 0
FLAT = [place for place, (target, _) in enumerate(MENU) if place != KEEP and target == 0]
"""Choices that close the position."""
_POSITION = INDEX["position"]
_LEAST_SPREAD = np.float32(0.01)


def standing_orders(observations: Any) -> Any:
    """Return the (n, 2) actions that keep the positions of these observations."""
    orders = np.ones((len(observations), 2), np.float32)
    orders[:, 0] = observations[:, _POSITION]
    return orders


def choose(orders: Any, choices: Any) -> Any:
    """Return the orders after (n,) choices from the menu."""
    return np.where((choices == KEEP)[:, None], orders, MENU[choices])


class Decisions(VecEnvWrapper):
    """Let the learner act once every few steps; its action stands until the next decision.

    Args:
        venv: A batch with continuous actions that resets an ended row in the same step.
        decision_steps: Steps that an action stands.
        action_space: What the learner chooses from instead of the batch's actions.
    """

    def __init__(
        self, venv: VecEnv, decision_steps: int, action_space: spaces.Space[Any] | None = None
    ) -> None:
        super().__init__(venv, action_space=action_space)
        self.decision_steps = decision_steps
        self.orders: Any = np.zeros((venv.num_envs, 2), np.float32)

    def reset(self) -> Any:
        """Reset every row; until it decides otherwise, it keeps what it starts with."""
        observations: Any = self.venv.reset()
        self.orders = standing_orders(observations)
        return observations

    def step_async(self, actions: Any) -> None:
        """Take the actions."""
        self.orders = np.array(actions, np.float32)

    def step_wait(self) -> Any:
        """Run until the next decision; a row that ends waits for it as its episode began."""
        rewards = np.zeros(self.num_envs, np.float32)
        dones = np.zeros(self.num_envs, np.bool_)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for _ in range(self.decision_steps):
            observations, reward, done, info = self.venv.step(self.orders)
            rewards += np.where(dones, 0.0, reward)
            if done.any():
                for row in np.flatnonzero(done & ~dones):
                    infos[row] = info[row]
                dones |= done
            self._stand(observations, done)
        return observations, rewards, dones, infos

    def _stand(self, observations: Any, done: Any) -> None:
        """Say what the orders of the decision's next step are."""
        if done.any():
            self.orders[done] = standing_orders(observations)[done]


class DecisionMenu(Decisions):
    """Let the learner choose from :data:`MENU` once every few steps.

    Args:
        venv: A batch with continuous actions that resets an ended row in the same step.
        decision_steps: Steps that a choice stands.
    """

    def __init__(self, venv: VecEnv, decision_steps: int) -> None:
        super().__init__(venv, decision_steps, spaces.Discrete(len(MENU)))

    def step_async(self, actions: Any) -> None:
        """Take the choices."""
        self.orders = choose(self.orders, actions)


class MaskedDecisions(Decisions):
    """Choices from the environment's own menu, once every few steps; masks come from the batch.

    Args:
        venv: A batch of a ``Masked`` or ``Discrete`` id.
        decision_steps: Steps that a choice stands.
    """

    def reset(self) -> Any:
        """Reset every row."""
        return self.venv.reset()

    def step_async(self, actions: Any) -> None:
        """Take the choices."""
        self.orders = np.array(actions, np.int64)

    def _stand(self, observations: Any, done: Any) -> None:
        """Keep: the environment goes on with the choice, or with what an episode began with."""
        self.orders = np.full(self.num_envs, KEEP)


class Standardise(BaseFeaturesExtractor):
    """Observations in units of their own spread, measured once before training.

    The statistics are buffers of the network, so they are saved and loaded with its weights.

    Args:
        observation_space: The environment's.
        blind: Names of entries that the network does not see: they are always 0.

    Raises:
        ConfigError: No entry has such a name.
    """

    def __init__(self, observation_space: spaces.Box, blind: Sequence[str] = ()) -> None:
        super().__init__(observation_space, features_dim=observation_space.shape[0])
        self.register_buffer("mean", torch.zeros(self.features_dim))
        self.register_buffer("scale", torch.ones(self.features_dim))
        seen = torch.ones(self.features_dim)
        for name in blind:
            if name not in INDEX:
                raise ConfigError(
                    f"the observation has no entry {name!r}{did_you_mean(name, INDEX)}; "
                    "docs/observation.md lists them"
                )
            seen[INDEX[name]] = 0.0
        self.register_buffer("seen", seen)
        self.seen: torch.Tensor

    def measure(self, observations: Any) -> None:
        """Take mean and spread from (n, features) observations."""
        self.mean = torch.as_tensor(observations.mean(axis=0))
        self.scale = torch.as_tensor(np.maximum(observations.std(axis=0), _LEAST_SPREAD))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return standardised observations, clipped to five spreads."""
        return torch.clamp((observations - self.mean) / self.scale, -5.0, 5.0) * self.seen

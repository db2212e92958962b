"""What a flip without a squeeze costs a learner, so that it waits until it knows."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from squeezegym.envs.observation import INDEX
from squeezegym.envs.rows import FLIP_POSITION

_POSITION = INDEX["position"]
_PERCENT = 0.01  # of a basis point
_BARRIER = 1.0
"""A metaorder of so many ignition barriers at most is a near-miss, or none."""


class Cautious(VecEnvWrapper):
    """Charge every decision that ends on the metaorder's side of a market that will not ignite.

    What kind of episode it is training alone knows; the policy never sees it. The charge is the
    learner's: the account does not pay it, and reports leave it out.

    Args:
        venv: Decisions on a native batch.
        batch: The batch, a :class:`squeezegym.integrations.sb3.SqueezeVecEnv`.
        charge: Basis points of capital a decision.
    """

    def __init__(self, venv: VecEnv, batch: Any, charge: float) -> None:
        super().__init__(venv)
        self._markets = batch.env.batch.markets
        self._side = 1.0 if batch.env.scenario.catalyst.side == "buy" else -1.0
        self._charge = np.float32(charge * _PERCENT)

    def reset(self) -> Any:
        """Reset every row."""
        return self.venv.reset()

    def step_wait(self) -> Any:
        """Return what the decisions brought, less the charge."""
        observations, rewards, dones, infos = self.venv.step_wait()
        seen: Any = observations
        false = self._side * seen[:, _POSITION] >= FLIP_POSITION
        false &= self._markets["flow"]["catalyst_multiple"] <= _BARRIER
        return observations, rewards - self._charge * false, dones, infos

"""Follow the perp's trend."""

from __future__ import annotations

import numpy as np

from agents.baselines.policy import Array, taking
from squeezegym.envs.observation import INDEX

_TREND = INDEX["perp_trend_10s"]


class Momentum:
    """Long or short with a strong ten-second trend, flat again once it is gone.

    Args:
        enter: Trend, in units of the observation, that opens a position in its direction.
        leave: Trend below which the position is closed; the gap keeps noise from paying fees.
    """

    def __init__(self, enter: float = 0.5, leave: float = 0.05) -> None:
        self.enter = enter
        self.leave = leave
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Start flat."""
        self._target = np.zeros(rows, np.float32)

    def act(self, observations: Array) -> Array:
        """Return the targets after this observation."""
        trend = observations[:, _TREND]
        held = np.where(trend * self._target < self.leave, 0.0, self._target)
        self._target = np.where(np.abs(trend) > self.enter, np.sign(trend), held)
        return taking(self._target)

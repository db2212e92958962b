"""Buy beside the liquidation engine."""

from __future__ import annotations

import numpy as np

from agents.baselines.policy import Array, taking
from squeezegym.envs.observation import INDEX

_BURST = INDEX["forced_bought_1s"]
_FADING = INDEX["forced_bought_10s"]


class Sniper:
    """Long while shorts are bought back by force, flat otherwise.

    Args:
        enter: Forced buying of the last second, in units of the observation, that opens the
            position.
        leave: Forced buying of the last ten seconds below which it is closed.
    """

    def __init__(self, enter: float = 0.3, leave: float = 0.1) -> None:
        self.enter = enter
        self.leave = leave
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Start flat."""
        self._long = np.zeros(rows, np.bool_)

    def act(self, observations: Array) -> Array:
        """Return the targets after this observation."""
        burst = observations[:, _BURST] > self.enter
        self._long = burst | (self._long & (observations[:, _FADING] > self.leave))
        return taking(self._long.astype(np.float32))

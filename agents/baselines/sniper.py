"""Buy beside the liquidation engine."""

from __future__ import annotations

import numpy as np

from agents.baselines.policy import Array, taking
from agents.baselines.readings import DEPTH, volume
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


class CusumSniper:
    """Long once forced buying has been above its usual level for long enough (Page's CUSUM).

    ``S <- max(0, S + x - drift)`` with ``x`` the forced volume of a step; long from ``S > bound``
    until a second sum finds that forced buying has ceased.

    Args:
        drift: Forced volume a second that is taken for usual, depths within 10 bp.
        bound: Sum that opens the position, depths.
        quiet_s: Seconds without forced buying that close it.
        step_s: Of the environment.
    """

    def __init__(
        self, drift: float = 0.02, bound: float = 0.1, quiet_s: float = 4.0, step_s: float = 0.1
    ) -> None:
        self.drift = drift
        self.bound = bound
        self.quiet_s = quiet_s
        self.step_s = step_s
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Start flat."""
        self._rising = np.zeros(rows)
        self._quiet = np.zeros(rows)
        self._long = np.zeros(rows, np.bool_)

    def act(self, observations: Array) -> Array:
        """Return the targets after this observation."""
        rate = volume(observations, "forced_bought_1s") / DEPTH  # a mean over about a second
        change = (rate - self.drift) * self.step_s
        self._rising = np.maximum(0.0, self._rising + change)
        self._quiet = np.where(rate < self.drift, self._quiet + self.step_s, 0.0)
        over = self._quiet >= self.quiet_s
        self._rising[over] = 0.0
        self._long = (self._long | (self._rising > self.bound)) & ~over
        return taking(self._long.astype(np.float32))

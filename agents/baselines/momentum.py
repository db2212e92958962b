"""Follow the perp: its trend, or a metaorder that works in slices."""

from __future__ import annotations

import numpy as np

from agents.baselines.policy import Array, taking
from agents.baselines.readings import DEPTH, volume
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


class TwapFollower:
    """Side with whoever trades one way on both books, slice by slice.

    A metaorder in equal slices leaves aggressor volume of one side on both books. The position
    opens when their common imbalance has stood for a while, and closes when it is gone.

    Args:
        enter: Imbalance of ten seconds' aggressor volume, -1..1, that counts as one-sided.
        leave: Imbalance below which the position is closed.
        least: Volume below which there is no imbalance to speak of, depths within 10 bp.
        stand_s: Seconds for which it must have been one-sided.
        step_s: Of the environment.
    """

    def __init__(
        self,
        enter: float = 0.6,
        leave: float = 0.1,
        least: float = 0.5,
        stand_s: float = 5.0,
        step_s: float = 0.1,
    ) -> None:
        self.enter = enter
        self.leave = leave
        self.least = least
        self.stand_s = stand_s
        self.step_s = step_s
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Start flat."""
        self._stood = np.zeros(rows)  # seconds, signed by side
        self._target = np.zeros(rows, np.float32)

    def act(self, observations: Array) -> Array:
        """Return the targets after this observation."""
        bought = sum(volume(observations, f"{book}_bought_10s") for book in ("perp", "spot"))
        sold = sum(volume(observations, f"{book}_sold_10s") for book in ("perp", "spot"))
        enough = bought + sold > self.least * DEPTH
        imbalance = np.where(enough, (bought - sold) / np.maximum(bought + sold, 1e-9), 0.0)
        side = np.where(np.abs(imbalance) > self.enter, np.sign(imbalance), 0.0)
        going_on = side * self._stood >= 0
        self._stood = np.where(going_on, self._stood, 0.0) + side * self.step_s
        self._stood[side == 0] = 0.0
        held = np.where(imbalance * self._target < self.leave, 0.0, self._target)
        due = np.abs(self._stood) >= self.stand_s - 1e-9
        self._target = np.where(due, side, held).astype(np.float32)
        return taking(self._target)

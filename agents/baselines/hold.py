"""One position for the whole episode, or until it has lost enough."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from agents.baselines.policy import Array, taking
from squeezegym.envs.observation import INDEX

_CHANGE = INDEX["equity_change"]


class _Hold:
    target: ClassVar[float]

    def reset(self, rows: int) -> None:
        """Nothing to forget."""

    def act(self, observations: Array) -> Array:
        """Return the same target for every row."""
        return taking(np.full(len(observations), self.target, np.float32))


class Flat(_Hold):
    """Close what it starts with and stay out."""

    target = 0.0


class HoldLong(_Hold):
    """Long at the position limit."""

    target = 1.0


class HoldShort(_Hold):
    """Short at the position limit: the squeezed side."""

    target = -1.0


class ShortWithStop:
    """Short at the position limit until the stop, flat from then on.

    Args:
        stop: Loss of equity since the episode began that closes the position, share of capital.
    """

    def __init__(self, stop: float = 0.02) -> None:
        self.stop = stop
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Start short."""
        self._stopped = np.zeros(rows, np.bool_)

    def act(self, observations: Array) -> Array:
        """Return the targets after this observation."""
        self._stopped |= observations[:, _CHANGE] < -self.stop
        return taking(np.where(self._stopped, 0.0, -1.0).astype(np.float32))

"""One position for the whole episode."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from agents.baselines.policy import Array, taking


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

"""What a policy is to the evaluation: a rule for many markets at once."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TAKE = 1.0
"""Aggression that takes liquidity."""


class Policy(Protocol):
    """A rule that acts in every row of a batch."""

    def reset(self, rows: int) -> None:
        """Forget everything: episodes begin in ``rows`` markets."""

    def act(self, observations: Array) -> Array:
        """Return the actions of one decision.

        Args:
            observations: (rows, features), :data:`squeezegym.envs.observation.FEATURES`.

        Returns:
            (rows, 2) float32: target position in limits, aggression.
        """


def taking(targets: Array) -> Array:
    """Return (n, 2) actions that go for the (n,) target positions at once."""
    actions = np.full((len(targets), 2), TAKE, np.float32)
    actions[:, 0] = targets
    return actions

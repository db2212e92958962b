"""What a policy is to the evaluation: a rule for many markets at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TAKE = 1.0
"""Aggression that takes liquidity."""


class Policy(Protocol):
    """A rule that acts in every row of a batch.

    One with an attribute ``actions = "masked"`` acts in the environment's masked variant: its
    :meth:`act` takes (rows, 11) bool masks too and returns (rows,) choices.
    """

    def reset(self, rows: int) -> None:
        """Forget everything: episodes begin in ``rows`` markets."""

    def act(self, observations: Array) -> Array:
        """Return the actions of one decision.

        Args:
            observations: (rows, features), :data:`squeezegym.envs.observation.FEATURES`.

        Returns:
            (rows, 2) float32: target position in limits, aggression.
        """


@runtime_checkable
class Oracle(Protocol):
    """A policy that knows the episodes before it plays them."""

    def foresee(self, env_id: str, env_kwargs: Mapping[str, Any], seeds: Sequence[int]) -> None:
        """Look at the episodes that follow; called before :meth:`Policy.reset`."""


def taking(targets: Array) -> Array:
    """Return (n, 2) actions that go for the (n,) target positions at once."""
    actions = np.full((len(targets), 2), TAKE, np.float32)
    actions[:, 0] = targets
    return actions

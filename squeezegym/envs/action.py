"""Actions: a target position and how to get there."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from squeezegym.errors import ConfigError

N_ACTIONS = 2  # target position, aggression


def action_space() -> spaces.Box:
    """Return the box of actions: target position in limits, aggression."""
    return spaces.Box(-1.0, 1.0, (N_ACTIONS,), np.float32)


def write_actions(views: Any, actions: Any, rows: Any) -> None:
    """Check actions and write them into the views of the rows that will act.

    Args:
        views: (n,) ``VIEW_DTYPE``.
        actions: (n, 2) target and aggression; infinities are clipped, NaN is refused.
        rows: (n,) bool; the actions of other rows are ignored.

    Raises:
        ConfigError: Wrong shape, not numbers, or NaN.
    """
    try:
        actions = np.asarray(actions, np.float64)
    except (TypeError, ValueError):
        raise ConfigError(
            f"action must be {N_ACTIONS} numbers in [-1, 1] (target position, aggression), "
            f"got {actions!r}"
        ) from None
    if actions.shape != (len(views), N_ACTIONS):
        wanted = f"({N_ACTIONS},)" if len(views) == 1 else f"({len(views)}, {N_ACTIONS})"
        got = actions.shape[1:] if len(views) == 1 and actions.ndim > 1 else actions.shape
        raise ConfigError(
            f"action must have shape {wanted} (target position, aggression), got {got}"
        )
    wrong = np.isnan(actions).any(1) & rows
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ConfigError(
            f"action of row {row} is {actions[row].tolist()}: NaN is not a position; send numbers "
            "in [-1, 1] (a diverged policy is the usual cause)"
        )
    actions = np.clip(actions, -1.0, 1.0)
    views["target"][rows] = actions[rows, 0]
    views["aggression"][rows] = actions[rows, 1]
    views["has_action"] = rows

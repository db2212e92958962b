"""Reward: the change of own equity at mark after all costs, in percent of capital."""

from __future__ import annotations

from typing import Any

import numpy as np

PERCENT = 100.0


def reward(equity_before: Any, equity_after: Any, capital: Any) -> Any:
    """Return the reward of a step.

    Args:
        equity_before: (n,) equity when the decision was taken, quanta.
        equity_after: (n,) equity one decision interval later, quanta; after the position was
            closed against the book on the last step of the horizon.
        capital: Starting capital, quanta; one for all, or (n,).

    Returns:
        (n,) float64, percent of capital. Rewards of an episode add up to its PnL.
    """
    return (equity_after - equity_before).astype(np.float64) * (PERCENT / capital)

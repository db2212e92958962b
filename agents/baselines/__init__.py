"""Scripted policies that a trained one must beat.

``BASELINES`` maps the name in the results table to a class without arguments.
"""

from __future__ import annotations

from collections.abc import Callable

from agents.baselines.hold import Flat, HoldLong, HoldShort
from agents.baselines.momentum import Momentum
from agents.baselines.policy import Policy
from agents.baselines.sniper import Sniper

__all__ = ["BASELINES", "Flat", "HoldLong", "HoldShort", "Momentum", "Policy", "Sniper"]

BASELINES: dict[str, Callable[[], Policy]] = {
    "flat": Flat,
    "hold long": HoldLong,
    "hold short": HoldShort,
    "momentum": Momentum,
    "sniper": Sniper,
}
"""In the order of the results table."""

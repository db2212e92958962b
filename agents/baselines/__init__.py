"""Scripted policies that a trained one must beat, and oracles that no one can.

``BASELINES`` maps the name in the results table to a class without arguments; ``ORACLES`` does so
for the policies that know the episode beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents.baselines.flip_rule import FlipRule
from agents.baselines.hold import Flat, HoldLong, HoldShort, ShortWithStop
from agents.baselines.maker import AvellanedaStoikov
from agents.baselines.momentum import Momentum, TwapFollower
from agents.baselines.policy import Policy
from agents.baselines.sniper import CusumSniper, Sniper

__all__ = [
    "BASELINES",
    "ORACLES",
    "AvellanedaStoikov",
    "CusumSniper",
    "Flat",
    "FlipRule",
    "HoldLong",
    "HoldShort",
    "Momentum",
    "Policy",
    "ShortWithStop",
    "Sniper",
    "TwapFollower",
]

BASELINES: dict[str, Callable[[], Policy]] = {
    "flat": Flat,
    "hold long": HoldLong,
    "hold short": HoldShort,
    "short with stop": ShortWithStop,
    "momentum": Momentum,
    "TWAP follower": TwapFollower,
    "sniper": Sniper,
    "CUSUM sniper": CusumSniper,
    "Avellaneda-Stoikov": AvellanedaStoikov,
    "flip rule": FlipRule,
}
"""In the order of the results table."""


def _clairvoyant() -> Any:
    from agents.baselines.oracles import Clairvoyant

    return Clairvoyant()


def _clairvoyant_flip() -> Any:
    from agents.baselines.oracles import ClairvoyantFlip

    return ClairvoyantFlip()


ORACLES: dict[str, Callable[[], Policy]] = {
    "clairvoyant": _clairvoyant,
    "clairvoyant flip": _clairvoyant_flip,
}
"""They play every episode many times."""

"""What scripted policies read from an observation, in units that can be added and compared.

Volumes are in units of the observation: 2 % of the depth within 10 bp of the mid.
"""

from __future__ import annotations

import numpy as np

from agents.baselines.policy import Array
from squeezegym.envs.observation import INDEX
from squeezegym.gatewayrecord import N_LEVELS

DEPTH = 50.0
"""Depth within 10 bp of the mid, in those units."""


def volume(observations: Array, name: str, span: float = 8.0) -> Array:
    """Return (n,) volumes of an entry ``log(1 + volume) / span``."""
    found: Array = np.expm1(span * observations[:, INDEX[name]].astype(np.float64))
    return found


def asks_per_bp(observations: Array) -> Array:
    """Return (n,) volume a bp that both books' asks offer, at least a thousandth of the usual."""
    total = np.zeros(len(observations))
    for book in ("perp", "spot"):
        lots = np.zeros(len(observations))
        farthest = np.full(len(observations), 1e-3)
        for level in range(1, N_LEVELS + 1):
            found = volume(observations, f"{book}_ask{level}_lots", 6.0)
            distance = observations[:, INDEX[f"{book}_ask{level}_distance"]].astype(np.float64)
            lots += found
            farthest = np.where(found > 0, np.maximum(farthest, distance), farthest)
        total += lots / (10.0 * farthest)
    least: Array = np.maximum(total, 1e-3 * DEPTH / 10.0)
    return least

"""Scripted exchanges that a trained one must beat, for ``squeezegym/ExchangeGuard-v0``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agents.baselines.policy import Array, Policy
from squeezegym.envs.guardlevers import GRIPS
from squeezegym.envs.guardview import INDEX
from squeezegym.guards import STEPS, Guard
from squeezegym.measures import Rule

MOST = 0.8
"""Criticality index up to which the careful exchange leaves its market alone."""

_NEAR = ("10bp", "25bp", "50bp", "100bp")
_SIDES = (("shorts", "ask"), ("longs", "bid"))


class Always:
    """The same levers at the same steps for the whole episode.

    Args:
        levers: ``guard.levers`` of the scenario.
        **steps: Lever to its step, 1 to 8; the others are off.
    """

    def __init__(self, levers: tuple[str, ...] = Guard().levers, **steps: int) -> None:
        self._action = np.full(len(levers), -1.0, np.float32)
        for name, step in steps.items():
            self._action[levers.index(name)] = step / STEPS

    def reset(self, rows: int) -> None:
        """Nothing to forget."""

    def act(self, observations: Array) -> Array:
        """Return the same levers for every row."""
        return np.tile(self._action, (len(observations), 1))


class KeepBelow:
    """Take so much of each liquidation off the book that the index stays below a bound.

    The index is forced volume within 100 bp of the mark over the depth of both books there, of the
    worse side. Absorbing a share ``a`` leaves ``1 - a`` of it; what the vault has no room for is
    slowed down instead, by the throttle at the same strength.

    Args:
        most: The bound.
        levers: ``guard.levers`` of the scenario.
    """

    def __init__(self, most: float = MOST, levers: tuple[str, ...] = Guard().levers) -> None:
        self.most = most
        self._levers = levers

    def reset(self, rows: int) -> None:
        """Nothing to forget."""

    def act(self, observations: Array) -> Array:
        """Return absorption and throttle for every row."""
        share = 1.0 - self.most / np.maximum(criticality(observations), self.most)
        grip = GRIPS[Rule.ABSORPTION]
        ratio = np.log(np.maximum(share, 1e-9) / grip.gentle) / np.log(grip.strict / grip.gentle)
        steps = np.where(share > 0.0, 1 + np.ceil(np.clip(ratio, 0.0, 1.0) * (STEPS - 1)), 0)
        actions = np.full((len(observations), len(self._levers)), -1.0, np.float32)
        for name in ("absorption", "liquidation_throttle"):
            actions[:, self._levers.index(name)] = steps / STEPS
        return actions


def criticality(observations: Array) -> Array:
    """Return (n,) forced volume within 100 bp over the depth there, of the worse side."""

    def total(names: list[str]) -> Array:
        found: Array = np.expm1(8.0 * observations[:, [INDEX[name] for name in names]]).sum(axis=1)
        return found

    ratios = [
        total([f"{holders}_{near}" for near in _NEAR])
        / np.maximum(total([f"{b}_{side}_{near}" for b in ("perp", "spot") for near in _NEAR]), 1.0)
        for holders, side in _SIDES
    ]
    found: Array = np.maximum(*ratios)
    return found


VENUES: dict[str, Callable[[], Policy]] = {
    "do nothing": Always,
    "always throttle": lambda: Always(liquidation_throttle=6),
    "always a price band": lambda: Always(price_band=6),
    "always watch for a halt": lambda: Always(velocity_halt=6),
    "always batches": lambda: Always(batch_auction=4),
    f"keep R below {MOST}": KeepBelow,
}
"""In the order of the table of ``docs/guard.md``."""

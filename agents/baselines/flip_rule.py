"""The analytic flip rule: long iff what is still to be bought by force pays for the round trip."""

from __future__ import annotations

import numpy as np

from agents.baselines.policy import Array, taking
from agents.baselines.readings import asks_per_bp, volume
from squeezegym.envs.observation import INDEX

_SPREAD = INDEX["perp_spread"]
_HIGHEST_INDEX = 0.95


class FlipRule:
    """Flip long iff ``Q >= c lambda (1 - R)``, the project's own rule for a cascade.

    Pending forced volume ``Q`` moves the price by ``Q / (lambda (1 - R))`` in the end: what it
    forces in turn adds up to ``1 / (1 - R)``, as in
    :func:`squeezegym.theory.criticality.final_rise` with ``rho = R lambda``. The rule compares that
    rise with the cost ``c`` of the round trip.

    All three come from the observation. ``Q`` is the forced volume of the last second times the
    time that the engine goes on; ``lambda`` is what both books' visible asks offer a bp; ``R`` is
    the share of forced volume in what was bought over ten seconds, for a cascade in which each unit
    forces ``R`` others consists of forced volume to that share.

    Args:
        cost_bps: Fees and slippage of the round trip, beside the spread.
        persistence_s: Seconds for which the engine goes on as in the last one.
        leave: Share of the cost below which the expected rise closes the position.
    """

    def __init__(
        self, cost_bps: float = 12.0, persistence_s: float = 5.0, leave: float = 0.25
    ) -> None:
        self.cost_bps = cost_bps
        self.persistence_s = persistence_s
        self.leave = leave
        self.reset(0)

    def reset(self, rows: int) -> None:
        """Start flat."""
        self._long = np.zeros(rows, np.bool_)

    def expected_rise(self, observations: Array) -> Array:
        """Return (n,) ``Q / (lambda (1 - R))``, bp."""
        pending = volume(observations, "forced_bought_1s") * self.persistence_s
        forced = volume(observations, "forced_bought_10s")
        bought = volume(observations, "perp_bought_10s") + volume(observations, "spot_bought_10s")
        index = np.minimum(forced / np.maximum(bought, 1e-9), _HIGHEST_INDEX)
        rise: Array = pending / (asks_per_bp(observations) * (1 - index))
        return rise

    def act(self, observations: Array) -> Array:
        """Return the targets after this observation."""
        cost = self.cost_bps + 10.0 * observations[:, _SPREAD]
        rise = self.expected_rise(observations)
        self._long = (rise >= cost) | (self._long & (rise >= self.leave * cost))
        return taking(self._long.astype(np.float32))

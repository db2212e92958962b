"""A market maker's quotes, as far as one order at a time allows."""

from __future__ import annotations

import numpy as np

from agents.baselines.policy import Array
from squeezegym.envs.observation import INDEX

_POST = -1.0
_BID, _ASK = INDEX["perp_bid1_distance"], INDEX["perp_ask1_distance"]
_POSITION, _LEFT, _IMBALANCE = INDEX["position"], INDEX["time_left"], INDEX["perp_imbalance"]


class AvellanedaStoikov:
    """Quotes about a reservation price (Avellaneda and Stoikov 2008, Quantitative Finance 8:217).

    ``r = s - q gamma sigma^2 (T - t)``, and half of the spread around it
    ``gamma sigma^2 (T - t) / 2 + ln(1 + gamma / k) / gamma`` for one unit of inventory. The
    environment carries one order, at the touch: it is sent where the touch lies as far out as the
    formula asks for or farther, on the side where it does so by more; where both do alike, on the
    side with the deeper book. So from flat it quotes in a wide market only.

    Args:
        risk_bps: ``gamma sigma^2 T`` of a position at the limit, bp of the price.
        half_bps: ``ln(1 + gamma / k) / gamma`` and the maker's fee, bp of the price.
        size: A unit of inventory and the size of a quote, limits.
    """

    def __init__(self, risk_bps: float = 40.0, half_bps: float = 2.5, size: float = 0.25) -> None:
        self.risk_bps = risk_bps
        self.half_bps = half_bps
        self.size = size

    def reset(self, rows: int) -> None:
        """Nothing to forget."""

    def act(self, observations: Array) -> Array:
        """Return the quotes after this observation."""
        held, left = observations[:, _POSITION], observations[:, _LEFT]
        away = -held * self.risk_bps * left  # of the reservation price from the mid
        half = self.size * self.risk_bps * left / 2 + self.half_bps
        bid = 10 * observations[:, _BID] - (half - away)
        ask = 10 * observations[:, _ASK] - (half + away)
        alike = np.abs(bid - ask) < 0.05
        buys = np.where(alike, observations[:, _IMBALANCE] > 0, bid > ask)
        quoted = np.where(buys, bid, ask) >= 0
        target = held + np.where(quoted, np.where(buys, self.size, -self.size), 0.0)
        actions = np.full((len(observations), 2), _POST, np.float32)
        actions[:, 0] = np.clip(target, -1.0, 1.0)
        return actions

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
    ``gamma sigma^2 (T - t) / 2 + ln(1 + gamma / k) / gamma``. The environment carries one order, at
    the touch: it is that of the side whose touch lies farther beyond the quote that the formula
    asks for; where both do alike, the side with the deeper book.

    Args:
        risk_bps: ``gamma sigma^2 T`` of a position at the limit, bp of the price.
        half_bps: ``ln(1 + gamma / k) / gamma``, bp of the price.
        size: Of a quote, limits.
        most: Largest position, limits.
    """

    def __init__(
        self, risk_bps: float = 10.0, half_bps: float = 0.5, size: float = 0.25, most: float = 0.5
    ) -> None:
        self.risk_bps = risk_bps
        self.half_bps = half_bps
        self.size = size
        self.most = most

    def reset(self, rows: int) -> None:
        """Nothing to forget."""

    def act(self, observations: Array) -> Array:
        """Return the quotes after this observation."""
        held, left = observations[:, _POSITION], observations[:, _LEFT]
        away = -held * self.risk_bps * left  # of the reservation price from the mid
        half = self.risk_bps * left / 2 + self.half_bps
        bid = 10 * observations[:, _BID] - (half - away)
        ask = 10 * observations[:, _ASK] - (half + away)
        tie = np.abs(bid - ask) < 0.05
        buys = np.where(tie, observations[:, _IMBALANCE] > 0, bid > ask)
        target = held + np.where(buys, self.size, -self.size)
        actions = np.full((len(observations), 2), _POST, np.float32)
        actions[:, 0] = np.clip(target, -self.most, self.most)
        return actions

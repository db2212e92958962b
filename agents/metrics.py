"""What a training reports of its episodes: to TensorBoard, and as its learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

_LEAST = 20  # episodes of a report
_FLAGS = ("liquidated", "ignited", "flipped")
_PARTS = ("fees", "funding", "slippage", "liquidation")


class Metrics(BaseCallback):
    """Means over the episodes that ended since the last report, percent of capital and shares.

    ``market/flipped`` is the share of flips among the episodes that ignited.
    """

    def __init__(self) -> None:
        super().__init__()
        self.curve: list[dict[str, float]] = []
        self._ended: list[dict[str, float]] = []

    @property
    def state(self) -> dict[str, Any]:
        """What it has reported and what it has not yet, as plain data."""
        return {"curve": self.curve, "ended": self._ended}

    @state.setter
    def state(self, plain: dict[str, Any]) -> None:
        self.curve, self._ended = plain["curve"], plain["ended"]

    def _on_training_start(self) -> None:
        scenario = self.training_env.get_attr("scenario", 0)[0]
        self._percent = 100.0 / scenario.learner.capital_quote

    def _on_step(self) -> bool:
        self._ended += [self._row(info) for info in self.locals["infos"] if "episode" in info]
        return True

    def _row(self, info: dict[str, Any]) -> dict[str, float]:
        parts = {part: info[f"pnl_{part}"] * self._percent for part in _PARTS}
        flags = {flag: float(info[flag]) for flag in _FLAGS}
        return {"pnl": float(info["episode"]["r"]), **parts, **flags}

    def _on_rollout_end(self) -> None:
        if len(self._ended) < min(_LEAST, self.training_env.num_envs):
            return
        ended, self._ended = self._ended, []
        row = {name: float(np.mean([e[name] for e in ended])) for name in ended[0]}
        ignited = [episode["flipped"] for episode in ended if episode["ignited"]]
        del row["flipped"]
        if ignited:
            row["flipped"] = float(np.mean(ignited))
        for name, value in row.items():
            self.logger.record(f"market/{name}", value)
        self.curve.append({"decisions": self.num_timesteps, "episodes": len(ended), **row})

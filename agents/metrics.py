"""What a training reports of its episodes: to TensorBoard, and as its learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

_LEAST = 20  # episodes of a report


class Metrics(BaseCallback):
    """Means over the episodes that ended since the last report, percent of capital and shares.

    ``market/flipped`` is the share of flips among the episodes that ignited.
    """

    def __init__(self) -> None:
        super().__init__()
        self.curve: list[dict[str, float]] = []
        self._ended: list[dict[str, Any]] = []

    def _on_training_start(self) -> None:
        scenario = self.training_env.get_attr("scenario", 0)[0]
        self._percent = 100.0 / scenario.learner.capital_quote

    def _on_step(self) -> bool:
        self._ended += [info for info in self.locals["infos"] if "episode" in info]
        return True

    def _on_rollout_end(self) -> None:
        if len(self._ended) < min(_LEAST, self.training_env.num_envs):
            return
        ended, self._ended = self._ended, []
        row = {name: float(np.mean(values)) for name, values in self._columns(ended).items()}
        ignited = [info["flipped"] for info in ended if info["ignited"]]
        if ignited:
            row["flipped"] = float(np.mean(ignited))
        for name, value in row.items():
            self.logger.record(f"market/{name}", value)
        self.curve.append({"decisions": self.num_timesteps, "episodes": len(ended), **row})

    def _columns(self, ended: list[dict[str, Any]]) -> dict[str, list[float]]:
        columns = {"pnl": [float(info["episode"]["r"]) for info in ended]}
        for part in ("fees", "funding", "slippage", "liquidation"):
            columns[part] = [info[f"pnl_{part}"] * self._percent for info in ended]
        for flag in ("liquidated", "ignited"):
            columns[flag] = [float(info[flag]) for info in ended]
        return columns

"""Rows of a batch as a learner meets them: what both environments share.

An episode's seed is drawn from the row's own generator, so row ``i`` of a batch seeded ``s``
plays the episodes of a single environment seeded ``s + i``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from squeezegym.batch import Batch
from squeezegym.codes import Command
from squeezegym.envs.action import write_actions
from squeezegym.envs.reward import reward
from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario


class Rows:
    """The step and reset logic over a batch, without Gymnasium's wrapping."""

    def __init__(self, scenario: Scenario, n: int, threads: int | None = None) -> None:
        episode = scenario.episode
        self.batch = Batch(scenario, n, threads)
        self.step_ns = episode.step_ms * 1_000_000
        self.horizon_ns = int(self.batch.params["learner"]["horizon"][0])
        self.n_steps = -(-self.horizon_ns // self.step_ns)
        self.capital = int(self.batch.params["learner"]["capital"][0])
        self.quantum = scenario.contract.tick_size * scenario.contract.lot_size
        self.limit = int(self.batch.params["learner"]["limit"][0])
        self.elapsed = np.zeros(n, np.int64)  # steps of the running episode
        self.live = np.zeros(n, np.bool_)
        self.equity = np.zeros(n, np.int64)
        self.start_equity = np.zeros(n, np.int64)

    def reset(self, rows: Any, generators: list[np.random.Generator]) -> None:
        """Start a new episode in the rows marked True."""
        self._prepare_reset(rows, generators)
        self.batch.views["command"] = np.where(rows, int(Command.RESET), 0)
        self.batch.advance()
        self._note_start(rows)

    def step(
        self, actions: Any, rows: Any, fresh: Any, generators: list[np.random.Generator]
    ) -> tuple[Any, Any, Any]:
        """Step the rows marked in ``rows`` and reset those in ``fresh``, in one call.

        Returns:
            ``(rewards, terminated, truncated)``, zero and False for the fresh rows.
        """
        views = self.batch.views
        write_actions(views, actions, rows)
        if fresh.any():
            self._prepare_reset(fresh, generators)
        last = rows & (self.elapsed + 1 >= self.n_steps)
        views["until"] = np.minimum((self.elapsed + 1) * self.step_ns, self.horizon_ns)
        command = np.where(rows, int(Command.RUN), 0) | np.where(last, int(Command.CLOSE), 0)
        views["command"] = np.where(fresh, int(Command.RESET), command)
        self.batch.advance()
        if fresh.any():
            self._note_start(fresh)
        equity = views["equity"]
        rewards = np.where(rows, reward(self.equity, equity, self.capital), 0.0)
        np.copyto(self.equity, equity)
        self.elapsed += rows
        terminated = rows & (views["liquidated"] != 0)
        truncated = last & ~terminated
        self.live &= ~(terminated | truncated)
        return rewards, terminated, truncated

    def _prepare_reset(self, rows: Any, generators: list[np.random.Generator]) -> None:
        for row in np.flatnonzero(rows):
            self.batch.seed_row(int(row), int(generators[row].integers(2**63 - 1)))

    def _note_start(self, rows: Any) -> None:
        self.elapsed[rows] = 0
        self.live[rows] = True
        self.equity[rows] = self.batch.views["equity"][rows]
        self.start_equity[rows] = self.equity[rows]

    def observations(self) -> Any:
        """Return a fresh (n, features) float32 array."""
        return self.batch.views["observation"].copy()

    def info(self) -> dict[str, Any]:
        """Return the info of every row, as arrays of float64 and bool."""
        views = self.batch.views
        pnl = (views["equity"] - self.start_equity) * self.quantum
        fees = views["fees"] * self.quantum
        return {
            "equity": views["equity"] * self.quantum,
            "position": views["position"] / self.limit,
            "pnl": pnl,
            "pnl_price": pnl + fees,
            "pnl_fees": -fees,
            "liquidated": views["liquidated"] != 0,
            "ignited": views["ignited"] != 0,
            "is_success": ~self.live & (pnl > 0),
        }

    def info_of(self, row: int) -> dict[str, Any]:
        """Return the info of one row as Python floats and bools."""
        return {key: values[row].item() for key, values in self.info().items()}

    def snapshot(self) -> dict[str, Any]:
        """Copy everything that the rows' future depends on, their actions and seeds apart."""
        return {
            "digest": self.batch.scenario.digest(),
            "markets": self.batch.markets.copy(),
            "views": self.batch.views.copy(),
            **{key: getattr(self, key).copy() for key in _ROW_STATE},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a snapshot of rows of the same scenario and number."""
        digest = self.batch.scenario.digest()
        if state["digest"] != digest or len(state["views"]) != len(self.batch.views):
            raise ConfigError(
                f"the snapshot holds {len(state['views'])} markets of scenario {state['digest']}; "
                f"restore it into {len(state['views'])} of the same scenario, not "
                f"{len(self.batch.views)} of {digest}"
            )
        self.batch.markets[:] = state["markets"]
        self.batch.views[:] = state["views"]
        for key in _ROW_STATE:
            getattr(self, key)[:] = state[key]


_ROW_STATE = ("elapsed", "live", "equity", "start_equity")

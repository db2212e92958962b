"""Rows of a batch as the exchange meets them: decisions in, what it saw and earned out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from squeezegym.codes import Source
from squeezegym.envs.guardlevers import (
    action_space,
    check_actions,
    lever_values,
    read_levers,
    read_presets,
)
from squeezegym.envs.guardview import observation_space
from squeezegym.envs.rows import Rows
from squeezegym.guardrecord import GUARD_DTYPE, LEVERS_AT, N_SEEN
from squeezegym.guards import STEPS, Guard
from squeezegym.measures import N_RULES
from squeezegym.scenario import Scenario
from squeezegym.units import BP

PARTS = ("volume", "liquidated", "losses", "dislocation", "halted")
"""What a reward is made of, in the order of the weights."""

_MINUTE_NS = 60e9


class GuardRows(Rows):
    """The step and reset logic of the exchange: the account of a trading learner stays empty."""

    changes: Mapping[str, Any] = {"learner.short_start": 0.0}
    state = (*Rows.state, "steps", "seen", "amounts", "totals")

    def __init__(
        self,
        scenario: Scenario,
        n: int,
        threads: int | None = None,
        actions: str = "continuous",
    ) -> None:
        super().__init__(scenario, n, threads, check_actions(actions))
        self.guard = guard = scenario.guard or Guard()
        self.step_ns = guard.step_ms * 1_000_000
        self.n_steps = -(-self.horizon_ns // self.step_ns)
        scale = self.batch.params["scale"][0]
        self.unit = float(scale["depth"]) * float(scale["price"])
        costs = (guard.liquidated, guard.losses, guard.dislocation, guard.halted)
        self.weights = np.array([guard.volume, *(-cost for cost in costs)])
        self.values = lever_values(scenario)
        self.steps = np.zeros((n, N_RULES), np.int64)  # of each lever, as last decided
        self.seen = np.zeros(n, GUARD_DTYPE)
        self.amounts = np.zeros((n, len(PARTS)))  # of the last step
        self.totals = np.zeros((n, len(PARTS)))  # of the episode

    @property
    def observation_space(self) -> spaces.Box:
        """Of one row."""
        return observation_space()

    @property
    def action_space(self) -> spaces.Space[Any]:
        """Of one row."""
        return action_space(self.guard, self.actions)

    def _write(self, actions: Any, rows: Any) -> None:
        """Check the decisions of the rows that act, and pull the levers that they move.

        A lever that stays where it is is left alone: a rule that is announced anew begins anew.
        """
        if self.actions == "continuous":
            steps = read_levers(actions, rows, self.guard)
        else:
            steps = read_presets(actions, rows)
        self.batch.views["has_action"] = False
        moved = (steps != self.steps) & rows[:, None]
        markets = self.batch.markets
        for row, rule in np.argwhere(moved).tolist():
            lever = markets[row]["protection"]["levers"][rule]
            step = steps[row, rule]
            lever["value"] = self.values[rule, step]
            lever["asked"] = 1 if step else -1
            clock = markets[row]["clock"]
            clock["due"][Source.PROTECTION] = clock["now"]
        self.steps[moved] = steps[moved]

    def _settle(self, rows: Any) -> tuple[Any, Any]:
        """Return the rewards of the rows that acted; the episode never ends before the horizon."""
        before = self.seen.copy()
        self._look(rows)
        acted = rows[:, None]
        self.amounts = np.where(acted, self._amounts(before), 0.0)
        self.totals += self.amounts
        parts = self.amounts * self.weights
        rewards = parts[:, 0] + parts[:, 1] + parts[:, 2] + parts[:, 3] + parts[:, 4]
        np.copyto(self.equity, self.batch.views["equity"])
        return rewards, np.zeros(len(rows), np.bool_)

    def _amounts(self, before: Any) -> Any:
        """Return (n, parts) amounts of the step: money in :attr:`unit`, bp minutes, minutes."""
        seen = self.seen
        mark = seen["mark"]
        lost = before["fund"] - seen["fund"]
        lost += (seen["deleveraged"] - before["deleveraged"]) * mark
        lost += seen["socialised"] - before["socialised"]
        minutes = self.step_ns / _MINUTE_NS
        fundamental = np.where(seen["fundamental"] > 0.0, seen["fundamental"], 1.0)
        away = np.abs(mark / fundamental - 1.0) / BP
        traded = (seen["traded"] - before["traded"]) * mark
        taken = (seen["liquidated"] - before["liquidated"]) * mark
        money = [amount / self.unit for amount in (traded, taken, lost)]
        return np.stack((*money, away * minutes, seen["halted"] * minutes), axis=1)

    def _note_start(self, rows: Any) -> None:
        super()._note_start(rows)
        self.steps[rows] = 0
        self.amounts[rows] = 0.0
        self.totals[rows] = 0.0
        self._look(rows)

    def _look(self, rows: Any) -> None:
        """Survey some markets, and show with what is seen what was decided."""
        from squeezegym.core.guard import survey

        survey(self.batch.markets, self.batch.params, rows, self.seen)
        self.seen["observation"][:, LEVERS_AT:N_SEEN] = self.steps / STEPS

    def observations(self) -> Any:
        """Return a fresh (n, features) float32 array."""
        return self.seen["observation"][:, :N_SEEN].copy()

    def info(self) -> dict[str, Any]:
        """Return the info of every row, as arrays of float64 and bool."""
        parts = self.amounts * self.weights
        money = self.unit * self.quantum
        amounts = {name: self.totals[:, i].copy() for i, name in enumerate(PARTS)}
        return {
            **{f"reward_{name}": parts[:, i].copy() for i, name in enumerate(PARTS)},
            **{name: amounts[name] * money for name in PARTS[:3]},
            **{name: amounts[name] for name in PARTS[3:]},
            "fund": self.seen["fund"] * self.quantum,
            "ignited": self.batch.views["ignited"] != 0,
            "halts": self.seen["halted"] != 0,
        }

    def info_of(self, row: int) -> dict[str, Any]:
        """Return the info of one row as Python floats and bools: what :meth:`info` says of it."""
        return {name: values[row].item() for name, values in self.info().items()}

    def action_masks(self) -> Any:
        """Raise AttributeError: every lever can be pulled at any time."""
        raise AttributeError("the exchange has no action masks: every lever can always be pulled")

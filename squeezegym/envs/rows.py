"""Rows of a batch as a learner meets them: what both environments share.

An episode's seed is drawn from the row's own generator, so row ``i`` of a batch seeded ``s``
plays the episodes of a single environment seeded ``s + i``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from squeezegym.batch import Batch
from squeezegym.codes import Command
from squeezegym.envs.action import action_space, check_action_set, masks, read_box, read_menu
from squeezegym.envs.observation import observation_space
from squeezegym.envs.reward import reward
from squeezegym.errors import ConfigError
from squeezegym.sampling import ignition, sample
from squeezegym.scenario import Scenario
from squeezegym.viewrecord import N_OBSERVATIONS

FLIP_POSITION = 0.25  # of the limit, on the catalyst's side
FLIP_HOLD_NS = 5_000_000_000
PARTS = {  # of the PnL: field of the view, and its sign
    "price": ("price_pnl", 1),
    "fees": ("fees", -1),
    "funding": ("funding", 1),
    "borrow": ("borrow", -1),
    "slippage": ("slippage", -1),
}
_REPORT = [
    *("equity", "position", "liquidated", "deleveraged", "ignited", "measures"),
    *(field for field, _ in PARTS.values()),
]


class Rows:
    """The step and reset logic over a batch, without Gymnasium's wrapping."""

    changes: Mapping[str, Any] = {}  # of any scenario that is run
    state: tuple[str, ...] = (
        "elapsed",
        "live",
        "equity",
        "start_equity",
        "standing",
        "flip_steps",
        "flipped",
    )

    def __init__(
        self,
        scenario: Scenario,
        n: int,
        threads: int | None = None,
        actions: str = "continuous",
    ) -> None:
        self.actions = check_action_set(actions)
        episode = scenario.episode
        self.batch = Batch(scenario, n, threads)
        self.step_ns = episode.step_ms * 1_000_000
        learner = self.batch.params["learners"][0, 0]
        protection = self.batch.params["protection"][0]
        self.horizon_ns = int(learner["horizon"])
        self.n_steps = -(-self.horizon_ns // self.step_ns)
        self.capital = int(learner["capital"])
        self.quantum = scenario.contract.tick_size * scenario.contract.lot_size
        self.limit = int(learner["limit"])
        self.guarded = bool(protection["book"] == learner["venue"])
        self.restricted = self.guarded and bool(protection["learner"])
        self.unwatched = scenario.liquidation.destination == "off"  # no engine takes a bankrupt
        self.flip_side = 1 if scenario.catalyst.side == "buy" else -1
        self.elapsed = np.zeros(n, np.int64)  # steps of the running episode
        self.live = np.zeros(n, np.bool_)
        self.equity = np.zeros(n, np.int64)
        self.start_equity = np.zeros(n, np.int64)
        self.standing = np.zeros((n, 2))  # orders that the menu's "keep" goes on with
        self.flip_steps = np.zeros(n, np.int64)  # for which a flip has been held
        self.flipped = np.zeros(n, np.bool_)

    @property
    def observation_space(self) -> spaces.Box:
        """Of one row."""
        return observation_space()

    @property
    def action_space(self) -> spaces.Space[Any]:
        """Of one row."""
        return action_space(self.actions)

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
        self._write(actions, rows)
        if fresh.any():
            self._prepare_reset(fresh, generators)
        coming = self.elapsed + 1
        last = rows & (coming >= self.n_steps)
        views["until"] = np.minimum(coming * self.step_ns, self.horizon_ns)
        command = rows * int(Command.RUN) + last * int(Command.CLOSE)
        views["command"] = np.where(fresh, int(Command.RESET), command)
        self.batch.advance()
        if fresh.any():
            self._note_start(fresh)
        rewards, ended = self._settle(rows)
        self.elapsed += rows
        terminated = rows & ended
        truncated = last & ~terminated
        self.live &= ~(terminated | truncated)
        return rewards, terminated, truncated

    def _write(self, actions: Any, rows: Any) -> None:
        """Check the actions of the rows that act, and write them into their views."""
        if self.actions == "continuous":
            orders = read_box(actions, rows)
        else:
            orders = read_menu(actions, rows, self.standing)
            self.standing[rows] = orders[rows]
        views = self.batch.views
        np.copyto(views["target"], orders[:, 0], where=rows)
        np.copyto(views["aggression"], orders[:, 1], where=rows)
        views["has_action"] = rows

    def _settle(self, rows: Any) -> tuple[Any, Any]:
        """Return the rewards of the rows that acted, and which episodes end before the horizon."""
        views = self.batch.views
        equity = views["equity"]
        rewards = np.where(rows, reward(self.equity, equity, self.capital), 0.0)
        np.copyto(self.equity, equity)
        self._watch_flip(rows)
        return rewards, (views["liquidated"] != 0) | (self.unwatched & (equity <= 0))

    def _watch_flip(self, rows: Any) -> None:
        """Note who has held a position on the catalyst's side for long enough after ignition."""
        views = self.batch.views
        with_it = self.flip_side * views["position"] >= FLIP_POSITION * self.limit
        held = with_it & (views["ignited"] != 0)
        np.copyto(self.flip_steps, (self.flip_steps + 1) * held, where=rows)
        self.flipped |= self.flip_steps * self.step_ns >= FLIP_HOLD_NS

    def _prepare_reset(self, rows: Any, generators: list[np.random.Generator]) -> None:
        for row in np.flatnonzero(rows):
            self.batch.seed_row(int(row), int(generators[row].integers(2**63 - 1)))

    def _note_start(self, rows: Any) -> None:
        views = self.batch.views
        self.elapsed[rows] = 0
        self.live[rows] = True
        self.equity[rows] = views["equity"][rows]
        self.start_equity[rows] = self.equity[rows]
        self.standing[rows, 0] = views["position"][rows] / self.limit
        self.standing[rows, 1] = -1.0
        self.flip_steps[rows] = 0
        self.flipped[rows] = False

    def observations(self) -> Any:
        """Return a fresh (n, features) float32 array."""
        return self.batch.views["observation"][:, :N_OBSERVATIONS].copy()

    def worth(self) -> Any:
        """Return (n,) equity at mark, quanta."""
        return self.batch.views["equity"]

    def pnl(self) -> dict[str, Any]:
        """Return the parts of the equity change since the episodes began, (n,) quanta.

        ``price`` is what marks moved the position's worth (on spot, the index); ``slippage`` what
        own fills lost off that price; ``fees`` those of own trades; ``borrow`` the lender's;
        ``liquidation`` what was done by force: the engine's closing, deleveraging, shared losses,
        buy-ins, less the loss beyond its equity that others bear. They add up to the change.
        """
        views = self.batch.views
        parts = {name: views[field] * sign for name, (field, sign) in PARTS.items()}
        change = self.worth() - self.start_equity
        return {**parts, "liquidation": change - sum(parts.values())}

    def info(self) -> dict[str, Any]:
        """Return the info of every row, as arrays of float64 and bool."""
        views = self.batch.views
        pnl = (views["equity"] - self.start_equity) * self.quantum
        info = {
            "equity": views["equity"] * self.quantum,
            "position": views["position"] / self.limit,
            "pnl": pnl,
            **{f"pnl_{part}": quanta * self.quantum for part, quanta in self.pnl().items()},
            "liquidated": views["liquidated"] != 0,
            "deleveraged": views["deleveraged"] != 0,
            "ignited": views["ignited"] != 0,
            "flipped": self.flipped.copy(),
            "restricted": views["measures"] != 0,
            "is_success": ~self.live & (pnl > 0),
        }
        if self.actions == "masked":
            info["action_mask"] = self.action_masks().astype(np.int8)
        return info

    def info_of(self, row: int) -> dict[str, Any]:
        """Return the info of one row as Python floats and bools: what :meth:`info` says of it."""
        view = dict(zip(_REPORT, self.batch.views[_REPORT][row].item(), strict=True))
        change = view["equity"] - int(self.start_equity[row])
        parts = [view[field] * sign for field, sign in PARTS.values()]
        parts.append(change - sum(parts))
        names = (*PARTS, "liquidation")
        info = {
            "equity": view["equity"] * self.quantum,
            "position": view["position"] / self.limit,
            "pnl": change * self.quantum,
            **{f"pnl_{name}": part * self.quantum for name, part in zip(names, parts, strict=True)},
            "liquidated": view["liquidated"] != 0,
            "deleveraged": view["deleveraged"] != 0,
            "ignited": view["ignited"] != 0,
            "flipped": bool(self.flipped[row]),
            "restricted": view["measures"] != 0,
            "is_success": not self.live[row] and change > 0,
        }
        if self.actions == "masked":
            info["action_mask"] = self.action_masks()[row].astype(np.int8)
        return info

    def action_masks(self) -> Any:
        """Return (n, choices) bool: what of the menu the venue allows and would do something."""
        if self.actions == "continuous":
            raise AttributeError(
                "continuous actions have no masks; make the id's Masked or Discrete variant"
            )
        return masks(
            self.batch.views,
            self.standing,
            self.limit,
            guarded=self.guarded,
            restricted=self.restricted,
        )

    def sample(self, row: int) -> dict[str, float | None]:
        """Return the true state of one market, for figures and diagnosis, never for the policy.

        The fields of :data:`squeezegym.sampling.SAMPLE_DTYPE` and of
        :func:`squeezegym.sampling.ignition`.
        """
        record = self.batch.markets[row]
        values = sample(record, self.batch.scenario)
        named = {name: float(values[name]) for name in values.dtype.names}
        return {**named, **ignition(record, self.batch.scenario)}

    def snapshot(self, rows: slice = slice(None)) -> dict[str, Any]:
        """Copy everything that the rows' future depends on, their actions and seeds apart."""
        return {
            "digest": self.batch.scenario.digest(),
            "markets": self.batch.markets[rows].copy(),
            "views": self.batch.views[rows].copy(),
            **{key: getattr(self, key)[rows].copy() for key in self.state},
        }

    def restore(self, state: dict[str, Any], rows: slice = slice(None)) -> None:
        """Return to a snapshot of rows of the same scenario and number."""
        digest = self.batch.scenario.digest()
        n = len(self.batch.views[rows])
        if state["digest"] != digest or len(state["views"]) != n:
            raise ConfigError(
                f"the snapshot holds {len(state['views'])} markets of scenario {state['digest']}; "
                f"restore it into {len(state['views'])} of the same scenario, not "
                f"{n} of {digest}"
            )
        self.batch.markets[rows] = state["markets"]
        self.batch.views[rows] = state["views"]
        for key in self.state:
            getattr(self, key)[rows] = state[key]

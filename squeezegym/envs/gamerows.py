"""Rows of a batch in which several learners play: what the game and its batch share.

An episode's seed is drawn from the row's own generator, so row ``i`` of a batch seeded ``s``
plays the episodes of a single game seeded ``s + i``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from squeezegym.batch import Batch
from squeezegym.codes import Command
from squeezegym.envs.gamespaces import N_FEATURES, observe, read_actions, write_orders
from squeezegym.envs.reward import reward
from squeezegym.envs.rows import PARTS
from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario


class GameRows:
    """The step and reset logic over a batch of games.

    Args:
        scenario: A scenario with section ``game``.
        n: Markets.
        threads: Most threads.

    Raises:
        ConfigError: The scenario has no game.
    """

    state: tuple[str, ...] = ("elapsed", "live", "alive", "equity", "start_equity")

    def __init__(self, scenario: Scenario, n: int, threads: int | None = None) -> None:
        if scenario.game is None:
            raise ConfigError(
                f"scenario '{scenario.name}' lists no players; add section [game.players], or run "
                "'squeeze_game'"
            )
        self.players = dict(scenario.game.players)
        self.names = list(self.players)
        groups = [player.seats for player in self.players.values()]
        seats = [seat for group in groups for seat in group]
        ends = np.cumsum([len(group) for group in groups]).tolist()
        self.of = [slice(end - len(g), end) for end, g in zip(ends, groups, strict=True)]
        """Seats of each player."""
        self._wallets = np.array([not seat.hand for seat in seats])
        self._owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        self.batch = Batch(scenario, n, threads, seats)
        self.step_ns = scenario.episode.step_ms * 1_000_000
        rules = self.batch.params["learners"][0]
        self.horizon_ns = int(rules["horizon"][0])
        self.limits = np.array([int(rules["limit"][part][0]) for part in self.of])
        capital = np.where(self._wallets, rules["capital"], 0)
        self.capital = np.add.reduceat(capital, [part.start for part in self.of])
        self.quantum = scenario.contract.tick_size * scenario.contract.lot_size
        self.unwatched = scenario.liquidation.destination == "off"  # no engine takes a bankrupt
        shape = (n, len(self.players))
        self.elapsed = np.zeros(n, np.int64)  # steps of the running episode
        self.live = np.zeros(n, np.bool_)  # an episode is running
        self.alive = np.zeros(shape, np.bool_)  # the player has not been liquidated
        self.equity = np.zeros(shape, np.int64)
        self.start_equity = np.zeros(shape, np.int64)

    @property
    def n_steps(self) -> int:
        """Decisions of an episode."""
        return -(-self.horizon_ns // self.step_ns)

    def reset(self, rows: Any, generators: list[np.random.Generator]) -> None:
        """Start a new episode in the rows marked True."""
        self._prepare_reset(rows, generators)
        self.batch.views["command"][:, 0] = np.where(rows, int(Command.RESET), 0)
        self.batch.advance()
        self._note_start(rows)

    def step(
        self, actions: Any, rows: Any, fresh: Any, generators: list[np.random.Generator]
    ) -> tuple[Any, Any, Any]:
        """Step the rows marked in ``rows`` and reset those in ``fresh``, in one call.

        Args:
            actions: (n, players, 3) numbers.
            rows: (n,) bool.
            fresh: (n,) bool.
            generators: Of the rows.

        Returns:
            ``(rewards, terminated, truncated)``, each (n, players): a player that is gone has
            zero and False.
        """
        views = self.batch.views
        acted = rows[:, None] & self.alive
        self._write(actions, rows, acted)
        if fresh.any():
            self._prepare_reset(fresh, generators)
        last = rows & (self.elapsed + 1 >= self.n_steps)
        until = np.minimum((self.elapsed + 1) * self.step_ns, self.horizon_ns)
        command = np.where(rows, int(Command.RUN), 0) | np.where(last, int(Command.CLOSE), 0)
        views["until"][:, 0] = until
        views["command"][:, 0] = np.where(fresh, int(Command.RESET), command)
        self.batch.advance()
        if fresh.any():
            self._note_start(fresh)
        equity = self.worth()
        rewards = np.where(acted, reward(self.equity, equity, self.capital), 0.0)
        np.copyto(self.equity, equity)
        self.elapsed += rows
        terminated = acted & (self._taken() | (self.unwatched & (equity <= 0)))
        truncated = acted & last[:, None] & ~terminated
        self.alive &= ~terminated
        self.live &= ~last & self.alive.any(1)
        return rewards, terminated, truncated

    def _write(self, actions: Any, rows: Any, acted: Any) -> None:
        """Check the actions and write them into the views; who is gone gets out of the market."""
        read = read_actions(actions, acted, self.players)
        views = self.batch.views
        for i, (player, part) in enumerate(zip(self.players.values(), self.of, strict=True)):
            write_orders(player, read[:, i], views[:, part])
            views["target"][~acted[:, i], part] = 0.0
            views["aggression"][~acted[:, i], part] = 1.0
        views["has_action"] = rows[:, None]

    def _prepare_reset(self, rows: Any, generators: list[np.random.Generator]) -> None:
        for row in np.flatnonzero(rows):
            self.batch.seed_row(int(row), int(generators[row].integers(2**63 - 1)))

    def _note_start(self, rows: Any) -> None:
        self.elapsed[rows] = 0
        self.live[rows] = True
        self.alive[rows] = True
        self.equity[rows] = self.worth()[rows]
        self.start_equity[rows] = self.equity[rows]

    def _by_player(self, values: Any) -> Any:
        """Sum (n, seats) values over the wallets of each player."""
        owned = np.where(self._wallets, values, 0)
        return np.add.reduceat(owned, [part.start for part in self.of], axis=1)

    def worth(self) -> Any:
        """Return (n, players) equity at mark, over all wallets, quanta."""
        return self._by_player(self.batch.views["equity"])

    def _taken(self) -> Any:
        """(n, players) whether an account of the player has been liquidated or bought in."""
        return self._by_player(self.batch.views["liquidated"]) != 0

    def observations(self) -> Any:
        """Return a fresh (n, players, features) float32 array, zero beyond a player's table."""
        views = self.batch.views
        seen = np.zeros((*self.alive.shape, N_FEATURES), np.float32)
        for i, (player, part) in enumerate(zip(self.players.values(), self.of, strict=True)):
            observe(player, views[:, part], seen[:, i])
        return seen

    def pnl(self) -> dict[str, Any]:
        """Return the parts of the equity change since the episodes began, (n, players) quanta.

        Those of :meth:`squeezegym.envs.rows.Rows.pnl`, summed over a player's wallets.
        """
        views = self.batch.views
        parts = {
            name: self._by_player(views[field]) * sign for name, (field, sign) in PARTS.items()
        }
        change = self.worth() - self.start_equity
        return {**parts, "liquidation": change - sum(parts.values())}

    def info(self) -> dict[str, Any]:
        """Return the info of every player, (n, players) arrays of float64 and bool."""
        views = self.batch.views
        change = self.equity - self.start_equity
        first = [part.start for part in self.of]
        return {
            "equity": self.equity * self.quantum,
            "position": views["position"][:, first] / self.limits,
            "pnl": change * self.quantum,
            **{f"pnl_{name}": quanta * self.quantum for name, quanta in self.pnl().items()},
            "alive": self.alive.copy(),
            "liquidated": self._taken(),
            "deleveraged": self._by_player(views["deleveraged"]) != 0,
            "ignited": views["ignited"][:, first] != 0,
            "restricted": views["measures"][:, first] != 0,
        }

    def snapshot(self) -> dict[str, Any]:
        """Copy everything that the rows' future depends on, their actions and seeds apart."""
        return {
            "digest": self.batch.scenario.digest(),
            "markets": self.batch.markets.copy(),
            "views": self.batch.views.copy(),
            **{key: getattr(self, key).copy() for key in self.state},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a snapshot of the same scenario and number of markets."""
        digest, n = self.batch.scenario.digest(), len(self.batch.views)
        if state["digest"] != digest or len(state["views"]) != n:
            raise ConfigError(
                f"the snapshot holds {len(state['views'])} games of scenario {state['digest']}; "
                f"restore it into {len(state['views'])} of the same scenario, not {n} of {digest}"
            )
        self.batch.markets[:] = state["markets"]
        self.batch.views[:] = state["views"]
        for key in self.state:
            getattr(self, key)[:] = state[key]

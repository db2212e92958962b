"""Many games at once, as arrays: what self-play steps with one call of the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode

from squeezegym.batch import Batch
from squeezegym.envs.gamerows import GameRows
from squeezegym.envs.gamespaces import N_ACTIONS, N_FEATURES, action_space, observation_space
from squeezegym.envs.loading import autoreset, game_arguments, load_scenario
from squeezegym.errors import ConfigError
from squeezegym.scenario import Scenario

_MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)


class SqueezeGameVector:
    """``num_envs`` games as arrays, each equal to a :class:`~squeezegym.envs.multi.SqueezeGameEnv`.

    Observations are (markets, agents, entries) and actions (markets, agents, numbers), padded with
    zeros to the longest; :attr:`observation_spaces` and :attr:`action_spaces` say how much of them
    is an agent's. Rewards, ``terminated``, ``truncated`` and infos are (markets, agents). Agents
    that were taken see zeros and get zero until their game ends; ``info["alive"]`` says who is
    there. A game ends at the horizon, or when nobody is left.

    With ``"NextStep"`` the step after the end of a game starts another one in its row, whatever the
    actions, with zero rewards. With ``"SameStep"`` the same step does, and ``info`` holds
    ``"final_obs"``, ``"final_info"`` and ``"_final"``, the (markets,) mask of the games that ended.

    Args:
        num_envs: Number of markets.
        scenario: As :class:`~squeezegym.envs.multi.SqueezeGameEnv`.
        autoreset_mode: ``"NextStep"`` or ``"SameStep"``.
        horizon_s: Episode length instead of the scenario's, seconds.
        threads: Threads to use; default ``SQUEEZEGYM_THREADS`` or all cores allowed.
    """

    render_mode: str | None = None

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Scenario = "squeeze_game",
        autoreset_mode: str | AutoresetMode = "NextStep",
        horizon_s: float | None = None,
        threads: int | None = None,
    ) -> None:
        self._mode = autoreset(num_envs, autoreset_mode, _MODES)
        self.num_envs = num_envs
        self.scenario = load_scenario(scenario, horizon_s, {})
        self._rows = GameRows(self.scenario, num_envs, threads)
        self.metadata = {"autoreset_mode": self._mode}
        self.agents = self._rows.names
        players = self._rows.players
        self.observation_spaces = {k: observation_space(p) for k, p in players.items()}
        self.action_spaces = {k: action_space(p) for k, p in players.items()}
        shape = (num_envs, len(self.agents))
        self.observation_space = spaces.Box(-1.0, 1.0, (*shape, N_FEATURES), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (*shape, N_ACTIONS), np.float32)
        self._generators: list[np.random.Generator] = []
        self._done = np.zeros(num_envs, np.bool_)

    def reset(self, seed: int | list[int] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every row.

        Args:
            seed: ``s`` seeds row ``i`` with ``s + i``; a list seeds each row; None continues.
        """
        if seed is not None or not self._generators:
            rows = range(self.num_envs)
            first = [None] * self.num_envs if seed is None else seed
            seeds = [first + i for i in rows] if isinstance(first, int) else list(first)
            if len(seeds) != self.num_envs:
                raise ConfigError(f"seed needs {self.num_envs} entries, got {len(seeds)}")
            self._generators = [seeding.np_random(each)[0] for each in seeds]
        self._rows.reset(np.ones(self.num_envs, np.bool_), self._generators)
        self._done[:] = False
        return self._observations(self._rows.alive), self._rows.info()

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Let every agent of every market act, and let one decision interval pass.

        Args:
            actions: (markets, agents, 3) numbers in [-1, 1]; those of agents that are gone, and
                what an agent's action space lacks, are ignored.

        Raises:
            ConfigError: The actions have the wrong shape or hold NaN.
            gymnasium.error.ResetNeeded: Before the first reset.
        """
        rows = self._rows
        if not self._generators:
            raise ResetNeeded("no game is running; call reset() first")
        fresh = self._done
        there = rows.alive.copy()
        rewards, terminated, truncated = rows.step(actions, ~fresh, fresh, self._generators)
        there |= fresh[:, None]
        seen, infos = self._observations(there), rows.info()
        self._done = ~rows.live
        if self._mode is AutoresetMode.SAME_STEP and self._done.any():
            done = self._done
            final = {"final_obs": seen, "final_info": infos, "_final": done}
            rows.reset(done, self._generators)
            self._done = np.zeros_like(done)
            seen = np.where(done[:, None, None], self._observations(rows.alive), seen)
            infos = {**rows.info(), **final}
        return seen, rewards, terminated, truncated, infos

    def _observations(self, there: Any) -> Any:
        """What the agents marked in (markets, agents) see; zeros for the others."""
        return np.where(there[:, :, None], self._rows.observations(), np.float32(0.0))

    @property
    def batch(self) -> Batch:
        """The batch of markets behind it, for recorders and diagnosis, never for policies."""
        return self._rows.batch

    def snapshot(self) -> dict[str, Any]:
        """Copy the state of every game, for search and counterfactuals."""
        states = [generator.bit_generator.state for generator in self._generators]
        return {**self._rows.snapshot(), "done": self._done.copy(), "generators": states}

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a snapshot; the same actions then give the same future, bit for bit."""
        self._rows.restore(state)
        self._done = state["done"].copy()
        self._generators = [seeding.np_random(0)[0] for _ in state["generators"]]
        for generator, saved in zip(self._generators, state["generators"], strict=True):
            generator.bit_generator.state = saved

    def close(self) -> None:
        """Stop the threads."""
        self._rows.batch.close()


def make_game_vec(
    env_id: str = "squeezegym/SqueezeGame-v0", num_envs: int = 64, **kwargs: Any
) -> SqueezeGameVector:
    """Make many games that step together.

    Args:
        env_id: An id of :data:`squeezegym.GAMES`.
        num_envs: Number of markets.
        **kwargs: As :class:`SqueezeGameVector`.

    Raises:
        ConfigError: An unknown id, or a scenario without players.
    """
    return SqueezeGameVector(num_envs, **game_arguments(env_id, kwargs))

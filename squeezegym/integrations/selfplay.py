"""stable-baselines3 over a batch of games: several agents, one policy, a row for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices

from squeezegym.envs.gamespaces import N_ACTIONS, N_FEATURES
from squeezegym.envs.gamevector import SqueezeGameVector, make_game_vec
from squeezegym.errors import ConfigError, did_you_mean
from squeezegym.integrations.sb3 import check_same_step


class GameVecEnv(VecEnv):
    """Some agents of a batch of games as the rows of a ``VecEnv``, market by market.

    Row ``m * len(agents) + i`` is agent ``i`` of market ``m``. Agents whose spaces are the same
    keep them; others share the longest, padded with zeros, of which each ignores what is not its
    own. An agent that was taken stays with zeros until its game ends: all rows of a
    market end together, and are reset in the same step.

    Args:
        games: A batch with ``autoreset_mode="SameStep"``.
        agents: Those who learn; default all.
        others: What the others do: from observations (markets, agents, entries) to actions
            (markets, agents, 3), of which only the others' count; default they stay flat.
        seed: Seed of the first reset: market ``m`` gets ``seed + m``.

    Raises:
        ConfigError: A batch in another mode, or agents that are none.
    """

    def __init__(
        self,
        games: SqueezeGameVector,
        agents: Sequence[str] | None = None,
        others: Callable[[Any], Any] | None = None,
        seed: int | None = None,
    ) -> None:
        check_same_step(games.metadata)
        self.games = games
        self.learners = list(games.agents if agents is None else agents)
        for name in self.learners:
            if name not in games.agents:
                raise ConfigError(
                    f"unknown agent {name!r}{did_you_mean(name, games.agents)}; known: "
                    f"{', '.join(games.agents)}"
                )
        if not self.learners or len(set(self.learners)) < len(self.learners):
            raise ConfigError(f"agents must be one or more different names, got {self.learners}")
        self._at = [games.agents.index(name) for name in self.learners]
        self._others = others
        self._idle = np.zeros((games.num_envs, len(games.agents), N_ACTIONS))
        for i, player in enumerate(games.scenario.game.players.values()):  # type: ignore[union-attr]
            if player.role == "maker":
                self._idle[:, i, 2] = -1.0  # quotes nothing
        self._seen: Any = None
        self._actions: Any = None
        self._first_seed = seed
        super().__init__(
            games.num_envs * len(self.learners),
            self._shared(games.observation_spaces, N_FEATURES),
            self._shared(games.action_spaces, N_ACTIONS),
        )

    def _shared(self, of_agents: dict[str, spaces.Box], longest: int) -> spaces.Box:
        """Return the space of all rows: the agents' own where it is the same."""
        own = [of_agents[name] for name in self.learners]
        if all(space == own[0] for space in own):
            return own[0]
        return spaces.Box(-1.0, 1.0, (longest,), np.float32)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the next reset: market ``m`` gets ``seed + m``."""
        self._first_seed = seed
        return super().seed(seed)

    def reset(self) -> Any:
        """Start a game in every market and return the observations of the rows."""
        self._seen, _ = self.games.reset(self._first_seed)
        self._first_seed = None
        self._reset_seeds()
        self._reset_options()
        return self._take(self._seen)

    def _take(self, seen: Any) -> Any:
        """Take the learners' rows out of (markets, agents, entries)."""
        n = self.observation_space.shape[0]  # type: ignore[index]
        return seen[:, self._at, :n].reshape(self.num_envs, n)

    def step_async(self, actions: Any) -> None:
        """Keep the actions for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Step every market; games that ended are already reset in what comes back.

        Raises:
            ConfigError: Wrong actions, of the learners or of the others.
        """
        every = self._of_others()
        mine = np.asarray(self._actions).reshape(self.games.num_envs, len(self._at), -1)
        every[:, self._at, : mine.shape[2]] = mine
        self._seen, rewards, _, truncated, info = self.games.step(every)
        over = info.get("_final", np.zeros(self.games.num_envs, np.bool_))
        dones = np.repeat(over, len(self._at))
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if dones.any():
            last = self._take(info["final_obs"])
            for row in np.flatnonzero(dones).tolist():
                market, agent = divmod(row, len(self._at))
                at = self._at[agent]
                final = {k: v[market, at].item() for k, v in info["final_info"].items()}
                final["TimeLimit.truncated"] = bool(truncated[market, at])
                infos[row] = {**final, "terminal_observation": last[row]}
        return self._take(self._seen), _flat(rewards[:, self._at]), dones, infos

    def _of_others(self) -> Any:
        """Return (markets, agents, 3) float64 actions of those who do not learn."""
        if self._others is None:
            return self._idle.copy()
        chosen = np.array(self._others(self._seen), np.float64)
        if chosen.shape != self._idle.shape:
            raise ConfigError(
                f"others must return actions of shape {self._idle.shape} (markets, agents,"
                f" numbers), got {chosen.shape}"
            )
        return chosen

    def close(self) -> None:
        """Stop the threads."""
        self.games.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the batch, once for each row asked for."""
        return [getattr(self.games, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: rows of a batch of games have no attributes of their own."""
        raise AttributeError(f"a row of a batch of games has no attribute {attr_name!r} to set")

    def env_method(
        self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        """Refuse: rows of a batch of games have no methods of their own."""
        raise AttributeError(f"a row of a batch of games has no method {method_name!r}")

    def env_is_wrapped(self, wrapper_class: Any, indices: VecEnvIndices = None) -> list[bool]:
        """Return False for each row: the batch has no per-row wrappers."""
        return [False for _ in self._get_indices(indices)]


def _flat(rewards: Any) -> Any:
    return rewards.reshape(-1).astype(np.float32)


def make_game_sb3_vec(
    env_id: str = "squeezegym/SqueezeGame-v0",
    num_envs: int = 64,
    agents: Sequence[str] | None = None,
    others: Callable[[Any], Any] | None = None,
    seed: int | None = None,
    **kwargs: Any,
) -> GameVecEnv:
    """Make a batch of games for one stable-baselines3 policy.

    Args:
        env_id: An id of :data:`squeezegym.GAMES`.
        num_envs: Number of markets.
        agents: Those who learn; default all.
        others: As :class:`GameVecEnv`.
        seed: Market ``m`` is seeded ``seed + m``; None leaves it to chance.
        **kwargs: As :class:`~squeezegym.envs.gamevector.SqueezeGameVector`.

    Returns:
        A ``VecEnv`` of ``num_envs * len(agents)`` rows.
    """
    games = make_game_vec(env_id, num_envs, autoreset_mode="SameStep", **kwargs)
    return GameVecEnv(games, agents, others, seed)

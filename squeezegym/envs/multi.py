"""The game: several learners in one market, as a PettingZoo parallel environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from squeezegym.batch import Batch
from squeezegym.envs.gamerows import GameRows
from squeezegym.envs.gamespaces import action_space, features, observation_space, read_named
from squeezegym.envs.loading import game_arguments, load_scenario
from squeezegym.scenario import Scenario
from squeezegym.view.screen import FPS, MODES, screen_for


class SqueezeGameEnv(ParallelEnv[str, Any, Any]):
    """Squeeze, be squeezed, quote, arbitrage or snipe, against each other in one market.

    **Agents** the players of the scenario's section ``game``, by default ``squeezer_0``,
    ``short_0``, ``maker_0``, ``arbitrageur_0`` and ``sniper_0``, each with an account and access of
    its own. All decide at once; their messages travel, queue and match like anyone else's.

    **Actions** boxes in [-1, 1]

    | role | numbers | meaning |
    |---|---|---|
    | squeezer, sniper | target, aggression | as :class:`~squeezegym.envs.squeeze.SqueezeEnv` |
    | short_seller | target, aggression | the same with a target in [-1, 0] |
    | maker | bid, ask, size | how near its post-only quotes stand to the published mid, from \
``widest_bps`` away (-1) to there (1); lots of each, from none (-1) to the limit (1) |
    | arbitrageur | basis, aggression | lots long on spot and short on the perp, in limits |

    **Observations** boxes of float32: the table of
    :class:`~squeezegym.envs.squeeze.SqueezeEnv` for the agent's own account; a maker's has three
    entries more, of its ask, an arbitrageur's nine, of its spot wallet
    (:func:`squeezegym.envs.gamespaces.features`).

    **Rewards** change of own equity at mark, over all own wallets and after all costs, in percent
    of own starting capital.

    **End** An agent is ``terminated`` and leaves :attr:`agents` when one of its accounts has been
    liquidated or bought in, or, where no engine takes accounts (``liquidation.destination`` is
    ``"off"``), when its equity is gone. It cancels its orders, and what it has left is closed as
    the book takes it; a maker, who only quotes, keeps a position until the horizon. All others are
    ``truncated`` at the horizon, where their positions are closed against the book, the last of
    ``possible_agents`` first. With ``black_death`` who has been taken stays, with zeros for
    observation and reward and ``info["alive"]`` False, until the game ends.

    **Infos** as of the single environment: (quote) ``equity``, ``pnl`` and its parts, (limits)
    ``position``, flags ``alive``, ``liquidated``, ``deleveraged``, ``ignited``, ``restricted``. An
    arbitrageur's position is its perp leg's.

    Args:
        scenario: Shipped scenario name, TOML path, or a scenario object, with section ``game``.
        render_mode: ``"rgb_array"`` (480 x 640), ``"ansi"``, ``"human"`` or None.
        horizon_s: Episode length instead of the scenario's, seconds.
        black_death: Keep agents that were taken until the end.

    **Version history** v0: first.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "name": "squeeze_game_v0",
        "render_modes": list(MODES),
        "render_fps": FPS,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        scenario: str | Scenario = "squeeze_game",
        render_mode: str | None = None,
        horizon_s: float | None = None,
        black_death: bool = False,
    ) -> None:
        self.render_mode = render_mode
        self.black_death = black_death
        self.scenario = load_scenario(scenario, horizon_s, {})
        self._rows = GameRows(self.scenario, 1, 1)
        players = self._rows.players
        first = next(iter(players.values()))
        # The screen shows the account of the first agent.
        shown = self.scenario.model_copy(update={"learner": first})
        self._screen = screen_for(render_mode, shown)
        self.possible_agents = self._rows.names
        self.agents: list[str] = []
        self.observation_spaces = {k: observation_space(p) for k, p in players.items()}
        self.action_spaces = {k: action_space(p) for k, p in players.items()}
        low, high = (
            np.concatenate([getattr(box, end) for box in self.observation_spaces.values()])
            for end in ("low", "high")
        )
        self.state_space = spaces.Box(low, high, dtype=np.float32)
        self._generator: np.random.Generator | None = None

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the space of an agent's observations, each time the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the space of an agent's actions, each time the same object."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Start an episode; without a seed the stream of episodes continues."""
        if seed is not None or self._generator is None:
            self._generator, _ = seeding.np_random(seed)
        self._rows.reset(np.ones(1, np.bool_), [self._generator])
        self.agents = list(self.possible_agents)
        self._look()
        return self._observations(self.agents), self._infos(self.agents)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]]:
        """Let every live agent act, and let one decision interval pass.

        Raises:
            ConfigError: An agent too many or too few, an action of the wrong shape, or NaN.
            gymnasium.error.ResetNeeded: No episode is running.
        """
        if not self.agents or self._generator is None:
            raise ResetNeeded("no game is running; call reset() first, and again after a game ends")
        rows, acting = self._rows, self.agents
        read = read_named(actions, acting, rows.players)
        everyone, nobody = np.ones(1, np.bool_), np.zeros(1, np.bool_)
        results = rows.step(read, everyone, nobody, [self._generator])
        values = [dict(zip(rows.names, part[0].tolist(), strict=True)) for part in results]
        rewards, ended, cut = values
        over = not rows.live[0]
        if self.black_death:
            ended = dict.fromkeys(rows.names, over and not any(cut.values()))
            cut = dict.fromkeys(rows.names, over and any(cut.values()))
        observations, infos = self._observations(acting), self._infos(acting)
        self.agents = [a for a in acting if not (ended[a] or cut[a])]
        self._look()
        return (
            observations,
            {agent: rewards[agent] for agent in acting},
            {agent: ended[agent] for agent in acting},
            {agent: cut[agent] for agent in acting},
            infos,
        )

    def _observations(self, agents: list[str]) -> dict[str, Any]:
        seen = self._rows.observations()[0]
        if self.black_death:
            seen[~self._rows.alive[0]] = 0.0
        sizes = {k: len(features(player.role)) for k, player in self._rows.players.items()}
        return {k: seen[i, : sizes[k]].copy() for i, k in enumerate(sizes) if k in agents}

    def _infos(self, agents: list[str]) -> dict[str, dict[str, Any]]:
        info = {key: values[0].tolist() for key, values in self._rows.info().items()}
        return {
            agent: {key: values[i] for key, values in info.items()}
            for i, agent in enumerate(self._rows.names)
            if agent in agents
        }

    def state(self) -> Any:
        """Return what all players see, one after the other, for a critic of all of them."""
        return np.concatenate(list(self._observations(self.possible_agents).values()))

    def snapshot(self) -> dict[str, Any]:
        """Copy the state of the environment, for search and counterfactuals."""
        generator = None if self._generator is None else self._generator.bit_generator.state
        return {**self._rows.snapshot(), "generator": generator, "agents": list(self.agents)}

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a snapshot; the same actions then give the same future, bit for bit."""
        self._rows.restore(state)
        self.agents = list(state["agents"])
        self._generator = None
        if state["generator"] is not None:
            self._generator, _ = seeding.np_random(0)
            self._generator.bit_generator.state = state["generator"]

    @property
    def batch(self) -> Batch:
        """The batch of one market behind it, for recorders and diagnosis, never for policies."""
        return self._rows.batch

    def _look(self) -> None:
        """Let the screen follow the market."""
        if self._screen is not None:
            self._screen.see(self._rows.batch.markets[0])

    def render(self) -> Any:
        """Return a frame of the running game: both books, marks, the agents as text."""
        if self._screen is None or (not self.agents and self._rows.elapsed[0] == 0):
            return None
        frame = self._screen.render(self._rows.batch.markets[0])
        if not isinstance(frame, str):
            return frame
        lines = [
            f"{name:<14}position {info['position']:+.3f}  equity {info['equity']:,.2f}"
            f"{'' if info['alive'] else '  taken'}"
            for name, info in self._infos(self.possible_agents).items()
        ]
        return "\n".join([*frame.split("\n")[:-1], *lines])

    def close(self) -> None:
        """Stop the threads, if any."""
        self._rows.batch.close()


def parallel_env(env_id: str = "squeezegym/SqueezeGame-v0", **kwargs: Any) -> SqueezeGameEnv:
    """Make a game for several learners.

    Args:
        env_id: An id of :data:`squeezegym.GAMES`.
        **kwargs: As :class:`SqueezeGameEnv`.

    Raises:
        ConfigError: An unknown id, or a scenario without players.
    """
    return SqueezeGameEnv(**game_arguments(env_id, kwargs))

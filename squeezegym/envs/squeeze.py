"""The single environment: one learner in one market."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from squeezegym.batch import Batch
from squeezegym.envs.loading import load_scenario
from squeezegym.envs.observation import FEATURES, table
from squeezegym.envs.rows import Rows
from squeezegym.scenario import Scenario
from squeezegym.view.screen import FPS, MODES, screen_for


class SqueezeEnv(gym.Env[Any, Any]):
    """Trade a leveraged perp while other people's shorts are liquidated.

    **Action** ``Box(-1, 1, (2,), float32)``

    | index | name | meaning |
    |---|---|---|
    | 0 | target | position in units of the scenario's limit, within the leverage cap |
    | 1 | aggression | > 0: an IOC through the touch; otherwise a limit order at the own touch |

    With ``actions="discrete"`` or ``"masked"`` ``Discrete(11)``, choices from
    :data:`squeezegym.envs.action.MENU`: 0 keeps the last order, 1 to 5 take to -1, -0.5, 0, 0.5
    and 1, 6 to 10 post to them. ``"masked"`` puts ``action_mask`` into the info; both have
    :meth:`action_masks`.

    An action becomes messages that travel, queue and match like anyone else's; nothing new is
    sent before the acks of all earlier ones have arrived.

    **Observation** ``Box((%(n)d,), float32)``, each entry in [-1, 1] or [0, 1]: the last published
    snapshot that arrived and the learner's own acks, never the true book.

    %(table)s

    **Reward** Change of own equity at mark after all costs, in percent of starting capital.

    **Start** Flat in half of the episodes, short at a drawn entry in the other half, after a
    burn-in. **End** ``terminated`` when the engine has liquidated the learner, or, where there is
    no engine, when its equity is gone; ``truncated`` at the horizon, where the position is closed
    against the book.

    **Info** (quote) ``equity``; ``pnl`` since the episode began and its parts ``pnl_price``,
    ``pnl_fees``, ``pnl_funding``, ``pnl_borrow``, ``pnl_slippage``, ``pnl_liquidation``, as
    :meth:`pnl` says; (limits) ``position``; flags ``liquidated``, ``deleveraged``, ``ignited``,
    ``flipped`` (a quarter of the limit on the catalyst's side, held 5 s after ignition),
    ``restricted`` (protection has a measure in force), ``is_success`` (ended with a gain).

    Args:
        scenario: Shipped scenario name, TOML path, or a scenario object (which a spec cannot hold).
        render_mode: ``"rgb_array"`` (480 x 640), ``"ansi"``, ``"human"`` (text in the terminal,
            redrawn at each step) or None.
        horizon_s: Episode length instead of the scenario's, seconds.
        threads: Ignored by one market; here so that single and vector take the same arguments.
        actions: ``"continuous"``, ``"discrete"`` or ``"masked"``.
        **data: For ``from_data``: ``book``, ``spot`` (file names, several joined by the path
            separator), ``positions`` (a file), ``open_interest`` (base).

    **Version history** v0: first.
    """

    metadata: dict[str, Any] = {"render_modes": list(MODES), "render_fps": FPS}  # noqa: RUF012
    kind: type[Rows] = Rows

    def __init__(
        self,
        scenario: str | Scenario = "short_squeeze",
        render_mode: str | None = None,
        horizon_s: float | None = None,
        threads: int | None = None,
        actions: str = "continuous",
        **data: Any,
    ) -> None:
        self.render_mode = render_mode
        self.scenario = load_scenario(scenario, horizon_s, data, self.kind.changes)
        self._screen = screen_for(render_mode, self.scenario)
        self._rows = self.kind(self.scenario, 1, 1, actions)
        self.observation_space = self._rows.observation_space
        self.action_space = self._rows.action_space
        self._all = np.ones(1, np.bool_)
        self._none = np.zeros(1, np.bool_)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode; without a seed the stream of episodes continues."""
        super().reset(seed=seed)
        self._rows.reset(self._all, [self.np_random])
        self._look()
        return self._rows.observations()[0], self._rows.info_of(0)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Act, and let one decision interval pass.

        Raises:
            ConfigError: The action has the wrong shape or is NaN.
            gymnasium.error.ResetNeeded: No episode is running.
        """
        rows = self._rows
        if not rows.live[0]:
            raise gym.error.ResetNeeded(
                "no episode is running; call reset() first, and again after an episode ends"
            )
        action = np.asarray(action)[None]
        rewards, terminated, truncated = rows.step(action, self._all, self._none, [self.np_random])
        self._look()
        return (
            rows.observations()[0],
            float(rewards[0]),
            bool(terminated[0]),
            bool(truncated[0]),
            rows.info_of(0),
        )

    def snapshot(self) -> dict[str, Any]:
        """Copy the state of the environment, for search and counterfactuals."""
        return {**self._rows.snapshot(), "generator": self.np_random.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a snapshot; the same actions then give the same future, bit for bit."""
        self._rows.restore(state)
        self.np_random.bit_generator.state = state["generator"]

    @property
    def batch(self) -> Batch:
        """The batch of one market behind it, for recorders and diagnosis, never for the policy."""
        return self._rows.batch

    def sample(self) -> dict[str, float | None]:
        """Return the true state of the market, for figures and diagnosis, never for the policy.

        The fields of :data:`squeezegym.sampling.SAMPLE_DTYPE` and of
        :func:`squeezegym.sampling.ignition`.
        """
        return self._rows.sample(0)

    def action_masks(self) -> Any:
        """Return (11,) bool: choices that the venue allows and that would do something.

        Raises:
            AttributeError: The actions are continuous.
        """
        return self._rows.action_masks()[0]

    @property
    def quantum(self) -> float:
        """Quote of one quantum."""
        return self._rows.quantum

    def pnl(self) -> dict[str, int]:
        """Return the parts of the PnL in whole quanta; :meth:`squeezegym.envs.rows.Rows.pnl`."""
        return {part: int(quanta[0]) for part, quanta in self._rows.pnl().items()}

    def _look(self) -> None:
        """Let the screen follow the market."""
        if self._screen is not None:
            self._screen.see(self._rows.batch.markets[0])

    def render(self) -> Any:
        """Return a frame of the running episode: both books, marks, the learner."""
        if self._screen is None or (not self._rows.live.any() and self._rows.elapsed[0] == 0):
            return None
        return self._screen.render(self._rows.batch.markets[0])

    def close(self) -> None:
        """Stop the threads, if any."""
        self._rows.batch.close()


if SqueezeEnv.__doc__:  # absent under python -OO
    SqueezeEnv.__doc__ %= {"n": len(FEATURES), "table": table().replace("\n", "\n    ")}

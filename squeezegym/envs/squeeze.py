"""The single environment: one learner in one market."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from squeezegym.batch import Batch
from squeezegym.envs.action import action_space
from squeezegym.envs.loading import load_scenario
from squeezegym.envs.observation import observation_space
from squeezegym.envs.rows import Rows
from squeezegym.sampling import ignition, sample
from squeezegym.scenario import Scenario
from squeezegym.view.screen import FPS, MODES, screen_for


class SqueezeEnv(gym.Env[Any, Any]):
    """Trade a leveraged perp while other people's shorts are liquidated.

    **Action** ``Box(-1, 1, (2,), float32)``

    | index | name | meaning |
    |---|---|---|
    | 0 | target | position in units of the scenario's limit, within the leverage cap |
    | 1 | aggression | > 0: an IOC through the touch; otherwise a limit order at the own touch |

    An action becomes messages that travel, queue and match like anyone else's; nothing new is
    sent before the acks of all earlier ones have arrived.

    **Observation** ``Box((76,), float32)``, each entry in [-1, 1] or [0, 1]: the last published
    snapshot that arrived and the learner's own acks, never the true book. The table (index,
    name, unit, range) is :data:`squeezegym.envs.observation.FEATURES`.

    **Reward** Change of own equity at mark after all costs, in percent of starting capital.

    **Start** Flat in half of the episodes, short at a drawn entry in the other half, after a
    burn-in. **End** ``terminated`` when the engine liquidates the learner; ``truncated`` at the
    horizon, where the position is closed against the book.

    **Info** ``equity``, ``pnl``, ``pnl_price``, ``pnl_fees`` (quote), ``position`` (limits),
    ``liquidated``, ``ignited``, ``is_success``.

    Args:
        scenario: Shipped scenario name, TOML path, or a scenario object (which a spec cannot hold).
        render_mode: ``"rgb_array"`` (480 x 640), ``"ansi"``, ``"human"`` (text in the terminal,
            redrawn at each step) or None.
        horizon_s: Episode length instead of the scenario's, seconds.
        threads: Ignored by one market; here so that single and vector take the same arguments.
        **data: For ``from_data``: ``book``, ``spot`` (file names, several joined by the path
            separator), ``positions`` (a file), ``open_interest`` (base).

    **Version history** v0: first.
    """

    metadata: dict[str, Any] = {"render_modes": list(MODES), "render_fps": FPS}  # noqa: RUF012

    def __init__(
        self,
        scenario: str | Scenario = "short_squeeze",
        render_mode: str | None = None,
        horizon_s: float | None = None,
        threads: int | None = None,
        **data: Any,
    ) -> None:
        self.render_mode = render_mode
        self.scenario = load_scenario(scenario, horizon_s, data)
        self._screen = screen_for(render_mode, self.scenario)
        self.observation_space = observation_space()
        self.action_space = action_space()
        self._rows = Rows(self.scenario, 1, 1)
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
        record = self._rows.batch.markets[0]
        row = sample(record, self.scenario)
        values = {name: float(row[name]) for name in row.dtype.names}
        return {**values, **ignition(record, self.scenario)}

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

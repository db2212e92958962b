"""The native vector environment: many markets, one call of the kernel a step."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from squeezegym.batch import Batch
from squeezegym.envs.loading import autoreset, load_scenario
from squeezegym.envs.marketrow import MarketRow
from squeezegym.envs.rows import Rows
from squeezegym.scenario import Scenario
from squeezegym.view.screen import FPS, screen_for

_MODES = ("rgb_array", "ansi")


class SqueezeVectorEnv(VectorEnv[Any, Any, Any]):
    """``num_envs`` markets as one environment, equal to ``SyncVectorEnv`` bit for bit.

    Args:
        num_envs: Number of markets.
        scenario: As :class:`~squeezegym.envs.squeeze.SqueezeEnv`.
        autoreset_mode: ``"NextStep"`` (default), ``"SameStep"`` or ``"Disabled"``.
        max_episode_steps: Truncate after so many steps, without closing the position, as the
            ``TimeLimit`` wrapper does for one environment.
        horizon_s: Episode length instead of the scenario's, seconds.
        threads: Threads to use; default ``SQUEEZEGYM_THREADS`` or all cores allowed.
        render_mode: ``"rgb_array"``, ``"ansi"`` or None.
        actions: ``"continuous"``, ``"discrete"`` or ``"masked"``.
        **data: As :class:`~squeezegym.envs.squeeze.SqueezeEnv`.
    """

    metadata: dict[str, Any] = {"render_modes": list(_MODES), "render_fps": FPS}  # noqa: RUF012
    kind: type[Rows] = Rows

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Scenario = "short_squeeze",
        autoreset_mode: str | AutoresetMode = "NextStep",
        max_episode_steps: int | None = None,
        horizon_s: float | None = None,
        threads: int | None = None,
        render_mode: str | None = None,
        actions: str = "continuous",
        **data: Any,
    ) -> None:
        mode = autoreset(num_envs, autoreset_mode)
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.metadata = {**type(self).metadata, "autoreset_mode": mode}
        self.scenario = load_scenario(scenario, horizon_s, data, self.kind.changes)
        self._rows = self.kind(self.scenario, num_envs, threads, actions)
        self.single_observation_space = self._rows.observation_space
        self.single_action_space = self._rows.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        screens = (screen_for(render_mode, self.scenario, _MODES) for _ in range(num_envs))
        self._screens = [screen for screen in screens if screen is not None]
        self._mode = mode
        self._max_steps = max_episode_steps
        self._generators: list[np.random.Generator] = []
        self._seeds: list[int] = []
        self._done = np.zeros(num_envs, np.bool_)

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The generators from which the rows draw their episode seeds."""
        self._need_generators()
        return tuple(self._generators)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seeds of those generators."""
        self._need_generators()
        return tuple(self._seeds)

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes in all rows, or in those of ``options["reset_mask"]``.

        Args:
            seed: ``s`` seeds row ``i`` with ``s + i``; a list seeds each row; None continues.
            options: ``reset_mask``: (num_envs,) bool array of the rows to reset.
        """
        mask = self._reset_mask(options)
        self._reseed(seed, mask)
        self._rows.reset(mask, self._generators)
        self._done[mask] = False
        self._look()
        return self._rows.observations(), _masked(self._rows.info(), mask)

    def _reset_mask(self, options: dict[str, Any] | None) -> Any:
        if options is None or "reset_mask" not in options:
            return np.ones(self.num_envs, np.bool_)
        mask = options["reset_mask"]
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            kind = getattr(mask, "dtype", type(mask).__name__)
            raise TypeError(f"options['reset_mask'] must be a bool array, got {kind}")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"options['reset_mask'] must have shape ({self.num_envs},) and at least one True, "
                f"got shape {mask.shape} with {int(mask.sum())} True"
            )
        return mask

    def _need_generators(self) -> None:
        if not self._generators:
            pairs = [seeding.np_random(None) for _ in range(self.num_envs)]
            self._generators = [generator for generator, _ in pairs]
            self._seeds = [seed for _, seed in pairs]

    def _reseed(self, seed: int | list[int | None] | None, mask: Any) -> None:
        self._need_generators()
        if seed is None:
            return
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed needs {self.num_envs} entries, got {len(seeds)}")
        for row in np.flatnonzero(mask):
            if seeds[row] is not None:
                self._generators[row], self._seeds[row] = seeding.np_random(seeds[row])

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Act in every row and let one decision interval pass.

        Raises:
            ConfigError: The actions have the wrong shape or hold NaN.
            gymnasium.error.ResetNeeded: Before the first reset, or, under ``"Disabled"``, with a
                row whose episode has ended.
        """
        *result, infos = self.step_bare(actions)
        infos.update(_masked(self._rows.info(), np.ones(self.num_envs, np.bool_)))
        return (*result, infos)

    def step_bare(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step as :meth:`step` does, with no infos but those of the episodes that end."""
        rows = self._rows
        stale = ~rows.live & ~self._done
        if stale.any() or (self._mode is AutoresetMode.DISABLED and self._done.any()):
            which = np.flatnonzero(stale | self._done).tolist()
            raise gym.error.ResetNeeded(
                f"no episode is running in rows {which}; call reset() first (with "
                "options={'reset_mask': ...} for some of them)"
            )
        fresh = self._done if self._mode is AutoresetMode.NEXT_STEP else np.zeros_like(self._done)
        acting = ~fresh
        rewards, terminated, truncated = rows.step(actions, acting, fresh, self._generators)
        if self._max_steps is not None:
            truncated |= acting & (rows.elapsed >= self._max_steps)
            rows.live &= ~truncated
        done = terminated | truncated
        infos: dict[str, Any] = {}
        if self._mode is AutoresetMode.SAME_STEP and done.any():
            infos = self._finals(done)
            rows.reset(done, self._generators)
            done = np.zeros_like(done)
        self._done = done
        self._look()
        return rows.observations(), rewards, terminated, truncated, infos

    @property
    def batch(self) -> Batch:
        """The batch of markets behind it, for recorders and diagnosis, never for the policy."""
        return self._rows.batch

    def reset_info(self) -> dict[str, Any]:
        """Return the present info of every row, without masks."""
        return self._rows.info()

    def action_masks(self) -> Any:
        """Return (num_envs, 11) bool: choices that the venue allows and that would do something.

        Raises:
            AttributeError: The actions are continuous.
        """
        return self._rows.action_masks()

    def pnl(self) -> dict[str, Any]:
        """Return the parts of the PnL in whole quanta; :meth:`squeezegym.envs.rows.Rows.pnl`."""
        return self._rows.pnl()

    def row(self, index: int) -> MarketRow:
        """Return one row as if it were an environment of its own, for what asks row by row."""
        return MarketRow(self, self._rows, index)

    def _finals(self, done: Any) -> dict[str, Any]:
        """Last observations and infos of the rows that end, in Gymnasium's form."""
        observations = np.full(self.num_envs, None, object)
        final = self._rows.observations()
        for row in np.flatnonzero(done):
            observations[row] = final[row].copy()
        info = {key: _where(done, values) for key, values in self._rows.info().items()}
        return {
            "final_obs": observations,
            "_final_obs": done.copy(),
            "final_info": _masked(info, done),
            "_final_info": done.copy(),
        }

    def snapshot(self) -> dict[str, Any]:
        """Copy the state of every row, for search and counterfactuals."""
        self._need_generators()
        states = [generator.bit_generator.state for generator in self._generators]
        return {**self._rows.snapshot(), "done": self._done.copy(), "generators": states}

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a snapshot; the same actions then give the same future, bit for bit."""
        self._rows.restore(state)
        self._need_generators()
        self._done[:] = state["done"]
        for generator, saved in zip(self._generators, state["generators"], strict=True):
            generator.bit_generator.state = saved

    def mark_done(self, row: int, done: bool) -> None:
        """Say whether the episode of a restored row has ended."""
        self._done[row] = done

    def _look(self) -> None:
        """Let the screens follow their markets."""
        for screen, market in zip(self._screens, self._rows.batch.markets, strict=False):
            screen.see(market)

    def render(self) -> tuple[Any, ...] | None:
        """Return one frame a market, as its render mode says."""
        pairs = zip(self._screens, self._rows.batch.markets, strict=False)
        return tuple(screen.render(market) for screen, market in pairs) or None

    def close_extras(self, **kwargs: Any) -> None:
        """Stop the threads."""
        if hasattr(self, "_rows"):  # Gymnasium 1.2 closes even what its constructor refused
            self._rows.batch.close()


def _masked(info: dict[str, Any], mask: Any) -> dict[str, Any]:
    """Pair every array with its mask, zeroed where the mask is False."""
    infos: dict[str, Any] = {}
    full = mask.all()
    for key, values in info.items():
        infos[key] = values if full else _where(mask, values)
        infos[f"_{key}"] = mask.copy()
    return infos


def _where(mask: Any, values: Any) -> Any:
    """Return the values of the marked rows, 0 or False for the others."""
    kept = values.copy()
    kept[~mask] = 0
    return kept

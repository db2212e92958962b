"""One row of a batch, for code that asks environments one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from squeezegym.envs.rows import Rows

if TYPE_CHECKING:
    from squeezegym.envs.vector import SqueezeVectorEnv

_OF_THE_BATCH = ("reset", "step", "step_bare", "close", "reset_info")


class MarketRow:
    """What a single environment offers beside ``reset`` and ``step``, for one row of a batch.

    Attributes that it lacks are those of the batch; what is set on it stays its own.

    Args:
        envs: The batch.
        rows: Its rows.
        index: Which one.
    """

    def __init__(self, envs: SqueezeVectorEnv, rows: Rows, index: int) -> None:
        self._envs = envs
        self._rows = rows
        self._index = index
        self.observation_space = envs.single_observation_space
        self.action_space = envs.single_action_space

    def __getattr__(self, name: str) -> Any:
        if name in _OF_THE_BATCH or name.startswith("_"):
            raise AttributeError(f"a row of a batch has no '{name}'; only the whole batch has")
        return getattr(self._envs, name)

    @property
    def unwrapped(self) -> MarketRow:
        """The row itself."""
        return self

    @property
    def np_random(self) -> Any:
        """The generator from which the row draws its episode seeds."""
        return self._envs.np_random[self._index]

    def action_masks(self) -> Any:
        """Return (11,) bool, as the single environment does."""
        return self._rows.action_masks()[self._index]

    def pnl(self) -> dict[str, int]:
        """Return the parts of the PnL in whole quanta."""
        return {part: int(quanta[self._index]) for part, quanta in self._rows.pnl().items()}

    def sample(self) -> dict[str, float | None]:
        """Return the true state of the market, never for the policy."""
        return self._rows.sample(self._index)

    def render(self) -> Any:
        """Return the row's frame."""
        frames = self._envs.render()
        return None if frames is None else frames[self._index]

    def snapshot(self) -> dict[str, Any]:
        """Copy the state of the row; a single environment of the scenario can restore it."""
        state = self._rows.snapshot(slice(self._index, self._index + 1))
        return {**state, "generator": self.np_random.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Return the row to a snapshot, its own or a single environment's."""
        self._rows.restore(state, slice(self._index, self._index + 1))
        self._envs.mark_done(self._index, not bool(state["live"][0]))
        self.np_random.bit_generator.state = state["generator"]

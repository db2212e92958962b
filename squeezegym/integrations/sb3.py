"""stable-baselines3: the native batch as a ``VecEnv``, and its policies as safe files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices

from squeezegym.envs.vector import SqueezeVectorEnv
from squeezegym.errors import ConfigError
from squeezegym.integrations.trained import TrainedPolicy, load_policy, save_policy

__all__ = ["SqueezeVecEnv", "TrainedPolicy", "load_policy", "make_sb3_vec", "save_policy"]


class SqueezeVecEnv(VecEnv):
    """A native batch of markets with stable-baselines3's interface.

    Step for step equal to ``DummyVecEnv`` of single environments: an episode that ends is reset
    in the same step and its last observation is ``infos[i]["terminal_observation"]``. Infos of
    running episodes are empty dictionaries; the last one of an episode carries the full info.

    Attributes and methods are those of :class:`~squeezegym.envs.marketrow.MarketRow`, row by row.

    Args:
        env: A vector environment with ``autoreset_mode="SameStep"``.
        seed: Seed of the first reset: row ``i`` gets ``seed + i``.

    Raises:
        ConfigError: An environment in another mode.
    """

    def __init__(self, env: SqueezeVectorEnv, seed: int | None = None) -> None:
        check_same_step(env.metadata)
        self.env = env
        self._rows = [env.row(i) for i in range(env.num_envs)]
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self._actions: Any = None
        if seed is not None:
            self.seed(seed)

    def reset(self) -> Any:
        """Reset every row, with the seeds set by :meth:`seed`, and return the observations."""
        seeds = list(self._seeds)
        observations, info = self.env.reset(seed=seeds)
        self.reset_infos = [_row(info, i) for i in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: Any) -> None:
        """Keep the actions for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Step every row; ended episodes are already reset in what comes back."""
        observations, rewards, terminated, truncated, info = self.env.step_bare(self._actions)
        dones = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if info:
            fresh = self.env.reset_info()
            for row in np.flatnonzero(dones).tolist():
                final = _row(info["final_info"], row)
                final["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
                final["terminal_observation"] = info["final_obs"][row]
                infos[row] = final
                self.reset_infos[row] = _row(fresh, row)
        return observations, rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        """Close the batch."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of each row asked for."""
        return [getattr(self._rows[i], attr_name) for i in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of each row asked for; the market does not look at it."""
        for i in self._get_indices(indices):
            setattr(self._rows[i], attr_name, value)

    def env_method(
        self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        """Call a method of each row asked for; masks of all rows are one call of the batch."""
        if method_name == "action_masks" and indices is None:
            return list(self.env.action_masks())
        return [
            getattr(self._rows[i], method_name)(*args, **kwargs) for i in self._get_indices(indices)
        ]

    def env_is_wrapped(self, wrapper_class: Any, indices: VecEnvIndices = None) -> list[bool]:
        """Return False for each row: the batch has no per-row wrappers."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[Any]:
        """Return a frame for each row, or None where the environment renders no images."""
        if self.env.render_mode != "rgb_array":
            return [None for _ in range(self.num_envs)]
        return list(self.env.render() or ())


def check_same_step(metadata: Mapping[str, Any]) -> None:
    """Raise ConfigError unless a batch resets its rows in the step that ends their episode."""
    mode = metadata["autoreset_mode"]
    if mode is not AutoresetMode.SAME_STEP:
        raise ConfigError(
            "a VecEnv starts the next episode in the step that ends one: autoreset_mode must be"
            f" 'SameStep', got '{mode.value}'"
        )


def _row(info: dict[str, Any], row: int) -> dict[str, Any]:
    """Return the info of one row as Python scalars, an array where it holds one."""
    return {
        key: values[row].item() if values.ndim == 1 else values[row].copy()
        for key, values in info.items()
        if not key.startswith(("_", "final_"))
    }


def make_sb3_vec(
    env_id: str = "squeezegym/ShortSqueeze-v0",
    num_envs: int = 64,
    seed: int | None = None,
    **kwargs: Any,
) -> SqueezeVecEnv:
    """Make a native batch for stable-baselines3.

    Args:
        env_id: A registered id of this package.
        num_envs: Number of markets; 64 or more keep a policy network busy.
        seed: Row ``i`` is seeded ``seed + i``; None leaves it to chance.
        **kwargs: As the environment takes.

    Returns:
        A ``VecEnv``; wrap it in ``VecMonitor`` for episode statistics.
    """
    import gymnasium as gym

    kwargs.setdefault("autoreset_mode", "SameStep")
    env = gym.make_vec(env_id, num_envs=num_envs, **kwargs)
    return SqueezeVecEnv(env.unwrapped, seed)  # type: ignore[arg-type]

"""RLlib: a creator for single and vector environments, and one for games.

RLlib pins its own gymnasium; ``constraints-rllib.txt`` has the versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def creator(config: Mapping[str, Any]) -> Any:
    """Make an environment as RLlib asks for it.

    Register it with ``ray.tune.register_env("squeezegym", creator)``. With
    ``env_runners(gym_env_vectorize_mode="vector_entry_point")`` RLlib asks for the native batch. It
    takes the batch's autoreset mode for ``"NextStep"`` whatever it is, so that is what it gets.

    Args:
        config: ``env_config``: ``env_id`` (default ``squeezegym/ShortSqueeze-v0``) and what the
            environment takes; ``num_envs`` is RLlib's own and asks for the batch.
    """
    import gymnasium as gym

    import squeezegym  # noqa: F401  (registers the ids in the worker)

    kwargs = dict(config)
    env_id = kwargs.pop("env_id", "squeezegym/ShortSqueeze-v0")
    num_envs = kwargs.pop("num_envs", None)
    if num_envs is None:
        return gym.make(env_id, **kwargs)
    return gym.make_vec(env_id, num_envs=num_envs, autoreset_mode="NextStep", **kwargs)


def game_creator(config: Mapping[str, Any]) -> Any:
    """Make a game as RLlib's multi-agent environment.

    Register it with ``ray.tune.register_env("squeeze_game", game_creator)``; agents have spaces of
    their own, so each role needs a module of its own in ``rl_module(...)``.

    Args:
        config: ``env_config``: ``env_id`` (default ``squeezegym/SqueezeGame-v0``) and what
            :class:`~squeezegym.envs.multi.SqueezeGameEnv` takes.
    """
    from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv

    from squeezegym import parallel_env

    return ParallelPettingZooEnv(parallel_env(**config))

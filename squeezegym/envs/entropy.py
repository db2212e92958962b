"""Wrappers that let a policy see how ordered the flow is: entropies of what the feed has shown.

They take what arrived at the learner, never the true book, once a decision; the measures are those
of :class:`squeezegym.theory.entropywatch.EntropyWatch`. They are plain Python and cost about a
millisecond a row and step as they are set by default.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector.utils import batch_space

from squeezegym.arguments import integer
from squeezegym.errors import ConfigError
from squeezegym.theory.entropywatch import NAMES, EntropyWatch

SEEN = (*NAMES, "filled")
"""Entries that are added: the measures, 0 until known, and the filled share of the window."""

_MOST = 8.0  # bits; what is beyond is cut


class _Row:
    """The window of one market, and what it last said."""

    def __init__(self, window: int, shuffles: int, every: int) -> None:
        self._window, self._every = window, every
        self._watch = EntropyWatch(window, shuffles)
        self._samples, self._now = 0, -1
        self.seen = np.zeros(len(SEEN), np.float32)

    def take(self, record: Any) -> None:
        """Look at a market after a decision; one whose clock went back is a new episode."""
        now = int(record["clock"]["now"])
        if now <= self._now:
            self._watch.clear()
            self._samples = 0
            self.seen = np.zeros_like(self.seen)
        self._now = now
        self._watch.see(record)
        if self._samples % self._every == 0:
            found = self._watch.observe()
            found[-1] = np.sign(found[-1]) * np.log10(1 + abs(found[-1])) / 10  # quanta: up to 1e9
            self.seen[:-1] = np.clip(np.nan_to_num(found, nan=0.0), -_MOST, _MOST)
        self._samples += 1
        self.seen[-1] = min(1.0, self._samples / (self._window + 1))


def _space(env: Any, space: Any) -> gym.spaces.Box:
    """The observation space of one market with the added entries."""
    if not hasattr(env.unwrapped, "batch"):
        raise ConfigError(
            f"entropies are of a squeezegym market, got {env}; for many markets wrap what "
            "gym.make_vec makes with VectorEntropyObservation"
        )
    if not isinstance(space, gym.spaces.Box) or len(space.shape) != 1:
        raise ConfigError(
            f"entropies are added to a flat Box, the observation space is {space}; wrap the "
            "environment in them before anything that changes its shape"
        )
    low = np.concatenate([space.low, np.full(len(NAMES), -_MOST), [0.0]])
    high = np.concatenate([space.high, np.full(len(NAMES), _MOST), [1.0]])
    return gym.spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)


class EntropyObservation(
    gym.ObservationWrapper[Any, Any, Any],
    gym.utils.RecordConstructorArgs,
):
    """Add the entropies of flow and price, and the transfer between perp and spot.

    Entries, in the order of :data:`SEEN`: entropy of aggressor sides and of pairs of them,
    permutation entropy and irreversibility of the perp's mid, transfer entropy from perp to spot
    and back (bits; without the bias of short windows, so small negative values happen), work of
    forced orders in the window (signed ``log10(1 + quanta) / 10``), and the filled share of it.

    A snapshot of the environment does not hold the window: after ``restore`` it goes on with the
    samples it has, or empties where the clock went back.

    Args:
        env: A squeezegym environment with one learner, wrapped or not.
        window: Decisions that are looked at, 30 and above.
        shuffles: Surrogates of each measure.
        every: Decisions between two measurements; in between the last one is shown.

    Raises:
        ConfigError: No market of squeezegym, no flat Box, or a number out of its range.

    Example:
        >>> import gymnasium as gym
        >>> import squeezegym
        >>> env = EntropyObservation(gym.make("squeezegym/ShortSqueeze-v0"), window=60)
        >>> observation, _ = env.reset(seed=1)
        >>> observation.shape[0] - env.unwrapped.observation_space.shape[0] == len(SEEN)
        True
    """

    def __init__(
        self, env: gym.Env[Any, Any], window: int = 120, shuffles: int = 5, every: int = 5
    ) -> None:
        gym.utils.RecordConstructorArgs.__init__(
            self, window=window, shuffles=shuffles, every=every
        )
        gym.ObservationWrapper.__init__(self, env)
        integer("every", every, 1, 1_000_000)
        self.observation_space = _space(env, env.observation_space)
        self._row = _Row(window, shuffles, every)

    def observation(self, observation: Any) -> Any:
        """Return the observation with the entries of the market as it is now."""
        self._row.take(self.env.get_wrapper_attr("batch").markets[0])
        return np.concatenate([observation, self._row.seen])


class VectorEntropyObservation(gym.vector.VectorWrapper):
    """Add to every row what :class:`EntropyObservation` adds to one; the numbers are the same.

    Under ``"SameStep"`` the last observation of an episode shows the entries of the step before.

    Args:
        env: A native vector environment of squeezegym, wrapped or not.
        window: As of :class:`EntropyObservation`.
        shuffles: As there.
        every: As there.

    Raises:
        ConfigError: No market of squeezegym, no flat Box, or a number out of its range.
    """

    def __init__(
        self, env: gym.vector.VectorEnv, window: int = 120, shuffles: int = 5, every: int = 5
    ) -> None:
        super().__init__(env)
        integer("every", every, 1, 1_000_000)
        self.single_observation_space = _space(env, env.single_observation_space)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        self._seen_by = [_Row(window, shuffles, every) for _ in range(env.num_envs)]

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes; rows that ``reset_mask`` leaves out keep their windows."""
        mask = None if options is None else options.get("reset_mask")
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]
        return self._with(observations, mask), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step every row."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        if "final_obs" in infos:
            for row in np.flatnonzero(infos["_final_obs"]):
                last = infos["final_obs"][row], self._seen_by[row].seen
                infos["final_obs"][row] = np.concatenate(last)
        return self._with(observations, None), rewards, terminated, truncated, infos

    def _with(self, observations: Any, mask: Any) -> Any:
        markets = self.env.unwrapped.batch.markets  # type: ignore[attr-defined]
        for row, seen_by in enumerate(self._seen_by):
            if mask is None or mask[row]:
                seen_by.take(markets[row])
        return np.concatenate([observations, [row.seen for row in self._seen_by]], axis=1)

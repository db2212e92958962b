"""Checks that other projects can run on their own environments.

:func:`env_contract` asks of any registered id what Gymnasium, stable-baselines3 and a careful user
expect; :func:`assert_conserved` asks of a market of this package that nothing was created or lost.
Both raise AssertionError with a sentence that says what broke.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from squeezegym.codes import NO_ASK, NO_BID, Account, BookState
from squeezegym.envs.gamerows import GameRows
from squeezegym.envs.rows import Rows

_STEPS = 24
_ROWS = 3
_MOST_CORNERS = 64


def env_contract(env_id: str, **kwargs: Any) -> list[str]:
    """Hold a registered environment to the contract, and return the names of the checks it passed.

    Short episodes (a keyword argument that the environment has for it) make the vector checks
    cross several resets.

    Args:
        env_id: Registered id; ``module:id`` works too.
        **kwargs: Passed to ``gymnasium.make`` and ``make_vec``.

    Returns:
        Names, in the order of the checks. ``stable_baselines3`` is missing where that library is,
        ``parity_*`` where the id has no vector entry point or takes no ``autoreset_mode``.

    Raises:
        AssertionError: A check failed.
    """

    def make() -> gym.Env[Any, Any]:
        return gym.make(env_id, **kwargs)

    passed = []
    for check in (
        _spec_travels,
        _checkers_are_silent,
        _same_seed_same_rollout,
        _steps_keep_to_the_spaces,
        _nothing_is_reused,
        _pickle_has_the_same_future,
        _every_corner_is_taken,
        _nonsense_is_refused_or_harmless,
    ):
        check(make)
        passed.append(check.__name__.strip("_"))
    if _stable_baselines3_is_silent(make):
        passed.append("stable_baselines3")
    return passed + [f"parity_{mode.value}" for mode in _parity(env_id, kwargs)]


def _spec_travels(make: Callable[[], gym.Env[Any, Any]]) -> None:
    """The spec survives pickle and JSON: workers are sent one or the other."""
    spec = make().spec
    assert spec is not None, "the environment has no spec; register it and make it by its id"
    assert pickle.loads(pickle.dumps(spec)) == spec, "the spec is another one after pickle"
    try:
        text = spec.to_json()
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"the spec is no JSON ({error}); use strings for entry points, strings and numbers for "
            "arguments"
        ) from error
    assert EnvSpec.from_json(text) == spec, "the spec is another one after JSON"
    assert isinstance(json.loads(text), dict)


def _checkers_are_silent(make: Callable[[], gym.Env[Any, Any]]) -> None:
    """Gymnasium's ``check_env`` and its passive checker neither fail nor warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            check_env(make().unwrapped)
            _rollout(make(), 0)
        except Warning as warning:
            raise AssertionError(f"a checker of Gymnasium warns: {warning}") from warning


def _stable_baselines3_is_silent(make: Callable[[], gym.Env[Any, Any]]) -> bool:
    try:
        from stable_baselines3.common.env_checker import check_env as check
    except ImportError:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            check(make().unwrapped)
        except Warning as warning:
            raise AssertionError(f"stable-baselines3's check_env warns: {warning}") from warning
    return True


def _actions(env: gym.Env[Any, Any], seed: int) -> Iterator[Any]:
    env.action_space.seed(seed)
    for _ in range(_STEPS):
        yield env.action_space.sample()


def _rollout(env: gym.Env[Any, Any], seed: int) -> list[Any]:
    """Return everything that a seeded rollout shows, resets at ends of episodes included."""
    shown: list[Any] = list(env.reset(seed=seed))
    for action in _actions(env, seed):
        shown += list(env.step(action))
        if shown[-3] or shown[-2]:
            shown += list(env.reset())
    return copy.deepcopy(shown)


def _same_seed_same_rollout(make: Callable[[], gym.Env[Any, Any]]) -> None:
    first, second = _rollout(make(), 3), _rollout(make(), 3)
    assert same(first, second), "two environments with one seed and the same actions part ways"
    env = make()
    _rollout(env, 4)
    assert same(_rollout(env, 3), first), "a used environment does not start anew from a seed"


def _steps_keep_to_the_spaces(make: Callable[[], gym.Env[Any, Any]]) -> None:
    """Observations in the space and finite, a plain number as reward, plain flags."""
    env = make().unwrapped
    observation, _ = env.reset(seed=5)
    for action in _actions(env, 5):
        _check_result(env, (observation, 0.0, False, False, {}))
        result = env.step(action)
        _check_result(env, result)
        observation = env.reset()[0] if result[2] or result[3] else result[0]


def _check_result(env: gym.Env[Any, Any], result: Any) -> None:
    observation, reward, terminated, truncated, info = result
    assert env.observation_space.contains(observation), "an observation lies outside its space"
    for value in _leaves(observation):
        assert np.isfinite(value).all(), "an observation is not finite"
    assert type(reward) in (float, int), f"the reward is {type(reward).__name__}, not a float"
    assert math.isfinite(reward), f"the reward is {reward}"
    assert type(terminated) is bool, f"terminated is {type(terminated).__name__}, not a bool"
    assert type(truncated) is bool, f"truncated is {type(truncated).__name__}, not a bool"
    assert isinstance(info, dict), "the info is no dictionary"


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, np.ndarray | np.generic | float | int):
        yield np.asarray(value)


def _nothing_is_reused(make: Callable[[], gym.Env[Any, Any]]) -> None:
    """What was returned stays as it was: learners keep observations without a copy."""
    env = make().unwrapped
    kept = [env.reset(seed=6)]
    copies = [copy.deepcopy(kept[0])]
    for action in _actions(env, 6):
        result = env.step(action)
        kept.append((result[0], result[4]))
        copies.append(copy.deepcopy(kept[-1]))
        if result[2] or result[3]:
            break
    assert same(kept, copies), "a later step changes what an earlier one returned; return copies"


def _pickle_has_the_same_future(make: Callable[[], gym.Env[Any, Any]]) -> None:
    env = make().unwrapped
    env.reset(seed=7)
    actions = list(_actions(env, 7))
    env.step(actions[0])
    twin = pickle.loads(pickle.dumps(env))
    for action in actions[1:]:
        mine, other = env.step(action), twin.step(action)
        assert same(mine, other), "an environment pickled within an episode has another future"
        if mine[2] or mine[3]:
            break


def _every_corner_is_taken(make: Callable[[], gym.Env[Any, Any]]) -> None:
    env = make().unwrapped
    for action in _corners(env.action_space):
        env.reset(seed=8)
        _check_result(env, env.step(action))


def _corners(space: spaces.Space[Any]) -> list[Any]:
    """Return every discrete action, or corners of the box, 64 at most."""
    if isinstance(space, spaces.Discrete):
        return [space.start + i for i in range(int(space.n))]
    if not isinstance(space, spaces.Box):
        return [space.sample() for _ in range(_MOST_CORNERS)]
    sides = list(zip(space.low.ravel(), space.high.ravel(), strict=True))
    corners = itertools.islice(itertools.product(*sides), _MOST_CORNERS)
    return [np.array(corner, space.dtype).reshape(space.shape) for corner in corners]


def _nonsense_is_refused_or_harmless(make: Callable[[], gym.Env[Any, Any]]) -> None:
    """NaN, infinities and choices that do not exist: an error, or a finite result in the space.

    After an error the episode goes on as if nothing had been sent.
    """
    env = make().unwrapped
    space = env.action_space
    nonsense: list[Any] = []
    if isinstance(space, spaces.Box):
        nonsense = [
            np.full(space.shape, value, space.dtype) for value in (np.nan, np.inf, -np.inf, 1e30)
        ]
    elif isinstance(space, spaces.Discrete):
        nonsense = [space.start - 1, space.start + int(space.n), 2**62]
    plain = _corners(space)[0]
    for action in nonsense:
        twin = make().unwrapped
        env.reset(seed=9)
        twin.reset(seed=9)
        try:
            result = env.step(action)
        except Exception:
            after = env.step(plain)
            assert same(after, twin.step(plain)), f"refusing action {action} left something behind"
        else:
            _check_result(env, result)


def _parity(env_id: str, kwargs: dict[str, Any]) -> list[AutoresetMode]:
    """Compare the native vector environment with ``SyncVectorEnv``; return the modes compared."""
    spec = gym.make(env_id, **kwargs).spec
    if spec is None or spec.vector_entry_point is None:
        return []
    compared = []
    for mode in AutoresetMode:
        try:
            native = gym.make_vec(env_id, _ROWS, autoreset_mode=mode.value, **kwargs)
        except TypeError:
            continue  # it knows one mode only and takes no argument for it
        singles = [lambda: gym.make(env_id, **kwargs)] * _ROWS
        sync = gym.vector.SyncVectorEnv(singles, autoreset_mode=mode)
        _same_steps(native, sync, mode)
        native.close()
        compared.append(mode)
    return compared


def _same_steps(native: Any, sync: Any, mode: AutoresetMode) -> None:
    assert same(native.reset(seed=11), sync.reset(seed=11)), f"{mode.value}: resets differ"
    native.action_space.seed(11)
    for step in range(2 * _STEPS):
        action = native.action_space.sample()
        mine, other = native.step(action), sync.step(action)
        assert same(mine, other), f"{mode.value}: step {step} differs from SyncVectorEnv's"
        done = mine[2] | mine[3]
        if mode is AutoresetMode.DISABLED and done.any():
            options = {"reset_mask": done}
            seeds = [step, None, 7][: len(done)]
            mine = native.reset(seed=seeds, options={"reset_mask": done.copy()})
            assert same(mine, sync.reset(seed=seeds, options=options)), (
                f"{mode.value}: the partial reset after step {step} differs"
            )


def same(mine: Any, other: Any) -> bool:
    """Return whether two results are equal in type, shape and every bit; NaN equals NaN."""
    if type(mine) is not type(other):
        return False
    if isinstance(mine, dict):
        return mine.keys() == other.keys() and all(same(mine[key], other[key]) for key in mine)
    if isinstance(mine, tuple | list):
        return len(mine) == len(other) and all(map(same, mine, other))
    if isinstance(mine, np.ndarray) and mine.dtype == object:
        return mine.shape == other.shape and all(map(same, mine.ravel(), other.ravel()))
    if isinstance(mine, np.ndarray):
        alike = mine.dtype == other.dtype and mine.shape == other.shape
        return alike and bool(mine.tobytes() == other.tobytes())
    return bool(mine == other) or (mine != mine and other != other)


def assert_conserved(env: Any) -> None:
    """Check the ledger and the books of every market of an environment of this package.

    Quote, coins and perp positions sum to zero over all accounts, to the quantum; the insurance
    fund is not negative; no book is crossed outside an auction; the parts of the learner's PnL add
    up to the change of its equity.

    Args:
        env: A single or vector environment, wrapped or not, a game for several learners or a batch
            of them, or a ``VecEnv`` of this package.

    Raises:
        AssertionError: Something was created or lost, with the market's row and the amount.
    """
    rows = _rows_of(env)
    for row, market in enumerate(rows.batch.markets):
        for field in ("quote", "spot", "perp"):
            total = int(market["accounts"][field].sum())
            assert total == 0, f"market {row}: {field} sums to {total} over all accounts, not to 0"
        fund = int(market["accounts"]["quote"][Account.FUND])
        assert fund >= 0, f"market {row}: the insurance fund holds {fund} quanta"
        for book in market["books"]:
            bid, ask = int(book["best_bid"]), int(book["best_ask"])
            empty = bid == NO_BID or ask == NO_ASK
            apart = empty or bid < ask or book["state"] == BookState.AUCTION
            assert apart, f"market {row}: best bid {bid} meets best ask {ask}"
    changes = rows.worth() - rows.start_equity
    parts = sum(rows.pnl().values())
    assert (parts == changes).all(), "the parts of the PnL do not add up to the change of equity"


def _rows_of(env: Any) -> Rows | GameRows:
    """Return the rows behind an environment, a game, or what wraps them."""
    inner = getattr(env, "unwrapped", env)
    inner = getattr(inner, "env", getattr(inner, "games", inner))
    rows: Rows | GameRows = getattr(inner, "unwrapped", inner)._rows
    return rows

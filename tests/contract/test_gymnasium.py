"""The manners Gymnasium asks of an environment."""

import json
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import squeezegym
from squeezegym.envs.observation import FEATURES, INDEX, describe, observation_space
from squeezegym.errors import ConfigError

IDS = [i for i in squeezegym.ENVIRONMENTS if "FromData" not in i]
SHORT = {"horizon_s": 1.0}


def actions(n_steps, n_rows=None, seed=0):
    shape = (n_steps, 2) if n_rows is None else (n_steps, n_rows, 2)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def rollout(env, n_steps=15, seed=0):
    observation, info = env.reset(seed=seed)
    out = [observation.tobytes(), sorted(info.items())]
    for action in actions(n_steps):
        observation, reward, terminated, truncated, info = env.step(action)
        out += [observation.tobytes(), reward, terminated, truncated, sorted(info.items())]
        if terminated or truncated:
            env.reset()
    return out


@pytest.mark.parametrize("env_id", IDS)
def test_both_checkers_are_silent(env_id):
    env = gym.make(env_id, **SHORT)
    check_env(env.unwrapped)
    sb3_check_env(env.unwrapped)
    env.close()
    env.close()


@pytest.mark.parametrize("env_id", IDS)
def test_passive_checker_is_silent_over_an_episode(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rollout(gym.make(env_id, **SHORT))


@pytest.mark.parametrize("env_id", IDS)
def test_same_seed_same_rollout(env_id):
    assert rollout(gym.make(env_id, **SHORT)) == rollout(gym.make(env_id, **SHORT))
    assert rollout(gym.make(env_id, **SHORT)) != rollout(gym.make(env_id, **SHORT), seed=1)


def test_unseeded_resets_continue_the_stream_of_episodes():
    one, two = gym.make(IDS[0], **SHORT), gym.make(IDS[0], **SHORT)
    first = [one.reset(seed=5)[0], one.reset()[0], one.reset()[0]]
    second = [two.reset(seed=5)[0], two.reset()[0], two.reset()[0]]
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert not (first[0] == first[1]).all()


@pytest.mark.parametrize("env_id", list(squeezegym.ENVIRONMENTS))
def test_spec_survives_pickle_and_json(env_id):
    spec = gym.spec(env_id)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert EnvSpec.from_json(spec.to_json()) == spec
    assert isinstance(json.loads(spec.to_json()), dict)


def test_environment_survives_pickle_in_the_middle_of_an_episode():
    env = gym.make(IDS[0]).unwrapped
    env.reset(seed=3)
    env.step(np.zeros(2, np.float32))
    copy = pickle.loads(pickle.dumps(env))
    for action in actions(10):
        for a, b in zip(env.step(action), copy.step(action), strict=True):
            assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b


def test_python_types_and_fresh_arrays():
    env = gym.make(IDS[0], **SHORT).unwrapped
    before, _ = env.reset(seed=0)
    kept = before.copy()
    after, reward, terminated, truncated, info = env.step(np.ones(2, np.float32))
    assert type(reward) is float and type(terminated) is bool and type(truncated) is bool
    assert {type(v) for v in info.values()} == {float, bool}
    assert not np.shares_memory(before, after) and (before == kept).all()


def test_every_observation_is_named_and_in_range():
    env = gym.make(IDS[0]).unwrapped
    observation, _ = env.reset(seed=0)
    named = describe(observation)
    assert list(named) == [f.name for f in FEATURES] and len(INDEX) == len(FEATURES)
    assert named["time_left"] == 1.0
    assert 0 < named["perp_bid1_lots"] < 1 and 0 < named["feed_age"] < 1
    assert observation_space().contains(observation)


def test_opening_is_flat_or_short_about_equally_often():
    envs = gym.make_vec(IDS[0], num_envs=200)
    _, info = envs.reset(seed=0)
    flat = (info["position"] == 0).mean()
    assert 0.4 < flat < 0.6
    held = info["position"][info["position"] != 0]
    assert (held < -0.2).all() and (held >= -1.0).all()


def test_horizon_truncates_and_closes_the_position():
    env = gym.make(IDS[0], **SHORT).unwrapped
    env.reset(seed=0)
    total = 0.0
    for step in range(10):
        _, reward, terminated, truncated, info = env.step(np.array([1.0, 1.0], np.float32))
        total += reward
        if step == 5:
            assert info["position"] == 1.0
    assert truncated and not terminated and step == 9
    assert info["position"] == 0.0
    assert total == pytest.approx(100 * info["pnl"] / env.scenario.learner.capital_quote)
    assert info["pnl_fees"] < 0
    assert info["pnl"] == pytest.approx(
        sum(value for key, value in info.items() if key.startswith("pnl_"))
    )


def test_bankrupt_learner_is_liquidated_and_terminates():
    scenario = squeezegym.Scenario.load(
        "short_squeeze",
        **{
            "learner.capital_quote": 20_000.0,
            "learner.leverage_cap": 100.0,
            "learner.short_start": 1.0,
            "catalyst.squeeze": 1.0,
            "catalyst.near_miss": 0.0,
        },
    )
    from squeezegym.envs.rows import Rows

    rows = Rows(scenario, 4, 1)
    everyone, nobody = np.ones(4, bool), np.zeros(4, bool)
    generators = [np.random.default_rng(i) for i in range(4)]
    rows.reset(everyone, generators)
    ended = np.zeros(4, bool)
    for _ in range(3000):
        hold = np.tile([-1.0, -1.0], (4, 1))
        _, terminated, truncated = rows.step(hold, ~ended, nobody, generators)
        assert not (terminated & truncated).any()
        ended |= terminated | truncated
        if ended.all():
            break
    info = rows.info()
    assert info["liquidated"].any()
    assert (info["position"][info["liquidated"]] == 0).all()
    assert (info["equity"][info["liquidated"]] >= 0).all()


@pytest.mark.parametrize("bad", [[0.0], [[0.0, 0.0]], "up", [0.0, 0.0, 0.0], None])
def test_wrong_action_shape_is_one_clear_sentence(bad):
    env = gym.make(IDS[0], **SHORT).unwrapped
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="action must"):
        env.step(bad)
    env.step([0.0, 0.0])  # nothing half-done stays behind


def test_nan_is_refused_and_infinity_is_clipped():
    env = gym.make(IDS[0], **SHORT).unwrapped
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="NaN is not a position"):
        env.step(np.array([np.nan, 0.0]))
    twin = gym.make(IDS[0], **SHORT).unwrapped
    twin.reset(seed=0)
    infinite = env.step(np.array([np.inf, np.inf]))
    clipped = twin.step(np.array([1.0, 1.0]))
    assert (infinite[0] == clipped[0]).all() and infinite[1] == clipped[1]
    assert env.observation_space.contains(infinite[0])


def test_step_before_reset_and_after_the_end():
    env = gym.make(IDS[0], **SHORT).unwrapped
    with pytest.raises(gym.error.ResetNeeded, match=r"reset\(\)"):
        env.step([0.0, 0.0])
    env.reset(seed=0)
    for _ in range(10):
        env.step([0.0, 0.0])
    with pytest.raises(gym.error.ResetNeeded, match=r"reset\(\)"):
        env.step([0.0, 0.0])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"scenario": "short_squeze"}, "did you mean 'short_squeeze'"),
        ({"horizon": 5.0}, "did you mean 'horizon_s'"),
        ({"horizon_s": -1.0}, r"horizon_s.*greater than 0"),
        ({"render_mode": "ascii"}, "render_mode must be"),
        ({"book": "x.gz"}, "from_data"),
    ],
)
def test_wrong_argument_names_value_and_remedy(kwargs, message):
    from squeezegym.envs.squeeze import SqueezeEnv

    with pytest.raises(ConfigError, match=message):
        SqueezeEnv(**kwargs)


def test_ansi_frame_shows_both_books_and_the_learner():
    env = gym.make(IDS[0], render_mode="ansi", **SHORT)
    env.reset(seed=0)
    frame = env.render()
    assert "perp" in frame and "spot" in frame and "position" in frame


def test_snapshot_and_restore_give_the_same_future():
    env = gym.make(IDS[0]).unwrapped
    env.reset(seed=0)
    env.step([0.5, 1.0])
    state = env.snapshot()
    first = [env.step(a)[1] for a in actions(20)]
    env.restore(state)
    assert [env.step(a)[1] for a in actions(20)] == first
    with pytest.raises(ConfigError, match="same scenario"):
        gym.make("squeezegym/Calm-v0").unwrapped.restore(state)


def test_sample_tells_the_true_state():
    env = gym.make(IDS[0]).unwrapped
    env.reset(seed=0)
    before = env.sample()
    for _ in range(10):
        env.step([0.0, 0.0])
    after = env.sample()
    assert before["time"] == 0.0 and after["time"] == 1.0
    assert after["perp"] == pytest.approx(after["mark"], rel=1e-3)
    assert after["barrier_base"] is None and after["ignition_s"] is None


@pytest.mark.slow
def test_module_colon_id_works_in_a_spawned_worker():
    import functools

    make = functools.partial(gym.make, f"squeezegym:{IDS[0]}", **SHORT)
    envs = gym.vector.AsyncVectorEnv([make, make], context="spawn")
    observations, _ = envs.reset(seed=1)
    envs.close()
    native = gym.make_vec(IDS[0], num_envs=2, **SHORT)
    assert (observations == native.reset(seed=1)[0]).all()

"""Entropies as observations: of what the feed has shown, one environment and many alike."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_sb3_env

import squeezegym  # noqa: F401  (registers)
from squeezegym import Market
from squeezegym.envs.entropy import SEEN, EntropyObservation, VectorEntropyObservation
from squeezegym.errors import ConfigError
from squeezegym.theory.entropywatch import EntropyWatch

ENV = "squeezegym/ShortSqueeze-v0"
SHORT = {"horizon_s": 6.0}
WINDOW = {"window": 30, "shuffles": 2, "every": 3}


def one(**kwargs):
    return EntropyObservation(gym.make(ENV, **kwargs), **WINDOW)


def played(env, actions, seed):
    seen = [env.reset(seed=seed)[0]]
    for action in actions:
        observation, _, terminated, truncated, _ = env.step(action)
        seen.append(observation)
        if terminated or truncated:
            break
    return np.array(seen)


def actions(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 2)).astype(np.float32)


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_is_an_environment():
    env = one(**SHORT)
    check_env(env, skip_render_check=True)
    check_sb3_env(one(**SHORT))
    assert env.observation_space.shape[0] == env.unwrapped.observation_space.shape[0] + len(SEEN)


def test_leaves_the_market_and_its_observations_alone():
    plain = played(gym.make(ENV), actions(60), 5)
    seen = played(one(), actions(60), 5)
    np.testing.assert_array_equal(seen[:, : -len(SEEN)], plain)


def test_fills_measures_every_third_step_and_starts_anew():
    env = one()
    seen = played(env, actions(60), 5)[:, -len(SEEN) :]
    np.testing.assert_allclose(seen[:, -1], np.minimum(1, np.arange(1, 62) / 31), rtol=1e-6)
    assert not seen[:30, :-1].any()
    moved = np.flatnonzero((np.diff(seen[31:, :-1], axis=0) != 0).any(1)) + 32
    assert len(moved) > 5 and not (moved % 3).any()
    np.testing.assert_array_equal(played(env, actions(60), 5)[:, -len(SEEN) :], seen)


def test_shows_what_the_feed_has_shown_and_not_the_book():
    market = Market("short_squeeze", seed=3)
    true, shown = EntropyWatch(60, 1), EntropyWatch(60, 1)
    for _ in range(60):
        market.run(seconds=2)
        true.update(market.record)
        shown.see(market.record)
    kept = shown.observe()
    market.record["books"]["best_bid"] -= 1000
    market.record["score"]["taken"] = 0
    np.testing.assert_array_equal(shown.observe(), kept)
    assert np.isfinite(kept).all()
    # The same flow, a feed later: the sides of most intervals agree.
    flows = [np.diff(np.array(w._taken) @ [1.0, -1.0]) for w in (true, shown)]
    assert np.mean(np.sign(flows[0]) == np.sign(flows[1])) > 0.8
    total = [np.diff(np.array(w._taken)[[0, -1]], axis=0)[0] for w in (true, shown)]
    np.testing.assert_allclose(total[1], total[0], rtol=0.1)


def test_a_forced_purchase_is_positive_work():
    market = Market("short_squeeze", seed=3, **{"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0})
    true, shown = EntropyWatch(1000, 1), EntropyWatch(1000, 1)
    for _ in range(480):
        market.run(seconds=0.5)
        true.update(market.record)
        shown.see(market.record)
    assert true.observe()[-1] > 0
    assert shown.observe()[-1] == pytest.approx(true.observe()[-1], rel=0.35)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_row_equals_an_environment(mode):
    vector = VectorEntropyObservation(
        gym.make_vec(ENV, num_envs=3, autoreset_mode=mode, **SHORT), **WINDOW
    )
    assert vector.observation_space.shape == (3, *vector.single_observation_space.shape)
    moves = actions(70)
    rows = [vector.reset(seed=7)[0]]
    ended = None
    for move in moves:
        observations, _, terminated, truncated, infos = vector.step(np.tile(move, (3, 1)))
        if (terminated | truncated).any() and ended is None:
            ended = len(rows)
            if mode == "SameStep":
                last = infos["final_obs"][0]
                assert last.shape == vector.single_observation_space.shape
        rows.append(observations)
    assert ended is not None
    single = played(one(**SHORT), moves, 8)
    n = min(len(single), ended)
    np.testing.assert_array_equal(np.array(rows)[:n, 1], single[:n])
    start = ended + (mode == "NextStep")
    assert np.array(rows)[start, :, -1].max() == pytest.approx(1 / 31)


def test_a_masked_reset_keeps_the_other_windows():
    vector = VectorEntropyObservation(
        gym.make_vec(ENV, num_envs=2, autoreset_mode="Disabled"), **WINDOW
    )
    vector.reset(seed=1)
    for move in actions(20):
        observations, *_ = vector.step(np.tile(move, (2, 1)))
    mask = np.array([True, False])
    reset, _ = vector.reset(seed=[9, None], options={"reset_mask": mask})
    np.testing.assert_array_equal(reset[1, -len(SEEN) :], observations[1, -len(SEEN) :])
    assert reset[0, -1] == pytest.approx(1 / 31)


def test_is_remade_from_its_spec_and_survives_pickling():
    env = one(**SHORT)
    again = gym.make(env.spec)
    np.testing.assert_array_equal(played(again, actions(40), 2), played(env, actions(40), 2))
    other = pickle.loads(pickle.dumps(env))
    np.testing.assert_array_equal(other.step(actions(1)[0])[0], env.step(actions(1)[0])[0])


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"window": 10}, ConfigError, "window"),
        ({"every": 0}, ConfigError, "every"),
        ({"shuffles": 0}, ConfigError, "shuffles"),
    ],
)
def test_refuses_what_makes_no_sense(changes, error, words):
    with pytest.raises(error, match=words):
        EntropyObservation(gym.make(ENV), **changes)


def test_needs_a_flat_box():
    stacked = gym.wrappers.FrameStackObservation(gym.make(ENV), 2)
    with pytest.raises(ConfigError, match="before anything that changes its shape"):
        EntropyObservation(stacked, **WINDOW)


def test_needs_a_market_of_squeezegym():
    with pytest.raises(ConfigError, match=r"of a squeezegym market, got .*CartPole"):
        EntropyObservation(gym.make("CartPole-v1"), **WINDOW)
    copies = gym.vector.SyncVectorEnv([lambda: gym.make(ENV)] * 2)
    with pytest.raises(ConfigError, match=r"gym\.make_vec makes with VectorEntropyObservation"):
        VectorEntropyObservation(copies, **WINDOW)

"""The native batch against SyncVectorEnv, in every autoreset mode, bit for bit."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from squeezegym.envs.observation import FEATURES
from squeezegym.errors import ConfigError

ID = "squeezegym/ShortSqueeze-v0"
ROWS = 3
MODES = [mode.value for mode in AutoresetMode]


def pair(mode, **kwargs):
    kwargs = {"horizon_s": 0.7, **kwargs}
    native = gym.make_vec(ID, num_envs=ROWS, autoreset_mode=mode, threads=1, **kwargs)
    sync = gym.make_vec(
        ID,
        num_envs=ROWS,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode(mode)},
        **kwargs,
    )
    return native, sync


def assert_same(a, b, where=""):
    assert type(a) is type(b), where
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f"{where}/{key}")
    elif isinstance(a, np.ndarray) and a.dtype == object:
        for x, y in zip(a, b, strict=True):
            assert_same(x, y, where)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype and a.shape == b.shape and (a == b).all(), where
    elif isinstance(a, tuple):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}[{i}]")
    else:
        assert a == b, where


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_parity_over_many_episodes(mode):
    native, sync = pair(mode)
    assert_same(native.reset(seed=3), sync.reset(seed=3), "reset")
    random = np.random.default_rng(0)
    for step in range(40):
        action = random.uniform(-1, 1, (ROWS, 2)).astype(np.float32)
        assert_same(native.step(action), sync.step(action), f"step {step}")


def test_parity_disabled_with_partial_resets():
    native, sync = pair("Disabled")
    assert_same(native.reset(seed=3), sync.reset(seed=3), "reset")
    random = np.random.default_rng(0)
    for step in range(30):
        action = random.uniform(-1, 1, (ROWS, 2)).astype(np.float32)
        result = native.step(action)
        assert_same(result, sync.step(action), f"step {step}")
        done = result[2] | result[3]
        if step % 4 == 3:
            done = done | (np.arange(ROWS) == step % ROWS)
        if done.any():
            seed = [100 + step, None, 7]
            ours = native.reset(seed=seed, options={"reset_mask": done.copy()})
            theirs = sync.reset(seed=seed, options={"reset_mask": done.copy()})
            assert_same(ours, theirs, f"reset {step}")


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_parity_under_a_step_limit(mode):
    native = gym.make_vec(ID, num_envs=ROWS, autoreset_mode=mode, max_episode_steps=4)
    sync = gym.vector.SyncVectorEnv(
        [lambda: gym.make(ID, max_episode_steps=4)] * ROWS, autoreset_mode=AutoresetMode(mode)
    )
    assert_same(native.reset(seed=0), sync.reset(seed=0))
    for step in range(12):
        action = np.full((ROWS, 2), 0.3, np.float32)
        assert_same(native.step(action), sync.step(action), f"step {step}")


def test_row_i_is_the_single_environment_seeded_s_plus_i():
    envs = gym.make_vec(ID, num_envs=ROWS)
    observations, _ = envs.reset(seed=40)
    action = np.full((ROWS, 2), 0.5, np.float32)
    after = envs.step(action)
    for row in range(ROWS):
        env = gym.make(ID)
        assert (env.reset(seed=40 + row)[0] == observations[row]).all()
        one = env.step(action[row])
        assert (one[0] == after[0][row]).all() and one[1] == after[1][row]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_and_batch_size_change_nothing(threads):
    envs = gym.make_vec(ID, num_envs=40, threads=threads)
    small = gym.make_vec(ID, num_envs=5, threads=1)
    envs.reset(seed=0)
    small.reset(seed=0)
    for step in range(5):
        action = np.random.default_rng(step).uniform(-1, 1, (40, 2)).astype(np.float32)
        big = envs.step(action)
        little = small.step(action[:5])
        for a, b in zip(big[:4], little[:4], strict=True):
            assert (a[:5] == b).all()
    envs.close()


def test_spaces_metadata_and_spec():
    envs = gym.make_vec(ID, num_envs=4)
    assert envs.observation_space.shape == (4, len(FEATURES)) and envs.action_space.shape == (4, 2)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert "autoreset_mode" not in type(envs.unwrapped).metadata
    assert envs.spec.id == ID and len(envs.np_random) == 4 and len(envs.np_random_seed) == 4


def test_same_step_final_observation_survives_the_next_step():
    envs = gym.make_vec(ID, num_envs=2, autoreset_mode="SameStep", horizon_s=0.3)
    envs.reset(seed=0)
    zero = np.zeros((2, 2), np.float32)
    for _ in range(3):
        observations, _, _, truncated, infos = envs.step(zero)
    assert truncated.all()
    final = infos["final_obs"][0]
    kept = final.copy()
    assert not (final == observations[0]).all()
    envs.step(zero)
    assert (final == kept).all()


def test_step_needs_a_reset():
    envs = gym.make_vec(ID, num_envs=2, autoreset_mode="Disabled", horizon_s=0.2)
    zero = np.zeros((2, 2), np.float32)
    with pytest.raises(gym.error.ResetNeeded, match="reset"):
        envs.step(zero)
    envs.reset(seed=0)
    envs.step(zero)
    envs.step(zero)
    with pytest.raises(gym.error.ResetNeeded, match="reset_mask"):
        envs.step(zero)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_envs": 0}, "num_envs must be >= 1"),
        ({"autoreset_mode": "Later"}, "autoreset_mode must be one of"),
    ],
)
def test_wrong_arguments(kwargs, message):
    from squeezegym.envs.vector import SqueezeVectorEnv

    with pytest.raises(ConfigError, match=message):
        SqueezeVectorEnv(**kwargs)


def test_wrong_actions_and_masks_leave_the_batch_usable():
    envs = gym.make_vec(ID, num_envs=2)
    envs.reset(seed=0)
    with pytest.raises(ConfigError, match=r"shape \(2, 2\)"):
        envs.step(np.zeros((3, 2)))
    with pytest.raises(ConfigError, match="row 1"):
        envs.step(np.array([[0.0, 0.0], [np.nan, 0.0]]))
    with pytest.raises(TypeError, match="bool array"):
        envs.reset(options={"reset_mask": [True, False]})
    with pytest.raises(ValueError, match="at least one True"):
        envs.reset(options={"reset_mask": np.zeros(2, bool)})
    envs.step(np.zeros((2, 2)))


def test_snapshot_and_restore_of_a_batch():
    envs = gym.make_vec(ID, num_envs=ROWS, horizon_s=0.5).unwrapped
    envs.reset(seed=0)
    zero = np.zeros((ROWS, 2), np.float32)
    envs.step(zero)
    state = envs.snapshot()
    first = [envs.step(zero)[0].tobytes() for _ in range(12)]
    envs.restore(state)
    assert [envs.step(zero)[0].tobytes() for _ in range(12)] == first


def test_usual_vector_wrappers_run():
    envs = gym.make_vec(ID, num_envs=ROWS, horizon_s=0.5)
    envs = gym.wrappers.vector.RecordEpisodeStatistics(envs)
    envs = gym.wrappers.vector.NormalizeObservation(envs)
    envs = gym.wrappers.vector.ClipAction(envs)
    envs.reset(seed=0)
    for _ in range(8):
        observations, *_ = envs.step(envs.action_space.sample())
    assert observations.dtype == np.float32
    envs.close()


@pytest.mark.parametrize("mode", ["NextStep", "Disabled"])
def test_a_restored_row_goes_on_where_it_was(mode):
    envs = gym.make_vec(ID, num_envs=2, autoreset_mode=mode, horizon_s=0.5).unwrapped
    envs.reset(seed=0)
    still = np.zeros((2, 2))
    for _ in range(4):
        envs.step(still)
    state = envs.row(1).snapshot()
    assert envs.step(still)[3].all()
    envs.row(1).restore(state)
    if mode == "Disabled":
        envs.reset(options={"reset_mask": np.array([True, False])})
    assert envs.step(still)[3].tolist() == [False, True]

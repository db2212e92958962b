"""Every render mode, in the forms that Gymnasium's wrappers expect."""

import io

import gymnasium as gym
import numpy as np
import pytest

import squeezegym
from squeezegym.envs.squeeze import SqueezeEnv
from squeezegym.view.font import line

ID = "squeezegym/ShortSqueeze-v0"
BUY = np.array([1.0, 1.0], np.float32)
SELL = np.array([-1.0, 1.0], np.float32)


@pytest.mark.parametrize("env_id", [i for i in squeezegym.ENVIRONMENTS if "FromData" not in i])
def test_rgb_array_is_a_picture_of_the_running_episode(env_id):
    env = gym.make(env_id, render_mode="rgb_array", horizon_s=30)
    env.reset(seed=0)
    first = env.render()
    for _ in range(8):
        env.step(BUY)
    second = env.render()
    env.close()

    assert first.shape == second.shape == (480, 640, 3)
    assert first.dtype == np.uint8
    assert (first != second).any()
    assert len(np.unique(second.reshape(-1, 3), axis=0)) > 8
    assert second.flags.c_contiguous and second.flags.owndata


def test_a_picture_shows_which_way_the_position_is():
    """The trace of the position lies above its zero line after buying, below after selling."""
    heights = []
    for action in (BUY, SELL):
        env = gym.make(ID, render_mode="rgb_array", horizon_s=60)
        env.reset(seed=1)
        for _ in range(300):
            env.step(action)
        panel = env.render()[338:392, 8:416].astype(int)
        green = (panel == (47, 214, 164)).all(axis=2)
        heights.append(np.flatnonzero(green.any(axis=1))[[0, -1]].mean() if green.any() else 0)
        last = np.flatnonzero(green.any(axis=0))[-1]
        heights[-1] = np.flatnonzero(green[:, last]).mean()
        env.close()
    assert heights[0] < 27 < heights[1]


def test_a_new_episode_starts_a_new_picture():
    env = gym.make(ID, render_mode="rgb_array", horizon_s=30)
    env.reset(seed=3)
    first = env.render()
    for _ in range(5):
        env.step(SELL)
    env.reset(seed=3)
    np.testing.assert_array_equal(env.render(), first)
    env.close()


def test_rendering_changes_nothing():
    ends = []
    for mode in (None, "rgb_array", "ansi"):
        env = gym.make(ID, render_mode=mode, horizon_s=5)
        env.reset(seed=2)
        done = False
        while not done:
            *_, truncated, info = env.step(BUY)
            done = truncated
            env.render() if mode else None
        ends.append(info["equity"])
        env.close()
    assert len(set(ends)) == 1


def test_record_video_takes_its_frames():
    """The frames that ``RecordVideo`` collects, through the wrapper that collects them."""
    env = gym.make(ID, render_mode="rgb_array_list", horizon_s=30)
    env.reset(seed=0)
    for _ in range(3):
        env.step(BUY)
    frames = env.render()
    env.close()
    assert len(frames) == 4
    assert all(frame.shape == (480, 640, 3) for frame in frames)


def test_human_draws_at_each_step(monkeypatch):
    printed = io.StringIO()
    monkeypatch.setattr("sys.stdout", printed)
    env = gym.make(ID, render_mode="human", horizon_s=30)
    env.reset(seed=0)
    env.step(BUY)
    assert env.render() is None
    env.close()
    assert printed.getvalue().count("position") == 2
    assert "perp" in printed.getvalue()


def test_a_vector_environment_gives_a_frame_a_market():
    envs = gym.make_vec(ID, num_envs=2, render_mode="rgb_array", horizon_s=30)
    envs.reset(seed=0)
    envs.step(np.stack([BUY, SELL]))
    frames = envs.render()
    envs.close()
    assert len(frames) == 2
    assert (frames[0] != frames[1]).any()
    with pytest.raises(squeezegym.errors.ConfigError, match="render_mode must be"):
        gym.make_vec(ID, num_envs=2, render_mode="human")


def test_nothing_is_drawn_before_the_first_episode():
    assert SqueezeEnv(render_mode="rgb_array").render() is None
    assert SqueezeEnv().render() is None


def test_the_font_draws_letters():
    assert line("1").shape == (7, 6)
    assert line("ab", 2).shape == (14, 24)
    strokes = ["".join("#" if dot else "." for dot in row) for row in line("L")]
    assert strokes == [*["#....."] * 6, "#####."]
    assert (line("a") == line("A")).all()
    assert (line("?") != line("0")).any()

"""The menu of discrete actions, and what masks leave of it."""

import gymnasium as gym
import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.envs.action import KEEP, MENU
from squeezegym.envs.rows import Rows
from squeezegym.errors import ConfigError
from squeezegym.measures import Measure

DISCRETE = "squeezegym/ShortSqueezeDiscrete-v0"
MASKED = "squeezegym/ShortSqueezeMasked-v0"
TAKE = {target: 1 + i for i, target in enumerate((-1.0, -0.5, 0.0, 0.5, 1.0))}
POST = {target: 6 + i for i, target in enumerate((-1.0, -0.5, 0.0, 0.5, 1.0))}
FLAT = {"learner.short_start": 0.0}


def started(**overrides):
    rows = Rows(Scenario.load("short_squeeze", **{**FLAT, **overrides}), 1, 1, "masked")
    everyone = np.ones(1, bool)
    generators = [np.random.default_rng(0)]
    rows.reset(everyone, generators)

    def step(choice):
        rows.step(np.array([choice]), everyone, ~everyone, generators)
        return rows.action_masks()[0]

    return rows, step


def allowed(mask):
    return set(np.flatnonzero(mask).tolist())


def test_the_menu_says_the_same_as_the_box():
    for choice in range(1, len(MENU)):
        box = gym.make("squeezegym/ShortSqueeze-v0").unwrapped
        menu = gym.make(DISCRETE).unwrapped
        box.reset(seed=1)
        menu.reset(seed=1)
        for _ in range(3):
            mine, other = menu.step(choice), box.step(MENU[choice])
            assert (mine[0] == other[0]).all() and mine[1] == other[1]


def test_keep_goes_on_with_the_last_order():
    once, often = gym.make(DISCRETE).unwrapped, gym.make(DISCRETE).unwrapped
    once.reset(seed=3)
    often.reset(seed=3)
    for step in range(20):
        mine = once.step(TAKE[0.5] if step == 0 else KEEP)
        other = often.step(TAKE[0.5])
        assert (mine[0] == other[0]).all() and mine[4] == other[4]
    state = once.snapshot()
    kept = once.step(KEEP)[0]
    once.step(TAKE[-1.0])
    once.restore(state)
    assert (once.step(KEEP)[0] == kept).all()


def test_keep_at_first_sends_nothing():
    env = gym.make(DISCRETE).unwrapped
    for seed in range(4):
        env.reset(seed=seed)
        for _ in range(10):
            env.step(KEEP)
        assert env._rows.batch.markets[0]["learners"][0]["sent"] == 0


@pytest.mark.parametrize("bad", [-1, 11, 2**62, 0.5, np.nan, np.inf, "up", None, [1, 2]])
def test_what_is_no_choice_is_one_clear_sentence(bad):
    env = gym.make(DISCRETE).unwrapped
    env.reset(seed=0)
    with pytest.raises(ConfigError, match=r"must be .*0 to 10"):
        env.step(bad)
    env.step(np.int64(3))


def test_flat_at_first_everything_but_flat():
    rows, _ = started()
    assert allowed(rows.action_masks()[0]) == set(range(11)) - {TAKE[0.0], POST[0.0]}


def test_nothing_but_keep_while_messages_are_unanswered():
    _, step = started(**{"learner.latency_ms": 70.0, "learner.jitter_ms": 0.0})
    assert allowed(step(TAKE[1.0])) == {KEEP}
    assert len(allowed(step(KEEP))) > 1


def test_a_filled_order_leaves_out_what_it_reached():
    rows, step = started()
    for _ in range(5):
        mask = step(TAKE[0.5])
    assert rows.batch.views["held"][0] == round(0.5 * rows.limit)
    assert allowed(mask) == set(range(11)) - {TAKE[0.5], POST[0.5]}


def test_a_resting_order_may_be_taken_back():
    rows, step = started()
    mask = step(POST[-1.0])
    while rows.batch.views["waiting"][0]:
        mask = step(KEEP)
    assert rows.batch.views["resting"][0] < 0
    assert {TAKE[0.0], POST[0.0]} <= allowed(mask)


def test_leverage_limits_the_targets():
    rows, _ = started(**{"learner.capital_quote": 120_000.0})
    mask = rows.action_masks()[0]  # ten times levered it can hold about three quarters of the limit
    assert allowed(mask) == {KEEP, TAKE[0.5], POST[0.5], TAKE[-0.5], POST[-0.5]}


def banned(name, learner=True, position=None):
    changes = {
        "protection.book": "perp",
        f"protection.{name}.start_s": 1.0,
        "protection.learner": learner,
    }
    _, step = started(**changes)
    mask = step(KEEP if position is None else TAKE[position])
    for _ in range(15):
        mask = step(KEEP)
    return allowed(mask)


def test_a_short_ban_takes_the_shorts_away_for_whom_it_holds():
    everything = set(range(11)) - {TAKE[0.0], POST[0.0]}
    shorts = {TAKE[-1.0], POST[-1.0], TAKE[-0.5], POST[-0.5]}
    assert banned("short_ban") == everything - shorts
    assert banned("short_ban", learner=False) == everything


def test_a_banned_short_may_still_be_reduced():
    left = banned("short_ban", position=-1.0)
    assert {TAKE[-0.5], TAKE[0.0], TAKE[1.0]} <= left


def test_a_buy_restriction_takes_the_longs_away():
    everything = set(range(11)) - {TAKE[0.0], POST[0.0]}
    assert banned("buy_restriction") == everything - {TAKE[1.0], POST[1.0], TAKE[0.5], POST[0.5]}


def test_a_pause_takes_no_orders_that_cannot_rest():
    rows, _ = started(**{"protection.book": "perp", "protection.limits.on": True})
    rows.batch.views["measures"] = int(Measure.PAUSE)
    assert allowed(rows.action_masks()[0]) == {KEEP, *POST.values()} - {POST[0.0]}


def test_masks_of_a_batch_are_those_of_its_rows():
    envs = gym.make_vec(MASKED, num_envs=3).unwrapped
    _, info = envs.reset(seed=1)
    for step in range(5):
        assert (envs.action_masks() == (info["action_mask"] == 1)).all()
        *_, info = envs.step(np.full(3, 2 * step % 11))
    for row in range(3):
        assert (envs.row(row).action_masks() == envs.action_masks()[row]).all()


def test_continuous_actions_have_no_masks():
    env = gym.make("squeezegym/ShortSqueeze-v0").unwrapped
    env.reset(seed=0)
    with pytest.raises(AttributeError, match="Masked"):
        env.action_masks()


def test_an_unknown_action_set_is_one_clear_sentence():
    with pytest.raises(ConfigError, match=r"actions must be one of.*did you mean 'discrete'"):
        gym.make(DISCRETE, actions="discret")

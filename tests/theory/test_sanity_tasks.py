"""Tasks whose best policy is known: what a learner has to find there."""

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

import squeezegym
from agents.calm import pnl_percent
from agents.estimates import estimate, mean
from agents.oracle import best_flip, flips
from squeezegym.envs.observation import INDEX
from squeezegym.errors import ConfigError

NOISELESS = "squeezegym/NoiselessDiscrete-v0"
CATALYST_S = 20.0
HELD_OUT = range(100, 104)


def test_the_best_flip_comes_with_the_metaorder_and_others_are_worse():
    best = best_flip("noiseless", range(4), every_s=1.0)
    assert CATALYST_S - 4.0 <= best.time_s <= CATALYST_S + 1.0
    assert best.pnl_percent == best.curve.max()
    for seed in HELD_OUT:  # a rule from some episodes, tried on others
        found = flips("noiseless", seed, every_s=1.0)
        at = {
            shift: float(np.interp(best.time_s + shift, found.times_s, found.pnl_percent))
            for shift in (-12.0, 0.0, 5.0, 10.0)
        }
        assert at[0.0] > at[-12.0] > found.pnl_percent[-1]
        assert at[0.0] > at[5.0] + 2.0 > at[10.0] + 2.0


def test_a_flip_that_is_tried_is_the_one_of_the_single_environment():
    import gymnasium as gym

    found = flips("noiseless", 7, every_s=10.0)
    env = gym.make(NOISELESS)
    env.reset(seed=7)
    total, step, ended = 0.0, 0, False
    while not ended:
        _, reward, terminated, truncated, _ = env.step(5 if step == 40 else 0)
        total, step, ended = total + reward, step + 1, terminated or truncated
    assert found.times_s[2] == 20.0 and total == pytest.approx(found.pnl_percent[2])


def test_times_finer_than_a_decision_are_refused():
    with pytest.raises(ConfigError, match="decision interval"):
        flips("noiseless", 0, every_s=0.1)


@pytest.mark.slow
def test_ppo_finds_the_flip():
    best = best_flip("noiseless", range(4), every_s=1.0)
    torch.set_num_threads(1)
    model = PPO(
        "MlpPolicy",
        squeezegym.make_sb3_vec(NOISELESS, num_envs=32, seed=0),
        n_steps=80,
        batch_size=640,
        n_epochs=6,
        gamma=1.0,
        learning_rate=1e-3,
        ent_coef=0.003,
        policy_kwargs={"net_arch": [64, 64]},
        seed=0,
        device="cpu",
    )
    with torch.no_grad():
        model.policy.action_net.bias[0] = 4.0  # keeps most of the time from the start on
    model.learn(100_000)
    envs = squeezegym.make_sb3_vec(NOISELESS, num_envs=16, seed=1_000)
    seen = envs.reset()
    pnl, flipped_s = np.zeros(16), np.full(16, np.inf)
    for step in range(80):
        seen, rewards, *_ = envs.step(model.predict(seen)[0])
        pnl += rewards
        late = (seen[:, INDEX["position"]] > 0.25) & np.isinf(flipped_s)
        flipped_s[late] = 0.5 * (step + 1)
    assert pnl.mean() > 0.8 * best.pnl_percent
    assert abs(np.median(flipped_s) - best.time_s) <= 4.0


@pytest.mark.slow
def test_in_calm_nothing_beats_being_flat():
    pnl = pnl_percent(range(5000, 5032))
    assert -0.15 < pnl["flat"].mean() < 0.0  # the fee of closing an opening short, half of the time
    for name in pnl.keys() - {"flat"}:
        more = estimate([pnl["flat"] - pnl[name]], mean)
        assert more.high >= 0.0, name
        assert more.low > 0.0 or not name.startswith("hold"), name

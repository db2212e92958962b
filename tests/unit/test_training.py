import os

import numpy as np
import pytest
from rich.console import Console

from agents.caution import Cautious
from agents.quickstart import Config, resolve
from agents.settings import Learner, environment, load, parse
from agents.train import train_into
from squeezegym import Scenario, make_sb3_vec
from squeezegym.envs.observation import FEATURES, INDEX
from squeezegym.errors import ConfigError
from squeezegym.integrations.decisions import (
    FLAT,
    KEEP,
    MENU,
    DecisionMenu,
    Standardise,
    choose,
    standing_orders,
)
from squeezegym.integrations.sb3 import load_policy

ENV_ID = "squeezegym/ShortSqueeze-v0"


def test_keep_leaves_the_order_and_every_other_choice_replaces_it():
    orders = np.array([[0.3, -1.0], [0.3, -1.0]], np.float32)
    chosen = choose(orders, np.array([KEEP, 3]))
    np.testing.assert_array_equal(chosen, [orders[0], MENU[3]])


def test_standing_orders_keep_the_position():
    observations = np.zeros((2, len(FEATURES)), np.float32)
    observations[:, INDEX["position"]] = [-0.5, 0.25]
    np.testing.assert_array_equal(standing_orders(observations), [[-0.5, 1.0], [0.25, 1.0]])


def test_a_decision_is_so_many_steps_and_adds_their_rewards():
    menu = DecisionMenu(make_sb3_vec(ENV_ID, num_envs=2, seed=4, horizon_s=5.0), 10)
    plain = make_sb3_vec(ENV_ID, num_envs=2, seed=4, horizon_s=5.0)
    menu.reset()
    plain.reset()
    for choice, target in ((3, MENU[3]), (KEEP, MENU[3]), (1, MENU[1])):
        observations, rewards, _, _ = menu.step(np.full(2, choice))
        total = np.zeros(2)
        for _ in range(10):
            expected, reward, _, _ = plain.step(np.tile(target, (2, 1)))
            total += reward
        np.testing.assert_array_equal(observations, expected)
        np.testing.assert_allclose(rewards, total, atol=1e-5)


def test_an_episode_that_ends_within_a_decision_is_reported_once():
    menu = DecisionMenu(make_sb3_vec(ENV_ID, num_envs=2, seed=4, horizon_s=1.5), 10)
    menu.reset()
    assert not menu.step(np.full(2, KEEP))[2].any()
    observations, _, dones, infos = menu.step(np.full(2, KEEP))
    assert dones.all()
    for row, info in enumerate(infos):
        assert info["terminal_observation"][INDEX["time_left"]] == 0
        assert observations[row, INDEX["time_left"]] > 0.5


LONG, SHORT_SIDE = 3, 1  # choices of the menu


def cautious(kind, charge=10.0):
    """Two markets of one kind of episode, and the same that charge for false flips."""
    kinds = {
        "squeeze": {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0},
        "near-miss": {"catalyst.squeeze": 0.0, "catalyst.near_miss": 1.0},
        "nothing": {"catalyst.squeeze": 0.0, "catalyst.near_miss": 0.0},
    }
    scenario = Scenario.load("short_squeeze", **kinds[kind])
    pair = []
    for _ in range(2):
        venv = make_sb3_vec(ENV_ID, num_envs=2, seed=4, scenario=scenario)
        pair.append((venv, DecisionMenu(venv, 10)))
    (_, plain), (venv, menu) = pair
    return plain, Cautious(menu, venv, charge)


@pytest.mark.parametrize(
    ("kind", "choice", "charge"),
    [
        ("squeeze", LONG, 0.0),
        ("near-miss", LONG, 0.1),
        ("nothing", LONG, 0.1),
        ("nothing", SHORT_SIDE, 0.0),
    ],
)
def test_a_decision_on_the_metaorders_side_costs_where_nothing_will_ignite(kind, choice, charge):
    plain, charged = cautious(kind)
    assert (plain.reset() == charged.reset()).all()
    for _ in range(3):
        seen, rewards, _, _ = plain.step(np.full(2, choice))
        same, less, _, _ = charged.step(np.full(2, choice))
        np.testing.assert_array_equal(seen, same)
        np.testing.assert_allclose(rewards - less, charge, atol=1e-6)


def test_flat_is_what_closes_the_position():
    assert [MENU[place].tolist() for place in FLAT] == [[0, 1], [0, -1]]


def test_a_learner_that_is_never_flat_has_no_chance_of_it(tmp_path):
    import torch

    settings = load("never_flat").model_copy(update={"num_envs": 2, "steps": 3000})
    assert settings.learner.never_flat
    train_into(settings, tmp_path / "run", Console(quiet=True))
    policy = load_policy(tmp_path / "run" / "policy.zip")
    observations = np.random.default_rng(0).normal(size=(64, len(FEATURES))).astype(np.float32)
    chances = policy.network.get_distribution(torch.as_tensor(observations)).distribution.probs
    assert chances[:, FLAT].max() < 1e-12
    assert chances[:, SHORT_SIDE].min() > 1e-6


def test_only_a_menu_with_flat_can_leave_it_out():
    with pytest.raises(ConfigError, match=r"never_flat needs a menu with flat .* got sac"):
        parse(Learner, {"algorithm": "sac", "never_flat": True})
    with pytest.raises(ConfigError, match="caution"):
        parse(Learner, {"caution": -1.0})


def test_defaults_of_a_short_run_give_way_to_what_is_asked_for():
    config = resolve(Config(short=True, episodes=5))
    assert (config.episodes, config.steps) == (5, 400_000)


def test_data_files_become_one_argument_each():
    env_id, kwargs = environment("from_data", book=("a.gz", "b.gz"), spot=(), open_interest=5.0)
    assert env_id == "squeezegym/FromData-v0"
    assert kwargs == {"book": f"a.gz{os.pathsep}b.gz", "open_interest": 5.0}


def test_an_unknown_scenario_is_named_with_the_nearest_one():
    with pytest.raises(ConfigError, match="unknown scenario 'clam'; did you mean 'calm'"):
        environment("clam")


def test_standardised_features_have_unit_spread_and_travel_with_the_weights(tmp_path):
    import torch
    from stable_baselines3 import PPO

    venv = make_sb3_vec(ENV_ID, num_envs=2, seed=0)
    model = PPO(
        "MlpPolicy",
        venv,
        n_steps=4,
        batch_size=8,
        policy_kwargs={"features_extractor_class": Standardise},
        device="cpu",
    )
    random = np.random.default_rng(0)
    observations = random.normal(0.3, 0.05, (500, len(FEATURES))).astype(np.float32)
    model.policy.features_extractor.measure(observations)
    features = model.policy.features_extractor(torch.as_tensor(observations))
    assert abs(float(features.mean())) < 0.01 and abs(float(features.std()) - 1) < 0.01
    model.save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip", device="cpu")
    again = loaded.policy.features_extractor(torch.as_tensor(observations))
    assert torch.equal(features, again)

"""Many games at once: each is the single one, bit for bit; stable-baselines3 plays them."""

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

import squeezegym
from squeezegym import Scenario
from squeezegym.envs.gamespaces import ACTIONS, N_FEATURES
from squeezegym.errors import ConfigError
from squeezegym.integrations.selfplay import GameVecEnv
from squeezegym.testing import assert_conserved, same
from tests.contract.test_game import DEADLY, NAMES, PUSH, ROLE

SIZE = {name: len(ACTIONS[role]) for name, role in ROLE.items()}


def padded(actions):
    """(agents, 3) of a dictionary of actions."""
    out = np.zeros((len(NAMES), 3))
    for i, name in enumerate(NAMES):
        if name in actions:
            out[i, : len(actions[name])] = actions[name]
    return out


def singles(n, seed, **kwargs):
    games = [squeezegym.parallel_env(**kwargs) for _ in range(n)]
    return games, [game.reset(seed=seed + i)[0] for i, game in enumerate(games)]


def equal(seen, row):
    """Whether a row of the batch holds what the single game's agents see, and zeros elsewhere."""
    for i, name in enumerate(NAMES):
        own = seen.get(name, np.zeros(0, np.float32))
        if not same(row[i, : len(own)].copy(), own) or row[i, len(own) :].any():
            return False
    return True


@pytest.mark.parametrize("threads", [1, 2])
def test_every_row_is_the_single_game_of_its_seed(threads):
    n = 16
    games, first = singles(n, 40, horizon_s=1.0)
    batch = squeezegym.make_game_vec(num_envs=n, horizon_s=1.0, threads=threads)
    seen, info = batch.reset(seed=40)
    assert seen.shape == batch.observation_space.shape == (n, 5, N_FEATURES)
    assert all(equal(left, right) for left, right in zip(first, seen, strict=True))
    random = np.random.default_rng(5)
    for _ in range(25):  # two games and the start of a third
        actions = random.uniform(-1, 1, batch.action_space.shape)
        seen, rewards, terminated, truncated, info = batch.step(actions)
        assert batch.observation_space.contains(seen)
        for m, game in enumerate(games):
            if not game.agents:
                own, _ = game.reset()
                assert equal(own, seen[m]) and not rewards[m].any()
                continue
            given = game.step({a: actions[m, i, : SIZE[a]] for i, a in enumerate(NAMES)})
            assert equal(given[0], seen[m])
            for part, values in zip(given[1:4], (rewards, terminated, truncated), strict=True):
                assert list(part.values()) == values[m].tolist()
            for i, name in enumerate(NAMES):
                assert given[4][name] == {key: values[m, i] for key, values in info.items()}
    batch.close()


def test_who_was_taken_sees_zeros_till_its_game_ends():
    batch = squeezegym.make_game_vec(num_envs=2, scenario=DEADLY, horizon_s=10.0)
    game = squeezegym.parallel_env(scenario=DEADLY, horizon_s=10.0)
    game.reset(seed=1)
    batch.reset(seed=0)
    left = []
    while game.agents:
        given = game.step({a: PUSH[a] for a in game.agents})
        seen, rewards, terminated, truncated, info = batch.step(np.stack([padded(PUSH)] * 2))
        assert equal(given[0], seen[1])
        left.append(bool(info["alive"][1, 1]))
        assert left[-1] or terminated[1, 1] or not (seen[1, 1].any() or rewards[1, 1])
    assert truncated[1].tolist() == [True, False, True, True, True]
    assert True in left and False in left
    again, _ = game.reset()
    assert equal(again, batch.step(np.zeros((2, 5, 3)))[0][1]) and again["short_0"].any()


def test_same_step_brings_the_last_of_one_game_with_the_first_of_the_next():
    late = squeezegym.make_game_vec(num_envs=3, horizon_s=0.5)
    same_step = squeezegym.make_game_vec(num_envs=3, horizon_s=0.5, autoreset_mode="SameStep")
    late.reset(seed=8)
    same_step.reset(seed=8)
    actions = np.zeros(late.action_space.shape)
    for _ in range(5):
        ended, others = late.step(actions), same_step.step(actions)
    assert "final_obs" in others[4] and others[4]["_final"].all()
    assert same(ended[0], others[4]["final_obs"]) and same(ended[4], others[4]["final_info"])
    assert same(late.step(actions)[0], others[0])


def test_it_goes_on_the_same_from_a_snapshot():
    batch = squeezegym.make_game_vec(num_envs=3, horizon_s=1.0)
    with pytest.raises(ResetNeeded, match="call reset"):
        batch.step(np.zeros((3, 5, 3)))
    batch.reset(seed=2)
    random = np.random.default_rng(1)
    actions = [random.uniform(-1, 1, batch.action_space.shape) for _ in range(15)]
    state = batch.snapshot()
    first = [batch.step(a) for a in actions]
    batch.restore(state)
    assert same([batch.step(a) for a in actions], first)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a[:, :4], r"must have shape \(2, 5, 3\).*got \(2, 4, 3\)"),
        (lambda a: np.where(np.arange(5)[:, None] == 2, np.nan, a), "maker_0 in market 0.*NaN"),
        (lambda a: "buy", "must be numbers in"),
    ],
)
def test_wrong_actions_say_what_came(change, sentence):
    batch = squeezegym.make_game_vec(num_envs=2, horizon_s=1.0)
    batch.reset(seed=2)
    with pytest.raises(ConfigError, match=sentence):
        batch.step(change(np.zeros((2, 5, 3))))
    unused = np.zeros((2, 5, 3))
    unused[:, 0, 2] = np.nan  # the squeezer has two numbers
    batch.step(unused)


def test_wrong_arguments_say_what_is_allowed():
    for kwargs, sentence in (
        ({"num_envs": 0}, "num_envs must be >= 1, got 0"),
        ({"autoreset_mode": "Never"}, "autoreset_mode must be one of 'NextStep', 'SameStep', got"),
        ({"scenario": "calm"}, "lists no players"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            squeezegym.make_game_vec(**kwargs)
    with pytest.raises(ConfigError, match="seed needs 2 entries, got 3"):
        squeezegym.make_game_vec(num_envs=2).reset(seed=[1, 2, 3])
    with pytest.raises(ConfigError, match=r"unknown agent 'sniper'.*sniper_0"):
        squeezegym.make_game_sb3_vec(num_envs=1, agents=["sniper"])
    with pytest.raises(ConfigError, match="must be 'SameStep', got 'NextStep'"):
        GameVecEnv(squeezegym.make_game_vec(num_envs=1))


def test_rows_of_one_role_keep_their_spaces_and_of_several_are_padded():
    one = squeezegym.make_game_sb3_vec(num_envs=2, agents=["squeezer_0", "sniper_0"])
    assert one.num_envs == 4 and one.action_space.shape == (2,)
    assert one.observation_space.shape == (one.reset().shape[1],)
    mixed = squeezegym.make_game_sb3_vec(num_envs=2)
    assert mixed.num_envs == 10 and mixed.action_space.shape == (3,)
    assert mixed.reset().shape == (10, N_FEATURES)


def test_ppo_learns_on_rows_that_are_the_agents_of_the_games():
    def still(seen):
        assert seen.shape == (4, 5, N_FEATURES)
        return np.zeros((4, 5, 3))

    rows = squeezegym.make_game_sb3_vec(
        num_envs=4, agents=["squeezer_0", "sniper_0"], others=still, horizon_s=1.0
    )
    venv = VecMonitor(rows)
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=64, n_epochs=1, seed=3, device="cpu")
    model.learn(256)
    assert len(model.ep_info_buffer) == 24  # 8 rows, a game each ten steps, 32 steps
    assert {episode["l"] for episode in model.ep_info_buffer} == {10}
    again = squeezegym.make_game_sb3_vec(num_envs=4, agents=["squeezer_0", "sniper_0"], seed=3)
    batch = squeezegym.make_game_vec(num_envs=4)
    seen, _ = batch.reset(seed=3)
    width = again.observation_space.shape[0]
    assert same(again.reset(), seen[:, [0, 4], :width].reshape(8, width))


def test_what_the_others_do_need_not_be_floats_but_has_a_shape():
    """Whole numbers from a script may not cut those of the learners."""
    rows = {}
    for kind in (np.int64, np.float64):
        rows[kind] = squeezegym.make_game_sb3_vec(
            num_envs=1,
            agents=["squeezer_0"],
            others=lambda seen, kind=kind: np.zeros((1, 5, 3), kind),
            seed=1,
            horizon_s=1.0,
        )
        rows[kind].reset()
    half = np.array([[0.5, 1.0]])
    for _ in range(8):
        left, right = (venv.step(half) for venv in rows.values())
        assert same(left[0], right[0])
    held = rows[np.int64].games.batch.views["position"][0, 0]
    assert held == rows[np.float64].games.batch.views["position"][0, 0] > 0
    wrong = squeezegym.make_game_sb3_vec(num_envs=1, others=lambda seen: np.zeros((5, 3)))
    wrong.reset()
    with pytest.raises(ConfigError, match=r"shape \(1, 5, 3\) \(markets.*got \(5, 3\)"):
        wrong.step(np.zeros((5, 3)))


def test_the_last_info_of_a_row_is_its_agents():
    scenario = Scenario.load(DEADLY, **{"episode.horizon_s": 10.0})
    rows = squeezegym.make_game_sb3_vec(num_envs=1, scenario=scenario, seed=1)
    rows.reset()
    for _ in range(100):
        _, rewards, dones, infos = rows.step(padded(PUSH))
    assert dones.all() and [info["alive"] for info in infos] == [True, False, True, True, True]
    assert [i["TimeLimit.truncated"] for i in infos] == [True, False, True, True, True]
    assert not infos[1]["terminal_observation"].any() and rewards[1] == 0.0
    assert infos[0]["terminal_observation"].any()


def test_conservation_is_checked_behind_every_form_of_a_game():
    forms = (
        squeezegym.parallel_env(horizon_s=1.0),
        squeezegym.make_game_vec(num_envs=2, horizon_s=1.0),
        squeezegym.make_game_sb3_vec(num_envs=2, horizon_s=1.0),
    )
    for form in forms:
        form.reset()
        assert_conserved(form)
        markets = getattr(form, "games", form).batch.markets
        markets["accounts"]["quote"][-1, -1] += 1
        with pytest.raises(AssertionError, match="quote sums to 1 over all accounts"):
            assert_conserved(form)

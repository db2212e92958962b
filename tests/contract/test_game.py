"""The game as PettingZoo wants it, and what must hold of it beside."""

import pickle
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test
from pettingzoo.utils import parallel_to_aec

import squeezegym
from squeezegym import Scenario
from squeezegym.codes import Account
from squeezegym.envs.gamespaces import ACTIONS
from squeezegym.errors import ConfigError
from squeezegym.players import Game
from squeezegym.testing import same
from tests.conftest import ROOT

ID = "squeezegym/SqueezeGame-v0"
NAMES = ["squeezer_0", "short_0", "maker_0", "arbitrageur_0", "sniper_0"]
ROLE = {name: player.role for name, player in Scenario.load("squeeze_game").game.players.items()}
# The squeezer buys whatever the others do, and the short seller has little to lose.
DEADLY = Scenario.load(
    "squeeze_game",
    **{
        "game.players.short_0": {
            "capital_quote": 14_000.0,
            "short_start_size": [1.0, 1.0],
            "entry_spread_bps": 0.0,
        },
        "game.players.squeezer_0.cap_bps": 200.0,
    },
)
QUIET = {name: np.full(len(ACTIONS[ROLE[name]]), -1.0, np.float32) for name in NAMES}
QUIET["squeezer_0"] = QUIET["sniper_0"] = QUIET["arbitrageur_0"] = np.zeros(2, np.float32)
PUSH = {**QUIET, "squeezer_0": np.ones(2, np.float32)}


def game(**kwargs):
    return squeezegym.parallel_env(ID, **{"horizon_s": 3.0, **kwargs})


def play(env, choose, steps=10_000):
    """Return what every step gave, until the game or the steps end."""
    given = []
    while env.agents and len(given) < steps:
        given.append(env.step({agent: choose(agent) for agent in env.agents}))
    return given


def sampler(env, seed=3):
    random = np.random.default_rng(seed)

    def choose(agent):
        box = env.action_space(agent)
        return random.uniform(box.low, box.high).astype(np.float32)

    return choose


@pytest.mark.filterwarnings("ignore:Agents have different", "ignore:Observations are different")
@pytest.mark.parametrize("black_death", [False, True])
def test_pettingzoo_s_own_tests(black_death):
    parallel_api_test(game(black_death=black_death), num_cycles=100)
    api_test(parallel_to_aec(game(black_death=black_death)), num_cycles=100)
    parallel_seed_test(lambda: game(black_death=black_death), num_cycles=20)


def test_every_render_mode():
    render_test(lambda render_mode: parallel_to_aec(game(render_mode=render_mode)))
    env = game(render_mode="ansi")
    assert env.render() is None  # nothing runs yet
    env.reset(seed=1)
    lines = env.render().split("\n")
    assert [line.split()[0] for line in lines[-5:]] == NAMES
    assert not any(line.startswith("learner") for line in lines)
    env = game(render_mode="rgb_array")
    env.reset(seed=1)
    assert env.render().shape == (480, 640, 3)


def test_spaces_are_bounded_boxes_of_each_role():
    env = game()
    assert env.possible_agents == NAMES
    for name in NAMES:
        seen, done = env.observation_space(name), env.action_space(name)
        assert seen is env.observation_space(name) and done is env.action_space(name)
        assert seen.dtype == done.dtype == np.float32
        assert np.isfinite(seen.low).all() and np.isfinite(seen.high).all()
        assert done.shape == (len(ACTIONS[ROLE[name]]),)
    assert env.action_space("short_0").high.tolist() == [0.0, 1.0]
    sizes = {name: env.observation_space(name).shape[0] for name in NAMES}
    assert sizes["maker_0"] == sizes["squeezer_0"] + 3
    assert sizes["arbitrageur_0"] == sizes["squeezer_0"] + 9
    env.reset(seed=0)
    assert env.state().shape == env.state_space.shape == (sum(sizes.values()),)
    assert env.state_space.contains(env.state())


def test_everyone_is_cut_off_at_the_horizon_and_closed():
    env = game()
    env.reset(seed=5)
    given = play(env, sampler(env))
    assert len(given) == 30 and env.agents == []
    _, _, terminated, truncated, infos = given[-1]
    assert truncated == dict.fromkeys(NAMES, True) and not any(terminated.values())
    assert {info["position"] for info in infos.values()} == {0.0}
    for name in NAMES:  # rewards are percent of the capital and add up to the PnL
        capital = env.scenario.game.players[name].capital_quote
        total = sum(step[1][name] for step in given)
        assert total == pytest.approx(100 * infos[name]["pnl"] / capital, abs=1e-6)
        parts = sum(v for key, v in infos[name].items() if key.startswith("pnl_"))
        assert parts == pytest.approx(infos[name]["pnl"], abs=1e-4)
    with pytest.raises(ResetNeeded, match="no game is running"):
        env.step({})


def test_who_is_liquidated_leaves_and_the_others_play_on():
    env = game(scenario=DEADLY, horizon_s=10.0)
    env.reset(seed=1)
    given = play(env, PUSH.get)
    ends = [i for i, step in enumerate(given) if step[2].get("short_0")]
    assert len(ends) == 1 and 5 < ends[0] < len(given) - 5
    at = ends[0]
    assert given[at][4]["short_0"]["liquidated"] and not given[at][3]["short_0"]
    assert all("short_0" in part for part in given[at])
    assert all("short_0" not in part for step in given[at + 1 :] for part in step)
    assert not any(step[2]["squeezer_0"] for step in given)
    slot = env.batch.markets["accounts"].shape[1] - 6  # of the second of seven
    assert int(env.batch.markets["accounts"]["perp"][0, slot]) == 0


def test_with_black_death_it_stays_and_sees_nothing():
    gone = game(scenario=DEADLY, horizon_s=10.0)
    stays = game(scenario=DEADLY, horizon_s=10.0, black_death=True)
    gone.reset(seed=1)
    stays.reset(seed=1)
    without, kept = play(gone, PUSH.get), play(stays, PUSH.get)
    assert len(without) == len(kept)
    dead = [i for i, step in enumerate(kept) if not step[4]["short_0"]["alive"]]
    assert without[dead[0]][2]["short_0"]
    for i, (left, right) in enumerate(zip(without, kept, strict=True)):
        assert list(right[0]) == NAMES and not any(right[2].values())
        assert all(same(left[0][name], right[0][name]) for name in left[0] if name in NAMES[::2])
        if i in dead:
            assert not right[0]["short_0"].any()
            assert i == dead[0] or right[1]["short_0"] == 0.0
    assert kept[-1][3] == dict.fromkeys(NAMES, True)
    assert left[1].keys() == set(NAMES) - {"short_0"}


def test_the_same_seed_gives_the_same_game_and_the_next_one_goes_on():
    one, two = game(), game()
    for seed in (11, None):
        assert same(one.reset(seed=seed), two.reset(seed=seed))
        assert same(play(one, sampler(one)), play(two, sampler(two)))
    assert not same(one.reset(seed=12)[0], two.reset(seed=13)[0])


def test_it_goes_on_the_same_after_a_pickle_or_a_snapshot():
    env = game()
    env.reset(seed=4)
    play(env, sampler(env), steps=10)
    copy = pickle.loads(pickle.dumps(env))
    state = env.snapshot()
    rest = play(env, sampler(env))
    assert same(play(copy, sampler(copy)), rest)
    env.restore(state)
    assert env.agents == NAMES and same(play(env, sampler(env)), rest)
    other = game(horizon_s=4.0)
    with pytest.raises(ConfigError, match="the snapshot holds 1 games of scenario"):
        other.restore(state)


WRONG = {
    "nan": (lambda a: {**a, "maker_0": [0.0, np.nan, 0.0]}, "action of maker_0 in market 0.*NaN"),
    "short": (lambda a: {**a, "maker_0": [0.0, 0.0]}, r"maker_0 must be 3 numbers.*bid, ask, size"),
    "text": (lambda a: {**a, "sniper_0": "buy"}, r"sniper_0 must be 2 numbers.*got 'buy'"),
    "none": (lambda a: {**a, "sniper_0": None}, "sniper_0 must be 2 numbers"),
    "missing": (lambda a: {k: a[k] for k in NAMES[1:]}, r"missing \['squeezer_0'\]"),
    "surplus": (lambda a: {**a, "whale": [0.0, 0.0]}, r"unknown or gone \['whale'\]"),
    "list": (lambda a: list(a.values()), "must map each agent to its action, got list"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_action_says_what_came_and_changes_nothing(wrong):
    change, sentence = WRONG[wrong]
    env = game()
    env.reset(seed=1)
    before = env.snapshot()
    with pytest.raises(ConfigError, match=sentence):
        env.step(change(QUIET))
    assert same(env.snapshot(), before)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e30, -1e30, 1.0, -1.0, 0.0, 1e-300])
def test_any_number_gives_a_finite_result_in_its_space(value):
    env = game()
    env.reset(seed=1)
    for step in play(env, lambda agent: np.full(len(ACTIONS[ROLE[agent]]), value)):
        for agent, seen in step[0].items():
            assert env.observation_space(agent).contains(seen)
        assert np.isfinite(list(step[1].values())).all()
    assert all(int(env.batch.markets["accounts"][f].sum()) == 0 for f in ("quote", "spot", "perp"))


def test_a_short_seller_never_gets_long():
    env = game(horizon_s=10.0)
    env.reset(seed=1)
    actions = {**QUIET, "short_0": np.ones(2)}
    held = [step[4]["short_0"]["position"] for step in play(env, actions.get)]
    assert max(held) == 0.0 and set(held[20:]) == {0.0}  # it closes, and that is all


def test_an_arbitrageur_holds_both_legs():
    env = game(horizon_s=10.0)
    env.reset(seed=1)
    step = play(env, {**QUIET, "arbitrageur_0": np.array([1.0, 1.0])}.get, steps=60)[-1]
    accounts = env.batch.markets["accounts"][0]
    perp, spot = accounts[-3], accounts[-2]
    assert int(perp["perp"]) == -10_000 and int(spot["spot"]) == 10_000
    assert step[4]["arbitrageur_0"]["position"] == -1.0
    step = play(env, {**QUIET, "arbitrageur_0": np.array([-1.0, 1.0])}.get, steps=35)[-1]
    assert int(perp["perp"]) > 5_000 and int(env.batch.markets["holders"]["debt"][0, -2]) > 5_000


def test_what_a_taken_arbitrageur_has_left_is_closed():
    poor = {"capital_quote": 30_000.0, "leverage_cap": 125.0}  # a spot leg of a quarter of a coin
    env = game(
        scenario=Scenario.load("squeeze_game", **{"game.players.arbitrageur_0": poor}),
        horizon_s=60.0,
    )
    env.reset(seed=1)
    perp, spot = (env.batch.markets["accounts"][0, -3:-1][i] for i in range(2))
    held = []
    while "arbitrageur_0" in env.agents:
        actions = {name: QUIET[name] for name in env.agents}
        actions["squeezer_0"] = np.array([min(1.0, len(held) / 100), 1.0])
        actions["arbitrageur_0"] = np.ones(2)
        step = env.step(actions)
        held.append((int(perp["perp"]), int(spot["spot"])))
    assert step[2]["arbitrageur_0"] and len(held) < 600
    assert held[-2][0] == -10_000 and held[-2][1] > 200
    play(env, PUSH.get, steps=10)
    assert (int(perp["perp"]), int(spot["spot"])) == (0, 0)


def test_a_game_of_one_is_the_single_environment():
    learner = Scenario.load("short_squeeze").learner.model_dump()
    alone = {"players": {"sniper_0": {"role": "sniper", **learner}}}
    env = game(scenario=Scenario.load("short_squeeze", game=alone), horizon_s=20.0)
    single = gym.make("squeezegym/ShortSqueeze-v0", horizon_s=20.0)
    for seed in (3, 4):
        seen, _ = env.reset(seed=seed)
        assert same(seen["sniper_0"], single.reset(seed=seed)[0])
        random = np.random.default_rng(seed)
        while env.agents:
            action = random.uniform(-1, 1, 2)
            mine, its = env.step({"sniper_0": action}), single.step(action)
            assert same(mine[0]["sniper_0"], its[0])
            assert [part["sniper_0"] for part in mine[1:4]] == list(its[1:4])
            info = {key: value for key, value in its[4].items() if key in mine[4]["sniper_0"]}
            assert info.items() <= mine[4]["sniper_0"].items()
            assert {"equity", "pnl_fees", "position", "liquidated"} <= info.keys()


def test_who_does_nothing_changes_nothing_for_the_first():
    """A learner draws from streams of its own, and its account alone moves nobody."""
    players = Scenario.load("squeeze_game").game.model_dump()["players"]
    still = {name: player | {"short_start": 0.0} for name, player in players.items()}
    one = {"players": {"squeezer_0": still["squeezer_0"]}}
    many = game(scenario=Scenario.load("squeeze_game", game={"players": still}), horizon_s=10.0)
    few = Scenario.load("squeeze_game").model_copy(update={"game": Game.model_validate(one)})
    alone = game(scenario=few, horizon_s=10.0)
    many.reset(seed=9)
    alone.reset(seed=9)
    calm = {name: np.zeros(len(ACTIONS[ROLE[name]])) for name in NAMES}
    calm["maker_0"] = np.full(3, -1.0)
    for action in np.random.default_rng(2).uniform(-1, 1, (100, 2)):
        given = many.step({**calm, "squeezer_0": action})
        assert same(given[0]["squeezer_0"], alone.step({"squeezer_0": action})[0]["squeezer_0"])


def test_learners_are_accounts_of_their_own():
    env = game()
    env.reset(seed=1)
    kinds = env.batch.markets["accounts"]["kind"][0]
    slots = np.flatnonzero(kinds == 2).tolist()
    n = len(kinds)
    assert slots == [Account.LEARNER, *range(n - 6, n)]


def test_it_asks_for_players_and_a_known_id():
    with pytest.raises(ConfigError, match=r"scenario 'calm' lists no players; add section"):
        game(scenario="calm")
    with pytest.raises(ConfigError, match=r"unknown game 'squeezegym/SqueezeGam-v0'; did you mean"):
        squeezegym.parallel_env("squeezegym/SqueezeGam-v0")
    with pytest.raises(ConfigError, match="render_mode must be"):
        game(render_mode="video")


def test_importing_the_package_does_not_import_pettingzoo():
    code = "import squeezegym, sys; sys.exit('pettingzoo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0

"""The exchange as a learner: contract, reward by hand, levers, determinism."""

import hashlib
import math
import os
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

import squeezegym
from squeezegym import Market, Scenario
from squeezegym.codes import LogKind, Side, Venue
from squeezegym.envs.guard import GuardEnv
from squeezegym.envs.guardlevers import GRIPS, PRESETS, lever_values
from squeezegym.envs.guardrows import PARTS
from squeezegym.envs.guardview import FEATURES, INDEX, describe
from squeezegym.errors import ConfigError
from squeezegym.guardrecord import LEVERS_AT, REACH
from squeezegym.levers import LEVERS, lever_unit
from squeezegym.measures import N_RULES, Measure, Rule
from squeezegym.testing import assert_conserved, env_contract
from tests.conftest import ROOT

ID = "squeezegym/ExchangeGuard-v0"
DISCRETE = "squeezegym/ExchangeGuardDiscrete-v0"
LEVERS_OF = Scenario.load("exchange_guard").guard.levers
SQUEEZED = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0, "catalyst.start_s": (20.0, 20.0)}
DIGESTS = {ID: "a01c317daf0f26b0", DISCRETE: "e4d5d2a0f796fecf"}


def pull(**steps):
    """An action with these levers at these steps and the others off."""
    action = np.full(len(LEVERS_OF), -1.0, np.float32)
    for name, step in steps.items():
        action[LEVERS_OF.index(name)] = step / 8
    return action


def squeezed(**changes):
    return GuardEnv(Scenario.load("exchange_guard", **{**SQUEEZED, **changes}))


@pytest.mark.parametrize("env_id", [ID, DISCRETE])
def test_the_ids_keep_the_contract(env_id):
    passed = env_contract(env_id, horizon_s=5.0)
    assert passed[-4:] == [
        "stable_baselines3",
        "parity_NextStep",
        "parity_SameStep",
        "parity_Disabled",
    ]


def test_the_spec_travels_and_the_learner_owns_nothing():
    assert EnvSpec.from_json(gym.spec(ID).to_json()) == gym.spec(ID)
    env = GuardEnv("short_squeeze")  # in which a trading learner may begin short
    env.reset(seed=1)
    assert env.scenario.learner.short_start == 0.0
    assert int(env.batch.views["position"][0]) == 0


def test_make_sb3_vec_runs_it():
    venv = squeezegym.make_sb3_vec(ID, num_envs=2, seed=0, horizon_s=3.0)
    first = venv.reset()
    assert first.shape == (2, len(FEATURES))
    for _ in range(3):
        observations, rewards, dones, infos = venv.step(np.zeros((2, len(LEVERS_OF))))
    assert dones.all() and infos[0]["TimeLimit.truncated"]
    assert sum(infos[0][f"reward_{part}"] for part in PARTS) == pytest.approx(rewards[0], rel=1e-6)
    assert infos[0]["terminal_observation"].shape == observations[0].shape
    assert_conserved(venv)
    venv.close()


def test_a_reward_by_hand():
    env = squeezed()
    env.reset(seed=3)
    guard, contract = env.scenario.guard, env.scenario.contract
    unit = env.scenario.depth.perp.within_10bps_base * contract.price
    quantum = contract.tick_size * contract.lot_size
    record = env.batch.markets[0]
    total = 0.0
    seen = set()
    for _ in range(60):
        before = record.copy()
        _, reward, *_, info = env.step(pull())
        mark = int(record["marks"]["mark"])

        def grew(section, field, before=before):
            return int(record[section][field].sum()) - int(before[section][field].sum())

        fund = int(before["accounts"]["quote"][3]) - int(record["accounts"]["quote"][3])
        amounts = {
            "volume": grew("score", "taken") * mark * quantum / unit,
            "liquidated": grew("score", "liquidated") * mark * quantum / unit,
            "losses": (fund + grew("score", "deleveraged") * mark) * quantum / unit,
            "dislocation": abs(mark / float(record["marks"]["fundamental"]) - 1) * 1e4 / 60,
            "halted": 0.0,
        }
        signs = {"volume": 1, "liquidated": -1, "losses": -1, "dislocation": -1, "halted": -1}
        by_hand = 0.0
        for part, amount in amounts.items():
            worth = signs[part] * getattr(guard, part) * amount
            assert info[f"reward_{part}"] == pytest.approx(worth, rel=1e-4, abs=1e-9), part
            by_hand += worth
            if amount:
                seen.add(part)
        assert reward == pytest.approx(by_hand, rel=1e-4, abs=1e-9)
        total += amounts["liquidated"] * unit
        assert info["liquidated"] == pytest.approx(total, rel=1e-4)
    assert seen == {"volume", "liquidated", "losses", "dislocation"}


def test_auctions_count_as_volume_and_as_a_halt():
    env = squeezed()
    env.reset(seed=3)
    env.batch.keep_log()
    batched = [env.step(pull(batch_auction=5)) for _ in range(10)]
    crossed = int(env.batch.markets[0]["protection"]["crossed"])
    log = np.concatenate(env.batch.logs[0])
    uncrossed = log[log["kind"] == LogKind.UNCROSS]["qty"].sum()
    assert 0 < crossed < uncrossed  # makers meet themselves, and that is no volume
    info = batched[-1][-1]
    assert info["halted"] == pytest.approx(10 / 60) and info["halts"]
    assert info["reward_halted"] == pytest.approx(-env.scenario.guard.halted / 60)
    assert info["reward_volume"] > 0


def test_levers_reach_the_market_and_let_go():
    env = squeezed()
    env.reset(seed=3)
    record = env.batch.markets[0]
    values = lever_values(env.scenario)
    for name in LEVERS_OF:
        rule = Rule[name.upper()]
        observation, *_ = env.step(pull(**{name: 8}))
        bit = int(Measure[name.upper()])
        assert int(record["protection"]["measures"]) & bit, name
        shown = describe(observation)
        assert shown[name] == shown[f"lever_{name}"] == 1.0
        if rule in LEVERS:
            assert float(record["protection"]["value"][rule]) == values[rule, 8]
        observation, *_ = env.step(pull())
        assert not int(record["protection"]["measures"]) & bit, name
        assert describe(observation)[f"lever_{name}"] == 0.0


def test_a_lever_that_stays_is_left_alone():
    env = squeezed()
    env.reset(seed=3)
    env.step(pull(leverage_cap=4))
    env.batch.keep_log()
    env.step(pull(leverage_cap=4) + np.float32(0.0))
    env.step(pull(leverage_cap=3.7))  # the same step
    kinds = np.concatenate(env.batch.logs[0])["kind"]
    assert (kinds == LogKind.MEASURE).sum() == 0
    env.step(pull(leverage_cap=5))
    kinds = np.concatenate(env.batch.logs[0])["kind"]
    assert (kinds == LogKind.MEASURE).sum() == 1


def test_steps_lie_within_what_the_levers_take():
    for name in ("exchange_guard", "thin_alt", "equity_halt"):
        scenario = Scenario.load(name)
        values = lever_values(scenario)
        for rule, grip in GRIPS.items():
            lever, unit = LEVERS[rule], lever_unit(scenario, rule)
            inside = values[rule, 1:] / unit
            if rule == Rule.FUNDING_CHANGE:
                inside = values[rule, 1:] * scenario.funding.interval_s
            assert (inside >= lever.low * 0.999).all() and (inside <= lever.high * 1.001).all()
            rises = np.diff(values[rule, 1:]) > 0
            assert rises.all() if grip.strict > grip.gentle else not rises.any()


def test_presets_are_levers():
    env = GuardEnv(actions="discrete")
    env.reset(seed=3)
    for choice, preset in enumerate(PRESETS):
        env.step(choice)
        measures = int(env.batch.markets[0]["protection"]["measures"])
        assert measures >> 2 & (1 << N_RULES) - 1 == sum(1 << rule for rule in preset), choice


def test_the_observation_is_the_market():
    env = squeezed()
    observation, _ = env.reset(seed=5)
    record = env.batch.markets[0]
    while int(record["engine"]["size"]) == 0:
        observation, *_ = env.step(pull(liquidation_throttle=8))
    shown = describe(observation)
    depth = 0.02 * env.scenario.depth.perp.within_10bps_base / env.scenario.contract.lot_size
    book = record["books"][Venue.PERP]
    middle = (int(book["best_bid"]) + int(book["best_ask"])) / 2
    orders = book["orders"][book["orders"]["qty"] > 0]
    asks = orders[orders["side"] == Side.SELL]
    edges = [math.ceil(middle)] + [int(middle + middle * reach) + 2 for reach in REACH]
    for outer, low, high in zip(REACH, edges, edges[1:], strict=False):
        lots = int(asks["qty"][(asks["price"] >= low) & (asks["price"] < high)].sum())
        size = min(1.0, math.log(1 + lots / depth) / 8)
        assert shown[f"perp_ask_{1e4 * outer:g}bp"] == pytest.approx(size, abs=1e-6)
    accounts, mark = record["accounts"], int(record["marks"]["mark"])
    shorts = (accounts["laddered"] == 1) & (accounts["perp"] < 0)
    away = accounts["trigger"] / mark - 1
    inner = -np.inf
    for reach in REACH:
        lots = -int(accounts["perp"][shorts & (away > inner) & (away <= reach)].sum())
        size = min(1.0, math.log(1 + lots / depth) / 8)
        assert shown[f"shorts_{1e4 * reach:g}bp"] == pytest.approx(size, abs=1e-6)
        inner = reach
    engine = record["engine"]
    waiting = int(engine["size"] + engine["cool_size"])
    assert waiting > 0
    assert shown["engine_accounts"] == pytest.approx(math.log(1 + waiting) / 8, abs=1e-6)
    assert INDEX["lever_buy_restriction"] == LEVERS_AT


def test_the_fundamental_is_not_seen():
    first, second = squeezed(), squeezed()
    first.reset(seed=5)
    second.reset(seed=5)
    second.batch.markets["marks"]["fundamental"] *= 1.5
    second.batch.params["value"]["rate"] = first.batch.params["value"]["rate"] = 0.0
    for env in (first, second):
        env._rows._look(np.ones(1, bool))
    assert (first._rows.observations() == second._rows.observations()).all()


@pytest.mark.parametrize("name", ["equity_halt", "thin_alt", "calm"])
def test_other_markets_have_an_exchange_too(name):
    envs = gym.make_vec(ID, num_envs=2, scenario=name, horizon_s=20.0)
    envs.reset(seed=1)
    envs.action_space.seed(1)
    for _ in range(20):
        observations, rewards, *_ = envs.step(envs.action_space.sample())
        assert envs.observation_space.contains(observations) and np.isfinite(rewards).all()
    assert_conserved(envs)
    envs.close()


def test_wrong_actions_are_refused():
    env = GuardEnv(horizon_s=5.0)
    env.reset(seed=0)
    with pytest.raises(ConfigError, match=r"shape \(10,\), one number a lever, got \(2,\)"):
        env.step(np.zeros(2))
    with pytest.raises(ConfigError, match="NaN pulls no lever"):
        env.step(np.full(10, np.nan))
    with pytest.raises(ConfigError, match="must be one of continuous, discrete, got 'masked'"):
        GuardEnv(actions="masked")
    with pytest.raises(ConfigError, match=r"guard\.levers: unknown lever 'shortban'; did you mean"):
        Scenario.load("exchange_guard", guard={"levers": ["shortban"]})
    with pytest.raises(ConfigError, match="trade_cancellation is no lever of the guard"):
        Scenario.load("exchange_guard", guard={"levers": ["trade_cancellation"]})
    with pytest.raises(ConfigError, match="one or more different rules"):
        Scenario.load("exchange_guard", guard={"levers": []})


def test_the_decision_interval_is_the_scenario_s():
    env = GuardEnv(Scenario.load("exchange_guard", **{"guard.step_ms": 250}), horizon_s=1.0)
    env.reset(seed=0)
    ends = [env.step(pull())[3] for _ in range(4)]
    assert ends == [False, False, False, True]
    assert int(env.batch.markets[0]["clock"]["now"]) == 1_000_000_000


def test_a_market_that_decides_the_same_is_the_same():
    """What the guard writes is what ``Market.protect`` writes."""
    env = squeezed()
    env.reset(seed=3)
    market = Market(env.scenario)
    market._batch.views["seeds"] = env.batch.views["seeds"]
    market._batch.command(0, 2)
    market._batch.advance()
    market.protect("liquidation_throttle", value=10.0)
    market.run(seconds=30)
    for _ in range(30):
        env.step(pull(liquidation_throttle=1))
    for field in ("accounts", "marks", "score"):
        assert market.record[field].tobytes() == env.batch.markets[0][field].tobytes(), field


def digest(env_id, steps=120):
    env = gym.make(env_id).unwrapped
    env.reset(seed=2024)
    env.action_space.seed(7)
    sums = hashlib.sha256()
    for _ in range(steps):
        observation, reward, *_ = env.step(env.action_space.sample())
        book = env.batch.markets[0]["books"]
        integers = [int(env.batch.markets[0]["clock"]["events"]), *book["best_bid"].tolist()]
        sums.update(observation.tobytes() + np.array(integers, np.int64).tobytes())
        sums.update(np.float64(reward).tobytes())
    return sums.hexdigest()[:16]


@pytest.mark.parametrize("env_id", list(DIGESTS))
def test_trajectory_is_the_golden_one(env_id):
    assert digest(env_id) == DIGESTS[env_id]


def short_digest():
    """Of two steps without noise, short enough for the interpreter."""
    short = {"episode.horizon_s": 1.0, "guard.step_ms": 500}
    env = GuardEnv(Scenario.load("noiseless", **short))
    sums = hashlib.sha256(env.reset(seed=1)[0].tobytes())
    for strength in (1.0, -1.0):
        observation, reward, *_ = env.step(np.full(len(LEVERS_OF), strength))
        sums.update(observation.tobytes() + np.float64(reward).tobytes())
    return sums.hexdigest()[:16]


def test_it_is_the_same_in_the_interpreter():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.contract import test_guard as t; print(t.short_digest())",
        ],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == short_digest()


def test_it_is_the_same_in_every_row_on_any_number_of_threads():
    envs = gym.make_vec(ID, num_envs=24, threads=2, horizon_s=20.0)
    one = gym.make(ID, horizon_s=20.0)
    many, _ = envs.reset(seed=100)
    alone, _ = one.reset(seed=117)
    random = np.random.default_rng(0)
    for _ in range(12):
        actions = random.uniform(-1, 1, (24, len(LEVERS_OF))).astype(np.float32)
        assert (many[17] == alone).all()
        many, rewards, *_ = envs.step(actions)
        alone, reward, *_ = one.step(actions[17])
        assert rewards[17] == reward
    envs.close()

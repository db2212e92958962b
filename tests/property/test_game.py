"""Several learners at once, whatever they do: nothing is created or lost, the log tells it all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezegym import Scenario, testing
from squeezegym.codes import OwnerKind
from squeezegym.envs.gamevector import SqueezeGameVector
from squeezegym.levers import pull
from squeezegym.measures import RULE_NAMES, Measure
from tests.oracle.log_replay import LogReplay
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound
from tests.property.test_rules import VALUES

N = 4
# All are levered as far as their caps let them: some are taken in a few seconds.
WILD = {f"game.players.{name}.leverage_cap": 50.0 for name in ("squeezer_0", "maker_0", "sniper_0")}
WILD |= {f"game.players.{name}.capital_quote": 14_000.0 for name in ("short_0", "sniper_0")}
WILD |= {"game.players.maker_0.capital_quote": 30_000.0}
WILD |= {"game.players.short_0.short_start_size": [1.0, 1.0]}
WILD |= {"game.players.squeezer_0.cap_bps": 200.0}
# A squeeze that goes through the cluster at once.
SHOCK = {
    "catalyst.start_s": [1.0, 1.0],
    "catalyst.duration_s": 5.0,
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "catalyst.squeeze_size": [6.0, 6.0],
    "episode.burn_in_s": 2.0,
    "funding.interval_s": 3.0,
    "funding.first_s": 1.5,
}
# As of `test_rules`, for a market of full size.
RULED = {
    "protection.book": "perp",
    "protection.trade_cancellation.trigger": "agent",
    "protection.circuit_breaker.pause_s": 1.0,
    "protection.velocity_halt.pause_s": 1.0,
    "protection.velocity_halt.extension_s": 1.0,
    "fomo.accounts": 100,
    "reloaders.share": 0.5,
    "holders.take_profit": 0.2,
}


def chooser(seed, shape):
    """Return actions that stand for some steps, at the corners of the box as often as inside."""
    random = np.random.default_rng(seed)
    standing = random.uniform(-1, 1, shape)

    def choose():
        corner = np.where(random.random(shape) < 0.5, random.choice([-1.0, 1.0], shape), 0.0)
        new = np.where(corner == 0.0, random.uniform(-1, 1, shape), corner)
        changes = random.random(shape[:2]) < 0.2
        standing[changes] = new[changes]
        return standing

    return choose


def check(batch):
    testing.assert_conserved(batch)
    for market in batch.batch.markets:
        assert_conserved(market)
        assert_ladder_sound(market, batch.batch.params[0]["margin"], triggers=False)


@settings(max_examples=5)
@given(
    seed=st.integers(0, 2**31),
    wild=st.booleans(),
    fund=st.sampled_from((0.0, 5e6)),
    remainder=st.sampled_from(("adl", "pro_rata", "socialised")),
    destination=st.sampled_from(("book", "absorber", "off")),
    queue=st.booleans(),
)
def test_nothing_is_created_or_lost(seed, wild, fund, remainder, destination, queue):
    rules = {
        "liquidation.fund_quote": fund,
        "liquidation.remainder": remainder,
        "liquidation.destination": destination,
        "gateway.utilisation": 0.8 if queue else 0.15,
    }
    scenario = Scenario.load("squeeze_game", **SHOCK, **rules, **(WILD if wild else {}))
    games = SqueezeGameVector(N, scenario, horizon_s=8.0, threads=1)
    games.reset(seed=seed)
    choose = chooser(seed, games.action_space.shape)
    for step in range(80):
        seen, rewards, terminated, truncated, infos = games.step(choose())
        assert games.observation_space.contains(seen) and np.isfinite(rewards).all()
        assert not (terminated & truncated).any()
        if step % 10 == 9:
            check(games)
    parts = sum(infos[key] for key in infos if key.startswith("pnl_"))
    np.testing.assert_allclose(parts, infos["pnl"], rtol=0, atol=1e-4)
    kinds = games.batch.markets["accounts"]["kind"]
    assert ((kinds == OwnerKind.LEARNER).sum(1) == 7).all()


@pytest.mark.boundscheck
@pytest.mark.parametrize("fund", [0.0, 5e6])
@pytest.mark.parametrize("seed", [3, 4])
def test_books_and_ledger_follow_from_the_log(seed, fund):
    scenario = Scenario.load("squeeze_game", **SHOCK, **WILD, **{"liquidation.fund_quote": fund})
    games = SqueezeGameVector(1, scenario, horizon_s=20.0, threads=1)
    games.reset(seed=seed)
    batch = games.batch
    batch.keep_log()
    params = batch.params[0]
    replay = LogReplay(batch.markets[0].copy(), params["fees"], params["borrowing"])
    choose = chooser(seed, games.action_space.shape)
    taken = False
    for _ in range(199):
        actions = choose()
        actions[:, :2] = [[1.0, 1.0, 0.0], [-1.0, -1.0, 0.0]]  # the squeezer buys, the short holds
        infos = games.step(actions)[4]
        taken |= bool(infos["liquidated"].any())
    replay.feed(np.concatenate(batch.logs[0]))
    replay.assert_equals(batch.markets[0])
    assert taken


@pytest.mark.parametrize("seed", range(2))
def test_every_rule_of_protection_knows_all_learners(seed):
    scenario = Scenario.load("squeeze_game", **SHOCK, **WILD, **RULED)
    games = SqueezeGameVector(1, scenario, horizon_s=12.0, threads=1)
    games.reset(seed=seed)
    batch = games.batch
    batch.keep_log()
    params = batch.params[0]
    replay = LogReplay(batch.markets[0].copy(), params["fees"], params["borrowing"])
    choose = chooser(seed, games.action_space.shape)
    random = np.random.default_rng(seed)
    for step in range(60):
        if step % 4 == 3:
            rule = random.choice(RULE_NAMES) if step != 39 else "trade_cancellation"
            low, high = VALUES.get(rule, (0.0, 0.0))
            value = random.uniform(low, high) if rule in VALUES else None
            pull(batch.markets[0], scenario, rule, step == 39 or random.random() < 0.6, value)
        games.step(choose())
        assert_conserved(batch.markets[0])
        changed = Measure.LEVERAGE_CAP | Measure.MARGIN_HIKE
        in_force = int(batch.markets[0]["protection"]["measures"]) & changed
        margin = batch.markets[0]["terms"]["margin"] if in_force else params["margin"]
        assert_ladder_sound(batch.markets[0], margin, triggers=False)
    replay.feed(np.concatenate(batch.logs[0]))
    replay.assert_equals(batch.markets[0])
    assert replay.unwound > 0

"""A maker in the game: two quotes that stay where they stand, within what it may hold."""

import numpy as np

from squeezegym import Scenario
from tests.contract.test_game import QUIET, game, play
from tests.kernels import QUIET as NOBODY

CALM = {**QUIET, "short_0": np.zeros(2, np.float32)}
# Nobody but the players moves, and the short begins flat.
STILL = {**NOBODY, "game.players.short_0.short_start": 0.0}
STILL |= {"makers.perp.alert": 0, "makers.spot.alert": 0}


def orders(env):
    """Resting orders of the third player of seven orders, bids first."""
    found = env.batch.markets["books"][0, 0]["orders"]
    mine = (found["qty"] > 0) & (found["owner"] == env.batch.markets["accounts"].shape[1] - 5)
    return np.sort(found[mine], order="side")


def lots(env):
    return orders(env)["qty"].tolist()


def test_it_has_a_quote_on_either_side_of_the_mid():
    env = game(horizon_s=10.0)
    env.reset(seed=1)
    play(env, {**QUIET, "maker_0": np.array([0.5, 0.5, 1.0])}.get, steps=20)
    assert orders(env)["side"].tolist() == [0, 1]
    bid, ask = orders(env)["price"].tolist()
    mid = int(env.batch.markets["marks"]["mark"][0])
    assert bid < ask and abs(bid / mid - 1) < 2e-3 and abs(ask / mid - 1) < 2e-3


def test_quotes_stay_while_nothing_changes_and_keep_to_the_limit():
    env = game(scenario=Scenario.load("squeeze_game", **STILL), horizon_s=20.0)
    env.reset(seed=1)
    sent = env.batch.markets["learners"]["sent"][0, 2:4]  # of its bid and its ask
    full, half = (np.array([0.8, 0.6, size]) for size in (1.0, 0.0))
    play(env, {**CALM, "maker_0": full}.get, steps=10)
    assert sent.tolist() == [1, 1] and lots(env) == [26_000, 26_000]
    play(env, {**CALM, "maker_0": half}.get, steps=10)
    assert sent.tolist() == [3, 3] and lots(env) == [13_000, 13_000]  # a cancel and an order
    buys = {**CALM, "maker_0": half, "squeezer_0": np.array([0.05, 1.0])}
    held = round(play(env, buys.get, steps=10)[-1][4]["maker_0"]["position"] * 26_000)
    assert -26_000 < held < -5_000  # it has sold
    play(env, {**buys, "maker_0": full}.get, steps=10)
    assert lots(env) == [26_000, 26_000 + held]
    play(env, {**CALM, "maker_0": np.array([0.8, 0.6, -1.0])}.get, steps=10)
    assert lots(env) == []


def test_bankrupt_and_not_liquidated_it_leaves_and_quotes_no_more():
    poor = {"capital_quote": 30_000.0, "leverage_cap": 50.0}
    rules = {"liquidation.destination": "off", "game.players.maker_0": poor}
    env = game(scenario=Scenario.load("squeeze_game", **rules), horizon_s=10.0)
    env.reset(seed=1)
    quotes = {**QUIET, "maker_0": np.array([0.9, 0.9, 1.0])}
    play(env, quotes.get, steps=20)
    slot = env.batch.markets["accounts"].shape[1] - 5  # of the third of seven
    account = env.batch.markets["accounts"][0, slot]
    assert "maker_0" in env.agents and lots(env)
    account["quote"] -= 10**12  # as if it had lost all it has, and more
    assert env.step(quotes)[2]["maker_0"] and "maker_0" not in env.agents
    account["quote"] += 10**12  # it comes too late
    env.batch.markets["learners"]["changed"][0, 2:4] = 1  # an ack says so
    del quotes["maker_0"]
    play(env, quotes.get, steps=5)
    assert lots(env) == []

"""The parts of the PnL add up, and each is what it says."""

import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.codes import Account
from squeezegym.envs.rows import Rows

ROWS = 4
NOBODY = np.zeros(ROWS, bool)


def started(scenario, **overrides):
    rows = Rows(Scenario.load(scenario, **overrides), ROWS, 1)
    generators = [np.random.default_rng(i) for i in range(ROWS)]
    rows.reset(~NOBODY, generators)
    return rows, generators


def traded(scenario, steps, **overrides):
    """Return rows after random trading, and each part after each step."""
    rows, generators = started(scenario, **overrides)
    random = np.random.default_rng(1)
    history = []
    for _ in range(steps):
        actions = random.uniform(-1, 1, (ROWS, 2))
        rows.step(actions, rows.live.copy(), NOBODY, generators)
        history.append(rows.pnl())
    return rows, {part: np.array([step[part] for step in history]) for part in history[0]}


@pytest.mark.parametrize(
    ("scenario", "overrides"),
    [
        ("short_squeeze", {"funding.interval_s": 2.0, "funding.first_s": 1.0}),
        ("equity_halt", {"borrowing.interval_s": 30.0}),
    ],
)
def test_parts_are_what_moved_the_equity_while_nothing_is_forced(scenario, overrides):
    rows, parts = traded(scenario, 80, **overrides)
    changes = rows.batch.views["equity"] - rows.start_equity
    assert (sum(part[-1] for part in parts.values()) == changes).all()
    assert rows.live.all() and not rows.batch.views["deleveraged"].any()
    assert (parts["liquidation"] == 0).all()  # what the others leave unexplained
    assert (parts["price"][-1] != 0).all() and (parts["slippage"][-1] != 0).all()
    assert (np.diff(parts["fees"], axis=0) <= 0).all() and (parts["fees"][-1] < 0).all()
    if scenario == "equity_halt":
        assert (parts["borrow"][-1] < 0).any() and (parts["funding"] == 0).all()
    else:
        assert (parts["borrow"] == 0).all() and (parts["funding"][-1] != 0).any()


def test_price_is_the_position_times_the_move_of_the_mark():
    rows, generators = started("short_squeeze", **{"learner.short_start": 1.0})
    position = rows.batch.views["position"].copy()
    mark = rows.batch.views["mark"].copy()
    for _ in range(30):  # it sends nothing: the target is what it holds
        keep = np.column_stack([position / rows.limit, -np.ones(ROWS)])
        rows.step(keep, ~NOBODY, NOBODY, generators)
    moved = rows.batch.views["mark"] - mark
    assert (position < 0).all() and (moved != 0).all()
    assert (rows.pnl()["price"] == position * moved).all()
    assert (rows.batch.views["position"] == position).all()


def test_slippage_of_a_trade_is_its_price_off_the_mark():
    rows, generators = started(
        "short_squeeze", **{"learner.short_start": 0.0, "marks.interval_ms": 60_000}
    )
    for _ in range(3):
        rows.step(np.tile([0.5, 1.0], (ROWS, 1)), ~NOBODY, NOBODY, generators)
    account = rows.batch.markets["accounts"][:, Account.LEARNER]
    views = rows.batch.views
    assert (views["position"] > 0).all() and (account["perp"] == views["position"]).all()
    assert (views["slippage"] == account["cost"] - account["perp"] * views["mark"]).all()
    assert (views["fees"] == account["fees"]).all()


def test_liquidation_takes_what_the_other_parts_leave():
    rows, generators = started(
        "short_squeeze",
        **{
            "learner.capital_quote": 14_000.0,
            "learner.leverage_cap": 100.0,
            "learner.short_start": 1.0,
            "catalyst.squeeze": 1.0,
            "catalyst.near_miss": 0.0,
            "catalyst.start_s": [5.0, 5.0],
        },
    )
    for _ in range(1200):
        rows.step(np.tile([-1.0, -1.0], (ROWS, 1)), rows.live.copy(), NOBODY, generators)
    info, parts = rows.info(), rows.pnl()
    assert info["liquidated"].any()
    assert (parts["liquidation"][info["liquidated"]] != 0).all()
    assert (info["equity"][info["liquidated"]] == 0).all()  # it loses its capital and no more
    assert (parts["liquidation"][~info["liquidated"]] == 0).all()
    changes = rows.batch.views["equity"] - rows.start_equity
    assert (sum(parts.values()) == changes).all()
    total = sum(info[f"pnl_{part}"] for part in parts)
    np.testing.assert_allclose(total, info["pnl"], rtol=1e-9, atol=1e-6)


def test_without_an_engine_the_episode_of_a_bankrupt_ends():
    rows, generators = started(
        "short_squeeze",
        **{
            "learner.capital_quote": 1_000.0,
            "learner.leverage_cap": 100.0,
            "learner.short_start": 1.0,
            "catalyst.squeeze": 1.0,
            "catalyst.near_miss": 0.0,
            "catalyst.start_s": [5.0, 5.0],
            "liquidation.destination": "off",
        },
    )
    ended = ~rows.live
    for _ in range(1200):
        _, terminated, truncated = rows.step(
            np.tile([-1.0, -1.0], (ROWS, 1)), ~ended, NOBODY, generators
        )
        assert (terminated == (~ended & (rows.batch.views["equity"] <= 0))).all()
        assert not (terminated & truncated).any() and not rows.batch.views["liquidated"].any()
        ended |= terminated | truncated
    assert ended.any()

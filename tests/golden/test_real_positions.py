"""131 real positions: our margin functions give the liquidation prices that the venue states."""

from __future__ import annotations

import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.core.margin import liquidation_trigger
from squeezegym.data.liquidation_map import liquidation_levels, map_from_positions
from squeezegym.data.positions import read_holdings, to_positions
from squeezegym.state import market_dtype
from tests.kernels import from_python

BRACKETS = ((0.0, 1 / 80, 40.0), (150e6, 1 / 40, 20.0))
"""Hyperliquid BTC: half of the initial margin at 40x to 150 million USD, at 20x above."""


@pytest.fixture(scope="module")
def holdings(shared):
    found, _ = read_holdings(shared / "data/hyperliquid-positions-2026/whales_btc.json")
    return [holding for holding in found if holding.liquidation is not None]


def errors(holdings, is_cross):
    """Relative errors of the price from entry and leverage alone."""
    mine = [h for h in holdings if h.is_cross is is_cross]
    size = np.array([abs(h.size) for h in mine])
    side = np.sign([h.size for h in mine])
    entry = np.array([h.entry for h in mine])
    deposit = size * entry / np.array([h.leverage for h in mine])
    levels = liquidation_levels(side, size, entry, deposit, BRACKETS)
    return np.abs(levels / np.array([h.liquidation for h in mine]) - 1)


def test_isolated_prices_follow_from_entry_and_leverage(holdings):
    found = errors(holdings, False)
    assert len(found) == 16
    assert np.median(found) == pytest.approx(0.009, abs=0.0005)
    assert (found < 2e-3).sum() >= 5  # whose margin nobody has changed


def test_cross_prices_do_not_because_the_account_stands_behind_them(holdings):
    found = errors(holdings, True)
    assert len(found) == 115
    assert np.median(found) == pytest.approx(0.129, abs=0.005)


@pytest.mark.parametrize("is_cross", [False, True])
def test_with_the_collateral_that_a_price_implies_the_trigger_is_that_price(holdings, is_cross):
    """The deposit behind each position, lowered to quanta: the integer trigger is the price."""
    scenario = Scenario.load(
        "from_data",
        margin={"brackets": BRACKETS},
        contract={"price": 91_349.0, "tick_size": 0.1, "lot_size": 0.001},
    )
    mine = [h for h in holdings if h.is_cross is is_cross]
    positions, dropped = to_positions(mine, scenario, 913_490.0)
    assert dropped == 0
    account = np.zeros(1, market_dtype("small"))["accounts"][0][:1]
    margin = scenario.pack()["margin"][0]
    trigger = from_python(liquidation_trigger)
    found = []
    for holding, lots, entry, deposit in zip(
        mine, positions.lots, positions.entry_ticks, positions.deposit_quanta, strict=True
    ):
        account["perp"], account["quote"] = lots, deposit - lots * entry
        found.append(abs(trigger(account[0], margin) * 0.1 / holding.liquidation - 1))
    assert np.median(found) < 2e-6
    assert max(found) < 2e-5


def test_the_map_holds_every_position_within_its_reach(holdings):
    found = map_from_positions(holdings, BRACKETS, 91_349.0, draws=2_000, seed=1)
    short = [-h.size for h in holdings if h.size < 0 and 0 < np.log(h.liquidation / 91_349) < 0.5]
    assert found.shorts.sum(axis=1).mean() == pytest.approx(sum(short), rel=0.02)
    low, high = np.quantile(found.shorts.sum(axis=1), [0.05, 0.95])
    assert low < sum(short) < high

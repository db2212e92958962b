"""Probes of a running market, and the reactions made of it, where the answer is known."""

import numpy as np
import pytest

from squeezegym import Market
from squeezegym.codes import Side, Venue
from squeezegym.errors import ConfigError
from squeezegym.theory import cascades
from squeezegym.theory.criticality import measured_index
from squeezegym.theory.reduced import reduced_paths
from squeezegym.theory.response import from_market, from_scenario, probe
from tests.theory.staircase import LEVEL, PRICE, frozen_market, steps

LOT = 0.001


@pytest.fixture(scope="module")
def frozen():
    return frozen_market(0.6)


def test_a_frozen_book_moves_by_its_depth_and_stays(frozen):
    before = frozen.record.tobytes()
    result = probe(frozen, 5000 * LOT, (0.0, 2.0, 5.0), futures=2)
    assert frozen.record.tobytes() == before
    depth = LEVEL * LOT  # base a tick
    assert result.mean[1:, 0] * depth == pytest.approx(1.0, rel=0.03)  # the mark: last trade
    assert result.mean[:, 1] * depth == pytest.approx(0.5, rel=0.03)  # the mid: one side moved
    assert (result.mean[:, 2] == 0).all()  # nobody links spot
    # n of the market, from the probe and the account table alone.
    assert measured_index(0.6 * depth, result.times, result.mean[:, 0], 0.5) == pytest.approx(
        0.6, rel=0.03
    )


def test_the_reactions_of_a_frozen_market_end_where_it_does():
    market = frozen_market(0.6, size=0.1)
    reactions = from_market(market, step_ticks=2.0)
    chain = {"weight": 1.0, "arbitrage": 0.0, "step_ticks": 2.0}
    state = market.snapshot()
    market.run(seconds=60.0)
    bought = float(steps(market)[1].sum()) * LOT
    end = float(market.record["books"]["last"][Venue.PERP]) - PRICE
    market.restore(state)
    prices, forced, perp, _ = reactions.grids()
    expected = cascades.terminal_price(prices, perp, forced, bought)
    assert expected == pytest.approx(bought / (LEVEL * LOT * 0.4), rel=0.05)
    assert expected == pytest.approx(end, rel=0.05)
    paths, _ = reduced_paths(from_market(market, demand=bought, **chain), 200, seed=1)
    assert np.mean(paths["perp"]) == pytest.approx(end, rel=0.05)


def test_both_books_answer_and_refill():
    market = Market("short_squeeze", seed=4)  # a state whose touch the probe clears
    market.run(seconds=30.0)
    result = probe(market, 20.0, futures=24)
    mark, perp, spot = result.mean.T
    assert mark[0] == 0.0  # the mark comes once a second
    assert perp[0] > spot[0] == 0.0
    assert perp.max() > 8 * abs(perp[-1])  # what an uninformed order moves does not stay
    assert spot.max() > 4 * result.error[np.argmax(spot), 2]  # arbitrage carries it over
    assert result.fit("perp").rate > 0.1
    fall = probe(market, 20.0, (0.0, 1.0), side=Side.SELL, futures=8)
    assert fall.mean[0, 1] > 0


def test_a_scenario_makes_reactions():
    reactions = from_scenario("short_squeeze", seed=1, demand=200.0)
    _, forced, perp, spot = reactions.grids()
    assert 700 < forced[-1] < 3000  # the cluster at least, and at most all shorts
    assert perp[-1] > spot[-1] > 100
    paths, _ = reduced_paths(reactions, 20, horizon_s=60.0)
    assert (paths["exogenous"] == 200.0).all()


def test_bad_probes(frozen):
    with pytest.raises(ConfigError, match="at least a lot"):
        probe(frozen, 1e-5)
    with pytest.raises(ConfigError, match="several of one scenario"):
        probe([], 1.0)

"""Supply as metaorders find it, where it is known: a frozen book."""

import numpy as np
import pytest

from squeezegym.errors import DataError
from squeezegym.theory.supply import measure_supply, measured_barriers
from tests.theory.staircase import LEVEL, PRICE, frozen_market

LOT = 0.001


def test_supply_and_barrier_of_a_frozen_book():
    market = frozen_market(1.25)
    sizes = (10.0, 20.0, 40.0)
    supply = measure_supply(market.scenario, range(5), sizes)
    # The mid rises by half of what the asks do.
    rises = np.array([0.0, *sizes]) / (LEVEL * LOT) / 2 / PRICE * 1e4
    assert supply.rises == pytest.approx(rises, rel=0.05, abs=0.1)
    assert supply.base.tolist() == [0.0, *sizes]
    assert supply.up_to(np.array([1e6])) == np.inf
    # Twice the depth of the asks against n = 1.25 is .625 of demand: no barrier before the end.
    (barrier,) = measured_barriers(market.record.reshape(1), market.scenario, supply)
    assert barrier.demand == pytest.approx(40.0 * (1 - 1.25 / 2), rel=0.05)


def test_supply_that_does_not_end():
    scenario = frozen_market(0.5).scenario
    with pytest.raises(DataError, match="does not grow"):
        measure_supply(scenario, range(2), (1e-3, 2e-3))

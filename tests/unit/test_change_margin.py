"""A margin table that changes while the market runs."""

import pytest

from squeezegym.errors import ConfigError
from tests.kernels import QUIET, small_market
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound

TIGHTER = [[0.0, 0.05, 10.0]]


def test_everyone_moves_to_the_new_trigger():
    market = small_market(seed=3)
    market.run(3.0)
    before = market.record["accounts"]["trigger"].copy()
    market.change_margin(brackets=TIGHTER)
    assert_ladder_sound(market.record, market._batch.params[0]["margin"])
    shorts = (market.record["accounts"]["perp"] < 0) & (market.record["accounts"]["laddered"] == 1)
    shorts[:16] = False
    assert (market.record["accounts"]["trigger"][shorts] < before[shorts]).all()


def test_whom_it_puts_below_maintenance_is_taken_at_the_next_mark():
    market = small_market(seed=3, **QUIET, **{"episode.burn_in_s": 0.0})
    market.run(0.5)
    market.change_margin(brackets=TIGHTER)
    assert market.record["score"]["liquidations"].sum() == 0
    market.run(3.0)
    assert market.record["score"]["liquidations"].sum() > 20
    assert_conserved(market.record)


def test_a_snapshot_belongs_to_its_table():
    market = small_market()
    old = market.snapshot()
    market.change_margin(table="trbusdt")
    with pytest.raises(ConfigError, match="belongs to scenario"):
        market.restore(old)
    new = market.snapshot()
    market.run(1.0)
    market.restore(new)


def test_an_impossible_table_changes_nothing():
    market = small_market()
    state = market.snapshot()
    with pytest.raises(ConfigError, match="floors"):
        market.change_margin(brackets=[[1.0, 0.05]])
    market.restore(state)

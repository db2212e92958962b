"""The metaorder: its size, and what a pause does to it."""

import pytest

from squeezegym import Market, Scenario
from squeezegym.codes import Measure
from squeezegym.errors import ConfigError

SURE = {
    "catalyst.squeeze": 1.0,
    "catalyst.near_miss": 0.0,
    "catalyst.start_s": [5.0, 5.0],
    "catalyst.duration_s": 10.0,
    "learner.short_start": 0.0,
    "protection.book": "perp",
}
HALTED = {
    "protection.cancel_only": {"start_s": 8.0, "end_s": 28.0},
    "catalyst.perp_share": 1.0,
    "catalyst.size_base": 50.0,
}


def left(market):
    return int(market.record["flow"]["catalyst_left"])


def test_a_size_in_base_is_the_same_whatever_the_barrier_is():
    sizes, multiples = [], []
    for short_base in (1000.0, 3000.0):
        market = Market(
            "short_squeeze",
            seed=3,
            **{**SURE, "catalyst.size_base": 321.0, "population.short_base": short_base},
        )
        sizes.append(int(market.record["flow"]["catalyst_size"]))
        multiples.append(float(market.record["flow"]["catalyst_multiple"]))
    assert sizes == [321_000, 321_000]
    assert multiples[0] != multiples[1]


def test_a_size_in_base_leaves_near_misses_their_barriers():
    near = {**SURE, "catalyst.squeeze": 0.0, "catalyst.near_miss": 1.0}
    one = Market("short_squeeze", seed=3, **near)
    other = Market("short_squeeze", seed=3, **{**near, "catalyst.size_base": 321.0})
    assert one.record["flow"].tobytes() == other.record["flow"].tobytes()


def test_a_patient_metaorder_sends_nothing_to_a_stopped_book_and_goes_on_afterwards():
    market = Market(
        "short_squeeze", seed=1, **SURE, **HALTED, **{"catalyst.waits_out_pauses": True}
    )
    market.run(seconds=7.9)
    before = left(market)
    end = int(market.record["flow"]["catalyst_end"])
    market.run(seconds=19.5)
    stopped = int(market.record["protection"]["measures"]) & int(Measure.CANCEL_ONLY)
    assert stopped != 0
    held = left(market)
    assert 0 < held <= before
    market.run(seconds=10)
    assert left(market) < held
    later = (int(market.record["flow"]["catalyst_end"]) - end) / 1e9
    assert later == pytest.approx(20.0, abs=1.0)
    market.run(seconds=15)
    assert left(market) <= 1_000  # the rest of a last child


def test_an_impatient_metaorder_runs_out_of_time():
    market = Market("short_squeeze", seed=1, **SURE, **HALTED)
    market.run(seconds=7.9)
    end = int(market.record["flow"]["catalyst_end"])
    market.run(seconds=32.0)
    assert int(market.record["flow"]["catalyst_end"]) == end


def test_patience_changes_nothing_where_nothing_stops():
    one = Market("short_squeeze", seed=2, **SURE)
    other = Market("short_squeeze", seed=2, **SURE, **{"catalyst.waits_out_pauses": True})
    for market in (one, other):
        market.run(seconds=20)
    assert one.record.tobytes() == other.record.tobytes()


def test_a_leverage_cap_leaves_positions_and_moves_triggers_away():
    still = {"episode.burn_in_s": 0.0}
    free = Market("short_squeeze", seed=4, **still)
    capped = Market("short_squeeze", seed=4, **still, **{"population.leverage_cap": 20.0})
    one, other = (market.record["accounts"] for market in (free, capped))
    assert one["perp"].tolist() == other["perp"].tolist()
    assert one["cost"].tolist() == other["cost"].tolist()
    shorts = (one["perp"] < 0) & (one["trigger"] > 0) & (other["trigger"] > 0)
    moved = other["trigger"][shorts] - one["trigger"][shorts]
    assert (moved >= 0).all()
    assert 0.2 < (moved > 0).mean() < 1.0  # those with more than twenty times, of the cluster too
    cluster = one["trigger"][shorts] < 1.01 * free.mid()
    assert cluster.sum() > 50
    assert (other["trigger"][shorts][cluster] > 1.03 * free.mid()).mean() > 0.9


def test_a_size_below_zero_is_refused():
    with pytest.raises(ConfigError, match=r"catalyst.size_base"):
        Scenario.load("short_squeeze", **{"catalyst.size_base": -1.0})

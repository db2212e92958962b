"""An overloaded market: nothing is lost, everyone waits in turn, nobody sees what is not public."""

import itertools

import numpy as np
import pytest

from squeezegym.codes import PROBLEM_TEXT, LogKind, OrderFlag, Problem, Source, Status
from squeezegym.gatewaycodes import Errand
from tests.kernels import same, small_market
from tests.oracle.log_replay import LogReplay
from tests.property.ladder_checks import assert_conserved, assert_ladder_sound
from tests.property.test_arbitrage import ARBITRAGE, LENDER
from tests.property.test_crowd import EVERYBODY
from tests.property.trajectory import interpreted, run

PENDING = 1
OVERLOAD = {
    "gateway.utilisation": 0.3,
    "gateway.surge": 1.0,
    "gateway.shed_waiting": 24,
    "gateway.service": "exponential",
    "gateway.liquidations": "queue",
    "gateway.unknown_after_ms": 50.0,
    "gateway.orders_per_s": 5.0,
    "gateway.order_burst": 5.0,
}


def waiting(record):
    """Rows of the line, first come first."""
    gateway, line = record["gateway"], record["line"]
    places = (int(gateway["head"]) + np.arange(int(gateway["waiting"]))) % len(line)
    return line[places]


def assert_line_sound(record):
    """Arrivals are in order; a slot is PENDING if, and only if, one message will fill it."""
    line = waiting(record)
    assert (np.diff(line["arrived"]) >= 0).all()
    assert (line["arrived"] <= record["clock"]["now"]).all()
    slots = line[line["errand"] == Errand.SLOT]
    pending = (record["quotes"] == PENDING).sum() + (record["noise"] == PENDING).sum()
    assert len(slots) == pending
    places = slots[["venue", "owner", "side", "place"]]
    quotes = places[slots["owner"] == 6]
    assert len(np.unique(quotes)) == len(quotes)
    assert (line["errand"] == Errand.FORCED).sum() == (record["engine"]["serving"] == 3)
    assert (line["errand"] == Errand.BUY_IN).sum() == record["gateway"]["desk_waits"]
    if len(line):
        turn = int(record["gateway"]["busy_until"]) + int(line["others"][0])
        assert int(record["clock"]["due"][Source.GATEWAY]) <= max(turn, int(record["clock"]["now"]))
        assert int(record["gateway"]["theirs"]) == line["others"].sum()


def refusals(market):
    """Messages refused since the log began: overload, no place, rate limit."""
    before = market.opening.record[0]["gateway"]["refused"]
    return market.record["gateway"]["refused"] - before


def crowded(seed=1, **overrides):
    return small_market(seed=seed, log=True, **{**OVERLOAD, **overrides})


def check(market, times, step=0.05):
    """Run with a learner's actions; at each time books and ledger follow from the log alone."""
    params = market._batch.params[0]
    replay = LogReplay(market.opening.record[0], params["fees"], params["borrowing"])
    draw = np.random.default_rng(3)
    view = market._batch.views[0]
    read = 0
    for time in times:
        while market.time < time - 1e-9:
            view["target"], view["aggression"] = draw.uniform(-1, 1, 2)
            view["has_action"] = 1
            market.run(min(step, time - market.time))
            assert_line_sound(market.record)
        assert_conserved(market.record)
        assert_ladder_sound(market.record, params["margin"])
        rows = market.log()
        replay.feed(rows[read:])
        read = len(rows)
        replay.assert_equals(market.record)
    assert set(market.problems()) <= {PROBLEM_TEXT[Problem.INTENSITY_CEILING]}
    return market.log()


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_short_run_is_derived_again():
    quick = {"episode.burn_in_s": 0.0, "catalyst.start_s": [0.1, 0.1], "population.shorts": 40}
    market = crowded(**quick, **{"gateway.utilisation": 0.9, "gateway.shed_waiting": 6})
    check(market, (0.5, 1.5))
    assert int(market.record["gateway"]["served"]) > 20


@pytest.mark.parametrize("exempt", ["binance", "bitmex", "nobody"])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_everybody_in_line_is_derived_again(side, exempt):
    market = crowded(
        **EVERYBODY,
        **ARBITRAGE,
        borrowing=LENDER["borrowing"],
        **{"catalyst.side": side, "gateway.exempt": exempt, "arbitrage.latency_ms": 20.0},
        **{"population.shorts": 80, "population.longs": 60},
    )
    rows = check(market, (2.0, 4.0, 8.0))
    gateway = market.record["gateway"]
    refused = rows[np.isin(rows["status"], [Status.OVERLOADED, Status.QUEUE_FULL])]
    assert int(gateway["served"]) > 100 and int(gateway["longest"]) > 0
    assert len(refused) == refusals(market)[:2].sum() > 0
    cancels = refused["kind"] == LogKind.CANCEL
    assert cancels.any() == (exempt == "nobody")
    if exempt == "binance":
        assert not (refused["flags"] & OrderFlag.REDUCE_ONLY).any()


def test_a_line_with_few_places_refuses_what_finds_none():
    market = crowded(**{"gateway.queue_bound": 3, "gateway.shed_waiting": 0})
    rows = check(market, (3.0,))
    refused = refusals(market)
    assert refused[0] == 0 and refused[1] == (rows["status"] == Status.QUEUE_FULL).sum() > 0


def test_an_overloaded_market_is_the_same_again():
    a, b = (small_market(seed=4, **OVERLOAD, **EVERYBODY) for _ in range(2))
    a.run(6.0)
    state = b.snapshot()
    b.run(3.0)
    b.restore(state)
    b.run(2.5)
    b.run(3.5)
    assert same(a.record, b.record)
    assert int(a.record["gateway"]["served"]) > 100


@pytest.mark.nojit
def test_the_interpreter_agrees_under_overload():
    overload = {**OVERLOAD, "gateway.utilisation": 0.8, "gateway.shed_waiting": 4}
    compiled = run(steps=8, **overload)
    assert compiled["events"] > 50
    assert interpreted(steps=8, **overload) == compiled


def test_arrivals_are_those_of_an_idle_engine():
    idle, crowd = (
        small_market(seed=3, **{"gateway.surge": 0.0, "gateway.utilisation": u}) for u in (0.0, 0.5)
    )
    for market in (idle, crowd):
        market.run(10.0)
    streams = [0, 3, 4, 5, 6, 8, 9, 11]  # as in test_determinism
    np.testing.assert_array_equal(
        idle.record["clock"]["rng"][streams], crowd.record["clock"]["rng"][streams]
    )
    assert not same(idle.record["books"], crowd.record["books"])


def test_the_feed_is_as_old_as_the_line_predicts():
    """A snapshot is seen until the next: its interval, stretched by its wait, and that one's."""
    market = small_market(seed=7, **{"gateway.surge": 1.0, "gateway.service_us": 2000.0})
    snapshots = {}
    oldest = {}
    while market.time < 14.0:
        market.run(0.005)
        seen = market.record["feed"]["seen"]
        now, sent = int(market.record["clock"]["now"]), int(seen["sent"])
        snapshots[sent] = int(seen["queue"])
        oldest[sent] = now - sent
    times = sorted(snapshots)
    predicted = [100e6 + snapshots[a] + 10e6 + snapshots[b] for a, b in itertools.pairwise(times)]
    ages = [oldest[a] for a in times[:-1]]
    calm = [p for t, p in zip(times, predicted, strict=False) if t < 2e9]
    assert np.quantile(ages, 0.99) > 5 * np.quantile(calm, 0.99)
    assert np.quantile(ages, 0.99) == pytest.approx(np.quantile(predicted, 0.99), rel=0.05)
    assert (np.abs(np.array(ages) - predicted) <= 6e6).mean() > 0.95

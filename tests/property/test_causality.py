"""Causality (DESIGN 8.5): nothing published before t knows what happens after t."""

import numpy as np
import pytest

from squeezegym.codes import FIRST_HOLDER_SLOT, Account, Command, Source
from tests.kernels import BUY, IOC, LEARNER_SLOT, SELL, _place, small_market

WORST = {BUY: 2**31 - 2, SELL: 1}
OVERLOAD = {
    "gateway.utilisation": 0.4,
    "gateway.surge": 5.0,
    "gateway.surge_most": 1.5,
    "gateway.shed_waiting": 24,
    "gateway.service": "exponential",
    "gateway.liquidations": "queue",
}
LOADS = [pytest.param({}, id="keeps up"), pytest.param(OVERLOAD, id="overloaded")]


def observe(market):
    """Report without running: the observation of this very moment."""
    batch = market._batch
    batch.command(0, Command.RUN)
    batch.views["until"] = market.record["clock"]["now"]
    batch.advance()
    return batch.views[0]["observation"].copy()


def act(market, target, aggression):
    view = market._batch.views[0]
    view["target"], view["aggression"], view["has_action"] = target, aggression, 1


def shock(market, side=BUY, qty=40_000, venue=0):
    """Take a large part of the true book, behind the feed's back."""
    values = (venue, Account.NOISE, side, WORST[side], qty, IOC, 0)
    _place(market.record, market._batch.params[0], *(np.int64(v) for v in values))


def twins(seed=7, seconds=3.0, **overrides):
    a, b = (small_market(seed=seed, **overrides) for _ in range(2))
    a.run(seconds)
    b.run(seconds)
    return a, b


def test_the_overloaded_engine_is_behind():
    market, _ = twins(**OVERLOAD)
    gateway = market.record["gateway"]
    assert int(gateway["waiting"]) > 10 and int(gateway["refused"][0]) > 0
    assert int(market.record["feed"]["seen"]["queue"]) > 5_000_000


@pytest.mark.nojit
@pytest.mark.parametrize("load", [{}, {**OVERLOAD, "gateway.utilisation": 0.95}])
def test_an_observation_does_not_know_the_next_action(load):
    plans = [np.random.default_rng(k).uniform(-1, 1, (12, 2)) for k in (1, 2)]
    for changed in (0, 3, 7):
        seen = []
        for plan in (plans[0], np.vstack([plans[0][:changed], plans[1][changed:]])):
            market = small_market(**{"episode.burn_in_s": 0.0, "population.shorts": 30, **load})
            observations = [observe(market)]
            for target, aggression in plan:
                act(market, target, aggression)
                market.run(0.1)
                observations.append(observe(market))
            seen.append(observations)
        for before in range(changed + 1):
            np.testing.assert_array_equal(seen[0][before], seen[1][before])
        assert any((x != y).any() for x, y in zip(*seen, strict=True))


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("venue", [0, 1])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_shock_is_seen_only_once_its_snapshot_arrives(venue, side, load):
    quiet, shocked = twins(**load)
    shock(shocked, side, 30_000, venue)
    np.testing.assert_array_equal(observe(quiet), observe(shocked))
    # The next snapshot is 10 ms on the way at the least, and waits behind the engine's work.
    arrives = int(quiet.record["clock"]["due"][Source.FEED]) / 1e9 + 0.01
    step = (arrives - quiet.time - 1e-6) / 10
    for _ in range(10):
        quiet.run(step)
        shocked.run(step)
        assert quiet.time < arrives
        np.testing.assert_array_equal(observe(quiet), observe(shocked))
    quiet.run(1.0)
    shocked.run(1.0)
    assert (observe(quiet) != observe(shocked)).any()


def test_a_slow_feed_hides_a_shock_for_its_whole_latency():
    quiet, shocked = twins(**{"transport.feed_latency_ms": 700.0})
    shock(shocked)
    for _ in range(7):
        quiet.run(0.1)
        shocked.run(0.1)
        np.testing.assert_array_equal(observe(quiet), observe(shocked))
    quiet.run(0.5)
    shocked.run(0.5)
    assert (observe(quiet) != observe(shocked)).any()


@pytest.mark.parametrize("load", LOADS)
def test_the_learner_sends_the_same_messages_whatever_the_unpublished_book(load):
    for target, aggression in ((0.7, 1.0), (-0.4, -1.0), (1.0, 0.0)):
        quiet, shocked = twins(**load)
        shock(shocked)
        for market in (quiet, shocked):
            act(market, target, aggression)
            market.run(1e-9)
        mine, other = quiet.record["gateway"], shocked.record["gateway"]
        assert int(mine["size"]) == int(other["size"]) >= 1
        size = int(mine["size"])
        for field in ("due", "kind", "side", "price", "qty", "tif"):
            np.testing.assert_array_equal(
                mine["messages"][field][:size], other["messages"][field][:size]
            )


def test_an_observation_ignores_everything_hidden():
    market = small_market()
    market.run(3.0)
    before = observe(market)
    record = market.record
    record["marks"]["fundamental"] *= 1.5
    record["marks"]["mark"] += 5_000
    record["marks"]["index"] += 5_000
    record["marks"]["venues"] *= 1.1
    for field in ("reference", "slow", "trend", "excitation"):
        record["flow"][field] += 777.0
    record["flow"]["catalyst_left"] += 10**6
    record["score"]["open_interest"] += 10**6
    record["score"]["taken"] += 10**6
    record["score"]["liquidated"] += 10**6
    record["accounts"]["quote"][FIRST_HOLDER_SLOT:] += 10**9
    record["clock"]["rng"][:] ^= np.uint64(12345)
    record["books"]["last"] += 999
    record["gateway"]["busy_until"] += 10**9
    record["gateway"]["others"] += 1.0
    record["gateway"]["refused"] += 10**3
    np.testing.assert_array_equal(observe(market), before)


def test_own_fills_are_known_only_after_the_ack_came_back():
    market = small_market(
        **{"learner.latency_ms": 200.0, "learner.jitter_ms": 0.0, "learner.short_start": 0.0}
    )
    market.run(1.0)
    flat = observe(market)[-8]
    act(market, 1.0, 1.0)
    known_at = filled_at = None
    while market.time < 2.0:
        market.run(0.01)
        position = int(market.record["accounts"]["perp"][LEARNER_SLOT])
        if filled_at is None and position:
            filled_at = market.time
        if known_at is None and observe(market)[-8] != flat:
            known_at = market.time
    assert filled_at >= 1.2
    assert known_at >= filled_at + 0.19


def test_snapshots_arrive_in_the_order_they_were_sent_and_never_early():
    market = small_market(**{"gateway.service_us": 4000.0})
    sent = -10.0e9
    while market.time < 12.0:
        market.run(0.05)
        seen = market.record["feed"]["seen"]
        assert int(seen["sent"]) >= sent
        assert int(seen["due"]) >= int(seen["sent"]) + 10_000_000
        assert int(seen["due"]) <= int(market.record["clock"]["now"])
        sent = int(seen["sent"])


@pytest.mark.parametrize("latency", [10.0, 60.0, 150.0])
@pytest.mark.parametrize("aggression", [1.0, -1.0])
def test_one_order_of_the_learner_at_most_and_no_more_than_its_target(latency, aggression):
    """Orders it has not heard of yet must not be sent again."""
    market = small_market(**{"learner.latency_ms": latency, "learner.jitter_ms": 0.0})
    limit = int(market._batch.params[0]["learners"][0]["limit"])
    for k in range(60):
        act(market, 1.0 if k < 40 else 0.5, aggression)
        market.run(0.1)
        orders = market.orders(0)
        mine = orders[orders["owner"] == LEARNER_SLOT]
        assert len(mine) <= 1
        if len(mine):
            assert int(mine["id"][0]) == int(market.record["learners"][0]["order_id"])
        assert int(market.record["accounts"]["perp"][LEARNER_SLOT]) <= limit

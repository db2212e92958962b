"""Marks of real markets under every rule, derived again from what the market shows."""

import math

import numpy as np
import pytest

from squeezegym.codes import PERP, SPOT, Account
from squeezegym.errors import ConfigError
from squeezegym.sampling import mid_ticks
from tests.kernels import PLAIN, small_market

FEW = {
    "episode.burn_in_s": 0.0,
    "population.shorts": 30,
    "population.longs": 30,
    "catalyst.start_s": [1.7, 1.7],  # off the marks, after which it would trade
}
INTERVAL = 60.0


def run(market, seconds):
    """Stop at every mark; yield the record there."""
    for k in range(1, seconds + 1):
        market.run(k - market.time)
        yield market.record


def rounded(price):
    return math.floor(price + 0.5)


class Index:
    """The index in floats, from the venues that the record shows."""

    def __init__(self, market):
        self.rules = market._batch.params[0]["marks"]

    def of(self, record):
        venues, weights = record["marks"]["venues"], self.rules["weight"]
        assert (np.abs(venues / np.median(venues) - 1) < 0.05).all()
        return float((venues * weights).sum() / weights.sum())


def touch_and_last(record):
    book = record["books"][PERP]
    return [float(book[field]) for field in ("best_bid", "best_ask", "last")]


def to_funding(record):
    return 1 - (int(record["clock"]["now"]) / 1e9 - 1.5) % INTERVAL / INTERVAL


@pytest.mark.nojit
@pytest.mark.parametrize("n", [1, 3, 30])
def test_binance(n):
    market = small_market(
        **FEW,
        **{
            "marks.basis_samples": n,
            "funding.first_s": 1.5,
            "funding.interval_s": INTERVAL,
            "funding.rule": "off",
            "marks.funding_rate": 0.002,
            "contract.basis_bps": 10.0,
        },
    )
    index = Index(market)
    opening = mid_ticks(market.record["books"][PERP]) - mid_ticks(market.record["books"][SPOT])
    window = [opening] * n
    window[0] = mid_ticks(market.record["books"][PERP]) - index.of(market.record)
    for k, record in enumerate(run(market, 5), start=1):
        i = index.of(record)
        window[k % n] = mid_ticks(record["books"][PERP]) - i
        prices = [
            i * (1 + 0.002 * to_funding(record)),
            i + np.mean(window),
            record["books"][0]["last"],
        ]
        assert int(record["marks"]["index"]) == rounded(i)
        assert int(record["marks"]["mark"]) == rounded(sorted(prices)[1])


def test_hyperliquid():
    market = small_market(
        **FEW,
        **{"marks.rule": "hyperliquid", "marks.basis_memory_s": 5.0, "marks.local_memory_s": 2.0},
    )
    index = Index(market)
    means = {}
    perp = mid_ticks(market.record["books"][PERP])
    spot = mid_ticks(market.record["books"][SPOT])
    for memory, value in ((5.0, perp - spot), (2.0, perp)):
        means[memory] = [value * memory, memory]
    marks = set()
    for record in run(market, 8):
        i, local = index.of(record), sorted(touch_and_last(record))[1]
        found = {}
        for memory, value in ((5.0, mid_ticks(record["books"][PERP]) - i), (2.0, local)):
            keep = math.exp(-1 / memory)
            means[memory] = [means[memory][0] * keep + value, means[memory][1] * keep + 1]
            found[memory] = means[memory][0] / means[memory][1]
        assert int(record["marks"]["mark"]) == rounded(
            sorted((i + found[5.0], local, found[2.0]))[1]
        )
        marks.add(int(record["marks"]["mark"]))
    assert len(marks) > 2


@pytest.mark.parametrize("rule", ["oracle", "last", "clamped_last", "funding_basis"])
def test_other_rules(rule):
    overrides = {
        "marks.rule": rule,
        "funding.first_s": 1.5,
        "funding.interval_s": INTERVAL,
        "funding.sample_s": 0.5,
    }
    market = small_market(**FEW, **overrides)
    index = Index(market)
    for k in range(1, 6):
        market.run(k - 0.01 - market.time)  # a mark comes before the sample of its time
        rate = int(market.record["funding"]["rate"]) / 1e8
        market.run(k - market.time)
        record = market.record
        bid, ask, last = touch_and_last(record)
        i = index.of(record)
        wanted = {
            "oracle": i,
            "last": last,
            "clamped_last": sorted((bid, last, ask))[1],
            "funding_basis": i * (1 + rate * to_funding(record)),
        }[rule]
        assert int(record["marks"]["mark"]) == rounded(wanted)


def test_a_silent_venue_loses_its_weight():
    market = small_market(
        **FEW,
        **{"marks.frozen_venue": [False, True, False, False, False], "marks.stale_s": 3.0},
    )
    frozen = float(market.record["marks"]["venues"][1])
    for k, record in enumerate(run(market, 5), start=1):
        venues, weights = record["marks"]["venues"], record["marks"]["weight"]
        # Frozen from time 0: the opening was its last word.
        assert float(venues[1]) == frozen
        assert (float(weights[1]) == 0) == (k >= 3)
        assert int(record["marks"]["index"]) == rounded((venues * weights).sum() / weights.sum())
    assert abs(venues[0] / frozen - 1) > 1e-5


def test_a_venue_freezes_at_its_time_and_the_others_keep_their_noise():
    free = small_market(**FEW)
    cold = small_market(
        **FEW,
        **{"marks.frozen_venue": [False, False, False, False, True], "marks.frozen_from_s": 2.0},
    )
    for market in (free, cold):
        market.run(1.5)
    assert free.record["marks"].tobytes() == cold.record["marks"].tobytes()
    for market in (free, cold):
        market.run(1.0)
    mine, other = free.record["marks"]["venues"], cold.record["marks"]["venues"]
    assert mine[:4].tolist() == other[:4].tolist() and mine[4] != other[4]


def test_a_skewed_venue_is_an_outlier_and_two_make_the_median_the_index():
    one = small_market(**FEW, **{"marks.skew_bps": [0.0, 0.0, 800.0, 0.0, 0.0]})
    two = small_market(**FEW, **{"marks.skew_bps": [0.0, 0.0, 800.0, -700.0, 0.0]})
    near = small_market(**FEW, **{"marks.skew_bps": [0.0, 0.0, 400.0, 0.0, 0.0]})
    for market in (one, two, near):
        market.run(3.0)
        venues, weights = market.record["marks"]["venues"], market.record["marks"]["weight"]
        kept = np.abs(venues / np.median(venues) - 1) <= 0.05
        wanted = (venues * weights * kept).sum() / (weights * kept).sum()
        if market is two:
            assert kept.sum() == 3
            wanted = np.median(venues)
        assert int(market.record["marks"]["index"]) == rounded(wanted)
    assert kept.all()  # within the threshold a skew moves the index by its weight
    basis = float(venues[2]) / float(venues[0]) - 1
    assert basis == pytest.approx(0.04, abs=2e-3)


def test_the_clamped_index_holds_a_skewed_venue():
    market = small_market(
        **FEW, **{"marks.skew_bps": [0.0, 0.0, 800.0, 0.0, 0.0], "marks.index_rule": "clamped"}
    )
    market.run(3.0)
    venues = market.record["marks"]["venues"]
    middle = np.median(venues)
    wanted = np.clip(venues, middle * 0.995, middle * 1.005).mean()
    assert int(market.record["marks"]["index"]) == rounded(wanted)
    assert wanted / middle - 1 == pytest.approx(0.001, abs=5e-4)


def test_a_squeeze_liquidates_by_mark_not_by_last_price():
    counts = {}
    for rule in ("oracle", "last"):
        market = small_market(seed=5, **PLAIN, **{"marks.rule": rule, "marks.interval_ms": 100})
        market.run(14.0)
        counts[rule] = int(market.record["score"]["liquidations"].sum())
        assert market.ledger()["sum"] == (0, 0, 0)
        assert int(market.record["accounts"]["quote"][Account.FUND]) >= 0
    assert counts["last"] > counts["oracle"] > 0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"marks.rule": "median"}, "marks.rule"),
        ({"marks.basis_samples": 31}, "marks.basis_samples"),
        ({"marks.index_rule": "mean"}, "marks.index_rule"),
        ({"marks.frozen_venue": [True]}, "marks.frozen_venue"),
        ({"marks.skew_bps": [0.0, 0.0, 0.0, 0.0, -10_000.0]}, "marks.skew_bps"),
    ],
)
def test_bad_rules_are_named(overrides, message):
    with pytest.raises(ConfigError, match=message):
        small_market(**overrides)
